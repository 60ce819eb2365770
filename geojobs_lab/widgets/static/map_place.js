// Where things are on the map: its element in the page, and Web Mercator, from the map's model alone.

const TILE = 256; // CSS pixels of the world at zoom 0
const NORTHMOST = 85; // degrees; Web Mercator ends there
const POLEWARD = 75; // degrees; a first view leaves out what is more stretched
const DEEPEST = 12; // zoom of a first view
const SLACK = 1.04; // times its room that the data may take, for the sake of the next deeper zoom

/** Wait until the panel lies in its map, and return the map's element; null when it is closed before. */
async function mapElement(el, signal) {
  while (!signal.aborted) {
    const container = el.closest(".leaflet-container");
    if (container?.clientWidth) return container;
    await new Promise((done) => {
      const timer = setTimeout(done, 50);
      signal.addEventListener("abort", () => (clearTimeout(timer), done()), { once: true });
    });
  }
  return null;
}

/** Hear of a model's changes until the signal. */
function heed(model, events, call, signal) {
  model.on(events, call);
  signal.addEventListener("abort", () => model.off(events, call));
}

/** Tell the kernel what was set in the page; it may have gone, and then there is nobody to tell. */
function tell(model) {
  try {
    model.save_changes();
  } catch (error) {
    console.debug("geojobs: the kernel does not hear", error);
  }
}

/**
 * Let a model of ipyleaflet live on without its kernel: its views tell the kernel of every tile and every move, and
 * where that throws, Leaflet stops half way and draws no more.
 */
function enduring(model) {
  for (const name of ["save_changes", "send"]) {
    if (Object.hasOwn(model, name)) continue;
    const plain = model[name];
    model[name] = function (...given) {
      try {
        return plain.apply(this, given);
      } catch (error) {
        console.debug("geojobs: the kernel does not hear", error);
      }
    };
  }
  return model;
}

/** The height of a latitude as a share of the world, downwards from the north. */
function heightOf(lat) {
  const cut = Math.max(-NORTHMOST, Math.min(NORTHMOST, lat));
  return 0.5 - Math.asinh(Math.tan((cut * Math.PI) / 180)) / (2 * Math.PI);
}

function latitudeOf(height) {
  return (Math.atan(Math.sinh((0.5 - height) * 2 * Math.PI)) * 180) / Math.PI;
}

/** Longitude and latitude of a point, in CSS pixels from the corner of the map's element. */
function placeAt(map, container, x, y) {
  const [lat, lon] = map.get("center");
  const world = TILE * 2 ** map.get("zoom");
  return {
    lon: lon + ((x - container.clientWidth / 2) / world) * 360,
    lat: latitudeOf(heightOf(lat) + (y - container.clientHeight / 2) / world),
  };
}

/**
 * Show the whole of a box, with the size that the map has in this page; `free` is the room on the right and at the
 * bottom that the panel takes, in CSS pixels.
 */
function fit(map, container, [west, south, east, north], free) {
  const edge = south < -POLEWARD && north > POLEWARD ? POLEWARD : NORTHMOST;
  const top = heightOf(Math.min(north, edge));
  const bottom = heightOf(Math.max(south, -edge));
  const shares = [
    (east - west) / 360 / (container.clientWidth - free.right),
    (bottom - top) / (container.clientHeight - free.bottom),
  ];
  const zoom = Math.floor(-Math.log2((Math.max(...shares, 1e-9) * TILE) / SLACK));
  const whole = Math.max(0, Math.min(DEEPEST, zoom));
  const world = TILE * 2 ** whole;
  const center = [
    latitudeOf((top + bottom + free.bottom / world) / 2),
    (west + east + (360 * free.right) / world) / 2,
  ];
  map.set({ center, zoom: whole });
  tell(map);
}

/** Keep what is done on a part of the panel from the map below it (dragging, zooming, clicks). */
function apart(element, signal) {
  for (const kind of ["click", "dblclick", "mousedown", "pointerdown", "touchstart", "wheel", "contextmenu", "keydown"])
    element.addEventListener(kind, (event) => event.stopPropagation(), { signal, passive: true });
  return element;
}

/** A little picture for a button: the path is drawn in a box of 16 by 16. */
function icon(path) {
  const space = "http://www.w3.org/2000/svg";
  const picture = document.createElementNS(space, "svg");
  for (const [name, value] of Object.entries({ viewBox: "0 0 16 16", width: 16, height: 16, "aria-hidden": "true" }))
    picture.setAttribute(name, value);
  const line = document.createElementNS(space, "path");
  line.setAttribute("d", path);
  picture.append(line);
  return picture;
}
