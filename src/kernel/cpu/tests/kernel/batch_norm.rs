//! BatchNorm as it is trained.

use violet_kernel_cpu::training::{Batch, normalise_relu, normalise_relu_backward};

const BATCH: Batch = Batch {
    channels: 2,
    pixels: 19,
    epsilon: 1e-5,
};

/// Three images whose channels have unlike means and spreads.
fn input() -> Vec<f32> {
    let value = |k: usize| ((k * 7919 % 101) as f32 / 50.0 - 1.0) * (1 + k / 19 % 2) as f32;
    (0..3 * 2 * 19)
        .map(|k| value(k) + (k / 19 % 2) as f32)
        .collect()
}

#[test]
fn what_is_normalised_has_no_mean_and_unit_variance() {
    // β so high that ReLU lets everything through.
    let (output, statistics) = normalise_relu(BATCH, &input(), &[1.0, 2.0], &[9.0, 9.0]);
    for (channel, gamma) in [(0, 1.0), (1, 2.0)] {
        let planes = output.chunks(19).skip(channel).step_by(2);
        let values: Vec<f32> = planes.flatten().copied().collect();
        let mean = values.iter().sum::<f32>() / values.len() as f32;
        let spread = values.iter().map(|v| (v - mean).powi(2)).sum::<f32>();
        assert!((mean - 9.0).abs() < 1e-4, "{mean}");
        assert!((spread / values.len() as f32 - gamma * gamma).abs() < 1e-3);
    }
    assert!((statistics.mean[1] - 1.0).abs() < 0.2, "{statistics:?}");
}

#[test]
fn gradients_are_those_of_small_differences() {
    let (input, gamma, beta) = (input(), vec![0.7, -1.3], vec![0.1, 0.4]);
    let weight = |k: usize| (k % 13) as f32 / 13.0 - 0.4;
    let gradient: Vec<f32> = (0..input.len()).map(weight).collect();
    let loss = |input: &[f32], gamma: &[f32], beta: &[f32]| -> f64 {
        let (output, _) = normalise_relu(BATCH, input, gamma, beta);
        let terms = output.iter().zip(&gradient);
        terms.map(|(&v, &g)| f64::from(v) * f64::from(g)).sum()
    };
    let (_, statistics) = normalise_relu(BATCH, &input, &gamma, &beta);
    let found = normalise_relu_backward(BATCH, &input, &gamma, &beta, &statistics, &gradient);
    let step = 1e-2;
    for (which, found) in found.iter().enumerate() {
        for (k, &found) in found.iter().enumerate() {
            let at = |by: f32| {
                let mut values = [input.clone(), gamma.clone(), beta.clone()];
                values[which][k] += by;
                loss(&values[0], &values[1], &values[2])
            };
            let expected = (at(step) - at(-step)) / f64::from(2.0 * step);
            let error = (expected - f64::from(found)).abs();
            assert!(error < 0.02, "{which} {k}: {expected} {found}");
        }
    }
}
