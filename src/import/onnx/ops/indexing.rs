//! Elements by their index. What is picked may depend on the picture, which is picked may not.

use violet_graph::{Constant, Data, ElementType, ValueId};

use super::super::call::{Answer, Call, Operator, Refusal, unsupported};
use super::arithmetic::like;
use Operator::One;

pub(super) fn find(op_type: &str) -> Option<Operator> {
    Some(match op_type {
        "Gather" => One(gather),
        "GatherElements" => One(gather_elements),
        "GatherND" => One(gather_nd),
        "ScatterND" => One(scatter_nd),
        "OneHot" => One(one_hot),
        "Trilu" => One(triangle),
        // They pick by what the picture gives.
        "TopK" | "NonMaxSuppression" | "Unique" => One(|_| Err(Refusal::NoSlope)),
        _ => return None,
    })
}

/// The indices at a place; if they depend on the picture, what they pick has no slope.
fn indices(call: &mut Call<'_, '_>, index: usize) -> Answer<(Vec<i64>, Vec<usize>)> {
    let id = call.value(index)?;
    match call.b.known(id) {
        Some(constant) => Ok((constant.to_i64(), constant.shape().to_vec())),
        None => Err(Refusal::NoSlope),
    }
}

fn gather(call: &mut Call<'_, '_>) -> Answer<ValueId> {
    let x = call.value(0)?;
    let (indices, shape) = indices(call, 1)?;
    let axis = call.int("axis", 0)?;
    Ok(call.b.gather(x, axis, &indices, &shape)?)
}

/// One element for each index, along one axis.
fn gather_elements(call: &mut Call<'_, '_>) -> Answer<ValueId> {
    let x = call.value(0)?;
    let (indices, made) = indices(call, 1)?;
    let shape = call.shape(x);
    let axis = call.axis(call.int("axis", 0)?, shape.len())?;
    if made.len() != shape.len() {
        return call.wrong(format!("indices of shape {made:?} for {shape:?}"));
    }
    let flat = indices.iter().enumerate().map(|(at, &index)| {
        let mut rest = at;
        let mut place = 0;
        let mut stride = 1;
        for k in (0..shape.len()).rev() {
            let own = rest % made[k];
            rest /= made[k];
            let own = if k == axis {
                wrapped(index, shape[k])?
            } else {
                own
            };
            if own >= shape[k] {
                return None;
            }
            place += own * stride;
            stride *= shape[k];
        }
        Some(place as i64)
    });
    let flat: Option<Vec<i64>> = flat.collect();
    picked(call, x, flat, &made)
}

/// Elements, or whole parts, by indices of the axes after the first `batch_dims`.
fn gather_nd(call: &mut Call<'_, '_>) -> Answer<ValueId> {
    let x = call.value(0)?;
    let (indices, index_shape) = indices(call, 1)?;
    let shape = call.shape(x);
    let batch = usize::try_from(call.int("batch_dims", 0)?).unwrap_or(usize::MAX);
    let Some((&depth, outer)) = index_shape.split_last() else {
        return call.wrong("its indices have no axis");
    };
    let rank = batch.saturating_add(depth);
    if rank > shape.len() || batch > outer.len() || depth == 0 || shape[..batch] != outer[..batch] {
        return call.wrong(format!("indices of shape {index_shape:?} for {shape:?}"));
    }
    // The parts picked are rows of a table.
    let table: usize = shape[..rank].iter().product();
    let kept: Vec<i64> = shape[rank..].iter().map(|&length| length as i64).collect();
    let each: usize = outer[batch..].iter().product();
    let rows = indices.chunks(depth).enumerate().map(|(at, index)| {
        let first = at / each.max(1);
        index
            .iter()
            .zip(&shape[batch..rank])
            .try_fold(first, |row, (&index, &length)| {
                Some(row * length + wrapped(index, length)?)
            })
    });
    let rows: Option<Vec<i64>> = rows.map(|row| row.map(|row| row as i64)).collect();
    let Some(rows) = rows else {
        return call.wrong("an index is out of range");
    };
    let rows_of = call.b.reshape(x, &[vec![table as i64], kept].concat())?;
    Ok(call.b.gather(rows_of, 0, &rows, outer)?)
}

