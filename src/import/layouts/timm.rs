//! Convolutional networks in the names of timm's own code: EfficientNet with V2 and Lite, MobileNetV2 and V3,
//! MNASNet, RegNet. (timm's ResNet, DenseNet and Inception v3 are called as torchvision's.)
//!
//! Many networks share these names and differ in what follows a layer, which weights do not tell; so they
//! are told by the kernels of their stages, and others are refused.
//!
//! # Source
//!
//! timm's `efficientnet.py`, `mobilenetv3.py`, `_efficientnet_blocks.py`, `regnet.py`.

use violet_graph::{Reduction, ValueId};

use super::head::head;
use super::layers::{Act, Layers, MINUS_ONE_TO_ONE, Pad};
use super::mobile::{around, halves};
use crate::error::Result;
use crate::files::File;

/// Stages that halve the image, of EfficientNet and of MobileNetV3-Small, numbered from 0.
const STRIDED: [usize; 4] = [1, 2, 3, 5];
const SMALL_STRIDED: [usize; 4] = [0, 1, 2, 4];
/// Kernels of the seven stages of EfficientNet; MobileNetV2; MNASNet-B1 and -A1.
const EFFICIENTNET: [usize; 7] = [3, 3, 5, 3, 5, 5, 3];
const MOBILENET_V2: [usize; 7] = [3; 7];
const MNASNET: [[usize; 7]; 2] = [[3, 3, 5, 5, 3, 5, 3], [3, 3, 5, 3, 3, 5, 3]];
/// Widths of the last stage of EfficientNetV2-S, -M, -L, which came from TensorFlow; timm's own have others.
const FROM_TENSORFLOW: [usize; 3] = [256, 512, 640];

/// How names of networks begin whose weights do not tell them from others.
const TOLD_BY_NAME: [&str; 7] = [
    "swinv2_",
    "tf_efficientnet",
    "tf_mobilenetv3",
    "efficientnet_blur",
    "resnetblur",
    "resnetaa",
    "seresnetaa",
];

/// The network that a file is named after, as timm's files are, if weights alone would be taken as another's.
pub(super) fn architecture(file: &File) -> Option<String> {
    let name = file.base_name().to_ascii_lowercase();
    let told = TOLD_BY_NAME.iter().any(|start| name.starts_with(start))
        || name.starts_with("vit_") && (name.contains("quickgelu") || name.contains("_rope_"));
    told.then_some(name)
}

/// What follows the layers of a block.
#[derive(Clone, Copy)]
struct Acts {
    layer: Act,
    /// Within squeeze and excitation, and at its end.
    squeezed: Act,
    gate: Act,
}

pub(super) fn efficientnet(layers: &mut Layers) -> Result<ValueId> {
    let stages = layers.numbers("blocks.");
    let second = !layers.has("blocks.0.0.conv_dw.weight");
    let layer = if second {
        // The second version squeezes and excites later on; EfficientNet-EdgeTPU, which begins as it does, never.
        let squeezes = layers
            .names("blocks.")
            .iter()
            .any(|name| name.contains(".se."));
        if !squeezes {
            return Err(layers.differs("its first blocks are of another EfficientNet".into()));
        }
        Act::Silu
    } else {
        told_by_kernels(layers, &stages)?
    };
    let acts = Acts {
        layer,
        squeezed: layer,
        gate: Act::Sigmoid,
    };
    let last = format!(
        "blocks.{}.0.conv_pwl.weight",
        stages.len().saturating_sub(1)
    );
    let width = layers.dims(&last).first().copied().unwrap_or(0);
    if layers.is_called("efficientnet_blur") {
        return Err(layers.differs("it halves images by a blur".into()));
    }
    // Widths are multiples of eight, unless channels were pruned of what came from TensorFlow.
    let pruned = layers
        .names("blocks.")
        .iter()
        .any(|name| name.ends_with(".conv_pwl.weight") && !layers.dims(name)[0].is_multiple_of(8));
    came_from_tensorflow(layers, pruned || second && FROM_TENSORFLOW.contains(&width));
    let stem = ["conv_stem", "bn1"];
    let mut x = layers.conv_norm(layers.input(), stem, 2, layer)?;
    for stage in stages {
        for block in layers.numbers(&format!("blocks.{stage}.")) {
            let stride = if block == 0 {
                halves(&STRIDED, stage)
            } else {
                1
            };
            x = timm_block(layers, x, &format!("blocks.{stage}.{block}"), stride, acts)?;
        }
    }
    x = layers.conv_norm(x, ["conv_head", "bn2"], 1, layer)?;
    let x = layers.pooled(x)?;
    head(layers, x, "classifier")
}

