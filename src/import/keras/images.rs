//! Layers of images: windows that slide over them, sizes, and the order of their axes.

use serde_json::Value;
use violet_graph::{
    Constant, Coordinates, Extent, Interpolation, Padding, Resize, Rounding, Sliding,
};

use super::fields::Fields;
use super::layers::{Weights, turned, unsupported};
use super::lowering::damaged;
use crate::arranged::{Arranged, Arranger};
use crate::error::Result;

/// An image of a layer that may count its axes \[N, C, H, W\], as \[N, H, W, C\]; and back.
pub(super) fn channels_last(
    arranger: &mut Arranger,
    fields: &Fields<'_>,
    x: &Arranged,
) -> Result<Arranged> {
    match fields.channels_first() {
        true => arranger.transpose(x, &[0, 2, 3, 1]),
        false => Ok(x.clone()),
    }
}

pub(super) fn channels_back(
    arranger: &mut Arranger,
    fields: &Fields<'_>,
    x: &Arranged,
) -> Result<Arranged> {
    match fields.channels_first() {
        true => arranger.transpose(x, &[0, 3, 1, 2]),
        false => Ok(x.clone()),
    }
}

/// What is said of rows and columns, for all of an image's axes.
pub(super) fn image_axes(fields: &Fields<'_>, [rows, columns]: [[i64; 2]; 2]) -> [[i64; 2]; 4] {
    match fields.channels_first() {
        true => [[0; 2], [0; 2], rows, columns],
        false => [[0; 2], rows, columns, [0; 2]],
    }
}

pub(super) fn padding(fields: &Fields<'_>) -> Result<Padding> {
    match fields.text("padding", "valid") {
        "valid" | "VALID" => Ok(Padding::Valid),
        "same" | "SAME" => Ok(Padding::SameUpper),
        other => Err(fields.wrong("padding", &Value::from(other))),
    }
}

pub(super) fn sliding(fields: &Fields<'_>) -> Result<Sliding> {
    Ok(Sliding {
        stride: fields.pair("strides", [1; 2])?,
        dilation: fields.pair("dilation_rate", [1; 2])?,
        padding: padding(fields)?,
        ceil: false,
    })
}

/// A filter for each channel: \[H, W, C, M\] makes M channels of each.
pub(super) fn depthwise(
    arranger: &mut Arranger,
    fields: &Fields<'_>,
    x: &Arranged,
    kernel: &Constant,
    bias: Option<Constant>,
) -> Result<Arranged> {
    let filters = turned(kernel, &[2, 3, 0, 1], fields)?;
    let &[channels, each, height, width] = filters.shape() else {
        return Err(damaged(format!(
            "the filters of “{}” have not four axes",
            fields.name
        )));
    };
    let filters = Constant::new(&[channels * each, 1, height, width], filters.data().clone())?;
    arranger.convolution(x, filters, bias, &sliding(fields)?, channels)
}

/// `deconv_output_length` of Keras, and the adjoint of a convolution of that size.
pub(super) fn transposed(
    arranger: &mut Arranger,
    fields: &Fields<'_>,
    x: &Arranged,
    weights: &Weights<'_>,
) -> Result<Arranged> {
    let filters = turned(&weights.get("kernel")?, &[3, 2, 0, 1], fields)?;
    let sliding = sliding(fields)?;
    let shape = arranger.shape(x);
    let mut output = [0; 2];
    for axis in [0, 1] {
        let (&length, &kernel) = match (shape.get(axis + 1), filters.shape().get(axis + 2)) {
            (Some(length), Some(kernel)) if shape.len() == 4 => (length, kernel),
            _ => {
                return Err(damaged(format!(
                    "“{}” is not called with an image",
                    fields.name
                )));
            }
        };
        let extent = kernel
            .saturating_sub(1)
            .saturating_mul(sliding.dilation[axis])
            .saturating_add(1);
        let stride = sliding.stride[axis];
        let same = sliding.padding != Padding::Valid;
        output[axis] = match fields.get(&["output_padding"]) {
            None if same => length.saturating_mul(stride),
            None => length
                .saturating_mul(stride)
                .saturating_add(extent.saturating_sub(stride)),
            Some(_) => {
                let more = fields.pair("output_padding", [0; 2])?[axis];
                let cut = if same { extent / 2 * 2 } else { 0 };
                let full = length
                    .saturating_sub(1)
                    .saturating_mul(stride)
                    .saturating_add(extent);
                full.saturating_add(more).saturating_sub(cut)
            }
        };
    }
    arranger.convolution_transpose(x, filters, weights.find("bias"), &sliding, output)
}

/// An image of another size; `coordinates` are those of nearest neighbours and of others.
pub(super) fn resized(
    arranger: &mut Arranger,
    fields: &Fields<'_>,
    x: &Arranged,
    size: [i64; 2],
    [nearest, other]: [Coordinates; 2],
) -> Result<Arranged> {
    let resize = match fields.text("interpolation", default_interpolation(fields.class)) {
        "nearest" => Resize::new(Interpolation::Nearest(Rounding::Floor), nearest),
        "bilinear" => Resize::new(Interpolation::Linear, other),
        "bicubic" => Resize {
            exclude_outside: true,
            ..Resize::new(Interpolation::Cubic { a: -0.5 }, other)
        },
        interpolation => {
            let reason = format!("its interpolation is {interpolation}");
            return Err(unsupported(fields, &reason, ""));
        }
    };
    arranger.image(x, |builder, x| {
        builder.resize(x, &[-2, -1], Extent::Sizes(&size), &resize)
    })
}

fn default_interpolation(class: &str) -> &'static str {
    match class {
        "UpSampling2D" => "nearest",
        _ => "bilinear",
    }
}
