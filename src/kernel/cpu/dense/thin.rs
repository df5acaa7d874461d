//! Images: of the few channels that they have, every step of a sum reads its columns where they
//! lie.
//!
//! Only where there are 32 registers of 16 values.

use super::Job;
use super::finish::finish;
use crate::machine::{self as macerator, Simd, mul_add, with_simd};
use crate::product::{BLOCK, MOST_BLOCKS, Sums, TILE, VECTORS};
use crate::vector::{WIDEST, lanes, load_at, splat, store};
use crate::walk::{Pass, Walk};

/// Rows of sums at once at most.
pub(super) const ROWS: usize = MOST_BLOCKS * BLOCK;

/// Of no more source channels than a block has, as an image's. Only those that there are take a
/// step.
#[inline(always)]
pub(super) fn run<S: Simd>(job: &Job<'_>, target: &mut [f32]) {
    let mut sources = Vec::new();
    for tap in &job.pass.taps {
        sources.extend((0..job.block).map(|channel| tap.source + channel * job.source_plane));
    }
    let mut weights = Vec::new();
    let mut first = 0;
    while first < job.channels {
        let rows = match job.channels - first {
            ..=BLOCK => BLOCK,
            5..=8 => 2 * BLOCK,
            _ => ROWS,
        };
        weights.clear();
        for tap in &job.pass.taps {
            for place in (0..job.block).map(|channel| tap.weight * TILE + channel) {
                weights.extend((first..first + rows).map(|row| {
                    let there = row / BLOCK < job.tiles.outs;
                    let tile = job.tiles.start(row / BLOCK, 0);
                    if there {
                        job.packed[tile + place + row % BLOCK * BLOCK]
                    } else {
                        0.0
                    }
                }));
            }
        }
        let (rows, thin) = (first..first + rows, (&sources[..], &weights[..]));
        match rows.len() {
            BLOCK => run_rows::<S, BLOCK>(job, thin, rows.start, target),
            8 => run_rows::<S, { 2 * BLOCK }>(job, thin, rows.start, target),
            _ => run_rows::<S, ROWS>(job, thin, rows.start, target),
        }
        first = rows.end;
    }
}

/// Some target channels from one on. Of each step of their sums: where a row's first column is
/// read, and their weights.
#[inline(always)]
fn run_rows<S: Simd, const ROWS: usize>(
    job: &Job<'_>,
    (sources, weights): (&[usize], &[f32]),
    first: usize,
    target: &mut [f32],
) {
    let ([rows, columns], lanes) = (job.pass.grid, lanes::<S>());
    let (weights, _) = weights.as_chunks();
    for y in 0..rows {
        let mut x = 0;
        while x < columns {
            // The last columns end with the row; some of them are made twice.
            let wide = columns - x > lanes && columns >= VECTORS * lanes;
            let count = if wide { VECTORS * lanes } else { lanes };
            x = x.min(columns - count);
            let source = &job.source[y * job.row + x..];
            let at = job.pass.target + y * job.pass.target_row + x;
            if wide {
                let sums = multiply::<S, ROWS, VECTORS>(sources, weights, source);
                finish_row::<S, ROWS, VECTORS>(job, first, &sums, at, target);
            } else {
                let sums = multiply::<S, ROWS, 1>(sources, weights, source);
                finish_row::<S, ROWS, 1>(job, first, &sums, at, target);
            }
            x += count;
        }
    }
}

#[inline(always)]
fn multiply<S: Simd, const ROWS: usize, const VECTORS: usize>(
    sources: &[usize],
    weights: &[[f32; ROWS]],
    source: &[f32],
) -> Sums<S, ROWS, VECTORS> {
    let lanes = lanes::<S>();
    let mut sums = [[splat::<S>(0.0); VECTORS]; ROWS];
    for (at, weights) in sources.iter().zip(weights) {
        // A sum is returned from one place only, or it would be kept in memory for the others.
        let Some(values) = source.get(*at..at + VECTORS * lanes) else {
            break;
        };
        let mut columns = [splat::<S>(0.0); VECTORS];
        for (v, column) in columns.iter_mut().enumerate() {
            *column = load_at::<S>(values, v * lanes);
        }
        for (sums, weight) in sums.iter_mut().zip(weights) {
            let weight = splat::<S>(*weight);
            for (sum, column) in sums.iter_mut().zip(columns) {
                *sum = mul_add::<S>(weight, column, *sum);
            }
        }
    }
    sums
}

/// Writes whole sums of neighbouring columns, of which the first belongs to `at`.
#[inline(always)]
fn finish_row<S: Simd, const ROWS: usize, const VECTORS: usize>(
    job: &Job<'_>,
    first: usize,
    sums: &Sums<S, ROWS, VECTORS>,
    at: usize,
    target: &mut [f32],
) {
    let mut targets = [0; crate::product::VECTORS * WIDEST];
    for (k, target) in targets.iter_mut().enumerate() {
        *target = at + k;
    }
    let targets = &targets[..VECTORS * lanes::<S>()];
    finish::<S, ROWS, VECTORS>(job, first, sums, targets, true, (true, true), target);
}

