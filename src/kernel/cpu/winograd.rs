//! 3×3 filters at stride 1 with less than half the multiplications, by Winograd's F(2×2, 3×3).
//!
//! Outputs are made in tiles of 2×2, each from the 4×4 inputs that it reads. Input tile d and filter g
//! are transformed to Bᵀ d B and G g Gᵀ; multiplied place by place and summed over the channels they
//! give M, and Aᵀ M A is the output tile: 16 multiplications a channel in place of 36.
//!
//! The way back is the same with the filter turned by half a turn. That exchanges the first and the last
//! row, and column, of G g Gᵀ and leaves those between as they are: both directions read the same
//! weights.
//!
//! # Source
//!
//! Lavin, Gray: *Fast Algorithms for Convolutional Neural Networks*, CVPR 2016,
//! [arXiv 1509.09308](https://arxiv.org/abs/1509.09308), section 4.1.

use crate::machine::{self, self as macerator, Simd, Vector, with_simd};

use super::Epilogue;
use super::product::{BLOCK, Tiles, VECTORS, multiply};
use super::vector::{WIDEST, clamp, lanes, load, splat, store};
use super::walk::{Direction, Tap, Walk};
use crate::geometry::{Filter, Geometry, Size};

/// Side of an output tile.
const OUT: usize = 2;
/// Side of an input tile, and of a transformed filter.
const IN: usize = 4;
/// Places of a transformed tile.
const PLACES: usize = IN * IN;
/// Channels below which the transforms cost more than they save.
const LEAST_CHANNELS: usize = 16;
/// Tiles that are transformed, multiplied and transformed back in one go, so that they stay in the
/// second cache between.
const GROUP: usize = 64;
/// Blocks of input channels whose weights lie side by side: forward reads so many tiles in a run.
const CHUNK: usize = 8;

/// Whether filters are packed for this module.
pub(super) fn suits(filter: &Filter) -> bool {
    !filter.depthwise
        && filter.kernel == 3
        && filter.stride == 1
        && filter.channels_in.min(filter.channels_out) >= LEAST_CHANNELS
}

fn tiles(filter: &Filter) -> Tiles {
    Tiles {
        outs: filter.channels_out.div_ceil(BLOCK),
        ins: filter.channels_in.div_ceil(BLOCK),
        taps: 1,
        chunk: CHUNK,
    }
}

/// Weights \[out, in, 3, 3\] as 16 places of [`Tiles`]: G g Gᵀ.
pub(super) fn pack(weight: &[f32], filter: &Filter) -> Vec<f32> {
    let tiles = tiles(filter);
    let mut packed = vec![0.0; PLACES * tiles.len()];
    for (k, g) in weight.chunks_exact(9).enumerate() {
        let at = tiles.weight(k / filter.channels_in, k % filter.channels_in);
        let rows = [0, 1, 2].map(|j| transform_filter([g[j], g[3 + j], g[6 + j]]));
        for i in 0..IN {
            let row = transform_filter([rows[0][i], rows[1][i], rows[2][i]]);
            for (j, value) in row.into_iter().enumerate() {
                packed[(i * IN + j) * tiles.len() + at] = value;
            }
        }
    }
    packed
}

/// G g, of one column.
fn transform_filter([a, b, c]: [f32; 3]) -> [f32; IN] {
    [a, (a + b + c) / 2.0, (a - b + c) / 2.0, c]
}

/// Buffers that are kept from call to call.
#[derive(Default)]
pub(super) struct Scratch {
    source: Vec<f32>,
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
    let grid = size.map(|side| side.div_ceil(OUT));
    let walk = Walk::tiles(g, direction, grid);
    let Scratch {
        source,
        given: transformed,
        made,
    } = scratch;
    source.clear();
    source.resize(depth * BLOCK * walk.plane(), 0.0);
    walk.split(given, source);
    let job = Job {
        tiles,
        rows,
        depth,
        grid,
        size,
        row: walk.row(),
        phase: walk.plane() / (OUT * OUT),
        source,
        packed,
        epilogue,
    };
    match direction {
        Direction::Forward => run_forward(&job, target, transformed, made),
        Direction::Backward => run_backward(&job, target, transformed, made),
    }
}

struct Job<'a> {
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

#[with_simd]
fn run_forward<'a, S: Simd>(
    job: &Job<'a>,
    target: &mut [f32],
    given: &mut Vec<f32>,
    made: &mut Vec<f32>,
) {
    run_groups::<S, true>(job, target, given, made);
}

