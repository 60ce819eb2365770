// One control for every kind of value, made from its JSON Schema. A control has
//   element  what is put into the page          main     what gets the ARIA attributes
//   read()   the value; undefined: not given    write(value)  undefined or null: nothing given
//   focus()                                     at(path) the control of a list's item, for an error like "x[1]"
// and, where these are more than `main`, `mains`, `name(label)`, and `close()` where something has to end;
// `read` throws Unreadable for what has no JSON form at all: whatever has one is the server's to judge.

class Unreadable extends Error {}

const plainControl = (element, read, write) => {
  const control = { element, main: element, read, write, focus: () => element.focus(), at: () => control };
  return control;
};

/** What a schema asks for, in one word. */
function kindOf(schema) {
  const type = Array.isArray(schema.type) ? schema.type.find((one) => one !== "null") : schema.type;
  if (schema.anyOf || schema.oneOf) return "alternatives";
  if (schema.enum) return "choice";
  if (FORMATS[schema.format]) return FORMATS[schema.format];
  if (type === "string" && schema.pattern === "^service://[^:@]+$") return "dataset";
  if (type === "string" && (schema.pattern || "").startsWith("^service://")) return "raster";
  if (type === "string") return "text";
  if (type === "integer" || type === "number" || type === "boolean") return type;
  if (type === "array" && schema.items && Object.keys(schema.items).length) return "list";
  return type === "object" || type === "array" ? type : "any";
}

const FORMATS = {
  date: "date",
  "date-time": "datetime",
  bbox: "bbox",
  color: "color",
  crs: "crs",
  geojson: "geojson",
};

const KINDS = {
  alternatives: ["one of several", (schema, setting) => alternativesControl(schema, setting)],
  choice: ["choice", (schema, setting) => choiceControl(schema, setting)],
  raster: ["published data", (schema, setting) => rasterControl(schema, setting)],
  dataset: ["a published data set", (schema, setting) => rasterControl(schema, setting)],
  date: ["date", (schema, setting) => timeControl(schema, setting, "date", DATE)],
  datetime: ["date and time", (schema, setting) => timeControl(schema, setting, "datetime-local", TIME)],
  bbox: ["box", (schema, setting) => boxControl(schema, setting)],
  color: ["colour", (schema, setting) => colorControl(schema, setting)],
  crs: ["coordinate reference system", (schema, setting) => crsControl(schema, setting)],
  geojson: ["GeoJSON", (schema, setting) => jsonControl(schema, setting, geojsonExample(schema))],
  text: ["text", (schema, setting) => textControl(schema, setting, "text")],
  integer: ["whole number", (schema, setting) => numberControl(schema, setting)],
  number: ["number", (schema, setting) => numberControl(schema, setting)],
  boolean: ["yes or no", (schema, setting) => booleanControl(schema, setting)],
  list: ["list", (schema, setting) => listControl(schema, setting)],
  object: ["object, as JSON", (schema, setting) => jsonControl(schema, setting, "{ }")],
  array: ["numbers, as JSON", (schema, setting) => jsonControl(schema, setting, "[[1, 2], [3, 4]]")],
  any: ["any value, as JSON", (schema, setting) => jsonControl(schema, setting, '1, "text", [ ], { }')],
};

/**
 * Make the control of a schema. The setting has `id`, `label` (a name for those who cannot see), `required`,
 * `services` (what is published), `changed()` (to be called when the user has changed something).
 */
function controlFor(schema, setting) {
  return KINDS[kindOf(schema)][1](schema, setting);
}

function common(setting) {
  return { id: setting.id, "aria-label": setting.label, "aria-required": setting.required ? "true" : null };
}

function placeholder(schema, otherwise = "") {
  const example = schema.default ?? schema.examples?.[0];
  return example === undefined ? otherwise : typeof example === "string" ? example : JSON.stringify(example);
}

function textControl(schema, setting, type) {
  const element = make("input", { ...common(setting), type, placeholder: placeholder(schema), autocomplete: "off" });
  element.spellcheck = false;
  const read = () => (element.value === "" ? undefined : element.value);
  return plainControl(element, read, (value) => (element.value = value ?? ""));
}

