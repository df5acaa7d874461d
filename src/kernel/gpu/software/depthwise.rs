//! Depthwise convolution for adapters that are software: a thread walks down a run of neighbouring
//! pixels of one channel, so that it loads each source pixel once for all taps.

use cubecl::prelude::*;

use super::THREADS;
use crate::kernel::gpu::call::Call;
use crate::kernel::gpu::epilogue::{Epilogue, begin, finish};
use crate::kernel::gpu::pass::{Axis, source_position};

/// Pixels of a run, at most.
const LONGEST: usize = 16;
/// Threads that keep a few processors busy.
const ENOUGH: usize = 256;

/// What a kernel is compiled for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Plan {
    forward: bool,
    /// Neighbouring pixels of a thread.
    run: usize,
    /// Whether the pixels of every run are all wanted.
    whole: bool,
    /// Taps, down and across.
    taps: [usize; 2],
    /// Source pixels from one target pixel to the next, down and across.
    step: [usize; 2],
    epilogue: Epilogue,
}

/// How the work is cut.
#[derive(CubeLaunch, CubeType, Clone, Copy)]
struct Cut {
    /// Images times channels.
    planes: usize,
    channels: usize,
    /// Taps of a row of the whole kernel.
    kernel: usize,
    /// Target rows of a thread.
    span: usize,
}

impl Plan {
    /// The run that loads and makes the fewest pixels.
    fn new(call: &Call, vertical: &Axis, horizontal: &Axis) -> Self {
        let grid = horizontal.grid;
        let run = (1..=LONGEST.min(grid))
            .min_by_key(|run| grid.div_ceil(*run) * (run + horizontal.taps))
            .unwrap_or(1);
        Self {
            forward: call.forward,
            run,
            whole: grid.is_multiple_of(run),
            taps: [vertical.taps, horizontal.taps],
            step: [vertical.step, horizontal.step],
            epilogue: call.epilogue(),
        }
    }

    /// Source pixels that a run reads of one row.
    fn reach(&self) -> usize {
        match self.taps[1] {
            0 => 0,
            taps => (self.run - 1) * self.step[1] + taps,
        }
    }

    /// Target rows that a source row belongs to, at most.
    fn pending(&self) -> usize {
        self.taps[0].div_ceil(self.step[0]).max(1)
    }
}

pub(in crate::kernel::gpu) fn launch(call: &Call, vertical: Axis, horizontal: Axis) {
    let planes = call.images() * call.filter.channels_in;
    let plan = Plan::new(call, &vertical, &horizontal);
    let strips = planes * horizontal.grid.div_ceil(plan.run);
    let span = vertical.grid.div_ceil(ENOUGH.div_ceil(strips));
    let threads = strips * vertical.grid.div_ceil(span);
    let cut = CutLaunch::new(planes, call.filter.channels_in, call.filter.kernel, span);
    let [source, weight, bias, residual, target] = call.buffers();
    // SAFETY: the kernel checks planes, pixels and taps against their ends; the buffers have the sizes
    // that the geometry says.
    #[allow(unsafe_code)]
    unsafe {
        depthwise::launch_unchecked(
            call.client(),
            CubeCount::Static(threads.div_ceil(THREADS) as u32, 1, 1),
            CubeDim::new_1d(THREADS as u32),
            source,
            weight,
            bias,
            residual,
            target,
            cut,
            vertical.launch(),
            horizontal.launch(),
            call.high(),
            plan,
        );
    }
}

