"""Exports torchvision's classifiers with random weights, with an input and PyTorch's logits.

    python3 torchvision_networks.py FOLDER [NAME …]      # Debian: python3-torch, python3-torchvision
    VIOLET_NETWORKS=FOLDER cargo test --release -p violet-import --test onnx_networks -- --nocapture

Of every family its smallest and its most usual member, smallest first. Statistics of batch
normalisation are random too: with those of a new network, mistakes in them would not show.
"""

import os
import sys

import numpy
import torch
import torchvision

# Name, opset, height and width. Swin's second version is not among them: PyTorch 1.13 cannot export
# it (aten::zero).
NETWORKS = [
    ("squeezenet1_1", 9, 224, 224),
    ("shufflenet_v2_x0_5", 11, 224, 224),
    ("mnasnet0_5", 12, 224, 224),
    ("mobilenet_v3_small", 14, 224, 224),
    ("mobilenet_v2", 10, 224, 224),
    ("mobilenet_v3_large", 13, 224, 224),
    ("regnet_y_400mf", 13, 224, 224),
    ("regnet_x_400mf", 15, 224, 224),
    ("efficientnet_b0", 13, 224, 224),
    ("googlenet", 11, 224, 224),
    ("shufflenet_v2_x1_0", 16, 224, 224),
    ("mnasnet1_0", 13, 224, 224),
    ("densenet121", 9, 224, 224),
    ("squeezenet1_0", 17, 160, 192),
    ("resnet18", 9, 224, 224),
    ("resnet50", 17, 224, 224),
    ("efficientnet_v2_s", 15, 192, 224),
    ("resnext50_32x4d", 13, 224, 224),
    ("inception_v3", 13, 299, 299),
    ("swin_t", 16, 224, 224),
    ("convnext_tiny", 14, 224, 224),
    ("alexnet", 11, 224, 224),
    ("wide_resnet50_2", 13, 224, 224),
    ("vit_b_32", 14, 224, 224),
    ("vit_b_16", 14, 224, 224),
    ("vgg11", 9, 224, 224),
    ("vgg16", 13, 224, 224),
]


def network(name):
    torch.manual_seed(len(name))
    extra = {"init_weights": True} if name in ("googlenet", "inception_v3") else {}
    model = getattr(torchvision.models, name)(weights=None, **extra)
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.2)
            module.running_var.uniform_(0.5, 1.5)
            module.weight.data.uniform_(0.7, 1.3)
            module.bias.data.normal_(0, 0.2)
    # Swin's and ConvNeXt's residual branches begin as almost nothing.
    for key, value in model.named_parameters():
        if key.endswith("layer_scale"):
            value.data.uniform_(0.2, 0.6)
        # ViT's classifier begins as nothing at all.
        elif key == "heads.head.weight":
            value.data.normal_(0, 0.05)
    model.eval()
    if name.startswith("vit"):
        # PyTorch 1.13 has no export of the fast path that evaluation takes.
        for module in model.modules():
            if isinstance(module, torch.nn.MultiheadAttention):
                module.training = True
    return model


def main(folder, *names):
    os.makedirs(folder, exist_ok=True)
    torch.set_num_threads(1)
    for name, opset, height, width in NETWORKS:
        if names and name not in names:
            continue
        model = network(name)
        image = torch.randn(1, 3, height, width)
        with torch.no_grad():
            logits = model(image)
        path = os.path.join(folder, name)
        preserved = name.startswith("vit")
        mode = torch.onnx.TrainingMode.PRESERVE if preserved else torch.onnx.TrainingMode.EVAL
        torch.onnx.export(
            model,
            image,
            path + ".onnx",
            opset_version=opset,
            training=mode,
            input_names=["input"],
            output_names=["logits"],
        )
        image.numpy().astype(numpy.float32).tofile(path + ".input")
        logits.numpy().astype(numpy.float32).tofile(path + ".logits")
        print(name, sum(value.numel() for value in model.parameters()), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
