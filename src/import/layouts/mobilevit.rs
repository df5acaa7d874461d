//! MobileViT and its second version, in timm's names: convolutions that narrow and widen, and between them transformers
//! among pixels at the same place of every patch.
//!
//! # Source
//!
//! timm's `mobilevit.py` and `byobnet.py`; transformers' `modeling_mobilevit.py` and `modeling_mobilevitv2.py`.

use violet_graph::{
    Binary, Coordinates, Extent, Interpolation, PadMode, Reduction, Resize, ValueId,
};

use super::head::head;
use super::layers::{Act, Assumed, Layers};
use super::transformer::{attention, mlp_of};
use crate::error::Result;

/// As its authors make numbers of pixels.
pub(super) const ZERO_TO_ONE: Assumed = Assumed {
    exporter: "Apple's MobileViT",
    rule: "value / 255",
    mean: 0.0,
    std: 255.0,
};
/// Pixels of a side of a patch.
const PATCH: usize = 2;
/// In how many parts the channels attend.
const HEADS: usize = 4;
const ZERO: PadMode = PadMode::Constant(0.0);
/// ε of its normalisations.
const EPSILON: f32 = 1e-5;

pub(super) fn network(layers: &mut Layers) -> Result<ValueId> {
    layers.scaling = layers.scaling.or(Some(ZERO_TO_ONE));
    // The function is that of all its layers.
    let act = layers.said_act.unwrap_or(Act::Silu);
    layers.said_act = Some(act);
    let mut x = conv(layers, layers.input(), "stem", 2, act)?;
    for stage in layers.numbers("stages.") {
        for block in layers.numbers(&format!("stages.{stage}.")) {
            let name = format!("stages.{stage}.{block}");
            let halves = stage > 0 && block == 0;
            x = match layers.any(&format!("{name}.transformer.")) {
                true => transformed(layers, x, &name)?,
                false => bottleneck(layers, x, &name, if halves { 2 } else { 1 })?,
            };
        }
    }
    if layers.any("final_conv.") {
        x = conv(layers, x, "final_conv", 1, act)?;
    }
    let x = layers.pooled(x)?;
    head(layers, x, "head.fc")
}

fn conv(layers: &mut Layers, x: ValueId, name: &str, stride: usize, act: Act) -> Result<ValueId> {
    let names = ["conv", "bn"].map(|part| format!("{name}.{part}"));
    layers.conv_norm(x, [&names[0], &names[1]], stride, act)
}

/// Widened, each channel by itself, narrowed, with a shortcut where nothing else changes.
fn bottleneck(layers: &mut Layers, x: ValueId, name: &str, stride: usize) -> Result<ValueId> {
    let act = layers.said_act.unwrap_or(Act::Silu);
    let y = conv(layers, x, &format!("{name}.conv1_1x1"), 1, act)?;
    let y = conv(layers, y, &format!("{name}.conv2_kxk"), stride, act)?;
    let y = conv(layers, y, &format!("{name}.conv3_1x1"), 1, Act::None)?;
    match layers.b.shape(x) == layers.b.shape(y) {
        true => layers.add(x, y),
        false => Ok(y),
    }
}

/// A transformer among the patches of an image. In the first version what it makes stands beside what it was given; the
/// second's attention is one of sums, and ends in a convolution.
fn transformed(layers: &mut Layers, x: ValueId, name: &str) -> Result<ValueId> {
    let act = layers.said_act.unwrap_or(Act::Silu);
    let part = |part: &str| format!("{name}.{part}");
    let second = layers.any(&part("transformer.0.attn.qkv_proj."));
    let given = x;
    // timm enlarges the second's images to whole patches for good; of what is none, Hugging Face's makes zeros.
    let x = match second && !layers.of_hugging_face {
        true => whole_patches(layers, x, Coordinates::AlignCorners)?,
        false => x,
    };
    let x = conv(layers, x, &part("conv_kxk"), 1, act)?;
    let x = layers.conv(x, &part("conv_1x1"), 1)?;
    let size = layers.size(x);
    let rest = size.map(|side| (side % PATCH) as i64);
    let x = match second {
        true => layers.b.pad(x, &[0; 3], &[0, -rest[0], -rest[1]], ZERO)?,
        false => whole_patches(layers, x, Coordinates::HalfPixel)?,
    };
    let shape = layers.b.shape(x).to_vec();
    let [channels, height, width] = [shape[0], shape[1], shape[2]].map(|n| n as i64);
    let patch = PATCH as i64;
    let apart = [channels, height / patch, patch, width / patch, patch];
    let x = layers.b.reshape(x, &apart)?;
    let blocks = layers.numbers(&part("transformer."));
    let x = match second {
        true => {
            // [channels, places in a patch, patches]
            let x = layers.b.transpose(x, &[0, 2, 4, 1, 3])?;
            let mut x = layers.b.reshape(x, &[channels, patch * patch, -1])?;
            for block in blocks {
                x = block_of_sums(layers, x, &part(&format!("transformer.{block}")))?;
            }
            let x = group_norm(layers, x, &part("norm"))?;
            let x = layers
                .b
                .reshape(x, &[channels, patch, patch, apart[1], apart[3]])?;
            layers.b.transpose(x, &[0, 3, 1, 4, 2])?
        }
        false => {
            // [places in a patch, patches, channels]
            let x = layers.b.transpose(x, &[2, 4, 1, 3, 0])?;
            let mut x = layers.b.reshape(x, &[patch * patch, -1, channels])?;
            for block in blocks {
                x = block_of_products(layers, x, &part(&format!("transformer.{block}")))?;
            }
            let epsilon = layers.layer_epsilon.unwrap_or(EPSILON);
            let x = layers.layer_norm(x, &part("norm"), epsilon)?;
            let x = layers
                .b
                .reshape(x, &[patch, patch, apart[1], apart[3], channels])?;
            layers.b.transpose(x, &[4, 2, 0, 3, 1])?
        }
    };
    let x = layers.b.reshape(x, &[channels, height, width])?;
    if second {
        let x = layers.b.pad(x, &[0; 3], &[0, rest[0], rest[1]], ZERO)?;
        return conv(layers, x, &part("conv_proj"), 1, Act::None);
    }
    let x = resized(layers, x, size, Coordinates::HalfPixel)?;
    let x = conv(layers, x, &part("conv_proj"), 1, act)?;
    let x = layers.concat(&[given, x])?;
    conv(layers, x, &part("conv_fusion"), 1, act)
}

