//! Tensors that are made of nothing, and types.

use violet_graph::{Constant, Data, ElementType, ValueId};

use super::super::call::{Answer, Call, Operator, made, unsupported};
use super::super::value::Value;
use super::same;

/// Elements of a list that becomes a tensor, at most.
const LONGEST: usize = 1 << 16;

pub(super) fn find(name: &str) -> Option<Operator> {
    Some(match name {
        "zeros" | "empty" => |call| filled(call, 0, 0.0, 1),
        "ones" => |call| filled(call, 0, 1.0, 1),
        "full" => |call| {
            let value = call.number(1, "fill_value")?.unwrap_or_default();
            filled(call, 0, value, 2)
        },
        "new_zeros" | "new_empty" => |call| filled(call, 1, 0.0, 2),
        "new_ones" => |call| filled(call, 1, 1.0, 2),
        "new_full" => |call| {
            let value = call.number(2, "fill_value")?.unwrap_or_default();
            filled(call, 1, value, 3)
        },
        "zeros_like" | "empty_like" => |call| like(call, 0.0),
        "ones_like" => |call| like(call, 1.0),
        "full_like" => |call| {
            let value = call.number(1, "fill_value")?.unwrap_or_default();
            like(call, value)
        },
        // What is written into a tensor: see those whose names end in `_`.
        "zero" => |call| like(call, 0.0),
        "fill" => |call| {
            let x = call.x()?;
            let value = call.id(1, "value")?;
            let value = as_type(call, value, x)?;
            expanded(call, value, x)
        },
        "copy" => |call| {
            let x = call.x()?;
            let value = call.id(1, "src")?;
            let value = as_type(call, value, x)?;
            expanded(call, value, x)
        },
        "tensor" | "as_tensor" | "scalar_tensor" => tensor,
        "arange" => arange,
        "linspace" => |call| {
            let (start, end) = (
                call.float_or(0, "start", 0.0)?,
                call.float_or(1, "end", 0.0)?,
            );
            let steps = call.int(2, "steps")?;
            if !(1..=LONGEST as i64).contains(&steps) {
                return unsupported("it has too many steps");
            }
            let each = |k: i64| start + (end - start) * k as f32 / (steps - 1).max(1) as f32;
            let values: Vec<f32> = (0..steps).map(each).collect();
            let id = call.b.constant(Constant::f32(&[values.len()], values)?)?;
            made(id)
        },
        "to" | "type_as" | "_to_copy" => |call| to(call),
        "float" | "double" | "half" | "bfloat16" => |call| cast(call, ElementType::F32),
        "long" | "short" => |call| cast(call, ElementType::I64),
        "cpu" | "cuda" => same,
        "meshgrid" => meshgrid,
        "eye" => |call| {
            let count = call.int(0, "n")?;
            let count = usize::try_from(count)
                .ok()
                .filter(|&count| count <= 1 << 10);
            let Some(count) = count else {
                return unsupported("it is too large");
            };
            let values: Vec<f32> = (0..count * count)
                .map(|k| f32::from(u8::from(k % (count + 1) == 0)))
                .collect();
            let id = call.b.constant(Constant::f32(&[count, count], values)?)?;
            made(id)
        },
        _ => return None,
    })
}

/// The type that one of PyTorch's numbers means.
fn type_of(number: i64) -> ElementType {
    match number {
        0..=4 => ElementType::I64,
        11 => ElementType::Bool,
        _ => ElementType::F32,
    }
}

/// The type that is asked for; floats, if none is.
fn asked(call: &mut Call<'_>, place: usize) -> Answer<Option<ElementType>> {
    match call.get(place, "dtype") {
        Some(Value::Int(number)) => Ok(Some(type_of(*number))),
        _ => Ok(None),
    }
}

fn constant(value: f64, element_type: ElementType) -> Answer<Constant> {
    Ok(match element_type {
        ElementType::F32 => Constant::number(value as f32),
        ElementType::I64 => Constant::new(&[], Data::I64([value as i64].into()))?,
        ElementType::Bool => Constant::new(&[], Data::Bool([value != 0.0].into()))?,
    })
}

fn filled(call: &mut Call<'_>, size: usize, value: f64, dtype: usize) -> Answer<Value> {
    let shape = call.ints(size, "size")?;
    let usual = match size {
        0 => ElementType::F32,
        _ => {
            let x = call.x()?;
            call.element_type(x)
        }
    };
    let element_type = asked(call, dtype)?.unwrap_or(usual);
    let value = constant(value, element_type)?;
    made(call.b.full(&shape, &value)?)
}

fn like(call: &mut Call<'_>, value: f64) -> Answer<Value> {
    let x = call.x()?;
    let element_type = asked(call, usize::MAX)?.unwrap_or(call.element_type(x));
    let shape: Vec<i64> = call.shape(x).iter().map(|&n| n as i64).collect();
    let value = constant(value, element_type)?;
    made(call.b.full(&shape, &value)?)
}

fn as_type(call: &mut Call<'_>, value: ValueId, like: ValueId) -> Answer<ValueId> {
    // What depends on the picture is of floats, and so becomes what it is written into.
    match (call.b.known(value), call.b.known(like)) {
        (Some(_), Some(like)) => {
            let element_type = like.element_type();
            Ok(call.b.cast(value, element_type)?)
        }
        _ => call.floats(value),
    }
}

fn expanded(call: &mut Call<'_>, value: ValueId, like: ValueId) -> Answer<Value> {
    let shape: Vec<i64> = call.shape(like).iter().map(|&n| n as i64).collect();
    made(call.b.expand(value, &shape)?)
}

