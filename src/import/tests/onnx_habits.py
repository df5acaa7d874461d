"""Writes small ONNX files with the habits of those who write such files, and what they compute.

    python onnx_habits.py [FOLDER]      # needs onnx and onnxruntime; FOLDER is data/onnx beside this

The numbers in expected.json are ONNX Runtime's (graph optimisations off), of the picture whose k-th
number is (37 k mod 101) / 50 - 1. Files that round are compared loosely: Violet leaves rounding out.
"""

import json
import os
import sys

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

F, F16, F64, I64, U8, I8 = (
    TensorProto.FLOAT,
    TensorProto.FLOAT16,
    TensorProto.DOUBLE,
    TensorProto.INT64,
    TensorProto.UINT8,
    TensorProto.INT8,
)
node = helper.make_node
EXPECTED = {}
FOLDER = ""


def weights(*shape, seed=1, scale=0.4):
    k = np.arange(int(np.prod(shape)), dtype=np.float64)
    return (scale * np.sin(1.7 * k + seed)).reshape(shape).astype(np.float32)


def tensor(name, value):
    return numpy_helper.from_array(np.asarray(value, order="C"), name)


def integers(name, *values):
    return tensor(name, np.array(values, dtype=np.int64))


def info(name, kind, shape):
    return helper.make_tensor_value_info(name, kind, shape)


def constant(name, value):
    return node("Constant", [], [name], value=tensor(name, value))


def reference(name, outer, kind):
    """An attribute that stands for one of the caller's."""
    return onnx.AttributeProto(name=name, ref_attr_name=outer, type=kind)


def picture(shape, kind):
    k = np.arange(int(np.prod(shape[1:])))
    one = ((37 * k % 101) / 50 - 1).reshape([1] + list(shape[1:]))
    if kind == U8:
        one = (37 * k % 256).reshape([1] + list(shape[1:]))
    types = {F: np.float32, F16: np.float16, F64: np.float64, U8: np.uint8}
    return np.repeat(one, shape[0], axis=0).astype(types[kind])


def save(name, nodes, inputs, outputs, initializers=(), opset=13, shape=None, tolerance=1e-5, **more):
    """Writes a file and, if a shape is given for its first input, what ONNX Runtime makes of it."""
    domains = more.pop("domains", [("", opset)])
    graph = helper.make_graph(nodes, name, inputs, outputs, list(initializers))
    model = helper.make_model(
        graph,
        opset_imports=[helper.make_opsetid(*pair) for pair in domains],
        functions=more.pop("functions", []),
    )
    model.ir_version = more.pop("ir_version", 8)
    model.producer_name, model.producer_version = more.pop("producer", "habits"), ""
    helper.set_model_props(model, more.pop("props", {}))
    path = os.path.join(FOLDER, name + ".onnx")
    with open(path, "wb") as file:
        file.write(model.SerializeToString())
    if shape is None:
        return
    runs = more.pop("runs", None) or model.SerializeToString()
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(runs, options)
    kind = inputs[0].type.tensor_type.elem_type
    made = session.run(None, {inputs[0].name: picture(shape, kind)})
    outputs = {}
    for output, value in zip(session.get_outputs(), made):
        if value.dtype.kind == "f":
            outputs.setdefault(output.name, [float(f"{x:.7g}") for x in value[0].ravel()])
    EXPECTED[name] = {
        "shape": [1] + list(shape[1:]),
        "outputs": outputs,
        "tolerance": tolerance,
        **more,
    }


def classifier(x, channels=3, side=8):
    """A convolution, a rectifier, a mean and a layer: nodes, and their weights."""
    nodes = [
        node("Conv", [x, "w", "b"], ["c"], kernel_shape=[3, 3], pads=[1, 1, 1, 1]),
        node("Relu", ["c"], ["r"]),
        node("GlobalAveragePool", ["r"], ["p"]),
        node("Flatten", ["p"], ["f"]),
        node("Gemm", ["f", "v", "a"], ["y"], transB=1),
    ]
    parts = [
        tensor("w", weights(2, channels, 3, 3)),
        tensor("b", weights(2, seed=2)),
        tensor("v", weights(3, 2, seed=3, scale=2)),
        tensor("a", weights(3, seed=4)),
    ]
    return nodes, parts


def out(*shape, kind=F, name="y"):
    return [info(name, kind, list(shape))]


