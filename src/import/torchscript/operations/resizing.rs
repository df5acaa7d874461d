//! Images in another size, padded, turned.

use violet_graph::{Coordinates, DepthOrder, Extent, Interpolation, PadMode, Resize, Rounding};

use super::super::call::{Answer, Call, Operator, made, unsupported};
use super::super::value::Value;

pub(super) fn find(name: &str) -> Option<Operator> {
    Some(match name {
        "upsample_nearest2d" | "upsample_nearest1d" => |call| {
            resized(
                call,
                Interpolation::Nearest(Rounding::Floor),
                Coordinates::Asymmetric,
                2,
                false,
            )
        },
        "_upsample_nearest_exact2d" => |call| {
            resized(
                call,
                Interpolation::Nearest(Rounding::PreferFloor),
                Coordinates::HalfPixel,
                2,
                false,
            )
        },
        "upsample_bilinear2d" => |call| aligned(call, Interpolation::Linear, false),
        "upsample_bicubic2d" => |call| aligned(call, Interpolation::Cubic { a: -0.75 }, false),
        "_upsample_bilinear2d_aa" => |call| aligned(call, Interpolation::Linear, true),
        "_upsample_bicubic2d_aa" => |call| aligned(call, Interpolation::Cubic { a: -0.5 }, true),
        "pad" | "constant_pad_nd" => |call| {
            let mode = match call.text(2, "mode").as_deref() {
                None | Some("constant") => {
                    let place = if call.text(2, "mode").is_some() { 3 } else { 2 };
                    PadMode::Constant(call.float_or(place, "value", 0.0)?)
                }
                Some("reflect") => PadMode::Reflect,
                Some("replicate") => PadMode::Edge,
                Some("circular") => PadMode::Wrap,
                Some(other) => return unsupported(format!("its mode is “{other}”")),
            };
            padded(call, mode)
        },
        "reflection_pad2d" | "reflection_pad1d" => |call| padded(call, PadMode::Reflect),
        "replication_pad2d" | "replication_pad1d" => |call| padded(call, PadMode::Edge),
        "pixel_shuffle" => |call| {
            let (x, block) = (call.x()?, call.int(1, "upscale_factor")?);
            let block = usize::try_from(block).unwrap_or(0);
            made(call.b.depth_to_space(x, block, DepthOrder::ChannelsFirst)?)
        },
        "pixel_unshuffle" => |call| {
            let (x, block) = (call.x()?, call.int(1, "downscale_factor")?);
            let [outer @ .., channels, height, width] = &call.shape(x)[..] else {
                return unsupported("its input is no image");
            };
            let [channels, height, width] = [*channels as i64, *height as i64, *width as i64];
            if block < 1 || height % block != 0 || width % block != 0 {
                return unsupported("its input is no multiple of its factor");
            }
            let n = outer.iter().product::<usize>() as i64;
            let apart = [n, channels, height / block, block, width / block, block];
            let x = call.b.reshape(x, &apart)?;
            let x = call.b.transpose(x, &[0, 1, 3, 5, 2, 4])?;
            let outer = outer.iter().map(|&length| length as i64);
            let inner = [channels * block * block, height / block, width / block];
            let shape: Vec<i64> = outer.chain(inner).collect();
            made(call.b.reshape(x, &shape)?)
        },
        _ => return None,
    })
}

fn aligned(call: &mut Call<'_>, interpolation: Interpolation, antialias: bool) -> Answer<Value> {
    let coordinates = match call.flag(2, "align_corners")? {
        true => Coordinates::AlignCorners,
        false => Coordinates::HalfPixel,
    };
    resized(call, interpolation, coordinates, 3, antialias)
}

/// By factors, which say where pixels lie, or to a size where none are given.
fn resized(
    call: &mut Call<'_>,
    interpolation: Interpolation,
    coordinates: Coordinates,
    factors: usize,
    antialias: bool,
) -> Answer<Value> {
    let x = call.x()?;
    let mut how = Resize::new(interpolation, coordinates);
    how.antialias = antialias;
    how.exclude_outside = antialias;
    // In a list, or one after the other.
    let given: Vec<Value> = match call.get(factors, "scale_factors") {
        Some(value) => value
            .items()
            .unwrap_or_else(|| call.arguments[factors..].to_vec()),
        None => Vec::new(),
    };
    let mut scales = Vec::new();
    for value in given {
        match value {
            Value::Float(scale) => scales.push(scale as f32),
            Value::Int(scale) => scales.push(scale as f32),
            _ => return unsupported("its factors are no numbers"),
        }
    }
    let sizes = call.ints_or_none(1, "output_size")?;
    let count = scales.len().max(sizes.len());
    if !(1..=2).contains(&count) {
        return unsupported("it is given no size");
    }
    let axes = &[-2, -1][2 - count..];
    let extent = match scales.is_empty() {
        true => Extent::Sizes(&sizes),
        false => Extent::Scales(&scales),
    };
    made(call.b.resize(x, axes, extent, &how)?)
}

/// Pairs of elements before and after, of the last axis first.
fn padded(call: &mut Call<'_>, mode: PadMode) -> Answer<Value> {
    let x = call.x()?;
    let pads = call.ints(1, "pad")?;
    let rank = call.shape(x).len();
    if pads.len() % 2 != 0 || pads.len() / 2 > rank {
        return unsupported("it is given other pads than its input has axes");
    }
    let (mut before, mut after) = (vec![0; rank], vec![0; rank]);
    for (k, pair) in pads.chunks_exact(2).enumerate() {
        before[rank - 1 - k] = pair[0];
        after[rank - 1 - k] = pair[1];
    }
    made(call.b.pad(x, &before, &after, mode)?)
}
