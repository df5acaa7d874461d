//! The few differentiable blocks every network is made of.

use burn::tensor::{
    Device, Tensor, TensorData,
    module::{conv2d, max_pool2d},
    ops::{ConvOptions, MaxPoolOptions, PadMode},
};

use super::checkpoint::Checkpoint;
use crate::error::Result;
use crate::kernel::{self, Activation, Filter, Geometry};

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

/// Which kernels run a convolution.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Kernels {
    /// Violet's [own](crate::kernel).
    #[default]
    Own,
    /// Burn's, to compare with.
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
    Stock(Tensor<4>),
}

impl Convolution {
    /// Takes `{name}.weight` \[output, input / groups, kernel, kernel\] and `{name}.bias`.
    pub(super) fn load(
        source: &mut Source<'_>,
        name: &str,
        filter: Filter,
        padding: Padding,
    ) -> Result<Self> {
        let dims = filter.weight_dims();
        let weight = source.take(&format!("{name}.weight"), dims)?;
        let bias = source.take(&format!("{name}.bias"), [filter.channels_out])?;
        let weight = match source.kernels {
            Kernels::Own => Weight::Own(kernel::pack(weight, filter)),
            Kernels::Stock => Weight::Stock(weight),
        };
        Ok(Self {
            weight,
            bias,
            filter,
            padding,
        })
    }

    /// The weights, in whatever order the kernels want them.
    pub(super) fn weight(&self) -> Tensor<1> {
        match &self.weight {
            Weight::Own(weight) => weight.clone(),
            Weight::Stock(weight) => weight.clone().flatten(0, 3),
        }
    }

    /// \[N, input, H, W\] → \[N, output, H', W'\].
    pub(super) fn forward(&self, x: Tensor<4>, activation: Activation) -> Tensor<4> {
        self.run(x, None, activation)
    }

    /// As [`forward`](Self::forward), with `residual` \[N, output, H', W'\] added before the
    /// activation.
    pub(super) fn forward_add(
        &self,
        x: Tensor<4>,
        residual: Tensor<4>,
        activation: Activation,
    ) -> Tensor<4> {
        self.run(x, Some(residual), activation)
    }

    fn run(&self, x: Tensor<4>, residual: Option<Tensor<4>>, activation: Activation) -> Tensor<4> {
        let [_, _, height, width] = x.dims();
        let geometry = self.padding.geometry(self.filter, [height, width]);
        match &self.weight {
            Weight::Own(weight) => {
                let (weight, bias) = (weight.clone(), self.bias.clone());
                kernel::convolve(x, residual, weight, bias, geometry, activation)
            }
            Weight::Stock(weight) => {
                let x = stock(x, weight.clone(), self.bias.clone(), &geometry);
                let x = match residual {
                    Some(residual) => x + residual,
                    None => x,
                };
                match activation {
                    Activation::Identity => x,
                    Activation::Relu => burn::tensor::activation::relu(x),
                    Activation::Relu6 => x.clamp(0.0, 6.0),
                }
            }
        }
    }
}

/// Burn's convolution, which pads evenly only.
fn stock(x: Tensor<4>, weight: Tensor<4>, bias: Tensor<1>, g: &Geometry) -> Tensor<4> {
    let Filter {
        channels_in,
        depthwise,
        kernel,
        stride,
        ..
    } = g.filter;
    let after = [0, 1].map(|axis| {
        let reached = (g.output[axis] - 1) * stride + kernel;
        reached.saturating_sub(g.padding_before[axis] + g.input[axis])
    });
    let before = g.padding_before;
    let even = [0, 1].iter().all(|&axis| {
        let outputs = (g.input[axis] + 2 * before[axis] - kernel) / stride + 1;
        outputs == g.output[axis]
    });
    let (x, padding) = if even {
        (x, before)
    } else {
        let sides = (before[1], after[1], before[0], after[0]);
        (x.pad(sides, PadMode::Constant(0.0)), [0, 0])
    };
    let groups = if depthwise { channels_in } else { 1 };
    let options = ConvOptions::new([stride, stride], padding, [1, 1], groups);
    conv2d(x, weight, Some(bias), options)
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
        Ok(Tensor::from_data(TensorData::new(values, dims), self.device))
    }
}

/// A fully connected layer.
#[derive(Debug)]
pub(super) struct Linear {
    /// \[output, input\], as PyTorch keeps it.
    weight: Tensor<2>,
    bias: Tensor<2>,
}

impl Linear {
    /// Takes `{name}.weight` \[output, input\] and `{name}.bias` \[output\]; the number of
    /// outputs is whatever the checkpoint has.
    pub(super) fn load(
        source: &mut Source<'_>,
        name: &str,
        input: usize,
    ) -> Result<Self> {
        let output = source.checkpoint.rows(&format!("{name}.weight"))?;
        let weight = source.take(&format!("{name}.weight"), [output, input])?;
        let bias = source.take::<1>(&format!("{name}.bias"), [output])?;
        Ok(Self {
            weight,
            bias: bias.reshape([1, output]),
        })
    }

    /// \[N, input\] → \[N, output\].
    pub(super) fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        x.matmul(self.weight.clone().transpose()) + self.bias.clone()
    }
}

/// Largest value of each 3×3 window, stride 2, padding 1.
pub(super) fn max_pool_3x3(x: Tensor<4>) -> Tensor<4> {
    let options = MaxPoolOptions::new([3, 3])
        .with_stride([2, 2])
        .with_padding([1, 1]);
    max_pool2d(x, options)
}

/// Mean over height and width: \[N, C, H, W\] → \[N, C\].
pub(super) fn global_average_pool(x: Tensor<4>) -> Tensor<2> {
    let [n, channels, height, width] = x.dims();
    x.reshape([n, channels, height * width])
        .mean_dim(2)
        .reshape([n, channels])
}
