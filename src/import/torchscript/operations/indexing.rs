//! Elements by their index, which has to be known.

use violet_graph::{Constant, ElementType, ValueId};

use super::super::call::{Answer, Call, Operator, made, unsupported};
use super::super::value::Value;

pub(super) fn find(name: &str) -> Option<Operator> {
    Some(match name {
        "index" => index,
        "index_select" => |call| {
            let (x, axis) = (call.x()?, call.int(1, "dim")?);
            let places = call.id(2, "index")?;
            let (places, _) = known(call, places)?;
            made(call.b.gather(x, axis, &places, &[places.len()])?)
        },
        "embedding" => |call| {
            let (weights, places) = (call.x()?, call.id(1, "indices")?);
            let (places, shape) = known(call, places)?;
            made(call.b.gather(weights, 0, &places, &shape)?)
        },
        "triu" => |call| triangle(call, |row, column, k| column - row >= k),
        "tril" => |call| triangle(call, |row, column, k| column - row <= k),
        _ => return None,
    })
}

/// Indices and their shape.
fn known(call: &mut Call<'_>, id: ValueId) -> Answer<(Vec<i64>, Vec<usize>)> {
    match call.b.known(id) {
        Some(constant) => Ok((constant.to_i64(), constant.shape().to_vec())),
        None => unsupported("its index depends on the picture"),
    }
}

/// A tensor of indices for some axes; of several, all of one shape, and of axes beside one another.
fn index(call: &mut Call<'_>) -> Answer<Value> {
    let x = call.x()?;
    let Some(items) = call.get(1, "indices").and_then(Value::items) else {
        return unsupported("it has no indices");
    };
    let mut named = Vec::new();
    for (axis, item) in items.iter().enumerate() {
        match item {
            Value::None => {}
            Value::Tensor(tensor) => named.push((axis, tensor.read(call.b)?)),
            other => return unsupported(format!("its index is {}", other.kind())),
        }
    }
    if named.iter().any(|&(_, id)| {
        call.b
            .known(id)
            .is_some_and(|c| c.element_type() == ElementType::Bool)
    }) {
        return unsupported("it is asked by a mask");
    }
    let shape = call.shape(x);
    let (first, last) = match (named.first(), named.last()) {
        (Some(&(first, _)), Some(&(last, _))) => (first, last),
        _ => return made(x),
    };
    if last - first + 1 != named.len() || last >= shape.len() {
        return unsupported("its axes are apart");
    }
    // All are broadcast, and become places along one axis.
    let mut all = named[0].1;
    for &(_, id) in &named[1..] {
        let zeros = call.b.map_constant("index", id, |_| 0.0)?;
        let ones = call.b.map_constant("index", all, |_| 0.0)?;
        let both = call
            .b
            .zip_constants("index", ElementType::I64, [zeros, ones], |_, _| 0.0)?;
        all = call
            .b
            .zip_constants("index", ElementType::I64, [all, both], |a, _| a)?;
    }
    let index_shape = call.shape(all);
    let wide: Vec<i64> = index_shape.iter().map(|&n| n as i64).collect();
    let mut places = vec![0i64; index_shape.iter().product()];
    for &(axis, id) in &named {
        let id = call.b.expand(id, &wide)?;
        let (own, _) = known(call, id)?;
        let length = shape[axis] as i64;
        for (place, &own) in places.iter_mut().zip(&own) {
            let own = if own < 0 { own + length } else { own };
            if !(0..length).contains(&own) {
                return unsupported("its index is outside");
            }
            *place = *place * length + own;
        }
    }
    let joined: usize = shape[first..=last].iter().product();
    let flat = [&shape[..first], &[joined], &shape[last + 1..]].concat();
    let flat: Vec<i64> = flat.into_iter().map(|n| n as i64).collect();
    let x = call.b.reshape(x, &flat)?;
    made(call.b.gather(x, first as i64, &places, &index_shape)?)
}

/// One triangle of a constant.
fn triangle(call: &mut Call<'_>, stays: fn(i64, i64, i64) -> bool) -> Answer<Value> {
    let x = call.x()?;
    let k = call.int_or(1, "diagonal", 0)?;
    let shape = call.shape(x);
    let [.., rows, columns] = shape[..] else {
        return unsupported("it is no matrix");
    };
    let mask: Vec<f32> = (0..rows * columns)
        .map(|at| {
            f32::from(u8::from(stays(
                (at / columns) as i64,
                (at % columns) as i64,
                k,
            )))
        })
        .collect();
    let mask = call.b.constant(Constant::f32(&[rows, columns], mask)?)?;
    let zero = call.b.number(0.0)?;
    let x = call.floats(x)?;
    made(call.b.select(mask, x, zero)?)
}
