//! What a node can do.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// What a node computes from its inputs.
///
/// The inputs of each are listed in order. “Constant” inputs are f32 constants of the graph; all
/// others may be activations or constants. Axes count from 0, without the batch. Where the rule of
/// the secant is not named, the operation is linear and its adjoint serves both backward passes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Operation {
    /// `clamp(convolution(x) + bias + residual)`: inputs x \[…, C, H, W\], constant weight
    /// \[O, C / groups, kernel\], constant bias \[O\], and perhaps a residual \[…, O, H', W'\], which
    /// only [fusion](crate::Graph::prepared) adds. Secant of the clamp: the quotient of differences.
    Convolution(Convolution),
    /// The adjoint of a convolution, plus bias: inputs x \[…, C, H, W\], constant weight
    /// \[C, O / groups, kernel\], constant bias \[O\].
    ConvolutionTranspose(ConvolutionTranspose),
    /// `clamp(x · weightᵀ + bias + residual)`: inputs x \[…, K\], constant weight \[O, K\], constant
    /// bias \[O\], and perhaps a residual \[…, O\], which only fusion adds.
    Linear {
        /// What the sums are clamped to.
        clamp: Clamp,
    },
    /// Product of matrices \[…, M, K\] × \[…, K, N\]; the axes before the last two are broadcast.
    /// Secant: the mean of one factor for the other.
    MatMul,
    /// The largest value of each window: input \[…, C, H, W\]. Padding is never the largest; of
    /// equal values the first is. Secant: shares of the two winners.
    MaxPool(Window),
    /// The mean of each window: input \[…, C, H, W\].
    AveragePool(AveragePool),
    /// A function of each element. Secant: see [`Unary`].
    Unary(Unary),
    /// `x` where it is positive, `slope · x` elsewhere: inputs x, and a constant slope that is
    /// broadcast to x's shape. Secant: the quotient of differences.
    PRelu,
    /// A function of two elements; shapes are broadcast. Secant: see [`Binary`].
    Binary(Binary),
    /// One number of all along the axes, which stay with length 1. Secant: see [`Reduction`].
    Reduce {
        /// Which number.
        reduction: Reduction,
        /// The axes, ascending; at least one.
        axes: Vec<usize>,
    },
    /// `exp(x) / Σ exp(x)` along one axis. Secant: logarithmic means.
    Softmax {
        /// The axis.
        axis: usize,
    },
    /// `x − log Σ exp(x)` along one axis. Secant: logarithmic means.
    LogSoftmax {
        /// The axis.
        axis: usize,
    },
    /// `(x − mean) / √(variance + ε)`, mean and (biased) variance over the axes. Secant: the
    /// quotient rule.
    Normalise {
        /// The axes, ascending; at least one.
        axes: Vec<usize>,
        /// ε.
        epsilon: f32,
    },
    /// The same elements in another shape.
    Reshape {
        /// The new shape.
        shape: Vec<usize>,
    },
    /// Axis `k` of the result is axis `order[k]` of the input.
    Transpose {
        /// A permutation of the axes.
        order: Vec<usize>,
    },
    /// All inputs, one or more, side by side along one axis.
    Concat {
        /// The axis.
        axis: usize,
    },
    /// Along each axis, `counts` elements from `starts` on, `steps` apart; a step may be negative.
    Slice {
        /// Index of the first element, for each axis.
        starts: Vec<usize>,
        /// Distance of neighbours in the input, for each axis; never 0.
        steps: Vec<isize>,
        /// The new shape.
        counts: Vec<usize>,
    },
    /// Elements of one axis by their index, in any order and as often as wanted.
    Gather {
        /// The axis.
        axis: usize,
        /// Index in the input, for each index of the result.
        #[serde(with = "crate::shared::list")]
        indices: Arc<[usize]>,
    },
    /// Broadcast to a larger shape of the same rank: axes of length 1 are repeated.
    Expand {
        /// The new shape.
        shape: Vec<usize>,
    },
    /// A constant around the input.
    Pad {
        /// Elements before, for each axis.
        before: Vec<usize>,
        /// Elements after, for each axis.
        after: Vec<usize>,
        /// The constant.
        value: f32,
    },
    /// Along one axis, each element of the result is a weighted sum of a few of the input: resizing
    /// by any kernel, sums over neighbouring channels.
    Resample {
        /// The axis.
        axis: usize,
        /// Which elements, with what weights.
        #[serde(with = "crate::shared")]
        taps: Arc<Taps>,
    },
    /// Index of the largest along one axis, which stays with length 1. It has no slope, and stands
    /// at a graph's end only, where it is taken off (see [`Head`](crate::Head)).
    ArgMax {
        /// The axis.
        axis: usize,
    },
}

