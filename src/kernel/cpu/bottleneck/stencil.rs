//! Depthwise filters over one group of channels, whose values lie side by side.

use std::ops::Range;

use super::after::After;
use super::frame::{Frame, Line, Taps};
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
    let bias: [_; WHOLE] = std::array::from_fn(|v| load_at::<S>(job.bias, v * lanes));
    let mut sums = [bias; PIXELS];
    let source = line.source + first * STEP;
    let at = start + line.target + first * line.target_step;
    let part = (at, line.target_step);
    job.after.prefetch::<S>(PIXELS, part);
    // Taps side by side read the same values, which are taken from memory once.
    match line.taps.at_once {
        7 if lanes < WIDEST => add::<S, STEP, PIXELS, 7>(job, &mut sums, line.taps, source),
        5 if lanes < WIDEST => add::<S, STEP, PIXELS, 5>(job, &mut sums, line.taps, source),
        3 if lanes < WIDEST => add::<S, STEP, PIXELS, 3>(job, &mut sums, line.taps, source),
        2 if lanes < WIDEST => add::<S, STEP, PIXELS, 2>(job, &mut sums, line.taps, source),
        _ => add::<S, STEP, PIXELS, 1>(job, &mut sums, line.taps, source),
    }
    let pitch = job.pitch;
    let place = |pixel: usize| (at + pixel * line.target_step) * pitch;
    job.after.write::<S, PIXELS>(&sums, job.target, place, part);
}

/// What taps give, so many at once, from pixel `source` on.
#[inline(always)]
fn add<S: Simd, const STEP: usize, const PIXELS: usize, const TAPS: usize>(
    job: &Stencil<'_>,
    sums: &mut Sums<S, PIXELS, WHOLE>,
    taps: &Taps,
    source: usize,
) {
    let width = WHOLE * lanes::<S>();
    let given = &job.given[source * width..];
    let weights = job.weights[taps.first * width..].chunks_exact(TAPS * width);
    for (weights, at) in weights.zip(&taps.sources) {
        let given = &given[at * width..][..((PIXELS - 1) * STEP + TAPS) * width];
        // As many as there are registers for.
        let (mut done, rest) = (0, |done: usize| TAPS - done);
        if rest(done) >= 3 {
            some::<S, STEP, PIXELS, 3>(sums, &weights[done * width..], &given[done * width..]);
            done += 3;
        }
        while rest(done) >= 2 {
            some::<S, STEP, PIXELS, 2>(sums, &weights[done * width..], &given[done * width..]);
            done += 2;
        }
        if rest(done) == 1 {
            some::<S, STEP, PIXELS, 1>(sums, &weights[done * width..], &given[done * width..]);
        }
    }
}

/// What some taps side by side give.
#[inline(always)]
fn some<S: Simd, const STEP: usize, const PIXELS: usize, const TAPS: usize>(
    sums: &mut Sums<S, PIXELS, WHOLE>,
    weights: &[f32],
    given: &[f32],
) {
    let lanes = lanes::<S>();
    let width = WHOLE * lanes;
    for v in 0..WHOLE {
        // No closure, which would not always be compiled into its caller.
        let mut values = [splat::<S>(0.0); TAPS];
        for (tap, value) in values.iter_mut().enumerate() {
            *value = load_at::<S>(weights, tap * width + v * lanes);
        }
        for (pixel, sums) in sums.iter_mut().enumerate() {
            for (tap, weight) in values.into_iter().enumerate() {
                let value = load_at::<S>(given, (pixel * STEP + tap) * width + v * lanes);
                sums[v] = mul_add::<S>(weight, value, sums[v]);
            }
        }
    }
}
