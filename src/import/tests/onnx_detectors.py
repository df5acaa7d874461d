"""Writes small detectors as ONNX files, laid out as Ultralytics and UltraFace export theirs, and what they find.

    python onnx_detectors.py [FOLDER]      # needs onnx and onnxruntime; FOLDER is data/detectors beside this

Each takes a picture of 64 × 64 pixels. expected.json has, for each file, what ONNX Runtime finds in the picture
whose pixel at a row and a column is ((7r + 3c) mod 256, (5r + 11c) mod 256, (13r + c) mod 256): rows of left,
top, right, bottom in pixels, score and class, the best first.
"""

import json
import os
import sys

import numpy as np
import onnx
import onnxruntime
from onnx import helper

from onnx_habits import F, I64, info, integers, node, tensor, weights

SIDE = 64
CLASSES = 3
# Below this a suppression in the graph leaves candidates out, and this listing too.
LEAST = 0.25
NAMES = "{0: 'cat', 1: 'dog', 2: 'owl'}"


def picture():
    r, c = np.mgrid[:SIDE, :SIDE]
    return np.stack([(7 * r + 3 * c) % 256, (5 * r + 11 * c) % 256, (13 * r + c) % 256])[None].astype(np.float32)


def grids(strides, outputs, prefix, seed, bias=0.0):
    """Nodes and weights that make `outputs` numbers for each cell of grids: [1, outputs, cells] each."""
    nodes, parts, made = [], [], []
    last = "x"
    for k, stride in enumerate(strides):
        kernel = stride if k == 0 else 2
        pool, wide = f"{prefix}p{k}", f"{prefix}w{k}"
        nodes += [
            node("AveragePool", [last], [pool], kernel_shape=[kernel] * 2, strides=[kernel] * 2),
            node("Conv", [pool, f"{wide}a", f"{wide}b"], [f"{wide}c"], kernel_shape=[1, 1]),
            node("Sigmoid", [f"{wide}c"], [f"{wide}s"]),
            node("Mul", [f"{wide}c", f"{wide}s"], [wide]),
            node("Conv", [wide, f"{wide}d", f"{wide}e"], [f"{wide}o"], kernel_shape=[1, 1]),
            node("Reshape", [f"{wide}o", f"{prefix}row"], [f"{wide}r"]),
        ]
        parts += [
            tensor(f"{wide}a", weights(6, 3, 1, 1, seed=seed + k, scale=4)),
            tensor(f"{wide}b", weights(6, seed=seed + k + 9, scale=1)),
            tensor(f"{wide}d", weights(outputs, 6, 1, 1, seed=seed + 2 * k + 3, scale=1.5)),
            tensor(f"{wide}e", weights(outputs, seed=seed + k + 5, scale=0.5) + np.array(bias, np.float32)),
        ]
        made.append(f"{wide}r")
        last = pool
    parts.append(integers(f"{prefix}row", 1, outputs, -1))
    return nodes, parts, made


