// A list of the server as a live table: pages, rows that stay while they are worked with, a step to confirm in the row.

const EVERY = 2000; // milliseconds between two looks at a list

/**
 * Show a list until the signal is aborted.
 *
 * `spec` has: name (class of the root, and of what the rows are), path (of the list), filters (traits in the query),
 * tools (elements above the table), headings, keyOf(item), row(tools) -> {cells, update(item)}, acts.
 */
function renderTable(model, el, signal, spec) {
  keepKeys(el);
  const rows = new Map();
  const body = make("tbody", {});
  const headings = [...spec.headings, ""].map((text) =>
    text ? make("th", { scope: "col" }, text) : make("th", { scope: "col" }, make("span", { class: "gj-unseen" }, "Actions")),
  );
  const table = make("table", { "aria-label": spec.name }, make("thead", {}, make("tr", {}, ...headings)), body);
  const before = make("button", { class: "gj-before", type: "button", onclick: () => turn(-1) }, "Previous");
  const after = make("button", { class: "gj-after", type: "button", onclick: () => turn(1) }, "Next");
  const range = make("span", { class: "gj-range gj-number gj-quiet", role: "status" });
  const empty = make("p", { class: "gj-empty gj-quiet", hidden: true });
  const note = make("p", { class: "gj-note", role: "status", hidden: true });
  const top = make("div", { class: "gj-tools" }, ...spec.tools, make("span", { class: "gj-pages" }, range, before, after));
  const scroll = make("div", { class: "gj-scroll" }, table);
  const root = make("section", { class: `geojobs geojobs-${spec.name}`, tabindex: "-1", "aria-label": spec.name }, top, note, scroll, empty);
  let asked = 0; // the last question: an answer to an earlier one is no news
  let kernelAsked = false;

  function query() {
    const wanted = Object.fromEntries([...spec.filters, "limit", "offset"].map((name) => [name, model.get(name)]));
    return new URLSearchParams(Object.entries(wanted).filter(([, value]) => value)).toString();
  }

  async function load() {
    const number = ++asked;
    try {
      const answer = await ask(model, `${spec.path}?${query()}`, { signal });
      if (number !== asked) return;
      say("");
      show(answer);
      // for the notebook that is saved; the kernel asks when it is wanted
      if (JSON.stringify(answer) !== JSON.stringify(model.get("listed"))) model.set("listed", answer);
    } catch (error) {
      if (error.name === "AbortError" || number !== asked) return;
      say(error instanceof Refused ? `The server says: ${error.message}` : `${sentence(error.message)} What the kernel knows is shown.`);
      if (error instanceof Unreachable && !kernelAsked) kernelAsked = tellKernel(model, { wish: "list" });
      throw error;
    }
  }

  /** Look at once, besides the regular looks. */
  function refresh() {
    load().catch(() => {});
  }

  function show({ count, results }) {
    const offset = model.get("offset");
    if (offset && offset >= count) return choose({ offset: Math.max(0, Math.ceil(count / model.get("limit")) - 1) * model.get("limit") });
    const keys = results.map(spec.keyOf);
    let hadFocus = false;
    for (const [key, row] of rows) {
      if (keys.includes(key)) continue;
      hadFocus ||= row.element.contains(document.activeElement);
      row.element.remove();
      rows.delete(key);
    }
    results.forEach((item, place) => {
      const row = rows.get(keys[place]) || newRow(keys[place]);
      row.update(item);
      // a row that stands where it belongs is not moved: it would lose the focus
      if (body.children[place] !== row.element) body.insertBefore(row.element, body.children[place] || null);
    });
    if (hadFocus) root.focus();
    table.hidden = count === 0;
    empty.hidden = count !== 0;
    const filtered = spec.filters.some((name) => model.get(name));
    setText(empty, filtered ? `No ${spec.name} like that.` : `No ${spec.name} yet.`);
    setText(range, count ? `${offset + 1}–${offset + results.length} of ${count}` : "");
    before.disabled = offset === 0;
    after.disabled = offset + results.length >= count;
    before.hidden = after.hidden = before.disabled && after.disabled;
  }

  function newRow(key) {
    const buttons = rowButtons((act) => spec.acts[act](key, { signal }), (act) => tellKernel(model, { wish: act, key }), refresh);
    const { cells, update } = spec.row(buttons);
    const element = make("tr", { [`data-${spec.keyName}`]: key }, ...cells, buttons.cell);
    const row = { element, buttons, update: (item) => update(item, element) };
    rows.set(key, row);
    return row;
  }

  function choose(values) {
    for (const [name, value] of Object.entries(values)) model.set(name, value);
    try {
      model.save_changes();
    } catch {
      // no kernel hears it: the page goes on by itself
    }
  }

  function turn(direction) {
    choose({ offset: Math.max(0, model.get("offset") + direction * model.get("limit")) });
  }

  function say(text) {
    setText(note, text);
    note.hidden = !text;
  }

  const listed = () => show(model.get("listed"));
  const heard = (content) => {
    if (!content.answer) return;
    kernelAsked = false;
    const row = rows.get(content.key);
    if (row) row.buttons.say(content.trouble || "");
    else if (content.trouble) say(content.trouble);
  };
  const on = { "change:listed": listed, "msg:custom": heard };
  for (const name of [...spec.filters, "limit", "offset"]) on[`change:${name}`] = refresh;
  for (const [name, act] of Object.entries(on)) model.on(name, act);
  signal.addEventListener("abort", () => {
    for (const [name, act] of Object.entries(on)) model.off(name, act);
  });
  el.append(root);
  if (model.get("listed").results) listed();
  repeatedly(load, EVERY, signal);
  return { choose };
}

