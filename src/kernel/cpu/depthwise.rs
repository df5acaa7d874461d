//! Depthwise convolution: each channel filtered by itself, neighbouring outputs side by side in vectors.

use crate::machine::{self, self as macerator, Simd, Vector, mul_add, with_simd};

use super::Epilogue;
use super::vector::{WIDEST, lanes, load_at, splat, store};
use super::walk::{Pass, Walk};
use crate::geometry::Size;

/// Vectors of sums that are kept in registers.
const MOST_SUMS: usize = 8;
/// Values behind a source plane that may be read.
const SLACK: usize = MOST_SUMS * WIDEST;

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
    let planes = given
        .chunks_exact(given_plane)
        .zip(target.chunks_exact_mut(plane))
        .zip(weight.chunks_exact(taps));
    for (channel, ((given, target), weight)) in planes.enumerate() {
        job.walk.split(given, scratch);
        let residual = job.epilogue.residual;
        let channel = Channel {
            source: scratch,
            row: job.walk.row(),
            weight,
            bias: job.epilogue.bias.map_or(0.0, |bias| bias[channel]),
            residual: residual.map(|r| &r[channel * plane..][..plane]),
            range: job.epilogue.activation.range(),
        };
        for pass in &job.walk.passes {
            // Never more vectors than a row has.
            match pass.grid[1].div_ceil(lanes::<S>()) {
                0 | 1 => channel.run::<S, 8, 1>(pass, target),
                2 => channel.run::<S, 4, 2>(pass, target),
                3 => channel.run::<S, 2, 3>(pass, target),
                4..7 => channel.run::<S, 2, 4>(pass, target),
                // Eight vectors at once, unless seven take no more turns.
                n if n.div_ceil(7) == n.div_ceil(8) => channel.run::<S, 1, 7>(pass, target),
                _ => channel.run::<S, 1, 8>(pass, target),
            }
        }
    }
}

struct Channel<'a> {
    source: &'a [f32],
    /// Distance between the source's rows.
    row: usize,
    weight: &'a [f32],
    bias: f32,
    residual: Option<&'a [f32]>,
    range: [f32; 2],
}

impl Channel<'_> {
    /// So many rows at once, and so many vectors of each. What is left over is done together with some
    /// that are done already.
    #[inline(always)]
    fn run<S: Simd, const ROWS: usize, const VECTORS: usize>(
        &self,
        pass: &Pass,
        target: &mut [f32],
    ) {
        let (lanes, width) = (lanes::<S>(), VECTORS * lanes::<S>());
        let [rows, columns] = pass.grid;
        // The last vector ends with the row, the others lie side by side.
        let last = width.min(columns).saturating_sub(lanes);
        let mut line = [0.0; SLACK];
        for y in (0..rows).step_by(ROWS) {
            for x in (0..columns).step_by(width) {
                let x = x.min(columns.saturating_sub(width));
                let y = std::array::from_fn(|k| (y + k).min(rows - 1));
                let sums = self.sums::<S, ROWS, VECTORS>(pass, y, x, last);
                for (y, sums) in y.into_iter().zip(sums) {
                    self.finish::<S, VECTORS>(pass, [y, x], last, sums, target, &mut line);
                }
            }
        }
    }

    /// Of the rows `y`, from column `x` on; the last vector starts at `last` behind it.
    #[inline(always)]
    fn sums<S: Simd, const ROWS: usize, const VECTORS: usize>(
        &self,
        pass: &Pass,
        y: [usize; ROWS],
        x: usize,
        last: usize,
    ) -> [[Vector<S, f32>; VECTORS]; ROWS] {
        let lanes = lanes::<S>();
        let starts = y.map(|y| y * self.row + x);
        let mut sums = [[splat::<S>(self.bias); VECTORS]; ROWS];
        for tap in &pass.taps {
            let weight = splat::<S>(self.weight[tap.weight]);
            for (sums, start) in sums.iter_mut().zip(starts) {
                let from = &self.source[tap.source + start..][..VECTORS * lanes];
                for (v, sum) in sums.iter_mut().enumerate() {
                    let column = load_at::<S>(from, offset::<S, VECTORS>(v, last));
                    *sum = mul_add::<S>(weight, column, *sum);
                }
            }
        }
        sums
    }

    /// Writes a row's sums to the target. `line` is a place to work.
    #[inline(always)]
    fn finish<S: Simd, const VECTORS: usize>(
        &self,
        pass: &Pass,
        [y, x]: Size,
        last: usize,
        mut sums: [Vector<S, f32>; VECTORS],
        target: &mut [f32],
        line: &mut [f32; SLACK],
    ) {
        let lanes = lanes::<S>();
        let count = (pass.grid[1] - x).min(VECTORS * lanes);
        let first = pass.target + y * pass.target_row + x * pass.target_column;
        let contiguous = pass.target_column == 1 && count >= lanes;
        if let Some(residual) = self.residual {
            if contiguous {
                for (v, sum) in sums.iter_mut().enumerate() {
                    *sum += load_at::<S>(residual, first + offset::<S, VECTORS>(v, last));
                }
            } else {
                let residual = residual[first..].iter().step_by(pass.target_column);
                let residual = line.iter_mut().zip(residual).take(count);
                residual.for_each(|(value, &residual)| *value = residual);
                for (v, sum) in sums.iter_mut().enumerate() {
                    *sum += load_at::<S>(line, offset::<S, VECTORS>(v, last));
                }
            }
        }
        let ends = self.range.map(splat::<S>);
        if contiguous {
            let target = &mut target[first..first + last + lanes];
            for (v, &sum) in sums.iter().enumerate() {
                store::<S>(
                    &mut target[offset::<S, VECTORS>(v, last)..],
                    machine::clamp::<S>(sum, ends),
                );
            }
        } else {
            for (v, &sum) in sums.iter().enumerate() {
                store::<S>(
                    &mut line[offset::<S, VECTORS>(v, last)..],
                    machine::clamp::<S>(sum, ends),
                );
            }
            let targets = target[first..].iter_mut().step_by(pass.target_column);
            let values = targets.zip(&line[..count]);
            values.for_each(|(target, &value)| *target = value);
        }
    }
}

/// Where a vector starts within its row.
#[inline(always)]
fn offset<S: Simd, const VECTORS: usize>(v: usize, last: usize) -> usize {
    if v + 1 < VECTORS {
        v * lanes::<S>()
    } else {
        last
    }
}
