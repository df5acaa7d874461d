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
    taps: Vec<Taps>,
    /// Pixels of a row of the source, zeros included.
    pub(super) pitch: usize,
    /// Zeros to the left.
    left: usize,
}

/// How many taps side by side can be done in one go.
const TOGETHER: [usize; 4] = [7, 5, 3, 2];

/// All taps of some pixels, a few at a time that read pixels side by side.
#[derive(Debug, Clone, Default)]
pub(super) struct Taps {
    /// Which weights they are, in the order in which they read.
    weights: Vec<usize>,
    /// Where the first one's weights lie, in taps.
    pub(super) first: usize,
    /// How many are done in one go: one, where registers are many and wide, or sums would leave them for a loop within a loop.
    pub(super) at_once: usize,
    /// Where the first of those read, in pixels.
    pub(super) sources: Vec<usize>,
}

impl Taps {
    /// Of taps whose sources are in pixels, as many in each row, and whose weights lie behind so many others.
    fn new(mut taps: Vec<Tap>, columns: usize, first: usize) -> Self {
        taps.sort_by_key(|tap| tap.source);
        let at_once = match Groups::new(1).lanes {
            WIDEST => 1,
            _ => TOGETHER
                .into_iter()
                .find(|n| columns.is_multiple_of(*n))
                .unwrap_or(1),
        };
        Self {
            weights: taps.iter().map(|tap| tap.weight).collect(),
            first,
            at_once,
            sources: taps.iter().step_by(at_once).map(|tap| tap.source).collect(),
        }
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
    pub(super) taps: &'a Taps,
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
        let remainders = match direction {
            Direction::Forward => vec![[0, 0]],
            Direction::Backward => (0..stride)
                .flat_map(|row| (0..stride).map(move |column| [row, column]))
                .collect(),
        };
        let mut first = 0;
        let reaching = |[row, column]: Size| {
            let along = |from: usize| match direction {
                Direction::Forward => (0..kernel).map(|k| [k, k]).collect::<Vec<_>>(),
                // From the farthest one that it reaches to the nearest.
                Direction::Backward => (from..kernel)
                    .step_by(stride)
                    .enumerate()
                    .map(|(k, i)| [i, reach - k])
                    .collect(),
            };
            let (rows, columns) = (along(row), along(column));
            let taps: Vec<Tap> = rows
                .iter()
                .flat_map(|[i, y]| {
                    columns.iter().map(move |[j, x]| Tap {
                        weight: i * kernel + j,
                        source: y * pitch + x,
                    })
                })
                .collect();
            let taps = Taps::new(taps, columns.len(), first);
            first += taps.weights.len();
            taps
        };
        let taps = remainders.into_iter().map(reaching).collect();
        Self {
            geometry: *geometry,
            direction,
            taps,
            pitch,
            left,
        }
    }

    /// Which weights are read one after another.
    pub(super) fn order(&self) -> impl Iterator<Item = usize> {
        self.taps
            .iter()
            .flat_map(|taps| taps.weights.iter().copied())
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
