//! Matrices over rows of features, as the layers of transformers are: each row by itself. Vectors hold what is made, and a
//! row's value serves all of it, so that rows are read and written as they lie.
//!
//! Weights are packed once for each way, which is what small matrices can afford.

use std::ops::Range;

use crate::bottleneck::Groups;
use crate::geometry::Filter;
use crate::machine::{self, AutoArch, Simd, WithSimd, mul_add};
use crate::spare;
use crate::transpose::{QUAD, quad};
use crate::vector::{WIDEST, lanes, load_at, splat, store};
use crate::walk::Direction;

/// Weights at most: twice as many are held.
const MOST_WEIGHTS: usize = 1 << 20;
/// Values of rows that stay in the second cache.
const HELD: usize = 96 * 1024;
/// Rows of a tile: as many sums as registers hold, of 32 and of 16.
const TILE: usize = 12;
const NARROW_TILE: usize = 4;

/// Whether [`linear`] and [`linear_gradient`] take such filters: 1×1, over all channels.
pub fn is_linear(filter: &Filter) -> bool {
    let weights = filter.channels_in * filter.channels_out;
    !filter.depthwise && filter.kernel == 1 && filter.stride == 1 && weights <= MOST_WEIGHTS
}

/// Weights \[out, in\] as [`linear`] and its gradient read them: \[group of targets, source, targets of the group\], forward
/// and backward.
pub fn pack_linear(weight: &[f32], filter: &Filter) -> Vec<f32> {
    let mut packed = Vec::new();
    for direction in [Direction::Forward, Direction::Backward] {
        let (targets, sources) = ends(filter, direction);
        for group in 0..targets.count() {
            let (start, width) = (targets.start(group), targets.width(group));
            for source in 0..sources {
                let real = (start..start + targets.real(group)).map(|target| match direction {
                    Direction::Forward => weight[target * sources + source],
                    Direction::Backward => weight[source * targets.channels + target],
                });
                packed.extend(real);
                packed.resize(packed.len() + width - targets.real(group), 0.0);
            }
        }
    }
    packed
}

/// Targets, and how many sources there are.
fn ends(filter: &Filter, direction: Direction) -> (Groups, usize) {
    let (given, made) = match direction {
        Direction::Forward => (filter.channels_in, filter.channels_out),
        Direction::Backward => (filter.channels_out, filter.channels_in),
    };
    (Groups::new(made), given)
}

/// Rows \[N, in\] times weights that [`pack_linear`] has packed, plus bias: \[N, out\].
pub fn linear(filter: &Filter, rows: &[f32], packed: &[f32], bias: &[f32]) -> Vec<f32> {
    product(filter, Direction::Forward, rows, packed, Some(bias))
}

/// The gradient of [`linear`]'s rows, given that of what is made of them.
pub fn linear_gradient(filter: &Filter, gradient: &[f32], packed: &[f32]) -> Vec<f32> {
    let (forward, sources) = ends(filter, Direction::Forward);
    let packed = &packed[forward.padded() * sources..];
    product(filter, Direction::Backward, gradient, packed, None)
}

fn product(
    filter: &Filter,
    direction: Direction,
    given: &[f32],
    packed: &[f32],
    bias: Option<&[f32]>,
) -> Vec<f32> {
    let (targets, sources) = ends(filter, direction);
    let rows = given.len() / sources;
    let mut made = spare::values(rows * targets.channels);
    let tile = if targets.lanes < WIDEST {
        NARROW_TILE
    } else {
        TILE
    };
    let at_once = (HELD / sources / tile).max(1) * tile;
    let mut panel = spare::values(at_once.min(rows.next_multiple_of(tile)) * sources);
    for first in (0..rows).step_by(at_once) {
        let part = first..rows.min(first + at_once);
        let tiles = part.len().div_ceil(tile);
        let panel = &mut panel[..tiles * tile * sources];
        gather(
            &given[part.start * sources..part.end * sources],
            sources,
            tile,
            panel,
        );
        for group in 0..targets.count() {
            let (start, width) = (targets.start(group), targets.width(group));
            let real = targets.real(group);
            AutoArch::new().dispatch(Product {
                weights: &packed[start * sources..][..width * sources],
                ahead: &packed[((start + width) * sources).min(packed.len())..],
                bias: bias.map(|bias| &bias[start..start + real]),
                sources,
                width,
                panel,
                channels: targets.channels,
                place: start..start + real,
                made: &mut made[part.start * targets.channels..part.end * targets.channels],
            });
        }
    }
    spare::give_back(panel);
    made
}

