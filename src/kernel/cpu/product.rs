//! The heart of dense convolution: four rows of weights times a panel of columns.
//!
//! Weights lie in 4×4 tiles that serve both directions: forward reads them by column, backward by
//! row, so that both share one copy.

use std::hint::black_box;

use crate::machine::{Simd, Vector, mul_add};

use super::vector::{lanes, load, splat};
use super::walk::Tap;

/// Channels in a block of rows, and in a block of the sum.
pub(super) const BLOCK: usize = 4;
/// Weights in a tile.
pub(super) const TILE: usize = BLOCK * BLOCK;
/// Vectors of columns in a panel.
pub(super) const VECTORS: usize = 2;

/// Four rows of a panel's columns.
pub(super) type Sums<S> = [[Vector<S, f32>; VECTORS]; BLOCK];

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

    /// Where the weight from an input to an output channel lies, for the first tap.
    pub(super) fn weight(&self, out: usize, input: usize) -> usize {
        self.start(out / BLOCK, input / BLOCK) + out % BLOCK * BLOCK + input % BLOCK
    }
}

/// The four rows of `block`, output channels on the way forward and input channels on the way back,
/// of some columns, summed over the blocks `depth` of source channels and over `taps`.
///
/// `columns` is asked for the columns of the four channels of a block, as a tap reads them; one
/// channel's lie `stride` behind the other's.
#[inline(always)]
pub(super) fn multiply<'a, S: Simd, const FORWARD: bool>(
    tiles: &Tiles,
    packed: &[f32],
    block: usize,
    depth: std::ops::Range<usize>,
    taps: &[Tap],
    stride: usize,
    mut columns: impl FnMut(usize, &Tap) -> Option<&'a [f32]>,
) -> Sums<S> {
    let lanes = lanes::<S>();
    let mut sums = [[splat::<S>(0.0); VECTORS]; BLOCK];
    for source in depth {
        let first = if FORWARD {
            tiles.start(block, source)
        } else {
            tiles.start(source, block)
        };
        for tap in taps {
            let Some(columns) = columns(source, tap) else {
                return sums;
            };
            let start = first + tap.weight * TILE;
            let tile: &[f32; TILE] = match packed[start..start + TILE].try_into() {
                Ok(tile) => tile,
                Err(_) => return sums,
            };
            // If the compiler knew how many, it would make one sum after another, which takes more
            // registers than browsers have, instead of one source channel after another.
            for k in 0..black_box(BLOCK) {
                let columns = &columns[k * stride..k * stride + VECTORS * lanes];
                let columns = [load::<S>(columns), load::<S>(&columns[lanes..])];
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
    sums
}
