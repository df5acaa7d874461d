//! How the two directions of a convolution read their source: as sums of shifted planes.
//!
//! A source plane is copied once, padded with zeros and split by the stride's phases. Then what
//! one element of the kernel (a *tap*) reads for neighbouring outputs lies side by side, and both
//! directions, at every stride, are the same loop: for each tap, add weight × shifted plane.

use std::ops::Range;

use crate::geometry::{Geometry, Size};
use crate::lines::copy;
use crate::transpose::transposed;

/// Which way data flows through a convolution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    /// Input to output.
    Forward,
    /// Gradient of the output to gradient of the input.
    Backward,
}

/// One element of the kernel.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tap {
    /// Which element: of dense filters, which of those that are used; of depthwise ones, row · kernel + column.
    pub(super) weight: usize,
    /// Where its window starts within a source plane.
    pub(super) source: usize,
}

/// A grid of outputs that read the same taps.
#[derive(Debug, Clone)]
pub(super) struct Pass {
    pub(super) taps: Vec<Tap>,
    /// Rows and columns of the grid.
    pub(super) grid: Size,
    /// Where the grid starts within a target plane.
    pub(super) target: usize,
    /// Distance between the grid's rows within a target plane.
    pub(super) target_row: usize,
    /// Distance between the grid's columns within a target plane.
    pub(super) target_column: usize,
}

impl Pass {
    /// Whether the targets of both lie in the same rows, those of one in turn with those of the other.
    pub(super) fn is_beside(&self, other: &Self) -> bool {
        self.target_column == 2
            && self.target.abs_diff(other.target) == 1
            && self.grid[0] == other.grid[0]
            && self.target_row == other.target_row
    }
}

/// Source planes as they are split, which are kept from call to call.
#[derive(Debug, Default)]
pub(super) struct Planes {
    values: Vec<f32>,
    /// What is padding, and how many values were given: that of the last call, which is still zeros for a call alike.
    layout: Option<([usize; 8], usize)>,
}

impl Planes {
    /// The given planes, split, and zeros up to a `length`.
    #[inline(always)]
    pub(super) fn split(&mut self, walk: &Walk, given: &[f32], length: usize) -> &[f32] {
        let layout = Some((walk.layout(), given.len()));
        if self.layout != layout || self.values.len() != length {
            self.values.clear();
            self.values.resize(length, 0.0);
            self.layout = layout;
        }
        walk.split(given, &mut self.values);
        &self.values
    }
}

/// A source plane, padded and split, and the passes that read it.
#[derive(Debug, Clone)]
pub(super) struct Walk {
    /// Height and width of a plane as it is given.
    given: Size,
    /// Every `step`-th row and column of the given plane goes to the same phase.
    step: usize,
    /// Phases in each dimension that are read at all.
    phases: usize,
    /// Zeros above and to the left of the given plane.
    before: Size,
    /// Height and width of one phase.
    phase: Size,
    pub(super) passes: Vec<Pass>,
}

impl Walk {
    pub(super) fn new(geometry: &Geometry, direction: Direction) -> Self {
        match direction {
            Direction::Forward => Self::forward(geometry),
            Direction::Backward => Self::backward(geometry),
        }
    }

    /// output\[y, x\] = Σ w\[i, j\] · input\[y·s + i − top, x·s + j − left\].
    fn forward(g: &Geometry) -> Self {
        let f = &g.filter;
        let reach = (f.kernel - 1) / f.stride;
        let phases = f.stride.min(f.kernel);
        let phase = g.output.map(|size| size + reach);
        let taps = f.used().enumerate().map(|(index, place)| {
            let [row, column] = [place / f.kernel, place % f.kernel];
            let weight = if f.depthwise { place } else { index };
            let which = (row % f.stride) * phases + column % f.stride;
            let offset = row / f.stride * phase[1] + column / f.stride;
            Tap {
                weight,
                source: which * phase[0] * phase[1] + offset,
            }
        });
        let pass = Pass {
            taps: taps.collect(),
            grid: g.output,
            target: 0,
            target_row: g.output[1],
            target_column: 1,
        };
        Self {
            given: g.input,
            step: f.stride,
            phases,
            before: g.padding_before,
            phase,
            passes: vec![pass],
        }
    }

