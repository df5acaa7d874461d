//! Normalisation over a batch that was, over channels, groups, neighbours.

use violet_graph::{Binary, Constant, Reduction, Unary, ValueId};

use super::super::call::{Answer, Call, Operator, Value, unsupported};
use Operator::{Many, One};

pub(super) fn find(op_type: &str) -> Option<Operator> {
    Some(match op_type {
        // What training makes besides is not computed.
        "BatchNormalization" => Many(|call| Ok(vec![Value::Graph(batch(call)?), Value::Unused])),
        "InstanceNormalization" => One(instance),
        "LayerNormalization" => Many(|call| {
            let (x, scale, bias) = (call.value(0)?, call.optional(1)?, call.optional(2)?);
            let axis = call.int("axis", -1)?;
            let epsilon = call.float("epsilon", 1e-5)?;
            let made = call.b.layer_norm(x, axis, scale, bias, epsilon)?;
            Ok(vec![Value::Graph(made), Value::Unused, Value::Unused])
        }),
        "RMSNormalization" => One(|call| {
            let (x, scale) = (call.value(0)?, call.optional(1)?);
            root_mean_square(call, x, scale)
        }),
        "GroupNormalization" => One(group),
        "LRN" => One(|call| {
            let x = call.value(0)?;
            let parameters = [
                call.float("alpha", 0.0001)?,
                call.float("beta", 0.75)?,
                call.float("bias", 1.0)?,
            ];
            let size = usize::try_from(call.int("size", 1)?).unwrap_or(0);
            Ok(call.b.local_response_norm(x, 1, size, parameters)?)
        }),
        "LpNormalization" => One(norm),
        "MeanVarianceNormalization" => One(|call| {
            let x = call.value(0)?;
            let axes = call.ints("axes")?.unwrap_or_else(|| vec![0, 2, 3]);
            // (x − mean) / (√variance + 1e-9), as the function that defines it.
            let mean = call.b.reduce(Reduction::Mean, x, &axes, true)?;
            let centred = call.b.binary(Binary::Sub, x, mean)?;
            let square = call.b.unary(Unary::Power { exponent: 2.0 }, centred)?;
            let variance = call.b.reduce(Reduction::Mean, square, &axes, true)?;
            let deviation = call.b.unary(Unary::Sqrt, variance)?;
            let epsilon = call.b.number(1e-9)?;
            let deviation = call.b.binary(Binary::Add, deviation, epsilon)?;
            Ok(call.b.binary(Binary::Div, centred, deviation)?)
        }),
        // Of ONNX Runtime, but written without a domain by its optimiser.
        "SimplifiedLayerNormalization" => Many(|call| {
            let (x, scale) = (call.value(0)?, call.optional(1)?);
            Ok(vec![
                Value::Graph(root_mean_square(call, x, scale)?),
                Value::Unused,
            ])
        }),
        _ => return None,
    })
}

pub(super) fn find_microsoft(op_type: &str) -> Option<Operator> {
    Some(match op_type {
        "SkipLayerNormalization" => Many(|call| {
            let (x, skip) = (call.value(0)?, call.value(1)?);
            let (scale, bias) = (call.optional(2)?, call.optional(3)?);
            let mut sum = call.b.binary(Binary::Add, x, skip)?;
            if let Some(added) = call.optional(4)? {
                sum = call.b.binary(Binary::Add, sum, added)?;
            }
            let epsilon = call.float("epsilon", 1e-12)?;
            let made = call.b.layer_norm(sum, -1, scale, bias, epsilon)?;
            Ok(vec![
                Value::Graph(made),
                Value::Unused,
                Value::Unused,
                Value::Graph(sum),
            ])
        }),
        _ => return None,
    })
}