/// Writes constants into constants, or puts values that depend on the picture in places of others.
fn scatter_nd(call: &mut Call<'_, '_>) -> Answer<ValueId> {
    if call.text("reduction", "none")? != "none" {
        return unsupported("it adds up what it writes", "");
    }
    let (x, updates) = (call.value(0)?, call.value(2)?);
    let (indices, index_shape) = indices(call, 1)?;
    let shape = call.shape(x);
    let depth = index_shape.last().copied().unwrap_or(0);
    if depth == 0 || depth > shape.len() {
        return call.wrong(format!("indices of shape {index_shape:?} for {shape:?}"));
    }
    let table: usize = shape[..depth].iter().product();
    let kept: Vec<i64> = shape[depth..].iter().map(|&length| length as i64).collect();
    // Where each row comes from: from x, or from the updates that lie after it.
    let mut rows: Vec<i64> = (0..table as i64).collect();
    for (at, index) in indices.chunks(depth).enumerate() {
        let row = index
            .iter()
            .zip(&shape)
            .try_fold(0, |row, (&index, &length)| {
                Some(row * length + wrapped(index, length)?)
            });
        let Some(row) = row else {
            return call.wrong("an index is out of range");
        };
        rows[row] = (table + at) as i64;
    }
    let x = call
        .b
        .reshape(x, &[vec![table as i64], kept.clone()].concat())?;
    let updates = call.b.reshape(updates, &[vec![-1], kept].concat())?;
    let all = call.b.concat(&[x, updates], 0)?;
    let count = rows.len();
    let all = call.b.gather(all, 0, &rows, &[count])?;
    let shape: Vec<i64> = shape.iter().map(|&length| length as i64).collect();
    Ok(call.b.reshape(all, &shape)?)
}

fn picked(
    call: &mut Call<'_, '_>,
    x: ValueId,
    indices: Option<Vec<i64>>,
    shape: &[usize],
) -> Answer<ValueId> {
    let Some(indices) = indices else {
        return call.wrong("an index is out of range");
    };
    let flat = call.b.reshape(x, &[-1])?;
    Ok(call.b.gather(flat, 0, &indices, shape)?)
}

/// An index that may be counted from the end.
fn wrapped(index: i64, length: usize) -> Option<usize> {
    let index = if index < 0 {
        index.checked_add(length as i64)?
    } else {
        index
    };
    usize::try_from(index).ok().filter(|&index| index < length)
}

/// Elements of what is made here by itself.
const MOST: usize = 1 << 22;

fn one_hot(call: &mut Call<'_, '_>) -> Answer<ValueId> {
    let (indices, shape) = indices(call, 0)?;
    let depth = call.number(1, "depth")?.unwrap_or(0.0) as usize;
    let values = call.constant(2, "values")?;
    let (&[off, on], axis) = (&values.to_f64()[..], call.int("axis", -1)?) else {
        return call.wrong("its values are not two");
    };
    let axis = call.axis(axis, shape.len() + 1)?;
    let elements = indices.len().saturating_mul(depth);
    if elements > MOST {
        return unsupported(format!("it has {elements} elements"), "");
    }
    let inner: usize = shape[axis..].iter().product();
    let numbers: Vec<f64> = (0..elements)
        .map(|at| {
            let (outer, class, inside) = (at / (inner * depth), at / inner % depth, at % inner);
            let index = wrapped(indices[outer * inner + inside], depth);
            if index == Some(class) { on } else { off }
        })
        .collect();
    let made = [&shape[..axis], &[depth], &shape[axis..]].concat();
    let constant = like(&values, &made, &numbers)?;
    Ok(call.b.constant(constant)?)
}

/// What lies above or below a diagonal; the rest is 0.
fn triangle(call: &mut Call<'_, '_>) -> Answer<ValueId> {
    let x = call.value(0)?;
    let shape = call.shape(x);
    let &[.., rows, columns] = &shape[..] else {
        return call.wrong("it is no matrix");
    };
    let upper = call.int("upper", 1)? == 1;
    let k = call
        .integers(1, "diagonal")?
        .and_then(|k| k.first().copied())
        .unwrap_or(0);
    let elements = rows.saturating_mul(columns);
    if elements > MOST {
        return unsupported(format!("it has {elements} elements"), "");
    }
    let kept = |at: usize| {
        let offset = (at % columns) as i64 - (at / columns) as i64;
        if upper { offset >= k } else { offset <= k }
    };
    let mask: Vec<bool> = (0..elements).map(kept).collect();
    let mask = call
        .b
        .constant(Constant::new(&[rows, columns], Data::Bool(mask.into()))?)?;
    let element_type = call
        .b
        .known(x)
        .map_or(ElementType::F32, Constant::element_type);
    let zero = call.b.constant(match element_type {
        ElementType::F32 => Constant::number(0.0),
        ElementType::I64 => Constant::i64(&[], [0])?,
        ElementType::Bool => Constant::new(&[], Data::Bool([false].into()))?,
    })?;
    Ok(call.b.select(mask, x, zero)?)
}
