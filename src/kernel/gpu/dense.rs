//! Dense convolution as a matrix product: rows are target channels, columns the pixels of all
//! images of a batch, and the sum runs over (tap, source channel).
//!
//! A workgroup of 64 threads makes 64 columns of up to 64 rows. It copies a few lines of weights
//! and of source pixels into shared memory; each thread keeps a block of sums in registers.

use cubecl::prelude::*;

use super::pass::{Axis, source_position};

/// Threads of a workgroup, and columns that it makes.
pub(super) const THREADS: usize = 64;
/// Terms of the sum that lie in shared memory at a time.
const DEPTH: usize = 8;

/// What a kernel is compiled for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Plan {
    pub(super) forward: bool,
    /// Rows of a workgroup.
    pub(super) rows: usize,
    /// Rows of a thread.
    pub(super) thread_rows: usize,
    /// Columns of a thread.
    pub(super) thread_columns: usize,
    /// Whether taps and channels are counted together, for few channels.
    pub(super) flat: bool,
    pub(super) bias: bool,
    pub(super) residual: bool,
    /// Whether sums are clamped to `low..` and to `..high`.
    pub(super) clamp_low: bool,
    pub(super) clamp_high: bool,
}

impl Plan {
    /// Blocks that waste few rows and reuse what was loaded.
    pub(super) fn new(forward: bool, channels: usize, source_channels: usize) -> Self {
        let (rows, thread_rows, thread_columns) = match channels {
            0..=16 => (16, 4, 4),
            17..=32 => (32, 4, 8),
            33..=48 | 81..=96 | 129..=144 | 193..=240 => (48, 6, 8),
            _ => (64, 8, 8),
        };
        Self {
            forward,
            rows,
            thread_rows,
            thread_columns,
            flat: source_channels < DEPTH,
            bias: false,
            residual: false,
            clamp_low: false,
            clamp_high: false,
        }
    }
}

/// Sizes that vary from layer to layer.
#[derive(CubeLaunch, CubeType)]
pub(super) struct Sizes {
    pub(super) images: usize,
    /// Source channels.
    pub(super) channels: usize,
    /// Target channels.
    pub(super) rows: usize,
    /// Taps of a row of the whole kernel.
    pub(super) kernel: usize,
    /// Where this direction's weights begin: \[tap, source channel, target channel\].
    pub(super) weight: usize,
}

