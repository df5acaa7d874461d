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

warnings.filterwarnings("ignore")
folder = pathlib.Path(sys.argv[1])
folder.mkdir(parents=True, exist_ok=True)
expected = {}


class Digits(nn.Module):
    """As in many first notebooks: sizes that only its last layers tell."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 4, 5)
        self.conv2 = nn.Conv2d(4, 6, 5)
        self.drop = nn.Dropout2d()
        self.fc1 = nn.Linear(96, 12)
        self.fc2 = nn.Linear(12, 5)

    def forward(self, x):
        x = F.relu(F.max_pool2d(self.conv1(x), 2))
        x = F.relu(F.max_pool2d(self.drop(self.conv2(x)), 2))
        x = x.view(-1, 96)
        x = F.dropout(F.relu(self.fc1(x)), training=self.training)
        return F.log_softmax(self.fc2(x), dim=1)


class Views(nn.Module):
    """What is written into a part of a tensor is in the whole."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, padding=1, padding_mode="reflect")
        self.register_buffer("order", torch.randperm(8))

    def forward(self, x):
        x = self.conv(x)
        a, b = x[:, :4], x[:, 4:]
        a.relu_()
        b[:, :2] += 0.5
        x[:, 3, 1:] = 0.25
        rows = x.permute(0, 2, 3, 1).contiguous()
        rows[..., 0].mul_(2.0)
        y = torch.roll(rows, shifts=(2, -3), dims=(1, 2))[..., self.order]
        mask = torch.zeros(y.shape[1], y.shape[2])
        mask[2:5, :3] = 1
        mask[-2:].fill_(0.5)
        flat = y.flatten(1, 2).transpose(1, 2) * mask.view(1, 1, -1)
        turned = torch.stack([flat, flat.flip(-1)], dim=1).masked_fill(mask.flatten() > 0.7, -1.0)
        grid = torch.meshgrid(torch.arange(4.0), torch.linspace(-1, 1, 2), indexing="ij")
        return turned.mean(-1).squeeze(0) @ torch.cat([grid[0], grid[1]], 1).repeat(2, 1)


class Norms(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1, bias=False), nn.BatchNorm2d(8), nn.PReLU(8))
        self.group = nn.GroupNorm(4, 8)
        self.instance = nn.InstanceNorm2d(8, affine=True)
        self.up = nn.ConvTranspose2d(8, 6, 3, 2, 1, 1)
        self.layer = nn.LayerNorm(6)
        self.shuffle = nn.PixelShuffle(2)
        self.pool = nn.AdaptiveAvgPool2d((3, 2))
        self.line = nn.Conv1d(6, 4, 3, padding=1)

    def forward(self, x):
        x = self.first(x)
        x = self.group(x) + self.instance(x)
        x = self.up(x)
        x = self.layer(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
        small = F.interpolate(x, scale_factor=0.5, mode="bilinear", align_corners=False)
        large = F.interpolate(small, size=x.shape[-2:], mode="nearest")
        x = x + large + F.interpolate(small, size=x.shape[-2:], mode="bicubic", align_corners=True)
        odd = [F.interpolate(x, scale_factor=1.3, mode="bilinear", align_corners=False), F.interpolate(x, scale_factor=0.7)]
        x = x + odd[0].mean() + odd[1][..., :1, :1]
        x = x + F.avg_pool2d(x, 3, 1, 1, count_include_pad=False)
        x = torch.cat([self.pool(x), F.adaptive_max_pool2d(x, (3, 2))], 1)
        x = F.pad(x, (1, 1), value=0.5)
        x = self.shuffle(x)
        x = self.line(F.normalize(x.flatten(2).repeat(1, 2, 1), dim=1))
        return x.std(-1) + x.var(-1, unbiased=False)


class Activations(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 24, 4, 4)
        self.all = nn.ModuleList([
            nn.ReLU6(), nn.Hardtanh(-0.5, 0.7), nn.Sigmoid(), nn.Tanh(), nn.SiLU(), nn.GELU(), nn.GELU("tanh"), nn.ELU(0.7),
            nn.SELU(), nn.CELU(0.5), nn.LeakyReLU(0.2), nn.Hardswish(), nn.Hardsigmoid(), nn.Softplus(2.0), nn.Mish(),
            nn.LogSigmoid(), nn.Softsign(), nn.Softmax(1), nn.Threshold(0, 0), nn.RReLU(),
        ])
        self.gate = nn.GLU(1)

    def forward(self, x):
        x = self.conv(x)
        total = torch.zeros_like(x)
        for k, act in enumerate(self.all):
            total = total + act(x) * (k + 1) / 10
        total = total + torch.exp(-x.abs()) + torch.log1p(x.square()) + torch.rsqrt(x * x + 1) + 2 ** x + x ** 3 / (1 + x.pow(2))
        total = total + torch.maximum(x, 0.1 - x) - torch.clamp(x, max=0.3) + torch.addcmul(x, x, x, value=0.5) + 1 / (2 - x.sin().cos())
        total = self.gate(total)
        return {"mean": total.mean((2, 3)), "largest": total.amax((2, 3)), "norm": total.norm(dim=(2, 3)),
                "least": -(-total).flatten(2).max(-1)[0], "all": total.logsumexp((2, 3)) + total.sum()}


class Words(nn.Module):
    """Patches as words, with PyTorch's own attention."""

    def __init__(self):
        super().__init__()
        self.patches = nn.Conv2d(3, 8, 8, 8)
        self.token = nn.Parameter(torch.randn(1, 1, 8))
        self.places = nn.Parameter(torch.randn(1, 17, 8))
        self.norm = nn.LayerNorm(8)
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True)
        self.head = nn.Linear(8, 3)

    def forward(self, x):
        x = self.patches(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.token.expand(x.shape[0], -1, -1), x], 1) + self.places
        y = self.norm(x)
        x = x + self.attention(y, y, y, need_weights=False)[0]
        return self.head(x[:, 0])


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


