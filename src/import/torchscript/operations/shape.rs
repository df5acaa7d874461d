//! Shapes, and the same elements otherwise arranged. Most of it are views.

use violet_graph::{PadMode, ValueId};

use super::super::call::{Answer, Call, Operator, made, unsupported};
use super::super::value::{Moved, Tensor, Value};
use super::layers::pair;
use super::same;

pub(super) fn find(name: &str) -> Option<Operator> {
    Some(match name {
        "size" | "shape" | "sym_size" => size,
        "dim" | "ndim" => |call| {
            let x = call.x()?;
            Ok(Value::Int(call.shape(x).len() as i64))
        },
        "numel" => |call| {
            let x = call.x()?;
            Ok(Value::Int(call.shape(x).iter().product::<usize>() as i64))
        },
        "view" | "reshape" | "_unsafe_view" | "_reshape_alias" => |call| {
            let shape = call.ints(1, "shape")?;
            reshaped(call, &shape)
        },
        "view_as" | "reshape_as" => |call| {
            let other = call.id(1, "other")?;
            let shape: Vec<i64> = call.shape(other).iter().map(|&n| n as i64).collect();
            reshaped(call, &shape)
        },
        "flatten" => flatten,
        "unflatten" => unflatten,
        "squeeze" => squeeze,
        "unsqueeze" => |call| {
            let (x, axis) = (call.x()?, call.int(1, "dim")?);
            let id = call.b.unsqueeze(x, &[axis])?;
            call.viewed(id, Moved::Reshaped)
        },
        "transpose" | "swapaxes" | "swapdims" => |call| {
            let (a, b) = (call.int(1, "dim0")?, call.int(2, "dim1")?);
            let x = call.x()?;
            let rank = call.shape(x).len();
            let (a, b) = (call.b.axis(x, a)?, call.b.axis(x, b)?);
            let mut order: Vec<i64> = (0..rank as i64).collect();
            order.swap(a, b);
            turned(call, order)
        },
        "t" | "numpy_T" | "mT" => |call| {
            let x = call.x()?;
            let rank = call.shape(x).len() as i64;
            turned(call, (0..rank).rev().collect())
        },
        "permute" => |call| {
            let order = call.ints(1, "dims")?;
            let x = call.x()?;
            let axes = call.b.axes(x, &order)?;
            if axes.len() != order.len() {
                return unsupported(format!("{order:?} is no order of axes"));
            }
            let rank = order.len() as i64;
            turned(
                call,
                order
                    .iter()
                    .map(|&axis| if axis < 0 { axis + rank } else { axis })
                    .collect(),
            )
        },
        "movedim" | "moveaxis" => moved,
        "slice" => slice,
        "narrow" => |call| {
            let (axis, start, length) = (
                call.int(1, "dim")?,
                call.int(2, "start")?,
                call.int(3, "length")?,
            );
            part(call, axis, start, start.saturating_add(length), 1)
        },
        "select" => select,
        "as_strided" => as_strided,
        "slice_scatter" => |call| {
            let source = call.id(1, "src")?;
            let axis = call.int_or(2, "dim", 0)?;
            let (start, end) = (
                call.int_or(3, "start", 0)?,
                call.int_or(4, "end", i64::MAX)?,
            );
            match call.int_or(5, "step", 1)? {
                1 => scattered(call, source, axis, start, end),
                _ => unsupported("it leaves elements out"),
            }
        },
        "select_scatter" => |call| {
            let (axis, index) = (call.int(2, "dim")?, call.int(3, "index")?);
            let source = call.id(1, "src")?;
            let source = call.b.unsqueeze(source, &[axis])?;
            let end = if index == -1 {
                i64::MAX
            } else {
                index.saturating_add(1)
            };
            scattered(call, source, axis, index, end)
        },
        "unbind" => |call| {
            let axis = call.int_or(1, "dim", 0)?;
            let x = call.x()?;
            let length = call.b.axis(x, axis).map(|axis| call.shape(x)[axis])?;
            let parts = (0..length as i64).map(|k| picked(call, axis, k));
            Ok(Value::list(parts.collect::<Answer<Vec<_>>>()?))
        },
        "chunk" => |call| {
            let (pieces, axis) = (call.int(1, "chunks")?, call.int_or(2, "dim", 0)?);
            let x = call.x()?;
            let length = call.b.axis(x, axis).map(|axis| call.shape(x)[axis])? as i64;
            pieces_of(
                call,
                axis,
                (length + pieces.clamp(1, length.max(1)) - 1) / pieces.max(1),
            )
        },
        "split" => |call| match call.get(1, "split_size").cloned() {
            Some(Value::List(_)) => lengths(call),
            _ => {
                let (length, axis) = (call.int(1, "split_size")?, call.int_or(2, "dim", 0)?);
                pieces_of(call, axis, length)
            }
        },
        "split_with_sizes" => lengths,
        "tensor_split" => |call| {
            let (pieces, axis) = (call.int(1, "sections")?, call.int_or(2, "dim", 0)?);
            let x = call.x()?;
            let length = call.b.axis(x, axis).map(|axis| call.shape(x)[axis])? as i64;
            if pieces < 1 || length % pieces != 0 {
                return unsupported("its parts are not of one length");
            }
            pieces_of(call, axis, length / pieces)
        },
        "cat" | "concat" | "concatenate" => |call| {
            let (parts, axis) = (call.ids(0, "tensors")?, call.int_or(1, "dim", 0)?);
            let parts = alike(call, parts)?;
            // What is empty takes part in nothing.
            let parts: Vec<ValueId> = parts
                .into_iter()
                .filter(|&part| call.shape(part) != [0])
                .collect();
            made(call.b.concat(&parts, axis)?)
        },
        "stack" => |call| {
            let (parts, axis) = (call.ids(0, "tensors")?, call.int_or(1, "dim", 0)?);
            let parts = alike(call, parts)?;
            let parts: Answer<Vec<ValueId>> = parts
                .into_iter()
                .map(|part| Ok(call.b.unsqueeze(part, &[axis])?))
                .collect();
            made(call.b.concat(&parts?, axis)?)
        },
        "expand" => |call| {
            let shape = call.ints(1, "size")?;
            expand(call, &shape)
        },
        "expand_as" => |call| {
            let other = call.id(1, "other")?;
            let shape: Vec<i64> = call.shape(other).iter().map(|&n| n as i64).collect();
            expand(call, &shape)
        },
        "broadcast_to" => |call| {
            let shape = call.ints(1, "size")?;
            expand(call, &shape)
        },
        "repeat" | "tile" => |call| {
            let repeats = call.ints(1, "repeats")?;
            let x = call.x()?;
            let shape = call.shape(x);
            let mut own = vec![1; repeats.len().saturating_sub(shape.len())];
            own.extend(shape.iter().map(|&n| n as i64));
            let x = call.b.reshape(x, &own)?;
            made(call.b.tile(x, &repeats)?)
        },
        "repeat_interleave" => |call| {
            let (x, count) = (call.x()?, call.int(1, "repeats")?);
            let axis = call.int(2, "dim")?;
            let own = call.b.axis(x, axis)?;
            let length = call.shape(x)[own] as i64;
            let places: Vec<i64> = (0..length.saturating_mul(count).min(1 << 24))
                .map(|k| k / count.max(1))
                .collect();
            made(call.b.gather(x, axis, &places, &[places.len()])?)
        },
        "roll" => roll,
        "flip" => |call| {
            let axes = call.ints(1, "dims")?;
            let x = call.x()?;
            let mut x = x;
            for axis in axes {
                x = call.b.slice(x, &[-1], &[i64::MIN], &[axis], &[-1])?;
            }
            made(x)
        },
        "channel_shuffle" => |call| {
            let (x, groups) = (call.x()?, call.int(1, "groups")?);
            let shape: Vec<i64> = call.shape(x).iter().map(|&n| n as i64).collect();
            let [n, channels, height, width] = shape[..] else {
                return unsupported("its input is no image");
            };
            if groups < 1 || channels % groups != 0 {
                return unsupported("its channels cannot be split so");
            }
            let apart = call
                .b
                .reshape(x, &[n, groups, channels / groups, height, width])?;
            let apart = call.b.transpose(apart, &[0, 2, 1, 3, 4])?;
            made(call.b.reshape(apart, &shape)?)
        },
        "contiguous" => |call| match call.tensor()? {
            tensor if tensor.is_turned() => {
                let id = call.x()?;
                made(id)
            }
            _ => same(call),
        },
        "detach" | "alias" | "data" | "requires_grad" | "lift_fresh" => same,
        "clone" | "_unsafe_clone" | "lift_fresh_copy" => |call| {
            let id = call.x()?;
            made(id)
        },
        "im2col" => windows,
        "_shape_as_tensor" => |call| {
            let x = call.x()?;
            made(call.b.shape_of(x)?)
        },
        _ => return None,
    })
}

