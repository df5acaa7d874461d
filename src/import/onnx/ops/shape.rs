//! What moves elements without changing them.

use violet_graph::{DepthOrder, PadMode, ValueId};

use super::super::call::{Answer, Call, Operator, Value, lengths, unsupported};
use super::arithmetic::as_floats;
use Operator::{Many, One};

pub(super) fn find(op_type: &str) -> Option<Operator> {
    Some(match op_type {
        "Reshape" => One(reshape),
        "Flatten" => One(|call| {
            let x = call.value(0)?;
            let axis = call.int("axis", 1)?;
            Ok(call.b.flatten(x, axis)?)
        }),
        "Squeeze" => One(|call| {
            let x = call.value(0)?;
            let axes = call.ints_or_input("axes", 1, "axes")?.unwrap_or_default();
            Ok(call.b.squeeze(x, &axes)?)
        }),
        "Unsqueeze" => One(|call| {
            let x = call.value(0)?;
            let axes = call.ints_or_input("axes", 1, "axes")?.unwrap_or_default();
            Ok(call.b.unsqueeze(x, &axes)?)
        }),
        "Transpose" => One(|call| {
            let x = call.value(0)?;
            let order = call.ints("perm")?.unwrap_or_default();
            Ok(call.b.transpose(x, &order)?)
        }),
        "Concat" => One(|call| {
            let inputs = call.values()?;
            let inputs = as_floats(call, inputs)?;
            let axis = call.int("axis", 1)?;
            Ok(call.b.concat(&inputs, axis)?)
        }),
        "Split" => Many(split),
        "Slice" => One(slice),
        "Expand" => One(expand),
        "Tile" => One(tile),
        "Pad" => One(pad),
        "DepthToSpace" => One(|call| {
            let x = call.value(0)?;
            let block = block(call)?;
            let order = match call.text("mode", "DCR")? {
                "CRD" => DepthOrder::ChannelsFirst,
                _ => DepthOrder::ChannelsLast,
            };
            Ok(call.b.depth_to_space(x, block, order)?)
        }),
        "SpaceToDepth" => One(|call| {
            let x = call.value(0)?;
            let block = block(call)?;
            if call.text("mode", "DCR")? != "DCR" {
                return unsupported("it puts channels before a block's pixels", "");
            }
            Ok(call.b.space_to_depth(x, block)?)
        }),
        _ => return None,
    })
}

fn block(call: &Call<'_, '_>) -> Answer<usize> {
    let block = call.int("blocksize", 0)?;
    usize::try_from(block).or_else(|_| call.wrong(format!("its blocks have {block} pixels")))
}

fn reshape(call: &mut Call<'_, '_>) -> Answer<ValueId> {
    let x = call.value(0)?;
    let Some(mut dims) = call.ints_or_input("shape", 1, "shape")? else {
        return call.wrong("it has no shape");
    };
    if call.int("allowzero", 0)? == 1 && dims.contains(&0) {
        let dims = lengths(&dims)?;
        return unsupported(format!("its shape, {dims:?}, is empty"), "");
    }
    let shape = call.shape(x);
    if let Some(batch) = call.batch {
        without_batch(&mut dims, &shape, batch);
    }
    Ok(call.b.reshape(x, &dims)?)
}

/// A shape that is written for a batch of pictures, for one: its first axis is, or contains, the
/// batch, and holds as many times too many elements.
fn without_batch(dims: &mut [i64], shape: &[usize], batch: usize) {
    let elements: usize = shape.iter().product();
    let batch = batch as i64;
    let resolved = dims.iter().enumerate().map(|(axis, &dim)| match dim {
        0 => shape.get(axis).map_or(1, |&length| length as i64),
        other => other,
    });
    let known = resolved
        .filter(|&dim| dim != -1)
        .try_fold(1, |product: i64, dim| product.checked_mul(dim));
    let (Some(first), Some(known)) = (dims.first_mut(), known) else {
        return;
    };
    let is_open = *first != -1 && dims[1..].contains(&-1);
    let first = &mut dims[0];
    let too_many = elements as i64 * batch == known && *first % batch == 0;
    if too_many || (is_open && *first == batch) {
        *first /= batch;
    }
}

/// Pieces of given lengths, or of equal ones; where they are not said, as many as there are
/// results.
fn split<'a>(call: &mut Call<'_, 'a>) -> Answer<Vec<Value<'a>>> {
    let x = call.value(0)?;
    let axis = call.int("axis", 0)?;
    let pieces = match call.ints_or_input("split", 1, "lengths")? {
        Some(lengths) => call.b.split(x, axis, &lengths)?,
        None => {
            let count = call.int("num_outputs", call.result_count() as i64)?;
            call.b
                .split_evenly(x, axis, usize::try_from(count).unwrap_or(0))?
        }
    };
    Ok(pieces.into_iter().map(Value::Graph).collect())
}

