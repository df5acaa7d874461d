//! EfficientNet-Lite0: EfficientNet-B0 without squeeze-and-excitation and with ReLU6.
//!
//! # Source
//!
//! Tan, Le 2019 (arXiv 1905.11946), table 1; TensorFlow's `efficientnet/lite` for what Lite
//! leaves out. Names, strides and paddings as in the PyPI package `efficientnet_lite_pytorch`,
//! so that its checkpoint loads unchanged.
use violet_kernel_cpu::Filter;

use super::Part;
use super::inverted_residual::{BlockParts, Stage};

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
pub(in crate::model) const FEATURES: usize = 1280;

/// BatchNorm's ε in the original.
pub(in crate::model) const BATCH_NORM_EPSILON: f64 = 1e-3;

/// Every convolution with its BatchNorm, in the order of the graph.
pub(in crate::model) fn parts() -> Vec<Part> {
    let blocks = blocks().flat_map(BlockParts::into_parts);
    let (first, last) = (std::iter::once(stem()), std::iter::once(head()));
    first.chain(blocks).chain(last).collect()
}

pub(in crate::model) fn stem() -> Part {
    Part::new("_conv_stem", Some("_bn0"), Filter::dense(3, STEM, 3, 2))
}

pub(in crate::model) fn blocks() -> impl Iterator<Item = BlockParts> {
    const NAMES: [[&str; 2]; 3] = [
        ["_expand_conv", "_bn0"],
        ["_depthwise_conv", "_bn1"],
        ["_project_conv", "_bn2"],
    ];
    let blocks = STAGES.into_iter().flat_map(Stage::blocks).enumerate();
    blocks.map(|(k, stage)| BlockParts::new(&format!("_blocks.{k}"), NAMES, stage))
}

pub(in crate::model) fn head() -> Part {
    let filter = Filter::dense(STAGES[6].output, FEATURES, 1, 1);
    Part::new("_conv_head", Some("_bn1"), filter)
}
