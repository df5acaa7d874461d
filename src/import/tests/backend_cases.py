"""Lays out onnx's own backend cases in a folder, for tests/onnx_backend.rs.

    python backend_cases.py FOLDER          # needs the packages onnx and ml_dtypes
    VIOLET_ONNX_BACKEND=FOLDER cargo test --release -p violet-import --test onnx_backend -- --nocapture

Node cases are computed here from onnx's own definitions; the others lie in the package.
"""

import os
import shutil
import sys

import onnx
from onnx import numpy_helper
from onnx.backend.test.case.node import collect_testcases

FLOATS = [onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16, onnx.TensorProto.DOUBLE]
KINDS = ["simple", "pytorch-operator", "pytorch-converted", "light"]


def write(path, message):
    with open(path, "wb") as file:
        file.write(message.SerializeToString())


def write_set(folder, kind, values, infos):
    for index, (value, info) in enumerate(zip(values, infos)):
        path = os.path.join(folder, f"{kind}_{index}.pb")
        if isinstance(value, onnx.TensorProto):
            write(path, value)
        elif info.type.HasField("tensor_type"):
            write(path, numpy_helper.from_array(value, info.name))


def with_weights(model, inputs):
    """Inputs that are no floats become weights, as they are in files that people have."""
    if not all(info.type.HasField("tensor_type") for info in model.graph.input):
        return model, inputs
    changed = onnx.ModelProto()
    changed.CopyFrom(model)
    kept = []
    del changed.graph.input[:]
    for info, value in zip(model.graph.input, inputs):
        if info.type.tensor_type.elem_type in FLOATS:
            changed.graph.input.append(info)
            kept.append(value)
            continue
        tensor = onnx.TensorProto()
        if isinstance(value, onnx.TensorProto):
            tensor.CopyFrom(value)
        else:
            tensor.CopyFrom(numpy_helper.from_array(value))
        tensor.name = info.name
        changed.graph.initializer.append(tensor)
    return changed, kept


def main(folder):
    data = os.path.join(os.path.dirname(onnx.__file__), "backend", "test", "data")
    for kind in KINDS:
        shutil.copytree(os.path.join(data, kind), os.path.join(folder, kind), dirs_exist_ok=True)
    count = 0
    for case in collect_testcases(None):
        if case.model is None or not case.data_sets:
            continue
        inputs, outputs = case.data_sets[0]
        place = os.path.join(folder, "node", case.name)
        pairs = os.path.join(place, "test_data_set_0")
        os.makedirs(pairs, exist_ok=True)
        model, inputs = with_weights(case.model, inputs)
        write(os.path.join(place, "model.onnx"), model)
        write_set(pairs, "input", inputs, model.graph.input)
        write_set(pairs, "output", outputs, case.model.graph.output)
        count += 1
    print(f"onnx {onnx.__version__}: {count} node cases")


if __name__ == "__main__":
    main(*sys.argv[1:])
