"""Writes checkpoints of torchvision's families, as people have them, and what PyTorch computes with each.

    python3 tests/golden/layouts.py DIRECTORY

Needs torch, torchvision and timm. `expected.json` holds, for each file, the side of its square input, which
hash_weights.py makes, the logits, and a part of a sentence that is said about the file, if one is.
Refused files are in `refused.json`, with a part of the sentence.
"""

import collections
import functools
import json
import pathlib
import re
import sys
import zipfile

import timm
import torch
import torchvision
from torch import nn
from torchvision import models

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from hash_weights import noise

folder = pathlib.Path(sys.argv[1])
folder.mkdir(parents=True, exist_ok=True)
torch.manual_seed(2)
expected, refused = {}, {}


def lively(model):
    """BatchNorm statistics and scales that are not trivial."""
    for module in model.modules():
        if isinstance(module, (nn.BatchNorm2d, nn.BatchNorm1d)):
            module.running_mean.uniform_(-0.1, 0.1)
            module.running_var.uniform_(0.5, 1.5)
            module.weight.data.uniform_(0.5, 1.5)
            module.bias.data.uniform_(-0.1, 0.1)
    for name, parameter in model.named_parameters():
        if "layer_scale" in name:
            parameter.data.uniform_(0.1, 1.0)
    return model.eval()


def settled(model, side):
    """BatchNorm as it has seen pictures that differ: else what forty blocks add up, or divide by, is all rounding."""
    norms = [module for module in model.modules() if isinstance(module, nn.BatchNorm2d)]
    for module in norms:
        module.reset_running_stats()
        module.momentum = None
        module.train()
    with torch.no_grad():
        model(nn.functional.interpolate(torch.randn(8, 3, 3, 3), size=side) + 0.3 * torch.randn(8, 3, side, side))
    return model.eval()


def record(name, model, side, says=""):
    x = torch.from_numpy(noise("x", 3 * side * side)).reshape(1, 3, side, side)
    with torch.no_grad():
        logits = model(x)[0].tolist()
    expected[name] = {"side": side, "logits": logits, "says": says}


def save(name, model, side, says="", **options):
    torch.save(model.state_dict(), folder / name, **options)
    record(name, model, side, says)


def of(make, **arguments):
    return lively(make(weights=None, num_classes=7, **arguments))


# ---- Families ----------------------------------------------------------------------------------

for make, side in [
    (models.resnet18, 64),
    (models.resnet50, 64),
    (models.resnext50_32x4d, 64),
    (models.densenet121, 64),
    (models.squeezenet1_0, 96),
    (models.squeezenet1_1, 96),
    (models.mobilenet_v2, 64),
    (models.mobilenet_v3_small, 64),
    (models.mobilenet_v3_large, 64),
    (models.shufflenet_v2_x0_5, 64),
    (models.mnasnet0_5, 64),
    (models.mnasnet1_0, 64),
    (models.regnet_x_400mf, 64),
    (models.regnet_y_400mf, 64),
    (models.efficientnet_b0, 64),
    (models.efficientnet_v2_s, 64),
    (models.convnext_tiny, 64),
    (models.swin_t, 96),
    (models.swin_v2_t, 96),
]:
    save(f"{make.__name__}.pth", of(make), side)
save("googlenet.pth", of(models.googlenet, init_weights=False), 64, "aux1")
save("inception_v3.pth", of(models.inception_v3, init_weights=False), 128, "AuxLogits")
for make, side in [(models.vgg11, 64), (models.vgg11_bn, 64), (models.alexnet, 96)]:
    model = make(weights=None)
    features = model.classifier[0 if make is not models.alexnet else 1].in_features
    dropout = [nn.Dropout()] if make is models.alexnet else []
    layers = [nn.Linear(features, 24), nn.ReLU(True), nn.Dropout(), nn.Linear(24, 7)]
    model.classifier = nn.Sequential(*dropout, *layers)
    save(f"{make.__name__}.pth", lively(model), side)