/// Until opset 9 the ranges are attributes.
fn slice(call: &mut Call<'_, '_>) -> Answer<ValueId> {
    let x = call.value(0)?;
    let starts = call
        .ints_or_input("starts", 1, "starts")?
        .unwrap_or_default();
    let ends = call.ints_or_input("ends", 2, "ends")?.unwrap_or_default();
    let axes = call.ints_or_input("axes", 3, "axes")?.unwrap_or_default();
    let steps = call.integers(4, "steps")?.unwrap_or_default();
    Ok(call.b.slice(x, &starts, &ends, &axes, &steps)?)
}

fn expand(call: &mut Call<'_, '_>) -> Answer<ValueId> {
    let x = call.value(0)?;
    let mut shape = call.integers(1, "shape")?.unwrap_or_default();
    // What is repeated for each picture of a batch is there once for one.
    if let (Some(batch), Some(first)) = (call.batch, shape.first_mut()) {
        let own = call.shape(x);
        if *first == batch as i64 && own.len() <= shape.len() {
            shape[0] = 1;
        }
    }
    Ok(call.b.expand(x, &shape)?)
}

/// Until opset 5 one axis and one number of copies.
fn tile(call: &mut Call<'_, '_>) -> Answer<ValueId> {
    let x = call.value(0)?;
    let repeats = call.integers(1, "repeats")?.unwrap_or_default();
    if call.opset < 6 {
        let axis = call.integers(2, "axis")?.unwrap_or_default();
        let rank = call.shape(x).len();
        let mut all = vec![1; rank];
        if let (&[axis], &[count]) = (&axis[..], &repeats[..]) {
            all[call.axis(axis, rank)?] = count;
        }
        return Ok(call.b.tile(x, &all)?);
    }
    Ok(call.b.tile(x, &repeats)?)
}

/// Until opset 10 pads and value are attributes; since opset 18 there may be a list of axes.
fn pad(call: &mut Call<'_, '_>) -> Answer<ValueId> {
    let x = call.value(0)?;
    let rank = call.shape(x).len();
    let Some(pads) = call.ints_or_input("pads", 1, "pads")? else {
        return call.wrong("it has no pads");
    };
    let value = match call.number(2, "value")? {
        Some(value) => value as f32,
        None => call.float("value", 0.0)?,
    };
    let axes = call.integers(3, "axes")?;
    let axes = match &axes {
        Some(axes) => axes
            .iter()
            .map(|&axis| call.axis(axis, rank))
            .collect::<Answer<_>>()?,
        None => (0..rank).collect::<Vec<usize>>(),
    };
    if pads.len() != 2 * axes.len() {
        return call.wrong(format!("pads are {pads:?}"));
    }
    let (mut before, mut after) = (vec![0; rank], vec![0; rank]);
    for (k, &axis) in axes.iter().enumerate() {
        before[axis] = pads[k];
        after[axis] = pads[axes.len() + k];
    }
    let mode = match call.text("mode", "constant")? {
        "constant" => PadMode::Constant(value),
        "reflect" => PadMode::Reflect,
        "edge" => PadMode::Edge,
        "wrap" => PadMode::Wrap,
        other => return unsupported(format!("its mode is “{other}”"), ""),
    };
    Ok(call.b.pad(x, &before, &after, mode)?)
}

#[cfg(test)]
mod tests {
    use super::without_batch;

    #[test]
    fn a_batch_of_64_becomes_one() {
        let after = |dims: &[i64], shape: &[usize]| {
            let mut dims = dims.to_vec();
            without_batch(&mut dims, shape, 64);
            dims
        };
        assert_eq!(after(&[64, 1568], &[1, 7, 7, 32]), [1, 1568]);
        assert_eq!(after(&[64, -1], &[1, 7, 7, 64]), [1, -1]);
        // Windows folded into the batch.
        assert_eq!(after(&[64 * 49, 96], &[1, 49, 96]), [49, 96]);
        assert_eq!(after(&[-1, 1568], &[1, 7, 7, 32]), [-1, 1568]);
        // Here 64 is something else.
        assert_eq!(after(&[64, 49], &[1, 7, 7, 64]), [64, 49]);
        assert_eq!(after(&[1, 64, -1], &[1, 7, 7, 64]), [1, 64, -1]);
    }
}
