//! Where the depthwise filters of one direction read, and what they make of it.
//!
//! Their source lies in rows with zeros on all sides, as far as any filter reaches. Forward, filters step over it by
//! their stride. Backward, every pixel of the target takes those taps that reach it, which are the same for all pixels
//! whose row and column leave the same remainder by the stride.

use std::ops::Range;

use super::groups::Groups;
use crate::geometry::{Geometry, Size};
use crate::vector::WIDEST;
use crate::walk::{Direction, Tap};

/// See the [module](self).
#[derive(Debug, Clone)]
pub(super) struct Frame {
    geometry: Geometry,
    direction: Direction,
    /// Taps by remainder of row and column.
    taps: Vec<Vec<Run>>,
    /// Pixels of a row of the source, zeros included.
    pub(super) pitch: usize,
    /// Zeros to the left.
    left: usize,
}

/// Taps that are done in one go at most, where registers are as few as browsers have; where they
/// are many and wide, sums would leave them for a loop within a loop.
pub(super) const MOST_TAPS: usize = 3;

/// Taps that read pixels side by side.
#[derive(Debug, Clone, Copy)]
pub(super) struct Run {
    /// Which weights they are, in the order in which they read.
    pub(super) weights: [usize; MOST_TAPS],
    pub(super) count: usize,
    /// Where the first one reads, in pixels.
    pub(super) source: usize,
}

impl Run {
    /// All of some taps, whose sources are in pixels.
    fn all(mut taps: Vec<Tap>) -> Vec<Self> {
        let most = match Groups::new(1).lanes {
            WIDEST => 1,
            _ => MOST_TAPS,
        };
        taps.sort_by_key(|tap| tap.source);
        let mut runs: Vec<Self> = Vec::new();
        for tap in taps {
            match runs.last_mut() {
                Some(run) if run.count < most && run.source + run.count == tap.source => {
                    run.weights[run.count] = tap.weight;
                    run.count += 1;
                }
                _ => runs.push(Self {
                    weights: [tap.weight; MOST_TAPS],
                    count: 1,
                    source: tap.source,
                }),
            }
        }
        runs
    }
}

/// Rows of the source that some rows of the target read.
#[derive(Debug, Clone)]
pub(super) struct Window {
    /// The first one, counted from the source's own first.
    origin: isize,
    /// How many there are.
    pub(super) rows: usize,
    /// Those that exist.
    pub(super) real: Range<usize>,
}

/// Pixels of a target's row that take the same taps.
#[derive(Debug, Clone, Copy)]
pub(super) struct Line<'a> {
    pub(super) taps: &'a [Run],
    /// Where the first one's taps begin, and the distance to those of the next.
    pub(super) source: usize,
    pub(super) step: usize,
    /// The first column, and the distance to the next.
    pub(super) target: usize,
    pub(super) target_step: usize,
    pub(super) count: usize,
}

impl Frame {
    pub(super) fn new(geometry: &Geometry, direction: Direction) -> Self {
        let g = geometry;
        let (kernel, stride, left) = (g.filter.kernel, g.filter.stride, g.padding_before[1]);
        let reach = (kernel - 1) / stride;
        let (left, pitch) = match direction {
            Direction::Forward => {
                let read = (g.output[1] - 1) * stride + kernel;
                (left, read.max(left + g.input[1]))
            }
            Direction::Backward => {
                let zeros = reach - left / stride;
                let read = (g.input[1] - 1 + left) / stride + zeros + 1;
                (zeros, read.max(zeros + g.output[1]))
            }
        };
        let all = 0..kernel;
        let taps = match direction {
            Direction::Forward => {
                let taps = all.clone().flat_map(|i| {
                    let row = move |j| Tap {
                        weight: i * kernel + j,
                        source: i * pitch + j,
                    };
                    all.clone().map(row)
                });
                vec![taps.collect()]
            }
            Direction::Backward => {
                let remainders =
                    (0..stride).flat_map(|row| (0..stride).map(move |column| [row, column]));
                let reaching = |[row, column]: Size| {
                    let rows = (row..kernel).step_by(stride).enumerate();
                    let taps = rows.flat_map(|(k, i)| {
                        let columns = (column..kernel).step_by(stride).enumerate();
                        columns.map(move |(l, j)| Tap {
                            weight: i * kernel + j,
                            source: (reach - k) * pitch + reach - l,
                        })
                    });
                    taps.collect()
                };
                remainders.map(reaching).collect()
            }
        };
        Self {
            geometry: *geometry,
            direction,
            taps: taps.into_iter().map(Run::all).collect(),
            pitch,
            left,
        }
    }

