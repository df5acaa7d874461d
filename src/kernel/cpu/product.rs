//! The heart of dense convolution: a few rows of weights times a panel of columns.
//!
//! Weights lie in 4×4 tiles that serve both directions: forward reads them by column, backward by
//! row, so that both share one copy.

use std::hint::black_box;
use std::ops::Range;

#[cfg(target_family = "wasm")]
use crate::machine;
use crate::machine::{Simd, Vector, mul_add};

use super::vector::{WIDEST, lanes, load, splat};
use super::walk::Tap;
use crate::geometry::Filter;

/// Channels in a block of rows, and in a block of the sum.
pub(super) const BLOCK: usize = 4;
/// Weights in a tile.
pub(super) const TILE: usize = BLOCK * BLOCK;
/// Blocks of rows that are done at once at most: 24 sums.
pub(super) const MOST_BLOCKS: usize = 3;
/// Vectors of columns in a panel.
pub(super) const VECTORS: usize = 2;

/// Some rows of a panel's columns.
pub(super) type Sums<S, const ROWS: usize, const VECTORS: usize> =
    [[Vector<S, f32>; VECTORS]; ROWS];

/// Where the tile of each pair of channel blocks lies: \[chunk of input blocks, output block,
/// input block within the chunk, tap\], so that forward reads long runs, and backward as many runs
/// side by side as a chunk has blocks.
#[derive(Clone, Copy)]
pub(super) struct Tiles {
    /// Blocks of output channels.
    pub(super) outs: usize,
    /// Blocks of input channels.
    pub(super) ins: usize,
    pub(super) taps: usize,
    /// Blocks of input channels in a chunk.
    pub(super) chunk: usize,
}

impl Tiles {
    /// Weights of all tiles.
    pub(super) fn len(&self) -> usize {
        self.outs * self.ins * self.taps * TILE
    }

    /// The first weight of the first tap's tile.
    #[inline(always)]
    pub(super) fn start(&self, out: usize, input: usize) -> usize {
        let first = input / self.chunk * self.chunk;
        let length = self.chunk.min(self.ins - first);
        (first * self.outs + out * length + input - first) * self.taps * TILE
    }

    /// The first of `sources`, as many as have their tiles of a block at equal distances; where the
    /// first tap's first tile starts, and that distance.
    #[inline(always)]
    fn run<const FORWARD: bool>(
        &self,
        block: usize,
        sources: Range<usize>,
    ) -> (Range<usize>, usize, usize) {
        let tile = self.taps * TILE;
        if FORWARD {
            let end = (sources.start / self.chunk + 1) * self.chunk;
            let start = self.start(block, sources.start);
            (sources.start..end.min(sources.end), start, tile)
        } else {
            let first = block / self.chunk * self.chunk;
            let length = self.chunk.min(self.ins - first);
            (
                sources.clone(),
                self.start(sources.start, block),
                length * tile,
            )
        }
    }