mean = timm.create_model("vit_tiny_patch16_224", num_classes=7, img_size=64, depth=2, global_pool="avg")
mean.pos_embed.data.normal_(std=0.3)
save("timm-vit-mean.pth", lively(mean), 64)
vit = models.VisionTransformer(
    image_size=64, patch_size=16, num_layers=2, num_heads=3, hidden_dim=192, mlp_dim=384, num_classes=7
)
nn.init.normal_(vit.heads.head.weight)
vit.encoder.pos_embedding.data.normal_()
save("vit.pth", lively(vit), 64)
# As deep as EfficientNet-B5 and larger, which have another ε.
Stage = models.efficientnet.MBConvConfig
stages = [(1, 3, 1, 8, 8, 3), (6, 3, 2, 8, 16, 1), (6, 5, 2, 16, 24, 1), (6, 3, 2, 24, 32, 1),
          (6, 5, 1, 32, 40, 1), (6, 5, 2, 40, 48, 1), (6, 3, 1, 48, 56, 1)]
deep = models.EfficientNet([Stage(*stage, 1.0, 1.0) for stage in stages], 0.2, num_classes=7,
                           norm_layer=functools.partial(nn.BatchNorm2d, eps=1e-3))
save("efficientnet-deep.pth", lively(deep), 64)

# In timm's names, those that differ from torchvision's or share them; and Microsoft's own of Swin.
for name, side in [
    ("seresnet18", 64),
    ("resnet26d", 64),
    ("regnetx_002", 64),
    ("regnety_002", 64),
    ("mobilenetv2_050", 64),
    ("mobilenetv3_small_050", 64),
    ("mobilenetv3_large_075", 64),
    ("mnasnet_050", 64),
    ("semnasnet_050", 64),
    ("efficientnet_lite0", 64),
    ("efficientnet_b0", 64),
    ("efficientnetv2_rw_t", 64),
    ("efficientnetv2_rw_s", 64),
    ("tf_efficientnetv2_s", 64),
    ("convnext_atto", 64),
    ("convnextv2_atto", 64),
    ("vit_tiny_patch16_224", 224),
    ("vit_small_patch14_reg4_dinov2", 0),
    ("deit_tiny_distilled_patch16_224", 224),
    ("vit_base_patch32_clip_224", 0),
    ("beit_base_patch16_224", 0),
    ("swin_tiny_patch4_window7_224", 224),
    # So large that the last images are no whole numbers of patches.
    ("mobilevit_xxs", 96),
    ("mobilevitv2_050", 96),
]:
    small = {} if side else {"img_size": 64 if "clip" in name or "beit" in name else 56, "depth": 2}
    if "clip" in name or "beit" in name:
        small |= {"embed_dim": 128, "num_heads": 2}
    model = lively(timm.create_model(name, num_classes=7, **small))
    for key, parameter in model.named_parameters():
        if key.endswith(("gamma", "grn.weight", "grn.bias")):
            parameter.data.uniform_(0.1, 1.0)
        if key.endswith(("_token", "pos_embed", "relative_position_bias_table")):
            parameter.data.normal_(std=0.3)
    side = side or small["img_size"]
    save(f"timm-{name}.pth", settled(model, side), side)
    if name.startswith("swin"):
        # A stage of Microsoft's ends where the next one of timm's begins, and its head has no name of its own.
        place = lambda key: re.sub(r"layers\.(\d)\.downsample", lambda found: f"layers.{int(found[1]) - 1}.downsample", key)
        state = {place(key).replace("head.fc.", "head."): value for key, value in model.state_dict().items()}
        state["layers.0.blocks.1.attn_mask"] = torch.zeros(64, 49, 49)
        torch.save({"model": state}, folder / "swin-microsoft.pth")
        record("swin-microsoft.pth", model, side)

# What the weights do not tell: what halves an image, a function, a padding. Names of files do, or widths.
for name, arguments in [
    ("resnetblur18", {"layers": (1, 1, 1, 1)}),
    ("resnetblur50", {"layers": (1, 1, 1, 1)}),
    ("seresnetaa50d", {"layers": (1, 1, 1, 1)}),
    ("resnetrs50", {"layers": (1, 1, 1, 1)}),
    ("convnext_tiny_hnf", {"depths": (1, 1, 1, 1), "dims": (16, 24, 32, 40)}),
    ("efficientnet_b1_pruned", {}),
    ("vit_base_patch32_clip_quickgelu_224", {"img_size": 64, "depth": 2, "embed_dim": 128, "num_heads": 2}),
    ("vit_little_patch16_reg4_gap_256", {"img_size": 64, "depth": 2, "embed_dim": 128, "num_heads": 2}),
    ("vit_base_patch16_siglip_gap_224", {"img_size": 64, "depth": 2, "embed_dim": 128, "num_heads": 2}),
    ("swinv2_base_window8_256", {"img_size": 64, "depths": (1, 1, 2), "num_heads": (1, 2, 4), "embed_dim": 32}),
    ("swinv2_base_window12to16_192to256",
     {"img_size": 64, "depths": (1, 1, 1, 1), "num_heads": (1, 2, 4, 8), "embed_dim": 16}),
]:
    model = lively(timm.create_model(name, num_classes=7, **arguments))
    for key, parameter in model.named_parameters():
        if key.endswith(("_token", "pos_embed")):
            parameter.data.normal_(std=0.3)
    save(f"{name}-5f9aa3b1.pth", settled(model, 64), 64)