    /// Height and width of the source.
    pub(super) fn given(&self) -> Size {
        match self.direction {
            Direction::Forward => self.geometry.input,
            Direction::Backward => self.geometry.output,
        }
    }

    /// Height and width of the target.
    pub(super) fn made(&self) -> Size {
        match self.direction {
            Direction::Forward => self.geometry.output,
            Direction::Backward => self.geometry.input,
        }
    }

    /// Where the padding ends and what is below it begins, in rows of the source.
    fn top(&self) -> usize {
        self.geometry.padding_before[0]
    }

    /// What some rows of the target read.
    pub(super) fn window(&self, rows: &Range<usize>) -> Window {
        let (kernel, stride) = (self.geometry.filter.kernel, self.geometry.filter.stride);
        let top = self.top();
        let (origin, count) = match self.direction {
            Direction::Forward => (
                (rows.start * stride) as isize - top as isize,
                (rows.len() - 1) * stride + kernel,
            ),
            Direction::Backward => {
                let reach = (kernel - 1) / stride;
                let (first, last) = ((rows.start + top) / stride, (rows.end - 1 + top) / stride);
                (first as isize - reach as isize, last - first + reach + 1)
            }
        };
        let inside = |row: isize| row.clamp(0, self.given()[0] as isize) as usize;
        Window {
            origin,
            rows: count,
            real: inside(origin)..inside(origin + count as isize),
        }
    }

    /// Where the pixels that exist lie within a window.
    pub(super) fn places(&self, window: &Window, places: &mut Vec<usize>) {
        places.clear();
        for row in window.real.clone() {
            let row = (row as isize - window.origin) as usize;
            let first = row * self.pitch + self.left;
            places.extend(first..first + self.given()[1]);
        }
    }

    /// Sets everything to zero in a window that is no pixel, of `width` channels.
    pub(super) fn clear(&self, window: &Window, width: usize, values: &mut [f32]) {
        let real = window
            .real
            .clone()
            .map(|row| (row as isize - window.origin) as usize);
        let mut real = real.peekable();
        let rows = values.chunks_exact_mut(self.pitch * width);
        for (row, values) in rows.take(window.rows).enumerate() {
            if real.next_if_eq(&row).is_none() {
                values.fill(0.0);
                continue;
            }
            values[..self.left * width].fill(0.0);
            values[(self.left + self.given()[1]) * width..].fill(0.0);
        }
    }

    /// A row of the target, given its first one that reads the window.
    pub(super) fn lines(&self, row: usize, first: usize) -> impl Iterator<Item = Line<'_>> {
        let (stride, [_, width]) = (self.geometry.filter.stride, self.made());
        let backward = self.direction == Direction::Backward;
        let (top, left) = (self.top(), self.geometry.padding_before[1]);
        let remainders = if backward { stride } else { 1 };
        (0..remainders).filter_map(move |remainder| {
            if !backward {
                return Some(Line {
                    taps: &self.taps[0],
                    source: (row - first) * stride * self.pitch,
                    step: stride,
                    target: 0,
                    target_step: 1,
                    count: width,
                });
            }
            // The first column whose distance from the padded edge leaves the remainder.
            let target = (remainder + left * (stride - 1)) % stride;
            let down = (row + top) / stride - (first + top) / stride;
            (target < width).then(|| Line {
                taps: &self.taps[(row + top) % stride * stride + remainder],
                source: down * self.pitch + (target + left) / stride - left / stride,
                step: 1,
                target,
                target_step: stride,
                count: (width - target).div_ceil(stride),
            })
        })
    }
}
