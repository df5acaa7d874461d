//! Every operation, forward.

use super::convolution::{Geometry, add_bias};
use super::layout::{Sources, concat, gather, resample};
use super::matrix::{Product, linear};
use super::pool::Pool;
use super::{Array, elementwise, reduce, unary};
use crate::operation::{Clamp, Convolution, Operation, Unary};

/// What an operation makes of its inputs.
pub(crate) fn forward(operation: &Operation, inputs: &[Array<'_>], output: &[usize]) -> Vec<f64> {
    let x = inputs[0];
    match operation {
        Operation::Convolution(_) | Operation::Linear { .. } => {
            activation(operation, &pre_activation(operation, inputs, output))
        }
        Operation::ConvolutionTranspose(transpose) => {
            let geometry = Geometry::adjoint_of(transpose, x.shape, output);
            let mut result = geometry.adjoint(x.data, inputs[1].data);
            add_bias(&mut result, inputs[2], transpose.output.iter().product());
            result
        }
        Operation::MatMul => {
            Product::new(x.shape, inputs[1].shape, output).forward(x.data, inputs[1].data)
        }
        Operation::MaxPool(window) => Pool::new(window, x.shape, output).max(x.data),
        Operation::AveragePool(pool) => {
            Pool::new(&pool.window, x.shape, output).average(pool, x.data)
        }
        Operation::Unary(function) => x.data.iter().map(|&x| unary::value(*function, x)).collect(),
        Operation::PRelu => elementwise::prelu(x, inputs[1]),
        Operation::Binary(binary) => elementwise::binary(*binary, x, inputs[1], output),
        Operation::Reduce { reduction, axes } => reduce::reduce(*reduction, axes, x),
        Operation::Softmax { axis } => reduce::softmax(*axis, x),
        Operation::LogSoftmax { axis } => reduce::log_softmax(*axis, x),
        Operation::Normalise { axes, epsilon } => reduce::normalise(axes, *epsilon, x),
        Operation::ArgMax { axis } => reduce::arg_max(*axis, x),
        Operation::Reshape { .. } => x.data.to_vec(),
        Operation::Concat { axis } => concat(*axis, inputs),
        Operation::Resample { axis, taps } => resample(*axis, taps, x),
        Operation::Pad { value, .. } => gather(
            x.data,
            &Sources::new(operation, x.shape, output),
            (*value).into(),
        ),
        Operation::Transpose { .. }
        | Operation::Slice { .. }
        | Operation::Gather { .. }
        | Operation::Expand { .. } => {
            gather(x.data, &Sources::new(operation, x.shape, output), 0.0)
        }
    }
}

/// The sums of a convolution or linear layer, before they are clamped.
pub(super) fn pre_activation(
    operation: &Operation,
    inputs: &[Array<'_>],
    output: &[usize],
) -> Vec<f64> {
    let (x, weight, bias) = (inputs[0], inputs[1], inputs[2]);
    let mut sums = match operation {
        Operation::Convolution(convolution) => {
            let geometry = Geometry::convolution(convolution, x.shape, output);
            let mut sums = geometry.forward(x.data, weight.data);
            add_bias(&mut sums, bias, output[output.len() - 2..].iter().product());
            sums
        }
        _ => {
            let mut sums = linear(x.data, weight);
            add_bias(&mut sums, bias, 1);
            sums
        }
    };
    if let Some(residual) = inputs.get(3) {
        let pairs = sums.iter_mut().zip(residual.data);
        pairs.for_each(|(sum, residual)| *sum += residual);
    }
    sums
}

/// What a convolution or linear layer makes of its sums.
pub(super) fn activation(operation: &Operation, sums: &[f64]) -> Vec<f64> {
    let clamp = match operation {
        Operation::Convolution(Convolution { clamp, .. }) | Operation::Linear { clamp } => *clamp,
        _ => Clamp::NONE,
    };
    if clamp.is_none() {
        return sums.to_vec();
    }
    let clip = Unary::Clip(clamp);
    sums.iter().map(|&sum| unary::value(clip, sum)).collect()
}
