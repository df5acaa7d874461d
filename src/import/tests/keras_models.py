"""Small Keras models with every kind of layer, and what Keras makes of a picture.

    python -m pip install "keras==3.15.1" "jax[cpu]" h5py
    KERAS_BACKEND=jax python src/import/tests/keras_models.py

Weights are eighths, so that archives stay small.
"""

import io
import json
import pathlib
import tempfile
import zipfile

import keras
import numpy as np
from keras import layers, ops

HERE = pathlib.Path(__file__).parent / "data" / "tensorflow"
random = np.random.default_rng(20)


def picture(shape):
    """The picture of the cases: pixel (row, column), the first channels."""
    rows, columns = np.mgrid[0 : shape[0], 0 : shape[1]]
    planes = [7 * rows + 3 * columns, 5 * rows + 11 * columns, 13 * rows + columns]
    return (np.stack(planes, -1) % 256)[None, ..., : shape[2]].astype("float32")


def convolutions():
    x = inputs = layers.Input((13, 11, 3), name="picture")
    x = layers.Rescaling(1 / 127.5, offset=-1)(x)
    x = layers.Conv2D(4, 3, strides=2, padding="same", activation="relu")(x)
    x = layers.DepthwiseConv2D(3, depth_multiplier=2, padding="same")(x)
    x = layers.Conv2D(6, (3, 1), groups=2, dilation_rate=(2, 1), padding="same")(x)
    x = layers.SeparableConv2D(5, 3, activation="swish")(x)
    x = layers.Conv2DTranspose(3, 3, strides=2, padding="same", activation="tanh")(x)
    x = layers.Conv2DTranspose(3, 2, strides=3)(x)
    x = layers.BatchNormalization()(x)
    x = layers.LeakyReLU(negative_slope=0.1)(x)
    x = layers.Conv2D(2, 3, use_bias=False)(x)
    x = layers.MaxPooling2D(4)(layers.Dropout(0.5)(x))
    return keras.Model(inputs, layers.Dense(3)(layers.Flatten()(x)))


def shapes():
    x = inputs = layers.Input((6, 5, 1), name="picture")
    x = layers.RandomFlip()(x)
    x = layers.Dense(3)(x)
    x = layers.ZeroPadding2D(((1, 2), (0, 1)))(x)
    x = layers.Cropping2D(((0, 1), (1, 0)))(x)
    x = layers.UpSampling2D((2, 1))(x)
    x = layers.UpSampling2D((1, 3), interpolation="bilinear")(x)
    x = layers.Resizing(7, 9)(x)
    x = layers.Resizing(5, 11, interpolation="nearest")(x)
    x = layers.CenterCrop(5, 8)(x)
    x = layers.Permute((2, 1, 3))(x)
    x = layers.MaxPooling2D(3, strides=2, padding="same")(x)
    x = layers.AveragePooling2D(2, strides=1, padding="same")(x)
    x = layers.Reshape((3, -1, 2))(x)
    return keras.Model(inputs, layers.Dense(2)(layers.Flatten()(x)))


def joins():
    x = inputs = layers.Input((6, 5, 3), name="picture")
    x = x / 127.5 - 1
    shared = keras.Sequential(
        [layers.Conv2D(3, 3, padding="same"), layers.BatchNormalization()], name="twice"
    )
    a, b = shared(x), shared(ops.relu(x))
    parts = [
        layers.Add()([a, b, x]),
        layers.Subtract()([a, b]),
        layers.Multiply()([a, b]),
        layers.Average()([a, b]),
        layers.Maximum()([a, b]),
        layers.Minimum()([a, b]),
    ]
    x = layers.Concatenate()(parts)
    gate = layers.GlobalAveragePooling2D(keepdims=True)(x)
    gate = layers.Conv2D(18, 1, activation="hard_sigmoid")(gate)
    x = layers.Multiply()([x, gate])
    x = layers.Concatenate(axis=1)([x, ops.mean(x, axis=1, keepdims=True)])
    x = layers.Concatenate()([layers.GlobalMaxPooling2D()(x), layers.GlobalAveragePooling2D()(x)])
    return keras.Model(inputs, layers.Dense(1, activation="sigmoid")(x))


def norms():
    x = inputs = layers.Input((6, 5, 3), name="picture")
    x = layers.Normalization(mean=[120.0, 110.0, 100.0], variance=[900.0, 400.0, 1600.0])(x)
    x = layers.Conv2D(4, 3)(x)
    x = layers.LayerNormalization()(x)
    x = layers.PReLU(shared_axes=[1, 2])(x)
    x = layers.GroupNormalization(groups=2)(x)
    x = layers.PReLU()(x)
    x = layers.LayerNormalization(axis=[1, 2, 3])(x)
    x = layers.UnitNormalization()(x)
    x = layers.ReLU(max_value=0.5, negative_slope=0.25)(x)
    x = layers.Softmax()(x)
    return keras.Model(inputs, layers.Dense(3)(layers.Flatten()(x)))


