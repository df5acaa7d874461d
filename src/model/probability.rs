//! The mean slopes of softmax and sigmoid between two points: what a [secant](super::Trace) through
//! a probability takes for their derivatives.
//!
//! # Derivation
//!
//! The *logarithmic mean* L(a, b) = (b − a) / ln(b / a) turns a change of logarithms into a change
//! of values: Δp = L Δ ln p, exactly. For softmax, ln pⱼ = zⱼ − lse with lse = ln Σ exp zⱼ; write
//! Lⱼ for the logarithmic mean of pⱼ at both points. Probabilities sum to 1 at both, so Σ Lⱼ (Δzⱼ −
//! Δlse) = 0, which gives Δlse = Σ wⱼ Δzⱼ with wⱼ = Lⱼ / Σ Lᵢ, and
//!
//! Δpₖ = Lₖ (Δzₖ − Σ wⱼ Δzⱼ).
//!
//! So the slope of pₖ in zⱼ is Lₖ (δⱼₖ − wⱼ): softmax's derivative pₖ (δⱼₖ − pⱼ) with logarithmic
//! means in place of values. Slopes sum to zero over the logits, because what is added to all of
//! them changes nothing. Sigmoid is softmax of a logit and zero: its slope is L₁ L₀ / (L₁ + L₀),
//! the means of σ(z) and of σ(−z).
//!
//! Nothing cancels in f32: L(e^a, e^b) = exp(max(a, b)) · g(|b − a|) with g(x) = (1 − e^−x) / x,
//! and the slope of pₖ in its own logit is Lₖ Σ_{j≠k} Lⱼ / Σ Lᵢ.
//!
//! # Source
//!
//! The multiplier Δy / Δx of a function of one argument: Shrikumar, Greenside, Kundaje 2017 (arXiv
//! 1704.02685), the Rescale rule. The logarithmic mean: Carlson 1972, The logarithmic mean, Amer.
//! Math. Monthly 79.

use burn::tensor::Tensor;
use burn::tensor::activation::{log_sigmoid, log_softmax};

/// The slopes of the probability of one class in every logit, \[N, classes\] as the logits at both
/// points: Σ slope · Δlogit = Δprobability.
pub(super) fn softmax_slopes(before: Tensor<2>, here: Tensor<2>, class: usize) -> Tensor<2> {
    let classes = here.dims()[1];
    let means = log_mean(log_softmax(before, 1), log_softmax(here, 1));
    let own = means.clone().narrow(1, class, 1);
    let share = own.clone() / means.clone().sum_dim(1);
    let sides = [(0, class), (class + 1, classes - class - 1)];
    let [lower, upper] = sides.map(|(first, count)| {
        // Nothing, where the class is the first or the last.
        (count > 0).then(|| means.clone().narrow(1, first, count))
    });
    let sides = [&lower, &upper].into_iter().flatten();
    let others = sides.fold(own.zeros_like(), |sum, side| sum + side.clone().sum_dim(1));
    let [lower, upper] = [lower, upper].map(|side| side.map(|means| -(means * share.clone())));
    let slopes = [lower, Some(others * share), upper];
    Tensor::cat(slopes.into_iter().flatten().collect(), 1)
}

/// The slope of each logit's own sigmoid, shaped as the logits at both points.
pub(super) fn sigmoid_slopes(before: Tensor<2>, here: Tensor<2>) -> Tensor<2> {
    let sure = log_mean(log_sigmoid(before.clone()), log_sigmoid(here.clone()));
    let unsure = log_mean(log_sigmoid(-before), log_sigmoid(-here));
    sure.clone() * unsure.clone() / (sure + unsure)
}

/// The logarithmic mean of e^a and e^b.
fn log_mean(a: Tensor<2>, b: Tensor<2>) -> Tensor<2> {
    let change = (b.clone() - a.clone()).abs();
    a.max_pair(b).exp() * decay(change)
}

/// Up to here (1 − e^−x) / x is summed as a series: its terms fall quickly, and 1 − e^−x would lose
/// digits.
const SERIES_TO: f32 = 0.5;

