// Whoever uses the keyboard is never left nowhere. When what has the focus is hidden, disabled or taken away, the focus
// goes to what it names for that (data-heir: ids, the first that can be used), else to what is beside it, else to where
// the person was who made it appear: what was pressed or chosen last.
(() => {
  const USABLE = "a[href], button, input, select, summary, textarea, [tabindex]";
  // Beyond these, what stands next is about something else.
  const LIMITS = "section, aside, header, footer, dialog, [role=alert], [popover]";
  let held = null;
  let pressed = null;

  const works = (one) => one?.isConnected && !one.matches(":disabled") && !one.closest("[inert]")
    && one.checkVisibility({ visibilityProperty: true });
  const reached = (box) => [...box.querySelectorAll(USABLE)].filter((one) => one.tabIndex >= 0 && works(one));

  // Where something was that has been taken away: at what took its place, or stood beside it.
  function place(gone, records) {
    let here = gone;
    for (const { target, removedNodes, addedNodes, nextSibling, previousSibling } of records) {
      if (here.isConnected) break;
      const k = [...removedNodes].findIndex((node) => node.contains(here));
      if (k >= 0) here = addedNodes[k] ?? addedNodes[addedNodes.length - 1] ?? nextSibling ?? previousSibling ?? target;
      if (here.nodeType !== Node.ELEMENT_NODE) here = target;
    }
    return here.isConnected ? here : document.body;
  }

  function heir(gone, records) {
    const names = gone.closest("[data-heir]")?.dataset.heir.split(" ") ?? [];
    const named = names.map((id) => document.getElementById(id)).find(works);
    if (named) return named;
    const here = place(gone, records);
    let asked = !works(pressed);
    for (let box = here; box; box = box.parentElement) {
      const all = reached(box);
      const after = Node.DOCUMENT_POSITION_FOLLOWING;
      if (all.length) return all.find((one) => one === here || here.compareDocumentPosition(one) & after) ?? all.at(-1);
      if (!asked && box.matches(LIMITS)) return pressed;
      asked ||= box === document.body;
    }
    return null;
  }

  addEventListener("focusin", ({ target }) => { held = target; });
  // Who uses a pointer may leave the focus where it wants to be; a control that it presses has the focus next.
  addEventListener("pointerdown", () => { held = null; }, true);
  for (const kind of ["click", "change"]) {
    addEventListener(kind, ({ target }) => {
      const control = target.closest?.(USABLE);
      // What stops work, or closes something, began nothing.
      if (control && !control.closest("[data-ends]")) pressed = control;
    }, true);
  }
  new MutationObserver((records) => {
    if (!held || works(held)) return;
    const gone = held;
    held = null;
    const active = document.activeElement;
    // Someone has found it a better place already.
    if (active && active !== document.body && active !== gone) held = active;
    else {
      const next = heir(gone, records);
      next?.focus();
      if (!works(pressed)) pressed = next;
    }
  }).observe(document.documentElement, {
    subtree: true, childList: true, attributes: true, attributeFilter: ["hidden", "disabled", "open", "class", "inert"],
  });
})();
