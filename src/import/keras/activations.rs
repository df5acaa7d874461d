//! Keras' activation functions.
//!
//! # Source
//!
//! `keras/src/activations/activations.py` (3.x), `tf_keras/src/activations.py` (2.x) and
//! `tfjs-layers/src/activations.ts`; where they differ it is said.

use serde_json::{Map, Value};
use violet_graph::{Clamp, Unary};

use super::fields::Fields;
use crate::arranged::{Arranged, Arranger};
use crate::error::{Error, Result, Unsupported};
use crate::tensorflow::{SELU_ALPHA, SELU_SCALE};

/// Slope of `leaky_relu` where the file does not say it (`negative_slope=0.2`).
const LEAKY_SLOPE: f32 = 0.2;
/// Names that [`apply`] knows.
const KNOWN: &[&str] = &[
    "linear",
    "relu",
    "relu6",
    "leaky_relu",
    "elu",
    "selu",
    "celu",
    "gelu",
    "silu",
    "swish",
    "mish",
    "sigmoid",
    "hard_sigmoid",
    "hard_silu",
    "hard_swish",
    "hard_tanh",
    "tanh",
    "softplus",
    "softsign",
    "exponential",
    "softmax",
    "log_softmax",
    "log_sigmoid",
];

/// The name of an activation, which is written by itself, as an object with its name, or as a
/// layer.
pub(super) fn name(value: Option<&Value>) -> &str {
    match value {
        None | Some(Value::Null) => "linear",
        Some(Value::String(name)) => name,
        Some(value) => {
            let config = &value["config"];
            config
                .as_str()
                .or_else(|| config["activation"].as_str())
                .or_else(|| value["class_name"].as_str())
                .unwrap_or("of one's own")
        }
    }
}

/// Whether there is such an activation.
pub(super) fn is_known(name: &str) -> bool {
    KNOWN.contains(&plain(name).as_str()) || is_layer(name)
}

/// Layers that may stand for an activation: `Dense(activation=LeakyReLU(0.1))`.
fn is_layer(name: &str) -> bool {
    matches!(name, "ReLU" | "LeakyReLU" | "ELU" | "Softmax")
}

/// `keras.activations>swish` → `swish`; `HardSwish` → `hardswish`, of one's own.
fn plain(name: &str) -> String {
    let name = name.rsplit(['>', '.']).next().unwrap_or(name);
    match name {
        "hardSigmoid" => "hard_sigmoid".into(),
        "leakyRelu" => "leaky_relu".into(),
        name => name.into(),
    }
}

/// What it makes of `x`. `keras` is the version that wrote the file, 2 for TensorFlow.js.
pub(super) fn apply(
    arranger: &mut Arranger,
    value: Option<&Value>,
    fields: &Fields<'_>,
    keras: u64,
    x: &Arranged,
) -> Result<Arranged> {
    let name = name(value);
    if is_layer(name) {
        let empty = Map::new();
        let values = value
            .and_then(|value| value["config"].as_object())
            .unwrap_or(&empty);
        let own = Fields {
            name: fields.name,
            class: name,
            module: "",
            values,
        };
        return layer(arranger, &own, x);
    }
    let name = plain(name);
    let clip = |min, max| Unary::Clip(Clamp { min, max });
    let each = match name.as_str() {
        "linear" => return Ok(x.clone()),
        "relu" => Unary::RELU,
        "relu6" => clip(0.0, 6.0),
        "leaky_relu" => Unary::LeakyRelu { slope: LEAKY_SLOPE },
        "elu" | "celu" => Unary::Elu { alpha: 1.0 },
        "sigmoid" => Unary::Sigmoid,
        // Keras 3 took over PyTorch's.
        "hard_sigmoid" if keras >= 3 => Unary::HardSigmoid {
            slope: 1.0 / 6.0,
            offset: 0.5,
        },
        "hard_sigmoid" => Unary::HardSigmoid {
            slope: 0.2,
            offset: 0.5,
        },
        "hard_tanh" => clip(-1.0, 1.0),
        "tanh" => Unary::Tanh,
        "softplus" => Unary::Softplus,
        "softsign" => Unary::Softsign,
        "exponential" => Unary::Exp,
        "softmax" => return arranger.softmax(x, -1),
        "log_softmax" => return arranger.log_softmax(x, -1),
        "selu" => return arranger.each(x, |b, x| b.selu(x, SELU_ALPHA, SELU_SCALE)),
        "silu" | "swish" => return arranger.each(x, |b, x| b.silu(x)),
        // The exact one, which Keras and TensorFlow.js mean by this name.
        "gelu" => return arranger.each(x, |b, x| b.gelu(x, false)),
        "hard_silu" | "hard_swish" => return arranger.each(x, |b, x| b.hard_swish(x)),
        "mish" => return arranger.each(x, |b, x| b.mish(x)),
        // log σ(x) = −softplus(−x).
        "log_sigmoid" => {
            let x = arranger.unary(Unary::Neg, x)?;
            let x = arranger.unary(Unary::Softplus, &x)?;
            return arranger.unary(Unary::Neg, &x);
        }
        _ => {
            return Err(Error::Unsupported {
                operations: vec![Unsupported {
                    operation: format!("{} with the activation “{name}”", fields.class),
                    count: 1,
                    node: fields.name.into(),
                    reason: String::new(),
                    advice: "",
                }],
            });
        }
    };
    arranger.unary(each, x)
}

/// The activations that are layers.
pub(super) fn layer(
    arranger: &mut Arranger,
    fields: &Fields<'_>,
    x: &Arranged,
) -> Result<Arranged> {
    match fields.class {
        "ReLU" => {
            let slope = fields.number(&["negative_slope"], 0.0)? as f32;
            let threshold = fields.number(&["threshold"], 0.0)?;
            let max = fields.number(&["max_value"], f64::INFINITY)? as f32;
            if threshold != 0.0 {
                return Err(jumps(fields));
            }
            let min = if slope == 0.0 { 0.0 } else { f32::NEG_INFINITY };
            let mut x = x.clone();
            if slope != 0.0 {
                x = arranger.unary(Unary::LeakyRelu { slope }, &x)?;
            }
            let clamp = Clamp { min, max };
            if clamp.is_none() {
                return Ok(x);
            }
            arranger.unary(Unary::Clip(clamp), &x)
        }
        "LeakyReLU" => {
            let slope = fields.number(&["negative_slope", "alpha"], 0.3)? as f32;
            arranger.unary(Unary::LeakyRelu { slope }, x)
        }
        "ELU" => {
            let alpha = fields.number(&["alpha"], 1.0)? as f32;
            arranger.unary(Unary::Elu { alpha }, x)
        }
        "ThresholdedReLU" if fields.number(&["theta"], 1.0)? == 0.0 => {
            arranger.unary(Unary::RELU, x)
        }
        "Softmax" => match fields.integers("axis")?.as_deref() {
            None => arranger.softmax(x, -1),
            Some([axis]) => arranger.softmax(x, *axis),
            Some(_) => Err(fields.wrong("axis", &fields.values["axis"])),
        },
        _ => Err(jumps(fields)),
    }
}

/// The error of a function that jumps where a threshold is passed.
fn jumps(fields: &Fields<'_>) -> Error {
    Error::Unsupported {
        operations: vec![Unsupported {
            operation: fields.class.into(),
            count: 1,
            node: fields.name.into(),
            reason: "it jumps at its threshold, where it has no slope".into(),
            advice: "Use a ReLU without a threshold.",
        }],
    }
}
