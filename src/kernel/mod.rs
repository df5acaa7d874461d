//! Violet's own convolution and max-pool, as differentiable operations of Burn's.
//!
//! `activation(convolution(input) + bias + residual)` is one operation in each direction. Models
//! stay plain Burn code; what runs below is chosen by the tensor's device: the package in `cpu` on
//! Burn's flex backend, [`gpu`] on Burn's CubeCL backends.

mod autodiff;
mod flex;
#[cfg(feature = "gpu")]
mod gpu;

use std::fmt::Debug;

use burn::backend::{Backend, Dispatch, TensorMetadata, backend_extension, tensor::FloatTensor};
use burn::tensor::{Shape, Slice, Tensor};

#[cfg(feature = "gpu")]
pub use gpu::{Adapter, with_kernels_for};
pub use violet_kernel_cpu::{Activation, Filter, Function, Gating, Geometry, Used};
pub(crate) use violet_kernel_cpu::{Bottleneck, Rows, Weights};

/// What a backend adds to Burn's operations.
#[cfg_attr(feature = "gpu", backend_extension(Cube, Flex, Autodiff))]
#[cfg_attr(not(feature = "gpu"), backend_extension(Flex, Autodiff))]
pub trait Operations: Backend {
    /// Weights in the order in which this backend reads them.
    fn pack_filters(weight: FloatTensor<Self>, filter: Filter) -> FloatTensor<Self>;

    /// Weights \[out, in, 1, 1\] of a layer that takes several rows of features, for [`Derivatives::linear_rows`].
    fn pack_linear(weight: FloatTensor<Self>, filter: Filter) -> FloatTensor<Self> {
        Self::pack_filters(weight, filter)
    }

    /// `activation(convolution(input) + bias)`.
    fn convolve(
        input: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        geometry: Geometry,
        activation: Activation,
    ) -> FloatTensor<Self>;

    /// `activation(convolution(input) + bias + residual)`.
    fn convolve_add(
        input: FloatTensor<Self>,
        residual: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        geometry: Geometry,
        activation: Activation,
    ) -> FloatTensor<Self>;

    /// `activation(sums)`; the way back takes the secant from `before` for its derivative.
    fn activate(
        sums: FloatTensor<Self>,
        before: FloatTensor<Self>,
        activation: Activation,
    ) -> FloatTensor<Self>;

    /// The largest value of each window.
    fn max_pool(input: FloatTensor<Self>, windows: Geometry) -> FloatTensor<Self>;

    /// As [`max_pool`](Self::max_pool); the way back takes the mean gradient from `before`.
    fn max_pool_along(
        input: FloatTensor<Self>,
        before: FloatTensor<Self>,
        windows: Geometry,
    ) -> FloatTensor<Self> {
        let _of_the_way_back = before;
        Self::max_pool(input, windows)
    }
}

/// The way back, which [`autodiff`] takes, and what only graphs need.
pub(crate) trait Derivatives: Operations {
    /// What decides which gradients an activation lets through.
    type Gate: Debug + Clone + Send + 'static;

    /// What a [`Bottleneck`] leaves for the way back at points.
    type Kept: Debug + Clone + Send + 'static;

    /// Where the largest values of windows stand.
    type Indices: Debug + Clone + Send + 'static;

    /// Takes a tensor whose last reader is done with it: its memory may be used again.
    fn spent(tensor: FloatTensor<Self>) {
        drop(tensor);
    }

    /// The gate of an activation's result.
    fn gate(output: &FloatTensor<Self>, activation: Activation) -> Self::Gate;

    /// The gradient of an activation's argument, given that of its result.
    fn activation_gradient(gradient: FloatTensor<Self>, gate: Self::Gate) -> FloatTensor<Self>;

    /// The gradient of an activation's argument, given that of its result, by the secant to `sums` from
    /// the image before: of the first, that is `before`.
    fn secant_gradient(
        gradient: FloatTensor<Self>,
        sums: FloatTensor<Self>,
        before: FloatTensor<Self>,
        activation: Activation,
    ) -> FloatTensor<Self>;