def yolo(corners):
    """Boxes in pixels and squashed scores side by side, [1, 4 + classes, candidates], named `whole`."""
    strides = [8, 16, 32]
    box_nodes, box_parts, boxes = grids(strides, 4, "b", 1)
    score_nodes, score_parts, scores = grids(strides, CLASSES, "s", 40, bias=[-6.5, -3, -1.2])
    sides = [SIDE // stride for stride in strides]
    centre = [np.stack(np.meshgrid(np.arange(n) + 0.5, np.arange(n) + 0.5)).reshape(2, -1) for n in sides]
    stride = np.concatenate([np.full(n * n, s) for n, s in zip(sides, strides)])
    nodes = box_nodes + score_nodes + [
        node("Concat", boxes, ["raw"], axis=2),
        node("Softplus", ["raw"], ["positive"]),
        node("Mul", ["positive", "narrow"], ["distance"]),
        node("Split", ["distance"], ["lt", "rb"], axis=1),
        node("Sub", ["anchors", "lt"], ["first"]),
        node("Add", ["anchors", "rb"], ["second"]),
    ]
    parts = box_parts + score_parts
    if corners:
        nodes.append(node("Concat", ["first", "second"], ["box"], axis=1))
    else:
        parts.append(tensor("two", np.array(2, np.float32)))
        nodes += [
            node("Add", ["first", "second"], ["sum"]),
            node("Div", ["sum", "two"], ["middle"]),
            node("Sub", ["second", "first"], ["size"]),
            node("Concat", ["middle", "size"], ["box"], axis=1),
        ]
    nodes += [
        node("Mul", ["box", "strides"], ["pixels"]),
        node("Concat", scores, ["logits"], axis=2),
        node("Sigmoid", ["logits"], ["squashed"]),
        node("Concat", ["pixels", "squashed"], ["whole"], axis=1),
    ]
    parts += [
        tensor("anchors", np.concatenate(centre, 1)[None].astype(np.float32)),
        tensor("strides", stride[None, None].astype(np.float32)),
        tensor("narrow", np.array(0.9, np.float32)),
    ]
    return nodes, parts


def suppression():
    """What Ultralytics adds with nms=True, up to the rows of what is left; and the weights."""
    nodes = [
        node("Transpose", ["whole"], ["rows"], perm=[0, 2, 1]),
        node("Slice", ["rows", "zero", "four", "last"], ["places"]),
        node("Slice", ["rows", "four", "end", "last"], ["classes"]),
        # Masks of each candidate, of which a detector has none.
        node("Slice", ["rows", "end", "end", "last"], ["masks"]),
        node("ReduceMax", ["classes"], ["best"], axes=[-1], keepdims=0),
        node("ArgMax", ["classes"], ["class"], axis=-1, keepdims=0),
        node("Gather", ["places", "index"], ["places0"], axis=0),
        node("Gather", ["class", "index"], ["class0"], axis=0),
        node("Gather", ["best", "index"], ["best0"], axis=0),
        node("Gather", ["masks", "index"], ["masks0"], axis=0),
        node("Greater", ["best0", "least"], ["kept"]),
        node("NonZero", ["kept"], ["where"]),
        node("Transpose", ["where"], ["at"], perm=[1, 0]),
        node("GatherND", ["places0", "at"], ["places1"]),
        node("GatherND", ["best0", "at"], ["best1"]),
        node("GatherND", ["class0", "at"], ["class1"]),
        node("GatherND", ["masks0", "at"], ["masks1"]),
        node("Cast", ["class1"], ["class2"], to=F),
        node("Unsqueeze", ["class2", "one"], ["class3"]),
        node("Mul", ["class3", "apart"], ["offset"]),
        node("Add", ["places1", "offset"], ["moved"]),
        node("Unsqueeze", ["moved", "zero"], ["boxes"]),
        node("Unsqueeze", ["best1", "front"], ["scores"]),
        node("NonMaxSuppression", ["boxes", "scores", "most", "overlap"], ["picked"]),
        node("Gather", ["picked", "third"], ["which"], axis=1),
        node("Gather", ["places1", "which"], ["places2"], axis=0),
        node("Gather", ["best1", "which"], ["best2"], axis=0),
        node("Gather", ["class3", "which"], ["class4"], axis=0),
        node("Gather", ["masks1", "which"], ["masks2"], axis=0),
        node("Unsqueeze", ["best2", "one"], ["best3"]),
        node("Concat", ["places2", "best3", "class4", "masks2"], ["found"], axis=-1),
        node("Unsqueeze", ["found", "zero"], ["output0"]),
    ]
    parts = [
        integers("zero", 0), integers("one", 1), integers("four", 4), integers("last", 2),
        integers("end", 4 + CLASSES), integers("front", 0, 1), integers("most", 300),
        tensor("index", np.array(0)), tensor("third", np.array(2)),
        tensor("least", np.array(LEAST, np.float32)), tensor("overlap", np.array([0.5], np.float32)),
        tensor("apart", np.array(2 * SIDE, np.float32)),
    ]
    return nodes, parts


def faces():
    """Corners as shares of the picture, and softmax over background and one class, as UltraFace."""
    box_nodes, box_parts, boxes = grids([8, 16], 4, "b", 1)
    score_nodes, score_parts, scores = grids([8, 16], 2, "s", 71)
    sides = [SIDE // 8, SIDE // 16]
    centre = [np.stack(np.meshgrid(np.arange(n) + 0.5, np.arange(n) + 0.5)).reshape(2, -1).T / n for n in sides]
    size = np.concatenate([np.full((n * n, 2), 0.8 / n) for n in sides])
    nodes = box_nodes + score_nodes + [
        node("Concat", boxes, ["raw"], axis=2),
        node("Transpose", ["raw"], ["rows"], perm=[0, 2, 1]),
        node("Slice", ["rows", "zero", "two", "last"], ["shift"]),
        node("Mul", ["shift", "tenth"], ["small"]),
        node("Mul", ["small", "sizes"], ["moved"]),
        node("Add", ["moved", "centres"], ["middle"]),
        node("Slice", ["rows", "two", "four", "last"], ["growth"]),
        node("Mul", ["growth", "tenth"], ["less"]),
        node("Exp", ["less"], ["factor"]),
        node("Mul", ["factor", "sizes"], ["size"]),
        node("Concat", ["middle", "size"], ["whole"], axis=2),
    ]
    for name, operation in (("low", "Sub"), ("high", "Add")):
        nodes += [
            node("Slice", ["whole", "zero", "two", "last"], [f"{name}m"]),
            node("Slice", ["whole", "two", "four", "last"], [f"{name}s"]),
            node("Div", [f"{name}s", "half"], [f"{name}h"]),
            node(operation, [f"{name}m", f"{name}h"], [name]),
        ]
    nodes += [
        node("Concat", ["low", "high"], ["boxes"], axis=2),
        node("Concat", scores, ["raws"], axis=2),
        node("Transpose", ["raws"], ["logits"], perm=[0, 2, 1]),
        node("Softmax", ["logits"], ["scores"], axis=2),
    ]
    parts = box_parts + score_parts + [
        tensor("centres", np.concatenate(centre)[None].astype(np.float32)),
        tensor("sizes", size[None].astype(np.float32)),
        tensor("tenth", np.array(0.1, np.float32)), tensor("half", np.array(2, np.float32)),
        integers("zero", 0), integers("two", 2), integers("four", 4), integers("last", 2),
    ]
    return nodes, parts


def save(folder, name, nodes, parts, outputs, props):
    graph = helper.make_graph(nodes, name, [info("x", F, [1, 3, SIDE, SIDE])], outputs, parts)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)])
    model.ir_version, model.producer_name = 8, "detectors"
    helper.set_model_props(model, props)
    onnx.checker.check_model(model)
    path = os.path.join(folder, f"{name}.onnx")
    onnx.save(model, path)
    return onnxruntime.InferenceSession(path)


