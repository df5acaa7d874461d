//! ResNet-18, 34 and 50.
//!
//! # Source
//!
//! He, Zhang, Ren, Sun 2015 (arXiv 1512.03385), table 1; names and strides as in torchvision's
//! `models/resnet.py`, so that its checkpoints load unchanged.

use violet_kernel_cpu::Filter;

use super::Part;

/// Channels inside the blocks of the four stages.
const WIDTHS: [usize; 4] = [64, 128, 256, 512];
/// Output channels of a bottleneck, as a multiple of those inside.
const BOTTLENECK: usize = 4;

/// BatchNorm's ε in torchvision.
pub(in crate::model) const BATCH_NORM_EPSILON: f64 = 1e-5;

/// What tells one ResNet from another.
#[derive(Debug, Clone, Copy)]
pub(in crate::model) struct Variant {
    /// Blocks in each stage.
    depths: [usize; 4],
    /// Whether a block is 1×1, 3×3, 1×1 instead of two 3×3.
    bottleneck: bool,
}

pub(in crate::model) const RESNET18: Variant = Variant {
    depths: [2, 2, 2, 2],
    bottleneck: false,
};
pub(in crate::model) const RESNET34: Variant = Variant {
    depths: [3, 4, 6, 3],
    bottleneck: false,
};
pub(in crate::model) const RESNET50: Variant = Variant {
    depths: [3, 4, 6, 3],
    bottleneck: true,
};

impl Variant {
    /// Channels that the fully connected layer sees.
    pub(in crate::model) fn features(self) -> usize {
        WIDTHS[3] * if self.bottleneck { BOTTLENECK } else { 1 }
    }

    /// Every convolution with its BatchNorm.
    pub(in crate::model) fn parts(self) -> Vec<Part> {
        let mut parts = vec![Part::new(
            "conv1",
            Some("bn1"),
            Filter::dense(3, WIDTHS[0], 7, 2),
        )];
        for block in self.blocks() {
            parts.extend(block.downsample);
            parts.extend(block.convolutions);
        }
        parts
    }

    pub(in crate::model) fn blocks(self) -> Vec<BlockParts> {
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
pub(in crate::model) struct BlockParts {
    pub(in crate::model) convolutions: Vec<Part>,
    pub(in crate::model) downsample: Option<Part>,
}
