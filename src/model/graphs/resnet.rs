//! ResNet-18, 34 and 50, as [laid out](crate::model::layout::resnet); paddings as in torchvision's
//! `models/resnet.py`.

use violet_graph::{Padding, Reduction, Sliding};

use super::{Layers, even};
use crate::error::Result;
use crate::model::layout::resnet::Variant;

pub(super) fn build(layers: &mut Layers<'_>, variant: Variant) -> Result<()> {
    let stem = &variant.parts()[0];
    let x = layers.convolution(layers.input(), stem, even(stem))?;
    let x = layers.relu(x)?;
    let windows = Sliding {
        stride: [2; 2],
        padding: Padding::Explicit {
            before: [1; 2],
            after: [1; 2],
        },
        ..Sliding::default()
    };
    layers.builder.at("maxpool");
    let mut x = layers.builder.max_pool(x, [3; 2], &windows)?;
    for block in variant.blocks() {
        let shortcut = match &block.downsample {
            Some(part) => layers.convolution(x, part, even(part))?,
            None => x,
        };
        for (k, part) in block.convolutions.iter().enumerate() {
            x = layers.convolution(x, part, even(part))?;
            if k + 1 == block.convolutions.len() {
                x = layers.add(x, shortcut)?;
            }
            x = layers.relu(x)?;
        }
    }
    let x = layers.pooled(Reduction::Mean, x)?;
    layers.classifier(x, "fc", variant.features())
}
