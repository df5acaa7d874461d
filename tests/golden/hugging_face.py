"""Writes networks of Hugging Face's transformers as its `save_pretrained` does, each folder in a zip archive, with
random weights, and what PyTorch computes with each.

    python3 tests/golden/hugging_face.py src/import/tests/data/hugging-face

Needs torch, transformers and safetensors. `expected.json` holds, for each archive, the side of its input, which
hash_weights.py makes, and the logits.
"""

import json
import pathlib
import shutil
import sys

import torch
import transformers as hf
from torch import nn

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from hash_weights import noise

folder = pathlib.Path(sys.argv[1])
shutil.rmtree(folder, ignore_errors=True)
torch.manual_seed(3)
expected = {}
CLASSES = {"id2label": {0: "cat", 1: "dog", 2: "owl"}, "label2id": {"cat": 0, "dog": 1, "owl": 2}}


def lively(model):
    """Parameters none of which could be left out unseen."""
    for name, parameter in model.named_parameters():
        if parameter.dim() == 1 or "token" in name or "position" in name or "grn" in name:
            parameter.data.uniform_(0.2, 0.9)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.uniform_(-0.1, 0.1)
            module.running_var.uniform_(0.5, 1.5)
    return model.eval()


def save(name, network, config, processor=None, logits_of=lambda model, x: model(x).logits):
    torch.manual_seed(sum(map(ord, name)))
    # Kept in half of the bytes.
    model = lively(network(config)).half()
    model.save_pretrained(folder / name)
    model.float()
    if processor:
        (folder / name / "preprocessor_config.json").write_text(json.dumps(processor))
    side = getattr(getattr(config, "vision_config", config), "image_size", 64)
    x = torch.from_numpy(noise("x", 3 * side * side)).reshape(1, 3, side, side)
    with torch.no_grad():
        logits = logits_of(model, x)
    expected[name] = {"side": side, "logits": logits[0].tolist()}
    return model


small = {"hidden_size": 12, "num_hidden_layers": 2, "num_attention_heads": 3, "intermediate_size": 20} | CLASSES
patches = {"image_size": 32, "patch_size": 8}
processor = {"image_mean": [0.5, 0.4, 0.3], "image_std": [0.2, 0.25, 0.5], "size": {"height": 32, "width": 32}, "resample": 3}
model = save("vit", hf.ViTForImageClassification, hf.ViTConfig(**small, **patches), processor)
# What a training leaves in the same folder, and names as its modules have them while they run.
torch.save({"state": {}, "param_groups": [{"lr": 0.1}]}, folder / "vit" / "optimizer.pt")
torch.save(model.half().state_dict(), folder / "vit" / "pytorch_model.bin")
shutil.copytree(folder / "vit", folder / "vit" / "checkpoint-10")
bare = folder / "vit-modules"
bare.mkdir()
torch.save({"state_dict": {"model." + name: value.half() for name, value in model.state_dict().items()}}, bare / "last.ckpt")
shutil.copy(folder / "vit" / "config.json", bare)
expected[bare.name] = expected["vit"]
save("vit-relu", hf.ViTForImageClassification, hf.ViTConfig(**small, **patches, hidden_act="relu", layer_norm_eps=0.01))
save("deit", hf.DeiTForImageClassification, hf.DeiTConfig(**small, **patches))
save("deit-teacher", hf.DeiTForImageClassificationWithTeacher, hf.DeiTConfig(**small, **patches))
relative = {"use_relative_position_bias": True, "layer_scale_init_value": 0.5}
save("beit", hf.BeitForImageClassification, hf.BeitConfig(**small, **patches, **relative))
dino = {"hidden_size": 12, "num_hidden_layers": 2, "num_attention_heads": 3, "image_size": 42}
save("dinov2", hf.Dinov2ForImageClassification, hf.Dinov2Config(**dino, **CLASSES))


