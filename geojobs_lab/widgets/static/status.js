// How a state looks: a word and a drawn sign, so that colour is never the only difference. Times and values as people
// read them.

const SIGNS = {
  pending: "M8 1.5a6.5 6.5 0 1 0 0 13a6.5 6.5 0 0 0 0-13ZM8 4.2V8l2.6 1.8",
  started: "M8 1.5a6.5 6.5 0 1 1-6.5 6.5",
  success: "M2.5 8.6l3.6 3.6l7.4-8",
  failure: "M3.2 3.2l9.6 9.6M12.8 3.2l-9.6 9.6",
  revoked: "M3.5 3.5h9v9h-9Z",
  removed: "M3 8h10",
};
const AS = { publishing: "started", ready: "success", unavailable: "failure" };

/** The sign of a state; nothing to a screen reader, which gets the word. */
function sign(state) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.setAttribute("class", "gj-sign");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(svg.namespaceURI, "path");
  path.setAttribute("d", SIGNS[AS[state] || state] || SIGNS.pending);
  svg.append(path);
  return svg;
}

/** A state as sign and word. */
function stateMark(state) {
  return make("span", { class: "gj-state", "data-state": AS[state] || state }, sign(state), make("span", {}, state));
}

/** Set an element's text where it differs: a screen reader is not told the same twice, and a selection stays. */
function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** "14:03:07" for a moment of today, "12 Nov, 14:03" for another; the browser's own time zone. */
function moment(text) {
  const date = new Date(text);
  const sameDay = date.toDateString() === new Date().toDateString();
  const clock = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
  if (sameDay) return date.toLocaleTimeString([], { ...clock, second: "2-digit" });
  return date.toLocaleString([], { ...clock, day: "numeric", month: "short" });
}

/** A moment in full, for a tooltip. */
function fullMoment(text) {
  return new Date(text).toLocaleString([], { dateStyle: "full", timeStyle: "long" });
}

/** Seconds that a job has waited, runs or ran, and the word for which of the three. */
function elapsed(job) {
  const end = job.finished ? Date.parse(job.finished) : serverNow();
  const [word, begin] = job.started ? [job.finished ? "ran" : "running", job.started] : ["waiting", job.created];
  const seconds = Math.max(0, (end - Date.parse(begin)) / 1000);
  return { word: job.finished && !job.started ? "waited" : word, seconds };
}

/** How long a job has waited, runs or ran, in words. */
function elapsedText(job) {
  const { word, seconds } = elapsed(job);
  return `${word} ${job.finished && seconds < 0.095 ? `${seconds.toFixed(2)} s` : duration(seconds)}`;
}

/** The JSON object in a text; an empty one where there is none. */
function parsed(text) {
  try {
    return JSON.parse(text) || {};
  } catch {
    return {};
  }
}

/** A message as a sentence. */
function sentence(text) {
  return `${text[0].toUpperCase()}${text.slice(1)}.`;
}

/** Tell the kernel something; false when there is no line to one. */
function tellKernel(model, content) {
  try {
    model.send(content);
    return true;
  } catch {
    return false;
  }
}

/** "11 h 40 min", "3 days 2 h", "less than a minute" for a number of seconds. */
function longDuration(seconds) {
  const minutes = Math.floor(seconds / 60);
  if (minutes < 1) return "less than a minute";
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return minutes % 60 ? `${hours} h ${minutes % 60} min` : `${hours} h`;
  return hours % 24 ? `${Math.floor(hours / 24)} days ${hours % 24} h` : `${Math.floor(hours / 24)} days`;
}
