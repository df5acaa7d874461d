//! The shape of what an operation makes, or why it cannot.

use crate::limits;
use crate::operation::{AveragePool, ConvolutionTranspose, Operation, Window};

/// The shape, or the reason why the shapes or attributes do not go with the operation.
pub(crate) type Inferred = Result<Vec<usize>, String>;

/// The shape that the operation makes of inputs of these shapes. Attributes that are not consistent
/// in themselves are refused, so that executors need not look at them again.
pub(crate) fn infer(operation: &Operation, inputs: &[&[usize]]) -> Inferred {
    let (least, most) = arity(operation);
    if inputs.len() < least || inputs.len() > most {
        return Err(format!("it has {} inputs", inputs.len()));
    }
    let x = inputs[0];
    match operation {
        Operation::Convolution(convolution) => {
            let shape = filtered(&convolution.window, convolution.groups, inputs)?;
            residual(inputs.get(3), &shape)?;
            Ok(shape)
        }
        Operation::ConvolutionTranspose(transpose) => spread(transpose, inputs),
        Operation::Linear { .. } => {
            let &[.., features] = x else {
                return Err("the input has no axis".into());
            };
            let &[outputs, expected] = inputs[1] else {
                return Err("the weights have not two axes".into());
            };
            check(expected == features, || {
                format!("the weights take {expected} features, the input has {features}")
            })?;
            bias(inputs[2], outputs)?;
            let shape = with_last(x, &[outputs], 1);
            residual(inputs.get(3), &shape)?;
            Ok(shape)
        }
        Operation::MatMul => product(x, inputs[1]),
        Operation::MaxPool(window) => pooled(window, x),
        Operation::AveragePool(pool) => averaged(pool, x),
        Operation::Unary(_) => Ok(x.to_vec()),
        Operation::PRelu => {
            let shape = broadcast(x, inputs[1])?;
            check(shape == x, || "the slopes have a larger shape".into())?;
            Ok(shape)
        }
        Operation::Binary(_) => broadcast(x, inputs[1]),
        Operation::Reduce { axes, .. } => {
            ascending(axes, x)?;
            let mut shape = x.to_vec();
            for &axis in axes {
                shape[axis] = 1;
            }
            Ok(shape)
        }
        Operation::Normalise { axes, epsilon } => {
            ascending(axes, x)?;
            check(epsilon.is_finite() && *epsilon >= 0.0, || {
                format!("ε is {epsilon}")
            })?;
            Ok(x.to_vec())
        }
        Operation::Softmax { axis } | Operation::LogSoftmax { axis } => {
            on_axis(*axis, x)?;
            Ok(x.to_vec())
        }
        Operation::ArgMax { axis } => {
            on_axis(*axis, x)?;
            let mut shape = x.to_vec();
            shape[*axis] = 1;
            Ok(shape)
        }
        Operation::Reshape { shape } => {
            check(elements(x) == elements(shape), || {
                format!("{} elements cannot become {shape:?}", elements(x))
            })?;
            Ok(shape.clone())
        }
        Operation::Transpose { order } => {
            let mut sorted = order.clone();
            sorted.sort_unstable();
            check(sorted.iter().copied().eq(0..x.len()), || {
                format!("{order:?} is no order of its axes")
            })?;
            Ok(order.iter().map(|&axis| x[axis]).collect())
        }
        Operation::Concat { axis } => concatenated(*axis, inputs),
        Operation::Slice {
            starts,
            steps,
            counts,
        } => {
            same_rank(x, [starts.len(), steps.len(), counts.len()])?;
            for axis in 0..x.len() {
                let (start, step, count) = (starts[axis], steps[axis], counts[axis]);
                let last = (count as i128 - 1) * step as i128 + start as i128;
                let fits = count == 0
                    || (start < x[axis] && last >= 0 && last < x[axis] as i128 && step != 0);
                check(fits, || {
                    format!("{count} elements from {start} by {step} are not in axis {axis}")
                })?;
            }
            Ok(counts.clone())
        }
        Operation::Gather { axis, indices } => {
            on_axis(*axis, x)?;
            let length = x[*axis];
            let outside = indices.iter().find(|&&index| index >= length);
            check(outside.is_none(), || {
                format!("index {outside:?} of an axis of {length} elements")
            })?;
            let mut shape = x.to_vec();
            shape[*axis] = indices.len();
            Ok(shape)
        }
        Operation::Expand { shape } => {
            same_rank(x, [shape.len()])?;
            let fits = x
                .iter()
                .zip(shape)
                .all(|(&from, &to)| from == to || from == 1);
            check(fits, || format!("it cannot be broadcast to {shape:?}"))?;
            Ok(shape.clone())
        }
        Operation::Pad {
            before,
            after,
            value,
        } => {
            same_rank(x, [before.len(), after.len()])?;
            check(value.is_finite(), || format!("it pads with {value}"))?;
            let lengths = x.iter().zip(before).zip(after);
            lengths
                .map(|((&x, &before), &after)| {
                    x.checked_add(before)
                        .and_then(|sum| sum.checked_add(after))
                        .ok_or_else(|| format!("padding of {before} and {after}"))
                })
                .collect()
        }
        Operation::Resample { axis, taps } => {
            on_axis(*axis, x)?;
            let whole = taps.offsets.first() == Some(&0)
                && taps.offsets.last() == Some(&taps.indices.len())
                && taps.offsets.is_sorted()
                && taps.indices.len() == taps.weights.len()
                && taps.indices.iter().all(|&index| index < x[*axis])
                && taps.weights.iter().all(|weight| weight.is_finite());
            check(whole, || "its weights do not fit its input".into())?;
            let mut shape = x.to_vec();
            shape[*axis] = taps.rows();
            Ok(shape)
        }
    }
}

