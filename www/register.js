// Browsers offer service workers on https and on localhost; elsewhere the page needs the network.
navigator.serviceWorker?.register("service-worker.js").then((registration) => {
  registration.addEventListener("updatefound", () => {
    // The first one is no update.
    if (navigator.serviceWorker.controller) document.dispatchEvent(new Event("newer-version"));
  });
  // A page that was left open asks again when someone comes back to it.
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) registration.update().catch(() => {});
  });
});