fn size(call: &mut Call<'_>) -> Answer<Value> {
    let x = call.x()?;
    if call.get(1, "dim").is_none() {
        return Ok(Value::integers(call.shape(x).into_iter().map(|n| n as i64)));
    }
    let axis = call.int(1, "dim")?;
    let axis = call.b.axis(x, axis)?;
    Ok(Value::Int(call.shape(x)[axis] as i64))
}

fn reshaped(call: &mut Call<'_>, shape: &[i64]) -> Answer<Value> {
    let x = call.x()?;
    let id = call.b.reshape(x, shape)?;
    match call.tensor()?.is_turned() {
        true => made(id),
        false => call.viewed(id, Moved::Reshaped),
    }
}

fn flatten(call: &mut Call<'_>) -> Answer<Value> {
    let x = call.x()?;
    let shape = call.shape(x);
    if shape.is_empty() {
        return reshaped(call, &[1]);
    }
    let (first, last) = (
        call.int_or(1, "start_dim", 0)?,
        call.int_or(2, "end_dim", -1)?,
    );
    let (first, last) = (call.b.axis(x, first)?, call.b.axis(x, last)?);
    if first > last {
        return unsupported("it ends before it starts");
    }
    let product = shape[first..=last].iter().product();
    let shape = [&shape[..first], &[product], &shape[last + 1..]].concat();
    let shape: Vec<i64> = shape.into_iter().map(|n| n as i64).collect();
    reshaped(call, &shape)
}

