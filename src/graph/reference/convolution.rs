//! Convolutions and their adjoints, as one walk over rows.

use super::Array;
use crate::operation::{Convolution, ConvolutionTranspose};

/// A convolution of images \[channels, height, width\], without bias.
#[derive(Debug, Clone, Copy)]
pub(super) struct Geometry {
    images: usize,
    groups: usize,
    /// Channels of one group.
    channels_in: usize,
    channels_out: usize,
    kernel: [usize; 2],
    stride: [usize; 2],
    dilation: [usize; 2],
    padding_before: [usize; 2],
    input: [usize; 2],
    output: [usize; 2],
}

impl Geometry {
    /// Of an input and an output of these shapes.
    pub(super) fn convolution(c: &Convolution, input: &[usize], output: &[usize]) -> Self {
        let w = &c.window;
        Self {
            kernel: w.kernel,
            stride: w.stride,
            dilation: w.dilation,
            padding_before: w.padding_before,
            ..Self::between(c.groups, input, output)
        }
    }

    /// The convolution whose adjoint this one is: it goes from the output to the input.
    pub(super) fn adjoint_of(t: &ConvolutionTranspose, input: &[usize], output: &[usize]) -> Self {
        Self {
            kernel: t.kernel,
            stride: t.stride,
            dilation: t.dilation,
            padding_before: t.padding_before,
            ..Self::between(t.groups, output, input)
        }
    }

    fn between(groups: usize, input: &[usize], output: &[usize]) -> Self {
        let last = |shape: &[usize]| {
            let axes = shape.len();
            (shape[axes - 3], [shape[axes - 2], shape[axes - 1]])
        };
        let ((channels_in, input_size), (channels_out, output_size)) = (last(input), last(output));
        Self {
            images: input[..input.len() - 3].iter().product(),
            groups,
            channels_in: channels_in / groups,
            channels_out: channels_out / groups,
            kernel: [1; 2],
            stride: [1; 2],
            dilation: [1; 2],
            padding_before: [0; 2],
            input: input_size,
            output: output_size,
        }
    }

    /// The convolution of the input.
    pub(super) fn forward(&self, input: &[f64], weight: &[f64]) -> Vec<f64> {
        let channels = self.images * self.groups * self.channels_out;
        let mut output = vec![0.0; channels * self.output[0] * self.output[1]];
        self.walk(|run| {
            let weight = weight[run.weight];
            let target = &mut output[run.output..][..run.count];
            let source = &input[run.input..];
            if run.step == 1 {
                let pairs = target.iter_mut().zip(&source[..run.count]);
                pairs.for_each(|(target, &source)| *target += weight * source);
            } else {
                let pairs = target.iter_mut().zip(source.iter().step_by(run.step));
                pairs.for_each(|(target, &source)| *target += weight * source);
            }
        });
        output
    }

    /// The gradient of the input, given that of the output.
    pub(super) fn adjoint(&self, gradient: &[f64], weight: &[f64]) -> Vec<f64> {
        let channels = self.images * self.groups * self.channels_in;
        let mut input = vec![0.0; channels * self.input[0] * self.input[1]];
        self.walk(|run| {
            let weight = weight[run.weight];
            let source = &gradient[run.output..][..run.count];
            let target = &mut input[run.input..];
            if run.step == 1 {
                let pairs = target[..run.count].iter_mut().zip(source);
                pairs.for_each(|(target, &source)| *target += weight * source);
            } else {
                let pairs = target.iter_mut().step_by(run.step).zip(source);
                pairs.for_each(|(target, &source)| *target += weight * source);
            }
        });
        input
    }

    /// Calls for every weight and every row of the output that it has a part in.
    #[inline(always)]
    fn walk(&self, mut call: impl FnMut(Run)) {
        // An image whose rows are not padded, strided or kept apart is one row.
        let pointwise = self.kernel == [1; 2]
            && self.stride == [1; 2]
            && self.padding_before == [0; 2]
            && self.input == self.output;
        let (input, output) = if pointwise {
            let area = self.input[0] * self.input[1];
            ([1, area], [1, area])
        } else {
            (self.input, self.output)
        };
        let [rows, columns] = [0, 1].map(|axis| self.tap_ranges(axis, input[axis], output[axis]));
        let taps = self.kernel[0] * self.kernel[1];
        for image in 0..self.images {
            for group in 0..self.groups {
                for out in 0..self.channels_out {
                    let filter = group * self.channels_out + out;
                    let target = image * self.groups * self.channels_out + filter;
                    for channel in 0..self.channels_in {
                        let source = (image * self.groups + group) * self.channels_in + channel;
                        let weights = (filter * self.channels_in + channel) * taps;
                        for (ky, rows) in rows.iter().enumerate() {
                            for (kx, columns) in columns.iter().enumerate() {
                                // A tap that lies in the padding everywhere has no place.
                                if columns.count == 0 {
                                    continue;
                                }
                                for y in 0..rows.count {
                                    let row = rows.input + y * self.stride[0];
                                    call(Run {
                                        weight: weights + ky * self.kernel[1] + kx,
                                        input: (source * input[0] + row) * input[1] + columns.input,
                                        output: (target * output[0] + rows.output + y) * output[1]
                                            + columns.output,
                                        count: columns.count,
                                        step: self.stride[1],
                                    });
                                }
                            }
                        }
                    }
                }
            }
        }
    }

    /// For each tap along an axis, the outputs for which it lies inside the input.
    fn tap_ranges(&self, axis: usize, input: usize, output: usize) -> Vec<TapRange> {
        let (stride, before) = (self.stride[axis], self.padding_before[axis]);
        (0..self.kernel[axis])
            .map(|tap| {
                let offset = tap * self.dilation[axis];
                let first = before.saturating_sub(offset).div_ceil(stride);
                let end = (input + before).saturating_sub(offset).div_ceil(stride);
                let end = end.min(output);
                TapRange {
                    output: first,
                    count: end.saturating_sub(first),
                    input: (first * stride + offset).saturating_sub(before),
                }
            })
            .collect()
    }
}

/// One weight times a row of the input is added to a row of the output, or back.
#[derive(Debug, Clone, Copy)]
struct Run {
    weight: usize,
    input: usize,
    output: usize,
    count: usize,
    /// Distance of the inputs.
    step: usize,
}

#[derive(Debug, Clone, Copy)]
struct TapRange {
    /// The first output, and how many.
    output: usize,
    count: usize,
    /// The first output's input.
    input: usize,
}

/// Adds a bias for each channel of \[…, channels, inner\].
pub(super) fn add_bias(data: &mut [f64], bias: Array<'_>, inner: usize) {
    for (channel, values) in data.chunks_exact_mut(inner).enumerate() {
        let bias = bias.data[channel % bias.data.len()];
        values.iter_mut().for_each(|value| *value += bias);
    }
}
