//! Dense convolution: a matrix product whose right side is gathered from the source on the way.
//!
//! Rows are output channels, columns the pixels of one image, and the sum runs over (input
//! channel, tap). A panel of a few columns is gathered so that it stays in the nearest cache,
//! then every block of four rows walks over it with eight vectors of sums in registers. Weights
//! lie in 4×4 tiles that serve both directions: forward reads them by column, backward by row.

use macerator::{Simd, Vector, with_simd};

use super::Epilogue;
use super::vector::{WIDEST, clamp, lanes, load, splat, store};
use super::walk::{Direction, Pass, Walk};
use crate::geometry::{Activation, Filter};

/// Channels in a block of rows, and in a block of the sum.
pub(super) const BLOCK: usize = 4;
/// Weights in a tile.
const TILE: usize = BLOCK * BLOCK;
/// Vectors of columns in a panel.
const VECTORS: usize = 2;
/// Rows of a panel: with the widest common vectors (8 values) 24 KiB, within any first cache.
const PANEL_ROWS: usize = 384;

/// Where the tile of each pair of channel blocks lies: \[chunk of input blocks, output block,
/// input block within the chunk, tap\]. A chunk is what fits into a panel, so that forward reads
/// long runs, and backward as many runs side by side as it has blocks in a panel.
#[derive(Clone, Copy)]
struct Tiles {
    outs: usize,
    ins: usize,
    taps: usize,
    chunk: usize,
}

impl Tiles {
    fn new(filter: &Filter) -> Self {
        Self {
            outs: filter.channels_out.div_ceil(BLOCK),
            ins: filter.channels_in.div_ceil(BLOCK),
            taps: filter.taps(),
            chunk: blocks_in_panel(filter.taps()),
        }
    }

    /// The first weight of the first tap's tile.
    #[inline(always)]
    fn start(&self, out: usize, input: usize) -> usize {
        let first = input / self.chunk * self.chunk;
        let length = self.chunk.min(self.ins - first);
        (first * self.outs + out * length + input - first) * self.taps * TILE
    }
}

/// Blocks of source channels that a panel has room for.
fn blocks_in_panel(taps: usize) -> usize {
    (PANEL_ROWS / (BLOCK * taps)).max(1)
}

/// Weights \[out, in, k, k\] as [`Tiles`], each tile \[4 out, 4 in\], padded with zeros.
pub(super) fn pack(weight: &[f32], filter: &Filter) -> Vec<f32> {
    let tiles = Tiles::new(filter);
    let mut packed = vec![0.0; tiles.outs * tiles.ins * tiles.taps * TILE];
    for (o, filters) in weight
        .chunks_exact(filter.channels_in * tiles.taps)
        .enumerate()
    {
        for (i, filter) in filters.chunks_exact(tiles.taps).enumerate() {
            let start = tiles.start(o / BLOCK, i / BLOCK) + o % BLOCK * BLOCK + i % BLOCK;
            for (tap, &value) in filter.iter().enumerate() {
                packed[start + tap * TILE] = value;
            }
        }
    }
    packed
}

/// One image: `given` \[source channels, h, w\], `target` \[target channels, H, W\], which is
/// overwritten where a pass reaches it.
#[allow(clippy::too_many_arguments)]
pub(super) fn run(
    filter: &Filter,
    direction: Direction,
    walk: &Walk,
    given: &[f32],
    packed: &[f32],
    epilogue: Epilogue<'_>,
    target: &mut [f32],
    source: &mut Vec<f32>,
    panel: &mut Vec<f32>,
) {
    let tiles = Tiles::new(filter);
    let (channels, given_channels, depth) = match direction {
        Direction::Forward => (filter.channels_out, filter.channels_in, tiles.ins),
        Direction::Backward => (filter.channels_in, filter.channels_out, tiles.outs),
    };
    let plane = target.len() / channels;
    let source = if walk.is_plain() && given_channels % BLOCK == 0 {
        given
    } else {
        source.clear();
        source.resize(depth * BLOCK * walk.plane(), 0.0);
        walk.split(given, source);
        source
    };
    panel.resize(
        PANEL_ROWS.max(filter.taps() * BLOCK) * VECTORS * WIDEST,
        0.0,
    );
    for pass in &walk.passes {
        let job = Job {
            pass,
            row: walk.row(),
            source_plane: walk.plane(),
            source,
            packed,
            tiles,
            channels,
            plane,
            depth,
            epilogue,
        };
        match direction {
            Direction::Forward => run_pass_forward(&job, target, panel),
            Direction::Backward => run_pass_backward(&job, target, panel),
        }
    }
}

