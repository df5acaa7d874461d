//! From channels in planes to channels side by side, and back.

use std::ops::Range;

use crate::Epilogue;
use crate::machine::{self as macerator, Simd, with_simd};
use crate::transpose::{QUAD, quad};
use crate::vector::clamp;

/// Pixels that are turned at once: what a line of the cache holds.
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
    let (four, rest) = places.as_chunks::<QUAD>();
    let whole = channels - channels % QUAD;
    for (at, places) in (first..).step_by(QUAD).zip(four) {
        for channel in (0..whole).step_by(QUAD) {
            let pixels = quad(&planes[channel * plane + at..], plane);
            for (&place, pixel) in places.iter().zip(pixels) {
                target[place * width + channel..][..QUAD].copy_from_slice(&pixel);
            }
        }
    }
    let mut one_by_one = |from: usize, places: &[usize], channels: Range<usize>| {
        for (at, &place) in (from..).zip(places) {
            for channel in channels.clone() {
                target[place * width + channel] = planes[channel * plane + at];
            }
        }
    };
    one_by_one(first, places, whole..channels);
    one_by_one(first + places.len() - rest.len(), rest, 0..whole);
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
    let channels = planes.len() / plane;
    for (first, values) in pixels.step_by(PIXELS).zip(values.chunks(PIXELS * width)) {
        let count = values.len() / width;
        for four in (0..channels).step_by(QUAD) {
            let mut lines = [[0.0; PIXELS]; QUAD];
            for at in (0..count - count % QUAD).step_by(QUAD) {
                let square = quad(&values[at * width + four..], width);
                for (line, values) in lines.iter_mut().zip(square) {
                    line[at..at + QUAD].copy_from_slice(&values);
                }
            }
            for at in count - count % QUAD..count {
                let pixel = &values[at * width + four..][..QUAD];
                for (line, &value) in lines.iter_mut().zip(pixel) {
                    line[at] = value;
                }
            }
            for (k, line) in (four..channels).zip(&mut lines) {
                let place = k * plane + first;
                let residual = epilogue.residual.map(|residual| {
                    let of_group = &residual[channel * plane..];
                    &of_group[place..place + count]
                });
                let bias = epilogue.bias.map_or(0.0, |bias| bias[k]);
                finish(line, bias, residual, epilogue.activation.range());
                let target = &mut planes[place..place + count];
                match target.as_chunks_mut::<PIXELS>() {
                    ([target], []) => *target = *line,
                    _ => target.copy_from_slice(&line[..count]),
                }
            }
        }
    }
}

/// What follows the sums.
#[inline(always)]
fn finish(line: &mut [f32; PIXELS], bias: f32, residual: Option<&[f32]>, range: [f32; 2]) {
    for value in line.iter_mut() {
        *value += bias;
    }
    if let Some(residual) = residual {
        for (value, residual) in line.iter_mut().zip(residual) {
            *value += residual;
        }
    }
    for value in line {
        *value = clamp(*value, range);
    }
}
