//! What a node needs on its device besides its inputs, prepared once.

use burn::backend::{DispatchTensor, TensorMetadata};
use burn::tensor::{Device, Tensor, TensorData};
use violet_graph::{
    AveragePool, Clamp, Convolution, ConvolutionTranspose, Graph, Node, Operation, Reduction,
    Window,
};

use super::array::{Array, Executor, add, dims, mul, reshape, scale, shaped};
use super::filters::{Filters, Weights, as_images};
use super::groups::Groups;
use super::windows::Windows;
use crate::error::{Error, Result};
use crate::kernel::{Activation, Filter, Function, Geometry};

/// See the [module](self).
#[derive(Debug, Clone)]
pub(super) enum Layer {
    /// Nothing.
    Plain,
    /// A convolution or linear layer.
    Sums(Sums),
    /// The adjoint of a convolution.
    Transposed {
        /// The convolution, without bias.
        filters: Filters,
        /// \[1, O, 1, 1\].
        bias: DispatchTensor,
    },
    /// An average pool: sums of windows, then each divided by how many count.
    Average {
        /// Filters of ones.
        filters: Filters,
        /// What each sum is multiplied by.
        shares: Shares,
    },
    /// A max-pool that the kernels know.
    Pool(Geometry),
    /// Any other one.
    Windows(Windows),
    /// Weighted sums along one axis.
    Resample {
        /// A matrix, over images \[outer, axis, 1, inner\].
        filters: Filters,
        /// \[outer, axis, 1, inner\] of one image.
        image: [usize; 4],
    },
    /// Axes that are taken together.
    Groups(Groups),
}

/// What sums of windows are multiplied by.
#[derive(Debug, Clone)]
#[allow(
    clippy::large_enum_variant,
    reason = "one for each pool of a network: a pointer would save nothing"
)]
pub(super) enum Shares {
    /// All by one number.
    Even(f32),
    /// \[1, 1, H', W'\].
    Each(DispatchTensor),
}

/// `clamp(filters · x + bias + residual)`.
#[derive(Debug, Clone)]
pub(super) struct Sums {
    pub filters: Filters,
    /// A linear layer's rows of features; of a convolution, nothing.
    pub rows: Option<usize>,
    pub clamp: Clamp,
}

impl Sums {
    /// What one call of a kernel may do to the sums; nothing, if that takes more than one.
    pub(super) fn fused(&self) -> Option<Activation> {
        let single = self.filters.single().is_some() && self.rows.is_none_or(|rows| rows == 1);
        single.then(|| activation(self.clamp)).flatten()
    }

    /// The sums, clamped by `activation` if they are [fused](Self::fused).
    pub(super) fn forward<B: Executor>(
        &self,
        x: Array<B>,
        residual: Option<Array<B>>,
        activation: Activation,
    ) -> Array<B> {
        let (fused, images) = (self.fused().is_some(), x.shape()[0]);
        let shape = dims::<B>(&x);
        let mut x = x;
        if self.rows.is_some() {
            match self.filters.linear::<B>(x) {
                Ok(made) => {
                    return match residual {
                        Some(residual) => add::<B>(made, residual),
                        None => made,
                    };
                }
                Err(same) => x = same,
            }
        }
        let as_sums = |x: Array<B>| as_pixels::<B>(x, self.rows);
        let (inside, after) = if fused {
            (residual, None)
        } else {
            (None, residual)
        };
        let inside = inside.map(as_sums);
        let made = self.filters.forward::<B>(as_sums(x), inside, activation);
        let made = match self.rows {
            Some(rows) => {
                let channels = made.shape()[1];
                let mut shape = shape;
                if let Some(last) = shape.last_mut() {
                    *last = channels;
                }
                from_pixels::<B>(made, images, rows, &shape)
            }
            None => {
                let [_, channels, height, width] = made.shape().dims();
                let outer = &shape[..shape.len() - 3];
                let shape: Vec<usize> = [outer, &[channels, height, width]].concat();
                reshape::<B>(made, &shape)
            }
        };
        match after {
            Some(residual) => add::<B>(made, residual),
            None => made,
        }
    }

