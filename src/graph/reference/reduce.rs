//! One number of many, and what is normalised by it.

use super::layout::Broadcast;
use super::unary::exp_mean;
use super::{Array, Axis};
use crate::operation::Reduction;

/// The share of a gradient that the old winner gets, the new one gets the rest: on the straight line
/// from the first point to the second, the part on which it leads if only these two compete. What the
/// two shares make of the step is the change of the largest value, exactly.
pub(super) fn shares([a, b]: [&[f64]; 2], [old, new]: [usize; 2]) -> f64 {
    // By how much the old one leads at first, and by how much the new one does in the end.
    let (lead, loss) = (a[old] - a[new], b[new] - b[old]);
    if lead > 0.0 {
        lead / (lead + loss)
    } else {
        0.0
    }
}

/// For each element, the index of the number that it is reduced to.
fn targets(shape: &[usize], axes: &[usize]) -> (Vec<usize>, usize) {
    let mut reduced = shape.to_vec();
    axes.iter().for_each(|&axis| reduced[axis] = 1);
    let count = reduced.iter().product();
    (Broadcast::new(&reduced, shape).iter().collect(), count)
}

/// Σ of what is reduced to each number.
fn sums(values: impl Iterator<Item = f64>, targets: &[usize], count: usize) -> Vec<f64> {
    let mut sums = vec![0.0; count];
    for (value, &target) in values.zip(targets) {
        sums[target] += value;
    }
    sums
}

/// Index of the largest value for each number; of equal ones, the first.
fn winners(x: &[f64], targets: &[usize], count: usize) -> Vec<usize> {
    let mut winners = vec![usize::MAX; count];
    for (index, &target) in targets.iter().enumerate() {
        let best = &mut winners[target];
        if *best == usize::MAX || x[index] > x[*best] {
            *best = index;
        }
    }
    winners
}

/// Reduces along the axes.
pub(super) fn reduce(reduction: Reduction, axes: &[usize], x: Array<'_>) -> Vec<f64> {
    let (targets, count) = targets(x.shape, axes);
    let each = (x.data.len() / count) as f64;
    let sums =
        |values: &dyn Fn(f64) -> f64| sums(x.data.iter().map(|&x| values(x)), &targets, count);
    match reduction {
        Reduction::Sum => sums(&|x| x),
        Reduction::Mean => sums(&|x| x / each),
        Reduction::Max => winners(x.data, &targets, count)
            .into_iter()
            .map(|index| x.data[index])
            .collect(),
        Reduction::L2 => sums(&|x| x * x).into_iter().map(f64::sqrt).collect(),
        Reduction::LogSumExp => {
            let highest = reduce(Reduction::Max, axes, x);
            let shifted = x.data.iter().zip(&targets);
            let shifted = shifted.map(|(&x, &target)| (x - highest[target]).exp());
            self::sums(shifted, &targets, count)
                .into_iter()
                .zip(&highest)
                .map(|(sum, highest)| highest + sum.ln())
                .collect()
        }
    }
}

