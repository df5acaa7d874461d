//! Functions of two or more numbers.

use std::sync::Arc;

use violet_graph::{Binary, Constant, Data, ElementType, Operation, Taps, ValueId};

use super::super::call::{Answer, Call, Operator, Value, unsupported};
use Operator::One;

pub(super) fn find(op_type: &str) -> Option<Operator> {
    Some(match op_type {
        "Add" => One(|call| binary(call, Binary::Add)),
        "Sub" => One(|call| binary(call, Binary::Sub)),
        "Mul" => One(|call| binary(call, Binary::Mul)),
        "Div" => One(|call| binary(call, Binary::Div)),
        "Sum" => One(sum),
        "Mean" => One(mean),
        "Max" => One(|call| extreme(call, Binary::Max)),
        "Min" => One(|call| extreme(call, Binary::Min)),
        "Pow" => One(|call| {
            let (x, exponent) = (call.value(0)?, call.value(1)?);
            if let (Some(base), Some(_)) = (call.b.known(x), call.b.known(exponent)) {
                let element_type = base.element_type();
                return Ok(call
                    .b
                    .zip_constants("Pow", element_type, [x, exponent], f64::powf)?);
            }
            Ok(call.b.power(x, exponent)?)
        }),
        "Mod" => One(modulo),
        "Floor" => One(|call| of_constant(call, f64::floor)),
        "Ceil" => One(|call| of_constant(call, f64::ceil)),
        "Round" => One(|call| of_constant(call, f64::round_ties_even)),
        "Sign" => One(|call| of_constant(call, |x| if x == 0.0 { 0.0 } else { x.signum() })),
        "Cast" => One(|call| {
            let to = call.int("to", 0)?;
            cast(call, to)
        }),
        "CastLike" => One(cast_like),
        "CumSum" => One(cumulative_sum),
        _ => return None,
    })
}

/// Two values as they are broadcast. Before opset 7 the second one's place is said by `axis`.
fn binary(call: &mut Call<'_, '_>, operation: Binary) -> Answer<ValueId> {
    let (a, mut b) = (call.value(0)?, call.value(1)?);
    if call.opset < 7 && call.int("broadcast", 0)? == 1 && call.has_attribute("axis") {
        let (rank, own) = (call.shape(a).len(), call.shape(b));
        let axis = call.int("axis", 0)?;
        let axis = call.axis(axis, rank.max(1))?;
        let after = rank.saturating_sub(axis + own.len());
        let shape = own.iter().map(|&length| length as i64);
        let shape: Vec<i64> = shape.chain(std::iter::repeat_n(1, after)).collect();
        b = call.b.reshape(b, &shape)?;
    }
    let inputs = as_floats(call, vec![a, b])?;
    Ok(call.b.binary(operation, inputs[0], inputs[1])?)
}

/// Beside what depends on the picture, integers of the file count as floats.
pub(super) fn as_floats(call: &mut Call<'_, '_>, inputs: Vec<ValueId>) -> Answer<Vec<ValueId>> {
    if inputs.iter().all(|&id| call.b.known(id).is_some()) {
        return Ok(inputs);
    }
    let cast = inputs
        .into_iter()
        .map(|id| Ok(call.b.cast(id, ElementType::F32)?));
    cast.collect()
}

/// The sum of all inputs.
pub(super) fn sum(call: &mut Call<'_, '_>) -> Answer<ValueId> {
    extreme(call, Binary::Add)
}

/// All inputs, one after another.
fn extreme(call: &mut Call<'_, '_>, operation: Binary) -> Answer<ValueId> {
    let mut inputs = Vec::new();
    for index in 0..call.inputs.len() {
        inputs.extend(call.optional(index)?);
    }
    let inputs = as_floats(call, inputs)?;
    Ok(call.b.all_of(operation, &inputs)?)
}

fn mean(call: &mut Call<'_, '_>) -> Answer<ValueId> {
    let sum = sum(call)?;
    let count = call.b.number(call.inputs.len() as f32)?;
    Ok(call.b.binary(Binary::Div, sum, count)?)
}

