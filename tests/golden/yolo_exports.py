"""Exports small YOLO networks of a training as LiteRT files, as Ultralytics does.

    python3 tests/golden/yolo_exports.py src/import/tests/data/yolo

Needs ultralytics and litert-torch, and what yolo_trainings.py wrote into the folder: what comes out is what comes out there.
"""

import json
import os
import pathlib
import shutil
import sys
import tempfile

# What it has not, it would install.
os.environ["YOLO_AUTOINSTALL"] = "false"
from ultralytics import YOLO  # noqa: E402

folder = pathlib.Path(sys.argv[1])
record = folder / "expected.json"
expected = json.loads(record.read_text())
for name in ["yolov8", "yolo11-turned"]:
    training = f"{name}.pt"
    with tempfile.TemporaryDirectory() as scratch:
        shutil.copy(folder / training, scratch)
        model = YOLO(pathlib.Path(scratch) / training)
        written = model.export(format="litert", imgsz=expected[training]["side"])
        shutil.move(written, folder / f"{name}.tflite")
    expected[f"{name}.tflite"] = expected[training]
record.write_text(json.dumps(expected))
