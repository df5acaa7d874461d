//! BatchNorm as it learns, with the ReLU that follows it: `max(γ · (x − μ) / √(σ² + ε) + β, 0)`.
//!
//! # Source
//!
//! Ioffe, Szegedy 2015 (arXiv 1502.03167), algorithm 1, and its gradients in section 3.

#![allow(
    clippy::extra_unused_type_parameters,
    reason = "with_simd compiles a function for each width of vectors that the machine may have"
)]

use macerator::{Simd, with_simd};

/// Sums that run side by side, so that they can be a vector.
const LANES: usize = 16;

/// Images \[N, channels, pixels\] that are normalised together.
#[derive(Debug, Clone, Copy)]
pub struct Batch {
    /// Channels of an image.
    pub channels: usize,
    /// Pixels of a channel.
    pub pixels: usize,
    /// ε.
    pub epsilon: f32,
}

/// μ and σ² of each channel; σ² is divided by the number of values.
#[derive(Debug, Clone)]
pub struct Statistics {
    /// μ.
    pub mean: Vec<f32>,
    /// σ².
    pub variance: Vec<f32>,
}

/// The output, and the statistics that made it.
pub fn normalise_relu(
    batch: Batch,
    input: &[f32],
    gamma: &[f32],
    beta: &[f32],
) -> (Vec<f32>, Statistics) {
    let mut output = vec![0.0; input.len()];
    let mut statistics = Statistics {
        mean: vec![0.0; batch.channels],
        variance: vec![0.0; batch.channels],
    };
    forward(batch, input, [gamma, beta], &mut output, &mut statistics);
    (output, statistics)
}

/// The gradients of input, γ and β, given that of the output.
pub fn normalise_relu_backward(
    batch: Batch,
    input: &[f32],
    gamma: &[f32],
    beta: &[f32],
    statistics: &Statistics,
    gradient: &[f32],
) -> [Vec<f32>; 3] {
    let mut of_input = vec![0.0; input.len()];
    let [mut of_gamma, mut of_beta] = [0; 2].map(|_| vec![0.0; batch.channels]);
    backward(
        batch,
        input,
        [gamma, beta],
        statistics,
        gradient,
        &mut of_input,
        [&mut of_gamma, &mut of_beta],
    );
    [of_input, of_gamma, of_beta]
}

impl Batch {
    /// Where the values of a channel lie, image by image.
    fn planes(self, channel: usize, length: usize) -> impl Iterator<Item = std::ops::Range<usize>> {
        let image = self.channels * self.pixels;
        (0..length / image).map(move |k| {
            let start = k * image + channel * self.pixels;
            start..start + self.pixels
        })
    }
}

#[with_simd]
fn forward<'a, S: Simd>(
    batch: Batch,
    input: &'a [f32],
    learnt: [&'a [f32]; 2],
    output: &mut [f32],
    statistics: &mut Statistics,
) {
    let [gamma, beta] = learnt;
    let count = (input.len() / batch.channels) as f32;
    for channel in 0..batch.channels {
        let planes = || batch.planes(channel, input.len()).map(|at| &input[at]);
        let mean = planes().map(|plane| sum(plane, |x| x)).sum::<f32>() / count;
        let square = |x: f32| (x - mean) * (x - mean);
        let variance = planes().map(|plane| sum(plane, square)).sum::<f32>() / count;
        let scale = gamma[channel] / (variance + batch.epsilon).sqrt();
        let shift = beta[channel] - mean * scale;
        for at in batch.planes(channel, input.len()) {
            for (made, &x) in output[at.clone()].iter_mut().zip(&input[at]) {
                *made = (x * scale + shift).max(0.0);
            }
        }
        statistics.mean[channel] = mean;
        statistics.variance[channel] = variance;
    }
}

#[with_simd]
fn backward<'a, S: Simd>(
    batch: Batch,
    input: &'a [f32],
    learnt: [&'a [f32]; 2],
    statistics: &'a Statistics,
    gradient: &'a [f32],
    of_input: &mut [f32],
    of_learnt: [&mut [f32]; 2],
) {
    let ([gamma, beta], [of_gamma, of_beta]) = (learnt, of_learnt);
    let count = (input.len() / batch.channels) as f32;
    for channel in 0..batch.channels {
        let mean = statistics.mean[channel];
        let inverse = 1.0 / (statistics.variance[channel] + batch.epsilon).sqrt();
        let (gamma, beta) = (gamma[channel], beta[channel]);
        // The gradient before the ReLU; ReLU's is none where it gave 0.
        let before = |x: f32, g: f32| {
            let alive = gamma * ((x - mean) * inverse) + beta > 0.0;
            if alive { g } else { 0.0 }
        };
        let (mut sum_g, mut sum_gx) = (0.0, 0.0);
        for at in batch.planes(channel, input.len()) {
            let (x, g) = (&input[at.clone()], &gradient[at]);
            sum_g += sum_pairs(x, g, before);
            sum_gx += sum_pairs(x, g, |x, g| before(x, g) * ((x - mean) * inverse));
        }
        (of_beta[channel], of_gamma[channel]) = (sum_g, sum_gx);
        let (mean_g, mean_gx) = (sum_g / count, sum_gx / count);
        for at in batch.planes(channel, input.len()) {
            let pairs = input[at.clone()].iter().zip(&gradient[at.clone()]);
            for (to, (&x, &g)) in of_input[at].iter_mut().zip(pairs) {
                let unit = (x - mean) * inverse;
                *to = gamma * inverse * (before(x, g) - mean_g - unit * mean_gx);
            }
        }
    }
}

#[inline(always)]
fn sum(values: &[f32], of: impl Fn(f32) -> f32) -> f32 {
    sum_pairs(values, values, |x, _| of(x))
}

#[inline(always)]
fn sum_pairs(a: &[f32], b: &[f32], of: impl Fn(f32, f32) -> f32) -> f32 {
    let mut sums = [0.0; LANES];
    let ((a, rest_a), (b, rest_b)) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
    for (a, b) in a.iter().zip(b) {
        for ((sum, &a), &b) in sums.iter_mut().zip(a).zip(b) {
            *sum += of(a, b);
        }
    }
    let rest = rest_a.iter().zip(rest_b).map(|(&a, &b)| of(a, b));
    sums.into_iter().chain(rest).sum()
}
