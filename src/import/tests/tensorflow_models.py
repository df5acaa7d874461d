"""Small models in TensorFlow's forms, and what TensorFlow makes of a picture.

    python -m pip install tensorflow-cpu==2.21.0 tf_keras==2.21.0
    TF_USE_LEGACY_KERAS=1 python src/import/tests/tensorflow_models.py

Keras 2 in HDF5, TensorFlow Lite (float32, float16, 8 bits throughout), and a
TensorFlow.js graph. Weights are eighths, so that archives stay small.
"""

import io
import json
import os
import pathlib
import tempfile
import zipfile

os.environ["TF_USE_LEGACY_KERAS"] = "1"
import numpy as np
import tensorflow as tf
from google.protobuf.json_format import MessageToDict
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

keras, layers = tf.keras, tf.keras.layers
HERE = pathlib.Path(__file__).parent / "data" / "tensorflow"
random = np.random.default_rng(21)
expected = {}


def picture(height, width, channels):
    """The picture of the cases: pixel (row, column), the first channels."""
    rows, columns = np.mgrid[0:height, 0:width]
    planes = [7 * rows + 3 * columns, 5 * rows + 11 * columns, 13 * rows + columns]
    return (np.stack(planes, -1) % 256)[None, ..., :channels].astype("float32")


def weigh(model):
    """Eighths; variances above 0."""
    for variable in model.variables:
        value = random.integers(-8, 9, variable.shape) / 8
        if "variance" in variable.name:
            value = np.abs(value) + 0.5
        variable.assign(value)


