//! Operations that only move elements: each of the result is one of the input, or a constant.

use std::ops::Range;

use super::{Array, Axis};
use crate::operation::{Operation, Taps};

/// For each element of the result, in order, the input's element that it is; nothing where it is
/// padding.
///
/// Along each axis of the result the place in the input is known by itself; the sum over the axes
/// is the element's index. Sums over the first axes and over the others are kept, which are few
/// where the elements are many.
pub(super) struct Sources {
    first: Vec<Option<usize>>,
    others: Vec<Option<usize>>,
}

impl Sources {
    pub(super) fn new(operation: &Operation, input: &[usize], output: &[usize]) -> Self {
        // However long the other axes of nothing are.
        if output.contains(&0) {
            return Self {
                first: Vec::new(),
                others: Vec::new(),
            };
        }
        let strides = strides(input);
        let sums = |axes: Range<usize>| {
            let mut indices = vec![Some(0)];
            for axis in axes {
                let place = |k| place(operation, input, &strides, axis, k);
                let table: Vec<Option<usize>> = (0..output[axis]).map(place).collect();
                let mut sums = Vec::with_capacity(indices.len() * table.len());
                for index in indices {
                    sums.extend(table.iter().map(|&offset| Some(index? + offset?)));
                }
                indices = sums;
            }
            indices
        };
        let kept = |&axis: &usize| {
            let [first, others] = [&output[..axis], &output[axis..]];
            first.iter().product::<usize>() + others.iter().product::<usize>()
        };
        let axis = (0..=output.len()).min_by_key(kept).unwrap_or(0);
        Self {
            first: sums(0..axis),
            others: sums(axis..output.len()),
        }
    }

    /// Elements of the result.
    fn len(&self) -> usize {
        self.first.len() * self.others.len()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = Option<usize>> {
        let sums = |&first: &Option<usize>| {
            let others = self.others.iter();
            others.map(move |&other| Some(first? + other?))
        };
        self.first.iter().flat_map(sums)
    }
}

/// The same for one element.
pub(crate) fn source(
    operation: &Operation,
    input: &[usize],
    output: &[usize],
    element: usize,
) -> Option<usize> {
    let strides = strides(input);
    let (mut rest, mut index) = (element, 0);
    for axis in (0..output.len()).rev() {
        index += place(operation, input, &strides, axis, rest % output[axis])?;
        rest /= output[axis];
    }
    Some(index)
}

/// What position `k` along an axis of the result adds to the index in the input.
fn place(
    operation: &Operation,
    input: &[usize],
    strides: &[usize],
    axis: usize,
    k: usize,
) -> Option<usize> {
    match operation {
        Operation::Transpose { order } => Some(k * strides[order[axis]]),
        Operation::Slice { starts, steps, .. } => {
            let index = starts[axis] as isize + k as isize * steps[axis];
            Some(index as usize * strides[axis])
        }
        Operation::Gather {
            axis: gathered,
            indices,
        } if *gathered == axis => Some(indices[k] * strides[axis]),
        Operation::Pad { before, .. } => {
            let index = k.checked_sub(before[axis])?;
            (index < input[axis]).then_some(index * strides[axis])
        }
        Operation::Expand { .. } if input[axis] == 1 => Some(0),
        _ => Some(k * strides[axis]),
    }
}

/// The same of an array that is broadcast, where nothing is padding.
pub(super) struct Broadcast(Sources);

impl Broadcast {
    pub(super) fn new(input: &[usize], output: &[usize]) -> Self {
        let mut aligned = vec![1; output.len() - input.len()];
        aligned.extend(input);
        let expand = Operation::Expand {
            shape: output.to_vec(),
        };
        Self(Sources::new(&expand, &aligned, output))
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = usize> {
        self.0.iter().flatten()
    }
}

/// Distance of neighbours along each axis.
fn strides(shape: &[usize]) -> Vec<usize> {
    (0..shape.len())
        .map(|axis| shape[axis + 1..].iter().product())
        .collect()
}

/// Elements where they come from, `padding` elsewhere.
pub(super) fn gather(data: &[f64], sources: &Sources, padding: f64) -> Vec<f64> {
    let mut values = Vec::with_capacity(sources.len());
    let value = |source: Option<usize>| source.map_or(padding, |index| data[index]);
    values.extend(sources.iter().map(value));
    values
}

/// The adjoint of [`gather`]: each element's gradient is added to where it came from.
pub(super) fn scatter(gradient: &[f64], sources: &Sources, length: usize) -> Vec<f64> {
    let mut result = vec![0.0; length];
    for (&gradient, source) in gradient.iter().zip(sources.iter()) {
        if let Some(index) = source {
            result[index] += gradient;
        }
    }
    result
}

/// All arrays side by side along an axis.
pub(super) fn concat(axis: usize, inputs: &[Array<'_>]) -> Vec<f64> {
    let outer: usize = inputs[0].shape[..axis].iter().product();
    let mut result = Vec::new();
    for k in 0..outer {
        for input in inputs {
            let run = input.data.len() / outer;
            result.extend(&input.data[k * run..][..run]);
        }
    }
    result
}

/// The adjoint of [`concat`], for one of its inputs: of that shape, from `offset` on along the axis.
pub(super) fn split(axis: usize, gradient: Array<'_>, shape: &[usize], offset: usize) -> Vec<f64> {
    let whole = Axis::of(gradient.shape, axis);
    let run = shape[axis] * whole.inner;
    (0..whole.outer)
        .flat_map(|k| {
            let start = (k * whole.length + offset) * whole.inner;
            &gradient.data[start..start + run]
        })
        .copied()
        .collect()
}

/// Weighted sums along an axis.
pub(super) fn resample(axis: usize, taps: &Taps, input: Array<'_>) -> Vec<f64> {
    let from = Axis::of(input.shape, axis);
    let mut result = vec![0.0; from.outer * taps.rows() * from.inner];
    each_tap(from, taps, |source, target, weight| {
        result[target] += weight * input.data[source];
    });
    result
}

/// The adjoint of [`resample`], for an input of that shape.
pub(super) fn resample_adjoint(
    axis: usize,
    taps: &Taps,
    gradient: &[f64],
    shape: &[usize],
) -> Vec<f64> {
    let from = Axis::of(shape, axis);
    let mut result = vec![0.0; from.outer * from.length * from.inner];
    each_tap(from, taps, |source, target, weight| {
        result[source] += weight * gradient[target];
    });
    result
}

/// Calls with the index of the input, the index of the result and the weight of each tap.
fn each_tap(from: Axis, taps: &Taps, mut call: impl FnMut(usize, usize, f64)) {
    for outer in 0..from.outer {
        for row in 0..taps.rows() {
            for (index, weight) in taps.row(row) {
                let source = (outer * from.length + index) * from.inner;
                let target = (outer * taps.rows() + row) * from.inner;
                for k in 0..from.inner {
                    call(source + k, target + k, weight.into());
                }
            }
        }
    }
}
