// Another widget (the map) inside ours: made by the kernel, named by the trait `shown`, drawn by Jupyter's own manager.

function childBelow(model, { below, buttons }, signal) {
  let remove = null;

  function open(wanted) {
    below.hidden = !wanted;
    buttons.map.setAttribute("aria-expanded", String(wanted));
    setText(buttons.map, wanted ? "Hide map" : "Map");
  }

  /** Show or hide what is there; false when there is nothing. */
  function toggle() {
    if (!remove) return false;
    open(below.hidden);
    return true;
  }

  async function mount() {
    remove?.();
    remove = null;
    open(false);
    const reference = model.get("shown");
    if (!reference || signal.aborted) return;
    try {
      const manager = model.widget_manager;
      const child = await manager.get_model(reference.replace("IPY_MODEL_", ""));
      const view = await manager.create_view(child);
      await connected(below, signal);
      if (signal.aborted || model.get("shown") !== reference) return view.remove();
      open(true);
      remove = attach(view, below);
    } catch (error) {
      if (!signal.aborted) console.warn("the map below a job's card could not be drawn", error);
    }
  }

  model.on("change:shown", mount);
  signal.addEventListener("abort", () => {
    model.off("change:shown", mount);
    remove?.();
  });
  mount();
  return { toggle, isOpen: () => !below.hidden };
}

/** Put a widget's view into an element as Lumino wants it, which tells it when it is in sight and how large it is. */
function attach(view, host) {
  const widget = view.luminoWidget || view.pWidget;
  const Widget = widget.constructor;
  Widget.attach(widget, host);
  const sizes = new ResizeObserver(() => {
    if (host.clientWidth) widget.processMessage(Widget.ResizeMessage.UnknownSize);
  });
  sizes.observe(host);
  return () => {
    sizes.disconnect();
    if (widget.isAttached) Widget.detach(widget);
    view.remove();
  };
}

/** Wait until an element is part of the page. */
function connected(element, signal) {
  return new Promise((done) => {
    const look = () => (element.isConnected || signal.aborted ? done() : requestAnimationFrame(look));
    look();
  });
}
