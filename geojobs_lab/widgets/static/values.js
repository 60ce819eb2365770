// Inputs and outputs of jobs as people read them.

const SHORT = 100; // characters that stand in a line
const LONG = 20000; // characters of a value that is unfolded; more is for programs

/** "3 × 4" for nested lists, null for anything else. */
function shapeOf(value) {
  const sizes = [];
  for (let part = value; Array.isArray(part); part = part[0]) sizes.push(part.length);
  return sizes.length ? sizes.join(" × ") : null;
}

/** What a value is, in a few words. */
function described(value) {
  if (Array.isArray(value)) return `list of ${shapeOf(value)}`;
  if (value && typeof value === "object") return `object with ${Object.keys(value).join(", ")}`;
  return `text of ${String(value).length} characters`;
}

/** A value as an element: short ones as they are, long ones folded away. */
function readable(value) {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  if (text.length <= SHORT && !text.includes("\n")) return make("span", { class: "gj-value" }, text);
  const whole = typeof value === "string" ? value : spelledOut(value);
  const cut = whole.length > LONG ? `${whole.slice(0, LONG)}\n… ${whole.length - LONG} more characters` : whole;
  const name = described(value);
  return make("details", {}, make("summary", {}, name.length > SHORT ? `${name.slice(0, SHORT)}…` : name), make("pre", {}, cut));
}

/** JSON on several lines, with the elements of one list in one of them. */
function spelledOut(value) {
  const row = (_, elements) => `[${elements.replace(/\n\s*/g, " ")}]`;
  return JSON.stringify(value, null, 1).replace(/\[\n\s*([^[\]{}]*?)\n\s*\]/g, row);
}

/** Names and values, one below the other. */
function definitions(pairs) {
  return make("dl", {}, ...pairs.flatMap(([name, value]) => [make("dt", {}, name), make("dd", {}, value)]));
}

/** The services that an output was published as, [name, service] each; none for other outputs. */
function rastersOf(job, name, value) {
  const service = `${job.uuid}/${name}`;
  if (value === service) return [[name, value]];
  const isList = Array.isArray(value) && value.every((item, number) => item === `${service}/${number}`);
  return isList ? value.map((item, number) => [`${name}/${number}`, item]) : [];
}

/** The outputs of a job that has ended well; `load` asks for the document of a service. */
function outputsOf(job, rest, load) {
  return Object.entries(parsed(job.outputs)).flatMap(([name, value]) => {
    const rasters = rastersOf(job, name, value);
    if (rasters.length) return rasters.map(([each, service]) => [each, rasterOutput(service, rest, load)]);
    if (value && typeof value === "object" && value.href && value.shape && value.dtype) {
      const words = `array, ${value.shape.join(" × ")}, ${value.dtype}`;
      return [[name, make("span", {}, words, " ", make("a", { href: value.href, download: true }, "Download"))]];
    }
    return [[name, readable(value)]];
  });
}

function rasterOutput(service, rest, load) {
  const words = make("span", {}, "raster");
  const more = make("span", { class: "gj-quiet" });
  const url = `${rest}services/${quoted(service)}/download/?format=nc`;
  const link = make("a", { href: url, download: true }, "Download NetCDF");
  load(`services/${quoted(service)}/`).then(
    (found) => {
      const named = (variable) =>
        `${variable.long_name || (found.variables.length > 1 ? variable.name : found.title) || "raster"}` +
        (variable.units ? ` (${variable.units})` : "");
      words.textContent = found.variables.map(named).join(", ") || "raster";
      if (found.expires) more.textContent = `kept for ${longDuration((Date.parse(found.expires) - serverNow()) / 1000)}`;
    },
    (error) => {
      if (!(error instanceof Refused) || error.status !== 404) return;
      more.textContent = "its service has been removed";
      link.remove();
    },
  );
  return make("span", { class: "gj-raster" }, words, link, more);
}