function crsControl(schema, setting) {
  const control = textControl({ examples: ["EPSG:4326"], ...schema }, setting, "text");
  const write = (value) => (control.main.value = typeof value === "object" ? JSON.stringify(value) : value ?? "");
  return { ...control, write, at: () => control };
}

const DATE = /^\d{4}-\d\d-\d\d$/;
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,3})?)?$/;

/** The browser's own calendar; a text where the value has what that cannot show, such as an offset from UTC. */
function timeControl(schema, setting, type, shape) {
  const control = textControl(schema, setting, type);
  const [min, max] = [schema.formatMinimum, schema.formatMaximum].map((end) => (shape.test(end) ? end : null));
  for (const [name, end] of [["min", min], ["max", max]]) if (end) control.main.setAttribute(name, end);
  if (type !== "date") control.main.setAttribute("step", "1");
  control.write = (value) => {
    control.main.type = !value || shape.test(value) ? type : "text";
    control.main.value = value ?? "";
  };
  return control;
}

/** A text, and the browser's own chooser beside it: that alone always has a colour, and none is a value too. */
function colorControl(schema, setting) {
  const text = make("input", { ...common(setting), type: "text", placeholder: placeholder(schema, "#1f77b4") });
  text.setAttribute("autocomplete", "off");
  text.spellcheck = false;
  const chooser = make("input", { type: "color", class: "gj-chooser", title: "Choose a colour" });
  chooser.setAttribute("aria-label", `Choose ${setting.label}`);
  const follow = () => {
    const found = /^#(?:([\da-f])([\da-f])([\da-f])|([\da-f]{6})(?:[\da-f]{2})?)$/i.exec(text.value.trim());
    const [, red, green, blue, six] = found || [];
    chooser.classList.toggle("gj-none", !found);
    chooser.value = found ? `#${six || red + red + green + green + blue + blue}`.toLowerCase() : "#000000";
  };
  text.addEventListener("input", follow);
  chooser.addEventListener("input", () => {
    text.value = chooser.value;
    follow();
  });
  const control = plainControl(text, () => text.value.trim() || undefined, (value) => {
    text.value = value ?? "";
    follow();
  });
  control.element = make("div", { class: "gj-color" }, chooser, text);
  control.name = (label) => text.setAttribute("aria-label", label);
  follow();
  return control;
}

const SIDES = ["xmin", "ymin", "xmax", "ymax"];

function boxControl(schema, setting) {
  const { id, ...names } = common(setting);
  const sides = SIDES.map((side, number) => {
    const example = schema.default?.[number];
    const input = make("input", { type: "number", step: "any", placeholder: example ?? "", class: `gj-${side}` });
    input.setAttribute("aria-label", `${setting.label}, ${side}`);
    return input;
  });
  sides[0].id = id ?? "";
  const labels = sides.map((input, number) =>
    make("label", { class: "gj-part" }, make("span", { class: "gj-quiet" }, SIDES[number]), input));
  const element = make("div", { ...names, class: "gj-box", role: "group" }, ...labels);
  const read = () => {
    const given = sides.filter((input) => input.value !== "" || input.validity.badInput);
    if (given.length === 0) return undefined;
    if (given.length < 4) throw new Unreadable("All four numbers are needed");
    if (sides.some((input) => input.validity.badInput)) throw new Unreadable("One of them is not a number");
    return sides.map((input) => Number(input.value));
  };
  const write = (value) => sides.forEach((input, number) => (input.value = value?.[number] ?? ""));
  const control = plainControl(element, read, write);
  control.mains = sides;
  control.name = (label) => element.setAttribute("aria-label", label);
  control.focus = () => (sides.find((input) => input.value === "") || sides[0]).focus();
  return control;
}

function geojsonExample(schema) {
  const types = schema.properties?.type?.enum || [];
  if (types[0] === "FeatureCollection") return '{"type": "FeatureCollection", "features": [ ]}';
  const example = types.find((type) => type in EXAMPLES) ?? "Point";
  return JSON.stringify({ type: example, coordinates: EXAMPLES[example] }).replaceAll(",", ", ").replaceAll(":", ": ");
}

const EXAMPLES = {
  Point: [7, 50],
  LineString: [[7, 50], [8, 51]],
  Polygon: [[[7, 50], [8, 50], [8, 51], [7, 50]]],
};

