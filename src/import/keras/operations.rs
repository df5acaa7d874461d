//! Operations that are called like layers: `x / 127.5 - 1` in a functional model.
//!
//! Keras 2 writes them as `TFOpLambda` (and `SlicingOpLambda`) with the function's name, Keras 3 as
//! a class of `keras.src.ops`.

use serde_json::{Map, Value};
use violet_graph::{Binary, Clamp, Constant, Reduction, Unary};

use super::config::Layer;
use super::fields::Fields;
use super::indexing::parts_of;
use super::layers::Support;
use super::lowering::{Lowering, Operand, damaged};
use crate::arranged::{Arranged, Arranger};
use crate::error::Result;

/// What an operation does.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Operation {
    Binary(Binary),
    Each(Unary),
    Softmax,
    Silu,
    Gelu,
    Square,
    Reduce(Reduction),
    Reshape,
    Concat,
    Stack,
    Parts,
    Flip,
    ExpandDims,
    Identity,
}

/// Whether a class is one of them. HDF5 files of Keras 3 do not name the module; there layers say
/// whether they were trained, and operations do not.
pub(super) fn is_operation(class: &str, module: &str, config: &Map<String, Value>) -> bool {
    let is_layer = ["trainable", "dtype"]
        .iter()
        .any(|name| config.contains_key(*name));
    let without_module = module.is_empty() && !is_layer && operation(class).is_some();
    is_lambda(class) || is_module(module) || without_module
}

fn is_lambda(class: &str) -> bool {
    matches!(
        class,
        "TFOpLambda" | "SlicingOpLambda" | "TensorFlowOpLayer" | "ClassMethod"
    )
}

/// `keras.src.ops.numpy` and its like.
fn is_module(module: &str) -> bool {
    module.starts_with("keras") && module.split('.').any(|part| part == "ops")
}

/// Whether it can be explained.
pub(super) fn support(layer: &Layer) -> Support {
    let name = name(&layer.class, &layer.config);
    match operation(name) {
        Some(_) => Support::Known,
        None => Support::Unknown {
            operation: format!("the operation {name}"),
            advice: "",
        },
    }
}

/// The name of the operation that a class or its configuration names.
fn name<'a>(class: &'a str, config: &'a Map<String, Value>) -> &'a str {
    match is_lambda(class) {
        true => config
            .get("function")
            .and_then(Value::as_str)
            .unwrap_or(class),
        false => class,
    }
}

fn operation(name: &str) -> Option<Operation> {
    use Operation::{
        Concat, Each, ExpandDims, Flip, Gelu, Identity, Parts, Reduce, Reshape, Silu, Softmax,
        Square, Stack,
    };
    let clip = |min, max| Each(Unary::Clip(Clamp { min, max }));
    // Modules differ from version to version: `math.truediv`, `compat.v1.nn.relu6`.
    let last = name.rsplit('.').next().unwrap_or(name);
    Some(match last {
        "add" | "Add" | "AddV2" | "bias_add" => Operation::Binary(Binary::Add),
        "subtract" | "sub" | "Subtract" => Operation::Binary(Binary::Sub),
        "multiply" | "mul" | "Multiply" => Operation::Binary(Binary::Mul),
        "truediv" | "divide" | "TrueDivide" | "Divide" => Operation::Binary(Binary::Div),
        "maximum" | "Maximum" => Operation::Binary(Binary::Max),
        "minimum" | "Minimum" => Operation::Binary(Binary::Min),
        "relu" | "Relu" => Each(Unary::RELU),
        "relu6" | "Relu6" => clip(0.0, 6.0),
        "sigmoid" | "Sigmoid" => Each(Unary::Sigmoid),
        "tanh" | "Tanh" => Each(Unary::Tanh),
        "exp" | "Exp" => Each(Unary::Exp),
        "sqrt" | "Sqrt" => Each(Unary::Sqrt),
        "abs" | "Abs" | "Absolute" => Each(Unary::Abs),
        "negative" | "Negative" | "neg" => Each(Unary::Neg),
        "square" | "Square" => Square,
        "softmax" | "Softmax" => Softmax,
        "silu" | "swish" | "Silu" => Silu,
        "gelu" | "Gelu" => Gelu,
        "reduce_mean" | "Mean" => Reduce(Reduction::Mean),
        "reduce_sum" | "Sum" => Reduce(Reduction::Sum),
        "reduce_max" | "Max" => Reduce(Reduction::Max),
        "reshape" | "Reshape" => Reshape,
        "concat" | "Concatenate" => Concat,
        "stack" | "Stack" => Stack,
        "getitem" | "GetItem" => Parts,
        "flip" | "Flip" | "reverse" => Flip,
        "expand_dims" | "ExpandDims" => ExpandDims,
        "identity" | "Identity" | "cast" | "Cast" | "stop_gradient" => Identity,
        _ => return None,
    })
}

