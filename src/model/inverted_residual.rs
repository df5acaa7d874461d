//! Widen, filter each channel by itself, narrow; a shortcut around it where shapes allow.
//!
//! # Source
//!
//! Sandler et al. 2018 (arXiv 1801.04381), figure 3; padding as TensorFlow's SAME.

use burn::tensor::Tensor;

use super::layer::{Convolution, Padding, Part, Source};
use super::trace::Trace;
use crate::error::Result;
use crate::kernel::{Activation, Filter, Geometry};

/// A run of equal blocks.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stage {
    pub kernel: usize,
    pub repeats: usize,
    pub input: usize,
    pub output: usize,
    pub expansion: usize,
    pub stride: usize,
}

impl Stage {
    pub(super) const fn new(
        kernel: usize,
        repeats: usize,
        [input, output]: [usize; 2],
        expansion: usize,
        stride: usize,
    ) -> Self {
        Self {
            kernel,
            repeats,
            input,
            output,
            expansion,
            stride,
        }
    }

    /// Its blocks, one by one.
    pub(super) fn blocks(self) -> impl Iterator<Item = Stage> {
        (0..self.repeats).map(move |k| Stage {
            repeats: 1,
            input: if k == 0 { self.input } else { self.output },
            stride: if k == 0 { self.stride } else { 1 },
            ..self
        })
    }
}

/// A block before its weights are there.
pub(super) struct BlockParts {
    pub expand: Option<Part>,
    pub depthwise: Part,
    pub project: Part,
    shortcut: bool,
}

impl BlockParts {
    /// `names`: convolution and BatchNorm of the three in turn.
    pub(super) fn new(prefix: &str, names: [[&str; 2]; 3], stage: Stage) -> Self {
        let part = |[convolution, batch_norm]: [&str; 2], filter| {
            let batch_norm = (!batch_norm.is_empty()).then(|| format!("{prefix}.{batch_norm}"));
            let convolution = format!("{prefix}.{convolution}");
            Part::new(convolution, batch_norm.as_deref(), filter)
        };
        let wide = stage.input * stage.expansion;
        let depthwise = Filter::depthwise(wide, stage.kernel, stage.stride);
        Self {
            expand: (stage.expansion != 1)
                .then(|| part(names[0], Filter::dense(stage.input, wide, 1, 1))),
            depthwise: part(names[1], depthwise),
            project: part(names[2], Filter::dense(wide, stage.output, 1, 1)),
            shortcut: stage.stride == 1 && stage.input == stage.output,
        }
    }

    pub(super) fn into_parts(self) -> impl Iterator<Item = Part> {
        self.expand
            .into_iter()
            .chain([self.depthwise, self.project])
    }
}

/// A block, weights included.
#[derive(Debug)]
pub(super) struct Block {
    expand: Option<Convolution>,
    depthwise: Convolution,
    project: Convolution,
    shortcut: bool,
}

impl Block {
    pub(super) fn load(source: &mut Source<'_>, parts: &BlockParts) -> Result<Self> {
        let mut load = |part: &Part| Convolution::load(source, part, Padding::Same);
        Ok(Self {
            expand: parts.expand.as_ref().map(&mut load).transpose()?,
            depthwise: load(&parts.depthwise)?,
            project: load(&parts.project)?,
            shortcut: parts.shortcut,
        })
    }

    pub(super) fn convolutions(&self) -> impl Iterator<Item = &Convolution> {
        let others = [&self.depthwise, &self.project];
        self.expand.iter().chain(others)
    }

    /// Geometry of each convolution; `size` becomes that of the output.
    pub(super) fn geometries(&self, size: &mut [usize; 2]) -> Vec<Geometry> {
        let convolutions = self.convolutions().map(|convolution| {
            let geometry = convolution.geometry(*size);
            *size = geometry.output;
            geometry
        });
        convolutions.collect()
    }

    /// \[N, input, H, W\] → \[N, output, H', W'\].
    pub(super) fn forward(&self, input: Tensor<4>, trace: &mut Trace) -> Tensor<4> {
        let wide = self.widen(input.clone(), trace);
        self.narrow(wide, input, trace)
    }

    /// The first half: the widened input.
    pub(super) fn widen(&self, input: Tensor<4>, trace: &mut Trace) -> Tensor<4> {
        match &self.expand {
            Some(expand) => expand.forward(input, Activation::Relu6, trace),
            None => input,
        }
    }

    /// The second half.
    pub(super) fn narrow(&self, wide: Tensor<4>, input: Tensor<4>, trace: &mut Trace) -> Tensor<4> {
        let x = self.depthwise.forward(wide, Activation::Relu6, trace);
        if self.shortcut {
            self.project
                .forward_add(x, input, Activation::Identity, trace)
        } else {
            self.project.forward(x, Activation::Identity, trace)
        }
    }
}
