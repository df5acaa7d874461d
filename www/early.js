// What must work before the page's module is there, or without it: early clicks and drops are kept, and a start
// that fails says so.
(() => {
  // Calls from browser to browser are no request, and not every browser obeys the policy's word on them: nobody makes any.
  for (const name of ["RTCPeerConnection", "webkitRTCPeerConnection"]) delete globalThis[name];

  let started = false;
  const failed = (why, broken = false) => {
    const detail = document.getElementById("no-start-why");
    detail.textContent ||= why; // the first reason leads to the others
    const box = document.getElementById("no-start");
    if (box.hidden) box.classList.toggle("broken", broken);
    box.hidden = false;
    document.body.classList.add("not-started");
  };
  // A smallest module with a vector, which the engine is made of.
  const vectors = Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0, 65, 0, 253, 15, 253, 98, 11);
  if (location.protocol === "file:") failed("file://");
  else if (typeof WebAssembly !== "object") failed("WebAssembly: –");
  else if (!WebAssembly.validate(vectors)) failed("WebAssembly SIMD: –");

  // Scripts that cannot be loaded, and modules that cannot be started.
  addEventListener("error", (event) => {
    if (!started && (event.error || event.target?.tagName === "SCRIPT")) {
      failed(event.message || event.target.src || "app.js");
    }
  }, true);
  addEventListener("unhandledrejection", ({ reason }) => started || failed(String(reason)));
  // The module says it of itself when it breaks down later.
  addEventListener("violet-failed", ({ detail }) => failed(detail, true));

  // What is clicked, chosen or dropped early: the last of each.
  const file = document.getElementById("file");
  let clicked = null;
  const chosen = new Map();
  const early = {
    click(event) {
      const button = event.target.closest("[data-sample], button:not([popovertarget], #notice-close)");
      if (button) {
        clicked?.removeAttribute("aria-busy");
        clicked = button;
        clicked.setAttribute("aria-busy", "true");
      } else if (event.target.closest("#empty")) {
        file.click();
      }
    },
    change({ target }) {
      if (target.matches("select")) chosen.set(target, target.value);
    },
    dragover: (event) => event.preventDefault(),
    drop(event) {
      event.preventDefault();
      if (event.dataTransfer.files.length) file.files = event.dataTransfer.files;
    },
  };
  for (const [kind, listener] of Object.entries(early)) document.addEventListener(kind, listener);
  addEventListener("violet-started", () => {
    started = true;
    for (const [kind, listener] of Object.entries(early)) document.removeEventListener(kind, listener);
    for (const [select, value] of chosen) {
      select.value = value;
      select.dispatchEvent(new Event("change", { bubbles: true }));
    }
    clicked?.removeAttribute("aria-busy");
    if (file.files.length) file.dispatchEvent(new Event("change"));
    else clicked?.click();
  });
})();
