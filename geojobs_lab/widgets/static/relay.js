// Two ways to the server: from this page, and through the kernel where the page cannot reach it.

const pageId = () => Math.random().toString(36).slice(2);

/**
 * Ask the server; where this page cannot reach it, let the kernel ask.
 *
 * Which way it goes is settled by the first request. After that an unreachable server is a fault to be told: a
 * submission is not sent a second time by another way when nobody knows what became of the first.
 */
function reacher(model, signal) {
  let relayed = false;
  let settled = false;
  const waiting = new Map();
  const heard = (content) => {
    const [resolve, reject] = waiting.get(content.id) || [];
    waiting.delete(content.id);
    if (!resolve) return;
    if (content.status < 400) resolve(content.document);
    else reject(new Refused(content.document.message, content.status, content.document));
  };
  model.on("msg:custom", heard);
  signal.addEventListener("abort", () => model.off("msg:custom", heard));

  function relay(path, send) {
    const id = pageId();
    const answer = new Promise((resolve, reject) => {
      waiting.set(id, [resolve, reject]);
      const stopped = () => reject(new DOMException("closed", "AbortError"));
      signal.addEventListener("abort", stopped, { once: true });
    });
    if (!tellKernel(model, { id, path, send: send ?? null })) {
      const [, reject] = waiting.get(id);
      waiting.delete(id);
      reject(new Unreachable("neither the server nor a kernel can be reached from this page"));
    }
    return answer;
  }
  async function reach(path, send) {
    if (relayed) return relay(path, send);
    try {
      const answer = await ask(model, path, { method: send === undefined ? "GET" : "POST", send, signal });
      settled = true;
      return answer;
    } catch (error) {
      if (error instanceof Refused) settled = true;
      if (!(error instanceof Unreachable) || settled) throw error;
      relayed = true;
      return relay(path, send);
    }
  }
  reach.direct = () => !relayed;
  return reach;
}
