"""Seconds a step of captum's Integrated Gradients on this machine's GPU, to stand beside Violet's:

    python3 benches/captum_gpu.py 1 16 32      # that many points of the path a pass

Needs PyTorch, torchvision and captum. ResNet-18 with random weights (the time does not depend on them), one
image of 224 x 224, f32 with TF32 off. Minimum of five rounds after one to warm up. Without CUDA it runs on
the CPU and says so.
"""

import sys
import time

import torch
import torchvision
from captum.attr import IntegratedGradients

ROUNDS = 5
PASSES = 4

torch.backends.cuda.matmul.allow_tf32 = False
torch.backends.cudnn.allow_tf32 = False
cuda = torch.cuda.is_available()
device = torch.device("cuda" if cuda else "cpu")
name = torch.cuda.get_device_name() if cuda else "the CPU: no CUDA here"
print(f"PyTorch {torch.__version__} on {name}")

torch.manual_seed(0)
model = torchvision.models.resnet18().eval().to(device)
photo = torch.rand(1, 3, 224, 224, device=device)
method = IntegratedGradients(model)
for batch in map(int, sys.argv[1:] or ["1", "16", "32"]):
    steps = PASSES * batch
    least = float("inf")
    for _ in range(ROUNDS + 1):
        start = time.perf_counter()
        attributions = method.attribute(
            photo,
            torch.zeros_like(photo),
            target=1,
            n_steps=steps,
            method="riemann_trapezoid",
            internal_batch_size=batch,
        )
        attributions.sum().item()  # waits for all of it
        least = min(least, time.perf_counter() - start)
    print(f"  a step, {batch} a pass   {least / steps:8.4f} s")