def floats():
    # PyTorch 0.3: opset 6, weights listed as inputs, broadcasting said by attributes.
    nodes = [
        node("Conv", ["x", "w"], ["c"], kernel_shape=[3, 3], pads=[1, 1, 1, 1]),
        node("Add", ["c", "b"], ["d"], broadcast=1, axis=1),
        node("BatchNormalization", ["d", "s", "o", "m", "q"], ["n"], epsilon=1e-5, is_test=1),
        node("Relu", ["n"], ["r"]),
        node("Dropout", ["r"], ["e", "mask"], is_test=1),
        node("GlobalAveragePool", ["e"], ["p"]),
        node("Reshape", ["p", "shape"], ["f"]),
        node("Gemm", ["f", "v", "a"], ["y"], transB=1, broadcast=1),
    ]
    parts = classifier("x")[1] + [
        tensor("s", weights(2, seed=5)),
        tensor("o", weights(2, seed=6)),
        tensor("m", weights(2, seed=7)),
        tensor("q", np.array([0.5, 1.5], np.float32)),
        integers("shape", 1, -1),
    ]
    listed = [info(t.name, t.data_type, list(t.dims)) for t in parts]
    newer = [node("Unsqueeze", ["b"], ["b3"], axes=[1, 2])] + nodes
    runs = onnx.ModelProto()
    fresh = [n for n in newer if n.op_type not in ("Add", "BatchNormalization", "Dropout", "Gemm")]
    fresh.insert(2, node("Add", ["c", "b3"], ["d"]))
    fresh.insert(3, node("BatchNormalization", ["d", "s", "o", "m", "q"], ["n"], epsilon=1e-5))
    fresh.insert(5, node("Identity", ["r"], ["e"]))
    fresh.append(node("Gemm", ["f", "v", "a"], ["y"], transB=1))
    graph = helper.make_graph(fresh, "g", [info("x", F, [1, 3, 8, 8])], out(1, 3), parts)
    runs = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 9)])
    runs.ir_version = 8
    save(
        "pytorch-0.3-opset-6", nodes, [info("x", F, [1, 3, 8, 8])] + listed, out(1, 3), parts,
        opset=6, ir_version=3, shape=[1, 3, 8, 8], runs=runs.SerializeToString(),
    )

    # PyTorch 1.2: shape arithmetic before each Reshape, a size in an Upsample.
    nodes = [
        node("Conv", ["x", "w", "b"], ["c"], kernel_shape=[3, 3], strides=[2, 2]),
        node("Upsample", ["c", "twice"], ["u"], mode="nearest"),
        node("Shape", ["u"], ["s"]),
        constant("zero", np.array(0)),
        node("Gather", ["s", "zero"], ["n"], axis=0),
        node("Unsqueeze", ["n"], ["n1"], axes=[0]),
        constant("rest", np.array([-1])),
        node("Concat", ["n1", "rest"], ["t"], axis=0),
        node("Reshape", ["u", "t"], ["f"]),
        node("MatMul", ["f", "v"], ["l"]),
        node("LogSoftmax", ["l"], ["y"], axis=1),
    ]
    parts = classifier("x")[1][:2] + [
        tensor("twice", np.array([1, 1, 2, 2], np.float32)),
        tensor("v", weights(72, 3, seed=3)),
    ]
    save("pytorch-1.2-shape-arithmetic", nodes, [info("x", F, ["batch", 3, 8, 8])], out("batch", 3),
         parts, opset=9, shape=[1, 3, 8, 8])

    # PyTorch 2's exporter: functions with attributes of the caller, and inputs left out.
    outer = helper.make_function(
        "pkg.torch", "block", ["x", "w", "b"], ["y"],
        [
            node("conv", ["x", "w", "b"], ["c"], domain="pkg.lib", padding=[1, 1, 1, 1]),
            node("LeakyRelu", ["c"], ["y"]),
        ],
        [helper.make_opsetid("", 18), helper.make_opsetid("pkg.lib", 1)], ["slope"],
    )
    outer.node[1].attribute.append(reference("alpha", "slope", onnx.AttributeProto.FLOAT))
    inner = helper.make_function(
        "pkg.lib", "conv", ["x", "w", "b"], ["y"], [node("Conv", ["x", "w", "b"], ["y"])],
        [helper.make_opsetid("", 18)], ["padding"],
    )
    inner.node[0].attribute.append(reference("pads", "padding", onnx.AttributeProto.INTS))
    nodes = [
        node("block", ["x", "w"], ["r"], domain="pkg.torch", slope=0.25),
        *classifier("x")[0][2:],
    ]
    parts = [t for t in classifier("x")[1] if t.name != "b"]
    save("pytorch-2-functions", nodes, [info("x", F, [1, 3, 8, 8])], out(1, 3), parts,
         domains=[("", 18), ("pkg.torch", 1), ("pkg.lib", 1)], functions=[outer, inner],
         shape=[1, 3, 8, 8])

    # tf2onnx: NHWC, a batch of 64 also in the shape of a Reshape.
    nodes = [
        node("Transpose", ["x"], ["t"], perm=[0, 3, 1, 2]),
        node("Conv", ["t", "w", "b"], ["c"], auto_pad="SAME_UPPER", strides=[2, 2]),
        node("Relu", ["c"], ["r"]),
        node("Transpose", ["r"], ["h"], perm=[0, 2, 3, 1]),
        node("Reshape", ["h", "shape"], ["f"]),
        node("MatMul", ["f", "v"], ["l"]),
        node("Softmax", ["l"], ["y"], axis=1),
    ]
    parts = classifier("x")[1][:2] + [integers("shape", 64, 32), tensor("v", weights(32, 3, seed=3))]
    save("tf2onnx-batch-64", nodes, [info("x", F, [64, 8, 8, 3])], out(64, 3), parts,
         shape=[64, 8, 8, 3])

    # PaddlePaddle: every size open, weights in Constant nodes, hard-swish written out.
    nodes, parts = classifier("h")
    nodes = [constant(t.name, numpy_helper.to_array(t)) for t in parts] + [
        constant("three", np.array([3], np.float32)),
        constant("six", np.array([6], np.float32)),
        node("Add", ["x", "three"], ["x3"]),
        node("Clip", ["x3"], ["x6"], min=0.0, max=6.0),
        node("Mul", ["x", "x6"], ["xx"]),
        node("Div", ["xx", "six"], ["h"]),
    ] + nodes
    nodes.append(node("Identity", ["y"], ["z"]))
    save("paddle-open-sizes", nodes, [info("x", F, [-1, 3, -1, -1])], out(-1, 3, name="z"), opset=10,
         shape=[1, 3, 12, 16], size=[12, 16])

    # MATLAB, CNTK: the mean picture is subtracted inside; the end is a fully connected image.
    nodes = [
        node("Sub", ["x", "mean"], ["d"]),
        node("Conv", ["d", "w", "b"], ["c"], auto_pad="VALID"),
        node("Relu", ["c"], ["r"]),
        node("AveragePool", ["r"], ["p"], kernel_shape=[2, 2], strides=[2, 2]),
        node("Reshape", ["v9", "flat"], ["v"]),
        node("Reshape", ["p", "row"], ["f"]),
        node("MatMul", ["f", "v"], ["m"]),
        node("Add", ["m", "a"], ["y"]),
    ]
    parts = classifier("x")[1][:2] + [
        tensor("mean", np.array([0.2, 0.1, -0.1], np.float32).reshape(1, 3, 1, 1)),
        tensor("v9", weights(2, 3, 3, 3, seed=3)),
        integers("flat", 18, 3),
        integers("row", 1, 18),
        tensor("a", weights(3, seed=4)),
    ]
    save("mean-inside", nodes, [info("x", F, [1, 3, 8, 8])], out(1, 3), parts, opset=8,
         shape=[1, 3, 8, 8])

    # Grey, not square; two heads, one of them a sigmoid, one the index of the largest.
    nodes, parts = classifier("x", channels=1)
    nodes += [
        node("Sigmoid", ["f"], ["s"]),
        node("ArgMax", ["y"], ["label"], axis=1, keepdims=0),
    ]
    save("grey-three-heads", nodes, [info("x", F, ["n", 1, 6, 10])],
         out("n", 3) + out("n", 2, name="s") + out("n", kind=I64, name="label"), parts,
         shape=[1, 1, 6, 10])

    # A row of 784 numbers; the same output twice; the domain by its long name.
    nodes = [
        node("Reshape", ["x", "shape"], ["i"]),
        *classifier("i", channels=1)[0],
    ]
    parts = classifier("x", channels=1)[1] + [integers("shape", -1, 1, 16, 12)]
    save("flat-vector", nodes, [info("x", F, ["n", 192])], out("n", 3) + out("n", 3), parts,
         domains=[("ai.onnx", 12)], shape=[1, 192])

    # Halves and doubles.
    nodes, parts = classifier("x")
    halves = [tensor(t.name, numpy_helper.to_array(t).astype(np.float16)) for t in parts]
    save("float16", nodes, [info("x", F16, [1, 3, 8, 8])], out(1, 3, kind=F16), halves,
         shape=[1, 3, 8, 8], tolerance=3e-3)
    nodes, parts = classifier("xf")
    save("float64-input", [node("Cast", ["x"], ["xf"], to=F)] + nodes,
         [info("x", F64, ["n", 3, 8, 8])], out("n", 3), parts, shape=[1, 3, 8, 8])
    scaled = [
        node("Cast", ["x"], ["xf"], to=F),
        node("Div", ["xf", "k"], ["xs"]),
        node("Sub", ["xs", "one"], ["xn"]),
    ]
    nodes, parts = classifier("xn")
    parts += [tensor("k", np.array(127.5, np.float32)), tensor("one", np.array(1, np.float32))]
    save("bytes-input", scaled + nodes, [info("x", U8, [1, 3, 8, 8])], out(1, 3), parts,
         shape=[1, 3, 8, 8])

    # A branch, a sequence, and dimensions that are computed.
    nodes, parts = classifier("z")
    then = helper.make_graph([node("Neg", ["x"], ["n"])], "then", [], [info("n", F, None)])
    other = helper.make_graph([node("Identity", ["x"], ["i"])], "else", [], [info("i", F, None)])
    nodes = [
        node("Shape", ["x"], ["s"]),
        node("Gather", ["s", "three"], ["width"], axis=0),
        node("Equal", ["width", "eight"], ["is_eight"]),
        node("If", ["is_eight"], ["k"], then_branch=then, else_branch=other),
        node("SplitToSequence", ["k", "three"], ["q"], axis=3),
        node("SequenceAt", ["q", "one"], ["z"]),
    ] + nodes
    parts += [tensor("three", np.array(3)), tensor("eight", np.array(8)), tensor("one", np.array(1))]
    save("branch-and-sequence", nodes, [info("x", F, [1, 3, 8, 8])], out(1, 3), parts,
         shape=[1, 3, 8, 8])

    # Weights in a second file.
    nodes, parts = classifier("x")
    # A normalisation by neighbouring channels, as PyTorch 2.9 takes it apart; a mean over windows of all channels' number,
    # as transformers' EfficientNet takes it.
    pools = [
        nodes[0], nodes[1],
        node("Mul", ["r", "r"], ["square"]), node("Unsqueeze", ["square", "one"], ["alone"]),
        node("Pad", ["alone", "around"], ["wide"]),
        node("AveragePool", ["wide"], ["near"], kernel_shape=[3, 1, 1], strides=[1, 1, 1], count_include_pad=1),
        node("Squeeze", ["near", "one"], ["mean"]), node("Add", ["mean", "least"], ["shifted"]),
        node("Pow", ["shifted", "power"], ["grown"]), node("Div", ["r", "grown"], ["even"]),
        node("AveragePool", ["even"], ["p"], kernel_shape=[24, 24], strides=[24, 24], ceil_mode=1,
             count_include_pad=1),
        *nodes[3:],
    ]
    save("pytorch-2-pools", pools, [info("x", F, [1, 3, 8, 8])], out(1, 3),
         parts + [integers("one", 1), integers("around", 0, 0, 1, 0, 0, 0, 0, 1, 0, 0),
                  tensor("least", np.float32(0.1)), tensor("power", np.float32(0.75))], opset=18,
         shape=[1, 3, 8, 8])
    save("second-file", nodes, [info("x", F, [1, 3, 8, 8])], out(1, 3), parts, shape=[1, 3, 8, 8])
    path = os.path.join(FOLDER, "second-file.onnx")
    data = os.path.join(FOLDER, "second-file.onnx.data")
    if os.path.exists(data):
        os.remove(data)
    onnx.save_model(onnx.load(path), path, save_as_external_data=True, size_threshold=0,
                    location="second-file.onnx.data")


