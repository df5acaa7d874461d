//! M: for each place of a tile, weights times transformed source.

use super::{BLOCKS_OF_ONE, Job};
use crate::machine::{self, Simd, Vector, mul_add};
use crate::product::{BLOCK, MOST_BLOCKS, TILE, at_once, multiply};
use crate::vector::{WIDEST, lanes, load_at, splat, store};
use crate::walk::Tap;

/// One place of a panel: weights × transformed source, summed over the source channels.
#[inline(always)]
pub(super) fn product<S: Simd, const FORWARD: bool, const VECTORS: usize>(
    job: &Job<'_>,
    packed: &[f32],
    given: &[f32],
    made: &mut [f32],
) {
    let height = BLOCK * VECTORS * lanes::<S>();
    let mut block = 0;
    while block < job.rows {
        let made = &mut made[block * height..];
        let rest = job.rows - block;
        block += match at_once::<S>(rest, BLOCK) {
            _ if VECTORS == 1 && rest >= BLOCKS_OF_ONE => {
                rows_of_one::<S, FORWARD, BLOCKS_OF_ONE>(job, packed, given, block, made)
            }
            _ if VECTORS == 1 => rows_of_one::<S, FORWARD, 1>(job, packed, given, block, made),
            MOST_BLOCKS => {
                rows::<S, FORWARD, MOST_BLOCKS, VECTORS>(job, packed, given, block, made)
            }
            2 => rows::<S, FORWARD, 2, VECTORS>(job, packed, given, block, made),
            _ => rows::<S, FORWARD, 1, VECTORS>(job, packed, given, block, made),
        };
    }
}

/// As [`rows`], of panels that are one vector wide.
#[inline(always)]
fn rows_of_one<S: Simd, const FORWARD: bool, const BLOCKS: usize>(
    job: &Job<'_>,
    packed: &[f32],
    given: &[f32],
    block: usize,
    made: &mut [f32],
) -> usize {
    let lanes = lanes::<S>();
    let sums = multiply_one::<S, FORWARD, BLOCKS>(job, packed, given, block);
    for (k, sums) in sums.iter().enumerate() {
        for (row, sum) in sums.iter().enumerate() {
            store::<S>(&mut made[(k * BLOCK + row) * lanes..], *sum);
        }
    }
    BLOCKS
}

/// As [`multiply`], of a single vector, where nothing but the sums may be held in registers: every
/// weight is used once.
#[inline(always)]
fn multiply_one<S: Simd, const FORWARD: bool, const BLOCKS: usize>(
    job: &Job<'_>,
    packed: &[f32],
    given: &[f32],
    block: usize,
) -> [[Vector<S, f32>; BLOCK]; BLOCKS] {
    let (tiles, lanes) = (&job.tiles, lanes::<S>());
    let mut sums = [[splat::<S>(0.0); BLOCK]; BLOCKS];
    // The same of the next chunk, or some steps further on.
    let ahead = match FORWARD {
        true => tiles.chunk * tiles.outs * TILE,
        false => 8 * tiles.chunk * TILE,
    };
    let mut sources = given.chunks_exact(BLOCK * lanes).take(job.depth);
    let mut source = 0;
    while source < job.depth {
        // As far as a block's tiles lie at equal distances.
        let (mut at, mut distances) = ([0; BLOCKS], [0; BLOCKS]);
        let mut run = job.depth - source;
        for k in 0..BLOCKS {
            if FORWARD {
                at[k] = tiles.start(block + k, source);
                distances[k] = TILE;
                run = run.min(tiles.chunk - source % tiles.chunk);
            } else {
                at[k] = tiles.start(source, block + k);
                distances[k] = tiles.start(source + 1, block + k) - at[k];
            }
        }
        source += run;
        for columns in sources.by_ref().take(run) {
            let mut weights = [packed; BLOCKS];
            for k in 0..BLOCKS {
                weights[k] = &packed[at[k]..at[k] + TILE];
                machine::prefetch(packed, at[k] + ahead);
                at[k] += distances[k];
            }
            for channel in 0..BLOCK {
                let column = load_at::<S>(columns, channel * lanes);
                for (sums, weights) in sums.iter_mut().zip(weights) {
                    for (row, sum) in sums.iter_mut().enumerate() {
                        let place = if FORWARD {
                            row * BLOCK + channel
                        } else {
                            channel * BLOCK + row
                        };
                        *sum = mul_add::<S>(splat::<S>(weights[place]), column, *sum);
                    }
                }
            }
        }
    }
    sums
}

/// Some blocks of target channels, from one on; how many.
#[inline(always)]
fn rows<S: Simd, const FORWARD: bool, const BLOCKS: usize, const VECTORS: usize>(
    job: &Job<'_>,
    packed: &[f32],
    given: &[f32],
    block: usize,
    made: &mut [f32],
) -> usize {
    let lanes = lanes::<S>();
    let width = VECTORS * lanes;
    let whole = [Tap {
        weight: 0,
        source: 0,
    }];
    let mut steps = given.chunks_exact(BLOCK * width);
    let (tiles, depth) = (&job.tiles, 0..job.depth);
    let next = |source, _: &Tap| {
        // The weights of the blocks behind these.
        if lanes == WIDEST {
            let (at, distance) = match FORWARD {
                true => (tiles.start(block + BLOCKS, source), tiles.chunk * TILE),
                false => (tiles.start(source, block + BLOCKS), TILE),
            };
            for k in 0..BLOCKS {
                machine::prefetch(packed, at + k * distance);
            }
        }
        steps.next()
    };
    let sums = multiply::<S, FORWARD, BLOCKS, BLOCK, VECTORS>(
        tiles,
        packed,
        block,
        depth,
        &whole,
        (BLOCK, width),
        None,
        next,
    );
    let sums = sums.iter().flatten().flatten();
    for (sum, made) in sums.zip(made.chunks_exact_mut(lanes)) {
        store::<S>(made, *sum);
    }
    BLOCKS
}