    /// Hands every tile of filters \[out, in, k, k\] over: where the first tap's starts, and for each of its places the filter
    /// that belongs there, if there is one.
    pub(super) fn for_each<'a>(
        &self,
        weight: &'a [f32],
        filter: &Filter,
        mut tile: impl FnMut(usize, [Option<&'a [f32]>; TILE]),
    ) {
        let taps = filter.kernel * filter.kernel;
        for out in 0..self.outs {
            for input in 0..self.ins {
                let filters = std::array::from_fn(|place| {
                    let (o, i) = (out * BLOCK + place / BLOCK, input * BLOCK + place % BLOCK);
                    let there = o < filter.channels_out && i < filter.channels_in;
                    there.then(|| &weight[(o * filter.channels_in + i) * taps..][..taps])
                });
                tile(self.start(out, input), filters);
            }
        }
    }
}

/// The first rows of `block`, output channels on the way forward and input channels on the way back, and those of the
/// blocks behind it, of some columns, summed over the blocks `depth` of source channels and over `taps`.
///
/// `columns` is asked for the columns of the four channels of a block, as a tap reads them; one
/// channel's lie `stride` behind the other's. Only the first `channels` of each block count; of several blocks at once,
/// all. Several taps are gone through in the `order` that columns are gathered in, if they are: a
/// block of source channels, counted from the first, and a tap.
#[inline(always)]
#[allow(clippy::too_many_arguments)]
pub(super) fn multiply<
    'a,
    S: Simd,
    const FORWARD: bool,
    const BLOCKS: usize,
    const ROWS: usize,
    const VECTORS: usize,
>(
    tiles: &Tiles,
    packed: &[f32],
    block: usize,
    depth: Range<usize>,
    taps: &[Tap],
    (channels, stride): (usize, usize),
    order: Option<&[(usize, Tap)]>,
    mut columns: impl FnMut(usize, &Tap) -> Option<&'a [f32]>,
) -> [Sums<S, ROWS, VECTORS>; BLOCKS] {
    let mut sums = [[[splat::<S>(0.0); VECTORS]; ROWS]; BLOCKS];
    let mut sources = depth;
    // If the compiler knew how many, it would make one sum after another, which takes more
    // registers than browsers have, instead of one source channel after another.
    let channels = match BLOCKS {
        1 => black_box(channels).min(BLOCK),
        _ => BLOCK,
    };
    while !sources.is_empty() {
        let (mut first, mut distances) = ([0; BLOCKS], [0; BLOCKS]);
        let mut run = sources.clone();
        for (k, (first, distance)) in first.iter_mut().zip(&mut distances).enumerate() {
            // All of them have the same run.
            (run, *first, *distance) = tiles.run::<FORWARD>(block + k, sources.clone());
        }
        sources.start = run.end;
        // A loop within a loop would take as long as a tile.
        if let [tap] = taps {
            let mut at = first.map(|first| first + tap.weight * TILE);
            for source in run {
                let Some(columns) = columns(source, tap) else {
                    return sums;
                };
                let tiles = at.map(|at| &packed[at..at + TILE]);
                #[cfg(target_family = "wasm")]
                if let (false, [sums], [tile]) = (FORWARD, &mut sums[..], &tiles[..]) {
                    let source = (channels, stride);
                    add_backward::<S, ROWS, VECTORS>(sums, tile, columns, source);
                    at[0] += distances[0];
                    continue;
                }
                add::<S, FORWARD, BLOCKS, ROWS, VECTORS>(
                    &mut sums,
                    tiles,
                    columns,
                    (channels, stride),
                );
                for (at, distance) in at.iter_mut().zip(distances) {
                    *at += distance;
                }
            }
        } else if let Some(order) = order {
            // Nor may there be one here, or sums would leave their registers from tap to tap.
            let start = run.start;
            for (source, tap) in order {
                let Some(columns) = columns(start + source, tap) else {
                    return sums;
                };
                let tiles = std::array::from_fn(|k| {
                    &packed[first[k] + source * distances[k] + tap.weight * TILE..][..TILE]
                });
                add::<S, FORWARD, BLOCKS, ROWS, VECTORS>(
                    &mut sums,
                    tiles,
                    columns,
                    (channels, stride),
                );
            }
        } else {
            for source in run {
                for tap in taps {
                    let Some(columns) = columns(source, tap) else {
                        return sums;
                    };
                    let tiles = first.map(|first| &packed[first + tap.weight * TILE..][..TILE]);
                    add::<S, FORWARD, BLOCKS, ROWS, VECTORS>(
                        &mut sums,
                        tiles,
                        columns,
                        (channels, stride),
                    );
                }
                for (first, distance) in first.iter_mut().zip(distances) {
                    *first += distance;
                }
            }
        }
    }
    sums
}

/// Vectors side by side, from a place on.
#[inline(always)]
fn vectors_at<S: Simd, const VECTORS: usize>(from: &[f32], at: usize) -> [Vector<S, f32>; VECTORS] {
    let lanes = lanes::<S>();
    let from = &from[at..at + VECTORS * lanes];
    std::array::from_fn(|v| load::<S>(&from[v * lanes..]))
}

/// Adds what the channels of one block of the sum give.
#[inline(always)]
fn add<
    S: Simd,
    const FORWARD: bool,
    const BLOCKS: usize,
    const ROWS: usize,
    const VECTORS: usize,
>(
    sums: &mut [Sums<S, ROWS, VECTORS>; BLOCKS],
    tiles: [&[f32]; BLOCKS],
    columns: &[f32],
    (channels, stride): (usize, usize),
) {
    for k in 0..channels {
        let columns = vectors_at::<S, VECTORS>(columns, k * stride);
        for (sums, tile) in sums.iter_mut().zip(tiles) {
            for (row, sums) in sums.iter_mut().enumerate() {
                let at = if FORWARD {
                    row * BLOCK + k
                } else {
                    k * BLOCK + row
                };
                let weight = splat::<S>(tile[at]);
                for (sum, column) in sums.iter_mut().zip(columns) {
                    *sum = mul_add::<S>(weight, column, *sum);
                }
            }
        }
    }
}

/// The same of one tile, on the way back, in browsers: the weights of a channel lie side by side,
/// and are taken from memory in one go.
#[cfg(target_family = "wasm")]
#[inline(always)]
fn add_backward<S: Simd, const ROWS: usize, const VECTORS: usize>(
    sums: &mut Sums<S, ROWS, VECTORS>,
    tile: &[f32],
    columns: &[f32],
    (channels, stride): (usize, usize),
) {
    for k in 0..channels {
        let columns = vectors_at::<S, VECTORS>(columns, k * stride);
        let weights = load::<S>(&tile[k * BLOCK..]);
        for (row, sums) in sums.iter_mut().enumerate() {
            let weight = machine::lane::<S>(weights, row);
            for (sum, column) in sums.iter_mut().zip(columns) {
                *sum = mul_add::<S>(weight, column, *sum);
            }
        }
    }
}

/// How many of so many blocks are best done next: as many at once as registers have sums for, where there are 32 of them
/// and all `channels` of the sum's blocks count, and one elsewhere.
#[inline(always)]
pub(super) fn at_once<S: Simd>(rest: usize, channels: usize) -> usize {
    match rest {
        _ if lanes::<S>() < WIDEST || channels < BLOCK => 1,
        0 | 1 => 1,
        2 | 4 => 2,
        _ => MOST_BLOCKS,
    }
}
