//! Images in another size.

use violet_graph::{Coordinates, Extent, Interpolation, Resize, Rounding, ValueId};

use super::super::call::{Answer, Call, Operator, unsupported};
use Operator::One;

pub(super) fn find(op_type: &str) -> Option<Operator> {
    Some(match op_type {
        "Resize" => One(resize),
        "Upsample" => One(upsample),
        _ => return None,
    })
}

/// Until opset 10 it has scales alone, and its coordinates are asymmetric.
fn resize(call: &mut Call<'_, '_>) -> Answer<ValueId> {
    if call.opset < 11 {
        return upsample(call);
    }
    let x = call.value(0)?;
    let rank = call.shape(x).len();
    let axes = match call.ints("axes")? {
        Some(axes) => axes
            .iter()
            .map(|&axis| call.axis(axis, rank))
            .collect::<Answer<Vec<usize>>>()?,
        None => (0..rank).collect(),
    };
    let named: Vec<i64> = axes.iter().map(|&axis| axis as i64).collect();
    let coordinates = match call.text("coordinate_transformation_mode", "half_pixel")? {
        "half_pixel" => Coordinates::HalfPixel,
        "pytorch_half_pixel" => Coordinates::PytorchHalfPixel,
        "half_pixel_symmetric" => Coordinates::HalfPixelSymmetric,
        "tf_half_pixel_for_nn" => Coordinates::TensorflowHalfPixel,
        "align_corners" => Coordinates::AlignCorners,
        "asymmetric" => Coordinates::Asymmetric,
        other => return unsupported(format!("its coordinates are “{other}”"), ""),
    };
    let rounding = match call.text("nearest_mode", "round_prefer_floor")? {
        "round_prefer_floor" => Rounding::PreferFloor,
        "round_prefer_ceil" => Rounding::PreferCeil,
        "floor" => Rounding::Floor,
        "ceil" => Rounding::Ceil,
        other => return call.wrong(format!("its nearest mode is “{other}”")),
    };
    let interpolation = match call.text("mode", "nearest")? {
        "nearest" => Interpolation::Nearest(rounding),
        "linear" => Interpolation::Linear,
        "cubic" => Interpolation::Cubic {
            a: call.float("cubic_coeff_a", -0.75)?,
        },
        other => return call.wrong(format!("its mode is “{other}”")),
    };
    let mut how = Resize::new(interpolation, coordinates);
    how.antialias = call.int("antialias", 0)? == 1;
    how.exclude_outside = call.int("exclude_outside", 0)? == 1;

    let sizes = call.integers(3, "sizes")?.filter(|sizes| !sizes.is_empty());
    let scales = call
        .numbers(2, "scales")?
        .filter(|scales| !scales.is_empty());
    match (sizes, scales) {
        (Some(sizes), _) => {
            let sizes = with_policy(call, x, &axes, sizes)?;
            Ok(call.b.resize(x, &named, Extent::Sizes(&sizes), &how)?)
        }
        (None, Some(scales)) => {
            let scales: Vec<f32> = scales.into_iter().map(|scale| scale as f32).collect();
            Ok(call.b.resize(x, &named, Extent::Scales(&scales), &how)?)
        }
        (None, None) => call.wrong("it has neither sizes nor scales"),
    }
}

/// Sizes of which, since opset 18, the larger or the smaller factor may count for all.
fn with_policy(
    call: &Call<'_, '_>,
    x: ValueId,
    axes: &[usize],
    sizes: Vec<i64>,
) -> Answer<Vec<i64>> {
    let shape = call.shape(x);
    let factors = axes
        .iter()
        .zip(&sizes)
        .map(|(&axis, &size)| size as f64 / shape[axis] as f64);
    let factor = match call.text("keep_aspect_ratio_policy", "stretch")? {
        "not_larger" => factors.fold(f64::INFINITY, f64::min),
        "not_smaller" => factors.fold(0.0, f64::max),
        _ => return Ok(sizes),
    };
    Ok(axes
        .iter()
        .map(|&axis| (shape[axis] as f64 * factor).round() as i64)
        .collect())
}

/// The scales are an attribute until opset 8 (of height and width by themselves until 6), then an
/// input.
fn upsample(call: &mut Call<'_, '_>) -> Answer<ValueId> {
    let x = call.value(0)?;
    let scales: Vec<f32> = if let Some(scales) = call.numbers(1, "scales")? {
        scales.into_iter().map(|scale| scale as f32).collect()
    } else if let Some(scales) = call.floats("scales")? {
        scales
    } else {
        let (height, width) = (
            call.float("height_scale", 1.0)?,
            call.float("width_scale", 1.0)?,
        );
        vec![1.0, 1.0, height, width]
    };
    let interpolation = match call.text("mode", "nearest")? {
        "nearest" => Interpolation::Nearest(Rounding::Floor),
        "linear" | "bilinear" => Interpolation::Linear,
        other => return call.wrong(format!("its mode is “{other}”")),
    };
    let how = Resize::new(interpolation, Coordinates::Asymmetric);
    Ok(call.b.resize(x, &[], Extent::Scales(&scales), &how)?)
}
