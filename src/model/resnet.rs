//! ResNet-18, 34 and 50.
//!
//! # Source
//!
//! He, Zhang, Ren, Sun 2015 (arXiv 1512.03385), table 1; names, strides and paddings as in
//! torchvision's `models/resnet.py`, so that its checkpoints load unchanged.

use burn::tensor::Tensor;

use super::layer::{Convolution, Linear, MaxPool, Padding, Part, Source, global_average_pool};
use super::trace::Trace;
use crate::error::Result;
use crate::kernel::{Activation, Filter, Geometry};

/// Channels inside the blocks of the four stages.
const WIDTHS: [usize; 4] = [64, 128, 256, 512];
/// Output channels of a bottleneck, as a multiple of those inside.
const BOTTLENECK: usize = 4;

/// BatchNorm's ε in torchvision.
pub(super) const BATCH_NORM_EPSILON: f64 = 1e-5;

/// What tells one ResNet from another.
#[derive(Debug, Clone, Copy)]
pub(super) struct Variant {
    /// Blocks in each stage.
    depths: [usize; 4],
    /// Whether a block is 1×1, 3×3, 1×1 instead of two 3×3.
    bottleneck: bool,
}

pub(super) const RESNET18: Variant = Variant {
    depths: [2, 2, 2, 2],
    bottleneck: false,
};
pub(super) const RESNET34: Variant = Variant {
    depths: [3, 4, 6, 3],
    bottleneck: false,
};
pub(super) const RESNET50: Variant = Variant {
    depths: [3, 4, 6, 3],
    bottleneck: true,
};

impl Variant {
    /// Channels that the fully connected layer sees.
    pub(super) fn features(self) -> usize {
        WIDTHS[3] * if self.bottleneck { BOTTLENECK } else { 1 }
    }

    /// Every convolution with its BatchNorm.
    pub(super) fn parts(self) -> Vec<Part> {
        let mut parts = vec![Part::new(
            "conv1",
            Some("bn1"),
            Filter::dense(3, WIDTHS[0], 7, 2),
        )];
        for block in self.blocks() {
            parts.extend(block.convolutions);
            parts.extend(block.downsample);
        }
        parts
    }

    fn blocks(self) -> Vec<BlockParts> {
        let mut blocks = Vec::new();
        let mut input = WIDTHS[0];
        for (stage, (&width, &depth)) in WIDTHS.iter().zip(&self.depths).enumerate() {
            for block in 0..depth {
                let stride = if stage > 0 && block == 0 { 2 } else { 1 };
                let filters = if self.bottleneck {
                    // torchvision strides in the 3×3, not in the first 1×1.
                    vec![
                        Filter::dense(input, width, 1, 1),
                        Filter::dense(width, width, 3, stride),
                        Filter::dense(width, BOTTLENECK * width, 1, 1),
                    ]
                } else {
                    vec![
                        Filter::dense(input, width, 3, stride),
                        Filter::dense(width, width, 3, 1),
                    ]
                };
                let output = filters[filters.len() - 1].channels_out;
                let name = format!("layer{}.{block}", stage + 1);
                let convolutions = filters.into_iter().enumerate().map(|(k, filter)| {
                    let k = k + 1;
                    let batch_norm = format!("{name}.bn{k}");
                    Part::new(format!("{name}.conv{k}"), Some(&batch_norm), filter)
                });
                blocks.push(BlockParts {
                    convolutions: convolutions.collect(),
                    downsample: (stride != 1 || input != output).then(|| {
                        let batch_norm = format!("{name}.downsample.1");
                        let filter = Filter::dense(input, output, 1, stride);
                        Part::new(format!("{name}.downsample.0"), Some(&batch_norm), filter)
                    }),
                });
                input = output;
            }
        }
        blocks
    }
}

/// A block before its weights are there.
struct BlockParts {
    convolutions: Vec<Part>,
    downsample: Option<Part>,
}

/// The network, weights included.
#[derive(Debug)]
pub(super) struct ResNet {
    conv1: Convolution,
    max_pool: MaxPool,
    blocks: Vec<Block>,
    fc: Linear,
}

impl ResNet {
    pub(super) fn load(variant: Variant, source: &mut Source<'_>) -> Result<Self> {
        let mut load = |part: &Part| {
            let padding = Padding::Even(part.filter.kernel / 2);
            Convolution::load(source, part, padding)
        };
        let conv1 = load(&variant.parts()[0])?;
        let mut blocks = Vec::new();
        for block in variant.blocks() {
            blocks.push(Block {
                convolutions: block
                    .convolutions
                    .iter()
                    .map(&mut load)
                    .collect::<Result<_>>()?,
                downsample: block.downsample.as_ref().map(&mut load).transpose()?,
            });
        }
        let fc = Linear::load(source, "fc", variant.features())?;
        let max_pool = MaxPool::new(source);
        Ok(Self {
            conv1,
            max_pool,
            blocks,
            fc,
        })
    }

    pub(super) fn classes(&self) -> usize {
        self.fc.outputs()
    }

    pub(super) fn convolutions(&self) -> Vec<&Convolution> {
        let blocks = self
            .blocks
            .iter()
            .flat_map(|block| block.convolutions.iter().chain(&block.downsample));
        std::iter::once(&self.conv1).chain(blocks).collect()
    }

    /// Every convolution's geometry for an input of that height and width.
    pub(super) fn geometries(&self, size: [usize; 2]) -> Vec<Geometry> {
        let conv1 = self.conv1.geometry(size);
        let mut size = conv1.output.map(|side| side.div_ceil(2)); // the max-pool
        let mut geometries = vec![conv1, self.fc.geometry()];
        for block in &self.blocks {
            geometries.extend(block.downsample.as_ref().map(|c| c.geometry(size)));
            for convolution in &block.convolutions {
                let geometry = convolution.geometry(size);
                size = geometry.output;
                geometries.push(geometry);
            }
        }
        geometries
    }

    /// \[N, 3, H, W\] → \[N, classes\].
    pub(super) fn forward(&self, x: Tensor<4>, trace: &mut Trace) -> Tensor<2> {
        let x = self.conv1.forward(x, Activation::Relu, trace);
        let mut x = self.max_pool.three_by_three(x, trace);
        for block in &self.blocks {
            x = block.forward(x, trace);
        }
        self.fc.forward(global_average_pool(x))
    }
}

/// Some convolutions and a shortcut around them.
#[derive(Debug)]
struct Block {
    convolutions: Vec<Convolution>,
    downsample: Option<Convolution>,
}

impl Block {
    fn forward(&self, x: Tensor<4>, trace: &mut Trace) -> Tensor<4> {
        let shortcut = match &self.downsample {
            Some(downsample) => downsample.forward(x.clone(), Activation::Identity, trace),
            None => x.clone(),
        };
        let Some((last, first)) = self.convolutions.split_last() else {
            return x;
        };
        let x = first.iter().fold(x, |x, convolution| {
            convolution.forward(x, Activation::Relu, trace)
        });
        last.forward_add(x, shortcut, Activation::Relu, trace)
    }
}
