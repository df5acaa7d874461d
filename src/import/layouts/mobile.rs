//! Networks of inverted residuals: widen, filter each channel by itself, narrow.
//!
//! MobileNetV2 and V3, MNASNet, EfficientNet and V2 in torchvision's names, EfficientNet and
//! EfficientNet-Lite in those of the package `efficientnet_pytorch`; and ShuffleNetV2.
//!
//! # Source
//!
//! torchvision's `mobilenetv2.py`, `mobilenetv3.py`, `mnasnet.py`, `efficientnet.py`,
//! `shufflenetv2.py`; `efficientnet_pytorch`'s `model.py`.

use violet_graph::{Reduction, ValueId};

use super::head::head;
use super::layers::{Act, Assumed, Layers, Pad};
use crate::error::Result;

/// Pairs of layers of MobileNetV1 that halve the image.
const V1_STRIDED: [usize; 4] = [1, 3, 5, 11];
/// Blocks of MobileNetV2's `features` that halve it.
const V2_STRIDED: [usize; 4] = [2, 4, 7, 14];
/// Blocks of MobileNetV3-Large and -Small that halve it, and the first with hard swish.
const V3_LARGE: (&[usize], usize) = (&[2, 4, 7, 13], 7);
const V3_SMALL: (&[usize], usize) = (&[1, 2, 4, 9], 4);
/// Stages of MNASNet and of both EfficientNets that halve it.
const MNASNET_STRIDED: [usize; 4] = [8, 9, 10, 12];
const EFFICIENTNET_STRIDED: [usize; 4] = [2, 3, 4, 6];

/// TensorFlow's `efficientnet/lite`.
const LITE: Assumed = Assumed {
    exporter: "EfficientNet-Lite",
    rule: "(value − 127) / 128",
    mean: 127.0,
    std: 128.0,
};

/// A shortcut around a block, where shapes allow.
pub(super) fn around(
    layers: &mut Layers,
    x: ValueId,
    y: ValueId,
    stride: usize,
) -> Result<ValueId> {
    match stride == 1 && layers.b.shape(x) == layers.b.shape(y) {
        true => layers.add(x, y),
        false => Ok(y),
    }
}

pub(super) fn halves(strided: &[usize], number: usize) -> usize {
    if strided.contains(&number) { 2 } else { 1 }
}

/// In Hugging Face's names: a layer for each channel by itself and one over channels in turn.
pub(super) fn mobilenet_v1(layers: &mut Layers) -> Result<ValueId> {
    let act = layers.said_act.unwrap_or(Act::Relu6);
    let normed = |layers: &mut Layers, x, name: &str, stride| {
        let names = ["convolution", "normalization"].map(|part| format!("{name}.{part}"));
        layers.conv_norm(x, [&names[0], &names[1]], stride, act)
    };
    let mut x = normed(layers, layers.input(), "conv_stem", 2)?;
    for number in layers.numbers("layer.") {
        let depthwise = number.is_multiple_of(2);
        let stride = match depthwise && V1_STRIDED.contains(&(number / 2)) {
            true => 2,
            false => 1,
        };
        x = normed(layers, x, &format!("layer.{number}"), stride)?;
    }
    let x = layers.pooled(x)?;
    head(layers, x, "classifier")
}

pub(super) fn mobilenet_v2(layers: &mut Layers) -> Result<ValueId> {
    let stem = ["features.0.0", "features.0.1"];
    let mut x = layers.conv_norm(layers.input(), stem, 2, Act::Relu6)?;
    let numbers = layers.numbers_from("features.", 1);
    let (last, blocks) = numbers.split_last().unwrap_or((&0, &[]));
    for &number in blocks {
        let name = format!("features.{number}.conv");
        let stride = halves(&V2_STRIDED, number);
        let mut y = x;
        let mut next = 0;
        // One or two convolutions with BatchNorm inside, the last of them depthwise; then two
        // layers that narrow.
        while layers.has(&format!("{name}.{next}.0.weight")) {
            let part = [format!("{name}.{next}.0"), format!("{name}.{next}.1")];
            let depthwise = layers.dims(&format!("{}.weight", part[0])).get(1) == Some(&1);
            let stride = if depthwise { stride } else { 1 };
            y = layers.conv_norm(y, [&part[0], &part[1]], stride, Act::Relu6)?;
            next += 1;
        }
        let part = [format!("{name}.{next}"), format!("{name}.{}", next + 1)];
        y = layers.conv_norm(y, [&part[0], &part[1]], 1, Act::None)?;
        x = around(layers, x, y, stride)?;
    }
    let part = [format!("features.{last}.0"), format!("features.{last}.1")];
    x = layers.conv_norm(x, [&part[0], &part[1]], 1, Act::Relu6)?;
    let x = layers.pooled(x)?;
    head(layers, x, "classifier")
}

