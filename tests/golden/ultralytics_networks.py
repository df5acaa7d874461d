"""Writes small networks of Ultralytics' as its training saves them, with random weights, and what PyTorch computes.

    python3 tests/golden/ultralytics_networks.py src/import/tests/data/ultralytics

Needs torch and ultralytics. `expected.json` holds, for each file, the side of its square input, which hash_weights.py
makes, and what comes out: of a detector boxes (middle, width and height in pixels) and the probabilities of their
classes, \\[4 + classes, cells\\]; of a classifier probabilities.
"""

import copy
import json
import pathlib
import sys
import zipfile

import torch
from torch import nn
from ultralytics.nn.tasks import ClassificationModel, DetectionModel, PoseModel, SegmentationModel, yaml_model_load
from ultralytics.utils.tal import dist2bbox

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from hash_weights import noise

folder = pathlib.Path(sys.argv[1])
folder.mkdir(parents=True, exist_ok=True)
expected = {}
NAMES = {0: "cat", 1: "dog", 2: "owl"}
SIDE = 64


def pack(file):
    """What is said of the modules is most of such a small file."""
    with zipfile.ZipFile(file) as stored:
        entries = {name: stored.read(name) for name in stored.namelist()}
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in entries.items():
            packed.writestr(name, content)


def save(name, network, yaml, **changes):
    torch.manual_seed(sum(map(ord, name)))
    description = yaml_model_load(yaml) | changes
    # As wide as needs be for every part to be there.
    description["scales"] = {"n": [0.34, 0.0626, 128]}
    model = network(description, ch=3, nc=3, verbose=False)
    model.names = NAMES
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.uniform_(-0.1, 0.1)
            module.running_var.uniform_(0.5, 1.5)
            module.bias.data.uniform_(-0.1, 0.1)
    model = model.half()
    torch.save({"epoch": -1, "model": copy.deepcopy(model), "ema": None, "train_args": {"imgsz": SIDE}}, folder / name)
    pack(folder / name)
    model = model.float().eval()
    x = torch.from_numpy(noise("x", 3 * SIDE * SIDE)).reshape(1, 3, SIDE, SIDE)
    head = model.model[-1]
    # Boxes as they are before the best are picked.
    head.postprocess = lambda rows: rows.permute(0, 2, 1)
    if hasattr(head, "one2one_cv2"):
        head.decode_bboxes = lambda boxes, anchors, *_: dist2bbox(boxes, anchors, xywh=True, dim=1)
    with torch.no_grad():
        made = model(x)
    while isinstance(made, (list, tuple)):
        made = made[0]
    rows = made[0, : 4 + 3] if made.dim() == 3 else made[0]
    expected[name] = {"side": SIDE, "outputs": rows.tolist()}


save("yolov8.pt", DetectionModel, "yolov8n.yaml", reg_max=4)
save("yolo11-keypoints.pt", PoseModel, "yolo11n-pose.yaml", reg_max=4)
save("yolo26-outlines.pt", SegmentationModel, "yolo26n-seg.yaml")
save("yolo11-classes.pt", ClassificationModel, "yolo11n-cls.yaml")
(folder / "expected.json").write_text(json.dumps(expected))