/// Of a number, or of numbers in lists.
fn tensor(call: &mut Call<'_>) -> Answer<Value> {
    fn collect(
        value: &Value,
        values: &mut Vec<f64>,
        shape: &mut Vec<usize>,
        depth: usize,
        whole: &mut bool,
    ) -> Answer<()> {
        if let Some(items) = value.items() {
            if shape.len() == depth {
                shape.push(items.len());
            }
            if depth > 8 || shape[depth] != items.len() || values.len() > LONGEST {
                return unsupported("its lists are of different lengths");
            }
            return items
                .iter()
                .try_for_each(|item| collect(item, values, shape, depth + 1, whole));
        }
        match value {
            Value::Int(number) => values.push(*number as f64),
            Value::Bool(truth) => values.push(f64::from(*truth)),
            Value::Float(number) => {
                *whole = false;
                values.push(*number);
            }
            other => return unsupported(format!("it is made of {}", other.kind())),
        }
        Ok(())
    }
    let Some(value) = call.get(0, "data").cloned() else {
        return unsupported("it is made of nothing");
    };
    if let Value::Tensor(_) = value {
        return to(call);
    }
    let (mut values, mut shape, mut whole) = (Vec::new(), Vec::new(), true);
    collect(&value, &mut values, &mut shape, 0, &mut whole)?;
    let usual = if whole {
        ElementType::I64
    } else {
        ElementType::F32
    };
    let element_type = asked(call, 1)?.unwrap_or(usual);
    let floats: Vec<f32> = values.iter().map(|&value| value as f32).collect();
    let made_of = match whole {
        true => Data::I64(values.iter().map(|&value| value as i64).collect()),
        false => Data::F32(floats.into()),
    };
    let id = call.b.constant(Constant::new(&shape, made_of)?)?;
    made(call.b.cast(id, element_type)?)
}

/// From 0 or a number to another, which is left out.
fn arange(call: &mut Call<'_>) -> Answer<Value> {
    // Numbers stand before what else is said of the tensor.
    let numbers = call
        .arguments
        .iter()
        .take_while(|value| matches!(value, Value::Int(_) | Value::Float(_) | Value::Tensor(_)));
    let mut count = numbers.count().min(3);
    // A type, then a layout, a device and whether memory is pinned.
    if call.arguments.len() >= 5 && count + 4 > call.arguments.len() {
        count = call.arguments.len() - 4;
    }
    let element_type = match call.named.iter().find(|(name, _)| &**name == "dtype") {
        Some((_, Value::Int(number))) => Some(type_of(*number)),
        _ => match call.arguments.get(count) {
            Some(Value::Int(number)) => Some(type_of(*number)),
            _ => None,
        },
    };
    let one = call
        .b
        .constant(Constant::new(&[], Data::I64([1].into()))?)?;
    let zero = call
        .b
        .constant(Constant::new(&[], Data::I64([0].into()))?)?;
    let (start, end, step) = match count {
        1 => (zero, call.x()?, one),
        2 => (call.x()?, call.id(1, "end")?, one),
        3 => (call.x()?, call.id(1, "end")?, call.id(2, "step")?),
        _ => return unsupported("it has no end"),
    };
    let mut ids = [start, end, step];
    if ids
        .iter()
        .any(|&id| call.element_type(id) == ElementType::F32)
    {
        for id in &mut ids {
            *id = call.floats(*id)?;
        }
    }
    let id = call.b.range(ids[0], ids[1], ids[2])?;
    match element_type {
        Some(element_type) => made(call.b.cast(id, element_type)?),
        None => made(id),
    }
}

fn cast(call: &mut Call<'_>, element_type: ElementType) -> Answer<Value> {
    let x = call.x()?;
    match call.element_type(x) == element_type {
        true => same(call),
        false => made(call.b.cast(x, element_type)?),
    }
}

/// To another type, which stands among places and whether it is copied; or that of another tensor.
fn to(call: &mut Call<'_>) -> Answer<Value> {
    let named = call.named.iter().find(|(name, _)| &**name == "dtype");
    let given = named.map(|(_, value)| value).or_else(|| {
        let others = call.arguments.iter().skip(1);
        others
            .clone()
            .find(|value| matches!(value, Value::Int(_) | Value::Tensor(_)))
    });
    match given.cloned() {
        Some(Value::Int(number)) => cast(call, type_of(number)),
        Some(Value::Tensor(other)) => {
            let other = other.read(call.b)?;
            let element_type = call.element_type(other);
            cast(call, element_type)
        }
        _ => same(call),
    }
}

/// Grids of coordinates, of rows before columns unless it says otherwise.
fn meshgrid(call: &mut Call<'_>) -> Answer<Value> {
    let lines = call.ids(0, "tensors")?;
    let by_columns = call.text(1, "indexing").as_deref() == Some("xy");
    let mut lengths: Vec<i64> = lines
        .iter()
        .map(|&line| call.shape(line).iter().product::<usize>() as i64)
        .collect();
    let mut axes: Vec<usize> = (0..lines.len()).collect();
    if by_columns && lines.len() >= 2 {
        lengths.swap(0, 1);
        axes.swap(0, 1);
    }
    let mut grids = Vec::new();
    for (&line, axis) in lines.iter().zip(axes) {
        let mut shape = vec![1; lengths.len()];
        shape[axis] = lengths[axis];
        let along = call.b.reshape(line, &shape)?;
        grids.push(made(call.b.expand(along, &lengths)?)?);
    }
    Ok(Value::list(grids))
}
