//! Burn's own convolution and max-pool, to compare with.

use burn::tensor::{
    Tensor, activation,
    module::{conv2d, max_pool2d},
    ops::{ConvOptions, MaxPoolOptions, PadMode},
};

use crate::kernel::{Activation, Filter, Geometry};

/// As [`kernel::convolve`](crate::kernel::convolve), with weights as they are.
pub(super) fn convolve(
    x: Tensor<4>,
    residual: Option<Tensor<4>>,
    weight: Tensor<4>,
    bias: Tensor<1>,
    g: &Geometry,
    activation: Activation,
) -> Tensor<4> {
    let Filter {
        channels_in,
        depthwise,
        kernel,
        stride,
        ..
    } = g.filter;
    let before = g.padding_before;
    let even = [0, 1].iter().all(|&axis| {
        let outputs = (g.input[axis] + 2 * before[axis] - kernel) / stride + 1;
        outputs == g.output[axis]
    });
    let (x, padding) = if even {
        (x, before)
    } else {
        let after = [0, 1].map(|axis| {
            let reached = (g.output[axis] - 1) * stride + kernel;
            reached.saturating_sub(before[axis] + g.input[axis])
        });
        let sides = (before[1], after[1], before[0], after[0]);
        (x.pad(sides, PadMode::Constant(0.0)), [0, 0])
    };
    let groups = if depthwise { channels_in } else { 1 };
    let options = ConvOptions::new([stride, stride], padding, [1, 1], groups);
    let x = conv2d(x, weight, Some(bias), options);
    let x = match residual {
        Some(residual) => x + residual,
        None => x,
    };
    match activation {
        Activation::Identity => x,
        Activation::Relu => activation::relu(x),
        Activation::Relu6 => x.clamp(0.0, 6.0),
    }
}

/// As [`kernel::max_pool`](crate::kernel::max_pool), at a point.
pub(super) fn max_pool(x: Tensor<4>, windows: &Geometry) -> Tensor<4> {
    let Filter { kernel, stride, .. } = windows.filter;
    let options = MaxPoolOptions::new([kernel; 2])
        .with_stride([stride; 2])
        .with_padding(windows.padding_before);
    max_pool2d(x, options)
}