#[cube(launch_unchecked)]
#[allow(clippy::too_many_arguments)]
pub(super) fn dense(
    source: &[f32],
    weight: &[f32],
    bias: &[f32],
    residual: &[f32],
    target: &mut [f32],
    sizes: Sizes,
    vertical: Axis,
    horizontal: Axis,
    high: f32,
    #[comptime] plan: Plan,
) {
    let rows = comptime![plan.rows];
    let thread_rows = comptime![plan.thread_rows];
    let thread_columns = comptime![plan.thread_columns];
    let column_threads = comptime![THREADS / plan.thread_columns];

    let unit = UNIT_POS as usize;
    let first_column = CUBE_POS_X as usize * THREADS;
    let first_row = CUBE_POS_Y as usize * rows;
    let plane = vertical.grid * horizontal.grid;
    let columns = sizes.images * plane;

    // The column that this thread copies.
    let column = first_column + unit;
    let image = column / plane;
    let pixel = column % plane;
    let y = pixel / horizontal.grid;
    let x = pixel % horizontal.grid;
    let source_plane = vertical.source * horizontal.source;
    let source_image = image * sizes.channels * source_plane;

    let mut weights = Shared::<[f32]>::new_slice(comptime![DEPTH * plan.rows]);
    let mut pixels = Shared::<[f32]>::new_slice(comptime![DEPTH * THREADS]);
    let mut sums = Array::<f32>::new(comptime![plan.thread_rows * plan.thread_columns]);
    #[unroll]
    for k in 0..comptime![plan.thread_rows * plan.thread_columns] {
        sums[k] = 0.0;
    }
    // The block of sums that this thread makes.
    let my_column = unit % column_threads;
    let my_row = unit / column_threads * thread_rows;

    if comptime![plan.flat] {
        let taps = vertical.taps * horizontal.taps;
        let depth = taps * sizes.channels;
        for start in range_stepped(0usize, depth, DEPTH) {
            sync_cube();
            #[unroll]
            for k in 0..DEPTH {
                let term = start + k;
                let channel = term / taps;
                let tap = term % taps;
                let sy = source_position(&vertical, y, tap / horizontal.taps, plan.forward);
                let sx = source_position(&horizontal, x, tap % horizontal.taps, plan.forward);
                let mut value = 0.0f32;
                if term < depth
                    && column < columns
                    && sy < vertical.source
                    && sx < horizontal.source
                {
                    value =
                        source[source_image + channel * source_plane + sy * horizontal.source + sx];
                }
                pixels[k * THREADS + unit] = value;
            }
            #[unroll]
            for l in 0..comptime![DEPTH * plan.rows / THREADS] {
                let at = l * THREADS + unit;
                let term = start + at / rows;
                let row = first_row + at % rows;
                let channel = term / taps;
                let tap = term % taps;
                let i = vertical.tap_start + tap / horizontal.taps * vertical.tap_step;
                let j = horizontal.tap_start + tap % horizontal.taps * horizontal.tap_step;
                let mut value = 0.0f32;
                if term < depth && row < sizes.rows {
                    let line = (i * sizes.kernel + j) * sizes.channels + channel;
                    value = weight[sizes.weight + line * sizes.rows + row];
                }
                weights[at] = value;
            }
            sync_cube();
            multiply(&weights, &pixels, &mut sums, my_row, my_column, plan);
        }
    } else {
        for ti in 0..vertical.taps {
            let sy = source_position(&vertical, y, ti, plan.forward);
            let i = vertical.tap_start + ti * vertical.tap_step;
            for tj in 0..horizontal.taps {
                let sx = source_position(&horizontal, x, tj, plan.forward);
                let j = horizontal.tap_start + tj * horizontal.tap_step;
                let inside = column < columns && sy < vertical.source && sx < horizontal.source;
                let from = source_image + sy * horizontal.source + sx;
                let lines = sizes.weight + (i * sizes.kernel + j) * sizes.channels * sizes.rows;
                for start in range_stepped(0usize, sizes.channels, DEPTH) {
                    sync_cube();
                    #[unroll]
                    for k in 0..DEPTH {
                        let mut value = 0.0f32;
                        if inside && start + k < sizes.channels {
                            value = source[from + (start + k) * source_plane];
                        }
                        pixels[k * THREADS + unit] = value;
                    }
                    #[unroll]
                    for l in 0..comptime![DEPTH * plan.rows / THREADS] {
                        let at = l * THREADS + unit;
                        let channel = start + at / rows;
                        let row = first_row + at % rows;
                        let mut value = 0.0f32;
                        if channel < sizes.channels && row < sizes.rows {
                            value = weight[lines + channel * sizes.rows + row];
                        }
                        weights[at] = value;
                    }
                    sync_cube();
                    multiply(&weights, &pixels, &mut sums, my_row, my_column, plan);
                }
            }
        }
    }

    #[unroll]
    for c in 0..thread_columns {
        let column = first_column + my_column + c * column_threads;
        if column < columns {
            let image = column / plane;
            let pixel = column % plane;
            let y = pixel / horizontal.grid * vertical.target_step + vertical.target_start;
            let x = pixel % horizontal.grid * horizontal.target_step + horizontal.target_start;
            #[unroll]
            for r in 0..thread_rows {
                let row = first_row + my_row + r;
                if row < sizes.rows {
                    let line = (image * sizes.rows + row) * vertical.target + y;
                    let at = line * horizontal.target + x;
                    let mut value = sums[r * thread_columns + c];
                    if comptime![plan.bias] {
                        value += bias[row];
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
            }
        }
    }
}

/// Adds what is in shared memory to a thread's sums.
#[cube]
fn multiply(
    weights: &Shared<[f32]>,
    pixels: &Shared<[f32]>,
    sums: &mut Array<f32>,
    my_row: usize,
    my_column: usize,
    #[comptime] plan: Plan,
) {
    let thread_rows = comptime![plan.thread_rows];
    let thread_columns = comptime![plan.thread_columns];
    let column_threads = comptime![THREADS / plan.thread_columns];
    #[unroll]
    for k in 0..DEPTH {
        let mut line = Array::<f32>::new(comptime![plan.thread_columns]);
        #[unroll]
        for c in 0..thread_columns {
            line[c] = pixels[k * THREADS + my_column + c * column_threads];
        }
        #[unroll]
        for r in 0..thread_rows {
            let w = weights[k * comptime![plan.rows] + my_row + r];
            #[unroll]
            for c in 0..thread_columns {
                sums[r * thread_columns + c] += w * line[c];
            }
        }
    }
}
