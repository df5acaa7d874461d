"""Writes ONNX files beside an input and what ONNX Runtime makes of it, rounding taken out.

    python onnx_peers.py FOLDER FILE.onnx [HEIGHT WIDTH] [FILE.onnx …]    # needs onnx, onnxruntime
    VIOLET_NETWORKS=FOLDER cargo test --release -p violet-import --test onnx_networks -- --nocapture

Of a network that rounds dynamically (DynamicQuantizeLinear, ConvInteger, MatMulInteger) the numbers
are those of the float network that it rounds, made here from its own weights: so far as Violet
leaves rounding out, it must give these. Sizes that a file leaves open are HEIGHT and WIDTH, else 224.
"""

import os
import shutil
import sys

import numpy as np
import onnx
import onnxruntime
from onnx import helper, numpy_helper


def unrounded(model):
    """The network with every dynamic rounding replaced by nothing."""
    values = {t.name: numpy_helper.to_array(t) for t in model.graph.initializer}
    nodes, extra = [], []
    for node in model.graph.node:
        if node.op_type == "DynamicQuantizeLinear":
            x, (y, scale, zero) = node.input[0], node.output
            nodes.append(helper.make_node("Identity", [x], [y]))
            extra.append(numpy_helper.from_array(np.array(1, np.float32), scale))
            extra.append(numpy_helper.from_array(np.array(0, np.float32), zero))
        elif node.op_type in ("ConvInteger", "MatMulInteger"):
            weight = values[node.input[1]].astype(np.float32)
            zero = values[node.input[3]].astype(np.float32) if len(node.input) > 3 else np.zeros(())
            if zero.ndim == 1 and node.op_type == "ConvInteger":
                zero = zero.reshape(-1, 1, 1, 1)
            name = node.output[0] + "_weight"
            extra.append(numpy_helper.from_array((weight - zero).astype(np.float32), name))
            plain = node.op_type.removesuffix("Integer")
            changed = helper.make_node(plain, [node.input[0], name], list(node.output))
            changed.attribute.extend(node.attribute)
            nodes.append(changed)
        else:
            nodes.append(node)
    changed = onnx.ModelProto()
    changed.CopyFrom(model)
    del changed.graph.node[:]
    changed.graph.node.extend(nodes)
    changed.graph.initializer.extend(extra)
    del changed.graph.value_info[:]
    return changed


def write(folder, path, height, width):
    model = onnx.load(path)
    name = os.path.splitext(os.path.basename(path))[0]
    known = {t.name for t in model.graph.initializer}
    info = next(i for i in model.graph.input if i.name not in known)
    shape = [d.dim_value for d in info.type.tensor_type.shape.dim]
    places = [2, 3] if shape[1] in (1, 3) else [1, 2]
    shape[0] = 1
    for place, size in zip(places, (height, width)):
        if shape[place] <= 0:
            shape[place] = size
    if shape[1] <= 0:
        shape[1] = 3
    image = np.random.default_rng(7).uniform(-1, 1, shape).astype(np.float32)
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(unrounded(model).SerializeToString(), options)
    first = session.run(None, {info.name: image})[0]
    shutil.copy(path, os.path.join(folder, name + ".onnx"))
    image.tofile(os.path.join(folder, name + ".input"))
    first.astype(np.float32).tofile(os.path.join(folder, name + ".logits"))
    with open(os.path.join(folder, name + ".size"), "w") as file:
        file.write(" ".join(str(shape[place]) for place in places))
    print(name, shape, first.shape)


def main(folder, *arguments):
    os.makedirs(folder, exist_ok=True)
    arguments = list(arguments)
    while arguments:
        path, size = arguments.pop(0), (224, 224)
        if arguments and arguments[0].isdigit():
            size = int(arguments.pop(0)), int(arguments.pop(0))
        write(folder, path, *size)


if __name__ == "__main__":
    main(*sys.argv[1:])
