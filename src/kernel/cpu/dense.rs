//! Dense convolution: a matrix product whose right side is gathered from the source on the way.
//!
//! Rows are output channels, columns the pixels of one image, and the sum runs over (input
//! channel, tap). A panel of a few columns is gathered so that it stays in the nearest cache,
//! then every block of four rows walks over it. Where there are few rows, nothing is gathered.

mod finish;
mod thin;

use crate::machine::{self as macerator, Simd, prefetch, with_simd};

use super::Epilogue;
use super::product::{BLOCK, MOST_BLOCKS, TILE, Tiles, VECTORS, at_once, multiply};
use super::single;
use super::vector::{WIDEST, clamp, lanes, load, load_at, store};
use super::walk::{Direction, Pass, Planes, Tap, Walk};
use crate::geometry::Filter;
use finish::finish;

/// Rows of a panel: with the widest common vectors (8 values) 24 KiB, within any first cache.
const PANEL_ROWS: usize = 384;
/// Target channels of an image's own gradient, and vectors of columns that are multiplied with all
/// three at once: as many sums as 16 registers hold, and as 32 do.
const COLOURS: usize = 3;
const WIDE: usize = 3;
const WIDER: usize = 5;
const WIDEST_ROW: usize = 7;
/// Blocks of target channels for which nothing is gathered: it would take as long as the product.
const FEW_BLOCKS: usize = 2;

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
        source.split(walk, given, depth * BLOCK * walk.plane())
    };
    if filter.taps() == 1 && walk.plane() == 1 && plane == 1 {
        run_single(direction, &tiles, packed, source, epilogue, target, panel);
        return;
    }
    let panel_rows = PANEL_ROWS.max(filter.taps() * BLOCK);
    panel.resize(panel_rows * VECTORS * WIDEST + WIDEST, 0.0);
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
    for pass in &walk.passes {
        let job = job(pass);
        match direction {
            Direction::Forward => run_pass_forward(&job, target, panel),
            Direction::Backward if pass.target_column == 1 => {
                run_pass_backward(&job, target, panel);
            }
            Direction::Backward => run_apart(&job, target, panel, apart),
        }
    }
}

/// A pass whose targets do not lie side by side, by way of some that do. Nothing follows it.
fn run_apart(job: &Job<'_>, target: &mut [f32], panel: &mut [f32], apart: &mut Vec<f32>) {
    let pass = job.pass;
    let [rows, columns] = pass.grid;
    if rows * columns == 0 || pass.taps.is_empty() {
        return;
    }
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
    apart.resize(job.channels * job.plane, 0.0);
    run_pass_backward(&job, apart, panel);
    let planes = target.chunks_exact_mut(target.len() / job.channels);
    for (target, made) in planes.zip(apart.chunks_exact(job.plane)) {
        for (y, made) in made.chunks_exact(columns).enumerate() {
            let target = &mut target[pass.target + y * pass.target_row..];
            let places = target.iter_mut().step_by(pass.target_column);
            places
                .zip(made)
                .for_each(|(target, value)| *target = *value);
        }
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
    } else if blocks <= FEW_BLOCKS && vectors >= VECTORS {
        run_rows::<S, FORWARD, BLOCK, VECTORS>(job, target);
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
                    tiles,
                    job.packed,
                    block,
                    depth,
                    taps,
                    source,
                    &[],
                    columns,
                );
                let contiguous = pass.target_column == 1;
                let targets = &targets[..width];
                let first = block * BLOCK;
                finish::<S, _, _>(job, first, &sums, targets, contiguous, (true, true), target);
            }
        }
    }
}

/// Gathers the source into panels that stay in the first cache.
#[inline(always)]
fn run_panels<S: Simd, const FORWARD: bool>(job: &Job<'_>, target: &mut [f32], panel: &mut [f32]) {
    let width = VECTORS * lanes::<S>();
    let pass = job.pass;
    let columns = pass.grid[0] * pass.grid[1];
    let taps = pass.taps.len();
    if taps == 0 {
        return;
    }
    let plain = pass.target_column == 1 && (pass.target_row == pass.grid[1] || pass.grid[0] == 1);
    let blocks_at_once = blocks_in_panel(taps);
    let mut targets = [0usize; VECTORS * WIDEST];
    let mut order = Vec::new();
    for first in (0..job.depth).step_by(blocks_at_once) {
        let depth = first..(first + blocks_at_once).min(job.depth);
        order.clear();
        for source in 0..depth.len() {
            let taps = pass.taps.iter().enumerate();
            order.extend(taps.map(|(k, tap)| [source, k, tap.weight]));
        }
        for column in (0..columns).step_by(width) {
            let count = width.min(columns - column);
            for (lane, target) in targets[..count].iter_mut().enumerate() {
                let (y, x) = (
                    (column + lane) / pass.grid[1],
                    (column + lane) % pass.grid[1],
                );
                *target = pass.target + y * pass.target_row + x * pass.target_column;
            }
            let runs = Runs::new(pass.grid[1], job.row, column..column + count);
            gather::<S>(job, depth.clone(), &runs, panel);
            let panel = &panel[..order.len() * BLOCK * width];
            let part = Part {
                panel,
                depth: depth.clone(),
                order: &order,
                targets: &targets[..count],
                contiguous: plain,
                first: column == 0,
            };
            let blocks = job.channels.div_ceil(BLOCK);
            let mut block = 0;
            while block < blocks {
                block += match at_once::<S>(blocks - block, BLOCK) {
                    MOST_BLOCKS => rows::<S, FORWARD, MOST_BLOCKS>(job, &part, block, target),
                    2 => rows::<S, FORWARD, 2>(job, &part, block, target),
                    _ => rows::<S, FORWARD, 1>(job, &part, block, target),
                };
            }
        }
    }
}

