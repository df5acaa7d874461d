// ResNet-18's shape with random weights in TensorFlow.js, forward and input gradient.
const tf = globalThis.tf;

/** A convolution of side `side`, padded evenly, with bias. */
function convolution(input, output, side, stride) {
  const filter = tf.randomNormal([side, side, input, output], 0, Math.sqrt(2 / (side * side * input)));
  const bias = tf.zeros([output]);
  const padding = side >> 1;
  return (x) => tf.add(tf.conv2d(x, filter, stride, padding || "valid", "NHWC", [1, 1], padding ? "floor" : undefined), bias);
}

function resnet18() {
  const stem = convolution(3, 64, 7, 2);
  const blocks = [];
  let width = 64;
  for (const [stage, output] of [64, 128, 256, 512].entries()) {
    for (const first of [true, false]) {
      const stride = stage > 0 && first ? 2 : 1;
      blocks.push({
        first: convolution(width, output, 3, stride),
        second: convolution(output, output, 3, 1),
        shortcut: stride > 1 ? convolution(width, output, 1, stride) : (x) => x,
      });
      width = output;
    }
  }
  const classes = tf.randomNormal([512, 1000], 0, 0.05);
  return (image) => {
    let x = tf.maxPool(tf.relu(stem(image)), 3, 2, 1, "floor");
    for (const { first, second, shortcut } of blocks) x = tf.relu(tf.add(second(tf.relu(first(x))), shortcut(x)));
    return tf.matMul(tf.mean(x, [1, 2]), classes);
  };
}

/** Seconds a step, after one that is not counted. */
globalThis.measure = async (backend, size, steps) => {
  if (backend === "wasm") tf.wasm.setWasmPaths(new URL(".", location.href).href);
  await tf.setBackend(backend);
  await tf.ready();
  const forward = resnet18();
  const gradient = tf.grad((x) => tf.sum(tf.slice(forward(x), [0, 7], [1, 1])));
  const image = tf.randomNormal([1, size, size, 3]);
  let start = 0;
  for (let step = 0; step <= steps; step += 1) {
    if (step === 1) start = performance.now();
    const slope = tf.tidy(() => tf.sum(tf.mul(gradient(tf.mul(image, step / steps)), image)));
    await slope.data();
    slope.dispose();
  }
  const seconds = (performance.now() - start) / 1000 / steps;
  return { seconds, backend: tf.getBackend(), version: tf.version_core };
};