impl Operation {
    /// Its name, for people.
    pub fn name(&self) -> &'static str {
        match self {
            Operation::Convolution(_) => "Convolution",
            Operation::ConvolutionTranspose(_) => "ConvolutionTranspose",
            Operation::Linear { .. } => "Linear",
            Operation::MatMul => "MatMul",
            Operation::MaxPool(_) => "MaxPool",
            Operation::AveragePool(_) => "AveragePool",
            Operation::Unary(unary) => unary.name(),
            Operation::PRelu => "PRelu",
            Operation::Binary(binary) => binary.name(),
            Operation::Reduce { reduction, .. } => reduction.name(),
            Operation::Softmax { .. } => "Softmax",
            Operation::LogSoftmax { .. } => "LogSoftmax",
            Operation::Normalise { .. } => "Normalise",
            Operation::Reshape { .. } => "Reshape",
            Operation::Transpose { .. } => "Transpose",
            Operation::Concat { .. } => "Concat",
            Operation::Slice { .. } => "Slice",
            Operation::Gather { .. } => "Gather",
            Operation::Expand { .. } => "Expand",
            Operation::Pad { .. } => "Pad",
            Operation::Resample { .. } => "Resample",
            Operation::ArgMax { .. } => "ArgMax",
        }
    }
}

/// Windows that walk over an image, height first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Window {
    /// Taps in height and width.
    pub kernel: [usize; 2],
    /// Distance between neighbouring windows, in pixels of the input.
    pub stride: [usize; 2],
    /// Distance between neighbouring taps, in pixels of the input.
    pub dilation: [usize; 2],
    /// Pixels of padding above and to the left.
    pub padding_before: [usize; 2],
    /// Pixels of padding below and to the right.
    pub padding_after: [usize; 2],
}

impl Window {
    /// Pixels from the first tap to the last, in height and width.
    pub fn extent(&self) -> [usize; 2] {
        [0, 1].map(|axis| (self.kernel[axis] - 1) * self.dilation[axis] + 1)
    }

    /// Height and width of the output for those of the input; nothing if no window fits.
    pub fn output(&self, input: [usize; 2]) -> Option<[usize; 2]> {
        let extent = self.extent();
        let count = |axis: usize| {
            let padded = input[axis] + self.padding_before[axis] + self.padding_after[axis];
            Some(padded.checked_sub(extent[axis])? / self.stride[axis] + 1)
        };
        Some([count(0)?, count(1)?])
    }
}

/// See [`Operation::Convolution`].
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Convolution {
    /// The filters' windows; padding is zeros.
    pub window: Window,
    /// Groups of channels that are filtered by themselves.
    pub groups: usize,
    /// What the sums are clamped to.
    pub clamp: Clamp,
}

/// See [`Operation::ConvolutionTranspose`]: the adjoint of a convolution from an image of the size
/// `output` to one of the input's size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConvolutionTranspose {
    /// Taps in height and width.
    pub kernel: [usize; 2],
    /// Distance in the output between the windows of neighbouring inputs.
    pub stride: [usize; 2],
    /// Distance between neighbouring taps in the output.
    pub dilation: [usize; 2],
    /// Rows above and columns to the left that are cut off.
    pub padding_before: [usize; 2],
    /// Height and width of the output.
    pub output: [usize; 2],
    /// Groups of channels that are filtered by themselves.
    pub groups: usize,
}

/// See [`Operation::AveragePool`]. The sum of a window is divided by how many of its taps lie in the
/// input or in the part of the padding that counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct AveragePool {
    /// The windows; padding is zeros.
    pub window: Window,
    /// How much of the padding above and to the left counts.
    pub counted_before: [usize; 2],
    /// How much of the padding below and to the right counts.
    pub counted_after: [usize; 2],
}

/// The range that sums are clamped to.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Clamp {
    /// The smallest value; −∞ for none.
    pub min: f32,
    /// The largest value; ∞ for none.
    pub max: f32,
}

