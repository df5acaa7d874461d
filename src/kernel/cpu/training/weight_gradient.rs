//! The gradient of the weights, which only training wants.
//!
//! Its lanes are output channels: for each pixel of the output, the gradient there, times what each
//! tap read for it. The sums of a few (input channel, tap) pairs stay in registers over all images.

use macerator::{Simd, Vector, with_simd};

use crate::geometry::Geometry;
use crate::vector::{lanes, load, splat, store};
use crate::walk::{Direction, Walk};

/// Pairs of (input channel, tap) whose sums are kept in registers.
const PAIRS: usize = 6;
/// Vectors of output channels whose sums are kept in registers.
const VECTORS: usize = 2;

/// The gradient of dense weights \[out, in, k, k\], given a batch of inputs \[N, in, H, W\] and the
/// gradient of the convolution's sums \[N, out, H', W'\].
pub fn weight_gradient(g: &Geometry, input: &[f32], gradient: &[f32]) -> Vec<f32> {
    let together = !g.filter.depthwise && g.filter.groups == 1;
    assert!(together, "only dense filters are trained");
    // Every element is trained.
    let filter = g.filter.whole();
    let g = &Geometry { filter, ..*g };
    let walk = Walk::new(g, Direction::Forward);
    let given = g.values()[0];
    let length = g.filter.channels_in * walk.plane();
    let mut source = vec![0.0; input.len() / given * length];
    for (image, source) in input
        .chunks_exact(given)
        .zip(source.chunks_exact_mut(length))
    {
        walk.split(image, source);
    }
    let mut weights = vec![0.0; g.filter.weight_dims().iter().product()];
    sum(g, &walk, &source, gradient, &mut weights);
    weights
}

#[with_simd]
fn sum<'a, S: Simd>(
    g: &'a Geometry,
    walk: &'a Walk,
    source: &[f32],
    gradient: &[f32],
    weights: &mut [f32],
) {
    let f = &g.filter;
    let lanes = lanes::<S>();
    let block = VECTORS * lanes;
    let (pixels, pairs) = (g.output[0] * g.output[1], f.channels_in * f.taps());
    let length = f.channels_in * walk.plane();
    let taps = &walk.passes[0].taps;
    let mut turned = vec![0.0; gradient.len() / f.channels_out * block];
    for first in (0..f.channels_out).step_by(block) {
        let outs = block.min(f.channels_out - first);
        turn(
            gradient,
            f.channels_out,
            pixels,
            first..first + outs,
            &mut turned,
            block,
        );
        for pair in (0..pairs).step_by(PAIRS) {
            let count = PAIRS.min(pairs - pair);
            // Beyond the last pair, the last one again; its sums are dropped.
            let starts: [usize; PAIRS] = std::array::from_fn(|k| {
                let pair = pair + k.min(count - 1);
                let tap = &taps[pair % f.taps()];
                pair / f.taps() * walk.plane() + tap.source
            });
            let mut sums = [[splat::<S>(0.0); VECTORS]; PAIRS];
            for (image, gradient) in source
                .chunks_exact(length)
                .zip(turned.chunks_exact(pixels * block))
            {
                for (y, gradient) in gradient.chunks_exact(g.output[1] * block).enumerate() {
                    let rows = starts.map(|start| &image[start + y * walk.row()..][..g.output[1]]);
                    add::<S>(rows, gradient, &mut sums);
                }
            }
            let mut column = [0.0; VECTORS * crate::vector::WIDEST];
            for (k, sums) in sums.iter().take(count).enumerate() {
                for (v, &sum) in sums.iter().enumerate() {
                    store::<S>(&mut column[v * lanes..], sum);
                }
                for (out, &value) in column[..outs].iter().enumerate() {
                    weights[(first + out) * pairs + pair + k] = value;
                }
            }
        }
    }
}

/// One row of output pixels: gradient × what each pair read, added to its sums.
#[inline(always)]
fn add<S: Simd>(
    rows: [&[f32]; PAIRS],
    gradient: &[f32],
    sums: &mut [[Vector<S, f32>; VECTORS]; PAIRS],
) {
    let lanes = lanes::<S>();
    for (x, gradient) in gradient.chunks_exact(VECTORS * lanes).enumerate() {
        let gradient = [load::<S>(gradient), load::<S>(&gradient[lanes..])];
        for (row, sums) in rows.iter().zip(sums.iter_mut()) {
            let value = splat::<S>(row[x]);
            for (sum, gradient) in sums.iter_mut().zip(gradient) {
                *sum = value.mul_add(gradient, *sum);
            }
        }
    }
}

/// Some output channels of \[N, out, pixels\] as \[N, pixels, block\]; beyond them, zeros.
fn turn(
    gradient: &[f32],
    channels: usize,
    pixels: usize,
    outs: std::ops::Range<usize>,
    turned: &mut [f32],
    block: usize,
) {
    turned.fill(0.0);
    for (image, turned) in gradient
        .chunks_exact(channels * pixels)
        .zip(turned.chunks_exact_mut(pixels * block))
    {
        let planes = image.chunks_exact(pixels).skip(outs.start).take(outs.len());
        for (out, plane) in planes.enumerate() {
            for (value, to) in plane.iter().zip(turned.iter_mut().skip(out).step_by(block)) {
                *to = *value;
            }
        }
    }
}
