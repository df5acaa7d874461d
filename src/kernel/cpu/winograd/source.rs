//! Bᵀ d B: what the tiles of a panel read, transformed.

use super::Job;
use super::transform::{Transform, column};
use crate::machine::{Simd, Vector};
use crate::product::BLOCK;
use crate::vector::{WIDEST, lanes, load, splat, store};

/// Bᵀ d B of a panel's tiles, for every source channel. Places lie `distance` apart.
#[inline(always)]
pub(super) fn transform_source<
    S: Simd,
    T: Transform<OUT, IN>,
    const FORWARD: bool,
    const VECTORS: usize,
    const OUT: usize,
    const IN: usize,
>(
    job: &Job<'_>,
    pitch: usize,
    tile: usize,
    distance: usize,
    given: &mut [f32],
) {
    let lanes = lanes::<S>();
    // Beyond the last, the last again.
    let last = job.grid[0] * pitch - 1;
    let source = |tile: usize| {
        let tile = tile.min(last);
        tile / pitch * job.row + tile % pitch
    };
    // Where the values of a tile are, from its first.
    let offsets: [[usize; IN]; IN] = std::array::from_fn(|i| {
        std::array::from_fn(|j| {
            let phase = (i % OUT) * OUT + j % OUT;
            phase * job.phase + i / OUT * job.row + j / OUT
        })
    });
    let mut gathered = [[[0.0; WIDEST]; IN]; IN];
    for v in 0..VECTORS {
        let mut sources = [0usize; WIDEST];
        for (k, at) in sources.iter_mut().enumerate() {
            *at = source(tile + v * lanes + k);
        }
        let sources = &sources[..lanes];
        let contiguous = sources.windows(2).all(|pair| pair[1] == pair[0] + 1);
        for channel in 0..job.depth * BLOCK {
            let plane = &job.source[channel * OUT * OUT * job.phase..];
            let given = &mut given[(channel * VECTORS + v) * lanes..];
            if contiguous {
                let plane = &plane[sources[0]..];
                transform_tiles::<S, T, FORWARD, OUT, IN>(given, distance, |i, j| {
                    load::<S>(&plane[offsets[i][j]..])
                });
            } else {
                for (line, offsets) in gathered.iter_mut().zip(&offsets) {
                    for (values, offset) in line.iter_mut().zip(offsets) {
                        for (value, source) in values.iter_mut().zip(sources) {
                            *value = plane[offset + source];
                        }
                    }
                }
                transform_tiles::<S, T, FORWARD, OUT, IN>(given, distance, |i, j| {
                    load::<S>(&gathered[i][j])
                });
            }
        }
    }
}

/// Bᵀ d B of one channel of a vector of tiles.
#[inline(always)]
fn transform_tiles<
    S: Simd,
    T: Transform<OUT, IN>,
    const FORWARD: bool,
    const OUT: usize,
    const IN: usize,
>(
    given: &mut [f32],
    distance: usize,
    value: impl Fn(usize, usize) -> Vector<S, f32>,
) {
    let mut d = [[splat::<S>(0.0); IN]; IN];
    for (i, row) in d.iter_mut().enumerate() {
        // Closures that are handed on would not always be compiled into this.
        for (j, to) in row.iter_mut().enumerate() {
            *to = value(i, j);
            if !FORWARD && (i + j) % 2 == 1 {
                *to = splat::<S>(0.0) - *to;
            }
        }
        *row = T::input::<S>(*row);
    }
    for j in 0..IN {
        let column = T::input::<S>(column::<_, IN, IN>(&d, j));
        for (i, value) in column.into_iter().enumerate() {
            store::<S>(&mut given[(i * IN + j) * distance..], value);
        }
    }
}
