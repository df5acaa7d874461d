// Starts the engine in a worker: the first message says which and brings the compiled module, everything
// after it is for the engine, which takes over `onmessage` once it runs.
const early = [];
self.onmessage = async ({ data: [name, module] }) => {
  self.onmessage = (event) => early.push(event);
  try {
    importScripts(`${name}.js`);
    await wasm_bindgen({ module_or_path: module });
  } catch (error) {
    // Of a rejected promise the page would learn nothing, and wait for ever.
    setTimeout(() => { throw error; });
    return;
  }
  for (const event of early) self.onmessage(event);
};
