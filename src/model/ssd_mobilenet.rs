//! SSDLite with MobileNetV2: a detector of COCO's classes.
//!
//! Six feature maps, coarser and coarser; at each of their cells some anchors, and for each anchor
//! a box encoding and class logits.
//!
//! # Source
//!
//! Sandler et al. 2018 (arXiv 1801.04381), section 6.2; Liu et al. 2016 (arXiv 1512.02325); layers and
//! paddings as in TensorFlow's graph `ssdlite_mobilenet_v2_coco`.

use burn::tensor::Tensor;

use super::anchors::{CLASSES, GRIDS};
use super::inverted_residual::{Block, BlockParts, Stage};
use super::layer::{Convolution, Padding, Part, Source};
use super::trace::Trace;
use crate::error::Result;
use crate::kernel::{Activation, Filter, Geometry};

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
const FIRST_FEATURE: usize = 13;
/// Input, inner and output channels of the four layers after the backbone.
pub(super) const EXTRAS: [[usize; 3]; 4] = [
    [HEAD, 256, 512],
    [512, 128, 256],
    [256, 128, 256],
    [256, 64, 128],
];
/// Channels of the feature maps.
const FEATURES: [usize; 6] = [576, HEAD, 512, 256, 256, 128];

/// BatchNorm's ε in the original.
pub(super) const BATCH_NORM_EPSILON: f64 = 1e-3;

/// Every convolution; only some in the heads still have a BatchNorm.
pub(super) fn parts() -> Vec<Part> {
    let mut parts = vec![stem(), head()];
    parts.extend(blocks().flat_map(BlockParts::into_parts));
    parts.extend((0..EXTRAS.len()).flat_map(extra));
    parts.extend((0..FEATURES.len()).flat_map(|k| predictor(k, Kind::Boxes)));
    parts.extend((0..FEATURES.len()).flat_map(|k| predictor(k, Kind::Classes)));
    parts
}

fn stem() -> Part {
    Part::new("backbone.stem", None, Filter::dense(3, STEM, 3, 2))
}

fn head() -> Part {
    let filter = Filter::dense(STAGES[6].output, HEAD, 1, 1);
    Part::new("backbone.head", None, filter)
}

fn blocks() -> impl Iterator<Item = BlockParts> {
    const NAMES: [[&str; 2]; 3] = [["expand", ""], ["depthwise", ""], ["project", ""]];
    let blocks = STAGES.into_iter().flat_map(Stage::blocks).enumerate();
    blocks.map(|(k, stage)| BlockParts::new(&format!("backbone.{k}"), NAMES, stage))
}