class Phone(nn.Module):
    """What PyTorch's optimiser for phones packs: weights with their layers."""

    def __init__(self):
        super().__init__()
        self.first = nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1), nn.BatchNorm2d(8), nn.ReLU())
        self.depthwise = nn.Sequential(nn.Conv2d(8, 8, 3, 1, (0, 1), groups=8), nn.Hardtanh(-1.0, 1.0))
        self.up = nn.ConvTranspose2d(8, 4, 3, 2, 1, 1)
        self.last = nn.Sequential(nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(16, 8), nn.ReLU(), nn.Linear(8, 5))

    def forward(self, x):
        return self.last(self.up(self.depthwise(self.first(x))))


def randomised(network):
    """Norms that do something, and last layers that begin as zeros do."""
    for module in network.modules():
        if isinstance(module, nn.Linear) and not module.weight.any():
            module.weight.data.normal_(0, 0.1)
        if isinstance(module, (nn.BatchNorm2d, nn.InstanceNorm2d, nn.GroupNorm, nn.LayerNorm)):
            for name, low, high in [("running_mean", -0.1, 0.1), ("running_var", 0.5, 1.5), ("weight", 0.5, 1.5), ("bias", -0.1, 0.1)]:
                if getattr(module, name, None) is not None:
                    getattr(module, name).data.uniform_(low, high)
    return network.eval()


def named(value, name="output"):
    """Results as Violet calls them."""
    if isinstance(value, Tensor):
        return {name: value.flatten().tolist()}
    if hasattr(value, "_fields"):
        return {key: found for field in value._fields for key, found in named(getattr(value, field), field).items()}
    if isinstance(value, dict):
        return {key: found for field, item in value.items() for key, found in named(item, field).items()}
    if isinstance(value, (list, tuple)):
        several = len(value) != 1
        return {key: found for k, item in enumerate(value) for key, found in named(item, f"{name}{k}" if several else name).items()}
    return {}


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


def made(kind, *given, **named):
    torch.manual_seed(sum(map(ord, kind.__name__)))
    return randomised(kind(*given, **named))


def example(side, channels=3):
    return torch.rand(1, channels, side, side)


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
