//! ResNet-18.
//!
//! # Source
//!
//! He, Zhang, Ren, Sun 2015 (arXiv 1512.03385), table 1; names, strides and paddings as in
//! torchvision's `models/resnet.py`, so that its checkpoints load unchanged.

use burn::tensor::Tensor;

use super::layer::{Convolution, Linear, Padding, Source, global_average_pool, max_pool_3x3};
use crate::error::Result;
use crate::kernel::{Activation, Filter, Geometry};

/// Output channels of the four stages.
const WIDTHS: [usize; 4] = [64, 128, 256, 512];
/// Blocks in each stage.
const DEPTHS: [usize; 4] = [2, 2, 2, 2];

/// BatchNorm's ε in torchvision.
pub(super) const BATCH_NORM_EPSILON: f64 = 1e-5;

/// Every (convolution, BatchNorm) pair of a torchvision checkpoint.
pub(super) fn batch_norms() -> Vec<(String, String)> {
    let mut pairs = vec![("conv1".to_owned(), "bn1".to_owned())];
    for (stage, &depth) in DEPTHS.iter().enumerate() {
        for block in 0..depth {
            let prefix = format!("layer{}.{block}", stage + 1);
            for k in 1..=2 {
                pairs.push((format!("{prefix}.conv{k}"), format!("{prefix}.bn{k}")));
            }
            if stage > 0 && block == 0 {
                pairs.push((
                    format!("{prefix}.downsample.0"),
                    format!("{prefix}.downsample.1"),
                ));
            }
        }
    }
    pairs
}

/// The network, weights included.
#[derive(Debug)]
pub(super) struct ResNet {
    conv1: Convolution,
    blocks: Vec<BasicBlock>,
    fc: Linear,
}

impl ResNet {
    pub(super) fn load(source: &mut Source<'_>) -> Result<Self> {
        let conv1 = Filter {
            channels_in: 3,
            channels_out: WIDTHS[0],
            depthwise: false,
            kernel: 7,
            stride: 2,
        };
        let conv1 = Convolution::load(source, "conv1", conv1, Padding::Even(3))?;
        let mut blocks = Vec::new();
        let mut input = WIDTHS[0];
        for (stage, (&width, &depth)) in WIDTHS.iter().zip(&DEPTHS).enumerate() {
            for block in 0..depth {
                let stride = if stage > 0 && block == 0 { 2 } else { 1 };
                let name = format!("layer{}.{block}", stage + 1);
                blocks.push(BasicBlock::load(source, &name, input, width, stride)?);
                input = width;
            }
        }
        let fc = Linear::load(source, "fc", input)?;
        Ok(Self { conv1, blocks, fc })
    }

    pub(super) fn convolutions(&self) -> Vec<&Convolution> {
        let blocks = self.blocks.iter().flat_map(|block| {
            [&block.conv1, &block.conv2]
                .into_iter()
                .chain(&block.downsample)
        });
        std::iter::once(&self.conv1).chain(blocks).collect()
    }

    /// Every convolution's geometry for an input of that height and width.
    pub(super) fn geometries(&self, size: [usize; 2]) -> Vec<Geometry> {
        let conv1 = self.conv1.geometry(size);
        let mut size = conv1.output.map(|side| side.div_ceil(2)); // max_pool_3x3
        let mut geometries = vec![conv1, self.fc.geometry()];
        for block in &self.blocks {
            let [first, shortcut] = [Some(&block.conv1), block.downsample.as_ref()]
                .map(|convolution| convolution.map(|c| c.geometry(size)));
            size = block.conv1.geometry(size).output;
            geometries.extend(first.into_iter().chain(shortcut));
            geometries.push(block.conv2.geometry(size));
        }
        geometries
    }

    /// \[N, 3, H, W\] → \[N, classes\].
    pub(super) fn forward(&self, x: Tensor<4>) -> Tensor<2> {
        let mut x = max_pool_3x3(self.conv1.forward(x, Activation::Relu));
        for block in &self.blocks {
            x = block.forward(x);
        }
        self.fc.forward(global_average_pool(x))
    }
}

/// Two 3×3 convolutions and a shortcut around them.
#[derive(Debug)]
struct BasicBlock {
    conv1: Convolution,
    conv2: Convolution,
    downsample: Option<Convolution>,
}

impl BasicBlock {
    fn load(
        source: &mut Source<'_>,
        name: &str,
        input: usize,
        output: usize,
        stride: usize,
    ) -> Result<Self> {
        let first = Filter {
            channels_in: input,
            channels_out: output,
            depthwise: false,
            kernel: 3,
            stride,
        };
        let second = Filter {
            channels_in: output,
            stride: 1,
            ..first
        };
        let shortcut = Filter { kernel: 1, ..first };
        let mut load = |part: &str, filter: Filter| {
            let padding = Padding::Even(filter.kernel / 2);
            Convolution::load(source, &format!("{name}.{part}"), filter, padding)
        };
        Ok(Self {
            conv1: load("conv1", first)?,
            conv2: load("conv2", second)?,
            downsample: (stride != 1 || input != output)
                .then(|| load("downsample.0", shortcut))
                .transpose()?,
        })
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let shortcut = match &self.downsample {
            Some(downsample) => downsample.forward(x.clone(), Activation::Identity),
            None => x.clone(),
        };
        let x = self.conv1.forward(x, Activation::Relu);
        self.conv2.forward_add(x, shortcut, Activation::Relu)
    }
}