def detectors():
    # Ultralytics: metadata, raw scores, suppression at the end.
    nodes = [
        node("Conv", ["x", "w", "b"], ["c"], kernel_shape=[3, 3], strides=[2, 2]),
        node("Sigmoid", ["c"], ["s"]),
        node("Reshape", ["s", "shape"], ["scores"]),
        node("Slice", ["scores", "zero", "four", "axis"], ["t"]),
        node("Transpose", ["t"], ["boxes"], perm=[0, 2, 1]),
        node("Slice", ["scores", "four", "six", "axis"], ["classes"]),
        node("NonMaxSuppression", ["boxes", "classes", "most"], ["picked"]),
        node("Gather", ["picked", "two"], ["y"], axis=1),
    ]
    parts = [
        tensor("w", weights(6, 3, 3, 3)),
        tensor("b", weights(6, seed=2)),
        integers("shape", 1, 6, -1),
        integers("zero", 0), integers("four", 4), integers("six", 6), integers("axis", 1),
        integers("most", 3), tensor("two", np.array(2)),
    ]
    save("ultralytics-suppression", nodes, [info("x", F, [1, 3, 8, 8])], out("k", kind=I64), parts,
         props={"author": "Ultralytics", "task": "detect", "stride": "32", "imgsz": "[8, 8]",
                "names": "{0: 'cat', 1: 'dog'}"})