/**
 * The last cell of a row: buttons, a question before what cannot be undone, and what went wrong.
 *
 * `act` asks the server, `tell` the kernel, `done` looks at the list anew.
 */
function rowButtons(act, tell, done) {
  const line = make("div", { class: "gj-buttons" });
  const trouble = make("div", { class: "gj-row-trouble", role: "status", hidden: true });
  const cell = make("td", { class: "gj-acts" }, line, trouble);
  let shown = "";
  let offered = [];

  /** Offer buttons: `{act, text, question, yes}` each; one with a question asks before it acts. */
  function offer(buttons) {
    const name = buttons.map((button) => button.act).join(" ");
    const isSame = name === shown;
    offered = buttons;
    shown = name;
    if (!isSame) draw();
  }

  function draw() {
    line.replaceChildren(
      ...offered.map((button) =>
        make("button", { class: `gj-${button.act}`, type: "button", onclick: () => press(button) }, button.text),
      ),
    );
  }

  function press(button) {
    if (!button.question) return run(button.act);
    const back = () => {
      draw();
      line.querySelector(`.gj-${button.act}`)?.focus();
    };
    const yes = make("button", { class: "gj-confirm gj-danger", type: "button", onclick: () => run(button.act) }, button.yes);
    const no = make("button", { class: "gj-back", type: "button", onclick: back }, "No");
    const question = make("span", { class: "gj-question" }, button.question);
    const group = make("span", { class: "gj-asked", role: "group", "aria-label": button.question }, question, yes, no);
    group.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      event.stopPropagation(); // the notebook would leave the cell
      back();
    });
    line.replaceChildren(group);
    no.focus();
  }

  async function run(name) {
    if (line.hasAttribute("aria-busy")) return;
    line.setAttribute("aria-busy", "true");
    say("");
    try {
      await act(name);
    } catch (error) {
      if (error.name === "AbortError") return;
      const told = error instanceof Unreachable && tell(name);
      say(told ? "The page cannot reach the server; the kernel does it when it is free." : error.message);
    } finally {
      const hadFocus = line.contains(document.activeElement);
      line.removeAttribute("aria-busy");
      draw();
      if (hadFocus) line.querySelector("button")?.focus();
      done();
    }
  }

  function say(text) {
    setText(trouble, text);
    trouble.hidden = !text;
  }
  return { cell, offer, say };
}
