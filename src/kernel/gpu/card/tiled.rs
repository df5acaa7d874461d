//! Dense convolution as a matrix product, as [`dense`](super::dense), in tiles of shared memory.
//!
//! A workgroup of 64 threads makes 64 rows of 64 columns, or 32 of 128. For each tap, and sixteen source
//! channels at a time, it brings the weights of its rows and the pixels of its columns into shared
//! memory, where every value is read for the whole of its row or column; each thread keeps 8 × 8 sums in
//! registers. [`dense`](super::dense) leaves that to the caches.

use cubecl::prelude::*;

use crate::kernel::gpu::call::Call;
use crate::kernel::gpu::epilogue::{Epilogue, begin_four, finish};
use crate::kernel::gpu::pass::{Axis, Columns, LANES, Sizes, fours};

/// Threads of a workgroup.
const THREADS: usize = 64;
/// Source channels that are in shared memory at a time.
const DEPTH: usize = 16;
/// Rows of a thread, and columns, in fours.
const FOURS: usize = 2;
/// Columns of a thread.
const COLUMNS: usize = FOURS * LANES;

/// What a kernel is compiled for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Plan {
    forward: bool,
    /// Groups of threads that have other rows of the same columns.
    groups: usize,
    epilogue: Epilogue,
}

impl Plan {
    /// Tiles of which at least three quarters are wanted; nothing, where there are none.
    fn new(forward: bool, rows: usize, columns: usize, epilogue: Epilogue) -> Option<Self> {
        let plan = |groups| Self {
            forward,
            groups,
            epilogue,
        };
        // The larger tile first: `min_by_key` keeps it where both waste alike.
        [8, 4]
            .map(plan)
            .into_iter()
            .min_by_key(|plan| plan.padded(rows, columns))
            .filter(|plan| plan.padded(rows, columns) * 3 <= rows * columns * 4)
    }

    /// Rows × columns that its workgroups make, those that nobody wants included.
    fn padded(&self, rows: usize, columns: usize) -> usize {
        rows.next_multiple_of(self.row_fours() * LANES)
            * columns.next_multiple_of(self.column_fours() * LANES)
    }

    /// Rows of a workgroup, in fours.
    fn row_fours(&self) -> usize {
        self.groups * FOURS
    }

    /// Columns of a workgroup, in fours.
    fn column_fours(&self) -> usize {
        THREADS / self.groups * FOURS
    }
}

