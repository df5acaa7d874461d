//! Softmax and normalisation of rows, each while it lies in the nearest cache: values, and mean
//! gradients between two points.

use crate::function::{exp, exp_mean};
use crate::machine::{self as macerator, Simd, with_simd};
use crate::spare;
use crate::vector::WIDEST;

/// What is made of each row.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Rows {
    /// exp(x) / Σ exp(x).
    Softmax,
    /// (x − mean) / √(variance + ε), of that ε.
    Normalise(f32),
}

/// What is made of rows of `length` values.
pub fn rows(values: &[f32], length: usize, made: Rows) -> Vec<f32> {
    let mut results = spare::copy(values);
    match made {
        Rows::Softmax => softmax(&mut results, length),
        Rows::Normalise(epsilon) => normalise(&mut results, length, epsilon),
    }
    results
}

/// Turns gradients of what is made of rows into the mean ones of the rows between two points: at
/// one, where these are the same slice.
///
/// # Source
///
/// `docs/secants`: of a softmax, Δp = L(p₀, p₁) · (Δz − Δlse) with the logarithmic mean L; of what
/// is normalised, the quotient rule.
pub fn rows_gradient(gradients: &mut [f32], ends: [&[f32]; 2], length: usize, made: Rows) {
    match made {
        Rows::Softmax => softmax_gradient(gradients, ends, length),
        Rows::Normalise(epsilon) => normalise_gradient(gradients, ends, length, epsilon),
    }
}

#[with_simd]
fn softmax<S: Simd>(values: &mut [f32], length: usize) {
    for row in values.chunks_exact_mut(length) {
        let highest = highest(row);
        for x in row.iter_mut() {
            *x = exp(*x - highest);
        }
        let share = 1.0 / sum(row);
        for x in row {
            *x *= share;
        }
    }
}

#[with_simd]
fn softmax_gradient<S: Simd>(gradients: &mut [f32], ends: [&[f32]; 2], length: usize) {
    let [from, to] = ends;
    let at_points = std::ptr::eq(from, to);
    let (mut weights, mut terms) = (vec![0.0; length], vec![0.0; length]);
    let rows = from.chunks_exact(length).zip(to.chunks_exact(length));
    for (row, (from, to)) in gradients.chunks_exact_mut(length).zip(rows) {
        let total = log_sum_exp(to, &mut terms);
        if at_points {
            for ((weight, g), x) in weights.iter_mut().zip(row.iter_mut()).zip(to) {
                *weight = exp(x - total);
                *g *= *weight;
            }
        } else {
            let before = log_sum_exp(from, &mut terms);
            // Shifted by the larger total, so that nothing overflows.
            let shift = before.max(total);
            let of_totals = 1.0 / exp_mean(before - shift, total - shift);
            let values = from.iter().zip(to);
            for ((weight, g), (a, b)) in weights.iter_mut().zip(row.iter_mut()).zip(values) {
                *weight = exp_mean(a - shift, b - shift) * of_totals;
                *g *= exp_mean(a - before, b - total);
            }
        }
        let whole = sum(row);
        for (g, weight) in row.iter_mut().zip(&weights) {
            *g -= weight * whole;
        }
    }
}

#[with_simd]
fn normalise<S: Simd>(values: &mut [f32], length: usize, epsilon: f32) {
    for row in values.chunks_exact_mut(length) {
        let deviation = centre(row, epsilon);
        for x in row {
            *x /= deviation;
        }
    }
}

#[with_simd]
fn normalise_gradient<S: Simd>(
    gradients: &mut [f32],
    ends: [&[f32]; 2],
    length: usize,
    epsilon: f32,
) {
    let share = 1.0 / length as f32;
    let mut centred = [vec![0.0; length], vec![0.0; length]];
    let mut terms = vec![0.0; length];
    let rows = ends.map(|values| values.chunks_exact(length));
    let [from, to] = rows;
    for (row, ends) in gradients.chunks_exact_mut(length).zip(from.zip(to)) {
        let mut deviations = [0.0; 2];
        for (k, values) in [ends.0, ends.1].into_iter().enumerate() {
            centred[k].copy_from_slice(values);
            deviations[k] = centre(&mut centred[k], epsilon);
        }
        let [s, t] = deviations;
        let (halves, deviation) = ([0.5 / s, 0.5 / t], 0.5 * (s + t));
        let [from, to] = &centred;
        // The gradient of the centred value alone, times the mean result: that of the deviation.
        for (((term, g), a), b) in terms.iter_mut().zip(row.iter_mut()).zip(from).zip(to) {
            *g /= deviation;
            *term = *g * (a * halves[0] + b * halves[1]);
        }
        let of_deviation = 0.5 * share * sum(&terms) / deviation;
        for ((g, a), b) in row.iter_mut().zip(from).zip(to) {
            *g -= (a + b) * of_deviation;
        }
        let mean = sum(row) * share;
        for g in row {
            *g -= mean;
        }
    }
}

/// Takes the mean away; √(variance + ε).
#[inline(always)]
fn centre(row: &mut [f32], epsilon: f32) -> f32 {
    let share = 1.0 / row.len() as f32;
    let mean = sum(row) * share;
    for x in row.iter_mut() {
        *x -= mean;
    }
    let (vectors, rest) = row.as_chunks::<WIDEST>();
    let mut sums = [0.0; WIDEST];
    for values in vectors {
        for (sum, x) in sums.iter_mut().zip(values) {
            *sum += x * x;
        }
    }
    for (sum, x) in sums.iter_mut().zip(rest) {
        *sum += x * x;
    }
    (sums.iter().sum::<f32>() * share + epsilon).sqrt()
}

