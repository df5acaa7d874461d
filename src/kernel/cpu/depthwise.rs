//! Depthwise convolution: each channel filtered by itself, rows of outputs side by side in vectors.

use crate::machine::{self as macerator, Simd, mul_add, with_simd};

use super::Epilogue;
use super::vector::{WIDEST, clamp, lanes, load, splat, store};
use super::walk::{Pass, Walk};

/// Values behind a source plane that may be read.
const SLACK: usize = WIDEST;

/// One image. `given` \[channels, h, w\] and `target` \[channels, H, W\] are whole planes;
/// `weight` is \[channels, k·k\].
pub(super) fn run(
    walk: &Walk,
    given: &[f32],
    weight: &[f32],
    channels: usize,
    epilogue: Epilogue<'_>,
    target: &mut [f32],
    scratch: &mut Vec<f32>,
) {
    scratch.clear();
    scratch.resize(walk.plane() + SLACK, 0.0);
    let (given_plane, plane) = (given.len() / channels, target.len() / channels);
    let taps = weight.len() / channels;
    let planes = given
        .chunks_exact(given_plane)
        .zip(target.chunks_exact_mut(plane))
        .zip(weight.chunks_exact(taps));
    for (channel, ((given, target), weight)) in planes.enumerate() {
        walk.split(given, scratch);
        let bias = epilogue.bias.map_or(0.0, |bias| bias[channel]);
        let residual = epilogue.residual.map(|r| &r[channel * plane..][..plane]);
        let range = epilogue.activation.range();
        for pass in &walk.passes {
            let job = Job {
                pass,
                row: walk.row(),
                source: scratch,
                weight,
                bias,
                residual,
                range,
            };
            run_pass(&job, target);
        }
    }
}

struct Job<'a> {
    pass: &'a Pass,
    row: usize,
    source: &'a [f32],
    weight: &'a [f32],
    bias: f32,
    residual: Option<&'a [f32]>,
    range: [f32; 2],
}

#[with_simd]
fn run_pass<'a, S: Simd>(job: &Job<'a>, target: &mut [f32]) {
    let lanes = lanes::<S>();
    let [rows, columns] = job.pass.grid;
    for y in 0..rows {
        let mut x = 0;
        while x < columns {
            let left = columns - x;
            x += if left >= 4 * lanes {
                part::<S, 4>(job, y, x, target)
            } else if left >= 2 * lanes {
                part::<S, 2>(job, y, x, target)
            } else if left >= lanes || columns < lanes {
                part::<S, 1>(job, y, x, target)
            } else {
                // Less than a vector is left: one that ends with the row, partly done already.
                part::<S, 1>(job, y, columns - lanes, target);
                left
            };
        }
    }
}

/// `N` vectors of a row, or a single one of which only the row's rest counts; how many values
/// were wanted.
#[inline(always)]
fn part<S: Simd, const N: usize>(job: &Job<'_>, y: usize, x: usize, target: &mut [f32]) -> usize {
    let lanes = lanes::<S>();
    let pass = job.pass;
    let from = y * job.row + x;
    let start = pass.target + y * pass.target_row + x * pass.target_column;
    let count = (N * lanes).min(pass.grid[1] - x);

    let mut sums = [splat::<S>(job.bias); N];
    for tap in &pass.taps {
        let source = &job.source[tap.source + from..][..N * lanes];
        let weight = splat::<S>(job.weight[tap.weight]);
        for (k, sum) in sums.iter_mut().enumerate() {
            *sum = mul_add::<S>(weight, load::<S>(&source[k * lanes..]), *sum);
        }
    }
    let [low, high] = job.range.map(splat::<S>);
    let contiguous = pass.target_column == 1;
    for (k, mut sum) in sums.into_iter().enumerate() {
        let at = start + k * lanes * pass.target_column;
        let whole = count == N * lanes;
        if contiguous && whole {
            if let Some(residual) = job.residual {
                sum += load::<S>(&residual[at..]);
            }
            store::<S>(&mut target[at..], sum.max(low).min(high));
        } else {
            let mut values = [0.0; WIDEST];
            store::<S>(&mut values, sum);
            let count = lanes.min(count);
            let targets = target[at..].iter_mut().step_by(pass.target_column);
            match job.residual {
                None => {
                    store::<S>(&mut values, sum.max(low).min(high));
                    targets.zip(&values[..count]).for_each(|(t, &v)| *t = v);
                }
                Some(residual) => {
                    let residual = residual[at..].iter().step_by(pass.target_column);
                    for ((t, v), r) in targets.zip(&values[..count]).zip(residual) {
                        *t = clamp(v + r, job.range);
                    }
                }
            }
        }
    }
    count
}
