//! One number of many.

use violet_graph::{Binary, Comparison, ElementType, Reduction, Unary, ValueId};

use super::super::call::{Answer, Call, NO_SLOPE, Operator, made, unsupported};
use super::super::value::{Tensor, Value};

/// Factors of a product along an axis, at most.
const MOST_FACTORS: usize = 64;

pub(super) fn find(name: &str) -> Option<Operator> {
    Some(match name {
        "sum" => |call| reduced(call, Reduction::Sum),
        "mean" => |call| reduced(call, Reduction::Mean),
        "logsumexp" => |call| reduced(call, Reduction::LogSumExp),
        "amax" => |call| reduced(call, Reduction::Max),
        "amin" => |call| {
            let (x, axes, keep) = along(call, 1)?;
            made(call.b.reduce_min(x, &axes, keep)?)
        },
        "max" => |call| extreme(call, Binary::Max),
        "min" => |call| extreme(call, Binary::Min),
        "argmax" => |call| arg_max(call, false),
        "argmin" => |call| arg_max(call, true),
        "norm" | "linalg_vector_norm" => norm,
        "frobenius_norm" | "linalg_norm" => |call| {
            let (x, axes, keep) = along(call, 1)?;
            made(call.b.reduce(Reduction::L2, x, &axes, keep)?)
        },
        "var" => |call| {
            let (variance, _) = variance(call)?;
            made(variance)
        },
        "std" => |call| {
            let (variance, _) = variance(call)?;
            made(call.b.unary(Unary::Sqrt, variance)?)
        },
        "var_mean" => |call| {
            let (variance, mean) = variance(call)?;
            let tensors = [variance, mean].map(|id| Value::Tensor(Tensor::new(id)));
            Ok(Value::list(tensors))
        },
        "prod" => product,
        "cumsum" => |call| {
            let x = call.x()?;
            let axis = call.int(1, "dim")?;
            cumulated(call, x, axis)
        },
        "any" => |call| counted(call, false),
        "all" => |call| counted(call, true),
        _ => return None,
    })
}

/// The first, along which axes, and whether they stay. Without axes along all of them.
fn along(call: &mut Call<'_>, place: usize) -> Answer<(ValueId, Vec<i64>, bool)> {
    let x = call.x()?;
    let mut axes = call.ints_or_none(place, "dim")?;
    let keep = call.flag(place + 1, "keepdim")?;
    if axes.is_empty() {
        axes = (0..call.shape(x).len() as i64).collect();
    }
    Ok((x, axes, keep))
}

fn reduced(call: &mut Call<'_>, reduction: Reduction) -> Answer<Value> {
    // A type may stand in place of the axes.
    if call.arguments.len() == 2 && matches!(call.arguments[1], Value::None) {
        call.arguments.pop();
    }
    let (x, axes, keep) = along(call, 1)?;
    let x = match call.element_type(x) {
        ElementType::Bool => call.b.cast(x, ElementType::I64)?,
        _ => x,
    };
    made(call.b.reduce(reduction, x, &axes, keep)?)
}

/// The larger of two, the largest of all, or the largest along an axis, with where it is: which only constants know.
fn extreme(call: &mut Call<'_>, binary: Binary) -> Answer<Value> {
    let x = call.x()?;
    if let Some(Value::Tensor(_)) = call.arguments.get(1) {
        let other = call.id(1, "other")?;
        return made(call.b.binary(binary, x, other)?);
    }
    let least = binary == Binary::Min;
    let (x, axes, keep) = along(call, 1)?;
    let found = match least {
        true => call.b.reduce_min(x, &axes, keep)?,
        false => call.b.reduce(Reduction::Max, x, &axes, keep)?,
    };
    if call.arguments.len() < 2 && call.named.is_empty() {
        return made(found);
    }
    let place = match call.b.known(x) {
        Some(_) => arg_max(call, least)?,
        // Whoever uses it is left out.
        None => Value::Failed,
    };
    Ok(Value::list(vec![Value::Tensor(Tensor::new(found)), place]))
}

fn arg_max(call: &mut Call<'_>, least: bool) -> Answer<Value> {
    let mut x = call.x()?;
    if least {
        x = call.b.unary(Unary::Neg, x)?;
    }
    let keep = call.flag(2, "keepdim")?;
    match call.get(1, "dim") {
        Some(_) => {
            let axis = call.int(1, "dim")?;
            made(call.b.arg_max(x, axis, keep)?)
        }
        None => {
            let flat = call.b.reshape(x, &[-1])?;
            made(call.b.arg_max(flat, 0, false)?)
        }
    }
}

