//! Values that the file or the shapes hold, not the picture.

use violet_graph::{Constant, ValueId, limits};

use super::super::call::{Answer, Call, Operator, Refusal, Value, lengths, unsupported};
use super::super::{damaged, tensor};
use Operator::{Many, One};

pub(super) fn find(op_type: &str) -> Option<Operator> {
    Some(match op_type {
        "Constant" => Many(constant),
        "ConstantOfShape" => One(constant_of_shape),
        "Shape" => One(shape),
        "Size" => One(|call| {
            let x = call.value(0)?;
            let elements = call.shape(x).iter().product::<usize>() as i64;
            Ok(call.b.constant(Constant::i64(&[], [elements])?)?)
        }),
        "Range" => One(|call| {
            let (start, limit, delta) = (call.value(0)?, call.value(1)?, call.value(2)?);
            Ok(call.b.range(start, limit, delta)?)
        }),
        "EyeLike" => One(eye_like),
        "NonZero" => One(non_zero),
        "Identity" => Many(identity),
        // Until opset 6 it says so itself; a mask is made for training only.
        "Dropout" => Many(|call| Ok(vec![identity(call)?.remove(0), Value::Unused])),
        _ => return None,
    })
}

fn identity<'a>(call: &mut Call<'_, 'a>) -> Answer<Vec<Value<'a>>> {
    match call.inputs.first() {
        Some(Some(value)) => Ok(vec![value.clone()]),
        _ => Err(damaged(format!("{} lacks an input", call.describe())).into()),
    }
}

fn constant<'a>(call: &mut Call<'_, 'a>) -> Answer<Vec<Value<'a>>> {
    let wire = |error| Refusal::from(damaged(format!("in a constant, {error}")));
    let tensor = match call.attributes.get("value") {
        Some(attribute) => attribute.tensor().map_err(wire)?,
        None => None,
    };
    if let Some(tensor) = tensor {
        return Ok(vec![Value::Tensor(tensor)]);
    }
    let constant = if call.has_attribute("value_float") {
        Constant::number(call.float("value_float", 0.0)?)
    } else if call.has_attribute("value_int") {
        Constant::i64(&[], [call.int("value_int", 0)?])?
    } else if let Some(floats) = call.floats("value_floats")? {
        Constant::f32(&[floats.len()], floats)?
    } else if let Some(ints) = call.ints("value_ints")? {
        Constant::integers(ints)
    } else {
        return unsupported("it holds text or sparse numbers", "");
    };
    Ok(vec![Value::Graph(call.b.constant(constant)?)])
}

fn constant_of_shape(call: &mut Call<'_, '_>) -> Answer<ValueId> {
    let shape = call.integers(0, "shape")?.unwrap_or_default();
    let wire = |error| Refusal::from(damaged(format!("in a constant, {error}")));
    let value = match call.attributes.get("value") {
        Some(attribute) => attribute.tensor().map_err(wire)?,
        None => None,
    };
    let value = match value {
        Some(value) => tensor::constant(&value, call.beside)?,
        None => Constant::number(0.0),
    };
    // Weights of tests are made so; they are larger than what a network computes of constants.
    let elements = shape.iter().try_fold(1, |n: usize, &length| {
        n.checked_mul(usize::try_from(length).ok()?)
    });
    if let (Some(elements), Some(&[value])) = (elements, value.floats().map(|data| &data[..]))
        && (limits::COMPUTED..=limits::ELEMENTS).contains(&elements)
    {
        let constant = Constant::f32(&lengths(&shape)?, vec![value; elements])?;
        return Ok(call.b.constant(constant)?);
    }
    Ok(call.b.full(&shape, &value)?)
}

/// Since opset 15 of a range of axes, cut off at the ends.
fn shape(call: &mut Call<'_, '_>) -> Answer<ValueId> {
    let x = call.value(0)?;
    let dims: Vec<i64> = call.shape(x).iter().map(|&length| length as i64).collect();
    let rank = dims.len() as i64;
    let bound = |axis: i64| {
        let axis = if axis < 0 {
            axis.saturating_add(rank)
        } else {
            axis
        };
        axis.clamp(0, rank) as usize
    };
    let (start, end) = (bound(call.int("start", 0)?), bound(call.int("end", rank)?));
    let dims = dims.get(start..end).unwrap_or_default().to_vec();
    Ok(call.b.constant(Constant::integers(dims))?)
}

fn eye_like(call: &mut Call<'_, '_>) -> Answer<ValueId> {
    let x = call.value(0)?;
    let shape = call.shape(x);
    let &[rows, columns] = &shape[..] else {
        return call.wrong("it is no matrix");
    };
    let diagonal = call.int("k", 0)?;
    let elements = rows.saturating_mul(columns);
    if elements > MOST {
        return unsupported(format!("it has {elements} elements"), "");
    }
    let one = |index: usize| {
        let (row, column) = ((index / columns) as i64, (index % columns) as i64);
        f32::from(u8::from(column - row == diagonal))
    };
    let data: Vec<f32> = (0..elements).map(one).collect();
    Ok(call.b.constant(Constant::f32(&shape, data)?)?)
}

/// Elements of what is made here by itself.
const MOST: usize = 1 << 22;

/// The indices of what is not 0: only of constants, else it is cut off.
fn non_zero(call: &mut Call<'_, '_>) -> Answer<ValueId> {
    let x = call.value(0)?;
    let Some(constant) = call.b.known(x) else {
        return Err(Refusal::NoSlope);
    };
    if constant.elements() > MOST {
        return unsupported(format!("it has {} elements", constant.elements()), "");
    }
    let shape = constant.shape().to_vec();
    let found: Vec<usize> = constant
        .to_f64()
        .iter()
        .enumerate()
        .filter(|&(_, &value)| value != 0.0)
        .map(|(index, _)| index)
        .collect();
    let mut indices = Vec::new();
    let mut after = shape.iter().product::<usize>();
    for &length in &shape {
        after /= length.max(1);
        indices.extend(
            found
                .iter()
                .map(|&index| (index / after.max(1) % length.max(1)) as i64),
        );
    }
    Ok(call
        .b
        .constant(Constant::i64(&[shape.len(), found.len()], indices)?)?)
}
