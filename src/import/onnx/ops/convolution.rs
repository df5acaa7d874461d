//! Convolutions, and what they share with pools: windows as attributes say them.

use violet_graph::{Padding, Sliding, ValueId};

use super::super::call::{Answer, Call, Operator, unsupported};
use Operator::One;

pub(super) fn find(op_type: &str) -> Option<Operator> {
    Some(match op_type {
        "Conv" => One(|call| {
            let (x, weight) = (call.value(0)?, call.value(1)?);
            let bias = call.optional(2)?;
            convolution(call, x, weight, bias)
        }),
        "ConvTranspose" => One(transposed),
        _ => return None,
    })
}

/// A convolution with the attributes of the call.
pub(super) fn convolution(
    call: &mut Call<'_, '_>,
    x: ValueId,
    weight: ValueId,
    bias: Option<ValueId>,
) -> Answer<ValueId> {
    let axes = call.shape(weight).len().saturating_sub(2);
    let sliding = sliding(call, axes)?;
    let groups = groups(call)?;
    Ok(call.b.convolution(x, weight, bias, &sliding, groups)?)
}

fn transposed(call: &mut Call<'_, '_>) -> Answer<ValueId> {
    let (x, weight) = (call.value(0)?, call.value(1)?);
    let bias = call.optional(2)?;
    let axes = call.shape(weight).len().saturating_sub(2);
    let sliding = sliding(call, axes)?;
    let groups = groups(call)?;
    let output_padding = pair(call, "output_padding", axes, 0)?;
    let output = match call.has_attribute("output_shape") {
        true => Some(pair(call, "output_shape", axes, 1)?),
        false => None,
    };
    Ok(call
        .b
        .convolution_transpose(x, weight, bias, &sliding, groups, output_padding, output)?)
}

fn groups(call: &Call<'_, '_>) -> Answer<usize> {
    let groups = call.int("group", 1)?;
    usize::try_from(groups).or_else(|_| call.wrong(format!("{groups} groups")))
}

/// How windows of so many axes walk: strides, dilations, padding, rounding.
pub(super) fn sliding(call: &Call<'_, '_>, axes: usize) -> Answer<Sliding> {
    if !(1..=2).contains(&axes) {
        return unsupported(format!("it has {axes} axes, where a picture has two"), "");
    }
    let padding = match call.text("auto_pad", "NOTSET")? {
        "SAME_UPPER" => Padding::SameUpper,
        "SAME_LOWER" => Padding::SameLower,
        "VALID" => Padding::Valid,
        _ => {
            let pads = call.ints("pads")?.unwrap_or_else(|| vec![0; 2 * axes]);
            if pads.len() != 2 * axes {
                return call.wrong(format!("pads are {pads:?}"));
            }
            let (before, after) = pads.split_at(axes);
            Padding::Explicit {
                before: sides(call, "pads", before, 0)?,
                after: sides(call, "pads", after, 0)?,
            }
        }
    };
    Ok(Sliding {
        stride: pair(call, "strides", axes, 1)?,
        dilation: pair(call, "dilations", axes, 1)?,
        padding,
        ceil: call.int("ceil_mode", 0)? == 1,
    })
}

/// An attribute with a number for each axis, as height and width.
pub(super) fn pair(
    call: &Call<'_, '_>,
    name: &str,
    axes: usize,
    default: usize,
) -> Answer<[usize; 2]> {
    match call.ints(name)? {
        None => Ok([default; 2]),
        // Chainer and PyTorch write a list of both sizes with channels before; the last are meant.
        Some(list) if list.len() >= axes => sides(
            call,
            name,
            &list[list.len() - axes..],
            usize::from(default > 0),
        ),
        Some(list) => call.wrong(format!("{name} are {list:?}")),
    }
}

/// Numbers of one or two axes as height and width; of one axis, it is the width.
fn sides(call: &Call<'_, '_>, name: &str, list: &[i64], height: usize) -> Answer<[usize; 2]> {
    let lengths: Option<Vec<usize>> = list.iter().map(|&n| usize::try_from(n).ok()).collect();
    match lengths.as_deref() {
        Some(&[width]) => Ok([height, width]),
        Some(&[height, width]) => Ok([height, width]),
        _ => call.wrong(format!("{name} are {list:?}")),
    }
}
