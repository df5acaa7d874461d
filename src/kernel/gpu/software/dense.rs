//! Dense convolution for adapters that are software: a thread makes a few rows (target channels) of a
//! run of neighbouring pixels. What it loads of a source row serves all horizontal taps and all its
//! rows, and a weight serves the whole run.

use cubecl::prelude::*;

use super::THREADS;
use crate::kernel::gpu::call::Call;
use crate::kernel::gpu::epilogue::{Epilogue, begin_four, finish};
use crate::kernel::gpu::pass::{Axis, LANES, Sizes, source_position};

/// What a load costs, in multiply-adds: about a hundred instructions for five.
const LOAD: usize = 20;
/// Multiply-adds between two turns of a thread's innermost loop, at most: more would reuse more, and
/// take longer to compile than they save.
const MOST_PRODUCTS: usize = 400;
/// Sums of a thread, at most, for the same reason; twice as many where several taps use them.
const MOST_SUMS: usize = 64;
/// Rows of a thread, in fours, and pixels of a run, at most.
const MOST_FOURS: usize = 4;
const LONGEST: usize = 28;
/// From so many multiply-adds an image on, a layer pays for twice the code.
const HEAVY: usize = 64_000_000;

/// What a kernel is compiled for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Plan {
    forward: bool,
    /// Rows of a thread, in fours.
    fours: usize,
    /// Neighbouring pixels of a thread.
    run: usize,
    /// Horizontal taps.
    taps: usize,
    /// Source pixels from one target pixel to the next.
    step: usize,
    /// Whether the rows of every thread and the pixels of every run are all wanted.
    whole: [bool; 2],
    epilogue: Epilogue,
}

/// What is to be made: rows, of lines of pixels (of all images), of so many pixels each.
#[derive(Clone, Copy)]
struct Extent {
    rows: usize,
    lines: usize,
    pixels: usize,
}

impl Plan {
    /// The cheapest blocks, and how many threads of a workgroup share rows; the others have other rows
    /// of their pixels.
    fn new(call: &Call, vertical: &Axis, horizontal: &Axis, extent: Extent) -> (Self, usize) {
        let Extent { rows, pixels, .. } = extent;
        let plan = |fours, run| Self {
            forward: call.forward,
            fours,
            run,
            taps: horizontal.taps,
            step: horizontal.step,
            whole: [
                rows.is_multiple_of(fours * LANES),
                pixels.is_multiple_of(run),
            ],
            epilogue: call.epilogue(),
        };
        let [_, channels, _] = call.rows();
        let of_each_pixel = rows * channels * vertical.taps * horizontal.taps;
        let heavy = of_each_pixel * vertical.grid * pixels >= HEAVY;
        let plans = (1..=MOST_FOURS)
            .flat_map(|fours| (1..=pixels.min(LONGEST)).map(move |run| plan(fours, run)))
            .filter(|plan| plan.is_small(if heavy { 2 } else { 1 }));
        let widths = (0..=THREADS.ilog2()).map(|k| 1usize << k);
        plans
            .flat_map(|plan| widths.clone().map(move |across| (plan, across)))
            .min_by_key(|(plan, across)| plan.cost(*across, extent))
            .unwrap_or((plan(1, 1), 1))
    }

    fn is_small(&self, most: usize) -> bool {
        let sums = self.run * self.fours * LANES;
        sums <= most * MOST_SUMS * self.taps.clamp(1, 2) && sums * self.taps <= most * MOST_PRODUCTS
    }

    /// What all threads do for one source channel and vertical tap, in multiply-adds.
    fn cost(&self, across: usize, extent: Extent) -> usize {
        let [columns, groups] = self.workgroups(across, extent);
        let weights = self.taps * self.fours * LANES;
        columns * groups * (LOAD * (self.reach() + weights) + self.run * weights)
    }

    /// Workgroups across the pixels, and across the rows.
    fn workgroups(&self, across: usize, extent: Extent) -> [usize; 2] {
        let strips = extent.lines * extent.pixels.div_ceil(self.run);
        let groups = extent.rows.div_ceil(LANES * self.fours);
        [strips.div_ceil(across), groups.div_ceil(THREADS / across)]
    }

    /// Source pixels that a run reads of one row.
    fn reach(&self) -> usize {
        match self.taps {
            0 => 0,
            taps => (self.run - 1) * self.step + taps,
        }
    }
}

pub(in crate::kernel::gpu) fn launch(call: &Call, vertical: Axis, horizontal: Axis) {
    let [rows, ..] = call.rows();
    let extent = Extent {
        rows,
        lines: call.images() * vertical.grid,
        pixels: horizontal.grid,
    };
    let (plan, across) = Plan::new(call, &vertical, &horizontal, extent);
    let [columns, groups] = plan.workgroups(across, extent);
    let [source, weight, bias, residual, target] = call.buffers();
    // SAFETY: the kernel checks rows, pixels and taps against their ends; the buffers have the sizes
    // that the geometry says.
    #[allow(unsafe_code)]
    unsafe {
        dense::launch_unchecked(
            call.client(),
            CubeCount::Static(columns as u32, groups as u32, 1),
            CubeDim::new_1d(THREADS as u32),
            LANES,
            source,
            weight,
            bias,
            residual,
            target,
            call.sizes(),
            across,
            vertical.launch(),
            horizontal.launch(),
            call.high(),
            plan,
        );
    }
}