fn unflatten(call: &mut Call<'_>) -> Answer<Value> {
    let (x, axis) = (call.x()?, call.int(1, "dim")?);
    let sizes = call.ints(2, "sizes")?;
    let axis = call.b.axis(x, axis)?;
    let shape: Vec<i64> = call.shape(x).into_iter().map(|n| n as i64).collect();
    let shape = [&shape[..axis], &sizes, &shape[axis + 1..]].concat();
    reshaped(call, &shape)
}

/// Axes that are longer than one stay, whether they are named or not.
fn squeeze(call: &mut Call<'_>) -> Answer<Value> {
    let x = call.x()?;
    let shape = call.shape(x);
    let named = call.ints_or_none(1, "dim")?;
    let axes = match named.is_empty() {
        true => (0..shape.len()).collect(),
        false => call.b.axes(x, &named)?,
    };
    let goes = |axis: &usize| axes.contains(axis) && shape[*axis] == 1;
    let left: Vec<i64> = (0..shape.len())
        .filter(|axis| !goes(axis))
        .map(|axis| shape[axis] as i64)
        .collect();
    let id = call.b.reshape(x, &left)?;
    call.viewed(id, Moved::Reshaped)
}

fn turned(call: &mut Call<'_>, order: Vec<i64>) -> Answer<Value> {
    let x = call.x()?;
    let id = call.b.transpose(x, &order)?;
    call.viewed(id, Moved::Transposed(order))
}

fn moved(call: &mut Call<'_>) -> Answer<Value> {
    let (from, to) = (call.ints(1, "source")?, call.ints(2, "destination")?);
    let x = call.x()?;
    let rank = call.shape(x).len();
    let (&[from], &[to]) = (&from[..], &to[..]) else {
        return unsupported("it moves several axes");
    };
    let (from, to) = (call.b.axis(x, from)?, call.b.axis(x, to)?);
    let mut order: Vec<i64> = (0..rank as i64).collect();
    let axis = order.remove(from);
    order.insert(to, axis);
    turned(call, order)
}

fn slice(call: &mut Call<'_>) -> Answer<Value> {
    let axis = call.int_or(1, "dim", 0)?;
    let start = call.int_or(2, "start", 0)?;
    let end = call.int_or(3, "end", i64::MAX)?;
    let step = call.int_or(4, "step", 1)?;
    part(call, axis, start, end, step)
}

