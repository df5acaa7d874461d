//! 3×3 filters at stride 1 with fewer multiplications, by Winograd's F(4×4, 3×3) and F(2×2, 3×3).
//!
//! Outputs are made in tiles of 4×4, each from the 6×6 inputs that it reads. Input tile d and filter g
//! are transformed to Bᵀ d B and G g Gᵀ; multiplied place by place and summed over the channels they
//! give M, and Aᵀ M A is the output tile: 36 multiplications a channel in place of 144. Tiles of 2×2 take 64 for as
//! many outputs, but weights that are less than half as large.
//!
//! The way back is the same with the filter turned by half a turn. Where every other pixel of source and target
//! has its sign changed, as the black fields of a chessboard, that is to take the places of G g Gᵀ from the last to the
//! first: both directions read the same weights.
//!
//! # Source
//!
//! Lavin, Gray: *Fast Algorithms for Convolutional Neural Networks*, CVPR 2016,
//! [arXiv 1509.09308](https://arxiv.org/abs/1509.09308), section 4.

mod source;
mod sums;
mod target;
mod transform;

use crate::machine::{AutoArch, Simd, WithSimd};

use super::Epilogue;
use super::product::{BLOCK, MOST_BLOCKS, TILE, Tiles, VECTORS};
use super::vector::{WIDEST, lanes};
use super::walk::{Direction, Planes, Walk};
use crate::geometry::{Filter, Geometry, Size};
use source::transform_source;
use sums::product;
use target::transform_back;
use transform::{F2, F4, Transform};

/// Channels below which the transforms cost more than they save.
const LEAST_CHANNELS: usize = 16;
/// Channels above which weights take more time to load than multiplications to do.
const MOST_CHANNELS_OF_F4: usize = 256;
/// Side of an image, in pixels, below which tiles of 4×4 bring nothing. In drawn scenes many places are
/// exactly alike; small tiles keep them so, where it is the first of equal ones that a max-pool takes.
const LEAST_SIDE_OF_F4: usize = 14;
/// Values between one place and the next, so that they do not all fall into the same lines of the first cache.
const SKEW: usize = 16;
/// For so many panels, one more may be made so that all of them can be read vector by vector.
const WORTH_ONE_MORE: usize = 12;
/// Blocks of input channels whose weights lie side by side: forward reads so many tiles in a run.
/// Whole times as many as either direction takes at once.
const CHUNK: usize = 2 * BLOCKS_OF_ONE;
/// Blocks of rows that are done at once where panels are one vector wide: 24 sums, too.
const BLOCKS_OF_ONE: usize = 2 * MOST_BLOCKS;

/// Whether filters are packed for this module.
pub(super) fn suits(filter: &Filter) -> bool {
    !filter.depthwise
        && filter.kernel == 3
        && filter.stride == 1
        && filter.taps() == 9
        && filter.channels_in.min(filter.channels_out) >= LEAST_CHANNELS
}

/// Whether output tiles may be 4×4.
fn may_be_large(filter: &Filter) -> bool {
    filter.channels_in.max(filter.channels_out) <= MOST_CHANNELS_OF_F4
}

fn tiles(filter: &Filter) -> Tiles {
    Tiles {
        outs: filter.channels_out.div_ceil(BLOCK),
        ins: filter.channels_in.div_ceil(BLOCK),
        taps: 1,
        chunk: CHUNK,
    }
}

/// Weights \[out, in, 3, 3\] as places of [`Tiles`], G g Gᵀ: those for tiles of 2×2, then, where they may be, those for
/// tiles of 4×4.
pub(super) fn pack(weight: &[f32], filter: &Filter) -> Vec<f32> {
    let mut packed = pack_as::<F2, 2, 4>(weight, filter);
    if may_be_large(filter) {
        packed.extend(pack_as::<F4, 4, 6>(weight, filter));
    }
    packed
}

