//! One direction of an image: a few rows of a few channels at a time, from one layer to the next.

use std::ops::Range;

use super::Bottleneck;
use super::after::After;
use super::channels::{add_products, scale};
use super::frame::Frame;
use super::groups::{Aligned, Matrix};
use super::planes::{from_planes, to_planes};
use super::products::{FromGroups, FromPlanes};
use super::stencil::Stencil;
use crate::Epilogue;
use crate::machine::AutoArch;

/// Values between the layers that are held at once: half of what a small second cache has.
const HELD: usize = 96 * 1024;
/// Channels that the last layer takes at once, side by side, so that sums are rarely written and read again.
pub(super) const BATCH: usize = 64;

/// One direction.
#[derive(Debug, Clone)]
pub(super) struct Way {
    /// To the channels between. Where there is none, they are what is given.
    pub(super) first: Option<Matrix>,
    pub(super) frame: Frame,
    /// \[group, tap, channel\].
    pub(super) filters: Aligned,
    /// \[group, channel\].
    pub(super) bias: Aligned,
    /// From the channels between. Where there is none, they are the result.
    pub(super) last: Option<Matrix>,
}

#[derive(Default)]
pub(super) struct Scratch {
    /// Of one group: what the depthwise filters read.
    wide: Aligned,
    /// What they make, \[pixel, [`BATCH`]\], or of one group, if that is the result.
    narrow: Aligned,
    /// The same of one group that is followed by a function for lines.
    line: Aligned,
    sums: Aligned,
    places: Vec<usize>,
    /// All channels between, of all pixels.
    pub(super) middle: Aligned,
}

/// What a direction begins with.
#[derive(Clone, Copy)]
pub(super) enum Begin<'a> {
    /// Planes, for the first layer.
    Planes(&'a [f32]),
    /// What the first layer made of them, \[group, pixel, channel\], with a factor and a term of each channel.
    Wide {
        values: &'a [f32],
        factors: &'a [f32],
        terms: &'a [f32],
    },
}

/// What it ends with.
pub(super) enum End<'a> {
    /// The last layer's planes.
    Planes(Epilogue<'a>, &'a mut [f32]),
    /// What the depthwise filters made, \[group, pixel, channel\].
    Wide(&'a mut [f32]),
}

