//! Channels side by side in memory: a pixel's values of a group of channels are two vectors.

use crate::machine::{self as macerator, Simd, with_simd};
use crate::vector::{WIDEST, lanes};

/// Vectors of a whole group.
pub(super) const WHOLE: usize = 2;

/// Channels in groups: what lies there is \[group, pixel, channels of the group\]. The last group has one vector, if
/// that is enough; channels that do not exist are zeros.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Groups {
    pub(crate) channels: usize,
    /// Of a vector.
    pub(crate) lanes: usize,
    /// Whether all groups are whole.
    whole: bool,
}

impl Groups {
    /// For this machine's vectors.
    pub(crate) fn new(channels: usize) -> Self {
        Self {
            channels,
            lanes: machine_lanes(),
            whole: false,
        }
    }

    /// The last group is whole too.
    pub(crate) fn whole(self) -> Self {
        Self {
            whole: true,
            ..self
        }
    }

    pub(crate) fn count(&self) -> usize {
        self.channels.div_ceil(WHOLE * self.lanes)
    }

    /// A group's first channel.
    pub(crate) fn start(&self, group: usize) -> usize {
        group * WHOLE * self.lanes
    }

    /// A group's channels that exist.
    pub(crate) fn real(&self, group: usize) -> usize {
        self.width(group).min(self.channels - self.start(group))
    }

    /// Channels in a group.
    pub(crate) fn width(&self, group: usize) -> usize {
        if self.whole || self.channels - self.start(group) > self.lanes {
            WHOLE * self.lanes
        } else {
            self.lanes
        }
    }

    /// Channels in all groups.
    pub(crate) fn padded(&self) -> usize {
        let last = self.count() - 1;
        self.start(last) + self.width(last)
    }
}

fn machine_lanes() -> usize {
    lanes_of()
}

#[with_simd]
fn lanes_of<S: Simd>() -> usize {
    lanes::<S>()
}

/// Values that begin where a line of the cache does.
#[derive(Debug, Default)]
pub(super) struct Aligned(Vec<f32>);

impl Clone for Aligned {
    fn clone(&self) -> Self {
        let mut clone = Self::zeros(self.0.len().saturating_sub(WIDEST));
        let length = clone.values().len().min(self.values().len());
        clone.values_mut()[..length].copy_from_slice(&self.values()[..length]);
        clone
    }
}

impl Aligned {
    pub(super) fn zeros(length: usize) -> Self {
        Self(vec![0.0; length + WIDEST])
    }

    fn first(&self) -> usize {
        self.0
            .as_ptr()
            .align_offset(WIDEST * size_of::<f32>())
            .min(WIDEST)
    }

    pub(super) fn values(&self) -> &[f32] {
        &self.0[self.first()..]
    }

    pub(super) fn values_mut(&mut self) -> &mut [f32] {
        let first = self.first();
        &mut self.0[first..]
    }

    /// At least so many values, whatever they are.
    pub(super) fn at_least(&mut self, length: usize) -> &mut [f32] {
        if self.0.len() < length + WIDEST {
            *self = Self::zeros(length);
        }
        &mut self.values_mut()[..length]
    }
}

/// 1×1 filters, \[group of targets, source, targets of the group\], and what is added.
#[derive(Debug, Clone)]
pub(super) struct Matrix {
    pub(super) targets: Groups,
    pub(super) sources: usize,
    weights: Aligned,
    biases: Aligned,
}

impl Matrix {
    /// Of weights at (target, source).
    pub(super) fn new(
        targets: Groups,
        sources: usize,
        bias: &[f32],
        weight: impl Fn(usize, usize) -> f32,
    ) -> Self {
        let mut weights = Aligned::zeros(targets.padded() * sources);
        let values = weights.values_mut();
        for group in 0..targets.count() {
            let (start, width) = (targets.start(group), targets.width(group));
            for source in 0..sources {
                for k in 0..targets.real(group) {
                    values[start * sources + source * width + k] = weight(start + k, source);
                }
            }
        }
        let mut biases = Aligned::zeros(targets.padded());
        biases.values_mut()[..bias.len()].copy_from_slice(bias);
        Self {
            targets,
            sources,
            weights,
            biases,
        }
    }

    /// A group's weights, \[source, target\].
    pub(super) fn group(&self, group: usize) -> &[f32] {
        let (start, width) = (self.targets.start(group), self.targets.width(group));
        &self.weights.values()[start * self.sources..][..width * self.sources]
    }

    /// A group's biases.
    pub(super) fn bias(&self, group: usize) -> &[f32] {
        let start = self.targets.start(group);
        &self.biases.values()[start..][..self.targets.width(group)]
    }
}
