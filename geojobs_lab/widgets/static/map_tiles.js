// Tiles through time: every layer shows its own step that is nearest to the date chosen.

/** The steps of all layers in order of time: `[seconds, date]`. */
function stopsOf(layers) {
  const found = new Map();
  for (const layer of layers)
    layer.dates.forEach((date, number) => found.set(`${layer.timestamps[number]} ${date}`, [layer.timestamps[number], date]));
  return [...found.values()].sort(([one], [other]) => one - other);
}

/** A layer's own date for a step: the same one, or the nearest that it has (the earlier of two); empty without dates. */
function dateNear(layer, [seconds, date]) {
  let best = 0;
  for (let number = 0; number < layer.dates.length; number += 1) {
    if (layer.dates[number] === date && layer.timestamps[number] === seconds) return date;
    if (Math.abs(layer.timestamps[number] - seconds) < Math.abs(layer.timestamps[best] - seconds)) best = number;
  }
  return layer.dates[best] ?? "";
}

/** The template of a layer's tiles at its present date, as the kernel would write it. */
function templateOf(layer) {
  if (!layer.date) return layer.url;
  const date = encodeURIComponent(layer.date);
  return `${layer.url}${layer.url.includes("?") ? "&" : "?"}time=${date}`;
}

/** What a tile's URL has in common with all of its layer, at whatever date. */
function kindOf(url) {
  const [path, query = ""] = url.split("?");
  return `${path.split("/tiles/")[0]}?${query.replace(/(^|&)time=[^&]*/, "")}`;
}

/** Show a step on all layers. */
function showStep(layers, stop, container) {
  for (const layer of layers) {
    layer.date = layer.dates.length ? dateNear(layer, stop) : "";
    if (layer.dateElement) layer.dateElement.textContent = layer.date && layer.date !== stop[1] ? layer.date : "";
    layer.model.set("url", templateOf(layer));
    tell(layer.model);
  }
  for (const tile of container.querySelectorAll("img.leaflet-tile")) correct(tile, layers);
}

/**
 * Give a tile its layer's present date. ipyleaflet swaps only tiles that have come already, and in the order in which
 * the new ones come: after a quick move of the slider some would stay at another date than the label says.
 */
function correct(tile, layers) {
  const source = tile.getAttribute("src") ?? "";
  const layer = layers.find((candidate) => candidate.date && kindOf(candidate.url) === kindOf(source));
  if (!layer) return;
  const [, query] = templateOf(layer).split("?");
  const wanted = `${source.split("?")[0]}?${query}`;
  if (wanted !== source) tile.setAttribute("src", wanted);
}
