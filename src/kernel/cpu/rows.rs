//! Softmax and normalisation of rows, each while it lies in the nearest cache: values, and mean
//! gradients between two points.

use crate::function::{exp, exp_mean};
use crate::machine::{self as macerator, Simd, with_simd};
use crate::vector::WIDEST;

/// What is made of each row.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Rows {
    /// exp(x) / Σ exp(x).
    Softmax,
    /// (x − mean) / √(variance + ε), of that ε.
    Normalise(f32),
}

/// Turns rows of `length` values into what is made of them.
pub fn rows(values: &mut [f32], length: usize, made: Rows) {
    match made {
        Rows::Softmax => softmax(values, length),
        Rows::Normalise(epsilon) => normalise(values, length, epsilon),
    }
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
        let share = 1.0 / exponentials(row, highest);
        for x in row {
            *x *= share;
        }
    }
}

/// exp(x − highest) of each x, and their sum.
#[inline(always)]
fn exponentials(row: &mut [f32], highest: f32) -> f32 {
    let mut sums = [0.0; WIDEST];
    let (vectors, rest) = row.as_chunks_mut::<WIDEST>();
    let each = |values: &mut [f32; WIDEST]| {
        for x in values {
            *x = exp(*x - highest);
        }
    };
    for values in vectors {
        each(values);
        for (sum, x) in sums.iter_mut().zip(values) {
            *sum += *x;
        }
    }
    // The last ones as a whole vector too.
    let mut line = [0.0; WIDEST];
    line[..rest.len()].copy_from_slice(rest);
    each(&mut line);
    for ((x, sum), value) in rest.iter_mut().zip(&mut sums).zip(line) {
        *x = value;
        *sum += value;
    }
    sums.iter().sum()
}

/// Turns gradients of softmax's results into those of its rows at the point where it made these
/// results.
#[with_simd]
pub fn softmax_gradient_at<S: Simd>(gradients: &mut [f32], made: &[f32], length: usize) {
    let rows = gradients.chunks_exact_mut(length);
    for (row, made) in rows.zip(made.chunks_exact(length)) {
        let whole = dot(row, made);
        for (g, p) in row.iter_mut().zip(made) {
            *g = p * (*g - whole);
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
        let inverse = 1.0 / centre(row, epsilon);
        for x in row {
            *x *= inverse;
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
    if std::ptr::eq(ends[0], ends[1]) {
        let mut centred = vec![0.0; length];
        let rows = gradients.chunks_exact_mut(length);
        for (row, values) in rows.zip(ends[1].chunks_exact(length)) {
            centred.copy_from_slice(values);
            let inverse = 1.0 / centre(&mut centred, epsilon);
            let mean = sum(row) * share;
            let of_deviation = dot(row, &centred) * share * inverse * inverse;
            for (g, c) in row.iter_mut().zip(&centred) {
                *g = (*g - mean - c * of_deviation) * inverse;
            }
        }
        return;
    }
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

/// Σ x · y, in as many sums as the widest vector has.
#[inline(always)]
fn dot(row: &[f32], others: &[f32]) -> f32 {
    let ((vectors, rest), (others, other_rest)) =
        (row.as_chunks::<WIDEST>(), others.as_chunks::<WIDEST>());
    let mut sums = [0.0; WIDEST];
    for (values, others) in vectors.iter().zip(others) {
        for ((sum, x), y) in sums.iter_mut().zip(values).zip(others) {
            *sum += x * y;
        }
    }
    for ((sum, x), y) in sums.iter_mut().zip(rest).zip(other_rest) {
        *sum += x * y;
    }
    sums.iter().sum()
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
