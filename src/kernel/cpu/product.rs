//! The heart of dense convolution: a few rows of weights times a panel of columns.
//!
//! Weights lie in 4×4 tiles that serve both directions: forward reads them by column, backward by
//! row, so that both share one copy.

use std::hint::black_box;
use std::ops::Range;

use crate::machine::{Simd, Vector, mul_add};

use super::vector::{lanes, load, splat};
use super::walk::Tap;
use crate::geometry::Filter;

/// Channels in a block of rows, and in a block of the sum.
pub(super) const BLOCK: usize = 4;
/// Weights in a tile.
pub(super) const TILE: usize = BLOCK * BLOCK;
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
        let taps = filter.taps();
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

/// The first rows of `block`, output channels on the way forward and input channels on the way back,
/// of some columns, summed over the blocks `depth` of source channels and over `taps`.
///
/// `columns` is asked for the columns of the four channels of a block, as a tap reads them; one
/// channel's lie `stride` behind the other's. Only the first `channels` of each block count.
#[inline(always)]
pub(super) fn multiply<
    'a,
    S: Simd,
    const FORWARD: bool,
    const ROWS: usize,
    const VECTORS: usize,
>(
    tiles: &Tiles,
    packed: &[f32],
    block: usize,
    depth: Range<usize>,
    taps: &[Tap],
    (channels, stride): (usize, usize),
    mut columns: impl FnMut(usize, &Tap) -> Option<&'a [f32]>,
) -> Sums<S, ROWS, VECTORS> {
    let mut sums = [[splat::<S>(0.0); VECTORS]; ROWS];
    let mut sources = depth;
    while !sources.is_empty() {
        let (run, first, distance) = tiles.run::<FORWARD>(block, sources.clone());
        sources.start = run.end;
        // A loop within a loop would take as long as a tile.
        if let [tap] = taps {
            let mut at = first + tap.weight * TILE;
            for source in run {
                let Some(columns) = columns(source, tap) else {
                    return sums;
                };
                add::<S, FORWARD, ROWS, VECTORS>(
                    &mut sums,
                    &packed[at..at + TILE],
                    columns,
                    (channels, stride),
                );
                at += distance;
            }
        } else {
            let mut first = first;
            for source in run {
                for tap in taps {
                    let Some(columns) = columns(source, tap) else {
                        return sums;
                    };
                    let at = first + tap.weight * TILE;
                    add::<S, FORWARD, ROWS, VECTORS>(
                        &mut sums,
                        &packed[at..at + TILE],
                        columns,
                        (channels, stride),
                    );
                }
                first += distance;
            }
        }
    }
    sums
}

/// Adds what the channels of one block of the sum give.
#[inline(always)]
fn add<S: Simd, const FORWARD: bool, const ROWS: usize, const VECTORS: usize>(
    sums: &mut Sums<S, ROWS, VECTORS>,
    tile: &[f32],
    columns: &[f32],
    (channels, stride): (usize, usize),
) {
    let lanes = lanes::<S>();
    // If the compiler knew how many, it would make one sum after another, which takes more
    // registers than browsers have, instead of one source channel after another.
    for k in 0..black_box(channels) {
        let columns = &columns[k * stride..k * stride + VECTORS * lanes];
        let columns: [_; VECTORS] = std::array::from_fn(|v| load::<S>(&columns[v * lanes..]));
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