/// The gradient of few channels at a stride: all passes at once, which read the same. False if it
/// was not made.
#[with_simd]
pub(super) fn run_backward<'a, S: Simd>(
    job: &Job<'a>,
    walk: &Walk,
    stride: usize,
    source_channels: usize,
    target: &mut [f32],
) -> bool {
    let (passes, lanes) = (&walk.passes, lanes::<S>());
    let columns = passes.iter().map(|pass| pass.grid[1]).max().unwrap_or(0);
    if lanes < WIDEST || columns < VECTORS * lanes {
        return false;
    }
    // Whole rows of pixels, as many as there are sums for.
    let at_once = ROWS / (job.channels * stride) * stride;
    let groups = passes.chunks(at_once);
    if !groups
        .clone()
        .all(|passes| reaches(job, passes, source_channels))
    {
        return false;
    }
    for passes in groups {
        run_passes::<S>(job, passes, source_channels, target);
    }
    true
}

/// Rows and columns of the largest of some passes.
fn grid(passes: &[Pass]) -> [usize; 2] {
    [0, 1].map(|axis| passes.iter().map(|pass| pass.grid[axis]).max().unwrap_or(0))
}

/// Whether all passes can be read as if they were as large as the largest.
fn reaches(job: &Job<'_>, passes: &[Pass], source_channels: usize) -> bool {
    let [rows, columns] = grid(passes);
    let taps = passes.iter().flat_map(|pass| &pass.taps);
    let last = taps.map(|tap| tap.source).max().unwrap_or(0);
    let plane = (source_channels - 1) * job.source_plane;
    plane + last + rows.saturating_sub(1) * job.row + columns <= job.source.len()
}

/// Some passes at once.
#[inline(always)]
fn run_passes<S: Simd>(job: &Job<'_>, passes: &[Pass], source_channels: usize, target: &mut [f32]) {
    let taps = passes.iter().flat_map(|pass| &pass.taps);
    let mut reads: Vec<usize> = taps.map(|tap| tap.source).collect();
    reads.sort_unstable();
    reads.dedup();
    // Of each step, where it is read, and the weights of every channel of every pass; zeros where a
    // pass does not read it.
    let mut sources = Vec::with_capacity(source_channels * reads.len());
    let mut weights = vec![[0.0; ROWS]; source_channels * reads.len()];
    for channel in 0..source_channels {
        sources.extend(reads.iter().map(|read| read + channel * job.source_plane));
    }
    for (which, pass) in passes.iter().enumerate() {
        for tap in &pass.taps {
            let Ok(read) = reads.binary_search(&tap.source) else {
                continue;
            };
            for channel in 0..source_channels {
                let tile = job.tiles.start(channel / BLOCK, 0) + tap.weight * TILE;
                let from = &job.packed[tile + channel % BLOCK * BLOCK..][..job.channels];
                let weights = &mut weights[channel * reads.len() + read];
                weights[which * job.channels..][..job.channels].copy_from_slice(from);
            }
        }
    }
    let ([rows, columns], lanes) = (grid(passes), lanes::<S>());
    let mut lines = [[0.0; VECTORS * WIDEST]; ROWS];
    for y in 0..rows {
        let mut x = 0;
        while x < columns {
            // The last columns end with the row; some of them are made twice.
            let wide = columns - x > lanes;
            let count = if wide { VECTORS * lanes } else { lanes };
            x = x.min(columns - count);
            let source = &job.source[y * job.row + x..];
            if wide {
                keep(
                    &multiply::<S, ROWS, VECTORS>(&sources, &weights, source),
                    &mut lines,
                );
            } else {
                keep(
                    &multiply::<S, ROWS, 1>(&sources, &weights, source),
                    &mut lines,
                );
            }
            for (pass, lines) in passes.iter().zip(lines.chunks(job.channels)) {
                if y >= pass.grid[0] || x >= pass.grid[1] {
                    continue;
                }
                let at = pass.target + y * pass.target_row + x * pass.target_column;
                for (line, plane) in lines.iter().zip(target.chunks_exact_mut(job.plane)) {
                    let places = plane[at..].iter_mut().step_by(pass.target_column);
                    let values = line.iter().take(count.min(pass.grid[1] - x));
                    places
                        .zip(values)
                        .for_each(|(place, value)| *place = *value);
                }
            }
            x += count;
        }
    }
}

/// Sums as lines of values.
#[inline(always)]
fn keep<S: Simd, const VECTORS: usize>(
    sums: &Sums<S, ROWS, VECTORS>,
    lines: &mut [[f32; super::VECTORS * WIDEST]; ROWS],
) {
    for (line, sums) in lines.iter_mut().zip(sums) {
        for (v, sum) in sums.iter().enumerate() {
            store::<S>(&mut line[v * lanes::<S>()..], *sum);
        }
    }
}