/// Networks that came from TensorFlow have its ε, its padding and its values. Their name says so; where
/// there is none, it may be assumed.
fn came_from_tensorflow(layers: &mut Layers, assumed: bool) {
    let arch = layers.arch.as_ref();
    let says = |arch: &String| arch.starts_with("tf_") || arch.contains("_pruned");
    if arch.map_or(assumed, says) {
        layers.epsilon = 1e-3;
        layers.pad = Pad::Tensorflow;
        layers.scaling = Some(MINUS_ONE_TO_ONE);
    }
}

/// What follows a layer, told by the kernel of each stage.
fn told_by_kernels(layers: &Layers, stages: &[usize]) -> Result<Act> {
    let kernel = |stage: &usize| {
        let filters = layers.dims(&format!("blocks.{stage}.0.conv_dw.weight"));
        filters.last().copied().unwrap_or(0)
    };
    let kernels: Vec<usize> = stages.iter().map(kernel).collect();
    let squeezes = layers.any("blocks.0.0.se.");
    match () {
        () if kernels == EFFICIENTNET && squeezes => Ok(Act::Silu),
        // Lite leaves squeeze and excitation out, and with it the smooth function.
        () if kernels == EFFICIENTNET || kernels == MOBILENET_V2 && !squeezes => Ok(Act::Relu6),
        () if MNASNET.iter().any(|known| kernels == known) && !squeezes => Ok(Act::Relu),
        () => Err(layers.differs(format!(
            "its stages have kernels {kernels:?}, which is neither EfficientNet nor MobileNetV2 nor \
             MNASNet"
        ))),
    }
}

/// A block of timm's: a convolution by itself; or one that widens, one of each channel by itself, and
/// one that narrows; or of these the first two in one, or without the first.
fn timm_block(
    layers: &mut Layers,
    x: ValueId,
    name: &str,
    stride: usize,
    acts: Acts,
) -> Result<ValueId> {
    let part = |part: &str| format!("{name}.{part}");
    let has = |layers: &Layers, layer: &str| layers.has(&part(&format!("{layer}.weight")));
    let mut norm = 0;
    let mut normed = |layers: &mut Layers, x, conv: &str, stride, act| {
        norm += 1;
        layers.conv_norm(x, [&part(conv), &part(&format!("bn{norm}"))], stride, act)
    };
    if has(layers, "conv") {
        let y = normed(layers, x, "conv", stride, acts.layer)?;
        return around(layers, x, y, stride);
    }
    let separable = has(layers, "conv_dw") && !has(layers, "conv_pwl");
    let mut y = x;
    if has(layers, "conv_exp") {
        y = normed(layers, y, "conv_exp", stride, acts.layer)?;
    } else {
        if !separable {
            y = normed(layers, y, "conv_pw", 1, acts.layer)?;
        }
        y = normed(layers, y, "conv_dw", stride, acts.layer)?;
    }
    if layers.any(&part("se.")) {
        let names = [part("se.conv_reduce"), part("se.conv_expand")];
        y = layers.squeeze_excite(y, [&names[0], &names[1]], acts.squeezed, acts.gate)?;
    }
    let narrow = if separable { "conv_pw" } else { "conv_pwl" };
    y = normed(layers, y, narrow, 1, Act::None)?;
    around(layers, x, y, stride)
}