/// The fewest and the most inputs of an operation.
fn arity(operation: &Operation) -> (usize, usize) {
    match operation {
        Operation::Convolution(_) | Operation::Linear { .. } => (3, 4),
        Operation::ConvolutionTranspose(_) => (3, 3),
        Operation::MatMul | Operation::PRelu | Operation::Binary(_) => (2, 2),
        Operation::Concat { .. } => (1, usize::MAX),
        _ => (1, 1),
    }
}

/// Multiplications of one image, of the operations whose time they are; of others, elements made.
pub(crate) fn multiplications(operation: &Operation, inputs: &[&[usize]], output: &[usize]) -> u64 {
    let made = elements(output);
    let each = match operation {
        // A filter's weights of one output channel, for each output.
        Operation::Convolution(_) => elements(&inputs[1][1..]),
        Operation::Linear { .. } => elements(&inputs[1][1..]),
        Operation::MatMul => *inputs[0].last().unwrap_or(&1) as u64,
        Operation::ConvolutionTranspose(_) => {
            return elements(inputs[0]).saturating_mul(elements(&inputs[1][1..]));
        }
        Operation::MaxPool(Window { kernel, .. })
        | Operation::AveragePool(AveragePool {
            window: Window { kernel, .. },
            ..
        }) => elements(kernel),
        Operation::Resample { axis, taps } => {
            let others = made / (output[*axis] as u64).max(1);
            return others.saturating_mul(taps.indices.len() as u64);
        }
        Operation::Reduce { .. } | Operation::ArgMax { .. } => return elements(inputs[0]),
        _ => 1,
    };
    made.saturating_mul(each)
}

/// How many elements a shape has; `u64::MAX` if more than can be counted.
pub(crate) fn elements(shape: &[usize]) -> u64 {
    shape
        .iter()
        .fold(1, |product: u64, &n| product.saturating_mul(n as u64))
}

/// The shape that both are broadcast to, aligned at the last axis.
pub(crate) fn broadcast(a: &[usize], b: &[usize]) -> Inferred {
    let rank = a.len().max(b.len());
    let length = |shape: &[usize], axis: usize| match (axis + shape.len()).checked_sub(rank) {
        Some(own) => shape[own],
        None => 1,
    };
    (0..rank)
        .map(|axis| match (length(a, axis), length(b, axis)) {
            (a, b) if a == b || b == 1 => Ok(a),
            (1, b) => Ok(b),
            _ => Err("they cannot be broadcast to one shape".into()),
        })
        .collect()
}