/// (1 − e^−x) / x for x ≥ 0, and 1 at 0: the mean of e^−t over 0..=x.
fn decay(x: Tensor<2>) -> Tensor<2> {
    // 1 − x/2 + x²/6 − …, by Horner's rule; what is left out is below x⁸ / 9! < 10⁻⁸.
    let one = x.ones_like();
    let series = (2..=8).rev().fold(one.clone(), |sum, k| {
        one.clone() - x.clone() * sum * (1.0 / k as f32)
    });
    let large = x.clone().clamp_min(SERIES_TO);
    let quotient = (one - (-large.clone()).exp()) / large;
    quotient.mask_where(x.lower_elem(SERIES_TO), series)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
mod tests {
    use burn::tensor::{Device, TensorData};
    use rand::{RngExt, SeedableRng};
    use rand_pcg::Pcg64;

    use super::*;

    fn tensor(values: &[f32]) -> Tensor<2> {
        let data = TensorData::new(values.to_vec(), [1, values.len()]);
        Tensor::from_data(data, &Device::flex())
    }

    fn values(tensor: Tensor<2>) -> Vec<f64> {
        let values = tensor.into_data().try_to_vec::<f32>().unwrap();
        values.into_iter().map(f64::from).collect()
    }

    /// ln Σ exp z, in f64.
    fn log_sum_exp(z: &[f32]) -> f64 {
        let highest = f64::from(z.iter().copied().fold(f32::NEG_INFINITY, f32::max));
        let sum: f64 = z.iter().map(|&z| (f64::from(z) - highest).exp()).sum();
        highest + sum.ln()
    }

    /// What the rule says, in f64 and word by word: Lₖ (δⱼₖ − Lⱼ / Σ Lᵢ).
    fn definition(before: &[f32], here: &[f32], class: usize) -> Vec<f64> {
        let (from, to) = (log_sum_exp(before), log_sum_exp(here));
        let pairs = before.iter().zip(here);
        let means = pairs.map(|(&a, &b)| {
            let (a, b) = (f64::from(a) - from, f64::from(b) - to);
            let highest = a.max(b).exp();
            match (b - a).abs() {
                0.0 => highest,
                change => highest * -(-change).exp_m1() / change,
            }
        });
        let means: Vec<f64> = means.collect();
        let total: f64 = means.iter().sum();
        let slope = |(k, mean): (usize, &f64)| {
            means[class] * (f64::from(u8::from(k == class)) - mean / total)
        };
        means.iter().enumerate().map(slope).collect()
    }

    fn change(slopes: &[f64], before: &[f32], here: &[f32]) -> f64 {
        let steps = before.iter().zip(here);
        let steps = steps.map(|(&a, &b)| f64::from(b) - f64::from(a));
        slopes
            .iter()
            .zip(steps)
            .map(|(slope, step)| slope * step)
            .sum()
    }

    /// Fifty classes, of which one rises by up to 30 and others move as they like.
    fn logits(rise: f32, spread: f32, seed: u64) -> (Vec<f32>, Vec<f32>) {
        let mut random = Pcg64::seed_from_u64(seed);
        let mut draw = || spread * (random.random::<f32>() - 0.5);
        let before: Vec<f32> = (0..50).map(|_| draw()).collect();
        let mut here: Vec<f32> = before.iter().map(|z| z + draw()).collect();
        here[7] += rise;
        (before, here)
    }

    #[test]
    fn softmax_moves_by_its_slopes_in_f64_and_in_f32() {
        for seed in 0..20 {
            for (rise, spread) in [
                (0.0, 1e-3),
                (0.1, 1.0),
                (3.0, 8.0),
                (10.0, 4.0),
                (20.0, 6.0),
                (30.0, 2.0),
            ] {
                let (before, here) = logits(rise, spread, seed);
                for class in [7, 0, 49] {
                    let p = |z: &[f32]| (f64::from(z[class]) - log_sum_exp(z)).exp();
                    let moved = p(&here) - p(&before);
                    let exact = definition(&before, &here, class);
                    let error = (change(&exact, &before, &here) - moved).abs();
                    assert!(error < 1e-12, "f64, {rise}, {class}: {error}");
                    assert!(exact.iter().sum::<f64>().abs() < 1e-14);

                    let found = values(softmax_slopes(tensor(&before), tensor(&here), class));
                    let error = (change(&found, &before, &here) - moved).abs();
                    // What is rounded are slopes, as large as the steps that they are multiplied
                    // by.
                    let scale: f64 = found
                        .iter()
                        .zip(before.iter().zip(&here))
                        .map(|(slope, (a, b))| (slope * f64::from(b - a)).abs())
                        .sum();
                    assert!(
                        error < 1e-5 * scale,
                        "f32, {rise}, {class}: {error} of {moved}"
                    );
                    for (found, exact) in found.iter().zip(&exact) {
                        assert!(
                            (found - exact).abs() < 2e-5 * exact.abs(),
                            "{found}, {exact}"
                        );
                    }
                }
            }
        }
    }

    /// From one in a million to nearly certain, where an average of derivatives at five points
    /// misses much.
    #[test]
    fn a_probability_that_wakes_up_in_one_interval_is_whole() {
        let (mut before, mut here) = (vec![0.0f32; 50], vec![0.0f32; 50]);
        for (k, (a, b)) in before.iter_mut().zip(&mut here).enumerate() {
            (*a, *b) = ((k as f32).sin(), 20.0 * (0.7 * k as f32).cos());
        }
        let place = |z: &mut [f32], p: f64| {
            z[7] = -1e3;
            z[7] = (log_sum_exp(z) + (p / (1.0 - p)).ln()) as f32;
        };
        place(&mut before, 1e-6);
        place(&mut here, 0.99);
        let found = values(softmax_slopes(tensor(&before), tensor(&here), 7));
        let moved = change(&found, &before, &here);
        assert!((moved / (0.99 - 1e-6) - 1.0).abs() < 1e-5, "{moved}");
    }

    #[test]
    fn sigmoid_is_its_closed_form() {
        let points = [
            -40.0f32, -14.0, -3.0, -1e-3, 0.0, 2e-4, 0.4, 0.6, 5.0, 17.0, 40.0,
        ];
        for a in points {
            for b in points {
                let (x, y) = (f64::from(a), f64::from(b));
                // sinh(Δ/2) / (Δ/2) / (4 cosh(a/2) cosh(b/2))
                let half = (y - x) / 2.0;
                let sinhc = if half == 0.0 { 1.0 } else { half.sinh() / half };
                let exact = sinhc / (4.0 * (x / 2.0).cosh() * (y / 2.0).cosh());
                let found = values(sigmoid_slopes(tensor(&[a]), tensor(&[b])))[0];
                assert!(
                    (found / exact - 1.0).abs() < 1e-5,
                    "{a} to {b}: {found} for {exact}"
                );
            }
        }
    }

    #[test]
    fn a_single_class_never_moves() {
        let slopes = values(softmax_slopes(tensor(&[1.0]), tensor(&[7.0]), 0));
        assert_eq!(slopes, [0.0]);
    }
}