/// Some columns of some source channels.
struct Part<'a> {
    panel: &'a [f32],
    /// Blocks of source channels.
    depth: std::ops::Range<usize>,
    /// The steps of the sum: a block of source channels, a tap, and which weight that is.
    order: &'a [[usize; 3]],
    /// Where each column that counts goes.
    targets: &'a [usize],
    /// Whether those lie side by side.
    contiguous: bool,
    /// Whether no columns came before.
    first: bool,
}

/// Some blocks of target channels, from one on; how many.
#[inline(always)]
fn rows<S: Simd, const FORWARD: bool, const BLOCKS: usize>(
    job: &Job<'_>,
    part: &Part<'_>,
    block: usize,
    target: &mut [f32],
) -> usize {
    let width = VECTORS * lanes::<S>();
    let mut steps = part.panel.chunks_exact(BLOCK * width);
    let (taps, tiles, depth) = (&job.pass.taps, &job.tiles, part.depth.clone());
    let columns = |source, tap: &Tap| {
        // The weights of the blocks behind these, which the first panel finds in far memory.
        if part.first && lanes::<S>() == WIDEST {
            let tile = tiles.taps * TILE;
            let (at, distance) = match FORWARD {
                true => (
                    tiles.start(block + BLOCKS, source),
                    tiles.chunk.min(tiles.ins) * tile,
                ),
                false => (tiles.start(source, block + BLOCKS), tile),
            };
            let at = at + tap.weight * TILE;
            for k in 0..BLOCKS {
                prefetch(job.packed, at + k * distance);
            }
        }
        steps.next()
    };
    let done = (depth.start == 0, depth.end == job.depth);
    let source = (job.block, width);
    let sums = multiply::<S, FORWARD, BLOCKS, BLOCK, VECTORS>(
        tiles, job.packed, block, depth, taps, source, part.order, columns,
    );
    for (block, sums) in (block..).zip(&sums) {
        finish::<S, _, _>(
            job,
            block * BLOCK,
            sums,
            part.targets,
            part.contiguous,
            done,
            target,
        );
    }
    BLOCKS
}

/// Columns of a panel by where they lie side by side in a source plane.
struct Runs {
    runs: [Run; VECTORS * WIDEST],
    count: usize,
}

/// Neighbouring columns.
#[derive(Clone, Copy, Default)]
struct Run {
    /// The first one's place in the panel.
    lane: usize,
    /// Where it is read, behind where its tap begins.
    source: usize,
    length: usize,
}

impl Runs {
    /// Of columns that are counted row by row; `pitch`: the distance between rows of the source.
    #[inline(always)]
    fn new(row: usize, pitch: usize, columns: std::ops::Range<usize>) -> Self {
        let mut runs = [Run::default(); VECTORS * WIDEST];
        let mut count = 0;
        let mut column = columns.start;
        while column < columns.end {
            let (y, x) = (column / row, column % row);
            let length = (row - x).min(columns.end - column);
            let (lane, source) = (column - columns.start, y * pitch + x);
            let last: Run = runs[usize::saturating_sub(count, 1)];
            if count > 0 && last.source + last.length == source {
                runs[count - 1].length += length;
            } else {
                runs[count] = Run {
                    lane,
                    source,
                    length,
                };
                count += 1;
            }
            column += length;
        }
        Self { runs, count }
    }
}

/// Panel \[source channel block, tap, 4 channels, columns\], with a vector's length behind it.
#[inline(always)]
fn gather<S: Simd>(job: &Job<'_>, depth: std::ops::Range<usize>, runs: &Runs, panel: &mut [f32]) {
    let lanes = lanes::<S>();
    let width = VECTORS * lanes;
    let runs = &runs.runs[..runs.count];
    let mut rows = panel.chunks_exact_mut(width);
    if let [Run { source, length, .. }] = *runs
        && length == width
    {
        for block in depth {
            for tap in &job.pass.taps {
                for channel in block * BLOCK..(block + 1) * BLOCK {
                    let Some(row) = rows.next() else { return };
                    let start = channel * job.source_plane + tap.source + source;
                    let from = &job.source[start..start + width];
                    let (a, b) = from.split_at(lanes);
                    let (c, d) = row.split_at_mut(lanes);
                    store::<S>(c, load::<S>(a));
                    store::<S>(d, load::<S>(b));
                }
            }
        }
        return;
    }
    let mut row = 0;
    for block in depth {
        for tap in &job.pass.taps {
            for channel in block * BLOCK..(block + 1) * BLOCK {
                let plane = channel * job.source_plane + tap.source;
                for run in runs {
                    // Whole vectors: what is too much of them is written over by what follows.
                    for k in (0..run.length).step_by(lanes) {
                        let (from, to) = (plane + run.source + k, row + run.lane + k);
                        if from + lanes <= job.source.len() {
                            let to = &mut panel[to..to + lanes];
                            store::<S>(to, load_at::<S>(job.source, from));
                        } else {
                            let from = &job.source[from..];
                            let pairs = panel[to..to + run.length - k].iter_mut().zip(from);
                            pairs.for_each(|(to, from)| *to = *from);
                        }
                    }
                }
                row += width;
            }
        }
    }
}
