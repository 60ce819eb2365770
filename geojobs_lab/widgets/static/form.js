// The form of a registered job: fields from its document, submitting by the page itself, what became of it.

const sameJson = (one, other) => JSON.stringify(one) === JSON.stringify(other);

function makeForm(model, job, shared, reach, signal) {
  const fields = job.inputs.map((input) => makeField(input, { ...shared, changed: () => told() }));
  const byName = new Map(fields.map((field) => [field.name, field]));
  const trouble = make("div", { class: "gj-trouble", role: "alert", tabindex: "-1" });
  const button = make("button", { type: "submit", class: "gj-submit gj-primary" }, "Submit");
  const said = make("span", { class: "gj-quiet", role: "status" });
  const legend = make("span", { class: "gj-quiet gj-legend" }, make("span", { class: "gj-star" }, "*"), " required");
  const actions = make("div", { class: "gj-actions" }, button, said);
  if (job.inputs.some((input) => input.required)) actions.append(legend);
  const element = make("form", { novalidate: true, "aria-label": job.title || job.name }, trouble);
  element.append(...fields.map((field) => field.element), actions);
  trouble.hidden = true;
  let timer;
  let busy = false;

  function read(unreadable = () => {}) {
    const values = {};
    for (const field of fields) {
      try {
        const value = field.control.read();
        if (value !== undefined) values[field.name] = value;
      } catch (error) {
        if (!(error instanceof Unreadable)) throw error;
        unreadable(field, error.message);
      }
    }
    return values;
  }
  /** Tell the kernel what stands in the form, when somebody has paused. */
  function told() {
    clearTimeout(timer);
    timer = setTimeout(tell, 250);
  }
  function tell() {
    const values = read();
    if (sameJson(values, model.get("values"))) return;
    model.set("values", values);
    model.save_changes();
  }
  function fill() {
    const values = model.get("values");
    if (sameJson(values, read())) return;
    const now = read();
    for (const field of fields) {
      if (!sameJson(values[field.name], now[field.name])) field.control.write(values[field.name]);
    }
  }
  function complain(text) {
    trouble.replaceChildren(sign("failure"), text);
    trouble.hidden = false;
  }
  function forgive() {
    trouble.hidden = true;
    said.textContent = "";
    fields.forEach((field) => field.forgive());
  }
  function work(state) {
    busy = state;
    button.setAttribute("aria-disabled", String(state)); // not `disabled`, which would lose the focus
    button.setAttribute("aria-busy", String(state));
    button.textContent = state ? "Submitting…" : "Submit";
  }
  function focusFirst() {
    const first = fields.find((field) => !field.element.querySelector(".gj-error").hidden);
    if (first) first.focus();
    else trouble.focus();
  }
  function refused(error, values) {
    const found = blamed(error.message, [...byName.keys()]);
    for (const [name, path, text] of found) byName.get(name).blame(text, path);
    const text = error.message.replace(/^inputs: /, "");
    if (found.length) return;
    const citers = citing(error.message, values);
    citers.forEach((name) => byName.get(name)?.blame(text));
    if (!citers.length) complain(capitalised(text));
  }
  function lost(error, direct) {
    const unknown = ". Whether the job was submitted is not known: look at the jobs before trying again.";
    complain(capitalised(error.message) + (direct ? unknown : ""));
  }
  async function submit(event) {
    event.preventDefault();
    if (busy) return;
    forgive();
    let readable = true;
    const values = read((field, message) => {
      readable = false;
      field.blame(message);
    });
    if (!readable) return focusFirst();
    work(true);
    if (!reach.direct()) said.textContent = "The page cannot reach the server: the kernel submits, when it is free.";
    try {
      const document = await reach("jobs/", { job: job.name, inputs: values });
      clearTimeout(timer);
      model.set("values", values);
      model.set("submitted", [...model.get("submitted"), document.uuid]);
      model.save_changes();
      said.textContent = `Submitted as ${document.uuid.slice(0, 8)}.`;
    } catch (error) {
      if (error.name === "AbortError") return;
      said.textContent = "";
      if (error instanceof Refused) refused(error, values);
      else if (error instanceof Unreachable) lost(error, reach.direct());
      else throw error;
      focusFirst();
    } finally {
      work(false);
    }
  }
  element.addEventListener("submit", submit);
  element.addEventListener("keydown", (event) => {
    // In an output of JupyterLab the browser does not do this by itself.
    const meant = event.key === "Enter" && event.target.tagName === "INPUT" && !event.isComposing;
    if (!meant || event.defaultPrevented) return;
    event.preventDefault();
    element.requestSubmit(button);
  });
  for (const name of ["input", "change"]) {
    element.addEventListener(name, (event) => {
      byName.get(event.target.closest("[data-input]")?.dataset.input)?.forgive();
      told();
    });
  }
  fill();
  told(); // what the page adds: a tick that is not set means "no"
  model.on("change:values", fill);
  const close = () => {
    model.off("change:values", fill);
    clearTimeout(timer);
    fields.forEach((field) => field.close());
  };
  signal.addEventListener("abort", close);
  return { element, close };
}

function render({ model, el }) {
  const stop = new AbortController();
  const { signal } = stop;
  const reach = reacher(model, signal);
  const heading = make("div", { class: "gj-heading" });
  const place = make("div", {});
  const root = make("div", { class: "geojobs geojobs-form" }, heading, place);
  keepKeys(root);
  root.append(jobLines(model, signal));
  const shared = { services: publishedServices(reach, signal) };
  let shown;
  let form;

  function show(job) {
    if (sameJson(shown, job)) return;
    shown = job;
    form?.close();
    form = null;
    root.dataset.job = job.name;
    const name = job.title && job.title !== job.name ? make("code", { class: "gj-quiet" }, job.name) : null;
    const about = job.description ? make("div", { class: "gj-quiet" }, job.description) : null;
    heading.replaceChildren(make("div", { class: "gj-title" }, job.title || job.name, name), about ?? "");
    if (job.available) {
      form = makeForm(model, job, shared, reach, signal);
      place.replaceChildren(form.element);
    } else {
      const reason = job.reason ? `: ${job.reason}` : "";
      const text = `This job is not available${reason}`;
      place.replaceChildren(make("div", { class: "gj-unavailable", role: "note" }, sign("failure"), text));
    }
  }

  const document = () => show(model.get("document"));
  document();
  model.on("change:document", document);
  signal.addEventListener("abort", () => model.off("change:document", document));
  // The job may have changed since the form was made: a saved notebook, a server that was started anew.
  const name = model.get("document").name;
  reach(`registered-jobs/${encodeURIComponent(name)}/`).then(show, (error) => {
    if (!(error instanceof Refused) || error.status !== 404) return;
    show({ ...model.get("document"), available: false, reason: error.message });
  });
  el.append(root);
  return () => stop.abort();
}

export default { render };
