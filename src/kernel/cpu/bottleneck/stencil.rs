//! Depthwise filters over one group of channels, whose values lie side by side.

use std::ops::Range;

use super::after::After;
use super::frame::{Frame, Line};
use super::groups::WHOLE;
use super::products::{Sums, tiles};
use crate::machine::{Simd, WithSimd, mul_add};
use crate::vector::{WIDEST, lanes, load_at, splat};

/// Some rows.
pub(super) struct Stencil<'a> {
    pub(super) frame: &'a Frame,
    pub(super) rows: Range<usize>,
    /// \[tap, channel\].
    pub(super) weights: &'a [f32],
    /// \[channel\].
    pub(super) bias: &'a [f32],
    /// \[pixel with padding, channel\].
    pub(super) given: &'a [f32],
    /// \[pixel, channel\], from the first row on, and how far its pixels lie from each other.
    pub(super) target: &'a mut [f32],
    pub(super) pitch: usize,
    pub(super) after: After<'a>,
}

impl WithSimd for Stencil<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self) {
        let frame = self.frame;
        let first = self.rows.start;
        for row in self.rows.clone() {
            let start = (row - first) * frame.made()[1];
            for line in frame.lines(row, first) {
                match line.step {
                    1 => run_line::<S, 1>(&mut self, &line, start),
                    _ => run_line::<S, 2>(&mut self, &line, start),
                }
            }
        }
    }
}

#[inline(always)]
fn run_line<S: Simd, const STEP: usize>(job: &mut Stencil<'_>, line: &Line<'_>, start: usize) {
    if lanes::<S>() == WIDEST {
        tiles!(line.count, [8, 4, 2], run_tile::<S, STEP>, job, line, start);
    } else {
        tiles!(line.count, [4, 2, 1], run_tile::<S, STEP>, job, line, start);
    }
}

#[inline(always)]
fn run_tile<S: Simd, const STEP: usize, const PIXELS: usize>(
    job: &mut Stencil<'_>,
    line: &Line<'_>,
    start: usize,
    first: usize,
    _done: usize,
) {
    let lanes = lanes::<S>();
    let width = WHOLE * lanes;
    let bias: [_; WHOLE] = std::array::from_fn(|v| load_at::<S>(job.bias, v * lanes));
    let mut sums = [bias; PIXELS];
    let source = line.source + first * STEP;
    for run in line.taps {
        let source = source + run.source;
        // Taps side by side read the same values, which are taken from memory once.
        match run.count {
            3 if lanes < WIDEST => add::<S, STEP, PIXELS, 3>(job, &mut sums, source, run.weights),
            2 if lanes < WIDEST => {
                let [first, second, _] = run.weights;
                add::<S, STEP, PIXELS, 2>(job, &mut sums, source, [first, second]);
            }
            _ => add::<S, STEP, PIXELS, 1>(job, &mut sums, source, [run.weights[0]]),
        }
    }
    let at = start + line.target + first * line.target_step;
    let pitch = job.pitch;
    let place = |pixel: usize| (at + pixel * line.target_step) * pitch;
    let part = |pixel: usize| (at + pixel * line.target_step) * width;
    job.after
        .write::<S, PIXELS>(&sums, job.target, place, part);
}

/// What taps give that read pixels side by side, from `source` on.
#[inline(always)]
fn add<S: Simd, const STEP: usize, const PIXELS: usize, const TAPS: usize>(
    job: &Stencil<'_>,
    sums: &mut Sums<S, PIXELS, WHOLE>,
    source: usize,
    taps: [usize; TAPS],
) {
    let lanes = lanes::<S>();
    let width = WHOLE * lanes;
    let given = &job.given[source * width..][..((PIXELS - 1) * STEP + TAPS) * width];
    for v in 0..WHOLE {
        // No closure, which would not always be compiled into its caller.
        let mut weights = [splat::<S>(0.0); TAPS];
        for (weight, tap) in weights.iter_mut().zip(taps) {
            *weight = load_at::<S>(&job.weights[tap * width..][..width], v * lanes);
        }
        for (pixel, sums) in sums.iter_mut().enumerate() {
            for (tap, weight) in weights.into_iter().enumerate() {
                let value = load_at::<S>(given, (pixel * STEP + tap) * width + v * lanes);
                sums[v] = mul_add::<S>(weight, value, sums[v]);
            }
        }
    }
}