impl Clamp {
    /// Nothing is clamped.
    pub const NONE: Self = Self {
        min: f32::NEG_INFINITY,
        max: f32::INFINITY,
    };
    /// `max(x, 0)`.
    pub const RELU: Self = Self {
        min: 0.0,
        max: f32::INFINITY,
    };

    /// Whether nothing is clamped.
    pub fn is_none(self) -> bool {
        self == Self::NONE
    }
}

/// A function φ of one number.
///
/// Secants: “quotient” is (φ(b) − φ(a)) / (b − a), the derivative where a = b; “mean” is five-point
/// Gauss-Legendre of φ′ where |b − a| < 1, else the quotient; others are closed forms that lose no
/// digits.
///
/// What is a number times another gate than those of [`Gating`] is a product: Mish
/// x · tanh(softplus(x)).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Unary {
    /// min(max(x, min), max); a rectifier is [`Clamp::RELU`]. Secant: quotient.
    Clip(Clamp),
    /// x where positive, `slope · x` elsewhere. Secant: quotient.
    LeakyRelu {
        /// The slope.
        slope: f32,
    },
    /// x where positive, `alpha · (exp(x) − 1)` elsewhere. Secant: mean.
    Elu {
        /// α.
        alpha: f32,
    },
    /// σ(x) = 1 / (1 + exp(−x)). Secant: ½ \[σ(a)σ(−b) + σ(−a)σ(b)\] · tanhc((b − a) / 2).
    Sigmoid,
    /// min(max(slope · x + offset, 0), 1). Secant: quotient.
    HardSigmoid {
        /// The slope.
        slope: f32,
        /// The offset.
        offset: f32,
    },
    /// tanh(x). Secant: (1 − tanh a · tanh b) · tanhc(b − a).
    Tanh,
    /// exp(x). Secant: exp((a + b) / 2) · sinhc((b − a) / 2).
    Exp,
    /// The natural logarithm. Secant: 1 / (logarithmic mean of a and b).
    Log,
    /// √x. Secant: 1 / (√a + √b).
    Sqrt,
    /// 1 / x. Secant: −1 / (a · b).
    Reciprocal,
    /// x to a constant exponent. Secant: closed forms for whole exponents, else mean.
    Power {
        /// The exponent.
        exponent: f32,
    },
    /// |x|. Secant: quotient.
    Abs,
    /// −x: linear.
    Neg,
    /// The error function. Secant: mean.
    Erf,
    /// The normal distribution's Φ(x) = ½ (1 + erf(x / √2)), GELU's gate. Secant: mean.
    NormalCdf,
    /// ½ (1 + tanh(√(2/π) (x + 0.044715 x³))), the gate of GELU's approximation. Secant: mean.
    NormalCdfTanh,
    /// log(1 + exp(x)). Secant: mean.
    Softplus,
    /// x / (1 + |x|). Secant: quotient, in closed form where a and b are of one sign.
    Softsign,
    /// sin(x). Secant: mean.
    Sin,
    /// cos(x). Secant: mean.
    Cos,
    /// x · gate(x): SiLU, hard-swish, GELU. Secant: that of the product, ½ (gate(a) + gate(b)) +
    /// ½ (a + b) times the gate's own.
    Gated(Gating),
}

/// The gate of [`Unary::Gated`].
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Gating {
    /// [`Unary::Sigmoid`]: SiLU.
    Sigmoid,
    /// [`Unary::HardSigmoid`]: with slope 1/6 and offset ½, hard-swish.
    HardSigmoid {
        /// The slope.
        slope: f32,
        /// The offset.
        offset: f32,
    },
    /// [`Unary::NormalCdf`]: GELU.
    NormalCdf,
    /// [`Unary::NormalCdfTanh`]: GELU's approximation.
    NormalCdfTanh,
}

impl Gating {
    /// The gate by itself.
    pub fn gate(self) -> Unary {
        match self {
            Gating::Sigmoid => Unary::Sigmoid,
            Gating::HardSigmoid { slope, offset } => Unary::HardSigmoid { slope, offset },
            Gating::NormalCdf => Unary::NormalCdf,
            Gating::NormalCdfTanh => Unary::NormalCdfTanh,
        }
    }
}

impl Unary {
    /// max(x, 0).
    pub const RELU: Self = Unary::Clip(Clamp::RELU);