#[cube(launch_unchecked)]
#[allow(clippy::too_many_arguments)]
fn depthwise(
    source: &[f32],
    weight: &[f32],
    bias: &[f32],
    residual: &[f32],
    target: &mut [f32],
    cut: Cut,
    vertical: Axis,
    horizontal: Axis,
    high: f32,
    #[comptime] plan: Plan,
) {
    let run = comptime![plan.run];
    let reach = comptime![plan.reach()];
    let pending = comptime![plan.pending()];
    let taps = comptime![plan.taps[1]];
    let strips = horizontal.grid.div_ceil(run);
    let spans = vertical.grid.div_ceil(cut.span);
    let unit = CUBE_POS_X as usize * THREADS + UNIT_POS as usize;
    let mine = unit < cut.planes * spans * strips;
    let plane = min(unit / (spans * strips), cut.planes - 1);
    let first_x = unit % strips * run;
    let first_y = unit / strips % spans * cut.span;
    let rows = min(cut.span, vertical.grid - first_y);
    let channel = plane % cut.channels;
    let source_start = plane * vertical.source * horizontal.source;

    // In the order of the source pixels that they meet.
    let mut weights = Array::<f32>::new(comptime![(plan.taps[0] * plan.taps[1]).max(1)]);
    #[unroll]
    for ti in 0..comptime![plan.taps[0]] {
        #[unroll]
        for tj in 0..taps {
            let ki = comptime![if plan.forward {
                ti
            } else {
                plan.taps[0] - 1 - ti
            }];
            let kj = comptime![if plan.forward {
                tj
            } else {
                plan.taps[1] - 1 - tj
            }];
            let i = vertical.tap_start + ki * vertical.tap_step;
            let j = horizontal.tap_start + kj * horizontal.tap_step;
            weights[ti * taps + tj] = weight[(channel * cut.kernel + i) * cut.kernel + j];
        }
    }
    let first_tap = comptime![[0, 1].map(|axis| match plan.forward {
        true => 0,
        false => plan.taps[axis].saturating_sub(1),
    })];
    let top = source_position(&vertical, first_y, comptime![first_tap[0]], plan.forward);
    let left = source_position(&horizontal, first_x, comptime![first_tap[1]], plan.forward);
    // Without taps there are no pixels; WGSL knows no empty array.
    let room = comptime![plan.reach().max(1)];
    let mut inside = Array::<bool>::new(room);
    #[unroll]
    for k in 0..reach {
        inside[k] = left + k < horizontal.source;
    }
    let start = begin(channel, bias, comptime![plan.epilogue]);
    // The sums of target row `n - j` stand in line `j` when source rows of target row `n` come.
    let mut sums = Array::<f32>::new(comptime![plan.pending() * plan.run]);
    #[unroll]
    for k in 0..comptime![plan.pending() * plan.run] {
        sums[k] = start;
    }
    let mut pixels = Array::<f32>::new(room);
    for n in 0..rows + comptime![plan.pending() - 1] {
        #[unroll]
        for below in 0..comptime![plan.step[0]] {
            let sy = top + n * comptime![plan.step[0]] + below;
            let row_inside = sy < vertical.source;
            let from = source_start + sy * horizontal.source + left;
            #[unroll]
            for k in 0..reach {
                let here = row_inside && inside[k];
                // Outside, something is read all the same, and not used.
                let value = source[select(here, from + k, 0)];
                pixels[k] = select(here, value, 0.0f32);
            }
            #[unroll]
            for line in 0..pending {
                let ti = comptime![line * plan.step[0] + below];
                if comptime![ti < plan.taps[0]] {
                    #[unroll]
                    for tj in 0..taps {
                        #[unroll]
                        for c in 0..run {
                            let pixel = pixels[comptime![c * plan.step[1] + tj]];
                            sums[line * run + c] +=
                                weights[comptime![ti * plan.taps[1] + tj]] * pixel;
                        }
                    }
                }
            }
        }
        let ready = comptime![plan.pending() - 1];
        if mine && n >= ready {
            let y = (first_y + n - ready) * vertical.target_step + vertical.target_start;
            let line = (plane * vertical.target + y) * horizontal.target;
            #[unroll]
            for c in 0..run {
                let x = first_x + c;
                if comptime![plan.whole] || x < horizontal.grid {
                    let at = line + x * horizontal.target_step + horizontal.target_start;
                    let sum = sums[ready * run + c];
                    target[at] = finish(sum, at, residual, high, comptime![plan.epilogue]);
                }
            }
        }
        #[unroll]
        for back in 0..comptime![(plan.pending() - 1) * plan.run] {
            let k = comptime![(plan.pending() - 1) * plan.run - 1 - back];
            sums[comptime![k + plan.run]] = sums[k];
        }
        #[unroll]
        for c in 0..run {
            sums[c] = start;
        }
    }
}
