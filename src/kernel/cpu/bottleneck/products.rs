//! 1×1 filters: for some pixels at once, each source value times all weights of a group of targets.

use std::ops::Range;

use super::after::After;
use super::groups::{Matrix, WHOLE};
use super::strip::BATCH;
use crate::machine::{self, Simd, Vector, WithSimd, mul_add};
use crate::vector::{WIDEST, lanes, load_at, splat, store};

/// Sums of some pixels, some vectors each.
pub(super) type Sums<S, const PIXELS: usize, const VECTORS: usize> =
    [[Vector<S, f32>; VECTORS]; PIXELS];

/// Calls `tile` with how many pixels are done at once, the first of them, and which of them are done already: those of
/// the last ones that others were left over for. Of one pixel that would be left over, the ones before it are one more, if
/// that can be.
macro_rules! tiles {
    ($pixels:expr, [$big:literal, $middle:literal, $small:literal], $tile:ident $($rest:tt)*) => {
        tiles!($pixels, [$big, $big, $middle, $small], $tile $($rest)*)
    };
    ($pixels:expr, [$more:literal, $big:literal, $middle:literal, $small:literal], $tile:ident :: <$($generic:ident),*>, $($argument:expr),*) => {{
        let pixels: usize = $pixels;
        let mut done = 0;
        while done < pixels {
            let rest = pixels - done;
            let first = |size: usize| done.min(pixels - size);
            if $more > $big && rest > $big && rest % $big == 1 {
                $tile::<$($generic,)* $more>($($argument,)* done, 0);
                done += $more;
            } else if rest > $middle && pixels >= $big {
                let first = first($big);
                $tile::<$($generic,)* $big>($($argument,)* first, done - first);
                done = first + $big;
            } else if rest > $small && pixels >= $middle {
                let first = first($middle);
                $tile::<$($generic,)* $middle>($($argument,)* first, done - first);
                done = first + $middle;
            } else if pixels >= $small {
                let first = first($small);
                $tile::<$($generic,)* $small>($($argument,)* first, done - first);
                done = first + $small;
            } else {
                $tile::<$($generic,)* 1>($($argument,)* done, 0);
                done += 1;
            }
        }
    }};
}
pub(super) use tiles;

/// One group of targets from the planes of an image.
pub(super) struct FromPlanes<'a> {
    pub(super) matrix: &'a Matrix,
    pub(super) group: usize,
    /// Weights that are read next.
    pub(super) ahead: &'a [f32],
    /// \[source, pixel\].
    pub(super) given: &'a [f32],
    /// Values of a plane, and the first that counts.
    pub(super) plane: usize,
    pub(super) first: usize,
    /// Where each pixel that counts goes.
    pub(super) places: &'a [usize],
    pub(super) target: &'a mut [f32],
    /// From the first pixel on.
    pub(super) after: After<'a>,
}

impl WithSimd for FromPlanes<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self) {
        let job = &mut self;
        if lanes::<S>() == WIDEST {
            tiles!(job.places.len(), [13, 12, 8, 4], from_planes::<S>, job);
        } else {
            tiles!(job.places.len(), [4, 2, 1], from_planes::<S>, job);
        }
    }
}

#[inline(always)]
fn from_planes<S: Simd, const PIXELS: usize>(job: &mut FromPlanes<'_>, first: usize, _done: usize) {
    let lanes = lanes::<S>();
    let width = WHOLE * lanes;
    let bias = job.matrix.bias(job.group);
    let bias: [_; WHOLE] = std::array::from_fn(|v| load_at::<S>(bias, v * lanes));
    let mut sums: Sums<S, PIXELS, WHOLE> = [bias; PIXELS];
    let weights = job.matrix.group(job.group).chunks_exact(width);
    let planes = job.given.chunks_exact(job.plane);
    let at = job.first + first;
    // The next group's weights come from far while this one's pixels are made.
    let ahead = first / PIXELS * job.matrix.sources;
    let distance = width.div_ceil(job.places.len() / PIXELS);
    job.after.prefetch::<S>(PIXELS, (first, 1));
    for (k, (weights, plane)) in weights.zip(planes).enumerate() {
        machine::prefetch(job.ahead, (ahead + k) * distance);
        let weights: [_; WHOLE] = std::array::from_fn(|v| load_at::<S>(weights, v * lanes));
        let values = &plane[at..at + PIXELS];
        add::<S, PIXELS, WHOLE>(&mut sums, weights, |pixel| values[pixel]);
    }
    let places = &job.places[first..first + PIXELS];
    let place = |pixel| places[pixel] * width;
    job.after
        .write::<S, PIXELS>(&sums, job.target, place, (first, 1));
}

