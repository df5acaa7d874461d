//! One launch of a convolution: what it reads and writes, and which kernel does it.

use burn::backend::TensorMetadata;
use burn_cubecl::tensor::CubeTensor;
use cubecl::prelude::*;

use super::epilogue::Epilogue;
use super::pass::{Axis, SizesLaunch, fours};
use super::{card, software};
use crate::kernel::{Activation, Filter};

pub(super) struct Call<'a> {
    pub(super) filter: &'a Filter,
    pub(super) forward: bool,
    pub(super) source: &'a CubeTensor,
    pub(super) weight: &'a CubeTensor,
    pub(super) bias: Option<&'a CubeTensor>,
    pub(super) residual: Option<&'a CubeTensor>,
    pub(super) activation: Activation,
    pub(super) target: &'a CubeTensor,
}

impl Call<'_> {
    /// Makes one grid of the target.
    pub(super) fn launch(&self, vertical: Axis, horizontal: Axis) {
        // A device that is no card is a processor.
        let software = self.client().properties().identity.physical.is_none();
        let launch = match (software, self.filter.depthwise) {
            (true, true) => software::depthwise::launch,
            (true, false) => software::dense::launch,
            (false, true) => card::depthwise::launch,
            (false, false) => card::dense::launch,
        };
        launch(self, vertical, horizontal);
    }

    pub(super) fn client(&self) -> &Client {
        &self.target.client
    }

    pub(super) fn images(&self) -> usize {
        self.target.shape()[0]
    }

    /// Source, weight, bias, residual and target. What a kernel does not read still has to be bound to
    /// something.
    pub(super) fn buffers(&self) -> [BufferArg; 5] {
        let weight = Some(self.weight);
        [
            Some(self.source),
            weight,
            self.bias.or(weight),
            self.residual.or(weight),
            Some(self.target),
        ]
        .map(|tensor| tensor.unwrap_or(self.weight).clone().into_buffer_arg())
    }

    pub(super) fn epilogue(&self) -> Epilogue {
        let [low, high] = self.activation.range();
        Epilogue {
            bias: self.bias.is_some(),
            residual: self.residual.is_some(),
            clamp_low: low.is_finite(),
            clamp_high: high.is_finite(),
        }
    }

    /// What sums are clamped to, if they are.
    pub(super) fn high(&self) -> f32 {
        self.activation.range()[1].min(f32::MAX)
    }

    /// Target channels, source channels, and where this direction's weights begin, in fours.
    pub(super) fn rows(&self) -> [usize; 3] {
        let Filter {
            channels_in,
            channels_out,
            kernel,
            ..
        } = *self.filter;
        if self.forward {
            [channels_out, channels_in, 0]
        } else {
            let forward = fours(channels_out) * kernel * kernel * channels_in;
            [channels_in, channels_out, forward]
        }
    }

    pub(super) fn sizes(&self) -> SizesLaunch {
        let [rows, channels, weight] = self.rows();
        SizesLaunch::new(self.images(), channels, rows, self.filter.kernel, weight)
    }
}
