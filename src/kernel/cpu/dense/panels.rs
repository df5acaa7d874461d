//! Columns that are gathered so that they stay in the first cache, and every block of target
//! channels over them.

use std::ops::Range;

use super::finish::finish;
use super::{Job, PANEL_ROWS, WIDTH, blocks_in_panel};
use crate::machine::{AutoArch, Simd, WithSimd, prefetch};
use crate::product::{BLOCK, MOST_BLOCKS, TILE, VECTORS, at_once, multiply};
use crate::vector::{WIDEST, lanes, load_at, store};
use crate::walk::Tap;

/// Panels at once at most.
const MOST_PANELS: usize = 6;

/// Gathers the source into panels that stay in the first cache.
#[inline(always)]
pub(super) fn run_panels<S: Simd, const FORWARD: bool>(
    job: &Job<'_>,
    target: &mut [f32],
    panel: &mut [f32],
) {
    let (width, lanes) = (VECTORS * lanes::<S>(), lanes::<S>());
    let pass = job.pass;
    let columns = pass.grid[0] * pass.grid[1];
    let taps = pass.taps.len();
    if taps == 0 {
        return;
    }
    let blocks_at_once = blocks_in_panel(taps);
    let mut order = Vec::new();
    for first in (0..job.depth).step_by(blocks_at_once) {
        let depth = first..(first + blocks_at_once).min(job.depth);
        put_in_order(&mut order, depth.len(), &pass.taps);
        // Of few source channels, several panels, so that planes are read and written in longer
        // runs.
        let panels = match job.is_plain() {
            true if lanes == WIDEST => (PANEL_ROWS / (order.len() * BLOCK)).clamp(1, MOST_PANELS),
            _ => 1,
        };
        for column in (0..columns).step_by(panels * width) {
            let columns = column..columns.min(column + panels * width);
            let rest = columns.len() % width;
            let rest = if lanes == WIDEST && rest <= lanes {
                rest
            } else {
                0
            };
            let end = columns.end - rest;
            let (columns, rest) = (columns.start..end, end..columns.end);
            if !columns.is_empty() {
                let part = (columns, depth.clone());
                run_columns::<S, FORWARD, VECTORS>(job, part, &order, target, panel);
            }
            if !rest.is_empty() {
                run_columns::<S, FORWARD, 1>(job, (rest, depth.clone()), &order, target, panel);
            }
        }
    }
}

/// The steps of a sum over so many blocks of source channels: block and tap.
pub(super) fn put_in_order(order: &mut Vec<(usize, Tap)>, blocks: usize, taps: &[Tap]) {
    order.clear();
    for source in 0..blocks {
        order.extend(taps.iter().map(|&tap| (source, tap)));
    }
}

/// Some columns, as many panels of which as there is room for, of some blocks of source channels.
#[inline(always)]
fn run_columns<S: Simd, const FORWARD: bool, const VECTORS: usize>(
    job: &Job<'_>,
    (columns, depth): (Range<usize>, Range<usize>),
    order: &[(usize, Tap)],
    target: &mut [f32],
    panel: &mut [f32],
) {
    let width = VECTORS * lanes::<S>();
    let length = order.len() * BLOCK * width;
    let pass = job.pass;
    let row = pass.grid[1];
    let mut targets = [[0usize; WIDTH]; MOST_PANELS];
    let panels = columns.len().div_ceil(width);
    for (which, targets) in targets[..panels].iter_mut().enumerate() {
        let start = columns.start + which * width;
        let columns = start..columns.end.min(start + width);
        if job.is_plain() {
            targets[0] = pass.target + columns.start;
        } else {
            let [mut y, mut x] = [columns.start / row, columns.start % row];
            for target in &mut targets[..columns.len()] {
                *target = pass.target + y * pass.target_row + x * pass.target_column;
                x += 1;
                if x == row {
                    [y, x] = [y + 1, 0];
                }
            }
        }
        let runs = Runs::new(row, job.row, columns);
        let panel = &mut panel[which * length..];
        gather::<S, VECTORS>(job, depth.clone(), &runs, panel);
    }
    let part = Columns {
        columns,
        depth,
        order,
        targets: &targets[..panels],
    };
    run_blocks::<S, FORWARD, VECTORS>(job, &part, panel, target);
}