fn check(holds: bool, reason: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(reason()) }
}

fn same_rank<const N: usize>(x: &[usize], lengths: [usize; N]) -> Result<(), String> {
    check(lengths.iter().all(|&length| length == x.len()), || {
        format!("it is made for {} axes", lengths[0])
    })
}

fn on_axis(axis: usize, x: &[usize]) -> Result<(), String> {
    check(axis < x.len(), || format!("it has no axis {axis}"))
}

fn ascending(axes: &[usize], x: &[usize]) -> Result<(), String> {
    check(!axes.is_empty(), || "no axes are named".into())?;
    check(axes.is_sorted_by(|a, b| a < b), || {
        format!("the axes {axes:?} are not ascending")
    })?;
    on_axis(axes[axes.len() - 1], x)
}

/// A shape with its last `count` axes replaced.
fn with_last(x: &[usize], last: &[usize], count: usize) -> Vec<usize> {
    [&x[..x.len() - count], last].concat()
}

/// Channels, height and width: the last three axes.
fn image(x: &[usize]) -> Result<[usize; 3], String> {
    match *x {
        [.., channels, height, width] => Ok([channels, height, width]),
        _ => Err("the input is no image [channels, height, width]".into()),
    }
}

fn bias(shape: &[usize], channels: usize) -> Result<(), String> {
    check(shape == [channels], || {
        format!("the bias has shape {shape:?}, not [{channels}]")
    })
}

fn residual(shape: Option<&&[usize]>, output: &[usize]) -> Result<(), String> {
    check(shape.is_none_or(|&shape| shape == output), || {
        format!("what is added has another shape than the output, {output:?}")
    })
}

/// Whether a window is one, and its padding smaller than its extent.
fn window(window: &Window) -> Result<(), String> {
    let sides = [window.kernel, window.stride, window.dilation];
    let fits = |&side: &usize| (1..=limits::WINDOW).contains(&side);
    check(sides.iter().flatten().all(fits), || {
        format!(
            "kernel {:?}, stride {:?} and dilation {:?} have to be from 1 to {}",
            window.kernel,
            window.stride,
            window.dilation,
            limits::WINDOW
        )
    })?;
    let extent = window.extent();
    let (before, after) = (window.padding_before, window.padding_after);
    let padded = [0, 1]
        .iter()
        .all(|&axis| before[axis].max(after[axis]) < extent[axis].min(limits::WINDOW));
    check(padded, || {
        format!("the padding {before:?}, {after:?} is not smaller than the kernel, {extent:?}")
    })
}

/// Height and width that windows make of a height and width.
fn windows(w: &Window, size: [usize; 2]) -> Result<[usize; 2], String> {
    window(w)?;
    w.output(size).ok_or_else(|| {
        format!(
            "the kernel, {:?}, is larger than the image with its padding",
            w.extent()
        )
    })
}

/// Checks groups and weights \[from, to / groups or to, kernel\]; the channels made.
fn filtered(w: &Window, groups: usize, inputs: &[&[usize]]) -> Inferred {
    let [channels, height, width] = image(inputs[0])?;
    let &[outputs, each, rows, columns] = inputs[1] else {
        return Err("the weights have not four axes".into());
    };
    check([rows, columns] == w.kernel, || {
        format!("the weights are not of the kernel's size, {:?}", w.kernel)
    })?;
    grouped(groups, channels, outputs)?;
    check(each.checked_mul(groups) == Some(channels), || {
        format!("the weights take {groups} × {each} channels, the input has {channels}")
    })?;
    bias(inputs[2], outputs)?;
    let [height, width] = windows(w, [height, width])?;
    Ok(with_last(inputs[0], &[outputs, height, width], 3))
}

