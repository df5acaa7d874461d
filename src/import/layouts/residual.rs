//! Residual networks: ResNet, ResNeXt, Wide ResNet, with squeeze and excitation; RegNet; DenseNet.
//!
//! # Source
//!
//! torchvision's `resnet.py`, `regnet.py`, `densenet.py`; He et al. 2016, section 4.2, for pictures of 32 × 32;
//! timm's `resnet.py` for the deep stem and the shortcuts with a mean (ResNet-D), for ResNet-RS and what stands against
//! aliasing.

use violet_graph::{Constant, PadMode, Padding, Sliding, ValueId};

use super::head::head;
use super::layers::{Act, Layers};
use crate::error::Result;
use crate::imported::Note;

/// A ResNet whose parts are counted in a `Sequential`, as `children()` gives them: fastai's body, and whatever people cut
/// the last layers off by that.
pub(super) fn counted_resnet(layers: &mut Layers) -> Result<ValueId> {
    let mut x = layers.conv_norm(layers.input(), ["0", "1"], 2, Act::Relu)?;
    x = layers.max_pool(x, "3", 3, 2, 1, false)?;
    for stage in 4..=7 {
        for block in layers.numbers(&format!("{stage}.")) {
            let stride = if stage > 4 && block == 0 { 2 } else { 1 };
            let name = format!("{stage}.{block}");
            x = resnet_block(layers, x, &name, stride, Halving::Stride)?;
        }
    }
    let x = layers.pooled(x)?;
    head(layers, x, "fc")
}

pub(super) fn resnet(layers: &mut Layers) -> Result<ValueId> {
    let mut x = layers.input();
    // As pictures of 32 × 32 need it: they are not halved at the beginning.
    let small = layers.dims("conv1.weight").get(2) == Some(&3);
    let stride = if small { 1 } else { 2 };
    let folded = !layers.any("bn1.") && (layers.has("conv1.bias") || layers.has("conv1.6.bias"));
    match layers.has("conv1.weight") {
        true => x = layers.conv(x, "conv1", stride)?,
        // Three 3×3 in place of one 7×7.
        false => {
            x = layers.conv_norm(x, ["conv1.0", "conv1.1"], 2, Act::Relu)?;
            x = layers.conv_norm(x, ["conv1.3", "conv1.4"], 1, Act::Relu)?;
            x = layers.conv(x, "conv1.6", 1)?;
        }
    }
    if !folded || layers.module("bn1").is_some() {
        x = layers.norm(x, "bn1")?;
    }
    let act = |layers: &mut Layers, x, name: &str| match layers.module(name) {
        Some(_) => layers.act_named(x, name, Act::Relu),
        None => layers.act_named(x, name.replace("relu", "act1").as_str(), Act::Relu),
    };
    x = act(layers, x, "relu")?;
    let halving = Halving::of(layers);
    if small && layers.module("maxpool").is_none() {
        layers.notes.push(Note::AssumedSmallStem {
            layer: "conv1".into(),
        });
    }
    x = match halving {
        _ if small && layers.module("maxpool").is_none() => x,
        // ResNet-RS has a convolution in the pool's place.
        _ if layers.has("maxpool.0.weight") => {
            layers.conv_norm(x, ["maxpool.0", "maxpool.1"], 2, Act::Relu)?
        }
        Halving::Stride => layers.max_pool(x, "maxpool", 3, 2, 1, false)?,
        Halving::Blur => {
            let x = layers.max_pool(x, "maxpool", 3, 1, 1, false)?;
            halving.half(layers, x)?
        }
        Halving::Mean => halving.half(layers, x)?,
    };
    for stage in 1..=4 {
        for block in layers.numbers(&format!("layer{stage}.")) {
            let name = format!("layer{stage}.{block}");
            let stride = if stage > 1 && block == 0 { 2 } else { 1 };
            x = resnet_block(layers, x, &name, stride, halving)?;
        }
    }
    let x = layers.pooled(x)?;
    head(layers, x, "fc")
}

