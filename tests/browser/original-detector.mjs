// The original detector, in TensorFlow.js: what Violet's own must agree with.
//
//   node original-detector.mjs MODEL.JSON WIDTH HEIGHT PIXELS OUT
//
// PIXELS: RGB, 3 bytes each. OUT gets f32, little-endian: boxes [1917, 4] (top, left, bottom, right),
// scores [1917, 90], and then what coco-ssd's suppression keeps: anchor, class, score of each.
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import * as tf from "@tensorflow/tfjs-core";
import { loadGraphModel } from "@tensorflow/tfjs-converter";
import "@tensorflow/tfjs-backend-cpu";

const [model, width, height, pixels, out] = process.argv.slice(2);
await tf.setBackend("cpu");

const { modelTopology, weightsManifest } = JSON.parse(readFileSync(model));
const shards = weightsManifest.flatMap((group) => group.paths)
  .map((name) => readFileSync(path.join(path.dirname(model), name)));
const network = await loadGraphModel({
  load: async () => ({
    modelTopology,
    weightSpecs: weightsManifest.flatMap((group) => group.weights),
    weightData: new Uint8Array(Buffer.concat(shards)).buffer,
  }),
});

const photo = tf.tensor4d(new Uint8Array(readFileSync(pixels)), [1, +height, +width, 3], "int32");
const [scores, boxes] = await network.executeAsync(photo);
const [, anchors, classes] = scores.shape;
const values = await scores.data();
const best = Array.from({ length: anchors }, (_, k) => {
  const row = values.subarray(k * classes, (k + 1) * classes);
  const highest = row.reduce((a, b) => Math.max(a, b));
  return { class: row.indexOf(highest) + 1, score: highest };
});
const kept = await tf.image.nonMaxSuppressionAsync(
  tf.reshape(boxes, [anchors, 4]), tf.tensor1d(best.map(({ score }) => score)), 20, 0.5, 0.3);
const detections = Array.from(await kept.data(), (k) => [k, best[k].class, best[k].score]);
const parts = [await boxes.data(), values, Float32Array.from(detections.flat())];
writeFileSync(out, Buffer.concat(parts.map((part) => Buffer.from(part.buffer, part.byteOffset, part.byteLength))));