    /// The gradient of x, given that of the sums, added to another one of x, if there is one. `shape`: that of x, without
    /// images.
    pub(super) fn backward<B: Executor>(
        &self,
        gradient: Array<B>,
        shape: &[usize],
        other: Option<Array<B>>,
    ) -> Array<B> {
        let images = gradient.shape()[0];
        let mut gradient = gradient;
        if self.rows.is_some() {
            match self.filters.linear_gradient::<B>(gradient) {
                Ok(gradient) => {
                    let gradient = shaped::<B>(gradient, shape);
                    return match other {
                        None => gradient,
                        Some(other) => add::<B>(other, gradient),
                    };
                }
                Err(same) => gradient = same,
            }
        }
        let gradient = as_pixels::<B>(gradient, self.rows);
        let other = other.map(|other| as_pixels::<B>(other, self.rows));
        let gradient = self.filters.backward_added::<B>(gradient, other);
        let shape = super::array::with_images(images, shape);
        match self.rows {
            Some(rows) => from_pixels::<B>(gradient, images, rows, &shape),
            None => reshape::<B>(gradient, &shape),
        }
    }
}

/// What the kernels know of a clamp.
pub(super) fn activation(clamp: Clamp) -> Option<Activation> {
    let clamps = [Activation::Identity, Activation::Relu, Activation::Relu6];
    clamps
        .into_iter()
        .find(|activation| activation.range() == [clamp.min, clamp.max])
}

/// \[N, …, features\] as images \[N, features, 1, rows\]; \[N, …, C, H, W\] as \[N · …, C, H, W\].
fn as_pixels<B: Executor>(x: Array<B>, rows: Option<usize>) -> Array<B> {
    let Some(rows) = rows else {
        return as_images::<B>(x);
    };
    let shape = dims::<B>(&x);
    let (images, features) = (shape[0], shape[shape.len() - 1]);
    if rows == 1 {
        return reshape::<B>(x, &[images, features, 1, 1]);
    }
    let x = B::transpose(reshape::<B>(x, &[images, rows, features]));
    reshape::<B>(x, &[images, features, 1, rows])
}

/// The way back from \[N, features, 1, rows\].
fn from_pixels<B: Executor>(x: Array<B>, images: usize, rows: usize, shape: &[usize]) -> Array<B> {
    if rows == 1 {
        return reshape::<B>(x, shape);
    }
    let features = x.shape()[1];
    let x = B::transpose(reshape::<B>(x, &[images, features, rows]));
    reshape::<B>(x, shape)
}

