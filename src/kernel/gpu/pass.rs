//! What a kernel is told about a convolution: its sizes, one grid of outputs and the taps it reads.

use cubecl::prelude::*;

use crate::kernel::Geometry;

/// Rows (target channels) that lie side by side in the packed weights.
pub(super) const LANES: usize = 4;

/// Fours of rows, the last one perhaps not full.
pub(super) fn fours(rows: usize) -> usize {
    rows.div_ceil(LANES)
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
    /// Where this direction's weights begin, in fours: \[⌈target channels / 4⌉, tap, source
    /// channel\].
    pub(super) weight: usize,
}

/// Positions on one axis. Output `k` of the grid reads, for tap `t`, source `k · step + t − offset`
/// on the way forward and `k + offset − t` on the way back, where that is within the source, and
/// writes target `k · target_step + target_start`.
#[derive(CubeLaunch, CubeType, Debug, Clone, Copy)]
pub(super) struct Axis {
    pub(super) source: usize,
    pub(super) grid: usize,
    pub(super) taps: usize,
    pub(super) step: usize,
    pub(super) offset: usize,
    pub(super) target: usize,
    pub(super) target_step: usize,
    pub(super) target_start: usize,
    /// Tap `t` is the kernel's element `tap_start + t · tap_step`.
    pub(super) tap_start: usize,
    pub(super) tap_step: usize,
}

impl Axis {
    /// The way forward: the whole axis at once.
    pub(super) fn forward(g: &Geometry, dimension: usize) -> Self {
        Self {
            source: g.input[dimension],
            grid: g.output[dimension],
            taps: g.filter.kernel,
            step: g.filter.stride,
            offset: g.padding_before[dimension],
            target: g.output[dimension],
            target_step: 1,
            target_start: 0,
            tap_start: 0,
            tap_step: 1,
        }
    }

    /// The way back: one for each remainder by the stride.
    pub(super) fn backward(g: &Geometry, dimension: usize) -> Vec<Self> {
        let (kernel, stride) = (g.filter.kernel, g.filter.stride);
        (0..stride)
            .map(|remainder| {
                let phase = g.phase(dimension, remainder);
                Self {
                    source: g.output[dimension],
                    grid: phase.count,
                    taps: kernel.saturating_sub(remainder).div_ceil(stride),
                    step: 1,
                    offset: phase.first,
                    target: g.input[dimension],
                    target_step: stride,
                    target_start: phase.target,
                    tap_start: remainder,
                    tap_step: stride,
                }
            })
            .filter(|axis| axis.grid > 0)
            .collect()
    }

    pub(super) fn launch(self) -> AxisLaunch {
        AxisLaunch::new(
            self.source,
            self.grid,
            self.taps,
            self.step,
            self.offset,
            self.target,
            self.target_step,
            self.target_start,
            self.tap_start,
            self.tap_step,
        )
    }
}

/// Where output `position` of a grid reads for `tap`; beyond the source, and past the largest
/// index on the low side, where there are only zeros.
#[cube]
pub(super) fn source_position(
    axis: &Axis,
    position: usize,
    tap: usize,
    #[comptime] forward: bool,
) -> usize {
    if comptime![forward] {
        position * axis.step + tap - axis.offset
    } else {
        position + axis.offset - tap
    }
}

/// Some columns of the product, pixels of all images of a batch, and where they read.
#[derive(CubeType)]
pub(super) struct Columns {
    pub(super) ys: Array<usize>,
    pub(super) xs: Array<usize>,
    images: Array<usize>,
    /// Whether the tap that they were [aimed](Columns::aim) at is within the source.
    pub(super) inside: Array<bool>,
    /// Where they read for it in the first channel.
    pub(super) from: Array<usize>,
    #[cube(comptime)]
    count: usize,
}

#[cube]
impl Columns {
    /// `count` of them, `step` apart; beyond the last one, the last again.
    pub(super) fn new(
        first: usize,
        step: usize,
        sizes: &Sizes,
        vertical: &Axis,
        horizontal: &Axis,
        #[comptime] count: usize,
    ) -> Columns {
        let plane = vertical.grid * horizontal.grid;
        let last = sizes.images * plane - 1;
        let image = sizes.channels * vertical.source * horizontal.source;
        let mut ys = Array::<usize>::new(count);
        let mut xs = Array::<usize>::new(count);
        let mut images = Array::<usize>::new(count);
        #[unroll]
        for c in 0..count {
            let column = min(first + c * step, last);
            let pixel = column % plane;
            ys[c] = pixel / horizontal.grid;
            xs[c] = pixel % horizontal.grid;
            images[c] = column / plane * image;
        }
        Columns {
            ys,
            xs,
            images,
            inside: Array::<bool>::new(count),
            from: Array::<usize>::new(count),
            count,
        }
    }

    /// Looks for what they read for a tap.
    pub(super) fn aim(
        &mut self,
        vertical: &Axis,
        horizontal: &Axis,
        ti: usize,
        tj: usize,
        #[comptime] forward: bool,
    ) {
        #[unroll]
        for c in 0..self.count {
            let sy = source_position(vertical, self.ys[c], ti, forward);
            let sx = source_position(horizontal, self.xs[c], tj, forward);
            let here = sy < vertical.source && sx < horizontal.source;
            self.inside[c] = here;
            // Outside, something is read all the same, and not used.
            self.from[c] = select(here, self.images[c] + sy * horizontal.source + sx, 0);
        }
    }
}
