//! Operations that only move elements, and their adjoints.

use burn::backend::TensorMetadata;
use violet_graph::Operation;

use super::array::{
    Array, Executor, dims, expand, part, placed, placed_in, select, select_adjoint, shaped, sum,
    with_images,
};

/// A constant \[1, …\] for each of N images.
pub(super) fn for_all<B: Executor>(x: Array<B>, images: usize) -> Array<B> {
    let mut shape = dims::<B>(&x);
    shape[0] = images;
    expand::<B>(x, &shape)
}

/// Where what an operation takes begins, along all axes, if it takes a part of its input as it is.
/// `rank`: that of the input, without images.
pub(super) fn part_of(operation: &Operation, rank: usize) -> Option<Vec<usize>> {
    match operation {
        Operation::Slice {
            starts,
            steps,
            counts,
        } => {
            let mut steps = steps.iter().zip(counts);
            let whole = steps.all(|(&step, &count)| step == 1 || count == 1);
            whole.then(|| with_images(0, starts))
        }
        Operation::Gather { axis, indices } => {
            let first = *indices.first()?;
            let mut ascending = (first..).zip(indices.iter());
            let mut starts = vec![0; rank + 1];
            starts[axis + 1] = first;
            ascending.all(|(k, &index)| k == index).then_some(starts)
        }
        _ => None,
    }
}

/// What an operation makes; `shape`: that of the result, without images.
pub(super) fn forward<B: Executor>(
    operation: &Operation,
    x: Array<B>,
    shape: &[usize],
) -> Array<B> {
    let images = x.shape()[0];
    if let Some(starts) = part_of(operation, shape.len()) {
        return part::<B>(x, &starts, &with_images(images, shape));
    }
    match operation {
        Operation::Transpose { order } => B::float_permute(x, &with_first(order)),
        Operation::Slice {
            starts,
            steps,
            counts,
        } => {
            let axes = 0..counts.len();
            axes.fold(x, |x, axis| {
                select::<B>(
                    x,
                    axis + 1,
                    &stepped(starts[axis], steps[axis], counts[axis]),
                )
            })
        }
        Operation::Gather { axis, indices } => select::<B>(x, axis + 1, indices),
        Operation::Expand { shape } => expand::<B>(x, &with_images(images, shape)),
        Operation::Pad { before, value, .. } => placed_in::<B>(
            x,
            &with_images(0, before),
            &with_images(images, shape),
            *value,
        ),
        _ => shaped::<B>(x, shape),
    }
}

/// The adjoint; `shape`: that of the input, without images.
pub(super) fn backward<B: Executor>(
    operation: &Operation,
    gradient: Array<B>,
    shape: &[usize],
) -> Array<B> {
    let images = gradient.shape()[0];
    let whole = with_images(images, shape);
    if let Some(starts) = part_of(operation, shape.len()) {
        return placed::<B>(gradient, &starts, &whole);
    }
    match operation {
        Operation::Transpose { order } => {
            let order = with_first(order);
            let mut back = vec![0; order.len()];
            for (place, &axis) in order.iter().enumerate() {
                back[axis] = place;
            }
            B::float_permute(gradient, &back)
        }
        Operation::Slice {
            starts,
            steps,
            counts,
        } => {
            let axes = 0..counts.len();
            axes.fold(gradient, |gradient, axis| {
                let chosen = stepped(starts[axis], steps[axis], counts[axis]);
                select_adjoint::<B>(gradient, axis + 1, &chosen, shape[axis])
            })
        }
        Operation::Gather { axis, indices } => {
            select_adjoint::<B>(gradient, axis + 1, indices, shape[*axis])
        }
        Operation::Expand { .. } => {
            let repeated = (1..whole.len()).filter(|&axis| whole[axis] == 1);
            repeated.fold(gradient, |gradient, axis| {
                if gradient.shape()[axis] == 1 {
                    gradient
                } else {
                    sum::<B>(gradient, axis)
                }
            })
        }
        Operation::Pad { before, .. } => part::<B>(gradient, &with_images(0, before), &whole),
        _ => shaped::<B>(gradient, shape),
    }
}

/// The gradients of what was put side by side: shape of each, and whether it depends on the image.
pub(super) fn split<'a, B: Executor>(
    axis: usize,
    pieces: impl Iterator<Item = (&'a [usize], bool)>,
    gradient: &Array<B>,
) -> Vec<Option<Array<B>>> {
    let images = gradient.shape()[0];
    let mut offset = 0;
    pieces
        .map(|(shape, varies)| {
            let mut starts = vec![0; shape.len() + 1];
            starts[axis + 1] = offset;
            offset += shape[axis];
            varies.then(|| part::<B>(gradient.clone(), &starts, &with_images(images, shape)))
        })
        .collect()
}

/// An order of axes with that of the images before.
fn with_first(order: &[usize]) -> Vec<usize> {
    std::iter::once(0)
        .chain(order.iter().map(|axis| axis + 1))
        .collect()
}

fn stepped(start: usize, step: isize, count: usize) -> Vec<usize> {
    let index = |k: usize| start.wrapping_add_signed(step * k as isize);
    (0..count).map(index).collect()
}
