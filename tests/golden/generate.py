"""Writes the golden numbers that Violet's tests compare with, and a checkpoint of random weights.

    python3 tests/golden/generate.py golden --efficientnet FILE.pth [--resnet18 FILE.pth]
    python3 tests/golden/generate.py methods
    python3 tests/golden/generate.py checkpoint DIRECTORY

`golden` needs torch, torchvision (Debian's 1.13.1 and 0.14.1 made the committed files),
captum 0.6.0 (which imports matplotlib) and efficientnet-lite-pytorch 0.1.0; `methods` all but the last, `checkpoint` only the first two. The weights of
the random ResNet-18 are a function of their names (hash_weights.py), so that both commands, on
any version, speak of the same network.
"""

import argparse
import json
import pathlib
import struct
import sys
from unittest import mock

import numpy as np
import torch
import torchvision

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from hash_weights import noise, noise_picture, normal

HERE = pathlib.Path(__file__).parent

# What `methods` draws, small: tests/native/methods.rs draws the same.
NOISY, NOISE = 4, 0.15  # images of SmoothGrad, and their deviation as a share of the input's range
BASELINES, STEPS = 2, 6  # of Expected Gradients, and midpoints from each
LEVELS = 4  # of 255: how far max-sensitivity looks


def random_resnet18():
    """torchvision's ResNet-18 in evaluation mode, He-scaled, BatchNorm statistics not trivial."""
    model = torchvision.models.resnet18(weights=None)
    state = model.state_dict()
    for name, tensor in state.items():
        if name.endswith("num_batches_tracked"):
            continue
        values = torch.from_numpy(noise(name, tensor.numel())).reshape(tensor.shape)
        if tensor.dim() == 4:
            values *= (6.0 / tensor[0].numel()) ** 0.5  # uniform with variance 2 / fan-in
        elif name.endswith("running_var"):
            values = 1.0 + 0.5 * values
        elif name.startswith("fc."):
            values *= 0.1
        elif name.endswith("weight"):
            values = 0.75 + 0.25 * values
        else:
            values *= 0.1
        tensor.copy_(values)
    model.load_state_dict(state)
    return model.eval()


def save(path, arrays):
    """Writes float arrays in the safetensors format, float16 for those named `*_f16`."""
    header, blobs, offset = {}, [], 0
    for name, array in arrays.items():
        half = name.endswith("_f16")
        array = np.ascontiguousarray(array, dtype=np.float16 if half else np.float32)
        blob = array.tobytes()
        header[name] = {
            "dtype": "F16" if half else "F32",
            "shape": list(array.shape),
            "data_offsets": [offset, offset + len(blob)],
        }
        offset += len(blob)
        blobs.append(blob)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + b"".join(blobs))
    print(f"{path}: {path.stat().st_size} bytes")


def trapezoid(model, x, baseline, target, n_steps):
    """Integrated Gradients by the trapezoid rule, in plain PyTorch."""
    total = torch.zeros_like(x)
    for k in range(n_steps + 1):
        point = (baseline + (x - baseline) * (k / n_steps)).requires_grad_()
        gradient = torch.autograd.grad(model(point)[0, target], point)[0]
        total += gradient * ((0.5 if k in (0, n_steps) else 1.0) / n_steps)
    return (x - baseline) * total


class Each(torch.nn.Module):
    """An activation that a block uses `count` times, as so many modules: captum keeps one result a module."""

    def __init__(self, count, activation=torch.nn.ReLU6):
        super().__init__()
        self.uses = torch.nn.ModuleList(activation() for _ in range(count))
        self.used = 0

    def forward(self, x):
        use = self.uses[self.used]
        self.used = (self.used + 1) % len(self.uses)
        return use(x)


