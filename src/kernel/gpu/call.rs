//! One launch of a convolution: what it reads and writes, and which kernel does it.

use std::cell::Cell;

use burn::backend::TensorMetadata;
use burn_wgpu::CubeTensor;
use cubecl::prelude::*;

use super::epilogue::Epilogue;
use super::pass::{Axis, SizesLaunch, fours};
use super::{card, software};
use crate::kernel::{Activation, Filter};

/// What kernels are made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Adapter {
    /// A real GPU: tiles of shared memory, where they fit.
    Card,
    /// A real GPU, its caches in place of shared memory.
    CardWithoutTiles,
    /// A processor that stands in for one.
    Software,
}

thread_local! {
    static PREFERRED: Cell<Option<Adapter>> = const { Cell::new(None) };
}

/// Whatever the GPU is, convolutions that this thread asks for in `body` take the kernels for that kind
/// of adapter: so that both kinds can be tested and timed on either.
pub fn with_kernels_for<T>(adapter: Adapter, body: impl FnOnce() -> T) -> T {
    let before = PREFERRED.replace(Some(adapter));
    let result = body();
    PREFERRED.set(before);
    result
}

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
        let launch = match (self.adapter(), self.filter.depthwise) {
            (Adapter::Card, false) if card::tiled::launch(self, vertical, horizontal) => return,
            (Adapter::Card | Adapter::CardWithoutTiles, false) => card::dense::launch,
            (Adapter::Card | Adapter::CardWithoutTiles, true) => card::depthwise::launch,
            (Adapter::Software, false) => software::dense::launch,
            (Adapter::Software, true) => software::depthwise::launch,
        };
        launch(self, vertical, horizontal);
    }

    fn adapter(&self) -> Adapter {
        let found = match self.client().properties().identity.physical {
            Some(_) => Adapter::Card,
            None => Adapter::Software,
        };
        PREFERRED.get().unwrap_or(found)
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
