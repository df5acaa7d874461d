//! Pools of windows.

use super::reduce::shares;
use crate::operation::{AveragePool, Window};

/// Windows over planes of that height and width.
#[derive(Debug)]
pub(super) struct Pool<'a> {
    window: &'a Window,
    input: [usize; 2],
    output: [usize; 2],
}

impl<'a> Pool<'a> {
    pub(super) fn new(window: &'a Window, input: &[usize], output: &[usize]) -> Self {
        let last = |shape: &[usize]| [shape[shape.len() - 2], shape[shape.len() - 1]];
        Self {
            window,
            input: last(input),
            output: last(output),
        }
    }

    /// The largest value of each window.
    pub(super) fn max(&self, input: &[f64]) -> Vec<f64> {
        self.winners(input)
            .into_iter()
            .map(|index| input[index])
            .collect()
    }

    /// The mean gradient of the input: each window's goes to the winners at both points.
    pub(super) fn max_secant(&self, [a, b]: [&[f64]; 2], gradient: &[f64]) -> Vec<f64> {
        let mut result = vec![0.0; a.len()];
        let winners = self.winners(a).into_iter().zip(self.winners(b));
        for ((old, new), gradient) in winners.zip(gradient) {
            let share = shares([a, b], [old, new]);
            result[old] += gradient * share;
            result[new] += gradient * (1.0 - share);
        }
        result
    }

    /// The mean of each window.
    pub(super) fn average(&self, pool: &AveragePool, input: &[f64]) -> Vec<f64> {
        let mut result = Vec::new();
        self.each(input.len(), |position, taps| {
            let sum: f64 = taps.iter().map(|&index| input[index]).sum();
            result.push(sum / self.divisor(pool, position));
        });
        result
    }

    /// The adjoint of [`average`](Self::average).
    pub(super) fn average_adjoint(
        &self,
        pool: &AveragePool,
        gradient: &[f64],
        length: usize,
    ) -> Vec<f64> {
        let mut result = vec![0.0; length];
        let mut gradient = gradient.iter();
        self.each(length, |position, taps| {
            let share = gradient.next().unwrap_or(&0.0) / self.divisor(pool, position);
            taps.iter().for_each(|&index| result[index] += share);
        });
        result
    }

    /// Index of the largest value of each window; of equal ones, the first.
    fn winners(&self, input: &[f64]) -> Vec<usize> {
        let mut result = Vec::new();
        self.each(input.len(), |_, taps| {
            let first = taps[0];
            let larger = |best, &index| {
                if input[index] > input[best] {
                    index
                } else {
                    best
                }
            };
            result.push(taps.iter().fold(first, larger));
        });
        result
    }

    /// Calls for each window of each plane with its position and the elements that it holds.
    fn each(&self, length: usize, mut call: impl FnMut([usize; 2], &[usize])) {
        let [height, width] = self.input;
        let mut taps = Vec::new();
        for plane in 0..length / (height * width) {
            for row in 0..self.output[0] {
                for column in 0..self.output[1] {
                    taps.clear();
                    for y in self.inside(0, row) {
                        let line = (plane * height + y) * width;
                        taps.extend(self.inside(1, column).map(|x| line + x));
                    }
                    call([row, column], &taps);
                }
            }
        }
    }

    /// The rows (axis 0) or columns (1) of the input that a window covers.
    fn inside(&self, axis: usize, position: usize) -> impl Iterator<Item = usize> {
        let size = self.input[axis] as isize;
        self.taps(axis, position, [0, size]).map(|tap| tap as usize)
    }

    /// Where those taps of a window lie that are in a range, in pixels of the input. However many lie outside, they
    /// take no time.
    fn taps(
        &self,
        axis: usize,
        position: usize,
        [low, high]: [isize; 2],
    ) -> impl ExactSizeIterator<Item = isize> {
        let w = self.window;
        let start = (position * w.stride[axis]) as isize - w.padding_before[axis] as isize;
        let apart = w.dilation[axis].max(1);
        let until = |end: isize| usize::try_from(end - start).map_or(0, |n| n.div_ceil(apart));
        let (first, last) = (until(low), until(high).min(w.kernel[axis]));
        (first.min(last)..last).map(move |tap| start + (tap * apart) as isize)
    }

    /// How many taps count.
    fn divisor(&self, pool: &AveragePool, position: [usize; 2]) -> f64 {
        let counted = |axis: usize| {
            let low = -(pool.counted_before[axis] as isize);
            let high = (self.input[axis] + pool.counted_after[axis]) as isize;
            self.taps(axis, position[axis], [low, high]).len() as f64
        };
        counted(0) * counted(1)
    }
}
