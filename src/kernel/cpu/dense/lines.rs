//! Few channels on both sides, as groups have: nothing is gathered, and a plane is one line.
//!
//! The source's rows lie behind each other with their padding. A vector that begins anywhere in them reads, for every tap,
//! neighbours: so a plane is made as one line with what belongs to the padding, which is left out when rows are
//! written. No row ends a vector, and sums stay in registers from tap to tap.

use super::panels::put_in_order;
use super::{Job, LINE_BLOCKS};
use crate::lines::copy;
use crate::machine::{self, Simd};
use crate::product::{BLOCK, Sums, multiply};
use crate::vector::{WIDEST, clamp, lanes, splat, store};
use crate::walk::Tap;

/// Vectors of columns at once at most: with two blocks of rows, 24 sums.
const VECTORS: usize = 3;
/// Columns at once at most.
const WIDTH: usize = VECTORS * WIDEST;

/// Whether [`run_lines`] takes a pass: two blocks of target channels, several taps, no more source channels than have
/// their weights side by side, and room behind the source for the vectors that reach beyond its end.
pub(super) fn suits_lines(job: &Job<'_>) -> bool {
    job.channels.div_ceil(BLOCK) == LINE_BLOCKS
        && job.pass.taps.len() > 1
        && job.depth <= job.tiles.chunk
        && job.pass.target_column == 1
        && job.source.len() >= job.depth * BLOCK * job.source_plane + WIDEST
        && job.pass.grid.iter().all(|&side| side > 0)
}

/// All of a pass.
#[inline(always)]
pub(super) fn run_lines<S: Simd, const FORWARD: bool>(job: &Job<'_>, target: &mut [f32]) {
    let [rows, columns] = job.pass.grid;
    let lanes = lanes::<S>();
    let mut order = Vec::new();
    put_in_order(&mut order, job.depth, &job.pass.taps);
    let mut rest = ((rows - 1) * job.row + columns).div_ceil(lanes);
    let mut at = 0;
    while rest > 0 {
        // About as many each time.
        let count = rest.div_ceil(rest.div_ceil(VECTORS));
        match count {
            1 => run_part::<S, FORWARD, 1>(job, &order, at, target),
            2 => run_part::<S, FORWARD, 2>(job, &order, at, target),
            _ => run_part::<S, FORWARD, VECTORS>(job, &order, at, target),
        }
        at += count * lanes;
        rest -= count;
    }
}

/// Some columns of the line, from one on.
#[inline(always)]
fn run_part<S: Simd, const FORWARD: bool, const VECTORS: usize>(
    job: &Job<'_>,
    order: &[(usize, Tap)],
    at: usize,
    target: &mut [f32],
) {
    let columns = |source: usize, tap: &Tap| {
        let plane = source * BLOCK * job.source_plane;
        job.source.get(plane + tap.source + at..)
    };
    let sums = multiply::<S, FORWARD, LINE_BLOCKS, BLOCK, VECTORS>(
        &job.tiles,
        job.packed,
        0,
        0..job.depth,
        &job.pass.taps,
        (BLOCK, job.source_plane),
        Some(order),
        columns,
    );
    let mut runs = [(0, 0, 0); WIDTH];
    let runs = runs_of(job, at..at + VECTORS * lanes::<S>(), &mut runs);
    for (block, sums) in sums.iter().enumerate() {
        write::<S, VECTORS>(job, block * BLOCK, sums, runs, target);
    }
}

/// The pieces of rows that some columns of the line are: the first one's place among them, where it goes, and how
/// many there are.
#[inline(always)]
fn runs_of<'a>(
    job: &Job<'_>,
    line: std::ops::Range<usize>,
    runs: &'a mut [(usize, usize, usize); WIDTH],
) -> &'a [(usize, usize, usize)] {
    let (pass, [rows, columns]) = (job.pass, job.pass.grid);
    let (mut at, mut count) = (line.start, 0);
    while at < line.end {
        let (y, x) = (at / job.row, at % job.row);
        let end = line.end.min((y + 1) * job.row);
        let length = columns.saturating_sub(x).min(end - at);
        if y < rows && length > 0 {
            let to = pass.target + y * pass.target_row + x;
            runs[count] = (at - line.start, to, length);
            count += 1;
        }
        at = end;
    }
    &runs[..count]
}

/// Whole sums of the rows of a block of channels, finished, as pieces of the target's rows.
#[inline(always)]
fn write<S: Simd, const VECTORS: usize>(
    job: &Job<'_>,
    first: usize,
    sums: &Sums<S, BLOCK, VECTORS>,
    runs: &[(usize, usize, usize)],
    target: &mut [f32],
) {
    let lanes = lanes::<S>();
    let range = job.epilogue.activation.range();
    let ends = [splat::<S>(range[0]), splat::<S>(range[1])];
    let planes = target.chunks_exact_mut(job.plane).enumerate().skip(first);
    let mut line = [0.0; WIDTH];
    for ((channel, plane), sums) in planes.zip(sums) {
        let bias = splat::<S>(job.epilogue.bias.map_or(0.0, |bias| bias[channel]));
        let residual = job.epilogue.residual;
        for (v, sum) in sums.iter().enumerate() {
            let mut value = *sum + bias;
            if residual.is_none() {
                value = machine::clamp::<S>(value, ends);
            }
            store::<S>(&mut line[v * lanes..], value);
        }
        for &(from, to, length) in runs {
            let (values, to_end) = (&line[from..from + length], to + length);
            let Some(residual) = residual else {
                copy(&mut plane[to..to_end], values);
                continue;
            };
            let residual = &residual[channel * job.plane..][to..to_end];
            for ((to, value), residual) in plane[to..to_end].iter_mut().zip(values).zip(residual) {
                *to = clamp(value + residual, range);
            }
        }
    }
}