    /// The gradient of a convolution's input, given that of its output.
    fn input_gradient(
        gradient: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        geometry: Geometry,
    ) -> FloatTensor<Self>;

    /// The same, added to another gradient of the same input.
    fn input_gradient_added(
        gradient: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        geometry: Geometry,
        other: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        Self::add(other, Self::input_gradient(gradient, weight, geometry))
    }

    /// Rows \[…, in\] times weights that were [packed](Operations::pack_linear) for it, plus bias: \[…, out\].
    ///
    /// # Errors
    ///
    /// The rows as they were, where 1×1 filters over planes have to do.
    fn linear_rows(
        rows: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        filter: Filter,
    ) -> Result<FloatTensor<Self>, FloatTensor<Self>> {
        let _ = (weight, bias, filter);
        Err(rows)
    }

    /// The gradient of [`linear_rows`](Self::linear_rows)'s rows.
    ///
    /// # Errors
    ///
    /// The gradient as it was, where 1×1 filters over planes have to do.
    fn linear_rows_gradient(
        gradient: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        filter: Filter,
    ) -> Result<FloatTensor<Self>, FloatTensor<Self>> {
        let _ = (weight, filter);
        Err(gradient)
    }

    /// The largest value of each window, and where it stands.
    fn max_pool_with_indices(
        input: FloatTensor<Self>,
        windows: Geometry,
    ) -> (FloatTensor<Self>, Self::Indices);

    /// The gradient of a max-pool's input, given that of its output.
    fn max_pool_gradient(
        gradient: FloatTensor<Self>,
        indices: Self::Indices,
        windows: Geometry,
    ) -> FloatTensor<Self>;

    /// The mean gradient of a max-pool's input on the way to it from the image before: of the first, that is
    /// `before`.
    fn max_pool_secant_gradient(
        gradient: FloatTensor<Self>,
        input: FloatTensor<Self>,
        indices: Self::Indices,
        before: FloatTensor<Self>,
        windows: Geometry,
    ) -> FloatTensor<Self>;

    /// A function of each value.
    fn map(values: FloatTensor<Self>, function: Function) -> FloatTensor<Self>;

    /// Gradients times the mean derivatives of a function between two points; all of one shape.
    fn map_gradient(
        gradient: FloatTensor<Self>,
        ends: [FloatTensor<Self>; 2],
        function: Function,
    ) -> FloatTensor<Self>;

    /// The same at a point, and φ′ of each value for the way back.
    ///
    /// # Errors
    ///
    /// The values as they were, where their own gradient takes no longer.
    fn map_with_slopes(
        values: FloatTensor<Self>,
        function: Function,
    ) -> Result<[FloatTensor<Self>; 2], FloatTensor<Self>> {
        let _ = function;
        Err(values)
    }

    /// What is made of each row of \[N, groups, members\]; nothing, where Burn's own operations have to do.
    fn rows(values: FloatTensor<Self>, made: Rows) -> Option<FloatTensor<Self>> {
        let _ = (values, made);
        None
    }

    /// The mean gradient of [`rows`](Self::rows) between two points, or at one.
    ///
    /// # Errors
    ///
    /// The gradient as it was, where Burn's own operations have to do.
    fn rows_gradient(
        gradient: FloatTensor<Self>,
        ends: (Option<FloatTensor<Self>>, FloatTensor<Self>),
        made: Rows,
    ) -> Result<FloatTensor<Self>, FloatTensor<Self>> {
        let _ = (ends, made);
        Err(gradient)
    }

    /// The gradient of a softmax's rows \[N, groups, members\] at a point, of what it made there.
    fn softmax_gradient(gradient: FloatTensor<Self>, made: FloatTensor<Self>) -> FloatTensor<Self> {
        let weighted = Self::float_mul(gradient, made.clone());
        let whole = Self::float_sum_dim(weighted.clone(), 2);
        Self::float_sub(weighted, Self::float_mul(made, whole))
    }

    /// The same values in another shape.
    fn reshape(values: FloatTensor<Self>, shape: Shape) -> FloatTensor<Self> {
        Self::float_reshape(values, shape)
    }