/// What halves an image within a block. No weights tell it, but the network's name does: timm's `aa_layer`, against
/// aliasing.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Halving {
    Stride,
    /// Binomial weights of 3×3, after the function.
    Blur,
    /// Means of 2×2, after the function.
    Mean,
}

/// (¼, ½, ¼) along both axes.
const BINOMIAL: [f32; 9] = [
    0.0625, 0.125, 0.0625, 0.125, 0.25, 0.125, 0.0625, 0.125, 0.0625,
];

impl Halving {
    fn of(layers: &Layers) -> Self {
        match () {
            () if layers.is_called("resnetblur") => Self::Blur,
            () if layers.is_called("resnetaa") => Self::Mean,
            () => Self::Stride,
        }
    }

    fn half(self, layers: &mut Layers, x: ValueId) -> Result<ValueId> {
        match self {
            Self::Stride => Ok(x),
            Self::Mean => layers.average_pool(x, 2, 2, 0, false),
            Self::Blur => {
                let channels = layers.channels(x);
                let filters: Vec<f32> = BINOMIAL.into_iter().cycle().take(9 * channels).collect();
                let filters = Constant::f32(&[channels, 1, 3, 3], filters)?;
                let filters = layers.b.constant(filters)?;
                let edge = [0, 1, 1];
                let x = layers.b.pad(x, &edge, &edge, PadMode::Reflect)?;
                let sliding = Sliding {
                    stride: [2; 2],
                    padding: Padding::Valid,
                    ..Sliding::default()
                };
                Ok(layers.b.convolution(x, filters, None, &sliding, channels)?)
            }
        }
    }
}

fn resnet_block(
    layers: &mut Layers,
    x: ValueId,
    name: &str,
    stride: usize,
    halving: Halving,
) -> Result<ValueId> {
    let count = if layers.has(&format!("{name}.conv3.weight")) {
        3
    } else {
        2
    };
    // torchvision strides in the 3×3, not in the first 1×1.
    let strided = if count == 3 { 2 } else { 1 };
    let relu = format!("{name}.relu");
    let mut y = x;
    for k in 1..=count {
        let halves = k == strided && stride > 1;
        let by_stride = halves && halving == Halving::Stride;
        let names = [format!("{name}.conv{k}"), format!("{name}.bn{k}")];
        let stride = if by_stride { stride } else { 1 };
        y = layers.conv_norm(y, [&names[0], &names[1]], stride, Act::None)?;
        if k < count {
            y = layers.act_named(y, &relu, Act::Relu)?;
        }
        if halves {
            y = halving.half(layers, y)?;
        }
    }
    if layers.any(&format!("{name}.se.")) {
        let names = [format!("{name}.se.fc1"), format!("{name}.se.fc2")];
        y = layers.squeeze_excite(y, [&names[0], &names[1]], Act::Relu, Act::Sigmoid)?;
    }
    // Some who write it for small pictures call it so.
    let part = match layers.any(&format!("{name}.shortcut.")) {
        true => "shortcut",
        false => "downsample",
    };
    let shortcut = if layers.has(&format!("{name}.{part}.0.weight")) {
        let names = [0, 1].map(|number| format!("{name}.{part}.{number}"));
        layers.conv_norm(x, [&names[0], &names[1]], stride, Act::None)?
    } else if layers.has(&format!("{name}.downsample.1.weight")) {
        let mean = match stride {
            1 => x,
            _ => layers.average_pool_uncounted(x, 2, 2)?,
        };
        let names = [
            format!("{name}.downsample.1"),
            format!("{name}.downsample.2"),
        ];
        layers.conv_norm(mean, [&names[0], &names[1]], 1, Act::None)?
    } else if stride > 1 {
        without_weights(layers, x, layers.channels(y))?
    } else {
        x
    };
    let x = layers.add(y, shortcut)?;
    layers.act_named(x, &relu, Act::Relu)
}

