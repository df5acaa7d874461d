//! Filters of any geometry by kernels that know square ones, dense or one for each channel.
//!
//! What is not square, or reads at a distance, becomes a square with zeros, which kernels may leave out. Groups of
//! channels are the affair of the CPU's kernels; elsewhere they run one after another.

use burn::backend::DispatchTensor;
use burn::tensor::{Device, Tensor, TensorData};
use violet_graph::Window;

use super::array::{
    Array, Executor, add, dims, part, reshape, select, select_adjoint, with_images,
};
use super::machine::is_cpu;
use crate::kernel::{self, Activation, Filter, Geometry, Used};

/// Filters with their weights on a device.
#[derive(Debug, Clone)]
pub(super) struct Filters {
    /// What one call of a kernel takes: all, or one group of channels.
    groups: Vec<Group>,
    /// Of one call.
    geometry: Geometry,
    /// Which rows and columns of what the kernels make are wanted.
    every: [usize; 2],
    output: [usize; 2],
}

#[derive(Debug, Clone)]
struct Group {
    weight: DispatchTensor,
    bias: DispatchTensor,
}

/// Weights \[out, in / groups, height, width\] and bias \[out\].
#[derive(Debug, Clone, Copy)]
pub(super) struct Weights<'a> {
    pub dims: [usize; 4],
    pub values: &'a [f32],
    pub bias: Option<&'a [f32]>,
}

/// A window of one element.
const POINT: Window = Window {
    kernel: [1; 2],
    stride: [1; 2],
    dilation: [1; 2],
    padding_before: [0; 2],
    padding_after: [0; 2],
};

impl Filters {
    pub(super) fn new(
        weights: Weights<'_>,
        window: &Window,
        groups: usize,
        input: [usize; 2],
        output: [usize; 2],
        device: &Device,
    ) -> Self {
        let sizes = [input, output];
        Self::packed(weights, window, groups, sizes, device, kernel::pack)
    }

    fn packed(
        weights: Weights<'_>,
        window: &Window,
        groups: usize,
        [input, output]: [[usize; 2]; 2],
        device: &Device,
        pack: fn(Tensor<4>, Filter) -> Tensor<1>,
    ) -> Self {
        let [out, each, height, width] = weights.dims;
        let zeros;
        let bias = match weights.bias {
            Some(bias) => bias,
            None => {
                zeros = vec![0.0; out];
                &zeros
            }
        };
        let extent = window.extent();
        let side = extent[0].max(extent[1]);
        let (stride, every) = common_stride(window.stride, output);
        let depthwise = groups > 1 && each == 1 && out == groups;
        let calls = if depthwise || is_cpu(device) {
            1
        } else {
            groups
        };
        let filter = Filter {
            channels_in: each * groups / calls,
            channels_out: out / calls,
            depthwise,
            groups: if depthwise { 1 } else { groups / calls },
            kernel: side,
            stride,
            used: Used {
                extent,
                every: window.dilation,
            },
        };
        let square = if [height, width] == [side, side] {
            weights.values.to_vec()
        } else {
            let mut square = vec![0.0; out * each * side * side];
            let taps = height * width;
            for (k, &value) in weights.values.iter().enumerate() {
                let (filter, tap) = (k / taps, k % taps);
                let [row, column] = [tap / width, tap % width];
                let [row, column] = [row * window.dilation[0], column * window.dilation[1]];
                square[(filter * side + row) * side + column] = value;
            }
            square
        };
        let rows = out / calls;
        let weights = square.chunks_exact(square.len() / calls);
        let groups = weights.zip(bias.chunks_exact(rows)).map(|(weight, bias)| {
            let weight = TensorData::new(weight.to_vec(), filter.weight_dims());
            let weight = pack(Tensor::from_data(weight, device), filter);
            let bias = TensorData::new(bias.to_vec(), [rows]);
            Group {
                weight: weight.into_dispatch(),
                bias: Tensor::<1>::from_data(bias, device).into_dispatch(),
            }
        });
        let made = [0, 1].map(|axis| (output[axis] - 1) * every[axis] + 1);
        Self {
            groups: groups.collect(),
            geometry: Geometry {
                filter,
                padding_before: window.padding_before,
                input,
                output: made,
            },
            every,
            output,
        }
    }

    /// A matrix \[out, in\] over images of one row.
    pub(super) fn matrix(weights: Weights<'_>, pixels: usize, device: &Device) -> Self {
        Self::new(weights, &POINT, 1, [1, pixels], [1, pixels], device)
    }

    /// A matrix \[out, in\] over so many rows of features, where [`linear`](Self::linear) is asked first.
    pub(super) fn over_rows(weights: Weights<'_>, rows: usize, device: &Device) -> Self {
        if rows == 1 {
            return Self::matrix(weights, rows, device);
        }
        let sizes = [[1, rows]; 2];
        Self::packed(weights, &POINT, 1, sizes, device, kernel::pack_linear)
    }

    /// Rows of features \[…, in\] → \[…, out\], where there is a kernel for them; else the rows.
    pub(super) fn linear<B: Executor>(&self, rows: Array<B>) -> Result<Array<B>, Array<B>> {
        match &self.groups[..] {
            [group] if self.output[1] > 1 => {
                let [weight, bias] = [&group.weight, &group.bias].map(|t| B::take(t.clone()));
                B::linear_rows(rows, weight, bias, self.geometry.filter)
            }
            _ => Err(rows),
        }
    }

