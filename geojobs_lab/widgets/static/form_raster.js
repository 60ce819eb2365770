// Choosing published data: service, variable, time, and the reference that they make, which may also be typed.

/** What is published, asked for again and again while somebody looks. `reach(path)` asks the server. */
function publishedServices(reach, signal) {
  const listeners = new Set();
  const documents = new Map();
  const services = { list: null, trouble: "" };
  let before = "";
  let started = false;

  async function refresh() {
    try {
      const answer = await reach("services/?limit=1000");
      services.list = answer.results;
      services.trouble = "";
    } catch (error) {
      if (error.name === "AbortError") throw error;
      services.trouble = error.message;
    }
    const now = JSON.stringify([services.list, services.trouble]);
    if (now !== before) {
      before = now;
      documents.clear();
      listeners.forEach((listener) => listener());
    }
    return reach.direct(); // the kernel has other things to do than to be asked every few seconds
  }
  services.listen = (listener) => {
    listeners.add(listener);
    if (!started) repeatedly(() => (listeners.size ? refresh() : true), 5000, signal);
    started = true;
    return () => listeners.delete(listener);
  };
  services.find = (name) => services.list?.find((service) => service.name === name);
  /** The whole document, with the steps of the time axes, which the list leaves out. */
  services.whole = (service) => {
    if (!documents.has(service.name)) {
      documents.set(service.name, reach(`services/${quoted(service.name)}/`));
      documents.get(service.name).catch(() => documents.delete(service.name)); // to be asked again
    }
    return documents.get(service.name);
  };
  return services;
}

/** "service://a/b:variable@time" in its parts; null for anything else. */
function readReference(text) {
  const found = /^service:\/\/([^:@]+)(?::([^@]*))?(?:@(.+))?$/.exec(text.trim());
  return found && { service: found[1], variable: found[2] || "", time: found[3] || "" };
}

function serviceLabel(service) {
  const named = service.title && service.title !== service.name;
  if (!service.job) return named ? `${service.title} (${service.name})` : service.name;
  const when = new Date(service.created).toLocaleString([], { dateStyle: "medium", timeStyle: "short" });
  const [job, output] = service.name.split("/");
  return `${service.title || output} · ${when} · ${job.slice(0, 8)}`;
}

function variableLabel(variable) {
  const unit = variable.units && variable.units !== "1" ? ` (${variable.units})` : "";
  const long = variable.long_name || variable.standard_name?.replaceAll("_", " ");
  const says = long && long.replaceAll(" ", "_").toLowerCase() !== variable.name.toLowerCase();
  return says ? `${long}${unit} – ${variable.name}` : `${variable.name}${unit}`;
}

/** Steps as people read them: without what is the same midnight in all of them. */
function stopLabels(stops) {
  const midnight = stops.every((stop) => stop.iso.endsWith("T00:00:00Z"));
  return stops.map((stop) => (midnight ? stop.iso.slice(0, -10) : stop.iso.replace("T", " ").replace("Z", "")));
}

const MANY = 60; // steps from which on they can be searched
const SHOWN = 400; // steps in the list at once

