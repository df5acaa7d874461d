//! ResNet-18.
//!
//! # Source
//!
//! He, Zhang, Ren, Sun 2015 (arXiv 1512.03385), table 1; names, strides and paddings as in
//! torchvision's `models/resnet.py`, so that its checkpoints load unchanged.

use burn::tensor::{Device, Tensor};

use super::checkpoint::Checkpoint;
use super::layer::{Convolution, Linear, Padding, Shape, global_average_pool, max_pool_3x3, relu};
use crate::error::Result;

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
    pub(super) fn load(checkpoint: &mut Checkpoint, device: &Device) -> Result<Self> {
        let conv1 = Shape {
            input: 3,
            output: WIDTHS[0],
            kernel: 7,
            stride: 2,
            padding: Padding::Even(3),
            groups: 1,
        };
        let conv1 = Convolution::load(checkpoint, "conv1", conv1, device)?;
        let mut blocks = Vec::new();
        let mut input = WIDTHS[0];
        for (stage, (&width, &depth)) in WIDTHS.iter().zip(&DEPTHS).enumerate() {
            for block in 0..depth {
                let stride = if stage > 0 && block == 0 { 2 } else { 1 };
                let name = format!("layer{}.{block}", stage + 1);
                blocks.push(BasicBlock::load(
                    checkpoint, &name, input, width, stride, device,
                )?);
                input = width;
            }
        }
        let fc = Linear::load(checkpoint, "fc", input, device)?;
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

    /// \[N, 3, H, W\] → \[N, classes\].
    pub(super) fn forward(&self, x: Tensor<4>) -> Tensor<2> {
        let mut x = max_pool_3x3(relu(self.conv1.forward(x)));
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
        checkpoint: &mut Checkpoint,
        name: &str,
        input: usize,
        output: usize,
        stride: usize,
        device: &Device,
    ) -> Result<Self> {
        let first = Shape {
            input,
            output,
            kernel: 3,
            stride,
            padding: Padding::Even(1),
            groups: 1,
        };
        let second = Shape {
            input: output,
            stride: 1,
            ..first
        };
        let shortcut = Shape {
            kernel: 1,
            padding: Padding::Even(0),
            ..first
        };
        Ok(Self {
            conv1: Convolution::load(checkpoint, &format!("{name}.conv1"), first, device)?,
            conv2: Convolution::load(checkpoint, &format!("{name}.conv2"), second, device)?,
            downsample: (stride != 1 || input != output)
                .then(|| {
                    Convolution::load(
                        checkpoint,
                        &format!("{name}.downsample.0"),
                        shortcut,
                        device,
                    )
                })
                .transpose()?,
        })
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let shortcut = match &self.downsample {
            Some(downsample) => downsample.forward(x.clone()),
            None => x.clone(),
        };
        let x = relu(self.conv1.forward(x));
        relu(self.conv2.forward(x) + shortcut)
    }
}