/// Enlarged to whole patches.
fn whole_patches(layers: &mut Layers, x: ValueId, coordinates: Coordinates) -> Result<ValueId> {
    let size = layers.size(x).map(|side| side.next_multiple_of(PATCH));
    resized(layers, x, size, coordinates)
}

fn resized(
    layers: &mut Layers,
    x: ValueId,
    size: [usize; 2],
    coordinates: Coordinates,
) -> Result<ValueId> {
    if layers.size(x) == size {
        return Ok(x);
    }
    let resize = Resize::new(Interpolation::Linear, coordinates);
    let sizes = size.map(|side| side as i64);
    Ok(layers
        .b
        .resize(x, &[1, 2], Extent::Sizes(&sizes), &resize)?)
}

/// Attention by products of q and k.
fn block_of_products(layers: &mut Layers, x: ValueId, name: &str) -> Result<ValueId> {
    let part = |part: &str| format!("{name}.{part}");
    let epsilon = layers.layer_epsilon.unwrap_or(EPSILON);
    let heads = layers.config.heads().unwrap_or(HEADS);
    if layers
        .b
        .shape(x)
        .last()
        .is_none_or(|width| width % heads != 0)
    {
        return Err(layers.differs(format!("its channels are not those of {heads} heads")));
    }
    let y = layers.layer_norm(x, &part("norm1"), epsilon)?;
    let y = layers.linear(y, &part("attn.qkv"))?;
    let y = attention(layers, y, heads, None)?;
    let y = layers.linear(y, &part("attn.proj"))?;
    let x = layers.add(x, y)?;
    let y = layers.layer_norm(x, &part("norm2"), epsilon)?;
    let y = mlp_of(layers, y, ["mlp.fc1", "mlp.fc2"].map(part))?;
    layers.add(x, y)
}

/// Attention by sums: values that are positive, by the mean of k that q weighs, \[channels, places, patches\].
fn block_of_sums(layers: &mut Layers, x: ValueId, name: &str) -> Result<ValueId> {
    let part = |part: &str| format!("{name}.{part}");
    let act = layers.said_act.unwrap_or(Act::Silu);
    let width = layers.channels(x) as i64;
    let y = group_norm(layers, x, &part("norm1"))?;
    let y = layers.conv(y, &part("attn.qkv_proj"), 1)?;
    let b = &mut layers.b;
    let parts = b.split(y, 0, &[1, width, width])?;
    let weights = b.softmax(parts[0], -1)?;
    let weighed = b.binary(Binary::Mul, parts[1], weights)?;
    let context = b.reduce(Reduction::Sum, weighed, &[-1], true)?;
    let values = b.relu(parts[2])?;
    let y = b.binary(Binary::Mul, values, context)?;
    let y = layers.conv(y, &part("attn.out_proj"), 1)?;
    let x = layers.add(x, y)?;
    let y = group_norm(layers, x, &part("norm2"))?;
    let y = layers.conv(y, &part("mlp.fc1"), 1)?;
    let y = layers.act(y, act)?;
    let y = layers.conv(y, &part("mlp.fc2"), 1)?;
    layers.add(x, y)
}

/// All numbers normalised as one group.
fn group_norm(layers: &mut Layers, x: ValueId, name: &str) -> Result<ValueId> {
    layers.b.at(name);
    let scale = layers.value(&format!("{name}.weight"))?;
    let bias = layers.value(&format!("{name}.bias"))?;
    Ok(layers
        .b
        .group_norm(x, 0, 1, Some(scale), Some(bias), EPSILON)?)
}