impl Bottleneck {
    /// One image, one direction. `after`: after the first layer of this direction, and after the depthwise filters.
    pub(super) fn run(
        &self,
        way: &Way,
        begin: Begin<'_>,
        mut end: End<'_>,
        after: &mut [After<'_>; 2],
        scratch: &mut Scratch,
    ) {
        let [rows, _] = way.frame.made();
        let at_once = self.rows_at_once(way);
        for first in (0..rows).step_by(at_once) {
            let rows = first..rows.min(first + at_once);
            self.strip(way, &rows, begin, &mut end, after, scratch);
        }
    }

    /// Groups that are filtered before the last layer takes them.
    fn batch(&self) -> usize {
        BATCH / self.middle.width(0)
    }

    /// Channels between of some groups.
    fn sources(&self, groups: &Range<usize>) -> Range<usize> {
        let end = self.middle.start(groups.end);
        self.middle.start(groups.start)..end.min(self.middle.channels)
    }

    /// Rows of the target that are made at once: about the same number each time.
    fn rows_at_once(&self, way: &Way) -> usize {
        let [rows, columns] = way.frame.made();
        let held = |rows: usize| {
            let window = way.frame.window(&(0..rows)).rows * way.frame.pitch;
            window * self.middle.width(0) + rows * columns * BATCH
        };
        let most = (1..=rows).rev().find(|&rows| held(rows) <= HELD);
        rows.div_ceil(rows.div_ceil(most.unwrap_or(1)))
    }

    /// Rows of the output that a forward pass makes at once.
    pub fn rows_a_strip(&self) -> usize {
        self.rows_at_once(&self.forward)
    }

    fn strip(
        &self,
        way: &Way,
        rows: &Range<usize>,
        begin: Begin<'_>,
        end: &mut End<'_>,
        after: &mut [After<'_>; 2],
        scratch: &mut Scratch,
    ) {
        let width = self.middle.width(0);
        let window = way.frame.window(rows);
        let [given_plane, made_plane] =
            [way.frame.given(), way.frame.made()].map(|[height, width]| height * width);
        let [given_row, made_row] = [way.frame.given(), way.frame.made()].map(|size| size[1]);
        let (given_first, made_first) = (window.real.start * given_row, rows.start * made_row);
        let (pixels, read) = (rows.len() * made_row, window.real.len() * given_row);
        let part = made_first..made_first + pixels;
        let Scratch {
            wide,
            narrow,
            line,
            sums,
            places,
            ..
        } = scratch;
        way.frame.places(&window, places);
        let wide = wide.at_least(window.rows * way.frame.pitch * width);
        // What is not written below is padding.
        way.frame.clear(&window, width, wide);
        let narrow = narrow.at_least(pixels * BATCH);
        let targets = way.last.as_ref().map(|last| last.targets);
        let sums = sums.at_least(targets.map_or(0, |targets| targets.padded() * pixels));
        let taps = self.geometry.filter.taps();
        let groups = self.middle.count();
        for first in (0..groups).step_by(self.batch()) {
            let batch = first..groups.min(first + self.batch());
            for (place, group) in batch.clone().enumerate() {
                let channels = self.middle.start(group);
                let before =
                    after[0].part(channels * given_plane + given_first * width, read * width);
                let [tiles, mut lines] = before.split();
                match (begin, &way.first) {
                    (Begin::Planes(given), Some(matrix)) => {
                        AutoArch::new().dispatch(FromPlanes {
                            matrix,
                            group,
                            ahead: if group + 1 < groups {
                                matrix.group(group + 1)
                            } else {
                                &[]
                            },
                            given,
                            plane: given_plane,
                            first: given_first,
                            places,
                            target: wide,
                            after: tiles,
                        });
                    }
                    (Begin::Planes(given), None) => {
                        let planes = &given[channels * given_plane..];
                        let planes = &planes[..self.middle.real(group) * given_plane];
                        from_planes(planes, given_plane, given_first, places, wide, width);
                    }
                    (
                        Begin::Wide {
                            values,
                            factors,
                            terms,
                        },
                        _,
                    ) => {
                        let mut tiles = tiles;
                        let values = &values[channels * given_plane + given_first * width..];
                        let [factors, terms] =
                            [factors, terms].map(|values| &values[channels..][..width]);
                        let rows = values[..read * width].chunks_exact(given_row * width);
                        for ((k, values), place) in
                            rows.enumerate().zip(places.iter().step_by(given_row))
                        {
                            let line = &mut wide[place * width..][..given_row * width];
                            scale(values, factors, Some(terms), line, width);
                            tiles.line(line, k * given_row * width);
                        }
                    }
                }
                for (k, place) in places.iter().step_by(given_row).enumerate() {
                    let line = &mut wide[place * width..][..given_row * width];
                    lines.line(line, k * given_row * width);
                }
                let behind =
                    after[1].part(channels * made_plane + made_first * width, pixels * width);
                let [tiles, mut lines] = behind.split();
                let filter = |target: &mut [f32], pitch| {
                    AutoArch::new().dispatch(Stencil {
                        frame: &way.frame,
                        rows: rows.clone(),
                        weights: &way.filters.values()[channels * taps..][..width * taps],
                        bias: &way.bias.values()[channels..][..width],
                        given: wide,
                        target,
                        pitch,
                        after: tiles,
                    });
                };
                match end {
                    End::Wide(made) => {
                        let first = channels * made_plane + made_first * width;
                        let made = &mut made[first..][..pixels * width];
                        filter(made, width);
                        lines.line(made, 0);
                    }
                    End::Planes(..) if way.last.is_some() => {
                        let narrow = &mut narrow[place * width..];
                        if let After::Nothing = lines {
                            filter(narrow, BATCH);
                        } else {
                            let line = line.at_least(pixels * width);
                            filter(line, width);
                            lines.line(line, 0);
                            let pixels = narrow.chunks_mut(BATCH).zip(line.chunks_exact(width));
                            pixels.for_each(|(narrow, line)| narrow[..width].copy_from_slice(line));
                        }
                    }
                    End::Planes(epilogue, target) => {
                        let narrow = &mut narrow[..pixels * width];
                        filter(narrow, width);
                        lines.line(narrow, 0);
                        let planes = &mut target[channels * made_plane..];
                        let planes = &mut planes[..self.middle.real(group) * made_plane];
                        let (part, epilogue) = (part.clone(), *epilogue);
                        to_planes(narrow, width, planes, made_plane, part, channels, epilogue);
                    }
                }
            }
            if let (End::Planes(..), Some(matrix)) = (&*end, &way.last) {
                AutoArch::new().dispatch(FromGroups {
                    matrix,
                    sources: self.sources(&batch),
                    pixels,
                    given: narrow,
                    sums,
                });
            }
        }
        if let (End::Planes(epilogue, target), Some(matrix)) = (end, &way.last) {
            spread(matrix, sums, target, made_plane, part, *epilogue);
        }
    }

    /// The last layer of an image, of values between that are multiplied by each channel's gate.
    pub(super) fn project(
        &self,
        values: &[f32],
        gates: &[f32],
        epilogue: Epilogue<'_>,
        target: &mut [f32],
        scratch: &mut Scratch,
    ) {
        let Some(matrix) = &self.forward.last else {
            return;
        };
        let width = self.middle.width(0);
        let [height, row] = self.geometry.output;
        let (plane, groups) = (height * row, self.middle.count());
        let at_once = self.rows_at_once(&self.forward) * row;
        for first in (0..plane).step_by(at_once) {
            let part = first..plane.min(first + at_once);
            let pixels = part.len();
            let narrow = scratch.narrow.at_least(pixels * BATCH);
            let sums = scratch.sums.at_least(matrix.targets.padded() * pixels);
            for group in (0..groups).step_by(self.batch()) {
                let batch = group..groups.min(group + self.batch());
                for (place, group) in batch.clone().enumerate() {
                    let channels = self.middle.start(group);
                    let values = &values[channels * plane + first * width..][..pixels * width];
                    let narrow = &mut narrow[place * width..];
                    scale(values, &gates[channels..][..width], None, narrow, BATCH);
                }
                AutoArch::new().dispatch(FromGroups {
                    matrix,
                    sources: self.sources(&batch),
                    pixels,
                    given: narrow,
                    sums,
                });
            }
            spread(matrix, sums, target, plane, part, epilogue);
        }
    }

    /// What the projection's gradient gives for each value between, as if nothing were multiplied there, and the gradient of
    /// the gates, which were multiplied with what was `made`.
    pub(super) fn gates_gradient(
        &self,
        matrix: &Matrix,
        gradient: &[f32],
        made: &[f32],
        values: &mut [f32],
        scratch: &mut Scratch,
    ) -> Vec<f32> {
        let width = self.middle.width(0);
        let [height, row] = self.geometry.output;
        let (plane, groups) = (height * row, self.middle.count());
        let mut gates = vec![0.0; self.middle.padded()];
        let at_once = self.rows_at_once(&self.forward) * row;
        for first in (0..plane).step_by(at_once) {
            let pixels = at_once.min(plane - first);
            scratch.places.clear();
            scratch.places.extend(0..pixels);
            for group in 0..groups {
                let channels = self.middle.start(group);
                let part = channels * plane + first * width;
                let part = part..part + pixels * width;
                AutoArch::new().dispatch(FromPlanes {
                    matrix,
                    group,
                    ahead: if group + 1 < groups {
                        matrix.group(group + 1)
                    } else {
                        &[]
                    },
                    given: gradient,
                    plane,
                    first,
                    places: &scratch.places,
                    target: &mut values[part.clone()],
                    after: After::Nothing,
                });
                let gates = &mut gates[channels..][..width];
                add_products(&values[part.clone()], &made[part], gates);
            }
        }
        gates
    }
}

/// Brings a layer's sums \[group, pixel, channel\] into planes.
fn spread(
    matrix: &Matrix,
    sums: &[f32],
    target: &mut [f32],
    plane: usize,
    part: Range<usize>,
    epilogue: Epilogue<'_>,
) {
    let pixels = part.len();
    for group in 0..matrix.targets.count() {
        let (start, width) = (matrix.targets.start(group), matrix.targets.width(group));
        let values = &sums[start * pixels..][..width * pixels];
        let planes = &mut target[start * plane..][..matrix.targets.real(group) * plane];
        to_planes(values, width, planes, plane, part.clone(), start, epilogue);
    }
}