    /// Its name, for people.
    pub fn name(self) -> &'static str {
        match self {
            Unary::Clip(clamp) if clamp == Clamp::RELU => "Relu",
            Unary::Clip(_) => "Clip",
            Unary::LeakyRelu { .. } => "LeakyRelu",
            Unary::Elu { .. } => "Elu",
            Unary::Sigmoid => "Sigmoid",
            Unary::HardSigmoid { .. } => "HardSigmoid",
            Unary::Tanh => "Tanh",
            Unary::Exp => "Exp",
            Unary::Log => "Log",
            Unary::Sqrt => "Sqrt",
            Unary::Reciprocal => "Reciprocal",
            Unary::Power { .. } => "Power",
            Unary::Abs => "Abs",
            Unary::Neg => "Neg",
            Unary::Erf => "Erf",
            Unary::NormalCdf => "NormalCdf",
            Unary::NormalCdfTanh => "NormalCdfTanh",
            Unary::Softplus => "Softplus",
            Unary::Softsign => "Softsign",
            Unary::Sin => "Sin",
            Unary::Cos => "Cos",
            Unary::Gated(Gating::Sigmoid) => "Silu",
            Unary::Gated(Gating::HardSigmoid { .. }) => "HardSwish",
            Unary::Gated(Gating::NormalCdf) => "Gelu",
            Unary::Gated(Gating::NormalCdfTanh) => "GeluTanh",
        }
    }
}

/// A function of two numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Binary {
    /// a + b.
    Add,
    /// a − b.
    Sub,
    /// a · b. Secant: the mean of one factor for the other.
    Mul,
    /// a / b. Secant: Δy = (Δa − ȳ Δb) / b̄. Never take it apart into a · (1 / b): that is complete
    /// too, but wild where the baseline's divisor is small.
    Div,
    /// The larger; the first of equal ones. Secant: shares of the two winners.
    Max,
    /// The smaller; the first of equal ones. Secant: shares of the two winners.
    Min,
}

impl Binary {
    /// Its name, for people.
    pub fn name(self) -> &'static str {
        match self {
            Binary::Add => "Add",
            Binary::Sub => "Sub",
            Binary::Mul => "Mul",
            Binary::Div => "Div",
            Binary::Max => "Max",
            Binary::Min => "Min",
        }
    }
}

/// One number of many.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Reduction {
    /// Σ x.
    Sum,
    /// Σ x / n.
    Mean,
    /// The largest; the first of equal ones. Secant: shares of the two winners.
    Max,
    /// √Σ x². Secant: (a + b) / (‖a‖ + ‖b‖).
    L2,
    /// log Σ exp(x). Secant: logarithmic means.
    LogSumExp,
}

impl Reduction {
    /// Its name, for people.
    pub fn name(self) -> &'static str {
        match self {
            Reduction::Sum => "ReduceSum",
            Reduction::Mean => "ReduceMean",
            Reduction::Max => "ReduceMax",
            Reduction::L2 => "ReduceL2",
            Reduction::LogSumExp => "ReduceLogSumExp",
        }
    }
}

/// A sparse matrix along one axis: for each element of the result, which elements of the input, with
/// what weights.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Taps {
    /// Where each row's taps begin in the other two, and where the last one's end: one more than
    /// rows.
    pub offsets: Vec<usize>,
    /// Indices in the input.
    pub indices: Vec<usize>,
    /// A weight for each index.
    pub weights: Vec<f32>,
}

impl Taps {
    /// Of the taps of each row.
    pub fn new(rows: impl IntoIterator<Item = Vec<(usize, f32)>>) -> Self {
        let mut taps = Self {
            offsets: vec![0],
            ..Self::default()
        };
        for row in rows {
            for (index, weight) in row {
                taps.indices.push(index);
                taps.weights.push(weight);
            }
            taps.offsets.push(taps.indices.len());
        }
        taps
    }

    /// Elements of the result along the axis.
    pub fn rows(&self) -> usize {
        self.offsets.len().saturating_sub(1)
    }

    /// Index and weight of each tap of a row.
    pub fn row(&self, row: usize) -> impl Iterator<Item = (usize, f32)> + '_ {
        let range = self.offsets[row]..self.offsets[row + 1];
        let weights = self.weights[range.clone()].iter().copied();
        self.indices[range].iter().copied().zip(weights)
    }
}
