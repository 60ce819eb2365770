// What became of the jobs that were submitted, one line each, until the kernel has made their cards.

/** Lines for jobs that have no card yet: the kernel makes the cards, and may be busy or gone. */
function jobLines(model, signal) {
  const element = make("div", { class: "gj-lines" });
  const lines = new Map();
  let looking = false;

  function show(line, document) {
    const { status, progress } = document;
    const share = typeof progress === "number" ? Math.round(100 * progress) : null;
    const message = document.error ? document.error.message : document.message;
    if (line.element.dataset.status !== status) line.state.replaceChildren(stateMark(status)); // read aloud then
    line.element.dataset.status = status;
    line.done = FINAL.has(status) || status === "removed";
    line.share.textContent = share === null || line.done ? "" : `${share} %`;
    line.message.textContent = message || "";
    line.bar.hidden = share === null || line.done;
    line.bar.firstChild.style.width = `${share}%`;
    line.bar.setAttribute("aria-valuenow", share ?? 0);
  }
  function add(uuid) {
    const line = { done: false };
    line.state = make("span", { "aria-live": "polite" });
    const limits = { "aria-valuemin": 0, "aria-valuemax": 100, "aria-label": "progress" };
    line.bar = make("span", { class: "gj-bar", role: "progressbar", ...limits }, make("span", {}));
    line.share = make("span", { class: "gj-number" });
    line.message = make("span", { class: "gj-message gj-quiet" });
    const short = make("code", { class: "gj-quiet", title: uuid }, uuid.slice(0, 8));
    const parts = [line.state, line.bar, line.share, line.message, short];
    line.element = make("div", { class: "gj-job", "data-uuid": uuid }, ...parts);
    lines.set(uuid, line);
    element.prepend(line.element);
    show(line, { status: "pending", progress: null, message: null });
  }
  async function look() {
    const active = [...lines].filter(([, line]) => !line.done).map(([uuid]) => uuid);
    if (active.length === 0) return (looking = false);
    try {
      const { results } = await ask(model, `jobs/?limit=1000&uuid=${active.join(",")}`, { signal });
      const found = new Map(results.map((document) => [document.uuid, document]));
      const removed = { status: "removed", progress: null, message: "there is no such job any more" };
      for (const uuid of active) if (lines.has(uuid)) show(lines.get(uuid), found.get(uuid) || removed);
    } catch (error) {
      if (error.name === "AbortError") throw error;
      for (const uuid of active) if (lines.has(uuid)) lines.get(uuid).message.textContent = error.message;
      throw error; // asked again, more slowly
    }
    return true;
  }
  function follow() {
    const wanted = model.get("submitted").filter((uuid) => !model.get("carded").includes(uuid));
    for (const uuid of [...lines.keys()].filter((uuid) => !wanted.includes(uuid))) {
      lines.get(uuid).element.remove();
      lines.delete(uuid);
    }
    wanted.filter((uuid) => !lines.has(uuid)).forEach(add);
    if (lines.size && !looking) {
      looking = true;
      repeatedly(look, 1000, signal);
    }
  }
  for (const name of ["change:submitted", "change:carded"]) {
    model.on(name, follow);
    signal.addEventListener("abort", () => model.off(name, follow));
  }
  follow();
  return element;
}
