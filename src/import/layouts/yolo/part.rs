//! The parts that YOLO is made of, by their classes.

use violet_graph::{
    Binary, Coordinates, Extent, Interpolation, PadMode, Resize, Rounding, ValueId,
};
use violet_weights::{Attribute, Module};

use super::{attention, convolution};
use crate::error::Result;
use crate::layouts::layers::Layers;
use crate::layouts::modules;

/// Parts of one kind within a part, at most.
const MOST_PARTS: usize = 64;

/// What a part makes of what it is given.
pub(super) fn part(layers: &mut Layers, given: &[ValueId], name: &str) -> Result<ValueId> {
    let module = layers.module(name).cloned().unwrap_or_default();
    let x = given[0];
    let inner = |part: &str| format!("{name}.{part}");
    let adds = module.attributes.get("add") == Some(&Attribute::Bool(true));
    Ok(match modules::class(&module) {
        "Conv" | "DWConv" => convolution::with_norm(layers, x, name)?,
        "Conv2d" | "CBLinear" => {
            let name = if modules::class(&module) == "CBLinear" {
                inner("conv")
            } else {
                name.into()
            };
            layers.conv(x, &name, 1)?
        }
        "ConvTranspose2d" => convolution::transposed(layers, x, name)?,
        "BatchNorm2d" => layers.norm(x, name)?,
        "Focus" => {
            let x = convolution::every_second(layers, x)?;
            part(layers, &[x], &inner("conv"))?
        }
        "ReOrg" => convolution::every_second(layers, x)?,
        "GhostConv" => convolution::ghost(layers, x, name)?,
        "RepConv" | "RepConvN" => {
            // In Ultralytics' words, and in YOLOv7's.
            let names = [
                "conv",
                "conv1",
                "conv2",
                "bn",
                "rbr_reparam",
                "rbr_dense",
                "rbr_1x1",
                "rbr_identity",
            ];
            convolution::branches(layers, x, name, &names)?
        }
        "RepVGGDW" => convolution::branches(layers, x, name, &["conv", "conv1"])?,
        "SCDown" => chain(layers, x, name, &["cv1", "cv2"])?,
        "AConv" => {
            let x = layers.average_pool(x, 2, 1, 0, false)?;
            part(layers, &[x], &inner("cv1"))?
        }
        "ADown" => {
            let x = layers.average_pool(x, 2, 1, 0, false)?;
            let halves = layers.b.split_evenly(x, 0, 2)?;
            let strided = part(layers, &[halves[0]], &inner("cv1"))?;
            let pooled = layers.max_pool(halves[1], &inner("pool"), 3, 2, 1, false)?;
            let pooled = part(layers, &[pooled], &inner("cv2"))?;
            layers.concat(&[strided, pooled])?
        }
        "DownC" => {
            let strided = chain(layers, x, name, &["cv1", "cv2"])?;
            let pooled = chain(layers, x, name, &["mp", "cv3"])?;
            layers.concat(&[strided, pooled])?
        }
        "Sequential" => within(layers, x, name)?.pop().unwrap_or(x),
        "Bottleneck" | "RepBottleneck" | "RepNBottleneck" | "CrossConv" => {
            let y = chain(layers, x, name, &["cv1", "cv2"])?;
            shortcut(layers, x, y, adds)?
        }
        "CIB" => {
            let y = part(layers, &[x], &inner("cv1"))?;
            shortcut(layers, x, y, adds)?
        }
        "GhostBottleneck" => {
            let y = part(layers, &[x], &inner("conv"))?;
            let x = part(layers, &[x], &inner("shortcut"))?;
            layers.add(y, x)?
        }
        "C1" => {
            let x = part(layers, &[x], &inner("cv1"))?;
            let y = part(layers, &[x], &inner("m"))?;
            layers.add(y, x)?
        }
        "C2" | "C2PSA" | "PSA" => {
            let y = part(layers, &[x], &inner("cv1"))?;
            let mut halves = layers.b.split_evenly(y, 0, 2)?;
            match modules::class(&module) {
                "C2" => halves[0] = part(layers, &[halves[0]], &inner("m"))?,
                "C2PSA" => halves[1] = part(layers, &[halves[1]], &inner("m"))?,
                _ => halves[1] = attended(layers, halves[1], name, true)?,
            }
            let y = layers.concat(&halves)?;
            part(layers, &[y], &inner("cv2"))?
        }
        "C2f" | "C3k2" | "C2fCIB" | "C2fPSA" => {
            let y = part(layers, &[x], &inner("cv1"))?;
            let mut parts = layers.b.split_evenly(y, 0, 2)?;
            let more = within(layers, parts[1], &inner("m"))?;
            parts.extend(more);
            let y = layers.concat(&parts)?;
            part(layers, &[y], &inner("cv2"))?
        }
        "A2C2f" => area_attended(layers, x, name)?,
        "C3" | "C3k" | "C3x" | "C3SPP" | "C3Ghost" | "RepCSP" | "RepNCSP" => {
            let y = chain(layers, x, name, &["cv1", "m"])?;
            let other = part(layers, &[x], &inner("cv2"))?;
            let y = layers.concat(&[y, other])?;
            part(layers, &[y], &inner("cv3"))?
        }
        "BottleneckCSP" => {
            let y = chain(layers, x, name, &["cv1", "m", "cv3"])?;
            let other = part(layers, &[x], &inner("cv2"))?;
            let y = layers.concat(&[y, other])?;
            let y = part(layers, &[y], &inner("bn"))?;
            let y = convolution::function(layers, y, name)?;
            part(layers, &[y], &inner("cv4"))?
        }
        "RepNCSPELAN4" | "ELAN1" => {
            let y = part(layers, &[x], &inner("cv1"))?;
            let mut parts = layers.b.split_evenly(y, 0, 2)?;
            for branch in ["cv2", "cv3"] {
                parts.push(part(layers, &[parts[parts.len() - 1]], &inner(branch))?);
            }
            let y = layers.concat(&parts)?;
            part(layers, &[y], &inner("cv4"))?
        }
        "SPP" => {
            let y = part(layers, &[x], &inner("cv1"))?;
            let y = pyramid(layers, y, name)?;
            part(layers, &[y], &inner("cv2"))?
        }
        "SPPCSPC" => {
            let y = chain(layers, x, name, &["cv1", "cv3", "cv4"])?;
            let y = pyramid(layers, y, name)?;
            let y = chain(layers, y, name, &["cv5", "cv6"])?;
            let other = part(layers, &[x], &inner("cv2"))?;
            let y = layers.concat(&[y, other])?;
            part(layers, &[y], &inner("cv7"))?
        }
        "SPPF" => {
            let mut parts = vec![part(layers, &[x], &inner("cv1"))?];
            let count = modules::number(&module, "n").unwrap_or(3.0) as usize;
            for k in 0..count.min(MOST_PARTS) {
                parts.push(part(layers, &[parts[k]], &inner("m"))?);
            }
            let y = layers.concat(&parts)?;
            let y = part(layers, &[y], &inner("cv2"))?;
            shortcut(layers, x, y, adds)?
        }
        "SPPELAN" => {
            let mut parts = vec![part(layers, &[x], &inner("cv1"))?];
            for (k, pool) in ["cv2", "cv3", "cv4"].iter().enumerate() {
                parts.push(part(layers, &[parts[k]], &inner(pool))?);
            }
            let y = layers.concat(&parts)?;
            part(layers, &[y], &inner("cv5"))?
        }
        "MP" | "SP" => part(layers, &[x], &inner("m"))?,
        // Where it has no windows of its own, it is refused.
        "MaxPool2d" => layers.max_pool(x, name, 2, 2, 0, false)?,
        "ZeroPad2d" => padded(layers, x, &module)?,
        "PSABlock" => attended(layers, x, name, adds)?,
        "ABlock" => {
            let y = part(layers, &[x], &inner("attn"))?;
            let x = layers.add(x, y)?;
            let y = part(layers, &[x], &inner("mlp"))?;
            layers.add(x, y)?
        }
        "Attention" => attention::attention(layers, x, name)?,
        "AAttn" => attention::area_attention(layers, x, name)?,
        "ChannelAttention" => convolution::channels_weighed(layers, x, name)?,
        "SpatialAttention" => convolution::pixels_weighed(layers, x, name)?,
        "CBAM" => chain(layers, x, name, &["channel_attention", "spatial_attention"])?,
        "ImplicitA" | "ImplicitM" => {
            let y = layers.value(&inner("implicit"))?;
            let y = layers.b.reshape(y, &[-1, 1, 1])?;
            let binary = match modules::class(&module) {
                "ImplicitA" => Binary::Add,
                _ => Binary::Mul,
            };
            layers.b.binary(binary, x, y)?
        }
        "Concat" => layers.concat(given)?,
        "Upsample" => {
            let scale = modules::number(&module, "scale_factor").unwrap_or(0.0) as f32;
            let mode = module.attributes.get("mode");
            if mode != Some(&Attribute::Text("nearest".into())) {
                return Err(modules::unknown(name, "no repetition of pixels"));
            }
            repeated(layers, x, Extent::Scales(&[scale; 2]))?
        }
        "Silence" => x,
        _ if modules::is_identity(&module) => x,
        class => return Err(modules::unknown(name, format!("a {class}"))),
    })
}