pub(super) fn mobilenet_v3(layers: &mut Layers) -> Result<ValueId> {
    layers.epsilon = 1e-3;
    let numbers = layers.numbers_from("features.", 1);
    let (last, blocks) = numbers.split_last().unwrap_or((&0, &[]));
    let (strided, hard) = if blocks.len() > 11 {
        V3_LARGE
    } else {
        V3_SMALL
    };
    let stem = ["features.0.0", "features.0.1"];
    let mut x = layers.conv_norm(layers.input(), stem, 2, Act::HardSwish)?;
    for &number in blocks {
        let name = format!("features.{number}.block");
        let act = if number >= hard {
            Act::HardSwish
        } else {
            Act::Relu
        };
        x = mb_block(
            layers,
            x,
            &name,
            halves(strided, number),
            act,
            [Act::Relu, Act::HardSigmoid],
        )?;
    }
    let part = [format!("features.{last}.0"), format!("features.{last}.1")];
    x = layers.conv_norm(x, [&part[0], &part[1]], 1, Act::HardSwish)?;
    let x = layers.pooled(x)?;
    // Two layers with a hard swish between them; whoever replaced the last left the first.
    if layers.has("classifier.0.weight") && layers.has("classifier.3.weight") {
        let x = layers.linear(x, "classifier.0")?;
        let x = layers.act_named(x, "classifier.1", Act::HardSwish)?;
        return layers.linear(x, "classifier.3");
    }
    if layers.has("classifier.0.weight") && layers.any("classifier.3.") {
        let x = layers.linear(x, "classifier.0")?;
        let x = layers.act_named(x, "classifier.1", Act::HardSwish)?;
        return head(layers, x, "classifier.3");
    }
    head(layers, x, "classifier")
}

/// torchvision's block of convolutions with BatchNorm, and squeeze and excitation: which is which
/// follows from their shapes.
fn mb_block(
    layers: &mut Layers,
    x: ValueId,
    name: &str,
    stride: usize,
    act: Act,
    excite: [Act; 2],
) -> Result<ValueId> {
    let parts = layers.numbers(&format!("{name}."));
    let last = parts.last().copied().unwrap_or(0);
    let spatial = |layers: &Layers, part: usize| {
        let shape = layers.dims(&format!("{name}.{part}.0.weight"));
        shape.get(2).is_some_and(|&kernel| kernel > 1)
    };
    let mut y = x;
    for part in parts {
        let part_name = format!("{name}.{part}");
        if layers.has(&format!("{part_name}.fc1.weight")) {
            let names = [format!("{part_name}.fc1"), format!("{part_name}.fc2")];
            y = layers.squeeze_excite(y, [&names[0], &names[1]], excite[0], excite[1])?;
            continue;
        }
        // The layer that narrows is linear; a block of one layer has none.
        let act = if part == last && part > 0 {
            Act::None
        } else {
            act
        };
        let stride = if spatial(layers, part) { stride } else { 1 };
        let names = [format!("{part_name}.0"), format!("{part_name}.1")];
        y = layers.conv_norm(y, [&names[0], &names[1]], stride, act)?;
    }
    around(layers, x, y, stride)
}

pub(super) fn efficientnet(layers: &mut Layers) -> Result<ValueId> {
    // B5 and larger have TensorFlow's ε, and are told by their depth.
    if layers.numbers("features.1.").len() >= 3 {
        layers.epsilon = 1e-3;
    }
    efficientnet_stages(layers)
}

pub(super) fn efficientnet_v2(layers: &mut Layers) -> Result<ValueId> {
    layers.epsilon = 1e-3;
    efficientnet_stages(layers)
}

fn efficientnet_stages(layers: &mut Layers) -> Result<ValueId> {
    let stem = ["features.0.0", "features.0.1"];
    let mut x = layers.conv_norm(layers.input(), stem, 2, Act::Silu)?;
    let numbers = layers.numbers_from("features.", 1);
    let (last, stages) = numbers.split_last().unwrap_or((&0, &[]));
    for &stage in stages {
        for block in layers.numbers(&format!("features.{stage}.")) {
            let name = format!("features.{stage}.{block}.block");
            let stride = if block == 0 {
                halves(&EFFICIENTNET_STRIDED, stage)
            } else {
                1
            };
            x = mb_block(
                layers,
                x,
                &name,
                stride,
                Act::Silu,
                [Act::Silu, Act::Sigmoid],
            )?;
        }
    }
    let part = [format!("features.{last}.0"), format!("features.{last}.1")];
    x = layers.conv_norm(x, [&part[0], &part[1]], 1, Act::Silu)?;
    let x = layers.pooled(x)?;
    head(layers, x, "classifier")
}