fn extra(k: usize) -> [Part; 3] {
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
enum Kind {
    Boxes,
    Classes,
}

fn predictor(k: usize, kind: Kind) -> [Part; 2] {
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

/// The network, weights included.
#[derive(Debug)]
pub(super) struct SsdMobileNet {
    stem: Convolution,
    blocks: Vec<Block>,
    head: Convolution,
    extras: Vec<[Convolution; 3]>,
    boxes: Vec<[Convolution; 2]>,
    classes: Vec<[Convolution; 2]>,
}

impl SsdMobileNet {
    pub(super) fn load(source: &mut Source<'_>) -> Result<Self> {
        let stem = Convolution::load(source, &stem(), Padding::Same)?;
        let blocks = blocks()
            .map(|parts| Block::load(source, &parts))
            .collect::<Result<_>>()?;
        let mut load = |part: &Part| Convolution::load(source, part, Padding::Same);
        let mut predictors = |kind| {
            let pair = |k| {
                let [depthwise, pointwise] = predictor(k, kind);
                Ok([load(&depthwise)?, load(&pointwise)?])
            };
            (0..FEATURES.len()).map(pair).collect::<Result<_>>()
        };
        let (boxes, classes) = (predictors(Kind::Boxes)?, predictors(Kind::Classes)?);
        let extras = (0..EXTRAS.len()).map(|k| {
            let [reduce, depthwise, expand] = extra(k);
            Ok([load(&reduce)?, load(&depthwise)?, load(&expand)?])
        });
        Ok(Self {
            stem,
            blocks,
            extras: extras.collect::<Result<_>>()?,
            boxes,
            classes,
            head: load(&head())?,
        })
    }

    pub(super) fn convolutions(&self) -> Vec<&Convolution> {
        let blocks = self.blocks.iter().flat_map(Block::convolutions);
        let predictors = self.boxes.iter().chain(&self.classes).flatten();
        [&self.stem, &self.head]
            .into_iter()
            .chain(blocks)
            .chain(self.extras.iter().flatten())
            .chain(predictors)
            .collect()
    }

    /// Every convolution's geometry for an input of that height and width.
    pub(super) fn geometries(&self, size: [usize; 2]) -> Vec<Geometry> {
        fn run(convolutions: &[Convolution], size: &mut [usize; 2], all: &mut Vec<Geometry>) {
            for convolution in convolutions {
                let geometry = convolution.geometry(*size);
                *size = geometry.output;
                all.push(geometry);
            }
        }
        let stem = self.stem.geometry(size);
        let mut size = stem.output;
        let mut all = vec![stem];
        let mut features = Vec::new();
        for (k, block) in self.blocks.iter().enumerate() {
            if k == FIRST_FEATURE {
                features.push(size);
            }
            all.extend(block.geometries(&mut size));
        }
        all.push(self.head.geometry(size));
        features.push(size);
        for extra in &self.extras {
            run(extra, &mut size, &mut all);
            features.push(size);
        }
        for (k, size) in features.into_iter().enumerate() {
            for predictor in [&self.boxes[k], &self.classes[k]] {
                run(predictor, &mut size.clone(), &mut all);
            }
        }
        all
    }

    /// The first feature maps, `count` of 6.
    fn features(&self, x: Tensor<4>, count: usize, trace: &mut Trace) -> Vec<Tensor<4>> {
        let mut features = Vec::new();
        let mut x = self.stem.forward(x, Activation::Relu6, trace);
        for (k, block) in self.blocks.iter().enumerate() {
            let wide = block.widen(x.clone(), trace);
            if k == FIRST_FEATURE {
                features.push(wide.clone());
                if count == 1 {
                    return features;
                }
            }
            x = block.narrow(wide, x, trace);
        }
        x = self.head.forward(x, Activation::Relu6, trace);
        features.push(x.clone());
        for [reduce, depthwise, expand] in self.extras.iter().take(count.saturating_sub(2)) {
            x = reduce.forward(x, Activation::Relu6, trace);
            x = depthwise.forward(x, Activation::Relu6, trace);
            x = expand.forward(x, Activation::Relu6, trace);
            features.push(x.clone());
        }
        features
    }

    /// Box encodings \[N, anchors · 4\] and class logits \[N, anchors · classes\] of an input
    /// \[N, 3, 300, 300\].
    pub(super) fn forward(&self, x: Tensor<4>) -> [Tensor<2>; 2] {
        let trace = &mut Trace::none();
        let features = self.features(x, FEATURES.len(), trace);
        [&self.boxes, &self.classes].map(|predictors| {
            let maps = predictors.iter().zip(&features).map(|(predictor, x)| {
                let x = predict(predictor, x.clone(), trace);
                let [n, channels, height, width] = x.dims();
                // Cells row by row, the anchors of each, the values of each.
                x.permute([0, 2, 3, 1])
                    .reshape([n, height * width * channels])
            });
            Tensor::cat(maps.collect(), 1)
        })
    }

    /// One class logit, `anchor · classes + class`, and no more of the network than it takes:
    /// \[N, 3, 300, 300\] → \[N\].
    pub(super) fn output(&self, x: Tensor<4>, output: usize, trace: &mut Trace) -> Tensor<1> {
        let (mut anchor, class) = (output / CLASSES, output % CLASSES);
        let mut map = 0;
        while anchor >= GRIDS[map].cells() * GRIDS[map].anchors {
            anchor -= GRIDS[map].cells() * GRIDS[map].anchors;
            map += 1;
        }
        let grid = &GRIDS[map];
        let (cell, anchor) = (anchor / grid.anchors, anchor % grid.anchors);
        let (row, column) = (cell / grid.side, cell % grid.side);
        let mut features = self.features(x, map + 1, trace);
        let x = predict(&self.classes[map], features.swap_remove(map), trace);
        let channel = anchor * CLASSES + class;
        let n = x.dims()[0];
        let ranges = [0..n, channel..channel + 1, row..row + 1, column..column + 1];
        x.slice(ranges).reshape([n])
    }
}

fn predict(
    [depthwise, pointwise]: &[Convolution; 2],
    x: Tensor<4>,
    trace: &mut Trace,
) -> Tensor<4> {
    let x = depthwise.forward(x, Activation::Relu6, trace);
    pointwise.forward(x, Activation::Identity, trace)
}
