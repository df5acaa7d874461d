//! Convolutions and pools, as files say them.

use super::{Builder, Padding};
use crate::constant::Constant;
use crate::error::Result;
use crate::graph::ValueId;
use crate::limits;
use crate::operation::{
    AveragePool, Binary, Clamp, Convolution, ConvolutionTranspose, Operation, Reduction, Unary,
    Window,
};

/// How windows walk over an image, height first. Of images of one line, \[…, C, L\], everything of
/// the height is 1 or 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sliding {
    /// Distance between neighbouring windows, in pixels of the input.
    pub stride: [usize; 2],
    /// Distance between neighbouring taps, in pixels of the input.
    pub dilation: [usize; 2],
    /// How the edges are padded.
    pub padding: Padding,
    /// Whether a last window that lies partly outside of the padded image has an output too.
    pub ceil: bool,
}

impl Default for Sliding {
    /// Every window, no padding.
    fn default() -> Self {
        Self {
            stride: [1; 2],
            dilation: [1; 2],
            padding: Padding::Valid,
            ceil: false,
        }
    }
}

impl Builder {
    /// A convolution of x \[…, C, H, W\] with a constant weight \[O, C / groups, kernel\] and bias
    /// \[O\]; or of x \[…, C, L\] with a weight \[O, C / groups, kernel\] of one axis less.
    ///
    /// # Errors
    ///
    /// Those of [`push`](Self::push).
    pub fn convolution(
        &mut self,
        x: ValueId,
        weight: ValueId,
        bias: Option<ValueId>,
        sliding: &Sliding,
        groups: usize,
    ) -> Result<ValueId> {
        const NAME: &str = "Convolution";
        if self.shape(weight).len() == 3 {
            let x = self.unsqueeze(x, &[-2])?;
            let weight = self.unsqueeze(weight, &[-2])?;
            let made = self.convolution(x, weight, bias, sliding, groups)?;
            return self.squeeze(made, &[-2]);
        }
        let &[channels, _, rows, columns] = self.shape(weight) else {
            return self.refuse(NAME, weight, "the weights have not four axes".into());
        };
        let bias = self.bias(bias, channels)?;
        let mut window = self.window(NAME, x, [rows, columns], sliding)?;
        let x = self.pad_beyond(x, &mut window)?;
        let convolution = Convolution {
            window,
            groups,
            clamp: Clamp::NONE,
        };
        self.push(Operation::Convolution(convolution), &[x, weight, bias])
    }

    /// Puts the padding that does not fit into a window before it.
    fn pad_beyond(&mut self, x: ValueId, window: &mut Window) -> Result<ValueId> {
        let rank = self.shape(x).len();
        let (mut before, mut after) = (vec![0; rank], vec![0; rank]);
        let extent = window.extent();
        for axis in 0..2 {
            let sides = [&mut window.padding_before, &mut window.padding_after];
            for (inside, outside) in sides.into_iter().zip([&mut before, &mut after]) {
                if inside[axis] >= extent[axis] {
                    outside[rank - 2 + axis] = inside[axis];
                    inside[axis] = 0;
                }
            }
        }
        if before.iter().chain(&after).all(|&pad| pad == 0) {
            return Ok(x);
        }
        let value = 0.0;
        let pad = Operation::Pad {
            before,
            after,
            value,
        };
        self.push(pad, &[x])
    }

