//! Two arrays, value by value: sums, products, and what products leave for the backward pass.
//!
//! Each value of the second one may stand for several of the first: a channel's bias, its scale or
//! its gate for every pixel, a feature's for every row.

use crate::machine::{self as macerator, Simd, mul_add, with_simd};
use crate::spare;
use crate::vector::{WIDEST, lanes, load_at, splat, store};

/// How the second array lies over the first: for each of `images`, \[outer, inner\] over
/// \[outer, repeat, inner\].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spread {
    /// How often the whole of it is taken.
    pub images: usize,
    /// Before the axes that are repeated.
    pub outer: usize,
    /// How often its values are repeated.
    pub repeat: usize,
    /// Behind them.
    pub inner: usize,
}

impl Spread {
    /// Of shapes \[N, …\] of one rank; nothing, if the second is not repeated along neighbouring
    /// axes and, perhaps, along the first.
    pub fn of(first: &[usize], second: &[usize]) -> Option<Self> {
        let mut spread = Self {
            images: 1,
            outer: 1,
            repeat: 1,
            inner: 1,
        };
        if first.len() != second.len() {
            return None;
        }
        for (axis, (&long, &short)) in first.iter().zip(second).enumerate() {
            if long == short {
                if spread.repeat == 1 {
                    spread.outer *= long;
                } else {
                    spread.inner *= long;
                }
            } else if short != 1 {
                return None;
            } else if axis == 0 {
                spread.images = long;
            } else if spread.inner == 1 {
                spread.repeat *= long;
            } else {
                return None;
            }
        }
        Some(spread)
    }

    /// Values of the second array.
    pub fn len(&self) -> usize {
        self.outer * self.inner
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The same with every array's runs as long as they get.
    fn flat(self) -> Self {
        if self.repeat > 1 {
            return self;
        }
        Self {
            outer: 1,
            inner: self.outer * self.inner,
            ..self
        }
    }
}

/// What is made of two values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pairing {
    /// Their sum.
    Sum,
    /// Their product.
    Product,
}

/// Sums or products, in the place of the first array.
pub fn pair(first: &mut [f32], second: &[f32], spread: Spread, pairing: Pairing) {
    match pairing {
        Pairing::Sum => add_each(first, second, spread.flat()),
        Pairing::Product => multiply_each(first, second, spread.flat()),
    }
}

/// The same in an array of their own.
pub fn paired(first: &[f32], second: &[f32], spread: Spread, pairing: Pairing) -> Vec<f32> {
    let mut made = spare::room(first.len());
    let spread = spread.flat();
    let rows = first.chunks_exact(spread.repeat * spread.inner);
    for (row, values) in rows.zip(second.chunks_exact(spread.inner).cycle()) {
        // Whole repeats that fit into a cache, so that what is copied is near when it is changed.
        let repeats = (LINE / spread.inner).max(1);
        for row in row.chunks(repeats * spread.inner) {
            let start = made.len();
            made.extend_from_slice(row);
            let spread = Spread {
                images: 1,
                outer: 1,
                repeat: row.len() / spread.inner,
                inner: spread.inner,
            };
            pair(&mut made[start..], values, spread, pairing);
        }
    }
    made
}

/// Values that are copied at once.
const LINE: usize = 4096;

#[with_simd]
fn add_each<S: Simd>(first: &mut [f32], second: &[f32], spread: Spread) {
    pair_each::<true>(first, second, spread);
}

#[with_simd]
fn multiply_each<S: Simd>(first: &mut [f32], second: &[f32], spread: Spread) {
    pair_each::<false>(first, second, spread);
}

#[inline(always)]
fn pair_each<const SUM: bool>(first: &mut [f32], second: &[f32], spread: Spread) {
    let rows = first.chunks_exact_mut(spread.repeat * spread.inner);
    for (row, values) in rows.zip(second.chunks_exact(spread.inner).cycle()) {
        if let [value] = *values {
            for x in row {
                *x = if SUM { *x + value } else { *x * value };
            }
            continue;
        }
        for row in row.chunks_exact_mut(spread.inner) {
            for (x, &value) in row.iter_mut().zip(values) {
                *x = if SUM { *x + value } else { *x * value };
            }
        }
    }
}