/** The step of the arrows: about a hundredth of the range, a round number; 1 where there is no range. */
function stepOf(schema) {
  if (kindOf(schema) === "integer") return "1";
  const range = schema.maximum - schema.minimum;
  return range > 0 ? String(Number(`1e${Math.floor(Math.log10(range / 20))}`)) : "any";
}

function numberControl(schema, setting) {
  const { minimum: min, maximum: max } = schema;
  const limits = { min, max, step: stepOf(schema), placeholder: placeholder(schema) };
  const element = make("input", { ...common(setting), type: "number", ...limits });
  const read = () => {
    if (element.validity.badInput) throw new Unreadable("This is not a number");
    return element.value === "" ? undefined : Number(element.value);
  };
  return plainControl(element, read, (value) => (element.value = value ?? ""));
}

/** A tick; where "not given" differs from "no", a choice of three. */
function booleanControl(schema, setting) {
  if (setting.optional && typeof schema.default !== "boolean") {
    const words = { true: "yes", false: "no" };
    return choiceControl({ enum: [true, false] }, setting, (value) => words[value]);
  }
  const element = make("input", { ...common(setting), type: "checkbox" });
  return plainControl(element, () => element.checked, (value) => (element.checked = value === true));
}

const FEW = 4; // choices that are all shown at once

function choiceControl(schema, setting, words = String) {
  const values = schema.enum.filter((value) => value !== null);
  const mayBeNone = setting.optional && (schema.default === undefined || schema.default === null);
  return (values.length + mayBeNone <= FEW ? radioControl : selectControl)(values, mayBeNone, setting, words);
}

function selectControl(values, mayBeNone, setting, words) {
  const element = make("select", common(setting), make("option", { value: "" }, mayBeNone ? "none" : "choose…"));
  element.append(...values.map((value, number) => make("option", { value: number }, words(value))));
  const read = () => (element.value === "" ? undefined : values[Number(element.value)]);
  const write = (value) => {
    const number = values.indexOf(value);
    element.value = number < 0 ? "" : String(number);
  };
  return plainControl(element, read, write);
}

function radioControl(values, mayBeNone, setting, words) {
  const shown = mayBeNone ? [undefined, ...values] : values;
  const buttons = shown.map(() => make("input", { type: "radio", name: setting.id }));
  const labels = shown.map((value, number) =>
    make("label", { class: "gj-tick" }, buttons[number], value === undefined ? "none" : words(value)));
  const group = make("div", { ...common(setting), class: "gj-radios", role: "radiogroup" }, ...labels);
  const write = (value) => {
    buttons.forEach((button, number) => (button.checked = shown[number] === (value ?? undefined)));
  };
  write(undefined);
  const control = plainControl(group, () => shown[buttons.findIndex((button) => button.checked)], write);
  control.focus = () => (buttons.find((button) => button.checked) || buttons[0]).focus();
  return control;
}

function jsonControl(schema, setting, example) {
  const element = make("textarea", { ...common(setting), rows: 2, placeholder: placeholder(schema, example) });
  element.spellcheck = false;
  const fit = () => (element.rows = Math.min(12, Math.max(2, element.value.split("\n").length)));
  element.addEventListener("input", fit);
  const read = () => {
    if (element.value.trim() === "") return undefined;
    try {
      return JSON.parse(element.value);
    } catch (error) {
      throw new Unreadable(`This is not JSON: ${error.message}`);
    }
  };
  const write = (value) => {
    const line = value === undefined || value === null ? "" : JSON.stringify(value);
    element.value = line.length > 60 ? JSON.stringify(value, null, 1) : line;
    fit();
  };
  return plainControl(element, read, write);
}

