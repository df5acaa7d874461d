"""Writes small learners of fastai's with random weights, as `Learner.export` does, and what PyTorch computes with each.

    python3 tests/golden/fastai_learner.py src/import/tests/data/fastai

Needs torch, fastai and timm. `expected.json` holds, for each file, the side of its square input, which hash_weights.py
makes, and the logits.
"""

import json
import os
import pathlib
import sys
import tempfile
import zipfile

import numpy as np
import torch
from fastai.vision.all import (AffineCoordTfm, DataBlock, ImageBlock, ImageDataLoaders, MultiCategoryBlock, Resize,
                               get_image_files, parent_label, vision_learner)
from PIL import Image
from torch import nn

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from hash_weights import noise

folder = pathlib.Path(sys.argv[1]).resolve()
folder.mkdir(parents=True, exist_ok=True)
expected = {}
SIDE = 64


def pictures(folder):
    random = np.random.default_rng(1)
    for name in ["bear", "cat", "owl"]:
        (folder / name).mkdir()
        for k in range(4):
            Image.fromarray(random.integers(0, 255, (80, 96, 3), np.uint8)).save(folder / name / f"{k}.png")


def labels_of(path):
    return [parent_label(path)]


def save(name, loaders, network):
    torch.manual_seed(sum(map(ord, name)))
    learner = vision_learner(loaders, network, pretrained=False, lin_ftrs=[8])
    for module in learner.model.modules():
        if isinstance(module, (nn.BatchNorm2d, nn.BatchNorm1d)):
            module.running_mean.uniform_(-0.1, 0.1)
            module.running_var.uniform_(0.5, 1.5)
            module.weight.data.uniform_(0.5, 1.5)
            module.bias.data.uniform_(-0.1, 0.1)
    learner.model.half()
    learner.export(folder / f"{name}.pkl")
    # What is said of the modules is most of such a small file.
    with zipfile.ZipFile(folder / f"{name}.pkl") as stored:
        entries = {entry: stored.read(entry) for entry in stored.namelist()}
    with zipfile.ZipFile(folder / f"{name}.pkl", "w", zipfile.ZIP_DEFLATED) as packed:
        for entry, content in entries.items():
            packed.writestr(entry, content)
    x = torch.from_numpy(noise("x", 3 * SIDE * SIDE)).reshape(1, 3, SIDE, SIDE)
    with torch.no_grad():
        expected[f"{name}.pkl"] = {"side": SIDE, "logits": learner.model.float().eval()(x)[0].tolist()}


with tempfile.TemporaryDirectory() as made:
    # A learner keeps the path of its pictures, which shall be nobody's.
    os.chdir(made)
    made = pathlib.Path("pictures")
    made.mkdir()
    pictures(made)
    one = {"valid_pct": 0.3, "bs": 2, "num_workers": 0}
    save("squashed", ImageDataLoaders.from_folder(made, item_tfms=Resize(SIDE, method="squish"), **one), "test_convnext")
    later = {"item_tfms": Resize(80), "batch_tfms": AffineCoordTfm(size=SIDE)}
    save("cropped", ImageDataLoaders.from_folder(made, **later, **one), "test_resnet")
    several = DataBlock(blocks=(ImageBlock, MultiCategoryBlock), get_items=get_image_files, get_y=labels_of,
                        item_tfms=Resize((SIDE, SIDE)))
    save("several", several.dataloaders(made, bs=2, num_workers=0), "test_efficientnet")
(folder / "expected.json").write_text(json.dumps(expected))