/// log Σ exp(x). `terms` is a place to work.
#[inline(always)]
fn log_sum_exp(row: &[f32], terms: &mut [f32]) -> f32 {
    let highest = highest(row);
    for (term, x) in terms.iter_mut().zip(row) {
        *term = exp(x - highest);
    }
    highest + sum(terms).ln()
}

#[inline(always)]
fn highest(row: &[f32]) -> f32 {
    let (vectors, rest) = row.as_chunks::<WIDEST>();
    let mut highest = [f32::NEG_INFINITY; WIDEST];
    for values in vectors {
        for (highest, &x) in highest.iter_mut().zip(values) {
            *highest = if x > *highest { x } else { *highest };
        }
    }
    let all = highest.iter().chain(rest);
    all.fold(f32::NEG_INFINITY, |highest, &x| highest.max(x))
}

/// Σ x, in as many sums as the widest vector has.
#[inline(always)]
fn sum(row: &[f32]) -> f32 {
    let (vectors, rest) = row.as_chunks::<WIDEST>();
    let mut sums = [0.0; WIDEST];
    for values in vectors {
        for (sum, x) in sums.iter_mut().zip(values) {
            *sum += x;
        }
    }
    for (sum, x) in sums.iter_mut().zip(rest) {
        *sum += x;
    }
    sums.iter().sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LENGTH: usize = 37;

    fn values(seed: usize, scale: f32) -> Vec<f32> {
        let value = |k: usize| scale * (((k * 7919 + seed * 3571) % 1000) as f32 / 500.0 - 1.0);
        (0..3 * LENGTH).map(value).collect()
    }

    /// By definition, in double precision.
    fn expected(row: &[f32], made: Rows) -> Vec<f64> {
        let row: Vec<f64> = row.iter().map(|&x| f64::from(x)).collect();
        match made {
            Rows::Softmax => {
                let highest = row.iter().fold(f64::MIN, |m, &x| m.max(x));
                let total: f64 = row.iter().map(|x| (x - highest).exp()).sum();
                row.iter().map(|x| (x - highest).exp() / total).collect()
            }
            Rows::Normalise(epsilon) => {
                let mean = row.iter().sum::<f64>() / row.len() as f64;
                let squares: f64 = row.iter().map(|x| (x - mean).powi(2)).sum();
                let deviation = (squares / row.len() as f64 + f64::from(epsilon)).sqrt();
                row.iter().map(|x| (x - mean) / deviation).collect()
            }
        }
    }

    const ALL: [Rows; 2] = [Rows::Softmax, Rows::Normalise(1e-5)];

    #[test]
    fn rows_are_those_of_the_definition() {
        for made in ALL {
            let values = values(1, 8.0);
            let found = rows(&values, LENGTH, made);
            for (found, row) in found.chunks(LENGTH).zip(values.chunks(LENGTH)) {
                for (found, expected) in found.iter().zip(expected(row, made)) {
                    let bound = 1e-6 * expected.abs() + 1e-7;
                    assert!((f64::from(*found) - expected).abs() < bound, "{made:?}");
                }
            }
        }
    }

    /// Whatever the weights of the results are, mean gradients times the steps sum to what the
    /// results change by.
    #[test]
    fn mean_gradients_times_steps_are_changes() {
        for (made, scale) in ALL.into_iter().flat_map(|made| [(made, 0.1), (made, 8.0)]) {
            let (from, to, weights) = (values(1, scale), values(2, scale), values(3, 1.0));
            let mut gradients = weights.clone();
            rows_gradient(&mut gradients, [&from, &to], LENGTH, made);
            for k in 0..3 {
                let part = k * LENGTH..(k + 1) * LENGTH;
                let [before, after] =
                    [&from, &to].map(|values| expected(&values[part.clone()], made));
                let changes = before.iter().zip(&after).zip(&weights[part.clone()]);
                let change: f64 = changes.map(|((a, b), w)| (b - a) * f64::from(*w)).sum();
                let steps = from[part.clone()].iter().zip(&to[part.clone()]);
                let steps = steps.map(|(a, b)| f64::from(*b) - f64::from(*a));
                let products = steps.zip(&gradients[part]);
                let (found, size) = products.fold((0.0, 0.0), |(sum, size), (step, g)| {
                    let product = step * f64::from(*g);
                    (sum + product, size + product.abs())
                });
                assert!(
                    (found - change).abs() < 2e-6 * size.max(0.1),
                    "{made:?} {scale}"
                );
            }
        }
    }

    #[test]
    fn gradients_at_a_point_are_mean_ones_of_no_step() {
        for made in ALL {
            let at = values(1, 3.0);
            let (mut found, mut expected) = (values(3, 1.0), values(3, 1.0));
            rows_gradient(&mut found, [&at, &at], LENGTH, made);
            rows_gradient(&mut expected, [&at.clone(), &at], LENGTH, made);
            for (found, expected) in found.iter().zip(&expected) {
                assert!((found - expected).abs() < 2e-6, "{made:?}");
            }
        }
    }
}
