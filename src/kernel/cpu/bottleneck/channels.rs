//! Values \[pixel, channels of a group\], and one number of each channel.

use super::groups::WHOLE;
use crate::machine::{self as macerator, Simd, mul_add, with_simd};
use crate::vector::{lanes, load_at, splat, store};

/// Adds each channel's values to its sum.
#[with_simd]
pub(super) fn add_up<S: Simd>(values: &[f32], sums: &mut [f32]) {
    let lanes = lanes::<S>();
    let mut totals: [_; WHOLE] = std::array::from_fn(|v| load_at::<S>(sums, v * lanes));
    for pixel in values.chunks_exact(WHOLE * lanes) {
        for (v, total) in totals.iter_mut().enumerate() {
            *total += load_at::<S>(pixel, v * lanes);
        }
    }
    for (v, total) in totals.into_iter().enumerate() {
        store::<S>(&mut sums[v * lanes..], total);
    }
}

/// Adds each channel's products to its sum.
#[with_simd]
pub(super) fn add_products<S: Simd>(first: &[f32], second: &[f32], sums: &mut [f32]) {
    let lanes = lanes::<S>();
    let mut totals: [_; WHOLE] = std::array::from_fn(|v| load_at::<S>(sums, v * lanes));
    let pixels = first.chunks_exact(WHOLE * lanes);
    for (first, second) in pixels.zip(second.chunks_exact(WHOLE * lanes)) {
        for (v, total) in totals.iter_mut().enumerate() {
            let [a, b] = [first, second].map(|values| load_at::<S>(values, v * lanes));
            *total = mul_add::<S>(a, b, *total);
        }
    }
    for (v, total) in totals.into_iter().enumerate() {
        store::<S>(&mut sums[v * lanes..], total);
    }
}

/// Each channel's values times its factor, plus its term; pixels of the target lie `pitch` behind each other.
#[with_simd]
pub(super) fn scale<'a, S: Simd>(
    values: &[f32],
    factors: &[f32],
    terms: Option<&'a [f32]>,
    target: &mut [f32],
    pitch: usize,
) {
    let lanes = lanes::<S>();
    let factors: [_; WHOLE] = std::array::from_fn(|v| load_at::<S>(factors, v * lanes));
    let terms: [_; WHOLE] = std::array::from_fn(|v| match terms {
        Some(terms) => load_at::<S>(terms, v * lanes),
        None => splat::<S>(0.0),
    });
    let pixels = values.chunks_exact(WHOLE * lanes);
    for (values, target) in pixels.zip(target.chunks_mut(pitch)) {
        for (v, (&factor, &term)) in factors.iter().zip(&terms).enumerate() {
            let value = load_at::<S>(values, v * lanes);
            store::<S>(&mut target[v * lanes..], mul_add::<S>(value, factor, term));
        }
    }
}
