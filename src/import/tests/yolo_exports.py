"""Writes YOLO detectors with random weights, as Ultralytics exports them, and what ONNX Runtime computes with them.

    python3 src/import/tests/yolo_exports.py DIRECTORY

Needs ultralytics, onnx and onnxruntime. Beside each NAME.onnx lie NAME.input (the picture, f32) and NAME.logits (the
first output, f32), for `onnx_networks.rs`, which VIOLET_NETWORKS asks for. Of those with suppression in the graph, and
of YOLOv10 and 26, which pick the best themselves, NAME.rows holds what is found, one after the other: left, top, right,
bottom, score, class.
"""

import os
import pathlib
import shutil
import sys

os.environ["YOLO_AUTOINSTALL"] = "false"
import numpy
import onnxruntime
import torch
from ultralytics import YOLO

SIDE = 160
folder = pathlib.Path(sys.argv[1])
folder.mkdir(parents=True, exist_ok=True)
os.chdir(folder)
for network in ("yolov5n", "yolov8n", "yolo11n", "yolov8n-seg", "yolov10n", "yolo26n"):
    picks = network in ("yolov10n", "yolo26n")
    for suppressed in (False,) if picks or "-" in network else (False, True):
        torch.manual_seed(0)
        model = YOLO(f"{network}.yaml")
        for module in model.model.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.running_mean.uniform_(-0.1, 0.1)
                module.running_var.uniform_(0.5, 1.5)
        # Scores that differ from one another.
        head = model.model.model[-1]
        for layers in [*head.cv3, *(head.one2one_cv3 if picks else [])]:
            torch.nn.init.normal_(layers[-1].weight, std=0.3)
            torch.nn.init.normal_(layers[-1].bias, mean=-2.5, std=1.0)
        path = pathlib.Path(model.export(format="onnx", imgsz=SIDE, nms=suppressed, opset=12, simplify=False))
        name = network + ("-suppressed" if suppressed else "")
        shutil.move(path, f"{name}.onnx")
        session = onnxruntime.InferenceSession(f"{name}.onnx")
        picture = numpy.random.default_rng(0).random((1, 3, SIDE, SIDE), dtype=numpy.float32)
        picture.tofile(f"{name}.input")
        (found, *_) = session.run(None, {session.get_inputs()[0].name: picture})
        rows = suppressed or picks
        # What lies behind the scores, as the coefficients of masks, is left out.
        found = found if rows else found[:, : 4 + 80]
        numpy.ascontiguousarray(found).tofile(f"{name}.rows" if rows else f"{name}.logits")
        print(name, found.shape, found[0, :2] if rows else "", flush=True)