    /// A transposed convolution of x \[…, C, H, W\] with a constant weight \[C, O / groups, kernel\]
    /// and bias \[O\]; or with one axis less. `output_padding` is what the output is larger by;
    /// `output` is its size where the file says it instead of the padding.
    ///
    /// # Errors
    ///
    /// Those of [`push`](Self::push).
    #[allow(
        clippy::too_many_arguments,
        reason = "as many attributes as files have"
    )]
    pub fn convolution_transpose(
        &mut self,
        x: ValueId,
        weight: ValueId,
        bias: Option<ValueId>,
        sliding: &Sliding,
        groups: usize,
        output_padding: [usize; 2],
        output: Option<[usize; 2]>,
    ) -> Result<ValueId> {
        const NAME: &str = "ConvolutionTranspose";
        if self.shape(weight).len() == 3 {
            let x = self.unsqueeze(x, &[-2])?;
            let weight = self.unsqueeze(weight, &[-2])?;
            let made = self.convolution_transpose(
                x,
                weight,
                bias,
                sliding,
                groups,
                output_padding,
                output,
            )?;
            return self.squeeze(made, &[-2]);
        }
        let &[_, each, rows, columns] = self.shape(weight) else {
            return self.refuse(NAME, weight, "the weights have not four axes".into());
        };
        let size = self.image_size(NAME, x)?;
        let kernel = [rows, columns];
        self.check_sides(NAME, x, kernel, sliding)?;
        let bias = self.bias(bias, each.saturating_mul(groups))?;
        let (mut before, mut made) = ([0; 2], [0; 2]);
        for axis in 0..2 {
            let (stride, size) = (sliding.stride[axis] as i64, size[axis] as i64);
            let extent = ((kernel[axis] - 1) * sliding.dilation[axis] + 1) as i64;
            let whole = stride * (size - 1) + output_padding[axis] as i64 + extent;
            let same = matches!(sliding.padding, Padding::SameUpper | Padding::SameLower);
            let wanted = match (output, sliding.padding) {
                (Some(output), _) => Some(output[axis] as i64),
                (None, _) if same => Some(size * stride),
                _ => None,
            };
            let (cut_before, length) = match (wanted, sliding.padding) {
                (Some(wanted), padding) => {
                    let cut = (whole - wanted).max(0);
                    let smaller = cut / 2;
                    let before = if padding == Padding::SameUpper {
                        smaller
                    } else {
                        cut - smaller
                    };
                    (before, wanted)
                }
                (None, Padding::Explicit { before, after }) => {
                    let (before, after) = (before[axis] as i64, after[axis] as i64);
                    (before, whole - before - after)
                }
                (None, _) => (0, whole),
            };
            let fits = (1..=limits::ELEMENTS as i64).contains(&length);
            if !fits {
                return self.refuse(NAME, x, format!("its output would have {length} rows"));
            }
            (before[axis], made[axis]) = (cut_before as usize, length as usize);
        }
        let transpose = ConvolutionTranspose {
            kernel,
            stride: sliding.stride,
            dilation: sliding.dilation,
            padding_before: before,
            output: made,
            groups,
        };
        self.push(
            Operation::ConvolutionTranspose(transpose),
            &[x, weight, bias],
        )
    }

    /// The largest value of each window of x \[…, C, H, W\].
    ///
    /// # Errors
    ///
    /// Those of [`push`](Self::push).
    pub fn max_pool(
        &mut self,
        x: ValueId,
        kernel: [usize; 2],
        sliding: &Sliding,
    ) -> Result<ValueId> {
        let window = self.window("MaxPool", x, kernel, sliding)?;
        self.push(Operation::MaxPool(window), &[x])
    }

    /// The mean of each window of x \[…, C, H, W\]. Where padding counts, so does what the file says
    /// of it, and not what `ceil` adds.
    ///
    /// # Errors
    ///
    /// Those of [`push`](Self::push).
    pub fn average_pool(
        &mut self,
        x: ValueId,
        kernel: [usize; 2],
        sliding: &Sliding,
        count_include_pad: bool,
    ) -> Result<ValueId> {
        const NAME: &str = "AveragePool";
        let window = self.window(NAME, x, kernel, sliding)?;
        let (mut counted_before, mut counted_after) = ([0; 2], [0; 2]);
        if count_include_pad {
            let ceil = false;
            let counted = self.window(NAME, x, kernel, &Sliding { ceil, ..*sliding })?;
            counted_before = counted.padding_before;
            counted_after = counted.padding_after;
        }
        let pool = AveragePool {
            window,
            counted_before,
            counted_after,
        };
        self.push(Operation::AveragePool(pool), &[x])
    }

    /// The p-norm of each window of x \[…, C, H, W\], p = 1 or 2.
    ///
    /// # Errors
    ///
    /// Those of [`push`](Self::push).
    pub fn lp_pool(
        &mut self,
        x: ValueId,
        kernel: [usize; 2],
        sliding: &Sliding,
        p: usize,
    ) -> Result<ValueId> {
        let powers = match p {
            1 => self.unary(Unary::Abs, x)?,
            2 => self.unary(Unary::Power { exponent: 2.0 }, x)?,
            _ => return self.refuse("LpPool", x, format!("p is {p}, not 1 or 2")),
        };
        let mut window = self.window("LpPool", x, kernel, sliding)?;
        let powers = self.pad_beyond(powers, &mut window)?;
        let pool = AveragePool {
            window,
            counted_before: window.padding_before,
            counted_after: window.padding_after,
        };
        let means = self.push(Operation::AveragePool(pool), &[powers])?;
        let count = self.number((kernel[0] * kernel[1]) as f32)?;
        let sums = self.binary(Binary::Mul, means, count)?;
        match p {
            1 => Ok(sums),
            _ => self.unary(Unary::Sqrt, sums),
        }
    }

    /// One number of the whole image, for each channel: x \[…, C, H, W\] to \[…, C, 1, 1\].
    ///
    /// # Errors
    ///
    /// Those of [`push`](Self::push).
    pub fn global_pool(&mut self, reduction: Reduction, x: ValueId) -> Result<ValueId> {
        self.image_size("GlobalPool", x)?;
        self.reduce(reduction, x, &[-2, -1], true)
    }

    /// The windows over x, with `SAME` and `ceil` put into numbers.
    fn window(
        &self,
        operation: &'static str,
        x: ValueId,
        kernel: [usize; 2],
        sliding: &Sliding,
    ) -> Result<Window> {
        let size = self.image_size(operation, x)?;
        self.check_sides(operation, x, kernel, sliding)?;
        let (stride, dilation) = (sliding.stride, sliding.dilation);
        let mut window = Window {
            kernel,
            stride,
            dilation,
            padding_before: [0; 2],
            padding_after: [0; 2],
        };
        let extent = window.extent();
        match sliding.padding {
            Padding::Valid => {}
            Padding::Explicit { before, after } => {
                (window.padding_before, window.padding_after) = (before, after);
            }
            Padding::SameUpper | Padding::SameLower => {
                for axis in 0..2 {
                    let output = size[axis].div_ceil(stride[axis]);
                    let reach = (output - 1) * stride[axis] + extent[axis];
                    let padding = reach.saturating_sub(size[axis]);
                    let (smaller, larger) = (padding / 2, padding - padding / 2);
                    let upper = sliding.padding == Padding::SameUpper;
                    let [before, after] = if upper {
                        [smaller, larger]
                    } else {
                        [larger, smaller]
                    };
                    window.padding_before[axis] = before;
                    window.padding_after[axis] = after;
                }
            }
        }
        if sliding.ceil {
            for axis in 0..2 {
                let before = size[axis] + window.padding_before[axis];
                let padded = before + window.padding_after[axis];
                let Some(rest) = padded.checked_sub(extent[axis]) else {
                    continue;
                };
                // A window that begins beyond the image has no output.
                let steps = rest.div_ceil(stride[axis]).min((before - 1) / stride[axis]);
                let reach = steps * stride[axis] + extent[axis];
                window.padding_after[axis] += reach.saturating_sub(padded);
            }
        }
        Ok(window)
    }

    /// Height and width of an image: of its last two axes.
    fn image_size(&self, operation: &'static str, x: ValueId) -> Result<[usize; 2]> {
        match *self.shape(x) {
            [.., _, height, width] if height > 0 && width > 0 => Ok([height, width]),
            _ => {
                let reason = "the input is no image [channels, height, width]".into();
                self.refuse(operation, x, reason)
            }
        }
    }

    /// Refuses what the arithmetic here might not be able to count.
    fn check_sides(
        &self,
        operation: &'static str,
        x: ValueId,
        kernel: [usize; 2],
        sliding: &Sliding,
    ) -> Result<()> {
        let sides = [kernel, sliding.stride, sliding.dilation];
        let fits = |&side: &usize| (1..=limits::WINDOW).contains(&side);
        let padded = match sliding.padding {
            Padding::Explicit { before, after } => [before, after],
            _ => [[0; 2]; 2],
        };
        let bounded = padded.iter().flatten().all(|&pad| pad <= limits::WINDOW);
        if sides.iter().flatten().all(fits) && bounded {
            return Ok(());
        }
        let reason = format!("kernel {kernel:?} and {sliding:?} are out of bounds");
        self.refuse(operation, x, reason)
    }

    /// The bias, or zeros.
    pub(super) fn bias(&mut self, bias: Option<ValueId>, channels: usize) -> Result<ValueId> {
        if let Some(bias) = bias {
            return Ok(bias);
        }
        self.check_limit(
            "Constant",
            "elements of a bias",
            channels as u64,
            limits::ELEMENTS as u64,
        )?;
        self.constant(Constant::f32(&[channels], vec![0.0; channels])?)
    }
}