#[cube(launch_unchecked)]
#[allow(clippy::too_many_arguments)]
fn dense<N: Size>(
    source: &[f32],
    weight: &[Vector<f32, N>],
    bias: &[f32],
    residual: &[f32],
    target: &mut [f32],
    sizes: Sizes,
    across: usize,
    vertical: Axis,
    horizontal: Axis,
    high: f32,
    #[comptime] plan: Plan,
) {
    let fours = comptime![plan.fours];
    let run = comptime![plan.run];
    let reach = comptime![plan.reach()];
    let row_fours = sizes.rows.div_ceil(LANES);
    let unit = UNIT_POS as usize;
    let group = CUBE_POS_Y as usize * (THREADS / across) + unit / across;
    let first_four = group * fours;
    let strips_of_line = horizontal.grid.div_ceil(run);
    let strips_of_image = strips_of_line * vertical.grid;
    let strips = sizes.images * strips_of_image;
    let mine = CUBE_POS_X as usize * across + unit % across;
    let strip = min(mine, strips - 1);
    let image = strip / strips_of_image;
    let y = strip % strips_of_image / strips_of_line;
    let first_x = strip % strips_of_line * run;
    let source_plane = vertical.source * horizontal.source;
    let source_image = image * sizes.channels * source_plane;

    // Rows beyond the last are made, of the last one's weights, and thrown away.
    let filter = sizes.kernel * sizes.kernel * sizes.channels;
    let mut filters = Array::<usize>::new(fours);
    #[unroll]
    for r in 0..fours {
        filters[r] = sizes.weight + min(first_four + r, row_fours - 1) * filter;
    }
    let mut sums = Array::<Vector<f32, N>>::new(comptime![plan.fours * plan.run]);
    #[unroll]
    for r in 0..fours {
        let four = begin_four::<N>(first_four + r, sizes.rows, bias, comptime![plan.epilogue]);
        #[unroll]
        for c in 0..run {
            sums[r * run + c] = four;
        }
    }
    // The leftmost pixel is what the first tap reads on the way forward, and the last on the way back.
    let leftmost = comptime![if plan.forward {
        0
    } else {
        plan.taps.saturating_sub(1)
    }];
    let left = source_position(&horizontal, first_x, leftmost, plan.forward);

    // Without taps there are no pixels; WGSL knows no empty array.
    let room = comptime![plan.reach().max(1)];
    let mut inside = Array::<bool>::new(room);
    let mut from = Array::<usize>::new(room);
    let mut pixels = Array::<f32>::new(room);
    for ti in 0..vertical.taps {
        let i = vertical.tap_start + ti * vertical.tap_step;
        let sy = source_position(&vertical, y, ti, plan.forward);
        #[unroll]
        for k in 0..reach {
            let here = sy < vertical.source && left + k < horizontal.source;
            inside[k] = here;
            // Outside, something is read all the same, and not used.
            from[k] = select(here, source_image + sy * horizontal.source + left + k, 0);
        }
        for channel in 0..sizes.channels {
            #[unroll]
            for k in 0..reach {
                let value = source[from[k] + channel * source_plane];
                pixels[k] = select(inside[k], value, 0.0f32);
            }
            #[unroll]
            for tj in 0..comptime![plan.taps] {
                let j = horizontal.tap_start + tj * horizontal.tap_step;
                let at = (i * sizes.kernel + j) * sizes.channels + channel;
                // How far from the leftmost pixel this tap reads.
                let shift = comptime![if plan.forward { tj } else { plan.taps - 1 - tj }];
                #[unroll]
                for r in 0..fours {
                    let weights = weight[filters[r] + at];
                    #[unroll]
                    for c in 0..run {
                        let k = comptime![c * plan.step + shift];
                        sums[r * run + c] += weights * Vector::new(pixels[k]);
                    }
                }
            }
        }
    }

    if mine < strips && first_four < row_fours {
        let ty = y * vertical.target_step + vertical.target_start;
        #[unroll]
        for c in 0..run {
            let x = first_x + c;
            if comptime![plan.whole[1]] || x < horizontal.grid {
                let tx = x * horizontal.target_step + horizontal.target_start;
                #[unroll]
                for r in 0..comptime![plan.fours * LANES] {
                    let row = first_four * LANES + r;
                    if comptime![plan.whole[0]] || row < sizes.rows {
                        let line = (image * sizes.rows + row) * vertical.target + ty;
                        let at = line * horizontal.target + tx;
                        let four = sums[comptime![r / LANES] * run + c];
                        let sum = four.extract(comptime![r % LANES]);
                        let last = comptime![plan.epilogue];
                        target[at] = finish(sum, at, residual, high, last);
                    }
                }
            }
        }
    }
}
