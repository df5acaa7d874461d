//! What a convolution is, in numbers, and how its two directions read their source.

/// Extent in height and width.
pub type Size = [usize; 2];

/// The filters of a two-dimensional convolution: dense, in groups of channels, or depthwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Filter {
    /// Channels of the input.
    pub channels_in: usize,
    /// Channels of the output; as many as of the input if `depthwise`.
    pub channels_out: usize,
    /// Whether each channel is filtered by itself (groups = channels) instead of all together.
    pub depthwise: bool,
    /// Groups of channels, of the input and of the output, that have nothing to do with each other; of depthwise
    /// filters, one.
    pub groups: usize,
    /// Side of the square kernel, in pixels.
    pub kernel: usize,
    /// Distance between neighbouring outputs, in pixels of the input.
    pub stride: usize,
    /// Which of the kernel's elements may be anything but zero.
    pub used: Used,
}

/// A part of a square kernel: a rectangle from its first element on, or every so many rows and columns of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Used {
    /// Rows and columns of the rectangle.
    pub extent: Size,
    /// Distance between those that count.
    pub every: Size,
}

impl Used {
    fn has(&self, place: Size) -> bool {
        let axes = place.iter().zip(&self.extent).zip(&self.every);
        axes.into_iter()
            .all(|((place, extent), every)| place < extent && place % every == 0)
    }
}

impl Filter {
    /// Filters over all channels together.
    pub const fn dense(
        channels_in: usize,
        channels_out: usize,
        kernel: usize,
        stride: usize,
    ) -> Self {
        Self {
            channels_in,
            channels_out,
            depthwise: false,
            groups: 1,
            kernel,
            stride,
            used: Used {
                extent: [kernel; 2],
                every: [1; 2],
            },
        }
    }

    /// Filters over each channel by itself.
    pub const fn depthwise(channels: usize, kernel: usize, stride: usize) -> Self {
        Self {
            depthwise: true,
            ..Self::dense(channels, channels, kernel, stride)
        }
    }

    /// The filters of one group.
    pub fn of_group(self) -> Self {
        Self {
            channels_in: self.channels_in / self.groups,
            channels_out: self.channels_out / self.groups,
            groups: 1,
            ..self
        }
    }

    /// The same, with every element of the kernel used.
    pub fn whole(self) -> Self {
        let used = Used {
            extent: [self.kernel; 2],
            every: [1; 2],
        };
        Self { used, ..self }
    }

    /// Input channels that one output channel reads.
    pub fn group_channels(&self) -> usize {
        if self.depthwise {
            1
        } else {
            self.channels_in / self.groups
        }
    }

    /// Elements of the kernel in one channel that are used.
    pub fn taps(&self) -> usize {
        self.used().count()
    }

    /// Which ones: row · side + column.
    pub fn used(&self) -> impl Iterator<Item = usize> + use<> {
        let (side, used) = (self.kernel, self.used);
        (0..side * side).filter(move |tap| used.has([tap / side, tap % side]))
    }

    /// Dimensions of the weights: \[out, in / groups, kernel, kernel\].
    pub fn weight_dims(&self) -> [usize; 4] {
        let side = self.kernel;
        [self.channels_out, self.group_channels(), side, side]
    }
}

/// Filters over an image of a certain size, padded with zeros.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Geometry {
    /// The filters.
    pub filter: Filter,
    /// Zeros above and to the left of the input, in pixels; fewer than the kernel's side.
    pub padding_before: Size,
    /// Height and width of the input.
    pub input: Size,
    /// Height and width of the output.
    pub output: Size,
}

impl Geometry {
    /// Multiplications of one image in one direction.
    pub fn multiplications(&self) -> usize {
        let f = &self.filter;
        f.channels_out * f.group_channels() * f.taps() * self.output[0] * self.output[1]
    }

    /// On the way back, inputs that lie alike between the outputs: rows (dimension 0) or columns
    /// (1) whose position, counted from the padded edge, leaves `remainder` by the stride.
    pub fn phase(&self, dimension: usize, remainder: usize) -> Phase {
        let (stride, before) = (self.filter.stride, self.padding_before[dimension]);
        let first = before.saturating_sub(remainder).div_ceil(stride);
        let end = (self.input[dimension] + before).saturating_sub(remainder);
        Phase {
            first,
            count: end.div_ceil(stride).saturating_sub(first),
            target: first * stride + remainder - before,
        }
    }

    /// Values of one input and of one output.
    pub fn values(&self) -> [usize; 2] {
        let f = &self.filter;
        [
            f.channels_in * self.input[0] * self.input[1],
            f.channels_out * self.output[0] * self.output[1],
        ]
    }
}

/// See [`Geometry::phase`].
#[derive(Debug, Clone, Copy)]
pub struct Phase {
    /// Quotient of the first position by the stride.
    pub first: usize,
    /// How many there are.
    pub count: usize,
    /// The first one's index in the input.
    pub target: usize,
}

/// What follows a convolution, element by element.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Activation {
    /// Nothing.
    Identity,
    /// `max(x, 0)`.
    Relu,
    /// `min(max(x, 0), 6)`.
    Relu6,
}

impl Activation {
    /// The range that values are clamped to.
    pub fn range(self) -> [f32; 2] {
        match self {
            Activation::Identity => [f32::NEG_INFINITY, f32::INFINITY],
            Activation::Relu => [0.0, f32::INFINITY],
            Activation::Relu6 => [0.0, 6.0],
        }
    }
}
