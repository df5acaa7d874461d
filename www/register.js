// Work without a network. Browsers offer service workers on https and on localhost; elsewhere the page needs the network.
(() => {
  const workers = navigator.serviceWorker;
  if (!workers) return;
  // Whether the page's own worker serves it; that of a page around it knows nothing of its files.
  const isServed = () => workers.controller?.scriptURL === new URL("service-worker.js", location).href;
  // Weights that this page has used, by their addresses. Until the worker serves the page, what came is kept from here:
  // nothing is fetched twice.
  const used = new Set();
  const keeping = [];
  addEventListener("violet-weights", ({ detail: [file, bytes] }) => {
    const address = new URL(`weights/${file}`, location).href;
    used.add(address);
    if (isServed()) return;
    const copy = new Response(bytes, { headers: { "content-type": "application/octet-stream" } });
    keeping.push(caches.open(`violet ${new URL("./", location).pathname} weights`)
      .then((cache) => cache.put(address, copy)).catch(() => {}));
  });
  // Not before the page has nothing to do: a slow line is for the first mask.
  const idle = new Promise((done) => addEventListener("violet-idle", done, { once: true }));
  idle.then(async () => {
    const registration = await workers.register("service-worker.js");
    registration.addEventListener("updatefound", () => {
      // The first one is no update.
      if (isServed()) document.dispatchEvent(new Event("newer-version"));
    });
    // A page that was left open asks again when someone comes back to it.
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden) registration.update().catch(() => {});
    });
    // What is kept may be gone: browsers clear it when room is scarce. The worker looks, and fetches what is missing.
    const { active } = await workers.ready;
    await Promise.all(keeping);
    const channel = new MessageChannel();
    channel.port1.onmessage = ({ data: kept }) => {
      for (const name of ["nothing", "all", "again"]) document.getElementById(`kept-${name}`).hidden = name !== kept;
    };
    active.postMessage([...used], [channel.port2]);
  }).catch(() => {}); // Not everywhere.
})();
