//! Depthwise convolution: a workgroup of 64 threads makes some hundred pixels of one channel, with
//! weights that all its threads read at the same time.

use cubecl::prelude::*;

use crate::kernel::gpu::call::Call;
use crate::kernel::gpu::epilogue::{Epilogue, begin, finish};
use crate::kernel::gpu::pass::{Axis, source_position};

/// Threads of a workgroup.
const THREADS: usize = 64;

/// What a kernel is compiled for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Plan {
    forward: bool,
    /// Pixels of a thread.
    pixels: usize,
    epilogue: Epilogue,
}

impl Plan {
    /// Blocks that waste few pixels and reuse what was loaded.
    fn new(forward: bool, pixels: usize, epilogue: Epilogue) -> Self {
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

pub(in crate::kernel::gpu) fn launch(call: &Call, vertical: Axis, horizontal: Axis) {
    let grid = vertical.grid * horizontal.grid;
    let channels = call.filter.channels_in;
    let plan = Plan::new(call.forward, grid, call.epilogue());
    let [source, weight, bias, residual, target] = call.buffers();
    // SAFETY: the kernel checks its pixels against the grid and its taps against the source; the
    // buffers have the sizes that the geometry says.
    #[allow(unsafe_code)]
    unsafe {
        depthwise::launch_unchecked(
            call.client(),
            CubeCount::Static(
                grid.div_ceil(THREADS * plan.pixels) as u32,
                channels as u32,
                call.images() as u32,
            ),
            CubeDim::new_1d(THREADS as u32),
            source,
            weight,
            bias,
            residual,
            target,
            channels,
            call.filter.kernel,
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
        sums[p] = begin(channel, bias, comptime![plan.epilogue]);
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
            target[at] = finish(sum, at, residual, high, last);
        }
    }
}