def activations():
    x = inputs = layers.Input((4, 4, 1), name="picture")
    x = layers.Rescaling(1 / 32, offset=-3)(x)
    names = (
        "linear relu relu6 leaky_relu elu selu celu gelu silu mish sigmoid hard_sigmoid hard_silu "
        "hard_tanh tanh softplus softsign exponential softmax log_softmax log_sigmoid"
    ).split()
    parts = [layers.Activation(name)(x) for name in names] + [layers.ELU(alpha=0.5)(x)]
    x = layers.Concatenate()(parts)
    return keras.Model(inputs, layers.Dense(3)(layers.Flatten()(x)))


def preprocessing():
    """As people write before a network, and what Keras' own applications write."""
    x = inputs = layers.Input((6, 5, 3), name="picture")
    x = ops.stack([x[..., 2], x[..., 1], x[..., 0]], axis=-1) + np.array([-103.9, -116.8, -123.7])
    x = ops.flip(x[..., ::-1], axis=1)[:, 1:, :-1]
    x = layers.Concatenate()([x, ops.expand_dims(x[:, :, :, -1], -1)])
    scaled = keras.src.applications.convnext.LayerScale(1e-6, 4)(x)
    x = keras.src.applications.inception_resnet_v2.CustomScaleLayer(0.25)([x, scaled])
    x = layers.Reshape((20, 4))(x)
    x = layers.Concatenate()([layers.GlobalAveragePooling1D()(x), layers.GlobalMaxPooling1D()(x)])
    return keras.Model(inputs, layers.Dense(3)(x))


def caffe():
    """Colours turned round and means taken off, as `preprocess_input` does before ResNet and VGG."""
    inputs = layers.Input((6, 5, 3), name="picture")
    x = keras.applications.resnet50.preprocess_input(inputs)
    x = layers.Conv2D(4, 3, activation="relu")(x)
    return keras.Model(inputs, layers.Dense(3)(layers.GlobalAveragePooling2D()(x)))


@keras.saving.register_keras_serializable()
class Patches(layers.Layer):
    """As Keras' example of a Vision Transformer has it, and whoever copied it."""

    def __init__(self, patch_size, **options):
        super().__init__(**options)
        self.patch_size = patch_size

    def call(self, images):
        batch, height, width, channels = ops.shape(images)
        across = [height // self.patch_size, width // self.patch_size]
        patches = ops.image.extract_patches(images, size=self.patch_size)
        return ops.reshape(patches, (batch, across[0] * across[1], self.patch_size * self.patch_size * channels))

    def get_config(self):
        return super().get_config() | {"patch_size": self.patch_size}


@keras.saving.register_keras_serializable()
class PatchEncoder(layers.Layer):
    """The example's too."""

    def __init__(self, num_patches, projection_dim, **options):
        super().__init__(**options)
        self.num_patches = num_patches
        self.projection = layers.Dense(units=projection_dim)
        self.position_embedding = layers.Embedding(input_dim=num_patches, output_dim=projection_dim)

    def call(self, patch):
        positions = ops.expand_dims(ops.arange(start=0, stop=self.num_patches, step=1), axis=0)
        return self.projection(patch) + self.position_embedding(positions)

    def get_config(self):
        return super().get_config() | {"num_patches": self.num_patches}


def attention():
    x = inputs = layers.Input((7, 6, 3), name="picture")
    x = layers.Rescaling(1 / 255)(x)
    x = PatchEncoder(9, 4)(Patches(2)(x))
    x = layers.MultiHeadAttention(2, 3, dropout=0.1)(x, x) + x
    x = layers.RMSNormalization()(x)
    values = layers.Dense(5)(x)
    x = layers.MultiHeadAttention(3, 2, value_dim=4, output_shape=6, use_bias=False)(x, values, key=x)
    x = layers.Attention(use_scale=True)([x, x])
    x = layers.UnitNormalization()(layers.ReLU()(x))
    return keras.Model(inputs, layers.Dense(3)(layers.Flatten()(x)))


def weigh(model):
    """Eighths; variances above 0."""
    for variable in model.variables:
        if "seed" in variable.path:
            continue
        value = random.integers(-8, 9, variable.shape) / 8
        if "variance" in variable.path:
            value = np.abs(value) + 0.5
        variable.assign(value)


def zipped(files):
    """An archive of the same bytes every time."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, data in files.items():
            archive.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


expected = {}
for build in (convolutions, shapes, joins, norms, activations, preprocessing, caffe, attention):
    keras.utils.clear_session()
    model = build()
    weigh(model)
    shape = model.input_shape[1:]
    image = picture(shape)
    name = build.__name__
    expected[name] = {
        "picture": np.asarray(model(image, training=False))[0].tolist(),
        "black": np.asarray(model(0 * image, training=False))[0].tolist(),
    }
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "model.keras"
        model.save(path)
        with zipfile.ZipFile(path) as archive:
            files = {entry: archive.read(entry) for entry in archive.namelist()}
        files["metadata.json"] = json.dumps({"keras_version": keras.__version__}).encode()
        (HERE / f"{name}.keras").write_bytes(zipped(files))
        if name in ("joins", "preprocessing", "attention"):
            path = pathlib.Path(folder) / "model.h5"
            model.save(path)
            files = {"keras_model.h5": path.read_bytes(), "labels.txt": b"0 yes\n"}
            (HERE / f"{name}-h5.zip").write_bytes(zipped(files))
(HERE / "keras.json").write_text(json.dumps(expected, indent=1) + "\n")
