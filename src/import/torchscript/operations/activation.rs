//! Functions of each element, and those along one axis that come last.

use violet_graph::{Binary, Clamp, Unary, ValueId};

use super::super::call::{Answer, Call, Operator, made, unsupported};
use super::super::value::Value;
use super::same;

/// SELU's constants.
const SELU: [f32; 2] = [1.673_263_2, 1.050_701];
/// Softplus is its argument beyond this.
const SOFTPLUS_THRESHOLD: f64 = 20.0;

pub(super) fn find(name: &str) -> Option<Operator> {
    Some(match name {
        "relu" => |call| unary(call, Unary::RELU),
        "relu6" => |call| clip(call, 0.0, 6.0),
        "hardtanh" => |call| {
            let (min, max) = (
                call.float_or(1, "min_val", -1.0)?,
                call.float_or(2, "max_val", 1.0)?,
            );
            clip(call, min, max)
        },
        "clamp" | "clip" => |call| {
            let min = call.float_or(1, "min", f64::NEG_INFINITY)?;
            let max = call.float_or(2, "max", f64::INFINITY)?;
            clip(call, min, max)
        },
        "clamp_min" => |call| {
            let min = call.float_or(1, "min", f64::NEG_INFINITY)?;
            clip(call, min, f32::INFINITY)
        },
        "clamp_max" => |call| {
            let max = call.float_or(1, "max", f64::INFINITY)?;
            clip(call, f32::NEG_INFINITY, max)
        },
        "threshold" => |call| match (call.number(1, "threshold")?, call.number(2, "value")?) {
            (Some(0.0), Some(0.0)) => unary(call, Unary::RELU),
            _ => unsupported("what lies below its threshold is not 0"),
        },
        "sigmoid" | "special_expit" => |call| unary(call, Unary::Sigmoid),
        "tanh" => |call| unary(call, Unary::Tanh),
        "silu" => |call| {
            let x = floats(call)?;
            made(call.b.silu(x)?)
        },
        "mish" => |call| {
            let x = floats(call)?;
            made(call.b.mish(x)?)
        },
        "hardswish" => |call| {
            let x = floats(call)?;
            made(call.b.hard_swish(x)?)
        },
        "hardsigmoid" => |call| {
            unary(
                call,
                Unary::HardSigmoid {
                    slope: 1.0 / 6.0,
                    offset: 0.5,
                },
            )
        },
        "gelu" => |call| {
            let approximate = call.text(1, "approximate").as_deref() == Some("tanh");
            let x = floats(call)?;
            made(call.b.gelu(x, approximate)?)
        },
        "leaky_relu" => |call| {
            let slope = call.float_or(1, "negative_slope", 0.01)?;
            unary(call, Unary::LeakyRelu { slope })
        },
        // In use, the middle of the slopes that it draws from.
        "rrelu" => |call| {
            let (low, high) = (
                call.float_or(1, "lower", 0.125)?,
                call.float_or(2, "upper", 1.0 / 3.0)?,
            );
            unary(
                call,
                Unary::LeakyRelu {
                    slope: (low + high) / 2.0,
                },
            )
        },
        "prelu" | "_prelu_kernel" => prelu,
        "elu" => |call| {
            let (alpha, scale) = (
                call.float_or(1, "alpha", 1.0)?,
                call.float_or(2, "scale", 1.0)?,
            );
            if call.float_or(3, "input_scale", 1.0)? != 1.0 {
                return unsupported("its input has a scale");
            }
            let x = floats(call)?;
            made(call.b.selu(x, alpha, scale)?)
        },
        "selu" => |call| {
            let x = floats(call)?;
            made(call.b.selu(x, SELU[0], SELU[1])?)
        },
        "celu" => |call| {
            let alpha = call.float_or(1, "alpha", 1.0)?;
            let x = floats(call)?;
            made(call.b.celu(x, alpha)?)
        },
        "softplus" => softplus,
        "log_sigmoid" => |call| {
            let x = floats(call)?;
            let x = call.b.unary(Unary::Neg, x)?;
            let x = call.b.unary(Unary::Softplus, x)?;
            made(call.b.unary(Unary::Neg, x)?)
        },
        "softsign" => |call| unary(call, Unary::Softsign),
        "glu" => glu,
        "softmax" | "_softmax" => |call| {
            let axis = call.int(1, "dim")?;
            let x = floats(call)?;
            made(call.b.softmax(x, axis)?)
        },
        "log_softmax" | "_log_softmax" => |call| {
            let axis = call.int(1, "dim")?;
            let x = floats(call)?;
            made(call.b.log_softmax(x, axis)?)
        },
        "dropout" | "feature_dropout" | "alpha_dropout" | "feature_alpha_dropout" => |call| {
            let drops = call.flag(2, "train")? && call.number(1, "p")? != Some(0.0);
            match drops {
                true => unsupported(super::layers::TRAINING),
                false => same(call),
            }
        },
        _ => return None,
    })
}

fn floats(call: &mut Call<'_>) -> Answer<ValueId> {
    let x = call.x()?;
    call.floats(x)
}

fn unary(call: &mut Call<'_>, unary: Unary) -> Answer<Value> {
    let x = floats(call)?;
    made(call.b.unary(unary, x)?)
}

/// A constant keeps the type of its elements.
fn clip(call: &mut Call<'_>, min: f32, max: f32) -> Answer<Value> {
    let x = call.x()?;
    made(call.b.unary(Unary::Clip(Clamp { min, max }), x)?)
}

/// One slope, or one for each channel.
fn prelu(call: &mut Call<'_>) -> Answer<Value> {
    let x = floats(call)?;
    let slope = call.id(1, "weight")?;
    let rank = call.shape(x).len();
    let slope = match call.b.shape(slope).iter().product::<usize>() {
        1 => slope,
        channels => {
            let mut shape = vec![1; rank];
            if let Some(axis) = shape.get_mut(1) {
                *axis = channels as i64;
            }
            call.b.reshape(slope, &shape)?
        }
    };
    made(call.b.prelu(x, slope)?)
}

fn softplus(call: &mut Call<'_>) -> Answer<Value> {
    let beta = call.float_or(1, "beta", 1.0)?;
    if call.float_or(2, "threshold", SOFTPLUS_THRESHOLD)? < SOFTPLUS_THRESHOLD as f32 {
        return unsupported("its threshold is low");
    }
    let x = floats(call)?;
    let x = call.b.affine(x, beta, 0.0)?;
    let x = call.b.unary(Unary::Softplus, x)?;
    made(call.b.affine(x, 1.0 / beta, 0.0)?)
}

/// One half times the sigmoid of the other.
fn glu(call: &mut Call<'_>) -> Answer<Value> {
    let axis = call.int_or(1, "dim", -1)?;
    let x = floats(call)?;
    match call.b.split_evenly(x, axis, 2)?[..] {
        [a, b] => {
            let gate = call.b.unary(Unary::Sigmoid, b)?;
            made(call.b.binary(Binary::Mul, a, gate)?)
        }
        _ => unsupported("it cannot be halved"),
    }
}