def quantised():
    def stored(name, value, scale, zero, kind):
        low, high = (0, 255) if kind == np.uint8 else (-128, 127)
        return tensor(name, np.clip(np.round(value / scale) + zero, low, high).astype(kind))

    shape = [1, 3, 8, 8]
    nodes, parts = classifier("x")
    w, b, v, a = (numpy_helper.to_array(t) for t in parts)
    scale = np.array([0.0032, 0.0031], np.float32)

    # Pairs, with the rectifier left to the range of the integers; weights with a scale a channel.
    nodes = [
        node("QuantizeLinear", ["x", "xs", "xz"], ["xq"]),
        node("DequantizeLinear", ["xq", "xs", "xz"], ["xd"]),
        node("DequantizeLinear", ["wq", "ws", "wz"], ["wd"], axis=0),
        node("DequantizeLinear", ["bq", "bs"], ["bd"], axis=0),
        node("Conv", ["xd", "wd", "bd"], ["c"], kernel_shape=[3, 3], pads=[1, 1, 1, 1]),
        node("QuantizeLinear", ["c", "cs", "cz"], ["cq"]),
        node("MaxPool", ["cq"], ["mq"], kernel_shape=[2, 2], strides=[2, 2]),
        node("DequantizeLinear", ["mq", "cs", "cz"], ["m"]),
        node("GlobalAveragePool", ["m"], ["p"]),
        node("Flatten", ["p"], ["f"]),
        node("Gemm", ["f", "v", "a"], ["y"], transB=1),
    ]
    storage = [
        tensor("xs", np.array(0.0079, np.float32)), tensor("xz", np.array(127, np.uint8)),
        stored("wq", w, scale.reshape(2, 1, 1, 1), 0, np.int8),
        tensor("ws", scale), tensor("wz", np.zeros(2, np.int8)),
        tensor("bq", np.round(b / (scale * 0.0079)).astype(np.int32)),
        tensor("bs", scale * np.float32(0.0079)),
        tensor("cs", np.array(0.012, np.float32)), tensor("cz", np.array(0, np.uint8)),
    ]
    save("int8-pairs", nodes, [info("x", F, shape)], out(1, 3), storage + parts[2:], shape=shape,
         tolerance=0.03)

    # Operators on integers.
    nodes = [
        nodes[0],
        node("QLinearConv", ["xq", "xs", "xz", "wq", "ws", "wz", "cs", "cz", "bq"], ["cq"],
             kernel_shape=[3, 3], pads=[1, 1, 1, 1]),
        node("QLinearAdd", ["cq", "cs", "cz", "cq", "cs", "cz", "ds", "cz"], ["dq"],
             domain="com.microsoft"),
        node("QLinearGlobalAveragePool", ["dq", "ds", "cz", "ds", "cz"], ["pq"],
             domain="com.microsoft", channels_last=0),
        node("Flatten", ["pq"], ["fq"]),
        node("QLinearMatMul", ["fq", "ds", "cz", "vq", "vs", "vz", "ys", "yz"], ["yq"]),
        node("DequantizeLinear", ["yq", "ys", "yz"], ["y"]),
    ]
    storage += [
        tensor("ds", np.array(0.024, np.float32)),
        stored("vq", v.T, 0.016, 0, np.int8),
        tensor("vs", np.array(0.016, np.float32)), tensor("vz", np.array(0, np.int8)),
        tensor("ys", np.array(0.02, np.float32)), tensor("yz", np.array(128, np.uint8)),
    ]
    storage = [t for t in storage if t.name != "bs"]
    save("int8-operators", nodes, [info("x", F, shape)], out(1, 3), storage, shape=shape,
         domains=[("", 13), ("com.microsoft", 1)], tolerance=0.05)

    # Scales that are chosen for each picture.
    nodes = [
        node("DynamicQuantizeLinear", ["x"], ["xq", "xs", "xz"]),
        node("ConvInteger", ["xq", "wq", "xz", "w0"], ["ci"], kernel_shape=[3, 3],
             pads=[1, 1, 1, 1]),
        node("Cast", ["ci"], ["cf"], to=F),
        node("Mul", ["xs", "ws"], ["s"]),
        node("Mul", ["cf", "s"], ["c"]),
        node("Relu", ["c"], ["r"]),
        node("GlobalAveragePool", ["r"], ["p"]),
        node("Flatten", ["p"], ["f"]),
        node("DynamicQuantizeLinear", ["f"], ["fq", "fs", "fz"]),
        node("MatMulInteger", ["fq", "vq", "fz", "vz"], ["mi"]),
        node("Cast", ["mi"], ["mf"], to=F),
        node("Mul", ["fs", "vs"], ["t"]),
        node("Mul", ["mf", "t"], ["m"]),
        node("Add", ["m", "a"], ["y"]),
    ]
    storage = [
        stored("wq", w, 0.0032, 128, np.uint8), tensor("w0", np.array(128, np.uint8)),
        tensor("ws", np.array(0.0032, np.float32)),
        stored("vq", v.T, 0.016, 0, np.int8), tensor("vz", np.array(0, np.int8)),
        tensor("vs", np.array(0.016, np.float32)), parts[3],
    ]
    save("int8-dynamic", nodes, [info("x", F, shape)], out(1, 3), storage, shape=shape, opset=11,
         tolerance=0.03)


