// The read-out: a click on the map, or Enter for its middle, asks for the values there.

const STILL = 4; // CSS pixels that a click may move; more is a drag

function degrees(lat, lon) {
  const turned = ((((lon + 180) % 360) + 360) % 360) - 180;
  const one = (number, positive, negative) => `${Math.abs(number).toFixed(2)}° ${number < 0 ? negative : positive}`;
  return `${one(lat, "N", "S")}, ${one(turned, "E", "W")}`;
}

/** A number with six digits at most, and a true minus sign. */
function numberText(value) {
  const text = Number.isInteger(value) && Math.abs(value) < 1e9 ? String(value) : String(Number(value.toPrecision(6)));
  return text.replace("-", "−");
}

/** Ask for the value of each layer that is seen, the top one first. */
async function valuesAt(model, layers, lon, lat, signal) {
  const seen = layers.filter((layer) => layer.model.get("visible"));
  if (!seen[0]?.side) seen.reverse(); // left comes before right
  const titles = seen.map((layer) => layer.title);
  return Promise.all(
    seen.map(async (layer) => {
      const unique = titles.indexOf(layer.title) === titles.lastIndexOf(layer.title);
      const title = unique ? layer.title : `${layer.title}, ${layer.source}`;
      const row = { title, side: layer.side, unit: layer.unit, value: null, date: layer.date ?? "" };
      if (layer.model.get("no_wrap") && Math.abs(lon) > 180) return row; // it is drawn once, and not here
      const time = layer.date ? `&time=${encodeURIComponent(layer.date)}` : "";
      try {
        const found = await ask(model, `${layer.path}value/?lon=${lon}&lat=${lat}${time}`, { signal });
        return { ...row, value: found.value, unit: found.unit ?? row.unit, lon: found.lon, lat: found.lat };
      } catch (error) {
        if (error.name === "AbortError") throw error;
        return { ...row, trouble: error.message };
      }
    }),
  );
}

/** What was read, as an element. */
function readingElement(reading, close) {
  const cell = reading.rows.find((row) => row.value !== null && row.value !== undefined && !row.trouble);
  const place = cell ? degrees(cell.lat, cell.lon) : degrees(reading.lat, reading.lon);
  const dates = [...new Set(reading.rows.map((row) => row.date).filter(Boolean))];
  const rows = reading.rows.map((row) => {
    const text = row.trouble
      ? make("span", { class: "gj-bad" }, row.trouble)
      : row.value === null || row.value === undefined
        ? make("span", { class: "gj-nothing" }, "no data here")
        : make("span", { class: "gj-number gj-found", "data-value": row.value }, `${numberText(row.value)} ${row.unit}`.trim());
    const date = dates.length > 1 && row.date ? make("span", { class: "gj-quiet" }, ` ${shortDate(row.date)}`) : null;
    const side = row.side ? `${row.side === "left" ? "Left" : "Right"}: ` : "";
    return [make("dt", { class: "gj-quiet" }, side + row.title, date), make("dd", {}, text)];
  });
  return [
    make("button", { type: "button", class: "gj-close", "aria-label": "Close the read-out", onclick: close }, "×"),
    reading.rows.length ? make("dl", {}, ...rows.flat()) : make("div", { class: "gj-nothing" }, "no layer is shown"),
    make(
      "div",
      { class: "gj-quiet gj-number" },
      cell ? "Cell at " : "",
      place,
      dates.length === 1 ? ` · ${shortDate(dates[0])}` : "",
    ),
  ];
}

/** Read values where the map is clicked; `layers()` gives those of now. */
function readOut({ model, map, mark, container, layers, signal }) {
  const box = apart(make("div", { class: "geojobs-value", role: "status", "aria-live": "polite" }), signal);
  let running;

  function show() {
    const reading = model.get("reading");
    box.hidden = !reading?.rows;
    if (box.hidden) return box.replaceChildren();
    box.replaceChildren(...readingElement(reading, forget));
  }
  function forget() {
    running?.abort();
    model.set("reading", {});
    tell(model);
    mark.set("opacity", 0);
    tell(mark);
    container.focus({ preventScroll: true });
  }
  async function read(lon, lat) {
    running?.abort();
    running = new AbortController();
    try {
      const rows = await valuesAt(model, layers(), lon, lat, running.signal);
      const cell = rows.find((row) => row.lon !== undefined && row.value !== null);
      model.set("reading", { lon, lat, rows });
      tell(model);
      // The centre of the cell may be a turn of the Earth away from where it is seen.
      const turn = cell ? 360 * Math.round((lon - cell.lon) / 360) : 0;
      mark.set({ location: cell ? [cell.lat, cell.lon + turn] : [lat, lon], opacity: 1 });
      tell(mark);
    } catch (error) {
      if (error.name !== "AbortError") throw error;
    }
  }

  let down = null;
  const within = (event) => !event.target.closest(".leaflet-control, .leaflet-sbs, .geojobs-over");
  container.addEventListener("pointerdown", (event) => (down = [event.clientX, event.clientY]), { signal, capture: true });
  container.addEventListener(
    "click",
    (event) => {
      const moved = down && Math.hypot(event.clientX - down[0], event.clientY - down[1]) > STILL;
      if (moved || !within(event)) return;
      const corner = container.getBoundingClientRect();
      const place = placeAt(map, container, event.clientX - corner.left, event.clientY - corner.top);
      read(place.lon, place.lat);
    },
    { signal },
  );
  container.addEventListener(
    "keydown",
    (event) => {
      if (event.key !== "Enter" || event.target !== container) return;
      const [lat, lon] = map.get("center");
      read(lon, lat);
    },
    { signal },
  );
  heed(model, "change:reading", show, signal);
  signal.addEventListener("abort", () => running?.abort());
  show();
  return {
    box,
    again() {
      const reading = model.get("reading");
      if (reading?.rows) read(reading.lon, reading.lat);
    },
  };
}