def without_registers(model, x):
    """As version 5 has it; before, registers were among the patches that a mean is taken of."""
    rows = model.dinov2_with_registers(x).last_hidden_state
    patches = rows[:, 1 + model.config.num_register_tokens :]
    return model.classifier(torch.cat([rows[:, 0], patches.mean(dim=1)], dim=1))


registers = hf.Dinov2WithRegistersConfig(**dino, **CLASSES, patch_size=14)
save("dinov2-registers", hf.Dinov2WithRegistersForImageClassification, registers, logits_of=without_registers)
windows = {"embed_dim": 8, "depths": [2, 2], "num_heads": [2, 4], "window_size": 4, "image_size": 64} | CLASSES
save("swin", hf.SwinForImageClassification, hf.SwinConfig(**windows))
save("swinv2", hf.Swinv2ForImageClassification, hf.Swinv2Config(**windows))
stages = {"hidden_sizes": [4, 8, 12, 16], "depths": [1, 2, 1, 1]} | CLASSES
save("convnext", hf.ConvNextForImageClassification, hf.ConvNextConfig(**stages, layer_scale_init_value=0.5))
save("convnextv2", hf.ConvNextV2ForImageClassification, hf.ConvNextV2Config(**stages))
residual = {"embedding_size": 4, "hidden_sizes": [8, 12, 16, 20], "depths": [1, 2, 1, 1]} | CLASSES
save("resnet", hf.ResNetForImageClassification, hf.ResNetConfig(**residual, layer_type="basic"))
save("resnet-bottleneck", hf.ResNetForImageClassification, hf.ResNetConfig(**residual))
save("regnet-x", hf.RegNetForImageClassification, hf.RegNetConfig(**residual, groups_width=4, layer_type="x"))
save("regnet-y", hf.RegNetForImageClassification, hf.RegNetConfig(**residual, groups_width=4, layer_type="y"))
mobile = {"depth_multiplier": 0.1, "depth_divisible_by": 4, "min_depth": 4, "image_size": 64} | CLASSES
save("mobilenet-v2", hf.MobileNetV2ForImageClassification, hf.MobileNetV2Config(**mobile))
scaled = {"width_coefficient": 0.1, "depth_coefficient": 0.1, "depth_divisor": 4, "hidden_dim": 128, "image_size": 64} | CLASSES
save("efficientnet", hf.EfficientNetForImageClassification, hf.EfficientNetConfig(**scaled))
mobile = {"depth_multiplier": 0.1, "min_depth": 4, "image_size": 64} | CLASSES
save("mobilenet-v1", hf.MobileNetV1ForImageClassification, hf.MobileNetV1Config(**mobile))
# So large that the last image is no whole number of patches.
patched = {"hidden_sizes": [8, 12, 16], "neck_hidden_sizes": [8, 8, 8, 12, 12, 16, 24], "image_size": 96} | CLASSES
flipped = {"size": {"shortest_edge": 108}, "crop_size": {"height": 96, "width": 96}, "do_center_crop": True, "do_flip_channel_order": True}
save("mobilevit", hf.MobileViTForImageClassification, hf.MobileViTConfig(**patched), flipped)
patched = {"width_multiplier": 0.1, "base_attn_unit_dims": [16, 24, 32], "image_size": 96} | CLASSES
save("mobilevitv2", hf.MobileViTV2ForImageClassification, hf.MobileViTV2Config(**patched), flipped)
tower = {key: value for key, value in (small | patches).items() if key not in CLASSES}
for kind in ["CLIP", "Siglip"]:
    config = getattr(hf, kind + "Config")(vision_config=tower, text_config={"hidden_size": 12}, **CLASSES)
    save(kind.lower(), getattr(hf, kind + "ForImageClassification"), config)

for name in expected:
    shutil.make_archive(folder / name, "zip", folder, name)
    shutil.rmtree(folder / name)
(folder / "expected.json").write_text(json.dumps(expected))
