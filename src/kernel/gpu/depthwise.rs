//! Depthwise convolution: a thread makes one output of one channel.

use cubecl::prelude::*;

use super::pass::{Axis, source_position};

/// What a kernel is compiled for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Plan {
    pub(super) forward: bool,
    pub(super) bias: bool,
    pub(super) residual: bool,
    /// Whether sums are clamped to `low..` and to `..high`.
    pub(super) clamp_low: bool,
    pub(super) clamp_high: bool,
}

#[cube(launch_unchecked)]
#[allow(clippy::too_many_arguments)]
pub(super) fn depthwise(
    source: &[f32],
    weight: &[f32],
    bias: &[f32],
    residual: &[f32],
    target: &mut [f32],
    planes: usize,
    channels: usize,
    kernel: usize,
    vertical: Axis,
    horizontal: Axis,
    high: f32,
    #[comptime] plan: Plan,
) {
    let grid = vertical.grid * horizontal.grid;
    let plane = ABSOLUTE_POS / grid;
    if plane >= planes {
        terminate!();
    }
    let pixel = ABSOLUTE_POS % grid;
    let y = pixel / horizontal.grid;
    let x = pixel % horizontal.grid;
    let channel = plane % channels;

    let mut value = 0.0f32;
    for ti in 0..vertical.taps {
        let sy = source_position(&vertical, y, ti, plan.forward);
        let i = vertical.tap_start + ti * vertical.tap_step;
        if sy < vertical.source {
            for tj in 0..horizontal.taps {
                let sx = source_position(&horizontal, x, tj, plan.forward);
                let j = horizontal.tap_start + tj * horizontal.tap_step;
                if sx < horizontal.source {
                    let from = (plane * vertical.source + sy) * horizontal.source + sx;
                    value += weight[(channel * kernel + i) * kernel + j] * source[from];
                }
            }
        }
    }
    let row = plane * vertical.target + y * vertical.target_step + vertical.target_start;
    let at = row * horizontal.target + x * horizontal.target_step + horizontal.target_start;
    if comptime![plan.bias] {
        value += bias[channel];
    }
    if comptime![plan.residual] {
        value += residual[at];
    }
    if comptime![plan.clamp_low] {
        value = max(value, 0.0);
    }
    if comptime![plan.clamp_high] {
        value = min(value, high);
    }
    target[at] = value;
}
