//! Images of one pixel, as of fully connected layers: a matrix times a vector.
//!
//! Every weight serves once, so that reading them is all the time. They lie in the tiles that larger images read.

use crate::machine::{self as macerator, Simd, mul_add, with_simd};
use crate::product::{BLOCK, TILE, Tiles};
use crate::vector::{lanes, load_at, splat, store};

/// Tiles whose sums run side by side, because a multiply-add takes that many times as long as the next one waits.
const SIDE_BY_SIDE: usize = 4;

/// Sums of each output channel, given the input channels, as many as the tiles have.
#[with_simd]
pub(super) fn forward<'a, S: Simd>(
    tiles: &'a Tiles,
    packed: &[f32],
    given: &[f32],
    made: &mut [f32],
    scratch: &mut Vec<f32>,
) {
    let lanes = lanes::<S>();
    // Each input channel once for each output channel of a tile.
    scratch.clear();
    for block in given.chunks_exact(BLOCK) {
        (0..BLOCK).for_each(|_| scratch.extend_from_slice(block));
    }
    made.fill(0.0);
    for first in (0..tiles.ins).step_by(tiles.chunk) {
        let length = tiles.chunk.min(tiles.ins - first);
        let given = &scratch[first * TILE..][..length * TILE];
        for (out, made) in made.chunks_exact_mut(BLOCK).enumerate() {
            let weights = &packed[tiles.start(out, first)..][..length * TILE];
            let mut sums = [[0.0; TILE]; SIDE_BY_SIDE];
            for at in (0..TILE).step_by(lanes) {
                let mut partial = [splat::<S>(0.0); SIDE_BY_SIDE];
                let mut tile = 0;
                while tile + SIDE_BY_SIDE <= length {
                    for (k, sum) in partial.iter_mut().enumerate() {
                        let place = (tile + k) * TILE + at;
                        let (weight, value) =
                            (load_at::<S>(weights, place), load_at::<S>(given, place));
                        *sum = mul_add::<S>(weight, value, *sum);
                    }
                    tile += SIDE_BY_SIDE;
                }
                for tile in tile..length {
                    let place = tile * TILE + at;
                    let (weight, value) =
                        (load_at::<S>(weights, place), load_at::<S>(given, place));
                    partial[0] = mul_add::<S>(weight, value, partial[0]);
                }
                for (sums, partial) in sums.iter_mut().zip(partial) {
                    store::<S>(&mut sums[at..], partial);
                }
            }
            for (row, made) in made.iter_mut().enumerate() {
                let row = row * BLOCK..(row + 1) * BLOCK;
                *made += sums.iter().flat_map(|sums| &sums[row.clone()]).sum::<f32>();
            }
        }
    }
}

/// Sums of each input channel, given the output channels, as many as the tiles have. Blocks of zeros are left out: the
/// gradient of one class is nothing but zeros elsewhere.
#[with_simd]
pub(super) fn backward<'a, S: Simd>(
    tiles: &'a Tiles,
    packed: &[f32],
    given: &[f32],
    made: &mut [f32],
    scratch: &mut Vec<f32>,
) {
    let lanes = lanes::<S>();
    scratch.clear();
    scratch.resize(tiles.ins * TILE, 0.0);
    for first in (0..tiles.ins).step_by(tiles.chunk) {
        let length = tiles.chunk.min(tiles.ins - first);
        let sums = &mut scratch[first * TILE..][..length * TILE];
        for (out, given) in given.chunks_exact(BLOCK).enumerate() {
            if given.iter().all(|&value| value == 0.0) {
                continue;
            }
            let values: [f32; TILE] = std::array::from_fn(|place| given[place / BLOCK]);
            let weights = &packed[tiles.start(out, first)..][..length * TILE];
            for at in (0..length * TILE).step_by(lanes) {
                let (weight, value) = (load_at::<S>(weights, at), load_at::<S>(&values, at % TILE));
                let sum = mul_add::<S>(weight, value, load_at::<S>(sums, at));
                store::<S>(&mut sums[at..], sum);
            }
        }
    }
    for (sums, made) in scratch.chunks_exact(TILE).zip(made.chunks_exact_mut(BLOCK)) {
        for (column, made) in made.iter_mut().enumerate() {
            *made = sums[column..].iter().step_by(BLOCK).sum();
        }
    }
}