def refused():
    shape = [1, 3, 8, 8]
    nodes, parts = classifier("x")
    custom = node("DCNv4", ["c"], ["d"], name="dcn0", domain="mmcv")
    recurrent = node("LSTM", ["f3", "w", "b"], ["", "l"], name="lstm0", hidden_size=2)
    custom_nodes = [nodes[0], custom, node("Grid", ["d"], ["r"], name="g"), *nodes[2:4],
                    node("Unsqueeze", ["f", "axis"], ["f3"]), recurrent,
                    node("DCNv4", ["l"], ["y"], name="dcn1", domain="mmcv")]
    save("refused-operators", custom_nodes, [info("x", F, shape)], out(1, 3),
         parts + [integers("axis", 0)], domains=[("", 13), ("mmcv", 1)])
    trees = node("TreeEnsembleClassifier", ["x"], ["label", "y"], domain="ai.onnx.ml")
    save("refused-trees", [trees], [info("x", F, ["n", 64])], out("n", 3),
         domains=[("ai.onnx.ml", 2), ("", 13)])
    zipmap = node("ZipMap", ["x"], ["y"], domain="ai.onnx.ml")
    maps = helper.make_value_info("y", helper.make_sequence_type_proto(
        helper.make_map_type_proto(I64, helper.make_tensor_type_proto(F, None))))
    save("refused-maps", [zipmap], [info("x", F, [1, 1, 8, 8])], [maps],
         domains=[("ai.onnx.ml", 2), ("", 13)])
    words = node("Gather", ["w", "x"], ["y"])
    save("refused-words", [words], [info("x", I64, [1, 128])], out(1, 128, 4),
         [tensor("w", weights(4, 4))])
    both = node("Add", ["x", "z"], ["y"])
    save("refused-two-pictures", [both], [info("x", F, shape), info("z", F, shape)],
         out(*shape))
    save("refused-circle", [node("Add", ["x", "b"], ["a"]), node("Relu", ["a"], ["b"])],
         [info("x", F, shape)], out(*shape, name="a"))
    save("refused-future", nodes, [info("x", F, shape)], out(1, 3), parts, opset=99)


def main(folder=os.path.join(os.path.dirname(os.path.abspath(__file__)), "data", "onnx")):
    global FOLDER
    FOLDER = folder
    os.makedirs(folder, exist_ok=True)
    floats()
    detectors()
    quantised()
    refused()
    with open(os.path.join(folder, "expected.json"), "w") as file:
        json.dump(EXPECTED, file, indent=0, sort_keys=True)
        file.write("\n")
    sizes = [os.path.getsize(os.path.join(folder, name)) for name in os.listdir(folder)]
    print(f"{len(sizes)} files, {sum(sizes)} bytes")


if __name__ == "__main__":
    main(*sys.argv[1:])
