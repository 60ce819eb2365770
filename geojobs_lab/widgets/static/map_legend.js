// The legends, each with the switches of its layer: whether it is seen, and how well it covers.

const CHARACTER = 7; // CSS pixels of a label's character, at most
const RAMP = 204; // CSS pixels of a ramp
const MANY = 12; // entries that stand below each other without scrolling
const COLOR = /^#([0-9a-f]{3}|[0-9a-f]{6}|[0-9a-f]{8})$/i;

/** The labels that have room beside each other, where the ramp has them: `[share of the ramp, text]`. */
function ticks(legend) {
  const widest = Math.max(...legend.entries.map((entry) => entry.label.length)) * CHARACTER + 6;
  let end = -Infinity;
  return legend.entries
    .filter(({ position }) => RAMP * position - end >= widest && ((end = RAMP * position), true))
    .map((entry) => [entry.position, entry.label]);
}

/** The colours of a ramp, two pixels each but for the first and the last, which begin and end at their values. */
function strip(colors) {
  const canvas = make("canvas", { class: "gj-ramp-colors", width: 2 * colors.length - 2, height: 1 });
  const context = canvas.getContext("2d");
  colors.forEach((color, number) => {
    if (!COLOR.test(color)) return;
    context.fillStyle = color;
    context.fillRect(2 * number - 1, 0, 2, 1);
  });
  return canvas;
}

/** A ramp of colours with its labels. */
function ramp(legend, unit) {
  const labels = ticks(legend).map(([share, text]) => {
    const label = make("span", { class: "gj-tick" }, text);
    label.style.left = `${100 * share}%`;
    return label;
  });
  const ends = `${legend.entries[0]?.label ?? ""} to ${legend.entries.at(-1)?.label ?? ""} ${unit}`;
  return make(
    "div",
    { role: "img", "aria-label": `Colours for ${ends}` },
    make("div", { class: "gj-ramp" }, strip(legend.colors)),
    make("div", { class: "gj-ticks", "aria-hidden": "true" }, ...labels),
  );
}

/** Colours one by one with their labels: classes, single values, and what stands for none. */
function swatches(entries) {
  const rows = entries.map((entry) => {
    const color = make("span", { class: "gj-swatch-color" });
    if (COLOR.test(entry.color)) color.style.background = entry.color;
    return make("li", {}, make("span", { class: "gj-swatch", "aria-hidden": "true" }, color), make("span", {}, entry.label));
  });
  const list = make("ul", { class: "gj-swatches", "aria-label": "Colours" }, ...rows);
  if (rows.length > MANY) list.tabIndex = 0; // it scrolls, with the keys as well
  return list;
}

/** All that explains a layer's colours. */
function explained(legend, unit) {
  const others = legend.others ?? [];
  if (!legend.colors) return [swatches([...legend.entries, ...others])];
  return [ramp(legend, unit), ...(others.length ? [swatches(others)] : [])];
}

/** One layer: its name and unit, its colours, its switches; `tiles` is the model of the tile layer. */
function legendOf(layer, tiles, named, signal) {
  const seen = make("input", { type: "checkbox", "aria-label": `Show ${layer.title}` });
  const opacity = make("input", { type: "range", min: 0, max: 1, step: 0.05, "aria-label": `Opacity of ${layer.title}` });
  const percent = make("output", { class: "gj-number gj-quiet" });
  const date = make("div", { class: "gj-quiet gj-date" });
  const block = make(
    "section",
    { class: "gj-layer", "aria-label": layer.title },
    make(
      "label",
      { class: "gj-layer-name" },
      seen,
      make("span", {}, layer.title, layer.unit ? make("span", { class: "gj-quiet" }, ` (${layer.unit})`) : null),
    ),
    named ? make("div", { class: "gj-quiet gj-source" }, layer.source) : null,
    date,
    ...explained(layer.legend, layer.unit),
    make("label", { class: "gj-opacity" }, make("span", { class: "gj-quiet" }, "Opacity"), opacity, percent),
  );
  function show() {
    seen.checked = tiles.get("visible");
    opacity.value = tiles.get("opacity");
    opacity.disabled = !seen.checked;
    percent.textContent = `${Math.round(100 * tiles.get("opacity"))} %`;
    block.classList.toggle("gj-unseen", !seen.checked);
  }
  // The models are set in the page, so that this needs no kernel; it is told when a drag has ended.
  seen.addEventListener("change", () => (tiles.set("visible", seen.checked), tell(tiles)), { signal });
  opacity.addEventListener("input", () => tiles.set("opacity", opacity.valueAsNumber), { signal });
  opacity.addEventListener("change", () => tell(tiles), { signal });
  heed(tiles, "change:visible change:opacity", show, signal);
  show();
  return { block, date };
}

/** All legends of one side; the layer on top stands first. Of `titles`, those that are not unique are told apart. */
function legendPanel(layers, heading, titles, signal) {
  const list = make("div", { class: "gj-layers" });
  const fold = make("button", { class: "gj-fold", type: "button", "aria-expanded": "true" }, heading);
  fold.addEventListener(
    "click",
    () => {
      list.hidden = !list.hidden;
      fold.setAttribute("aria-expanded", String(!list.hidden));
    },
    { signal },
  );
  for (const layer of [...layers].reverse()) {
    const named = titles.indexOf(layer.title) !== titles.lastIndexOf(layer.title);
    const made = legendOf(layer, layer.model, named, signal);
    layer.dateElement = made.date;
    list.append(made.block);
  }
  return apart(make("div", { class: "geojobs-legend", role: "group", "aria-label": heading }, fold, list), signal);
}
