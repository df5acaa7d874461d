//! The few differentiable blocks every network is made of.

use burn::tensor::{
    Device, Tensor, TensorData, activation,
    module::{conv2d, max_pool2d},
    ops::{ConvOptions, MaxPoolOptions, PadMode},
};

use super::checkpoint::Checkpoint;
use crate::error::Result;

/// How a convolution's input is padded with zeros.
#[derive(Debug, Clone, Copy)]
pub(super) enum Padding {
    /// The same number of pixels on every side, as PyTorch does.
    Even(usize),
    /// As TensorFlow's SAME: output size ⌈input / stride⌉, the odd pixel after the image.
    Same,
}

/// Geometry of a convolution.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shape {
    pub input: usize,
    pub output: usize,
    pub kernel: usize,
    pub stride: usize,
    pub padding: Padding,
    pub groups: usize,
}

/// A convolution with its bias, BatchNorm folded in.
#[derive(Debug)]
pub(super) struct Convolution {
    weight: Tensor<4>,
    bias: Tensor<1>,
    shape: Shape,
}

impl Convolution {
    /// Takes `{name}.weight` \[output, input / groups, kernel, kernel\] and `{name}.bias`.
    pub(super) fn load(
        checkpoint: &mut Checkpoint,
        name: &str,
        shape: Shape,
        device: &Device,
    ) -> Result<Self> {
        let dims = [
            shape.output,
            shape.input / shape.groups,
            shape.kernel,
            shape.kernel,
        ];
        let weight = checkpoint.take(&format!("{name}.weight"), &dims)?;
        let bias = checkpoint.take(&format!("{name}.bias"), &[shape.output])?;
        Ok(Self {
            weight: Tensor::from_data(TensorData::new(weight, dims), device),
            bias: Tensor::from_data(TensorData::new(bias, [shape.output]), device),
            shape,
        })
    }

    pub(super) fn weight(&self) -> Tensor<4> {
        self.weight.clone()
    }

    /// \[N, input, H, W\] → \[N, output, H', W'\].
    pub(super) fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let Shape {
            kernel,
            stride,
            groups,
            ..
        } = self.shape;
        let [_, _, height, width] = x.dims();
        let (x, padding) = match self.shape.padding {
            Padding::Even(padding) => (x, [padding, padding]),
            Padding::Same => {
                let [vertical, horizontal] = [height, width].map(|size| {
                    let outputs = size.div_ceil(stride);
                    ((outputs - 1) * stride + kernel).saturating_sub(size)
                });
                if vertical % 2 == 0 && horizontal % 2 == 0 {
                    (x, [vertical / 2, horizontal / 2])
                } else {
                    let before = |total: usize| total / 2;
                    let sides = (
                        before(horizontal),
                        horizontal - before(horizontal),
                        before(vertical),
                        vertical - before(vertical),
                    );
                    (x.pad(sides, PadMode::Constant(0.0)), [0, 0])
                }
            }
        };
        let options = ConvOptions::new([stride, stride], padding, [1, 1], groups);
        conv2d(x, self.weight.clone(), Some(self.bias.clone()), options)
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
        checkpoint: &mut Checkpoint,
        name: &str,
        input: usize,
        device: &Device,
    ) -> Result<Self> {
        let output = checkpoint.rows(&format!("{name}.weight"))?;
        let weight = checkpoint.take(&format!("{name}.weight"), &[output, input])?;
        let bias = checkpoint.take(&format!("{name}.bias"), &[output])?;
        Ok(Self {
            weight: Tensor::from_data(TensorData::new(weight, [output, input]), device),
            bias: Tensor::from_data(TensorData::new(bias, [1, output]), device),
        })
    }

    /// \[N, input\] → \[N, output\].
    pub(super) fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        x.matmul(self.weight.clone().transpose()) + self.bias.clone()
    }
}

/// `max(x, 0)`.
pub(super) fn relu(x: Tensor<4>) -> Tensor<4> {
    activation::relu(x)
}

/// `min(max(x, 0), 6)`.
pub(super) fn relu6(x: Tensor<4>) -> Tensor<4> {
    x.clamp(0.0, 6.0)
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
