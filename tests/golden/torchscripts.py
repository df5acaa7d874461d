"""Writes small networks with random weights as TorchScript, traced and scripted, and what PyTorch computes with each.

    python3 tests/golden/torchscripts.py src/import/tests/data/torchscript
    python3 tests/golden/torchscripts.py FOLDER NAME …          # torchvision's networks of these names instead, or timm/NAME

Needs torch (and torchvision, timm). `expected.json` holds, for each file, the channels and the side of its square input, which
hash_weights.py makes, and each output by its name.
"""

import json
import pathlib
import sys
import warnings
import zipfile
from typing import Dict, List, NamedTuple, Optional, Tuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.mobile_optimizer import optimize_for_mobile

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from hash_weights import noise
from small_networks import Activations, Digits, Norms, Phone, Views, Words, example, made, named, randomised

warnings.filterwarnings("ignore")
folder = pathlib.Path(sys.argv[1])
folder.mkdir(parents=True, exist_ok=True)
expected = {}


class Scores(NamedTuple):
    logits: Tensor
    mean: Optional[Tensor]


class Branches(nn.Module):
    """Code that tracing would lose: loops, lists, conditions on sizes, several results."""

    __constants__ = ["depth"]

    def __init__(self):
        super().__init__()
        self.depth = 3
        self.convs = nn.ModuleList([nn.Conv2d(3 + 2 * k, 2, 3, padding=1) for k in range(3)])
        self.scale: float = 1.5
        self.classes: List[int] = [2, 3]
        self.names: Dict[str, int] = {"a": 1, "b": 2}
        self.head = nn.Linear(9, 5)

    def squeezed(self, x: Tensor, by: Optional[int] = None) -> Tensor:
        if by is not None and x.size(2) > by:
            count = 0
            while x.size(2) > by:
                x = F.avg_pool2d(x, [2, 2])
                count += 1
            x = x * (self.scale ** count)
        return x

    def forward(self, x: Tensor, extra: Optional[Tensor] = None) -> Tuple[Scores, List[Tensor]]:
        features: List[Tensor] = [x]
        for conv in self.convs:
            features.append(torch.relu(conv(torch.cat(features, 1))))
        x = self.squeezed(torch.cat(features, 1), 4)
        if extra is not None:
            x = x + extra
        if x.dim() != 4 or not torch.jit.is_scripting():
            raise ValueError("expected four axes, got {}".format(x.dim()))
        pooled = x.mean([2, 3])
        parts: List[Tensor] = []
        for k in range(len(self.classes)):
            start = sum(self.classes[:k])
            parts += [pooled[:, start : start + self.classes[k]] * float(self.names["b"])]
        both = parts[0].sum(1, keepdim=True) + parts[-1].prod(1, keepdim=True)
        return Scores(self.head(pooled) + both, None if self.training else pooled), parts[::1]


def save(name, network, side, channels=3, extra=None):
    x = torch.from_numpy(noise("x", channels * side * side)).reshape(1, channels, side, side)
    with torch.no_grad():
        outputs = named(network(x))
    torch.jit.save(network, folder / name, _extra_files=extra or {})
    packed(folder / name)
    expected[name] = {"side": side, "channels": channels, "outputs": outputs}


def packed(file):
    """Without where each line of the code comes from, which is most of a small file and names folders."""
    with zipfile.ZipFile(file) as stored:
        entries = {entry: stored.read(entry) for entry in stored.namelist() if not entry.endswith(".debug_pkl")}
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for entry, content in entries.items():
            archive.writestr(zipfile.ZipInfo(entry), content, zipfile.ZIP_DEFLATED)


if len(sys.argv) > 2:
    import torchvision.models

    for name in sys.argv[2:]:
        torch.manual_seed(1)
        if name.startswith("timm/"):
            import timm

            network = randomised(timm.create_model(name[5:], num_classes=10, exportable=True))
            side = network.pretrained_cfg["input_size"][1]
            with torch.no_grad():
                traced = torch.jit.trace(network, example(side), check_trace=False)
            save(f"{name[5:]}-traced.pt", traced, side)
            continue
        own = {"init_weights": False} if name in ["googlenet", "inception_v3"] else {}
        network = randomised(getattr(torchvision.models, name)(**own))
        side = 299 if name == "inception_v3" else 224
        with torch.no_grad():
            save(f"{name}-traced.pt", torch.jit.trace(network, example(side), check_trace=False), side)
        save(f"{name}-scripted.pt", torch.jit.script(network), side)
else:
    save("digits-traced.pt", torch.jit.trace(made(Digits), example(28, 1)), 28, 1)
    save("digits-scripted.pt", torch.jit.script(made(Digits)), 28, 1)
    save("digits-frozen.pt", torch.jit.freeze(torch.jit.script(made(Digits))), 28, 1)
    save("views-traced.pt", torch.jit.trace(made(Views), example(12)), 12)
    save("norms-traced.pt", torch.jit.trace(made(Norms), example(16)), 16)
    save("norms-scripted.pt", torch.jit.script(made(Norms)), 16)
    save("activations-traced.pt", torch.jit.trace(made(Activations), example(16), strict=False), 16)
    save("words-traced.pt", torch.jit.trace(made(Words), example(32), check_trace=False), 32)
    save("words-scripted.pt", torch.jit.script(made(Words)), 32)
    with torch.no_grad():
        save("words-fast.pt", torch.jit.trace(made(Words), example(32), check_trace=False), 32)
    phone = torch.jit.script(made(Phone))
    save("phone-packed.pt", optimize_for_mobile(phone), 16)
    phone._save_for_lite_interpreter(str(folder / "phone-lite.ptl"))
    packed(folder / "phone-lite.ptl")
    expected["phone-lite.ptl"] = expected["phone-packed.pt"]
    config = {"imgsz": [16, 16], "names": {"0": "bear", "1": "cat", "2": "owl", "3": "dog", "4": "fox"}, "stride": 32,
              "task": "classify"}
    save("branches-scripted.pt", torch.jit.script(made(Branches)), 16, extra={"config.txt": json.dumps(config)})
(folder / "expected.json").write_text(json.dumps(expected))
