//! Widen, filter each channel by itself, narrow; a shortcut around it where shapes allow.
//!
//! # Source
//!
//! Sandler et al. 2018 (arXiv 1801.04381), figure 3.

use violet_kernel_cpu::Filter;

use super::Part;

/// A run of equal blocks.
#[derive(Debug, Clone, Copy)]
pub(in crate::model) struct Stage {
    pub kernel: usize,
    pub repeats: usize,
    pub input: usize,
    pub output: usize,
    pub expansion: usize,
    pub stride: usize,
}

impl Stage {
    pub(in crate::model) const fn new(
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
    pub(in crate::model) fn blocks(self) -> impl Iterator<Item = Stage> {
        (0..self.repeats).map(move |k| Stage {
            repeats: 1,
            input: if k == 0 { self.input } else { self.output },
            stride: if k == 0 { self.stride } else { 1 },
            ..self
        })
    }
}

/// A block before its weights are there.
pub(in crate::model) struct BlockParts {
    pub expand: Option<Part>,
    pub depthwise: Part,
    pub project: Part,
    pub(in crate::model) shortcut: bool,
}

impl BlockParts {
    /// `names`: convolution and BatchNorm of the three in turn.
    pub(in crate::model) fn new(prefix: &str, names: [[&str; 2]; 3], stage: Stage) -> Self {
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

    pub(in crate::model) fn into_parts(self) -> impl Iterator<Item = Part> {
        self.expand
            .into_iter()
            .chain([self.depthwise, self.project])
    }
}
