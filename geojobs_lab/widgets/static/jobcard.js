// The life of a job's card: asks the server how the job is, and does what its buttons say. What the kernel tells by its
// traits counts where it is newer, and where the server cannot be reached.

const LOOK = 700; // milliseconds between two looks at a job
const TICK = 200; // milliseconds between two pictures of the clock
const KERNEL_PATIENCE = 4000; // milliseconds that a kernel that is free does not need for an answer

function renderJobCard(model, el, outer) {
  let job = { uuid: "", revision: -1 };
  let current = new AbortController(); // ends what belongs to the job that is shown
  let ownLog = false; // whether the log came from the server
  let offset = 0;
  let awaited = null; // timer: the map that the kernel was asked for

  const load = (path) => ask(model, path, { signal: outer });
  const view = cardView({ cancel, retry, map }, model.get("rest"), load);
  const { buttons } = view;
  const mapBelow = childBelow(model, view, outer);

  function follow(uuid) {
    current.abort();
    current = new AbortController();
    const known = model.get("document") || {};
    job = known.uuid === uuid ? known : { uuid, revision: -1 };
    ownLog = false;
    offset = 0;
    view.log.clear();
    view.log.add(model.get("log") || []);
    if (job.job) view.show(job);
    view.tellAttempts(model.get("attempts") || [], job);
    view.say("");
    const { signal } = current;
    repeatedly(() => look(uuid, signal), LOOK, signal);
    const clock = setInterval(() => (FINAL.has(job.status) ? clearInterval(clock) : view.tick(job)), TICK);
    signal.addEventListener("abort", () => clearInterval(clock));
  }

  async function look(uuid, signal) {
    try {
      const found = await ask(model, `jobs/${uuid}/`, { signal });
      if (!FINAL.has(found.status)) take(found);
      await readLog(uuid, signal); // before the end is shown, which shows the log's traceback
      take(found);
      view.say("");
    } catch (error) {
      if (error.name === "AbortError") throw error;
      if (error instanceof Refused && error.status === 404) return removed();
      if (FINAL.has(job.status)) return false;
      view.say(
        error instanceof Refused
          ? `The server says: ${error.message}`
          : `${sentence(error.message)} What the kernel tells is shown.`,
      );
      throw error;
    }
    return !FINAL.has(job.status);
  }

  function take(found) {
    if (found.uuid !== job.uuid || found.revision < job.revision) return;
    job = found;
    view.show(job);
    const known = model.get("document") || {};
    // for the notebook that is saved; the kernel hears it by itself
    if (known.uuid !== job.uuid || known.revision < job.revision) model.set("document", job);
  }

  async function readLog(uuid, signal) {
    for (;;) {
      const answer = await ask(model, `jobs/${uuid}/log/?offset=${offset}`, { signal });
      if (signal.aborted) return;
      if (!ownLog && answer.lines.length) view.log.clear(); // the kernel knew its end only
      ownLog ||= answer.lines.length > 0;
      if (!answer.lines.length) return;
      view.log.add(answer.lines);
      offset = answer.next_offset;
    }
  }

  function removed() {
    for (const button of [buttons.cancel, buttons.map]) button.hidden = true;
    buttons.retry.hidden = !job.job;
    view.say("The server does not know this job any more.");
    return false;
  }

  async function cancel() {
    const { signal } = current;
    working(buttons.cancel, "Cancelling…");
    try {
      // only while it is active: a job that has ended meanwhile is not to be removed
      take(await ask(model, `jobs/${job.uuid}/?active=true`, { method: "DELETE", signal }));
    } catch (error) {
      if (error.name === "AbortError") return;
      if (error instanceof Refused && error.status === 404) return removed();
      if (error instanceof Refused && error.status === 409) return; // it has ended, as the card is about to hear
      if (error instanceof Refused) return view.say(`It is not cancelled: ${error.message}`);
      const told = tellKernel(model, { wish: "cancel" });
      view.say(told ? "The page cannot reach the server; the kernel cancels the job when it is free." : error.message);
    } finally {
      ready(buttons.cancel, "Cancel");
    }
  }

  /** Submit the same once more; what the server does not know any more, as the card knows it. */
  async function again() {
    try {
      return await ask(model, `jobs/${job.uuid}/retry/`, { method: "POST", signal: outer });
    } catch (error) {
      if (!(error instanceof Refused && error.status === 404)) throw error;
      const send = { job: job.job, inputs: job.inputs };
      return ask(model, "jobs/", { method: "POST", send, signal: outer });
    }
  }

  async function retry() {
    const before = buttons.retry.textContent;
    working(buttons.retry, "Submitting…");
    try {
      const submitted = await again();
      const attempts = [...(model.get("attempts") || []), { uuid: job.uuid, status: job.status }];
      model.set("attempts", attempts);
      model.set("document", submitted);
      model.set("log", []);
      model.set("shown", null); // it is the map of the former job
      model.set("uuid", submitted.uuid); // and change:uuid follows it
      save(model);
    } catch (error) {
      if (error.name !== "AbortError") view.say(`It is not submitted: ${error.message}`);
    } finally {
      ready(buttons.retry, before);
      if (job.job) view.show(job);
    }
  }

  function map() {
    if (mapBelow.toggle()) return;
    const advice = `run client.job("${job.uuid}").map() in a cell`;
    if (!tellKernel(model, { wish: "map" })) return view.say(`There is no kernel to draw the map: ${advice}.`);
    working(buttons.map, "Drawing…");
    clearTimeout(awaited);
    awaited = setTimeout(() => {
      ready(buttons.map, "Map");
      view.say(`The kernel does not answer. If it is busy, the map comes when it is free; if it was restarted, ${advice}.`);
    }, KERNEL_PATIENCE);
  }

  function heard(content) {
    if (content.answer === "map") {
      clearTimeout(awaited);
      ready(buttons.map, mapBelow.isOpen() ? "Hide map" : "Map");
    }
    if (content.answer) view.say(content.trouble || "");
  }

  function changedUuid() {
    if (model.get("uuid") !== job.uuid) follow(model.get("uuid"));
  }
  const on = {
    "change:uuid": changedUuid,
    "change:attempts": () => view.tellAttempts(model.get("attempts") || [], job),
    "change:document": () => take(model.get("document") || {}),
    "change:log": () => {
      if (ownLog) return;
      view.log.clear();
      view.log.add(model.get("log") || []);
      if (job.job) view.show(job);
    },
    "msg:custom": heard,
  };
  for (const [name, act] of Object.entries(on)) model.on(name, act);
  outer.addEventListener("abort", () => {
    for (const [name, act] of Object.entries(on)) model.off(name, act);
    clearTimeout(awaited);
    current.abort();
  });
  el.append(view.root);
  follow(model.get("uuid"));
}

function save(model) {
  try {
    model.save_changes();
  } catch {
    // no kernel hears it: the page goes on by itself
  }
}

// A button that is `disabled` would lose the focus.
function working(button, text) {
  button.setAttribute("aria-disabled", "true");
  button.textContent = text;
}

function ready(button, text) {
  button.removeAttribute("aria-disabled");
  button.textContent = text;
}