    /// Adds values to a part of others, from `starts` on.
    fn add_part(
        whole: FloatTensor<Self>,
        starts: &[usize],
        values: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        let shape = values.shape();
        let ends = starts.iter().zip(shape.iter());
        let slices: Vec<Slice> = ends
            .map(|(&start, &count)| Slice::from(start..start + count))
            .collect();
        let part = Self::float_slice(whole.clone(), &slices);
        Self::float_slice_assign(whole, &slices, Self::float_add(part, values))
    }

    /// a + b, broadcast.
    fn add(first: FloatTensor<Self>, second: FloatTensor<Self>) -> FloatTensor<Self> {
        Self::float_add(first, second)
    }

    /// a · b, broadcast.
    fn multiply(first: FloatTensor<Self>, second: FloatTensor<Self>) -> FloatTensor<Self> {
        Self::float_mul(first, second)
    }

    /// All side by side along an axis.
    fn concat(pieces: Vec<FloatTensor<Self>>, axis: usize) -> FloatTensor<Self> {
        Self::float_cat(pieces, axis)
    }

    /// The gradient of one factor of a product, whose shape is `shape`: that of the product times the mean of the other
    /// factor between two points, or at one, summed along the axes that it was broadcast along. All are of one rank.
    fn factor_gradient(
        gradient: FloatTensor<Self>,
        (from, to): (Option<FloatTensor<Self>>, FloatTensor<Self>),
        shape: &[usize],
    ) -> FloatTensor<Self> {
        factor_gradient::<Self>(gradient, (from, to), shape)
    }

    /// `activation(project(…) + residual)` of an image's [`Bottleneck`], and the derivatives of the activations before, if
    /// they are to be kept.
    fn bottleneck(
        input: FloatTensor<Self>,
        residual: Option<FloatTensor<Self>>,
        layers: &Bottleneck,
        activation: Activation,
        keep: bool,
    ) -> (FloatTensor<Self>, Option<Self::Kept>) {
        let _ = (input, residual, layers, activation, keep);
        unreachable!("only the CPU runs several layers in one go")
    }

    /// The projection's sums, and the arguments of the activations before, \[N, …\] each.
    fn bottleneck_along(
        input: FloatTensor<Self>,
        residual: Option<FloatTensor<Self>>,
        layers: &Bottleneck,
    ) -> (FloatTensor<Self>, [FloatTensor<Self>; 2]) {
        let _ = (input, residual, layers);
        unreachable!("only the CPU runs several layers in one go")
    }

    /// The gradient of the input, given that of the projection's sums.
    fn bottleneck_gradient(
        gradient: FloatTensor<Self>,
        layers: &Bottleneck,
        slopes: Slopes<Self>,
    ) -> FloatTensor<Self> {
        let _ = (gradient, layers, slopes);
        unreachable!("only the CPU runs several layers in one go")
    }

    /// Matrices \[P, M, K\] → \[P, K, M\], row by row.
    fn transpose(matrices: FloatTensor<Self>) -> FloatTensor<Self> {
        Self::float_permute(matrices, &[0, 2, 1])
    }

    /// Products of matrices \[…, M, K\] × \[…, K, N\] → \[…, M, N\], with the same axes before; in
    /// whatever order the factors lie.
    fn product(first: FloatTensor<Self>, second: FloatTensor<Self>) -> FloatTensor<Self>;
}

/// [`Derivatives::factor_gradient`] by Burn's own operations.
fn factor_gradient<B: Backend>(
    gradient: FloatTensor<B>,
    (from, to): (Option<FloatTensor<B>>, FloatTensor<B>),
    shape: &[usize],
) -> FloatTensor<B> {
    let mean = match from {
        Some(from) => B::float_mul_scalar(B::float_add(from, to), 0.5_f32.into()),
        None => to,
    };
    let gradient = B::float_mul(gradient, mean);
    let summed = (0..shape.len()).filter(|&axis| shape[axis] == 1);
    summed.fold(gradient, |gradient, axis| {
        if gradient.shape()[axis] == 1 {
            gradient
        } else {
            B::float_sum_dim(gradient, axis)
        }
    })
}

