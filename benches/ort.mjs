// A network's forward pass in onnxruntime-web, WebAssembly, one thread.
import * as ort from "./ort/ort.wasm.min.mjs";

ort.env.wasm.numThreads = 1;
ort.env.wasm.wasmPaths = new URL("./ort/", location.href).href;
let session;
let feeds;

/** Loads a file; the version that runs it. */
globalThis.prepare = async (file) => {
  session = await ort.InferenceSession.create(new URL(file, location.href).href, { executionProviders: ["wasm"] });
  const [{ name, shape }] = session.inputMetadata;
  const image = Float32Array.from({ length: shape.reduce((a, b) => a * b) }, (_, k) => Math.sin(k));
  feeds = { [name]: new ort.Tensor("float32", image, shape) };
  await session.run(feeds);
  return ort.env.versions.web;
};

/** Runs forward passes; how many. */
globalThis.measure = async (times) => {
  for (let k = 0; k < times; k += 1) await session.run(feeds);
  return times;
};
