// Why there are no tiles, in plain words: the page asks for what the tiles are made of, and watches them fail.

const PATIENCE = 400; // ms in which failures of tiles are gathered into one look
const AGAIN = 4000; // ms between two looks while there is trouble

const LOCKED = "There is no map: the server does not let this page in. Log in again, and reload the page.";

function sentence(text) {
  const trimmed = text.trim().replace(/[.…]+$/, "");
  return `${trimmed[0]?.toUpperCase() ?? ""}${trimmed.slice(1)}.`;
}

/** What is wrong with a layer, as a sentence; null when its tiles can be had. */
async function troubleOf(model, layer, signal) {
  try {
    await ask(model, `${layer.path}tilejson.json`, { signal });
    return null;
  } catch (error) {
    if (error.name === "AbortError") throw error;
    if (error instanceof Unreachable) return `There is no map: ${error.message}.`;
    if (error.status === 403) return LOCKED;
    if (error.status === 404)
      return `“${layer.title}” is no longer on the server: results are removed after a while unless they are kept. Run the job again.`;
    return `“${layer.title}” cannot be shown. ${sentence(error.message)}`;
  }
}

/** Why one tile did not come, when its layer is well. */
async function tileTrouble(source, signal) {
  try {
    const answer = await fetch(source, { signal, credentials: "same-origin", headers: { "X-XSRFToken": cookie("_xsrf") } });
    if (answer.ok) return null;
    if (answer.status === 403) return LOCKED;
    return `Some tiles could not be drawn. ${sentence((await answer.json()).message ?? `status ${answer.status}`)}`;
  } catch (error) {
    if (error.name === "AbortError") throw error;
    return "Some tiles could not be drawn: the server did not answer.";
  }
}

/** Watch the tiles of the map; the element says what is wrong, and is hidden while nothing is. */
function watchTrouble({ model, container, layers, signal }) {
  const box = apart(make("div", { class: "geojobs-trouble", role: "alert", hidden: true }), signal);
  const failed = new Set();
  let timer, looking;

  async function look() {
    looking = true;
    const sources = [...failed];
    failed.clear();
    try {
      const found = await Promise.all(layers().map((layer) => troubleOf(model, layer, signal)));
      let said = [...new Set(found.filter(Boolean))];
      if (!said.length && sources.length) said = [await tileTrouble(sources[0], signal)].filter(Boolean);
      const before = !box.hidden;
      box.hidden = !said.length;
      box.replaceChildren(...said.map((text) => make("div", {}, text)));
      // Leaflet does not try failed tiles again by itself.
      if ((before || sources.length) && !said.length)
        for (const layer of layers()) layer.model.trigger("msg:custom", { msg: "redraw" });
      if (said.length) later(AGAIN);
    } catch (error) {
      if (error.name !== "AbortError") throw error;
    } finally {
      looking = false;
      if (failed.size) later(AGAIN);
    }
  }
  function later(pause) {
    clearTimeout(timer);
    if (!signal.aborted) timer = setTimeout(() => (document.hidden ? later(pause) : look()), pause);
  }
  container.addEventListener(
    "error", // does not bubble: heard on its way down
    (event) => {
      const source = event.target.getAttribute?.("src") ?? "";
      if (!event.target.matches?.("img.leaflet-tile") || !layers().some((layer) => kindOf(layer.url) === kindOf(source))) return;
      event.target.classList.add("gj-failed"); // no picture of a broken picture
      failed.add(source);
      if (!looking && box.hidden) later(PATIENCE);
    },
    { signal, capture: true },
  );
  signal.addEventListener("abort", () => clearTimeout(timer));
  look();
  return { box, look };
}
