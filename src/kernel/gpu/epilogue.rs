//! How a sum begins and ends, the same for every kernel: bias; residual, activation.

use cubecl::prelude::*;

use super::pass::LANES;

/// Which of them a kernel is compiled for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Epilogue {
    pub(super) bias: bool,
    pub(super) residual: bool,
    /// Whether sums are clamped to `0..` and to `..high`.
    pub(super) clamp_low: bool,
    pub(super) clamp_high: bool,
}

/// What the sums of four rows begin with; rows beyond the last begin as the last.
#[cube]
pub(super) fn begin_four<N: Size>(
    four: usize,
    rows: usize,
    bias: &[f32],
    #[comptime] epilogue: Epilogue,
) -> Vector<f32, N> {
    let mut sums = Vector::new(0.0f32);
    #[unroll]
    for lane in 0..LANES {
        let row = min(four * LANES + lane, rows - 1);
        sums.insert(lane, begin(row, bias, epilogue));
    }
    sums
}

/// What the sums of a channel begin with.
#[cube]
pub(super) fn begin(channel: usize, bias: &[f32], #[comptime] epilogue: Epilogue) -> f32 {
    let mut value = 0.0f32;
    if comptime![epilogue.bias] {
        value = bias[channel];
    }
    value
}

/// A sum, finished; `at` is its place in the target.
#[cube]
pub(super) fn finish(
    sum: f32,
    at: usize,
    residual: &[f32],
    high: f32,
    #[comptime] epilogue: Epilogue,
) -> f32 {
    let mut value = sum;
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