/// The 2-norm or the 1-norm.
fn norm(call: &mut Call<'_>) -> Answer<Value> {
    let p = call.number(1, "p")?.unwrap_or(2.0);
    let (x, axes, keep) = along(call, 2)?;
    if p == 2.0 {
        return made(call.b.reduce(Reduction::L2, x, &axes, keep)?);
    }
    if p == 1.0 {
        let x = call.b.unary(Unary::Abs, x)?;
        return made(call.b.reduce(Reduction::Sum, x, &axes, keep)?);
    }
    unsupported(format!("its p is {p}, not 1 or 2"))
}

/// The variance and the mean. Divided by one less than there are, unless it says otherwise.
fn variance(call: &mut Call<'_>) -> Answer<(ValueId, ValueId)> {
    // Axes, and then whether and by how much less is divided; without axes the latter alone.
    let whole = matches!(call.arguments.get(1), Some(Value::Bool(_)) | None)
        && !call.named.iter().any(|(name, _)| &**name == "dim");
    let x = call.x()?;
    let rank = call.shape(x).len() as i64;
    let (axes, less, keep) = if whole {
        ((0..rank).collect(), call.int_or(1, "unbiased", 1)?, false)
    } else {
        let axes = call.ints(1, "dim")?;
        let less = match call.get(2, "unbiased") {
            Some(_) => call.int(2, "unbiased")?,
            None => call.int_or(usize::MAX, "correction", 1)?,
        };
        (axes, less, call.flag(3, "keepdim")?)
    };
    let shape = call.shape(x);
    let mut count = 1.0;
    for axis in call.b.axes(x, &axes)? {
        count *= shape[axis] as f32;
    }
    let mean = call.b.reduce(Reduction::Mean, x, &axes, true)?;
    let apart = call.b.binary(Binary::Sub, x, mean)?;
    let squares = call.b.unary(Unary::Power { exponent: 2.0 }, apart)?;
    let sum = call.b.reduce(Reduction::Sum, squares, &axes, keep)?;
    let variance = call.b.affine(sum, 1.0 / (count - less as f32), 0.0)?;
    let mean = match keep {
        true => mean,
        false => call.b.squeeze(mean, &axes)?,
    };
    Ok((variance, mean))
}

fn product(call: &mut Call<'_>) -> Answer<Value> {
    let (x, axes, keep) = along(call, 1)?;
    let mut made_of_all = x;
    for axis in call.b.axes(x, &axes)? {
        let length = call.shape(made_of_all)[axis];
        if length > MOST_FACTORS {
            return unsupported(format!("it multiplies {length} numbers"));
        }
        let parts = call.b.split(made_of_all, axis as i64, &vec![1; length])?;
        made_of_all = call.b.all_of(Binary::Mul, &parts)?;
    }
    match keep {
        true => made(made_of_all),
        false => made(call.b.squeeze(made_of_all, &axes)?),
    }
}

/// Sums of all up to each, of constants.
fn cumulated(call: &mut Call<'_>, x: ValueId, axis: i64) -> Answer<Value> {
    if call.b.known(x).is_none() {
        return unsupported("it is of the picture");
    }
    let axis = call.b.axis(x, axis)?;
    let length = call.shape(x)[axis];
    if length > 1 << 12 {
        return unsupported("it is too long");
    }
    let parts = call.b.split(x, axis as i64, &vec![1; length])?;
    let mut sums: Vec<ValueId> = Vec::new();
    for part in parts {
        let sum = match sums.last() {
            Some(&before) => call.b.binary(Binary::Add, before, part)?,
            None => part,
        };
        sums.push(sum);
    }
    made(call.b.concat(&sums, axis as i64)?)
}

/// Whether some or all hold, of constants.
fn counted(call: &mut Call<'_>, all: bool) -> Answer<Value> {
    let (x, axes, keep) = along(call, 1)?;
    if call.b.known(x).is_none() {
        return unsupported(NO_SLOPE);
    }
    let none = call.b.number(0.0)?;
    let x = call.floats(x)?;
    let not = call.b.compare(Comparison::Equal, x, none)?;
    let counted = match all {
        true => not,
        false => call.b.not(not)?,
    };
    let counted = call.floats(counted)?;
    let count = call.b.reduce(Reduction::Sum, counted, &axes, keep)?;
    let never = call.b.compare(Comparison::Equal, count, none)?;
    made(match all {
        true => never,
        false => call.b.not(never)?,
    })
}
