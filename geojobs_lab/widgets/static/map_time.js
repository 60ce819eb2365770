// The time bar: a slider over the steps, buttons for one step, and a play button.

const SETTLED = 120; // ms without a move after which the tiles are changed
const FRAME = 900; // ms that a step is shown when it plays
const LATE = 5000; // ms that playing waits for tiles

/** `2070-12-01` for a date at midnight, with its time of day otherwise. */
function shortDate(date) {
  return date.replace(/T00:00:00(\.0+)?Z?$/, "");
}

/** The bar; `choose(stop)` is called when the reader has chosen, `stopNow()` tells what is shown. */
function timeBar(stops, container, choose, signal) {
  const slider = make("input", { type: "range", min: 0, max: stops.length - 1, step: 1, "aria-label": "Time" });
  const label = make("output", { class: "gj-number gj-time-label" });
  const back = make("button", { type: "button", "aria-label": "One step back", title: "One step back" }, icon("M10 3 5 8l5 5"));
  const on = make("button", { type: "button", "aria-label": "One step on", title: "One step on" }, icon("M6 3l5 5-5 5"));
  const play = make("button", { type: "button", class: "gj-play" });
  let settling, playing, shown;

  function show(number) {
    slider.value = number;
    label.textContent = shortDate(stops[number][1]);
    slider.setAttribute("aria-valuetext", label.textContent);
  }
  function go(number, pause) {
    show(number);
    clearTimeout(settling);
    settling = setTimeout(() => choose(stops[number]), pause);
  }
  function step(by) {
    go((slider.valueAsNumber + by + stops.length) % stops.length, 0);
  }
  function halt() {
    clearTimeout(playing);
    playing = undefined;
    play.replaceChildren(icon("M5 3l8 5-8 5z"));
    play.setAttribute("aria-label", "Play");
    play.title = "Play";
  }
  function run() {
    const waiting = container.querySelector("img.leaflet-tile:not(.leaflet-tile-loaded)") && Date.now() - shown < LATE;
    if (!waiting && !document.hidden) {
      step(1);
      shown = Date.now();
    }
    playing = setTimeout(run, waiting ? SETTLED : FRAME);
  }
  slider.addEventListener("input", () => (halt(), go(slider.valueAsNumber, SETTLED)), { signal });
  back.addEventListener("click", () => (halt(), step(-1)), { signal });
  on.addEventListener("click", () => (halt(), step(1)), { signal });
  play.addEventListener(
    "click",
    () => {
      if (playing) return halt();
      play.replaceChildren(icon("M5 3v10M11 3v10"));
      play.setAttribute("aria-label", "Pause");
      play.title = "Pause";
      shown = Date.now();
      run();
    },
    { signal },
  );
  signal.addEventListener("abort", () => (clearTimeout(settling), clearTimeout(playing)));
  halt();
  const bar = make("div", { class: "geojobs-time", role: "group", "aria-label": "Time" }, play, back, slider, on, label);
  return { bar: apart(bar, signal), show };
}