pub(super) fn mnasnet(layers: &mut Layers) -> Result<ValueId> {
    let mut x = layers.conv_norm(layers.input(), ["layers.0", "layers.1"], 2, Act::Relu)?;
    x = layers.conv_norm(x, ["layers.3", "layers.4"], 1, Act::Relu)?;
    x = layers.conv_norm(x, ["layers.6", "layers.7"], 1, Act::None)?;
    for stack in 8..14 {
        for block in layers.numbers(&format!("layers.{stack}.")) {
            let name = format!("layers.{stack}.{block}.layers");
            let stride = if block == 0 {
                halves(&MNASNET_STRIDED, stack)
            } else {
                1
            };
            let mut y = x;
            for (k, stride, act) in [(0, 1, Act::Relu), (3, stride, Act::Relu), (6, 1, Act::None)] {
                let names = [format!("{name}.{k}"), format!("{name}.{}", k + 1)];
                y = layers.conv_norm(y, [&names[0], &names[1]], stride, act)?;
            }
            x = around(layers, x, y, stride)?;
        }
    }
    x = layers.conv_norm(x, ["layers.14", "layers.15"], 1, Act::Relu)?;
    let x = layers.b.global_pool(Reduction::Mean, x)?;
    let x = layers.flat(x)?;
    head(layers, x, "classifier")
}

pub(super) fn shufflenet_v2(layers: &mut Layers) -> Result<ValueId> {
    let mut x = layers.conv_norm(layers.input(), ["conv1.0", "conv1.1"], 2, Act::Relu)?;
    x = layers.max_pool(x, "maxpool", 3, 2, 1, false)?;
    for stage in 2..=4 {
        for block in layers.numbers(&format!("stage{stage}.")) {
            let name = format!("stage{stage}.{block}");
            let pair = |branch: usize, k: usize| {
                [
                    format!("{name}.branch{branch}.{k}"),
                    format!("{name}.branch{branch}.{}", k + 1),
                ]
            };
            let (first, second, stride) = if layers.any(&format!("{name}.branch1.")) {
                let [conv, norm] = &pair(1, 0);
                let y = layers.conv_norm(x, [conv, norm], 2, Act::None)?;
                let [conv, norm] = &pair(1, 2);
                (layers.conv_norm(y, [conv, norm], 1, Act::Relu)?, x, 2)
            } else {
                let halves = layers.b.split_evenly(x, 0, 2)?;
                (halves[0], halves[1], 1)
            };
            let mut y = second;
            for (k, stride, act) in [(0, 1, Act::Relu), (3, stride, Act::None), (5, 1, Act::Relu)] {
                let [conv, norm] = &pair(2, k);
                y = layers.conv_norm(y, [conv, norm], stride, act)?;
            }
            x = layers.concat(&[first, y])?;
            x = shuffled(layers, x)?;
        }
    }
    x = layers.conv_norm(x, ["conv5.0", "conv5.1"], 1, Act::Relu)?;
    let x = layers.b.global_pool(Reduction::Mean, x)?;
    let x = layers.flat(x)?;
    head(layers, x, "fc")
}

/// Channels of two halves, one from each in turn.
fn shuffled(layers: &mut Layers, x: ValueId) -> Result<ValueId> {
    let [channels, size] = [layers.channels(x), layers.size(x).iter().product()];
    let [height, width] = layers.size(x).map(|side| side as i64);
    let apart = layers
        .b
        .reshape(x, &[2, channels as i64 / 2, size as i64])?;
    let turned = layers.b.transpose(apart, &[1, 0, 2])?;
    Ok(layers
        .b
        .reshape(turned, &[channels as i64, height, width])?)
}

/// EfficientNet and EfficientNet-Lite in the names of `efficientnet_pytorch`.
pub(super) fn efficientnet_pytorch(layers: &mut Layers) -> Result<ValueId> {
    layers.epsilon = 1e-3;
    layers.pad = match layers.any("_blocks.0._se_reduce.") {
        true => Pad::Tensorflow,
        // `efficientnet_lite_pytorch` pads evenly.
        false => Pad::Half,
    };
    let lite = layers.pad == Pad::Half;
    let act = if lite { Act::Relu6 } else { Act::Silu };
    layers.scaling = lite.then_some(LITE);
    let mut x = layers.conv_norm(layers.input(), ["_conv_stem", "_bn0"], 2, act)?;
    let (mut stage, mut channels) = (0, 0);
    for block in layers.numbers("_blocks.") {
        let part = |part: &str| format!("_blocks.{block}.{part}");
        // A stage is what has the same number of channels at its end.
        let width = layers.dims(&part("_project_conv.weight")).first().copied();
        let stride = match width == Some(channels) {
            true => 1,
            false => {
                stage += 1;
                halves(&EFFICIENTNET_STRIDED, stage)
            }
        };
        channels = width.unwrap_or(0);
        let mut y = x;
        if layers.any(&part("_expand_conv.")) {
            y = layers.conv_norm(y, [&part("_expand_conv"), &part("_bn0")], 1, act)?;
        }
        y = layers.conv_norm(y, [&part("_depthwise_conv"), &part("_bn1")], stride, act)?;
        if layers.any(&part("_se_reduce.")) {
            let names = [part("_se_reduce"), part("_se_expand")];
            y = layers.squeeze_excite(y, [&names[0], &names[1]], act, Act::Sigmoid)?;
        }
        y = layers.conv_norm(y, [&part("_project_conv"), &part("_bn2")], 1, Act::None)?;
        x = around(layers, x, y, stride)?;
    }
    x = layers.conv_norm(x, ["_conv_head", "_bn1"], 1, act)?;
    let x = layers.pooled(x)?;
    head(layers, x, "_fc")
}