struct Job<'a> {
    pass: &'a Pass,
    row: usize,
    source_plane: usize,
    source: &'a [f32],
    packed: &'a [f32],
    tiles: Tiles,
    /// Target channels.
    channels: usize,
    /// Values of a target plane.
    plane: usize,
    /// Blocks of source channels.
    depth: usize,
    epilogue: Epilogue<'a>,
}

#[with_simd]
fn run_pass_forward<'a, S: Simd>(job: &Job<'a>, target: &mut [f32], panel: &mut [f32]) {
    run_pass::<S, true>(job, target, panel);
}

#[with_simd]
fn run_pass_backward<'a, S: Simd>(job: &Job<'a>, target: &mut [f32], panel: &mut [f32]) {
    run_pass::<S, false>(job, target, panel);
}

#[inline(always)]
fn run_pass<S: Simd, const FORWARD: bool>(job: &Job<'_>, target: &mut [f32], panel: &mut [f32]) {
    let lanes = lanes::<S>();
    let width = VECTORS * lanes;
    let pass = job.pass;
    let columns = pass.grid[0] * pass.grid[1];
    let taps = pass.taps.len();
    if columns == 0 || taps == 0 {
        return;
    }
    let plain = pass.target_column == 1 && (pass.target_row == pass.grid[1] || pass.grid[0] == 1);
    let blocks_at_once = blocks_in_panel(taps);
    let mut sources = [0usize; VECTORS * WIDEST];
    let mut targets = [0usize; VECTORS * WIDEST];
    for first in (0..job.depth).step_by(blocks_at_once) {
        let depth = first..(first + blocks_at_once).min(job.depth);
        for column in (0..columns).step_by(width) {
            let count = width.min(columns - column);
            for lane in 0..width {
                let column = (column + lane).min(columns - 1);
                let (y, x) = (column / pass.grid[1], column % pass.grid[1]);
                sources[lane] = y * job.row + x;
                targets[lane] = pass.target + y * pass.target_row + x * pass.target_column;
            }
            let panel = &mut panel[..depth.len() * taps * BLOCK * width];
            gather::<S>(job, depth.clone(), &sources[..width], panel);
            for block in 0..job.channels.div_ceil(BLOCK) {
                let sums = multiply::<S, FORWARD>(job, block, depth.clone(), panel);
                let rows = BLOCK.min(job.channels - block * BLOCK);
                let done = (depth.start == 0, depth.end == job.depth);
                for (row, sum) in sums.iter().take(rows).enumerate() {
                    let channel = block * BLOCK + row;
                    let start = channel * job.plane;
                    if plain && count == width {
                        let at = start + targets[0];
                        finish_vectors::<S>(job, channel, at, sum, done, target);
                    } else {
                        let mut values = [0.0; VECTORS * WIDEST];
                        store::<S>(&mut values[..lanes], sum[0]);
                        store::<S>(&mut values[lanes..width], sum[1]);
                        for (&value, &at) in values.iter().zip(&targets[..count]) {
                            finish_value(job, channel, start + at, value, done, target);
                        }
                    }
                }
            }
        }
    }
}

