//! From channels in planes to channels side by side, and back.

use std::ops::Range;

use crate::Epilogue;
use crate::machine::{self as macerator, Simd, with_simd};
use crate::vector::clamp;

/// Pixels that are turned at once.
const PIXELS: usize = 16;

/// Puts pixels of planes, from `first` on, where they belong: `width` channels side by side.
pub(super) fn from_planes(
    planes: &[f32],
    plane: usize,
    first: usize,
    places: &[usize],
    target: &mut [f32],
    width: usize,
) {
    let channels = planes.len() / plane;
    for (at, &place) in (first..).zip(places) {
        let pixel = planes[at..].iter().step_by(plane);
        let target = target[place * width..][..channels].iter_mut();
        target
            .zip(pixel)
            .for_each(|(target, &value)| *target = value);
    }
}

/// Writes `pixels` of planes, the first of them `channel`'s, from values \[pixel, `width`\]; then bias, residual and
/// activation follow.
pub(super) fn to_planes(
    values: &[f32],
    width: usize,
    planes: &mut [f32],
    plane: usize,
    pixels: Range<usize>,
    channel: usize,
    epilogue: Epilogue<'_>,
) {
    let job = Planes {
        width,
        plane,
        channel,
        epilogue,
    };
    turn(&job, values, planes, pixels);
}

struct Planes<'a> {
    width: usize,
    plane: usize,
    channel: usize,
    epilogue: Epilogue<'a>,
}

#[with_simd]
fn turn<'a, S: Simd>(job: &Planes<'a>, values: &[f32], planes: &mut [f32], pixels: Range<usize>) {
    let &Planes {
        width,
        plane,
        channel,
        epilogue,
    } = job;
    let range = epilogue.activation.range();
    for (first, values) in pixels
        .clone()
        .step_by(PIXELS)
        .zip(values.chunks(PIXELS * width))
    {
        let part = first..pixels.end.min(first + PIXELS);
        for (k, line) in planes.chunks_exact_mut(plane).enumerate() {
            let bias = epilogue.bias.map_or(0.0, |bias| bias[k]);
            let sums = values[k..].iter().step_by(width).map(|sum| sum + bias);
            let line = line[part.clone()].iter_mut().zip(sums);
            match epilogue.residual {
                Some(residual) => {
                    let residual = &residual[(channel + k) * plane..][part.clone()];
                    for ((value, sum), residual) in line.zip(residual) {
                        *value = clamp(sum + residual, range);
                    }
                }
                None => line.for_each(|(value, sum)| *value = clamp(sum, range)),
            }
        }
    }
}