/// What a value of each pixel gives.
#[inline(always)]
fn add<S: Simd, const PIXELS: usize, const VECTORS: usize>(
    sums: &mut Sums<S, PIXELS, VECTORS>,
    weights: [Vector<S, f32>; VECTORS],
    value: impl Fn(usize) -> f32,
) {
    for (pixel, sums) in sums.iter_mut().enumerate() {
        let value = splat::<S>(value(pixel));
        for (sum, weight) in sums.iter_mut().zip(weights) {
            *sum = mul_add::<S>(weight, value, *sum);
        }
    }
}

/// All targets from some sources; added to what is there, if these are not the first.
pub(super) struct FromGroups<'a> {
    pub(super) matrix: &'a Matrix,
    /// At most [`BATCH`].
    pub(super) sources: Range<usize>,
    pub(super) pixels: usize,
    /// \[pixel, [`BATCH`]\].
    pub(super) given: &'a [f32],
    /// \[group of targets, pixel, targets of the group\].
    pub(super) sums: &'a mut [f32],
}

impl WithSimd for FromGroups<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self) {
        let job = &mut self;
        if lanes::<S>() == WIDEST {
            tiles!(job.pixels, [13, 12, 8, 4], from_groups::<S>, job);
        } else {
            tiles!(job.pixels, [4, 2, 1], from_groups::<S>, job);
        }
    }
}

#[inline(always)]
fn from_groups<S: Simd, const PIXELS: usize>(job: &mut FromGroups<'_>, first: usize, done: usize) {
    let targets = job.matrix.targets;
    for group in 0..targets.count() {
        if targets.width(group) == WHOLE * lanes::<S>() {
            from_groups_to::<S, PIXELS, WHOLE>(job, group, first, done);
        } else {
            from_groups_to::<S, PIXELS, 1>(job, group, first, done);
        }
    }
}

#[inline(always)]
fn from_groups_to<S: Simd, const PIXELS: usize, const VECTORS: usize>(
    job: &mut FromGroups<'_>,
    group: usize,
    first: usize,
    done: usize,
) {
    let lanes = lanes::<S>();
    let width = VECTORS * lanes;
    let targets = job.matrix.targets.start(group) * job.pixels + first * width;
    let bias = job.matrix.bias(group);
    let bias: [_; VECTORS] = std::array::from_fn(|v| load_at::<S>(bias, v * lanes));
    let mut sums: Sums<S, PIXELS, VECTORS> = [bias; PIXELS];
    // Sums go on where those of the batch before ended.
    if job.sources.start > 0 {
        let before = &job.sums[targets..][..PIXELS * width];
        for (pixel, sums) in sums.iter_mut().enumerate() {
            for (v, sum) in sums.iter_mut().enumerate() {
                *sum = load_at::<S>(before, pixel * width + v * lanes);
            }
        }
    }
    let (sources, weights) = (job.sources.len(), job.matrix.group(group));
    // Those of the next batch come from far while this one's pixels are made.
    let ahead = &weights[job.sources.end * width..];
    let ahead = &ahead[..ahead.len().min(BATCH * width)];
    let step = first / PIXELS * sources;
    let distance = width.div_ceil(job.pixels / PIXELS);
    let weights = weights[job.sources.start * width..].chunks_exact(width);
    let apart = (PIXELS - 1) * BATCH;
    let given = &job.given[first * BATCH..][..apart + sources];
    for (k, (weights, values)) in weights.zip(given.windows(apart + 1)).enumerate() {
        machine::prefetch(ahead, (step + k) * distance);
        let weights: [_; VECTORS] = std::array::from_fn(|v| load_at::<S>(weights, v * lanes));
        add::<S, PIXELS, VECTORS>(&mut sums, weights, |pixel| values[pixel * BATCH]);
    }
    let targets = &mut job.sums[targets..][..PIXELS * width];
    for (pixel, sums) in sums.iter().enumerate() {
        // Others have done these: once more would be once too often.
        if pixel < done {
            continue;
        }
        for (v, sum) in sums.iter().enumerate() {
            store::<S>(&mut targets[pixel * width + v * lanes..], *sum);
        }
    }
}
