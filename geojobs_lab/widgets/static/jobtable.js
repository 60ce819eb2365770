// The jobs of a server.

const STATUSES = ["pending", "started", "success", "failure", "revoked"];

function chooser(label, name, texts, value, change) {
  const options = texts.map(([key, text]) => make("option", { value: key }, text));
  const select = make("select", { class: `gj-filter-${name}`, onchange: () => change(select.value) }, ...options);
  select.value = value;
  return { select, label: make("label", { class: "gj-filter" }, make("span", { class: "gj-quiet" }, label), select) };
}

function jobRow({ offer }) {
  const name = make("span", { class: "gj-name" });
  const id = make("span", { class: "gj-id gj-quiet" });
  const state = make("div", {});
  const fill = make("div", { class: "gj-fill" });
  const bar = make("div", { class: "gj-bar", role: "progressbar", "aria-valuemin": "0", "aria-valuemax": "100" }, fill);
  const said = make("div", { class: "gj-clipped" });
  const created = make("td", { class: "gj-number gj-narrow" });
  const time = make("td", { class: "gj-number gj-narrow" });
  const cells = [make("td", {}, name, id), make("td", { class: "gj-status" }, state, bar), make("td", { class: "gj-wide" }, said), created, time];

  function update(job, element) {
    const isFinal = FINAL.has(job.status);
    setText(name, job.job);
    setText(id, job.uuid.slice(0, 8));
    id.title = job.uuid;
    const percent = job.progress === null || isFinal ? null : Math.floor(100 * job.progress);
    if (element.dataset.status !== job.status) state.replaceChildren(stateMark(job.status));
    element.dataset.status = job.status;
    bar.hidden = percent === null;
    bar.setAttribute("aria-label", `Progress of ${job.job}`);
    bar.setAttribute("aria-valuenow", percent ?? 0);
    fill.style.width = `${percent ?? 0}%`;
    const text = job.error ? `${job.error.type}: ${job.error.message}` : isFinal ? "" : job.message || "";
    setText(said, text);
    said.title = text;
    said.classList.toggle("gj-bad", Boolean(job.error));
    setText(created, moment(job.created));
    created.title = fullMoment(job.created);
    setText(time, elapsedText(job));
    const remove = { act: "delete", text: "Delete", question: "Delete it and its results?", yes: "Delete" };
    offer([isFinal ? remove : { act: "cancel", text: "Cancel" }]);
  }
  return { cells, update };
}

export default {
  render({ model, el }) {
    const over = new AbortController();
    const { signal } = over;
    const all = [["", "all"]];
    const states = [...all, ...STATUSES.map((state) => [state, state])];
    const byStatus = chooser("Status", "status", states, model.get("status"), (status) => choose({ status, offset: 0 }));
    const known = model.get("job") ? [[model.get("job"), model.get("job")]] : [];
    const byJob = chooser("Job", "job", [...all, ...known], model.get("job"), (job) => choose({ job, offset: 0 }));

    const acts = {
      async cancel(uuid, options) {
        try {
          await ask(model, `jobs/${uuid}/?active=true`, { method: "DELETE", ...options });
        } catch (error) {
          if (!(error instanceof Refused && error.status === 409)) throw error; // it has ended meanwhile
        }
      },
      delete: (uuid, options) => ask(model, `jobs/${uuid}/`, { method: "DELETE", ...options }),
    };
    const { choose } = renderTable(model, el, signal, {
      name: "jobs",
      keyName: "uuid",
      path: "jobs/",
      filters: ["status", "job"],
      tools: [byStatus.label, byJob.label],
      headings: ["Job", "Status", "Message", "Submitted", "Time"],
      keyOf: (job) => job.uuid,
      row: jobRow,
      acts,
    });

    function offerJobs(names) {
      const there = new Set([...byJob.select.options].map((option) => option.value));
      for (const name of names) if (!there.has(name)) byJob.select.append(make("option", { value: name }, name));
      byJob.select.value = model.get("job");
    }
    const chosen = () => {
      byStatus.select.value = model.get("status");
      offerJobs(model.get("job") ? [model.get("job")] : []);
    };
    for (const name of ["status", "job"]) model.on(`change:${name}`, chosen);
    signal.addEventListener("abort", () => {
      for (const name of ["status", "job"]) model.off(`change:${name}`, chosen);
    });
    offerJobs(new Set((model.get("listed").results || []).map((job) => job.job)));
    ask(model, "registered-jobs/", { signal }).then(
      ({ results }) => offerJobs(results.map((job) => job.name)),
      () => {}, // the names on the page remain
    );
    return () => over.abort();
  },
};