/// Parts one after another.
fn chain(layers: &mut Layers, x: ValueId, name: &str, parts: &[&str]) -> Result<ValueId> {
    let mut x = x;
    for inner in parts {
        x = part(layers, &[x], &format!("{name}.{inner}"))?;
    }
    Ok(x)
}

/// What each of the parts that a list holds makes of what the one before made.
fn within(layers: &mut Layers, x: ValueId, name: &str) -> Result<Vec<ValueId>> {
    let mut made = Vec::new();
    for number in 0..MOST_PARTS {
        let inner = format!("{name}.{number}");
        if layers.module(&inner).is_none() {
            break;
        }
        let x = made.last().copied().unwrap_or(x);
        made.push(part(layers, &[x], &inner)?);
    }
    Ok(made)
}

fn shortcut(layers: &mut Layers, x: ValueId, y: ValueId, is_there: bool) -> Result<ValueId> {
    match is_there {
        true => layers.add(x, y),
        false => Ok(y),
    }
}

/// An image beside what pools of several widths make of it.
fn pyramid(layers: &mut Layers, x: ValueId, name: &str) -> Result<ValueId> {
    let mut parts = vec![x];
    for number in 0..MOST_PARTS {
        let inner = format!("{name}.m.{number}");
        if layers.module(&inner).is_none() {
            break;
        }
        parts.push(part(layers, &[x], &inner)?);
    }
    layers.concat(&parts)
}

