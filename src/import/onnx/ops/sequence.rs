//! Sequences of values, which some exporters make of pieces just to take them out again.

use violet_graph::ValueId;

use super::super::call::{Answer, Call, Operator, Value, unsupported};
use Operator::{Many, One};

pub(super) fn find(op_type: &str) -> Option<Operator> {
    Some(match op_type {
        "SplitToSequence" => Many(split),
        "SequenceConstruct" => Many(|call| {
            let list = call.values()?.into_iter().map(Value::Graph).collect();
            Ok(vec![Value::List(list)])
        }),
        "SequenceAt" => Many(at),
        "ConcatFromSequence" => One(concat),
        _ => return None,
    })
}

fn list<'a>(call: &Call<'_, 'a>) -> Answer<Vec<Value<'a>>> {
    match call.inputs.first() {
        Some(Some(Value::List(list))) => Ok(list.clone()),
        _ => call.wrong("it does not take a sequence"),
    }
}

/// Pieces of a length, of a list of lengths, or of one element.
fn split<'a>(call: &mut Call<'_, 'a>) -> Answer<Vec<Value<'a>>> {
    let x = call.value(0)?;
    let shape = call.shape(x);
    let axis = call.axis(call.int("axis", 0)?, shape.len())?;
    let whole = shape[axis];
    let each = |length: usize| -> Vec<i64> {
        let length = length.max(1);
        (0..whole)
            .step_by(length)
            .map(|start| length.min(whole - start) as i64)
            .collect()
    };
    let (lengths, single) = match call.optional(1)? {
        None => (each(1), call.int("keepdims", 1)? == 0),
        Some(id) => {
            let is_number = call.shape(id).is_empty();
            let lengths = call.b.integers(id, "lengths")?;
            match (is_number, &lengths[..]) {
                (true, &[length]) => (each(usize::try_from(length).unwrap_or(0)), false),
                _ => (lengths, false),
            }
        }
    };
    let mut pieces = call.b.split(x, axis as i64, &lengths)?;
    if single {
        for piece in &mut pieces {
            *piece = call.b.squeeze(*piece, &[axis as i64])?;
        }
    }
    Ok(vec![Value::List(
        pieces.into_iter().map(Value::Graph).collect(),
    )])
}

fn at<'a>(call: &mut Call<'_, 'a>) -> Answer<Vec<Value<'a>>> {
    let list = list(call)?;
    let index = call
        .integers(1, "index")?
        .and_then(|index| index.first().copied())
        .unwrap_or(0);
    let index = call.axis(index, list.len())?;
    Ok(vec![list[index].clone()])
}

fn concat(call: &mut Call<'_, '_>) -> Answer<ValueId> {
    let list = list(call)?;
    let ids = list.iter().map(|value| match value {
        Value::Graph(id) => Ok(*id),
        _ => unsupported("it takes a sequence of sequences", ""),
    });
    let mut ids = ids.collect::<Answer<Vec<_>>>()?;
    let axis = call.int("axis", 0)?;
    if call.int("new_axis", 0)? == 1 {
        for id in &mut ids {
            *id = call.b.unsqueeze(*id, &[axis])?;
        }
    }
    Ok(call.b.concat(&ids, axis)?)
}