/// Numbers of a tensor by where they lie in memory, of which a network says nothing: where only one axis is longer than 1,
/// there is one order that they can have.
fn as_strided(call: &mut Call<'_>) -> Answer<Value> {
    let x = call.x()?;
    let shape = call.shape(x);
    let size = call.ints(1, "size")?;
    let stride = call.ints(2, "stride")?;
    let long = |&(length, _): &(&i64, &i64)| *length != 1;
    let long: Vec<_> = size.iter().zip(&stride).filter(long).collect();
    let elements = size
        .iter()
        .fold(1i64, |n, &length| n.saturating_mul(length));
    let in_order = shape.iter().filter(|&&length| length != 1).count() <= 1
        && long.iter().all(|(_, stride)| **stride == 1)
        && long.len() <= 1
        && elements == shape.iter().product::<usize>() as i64
        && call.int_or(3, "storage_offset", 0)? == 0;
    match in_order {
        true => {
            let made = call.b.reshape(x, &size)?;
            call.viewed(made, Moved::Reshaped)
        }
        false => unsupported("it is by places in memory"),
    }
}

/// An axis, and from where to where along it.
fn along(call: &mut Call<'_>, axis: i64, start: i64, end: i64) -> Answer<[i64; 3]> {
    let x = call.x()?;
    let axis = call.b.axis(x, axis)?;
    let length = call.shape(x)[axis] as i64;
    let inside = |place: i64| {
        if place < 0 {
            place.saturating_add(length)
        } else {
            place
        }
        .clamp(0, length)
    };
    Ok([axis as i64, inside(start), inside(end)])
}

/// From a place to another along an axis.
fn part(call: &mut Call<'_>, axis: i64, start: i64, end: i64, step: i64) -> Answer<Value> {
    let x = call.x()?;
    let [axis, start, end] = along(call, axis, start, end)?;
    let id = call.b.slice(x, &[start], &[end], &[axis], &[step])?;
    match step {
        1 => call.viewed(id, Moved::Part { axis, start }),
        _ => made(id),
    }
}

/// A copy of the first tensor with another one in a part of it.
fn scattered(
    call: &mut Call<'_>,
    source: ValueId,
    axis: i64,
    start: i64,
    end: i64,
) -> Answer<Value> {
    let x = call.x()?;
    let [axis, start, end] = along(call, axis, start, end)?;
    let part = call.b.slice(x, &[start], &[end], &[axis], &[])?;
    if call.shape(part) != call.shape(source) {
        return unsupported("its part has another shape");
    }
    let copy = Tensor::new(x);
    Tensor::view(part, &copy, Moved::Part { axis, start }).write(call.b, source)?;
    Ok(Value::Tensor(copy))
}

fn select(call: &mut Call<'_>) -> Answer<Value> {
    let (axis, index) = (call.int(1, "dim")?, call.int(2, "index")?);
    picked(call, axis, index)
}

/// One element of an axis, which goes.
fn picked(call: &mut Call<'_>, axis: i64, index: i64) -> Answer<Value> {
    let x = call.x()?;
    let axis = call.b.axis(x, axis)?;
    let length = call.shape(x)[axis] as i64;
    let start = if index < 0 {
        index.saturating_add(length)
    } else {
        index
    };
    if !(0..length).contains(&start) {
        return unsupported(format!("there is no element {index} of {length}"));
    }
    let axis = axis as i64;
    let whole = call.tensor()?;
    let part = call.b.slice(x, &[start], &[start + 1], &[axis], &[])?;
    let part = Tensor::view(part, &whole, Moved::Part { axis, start });
    let id = part.read(call.b)?;
    let id = call.b.squeeze(id, &[axis])?;
    Ok(Value::Tensor(Tensor::view(id, &part, Moved::Reshaped)))
}

/// Parts of one length, the last perhaps shorter.
fn pieces_of(call: &mut Call<'_>, axis: i64, each: i64) -> Answer<Value> {
    let x = call.x()?;
    let length = call.b.axis(x, axis).map(|axis| call.shape(x)[axis])? as i64;
    if each < 1 {
        return unsupported("its parts have no length");
    }
    let mut parts = Vec::new();
    let mut start = 0;
    while start < length {
        parts.push(part(call, axis, start, start.saturating_add(each), 1)?);
        start = start.saturating_add(each);
    }
    Ok(Value::list(parts))
}