# Deeper than the usual: convolutions of 1×1 follow each other, and have no shortcut.
deeper = timm.models.mobilenetv3._gen_mobilenet_v3("mobilenetv3_large_100", 0.35, depth_multiplier=1.2, num_classes=7)
save("timm-mobilenetv3_deeper.pth", settled(lively(deeper), 64), 64)


def small():
    """The least that is laid out as a ResNet."""
    return lively(models.ResNet(models.resnet.BasicBlock, [1, 1, 1, 1], num_classes=7))


# ---- Heads -------------------------------------------------------------------------------------

model = small()
model.fc = nn.Sequential(nn.Dropout(0.5), nn.Linear(512, 3))
save("head-dropout.pth", model.eval(), 64)
model.fc = nn.Linear(512, 3, bias=False)
save("head-without-bias.pth", model.eval(), 64)
model.fc = nn.Sequential(
    nn.Linear(512, 20), nn.BatchNorm1d(20), nn.ReLU(), nn.Dropout(), nn.Linear(20, 9), nn.ReLU(), nn.Linear(9, 4)
)
save("head-mlp.pth", lively(model), 64, "rectifier")
model.fc = nn.Sequential(collections.OrderedDict(fc1=nn.Linear(512, 20), relu=nn.ReLU(), output=nn.Linear(20, 5)))
save("head-named.pth", model.eval(), 64, "rectifier")
model.fc = nn.Sequential(nn.Linear(512, 20), nn.LayerNorm(20), nn.Dropout(), nn.PReLU(), nn.Linear(20, 5))
nn.init.uniform_(model.fc[1].bias)
save("head-prelu.pth", model.eval(), 64, "ResNet")
model.fc = nn.Linear(512, 1)
save("head-sigmoid.pth", model.eval(), 64, "one output")
model = of(models.mobilenet_v3_small)
model.classifier[3] = nn.Sequential(nn.Dropout(), nn.Linear(1024, 2))
save("head-within-classifier.pth", model.eval(), 64)


class Beside(nn.Module):
    """A network with its own head cut off and another one beside it."""

    def __init__(self):
        super().__init__()
        self.backbone = small()
        self.backbone.fc = nn.Identity()
        self.classifier = nn.Sequential(nn.Dropout(), nn.Linear(512, 6))

    def forward(self, x):
        return self.classifier(self.backbone(x))


save("head-beside.pth", Beside().eval(), 64, "assumed to be")

class Concat(nn.Module):
    """fastai's `AdaptiveConcatPool2d`."""

    def forward(self, x):
        return torch.cat([nn.functional.adaptive_max_pool2d(x, 1), nn.functional.adaptive_avg_pool2d(x, 1)], 1)


def counted(cut):
    return nn.Sequential(*list(small().children())[:cut])


# The networks of PyTorch's tutorials, with as many classes as one likes.
class Lenet(nn.Module):
    """“Training a Classifier”."""

    def __init__(self):
        super().__init__()
        self.conv1, self.pool, self.conv2 = nn.Conv2d(3, 6, 5), nn.MaxPool2d(2, 2), nn.Conv2d(6, 16, 5)
        self.fc1, self.fc2, self.fc3 = nn.Linear(400, 120), nn.Linear(120, 84), nn.Linear(84, 10)

    def forward(self, x):
        x = self.pool(self.conv1(x).relu())
        x = self.pool(self.conv2(x).relu()).flatten(1)
        return self.fc3(self.fc2(self.fc1(x).relu()).relu())


