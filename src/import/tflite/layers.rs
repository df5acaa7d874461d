//! TensorFlow Lite's layers, and what else comes with a fused activation.

use violet_graph::{Binary, Constant, PadMode, Reduction, Sliding};

use super::operations::{Call, Code, Options, damaged};
use crate::arranged::{Arranged, Arranger, permuted};
use crate::error::Result;
use crate::tensorflow::{self, unsupported};

/// Filters \[O, H, W, I\], and a bias.
pub(super) fn convolution(
    arranger: &mut Arranger,
    call: &Call<'_>,
    options: &Options<'_>,
) -> Result<Arranged> {
    let x = call.input(0)?;
    let filters = turned(&call.constant(arranger, 1, "weights")?, &[0, 3, 1, 2])?;
    let sliding = Sliding {
        padding: options.padding(0)?,
        stride: options.stride(1)?,
        dilation: options.dilation(4)?,
        ceil: false,
    };
    // Filters of fewer channels than the image has are for a group of them each.
    let channels = arranger.shape(x).last().copied().unwrap_or_default();
    let each = filters.shape()[1].max(1);
    let groups = (channels / each).max(1);
    let bias = call.bias(arranger, 2)?;
    let y = arranger.convolution(x, filters, bias, &sliding, groups)?;
    options.activated(3, arranger, y)
}

/// Filters \[1, H, W, C · M\], and a bias.
pub(super) fn depthwise(
    arranger: &mut Arranger,
    call: &Call<'_>,
    options: &Options<'_>,
) -> Result<Arranged> {
    let x = call.input(0)?;
    let filters = turned(&call.constant(arranger, 1, "weights")?, &[3, 0, 1, 2])?;
    let sliding = Sliding {
        padding: options.padding(0)?,
        stride: options.stride(1)?,
        dilation: options.dilation(5)?,
        ceil: false,
    };
    let channels = arranger.shape(x).last().copied().unwrap_or_default();
    let bias = call.bias(arranger, 2)?;
    let y = arranger.convolution(x, filters, bias, &sliding, channels)?;
    options.activated(4, arranger, y)
}

/// The output's shape, filters \[O, H, W, I\], the image, and perhaps a bias.
pub(super) fn transposed(
    arranger: &mut Arranger,
    call: &Call<'_>,
    options: &Options<'_>,
) -> Result<Arranged> {
    let shape = call.integers(arranger, 0, "shape")?;
    let filters = turned(&call.constant(arranger, 1, "weights")?, &[3, 0, 1, 2])?;
    let &[_, height, width, _] = &shape[..] else {
        return Err(damaged(
            "the shape of a transposed convolution has not four numbers",
        ));
    };
    let size = [height, width].map(|side| usize::try_from(side).unwrap_or_default());
    let sliding = Sliding {
        padding: options.padding(0)?,
        stride: options.stride(1)?,
        ..Sliding::default()
    };
    let bias = call.bias(arranger, 3)?;
    let y = arranger.convolution_transpose(call.input(2)?, filters, bias, &sliding, size)?;
    options.activated(3, arranger, y)
}

/// Weights \[O, I\], and a bias. What has more axes than two is flattened, if that is not asked to
/// be kept.
pub(super) fn fully_connected(
    arranger: &mut Arranger,
    call: &Call<'_>,
    options: &Options<'_>,
) -> Result<Arranged> {
    if options.byte(1)? != 0 {
        return Err(unsupported("its weights are shuffled"));
    }
    let weight = call.input(1)?.clone();
    let mut x = call.input(0)?.clone();
    if !options.flag(2)? {
        let inputs = arranger.shape(&weight).last().copied();
        x = arranger.reshape(&x, &[-1, inputs.unwrap_or_default() as i64])?;
    }
    let y = match arranger.known(&weight)? {
        Some(weight) => {
            let bias = call.bias(arranger, 2)?;
            arranger.linear(&x, weight, bias)?
        }
        // Attention of one picture is written so: what stands for the weights depends on it.
        None => {
            let y = arranger.mat_mul(&x, &weight, [false, true])?;
            match call.inputs.get(2).cloned().flatten() {
                Some(bias) => arranger.binary(Binary::Add, &y, &bias)?,
                None => y,
            }
        }
    };
    options.activated(0, arranger, y)
}

pub(super) fn joined(
    arranger: &mut Arranger,
    call: &Call<'_>,
    options: &Options<'_>,
    binary: Binary,
) -> Result<Arranged> {
    let y = arranger.binary(binary, call.input(0)?, call.input(1)?)?;
    options.activated(0, arranger, y)
}

pub(super) fn reduced(
    arranger: &mut Arranger,
    call: &Call<'_>,
    options: &Options<'_>,
    reduction: Reduction,
) -> Result<Arranged> {
    let axes = call.integers(arranger, 1, "axes")?;
    arranger.reduce(reduction, call.input(0)?, &axes, options.flag(0)?)
}

pub(super) fn padded(
    arranger: &mut Arranger,
    code: Code,
    call: &Call<'_>,
    options: &Options<'_>,
) -> Result<Arranged> {
    let pads = tensorflow::pads(&call.constant(arranger, 1, "padding")?);
    let mode = match code {
        Code::MIRROR_PAD if options.byte(0)? == 0 => PadMode::Reflect,
        Code::MIRROR_PAD => PadMode::Symmetric,
        Code::PADV2 => {
            let value = call.constant(arranger, 2, "value")?.to_f64();
            PadMode::Constant(value.first().copied().unwrap_or_default() as f32)
        }
        _ => PadMode::Constant(0.0),
    };
    arranger.pad(call.input(0)?, &pads, mode)
}

fn turned(filters: &Constant, order: &[usize]) -> Result<Constant> {
    permuted(filters, order).ok_or_else(|| {
        let (found, expected) = (filters.shape().len(), order.len());
        damaged(format!("filters have {found} axes instead of {expected}"))
    })
}
