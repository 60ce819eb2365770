// One input of a form: its label, control and hint, and what the server said against it.

/** The refusal's parts by input: [[name, path of the item, text], …]; what names no input is left out. */
function blamed(message, names) {
  const starts = [];
  for (const name of names) {
    for (let at = message.indexOf(name); at >= 0; at = message.indexOf(name, at + 1)) {
      const opens = at === 0 || message.slice(at - 2, at) === "; ";
      const rest = /^((?:\[\d+\])*): /.exec(message.slice(at + name.length));
      if (opens && rest) starts.push({ at, name, path: rest[1], text: at + name.length + rest[0].length });
    }
  }
  starts.sort((one, other) => one.at - other.at);
  return starts.map(({ name, path, text }, number) => {
    const said = message.slice(text, starts[number + 1] ? starts[number + 1].at - 2 : undefined);
    return [name, [...path.matchAll(/\d+/g)].map((found) => Number(found[0])), said];
  });
}

/** The inputs whose reference to data a message repeats. */
function citing(message, values) {
  const cited = /'(service:\/\/[^']*)'/.exec(message)?.[1].split("@")[0];
  const holds = (value) =>
    typeof value === "string" ? value.split("@")[0] === cited : Array.isArray(value) && value.some(holds);
  return cited === undefined ? [] : Object.keys(values).filter((name) => holds(values[name]));
}

function capitalised(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** "from 0 to 100" for a schema with limits. */
function limitsOf({ formatMinimum, formatMaximum, minimum = formatMinimum, maximum = formatMaximum }) {
  if (minimum !== undefined && maximum !== undefined) return `from ${minimum} to ${maximum}`;
  if (minimum !== undefined) return `not below ${minimum}`;
  return maximum === undefined ? "" : `not above ${maximum}`;
}

/** One input: label, control, hint, and the place for what is wrong with it. */
function makeField(input, shared) {
  const id = `gj-${pageId()}`;
  const schema = input.schema || {};
  const optional = !input.required;
  const title = input.title || input.name;
  const setting = { ...shared, id, label: title, required: input.required, optional };
  const control = controlFor({ ...schema, default: input.default ?? undefined }, setting);
  const description = (input.description || "").trim();
  const said = limitsOf(schema);
  const place = kindOf(schema) === "bbox" && input.crs ? `In ${input.crs.split(",")[0]}.` : "";
  const about = [description, said && capitalised(`${said}.`), place].filter(Boolean).join(" ");
  const hint = make("div", { class: "gj-hint gj-quiet", id: `${id}-hint` }, about);
  const error = make("div", { class: "gj-error", id: `${id}-error`, role: "alert" });
  hint.hidden = !about;
  error.hidden = true;
  const star = make("span", { class: "gj-star", title: "required", "aria-hidden": "true", hidden: optional }, " *");
  const code = input.title && input.title !== input.name ? make("code", { class: "gj-quiet" }, input.name) : null;
  const label = make("label", { for: id, class: "gj-label" }, make("span", {}, title, star), code);
  const unit = input.unit ? make("span", { class: "gj-unit gj-quiet" }, input.unit) : null;
  const line = make("div", { class: `gj-line gj-kind-${kindOf(schema)}` }, control.element, unit);
  const body = make("div", { class: "gj-body" }, line, hint, error);
  const element = make("div", { class: "gj-field", "data-input": input.name }, label, body);
  control.write(input.default ?? undefined);

  const field = { name: input.name, element, control };
  let marked = [];
  const describe = () => {
    for (const one of control.mains ?? [control.main]) one.setAttribute("aria-describedby", `${id}-hint ${id}-error`);
  };
  field.blame = (text, path = []) => {
    const item = control.at(path);
    marked = item.mains ?? [item.main];
    marked.forEach((one) => {
      one.setAttribute("aria-invalid", "true");
      one.setAttribute("aria-describedby", `${id}-hint ${id}-error`);
    });
    const which = path.length ? `Item ${path.map((number) => number + 1).join(", ")} ` : "";
    error.replaceChildren(sign("failure"), which ? which + text : capitalised(text));
    error.hidden = false;
    field.focus = () => item.focus();
  };
  field.forgive = () => {
    marked.forEach((one) => one.removeAttribute("aria-invalid"));
    error.hidden = true;
    error.replaceChildren();
    describe();
  };
  field.close = () => control.close?.();
  describe();
  return field;
}
