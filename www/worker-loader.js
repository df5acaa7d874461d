// Starts the engine in a worker, whose script is the engine's glue and this after it, out of the page's memory: the first
// message brings the compiled module, everything after it is for the engine, which takes over `onmessage` once it runs.
// A worker fetches nothing, and the page's policy holds for it.
const early = [];
self.onmessage = async ({ data: module }) => {
  self.onmessage = (event) => early.push(event);
  try {
    await wasm_bindgen({ module_or_path: module });
  } catch (error) {
    // Of a rejected promise the page would learn nothing, and wait for ever.
    setTimeout(() => { throw error; });
    return;
  }
  for (const event of early) self.onmessage(event);
};
