// A small model as Teachable Machine exports one, and what TensorFlow.js makes of a picture.
//
//     npm install @tensorflow/tfjs@4.22.0
//     node src/import/tests/tfjs_models.mjs
import * as tf from '@tensorflow/tfjs';
import { mkdirSync, writeFileSync } from 'node:fs';

const folder = new URL('data/tensorflow/teachable-machine/', import.meta.url);
mkdirSync(folder, { recursive: true });
await tf.setBackend('cpu');

const l = tf.layers;
const features = tf.sequential({ name: 'sequential_1', layers: [
  l.zeroPadding2d({ inputShape: [14, 14, 1], padding: [[0, 1], [0, 1]], name: 'pad' }),
  l.conv2d({ filters: 3, kernelSize: 3, strides: 2, useBias: false, name: 'conv' }),
  l.batchNormalization({ epsilon: 1e-3, name: 'norm' }),
  l.reLU({ maxValue: 6, name: 'relu' }),
  l.upSampling2d({ size: [2, 2], interpolation: 'bilinear', name: 'up' }),
  l.depthwiseConv2d({ kernelSize: 3, padding: 'same', activation: 'hardSigmoid', name: 'deep' }),
  l.globalAveragePooling2d({ name: 'mean' }),
] });
const head = tf.sequential({ name: 'sequential_3', layers: [
  l.dense({ inputShape: [3], units: 4, activation: 'relu', name: 'dense_Dense1' }),
  l.dense({ units: 2, activation: 'softmax', useBias: false, name: 'dense_Dense2' }),
] });
const model = tf.sequential({ name: 'sequential_4', layers: [features, head] });
let seed = 7;
const eighth = () => ((seed = (seed * 75 + 74) % 65537) % 17 - 8) / 8;
model.setWeights(model.getWeights().map((weight, k) => {
  const values = Array.from({ length: weight.size }, eighth);
  const variance = model.weights[k].name.includes('variance');
  return tf.tensor(variance ? values.map((v) => Math.abs(v) + 0.5) : values, weight.shape);
}));

// Grey as the cases' picture has red, as Teachable Machine takes it: value / 127 − 1.
const pixel = (row, column) => (7 * row + 3 * column) % 256;
const picture = Array.from({ length: 196 }, (_, k) => pixel(Math.floor(k / 14), k % 14));
const logits = model.layers[1].layers[1];
const run = (values) => {
  const x = tf.tensor(values, [1, 14, 14, 1]).div(127).sub(1);
  const whole = Array.from(model.predict(x).dataSync());
  const hidden = head.layers[0].apply(features.predict(x));
  return { probabilities: whole, logits: Array.from(hidden.matMul(logits.kernel.val).dataSync()) };
};
const write = (name, value) => writeFileSync(new URL(name, folder), value);
write('expected.json', JSON.stringify({ picture: run(picture), black: run(picture.map(() => 0)) }));
// Only what a reader needs: how weights were first drawn is left out.
const lean = (key, value) => (value === null || /(initializer|regularizer|constraint)$/.test(key)
  ? undefined : value);
await model.save(tf.io.withSaveHandler(async (artifacts) => {
  write('model.json', JSON.stringify({
    modelTopology: artifacts.modelTopology,
    weightsManifest: [{ paths: ['weights.bin'], weights: artifacts.weightSpecs }],
  }, lean));
  write('weights.bin', Buffer.from(artifacts.weightData));
  return {};
}));
write('metadata.json', JSON.stringify({ tmVersion: '2.4.10', packageName: '@teachablemachine/image',
  labels: ['cat', 'dog'], imageSize: 14, grayscale: true }));