/// The paper's shortcut A to an image of half the size and of more channels: every other pixel, and zeros for the
/// channels that are new, half of them before the others.
fn without_weights(layers: &mut Layers, x: ValueId, channels: usize) -> Result<ValueId> {
    let [height, width] = layers.size(x).map(|side| side as i64);
    let more = channels.saturating_sub(layers.channels(x)) as i64;
    let x = layers
        .b
        .slice(x, &[0, 0], &[height, width], &[1, 2], &[2, 2])?;
    let [before, after] = [more / 2, more - more / 2].map(|channels| [channels, 0, 0]);
    Ok(layers.b.pad(x, &before, &after, PadMode::Constant(0.0))?)
}

pub(super) fn regnet(layers: &mut Layers) -> Result<ValueId> {
    let mut x = layers.conv_norm(layers.input(), ["stem.0", "stem.1"], 2, Act::Relu)?;
    for stage in 1..=4 {
        let stage = format!("trunk_output.block{stage}.block{stage}-");
        for block in layers.numbers(&stage) {
            let name = format!("{stage}{block}");
            let stride = if block == 0 { 2 } else { 1 };
            let part = |part: &str| [format!("{name}.{part}.0"), format!("{name}.{part}.1")];
            let [conv, norm] = &part("f.a");
            let mut y = layers.conv_norm(x, [conv, norm], 1, Act::Relu)?;
            let [conv, norm] = &part("f.b");
            y = layers.conv_norm(y, [conv, norm], stride, Act::Relu)?;
            if layers.any(&format!("{name}.f.se.")) {
                let names = [format!("{name}.f.se.fc1"), format!("{name}.f.se.fc2")];
                y = layers.squeeze_excite(y, [&names[0], &names[1]], Act::Relu, Act::Sigmoid)?;
            }
            let [conv, norm] = &part("f.c");
            y = layers.conv_norm(y, [conv, norm], 1, Act::None)?;
            let [conv, norm] = &part("proj");
            let shortcut = match layers.has(&format!("{conv}.weight")) {
                true => layers.conv_norm(x, [conv, norm], stride, Act::None)?,
                false => x,
            };
            x = layers.add(shortcut, y)?;
            x = layers.act(x, Act::Relu)?;
        }
    }
    let x = layers.pooled(x)?;
    head(layers, x, "fc")
}

pub(super) fn densenet(layers: &mut Layers) -> Result<ValueId> {
    let stem = ["features.conv0", "features.norm0"];
    let small = layers.dims("features.conv0.weight").get(2) == Some(&3);
    let stride = if small { 1 } else { 2 };
    let mut x = layers.conv_norm(layers.input(), stem, stride, Act::Relu)?;
    match small && layers.module("features.pool0").is_none() {
        true => layers.notes.push(Note::AssumedSmallStem {
            layer: "features.conv0".into(),
        }),
        false => x = layers.max_pool(x, "features.pool0", 3, 2, 1, false)?,
    }
    for block in 1..=4 {
        let dense = format!("features.denseblock{block}.denselayer");
        for layer in layers.numbers(&dense) {
            let name = format!("{dense}{layer}");
            // Files of before 2017 have a dot before the number.
            let dot = if layers.any(&format!("{name}.norm.1.")) {
                "."
            } else {
                ""
            };
            let mut y = x;
            for k in 1..=2 {
                y = layers.norm(y, &format!("{name}.norm{dot}{k}"))?;
                y = layers.act(y, Act::Relu)?;
                y = layers.conv(y, &format!("{name}.conv{dot}{k}"), 1)?;
            }
            x = layers.concat(&[x, y])?;
        }
        let name = format!("features.transition{block}");
        if layers.any(&format!("{name}.")) {
            x = layers.norm(x, &format!("{name}.norm"))?;
            x = layers.act(x, Act::Relu)?;
            x = layers.conv(x, &format!("{name}.conv"), 1)?;
            x = layers.average_pool(x, 2, 2, 0, false)?;
        }
    }
    x = layers.norm(x, "features.norm5")?;
    // The rectifier stands behind what a learner takes of it.
    if !layers.ends_as_fastai {
        x = layers.act(x, Act::Relu)?;
    }
    let x = layers.pooled(x)?;
    head(layers, x, "classifier")
}