/// Gradients of a product times the mean of a factor at two points, in the gradients' place.
pub fn multiply_by_mean(gradients: &mut [f32], ends: [&[f32]; 2], spread: Spread) {
    let [from, to] = ends;
    if std::ptr::eq(from, to) {
        pair(gradients, to, spread, Pairing::Product);
    } else {
        multiply_by_each_mean(gradients, ends, spread.flat());
    }
}

#[with_simd]
fn multiply_by_each_mean<S: Simd>(gradients: &mut [f32], ends: [&[f32]; 2], spread: Spread) {
    let rows = gradients.chunks_exact_mut(spread.repeat * spread.inner);
    let [from, to] = ends.map(|values| values.chunks_exact(spread.inner).cycle());
    for ((row, from), to) in rows.zip(from).zip(to) {
        for row in row.chunks_exact_mut(spread.inner) {
            for ((gradient, a), b) in row.iter_mut().zip(from).zip(to) {
                *gradient *= 0.5 * (a + b);
            }
        }
    }
}

/// The gradient of what is repeated in a product: that of the product times the mean of the other
/// factor, summed over the repeats. The images are one.
pub fn weighted_sums(gradients: &[f32], ends: [&[f32]; 2], spread: Spread) -> Vec<f32> {
    let mut sums = vec![0.0; spread.len()];
    sum_each(gradients, ends, spread, &mut sums);
    sums
}

#[with_simd]
fn sum_each<S: Simd>(gradients: &[f32], ends: [&[f32]; 2], spread: Spread, sums: &mut [f32]) {
    let length = spread.repeat * spread.inner;
    let [from, to] = ends.map(|values| values.chunks_exact(length));
    let rows = gradients.chunks_exact(length).zip(from).zip(to);
    for (((gradients, from), to), sums) in rows.zip(sums.chunks_exact_mut(spread.inner)) {
        if let [sum] = sums {
            *sum = dot::<S>(gradients, [from, to]);
            continue;
        }
        let rows = gradients.chunks_exact(spread.inner);
        let ends = from.chunks_exact(spread.inner);
        let ends = ends.zip(to.chunks_exact(spread.inner));
        for (gradients, (from, to)) in rows.zip(ends) {
            let values = sums.iter_mut().zip(gradients).zip(from).zip(to);
            for (((sum, gradient), a), b) in values {
                *sum += gradient * (0.5 * (a + b));
            }
        }
    }
}

/// Σ gradient · ½ (from + to).
#[inline(always)]
fn dot<S: Simd>(gradients: &[f32], [from, to]: [&[f32]; 2]) -> f32 {
    let lanes = lanes::<S>();
    let half = splat::<S>(0.5);
    // As many sums as one addition takes longer than the next one waits.
    const SUMS: usize = 4;
    let mut sums = [splat::<S>(0.0); SUMS];
    let mut at = 0;
    while at + SUMS * lanes <= gradients.len() {
        for sum in &mut sums {
            let mean = (load_at::<S>(from, at) + load_at::<S>(to, at)) * half;
            *sum = mul_add::<S>(load_at::<S>(gradients, at), mean, *sum);
            at += lanes;
        }
    }
    let mut values = [[0.0; WIDEST]; SUMS];
    let all = values.iter_mut().zip(sums);
    all.for_each(|(values, sum)| store::<S>(values, sum));
    let mut sum: f32 = values
        .iter()
        .map(|values| values[..lanes].iter().sum::<f32>())
        .sum();
    for at in at..gradients.len() {
        sum += gradients[at] * (0.5 * (from[at] + to[at]));
    }
    sum
}