class Mnist(nn.Module):
    """`mnist/main.py` of pytorch/examples up to its log-softmax, and before 2020."""

    def __init__(self, first, second, wide, pools):
        super().__init__()
        self.conv1, self.conv2, self.pools = nn.Conv2d(1, *first), nn.Conv2d(first[0], *second), pools
        self.fc1, self.fc2 = nn.Linear(*wide), nn.Linear(wide[1], 10)

    def forward(self, x):
        halve = lambda x: nn.functional.max_pool2d(x, 2)
        x = self.conv1(x).relu()
        x = self.conv2(halve(x) if self.pools == 2 else x).relu()
        x = self.fc1(halve(x).flatten(1)).relu()
        return self.fc2(x)


class Quickstart(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear_relu_stack = nn.Sequential(nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 512), nn.ReLU(), nn.Linear(512, 10))

    def forward(self, x):
        return self.linear_relu_stack(x.flatten(1))


def grey(name, model, says):
    torch.save(model.state_dict(), folder / name)
    x = torch.from_numpy(noise("x", 28 * 28)).reshape(1, 1, 28, 28)
    with torch.no_grad():
        logits = model.eval()(x)[0]
    expected[name] = {"side": 28, "channels": 1, "logits": logits.tolist(), "says": says}


save("cifar_net.pth", Lenet(), 32, "CIFAR-10 tutorial")
grey("mnist_cnn.pt", Mnist((32, 3), (64, 3), (9216, 128), 1), "MNIST example")
grey("mnist-2019.pt", Mnist((20, 5), (50, 5), (800, 500), 2), "MNIST example")
grey("mnist-2017.pt", Mnist((10, 5), (20, 5), (320, 50), 2), "MNIST example")
grey("quickstart.pth", Quickstart(), "Quickstart")

# In the names of weiaicunzai/pytorch-cifar100, whose shortcuts of nothing have none.
for name, network in [("basic", models.resnet18), ("bottleneck", models.resnet50)]:
    model = network(num_classes=7)
    model.conv1, model.maxpool = nn.Conv2d(3, 64, 3, padding=1, bias=False), nn.Identity()
    names = {"conv1": "conv1.0", "bn1": "conv1.1"} | {f"layer{k}": f"conv{k + 1}_x" for k in range(1, 5)}
    inner = {"conv1": 0, "bn1": 1, "conv2": 3, "bn2": 4, "conv3": 6, "bn3": 7}

    def own(key):
        first, *rest = key.split(".")
        if len(rest) > 2:
            rest[1] = "shortcut" if rest[1] == "downsample" else f"residual_function.{inner[rest[1]]}"
        return ".".join([names.get(first, first), *rest])

    lively(model)
    torch.save({own(key): value for key, value in model.state_dict().items()}, folder / f"cifar100-{name}.pth")
    record(f"cifar100-{name}.pth", model, 32, "ResNet")

