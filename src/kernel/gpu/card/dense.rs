//! Dense convolution as a matrix product: rows are target channels, columns the pixels of all
//! images of a batch, and the sum runs over (tap, source channel).
//!
//! A workgroup of 64 threads makes the same few rows of some hundred columns, or, where there are fewer
//! columns, more rows of them. Neighbouring threads read the same weights at the same time, which every
//! card can broadcast, and neighbouring pixels; each thread keeps a block of sums in registers.

use cubecl::prelude::*;

use crate::kernel::gpu::call::Call;
use crate::kernel::gpu::epilogue::{Epilogue, begin_four, finish};
use crate::kernel::gpu::pass::{Axis, Columns, LANES, Sizes, fours};

/// Threads of a workgroup.
const THREADS: usize = 64;

/// What a kernel is compiled for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Plan {
    forward: bool,
    /// Rows of a thread, in fours.
    fours: usize,
    /// Columns of a thread.
    columns: usize,
    /// Threads of a workgroup that share its rows; the others have other rows of the same columns.
    across: usize,
    /// Source channels between two looks at the loop's end.
    depth: usize,
    epilogue: Epilogue,
}

impl Plan {
    /// Blocks that waste few rows and columns and reuse what was loaded.
    fn new(
        forward: bool,
        rows: usize,
        channels: usize,
        columns: usize,
        epilogue: Epilogue,
    ) -> Self {
        let row_fours = fours(rows);
        let fours = match row_fours {
            n if n.is_multiple_of(4) => 4,
            n if n.is_multiple_of(3) => 3,
            n if n.is_multiple_of(2) => 2,
            n if n < 8 => 1,
            _ => 4,
        };
        // Four columns a thread, if there are so many: what a thread loads serves them all.
        let wanted = columns.div_ceil(4).next_power_of_two().min(THREADS);
        let groups = row_fours.div_ceil(fours).next_power_of_two();
        let across = THREADS / groups.min(THREADS / wanted);
        let columns = match columns.div_ceil(across) {
            1 => 1,
            2 | 3 => 2,
            _ => 4,
        };
        Self {
            forward,
            fours,
            columns,
            across,
            depth: if channels.is_multiple_of(4) { 4 } else { 1 },
            epilogue,
        }
    }

    /// Columns of a workgroup.
    fn workgroup_columns(&self) -> usize {
        self.across * self.columns
    }

    /// Rows of a workgroup, in fours.
    fn workgroup_fours(&self) -> usize {
        THREADS / self.across * self.fours
    }
}

pub(in crate::kernel::gpu) fn launch(call: &Call, vertical: Axis, horizontal: Axis) {
    let [rows, channels, _] = call.rows();
    let columns = call.images() * vertical.grid * horizontal.grid;
    let plan = Plan::new(call.forward, rows, channels, columns, call.epilogue());
    let [source, weight, bias, residual, target] = call.buffers();
    // SAFETY: the kernel checks rows, columns and taps against their ends; the buffers have the sizes
    // that the geometry says.
    #[allow(unsafe_code)]
    unsafe {
        dense::launch_unchecked(
            call.client(),
            CubeCount::Static(
                columns.div_ceil(plan.workgroup_columns()) as u32,
                fours(rows).div_ceil(plan.workgroup_fours()) as u32,
                1,
            ),
            CubeDim::new_1d(THREADS as u32),
            LANES,
            source,
            weight,
            bias,
            residual,
            target,
            call.sizes(),
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
    vertical: Axis,
    horizontal: Axis,
    high: f32,
    #[comptime] plan: Plan,
) {
    let fours = comptime![plan.fours];
    let count = comptime![plan.columns];
    let row_fours = sizes.rows.div_ceil(LANES);
    let across = comptime![plan.across];
    let unit = UNIT_POS as usize;
    let first_four =
        CUBE_POS_Y as usize * comptime![plan.workgroup_fours()] + unit / across * fours;
    let plane = vertical.grid * horizontal.grid;
    let columns = sizes.images * plane;
    let first_column = CUBE_POS_X as usize * comptime![plan.workgroup_columns()] + unit % across;
    let source_plane = vertical.source * horizontal.source;

    // Rows beyond the last are made, of the last one's weights, and thrown away.
    let filter = sizes.kernel * sizes.kernel * sizes.channels;
    let mut filters = Array::<usize>::new(fours);
    #[unroll]
    for r in 0..fours {
        filters[r] = sizes.weight + min(first_four + r, row_fours - 1) * filter;
    }
    let mut mine = Columns::new(first_column, across, &sizes, &vertical, &horizontal, count);
    let mut sums = Array::<Vector<f32, N>>::new(comptime![plan.fours * plan.columns]);
    #[unroll]
    for r in 0..fours {
        let four = begin_four::<N>(first_four + r, sizes.rows, bias, comptime![plan.epilogue]);
        #[unroll]
        for c in 0..count {
            sums[r * count + c] = four;
        }
    }

    for ti in 0..vertical.taps {
        let i = vertical.tap_start + ti * vertical.tap_step;
        for tj in 0..horizontal.taps {
            let j = horizontal.tap_start + tj * horizontal.tap_step;
            mine.aim(&vertical, &horizontal, ti, tj, plan.forward);
            let tap = (i * sizes.kernel + j) * sizes.channels;
            for start in range_stepped(0usize, sizes.channels, comptime![plan.depth]) {
                #[unroll]
                for k in 0..comptime![plan.depth] {
                    let channel = start + k;
                    let mut pixels = Array::<f32>::new(count);
                    #[unroll]
                    for c in 0..count {
                        let value = source[mine.from[c] + channel * source_plane];
                        pixels[c] = select(mine.inside[c], value, 0.0f32);
                    }
                    #[unroll]
                    for r in 0..fours {
                        let weights = weight[filters[r] + tap + channel];
                        #[unroll]
                        for c in 0..count {
                            sums[r * count + c] += weights * Vector::new(pixels[c]);
                        }
                    }
                }
            }
        }
    }

    #[unroll]
    for c in 0..count {
        let column = first_column + c * across;
        if column < columns {
            let image = column / plane;
            let y = mine.ys[c] * vertical.target_step + vertical.target_start;
            let x = mine.xs[c] * horizontal.target_step + horizontal.target_start;
            #[unroll]
            for r in 0..comptime![plan.fours * LANES] {
                let row = first_four * LANES + r;
                if row < sizes.rows {
                    let line = (image * sizes.rows + row) * vertical.target + y;
                    let at = line * horizontal.target + x;
                    let four = sums[comptime![r / LANES] * count + c];
                    let sum = four.extract(comptime![r % LANES]);
                    let last = comptime![plan.epilogue];
                    target[at] = finish(sum, at, residual, high, last);
                }
            }
        }
    }
}