fn grouped(groups: usize, channels: usize, outputs: usize) -> Result<(), String> {
    let whole = groups > 0 && channels.is_multiple_of(groups) && outputs.is_multiple_of(groups);
    check(whole, || {
        format!("{channels} and {outputs} channels cannot be split into {groups} groups")
    })
}

fn spread(t: &ConvolutionTranspose, inputs: &[&[usize]]) -> Inferred {
    let [channels, height, width] = image(inputs[0])?;
    let &[from, each, rows, columns] = inputs[1] else {
        return Err("the weights have not four axes".into());
    };
    check([rows, columns] == t.kernel, || {
        format!("the weights are not of the kernel's size, {:?}", t.kernel)
    })?;
    let outputs = each
        .checked_mul(t.groups)
        .ok_or_else(|| format!("{} groups of {each} channels", t.groups))?;
    check(from == channels, || {
        format!("the weights take {from} channels, the input has {channels}")
    })?;
    grouped(t.groups, channels, outputs)?;
    bias(inputs[2], outputs)?;
    // It is the adjoint of a convolution whose windows reach every row and column that they should.
    window(&Window {
        kernel: t.kernel,
        stride: t.stride,
        dilation: t.dilation,
        padding_before: t.padding_before,
        padding_after: [0; 2],
    })?;
    for (axis, size) in [height, width].into_iter().enumerate() {
        let extent = (t.kernel[axis] - 1) * t.dilation[axis] + 1;
        let spread = size
            .checked_mul(t.stride[axis])
            .and_then(|spread| spread.checked_add(extent));
        // At most a stride of rows that no window reaches.
        let most = spread.map_or(0, |spread| spread.saturating_sub(t.padding_before[axis]));
        check((1..=most).contains(&t.output[axis]), || {
            format!("it cannot make an image of {:?}", t.output)
        })?;
    }
    Ok(with_last(
        inputs[0],
        &[outputs, t.output[0], t.output[1]],
        3,
    ))
}

fn pooled(w: &Window, x: &[usize]) -> Inferred {
    let [channels, height, width] = image(x)?;
    let [rows, columns] = windows(w, [height, width])?;
    // Each window holds a pixel of the image: with dilation it might step over all of them.
    for (axis, size) in [height, width].into_iter().enumerate() {
        let count = [rows, columns][axis];
        let empty = (0..count).find(|position| {
            !(0..w.kernel[axis]).any(|tap| {
                (position * w.stride[axis] + tap * w.dilation[axis])
                    .checked_sub(w.padding_before[axis])
                    .is_some_and(|pixel| pixel < size)
            })
        });
        check(empty.is_none(), || "a window holds padding only".into())?;
    }
    Ok(with_last(x, &[channels, rows, columns], 3))
}

fn averaged(pool: &AveragePool, x: &[usize]) -> Inferred {
    let w = &pool.window;
    let counts = (0..2).all(|axis| {
        pool.counted_before[axis] <= w.padding_before[axis]
            && pool.counted_after[axis] <= w.padding_after[axis]
    });
    check(counts, || "more padding counts than there is".into())?;
    pooled(w, x)
}

fn product(a: &[usize], b: &[usize]) -> Inferred {
    let (&[.., rows, inner], &[.., expected, columns]) = (a, b) else {
        return Err("they are no matrices".into());
    };
    check(inner == expected, || {
        format!("{inner} columns and {expected} rows do not go together")
    })?;
    let outer = broadcast(&a[..a.len() - 2], &b[..b.len() - 2])?;
    Ok([outer, vec![rows, columns]].concat())
}

fn concatenated(axis: usize, inputs: &[&[usize]]) -> Inferred {
    let mut shape = inputs[0].to_vec();
    on_axis(axis, &shape)?;
    for x in &inputs[1..] {
        let fits = x.len() == shape.len()
            && x.iter()
                .zip(&shape)
                .enumerate()
                .all(|(k, (a, b))| k == axis || a == b);
        check(fits, || format!("they differ not only in axis {axis}"))?;
        shape[axis] = shape[axis].saturating_add(x[axis]);
    }
    Ok(shape)
}