fn lengths(call: &mut Call<'_>) -> Answer<Value> {
    let (each, axis) = (call.ints(1, "split_sizes")?, call.int_or(2, "dim", 0)?);
    let mut parts = Vec::new();
    let mut start = 0i64;
    for length in each {
        let end = start.saturating_add(length.max(0));
        parts.push(part(call, axis, start, end, 1)?);
        start = end;
    }
    Ok(Value::list(parts))
}

/// Of one type of elements: floats, if one of them is of floats.
fn alike(call: &mut Call<'_>, parts: Vec<ValueId>) -> Answer<Vec<ValueId>> {
    let types: Vec<_> = parts.iter().map(|&part| call.element_type(part)).collect();
    if types.windows(2).all(|pair| pair[0] == pair[1]) {
        return Ok(parts);
    }
    parts.into_iter().map(|part| call.floats(part)).collect()
}

/// −1 stands for what is there.
fn expand(call: &mut Call<'_>, shape: &[i64]) -> Answer<Value> {
    let x = call.x()?;
    let own = call.shape(x);
    let new = shape.len().saturating_sub(own.len());
    let wanted: Vec<i64> = shape
        .iter()
        .enumerate()
        .map(|(k, &length)| match length {
            -1 => k
                .checked_sub(new)
                .and_then(|k| own.get(k))
                .map_or(1, |&n| n as i64),
            length => length,
        })
        .collect();
    made(call.b.expand(x, &wanted)?)
}

/// Every window of an image as a column: [N, C · rows · columns of a window, windows].
fn windows(call: &mut Call<'_>) -> Answer<Value> {
    let x = call.x()?;
    let [kernel, dilation, padding, stride] = [
        (1, "kernel_size"),
        (2, "dilation"),
        (3, "padding"),
        (4, "stride"),
    ]
    .map(|(place, name)| call.ints(place, name).and_then(|numbers| pair(&numbers)));
    let (kernel, dilation, padding, stride) = (kernel?, dilation?, padding?, stride?);
    let pads = padding.map(|pad| pad as i64);
    let around = [0, 0, pads[0], pads[1]];
    if call.shape(x).len() != 4 {
        return unsupported("its input is no image");
    }
    let x = call.b.pad(x, &around, &around, PadMode::Constant(0.0))?;
    let shape = call.shape(x);
    let mut counts = [0; 2];
    for k in 0..2 {
        let extent = (kernel[k].max(1) - 1) * dilation[k] + 1;
        match shape[2 + k].checked_sub(extent) {
            Some(rest) if stride[k] > 0 && kernel[k] > 0 => counts[k] = rest / stride[k] + 1,
            _ => return unsupported("it has no windows"),
        }
    }
    // Rows, then columns: each pixel of a window, at each place of it.
    let places = |k: usize| -> Vec<i64> {
        let of = |tap: usize| {
            (0..counts[k]).map(move |place| (place * stride[k] + tap * dilation[k]) as i64)
        };
        (0..kernel[k]).flat_map(of).collect()
    };
    let x = call.b.gather(x, 2, &places(0), &[kernel[0], counts[0]])?;
    let x = call.b.gather(x, 4, &places(1), &[kernel[1], counts[1]])?;
    let x = call.b.transpose(x, &[0, 1, 2, 4, 3, 5])?;
    let taps = shape[1] * kernel[0] * kernel[1];
    made(call.b.reshape(x, &[shape[0] as i64, taps as i64, -1])?)
}

fn roll(call: &mut Call<'_>) -> Answer<Value> {
    let (shifts, axes) = (call.ints(1, "shifts")?, call.ints_or_none(2, "dims")?);
    if shifts.len() != axes.len() {
        return unsupported("it rolls all elements");
    }
    let mut x = call.x()?;
    for (&shift, &axis) in shifts.iter().zip(&axes) {
        let length = call.b.axis(x, axis).map(|axis| call.shape(x)[axis])? as i64;
        let cut = shift.saturating_neg().rem_euclid(length.max(1));
        if cut == 0 {
            continue;
        }
        let last = call.b.slice(x, &[cut], &[length], &[axis], &[])?;
        let first = call.b.slice(x, &[0], &[cut], &[axis], &[])?;
        x = call.b.concat(&[last, first], axis)?;
    }
    made(x)
}
