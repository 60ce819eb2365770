// The published services of a server.

function serviceRow({ offer }) {
  const title = make("span", { class: "gj-name" });
  const name = make("span", { class: "gj-id gj-quiet" });
  const variables = make("div", { class: "gj-clipped" });
  const state = make("div", {});
  const reason = make("div", { class: "gj-bad" });
  const expires = make("td", { class: "gj-number gj-narrow" });
  const cells = [
    make("td", { class: "gj-wide" }, title, name),
    make("td", {}, variables),
    make("td", { class: "gj-status" }, state, reason),
    expires,
  ];

  function update(service, element) {
    setText(title, service.title || service.name);
    setText(name, service.title && service.title !== service.name ? service.name : "");
    const texts = service.variables.map((variable) => `${variable.name}${variable.units ? ` (${variable.units})` : ""}`);
    setText(variables, texts.join(", "));
    variables.title = service.variables.map((variable) => variable.long_name || variable.name).join("\n");
    if (element.dataset.state !== service.state) state.replaceChildren(stateMark(service.state));
    element.dataset.state = service.state;
    setText(reason, service.reason || "");
    setText(expires, lifetime(service));
    expires.title = service.expires ? fullMoment(service.expires) : "";
    const keep = { act: "keep", text: "Keep" };
    const remove = { act: "delete", text: "Delete", question: "Delete it for good?", yes: "Delete" };
    offer(service.configured ? [] : service.temporary ? [keep, remove] : [remove]);
  }
  return { cells, update };
}

function lifetime(service) {
  if (service.configured) return "configured";
  if (!service.expires) return service.temporary ? "" : "kept";
  const left = (Date.parse(service.expires) - serverNow()) / 1000;
  return left > 0 ? `in ${longDuration(left)}` : "any moment";
}

export default {
  render({ model, el }) {
    const over = new AbortController();
    const change = (name, options) => ask(model, `services/${quoted(name)}/`, options);
    renderTable(model, el, over.signal, {
      name: "services",
      keyName: "service",
      path: "services/",
      filters: [],
      tools: [],
      headings: ["Service", "Variables", "State", "Expires"],
      keyOf: (service) => service.name,
      row: serviceRow,
      acts: {
        keep: (name, options) => change(name, { method: "PATCH", send: { temporary: false }, ...options }),
        delete: (name, options) => change(name, { method: "DELETE", ...options }),
      },
    });
    return () => over.abort();
  },
};