    /// The gradient of [`linear`](Self::linear)'s rows, likewise.
    pub(super) fn linear_gradient<B: Executor>(
        &self,
        gradient: Array<B>,
    ) -> Result<Array<B>, Array<B>> {
        match &self.groups[..] {
            [group] if self.output[1] > 1 => {
                let weight = B::take(group.weight.clone());
                B::linear_rows_gradient(gradient, weight, self.geometry.filter)
            }
            _ => Err(gradient),
        }
    }

    /// What one call of a kernel does, if one call does all.
    pub(super) fn single(&self) -> Option<Geometry> {
        (self.groups.len() == 1 && self.every == [1; 2]).then_some(self.geometry)
    }

    /// Values of one image of the input and of the output.
    pub(super) fn values(&self) -> [usize; 2] {
        self.geometry
            .values()
            .map(|values| values * self.groups.len())
    }

    /// The geometry of each kernel call.
    pub(super) fn geometries(&self) -> impl Iterator<Item = Geometry> + '_ {
        self.groups.iter().map(|_| self.geometry)
    }

    /// The packed weights of each kernel call.
    pub(super) fn weights(&self) -> impl Iterator<Item = &DispatchTensor> {
        self.groups.iter().map(|group| &group.weight)
    }

    /// `activation(convolution(x) + bias + residual)`: \[I, C, H, W\] → \[I, O, H', W'\]. Only a
    /// [single](Self::single) call has residual and activation.
    pub(super) fn forward<B: Executor>(
        &self,
        x: Array<B>,
        residual: Option<Array<B>>,
        activation: Activation,
    ) -> Array<B> {
        let run = |group: &Group, x: Array<B>| {
            let (weight, bias) = (B::take(group.weight.clone()), B::take(group.bias.clone()));
            B::convolve(x, weight, bias, self.geometry, activation)
        };
        if let [group] = &self.groups[..] {
            let made = match residual {
                None => run(group, x),
                Some(residual) => B::convolve_add(
                    x,
                    residual,
                    B::take(group.weight.clone()),
                    B::take(group.bias.clone()),
                    self.geometry,
                    activation,
                ),
            };
            return self.thinned::<B>(made);
        }
        let each = self.geometry.filter.channels_in;
        let pieces = self.groups.iter().enumerate().map(|(k, group)| {
            let piece = channels::<B>(x.clone(), k * each, each);
            self.thinned::<B>(run(group, piece))
        });
        B::concat(pieces.collect(), 1)
    }

    /// The gradient of the input: \[I, O, H', W'\] → \[I, C, H, W\].
    pub(super) fn backward<B: Executor>(&self, gradient: Array<B>) -> Array<B> {
        self.backward_added::<B>(gradient, None)
    }

    /// The same, added to another gradient of the same input, if there is one.
    pub(super) fn backward_added<B: Executor>(
        &self,
        gradient: Array<B>,
        other: Option<Array<B>>,
    ) -> Array<B> {
        let run = |group: &Group, gradient: Array<B>, other: Option<Array<B>>| {
            let (gradient, weight) = (self.spread::<B>(gradient), B::take(group.weight.clone()));
            match other {
                None => B::input_gradient(gradient, weight, self.geometry),
                Some(other) => B::input_gradient_added(gradient, weight, self.geometry, other),
            }
        };
        if let [group] = &self.groups[..] {
            return run(group, gradient, other);
        }
        let each = self.geometry.filter.channels_out;
        let pieces = self.groups.iter().enumerate();
        let pieces = pieces
            .map(|(k, group)| run(group, channels::<B>(gradient.clone(), k * each, each), None));
        let made = B::concat(pieces.collect(), 1);
        match other {
            None => made,
            Some(other) => add::<B>(other, made),
        }
    }

    /// The wanted rows and columns.
    fn thinned<B: Executor>(&self, mut made: Array<B>) -> Array<B> {
        for axis in 0..2 {
            if self.every[axis] > 1 {
                made = select::<B>(made, axis + 2, &self.wanted(axis));
            }
        }
        made
    }

    /// The adjoint of [`thinned`](Self::thinned).
    fn spread<B: Executor>(&self, mut gradient: Array<B>) -> Array<B> {
        for axis in 0..2 {
            if self.every[axis] > 1 {
                let length = self.geometry.output[axis];
                gradient = select_adjoint::<B>(gradient, axis + 2, &self.wanted(axis), length);
            }
        }
        gradient
    }

    fn wanted(&self, axis: usize) -> Vec<usize> {
        let wanted = (0..self.output[axis]).map(|k| k * self.every[axis]);
        wanted.collect()
    }
}

/// The stride that the kernels take in both directions, and which of their results are wanted.
fn common_stride(stride: [usize; 2], output: [usize; 2]) -> (usize, [usize; 2]) {
    match (stride, output) {
        ([rows, columns], _) if rows == columns => (rows, [1; 2]),
        // One window has no distance from the next.
        ([_, columns], [1, _]) => (columns, [1; 2]),
        ([rows, _], [_, 1]) => (rows, [1; 2]),
        _ => (1, stride),
    }
}

/// Some channels of \[I, C, H, W\].
fn channels<B: Executor>(x: Array<B>, first: usize, count: usize) -> Array<B> {
    let mut shape = dims::<B>(&x);
    shape[1] = count;
    part::<B>(x, &[0, first, 0, 0], &shape)
}

/// \[N, …, C, H, W\] as images \[N · …, C, H, W\].
pub(super) fn as_images<B: Executor>(x: Array<B>) -> Array<B> {
    let shape = dims::<B>(&x);
    match shape.len() {
        4 => x,
        rank => {
            let (outer, image) = shape.split_at(rank - 3);
            let images = outer.iter().product();
            reshape::<B>(x, &with_images(images, image))
        }
    }
}