/// What has no slope: only of constants.
fn of_constant(call: &mut Call<'_, '_>, f: fn(f64) -> f64) -> Answer<ValueId> {
    let x = call.value(0)?;
    Ok(call.b.map_constant(call.node.op_type, x, f)?)
}

/// A constant of another's type.
pub(super) fn like(other: &Constant, shape: &[usize], numbers: &[f64]) -> Answer<Constant> {
    Ok(match other.element_type() {
        ElementType::F32 => {
            Constant::f32(shape, numbers.iter().map(|&x| x as f32).collect::<Vec<_>>())?
        }
        ElementType::I64 => {
            Constant::i64(shape, numbers.iter().map(|&x| x as i64).collect::<Vec<_>>())?
        }
        ElementType::Bool => Constant::new(
            shape,
            Data::Bool(numbers.iter().map(|&x| x != 0.0).collect()),
        )?,
    })
}

/// Remainders of constants: of the divisor's sign, or with `fmod` of the dividend's.
fn modulo(call: &mut Call<'_, '_>) -> Answer<ValueId> {
    let (a, b) = (call.value(0)?, call.value(1)?);
    let fmod = call.int("fmod", 0)? == 1;
    let element_type = call
        .b
        .known(a)
        .map_or(ElementType::F32, Constant::element_type);
    Ok(call
        .b
        .zip_constants("Mod", element_type, [a, b], |a, b| match fmod {
            true => a % b,
            false => a - b * (a / b).floor(),
        })?)
}

/// Floats of any width are one type here; what becomes an integer or a boolean loses its slope.
fn cast(call: &mut Call<'_, '_>, to: i64) -> Answer<ValueId> {
    use super::super::tensor::{data_type, is_float};
    let x = call.value(0)?;
    let element_type = match to {
        _ if is_float(to) => ElementType::F32,
        data_type::BOOL => ElementType::Bool,
        data_type::INT32 | data_type::INT64 | data_type::UINT32 | data_type::UINT64 => {
            ElementType::I64
        }
        data_type::UINT8 | data_type::INT8 | data_type::UINT16 | data_type::INT16 => {
            ElementType::I64
        }
        _ => return unsupported("it casts to a type of too few bits", ""),
    };
    Ok(call.b.cast(x, element_type)?)
}

fn cast_like(call: &mut Call<'_, '_>) -> Answer<ValueId> {
    if let Some(Some(Value::Tensor(tensor))) = call.inputs.get(1) {
        let to = tensor.data_type;
        return cast(call, to);
    }
    let (x, like) = (call.value(0)?, call.value(1)?);
    let element_type = call
        .b
        .known(like)
        .map_or(ElementType::F32, Constant::element_type);
    Ok(call.b.cast(x, element_type)?)
}

/// Sums up to each element along an axis: a matrix of ones on one side of its diagonal.
fn cumulative_sum(call: &mut Call<'_, '_>) -> Answer<ValueId> {
    let x = call.value(0)?;
    let shape = call.shape(x);
    let axis = call
        .integers(1, "axis")?
        .and_then(|axis| axis.first().copied())
        .unwrap_or(0);
    let axis = call.axis(axis, shape.len())?;
    let (exclusive, reverse) = (call.int("exclusive", 0)? == 1, call.int("reverse", 0)? == 1);
    let length = shape[axis];
    // The taps are as many as the square of the axis.
    if length > 4096 {
        return unsupported(format!("it sums along {length} elements"), "");
    }
    let rows = (0..length).map(|row| {
        let range = match (reverse, exclusive) {
            (false, false) => 0..row + 1,
            (false, true) => 0..row,
            (true, false) => row..length,
            (true, true) => row + 1..length,
        };
        range.map(|index| (index, 1.0)).collect()
    });
    let taps = Arc::new(Taps::new(rows));
    Ok(call.b.push(Operation::Resample { axis, taps }, &[x])?)
}
