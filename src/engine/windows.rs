//! Max-pools with windows of any kind: windows become axes, and the largest along them is taken.

use violet_graph::{Reduction, Window};

use super::array::{
    Array, Ends, Executor, dims, part, placed_in, reshape, select, select_adjoint, shaped,
};
use super::groups::{Groups, reduce, reduce_gradient};
use super::layer::as_channels;

/// What is never the largest.
const LOWEST: f32 = -1e30;

/// See the [module](self).
#[derive(Debug, Clone)]
pub(super) struct Windows {
    /// Of the input, without images.
    shape: Vec<usize>,
    output: Vec<usize>,
    channels: usize,
    before: [usize; 2],
    padded: [usize; 2],
    kernel: [usize; 2],
    /// For each axis, where the taps of each window lie in the padded input.
    taps: [Vec<usize>; 2],
    groups: Groups,
}

impl Windows {
    pub(super) fn new(window: &Window, shape: &[usize], output: &[usize]) -> Self {
        let [input, windows] = [shape, output].map(|s| [s[s.len() - 2], s[s.len() - 1]]);
        let taps = [0, 1].map(|axis| {
            let position = move |k: usize| {
                let first = k * window.stride[axis];
                (0..window.kernel[axis]).map(move |tap| first + tap * window.dilation[axis])
            };
            (0..windows[axis]).flat_map(position).collect::<Vec<_>>()
        });
        let padded = [0, 1].map(|axis| {
            let reached = taps[axis].last().map_or(0, |last| last + 1);
            reached.max(window.padding_before[axis] + input[axis])
        });
        let channels = shape[..shape.len() - 2].iter().product();
        let [height, width] = windows;
        let apart = [channels, height, window.kernel[0], width, window.kernel[1]];
        Self {
            shape: shape.to_vec(),
            output: output.to_vec(),
            channels,
            before: window.padding_before,
            padded,
            kernel: window.kernel,
            taps,
            groups: Groups::new(&apart, &[2, 4]),
        }
    }

    /// \[N, …, H, W\] → \[N, windows, taps\].
    fn gather<B: Executor>(&self, x: Array<B>) -> Array<B> {
        let x = as_channels::<B>(x);
        let images = dims::<B>(&x)[0];
        let [height, width] = self.padded;
        let padded = [images, self.channels, height, width];
        let x = placed_in::<B>(x, &self.starts(), &padded, LOWEST);
        let x = select::<B>(x, 2, &self.taps[0]);
        let x = select::<B>(x, 3, &self.taps[1]);
        let apart = [0, 1].map(|axis| self.taps[axis].len() / self.kernel[axis]);
        let [rows, columns] = self.kernel;
        let shape = [images, self.channels, apart[0], rows, apart[1], columns];
        self.groups.gather::<B>(reshape::<B>(x, &shape))
    }

    fn starts(&self) -> [usize; 4] {
        [0, 0, self.before[0], self.before[1]]
    }

    /// The largest value of each window.
    pub(super) fn forward<B: Executor>(&self, x: Array<B>) -> Array<B> {
        let largest = reduce::<B>(Reduction::Max, self.gather::<B>(x));
        shaped::<B>(largest, &self.output)
    }

    /// The mean gradient of the input.
    pub(super) fn backward<B: Executor>(&self, ends: Ends<B>, gradient: Array<B>) -> Array<B> {
        let images = dims::<B>(&gradient)[0];
        let groups = self.output.iter().product();
        let gradient = reshape::<B>(gradient, &[images, groups, 1]);
        let ends = ends.map(|x| self.gather::<B>(x));
        let gradient = reduce_gradient::<B>(Reduction::Max, ends, gradient);
        let gradient = self.groups.spread::<B>(gradient);
        let [rows, columns] = [0, 1].map(|axis| self.taps[axis].len());
        let gradient = reshape::<B>(gradient, &[images, self.channels, rows, columns]);
        let gradient = select_adjoint::<B>(gradient, 3, &self.taps[1], self.padded[1]);
        let gradient = select_adjoint::<B>(gradient, 2, &self.taps[0], self.padded[0]);
        let size = [0, 1].map(|k| self.shape[self.shape.len() - 2 + k]);
        let counts = [images, self.channels, size[0], size[1]];
        let gradient = part::<B>(gradient, &self.starts(), &counts);
        shaped::<B>(gradient, &self.shape)
    }
}
