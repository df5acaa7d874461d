// The networks' shapes with random weights in TensorFlow.js, forward and input gradient.
const tf = globalThis.tf;

/** A convolution of side `side`, padded evenly, with bias. */
function convolution(input, output, side, stride) {
  const filter = tf.randomNormal([side, side, input, output], 0, Math.sqrt(2 / (side * side * input)));
  const bias = tf.zeros([output]);
  const padding = side >> 1;
  return (x) => tf.add(tf.conv2d(x, filter, stride, padding || "valid", "NHWC", [1, 1], padding ? "floor" : undefined), bias);
}

/** Each channel filtered by itself. */
function depthwise(channels, side, stride) {
  const filter = tf.randomNormal([side, side, channels, 1], 0, Math.sqrt(2 / (side * side)));
  const bias = tf.zeros([channels]);
  return (x) => tf.add(tf.depthwiseConv2d(x, filter, stride, "same"), bias);
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

/** Tan, Le: EfficientNet, table 1, without squeeze and excitation, and with ReLU6: repeats, side, stride, expansion, channels. */
const LITE0 = [[1, 3, 1, 1, 16], [2, 3, 2, 6, 24], [2, 5, 2, 6, 40], [3, 3, 2, 6, 80], [3, 5, 1, 6, 112], [4, 5, 2, 6, 192], [1, 3, 1, 6, 320]];

function efficientnetLite0() {
  const stem = convolution(3, 32, 3, 2);
  const blocks = [];
  let width = 32;
  for (const [repeats, side, firstStride, expansion, output] of LITE0) {
    for (let k = 0; k < repeats; k += 1) {
      const [stride, middle] = [k ? 1 : firstStride, width * expansion];
      blocks.push({
        expand: expansion > 1 && convolution(width, middle, 1, 1),
        filter: depthwise(middle, side, stride),
        project: convolution(middle, output, 1, 1),
        residual: stride === 1 && width === output,
      });
      width = output;
    }
  }
  const head = convolution(width, 1280, 1, 1);
  const classes = tf.randomNormal([1280, 1000], 0, 0.05);
  return (image) => {
    let x = tf.relu6(stem(image));
    for (const { expand, filter, project, residual } of blocks) {
      const made = project(tf.relu6(filter(expand ? tf.relu6(expand(x)) : x)));
      x = residual ? tf.add(made, x) : made;
    }
    return tf.matMul(tf.mean(tf.relu6(head(x)), [1, 2]), classes);
  };
}

let forward;
let gradient;
let image;

async function once(kind) {
  const result = tf.tidy(() => (kind === "forward" ? forward(image) : tf.sum(gradient(image))));
  await result.data();
  result.dispose();
}

/** Makes a network and runs it once; the version that runs it, and whether it has a gradient there. */
globalThis.prepare = async (backend, model) => {
  if (backend === "wasm") {
    tf.wasm.setWasmPaths(new URL(".", location.href).href);
    tf.wasm.setThreadsCount(1);
  }
  await tf.setBackend(backend);
  await tf.ready();
  forward = model === "resnet18" ? resnet18() : efficientnetLite0();
  gradient = tf.grad((x) => tf.sum(tf.slice(forward(x), [0, 7], [1, 1])));
  image = tf.randomNormal([1, 224, 224, 3]);
  await once("forward");
  // Not every backend has every operation's gradient.
  const there = await once("gradient").then(() => true, () => false);
  return { version: tf.version_core, gradient: there };
};

/** Runs passes; how many. */
globalThis.measure = async (kind, times) => {
  for (let k = 0; k < times; k += 1) await once(kind);
  return times;
};