# As fastai's `learn.save` writes a network of `vision_learner`: a body that is cut off somebody's network, or lent by timm.
class Lent(nn.Module):
    """fastai's `TimmBody`."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, x):
        return self.model.forward_features(x)


small_dense = models.DenseNet(8, (2, 2, 2, 2), 16)
for name, body in [
    ("resnet", counted(-2)),
    ("squeezenet", nn.Sequential(models.squeezenet1_1().features)),
    ("densenet", nn.Sequential(small_dense.features)),
    # Whose normalisations have another ε than those of the last layers.
    ("mobilenet", nn.Sequential(models.mobilenet_v3_small(width_mult=0.5).features)),
    ("convnext", Lent(timm.create_model("convnext_atto", num_classes=0))),
    ("mobilenet-timm", Lent(timm.create_model("mobilenetv3_small_050", num_classes=0))),
]:
    with torch.no_grad():
        channels = body.eval()(torch.zeros(1, 3, 64, 64)).shape[1]
    last = [nn.BatchNorm1d(2 * channels), nn.Dropout(), nn.Linear(2 * channels, 16, bias=False), nn.ReLU(), nn.BatchNorm1d(16),
            nn.Dropout(), nn.Linear(16, 3, bias=False)]
    model = lively(nn.Sequential(body, nn.Sequential(Concat(), nn.Flatten(), *last)))
    torch.save({"model": model.state_dict(), "opt": {"state": [], "hypers": [{"lr": 0.1}]}}, folder / f"fastai-{name}.pth")
    record(f"fastai-{name}.pth", model, 64, "fastai")


class Cut(nn.Module):
    """The last layer cut off by counting, and another one beside."""

    def __init__(self):
        super().__init__()
        self.features = counted(-1)
        self.classifier = nn.Linear(512, 3)

    def forward(self, x):
        return self.classifier(self.features(x).flatten(1))


save("cut-by-counting.pth", Cut().eval(), 64, "assumed to be")

# For pictures of 32 × 32: nothing halves them at the beginning.
resnet = models.ResNet(models.resnet.BasicBlock, [1, 1, 1, 1], num_classes=7)
resnet.conv1, resnet.maxpool = nn.Conv2d(3, 64, 3, 1, 1, bias=False), nn.Identity()
save("cifar.pth", lively(resnet), 32, "small pictures")
torch.save(resnet, folder / "cifar-module.pt")
record("cifar-module.pt", resnet, 32)
other = {"downsample": "shortcut", "fc.": "linear."}
renamed = lambda name: functools.reduce(lambda name, pair: name.replace(*pair), other.items(), name)
torch.save({renamed(name): value for name, value in resnet.state_dict().items()}, folder / "cifar-shortcut.pth")
record("cifar-shortcut.pth", resnet, 32, "assumed to be the network's last")
dense = models.DenseNet(4, (2, 2, 2, 2), 8, num_classes=7)
dense.features.conv0, dense.features.pool0 = nn.Conv2d(3, 8, 3, 1, 1, bias=False), nn.Identity()
save("cifar-densenet.pth", lively(dense), 32, "small pictures")
vgg = models.vgg11_bn(weights=None)
vgg.avgpool, vgg.classifier = nn.Identity(), nn.Linear(512, 7)
save("cifar-vgg.pth", lively(vgg), 32, "VGG")


class Padded(nn.Module):
    """The shortcut A of the paper on ResNet: no weights."""

    def __init__(self, more):
        super().__init__()
        self.more = more

    def forward(self, x):
        return nn.functional.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, self.more // 2, self.more // 2))


stages = models.ResNet(models.resnet.BasicBlock, [2, 1, 1, 1], num_classes=7)
stages.conv1, stages.maxpool, stages.layer4 = resnet.conv1, nn.Identity(), nn.Identity()
stages.layer2[0].downsample, stages.layer3[0].downsample = Padded(64), Padded(128)
stages.fc = nn.Linear(256, 7)
save("cifar-three-stages.pth", lively(stages), 32, "small pictures")

# ---- Files -------------------------------------------------------------------------------------

model = small()
state = model.state_dict()
prefixed = lambda prefix, state: collections.OrderedDict((prefix + name, value) for name, value in state.items())


def file(name, content, says="", **options):
    torch.save(content, folder / name, **options)
    record(name, model, 64, says)


file(
    "example.pth.tar",
    {
        "epoch": 90,
        "arch": "resnet18",
        "state_dict": prefixed("module.", state),
        "best_acc1": torch.tensor(69.8),
        "rng_state": torch.get_rng_state().float(),
        "optimizer": {"state": {0: {"exp_avg": torch.zeros(64, 3, 7, 7)}}, "param_groups": [{"lr": 0.1}]},
    },
)
file("compiled", prefixed("_orig_mod.", state))
file("wrapped-twice.bin", {"model_state_dict": prefixed("module._orig_mod.", state)})
file("any-prefix.pt", {"net": prefixed("base_model.resnet.", state)})
file(
    "lightning.ckpt",
    {
        "state_dict": {
            **prefixed("model.", state),
            "criterion.weight": torch.ones(7),
            "val_acc.confmat": torch.zeros(7, 7),
            "mean": torch.tensor([0.5, 0.4, 0.3]).reshape(3, 1, 1),
            "std": torch.tensor([0.2, 0.25, 0.3]).reshape(3, 1, 1),
        },
        "hyper_parameters": {"lr": 1e-3},
        "pytorch-lightning_version": "1.9.0",
    },
    "criterion.weight",
)
file("with-average.pth", {"model": state, "model_ema": {k: v + 1 if v.is_floating_point() else v for k, v in state.items()}}, "model_ema")
file("protocol-4.pth", state, pickle_protocol=4)
file("old-format.pth", state, _use_new_zipfile_serialization=False)
file("counted.pth", {**state, "total_ops": torch.zeros(1), "layer1.0.conv1.total_params": torch.zeros(1)})
with zipfile.ZipFile(folder / "protocol-4.pth") as stored, zipfile.ZipFile(
    folder / "deflated.pth", "w", zipfile.ZIP_DEFLATED
) as deflated:
    for entry in stored.namelist():
        deflated.writestr(entry, stored.read(entry))
record("deflated.pth", model, 64)
torch.jit.script(model).save(str(folder / "scripted.pt"))
record("scripted.pt", model, 64, "")
torch.save({"class_to_idx": {"cat": 0, "dog": 1}, "state_dict": {**state, "fc.weight": state["fc.weight"][:2],
            "fc.bias": state["fc.bias"][:2]}}, folder / "labels.pth")
half = model.half().float()
torch.save({name: value.half() if value.is_floating_point() else value for name, value in state.items()},
           folder / "half.pth")
record("half.pth", half, 64)

# ---- Whole modules, with layers changed ----------------------------------------------------------

model = small()
model.maxpool = nn.Identity()
model.conv1 = nn.Conv2d(3, 64, 3, stride=1, padding=1, bias=False)
for module in model.modules():
    if isinstance(module, nn.BatchNorm2d):
        module.eps = 1e-2
model.relu = nn.LeakyReLU(0.2)
model.fc = nn.Sequential(nn.Linear(512, 20), nn.Tanh(), nn.Linear(20, 5))
torch.save(model, folder / "changed-module.pt")
record("changed-module.pt", model.eval(), 64)
torch.jit.script(model).save(str(folder / "changed-scripted.pt"))
record("changed-scripted.pt", model, 64, "")


class Strange(nn.Module):
    def forward(self, x):
        return x.sin()


model.relu = Strange()
torch.save(model, folder / "strange-module.pt")
refused["strange-module.pt"] = "“relu” is a Strange"

# ---- What is no known network --------------------------------------------------------------------

torch.save({"encoder.weight": torch.zeros(3, 4)}, folder / "another.pth")
refused["another.pth"] = "torch.onnx.export"
torch.save({"generator": state, "discriminator": models.ResNet(models.resnet.BasicBlock, [1, 1, 1, 1], num_classes=2).state_dict()}, folder / "two.pth")
refused["two.pth"] = "generator"
changed = dict(state)
changed["layer1.0.extra.weight"] = torch.zeros(3)
torch.save(changed, folder / "changed.pth")
# Networks that have the names of others, and other layers.
for name, said in [
    ("lcnet_050", "not MobileNetV3"),
    ("efficientnet_es", "of another"),
    ("convnext_atto_rms", "RMS normalisation"),
    ("efficientnet_blur_b0", "by a blur"),
    ("vit_small_patch16_rope_ape_224", "turn q and k"),
]:
    # The last two are told by their names alone.
    file_name = f"{name}.pth" if "blur" in name or "rope" in name else f"other-{name}.pth"
    torch.save(timm.create_model(name, num_classes=7).state_dict(), folder / file_name)
    refused[file_name] = said
# A normalisation that may stand before the last layer; one before its convolutions.
torch.save({**{f"base.{name}": value for name, value in state.items() if not name.startswith("fc.")},
            **{f"bn.{name}": value for name, value in nn.BatchNorm1d(512).state_dict().items()},
            "classifier.weight": torch.zeros(10, 512)}, folder / "norm-beside.pth")
refused["norm-beside.pth"] = "may stand before"
torch.save({name: value for name, value in state.items() if not name.startswith("bn1.")}, folder / "before.pth")
refused["before.pth"] = "bn1.running_mean"
refused["changed.pth"] = "layer1.0.extra.weight"
torch.save({**state, "fc.weight": torch.zeros(0, 512), "fc.bias": torch.zeros(0)}, folder / "no-classes.pth")
refused["no-classes.pth"] = ""
torch.save({name: value.numpy() for name, value in state.items()}, folder / "numpy.pth")
refused["numpy.pth"] = "NumPy"

(folder / "expected.json").write_text(json.dumps(expected))
(folder / "refused.json").write_text(json.dumps(refused))
