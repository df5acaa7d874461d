"""Writes checkpoints as students have them, and what PyTorch computes with each.

    python3 tests/golden/own_checkpoints.py DIRECTORY

Needs torch, torchvision and safetensors (PyPI). `expected.json` holds, for each file, the logits of
one input, which hash_weights.py makes.
"""

import json
import os
import pathlib
import sys

import torch
import torchvision
from safetensors.torch import save_file

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from hash_weights import noise

SIDE = 64
folder = pathlib.Path(sys.argv[1])
folder.mkdir(parents=True, exist_ok=True)
torch.manual_seed(1)
x = torch.from_numpy(noise("x", 3 * SIDE * SIDE)).reshape(1, 3, SIDE, SIDE)
expected = {}


def network(make, classes):
    """Half precision survives saving; BatchNorm statistics that are not trivial."""
    model = make(num_classes=classes)
    for name, tensor in model.state_dict().items():
        if name.endswith("running_mean"):
            tensor.uniform_(-0.1, 0.1)
        elif name.endswith("running_var"):
            tensor.uniform_(0.5, 1.5)
    return model.half().float().eval()


def record(name, model):
    with torch.no_grad():
        expected[name] = model(x)[0].tolist()


class Hostile:
    """What a pickle can do to whoever executes it."""

    def __reduce__(self):
        return os.system, (f"touch {folder / 'executed'}",)


model = network(torchvision.models.resnet34, 7)
state = {f"module.{name}": tensor.half() for name, tensor in model.state_dict().items()}
torch.save({"epoch": 3, "optimizer": {"lr": 0.1}, "state_dict": state}, folder / "resnet34-wrapped.pth")
record("resnet34-wrapped.pth", model)

model = network(torchvision.models.resnet50, 5)
torch.save({name: tensor.half() for name, tensor in model.state_dict().items()}, folder / "resnet50-old-format.pt",
           _use_new_zipfile_serialization=False)
record("resnet50-old-format.pt", model)

model = network(torchvision.models.resnet18, 3)
torch.save(model, folder / "resnet18-whole-module.pt")
record("resnet18-whole-module.pt", model)
state = {f"model.{name}": tensor for name, tensor in model.state_dict().items()}
save_file(state, str(folder / "resnet18.safetensors"))
record("resnet18.safetensors", model)

torch.save({"harmless": torch.zeros(2), "hostile": Hostile()}, folder / "hostile.pth")
model = torchvision.models.mobilenet_v2(num_classes=2)
torch.save(model.state_dict(), folder / "mobilenet.pth")
(folder / "expected.json").write_text(json.dumps(expected))
