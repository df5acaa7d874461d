//! Depthwise filters over one group of channels, whose values lie side by side.

use std::ops::Range;

use super::after::After;
use super::frame::{Frame, Line};
use super::groups::WHOLE;
use super::products::{tiles, write};
use crate::machine::{Simd, WithSimd, mul_add};
use crate::vector::{WIDEST, lanes, load_at};

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
    /// \[pixel, channel\], from the first row on.
    pub(super) target: &'a mut [f32],
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
        tiles!(line.count, [4, 3, 2], run_tile::<S, STEP>, job, line, start);
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
    for tap in line.taps {
        let weights = &job.weights[tap.weight * width..][..width];
        let weights: [_; WHOLE] = std::array::from_fn(|v| load_at::<S>(weights, v * lanes));
        let given =
            &job.given[(source + tap.source) * width..][..((PIXELS - 1) * STEP + 1) * width];
        for (pixel, sums) in sums.iter_mut().enumerate() {
            for (v, (sum, weight)) in sums.iter_mut().zip(weights).enumerate() {
                let value = load_at::<S>(given, pixel * STEP * width + v * lanes);
                *sum = mul_add::<S>(weight, value, *sum);
            }
        }
    }
    let at = start + line.target + first * line.target_step;
    let place = |pixel: usize| (at + pixel * line.target_step) * width;
    write::<S, PIXELS>(&sums, job.target, place);
    job.after.apply::<S, PIXELS>(job.target, place, place);
}
