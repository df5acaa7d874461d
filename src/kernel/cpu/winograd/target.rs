//! Aᵀ M A: outputs, finished and written where they belong.

use super::Job;
use super::transform::{Transform, column};
use crate::lines::copy;
use crate::machine::{self, Simd};
use crate::transpose::transposed;
use crate::vector::{WIDEST, clamp, lanes, load, splat, store};

/// Aᵀ M A of a panel's tiles, for every target channel, finished and written to the target.
#[inline(always)]
pub(super) fn transform_back<
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
    made: &[f32],
    target: &mut [f32],
) {
    let lanes = lanes::<S>();
    let [height, width] = job.size;
    let range = job.epilogue.activation.range();
    let ends = [splat::<S>(range[0]), splat::<S>(range[1])];
    let (mut pixels, mut woven) = ([[0.0; WIDEST]; OUT], [[0.0; OUT]; WIDEST]);
    for v in 0..VECTORS {
        let mut runs = [(0, 0, 0, 0); WIDEST];
        let runs = runs_of_tiles(tile + v * lanes, pitch, lanes, &mut runs);
        for (channel, plane) in target.chunks_exact_mut(height * width).enumerate() {
            let bias = splat::<S>(job.epilogue.bias.map_or(0.0, |bias| bias[channel]));
            let residual = job
                .epilogue
                .residual
                .map(|r| &r[channel * height * width..][..height * width]);
            let made = &made[(channel * VECTORS + v) * lanes..];
            let mut rows = [[splat::<S>(0.0); OUT]; IN];
            for (i, row) in rows.iter_mut().enumerate() {
                let mut places = [splat::<S>(0.0); IN];
                for (j, place) in places.iter_mut().enumerate() {
                    *place = load::<S>(&made[(i * IN + j) * distance..]);
                }
                *row = T::output::<S>(places);
            }
            let mut columns = [[splat::<S>(0.0); OUT]; OUT];
            for (b, to) in columns.iter_mut().enumerate() {
                *to = T::output::<S>(column::<_, IN, OUT>(&rows, b));
            }
            for a in 0..OUT {
                for (b, (pixels, column)) in pixels.iter_mut().zip(&columns).enumerate() {
                    let mut value = column[a];
                    if !FORWARD && (a + b) % 2 == 1 {
                        value = splat::<S>(0.0) - value;
                    }
                    value += bias;
                    if residual.is_none() {
                        value = machine::clamp::<S>(value, ends);
                    }
                    store::<S>(pixels, value);
                }
                weave(&pixels, lanes, &mut woven);
                for &(first, row, column, count) in runs {
                    let (y, x) = (row * OUT + a, column * OUT);
                    if y >= height || x >= width {
                        continue;
                    }
                    let part = y * width + x..y * width + width.min(x + count * OUT);
                    let values = &woven.as_flattened()[first * OUT..];
                    if let Some(residual) = residual {
                        let values = residual[part.clone()].iter().zip(values);
                        for (to, (residual, value)) in plane[part].iter_mut().zip(values) {
                            *to = clamp(value + residual, range);
                        }
                    } else {
                        copy(&mut plane[part], values);
                    }
                }
            }
        }
    }
}

/// The tiles of a vector by rows of tiles: the first one's lane, row and column, and how many there
/// are.
#[inline(always)]
fn runs_of_tiles(
    tile: usize,
    pitch: usize,
    lanes: usize,
    runs: &mut [(usize, usize, usize, usize); WIDEST],
) -> &[(usize, usize, usize, usize)] {
    let (mut lane, mut count) = (0, 0);
    while lane < lanes {
        let (row, column) = ((tile + lane) / pitch, (tile + lane) % pitch);
        let length = (pitch - column).min(lanes - lane);
        runs[count] = (lane, row, column, length);
        lane += length;
        count += 1;
    }
    &runs[..count]
}

/// Pixels of tiles, those of each tile side by side.
#[inline(always)]
fn weave<const OUT: usize>(
    pixels: &[[f32; WIDEST]; OUT],
    lanes: usize,
    woven: &mut [[f32; OUT]; WIDEST],
) {
    const SIDE: usize = 4;
    if OUT == SIDE {
        for first in (0..lanes).step_by(SIDE) {
            let mut square = [[0.0; SIDE]; SIDE];
            for (line, pixels) in square.iter_mut().zip(pixels) {
                line.copy_from_slice(&pixels[first..first + SIDE]);
            }
            let square = transposed(square);
            woven.as_flattened_mut()[first * SIDE..][..SIDE * SIDE]
                .copy_from_slice(square.as_flattened());
        }
    } else {
        for (tile, woven) in woven.iter_mut().enumerate().take(lanes) {
            for (value, pixels) in woven.iter_mut().zip(pixels) {
                *value = pixels[tile];
            }
        }
    }
}
