// The legends, each with the switches of its layer: whether it is seen, and how well it covers.

const CHARACTER = 7; // CSS pixels of a label's character, at most
const RAMP = 204; // CSS pixels of a ramp
const COLOR = /^#([0-9a-f]{3}|[0-9a-f]{6}|[0-9a-f]{8})$/i;

/** The labels that have room beside each other, where the ramp has them: `[share of the ramp, text]`. */
function ticks(legend) {
  const [low, high] = legend.range;
  const widest = Math.max(...legend.entries.map((entry) => entry.label.length)) * CHARACTER + 6;
  const every = Math.ceil((widest * legend.entries.length) / (RAMP + widest)) || 1;
  return legend.entries
    .filter((_, number) => number % every === 0)
    .map((entry) => [(entry.value - low) / (high - low), entry.label]);
}

/** A ramp of colours with its labels. */
function ramp(legend, unit) {
  const bar = make("div", { class: "gj-ramp-colors" });
  const colors = legend.colors.filter((color) => COLOR.test(color));
  bar.style.backgroundImage = `linear-gradient(to right, ${colors.join(", ")})`;
  const labels = ticks(legend).map(([share, text]) => {
    const label = make("span", { class: "gj-tick" }, text);
    label.style.left = `${100 * share}%`;
    return label;
  });
  const ends = `${legend.entries[0]?.label ?? ""} to ${legend.entries.at(-1)?.label ?? ""} ${unit}`;
  return make(
    "div",
    { role: "img", "aria-label": `Colours for ${ends}` },
    make("div", { class: "gj-ramp" }, bar),
    make("div", { class: "gj-ticks", "aria-hidden": "true" }, ...labels),
  );
}

/** Colours one by one, for a legend without a ramp. */
function swatches(legend) {
  const rows = [...legend.entries].reverse().map((entry) => {
    const color = make("span", { class: "gj-swatch" });
    if (COLOR.test(entry.color)) color.style.background = entry.color;
    return make("li", {}, color, entry.label);
  });
  return make("ul", { class: "gj-swatches" }, ...rows);
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
    layer.legend.colors ? ramp(layer.legend, layer.unit) : swatches(layer.legend),
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
