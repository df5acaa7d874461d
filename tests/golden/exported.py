"""Writes small networks with random weights as `torch.export.save` does, and what PyTorch computes with each.

    python3 tests/golden/exported.py src/import/tests/data/exported
    python3 tests/golden/exported.py FOLDER NAME …          # torchvision's networks of these names instead, or timm/NAME

Needs torch 2.8 or newer (and torchvision, timm). `expected.json` is as torchscripts.py writes it.
"""

import json
import pathlib
import sys
import warnings
import zipfile

import torch
from torch.export import Dim, export
from torch.utils._pytree import tree_leaves

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from hash_weights import noise
from small_networks import Activations, Digits, Norms, Phone, Views, Words, example, made, named, randomised

warnings.filterwarnings("ignore")
folder = pathlib.Path(sys.argv[1])
folder.mkdir(parents=True, exist_ok=True)
expected = {}


def save(name, network, side, channels=3, pictures=1, shapes=None, core=False, dtype=torch.float32):
    x = torch.from_numpy(noise("x", channels * side * side)).reshape(1, channels, side, side)
    with torch.no_grad():
        outputs = named(tree_leaves(network(x.to(dtype))))
    given = torch.rand(pictures, channels, side, side).to(dtype)
    program = export(network, (given,), dynamic_shapes=shapes)
    if core:
        program = program.run_decompositions()
    torch.export.save(program, folder / name)
    packed(folder / name)
    expected[name] = {"side": side, "channels": channels, "outputs": outputs}


def packed(file):
    """Deflated, and without where each operation comes from, which names folders."""
    with zipfile.ZipFile(file) as stored:
        entries = {entry: stored.read(entry) for entry in stored.namelist()}
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for entry, content in entries.items():
            if entry.endswith("models/model.json"):
                model = json.loads(content)
                for node in model["graph_module"]["graph"]["nodes"]:
                    node["metadata"].pop("stack_trace", None)
                content = json.dumps(model).encode()
            archive.writestr(zipfile.ZipInfo(entry), content, zipfile.ZIP_DEFLATED)


if len(sys.argv) > 2:
    import torchvision.models

    for name in sys.argv[2:]:
        torch.manual_seed(1)
        if name.startswith("timm/"):
            import timm

            network = randomised(timm.create_model(name[5:], num_classes=10))
            side, name = network.pretrained_cfg["input_size"][1], name[5:]
        else:
            own = {"init_weights": False} if name in ["googlenet", "inception_v3"] else {}
            network = randomised(getattr(torchvision.models, name)(**own))
            side = 299 if name == "inception_v3" else 224
        save(f"{name}.pt2", network, side)
        save(f"{name}-core.pt2", network, side, core=True)
else:
    for kind, side, channels in [(Digits, 28, 1), (Views, 12, 3), (Norms, 16, 3), (Activations, 16, 3), (Words, 32, 3)]:
        save(f"{kind.__name__.lower()}.pt2", made(kind), side, channels)
    # In core operations PReLU and some others are comparisons.
    save("digits-core.pt2", made(Digits), 28, 1, core=True)
    save("views-core.pt2", made(Views), 12, core=True)
    save("norms-core.pt2", made(Norms, kinked=True), 16, core=True)
    save("words-core.pt2", made(Words), 32, core=True)
    save("digits-four.pt2", made(Digits), 28, 1, pictures=4)
    save("words-four.pt2", made(Words), 32, pictures=4)
    # There the pictures are folded into another axis.
    del expected["words-four.pt2"]
    save("digits-double.pt2", made(Digits).double(), 28, 1, dtype=torch.float64)
    any_size = {2: Dim("height", min=8, max=64), 3: Dim("width", min=8, max=64)}
    save("phone-any-size.pt2", made(Phone), 16, pictures=2, shapes=[{0: Dim("batch"), **any_size}])
(folder / "expected.json").write_text(json.dumps(expected))
