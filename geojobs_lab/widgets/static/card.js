export default {
  render({ model, el }) {
    const over = new AbortController();
    keepKeys(el);
    renderJobCard(model, el, over.signal);
    return () => over.abort();
  },
};