/// What an operation makes of its operands.
pub(super) fn apply(
    lowering: &mut Lowering<'_>,
    fields: &Fields<'_>,
    operands: &[Operand],
    named: &[(&str, Operand)],
) -> Result<Arranged> {
    let name = name(fields.class, fields.values);
    let operation =
        operation(name).ok_or_else(|| damaged(format!("the operation {name} is not known")))?;
    let arranger = &mut lowering.arranger;
    let find = |names: &[&str]| {
        let named = named.iter().find(|(name, _)| names.contains(name));
        named.map(|(_, operand)| operand)
    };
    let Some(first) = operands.first().or(find(&["x", "x1", "values", "inputs"])) else {
        return Err(damaged(format!("“{}” is called with nothing", fields.name)));
    };
    let x = value(arranger, first, fields)?;
    let axis = |usual: i64| -> Result<i64> {
        let axes = integers(find(&["axis"]), fields, "axis")?;
        Ok(axes.and_then(|axes| axes.first().copied()).unwrap_or(usual))
    };
    let made = match operation {
        Operation::Binary(binary) => {
            let Some(second) = operands.get(1).or(find(&["y", "x2", "bias"])) else {
                return Err(damaged(format!(
                    "“{}” is called with one operand",
                    fields.name
                )));
            };
            let y = value(arranger, second, fields)?;
            arranger.binary(binary, &x, &y)?
        }
        Operation::Each(unary) => arranger.unary(unary, &x)?,
        Operation::Softmax => arranger.softmax(&x, axis(-1)?)?,
        Operation::Silu => arranger.each(&x, |builder, x| builder.silu(x))?,
        Operation::Gelu => {
            let approximate = match find(&["approximate"]) {
                Some(Operand::Constant(value)) => value.as_bool().unwrap_or(false),
                _ => fields.flag("approximate", false),
            };
            arranger.each(&x, |builder, x| builder.gelu(x, approximate))?
        }
        Operation::Square => arranger.unary(Unary::Power { exponent: 2.0 }, &x)?,
        Operation::Reduce(reduction) => {
            let axes = integers(find(&["axis"]), fields, "axis")?.unwrap_or_default();
            let keep = match find(&["keepdims"]) {
                Some(Operand::Constant(value)) => value.as_bool().unwrap_or(false),
                _ => fields.flag("keepdims", false),
            };
            arranger.reduce(reduction, &x, &axes, keep)?
        }
        Operation::Reshape => {
            let shape = operands.get(1).or(find(&["shape", "newshape"]));
            let shape = integers(shape, fields, "newshape")?
                .ok_or_else(|| damaged(format!("“{}” does not say its shape", fields.name)))?;
            // The first is the batch, of which there is one here.
            let shape: Vec<i64> = std::iter::once(1)
                .chain(shape.into_iter().skip(1))
                .collect();
            arranger.reshape(&x, &shape)?
        }
        Operation::Concat => arranger.concat(&values(operands), axis(-1)?)?,
        Operation::Stack => {
            // Keras 2 names its list: `tf.stack([…], axis)`, by default before all others.
            let axis = axis(0)?;
            let values = values(operands);
            let layers = values.iter().map(|x| arranger.unsqueeze(x, axis));
            let layers: Vec<Arranged> = layers.collect::<Result<_>>()?;
            arranger.concat(&layers, axis)?
        }
        Operation::Parts => {
            let constants = operands.iter().skip(1).chain(find(&["slice_spec"]));
            let constants = constants.filter_map(|operand| match operand {
                Operand::Constant(Value::Array(parts)) => Some(parts.as_slice()),
                Operand::Constant(part) => Some(std::slice::from_ref(part)),
                Operand::Value(_) => None,
            });
            let parts: Vec<Value> = constants.flatten().cloned().collect();
            parts_of(arranger, &x, &parts, fields.name)?
        }
        Operation::Flip => {
            let axes = integers(find(&["axis"]), fields, "axis")?.unwrap_or_default();
            let each = |value: i64| vec![value; axes.len()];
            arranger.slice(&x, &each(-1), &each(i64::MIN), &axes, &each(-1))?
        }
        Operation::ExpandDims => arranger.unsqueeze(&x, axis(-1)?)?,
        Operation::Identity => x,
    };
    Ok(made)
}

/// Those of the operands that are no constants.
fn values(operands: &[Operand]) -> Vec<Arranged> {
    let values = operands.iter().filter_map(|operand| match operand {
        Operand::Value(x) => Some(x.clone()),
        Operand::Constant(_) => None,
    });
    values.collect()
}

fn value(arranger: &mut Arranger, operand: &Operand, fields: &Fields<'_>) -> Result<Arranged> {
    match operand {
        Operand::Value(x) => Ok(x.clone()),
        Operand::Constant(constant) => {
            let (mut shape, mut numbers) = (Vec::new(), Vec::new());
            // Keras 3 says which library's it was.
            let constant = match constant["class_name"].as_str() {
                Some("__tensor__" | "__numpy__") => &constant["config"]["value"],
                _ => constant,
            };
            collect(constant, 0, &mut shape, &mut numbers)
                .ok_or_else(|| fields.wrong("an operand", constant))?;
            arranger.constant(Constant::f32(&shape, numbers)?)
        }
    }
}

/// The numbers of a nested list, and its shape; nothing if its rows differ in length.
fn collect(
    value: &Value,
    depth: usize,
    shape: &mut Vec<usize>,
    numbers: &mut Vec<f32>,
) -> Option<()> {
    match value {
        Value::Array(values) => {
            match shape.get(depth) {
                Some(&length) if length != values.len() => return None,
                Some(_) => {}
                None => shape.push(values.len()),
            }
            values
                .iter()
                .try_for_each(|value| collect(value, depth + 1, shape, numbers))
        }
        value => {
            numbers.push(value.as_f64()? as f32);
            (depth == shape.len()).then_some(())
        }
    }
}

/// Whole numbers of an operand, or of the configuration.
fn integers(
    operand: Option<&Operand>,
    fields: &Fields<'_>,
    name: &str,
) -> Result<Option<Vec<i64>>> {
    let list = match operand {
        None | Some(Operand::Constant(Value::Null)) => return fields.integers(name),
        Some(Operand::Constant(Value::Array(values))) => values.iter().map(Value::as_i64).collect(),
        Some(Operand::Constant(value)) => value.as_i64().map(|value| vec![value]),
        Some(Operand::Value(_)) => None,
    };
    match list {
        Some(list) => Ok(Some(list)),
        None => Err(damaged(format!("“{}” has no fixed {name}", fields.name))),
    }
}
