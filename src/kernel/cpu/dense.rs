//! Dense convolution: a matrix product whose right side is gathered from the source on the way.
//!
//! Rows are output channels, columns the pixels of one image, and the sum runs over (input
//! channel, tap). A panel of a few columns is gathered so that it stays in the nearest cache,
//! then every block of four rows walks over it. Where there are few rows, nothing is gathered.

mod finish;
mod lines;
mod panels;
mod patches;
mod thin;

use crate::machine::{self as macerator, Simd, with_simd};

use super::Epilogue;
use super::product::{BLOCK, TILE, Tiles, VECTORS, multiply};
use super::single;
use super::vector::{WIDEST, clamp, lanes};
use super::walk::{Direction, Pass, Planes, Tap, Walk};
use crate::geometry::Filter;
use finish::finish;
use lines::{run_lines, suits_lines};
use panels::run_panels;
use patches::{Patches, run_patches};

/// Rows of a panel: with the widest common vectors (8 values) 24 KiB, within any first cache.
const PANEL_ROWS: usize = 384;
/// Columns of a panel at most.
const WIDTH: usize = VECTORS * WIDEST;
/// Target channels of an image's own gradient, and vectors of columns that are multiplied with all
/// three at once: as many sums as 16 registers hold, and as 32 do.
const COLOURS: usize = 3;
const WIDE: usize = 3;
const WIDER: usize = 5;
const WIDEST_ROW: usize = 7;
/// Blocks of target channels for which nothing is gathered: it would take as long as the product.
const FEW_BLOCKS: usize = 2;
/// Blocks of target channels that are done at once where lines are read as they lie.
const LINE_BLOCKS: usize = 2;

fn tiles(filter: &Filter) -> Tiles {
    Tiles {
        outs: filter.channels_out.div_ceil(BLOCK),
        ins: filter.channels_in.div_ceil(BLOCK),
        taps: filter.taps(),
        // What fits into a panel.
        chunk: blocks_in_panel(filter.taps()),
    }
}

/// Blocks of source channels that a panel has room for.
fn blocks_in_panel(taps: usize) -> usize {
    (PANEL_ROWS / (BLOCK * taps)).max(1)
}

/// Weights \[out, in, k, k\] as [`Tiles`], each tile \[4 out, 4 in\], padded with zeros.
pub(super) fn pack(weight: &[f32], filter: &Filter) -> Vec<f32> {
    let tiles = tiles(filter);
    let mut packed = vec![0.0; tiles.len()];
    let (outs, ins) = (filter.channels_out, filter.channels_in);
    if filter.kernel == 1 && ins > 0 {
        // Matrices are packed whenever they are multiplied: row by row.
        for (out, row) in weight.chunks_exact(ins).take(outs).enumerate() {
            for (input, values) in row.chunks(BLOCK).enumerate() {
                let start = tiles.start(out / BLOCK, input) + out % BLOCK * BLOCK;
                packed[start..start + values.len()].copy_from_slice(values);
            }
        }
        return packed;
    }
    let taps: Vec<usize> = filter.used().collect();
    tiles.for_each(weight, filter, |start, filters| {
        for (place, filter) in filters.into_iter().enumerate() {
            let Some(filter) = filter else { continue };
            for (tap, at) in taps.iter().enumerate() {
                packed[start + tap * TILE + place] = filter[*at];
            }
        }
    });
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
    source: &mut Planes,
    panel: &mut Vec<f32>,
    apart: &mut Vec<f32>,
) {
    let tiles = tiles(filter);
    let (channels, given_channels, depth) = match direction {
        Direction::Forward => (filter.channels_out, filter.channels_in, tiles.ins),
        Direction::Backward => (filter.channels_in, filter.channels_out, tiles.outs),
    };
    let plane = target.len() / channels;
    let source = if walk.is_plain() && given_channels % BLOCK == 0 {
        given
    } else {
        source.split(walk, given, depth * BLOCK * walk.plane() + WIDEST)
    };
    if filter.taps() == 1 && walk.plane() == 1 && plane == 1 {
        let source = &source[..depth * BLOCK];
        run_single(direction, &tiles, packed, source, epilogue, target, panel);
        return;
    }
    let panel_rows = PANEL_ROWS.max(filter.taps() * BLOCK);
    panel.resize(panel_rows * WIDTH + WIDEST, 0.0);
    let job = |pass| Job {
        pass,
        row: walk.row(),
        source_plane: walk.plane(),
        source,
        packed,
        tiles,
        channels,
        plane,
        depth,
        block: given_channels.min(BLOCK),
        epilogue,
    };
    if let [pass, ..] = &walk.passes[..]
        && direction == Direction::Backward
        && filter.stride > 1
        && channels <= BLOCK
        && channels * filter.stride <= thin::ROWS
        && thin::run_backward(&job(pass), walk, filter.stride, given_channels, target)
    {
        return;
    }
    if let [pass, _, ..] = &walk.passes[..]
        && let Some(patches) = Patches::of(&job(pass), &walk.passes)
        && direction == Direction::Backward
    {
        run_patches(&patches, apart, panel, target);
        return;
    }
    let makes = |pass: &&Pass| pass.grid[0] * pass.grid[1] > 0 && !pass.taps.is_empty();
    let mut passes = walk.passes.iter().filter(makes).peekable();
    while let Some(pass) = passes.next() {
        match direction {
            Direction::Forward => run_pass_forward(&job(pass), target, panel),
            Direction::Backward if pass.target_column == 1 => {
                run_pass_backward(&job(pass), target, panel);
            }
            Direction::Backward => match passes.next_if(|next| pass.is_beside(next)) {
                None => run_apart(&job(pass), None, target, panel, apart),
                // The one that begins before the other.
                Some(next) if next.target < pass.target => {
                    run_apart(&job(next), Some(pass), target, panel, apart);
                }
                next => run_apart(&job(pass), next, target, panel, apart),
            },
        }
    }
}

