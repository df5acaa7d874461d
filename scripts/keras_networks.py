"""Compares what Violet makes of Keras' own networks with Keras: the table of docs/KERAS.md.

    python -m pip install tensorflow-cpu==2.21.0 keras==3.15.1
    python scripts/keras_networks.py [NAME …]

Needs `violet` (target/release, or what VIOLET names). Each network of `keras.applications` has random weights, and so
have small classifiers on top of some of them, as tutorials build them: with `preprocess_input` before, or Rescaling and
augmentation. Each is saved as .keras and as .h5, measured by `violet measure`, and deleted.

Columns: the largest difference of a logit or probability from Keras', relative to the largest; what the sum of one
secant from zeros misses of the output's change, as a share of it, or where attributions cancel of a hundredth of their
sizes.
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import keras
import numpy as np
from keras import applications, layers

VIOLET = os.environ.get("VIOLET", "target/release/violet")
SIDE = 96
random = np.random.default_rng(7)

# Its smallest or most usual member of each family.
WHOLE = """MobileNet MobileNetV2 MobileNetV3Small MobileNetV3Large EfficientNetB0 EfficientNetV2B0 ResNet50 ResNet50V2
    DenseNet121 NASNetMobile Xception InceptionV3 InceptionResNetV2 ConvNeXtTiny VGG16""".split()
# With what is written before them.
BENEATH = {
    "MobileNetV2": applications.mobilenet_v2,
    "ResNet50": applications.resnet50,
    "VGG16": applications.vgg16,
    "DenseNet121": applications.densenet,
    "Xception": applications.xception,
    "EfficientNetB0": applications.efficientnet,
}


def pictures(count, side):
    """Squares of colours: noise looks the same everywhere, and normalised it would be rounding."""
    squares = random.uniform(0, 255, (count, 4, 4, 3))
    length = -(-side // 4)
    return np.kron(squares, np.ones((1, length, length, 1)))[:, :side, :side].astype("float32")


def calibrated(model, before=lambda images: images):
    """Lets batch normalisations normalise, so that what comes out depends on the image: at first they pass on what
    random weights make smaller and smaller."""
    found = [layer for layer in model._flatten_layers() if isinstance(layer, layers.BatchNormalization)]
    usual = [layer.momentum for layer in found]
    for layer in found:
        layer.momentum = 0.0
    model(before(pictures(16, model.input_shape[1])), training=True)
    for layer, momentum in zip(found, usual):
        layer.momentum = momentum
    return model


def whole(name):
    """As it comes, but for the softmax at its end, which would hide differences; of the least side that they take."""
    least = 139 if "Inception" in name or "NAS" in name else SIDE
    return calibrated(getattr(applications, name)(
        weights=None, classes=10, classifier_activation=None, input_shape=(least, least, 3)))


def transferred(name, before):
    """A classifier of four classes on top of a network."""
    inputs = keras.Input((SIDE, SIDE, 3))
    base = getattr(applications, name)(weights=None, include_top=False, input_shape=(SIDE, SIDE, 3))
    x = layers.GlobalAveragePooling2D()(calibrated(base, before)(before(inputs), training=False))
    x = layers.Dense(4, activation="softmax")(layers.Dropout(0.2)(x))
    return keras.Model(inputs, x)


def augmented(inputs):
    """What tutorials put before MobileNetV2."""
    for layer in (layers.RandomFlip("horizontal"), layers.RandomRotation(0.1), layers.RandomZoom(0.1)):
        inputs = layer(inputs)
    return layers.Rescaling(1 / 127.5, offset=-1)(inputs)


def cases():
    """A name and a function that builds it, for each network."""
    for name in WHOLE:
        yield name, lambda name=name: whole(name)
    for name, module in BENEATH.items():
        yield f"{name}, preprocess_input", lambda name=name, module=module: transferred(name, module.preprocess_input)
    yield "MobileNetV2, augmentation", lambda: transferred("MobileNetV2", augmented)


def measured(path, image):
    """What Violet makes of a file."""
    raw = path.with_suffix(".raw")
    # Channels first, as Violet's graphs have them.
    image.transpose(0, 3, 1, 2).astype("<f4").tofile(raw)
    command = [VIOLET, "measure", path, "--input", raw, "--size", str(image.shape[1])]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise ValueError(done.stderr.strip())
    return json.loads(done.stdout)


print(f"Keras {keras.__version__}, random weights\n")
print("| network | file | difference | missed |\n|---|---|---|---|")
failed = 0
for name, build in cases():
    if sys.argv[1:] and not any(wanted in name for wanted in sys.argv[1:]):
        continue
    keras.utils.clear_session()
    model = build()
    image = pictures(1, model.input_shape[1])
    expected = np.asarray(model(image, training=False)).ravel()
    for ending in ("keras", "h5"):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / f"network.{ending}"
            model.save(path)
            try:
                report = measured(path, image)
            except ValueError as error:
                print(f"| {name} | .{ending} | {error} | |", flush=True)
                failed += 1
                continue
        found = np.array(report["outputs"], "float64")
        if ", " in name:
            # These end in a softmax, which Violet leaves out.
            found = np.exp(found - found.max())
            found /= found.sum()
        difference = np.abs(found - expected).max() / np.abs(expected).max()
        failed += not (difference <= 1e-4 and report["incompleteness"] <= 1e-4)
        print(f"| {name} | .{ending} | {difference:.0e} | {report['incompleteness']:.0e} |", flush=True)
sys.exit(f"{failed} are not read, or not to 1e-4" if failed else 0)
