//! The few differentiable blocks every network is made of.

use burn::tensor::{Device, Tensor, TensorData};

use super::checkpoint::Checkpoint;
#[cfg(any(feature = "stock", not(target_family = "wasm")))]
use super::stock;
use super::trace::Trace;
use crate::error::Result;
use crate::kernel::{self, Activation, Filter, Geometry};

/// A convolution by its names in the checkpoint.
#[derive(Debug, Clone)]
pub(super) struct Part {
    /// `{convolution}.weight` and, where BatchNorm is folded in, `{convolution}.bias`.
    pub convolution: String,
    /// The BatchNorm that follows in the original, if one does.
    pub batch_norm: Option<String>,
    pub filter: Filter,
}

impl Part {
    pub(super) fn new(
        convolution: impl Into<String>,
        batch_norm: Option<&str>,
        filter: Filter,
    ) -> Self {
        Self {
            convolution: convolution.into(),
            batch_norm: batch_norm.map(Into::into),
            filter,
        }
    }
}

/// How a convolution's input is padded with zeros.
#[derive(Debug, Clone, Copy)]
pub(super) enum Padding {
    /// The same number of pixels on every side, as PyTorch does.
    Even(usize),
    /// As TensorFlow's SAME: output size ⌈input / stride⌉, the odd pixel after the image.
    Same,
}

impl Padding {
    /// What filters do to an image of that height and width.
    fn geometry(self, filter: Filter, input: [usize; 2]) -> Geometry {
        let Filter { kernel, stride, .. } = filter;
        let (padding_before, output) = match self {
            Padding::Even(padding) => (
                [padding; 2],
                input.map(|size| (size + 2 * padding - kernel) / stride + 1),
            ),
            Padding::Same => {
                let output = input.map(|size| size.div_ceil(stride));
                let before = [0, 1].map(|axis| {
                    ((output[axis] - 1) * stride + kernel).saturating_sub(input[axis]) / 2
                });
                (before, output)
            }
        };
        Geometry {
            filter,
            padding_before,
            input,
            output,
        }
    }
}

/// Which kernels run the convolutions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Kernels {
    /// Violet's [own](crate::kernel).
    #[cfg_attr(not(feature = "stock"), default)]
    Own,
    /// Burn's, to compare with. Kept out of the page for their size, unless the feature `stock` asks for
    /// nothing else.
    #[cfg_attr(feature = "stock", default)]
    #[cfg(any(feature = "stock", not(target_family = "wasm")))]
    Stock,
}

/// A convolution with its bias, BatchNorm folded in.
#[derive(Debug)]
pub(super) struct Convolution {
    weight: Weight,
    bias: Tensor<1>,
    filter: Filter,
    padding: Padding,
}

#[derive(Debug)]
enum Weight {
    Own(Tensor<1>),
    #[cfg(any(feature = "stock", not(target_family = "wasm")))]
    Stock(Tensor<4>),
}

impl Convolution {
    /// Takes its `weight` \[output, input / groups, kernel, kernel\] and `bias`.
    pub(super) fn load(source: &mut Source<'_>, part: &Part, padding: Padding) -> Result<Self> {
        let (name, filter) = (&part.convolution, part.filter);
        let weight = source.take(&format!("{name}.weight"), filter.weight_dims())?;
        let bias = source.take(&format!("{name}.bias"), [filter.channels_out])?;
        Ok(Self::new(weight, bias, filter, padding, source.kernels))
    }

    fn new(
        weight: Tensor<4>,
        bias: Tensor<1>,
        filter: Filter,
        padding: Padding,
        kernels: Kernels,
    ) -> Self {
        let weight = match kernels {
            Kernels::Own => Weight::Own(kernel::pack(weight, filter)),
            #[cfg(any(feature = "stock", not(target_family = "wasm")))]
            Kernels::Stock => Weight::Stock(weight),
        };
        Self {
            weight,
            bias,
            filter,
            padding,
        }
    }

    /// The weights, in whatever order the kernels want them.
    pub(super) fn weight(&self) -> Tensor<1> {
        match &self.weight {
            Weight::Own(weight) => weight.clone(),
            #[cfg(any(feature = "stock", not(target_family = "wasm")))]
            Weight::Stock(weight) => weight.clone().flatten(0, 3),
        }
    }

    /// What the filters do to an image of that height and width.
    pub(super) fn geometry(&self, size: [usize; 2]) -> Geometry {
        self.padding.geometry(self.filter, size)
    }

    /// \[N, input, H, W\] → \[N, output, H', W'\].
    pub(super) fn forward(
        &self,
        x: Tensor<4>,
        activation: Activation,
        trace: &mut Trace,
    ) -> Tensor<4> {
        self.run(x, None, activation, trace)
    }

    /// As [`forward`](Self::forward), with `residual` \[N, output, H', W'\] added before the
    /// activation.
    pub(super) fn forward_add(
        &self,
        x: Tensor<4>,
        residual: Tensor<4>,
        activation: Activation,
        trace: &mut Trace,
    ) -> Tensor<4> {
        self.run(x, Some(residual), activation, trace)
    }