/// Passes that lie beside each other, or one, whose targets do not lie side by side, by way of some that do. Nothing
/// follows it.
fn run_apart(
    job: &Job<'_>,
    beside: Option<&Pass>,
    target: &mut [f32],
    panel: &mut [f32],
    apart: &mut Vec<f32>,
) {
    let pass = job.pass;
    let length = |pass: &Pass| job.channels * pass.grid[0] * pass.grid[1];
    let first = length(pass);
    apart.resize(first + beside.map_or(0, length), 0.0);
    let (made, others) = apart.split_at_mut(first);
    run_together(job, pass, made, panel);
    let planes = target.chunks_exact_mut(target.len() / job.channels);
    let [rows, columns] = pass.grid;
    if let Some(beside) = beside {
        run_together(job, beside, others, panel);
        let mades = made.chunks_exact(rows * columns);
        let others = others.chunks_exact(rows * beside.grid[1]);
        for ((target, made), other) in planes.zip(mades).zip(others) {
            let lines = made.chunks_exact(columns);
            let lines = lines.zip(other.chunks_exact(beside.grid[1]));
            for (y, (made, other)) in lines.enumerate() {
                let target = &mut target[pass.target + y * pass.target_row..];
                weave([made, other], target);
            }
        }
        return;
    }
    for (target, made) in planes.zip(made.chunks_exact(rows * columns)) {
        for (y, made) in made.chunks_exact(columns).enumerate() {
            let target = &mut target[pass.target + y * pass.target_row..];
            scatter(made, pass.target_column, target);
        }
    }
}

/// What a pass makes, side by side.
fn run_together(job: &Job<'_>, pass: &Pass, made: &mut [f32], panel: &mut [f32]) {
    let [rows, columns] = pass.grid;
    let together = Pass {
        taps: pass.taps.clone(),
        grid: pass.grid,
        target: 0,
        target_row: columns,
        target_column: 1,
    };
    let job = Job {
        pass: &together,
        plane: rows * columns,
        ..*job
    };
    run_pass_backward(&job, made, panel);
}

/// Values, each so far from the next.
fn scatter(values: &[f32], distance: usize, target: &mut [f32]) {
    let places = target.iter_mut().step_by(distance);
    places
        .zip(values)
        .for_each(|(place, value)| *place = *value);
}

/// Two lines of values in turn, of which the second may be shorter, or longer by less than the first.
fn weave([first, second]: [&[f32]; 2], target: &mut [f32]) {
    let both = first.len().min(second.len());
    let (pairs, _) = target.as_chunks_mut::<2>();
    for ((pair, first), second) in pairs.iter_mut().zip(&first[..both]).zip(&second[..both]) {
        *pair = [*first, *second];
    }
    scatter(&first[both..], 2, &mut target[2 * both..]);
    if second.len() > both {
        scatter(&second[both..], 2, &mut target[2 * both + 1..]);
    }
}

