"""Writes small YOLO networks as a training saves them, with random weights, and what PyTorch computes.

    python3 tests/golden/yolo_trainings.py src/import/tests/data/yolo [CHECKOUT]

Needs torch and, without a checkout, ultralytics; with one of ultralytics/yolov5, WongKinYiu/yolov7 or WongKinYiu/yolov9, what
that imports. `expected.json` gains, for each file, the side of its square input, which hash_weights.py makes, and what comes
out: of a detector boxes (middle, width and height in pixels), where there are anchors the probability of there being a
thing, and the probabilities of their classes, \\[4 or 5 + classes, candidates\\]; of a classifier probabilities.
"""

import copy
import json
import pathlib
import sys
import zipfile

import torch
from torch import nn

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from hash_weights import noise

folder = pathlib.Path(sys.argv[1])
folder.mkdir(parents=True, exist_ok=True)
record = folder / "expected.json"
expected = json.loads(record.read_text()) if record.exists() else {}
NAMES = ["cat", "dog", "owl"]
SIDE = 64


def pack(file):
    """What is said of the modules is most of such a small file."""
    with zipfile.ZipFile(file) as stored:
        entries = {name: stored.read(name) for name in stored.namelist()}
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in entries.items():
            packed.writestr(name, content)


def randomise(model):
    """What a training begins with at 0 or 1 would hide mistakes."""
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.uniform_(-0.1, 0.1)
            module.running_var.uniform_(0.5, 1.5)
            module.bias.data.uniform_(-0.1, 0.1)
        for name in ("gamma", "implicit"):
            if isinstance(getattr(module, name, None), nn.Parameter):
                getattr(module, name).data.uniform_(0.5, 1.0)


def save(name, build, rows, **beside):
    torch.manual_seed(sum(map(ord, name)))
    model = build()
    randomise(model)
    model = model.half()
    torch.save({"epoch": -1, "model": copy.deepcopy(model), "ema": None} | beside, folder / name)
    pack(folder / name)
    model = model.float().eval()
    x = torch.from_numpy(noise("x", 3 * SIDE * SIDE)).reshape(1, 3, SIDE, SIDE)
    with torch.no_grad():
        expected[name] = {"side": SIDE, "outputs": rows(model, x).tolist()}


def of_ultralytics():
    from ultralytics.nn import tasks
    from ultralytics.nn.modules import CBAM
    from ultralytics.nn.tasks import (ClassificationModel, DetectionModel, OBBModel, PoseModel, SegmentationModel,
                                      yaml_model_load)
    from ultralytics.utils.tal import dist2bbox

    def rows(model, x):
        head = model.model[-1]
        # Boxes as they are before the best are picked.
        head.postprocess = lambda rows: rows.permute(0, 2, 1)
        # The heads that go without a suppression of boxes are what YOLOv10 was made for.
        if type(head).__name__ == "v10Detect":
            head._end2end = True
        turns = type(head).__name__.startswith("OBB")
        if hasattr(head, "one2one_cv2") and not turns:
            head.decode_bboxes = lambda boxes, anchors, *_: dist2bbox(boxes, anchors, xywh=True, dim=1)
        made = model(x)
        while isinstance(made, (list, tuple)):
            made = made[0]
        if made.dim() < 3:
            return made[0]
        made, angle = made[0, : 4 + len(NAMES)].clone(), made[0, -1]
        if turns:
            (width, height), cos, sin = made[2:4].clone(), angle.cos().abs(), angle.sin().abs()
            made[2], made[3] = width * cos + height * sin, width * sin + height * cos
        return made

    def ultralytics(name, network, description):
        def build():
            model = network(description, ch=3, nc=len(NAMES), verbose=False)
            model.names = dict(enumerate(NAMES))
            return model

        save(name, build, rows, train_args={"imgsz": SIDE})

    def small(yaml, **changes):
        # As wide as needs be for every part to be there.
        return yaml_model_load(yaml) | {"scales": {"n": [0.34, 0.0626, 128]}} | changes

    ultralytics("yolov8.pt", DetectionModel, small("yolov8n.yaml", reg_max=4))
    ultralytics("yolo11-keypoints.pt", PoseModel, small("yolo11n-pose.yaml", reg_max=4))
    ultralytics("yolo26-outlines.pt", SegmentationModel, small("yolo26n-seg.yaml"))
    ultralytics("yolo11-classes.pt", ClassificationModel, small("yolo11n-cls.yaml"))
    # Parts of YOLOv3, 6, 9, 10 and 12 that the others have not, and one that people add.
    tasks.CBAM = CBAM
    parts = [
        [-1, 1, "Conv", [8, 3, 2]], [-1, 1, "Conv", [16, 3, 2]], [-1, 1, "ELAN1", [16, 16, 8]],
        [-1, 1, "AConv", [16]], [-1, 1, "RepNCSPELAN4", [16, 16, 8, 2]], [-1, 1, "C2fCIB", [16, True, True]],
        [-1, 1, "C3Ghost", [16]], [-1, 1, "GhostConv", [16, 3, 1]], [-1, 1, "C1", [16]],
        [-1, 1, "ADown", [32]], [-1, 1, "SPPELAN", [32, 16]], [-1, 1, "PSA", [32]], [-1, 1, "C2", [32]],
        [-1, 1, "CBAM", [32]], [-1, 1, "C2fPSA", [32]],
        [-1, 1, "nn.ConvTranspose2d", [48, 2, 2, 0]], [-1, 1, "nn.ZeroPad2d", [[0, 1, 0, 1]]],
        [-1, 1, "nn.MaxPool2d", [2, 1, 0]], [[-1, 8], 1, "Concat", [1]], [-1, 1, "A2C2f", [64, True, 4, True, 1.2]],
        [-1, 1, "SCDown", [32, 3, 2]], [-1, 1, "SPP", [32]],
    ]
    detect = [[14, 21], 1, "v10Detect", ["nc"]]
    own = {"nc": 3, "backbone": parts, "head": [detect]}
    ultralytics("parts.pt", DetectionModel, own)
    ultralytics("yolo11-turned.pt", OBBModel, small("yolo11n-obb.yaml", reg_max=4))