impl Layer {
    /// Of a node.
    ///
    /// # Errors
    ///
    /// [`Error::Operation`] if the engine cannot run it.
    pub(super) fn new(graph: &Graph, node: &Node, device: &Device) -> Result<Self> {
        let input = node.inputs()[0];
        let shape = graph.shape(input);
        let made = graph.shape(node.output());
        let constant = |k: usize| {
            let values = node.inputs().get(k).and_then(|&id| graph.constant(id));
            values.map(|values| &values[..]).unwrap_or_default()
        };
        let size = |shape: &[usize]| [shape[shape.len() - 2], shape[shape.len() - 1]];
        let weight_dims = || {
            let dims = graph.shape(node.inputs()[1]);
            [dims[0], dims[1], dims[2], dims[3]]
        };
        Ok(match node.operation() {
            Operation::Convolution(Convolution {
                window,
                groups,
                clamp,
            }) => {
                let weights = Weights {
                    dims: weight_dims(),
                    values: constant(1),
                    bias: Some(constant(2)),
                };
                let (input, made) = (size(shape), size(made));
                Layer::Sums(Sums {
                    filters: Filters::new(weights, window, *groups, input, made, device),
                    rows: None,
                    clamp: *clamp,
                })
            }
            Operation::Linear { clamp } => {
                let [out, features] = [0, 1].map(|k: usize| graph.shape(node.inputs()[1])[k]);
                let weights = Weights {
                    dims: [out, features, 1, 1],
                    values: constant(1),
                    bias: Some(constant(2)),
                };
                let rows = shape.iter().product::<usize>() / features;
                Layer::Sums(Sums {
                    filters: Filters::over_rows(weights, rows, device),
                    rows: Some(rows),
                    clamp: *clamp,
                })
            }
            Operation::ConvolutionTranspose(transpose) => Self::transposed(
                transpose,
                weight_dims(),
                constant(1),
                constant(2),
                size(shape),
                device,
            ),
            Operation::AveragePool(pool) => Self::average(pool, shape, made, device),
            Operation::MaxPool(window) => match pool(window, shape, made) {
                Some(geometry) => Layer::Pool(geometry),
                None => Layer::Windows(Windows::new(window, shape, made)),
            },
            Operation::Resample { axis, taps } => {
                let (rows, length) = (taps.rows(), shape[*axis]);
                let mut matrix = vec![0.0; rows * length];
                for row in 0..rows {
                    taps.row(row)
                        .for_each(|(k, weight)| matrix[row * length + k] += weight);
                }
                let outer = shape[..*axis].iter().product();
                let inner = shape[axis + 1..].iter().product();
                let weights = Weights {
                    dims: [rows, length, 1, 1],
                    values: &matrix,
                    bias: None,
                };
                Layer::Resample {
                    filters: Filters::matrix(weights, inner, device),
                    image: [outer, length, 1, inner],
                }
            }
            Operation::Reduce {
                reduction: Reduction::Max,
                axes,
            } if is_whole_image(shape, axes) => Layer::Pool(one_window(shape)),
            Operation::Reduce { axes, .. } | Operation::Normalise { axes, .. } => {
                Layer::Groups(Groups::new(shape, axes))
            }
            Operation::Softmax { axis } | Operation::LogSoftmax { axis } => {
                Layer::Groups(Groups::new(shape, &[*axis]))
            }
            Operation::Unary(unary) if super::elementwise::function(*unary).is_none() => {
                return Err(refused(node));
            }
            Operation::ArgMax { .. } => return Err(refused(node)),
            Operation::MatMul
            | Operation::Unary(_)
            | Operation::PRelu
            | Operation::Binary(_)
            | Operation::Reshape { .. }
            | Operation::Transpose { .. }
            | Operation::Concat { .. }
            | Operation::Slice { .. }
            | Operation::Gather { .. }
            | Operation::Expand { .. }
            | Operation::Pad { .. } => Layer::Plain,
            _ => return Err(refused(node)),
        })
    }

    fn transposed(
        transpose: &ConvolutionTranspose,
        dims: [usize; 4],
        values: &[f32],
        bias: &[f32],
        input: [usize; 2],
        device: &Device,
    ) -> Self {
        let window = Window {
            kernel: transpose.kernel,
            stride: transpose.stride,
            dilation: transpose.dilation,
            padding_before: transpose.padding_before,
            padding_after: [0; 2],
        };
        let weights = Weights {
            dims,
            values,
            bias: None,
        };
        let (groups, output) = (transpose.groups, transpose.output);
        Layer::Transposed {
            filters: Filters::new(weights, &window, groups, output, input, device),
            bias: on_device(bias, [1, bias.len(), 1, 1], device),
        }
    }

    fn average(pool: &AveragePool, shape: &[usize], made: &[usize], device: &Device) -> Self {
        let channels = shape[..shape.len() - 2].iter().product();
        let [input, output] = [shape, made].map(|s| [s[s.len() - 2], s[s.len() - 1]]);
        let window = &pool.window;
        let [height, width] = window.kernel;
        let ones = vec![1.0; channels * height * width];
        let weights = Weights {
            dims: [channels, 1, height, width],
            values: &ones,
            bias: None,
        };
        // How many taps of each window on an axis count.
        let counts = [0, 1].map(|axis| {
            let before = window.padding_before[axis];
            let counted =
                before - pool.counted_before[axis]..before + input[axis] + pool.counted_after[axis];
            let taps = |position: usize| {
                let first = position * window.stride[axis];
                let taps = (0..window.kernel[axis]).map(|k| first + k * window.dilation[axis]);
                taps.filter(|place| counted.contains(place)).count()
            };
            (0..output[axis]).map(taps).collect::<Vec<_>>()
        });
        let all = counts[0]
            .iter()
            .flat_map(|rows| counts[1].iter().map(move |columns| rows * columns));
        let shares: Vec<f32> = all.map(|count| 1.0 / count as f32).collect();
        let first = shares.first().copied().unwrap_or(1.0);
        let shares = if shares.iter().all(|&share| share == first) {
            Shares::Even(first)
        } else {
            Shares::Each(on_device(&shares, [1, 1, output[0], output[1]], device))
        };
        Layer::Average {
            filters: Filters::new(weights, window, channels, input, output, device),
            shares,
        }
    }