function rasterControl(schema, setting) {
  const { services } = setting;
  const whole = kindOf(schema) === "dataset"; // a service with all that it has
  const part = (text, element, name) => {
    element.setAttribute("aria-label", text);
    return make("label", { class: `gj-part gj-part-${name}` }, make("span", { class: "gj-quiet" }, text), element);
  };
  const service = make("select", { id: setting.id, class: "gj-service" });
  const variable = make("select", { class: "gj-variable" });
  const time = make("select", { class: "gj-time" });
  const search = make("input", { type: "search", class: "gj-search" });
  search.setAttribute("aria-label", "Find a time");
  const reference = make("input", { type: "text", class: "gj-reference", autocomplete: "off" });
  reference.placeholder = whole ? "service://name" : "service://name:variable@seconds";
  reference.spellcheck = false;
  const note = make("div", { class: "gj-quiet gj-note", role: "status" });
  const parts = {
    service: part("Service", service, "service"),
    variable: part("Variable", variable, "variable"),
    time: make("div", { class: "gj-part gj-part-time" }, part("Time", time, "steps"), search),
    reference: part("Reference", reference, "reference"),
  };
  const element = make("div", { class: "gj-raster", role: "group" }, ...Object.values(parts), note);
  element.setAttribute("aria-label", setting.label);
  if (setting.required) service.setAttribute("aria-required", "true");

  let stops = []; // of the variable in sight: {iso, timestamp, label}
  let asked = 0; // a late answer for what is not chosen any more is dropped

  const options = (select, list, chosen) => {
    select.replaceChildren(...list);
    select.value = chosen;
    if (select.selectedIndex < 0) select.selectedIndex = 0;
  };
  const chosenVariable = () => services.find(service.value)?.variables.find((one) => one.name === variable.value);

  function showServices(chosen) {
    const groups = [["Published data", (one) => !one.job], ["Results of jobs", (one) => one.job]];
    const option = (one) => {
      const usable = one.state === "ready" || one.state === undefined;
      const label = serviceLabel(one) + (usable ? "" : ` – ${one.state}`);
      return make("option", { value: one.name, disabled: !usable }, label);
    };
    const lists = groups.map(([label, test]) => [label, (services.list || []).filter(test)]);
    const shown = lists.filter(([, list]) => list.length);
    const first = services.list === null && !services.trouble ? "asking the server…" : "choose…";
    const none = make("option", { value: "" }, reference.value && !chosen ? "typed by hand" : first);
    options(service, [none, ...shown.map(([label, list]) => make("optgroup", { label }, ...list.map(option)))], chosen);
    note.textContent = services.trouble
      ? `The list of data cannot be had (${services.trouble}): type a reference.`
      : services.list?.length === 0 ? "Nothing is published yet." : "";
  }
  function showVariables(chosen) {
    const variables = (!whole && services.find(service.value)?.variables) || [];
    options(variable, variables.map((one) => make("option", { value: one.name }, variableLabel(one))), chosen);
    parts.variable.hidden = variables.length === 0;
  }
  async function showTimes(wanted) {
    const now = ++asked;
    const axis = chosenVariable()?.time;
    parts.time.hidden = !axis;
    stops = [];
    search.value = "";
    search.hidden = true;
    if (!axis) return options(time, [], "");
    options(time, wholeSeries(wanted, []), wanted);
    try {
      const whole = await services.whole(services.find(service.value));
      if (now !== asked) return;
      const found = whole.variables.find((one) => one.name === variable.value)?.time.stops || [];
      const labels = stopLabels(found);
      stops = found.map((stop, number) => ({ value: String(stop.timestamp), iso: stop.iso, label: labels[number] }));
      search.hidden = stops.length < MANY;
      search.placeholder = search.hidden ? "" : `find in ${stops[0].label} to ${stops.at(-1).label}`;
      const same = wanted && stops.find((stop) => stop.iso === wanted || Number(stop.value) === Number(wanted));
      showStops(same ? same.value : wanted);
    } catch (error) {
      if (error.name !== "AbortError" && now === asked) note.textContent = `The times cannot be had: ${error.message}`;
    }
  }
  /** The first option; and what somebody typed that is none of the steps. */
  function wholeSeries(wanted, matching) {
    const span = stops.length ? ` (${stops.length} steps)` : "";
    const typed = wanted && !matching.some((stop) => stop.value === wanted);
    const label = stops.length ? `nearest to ${wanted}` : "…";
    const other = typed ? [make("option", { value: wanted }, label)] : [];
    return [make("option", { value: "" }, `whole series${span}`), ...other];
  }
  function showStops(wanted) {
    const typed = search.value.trim().replace("T", " ");
    const matching = stops.filter((stop) => !typed || stop.label.startsWith(typed) || stop.value === wanted);
    const shown = matching.slice(0, SHOWN);
    const at = matching.findIndex((stop) => stop.value === wanted);
    if (at >= SHOWN) shown.push(matching[at]);
    const rest = matching.length - shown.length;
    const more = rest > 0 ? [make("option", { disabled: true }, `… ${rest} more: find a time`)] : [];
    const list = shown.map((stop) => make("option", { value: stop.value }, stop.label));
    options(time, [...wholeSeries(wanted, shown), ...list, ...more], wanted);
    search.setAttribute("aria-invalid", String(typed !== "" && matching.length === 0));
  }
  function compose() {
    const moment = time.value ? `@${time.value}` : "";
    const part = variable.value ? `:${variable.value}${moment}` : "";
    reference.value = service.value ? `service://${service.value}${part}` : "";
    setting.changed();
  }
  /** Let the lists show what the reference says. */
  function follow() {
    const meant = readReference(reference.value);
    const known = meant && services.find(meant.service);
    showServices(known ? meant.service : "");
    showVariables(known ? meant.variable : "");
    showTimes(known ? meant.time : "");
  }

  service.addEventListener("change", () => {
    showVariables("");
    showTimes("");
    compose();
  });
  variable.addEventListener("change", () => {
    showTimes("");
    compose();
  });
  time.addEventListener("change", compose);
  search.addEventListener("input", (event) => {
    event.stopPropagation(); // looking is not changing
    showStops(time.value);
  });
  search.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault(); // not the whole form
    const first = [...time.options].find((one) => one.value && one.value !== time.value && !one.disabled);
    if (first && search.value) {
      time.value = first.value;
      compose();
    }
  });
  reference.addEventListener("change", follow);
  let stale = false; // the lists do not change under somebody's hands
  const stopListening = services.listen(() => {
    stale = element.contains(document.activeElement) && service.value !== "";
    if (!stale) follow();
  });
  element.addEventListener("focusout", (event) => {
    if (!stale || element.contains(event.relatedTarget)) return;
    stale = false;
    follow();
  });
  follow();

  const control = plainControl(reference, () => reference.value.trim() || undefined, (value) => {
    reference.value = value ?? "";
    follow();
  });
  control.element = element;
  control.mains = [service, reference];
  control.name = (label) => element.setAttribute("aria-label", label);
  control.focus = () => (reference.value && !service.value ? reference : service).focus();
  control.close = stopListening;
  return control;
}
