//! The last steps of a sum, the same for every kernel: bias, residual, activation.

use cubecl::prelude::*;

/// Which of them a kernel is compiled for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Epilogue {
    pub(super) bias: bool,
    pub(super) residual: bool,
    /// Whether sums are clamped to `0..` and to `..high`.
    pub(super) clamp_low: bool,
    pub(super) clamp_high: bool,
}

/// A sum of that channel, finished; `at` is its place in the target.
#[cube]
pub(super) fn finish(
    sum: f32,
    channel: usize,
    at: usize,
    bias: &[f32],
    residual: &[f32],
    high: f32,
    #[comptime] epilogue: Epilogue,
) -> f32 {
    let mut value = sum;
    if comptime![epilogue.bias] {
        value += bias[channel];
    }
    if comptime![epilogue.residual] {
        value += residual[at];
    }
    if comptime![epilogue.clamp_low] {
        value = max(value, 0.0);
    }
    if comptime![epilogue.clamp_high] {
        value = min(value, high);
    }
    value
}
