//! Functions of elements that stand at the same place, with broadcasting.

use super::Array;
use super::layout::Broadcast;
use super::reduce::shares;
use super::unary::{leaky, leaky_mean_slope};
use crate::operation::Binary;

/// A function of two elements for each element of the result.
pub(super) fn binary(binary: Binary, a: Array<'_>, b: Array<'_>, output: &[usize]) -> Vec<f64> {
    let [of_a, of_b] = [a, b].map(|x| Broadcast::new(x.shape, output));
    let mut values = Vec::with_capacity(output.iter().product());
    let pairs = of_a.iter().zip(of_b.iter());
    values.extend(pairs.map(|(k, l)| binary_value(binary, a.data[k], b.data[l])));
    values
}

/// A function of two numbers.
pub(crate) fn binary_value(binary: Binary, a: f64, b: f64) -> f64 {
    match binary {
        Binary::Add => a + b,
        Binary::Sub => a - b,
        Binary::Mul => a * b,
        Binary::Div => a / b,
        Binary::Max if b > a => b,
        Binary::Min if b < a => b,
        Binary::Max | Binary::Min => a,
    }
}

/// The mean gradients of both inputs between two points.
pub(super) fn binary_secant(
    binary: Binary,
    [a, b]: [[Array<'_>; 2]; 2],
    output: &[usize],
    gradient: &[f64],
) -> [Vec<f64>; 2] {
    let [of_a, of_b] = [a, b].map(|[x, _]| Broadcast::new(x.shape, output));
    let mut results = [a, b].map(|[x, _]| vec![0.0; x.data.len()]);
    for (gradient, (i, j)) in gradient.iter().zip(of_a.iter().zip(of_b.iter())) {
        let (a, b) = (a.map(|x| x.data[i]), b.map(|x| x.data[j]));
        let multipliers = multipliers(binary, a, b);
        results[0][i] += gradient * multipliers[0];
        results[1][j] += gradient * multipliers[1];
    }
    results
}

/// What the result changes by, per change of a and of b; each given at both points.
fn multipliers(binary: Binary, a: [f64; 2], b: [f64; 2]) -> [f64; 2] {
    let mean = |[from, to]: [f64; 2]| (from + to) / 2.0;
    match binary {
        Binary::Add => [1.0, 1.0],
        Binary::Sub => [1.0, -1.0],
        Binary::Mul => [mean(b), mean(a)],
        Binary::Div => {
            let quotient = mean([a[0] / b[0], a[1] / b[1]]);
            [1.0 / mean(b), -quotient / mean(b)]
        }
        Binary::Max | Binary::Min => {
            let sign = if binary == Binary::Max { 1.0 } else { -1.0 };
            // As a window of two, the first of equal ones winning.
            let points = [0, 1].map(|point: usize| [sign * a[point], sign * b[point]]);
            let winners = points.map(|[a, b]| usize::from(b > a));
            let share = shares([&points[0], &points[1]], winners);
            let mut result = [0.0; 2];
            result[winners[0]] += share;
            result[winners[1]] += 1.0 - share;
            result
        }
    }
}

/// x where positive, slope · x elsewhere.
pub(super) fn prelu(x: Array<'_>, slope: Array<'_>) -> Vec<f64> {
    let slopes = Broadcast::new(slope.shape, x.shape);
    let pairs = x.data.iter().zip(slopes.iter());
    pairs.map(|(&x, k)| leaky(x, slope.data[k])).collect()
}

/// The mean gradient of [`prelu`]'s input between two points.
pub(super) fn prelu_secant([a, b]: [Array<'_>; 2], slope: Array<'_>, gradient: &[f64]) -> Vec<f64> {
    let slopes = Broadcast::new(slope.shape, a.shape);
    let each = gradient.iter().zip(a.data).zip(b.data).zip(slopes.iter());
    each.map(|(((gradient, &a), &b), k)| gradient * leaky_mean_slope(a, b, slope.data[k]))
        .collect()
}