/// The last layers come after the mean, and the first of them has no BatchNorm.
pub(super) fn mobilenet_v3(layers: &mut Layers) -> Result<ValueId> {
    let stages = layers.numbers("blocks.");
    let (strided, first_hard) = match stages.len() {
        7 => (&STRIDED, 3),
        6 => (&SMALL_STRIDED, 2),
        count => return Err(layers.differs(format!("it has {count} stages"))),
    };
    // LCNet has the same names, and blocks that narrow nothing.
    if !layers.has("blocks.1.0.conv_pwl.weight") {
        return Err(layers.differs("its blocks are not MobileNetV3's".into()));
    }
    // The minimal ones are made of rectifiers only.
    let minimal = !layers
        .names("blocks.")
        .iter()
        .any(|name| name.contains(".se."));
    let hard = if minimal { Act::Relu } else { Act::HardSwish };
    came_from_tensorflow(layers, minimal);
    let mut x = layers.conv_norm(layers.input(), ["conv_stem", "bn1"], 2, hard)?;
    for stage in stages {
        let acts = Acts {
            layer: if stage < first_hard { Act::Relu } else { hard },
            squeezed: Act::Relu,
            gate: Act::HardSigmoid,
        };
        for block in layers.numbers(&format!("blocks.{stage}.")) {
            let stride = if block == 0 {
                halves(strided, stage)
            } else {
                1
            };
            let name = format!("blocks.{stage}.{block}");
            let [conv, norm] = ["conv", "bn1"].map(|part| format!("{name}.{part}"));
            x = match layers.has(&format!("{conv}.weight")) {
                // A convolution by itself has no shortcut here, as it has in EfficientNetV2.
                true => layers.conv_norm(x, [&conv, &norm], stride, acts.layer)?,
                false => timm_block(layers, x, &name, stride, acts)?,
            };
        }
    }
    if layers.ends_as_fastai {
        let x = layers.pooled(x)?;
        return head(layers, x, "classifier");
    }
    let x = layers.b.global_pool(Reduction::Mean, x)?;
    let x = layers.conv(x, "conv_head", 1)?;
    let x = layers.act(x, hard)?;
    let x = layers.flat(x)?;
    head(layers, x, "classifier")
}

pub(super) fn regnet(layers: &mut Layers) -> Result<ValueId> {
    let mut x = layers.conv_norm(layers.input(), ["stem.conv", "stem.bn"], 2, Act::Relu)?;
    for stage in 1..=4 {
        for block in layers.numbers(&format!("s{stage}.b")) {
            let name = format!("s{stage}.b{block}");
            let stride = if block == 1 { 2 } else { 1 };
            let normed = |layers: &mut Layers, x, part: &str, stride, act| {
                let names = ["conv", "bn"].map(|layer| format!("{name}.{part}.{layer}"));
                layers.conv_norm(x, [&names[0], &names[1]], stride, act)
            };
            let mut y = normed(layers, x, "conv1", 1, Act::Relu)?;
            y = normed(layers, y, "conv2", stride, Act::Relu)?;
            if layers.any(&format!("{name}.se.")) {
                let names = [format!("{name}.se.fc1"), format!("{name}.se.fc2")];
                y = layers.squeeze_excite(y, [&names[0], &names[1]], Act::Relu, Act::Sigmoid)?;
            }
            y = normed(layers, y, "conv3", 1, Act::None)?;
            let shortcut = match layers.any(&format!("{name}.downsample.")) {
                true => normed(layers, x, "downsample", stride, Act::None)?,
                false => x,
            };
            x = layers.add(shortcut, y)?;
            x = layers.act(x, Act::Relu)?;
        }
    }
    let x = layers.pooled(x)?;
    head(layers, x, "head.fc")
}