#[with_simd]
fn run_backward<'a, S: Simd>(
    job: &Job<'a>,
    target: &mut [f32],
    given: &mut Vec<f32>,
    made: &mut Vec<f32>,
) {
    run_groups::<S, false>(job, target, given, made);
}

#[inline(always)]
fn run_groups<S: Simd, const FORWARD: bool>(
    job: &Job<'_>,
    target: &mut [f32],
    given: &mut Vec<f32>,
    made: &mut Vec<f32>,
) {
    let width = VECTORS * lanes::<S>();
    let panels = (job.grid[0] * job.grid[1]).div_ceil(width);
    // Groups of about the same size.
    let group = panels.div_ceil(panels.div_ceil(GROUP.div_ceil(width)));
    let (given_panel, made_panel) = (job.depth * BLOCK * width, job.rows * BLOCK * width);
    given.resize(PLACES * group * given_panel, 0.0);
    made.resize(PLACES * group * made_panel, 0.0);
    for first in (0..panels).step_by(group) {
        let count = group.min(panels - first);
        for panel in 0..count {
            transform_source::<S>(job, first + panel, panel, group, given);
        }
        for place in 0..PLACES {
            let packed = &job.packed[packed_place::<FORWARD>(place) * job.tiles.len()..];
            let packed = &packed[..job.tiles.len()];
            let given = given[place * group * given_panel..].chunks_exact(given_panel);
            let made = made[place * group * made_panel..].chunks_exact_mut(made_panel);
            for (given, made) in given.zip(made).take(count) {
                product::<S, FORWARD>(job, packed, given, made);
            }
        }
        for panel in 0..count {
            transform_back::<S>(job, first + panel, panel, group, made, target);
        }
    }
}

/// The place of the packed weights that a place of the way there, or back, is multiplied with.
fn packed_place<const FORWARD: bool>(place: usize) -> usize {
    let turned = |k: usize| match k {
        _ if FORWARD => k,
        0 => IN - 1,
        k if k == IN - 1 => 0,
        k => k,
    };
    turned(place / IN) * IN + turned(place % IN)
}

/// Where the tiles of a panel lie: row and column of each. Beyond the last, the last again.
#[inline(always)]
fn positions<S: Simd>(job: &Job<'_>, panel: usize) -> ([Size; VECTORS * WIDEST], usize) {
    let width = VECTORS * lanes::<S>();
    let all = job.grid[0] * job.grid[1];
    let first = panel * width;
    let mut positions = [[0; 2]; VECTORS * WIDEST];
    for (k, position) in positions.iter_mut().take(width).enumerate() {
        let tile = (first + k).min(all - 1);
        *position = [tile / job.grid[1], tile % job.grid[1]];
    }
    (positions, width.min(all - first))
}

/// Bᵀ d B of a panel's tiles, for every source channel.
#[inline(always)]
fn transform_source<S: Simd>(
    job: &Job<'_>,
    panel: usize,
    slot: usize,
    group: usize,
    given: &mut [f32],
) {
    let lanes = lanes::<S>();
    let channels = job.depth * BLOCK;
    let (positions, _) = positions::<S>(job, panel);
    let mut sources = [0usize; VECTORS * WIDEST];
    for (source, [y, x]) in sources.iter_mut().zip(positions) {
        *source = y * job.row + x;
    }
    for v in 0..VECTORS {
        let sources = &sources[v * lanes..][..lanes];
        let contiguous = sources.windows(2).all(|pair| pair[1] == pair[0] + 1);
        for channel in 0..channels {
            let plane = &job.source[channel * OUT * OUT * job.phase..][..OUT * OUT * job.phase];
            let mut d = [[splat::<S>(0.0); IN]; IN];
            for (i, row) in d.iter_mut().enumerate() {
                for (j, value) in row.iter_mut().enumerate() {
                    let phase = (i % OUT) * OUT + j % OUT;
                    let start = phase * job.phase + i / OUT * job.row + j / OUT;
                    *value = if contiguous {
                        load::<S>(&plane[start + sources[0]..])
                    } else {
                        let mut values = [0.0; WIDEST];
                        for (value, &source) in values.iter_mut().zip(sources) {
                            *value = plane[start + source];
                        }
                        load::<S>(&values)
                    };
                }
            }
            for row in &mut d {
                *row = transform_input::<S>(*row);
            }
            #[allow(clippy::needless_range_loop, reason = "a column, not a row")]
            for j in 0..IN {
                let column = transform_input::<S>([d[0][j], d[1][j], d[2][j], d[3][j]]);
                for (i, value) in column.into_iter().enumerate() {
                    let place = ((i * IN + j) * group + slot) * channels + channel;
                    store::<S>(&mut given[(place * VECTORS + v) * lanes..], value);
                }
            }
        }
    }
}