/** Rows of the item's control, with a button to take each away, and one to add. */
function listControl(schema, setting) {
  const rows = [];
  const body = make("div", { class: "gj-rows" });
  const adder = make("button", { type: "button", class: "gj-add", onclick: () => grown() }, "+ Add");
  const { id, ...names } = common(setting);
  const element = make("div", { id, ...names, class: "gj-list", role: "group" }, body, adder);
  const titled = schema.items.title || kindOf(schema.items);

  function add(value) {
    const label = () => `${setting.label}, ${titled} ${rows.indexOf(row) + 1}`;
    const inner = { ...setting, id: null, label: "", required: false, optional: false };
    const row = { control: controlFor(schema.items, inner) };
    row.remover = make("button", { type: "button", class: "gj-remove", onclick: () => removed(row) }, "×");
    row.element = make("div", { class: "gj-row" }, row.control.element, row.remover);
    row.named = () => {
      if (row.control.name) row.control.name(label());
      else row.control.main.setAttribute("aria-label", label());
      row.remover.setAttribute("aria-label", `Remove ${label()}`);
      row.remover.title = "Remove";
    };
    row.control.write(value);
    rows.push(row);
    body.append(row.element);
    row.named();
    return row;
  }
  function drop(row) {
    row.control.close?.();
    row.element.remove();
    rows.splice(rows.indexOf(row), 1);
    rows.forEach((other) => other.named());
  }
  function grown() {
    add(schema.items.default).control.focus();
    setting.changed();
  }
  function removed(row) {
    const next = rows[rows.indexOf(row) + 1] || rows[rows.indexOf(row) - 1];
    drop(row);
    (next ? next.remover : adder).focus();
    setting.changed();
  }

  const control = { element, main: element };
  control.read = () => {
    const values = rows.map((row) => row.control.read()).filter((value) => value !== undefined);
    return values.length || setting.required || schema.default?.length ? values : undefined;
  };
  control.write = (values) => {
    [...rows].forEach(drop);
    (values ?? []).forEach(add);
  };
  control.focus = () => (rows.length ? rows[0].control.focus() : adder.focus());
  // The server counts the items that were sent: rows left empty are not among them.
  control.at = ([number, ...rest]) => {
    const sent = rows.filter((row) => row.control.read() !== undefined);
    return sent[number] ? sent[number].control.at(rest) : control;
  };
  control.close = () => rows.forEach((row) => row.control.close?.());
  return control;
}

function fits(schema, value) {
  const kind = kindOf(schema);
  if (kind === "alternatives") return (schema.anyOf || schema.oneOf).some((one) => fits(one, value));
  if (kind === "choice") return schema.enum.includes(value);
  if (kind === "raster") return typeof value === "string" && value.startsWith("service://");
  if (kind === "dataset") return typeof value === "string" && /^service:\/\/[^:@]+$/.test(value);
  if (kind === "integer") return Number.isInteger(value);
  if (kind === "bbox") return Array.isArray(value) && value.length === 4;
  if (kind === "list" || kind === "array") return Array.isArray(value);
  if (kind === "object" || kind === "geojson") return typeof value === "object" && !Array.isArray(value);
  if (["text", "date", "datetime", "color", "crs"].includes(kind)) return typeof value === "string";
  return kind === "any" || typeof value === kind;
}

/** A choice of the kind, and the control of the chosen one. */
function alternativesControl(schema, setting) {
  const kinds = (schema.anyOf || schema.oneOf).filter((one) => one.type !== "null");
  const words = kinds.map((one) => one.title || KINDS[kindOf(one)][0]);
  const options = words.map((word, number) => make("option", { value: number }, word));
  const chooser = make("select", { "aria-label": `Kind of ${setting.label}`, class: "gj-kind" }, ...options);
  const holder = make("div", { class: "gj-alternative" });
  const { id, ...names } = common(setting);
  const element = make("div", { id, ...names, class: "gj-alternatives", role: "group" }, chooser, holder);
  let chosen;

  function choose(number) {
    chosen?.close?.();
    chooser.value = String(number);
    chosen = controlFor(kinds[number], { ...setting, id: null, optional: false });
    holder.replaceChildren(chosen.element);
  }
  chooser.addEventListener("change", () => choose(Number(chooser.value)));
  choose(0);
  return {
    element,
    get main() {
      return chosen.main;
    },
    get mains() {
      return chosen.mains ?? [chosen.main];
    },
    name: (label) => element.setAttribute("aria-label", label),
    read: () => chosen.read(),
    write: (value) => {
      if (value !== undefined && value !== null) choose(Math.max(0, kinds.findIndex((one) => fits(one, value))));
      chosen.write(value);
    },
    focus: () => chosen.focus(),
    at: (path) => chosen.at(path),
    close: () => chosen.close?.(),
  };
}