def rescale(model, x, baseline, target):
    """captum's DeepLIFT, Rescale rule: a single secant from baseline to input. EfficientNet-Lite only."""
    from captum.attr import DeepLift
    from captum.attr._core import deep_lift

    deep_lift.SUPPORTED_NON_LINEAR[torch.nn.ReLU6] = deep_lift.nonlinear
    for block in model._blocks:
        block._swish = Each(2 if block._block_args.expand_ratio != 1 else 1)
    model._swish = Each(2)
    return DeepLift(model).attribute(x, baseline, target=target)


def methods(model, rgb, mean, std, path):
    """What captum's other methods make of one image, RGB uint8 [H, W, 3]; for ResNet-18."""
    from captum.attr import (
        FeatureAblation, GradientShap, GuidedBackprop, InputXGradient, LayerGradCam, NoiseTunnel, Saliency,
        ShapleyValues,
    )
    from captum.metrics import sensitivity_max
    from torchvision.models.resnet import BasicBlock

    mean, std = (torch.tensor(values).reshape(1, 3, 1, 1) for values in (mean, std))
    x = (torch.from_numpy(rgb.astype(np.float32)).permute(2, 0, 1)[None] - mean) / std
    for module in list(model.modules()):
        if isinstance(module, BasicBlock):
            module.relu = Each(2, torch.nn.ReLU)
    model.relu = torch.nn.ReLU()
    target = int(model(x)[0].argmax())
    baseline = (torch.zeros_like(x) - mean) / std
    side = x.shape[-1]

    def grid(patches):
        """Which patch of a grid each pixel lies in, [1, 1, H, W]."""
        at = torch.arange(side) * patches // side
        return (at[:, None] * patches + at[None])[None, None]

    def of_each(attributions, patches):
        """One value of each patch, which is the same for all of its pixels and channels."""
        where = [int((grid(patches)[0, 0] == k).flatten().nonzero()[0]) for k in range(patches ** 2)]
        return attributions[0, 0].flatten()[where].detach()

    several = dict(baselines=baseline, target=target)
    with torch.no_grad():
        ablation = FeatureAblation(model).attribute(x, feature_mask=grid(4), **several)
        # By all orders of the quarters.
        shapley = ShapleyValues(model).attribute(x, feature_mask=grid(2), **several)
    # What captum draws at random is what Violet draws, from seeds. captum asks for all noisy images at once.
    draws = [normal(seed, x.numel()).reshape(x.shape[1:]) for seed in range(NOISY)]
    with mock.patch("torch.normal", lambda mean, deviation: deviation * torch.from_numpy(np.stack(draws)).float()):
        smooth = NoiseTunnel(Saliency(model)).attribute(
            x, nt_type="smoothgrad", nt_samples=NOISY, stdevs=float(NOISE * (x.max() - x.min())), target=target, abs=False,
        )
    # All baselines at the midpoints of so many steps.
    starts = torch.cat([
        (torch.from_numpy(noise_picture(seed, side)) - mean) / std for seed in range(1, BASELINES + 1)
    ])
    midpoints = (np.arange(STEPS) + 0.5) / STEPS
    with mock.patch("numpy.random.choice", lambda count, size: np.repeat(np.arange(count), STEPS)), \
            mock.patch("numpy.random.uniform", lambda low, high, size: np.tile(midpoints, BASELINES)):
        expected = GradientShap(model).attribute(x, starts, n_samples=BASELINES * STEPS, target=target)
    # Of the plain gradient, on the sphere of so many levels of 255 a value.
    levels = [LEVELS * draw / np.sqrt((draw ** 2).mean()) for draw in draws]
    near = torch.cat([(x + torch.from_numpy(level) / std).float() for level in levels])
    sensitivity = sensitivity_max(
        lambda inputs: Saliency(model).attribute(inputs, target=target, abs=False),
        x, perturb_func=lambda inputs: near, n_perturb_samples=NOISY,
    )
    save(path, {
        "target": np.array([target]),
        "smoothgrad_f16": smooth[0].detach(),
        "expected_gradients_f16": expected[0].detach(),
        "sensitivity": sensitivity.detach(),
        "saliency_f16": Saliency(model).attribute(x, target=target)[0].detach(),
        "input_x_gradient_f16": InputXGradient(model).attribute(x, target=target)[0].detach(),
        "ablation": of_each(ablation, 4),
        "shapley": of_each(shapley, 2),
        "guided_f16": GuidedBackprop(model).attribute(x, target=target)[0].detach(),
        "gradcam": LayerGradCam(model, model.layer4)
        .attribute(x, target=target, relu_attributions=True)[0, 0].detach(),
    })


