// The panel over a map: puts the parts in their places, and tells each what the others do.

async function start(model, el, signal) {
  const container = await mapElement(el, signal);
  if (!container) return;
  const modelOf = async (id) => enduring(await model.widget_manager.get_model(id));
  const [map, mark] = await Promise.all([modelOf(model.get("map")), modelOf(model.get("mark"))]);
  const over = make("div", { class: "geojobs geojobs-over" });
  keepKeys(over);
  container.append(over);
  signal.addEventListener("abort", () => over.remove());

  let layers = [];
  let parts = new AbortController(); // ends what belongs to the layers as they were
  let time = null;
  const now = () => layers;
  const reader = readOut({ model, map, mark, container, layers: now, signal });
  const trouble = watchTrouble({ model, container, layers: now, signal });
  const home = make("button", { type: "button", class: "gj-home", "aria-label": "Fit to data", title: "Fit to data" });
  home.append(icon("M2 6V2h4M10 2h4v4M14 10v4h-4M6 14H2v-4"));
  home.addEventListener("click", toData, { signal });
  apart(home, signal);

  /** Turn to the data, beside the legends where there is room. */
  function toData() {
    const legend = over.querySelector('.geojobs-legend[data-side=""]');
    const right = legend ? legend.offsetWidth + 10 : 0;
    const free = { right: right < 0.4 * container.clientWidth ? right : 0, bottom: time ? 50 : 0 };
    fit(map, container, model.get("bounds"), free);
  }
  function step() {
    const stops = stopsOf(layers);
    const number = Math.max(0, stops.findIndex(([, date]) => date === model.get("time")));
    if (!stops.length) return;
    time.show(number);
    showStep(layers, stops[number], container);
    reader.again();
  }
  async function arrange() {
    parts.abort();
    parts = new AbortController();
    const { signal: ended } = parts;
    const found = await Promise.all(
      model.get("layers").map(async (layer) => ({ ...layer, model: await modelOf(layer.tiles) })),
    );
    if (ended.aborted || signal.aborted) return;
    layers = found;
    const titles = layers.map((layer) => layer.title);
    const sides = new Map([["left", "Left"], ["right", "Right"], ["", "Layers"]]);
    const legends = [...sides].map(([side, heading]) => {
      const those = layers.filter((layer) => layer.side === side);
      if (!those.length) return null;
      const panel = legendPanel(those, heading, titles, ended);
      panel.dataset.side = side;
      return panel;
    });
    const stops = stopsOf(layers);
    time = null;
    if (stops.length > 1) {
      const choose = ([, date]) => {
        model.set("time", date);
        tell(model);
      };
      time = timeBar(stops, container, choose, ended);
    }
    over.replaceChildren(...[trouble.box, home, ...legends, reader.box, time?.bar].filter(Boolean));
    over.classList.toggle("gj-timed", Boolean(time));
    container.querySelector(".leaflet-sbs-range")?.setAttribute("aria-label", "Divider between left and right");
    if (time) step();
    trouble.look();
  }

  container.addEventListener(
    "load", // does not bubble: heard on its way down
    ({ target }) => {
      if (!target.matches?.("img.leaflet-tile")) return;
      target.classList.remove("gj-failed");
      correct(target, layers);
    },
    { signal, capture: true },
  );
  heed(model, "change:time", step, signal);
  heed(model, "change:layers", arrange, signal);
  signal.addEventListener("abort", () => parts.abort());
  await arrange();
  if (!model.get("fitted")) {
    toData();
    model.set("fitted", true);
    tell(model);
  }
}

export default {
  render({ model, el, signal }) {
    start(model, el, signal);
  },
};