/// Panel \[source channel block, tap, 4 channels, columns\].
#[inline(always)]
fn gather<S: Simd>(
    job: &Job<'_>,
    depth: std::ops::Range<usize>,
    sources: &[usize],
    panel: &mut [f32],
) {
    let lanes = lanes::<S>();
    let width = sources.len();
    let contiguous = sources
        .iter()
        .enumerate()
        .all(|(k, &s)| s == sources[0] + k);
    let mut rows = panel.chunks_exact_mut(width);
    for block in depth {
        for tap in &job.pass.taps {
            for channel in block * BLOCK..(block + 1) * BLOCK {
                let Some(row) = rows.next() else { return };
                let plane = &job.source[channel * job.source_plane + tap.source..];
                if contiguous {
                    let from = &plane[sources[0]..sources[0] + width];
                    let (a, b) = from.split_at(lanes);
                    let (c, d) = row.split_at_mut(lanes);
                    store::<S>(c, load::<S>(a));
                    store::<S>(d, load::<S>(b));
                } else {
                    for (value, &at) in row.iter_mut().zip(sources) {
                        *value = plane[at];
                    }
                }
            }
        }
    }
}

/// Four rows × a panel's columns.
#[inline(always)]
fn multiply<S: Simd, const FORWARD: bool>(
    job: &Job<'_>,
    block: usize,
    depth: std::ops::Range<usize>,
    panel: &[f32],
) -> [[Vector<S, f32>; VECTORS]; BLOCK] {
    let lanes = lanes::<S>();
    let width = VECTORS * lanes;
    let zero = splat::<S>(0.0);
    let mut sums = [[zero; VECTORS]; BLOCK];
    let mut steps = panel.chunks_exact(BLOCK * width);
    for source in depth {
        let tiles = if FORWARD {
            job.tiles.start(block, source)
        } else {
            job.tiles.start(source, block)
        };
        for tap in &job.pass.taps {
            let Some(step) = steps.next() else {
                return sums;
            };
            let start = tiles + tap.weight * TILE;
            let tile: &[f32; TILE] = match job.packed[start..start + TILE].try_into() {
                Ok(tile) => tile,
                Err(_) => return sums,
            };
            for k in 0..BLOCK {
                let columns = &step[k * width..(k + 1) * width];
                let columns = [load::<S>(columns), load::<S>(&columns[lanes..])];
                for (row, sums) in sums.iter_mut().enumerate() {
                    let at = if FORWARD {
                        row * BLOCK + k
                    } else {
                        k * BLOCK + row
                    };
                    let weight = splat::<S>(tile[at]);
                    for (sum, column) in sums.iter_mut().zip(columns) {
                        *sum = weight.mul_add(column, *sum);
                    }
                }
            }
        }
    }
    sums
}

/// Adds what is there already, and, once the sum is whole, bias, residual and activation.
#[inline(always)]
fn finish_vectors<S: Simd>(
    job: &Job<'_>,
    channel: usize,
    at: usize,
    sums: &[Vector<S, f32>; VECTORS],
    (first, last): (bool, bool),
    target: &mut [f32],
) {
    let lanes = lanes::<S>();
    let bias = job.epilogue.bias.map_or(0.0, |bias| bias[channel]);
    let [low, high] = job.epilogue.activation.range();
    for (v, &sum) in sums.iter().enumerate() {
        let at = at + v * lanes..at + (v + 1) * lanes;
        let mut sum = sum;
        if !first {
            sum += load::<S>(&target[at.clone()]);
        }
        if last {
            sum += splat::<S>(bias);
            if let Some(residual) = job.epilogue.residual {
                sum += load::<S>(&residual[at.clone()]);
            }
            if job.epilogue.activation != Activation::Identity {
                sum = sum.max(splat::<S>(low)).min(splat::<S>(high));
            }
        }
        store::<S>(&mut target[at], sum);
    }
}

/// As [`finish_vectors`], for one value.
#[inline(always)]
fn finish_value(
    job: &Job<'_>,
    channel: usize,
    at: usize,
    mut sum: f32,
    (first, last): (bool, bool),
    target: &mut [f32],
) {
    if !first {
        sum += target[at];
    }
    if last {
        sum += job.epilogue.bias.map_or(0.0, |bias| bias[channel]);
        if let Some(residual) = job.epilogue.residual {
            sum += residual[at];
        }
        sum = clamp(sum, job.epilogue.activation.range());
    }
    target[at] = sum;
}