    /// input'\[y, x\] = Σ w\[i, j\] · output'\[(y + top − i) / s, (x + left − j) / s\] where s
    /// divides. With y + top = s·q + r, only i = r + s·k count, and they read row q − k: one pass
    /// for each r of rows and of columns.
    fn backward(g: &Geometry) -> Self {
        let f = &g.filter;
        let reach = (f.kernel - 1) / f.stride;
        let phase = [0, 1].map(|dimension| {
            let ends = (0..f.stride.min(f.kernel)).map(|r| {
                let phase = g.phase(dimension, r);
                phase.first + phase.count
            });
            reach + ends.max().unwrap_or(0).max(g.output[dimension])
        });
        let weights: Vec<Option<usize>> = match f.depthwise {
            true => (0..f.kernel * f.kernel).map(Some).collect(),
            false => {
                let mut weights = vec![None; f.kernel * f.kernel];
                let used = f.used().enumerate();
                used.for_each(|(index, place)| weights[place] = Some(index));
                weights
            }
        };
        let mut passes = Vec::new();
        for row in 0..f.stride.min(f.kernel) {
            for column in 0..f.stride.min(f.kernel) {
                let (rows, columns) = (g.phase(0, row), g.phase(1, column));
                let mut taps = Vec::new();
                for (i, k) in (row..f.kernel).step_by(f.stride).zip(0..) {
                    for (j, l) in (column..f.kernel).step_by(f.stride).zip(0..) {
                        let Some(weight) = weights[i * f.kernel + j] else {
                            continue;
                        };
                        taps.push(Tap {
                            weight,
                            source: (rows.first + reach - k) * phase[1] + columns.first + reach - l,
                        });
                    }
                }
                passes.push(Pass {
                    taps,
                    grid: [rows.count, columns.count],
                    target: rows.target * g.input[1] + columns.target,
                    target_row: f.stride * g.input[1],
                    target_column: f.stride,
                });
            }
        }
        Self {
            given: g.output,
            step: 1,
            phases: 1,
            before: [reach; 2],
            phase,
            passes,
        }
    }

    /// What a grid of output tiles, `side` pixels each way, reads at stride 1: every `side`-th row and column
    /// in a phase of its own, as 3×3 filters reach them on the way forward, or turned by half a turn on the way back.
    /// Without passes.
    pub(super) fn tiles(g: &Geometry, direction: Direction, side: usize, grid: Size) -> Self {
        let reach = g.filter.kernel - 1;
        assert!(g.padding_before.iter().all(|&padding| padding <= reach));
        let (given, before) = match direction {
            Direction::Forward => (g.input, g.padding_before),
            Direction::Backward => (g.output, g.padding_before.map(|padding| reach - padding)),
        };
        Self {
            given,
            step: side,
            phases: side,
            before,
            phase: grid.map(|tiles| tiles + 1),
            passes: Vec::new(),
        }
    }

    /// Whether the passes write every target, of filters of that stride on the way back.
    pub(super) fn reaches_all(&self, stride: usize) -> bool {
        let passes = self.passes.iter().filter(|pass| !pass.taps.is_empty());
        passes.count() == stride * stride
    }

    /// Distance between the rows that a tap reads.
    pub(super) fn row(&self) -> usize {
        self.phase[1]
    }

    /// Length of a source plane.
    pub(super) fn plane(&self) -> usize {
        self.phases * self.phases * self.phase[0] * self.phase[1]
    }

    /// Where given values go, and thereby where none does.
    fn layout(&self) -> [usize; 8] {
        let ([a, b], [c, d], [e, f]) = (self.given, self.before, self.phase);
        [self.step, self.phases, a, b, c, d, e, f]
    }

    /// Whether the given planes can be read as they are.
    pub(super) fn is_plain(&self) -> bool {
        self.step == 1 && self.before == [0; 2] && self.phase == self.given
    }

