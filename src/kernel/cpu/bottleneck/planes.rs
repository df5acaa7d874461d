//! From channels in planes to channels side by side, and back.

use std::ops::Range;

use super::groups::WHOLE;
use crate::Epilogue;
use crate::geometry::Activation;
use crate::machine::{self as macerator, Simd, with_simd};
use crate::transpose::{QUAD, transposed};
use crate::vector::{clamp, lanes};

/// Puts pixels of planes, from `first` on, where they belong: `width` channels side by side.
pub(super) fn from_planes(
    planes: &[f32],
    plane: usize,
    first: usize,
    places: &[usize],
    target: &mut [f32],
    width: usize,
) {
    let (fours, rest) = places.as_chunks::<QUAD>();
    let channels = (0..).step_by(QUAD);
    for (channel, planes) in channels.zip(planes.chunks(QUAD * plane)) {
        let count = planes.len() / plane;
        let lines: [&[f32]; QUAD] = std::array::from_fn(|k| {
            let plane = planes.get(k * plane + first..).unwrap_or_default();
            &plane[..places.len().min(plane.len())]
        });
        let mut done = 0;
        if count == QUAD {
            let [a, b, c, d] = lines.map(|line| line.as_chunks::<QUAD>().0);
            let squares = a.iter().zip(b).zip(c).zip(d);
            for (places, (((a, b), c), d)) in fours.iter().zip(squares) {
                for (place, pixel) in places.iter().zip(transposed([*a, *b, *c, *d])) {
                    target[place * width + channel..][..QUAD].copy_from_slice(&pixel);
                }
            }
            done = places.len() - rest.len();
        }
        for (k, line) in lines[..count].iter().enumerate() {
            for (place, value) in places.iter().zip(*line).skip(done) {
                target[place * width + channel + k] = *value;
            }
        }
    }
}

/// Writes `pixels` of planes, the first of them `channel`'s, from values \[pixel, `width`\]; then residual and
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
    let channels = (0..).step_by(QUAD);
    for (first, planes) in channels.zip(planes.chunks_mut(QUAD * plane)) {
        let of_plane = |k: usize| k * plane + pixels.start..k * plane + pixels.end;
        let residual = epilogue.residual.map(|residual| {
            let residual = &residual[(channel + first) * plane..];
            std::array::from_fn(|k| residual.get(of_plane(k)).unwrap_or_default())
        });
        let mut targets = planes.chunks_mut(plane);
        let targets = std::array::from_fn(|_| match targets.next() {
            Some(target) => &mut target[pixels.clone()],
            None => &mut [],
        });
        turn(
            &values[first..],
            width,
            targets,
            residual,
            epilogue.activation.range(),
        );
    }
}

/// Four channels of some pixels, or fewer, whose values lie `width` behind each other, into planes.
#[with_simd]
fn turn<'a, S: Simd>(
    values: &[f32],
    width: usize,
    targets: [&'a mut [f32]; QUAD],
    residual: Option<[&'a [f32]; QUAD]>,
    range: [f32; 2],
) {
    let whole = WHOLE * lanes::<S>();
    // If the compiler knows how far, it need not ask whether values are there one by one.
    match (width == whole, range == Activation::Identity.range()) {
        (true, true) => turn_all(values, whole, targets, residual, |value| value),
        (true, false) => turn_all(values, whole, targets, residual, |value| {
            clamp(value, range)
        }),
        (false, _) => turn_all(values, width, targets, residual, |value| {
            clamp(value, range)
        }),
    }
}

#[inline(always)]
fn turn_all(
    values: &[f32],
    width: usize,
    mut targets: [&mut [f32]; QUAD],
    residual: Option<[&[f32]; QUAD]>,
    activate: impl Fn(f32) -> f32,
) {
    let pixels = targets[0].len();
    let mut done = 0;
    if targets[QUAD - 1].len() == pixels {
        let residual = residual.map(|lines| lines.map(|line| line.as_chunks::<QUAD>().0));
        let lines = targets
            .each_mut()
            .map(|line| line.as_chunks_mut::<QUAD>().0);
        let [a, b, c, d] = lines;
        let lines = a.iter_mut().zip(b).zip(c).zip(d);
        let squares = values.chunks(QUAD * width).zip(lines);
        for (at, (values, (((a, b), c), d))) in squares.enumerate() {
            let values = &values[..(QUAD - 1) * width + QUAD];
            let rows = std::array::from_fn(|y| std::array::from_fn(|x| values[y * width + x]));
            for (k, (target, mut line)) in
                [a, b, c, d].into_iter().zip(transposed(rows)).enumerate()
            {
                if let Some(residual) = residual {
                    let others = residual[k][at];
                    line = std::array::from_fn(|x| line[x] + others[x]);
                }
                *target = line.map(&activate);
            }
        }
        done = pixels - pixels % QUAD;
    }
    for (k, target) in targets.iter_mut().enumerate() {
        for (pixel, target) in target.iter_mut().enumerate().skip(done) {
            let others = residual.map_or(0.0, |residual| residual[k][pixel]);
            *target = activate(values[pixel * width + k] + others);
        }
    }
}