/// All blocks of target channels, of some columns.
#[inline(always)]
pub(super) fn run_blocks<S: Simd, const FORWARD: bool, const VECTORS: usize>(
    job: &Job<'_>,
    part: &Columns<'_>,
    panel: &[f32],
    target: &mut [f32],
) {
    let blocks = job.channels.div_ceil(BLOCK);
    let mut block = 0;
    while block < blocks {
        let count = at_once::<S>(blocks - block, BLOCK);
        let rows = Rows {
            job,
            part,
            panel,
            block,
            target,
        };
        // Each by itself, or sums would leave their registers; one block's stay there.
        match count {
            1 if lanes::<S>() < WIDEST => rows.with::<S, FORWARD, 1, VECTORS>(),
            MOST_BLOCKS => rows.run::<FORWARD, MOST_BLOCKS, VECTORS>(),
            2 => rows.run::<FORWARD, 2, VECTORS>(),
            _ => rows.run::<FORWARD, 1, VECTORS>(),
        }
        block += count;
    }
}

/// Some columns and some blocks of source channels, in panels.
pub(super) struct Columns<'a> {
    pub(super) columns: Range<usize>,
    pub(super) depth: Range<usize>,
    /// The [steps](put_in_order) of the sum.
    pub(super) order: &'a [(usize, Tap)],
    /// Where each column goes, by panel; of those that lie side by side, the first.
    pub(super) targets: &'a [[usize; WIDTH]],
}

/// Some blocks of target channels, from one on, of some panels.
struct Rows<'a, 'b> {
    job: &'b Job<'a>,
    part: &'b Columns<'b>,
    panel: &'b [f32],
    block: usize,
    target: &'b mut [f32],
}

/// So many blocks at once, of panels of so many vectors.
struct Sized<'a, 'b, const FORWARD: bool, const BLOCKS: usize, const VECTORS: usize>(Rows<'a, 'b>);

impl Rows<'_, '_> {
    fn run<const FORWARD: bool, const BLOCKS: usize, const VECTORS: usize>(self) {
        AutoArch::new().dispatch(Sized::<FORWARD, BLOCKS, VECTORS>(self));
    }

    #[inline(always)]
    fn with<S: Simd, const FORWARD: bool, const BLOCKS: usize, const VECTORS: usize>(self) {
        let Rows {
            job,
            part,
            panel,
            block,
            target,
        } = self;
        let Columns {
            columns,
            depth,
            order,
            targets,
        } = part;
        let width = VECTORS * lanes::<S>();
        let panels = panel.chunks_exact(order.len() * BLOCK * width);
        for (which, (panel, targets)) in panels.zip(*targets).enumerate() {
            let start = columns.start + which * width;
            let part = Part {
                panel,
                depth: depth.clone(),
                order,
                targets: &targets[..width.min(columns.end - start)],
                contiguous: job.is_plain(),
                first: start == 0,
            };
            rows::<S, FORWARD, BLOCKS, VECTORS>(job, &part, block, target);
        }
    }
}

impl<const FORWARD: bool, const BLOCKS: usize, const VECTORS: usize> WithSimd
    for Sized<'_, '_, FORWARD, BLOCKS, VECTORS>
{
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self) {
        self.0.with::<S, FORWARD, BLOCKS, VECTORS>();
    }
}

/// Some columns of some source channels.
struct Part<'a> {
    panel: &'a [f32],
    /// Blocks of source channels.
    depth: Range<usize>,
    /// The [steps](put_in_order) of the sum.
    order: &'a [(usize, Tap)],
    /// Where each column that counts goes; of those that lie side by side, the first.
    targets: &'a [usize],
    /// Whether those lie side by side.
    contiguous: bool,
    /// Whether no columns came before.
    first: bool,
}

/// Some blocks of target channels, from one on.
#[inline(always)]
fn rows<S: Simd, const FORWARD: bool, const BLOCKS: usize, const VECTORS: usize>(
    job: &Job<'_>,
    part: &Part<'_>,
    block: usize,
    target: &mut [f32],
) {
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
        tiles,
        job.packed,
        block,
        depth,
        taps,
        source,
        Some(part.order),
        columns,
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
}

/// Columns of a panel by where they lie side by side in a source plane.
pub(super) struct Runs {
    runs: [Run; WIDTH],
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
    pub(super) fn new(row: usize, pitch: usize, columns: Range<usize>) -> Self {
        let mut runs = [Run::default(); WIDTH];
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
pub(super) fn gather<S: Simd, const VECTORS: usize>(
    job: &Job<'_>,
    depth: Range<usize>,
    runs: &Runs,
    panel: &mut [f32],
) {
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
                    for v in 0..VECTORS {
                        store::<S>(&mut row[v * lanes..], load_at::<S>(from, v * lanes));
                    }
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