fn pack_as<T: Transform<OUT, IN>, const OUT: usize, const IN: usize>(
    weight: &[f32],
    filter: &Filter,
) -> Vec<f32> {
    let tiles = tiles(filter);
    let mut packed = vec![0.0; IN * IN * tiles.len()];
    tiles.for_each(weight, filter, |start, filters| {
        let mut transformed = [[[0.0; TILE]; IN]; IN];
        for (place, g) in filters.into_iter().enumerate() {
            let Some(g) = g else { continue };
            let columns = [0, 1, 2].map(|j| T::filter([g[j], g[3 + j], g[6 + j]]));
            for (i, row) in transformed.iter_mut().enumerate() {
                let values = T::filter(columns.map(|column| column[i]));
                for (tile, value) in row.iter_mut().zip(values) {
                    tile[place] = value;
                }
            }
        }
        // Tile by tile: one place of the filters lies far from the next.
        for (k, tile) in transformed.iter().flatten().enumerate() {
            packed[k * tiles.len() + start..][..TILE].copy_from_slice(tile);
        }
    });
    packed
}

/// Buffers that are kept from call to call.
#[derive(Default)]
pub(super) struct Scratch {
    source: Planes,
    /// Bᵀ d B: \[place, panel, source channel, columns\].
    given: Vec<f32>,
    /// M: \[place, panel, target channel, columns\].
    made: Vec<f32>,
}

/// One image: `given` \[source channels, h, w\], `target` \[target channels, H, W\], which is
/// overwritten.
#[allow(clippy::too_many_arguments)]
pub(super) fn run(
    g: &Geometry,
    direction: Direction,
    given: &[f32],
    packed: &[f32],
    epilogue: Epilogue<'_>,
    target: &mut [f32],
    scratch: &mut Scratch,
) {
    let tiles = tiles(&g.filter);
    let (rows, depth, size) = match direction {
        Direction::Forward => (tiles.outs, tiles.ins, g.output),
        Direction::Backward => (tiles.ins, tiles.outs, g.input),
    };
    let large = may_be_large(&g.filter) && size[0].min(size[1]) >= LEAST_SIDE_OF_F4;
    let (small_weights, large_weights) = packed.split_at(16 * tiles.len());
    let (out, packed) = match large {
        true => (4, large_weights),
        false => (2, small_weights),
    };
    let grid = size.map(|side| side.div_ceil(out));
    let walk = Walk::tiles(g, direction, out, grid);
    let Scratch {
        source,
        given: transformed,
        made,
    } = scratch;
    // What lies behind the last tile reads beyond the last pixel.
    let length = depth * BLOCK * walk.plane() + VECTORS * WIDEST;
    let source = source.split(&walk, given, length);
    let job = Job {
        large,
        tiles,
        rows,
        depth,
        grid,
        size,
        row: walk.row(),
        phase: walk.plane() / (out * out),
        source,
        packed,
        epilogue,
    };
    let run = Run {
        job,
        direction,
        target,
        given: transformed,
        made,
    };
    AutoArch::new().dispatch(run);
}

struct Job<'a> {
    /// Whether output tiles are 4×4, else 2×2.
    large: bool,
    tiles: Tiles,
    /// Blocks of target channels.
    rows: usize,
    /// Blocks of source channels.
    depth: usize,
    /// Rows and columns of tiles.
    grid: Size,
    /// Height and width of the target.
    size: Size,
    /// Distance between the rows of a phase of the source.
    row: usize,
    /// Length of a phase.
    phase: usize,
    source: &'a [f32],
    packed: &'a [f32],
    epilogue: Epilogue<'a>,
}

/// The whole job, for whatever vectors there are.
struct Run<'a> {
    job: Job<'a>,
    direction: Direction,
    target: &'a mut [f32],
    given: &'a mut Vec<f32>,
    made: &'a mut Vec<f32>,
}

