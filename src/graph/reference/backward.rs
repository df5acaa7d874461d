//! Every operation, backward between two points.
//!
//! The derivative at a point is the secant from it to itself, so there is one backward pass.

use super::convolution::Geometry;
use super::layout::{Sources, resample_adjoint, scatter, split};
use super::matrix::{Product, linear_adjoint};
use super::pool::Pool;
use super::{Array, elementwise, reduce, unary};
use crate::operation::{Clamp, Convolution, Operation, Unary};

/// An operation between two points.
pub(super) struct Interval<'a> {
    pub operation: &'a Operation,
    /// Its inputs, each at both points.
    pub inputs: Vec<[Array<'a>; 2]>,
    /// What a convolution or linear layer clamps, at both points; of others, nothing.
    pub pre_activation: [&'a [f64]; 2],
    /// The shape of its output.
    pub output: &'a [usize],
}

impl Interval<'_> {
    /// The mean gradients of the inputs, given that of the output. Weights and biases have none.
    pub(super) fn backward(&self, gradient: Vec<f64>) -> Vec<Option<Vec<f64>>> {
        let x = self.inputs[0];
        let shape = x[0].shape;
        let length = x[0].data.len();
        let (operation, output) = (self.operation, self.output);
        let only = |gradient: Vec<f64>| vec![Some(gradient)];
        match operation {
            Operation::Convolution(Convolution { clamp, .. }) | Operation::Linear { clamp } => {
                let gradient = self.through_clamp(*clamp, gradient);
                let weight = self.inputs[1][0];
                let of_input = match operation {
                    Operation::Convolution(convolution) => {
                        Geometry::convolution(convolution, shape, output)
                            .adjoint(&gradient, weight.data)
                    }
                    _ => linear_adjoint(&gradient, weight),
                };
                vec![Some(of_input), None, None, Some(gradient)]
            }
            Operation::ConvolutionTranspose(transpose) => {
                let geometry = Geometry::adjoint_of(transpose, shape, output);
                only(geometry.forward(&gradient, self.inputs[1][0].data))
            }
            Operation::MatMul => {
                let y = self.inputs[1];
                let product = Product::new(shape, y[0].shape, output);
                vec![
                    Some(product.first(&gradient, &mean(y), length)),
                    Some(product.second(&gradient, &mean(x), y[0].data.len())),
                ]
            }
            Operation::MaxPool(window) => {
                let pool = Pool::new(window, shape, output);
                only(pool.max_secant([x[0].data, x[1].data], &gradient))
            }
            Operation::AveragePool(pool) => {
                let windows = Pool::new(&pool.window, shape, output);
                only(windows.average_adjoint(pool, &gradient, length))
            }
            Operation::Unary(function) => only(along(*function, [x[0].data, x[1].data], gradient)),
            Operation::PRelu => only(elementwise::prelu_secant(x, self.inputs[1][0], &gradient)),
            Operation::Binary(binary) => {
                let inputs = [x, self.inputs[1]];
                elementwise::binary_secant(*binary, inputs, output, &gradient)
                    .map(Some)
                    .into()
            }
            Operation::Reduce { reduction, axes } => {
                only(reduce::reduce_secant(*reduction, axes, x, &gradient))
            }
            Operation::Softmax { axis } => only(reduce::softmax_secant(*axis, x, &gradient)),
            Operation::LogSoftmax { axis } => only(reduce::log_softmax_secant(*axis, x, &gradient)),
            Operation::Normalise { axes, epsilon } => {
                only(reduce::normalise_secant(axes, *epsilon, x, &gradient))
            }
            // A step function.
            Operation::ArgMax { .. } => only(vec![0.0; length]),
            Operation::Reshape { .. } => only(gradient),
            Operation::Concat { axis } => {
                let gradient = Array::new(output, &gradient);
                let mut offset = 0;
                let piece = |[x, _]: &[Array<'_>; 2]| {
                    let piece = split(*axis, gradient, x.shape, offset);
                    offset += x.shape[*axis];
                    Some(piece)
                };
                self.inputs.iter().map(piece).collect()
            }
            Operation::Resample { axis, taps } => {
                only(resample_adjoint(*axis, taps, &gradient, shape))
            }
            Operation::Pad { .. }
            | Operation::Transpose { .. }
            | Operation::Slice { .. }
            | Operation::Gather { .. }
            | Operation::Expand { .. } => only(scatter(
                &gradient,
                &Sources::new(operation, shape, output),
                length,
            )),
        }
    }

    fn through_clamp(&self, clamp: Clamp, gradient: Vec<f64>) -> Vec<f64> {
        if clamp.is_none() {
            gradient
        } else {
            along(Unary::Clip(clamp), self.pre_activation, gradient)
        }
    }
}

/// A gradient times the mean slopes of a function.
fn along(function: Unary, [a, b]: [&[f64]; 2], mut gradient: Vec<f64>) -> Vec<f64> {
    for ((gradient, &a), &b) in gradient.iter_mut().zip(a).zip(b) {
        *gradient *= unary::mean_slope(function, a, b);
    }
    gradient
}

/// The mean of a value at both points.
fn mean([a, b]: [Array<'_>; 2]) -> Vec<f64> {
    let pairs = a.data.iter().zip(b.data);
    pairs.map(|(a, b)| (a + b) / 2.0).collect()
}
