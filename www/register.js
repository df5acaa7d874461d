// Browsers offer service workers on https and on localhost; elsewhere the page needs the network.
navigator.serviceWorker?.register("service-worker.js");
