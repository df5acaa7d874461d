"""Small networks of all kinds of operations, with random weights, which torchscripts.py and exported.py write."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


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
    def __init__(self, kinked=False):
        super().__init__()
        self.first = nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1, bias=False), nn.BatchNorm2d(8), nn.ReLU() if kinked else nn.PReLU(8))
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


def made(kind, *given, **named):
    torch.manual_seed(sum(map(ord, kind.__name__)))
    return randomised(kind(*given, **named))


def example(side, channels=3):
    return torch.rand(1, channels, side, side)
