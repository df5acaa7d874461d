// Starts the engine in a worker: the first message is the compiled module, everything after it
// is for the engine, which takes over `onmessage` once it runs.
importScripts("worker.js");
const early = [];
self.onmessage = async ({ data }) => {
  self.onmessage = (event) => early.push(event);
  await wasm_bindgen({ module_or_path: data });
  for (const event of early) self.onmessage(event);
};
