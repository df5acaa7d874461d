//! Matrices over rows of features, as the layers of transformers are: each row by itself. Vectors hold what is made, and a
//! row's value serves all of it, so that rows are read and written as they lie.
//!
//! Weights are packed once for each way, which is what small matrices can afford.

use std::ops::Range;

use crate::bottleneck::Groups;
use crate::geometry::Filter;
use crate::machine::{self, AutoArch, Simd, Vector, WithSimd, mul_add};
use crate::spare;
use crate::strided::{Strided, gather, in_order};
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
    let together = !filter.depthwise && filter.groups == 1;
    together && filter.kernel == 1 && filter.stride == 1 && weights <= MOST_WEIGHTS
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
    let given = (Strided::rows(given, sources), rows);
    multiply(targets, sources, packed, bias, given, &mut made);
    made
}

/// Rows of so many sources times weights \[group of targets, source, targets of the group\], plus
/// bias.
pub(crate) fn multiply(
    targets: Groups,
    sources: usize,
    packed: &[f32],
    bias: Option<&[f32]>,
    (given, rows): (Strided<'_>, usize),
    made: &mut [f32],
) {
    let tile = if targets.lanes < WIDEST {
        NARROW_TILE
    } else {
        TILE
    };
    let mut apart = Vec::new();
    let given = if given.column == 1 || given.row == 1 {
        given
    } else {
        apart = in_order(given.values, &[rows, sources], &[given.row, given.column]);
        Strided::rows(&apart, sources)
    };
    let at_once = (HELD / sources / tile).max(1) * tile;
    // Where registers are few, so many pointers to rows would not stay in them: rows are gathered.
    let gathered = tile < TILE;
    let most = at_once.min(rows.next_multiple_of(tile));
    let mut panel = spare::values(if gathered { most } else { tile } * sources);
    for first in (0..rows).step_by(at_once) {
        let part = first..rows.min(first + at_once);
        let given = given.starting_at(part.start);
        if gathered {
            gather(given, [part.len(), sources], tile, &mut panel);
        }
        for group in 0..targets.count() {
            let (start, width) = (targets.start(group), targets.width(group));
            let real = targets.real(group);
            AutoArch::new().dispatch(Product {
                weights: &packed[start * sources..][..width * sources],
                ahead: &packed[((start + width) * sources).min(packed.len())..],
                bias: bias.map(|bias| &bias[start..start + real]),
                sources,
                width,
                given,
                panel: &mut panel,
                gathered,
                channels: targets.channels,
                place: start..start + real,
                made: &mut made[part.start * targets.channels..part.end * targets.channels],
            });
        }
    }
    spare::give_back(panel);
    spare::give_back(apart);
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
    /// Rows whose values lie side by side, or each of whose values does so with those of the
    /// others.
    given: Strided<'a>,
    /// For a tile, or all rows [gathered](gather).
    panel: &'a mut [f32],
    gathered: bool,
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
    let rows = job.made.len() / job.channels;
    for first in (0..rows).step_by(ROWS) {
        let count = ROWS.min(rows - first);
        let Strided {
            values,
            row: pitch,
            column,
        } = job.given.starting_at(first);
        let sums = if job.gathered {
            let panel = &job.panel[first * job.sources..][..ROWS * job.sources];
            gathered::<S, ROWS, VECTORS>(job, first, panel)
        } else if column == 1 {
            // Where there are fewer rows, the last one serves for those behind it.
            let lines: [&[f32]; ROWS] = std::array::from_fn(|row| {
                let row = row.min(count - 1);
                &values[row * pitch..][..job.sources]
            });
            let value = |(), step: usize, row: usize| lines[row][step];
            sums::<S, ROWS, VECTORS, ()>(job, first, |_| (), value)
        } else if count == ROWS {
            let line = |step: usize| &values[step * column..][..ROWS];
            let value = |line: &[f32], _: usize, row: usize| line[row];
            sums::<S, ROWS, VECTORS, &[f32]>(job, first, line, value)
        } else {
            let rows = job.given.starting_at(first);
            gather(rows, [count, job.sources], ROWS, job.panel);
            gathered::<S, ROWS, VECTORS>(job, first, job.panel)
        };
        finish::<S, ROWS, VECTORS>(job, first, &sums);
    }
}

/// The sums of one tile that has been gathered.
#[inline(always)]
fn gathered<S: Simd, const ROWS: usize, const VECTORS: usize>(
    job: &Product<'_>,
    first: usize,
    panel: &[f32],
) -> [[Vector<S, f32>; VECTORS]; ROWS] {
    let line = |step: usize| &panel[step * ROWS..][..ROWS];
    let value = |line: &[f32], _: usize, row: usize| line[row];
    sums::<S, ROWS, VECTORS, &[f32]>(job, first, line, value)
}

/// The sums of one tile: of what is to be had for a source, and the value of that source and each
/// row.
#[inline(always)]
fn sums<S: Simd, const ROWS: usize, const VECTORS: usize, L: Copy>(
    job: &Product<'_>,
    first: usize,
    line: impl Fn(usize) -> L,
    value: impl Fn(L, usize, usize) -> f32,
) -> [[Vector<S, f32>; VECTORS]; ROWS] {
    let lanes = lanes::<S>();
    let mut sums = [[splat::<S>(0.0); VECTORS]; ROWS];
    // The next group's weights come from far while this one's rows are made.
    let tiles = (job.made.len() / job.channels).div_ceil(ROWS);
    let (ahead, distance) = (first / ROWS * job.sources, job.width.div_ceil(tiles));
    let weights = job.weights.chunks_exact(VECTORS * lanes);
    for (step, weights) in (0..job.sources).zip(weights) {
        machine::prefetch(job.ahead, (ahead + step) * distance);
        let weights: [_; VECTORS] = std::array::from_fn(|v| load_at::<S>(weights, v * lanes));
        let line = line(step);
        for (row, sums) in sums.iter_mut().enumerate() {
            let value = splat::<S>(value(line, step, row));
            for (sum, weight) in sums.iter_mut().zip(weights) {
                *sum = mul_add::<S>(weight, value, *sum);
            }
        }
    }
    sums
}

/// Writes a tile's sums, and adds the biases.
#[inline(always)]
fn finish<S: Simd, const ROWS: usize, const VECTORS: usize>(
    job: &mut Product<'_>,
    first: usize,
    sums: &[[Vector<S, f32>; VECTORS]; ROWS],
) {
    let lanes = lanes::<S>();
    let (place, width) = (job.place.clone(), VECTORS * lanes);
    let made = &mut job.made[first * job.channels..];
    if place.len() == width && made.len() >= ROWS * job.channels {
        let bias = job.bias.unwrap_or(&[0.0; 2 * WIDEST]);
        let bias: [_; VECTORS] = std::array::from_fn(|v| load_at::<S>(bias, v * lanes));
        for (row, sums) in sums.iter().enumerate() {
            let row = &mut made[row * job.channels + place.start..][..width];
            for (v, (&sum, &bias)) in sums.iter().zip(&bias).enumerate() {
                store::<S>(&mut row[v * lanes..], sum + bias);
            }
        }
        return;
    }
    let mut lines = [[0.0; 2 * WIDEST]; ROWS];
    for (sums, line) in sums.iter().zip(&mut lines) {
        for (v, &sum) in sums.iter().enumerate() {
            store::<S>(&mut line[v * lanes..], sum);
        }
    }
    for (line, row) in lines.iter().zip(made.chunks_mut(job.channels)) {
        let row = &mut row[place.clone()];
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
