"""Exports a small YOLO network of a training by way of TensorFlow, as Ultralytics did for TensorFlow Lite and TensorFlow.js.

    python3 tests/golden/yolo_tensorflow.py src/import/tests/data/yolo

Needs ultralytics 8.2.103 and, as it asks for them, onnx2tf 1.22.3, onnxslim 0.1.36, onnx 1.16.2, TensorFlow 2.18 and tensorflowjs
4.22, and what yolo_trainings.py wrote into the folder: what comes out is what comes out there.
"""

import json
import os
import pathlib
import shutil
import sys
import tempfile
import zipfile

os.environ["TF_USE_LEGACY_KERAS"] = "1"
import numpy  # noqa: E402
import torch  # noqa: E402
import torch.onnx  # noqa: E402
from ultralytics.engine import exporter  # noqa: E402

# It asks the network for newer versions, and installs them.
exporter.check_requirements = lambda *_, **__: True
# It was written when PyTorch took any pickle, and traced what it exported.
load, export = torch.load, torch.onnx.export
torch.load = lambda *args, **named: load(*args, **named | {"weights_only": False})
torch.onnx.export = lambda *args, **named: export(*args, **named | {"dynamo": False})


def add_metadata(self, file):
    """As tflite-support, which no Python of today has, adds it: in an archive behind the file."""
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr("temp_meta.txt", str(self.metadata | {"date": ""}))


exporter.Exporter._add_tflite_metadata = add_metadata
from ultralytics import YOLO  # noqa: E402

folder = pathlib.Path(sys.argv[1]).resolve()
record = folder / "expected.json"
expected = json.loads(record.read_text())
name = "yolov8"
side = expected[f"{name}.pt"]["side"]
with tempfile.TemporaryDirectory() as scratch:
    shutil.copy(folder / f"{name}.pt", scratch)
    os.chdir(scratch)
    # Pictures by which weights would be rounded, were they; it fetches them.
    pictures = numpy.random.default_rng(0).random((20, 128, 128, 3), numpy.float32)
    numpy.save("calibration_image_sample_data_20x128x128x3_float32.npy", pictures)
    model = YOLO(f"{name}.pt")
    shutil.copy(model.export(format="tflite", imgsz=side), folder / f"{name}-tensorflow.tflite")
    written = model.export(format="tfjs", imgsz=side)
    shutil.copytree(written, folder / pathlib.Path(written).name, dirs_exist_ok=True)
for file in [f"{name}-tensorflow.tflite", f"{name}_web_model/model.json"]:
    expected[file] = expected[f"{name}.pt"]
record.write_text(json.dumps(expected))