/// Rows as \[tile, source, row of the tile\], so that what is multiplied with one weight lies side by side.
fn gather(rows: &[f32], sources: usize, tile: usize, panel: &mut [f32]) {
    let whole = sources - sources % QUAD;
    for (rows, panel) in rows
        .chunks(tile * sources)
        .zip(panel.chunks_exact_mut(tile * sources))
    {
        let count = rows.len() / sources;
        for first in (0..count - count % QUAD).step_by(QUAD) {
            for source in (0..whole).step_by(QUAD) {
                let square = quad(&rows[first * sources + source..], sources);
                for (k, values) in square.iter().enumerate() {
                    panel[(source + k) * tile + first..][..QUAD].copy_from_slice(values);
                }
            }
        }
        for (row, values) in rows.chunks_exact(sources).enumerate() {
            let first = if row < count - count % QUAD { whole } else { 0 };
            for (source, &value) in values.iter().enumerate().skip(first) {
                panel[source * tile + row] = value;
            }
        }
        for row in count..tile {
            let places = panel[row..].iter_mut().step_by(tile);
            places.for_each(|value| *value = 0.0);
        }
    }
}

/// One group of targets of some rows.
struct Product<'a> {
    /// \[source, target\].
    weights: &'a [f32],
    /// Weights that are read next.
    ahead: &'a [f32],
    bias: Option<&'a [f32]>,
    sources: usize,
    /// Targets, with those that do not exist.
    width: usize,
    /// [Gathered](gather).
    panel: &'a [f32],
    /// Of a row of what is made, and which of them these are.
    channels: usize,
    place: Range<usize>,
    made: &'a mut [f32],
}

impl WithSimd for Product<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self) {
        let two_vectors = self.width > lanes::<S>();
        match (lanes::<S>() == WIDEST, two_vectors) {
            (true, true) => tiles::<S, TILE, 2>(&mut self),
            (true, false) => tiles::<S, TILE, 1>(&mut self),
            (false, true) => tiles::<S, NARROW_TILE, 2>(&mut self),
            (false, false) => tiles::<S, NARROW_TILE, 1>(&mut self),
        }
    }
}

#[inline(always)]
fn tiles<S: Simd, const ROWS: usize, const VECTORS: usize>(job: &mut Product<'_>) {
    let lanes = lanes::<S>();
    let tiles = job.panel.chunks_exact(ROWS * job.sources);
    for (tile, panel) in tiles.enumerate() {
        let mut sums = [[splat::<S>(0.0); VECTORS]; ROWS];
        // The next group's weights come from far while the first rows of this one are made.
        let weights = job.weights.chunks_exact(VECTORS * lanes);
        let steps = (tile * job.sources..).zip(weights);
        for ((ahead, weights), values) in steps.zip(panel.chunks_exact(ROWS)) {
            machine::prefetch(job.ahead, ahead * WIDEST);
            let weights: [_; VECTORS] = std::array::from_fn(|v| load_at::<S>(weights, v * lanes));
            for (row, sums) in sums.iter_mut().enumerate() {
                let value = splat::<S>(values[row]);
                for (sum, weight) in sums.iter_mut().zip(weights) {
                    *sum = mul_add::<S>(weight, value, *sum);
                }
            }
        }
        let mut lines = [[0.0; 2 * WIDEST]; ROWS];
        for (sums, line) in sums.iter().zip(&mut lines) {
            for (v, &sum) in sums.iter().enumerate() {
                store::<S>(&mut line[v * lanes..], sum);
            }
        }
        let rows = job.made[tile * ROWS * job.channels..].chunks_mut(job.channels);
        for (line, row) in lines.iter().zip(rows) {
            let row = &mut row[job.place.clone()];
            match job.bias {
                Some(bias) => {
                    for ((made, sum), bias) in row.iter_mut().zip(line).zip(bias) {
                        *made = sum + bias;
                    }
                }
                None => {
                    let count = row.len();
                    row.copy_from_slice(&line[..count]);
                }
            }
        }
    }
}