    /// Values of one image that a kernel reads and writes at most.
    pub(super) fn values(&self) -> usize {
        self.filters()
            .map_or(0, |filters| filters.values().into_iter().max().unwrap_or(0))
    }

    /// The geometry of each call of a convolution's kernel.
    pub(super) fn geometries(&self) -> Vec<Geometry> {
        match self {
            Layer::Sums(sums) => sums.filters.geometries().collect(),
            _ => Vec::new(),
        }
    }

    pub(super) fn filters(&self) -> Option<&Filters> {
        match self {
            Layer::Sums(Sums { filters, .. })
            | Layer::Transposed { filters, .. }
            | Layer::Average { filters, .. }
            | Layer::Resample { filters, .. } => Some(filters),
            _ => None,
        }
    }
}

/// The sum of each window by how many of its taps count.
pub(super) fn share<B: Executor>(x: Array<B>, shares: &Shares) -> Array<B> {
    match shares {
        Shares::Even(share) if *share == 1.0 => x,
        Shares::Even(share) => scale::<B>(x, *share),
        Shares::Each(shares) => mul::<B>(x, B::take(shares.clone())),
    }
}

/// \[N, …, H, W\] as images \[N, channels, H, W\].
pub(super) fn as_channels<B: Executor>(x: Array<B>) -> Array<B> {
    let shape = dims::<B>(&x);
    let rank = shape.len();
    let channels = shape[1..rank - 2].iter().product();
    reshape::<B>(x, &[shape[0], channels, shape[rank - 2], shape[rank - 1]])
}

/// The kernel's name for a max-pool; nothing, if it has no such windows.
fn pool(window: &Window, shape: &[usize], made: &[usize]) -> Option<Geometry> {
    let [input, output] = [shape, made].map(|s| [s[s.len() - 2], s[s.len() - 1]]);
    let [side, other] = window.kernel;
    let dilated = [0, 1]
        .iter()
        .any(|&k| window.dilation[k] > 1 && window.kernel[k] > 1);
    let stride = match (window.stride, output) {
        ([rows, columns], _) if rows == columns => rows,
        ([_, columns], [1, _]) => columns,
        ([rows, _], [_, 1]) => rows,
        _ => return None,
    };
    let channels = shape[..shape.len() - 2].iter().product();
    (side == other && !dilated).then(|| Geometry {
        filter: Filter::depthwise(channels, side, stride),
        padding_before: window.padding_before,
        input,
        output,
    })
}

/// Whether axes are those of a whole square image.
fn is_whole_image(shape: &[usize], axes: &[usize]) -> bool {
    let rank = shape.len();
    rank >= 3 && axes == [rank - 2, rank - 1] && shape[rank - 2] == shape[rank - 1]
}

/// A window over the whole of a square image.
fn one_window(shape: &[usize]) -> Geometry {
    let side = shape[shape.len() - 1];
    let channels = shape[..shape.len() - 2].iter().product();
    Geometry {
        filter: Filter::depthwise(channels, side, 1),
        padding_before: [0; 2],
        input: [side; 2],
        output: [1; 2],
    }
}

/// Numbers on a device.
pub(super) fn on_device<const D: usize>(
    values: &[f32],
    shape: [usize; D],
    device: &Device,
) -> DispatchTensor {
    let data = TensorData::new(values.to_vec(), shape);
    Tensor::<D>::from_data(data, device).into_dispatch()
}

fn refused(node: &Node) -> Error {
    Error::Operation {
        node: node.name().into(),
        operation: node.operation().name(),
    }
}

/// The kernels' name for a clamp.
pub(super) fn clamp_function(clamp: Clamp) -> Function {
    Function::Clamp(clamp.min, clamp.max)
}