def of_checkout(checkout):
    """A network of a repository of its own, of the parts that others have not."""
    sys.path.insert(0, str(checkout))
    import models.yolo as yolo

    anchors = [[10, 13, 16, 30, 33, 23], [30, 61, 62, 45, 59, 119]]
    networks = {
        # Two beginnings: the first version's and today's.
        "yolov5-first.pt": [[
            [-1, 1, "Focus", [64, 3]], [-1, 1, "Conv", [128, 3, 2]], [-1, 2, "BottleneckCSP", [128]],
            [-1, 1, "Conv", [256, 3, 2]], [-1, 1, "SPP", [256, [5, 9]]], [-1, 1, "Conv", [256, 3, 2]],
            [-1, 1, "C3Ghost", [256]], [-1, 1, "nn.Upsample", [None, 2, "nearest"]], [[-1, 4], 1, "Concat", [1]],
            [-1, 2, "C3x", [128]],
        ], [[9, 6], 1, "Detect", ["nc", "anchors"]]],
        "yolov5-outlines.pt": [[
            [-1, 1, "Conv", [64, 6, 2, 2]], [-1, 1, "Conv", [128, 3, 2]], [-1, 1, "C3", [128]],
            [-1, 1, "Conv", [256, 3, 2]], [-1, 1, "SPPF", [256, 5]], [-1, 1, "Conv", [256, 3, 2]],
        ], [[4, 5], 1, "Segment", ["nc", "anchors", 32, 256]]],
        "yolov7.pt": [[
            [-1, 1, "ReOrg", []], [-1, 1, "Conv", [64, 3, 1]], [-1, 1, "Conv", [128, 3, 2]], [-1, 1, "MP", []],
            [-2, 1, "DownC", [128]], [-1, 1, "SP", [3]], [[-1, -2, -3], 1, "Concat", [1]],
            [-1, 1, "SPPCSPC", [128]], [-1, 1, "RepConv", [128, 3, 1]], [-1, 1, "Conv", [256, 3, 2]],
            [-1, 1, "RepConv", [256, 3, 1]],
        ], [[8, 10], 1, "IDetect", ["nc", "anchors"]]],
        "yolov9.pt": [[
            [-1, 1, "Silence", []], [-1, 1, "Conv", [64, 3, 2]], [-1, 1, "Conv", [128, 3, 2]],
            [-1, 1, "RepNCSPELAN4", [128, 64, 64, 1]], [-1, 1, "ADown", [128]], [-1, 1, "ADown", [128]],
            [3, 1, "CBLinear", [[8, 16]]], [5, 1, "CBLinear", [[8, 16, 8]]],
            [0, 1, "Conv", [128, 3, 2]], [-1, 1, "Conv", [128, 3, 2]], [[6, 7, -1], 1, "CBFuse", [[1, 1]]],
            [-1, 1, "ADown", [128]], [-1, 1, "ADown", [128]],
        ], [[11, 12, 4, 5], 1, "DualDDetect", ["nc"]]],
    }
    own = {"yolov5": ["yolov5-first.pt", "yolov5-outlines.pt"], "yolov7": ["yolov7.pt"], "yolov9": ["yolov9.pt"]}
    for name in own[pathlib.Path(checkout).name]:
        backbone, head = networks[name]
        description = {"nc": 3, "depth_multiple": 0.34, "width_multiple": 0.125, "anchors": anchors, "backbone": backbone, "head": [head]}
        network = getattr(yolo, "SegmentationModel" if "outlines" in name else "DetectionModel", None) or yolo.Model

        def build():
            model = network(copy.deepcopy(description), ch=3)
            model.names = NAMES
            return model

        def rows(model, x):
            made = model(x)
            # Of two heads the second is for use.
            made = made[0][1] if name == "yolov9.pt" else made[0]
            return made[0] if name == "yolov9.pt" else made[0].T[: 5 + len(NAMES)]

        save(name, build, rows, opt={"imgsz": SIDE})


of_checkout(sys.argv[2]) if len(sys.argv) > 2 else of_ultralytics()
record.write_text(json.dumps(dict(sorted(expected.items()))))
