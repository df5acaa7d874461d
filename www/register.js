// Browsers offer service workers on https and on localhost; elsewhere the page needs the network.
navigator.serviceWorker?.register("service-worker.js").then(async (registration) => {
  registration.addEventListener("updatefound", () => {
    // The first one is no update.
    if (navigator.serviceWorker.controller) document.dispatchEvent(new Event("newer-version"));
  });
  // A page that was left open asks again when someone comes back to it.
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) registration.update().catch(() => {});
  });
  // What is kept may be gone: browsers clear it when room is scarce. The worker looks, and fetches what is missing.
  const { active } = await navigator.serviceWorker.ready;
  const channel = new MessageChannel();
  channel.port1.onmessage = ({ data: kept }) => {
    for (const name of ["nothing", "all", "again"]) document.getElementById(`kept-${name}`).hidden = name !== kept;
  };
  active.postMessage("what is kept?", [channel.port2]);
}).catch(() => {}); // Not everywhere, and not for a page that was opened as a file: then it needs the network.
