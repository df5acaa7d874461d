//! Layers that normalise what goes through them.

use violet_graph::{Binary, Constant, Reduction, Unary};

use super::fields::Fields;
use super::images::{channels_back, channels_last};
use super::layers::{Weights, single, unsupported};
use super::lowering::damaged;
use crate::arranged::{Arranged, Arranger};
use crate::error::Result;

pub(super) fn layer_normalised(
    arranger: &mut Arranger,
    fields: &Fields<'_>,
    x: &Arranged,
    weights: &Weights<'_>,
) -> Result<Arranged> {
    let axes = fields.integers("axis")?.unwrap_or(vec![-1]);
    let epsilon = fields.number(&["epsilon"], 1e-3)? as f32;
    if fields.flag("rms_scaling", false) {
        return Err(unsupported(fields, "rms_scaling is set", ""));
    }
    let mut y = arranger.normalise(x, &axes, epsilon)?;
    for (name, binary) in [("gamma", Binary::Mul), ("beta", Binary::Add)] {
        let Some(list) = weights.find(name) else {
            continue;
        };
        y = match axes[..] {
            [axis] => arranger.along(binary, &y, axis, list)?,
            _ => {
                // The axes stand last, so that the array is broadcast as it is.
                let list = arranger.constant(list)?;
                arranger.binary(binary, &y, &list)?
            }
        };
    }
    Ok(y)
}

/// Divided by the root of the mean square, and scaled.
pub(super) fn rms_normalised(
    arranger: &mut Arranger,
    fields: &Fields<'_>,
    x: &Arranged,
    weights: &Weights<'_>,
) -> Result<Arranged> {
    let axes = fields.integers("axis")?.unwrap_or(vec![-1]);
    let epsilon = fields.number(&["epsilon"], 1e-6)? as f32;
    let square = arranger.unary(Unary::Power { exponent: 2.0 }, x)?;
    let mean = arranger.reduce(Reduction::Mean, &square, &axes, true)?;
    let mean = arranger.each(&mean, |builder, x| builder.affine(x, 1.0, epsilon))?;
    let root = arranger.unary(Unary::Sqrt, &mean)?;
    let y = arranger.binary(Binary::Div, x, &root)?;
    match (weights.find("scale"), axes[..].first()) {
        (Some(scale), Some(&axis)) if axes.len() == 1 => {
            arranger.along(Binary::Mul, &y, axis, scale)
        }
        (Some(_), _) => Err(unsupported(fields, "it is about several axes", "")),
        (None, _) => Ok(y),
    }
}

/// Groups of neighbouring channels, each normalised over itself and all pixels.
pub(super) fn group_normalised(
    arranger: &mut Arranger,
    fields: &Fields<'_>,
    x: &Arranged,
    weights: &Weights<'_>,
) -> Result<Arranged> {
    let axis = single(fields, "axis", -1)?;
    let epsilon = fields.number(&["epsilon"], 1e-3)? as f32;
    let shape = arranger.shape(x);
    let own = arranger.axis(x, axis)?;
    // −1 stands for as many groups as channels.
    let groups = match fields.number(&["groups"], 32.0)? {
        groups if groups < 1.0 => shape[own],
        groups => groups as usize,
    };
    if shape.len() != 4 || own != if fields.channels_first() { 1 } else { 3 } {
        return Err(unsupported(
            fields,
            "it does not normalise an image's channels",
            "",
        ));
    }
    let x = channels_last(arranger, fields, x)?;
    let mut y = arranger.image(&x, |builder, x| {
        builder.group_norm(x, 1, groups, None, None, epsilon)
    })?;
    for (name, binary) in [("gamma", Binary::Mul), ("beta", Binary::Add)] {
        if let Some(list) = weights.find(name) {
            y = arranger.along(binary, &y, -1, list)?;
        }
    }
    channels_back(arranger, fields, &y)
}

/// `(x − mean) / max(√variance, 1e-7)`, with constants of the configuration or of the file.
pub(super) fn normalised(
    arranger: &mut Arranger,
    fields: &Fields<'_>,
    x: &Arranged,
    weights: &Weights<'_>,
) -> Result<Arranged> {
    /// `backend.epsilon()`.
    const EPSILON: f32 = 1e-7;
    let list = |name: &'static str| -> Result<Vec<f32>> {
        match fields.numbers(name)? {
            Some(numbers) => Ok(numbers),
            None => Ok(weights
                .get(name)?
                .floats()
                .map(|list| list.to_vec())
                .unwrap_or_default()),
        }
    };
    let (mean, variance) = (list("mean")?, list("variance")?);
    if mean.len() != variance.len() {
        return Err(damaged(format!(
            "“{}” has not as many means as variances",
            fields.name
        )));
    }
    let deviations = variance.iter().map(|variance| variance.sqrt().max(EPSILON));
    let (factors, offsets): (Vec<f32>, Vec<f32>) = match fields.flag("invert", false) {
        true => (deviations.collect(), mean),
        false => deviations
            .zip(mean)
            .map(|(deviation, mean)| (1.0 / deviation, -mean / deviation))
            .unzip(),
    };
    let axes = fields.integers("axis")?.unwrap_or_default();
    let mut y = x.clone();
    for (list, binary) in [(factors, Binary::Mul), (offsets, Binary::Add)] {
        y = match (&axes[..], &list[..]) {
            (_, &[number]) => {
                let number = arranger.number(number)?;
                arranger.binary(binary, &y, &number)?
            }
            (&[axis], _) => {
                let list = Constant::f32(&[list.len()], list)?;
                arranger.along(binary, &y, axis, list)?
            }
            _ => return Err(unsupported(fields, "it normalises several axes", "")),
        };
    }
    Ok(y)
}