    fn run(
        &self,
        x: Tensor<4>,
        residual: Option<Tensor<4>>,
        activation: Activation,
        trace: &mut Trace,
    ) -> Tensor<4> {
        if trace.is_kept() && activation != Activation::Identity {
            let sums = self.convolve(x, residual, Activation::Identity);
            let before = trace.exchange(&sums);
            kernel::activate(sums, before, activation)
        } else {
            self.convolve(x, residual, activation)
        }
    }

    fn convolve(
        &self,
        x: Tensor<4>,
        residual: Option<Tensor<4>>,
        activation: Activation,
    ) -> Tensor<4> {
        let [_, _, height, width] = x.dims();
        let geometry = self.geometry([height, width]);
        let bias = self.bias.clone();
        match &self.weight {
            Weight::Own(weight) => {
                kernel::convolve(x, residual, weight.clone(), bias, geometry, activation)
            }
            #[cfg(any(feature = "stock", not(target_family = "wasm")))]
            Weight::Stock(weight) => {
                stock::convolve(x, residual, weight.clone(), bias, &geometry, activation)
            }
        }
    }
}

/// Where layers get their weights from, and where they put them.
pub(super) struct Source<'a> {
    pub checkpoint: &'a mut Checkpoint,
    pub device: &'a Device,
    pub kernels: Kernels,
}

impl Source<'_> {
    fn take<const D: usize>(&mut self, name: &str, dims: [usize; D]) -> Result<Tensor<D>> {
        let values = self.checkpoint.take(name, &dims)?;
        Ok(Tensor::from_data(
            TensorData::new(values, dims),
            self.device,
        ))
    }
}

/// A fully connected layer: a convolution of an image of one pixel.
#[derive(Debug)]
pub(super) struct Linear(Convolution);

impl Linear {
    /// Takes `{name}.weight` \[output, input\] and `{name}.bias` \[output\]; the number of
    /// outputs is whatever the checkpoint has.
    pub(super) fn load(source: &mut Source<'_>, name: &str, input: usize) -> Result<Self> {
        let output = source.checkpoint.rows(&format!("{name}.weight"))?;
        let filter = Filter {
            channels_in: input,
            channels_out: output,
            depthwise: false,
            kernel: 1,
            stride: 1,
        };
        let weight = source.take(&format!("{name}.weight"), [output, input])?;
        let weight = weight.reshape(filter.weight_dims());
        let bias = source.take(&format!("{name}.bias"), [output])?;
        let padding = Padding::Even(0);
        let kernels = source.kernels;
        Ok(Self(Convolution::new(
            weight, bias, filter, padding, kernels,
        )))
    }

    pub(super) fn outputs(&self) -> usize {
        self.0.filter.channels_out
    }

    pub(super) fn geometry(&self) -> Geometry {
        self.0.geometry([1, 1])
    }

    /// \[N, input\] → \[N, output\].
    pub(super) fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        let [n, input] = x.dims();
        let x = x.reshape([n, input, 1, 1]);
        let output = self.0.filter.channels_out;
        let x = self.0.convolve(x, None, Activation::Identity);
        x.reshape([n, output])
    }
}

/// The largest value of each window.
#[derive(Debug, Clone, Copy)]
pub(super) struct MaxPool(Kernels);

impl MaxPool {
    pub(super) fn new(source: &Source<'_>) -> Self {
        Self(source.kernels)
    }

    /// 3×3 windows, stride 2, padding 1.
    pub(super) fn three_by_three(self, x: Tensor<4>, trace: &mut Trace) -> Tensor<4> {
        self.run(x, [3, 2, 1], trace)
    }

    /// One window over the whole of a square image: \[N, C, H, H\] → \[N, C\].
    pub(super) fn global(self, x: Tensor<4>, trace: &mut Trace) -> Tensor<2> {
        let [n, channels, side, _] = x.dims();
        self.run(x, [side, 1, 0], trace).reshape([n, channels])
    }

    fn run(
        self,
        x: Tensor<4>,
        [side, stride, padding]: [usize; 3],
        trace: &mut Trace,
    ) -> Tensor<4> {
        let [_, channels, height, width] = x.dims();
        let filter = Filter::depthwise(channels, side, stride);
        let windows = Padding::Even(padding).geometry(filter, [height, width]);
        let before = trace.is_kept().then(|| trace.exchange(&x));
        match (self.0, before) {
            #[cfg(any(feature = "stock", not(target_family = "wasm")))]
            (Kernels::Stock, None) => stock::max_pool(x, &windows),
            (_, before) => kernel::max_pool(x, before, windows),
        }
    }
}

/// Mean over height and width: \[N, C, H, W\] → \[N, C\].
pub(super) fn global_average_pool(x: Tensor<4>) -> Tensor<2> {
    let [n, channels, height, width] = x.dims();
    x.reshape([n, channels, height * width])
        .mean_dim(2)
        .reshape([n, channels])
}