/// Whether it was worth while: tiles can be wasteful for few rows or columns.
pub(in crate::kernel::gpu) fn launch(call: &Call, vertical: Axis, horizontal: Axis) -> bool {
    let [rows, _, _] = call.rows();
    let columns = call.images() * vertical.grid * horizontal.grid;
    let Some(plan) = Plan::new(call.forward, rows, columns, call.epilogue()) else {
        return false;
    };
    let [source, weight, bias, residual, target] = call.buffers();
    // SAFETY: the kernel checks rows, columns, channels and taps against their ends; the buffers have
    // the sizes that the geometry says.
    #[allow(unsafe_code)]
    unsafe {
        tiled::launch_unchecked(
            call.client(),
            CubeCount::Static(
                columns.div_ceil(plan.column_fours() * LANES) as u32,
                fours(rows).div_ceil(plan.row_fours()) as u32,
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
    true
}

#[cube(launch_unchecked)]
#[allow(clippy::too_many_arguments)]
fn tiled<N: Size>(
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
    let unit = UNIT_POS as usize;
    let (groups, row_fours) = comptime![(plan.groups, plan.row_fours())];
    let (across, column_fours) = comptime![(THREADS / plan.groups, plan.column_fours())];
    let first_four = CUBE_POS_Y as usize * row_fours;
    let first_column = CUBE_POS_X as usize * comptime![plan.column_fours() * LANES];
    let (group, place) = (unit / across, unit % across);

    let plane = vertical.grid * horizontal.grid;
    let columns = sizes.images * plane;
    let source_plane = vertical.source * horizontal.source;
    let filter = sizes.kernel * sizes.kernel * sizes.channels;
    let last_four = sizes.rows.div_ceil(LANES) - 1;

    // One more four a channel, so that threads that write side by side do not meet in one bank.
    let weights_stride = comptime![plan.row_fours() + 1];
    let mut weights =
        Shared::<[Vector<f32, N>]>::new_slice(comptime![DEPTH * (plan.row_fours() + 1)]);
    let mut pixels = Shared::<[Vector<f32, N>]>::new_slice(comptime![DEPTH * plan.column_fours()]);

    // Where the four columns lie that this thread brings.
    let brought = unit % column_fours;
    let first = first_column + brought * LANES;
    let mut bring = Columns::new(first, 1usize, &sizes, &vertical, &horizontal, LANES);

    let mut sums = Array::<Vector<f32, N>>::new(comptime![FOURS * COLUMNS]);
    #[unroll]
    for r in 0..FOURS {
        let four = min(first_four + r * groups + group, last_four);
        let four = begin_four::<N>(four, sizes.rows, bias, comptime![plan.epilogue]);
        #[unroll]
        for c in 0..COLUMNS {
            sums[r * COLUMNS + c] = four;
        }
    }

    for ti in 0..vertical.taps {
        let i = vertical.tap_start + ti * vertical.tap_step;
        for tj in 0..horizontal.taps {
            let j = horizontal.tap_start + tj * horizontal.tap_step;
            bring.aim(&vertical, &horizontal, ti, tj, plan.forward);
            let tap = sizes.weight + (i * sizes.kernel + j) * sizes.channels;
            for start in range_stepped(0usize, sizes.channels, DEPTH) {
                // Beyond the last channel, the last one is read, and zeros are kept.
                #[unroll]
                for turn in 0..comptime![plan.row_fours() * DEPTH / THREADS] {
                    let at = unit + turn * THREADS;
                    let (four, k) = (at / DEPTH, at % DEPTH);
                    let channel = min(start + k, sizes.channels - 1);
                    let row = min(first_four + four, last_four);
                    let value = weight[row * filter + tap + channel];
                    weights[k * weights_stride + four] =
                        select(start + k < sizes.channels, value, Vector::new(0.0f32));
                }
                #[unroll]
                for turn in 0..comptime![plan.column_fours() * DEPTH / THREADS] {
                    let k = unit / column_fours + turn * comptime![THREADS / plan.column_fours()];
                    let channel = min(start + k, sizes.channels - 1);
                    let mut four = Vector::<f32, N>::new(0.0f32);
                    #[unroll]
                    for lane in 0..LANES {
                        let value = source[bring.from[lane] + channel * source_plane];
                        four.insert(lane, select(bring.inside[lane], value, 0.0f32));
                    }
                    pixels[k * column_fours + brought] =
                        select(start + k < sizes.channels, four, Vector::new(0.0f32));
                }
                sync_cube();
                #[unroll]
                for k in 0..DEPTH {
                    #[unroll]
                    for r in 0..FOURS {
                        let mine = weights[k * weights_stride + r * groups + group];
                        #[unroll]
                        for c in 0..FOURS {
                            let four = pixels[k * column_fours + c * across + place];
                            #[unroll]
                            for lane in 0..LANES {
                                let at = comptime![r * COLUMNS + c * LANES + lane];
                                sums[at] += mine * Vector::new(four.extract(lane));
                            }
                        }
                    }
                }
                sync_cube();
            }
        }
    }

    #[unroll]
    for c in 0..COLUMNS {
        let column = first_column + (c / LANES * across + place) * LANES + comptime![c % LANES];
        if column < columns {
            let pixel = column % plane;
            let y = pixel / horizontal.grid * vertical.target_step + vertical.target_start;
            let x = pixel % horizontal.grid * horizontal.target_step + horizontal.target_start;
            let image = column / plane * sizes.rows;
            #[unroll]
            for r in 0..comptime![FOURS * LANES] {
                let row = (first_four + r / LANES * groups + group) * LANES + comptime![r % LANES];
                if row < sizes.rows {
                    let at = ((image + row) * vertical.target + y) * horizontal.target + x;
                    let four = sums[comptime![r / LANES * COLUMNS] + c];
                    let sum = four.extract(comptime![r % LANES]);
                    let last = comptime![plan.epilogue];
                    target[at] = finish(sum, at, residual, high, last);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: Epilogue = Epilogue {
        bias: false,
        residual: false,
        clamp_low: false,
        clamp_high: false,
    };

    #[test]
    fn shared_memory_is_within_what_every_webgpu_has() {
        for groups in [8, 4] {
            let plan = Plan {
                forward: true,
                groups,
                epilogue: NONE,
            };
            let fours = DEPTH * (plan.row_fours() + 1 + plan.column_fours());
            assert!(fours * LANES * size_of::<f32>() <= 16384, "{plan:?}");
            assert_eq!(plan.row_fours() * DEPTH % THREADS, 0);
            assert_eq!(plan.column_fours() * DEPTH % THREADS, 0);
        }
    }

    #[test]
    fn tiles_are_taken_where_most_of_them_is_wanted() {
        let groups = |rows, columns| Some(Plan::new(true, rows, columns, NONE)?.groups);
        assert_eq!(groups(64, 56 * 56), Some(8));
        assert_eq!(groups(96, 112 * 112), Some(4));
        assert_eq!(groups(512, 49), Some(8));
        assert_eq!(groups(3, 224 * 224), None);
        assert_eq!(groups(1000, 1), None);
    }
}