def rows(boxes, scores, first=0):
    """Corners and scores of each candidate as rows, the best first, without those that overlap a better one."""
    best = scores[:, first:].argmax(1) + first
    found = []
    for k in np.argsort(-scores[np.arange(len(best)), best], kind="stable"):
        score, box = scores[k, best[k]], boxes[k]
        if score > LEAST and all(overlap(box, other) <= 0.5 for *other, _, _ in found):
            found.append([*box.tolist(), float(score), int(best[k])])
    return found


def overlap(a, b):
    common = max(0, min(a[2], b[2]) - max(a[0], b[0])) * max(0, min(a[3], b[3]) - max(a[1], b[1]))
    area = lambda c: (c[2] - c[0]) * (c[3] - c[1])
    return common / (area(a) + area(b) - common)


def main(folder=os.path.join(os.path.dirname(os.path.abspath(__file__)), "data", "detectors")):
    os.makedirs(folder, exist_ok=True)
    props = {"author": "Ultralytics", "task": "detect", "stride": "32", "imgsz": f"[{SIDE}, {SIDE}]", "names": NAMES}
    expected = {}
    shares = picture() / 255
    nodes, parts = yolo(corners=False)
    session = save(folder, "yolo", nodes, parts, [info("whole", F, [1, 4 + CLASSES, None])], props)
    (whole,) = session.run(None, {"x": shares})
    x, y, width, height = whole[0, :4]
    corners = np.stack([x - width / 2, y - height / 2, x + width / 2, y + height / 2], 1)
    expected["yolo"] = rows(corners, whole[0, 4:].T)
    nodes, parts = yolo(corners=True)
    more, weights = suppression()
    session = save(folder, "yolo-suppressed", nodes + more, parts + weights, [info("output0", F, [1, None, 6])], props)
    (found,) = session.run(None, {"x": shares})
    expected["yolo-suppressed"] = found[0].tolist()
    nodes, parts = faces()
    outputs = [info("scores", F, [1, None, 2]), info("boxes", F, [1, None, 4])]
    session = save(folder, "faces", nodes, parts, outputs, {})
    scores, boxes = session.run(None, {"x": (picture() - 127) / 128})
    expected["faces"] = rows(boxes[0] * SIDE, scores[0], first=1)
    for name, found in expected.items():
        found.sort(key=lambda row: -row[4])
        print(name, len(found), "found", [round(row[4], 3) for row in found])
    with open(os.path.join(folder, "expected.json"), "w") as file:
        json.dump(expected, file, indent=0)
        file.write("\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
