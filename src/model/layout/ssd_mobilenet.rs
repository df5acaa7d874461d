//! SSDLite with MobileNetV2: a detector of COCO's classes.
//!
//! Six feature maps, coarser and coarser; at each of their cells some anchors, and for each anchor
//! a box encoding and class logits.
//!
//! # Source
//!
//! Sandler et al. 2018 (arXiv 1801.04381), section 6.2; Liu et al. 2016 (arXiv 1512.02325); layers and
//! paddings as in TensorFlow's graph `ssdlite_mobilenet_v2_coco`.
use violet_kernel_cpu::Filter;

use super::Part;
use super::inverted_residual::{BlockParts, Stage};
use crate::model::anchors::{CLASSES, GRIDS};

const STAGES: [Stage; 7] = [
    Stage::new(3, 1, [32, 16], 1, 1),
    Stage::new(3, 2, [16, 24], 6, 2),
    Stage::new(3, 3, [24, 32], 6, 2),
    Stage::new(3, 4, [32, 64], 6, 2),
    Stage::new(3, 3, [64, 96], 6, 1),
    Stage::new(3, 3, [96, 160], 6, 2),
    Stage::new(3, 1, [160, 320], 6, 1),
];
const STEM: usize = 32;
const HEAD: usize = 1280;
/// The block whose widened input is the first feature map.
pub(in crate::model) const FIRST_FEATURE: usize = 13;
/// Input, inner and output channels of the four layers after the backbone.
pub(in crate::model) const EXTRAS: [[usize; 3]; 4] = [
    [HEAD, 256, 512],
    [512, 128, 256],
    [256, 128, 256],
    [256, 64, 128],
];
/// Channels of the feature maps.
pub(in crate::model) const FEATURES: [usize; 6] = [576, HEAD, 512, 256, 256, 128];

/// BatchNorm's ε in the original.
pub(in crate::model) const BATCH_NORM_EPSILON: f64 = 1e-3;

/// Every convolution; only some in the heads still have a BatchNorm.
pub(in crate::model) fn parts() -> Vec<Part> {
    let mut parts = vec![stem()];
    parts.extend(blocks().flat_map(BlockParts::into_parts));
    parts.push(head());
    parts.extend((0..EXTRAS.len()).flat_map(extra));
    parts.extend((0..FEATURES.len()).flat_map(|k| predictor(k, Kind::Boxes)));
    parts.extend((0..FEATURES.len()).flat_map(|k| predictor(k, Kind::Classes)));
    parts
}

pub(in crate::model) fn stem() -> Part {
    Part::new("backbone.stem", None, Filter::dense(3, STEM, 3, 2))
}

pub(in crate::model) fn head() -> Part {
    let filter = Filter::dense(STAGES[6].output, HEAD, 1, 1);
    Part::new("backbone.head", None, filter)
}

pub(in crate::model) fn blocks() -> impl Iterator<Item = BlockParts> {
    const NAMES: [[&str; 2]; 3] = [["expand", ""], ["depthwise", ""], ["project", ""]];
    let blocks = STAGES.into_iter().flat_map(Stage::blocks).enumerate();
    blocks.map(|(k, stage)| BlockParts::new(&format!("backbone.{k}"), NAMES, stage))
}

pub(in crate::model) fn extra(k: usize) -> [Part; 3] {
    let [input, inner, output] = EXTRAS[k];
    let name = |part| format!("extra.{k}.{part}");
    [
        Part::new(name("reduce"), None, Filter::dense(input, inner, 1, 1)),
        Part::new(name("depthwise"), None, Filter::depthwise(inner, 3, 2)),
        Part::new(name("expand"), None, Filter::dense(inner, output, 1, 1)),
    ]
}

/// What a head says of each anchor.
#[derive(Debug, Clone, Copy)]
pub(in crate::model) enum Kind {
    Boxes,
    Classes,
}

pub(in crate::model) fn predictor(k: usize, kind: Kind) -> [Part; 2] {
    let (name, values) = match kind {
        Kind::Boxes => ("boxes", 4),
        Kind::Classes => ("classes", CLASSES),
    };
    let name = format!("predictor.{k}.{name}");
    let outputs = GRIDS[k].anchors * values;
    let batch_norm = format!("{name}_depthwise.bn");
    [
        Part::new(
            format!("{name}_depthwise"),
            Some(&batch_norm),
            Filter::depthwise(FEATURES[k], 3, 1),
        ),
        Part::new(name, None, Filter::dense(FEATURES[k], outputs, 1, 1)),
    ]
}
