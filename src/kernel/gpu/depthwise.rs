//! Depthwise convolution: a workgroup of 64 threads makes some hundred pixels of one channel, with
//! weights that all its threads read at the same time.

use cubecl::prelude::*;

use super::epilogue::{Epilogue, finish};
use super::pass::{Axis, source_position};

/// Threads of a workgroup.
pub(super) const THREADS: usize = 64;

/// What a kernel is compiled for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Plan {
    pub(super) forward: bool,
    /// Pixels of a thread.
    pub(super) pixels: usize,
    pub(super) epilogue: Epilogue,
}

impl Plan {
    /// Blocks that waste few pixels and reuse what was loaded.
    pub(super) fn new(forward: bool, pixels: usize, epilogue: Epilogue) -> Self {
        let pixels = match pixels.div_ceil(THREADS) {
            1 => 1,
            2 | 3 => 2,
            _ => 4,
        };
        Self {
            forward,
            pixels,
            epilogue,
        }
    }
}

#[cube(launch_unchecked)]
#[allow(clippy::too_many_arguments)]
pub(super) fn depthwise(
    source: &[f32],
    weight: &[f32],
    bias: &[f32],
    residual: &[f32],
    target: &mut [f32],
    channels: usize,
    kernel: usize,
    vertical: Axis,
    horizontal: Axis,
    high: f32,
    #[comptime] plan: Plan,
) {
    let mine = comptime![plan.pixels];
    let grid = vertical.grid * horizontal.grid;
    let channel = CUBE_POS_Y as usize;
    let plane = CUBE_POS_Z as usize * channels + channel;
    let first = CUBE_POS_X as usize * comptime![THREADS * plan.pixels] + UNIT_POS as usize;
    let source_start = plane * vertical.source * horizontal.source;

    let mut ys = Array::<usize>::new(mine);
    let mut xs = Array::<usize>::new(mine);
    let mut sums = Array::<f32>::new(mine);
    #[unroll]
    for p in 0..mine {
        let pixel = min(first + p * THREADS, grid - 1);
        ys[p] = pixel / horizontal.grid;
        xs[p] = pixel % horizontal.grid;
        sums[p] = 0.0;
    }
    for ti in 0..vertical.taps {
        let i = vertical.tap_start + ti * vertical.tap_step;
        for tj in 0..horizontal.taps {
            let j = horizontal.tap_start + tj * horizontal.tap_step;
            let w = weight[(channel * kernel + i) * kernel + j];
            #[unroll]
            for p in 0..mine {
                let sy = source_position(&vertical, ys[p], ti, plan.forward);
                let sx = source_position(&horizontal, xs[p], tj, plan.forward);
                let inside = sy < vertical.source && sx < horizontal.source;
                // Outside, something is read all the same, and not used.
                let from = select(inside, sy * horizontal.source + sx, 0);
                sums[p] += w * select(inside, source[source_start + from], 0.0f32);
            }
        }
    }
    #[unroll]
    for p in 0..mine {
        if first + p * THREADS < grid {
            let y = ys[p] * vertical.target_step + vertical.target_start;
            let x = xs[p] * horizontal.target_step + horizontal.target_start;
            let at = (plane * vertical.target + y) * horizontal.target + x;
            let sum = sums[p];
            let last = comptime![plan.epilogue];
            target[at] = finish(sum, channel, at, bias, residual, high, last);
        }
    }
}