    /// Splits the given planes one after another into `source`, whose padding, and whatever lies
    /// behind, must be zeros and stays as it is. For whatever vectors its caller is compiled for.
    #[inline(always)]
    pub(super) fn split(&self, given: &[f32], source: &mut [f32]) {
        let [height, width] = self.given;
        let [phase_height, phase_width] = self.phase;
        let planes = given.chunks_exact(height * width);
        for (plane, target) in planes.zip(source.chunks_exact_mut(self.plane())) {
            for (y, line) in plane.chunks_exact(width).enumerate() {
                let y = y + self.before[0];
                let (row, phase_y) = (y / self.step, y % self.step);
                if phase_y >= self.phases || row >= phase_height {
                    continue;
                }
                let start = |phase_x: usize| {
                    ((phase_y * self.phases + phase_x) * phase_height + row) * phase_width
                };
                let done = match self.step {
                    2 => self.split_pairs(line, target, start),
                    _ => self.split_squares(line, target, start),
                };
                for phase_x in 0..self.phases {
                    let out = &mut target[start(phase_x)..][..phase_width];
                    // x + before = step · column + phase_x
                    let column = self.before[1].saturating_sub(phase_x).div_ceil(self.step);
                    let x = column * self.step + phase_x - self.before[1];
                    if x >= width || column >= phase_width {
                        continue;
                    }
                    if self.step == 1 {
                        let count = (width - x).min(phase_width - column);
                        copy(&mut out[column..column + count], &line[x..]);
                        continue;
                    }
                    let mut part = |columns: Range<usize>| {
                        let x = columns.start * self.step + phase_x - self.before[1];
                        let line = line.iter().skip(x).step_by(self.step);
                        let out = &mut out[columns.start..columns.end];
                        out.iter_mut().zip(line).for_each(|(o, v)| *o = *v);
                    };
                    if done.is_empty() {
                        part(column..phase_width);
                    } else {
                        part(column..done.start.max(column));
                        part(done.end..phase_width);
                    }
                }
            }
        }
    }

    /// Splits the middle of a line, by pairs, where there are two phases of two; which columns.
    #[inline(always)]
    fn split_pairs(
        &self,
        line: &[f32],
        target: &mut [f32],
        start: impl Fn(usize) -> usize,
    ) -> Range<usize> {
        let before = self.before[1];
        let first = before.div_ceil(2);
        let end = ((line.len() + before) / 2).min(self.phase[1]);
        if self.phases != 2 || end <= first {
            return 0..0;
        }
        let (pairs, _) = line[2 * first - before..].as_chunks::<2>();
        let count = end - first;
        let (even, odd) = target.split_at_mut(start(1));
        let even = &mut even[start(0) + first..][..count];
        let odd = &mut odd[first..][..count];
        for ((even, odd), pair) in even.iter_mut().zip(odd).zip(pairs) {
            [*even, *odd] = *pair;
        }
        first..end
    }

    /// Splits the middle of a line, by squares of four columns, where there are four phases of
    /// four; which columns.
    #[inline(always)]
    fn split_squares(
        &self,
        line: &[f32],
        target: &mut [f32],
        start: impl Fn(usize) -> usize,
    ) -> Range<usize> {
        const SIDE: usize = 4;
        let before = self.before[1];
        let first = before.div_ceil(SIDE);
        let end = ((line.len() + before) / SIDE).min(self.phase[1]);
        if self.step != SIDE || self.phases != SIDE || end < first + SIDE {
            return 0..0;
        }
        for column in (first..end).step_by(SIDE) {
            // The last ends with the others; some of its columns are split twice.
            let column = column.min(end - SIDE);
            let x = column * SIDE - before;
            let mut square = [[0.0; SIDE]; SIDE];
            square
                .as_flattened_mut()
                .copy_from_slice(&line[x..x + SIDE * SIDE]);
            for (phase, values) in transposed(square).iter().enumerate() {
                target[start(phase) + column..][..SIDE].copy_from_slice(values);
            }
        }
        first..end
    }
}