/// An image of one pixel.
fn run_single(
    direction: Direction,
    tiles: &Tiles,
    packed: &[f32],
    source: &[f32],
    epilogue: Epilogue<'_>,
    target: &mut [f32],
    scratch: &mut Vec<f32>,
) {
    let mut made = match direction {
        Direction::Forward => vec![0.0; tiles.outs * BLOCK],
        Direction::Backward => vec![0.0; tiles.ins * BLOCK],
    };
    match direction {
        Direction::Forward => single::forward(tiles, packed, source, &mut made, scratch),
        Direction::Backward => single::backward(tiles, packed, source, &mut made, scratch),
    }
    let range = epilogue.activation.range();
    for (channel, (target, sum)) in target.iter_mut().zip(made).enumerate() {
        let bias = epilogue.bias.map_or(0.0, |bias| bias[channel]);
        let residual = epilogue.residual.map_or(0.0, |residual| residual[channel]);
        *target = clamp(sum + bias + residual, range);
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
    /// Source channels of a block.
    block: usize,
    epilogue: Epilogue<'a>,
}

impl Job<'_> {
    /// Whether what a pass makes lies side by side, row after row.
    fn is_plain(&self) -> bool {
        let (pass, [rows, columns]) = (self.pass, self.pass.grid);
        pass.target_column == 1 && (pass.target_row == columns || rows == 1)
    }
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
    let blocks = job.channels.div_ceil(BLOCK);
    let (columns, lanes) = (job.pass.grid[1], lanes::<S>());
    let vectors = columns / lanes;
    if FORWARD && job.depth == 1 && vectors >= 1 && lanes == WIDEST {
        thin::run::<S>(job, target);
    } else if job.channels <= COLOURS && vectors >= WIDE {
        // Columns that are made twice, because the last ones end with the row, should be few.
        let made = |wide: usize| match wide <= vectors {
            true => columns.div_ceil(wide * lanes) * wide,
            false => usize::MAX,
        };
        let others = made(WIDE).min(made(WIDER));
        if lanes == WIDEST && made(WIDEST_ROW) <= others && vectors >= WIDEST_ROW {
            run_rows::<S, FORWARD, COLOURS, WIDEST_ROW>(job, target);
        } else if lanes == WIDEST && made(WIDER) <= made(WIDE) {
            run_rows::<S, FORWARD, COLOURS, WIDER>(job, target);
        } else {
            run_rows::<S, FORWARD, COLOURS, WIDE>(job, target);
        }
    } else if lanes == WIDEST && suits_lines(job) {
        run_lines::<S, FORWARD>(job, target);
    } else if blocks <= FEW_BLOCKS && vectors >= VECTORS {
        run_rows::<S, FORWARD, BLOCK, VECTORS>(job, target);
    } else if blocks <= FEW_BLOCKS && vectors >= 1 && lanes < WIDEST {
        run_rows::<S, FORWARD, BLOCK, 1>(job, target);
    } else {
        run_panels::<S, FORWARD>(job, target, panel);
    }
}

/// Reads the source where it lies, row by row.
#[inline(always)]
fn run_rows<S: Simd, const FORWARD: bool, const ROWS: usize, const VECTORS: usize>(
    job: &Job<'_>,
    target: &mut [f32],
) {
    let width = VECTORS * lanes::<S>();
    let pass = job.pass;
    let mut targets = [0usize; WIDEST_ROW * WIDEST];
    for y in 0..pass.grid[0] {
        for x in (0..pass.grid[1]).step_by(width) {
            // The last columns end with the row; some of them are made twice.
            let x = x.min(pass.grid[1] - width);
            for (lane, at) in targets[..width].iter_mut().enumerate() {
                *at = pass.target + y * pass.target_row + (x + lane) * pass.target_column;
            }
            for block in 0..job.channels.div_ceil(BLOCK) {
                let columns = |source: usize, tap: &Tap| {
                    let plane = source * BLOCK * job.source_plane;
                    job.source.get(plane + tap.source + y * job.row + x..)
                };
                let (taps, source) = (&pass.taps, (job.block, job.source_plane));
                let (tiles, depth) = (&job.tiles, 0..job.depth);
                let [sums] = multiply::<S, FORWARD, 1, ROWS, VECTORS>(
                    tiles, job.packed, block, depth, taps, source, None, columns,
                );
                let contiguous = pass.target_column == 1;
                let targets = &targets[..width];
                let first = block * BLOCK;
                finish::<S, _, _>(job, first, &sums, targets, contiguous, (true, true), target);
            }
        }
    }
}
