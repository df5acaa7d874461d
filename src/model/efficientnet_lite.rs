//! EfficientNet-Lite0: EfficientNet-B0 without squeeze-and-excitation and with ReLU6.
//!
//! # Source
//!
//! Tan, Le 2019 (arXiv 1905.11946), table 1; TensorFlow's `efficientnet/lite` for what Lite
//! leaves out. Names, strides and paddings as in the PyPI package `efficientnet_lite_pytorch`,
//! so that its checkpoint loads unchanged.

use burn::tensor::Tensor;

use super::inverted_residual::{Block, BlockParts, Stage};
use super::layer::{Convolution, Linear, Padding, Part, Source, global_average_pool};
use super::trace::Trace;
use crate::error::Result;
use crate::kernel::{Activation, Filter, Geometry};

const STAGES: [Stage; 7] = [
    Stage::new(3, 1, [32, 16], 1, 1),
    Stage::new(3, 2, [16, 24], 6, 2),
    Stage::new(5, 2, [24, 40], 6, 2),
    Stage::new(3, 3, [40, 80], 6, 2),
    Stage::new(5, 3, [80, 112], 6, 1),
    Stage::new(5, 4, [112, 192], 6, 2),
    Stage::new(3, 1, [192, 320], 6, 1),
];
const STEM: usize = 32;

/// Channels that the fully connected layer sees.
pub(super) const FEATURES: usize = 1280;

/// BatchNorm's ε in the original.
pub(super) const BATCH_NORM_EPSILON: f64 = 1e-3;

/// Every convolution with its BatchNorm.
pub(super) fn parts() -> Vec<Part> {
    let blocks = blocks().flat_map(BlockParts::into_parts);
    [stem(), head()].into_iter().chain(blocks).collect()
}

fn stem() -> Part {
    Part::new("_conv_stem", Some("_bn0"), Filter::dense(3, STEM, 3, 2))
}

fn blocks() -> impl Iterator<Item = BlockParts> {
    const NAMES: [[&str; 2]; 3] = [
        ["_expand_conv", "_bn0"],
        ["_depthwise_conv", "_bn1"],
        ["_project_conv", "_bn2"],
    ];
    let blocks = STAGES.into_iter().flat_map(Stage::blocks).enumerate();
    blocks.map(|(k, stage)| BlockParts::new(&format!("_blocks.{k}"), NAMES, stage))
}

fn head() -> Part {
    let filter = Filter::dense(STAGES[6].output, FEATURES, 1, 1);
    Part::new("_conv_head", Some("_bn1"), filter)
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
        Ok(Self {
            stem: Convolution::load(source, &stem(), Padding::Same)?,
            blocks: blocks()
                .map(|parts| Block::load(source, &parts))
                .collect::<Result<_>>()?,
            head: Convolution::load(source, &head(), Padding::Same)?,
            fc: Linear::load(source, "_fc", FEATURES)?,
        })
    }

    pub(super) fn classes(&self) -> usize {
        self.fc.outputs()
    }

    pub(super) fn convolutions(&self) -> Vec<&Convolution> {
        let blocks = self.blocks.iter().flat_map(Block::convolutions);
        [&self.stem, &self.head].into_iter().chain(blocks).collect()
    }

    /// Every convolution's geometry for an input of that height and width.
    pub(super) fn geometries(&self, size: [usize; 2]) -> Vec<Geometry> {
        let stem = self.stem.geometry(size);
        let mut size = stem.output;
        let mut geometries = vec![stem, self.fc.geometry()];
        for block in &self.blocks {
            geometries.extend(block.geometries(&mut size));
        }
        geometries.push(self.head.geometry(size));
        geometries
    }

    /// \[N, 3, H, W\] → \[N, classes\].
    pub(super) fn forward(&self, x: Tensor<4>, trace: &mut Trace) -> Tensor<2> {
        let mut x = self.stem.forward(x, Activation::Relu6, trace);
        for block in &self.blocks {
            x = block.forward(x, trace);
        }
        let x = self.head.forward(x, Activation::Relu6, trace);
        self.fc.forward(global_average_pool(x))
    }
}
