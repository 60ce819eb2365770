export default {
  render({ model, el }) {
    const over = new AbortController();
    renderJobCard(model, el, over.signal);
    return () => over.abort();
  },
};