def golden(model, rgb, mean, std, path, n_steps, secant=False):
    """Logits and attributions of one image, RGB uint8 [H, W, 3]."""
    from captum.attr import IntegratedGradients

    mean = torch.tensor(mean).reshape(1, 3, 1, 1)
    std = torch.tensor(std).reshape(1, 3, 1, 1)
    x = (torch.from_numpy(rgb.astype(np.float32)).permute(2, 0, 1)[None] - mean) / std
    baseline = (torch.zeros_like(x) - mean) / std
    with torch.no_grad():
        logits, logits_baseline = model(x)[0], model(baseline)[0]
    target = int(logits.argmax())
    captum = {
        method: IntegratedGradients(model).attribute(
            x, baseline, target=target, n_steps=n_steps, method=method, internal_batch_size=1
        )
        for method in ("riemann_middle", "gausslegendre")
    }
    arrays = {
        "logits": logits,
        "logits_baseline": logits_baseline,
        "target": np.array([target]),
        "n_steps": np.array([n_steps]),
        "trapezoid_f16": trapezoid(model, x, baseline, target, n_steps)[0].detach(),
        "midpoint_f16": captum["riemann_middle"][0].detach(),
        "gauss-legendre_f16": captum["gausslegendre"][0].detach(),
    }
    if secant:
        arrays["secant_f16"] = rescale(model, x, baseline, target)[0].detach()
    save(path, arrays)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    command = commands.add_parser("golden")
    command.add_argument("--efficientnet", required=True)
    command.add_argument("--resnet18")
    commands.add_parser("methods")
    command = commands.add_parser("checkpoint")
    command.add_argument("directory", type=pathlib.Path)
    arguments = parser.parse_args()
    torch.manual_seed(0)

    if arguments.command == "checkpoint":
        arguments.directory.mkdir(parents=True, exist_ok=True)
        state = random_resnet18().state_dict()
        torch.save(state, arguments.directory / "resnet18-random.pth")
        torch.save(
            state,
            arguments.directory / "resnet18-random-old-format.pth",
            _use_new_zipfile_serialization=False,
        )
        return

    from PIL import Image

    imagenet = ([123.675, 116.28, 103.53], [58.395, 57.12, 57.375])
    view = Image.open(HERE / "view.png").convert("RGB")
    rgb = np.asarray(view)
    # The middle of the view only: ResNet takes any size, and the file stays small.
    if arguments.command == "methods":
        methods(random_resnet18(), rgb[64:161, 64:161], *imagenet, HERE / "methods.safetensors")
        return
    from efficientnet_lite_pytorch import EfficientNet

    golden(random_resnet18(), rgb[64:161, 64:161], *imagenet, HERE / "resnet18-random.safetensors", 6)

    model = EfficientNet.from_name("efficientnet-lite0")
    model.load_state_dict(torch.load(arguments.efficientnet, map_location="cpu"))
    golden(model.eval(), rgb, [127.0] * 3, [128.0] * 3, HERE / "efficientnet-lite0.safetensors", 8, secant=True)

    if arguments.resnet18:
        model = torchvision.models.resnet18(weights=None)
        model.load_state_dict(torch.load(arguments.resnet18, map_location="cpu"))
        golden(model.eval(), rgb, *imagenet, HERE / "resnet18.safetensors", 8)


if __name__ == "__main__":
    main()
