//! Depthwise convolution: each channel filtered by itself, neighbouring outputs side by side in vectors.

use crate::machine::{self, self as macerator, Simd, Vector, mul_add, with_simd};

use super::Epilogue;
use super::vector::{WIDEST, clamp, lanes, load_at, splat, store};
use super::walk::{Pass, Walk};

/// Values behind a source plane that may be read.
const SLACK: usize = WIDEST;
/// Vectors of sums that are kept in registers: of one row, or of several where rows are short.
const GROUP: usize = 8;

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
    let job = Job {
        walk,
        channels,
        epilogue,
    };
    run_channels(&job, given, weight, target, scratch);
}

struct Job<'a> {
    walk: &'a Walk,
    channels: usize,
    epilogue: Epilogue<'a>,
}

/// Where a vector of neighbouring outputs reads and writes.
#[derive(Clone, Copy)]
struct Place {
    source: usize,
    target: usize,
}

#[with_simd]
fn run_channels<'a, S: Simd>(
    job: &Job<'a>,
    given: &[f32],
    weight: &[f32],
    target: &mut [f32],
    scratch: &mut [f32],
) {
    let (given_plane, plane) = (given.len() / job.channels, target.len() / job.channels);
    let taps = weight.len() / job.channels;
    let passes = job.walk.passes.iter();
    let passes: Vec<_> = passes
        .map(|pass| (pass, places(pass, job.walk.row(), lanes::<S>())))
        .collect();
    let planes = given
        .chunks_exact(given_plane)
        .zip(target.chunks_exact_mut(plane))
        .zip(weight.chunks_exact(taps));
    for (channel, ((given, target), weight)) in planes.enumerate() {
        job.walk.split(given, scratch);
        let bias = job.epilogue.bias.map_or(0.0, |bias| bias[channel]);
        let residual = job.epilogue.residual;
        let residual = residual.map(|r| &r[channel * plane..][..plane]);
        for (pass, places) in &passes {
            for group in places.chunks_exact(GROUP) {
                let sums = sums::<S>(pass, group, scratch, weight, bias);
                finish::<S>(job, pass, group, &sums, residual, target);
            }
        }
    }
}

/// The places of a pass, row by row, in whole groups. What is left of a row that ends within a vector
/// is a vector that ends with the row, partly done already; the last place fills the last group.
fn places(pass: &Pass, row: usize, lanes: usize) -> Vec<Place> {
    let [rows, columns] = pass.grid;
    let mut places = Vec::new();
    for y in 0..rows {
        for x in (0..columns).step_by(lanes) {
            let x = x.min(columns.saturating_sub(lanes));
            places.push(Place {
                source: y * row + x,
                target: pass.target + y * pass.target_row + x * pass.target_column,
            });
        }
    }
    if let Some(&last) = places.last() {
        places.resize(places.len().next_multiple_of(GROUP), last);
    }
    places
}

#[inline(always)]
fn sums<S: Simd>(
    pass: &Pass,
    group: &[Place],
    source: &[f32],
    weight: &[f32],
    bias: f32,
) -> [Vector<S, f32>; GROUP] {
    let mut sums = [splat::<S>(bias); GROUP];
    for tap in &pass.taps {
        let source = &source[tap.source..];
        let weight = splat::<S>(weight[tap.weight]);
        for (sum, place) in sums.iter_mut().zip(group) {
            *sum = mul_add::<S>(weight, load_at::<S>(source, place.source), *sum);
        }
    }
    sums
}

#[inline(always)]
fn finish<S: Simd>(
    job: &Job<'_>,
    pass: &Pass,
    group: &[Place],
    sums: &[Vector<S, f32>; GROUP],
    residual: Option<&[f32]>,
    target: &mut [f32],
) {
    let lanes = lanes::<S>();
    let range = job.epilogue.activation.range();
    let ends = range.map(splat::<S>);
    let count = lanes.min(pass.grid[1]);
    for (place, &sum) in group.iter().zip(sums) {
        let target = &mut target[place.target..];
        match residual.map(|residual| &residual[place.target..]) {
            None if pass.target_column == 1 && count == lanes => {
                store::<S>(target, machine::clamp::<S>(sum, ends));
            }
            residual => {
                let mut values = [0.0; WIDEST];
                store::<S>(&mut values, sum);
                for (k, &value) in values[..count].iter().enumerate() {
                    let at = k * pass.target_column;
                    target[at] = clamp(value + residual.map_or(0.0, |r| r[at]), range);
                }
            }
        }
    }
}
