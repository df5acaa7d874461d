//! Squeeze and excite: what each channel is multiplied by, made of the means of all of them by two matrices.
//!
//! # Source
//!
//! Hu, Shen, Sun: *Squeeze-and-Excitation Networks*, CVPR 2018, [arXiv 1709.01507](https://arxiv.org/abs/1709.01507),
//! section 3.

use super::Weights;
use super::channels::add_up;
use super::groups::Groups;
use crate::function::{Function, map, map_gradient};
use crate::machine::{self as macerator, Simd, with_simd};
use crate::vector::WIDEST;

/// See the [module](self).
#[derive(Debug, Clone)]
pub(super) struct Squeeze {
    /// Channels, with those that do not exist.
    channels: usize,
    /// \[hidden, channel\], on the way there and on the way back to the channels.
    down: Vec<f32>,
    up: Vec<f32>,
    down_bias: Vec<f32>,
    up_bias: Vec<f32>,
    functions: [Function; 2],
}

/// What came of one image.
#[derive(Debug, Clone)]
pub struct State {
    hidden_sums: Vec<f32>,
    gate_sums: Vec<f32>,
    pub(super) gates: Vec<f32>,
}

impl Squeeze {
    pub(super) fn new(channels: Groups, [down, up]: [Weights<'_>; 2]) -> Self {
        let (real, padded) = (channels.channels, channels.padded());
        let hidden = down.bias.len();
        assert!(down.weight.len() == hidden * real && up.weight.len() == hidden * real);
        let matrix = |at: &dyn Fn(usize, usize) -> f32| {
            let mut matrix = vec![0.0; hidden * padded];
            for (row, values) in matrix.chunks_exact_mut(padded).enumerate() {
                let values = values[..real].iter_mut().enumerate();
                values.for_each(|(channel, value)| *value = at(row, channel));
            }
            matrix
        };
        let mut up_bias = up.bias.to_vec();
        up_bias.resize(padded, 0.0);
        Self {
            channels: padded,
            down: matrix(&|row, channel| down.weight[row * real + channel]),
            up: matrix(&|row, channel| up.weight[channel * hidden + row]),
            down_bias: down.bias.to_vec(),
            up_bias,
            functions: [down.function, up.function],
        }
    }

    /// Of values \[group, pixel, channels of the group\].
    pub(super) fn at(&self, groups: Groups, values: &[f32]) -> State {
        let pixels = values.len() / self.channels;
        let mut means = vec![0.0; self.channels];
        let width = groups.width(0);
        let each = values.chunks_exact(pixels * width);
        for (values, sums) in each.zip(means.chunks_exact_mut(width)) {
            add_up(values, sums);
        }
        let share = 1.0 / pixels as f32;
        means.iter_mut().for_each(|mean| *mean *= share);
        let mut hidden_sums = products(&self.down, &means);
        let biases = hidden_sums.iter_mut().zip(&self.down_bias);
        biases.for_each(|(sum, bias)| *sum += bias);
        let hidden = map(&hidden_sums, self.functions[0]);
        let mut gate_sums = self.up_bias.clone();
        add_rows(&self.up, &hidden, &mut gate_sums);
        State {
            gates: map(&gate_sums, self.functions[1]),
            hidden_sums,
            gate_sums,
        }
    }

    /// The mean gradient of the means between two points, given that of the gates: at one, where both are the same.
    pub(super) fn gradient(&self, [from, to]: [&State; 2], mut gates: Vec<f32>) -> Vec<f32> {
        let ends = [&from.gate_sums[..], &to.gate_sums];
        map_gradient(&mut gates, ends, self.functions[1]);
        let mut hidden = products(&self.up, &gates);
        let ends = [&from.hidden_sums[..], &to.hidden_sums];
        map_gradient(&mut hidden, ends, self.functions[0]);
        let mut means = vec![0.0; self.channels];
        add_rows(&self.down, &hidden, &mut means);
        means
    }
}

/// The products of each row with a vector.
fn products(rows: &[f32], vector: &[f32]) -> Vec<f32> {
    let mut products = vec![0.0; rows.len() / vector.len()];
    multiply(rows, vector, &mut products);
    products
}

#[with_simd]
fn multiply<S: Simd>(rows: &[f32], vector: &[f32], products: &mut [f32]) {
    let (vector, rest) = vector.as_chunks::<WIDEST>();
    for (row, product) in rows
        .chunks_exact(vector.len() * WIDEST + rest.len())
        .zip(products)
    {
        let (row, row_rest) = row.as_chunks::<WIDEST>();
        let mut sums = [0.0; WIDEST];
        for (row, values) in row.iter().zip(vector) {
            for ((sum, a), b) in sums.iter_mut().zip(row).zip(values) {
                *sum += a * b;
            }
        }
        let rest = row_rest.iter().zip(rest).map(|(a, b)| a * b);
        *product = sums.iter().sum::<f32>() + rest.sum::<f32>();
    }
}

/// Adds each row times its factor.
#[with_simd]
fn add_rows<S: Simd>(rows: &[f32], factors: &[f32], target: &mut [f32]) {
    for (row, &factor) in rows.chunks_exact(target.len()).zip(factors) {
        for (target, value) in target.iter_mut().zip(row) {
            *target += factor * value;
        }
    }
}
