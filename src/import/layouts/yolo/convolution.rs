//! Convolutions with their norm and function, and those that a training has in several branches.

use violet_graph::{Binary, Padding, Reduction, Sliding, ValueId};

use super::part::part;
use crate::error::Result;
use crate::layouts::layers::{Act, Layers};
use crate::layouts::modules;

/// A convolution, its BatchNorm unless that is folded, and its function.
pub(super) fn with_norm(layers: &mut Layers, x: ValueId, name: &str) -> Result<ValueId> {
    let names = ["conv", "bn"].map(|part| format!("{name}.{part}"));
    let x = layers.conv_norm(x, [&names[0], &names[1]], 1, Act::None)?;
    function(layers, x, name)
}

/// The function of a part, `act`.
pub(super) fn function(layers: &mut Layers, x: ValueId, name: &str) -> Result<ValueId> {
    layers.act_named(x, &format!("{name}.act"), Act::Silu)
}

/// The sum of the branches of those names that are there, and the function: what was trained as several and may
/// have been made one.
pub(super) fn branches(
    layers: &mut Layers,
    x: ValueId,
    name: &str,
    parts: &[&str],
) -> Result<ValueId> {
    let mut sum = None;
    for branch in parts {
        let branch = format!("{name}.{branch}");
        if layers.module(&branch).is_none() {
            continue;
        }
        let y = part(layers, &[x], &branch)?;
        sum = Some(match sum {
            Some(sum) => layers.add(sum, y)?,
            None => y,
        });
    }
    let sum = sum.ok_or_else(|| layers.differs(format!("“{name}” has no branches")))?;
    function(layers, sum, name)
}

/// Half of the channels by a convolution, and the other half from them by another.
pub(super) fn ghost(layers: &mut Layers, x: ValueId, name: &str) -> Result<ValueId> {
    let y = part(layers, &[x], &format!("{name}.cv1"))?;
    let z = part(layers, &[y], &format!("{name}.cv2"))?;
    layers.concat(&[y, z])
}

/// Every second pixel of every second row, of the four beginnings, side by side: \[4 C, H / 2, W / 2\].
pub(super) fn every_second(layers: &mut Layers, x: ValueId) -> Result<ValueId> {
    let ends = [i64::MAX; 2];
    let mut parts = Vec::new();
    for start in [[0, 0], [1, 0], [0, 1], [1, 1]] {
        parts.push(layers.b.slice(x, &start, &ends, &[1, 2], &[2, 2])?);
    }
    layers.concat(&parts)
}

/// A transposed convolution.
pub(super) fn transposed(layers: &mut Layers, x: ValueId, name: &str) -> Result<ValueId> {
    let module = layers.module(name).cloned().unwrap_or_default();
    let pair = |attribute| modules::pair(&module, attribute);
    let pads = pair("padding").unwrap_or([0; 2]);
    let sliding = Sliding {
        stride: pair("stride").unwrap_or([1; 2]),
        dilation: pair("dilation").unwrap_or([1; 2]),
        padding: Padding::Explicit {
            before: pads,
            after: pads,
        },
        ceil: false,
    };
    let groups = modules::number(&module, "groups").unwrap_or(1.0).max(1.0) as usize;
    let weight = layers.value(&format!("{name}.weight"))?;
    let bias = layers.optional(&format!("{name}.bias"))?;
    let more = pair("output_padding").unwrap_or([0; 2]);
    Ok(layers
        .b
        .convolution_transpose(x, weight, bias, &sliding, groups, more, None)?)
}

/// x by a share of each channel, which its mean tells.
pub(super) fn channels_weighed(layers: &mut Layers, x: ValueId, name: &str) -> Result<ValueId> {
    let mean = layers.b.global_pool(Reduction::Mean, x)?;
    let shares = layers.conv(mean, &format!("{name}.fc"), 1)?;
    let shares = layers.act_named(shares, &format!("{name}.act"), Act::Sigmoid)?;
    Ok(layers.b.binary(Binary::Mul, x, shares)?)
}

/// x by a share of each pixel, which the mean and the largest of its channels tell.
pub(super) fn pixels_weighed(layers: &mut Layers, x: ValueId, name: &str) -> Result<ValueId> {
    let mean = layers.b.reduce(Reduction::Mean, x, &[0], true)?;
    let most = layers.b.reduce(Reduction::Max, x, &[0], true)?;
    let both = layers.concat(&[mean, most])?;
    let shares = layers.conv(both, &format!("{name}.cv1"), 1)?;
    let shares = layers.act_named(shares, &format!("{name}.act"), Act::Sigmoid)?;
    Ok(layers.b.binary(Binary::Mul, x, shares)?)
}