/// The slopes of both activations within a [`Bottleneck`].
#[derive(Debug, Clone)]
pub(crate) enum Slopes<B: Derivatives> {
    /// Derivatives.
    At(B::Kept),
    /// Those of the secants to these arguments from those of the image before: of the first, from the others.
    Secants([[FloatTensor<B>; 2]; 2]),
}

/// As [`pack`], of layers that take several rows of features.
pub(crate) fn pack_linear(weight: Tensor<4>, filter: Filter) -> Tensor<1> {
    Tensor::from_dispatch(Dispatch::pack_linear(weight.into_dispatch(), filter))
}

/// Weights \[out, in / groups, kernel, kernel\] in the order that [`convolve`] wants on their
/// device. Once for each layer, when it is loaded.
pub fn pack(weight: Tensor<4>, filter: Filter) -> Tensor<1> {
    assert_eq!(weight.dims(), filter.weight_dims());
    Tensor::from_dispatch(Dispatch::pack_filters(weight.into_dispatch(), filter))
}

/// `activation(convolution(input) + bias + residual)`.
///
/// Only `input` and `residual` are differentiated; weights and bias are constants.
///
/// # Shapes
///
/// `input` \[N, in, H, W\], `weight` from [`pack`], `bias` \[out\], `residual` and the result
/// \[N, out, H', W'\].
pub fn convolve(
    input: Tensor<4>,
    residual: Option<Tensor<4>>,
    weight: Tensor<1>,
    bias: Tensor<1>,
    geometry: Geometry,
    activation: Activation,
) -> Tensor<4> {
    let [images, channels, height, width] = input.dims();
    assert_eq!([height, width], geometry.input);
    assert_eq!(channels, geometry.filter.channels_in);
    let [input, weight, bias] = [
        input.into_dispatch(),
        weight.into_dispatch(),
        bias.into_dispatch(),
    ];
    Tensor::from_dispatch(match residual {
        None => Dispatch::convolve(input, weight, bias, geometry, activation),
        Some(residual) => {
            let [rows, columns] = geometry.output;
            assert_eq!(
                residual.dims(),
                [images, geometry.filter.channels_out, rows, columns]
            );
            let residual = residual.into_dispatch();
            Dispatch::convolve_add(input, residual, weight, bias, geometry, activation)
        }
    })
}

/// `activation(sums)`, whose gradient is taken along a path: with the slope of the secant from one image
/// to the next in place of the derivative. The first image's begins at `before`.
///
/// # Shapes
///
/// `sums` and the result \[N, C, H, W\], `before` \[1, C, H, W\], which is a constant.
///
/// # Source
///
/// Shrikumar, Greenside, Kundaje 2017 (arXiv 1704.02685), the Rescale rule.
pub fn activate(sums: Tensor<4>, before: Tensor<4>, activation: Activation) -> Tensor<4> {
    let [_, channels, height, width] = sums.dims();
    assert_eq!(before.dims(), [1, channels, height, width]);
    let (sums, before) = (sums.into_dispatch(), before.into_dispatch());
    Tensor::from_dispatch(Dispatch::activate(sums, before, activation))
}

/// The largest value of each window of each channel; of equal ones, the first takes the gradient. With the
/// input at the point before, \[1, C, H, W\], the gradient is taken along a path, as in [`activate`]: the mean of those
/// between both points.
///
/// # Shapes
///
/// `input` \[N, C, H, W\], the result \[N, C, H', W'\]; `windows` are those of a depthwise filter.
pub fn max_pool(input: Tensor<4>, before: Option<Tensor<4>>, windows: Geometry) -> Tensor<4> {
    let [_, channels, height, width] = input.dims();
    assert_eq!([height, width], windows.input);
    assert!(windows.filter.depthwise && windows.filter.channels_in == channels);
    let input = input.into_dispatch();
    Tensor::from_dispatch(match before {
        None => Dispatch::max_pool(input, windows),
        Some(before) => {
            assert_eq!(before.dims(), [1, channels, height, width]);
            Dispatch::max_pool_along(input, before.into_dispatch(), windows)
        }
    })
}
