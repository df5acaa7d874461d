//! Functions of one number, and softmax.

use violet_graph::{Clamp, Unary, ValueId};

use super::super::call::{Answer, Call, Operator};
use Operator::One;

pub(super) fn find(op_type: &str) -> Option<Operator> {
    Some(match op_type {
        "Relu" => One(|call| unary(call, Unary::RELU)),
        "Sigmoid" => One(|call| unary(call, Unary::Sigmoid)),
        "Tanh" => One(|call| unary(call, Unary::Tanh)),
        "Softplus" => One(|call| unary(call, Unary::Softplus)),
        "Softsign" => One(|call| unary(call, Unary::Softsign)),
        "Erf" => One(|call| unary(call, Unary::Erf)),
        "Exp" => One(|call| unary(call, Unary::Exp)),
        "Log" => One(|call| unary(call, Unary::Log)),
        "Sqrt" => One(|call| unary(call, Unary::Sqrt)),
        "Reciprocal" => One(|call| unary(call, Unary::Reciprocal)),
        "Abs" => One(|call| unary(call, Unary::Abs)),
        "Neg" => One(|call| unary(call, Unary::Neg)),
        "Sin" => One(|call| unary(call, Unary::Sin)),
        "Cos" => One(|call| unary(call, Unary::Cos)),
        "LeakyRelu" => One(|call| {
            let slope = call.float("alpha", 0.01)?;
            unary(call, Unary::LeakyRelu { slope })
        }),
        "Elu" => One(|call| {
            let alpha = call.float("alpha", 1.0)?;
            unary(call, Unary::Elu { alpha })
        }),
        "HardSigmoid" => One(|call| {
            let slope = call.float("alpha", 0.2)?;
            let offset = call.float("beta", 0.5)?;
            unary(call, Unary::HardSigmoid { slope, offset })
        }),
        "HardSwish" => One(|call| {
            let x = call.value(0)?;
            Ok(call.b.hard_swish(x)?)
        }),
        "Swish" => One(|call| {
            let alpha = call.float("alpha", 1.0)?;
            swish(call, alpha)
        }),
        "Mish" => One(|call| {
            let x = call.value(0)?;
            Ok(call.b.mish(x)?)
        }),
        "Gelu" => One(|call| {
            let x = call.value(0)?;
            let tanh = call.text("approximate", "none")? == "tanh";
            Ok(call.b.gelu(x, tanh)?)
        }),
        "Selu" => One(selu),
        "Celu" => One(|call| {
            let x = call.value(0)?;
            let alpha = call.float("alpha", 1.0)?;
            Ok(call.b.celu(x, alpha)?)
        }),
        "Clip" => One(clip),
        "PRelu" => One(prelu),
        "Softmax" => One(|call| softmax(call, false)),
        "LogSoftmax" => One(|call| softmax(call, true)),
        _ => return None,
    })
}

pub(super) fn find_microsoft(op_type: &str) -> Option<Operator> {
    Some(match op_type {
        "Gelu" => One(|call| {
            let x = call.value(0)?;
            Ok(call.b.gelu(x, false)?)
        }),
        "BiasGelu" => One(|call| {
            let sum = super::arithmetic::sum(call)?;
            Ok(call.b.gelu(sum, false)?)
        }),
        "FastGelu" => One(|call| {
            let sum = super::arithmetic::sum(call)?;
            Ok(call.b.gelu(sum, true)?)
        }),
        "QuickGelu" => One(|call| {
            let alpha = call.float("alpha", 1.702)?;
            swish(call, alpha)
        }),
        _ => return None,
    })
}

fn unary(call: &mut Call<'_, '_>, unary: Unary) -> Answer<ValueId> {
    let x = call.value(0)?;
    Ok(call.b.unary(unary, x)?)
}

/// x · σ(α x).
fn swish(call: &mut Call<'_, '_>, alpha: f32) -> Answer<ValueId> {
    let x = call.value(0)?;
    Ok(call.b.swish(x, alpha)?)
}

fn selu(call: &mut Call<'_, '_>) -> Answer<ValueId> {
    let x = call.value(0)?;
    // The defaults of both are ONNX's, nearest to the paper's in single precision.
    let alpha = call.float("alpha", 1.673_263_2)?;
    let gamma = call.float("gamma", 1.050_701)?;
    Ok(call.b.selu(x, alpha, gamma)?)
}

/// Bounds are attributes until opset 10, inputs after.
fn clip(call: &mut Call<'_, '_>) -> Answer<ValueId> {
    let x = call.value(0)?;
    let min = match call.number(1, "lower bound")? {
        Some(min) => min as f32,
        None => call.float("min", f32::NEG_INFINITY)?,
    };
    let max = match call.number(2, "upper bound")? {
        Some(max) => max as f32,
        None => call.float("max", f32::INFINITY)?,
    };
    Ok(call.b.unary(Unary::Clip(Clamp { min, max }), x)?)
}

fn prelu(call: &mut Call<'_, '_>) -> Answer<ValueId> {
    let (x, slope) = (call.value(0)?, call.value(1)?);
    let shape = call.shape(slope);
    let rank = call.shape(x).len();
    // Before opset 7 a list of slopes is one for each channel.
    if call.opset < 7 && shape.len() == 1 && rank > 2 && shape[0] > 1 {
        let mut along = vec![shape[0] as i64];
        along.resize(rank - 1, 1);
        let slope = call.b.reshape(slope, &along)?;
        return Ok(call.b.prelu(x, slope)?);
    }
    Ok(call.b.prelu(x, slope)?)
}

/// Until opset 12 over all axes from the named one on, since then over that one.
fn softmax(call: &mut Call<'_, '_>, logarithm: bool) -> Answer<ValueId> {
    let x = call.value(0)?;
    let axis = call.int("axis", if call.opset < 13 { 1 } else { -1 })?;
    Ok(match (call.opset < 13, logarithm) {
        (true, _) => call.b.softmax_from(x, axis, logarithm)?,
        (false, true) => call.b.log_softmax(x, axis)?,
        (false, false) => call.b.softmax(x, axis)?,
    })
}
