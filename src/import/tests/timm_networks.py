"""Exports a network of each of timm's families with random weights, an input, and PyTorch's logits.

    python timm_networks.py FOLDER [NAME …]     # needs torch 1.13 or later and timm
    VIOLET_NETWORKS=FOLDER cargo test --release -p violet-import --test onnx_networks -- --nocapture

One of the smallest of each family. What PyTorch itself cannot export is named at the end.
"""

import os
import sys
import warnings

import numpy
import timm
import torch

# Name, and height and width where they are not the network's own.
NETWORKS = [
    ("botnet26t_256", None), ("mobileone_s0", 128), ("repvgg_a0", 128), ("cait_xxs24_224", None),
    ("coat_lite_tiny", None), ("convit_tiny", None), ("convnext_atto", 128),
    ("crossvit_tiny_240", None), ("cspresnet50", 128), ("davit_tiny", None),
    ("deit_tiny_patch16_224", None), ("densenet121", 96), ("dla46_c", 128), ("dpn68", 128),
    ("edgenext_xx_small", 128), ("efficientformer_l1", None), ("efficientformerv2_s0", None),
    ("efficientnet_lite0", 128), ("tf_efficientnet_lite0", 128), ("tf_mixnet_s", 128),
    ("efficientvit_b0", 128), ("efficientvit_m0", None), ("eva02_tiny_patch14_224", None),
    ("fasternet_t0", 128), ("fastvit_t8", 128), ("focalnet_tiny_srf", None),
    ("gcvit_xxtiny", None), ("ghostnet_050", 128), ("hardcorenas_a", 128), ("hgnet_tiny", 128),
    ("hiera_tiny_224", None), ("hrnet_w18_small", 128), ("inception_next_atto", 128),
    ("inception_v4", 160), ("lcnet_050", 128), ("levit_128s", None), ("mambaout_femto", 128),
    ("coatnet_pico_rw_224", None), ("maxvit_rmlp_pico_rw_256", None), ("poolformer_s12", 128),
    ("caformer_s18", 128), ("mixer_s32_224", None), ("gmlp_ti16_224", None),
    ("resmlp_12_224", None), ("mobilenetv3_small_050", 128), ("mobilevit_xxs", 128),
    ("mobilevitv2_050", 128), ("mvitv2_tiny", None), ("nest_tiny", None), ("nextvit_small", 128),
    ("nfnet_l0", 128), ("eca_nfnet_l0", 128), ("pit_ti_224", None), ("pvt_v2_b0", None),
    ("rdnet_tiny", 128), ("regnetx_002", 128), ("repghostnet_050", 128), ("repvit_m0_9", 128),
    ("res2net50_14w_8s", 128), ("resnest14d", 128), ("resnet10t", 128), ("ecaresnet26t", 128),
    ("resnetv2_50", 128), ("rexnet_100", 128), ("selecsls42", 128), ("legacy_seresnet18", 128),
    ("sequencer2d_s", None), ("shvit_s1", None), ("skresnet18", 128), ("starnet_s050", 128),
    ("swiftformer_xs", None), ("swin_s3_tiny_224", None), ("swinv2_cr_tiny_ns_224", None),
    ("tiny_vit_5m_224", None), ("tnt_s_legacy_patch16_224", None), ("tresnet_m", 128),
    ("twins_svt_small", None), ("twins_pcpvt_small", None), ("visformer_tiny", None),
    ("vit_tiny_patch16_224", None), ("vit_tiny_r_s16_p8_224", None),
    ("vit_relpos_small_patch16_224", None), ("vitamin_small_224", None), ("volo_d1_224", None),
    ("ese_vovnet19b_dw", 128), ("xception41", 128), ("xcit_nano_12_p16_224", None),
    ("halonet26t", None), ("lambda_resnet26t", None), ("beit_base_patch16_224", None),
]


def network(name):
    torch.manual_seed(1)
    model = timm.create_model(name, pretrained=False, exportable=True)
    for module in model.modules():
        if isinstance(module, (torch.nn.BatchNorm2d, torch.nn.BatchNorm1d)):
            module.running_mean.normal_(0, 0.2)
            module.running_var.uniform_(0.5, 1.5)
            module.weight.data.uniform_(0.7, 1.3)
            module.bias.data.normal_(0, 0.2)
    for key, value in model.named_parameters():
        # What begins as nothing would hide what lies behind it.
        if value.abs().max() < 1e-3 and "bias" not in key:
            value.data.uniform_(0.2, 0.6)
    return model.eval()


def write(folder, name, size):
    model = network(name)
    height, width = (size, size) if size else model.default_cfg["input_size"][1:]
    image = torch.randn(1, 3, height, width)
    path = os.path.join(folder, name)
    with torch.no_grad():
        logits = model(image)
    torch.onnx.export(
        model, image, path + ".onnx", opset_version=16, input_names=["input"],
        output_names=["logits"],
    )
    image.numpy().astype(numpy.float32).tofile(path + ".input")
    logits.numpy().astype(numpy.float32).tofile(path + ".logits")
    print(name, sum(value.numel() for value in model.parameters()), flush=True)


def main(folder, *names):
    warnings.simplefilter("ignore")
    os.makedirs(folder, exist_ok=True)
    torch.set_num_threads(1)
    failed = []
    for name, size in NETWORKS:
        if names and name not in names:
            continue
        try:
            write(folder, name, size)
        except Exception as error:  # What PyTorch or timm raise is of any kind.
            failed.append(f"{name}: {type(error).__name__}: {str(error).splitlines()[0][:120]}")
    for line in failed:
        print("not exported:", line)


if __name__ == "__main__":
    main(*sys.argv[1:])