fn batch(call: &mut Call<'_, '_>) -> Answer<ValueId> {
    if call.int("training_mode", 0)? == 1 && call.wanted.iter().skip(1).any(|&wanted| wanted) {
        return unsupported(
            "it is in training mode",
            "Export the network in evaluation mode (model.eval() in PyTorch).",
        );
    }
    let x = call.value(0)?;
    let (scale, bias) = (call.optional(1)?, call.optional(2)?);
    let (mean, variance) = (call.value(3)?, call.value(4)?);
    let epsilon = call.float("epsilon", 1e-5)?;
    Ok(call
        .b
        .batch_norm(x, 1, scale, bias, mean, variance, epsilon)?)
}

/// Each channel by itself: as many groups as channels.
fn instance(call: &mut Call<'_, '_>) -> Answer<ValueId> {
    let (x, scale, bias) = (call.value(0)?, call.optional(1)?, call.optional(2)?);
    let Some(&channels) = call.shape(x).get(1) else {
        return call.wrong("it has no channels");
    };
    let epsilon = call.float("epsilon", 1e-5)?;
    Ok(call.b.group_norm(x, 1, channels, scale, bias, epsilon)?)
}

/// Until opset 20 scale and bias are those of the groups, since then of the channels.
fn group(call: &mut Call<'_, '_>) -> Answer<ValueId> {
    let (x, scale, bias) = (call.value(0)?, call.value(1)?, call.value(2)?);
    let groups = usize::try_from(call.int("num_groups", 0)?).unwrap_or(0);
    let Some(&channels) = call.shape(x).get(1) else {
        return call.wrong("it has no channels");
    };
    if groups == 0 || !channels.is_multiple_of(groups) {
        return call.wrong(format!("{channels} channels in {groups} groups"));
    }
    let each: Vec<i64> = (0..channels)
        .map(|channel| (channel * groups / channels) as i64)
        .collect();
    let for_channels = |call: &mut Call<'_, '_>, list| -> Answer<ValueId> {
        match call.shape(list)[..] {
            [length] if length == groups && groups != channels => {
                Ok(call.b.gather(list, 0, &each, &[channels])?)
            }
            _ => Ok(list),
        }
    };
    let (scale, bias) = (for_channels(call, scale)?, for_channels(call, bias)?);
    let epsilon = call.float("epsilon", 1e-5)?;
    Ok(call
        .b
        .group_norm(x, 1, groups, Some(scale), Some(bias), epsilon)?)
}

/// x / √(mean of x² + ε) over this axis and all after it.
fn root_mean_square(
    call: &mut Call<'_, '_>,
    x: ValueId,
    scale: Option<ValueId>,
) -> Answer<ValueId> {
    let rank = call.shape(x).len();
    let first = call.axis(call.int("axis", -1)?, rank)?;
    let axes: Vec<i64> = (first as i64..rank as i64).collect();
    let square = call.b.unary(Unary::Power { exponent: 2.0 }, x)?;
    let mean = call.b.reduce(Reduction::Mean, square, &axes, true)?;
    let epsilon = call
        .b
        .constant(Constant::number(call.float("epsilon", 1e-5)?))?;
    let mean = call.b.binary(Binary::Add, mean, epsilon)?;
    let root = call.b.unary(Unary::Sqrt, mean)?;
    let made = call.b.binary(Binary::Div, x, root)?;
    match scale {
        Some(scale) => Ok(call.b.binary(Binary::Mul, made, scale)?),
        None => Ok(made),
    }
}

/// x / ‖x‖ along an axis.
fn norm(call: &mut Call<'_, '_>) -> Answer<ValueId> {
    let x = call.value(0)?;
    let axes = [call.int("axis", -1)?];
    let norm = match call.int("p", 2)? {
        1 => {
            let absolute = call.b.unary(Unary::Abs, x)?;
            call.b.reduce(Reduction::Sum, absolute, &axes, true)?
        }
        2 => call.b.reduce(Reduction::L2, x, &axes, true)?,
        p => return unsupported(format!("its p is {p}"), ""),
    };
    // What is 0 stays 0, as it does for a black picture.
    let least = call.b.number(1e-12)?;
    let norm = call.b.binary(Binary::Max, norm, least)?;
    Ok(call.b.binary(Binary::Div, x, norm)?)
}