/// The mean gradient of [`reduce`]'s input between two points.
pub(super) fn reduce_secant(
    reduction: Reduction,
    axes: &[usize],
    [a, b]: [Array<'_>; 2],
    gradient: &[f64],
) -> Vec<f64> {
    let (targets, count) = targets(a.shape, axes);
    let each = (a.data.len() / count) as f64;
    let along = |multiplier: &dyn Fn(usize, usize) -> f64| -> Vec<f64> {
        let pairs = targets.iter().enumerate();
        pairs
            .map(|(index, &target)| gradient[target] * multiplier(index, target))
            .collect()
    };
    match reduction {
        Reduction::Sum => along(&|_, _| 1.0),
        Reduction::Mean => along(&|_, _| 1.0 / each),
        Reduction::Max => {
            let mut result = vec![0.0; a.data.len()];
            let [old, new] = [a, b].map(|x| winners(x.data, &targets, count));
            for ((&old, &new), gradient) in old.iter().zip(&new).zip(gradient) {
                let share = shares([a.data, b.data], [old, new]);
                result[old] += gradient * share;
                result[new] += gradient * (1.0 - share);
            }
            result
        }
        Reduction::L2 => {
            let [from, to] = [a, b].map(|x| reduce(Reduction::L2, axes, x));
            along(&|index, target| {
                let norms = from[target] + to[target];
                if norms == 0.0 {
                    0.0
                } else {
                    (a.data[index] + b.data[index]) / norms
                }
            })
        }
        Reduction::LogSumExp => {
            let [from, to] = [a, b].map(|x| reduce(Reduction::LogSumExp, axes, x));
            along(&|index, target| {
                weight([a.data[index], b.data[index]], [from[target], to[target]])
            })
        }
    }
}

/// What log-sum-exp changes by, per change of one of its terms: the quotient of the logarithmic
/// means of the term's exponential and of their sum's. Both are shifted so that neither overflows.
fn weight([a, b]: [f64; 2], [from, to]: [f64; 2]) -> f64 {
    let shift = from.max(to);
    exp_mean(a - shift, b - shift) / exp_mean(from - shift, to - shift)
}

/// `exp(x) / Σ exp(x)` along an axis.
pub(super) fn softmax(axis: usize, x: Array<'_>) -> Vec<f64> {
    log_softmax(axis, x).into_iter().map(f64::exp).collect()
}

/// `x − log Σ exp(x)` along an axis, both less the largest x: beside logits of 10²⁰ the logarithm
/// of their sum would be lost.
pub(super) fn log_softmax(axis: usize, x: Array<'_>) -> Vec<f64> {
    let (targets, count) = targets(x.shape, &[axis]);
    let highest = reduce(Reduction::Max, &[axis], x);
    let shifted: Vec<f64> = x
        .data
        .iter()
        .zip(&targets)
        .map(|(x, &target)| x - highest[target])
        .collect();
    let totals = sums(shifted.iter().map(|x| x.exp()), &targets, count);
    shifted
        .iter()
        .zip(&targets)
        .map(|(x, &target)| x - totals[target].ln())
        .collect()
}

/// The mean gradient of softmax's input between two points: Δp = L(p₀, p₁) · (Δz − Δlse), with the
/// logarithmic mean L of the two probabilities.
pub(super) fn softmax_secant(axis: usize, ab: [Array<'_>; 2], gradient: &[f64]) -> Vec<f64> {
    let [from, to] = ab.map(|x| log_softmax(axis, x));
    let weighted: Vec<f64> = gradient
        .iter()
        .zip(from.iter().zip(&to))
        .map(|(gradient, (&from, &to))| gradient * exp_mean(from, to))
        .collect();
    log_softmax_secant(axis, ab, &weighted)
}

/// The mean gradient of log-softmax's input between two points.
pub(super) fn log_softmax_secant(
    axis: usize,
    [a, b]: [Array<'_>; 2],
    gradient: &[f64],
) -> Vec<f64> {
    let whole = reduce(Reduction::Sum, &[axis], Array::new(a.shape, gradient));
    let of_totals = reduce_secant(Reduction::LogSumExp, &[axis], [a, b], &whole);
    let pairs = gradient.iter().zip(of_totals);
    pairs.map(|(gradient, total)| gradient - total).collect()
}

/// Index of the largest along an axis.
pub(super) fn arg_max(axis: usize, x: Array<'_>) -> Vec<f64> {
    let (targets, count) = targets(x.shape, &[axis]);
    let along = Axis::of(x.shape, axis);
    winners(x.data, &targets, count)
        .into_iter()
        .map(|index| (index / along.inner % along.length) as f64)
        .collect()
}

/// What is subtracted from and what divides each group of elements that is normalised together.
struct Moments {
    /// x − mean.
    centred: Vec<f64>,
    /// √(variance + ε).
    deviation: Vec<f64>,
}

impl Moments {
    fn of(x: &[f64], epsilon: f64, targets: &[usize], count: usize) -> Self {
        let each = (x.len() / count) as f64;
        let means = sums(x.iter().map(|x| x / each), targets, count);
        let centred: Vec<f64> = x
            .iter()
            .zip(targets)
            .map(|(x, &target)| x - means[target])
            .collect();
        let variances = sums(centred.iter().map(|c| c * c / each), targets, count);
        let deviation = variances.iter().map(|v| (v + epsilon).sqrt()).collect();
        Self { centred, deviation }
    }

    fn normalised(&self, targets: &[usize]) -> Vec<f64> {
        let pairs = self.centred.iter().zip(targets);
        pairs
            .map(|(c, &target)| c / self.deviation[target])
            .collect()
    }
}

/// `(x − mean) / √(variance + ε)` over the axes.
pub(super) fn normalise(axes: &[usize], epsilon: f32, x: Array<'_>) -> Vec<f64> {
    let (targets, count) = targets(x.shape, axes);
    Moments::of(x.data, epsilon.into(), &targets, count).normalised(&targets)
}

/// The mean gradient of [`normalise`]'s input between two points, by the quotient rule:
/// Δy = (Δc − ȳ Δs) / s̄, Δs = Δv / (2 s̄), Δv = 2 · mean(c̄ Δc).
pub(super) fn normalise_secant(
    axes: &[usize],
    epsilon: f32,
    ab: [Array<'_>; 2],
    gradient: &[f64],
) -> Vec<f64> {
    let (targets, count) = targets(ab[0].shape, axes);
    let each = (gradient.len() / count) as f64;
    let moments = ab.map(|x| Moments::of(x.data, epsilon.into(), &targets, count));
    let results = [0, 1].map(|k: usize| moments[k].normalised(&targets));
    let mean = |[a, b]: [&Vec<f64>; 2]| -> Vec<f64> {
        a.iter().zip(b).map(|(a, b)| (a + b) / 2.0).collect()
    };
    let y = mean([&results[0], &results[1]]);
    let c = mean([&moments[0].centred, &moments[1].centred]);
    let s = mean([&moments[0].deviation, &moments[1].deviation]);
    let of_s = sums(gradient.iter().zip(&y).map(|(g, y)| g * y), &targets, count);
    let of_c: Vec<f64> = (0..gradient.len())
        .map(|k| {
            let (s, of_s) = (s[targets[k]], of_s[targets[k]]);
            (gradient[k] - of_s * c[k] / (each * s)) / s
        })
        .collect();
    let means = sums(of_c.iter().map(|c| c / each), &targets, count);
    let pairs = of_c.iter().zip(&targets);
    pairs.map(|(c, &target)| c - means[target]).collect()
}