/// Attention and a layer of two convolutions, each beside a shortcut.
fn attended(layers: &mut Layers, x: ValueId, name: &str, adds: bool) -> Result<ValueId> {
    let y = part(layers, &[x], &format!("{name}.attn"))?;
    let x = shortcut(layers, x, y, adds)?;
    let y = part(layers, &[x], &format!("{name}.ffn"))?;
    shortcut(layers, x, y, adds)
}

/// Attention within areas, with a shortcut past it where it has a factor.
fn area_attended(layers: &mut Layers, x: ValueId, name: &str) -> Result<ValueId> {
    let mut parts = vec![part(layers, &[x], &format!("{name}.cv1"))?];
    let more = within(layers, parts[0], &format!("{name}.m"))?;
    parts.extend(more);
    let y = layers.concat(&parts)?;
    let y = part(layers, &[y], &format!("{name}.cv2"))?;
    let Some(factor) = layers.optional(&format!("{name}.gamma"))? else {
        return Ok(y);
    };
    let factor = layers.b.reshape(factor, &[-1, 1, 1])?;
    let y = layers.b.binary(Binary::Mul, y, factor)?;
    layers.add(x, y)
}

/// Zeros on the left, right, above and below.
fn padded(layers: &mut Layers, x: ValueId, module: &Module) -> Result<ValueId> {
    let sides = match module.attributes.get("padding") {
        Some(Attribute::Numbers(sides)) => sides.iter().map(|&n| n as i64).collect(),
        _ => Vec::new(),
    };
    let [left, right, above, below] = sides[..] else {
        return Err(layers.differs("a padding without four sides".into()));
    };
    let zero = PadMode::Constant(0.0);
    Ok(layers
        .b
        .pad(x, &[0, above, left], &[0, below, right], zero)?)
}

/// An image enlarged by repeating pixels.
pub(super) fn repeated(layers: &mut Layers, x: ValueId, extent: Extent<'_>) -> Result<ValueId> {
    let nearest = Interpolation::Nearest(Rounding::Floor);
    let resize = Resize::new(nearest, Coordinates::Asymmetric);
    Ok(layers.b.resize(x, &[1, 2], extent, &resize)?)
}