def zipped(files):
    """An archive of the same bytes every time."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, data in files.items():
            archive.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def both(name, run, shape):
    """What a function makes of the picture and of black."""
    image = picture(*shape)
    expected[name] = {
        key: np.asarray(run(x))[0].astype(float).tolist()
        for key, x in (("picture", image), ("black", 0 * image))
    }


# Keras 2: models in models, a frozen one, operations on values.
def block(name):
    return keras.Sequential(
        [layers.Conv2D(3, 3, padding="same"), layers.BatchNormalization(name=f"{name}_norm")],
        name=name,
    )


inputs = layers.Input((6, 5, 3), name="picture")
first, second = block("first"), block("second")
second.trainable = False
x = first(inputs / 127.5 - 1.0)
x = tf.nn.relu6(second(x) + 3.0) * (1.0 / 6.0)
x = layers.Activation("hard_sigmoid")(x)
x = layers.UpSampling2D(2, interpolation="bilinear")(x)
x = tf.reduce_mean(x, axis=[1, 2])
features = keras.Model(inputs, x, name="features")
model = keras.Sequential([features, layers.Dense(2, use_bias=False)])
model.build((None, 6, 5, 3))
weigh(model)
both("keras-2", lambda x: model(x, training=False), (6, 5, 3))
with tempfile.TemporaryDirectory() as folder:
    path = pathlib.Path(folder) / "model.h5"
    model.save(path)
    (HERE / "keras-2-h5.zip").write_bytes(zipped({"model.h5": path.read_bytes()}))

# TensorFlow Lite.
inputs = layers.Input((12, 10, 3), name="picture")
x = inputs / 127.5 - 1.0
x = layers.Conv2D(4, 3, strides=2, padding="same", activation="relu6")(x)
x = layers.ZeroPadding2D(((1, 0), (0, 1)))(x)
x = layers.DepthwiseConv2D(3, depth_multiplier=2)(x)
x = layers.PReLU(shared_axes=[1, 2])(x)
y = layers.Conv2D(8, 1, dilation_rate=2, activation="tanh")(x)
x = layers.Concatenate()([layers.Add()([x, y]), layers.Multiply()([x, y])])
x = layers.Conv2DTranspose(8, 2, strides=2)(x)
x = layers.MaxPooling2D(2, padding="same")(x)
x = layers.AveragePooling2D(2, strides=1, padding="same")(x)
x = tf.image.resize(x, (4, 3))
x = tf.transpose(x, (0, 2, 1, 3))[:, 1:, ::-1, :]
x = layers.Activation("swish")(x)
x = layers.Dense(4)(layers.Flatten()(x))
model = keras.Model(inputs, x)
weigh(model)
lite = {"lite": tf.lite.TFLiteConverter.from_keras_model(model).convert()}

# Rounded in two ways. Only arrays of 1024 weights and more are rounded to 8 bits.
inputs = layers.Input((12, 10, 3), name="picture")
x = layers.Conv2D(4, 3, strides=2, padding="same", activation="relu6")(inputs / 127.5 - 1.0)
x = layers.Dense(10, activation="relu")(layers.Flatten()(x))
model = keras.Model(inputs, layers.Dense(4)(x))
weigh(model)
both("lite-unrounded", lambda x: model(x, training=False), (12, 10, 3))


def converter():
    return tf.lite.TFLiteConverter.from_keras_model(model)


half = converter()
half.optimizations = [tf.lite.Optimize.DEFAULT]
half.target_spec.supported_types = [tf.float16]
lite["lite-float16"] = half.convert()
whole = converter()
whole.optimizations = [tf.lite.Optimize.DEFAULT]
whole.representative_dataset = lambda: (
    [(picture(12, 10, 3) * scale).astype("float32")] for scale in np.linspace(0, 1, 32)
)
whole.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
whole.inference_input_type = whole.inference_output_type = tf.uint8
lite["lite-int8"] = whole.convert()
for name, data in lite.items():
    (HERE / f"{name}.zip").write_bytes(zipped({"model.tflite": data}))
    interpreter = tf.lite.Interpreter(model_content=data)
    interpreter.allocate_tensors()
    given, made = interpreter.get_input_details()[0], interpreter.get_output_details()[0]

    def run(x):
        interpreter.set_tensor(given["index"], x.astype(given["dtype"]))
        interpreter.invoke()
        y = interpreter.get_tensor(made["index"]).astype("float32")
        scale, zero = made["quantization"]
        return (y - zero) * scale if scale else y

    both(name, run, (12, 10, 3))


# A TensorFlow.js graph: the frozen graph in JSON, its constants beside it.
class Network(tf.Module):
    def __init__(self):
        weight = lambda *shape: tf.Variable(random.integers(-8, 9, shape) / 8, dtype=tf.float32)
        self.filters, self.bias, self.deep = weight(3, 3, 3, 4), weight(4), weight(3, 3, 4, 2)
        self.scale, self.offset, self.mean = weight(8), weight(8), weight(8)
        self.variance = tf.Variable(tf.abs(weight(8)) + 0.5)
        self.up, self.matrix = weight(2, 2, 3, 8), weight(24, 3)

    @tf.function(input_signature=[tf.TensorSpec((None, 12, 10, 3), tf.float32, "picture")])
    def __call__(self, x):
        x = tf.pad(x / 127.5 - 1.0, ((0, 0), (1, 0), (0, 1), (0, 0)), "SYMMETRIC")
        x = tf.nn.relu6(tf.nn.bias_add(tf.nn.conv2d(x, self.filters, 2, "SAME"), self.bias))
        x = tf.nn.depthwise_conv2d(x, self.deep, (1, 1, 1, 1), "SAME")
        x, *_ = tf.raw_ops.FusedBatchNormV3(
            x=x,
            scale=self.scale,
            offset=self.offset,
            mean=self.mean,
            variance=self.variance,
            epsilon=1e-3,
            is_training=False,
        )
        x = tf.space_to_batch(tf.nn.leaky_relu(x, 0.1), (2, 2), ((0, 1), (0, 0)))
        x = tf.nn.max_pool2d(x, 2, 1, "SAME")
        x = tf.batch_to_space(x, (2, 2), ((0, 1), (0, 0)))
        x = tf.nn.depth_to_space(x[:, 1:, :-1, :], 2)
        x = tf.concat(tf.split(x, 2, axis=-1)[::-1] + [x * x], axis=-1)
        shape = tf.shape(x)
        x = tf.reshape(x, (shape[0], shape[1] * shape[2], 4))
        a, b = tf.unstack(tf.gather(x, [0, 3], axis=2), axis=2)
        x = tf.stack([a, b, tf.maximum(a, b)], axis=1)
        x = tf.nn.softmax(x, axis=1) + tf.math.rsqrt(tf.square(x) + 1.0)
        x = tf.expand_dims(tf.reduce_max(x, axis=1) - tf.reduce_mean(x, axis=1), 1)
        x = tf.matmul(tf.squeeze(x, 1)[:, 8:32], self.matrix)
        return tf.clip_by_value(30.0 * x, -4.0, 4.0)


network = Network()
both("graph", network, (12, 10, 3))
frozen = convert_variables_to_constants_v2(network.__call__.get_concrete_function())
nodes, entries, data = [], [], b""
for node in frozen.graph.as_graph_def().node:
    if node.op == "Const":
        value = tf.make_ndarray(node.attr["value"].tensor)
        entry = {"name": node.name, "shape": list(value.shape), "dtype": str(value.dtype)}
        if value.dtype == np.float32 and value.ndim == 4:
            # As the converter's --quantize_uint8 has it; eighths lose nothing.
            entry["quantization"] = {"dtype": "uint8", "scale": 1 / 8, "min": -1.0}
            value = ((value + 1) * 8).astype("uint8")
        entries.append(entry)
        data += value.tobytes()
        node.attr["value"].tensor.ClearField("tensor_content")
    nodes.append(MessageToDict(node))
graph = {
    "format": "graph-model",
    "modelTopology": {"node": nodes},
    "weightsManifest": [{"paths": ["group1-shard1of1.bin"], "weights": entries}],
}
files = {"model.json": json.dumps(graph).encode(), "group1-shard1of1.bin": data}
(HERE / "graph.zip").write_bytes(zipped(files))
(HERE / "tensorflow.json").write_text(json.dumps(expected, indent=1) + "\n")