/// Bᵀ d, of one column; or d B, of one row.
#[inline(always)]
fn transform_input<S: Simd>([a, b, c, d]: [Vector<S, f32>; IN]) -> [Vector<S, f32>; IN] {
    [a - c, b + c, c - b, b - d]
}

/// One place of a panel: weights × transformed source, summed over the source channels.
#[inline(always)]
fn product<S: Simd, const FORWARD: bool>(
    job: &Job<'_>,
    packed: &[f32],
    given: &[f32],
    made: &mut [f32],
) {
    let lanes = lanes::<S>();
    let width = VECTORS * lanes;
    let whole = [Tap {
        weight: 0,
        source: 0,
    }];
    let rows = made.chunks_exact_mut(BLOCK * width);
    for (block, made) in rows.enumerate() {
        let mut steps = given.chunks_exact(BLOCK * width);
        let next = |_, _: &Tap| steps.next();
        let (tiles, depth) = (&job.tiles, 0..job.depth);
        let sums = multiply::<S, FORWARD>(tiles, packed, block, depth, &whole, width, next);
        for (sum, made) in sums.iter().flatten().zip(made.chunks_exact_mut(lanes)) {
            store::<S>(made, *sum);
        }
    }
}

/// Aᵀ M A of a panel's tiles, for every target channel, finished and written to the target.
#[inline(always)]
fn transform_back<S: Simd>(
    job: &Job<'_>,
    panel: usize,
    slot: usize,
    group: usize,
    made: &[f32],
    target: &mut [f32],
) {
    let lanes = lanes::<S>();
    let [height, width] = job.size;
    let (positions, count) = positions::<S>(job, panel);
    let range = job.epilogue.activation.range();
    let ends = range.map(splat::<S>);
    for (channel, plane) in target.chunks_exact_mut(height * width).enumerate() {
        let bias = splat::<S>(job.epilogue.bias.map_or(0.0, |bias| bias[channel]));
        let residual = job
            .epilogue
            .residual
            .map(|r| &r[channel * height * width..]);
        for v in 0..VECTORS {
            let mut rows = [[splat::<S>(0.0); OUT]; IN];
            for (i, row) in rows.iter_mut().enumerate() {
                let mut m = [splat::<S>(0.0); IN];
                for (j, m) in m.iter_mut().enumerate() {
                    let place = ((i * IN + j) * group + slot) * job.rows * BLOCK + channel;
                    *m = load::<S>(&made[(place * VECTORS + v) * lanes..]);
                }
                *row = transform_output::<S>(m);
            }
            let mut outputs = [[[0.0; WIDEST]; OUT]; OUT];
            for b in 0..OUT {
                let column = [rows[0][b], rows[1][b], rows[2][b], rows[3][b]];
                let column = transform_output::<S>(column);
                for (mut value, outputs) in column.into_iter().zip(&mut outputs) {
                    value += bias;
                    if residual.is_none() {
                        value = machine::clamp::<S>(value, ends);
                    }
                    store::<S>(&mut outputs[b], value);
                }
            }
            let mine = positions[v * lanes..].iter();
            for (k, [y, x]) in mine
                .take(lanes.min(count.saturating_sub(v * lanes)))
                .enumerate()
            {
                for (a, y) in (y * OUT..height.min(y * OUT + OUT)).enumerate() {
                    for (b, x) in (x * OUT..width.min(x * OUT + OUT)).enumerate() {
                        let at = y * width + x;
                        let value = outputs[a][b][k];
                        plane[at] = match residual {
                            None => value,
                            Some(residual) => clamp(value + residual[at], range),
                        };
                    }
                }
            }
        }
    }
}

/// Aᵀ M, of one column; or M A, of one row.
#[inline(always)]
fn transform_output<S: Simd>([a, b, c, d]: [Vector<S, f32>; IN]) -> [Vector<S, f32>; OUT] {
    [a + b + c, b - c - d]
}
