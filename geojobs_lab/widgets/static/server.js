// Asking the Jupyter server from the page: with its cookie, so that no token is in the notebook, and with the XSRF
// token, which JupyterHub wants of every request.

/** The server cannot be reached from this page, or what answers is not it. */
class Unreachable extends Error {}

/** The server said no; `status` is HTTP's, `document` its error document. */
class Refused extends Error {
  constructor(message, status, document) {
    super(message);
    this.status = status;
    this.document = document;
  }
}

function cookie(name) {
  const found = document.cookie.match(new RegExp(`(?:^|; )${name}=([^;]*)`));
  return found ? decodeURIComponent(found[1]) : "";
}

function pageToken() {
  try {
    return JSON.parse(document.getElementById("jupyter-config-data").textContent).token || "";
  } catch {
    return "";
  }
}

let serverAhead = 0; // milliseconds, where this machine's clock and the server's differ

/** The server's present, in milliseconds. */
function serverNow() {
  return Date.now() + serverAhead;
}

function hearClock(answer) {
  const ahead = Date.parse(answer.headers.get("Date")) - Date.now();
  serverAhead = Math.abs(ahead) > 3000 ? ahead : 0; // the header has whole seconds, and answers take their time
}

/**
 * Ask the API and return its JSON (null where there is none).
 *
 * `path` is relative to the API's root and percent-encoded; `send` is a body for JSON. Asking for news does not count
 * as somebody's activity, so that a forgotten page does not keep an idle server alive.
 */
async function ask(model, path, { method = "GET", send, signal } = {}) {
  const headers = { "X-XSRFToken": cookie("_xsrf") };
  const token = headers["X-XSRFToken"] ? "" : pageToken();
  if (token) headers.Authorization = `token ${token}`;
  if (send !== undefined) headers["Content-Type"] = "application/json";
  const idle = method === "GET" ? `${path.includes("?") ? "&" : "?"}no_track_activity=1` : "";
  let answer, text;
  try {
    const body = send === undefined ? undefined : JSON.stringify(send);
    answer = await fetch(model.get("rest") + path + idle, { method, headers, body, signal, credentials: "same-origin" });
    hearClock(answer);
    text = await answer.text();
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Unreachable("the server cannot be reached from this page");
  }
  if (answer.status === 204) return null;
  let data;
  try {
    data = JSON.parse(text);
  } catch {
    throw new Unreachable("what answers is not the geojobs server: this page comes from another one");
  }
  if (!answer.ok) throw new Refused(data.message || `status ${answer.status}`, answer.status, data);
  return data;
}

/** A service's name as part of a URL; its slashes stay, but where it would read as the URL of something else. */
function quoted(name) {
  const parts = name.split("/");
  return parts.map(encodeURIComponent).join(parts.includes("variables") || parts.includes("download") ? "%2F" : "/");
}

/** Make an element: `make("button", {class: "x", onclick: f}, "text", child, …)`. Text is never taken for HTML. */
function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

/**
 * Keep keys to the element: JupyterLab would take an arrow for the next cell, and d pressed twice on a button for the
 * removal of its cell. Lab looks for the mark on what has the focus, not on what is round it.
 */
function keepKeys(root) {
  root.addEventListener("focusin", (event) => event.target.setAttribute("data-lm-suppress-shortcuts", "true"));
}

/** "3.2 s", "4 min 05 s", "2 h 07 min" for a number of seconds. */
function duration(seconds) {
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  const whole = Math.floor(seconds);
  const two = (number) => String(number).padStart(2, "0");
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${two(whole % 60)} s`;
  return `${Math.floor(whole / 3600)} h ${two(Math.floor((whole % 3600) / 60))} min`;
}

const FINAL = new Set(["success", "failure", "revoked"]);

/**
 * Call `step` again and again until it returns false or the signal is aborted: after `pause` ms, more slowly while it
 * throws, not at all while the page is hidden.
 */
function repeatedly(step, pause, signal) {
  let wait = pause;
  let timer;
  const next = () => {
    if (!signal.aborted) timer = setTimeout(run, wait);
  };
  async function run() {
    if (document.hidden) return document.addEventListener("visibilitychange", run, { once: true, signal });
    try {
      if ((await step()) === false) return;
      wait = pause;
    } catch (error) {
      if (error.name === "AbortError") return;
      wait = Math.min(2 * wait, 15000);
    }
    next();
  }
  signal.addEventListener("abort", () => clearTimeout(timer));
  run();
}