impl WithSimd for Run<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self) {
        let Self {
            job,
            direction,
            target,
            given,
            made,
        } = self;
        // Small images fill no more than one of the widest vectors.
        let one = lanes::<S>() == WIDEST && job.grid[0] * job.grid[1] <= WIDEST;
        match (direction, one) {
            (Direction::Forward, true) => run_tiles::<S, true, 1>(&job, target, given, made),
            (Direction::Forward, false) => {
                run_tiles::<S, true, VECTORS>(&job, target, given, made);
            }
            (Direction::Backward, true) => run_tiles::<S, false, 1>(&job, target, given, made),
            (Direction::Backward, false) => {
                run_tiles::<S, false, VECTORS>(&job, target, given, made);
            }
        }
    }
}

#[inline(always)]
fn run_tiles<S: Simd, const FORWARD: bool, const VECTORS: usize>(
    job: &Job<'_>,
    target: &mut [f32],
    given: &mut Vec<f32>,
    made: &mut Vec<f32>,
) {
    if job.large {
        run_groups::<S, F4, FORWARD, VECTORS, 4, 6>(job, target, given, made);
    } else {
        run_groups::<S, F2, FORWARD, VECTORS, 2, 4>(job, target, given, made);
    }
}

#[inline(always)]
fn run_groups<
    S: Simd,
    T: Transform<OUT, IN>,
    const FORWARD: bool,
    const VECTORS: usize,
    const OUT: usize,
    const IN: usize,
>(
    job: &Job<'_>,
    target: &mut [f32],
    given: &mut Vec<f32>,
    made: &mut Vec<f32>,
) {
    let width = VECTORS * lanes::<S>();
    let pitch = pitch(job, width);
    let panels = (job.grid[0] * pitch).div_ceil(width);
    // Groups of about the same size.
    let group = panels.div_ceil(panels.div_ceil(T::GROUP.div_ceil(width)));
    let (given_panel, made_panel) = (job.depth * BLOCK * width, job.rows * BLOCK * width);
    let (given_place, made_place) = (group * given_panel + SKEW, group * made_panel + SKEW);
    let given = aligned(given, IN * IN * given_place);
    let made = aligned(made, IN * IN * made_place);
    for first in (0..panels).step_by(group) {
        let count = group.min(panels - first);
        for panel in 0..count {
            let tile = (first + panel) * width;
            let given = &mut given[panel * given_panel..];
            transform_source::<S, T, FORWARD, VECTORS, OUT, IN>(
                job,
                pitch,
                tile,
                given_place,
                given,
            );
        }
        for place in 0..IN * IN {
            let there = if FORWARD { place } else { IN * IN - 1 - place };
            let packed = &job.packed[there * job.tiles.len()..][..job.tiles.len()];
            let given = given[place * given_place..].chunks_exact(given_panel);
            let made = made[place * made_place..].chunks_exact_mut(made_panel);
            for (given, made) in given.zip(made).take(count) {
                product::<S, FORWARD, VECTORS>(job, packed, given, made);
            }
        }
        for panel in 0..count {
            let tile = (first + panel) * width;
            let made = &made[panel * made_panel..];
            transform_back::<S, T, FORWARD, VECTORS, OUT, IN>(
                job, pitch, tile, made_place, made, target,
            );
        }
    }
}

/// Tiles that are counted in a row: those of the grid and, unless it takes more panels, one behind them that is not used.
/// Then neighbouring tiles read neighbouring pixels of each phase, from row to row too.
fn pitch(job: &Job<'_>, width: usize) -> usize {
    let [rows, columns] = job.grid;
    let panels = |pitch: usize| (rows * pitch).div_ceil(width);
    if panels(job.row) * WORTH_ONE_MORE <= panels(columns) * (WORTH_ONE_MORE + 1) {
        job.row
    } else {
        columns
    }
}

/// So many values of a buffer, whatever they are, from the beginning of a cache line on.
#[inline(always)]
fn aligned(buffer: &mut Vec<f32>, length: usize) -> &mut [f32] {
    if buffer.len() < length + WIDEST {
        buffer.resize(length + WIDEST, 0.0);
    }
    let skip = buffer.as_ptr().align_offset(WIDEST * size_of::<f32>());
    &mut buffer[skip.min(WIDEST)..][..length]
}
