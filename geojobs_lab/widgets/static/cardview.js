// What a job's card looks like; what happens when is in jobcard.js.

const ENDS = { success: "succeeded", failure: "failed", revoked: "was cancelled" };
const WORDS_WITHOUT_MESSAGE = { pending: "waiting for a free worker", started: "running" };

/** Build the elements of a card. `acts` has what its buttons do, `load` asks the server for a document. */
function cardView(acts, rest, load) {
  const name = make("span", { class: "gj-name" });
  const status = make("span", { class: "gj-status", role: "status" });
  const clock = make("span", { class: "gj-clock gj-number gj-quiet" });
  const pressed = (act) => (event) => event.currentTarget.hasAttribute("aria-disabled") || act();
  const button = (kind, act, text, hidden) =>
    make("button", { class: kind, type: "button", hidden, onclick: pressed(act) }, text);
  const cancel = button("gj-cancel", acts.cancel, "Cancel", false);
  const retry = button("gj-retry", acts.retry, "Retry", true);
  const map = button("gj-map gj-primary", acts.map, "Map", true);
  const buttons = make("span", { class: "gj-buttons" }, cancel, retry, map);
  const head = make("div", { class: "gj-head" }, name, status, clock, buttons);

  const fill = make("div", { class: "gj-fill" });
  const bar = make("div", { class: "gj-bar", role: "progressbar", "aria-valuemin": "0", "aria-valuemax": "100" }, fill);
  const percent = make("span", { class: "gj-percent gj-number gj-quiet" });
  const progress = make("div", { class: "gj-progress" }, bar, percent);

  const message = make("div", { class: "gj-message" });
  const reason = make("div", { class: "gj-reason" });
  const tracebackText = make("pre", { tabindex: "0" });
  const traceback = make("details", { class: "gj-traceback", hidden: true }, make("summary", {}, "Traceback"), tracebackText);
  const failure = make("div", { class: "gj-failure", hidden: true }, reason, traceback);
  const outputs = make("div", { class: "gj-outputs", hidden: true });
  const log = logView();
  const inputsTitle = make("summary", {});
  const inputsList = make("div", {});
  const inputs = make("details", { class: "gj-inputs" }, inputsTitle, inputsList);
  const attempts = make("div", { class: "gj-attempts gj-quiet", hidden: true });
  const note = make("div", { class: "gj-note", role: "status", hidden: true });
  const folds = make("div", { class: "gj-folds" }, inputs, log.fold);
  const below = make("div", { class: "gj-below", hidden: true });
  const root = make(
    "section",
    { class: "geojobs geojobs-card" },
    head, progress, message, log.tail, failure, outputs, attempts, note, folds, below,
  );
  let filled = {}; // what the folds were filled with

  function show(job) {
    const isFinal = FINAL.has(job.status);
    const hadFocus = document.activeElement === cancel;
    root.dataset.uuid = job.uuid;
    root.setAttribute("aria-label", `Job ${job.job}`);
    setText(name, job.job);
    name.title = job.uuid;
    if (root.dataset.status !== job.status) status.replaceChildren(stateMark(job.status));
    root.dataset.status = job.status;
    cancel.hidden = isFinal;
    retry.hidden = !isFinal;
    setText(retry, job.status === "success" ? "Run again" : "Retry");
    const rasters = Object.entries(parsed(job.outputs)).flatMap(([key, value]) => rastersOf(job, key, value));
    map.hidden = job.status !== "success" || rasters.length === 0;
    if (hadFocus && isFinal) retry.focus();
    showProgress(job);
    setText(message, job.message || WORDS_WITHOUT_MESSAGE[job.status] || "");
    message.hidden = !message.textContent || job.status === "success"; // what it did last is no news any more
    message.classList.toggle("gj-quiet", isFinal);
    showFailure(job);
    fillOnce(job);
    log.showTail(!isFinal);
    tick(job);
  }

  function showProgress(job) {
    const share = job.status === "success" ? 1 : job.progress;
    const known = share !== null && share !== undefined;
    const value = known ? Math.floor(100 * share) : null;
    bar.dataset.moving = !known && job.status === "started" ? "true" : "false";
    bar.setAttribute("aria-label", `Progress of ${job.job}`);
    if (known) bar.setAttribute("aria-valuenow", value);
    else bar.removeAttribute("aria-valuenow");
    fill.style.width = known ? `${100 * share}%` : "";
    setText(percent, known ? `${value} %` : "");
  }

  function showFailure(job) {
    failure.hidden = job.status !== "failure";
    if (!job.error) return;
    reason.replaceChildren(
      make("strong", {}, job.error.type),
      `: ${job.error.message}`,
      job.error.where ? make("span", { class: "gj-quiet" }, ` in ${job.error.where}`) : "",
    );
    const text = log.traceback();
    traceback.hidden = !text;
    setText(tracebackText, text || "");
  }

  function fillOnce(job) {
    if (filled.uuid !== job.uuid) {
      const pairs = Object.entries(parsed(job.inputs)).map(([key, value]) => [key, readable(value)]);
      setText(inputsTitle, pairs.length ? `Inputs (${pairs.length})` : "No inputs");
      inputsList.replaceChildren(pairs.length ? definitions(pairs) : "");
      outputs.hidden = true;
    }
    if (job.status === "success" && !(filled.uuid === job.uuid && filled.final)) {
      const found = outputsOf(job, rest, load);
      outputs.replaceChildren(definitions(found));
      outputs.hidden = found.length === 0;
    }
    if (filled.uuid !== job.uuid || filled.status !== job.status) {
      const times = ["created", "started", "finished"].filter((key) => job[key]);
      const words = times.map((key) => `${key === "created" ? "submitted" : key} ${moment(job[key])}`).join(", ");
      inputsList.querySelector(".gj-times")?.remove();
      const full = times.map((key) => `${key}: ${fullMoment(job[key])}`).join("\n");
      inputsList.append(make("p", { class: "gj-times gj-quiet", title: full }, `Job ${job.uuid}, ${words}`));
    }
    filled = { uuid: job.uuid, status: job.status, final: job.status === "success" };
  }

  function tick(job) {
    if (!job.uuid) return;
    setText(clock, elapsedText(job));
  }

  function say(text) {
    setText(note, text);
    note.hidden = !text;
  }

  function tellAttempts(list, job) {
    attempts.hidden = list.length === 0;
    if (!list.length) return;
    const before = list[list.length - 1];
    attempts.replaceChildren(
      `Attempt ${list.length + 1}; the one before ${ENDS[before.status]}. In Python this one is `,
      make("code", {}, `client.job("${job.uuid}")`),
    );
  }

  return { root, below, buttons: { cancel, retry, map }, log, show, showFailure, tick, say, tellAttempts };
}
