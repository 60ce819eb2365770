// The log of a job: its last lines while it runs, all of it where somebody unfolds it.

const KEPT = 2000; // lines on the page
const TAIL = 3; // lines in sight while the job runs

function logLine(line) {
  return make(
    "div",
    { class: "gj-line", "data-level": line.level },
    make("time", { datetime: line.time, class: "gj-quiet" }, moment(line.time)),
    make("span", { class: "gj-level" }, line.level),
    make("span", { class: "gj-said" }, line.message),
  );
}

/** Elements `tail` and `fold`, and functions that fill them; `logUrl` is for what the page does not keep. */
function logView() {
  const tail = make("div", { class: "gj-tail", hidden: true });
  const count = make("summary", {});
  const left = make("p", { class: "gj-quiet", hidden: true });
  const lines = make("div", { class: "gj-lines", role: "log", "aria-live": "off", tabindex: "0", "aria-label": "Log" });
  const fold = make("details", { class: "gj-log", hidden: true }, count, left, lines);
  let total = 0;
  let traceback = null;
  let last = [];

  function add(more) {
    if (!more.length) return;
    const atEnd = lines.scrollHeight - lines.scrollTop - lines.clientHeight < 8;
    total += more.length;
    lines.append(...more.slice(-KEPT).map(logLine));
    while (lines.childElementCount > KEPT) lines.firstChild.remove();
    if (atEnd) lines.scrollTop = lines.scrollHeight;
    last = [...last, ...more].slice(-TAIL);
    for (const line of more) {
      if (line.level === "ERROR" && line.message.includes("Traceback (most recent call last)")) traceback = line.message;
    }
    const gone = total - lines.childElementCount;
    left.hidden = gone === 0;
    setText(left, `${gone} earlier lines are not shown here; job.log() has them.`);
    setText(count, `Log (${total} ${total === 1 ? "line" : "lines"})`);
    fold.hidden = false;
    tail.replaceChildren(...last.map(logLine));
  }

  function clear() {
    total = 0;
    traceback = null;
    last = [];
    lines.replaceChildren();
    tail.replaceChildren();
    fold.hidden = true;
  }

  function showTail(wanted) {
    tail.hidden = !wanted || fold.open || !last.length;
  }
  fold.addEventListener("toggle", () => {
    if (fold.open) lines.scrollTop = lines.scrollHeight;
  });
  return { tail, fold, add, clear, showTail, traceback: () => traceback };
}
