//! The largest value of each window, and the two ways back to where it stands.

use crate::Geometry;
use crate::machine::{self as macerator, Simd, with_simd};
use crate::spare;

/// The largest value of each window of each channel, \[N, C, H, W\] to \[N, C, H', W'\], and its index in the
/// channel's plane; of equal ones, the first. Padding is never the largest.
pub fn max_pool(g: &Geometry, input: &[f32]) -> (Vec<f32>, Vec<u32>) {
    let [given, made] = areas(g);
    let length = input.len() / given * made;
    let (mut values, mut indices) = (spare::values(length), vec![0; length]);
    largest(g, input, &mut values, &mut indices);
    (values, indices)
}

#[with_simd]
fn largest<S: Simd>(g: &Geometry, input: &[f32], values: &mut [f32], indices: &mut [u32]) {
    let [given, _] = areas(g);
    let [width, columns] = [g.input[1], g.output[1]];
    // As far as the windows reach, with nothing beyond the row's ends.
    let (stride, before) = (g.filter.stride, g.padding_before[1]);
    let reach = ((columns - 1) * stride + g.filter.kernel).max(before + width);
    let mut largest = vec![i64::MIN; reach];
    let mut ranks = vec![i64::MIN; columns];
    let mut rows = values
        .chunks_exact_mut(columns)
        .zip(indices.chunks_exact_mut(columns));
    for plane in input.chunks_exact(given) {
        for (row, (values, indices)) in (0..g.output[0]).zip(&mut rows) {
            let inside = &mut largest[before..before + width];
            inside.fill(i64::MIN);
            for y in window(g, 0, row) {
                let first = y * width;
                let line = &plane[first..first + width];
                for ((largest, &value), index) in inside.iter_mut().zip(line).zip(first as u32..) {
                    *largest = (*largest).max(rank(value, index));
                }
            }
            ranks.fill(i64::MIN);
            for tap in 0..g.filter.kernel {
                let of_tap = &largest[tap..];
                for (k, rank) in ranks.iter_mut().enumerate() {
                    *rank = (*rank).max(of_tap[k * stride]);
                }
            }
            for ((value, index), rank) in values.iter_mut().zip(indices).zip(&ranks) {
                (*value, *index) = ranked(*rank);
            }
        }
    }
}

/// A number that is larger for larger values and, of equal ones, for smaller indices. Which of two values is larger is as
/// good as random: this needs no branch, and two numbers are compared at once.
#[inline(always)]
fn rank(value: f32, index: u32) -> i64 {
    // + 0.0 makes one zero of the two. Of negative values, larger bits mean smaller ones.
    let bits = (value + 0.0).to_bits() as i32;
    let order = bits ^ (bits >> 31 & i32::MAX);
    i64::from(order) << 32 | i64::from(!index)
}

/// The value and the index of a [`rank`].
#[inline(always)]
fn ranked(rank: i64) -> (f32, u32) {
    let order = (rank >> 32) as i32;
    let bits = order ^ (order >> 31 & i32::MAX);
    (f32::from_bits(bits as u32), !(rank as u32))
}

/// The gradient of the input: each window's goes to where its largest value stands.
pub fn max_pool_gradient(g: &Geometry, gradient: &[f32], indices: &[u32]) -> Vec<f32> {
    let [made, given] = areas(g);
    let mut input = vec![0.0; gradient.len() / given * made];
    let windows = gradient
        .chunks_exact(given)
        .zip(indices.chunks_exact(given));
    for (target, (gradient, indices)) in input.chunks_exact_mut(made).zip(windows) {
        for (&gradient, &index) in gradient.iter().zip(indices) {
            target[index as usize] += gradient;
        }
    }
    input
}

/// The mean gradient of one image's input on the straight line from `before` to `input`: there the window's old
/// largest value leads at first and its new one in the end, and each gets the share in which it leads. What this sum
/// makes of the step is the change of the largest value, exactly.
pub fn max_pool_secant_gradient(
    g: &Geometry,
    gradient: &[f32],
    [before, input]: [&[f32]; 2],
    [old, new]: [&[u32]; 2],
) -> Vec<f32> {
    let [made, given] = areas(g);
    let mut target = vec![0.0; input.len()];
    for (plane, target) in target.chunks_exact_mut(made).enumerate() {
        let (before, input) = (
            &before[plane * made..][..made],
            &input[plane * made..][..made],
        );
        let windows = plane * given..(plane + 1) * given;
        for window in windows {
            let (gradient, old, new) =
                (gradient[window], old[window] as usize, new[window] as usize);
            // By how much the old one leads at first, and by how much the new one does in the end.
            let (lead, loss) = (before[old] - before[new], input[new] - input[old]);
            let share = if lead > 0.0 {
                lead / (lead + loss)
            } else {
                0.0
            };
            target[old] += gradient * share;
            target[new] += gradient * (1.0 - share);
        }
    }
    target
}

/// Values of a plane of the input and of the output.
fn areas(g: &Geometry) -> [usize; 2] {
    [g.input, g.output].map(|[height, width]| height * width)
}

/// The rows (dimension 0) or columns (1) of the input that a window covers.
fn window(g: &Geometry, dimension: usize, position: usize) -> std::ops::Range<usize> {
    let padding = g.padding_before[dimension];
    let start = position * g.filter.stride;
    let end = (start + g.filter.kernel - padding).min(g.input[dimension]);
    start.saturating_sub(padding)..end
}
