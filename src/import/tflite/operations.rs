//! What TensorFlow Lite's operators do.
//!
//! # Source
//!
//! `tensorflow/lite/schema/schema.fbs` (numbers of operators and of their options' fields) and
//! `tensorflow/lite/kernels`.

use violet_graph::{Binary, Clamp, Constant, DepthOrder, Padding, Reduction, Sliding, Unary};

use super::flatbuffer::Table;
use super::layers::{convolution, depthwise, fully_connected, joined, padded, reduced, transposed};
use super::model::Operator;
use crate::arranged::{Arranged, Arranger};
use crate::error::{Error, Result};
use crate::tensorflow::{self, Masks, Resizing, unsupported};

/// The operators, by their numbers in `BuiltinOperator`.
macro_rules! operators {
    ($($name:ident = $code:literal),* $(,)?) => {
        /// An operator that is known.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[allow(clippy::upper_case_acronyms, non_camel_case_types, reason = "the schema's names")]
        pub(super) enum Code { $($name),* }

        impl Code {
            /// By its number; nothing if it is not known.
            pub(super) fn of(code: i32) -> Option<Self> {
                match code {
                    $($code => Some(Self::$name),)*
                    _ => None,
                }
            }
        }
    };
}
operators! {
    ADD = 0, AVERAGE_POOL_2D = 1, CONCATENATION = 2, CONV_2D = 3, DEPTHWISE_CONV_2D = 4,
    DEPTH_TO_SPACE = 5, DEQUANTIZE = 6, FULLY_CONNECTED = 9, L2_NORMALIZATION = 11,
    LOCAL_RESPONSE_NORMALIZATION = 13, LOGISTIC = 14, MAX_POOL_2D = 17, MUL = 18, RELU = 19,
    RELU_N1_TO_1 = 20, RELU6 = 21, RESHAPE = 22, RESIZE_BILINEAR = 23, SOFTMAX = 25,
    SPACE_TO_DEPTH = 26, TANH = 28, PAD = 34, GATHER = 36, BATCH_TO_SPACE_ND = 37,
    SPACE_TO_BATCH_ND = 38, TRANSPOSE = 39, MEAN = 40, SUB = 41, DIV = 42, SQUEEZE = 43,
    STRIDED_SLICE = 45, EXP = 47, SPLIT = 49, LOG_SOFTMAX = 50, CAST = 53, PRELU = 54,
    MAXIMUM = 55, ARG_MAX = 56, MINIMUM = 57, NEG = 59, PADV2 = 60, SLICE = 65, SIN = 66, TRANSPOSE_CONV = 67,
    TILE = 69, EXPAND_DIMS = 70, LOG = 73, SUM = 74, SQRT = 75, RSQRT = 76, SHAPE = 77, POW = 78,
    REDUCE_MAX = 82, PACK = 83, UNPACK = 88, REDUCE_MIN = 89, SQUARE = 92, FILL = 94,
    RESIZE_NEAREST_NEIGHBOR = 97, LEAKY_RELU = 98, SQUARED_DIFFERENCE = 99, MIRROR_PAD = 100,
    ABS = 101, SPLIT_V = 102, ADD_N = 106, COS = 108, ELU = 111, QUANTIZE = 114, HARD_SWISH = 117,
    BATCH_MATMUL = 126, BROADCAST_TO = 130, GELU = 150, RELU_0_TO_1 = 152,
}

/// Operators that people have and Violet cannot explain, for messages.
const OTHERS: &[(i32, &str)] = &[
    (7, "EMBEDDING_LOOKUP"),
    (12, "L2_POOL_2D"),
    (16, "LSTM"),
    (24, "RNN"),
    (44, "UNIDIRECTIONAL_SEQUENCE_LSTM"),
    (48, "TOPK_V2"),
    (51, "DELEGATE"),
    (64, "SELECT"),
    (107, "GATHER_ND"),
    (109, "WHERE"),
    (118, "IF"),
    (119, "WHILE"),
    (120, "NON_MAX_SUPPRESSION_V4"),
    (121, "NON_MAX_SUPPRESSION_V5"),
    (123, "SELECT_V2"),
    (124, "DENSIFY"),
    (129, "CALL_ONCE"),
];

/// Name of an operator that is not known.
pub(super) fn name(code: i32) -> String {
    match OTHERS.iter().find(|(other, _)| *other == code) {
        Some((_, name)) => (*name).into(),
        None => format!("operator number {code}"),
    }
}

/// An operator with its inputs; nothing for one that is optional and absent.
pub(super) struct Call<'a> {
    pub(super) operator: &'a Operator<'a>,
    pub(super) inputs: Vec<Option<Arranged>>,
    /// Shapes of what it makes, as the file has them.
    pub(super) shapes: Vec<&'a [usize]>,
}

impl Call<'_> {
    pub(super) fn input(&self, k: usize) -> Result<&Arranged> {
        let input = self.inputs.get(k).and_then(Option::as_ref);
        input.ok_or_else(|| damaged(format!("an operator has no input {k}")))
    }

    fn values(&self) -> Result<Vec<Arranged>> {
        let values: Option<Vec<Arranged>> = self.inputs.iter().cloned().collect();
        values
            .filter(|values| !values.is_empty())
            .ok_or_else(|| damaged("an input is missing"))
    }

    pub(super) fn constant(
        &self,
        arranger: &mut Arranger,
        k: usize,
        what: &'static str,
    ) -> Result<Constant> {
        let input = self.input(k)?.clone();
        arranger.require(&input, what)
    }

    pub(super) fn integers(
        &self,
        arranger: &mut Arranger,
        k: usize,
        what: &'static str,
    ) -> Result<Vec<i64>> {
        Ok(self.constant(arranger, k, what)?.to_i64())
    }

    pub(super) fn bias(&self, arranger: &mut Arranger, k: usize) -> Result<Option<Constant>> {
        match self.inputs.get(k).cloned().flatten() {
            Some(bias) => arranger.require(&bias, "bias").map(Some),
            None => Ok(None),
        }
    }

    fn options(&self) -> Options<'_> {
        Options(self.operator.options)
    }
}

/// An operator's table of options; all at their defaults if it has none.
pub(super) struct Options<'a>(Option<Table<'a>>);

impl Options<'_> {
    fn integer(&self, field: usize, default: i32) -> Result<i64> {
        self.0
            .map_or(Ok(default), |table| table.number(field, default))
            .map(i64::from)
    }

    fn length(&self, field: usize, default: i32) -> Result<usize> {
        let length = self.integer(field, default)?;
        usize::try_from(length).map_err(|error| damaged(format!("an option is {length}: {error}")))
    }

    fn float(&self, field: usize, default: f32) -> Result<f32> {
        self.0
            .map_or(Ok(default), |table| table.number(field, default))
    }

    pub(super) fn byte(&self, field: usize) -> Result<i8> {
        self.0.map_or(Ok(0), |table| table.number(field, 0))
    }

    pub(super) fn flag(&self, field: usize) -> Result<bool> {
        Ok(self.byte(field)? != 0)
    }

    /// `Padding`.
    pub(super) fn padding(&self, field: usize) -> Result<Padding> {
        match self.byte(field)? {
            0 => Ok(Padding::SameUpper),
            1 => Ok(Padding::Valid),
            other => Err(damaged(format!("it knows no padding {other}"))),
        }
    }

    /// Stride in height and width; the schema has the width first.
    pub(super) fn stride(&self, field: usize) -> Result<[usize; 2]> {
        Ok([self.length(field + 1, 0)?, self.length(field, 0)?])
    }

    pub(super) fn dilation(&self, field: usize) -> Result<[usize; 2]> {
        Ok([self.length(field + 1, 1)?, self.length(field, 1)?])
    }

    /// `ActivationFunctionType`.
    pub(super) fn activated(
        &self,
        field: usize,
        arranger: &mut Arranger,
        x: Arranged,
    ) -> Result<Arranged> {
        let (min, max) = match self.byte(field)? {
            0 => return Ok(x),
            1 => (0.0, f32::INFINITY),
            2 => (-1.0, 1.0),
            3 => (0.0, 6.0),
            4 => return arranger.unary(Unary::Tanh, &x),
            other => return Err(damaged(format!("it knows no activation {other}"))),
        };
        arranger.unary(Unary::Clip(Clamp { min, max }), &x)
    }
}

/// What an operator makes.
pub(super) fn apply(arranger: &mut Arranger, code: Code, call: &Call<'_>) -> Result<Vec<Arranged>> {
    let options = call.options();
    let made = match code {
        Code::CONV_2D => convolution(arranger, call, &options)?,
        Code::DEPTHWISE_CONV_2D => depthwise(arranger, call, &options)?,
        Code::TRANSPOSE_CONV => transposed(arranger, call, &options)?,
        Code::FULLY_CONNECTED => fully_connected(arranger, call, &options)?,
        Code::BATCH_MATMUL => {
            let transposed = [options.flag(0)?, options.flag(1)?];
            arranger.mat_mul(call.input(0)?, call.input(1)?, transposed)?
        }
        Code::AVERAGE_POOL_2D | Code::MAX_POOL_2D => {
            let sliding = Sliding {
                padding: options.padding(0)?,
                stride: options.stride(1)?,
                ..Sliding::default()
            };
            let kernel = [options.length(4, 0)?, options.length(3, 0)?];
            let x = call.input(0)?;
            let y = match code {
                Code::MAX_POOL_2D => arranger.max_pool(x, kernel, &sliding)?,
                _ => arranger.average_pool(x, kernel, &sliding)?,
            };
            options.activated(5, arranger, y)?
        }
        Code::ADD => joined(arranger, call, &options, Binary::Add)?,
        Code::SUB => joined(arranger, call, &options, Binary::Sub)?,
        Code::MUL => joined(arranger, call, &options, Binary::Mul)?,
        Code::DIV => joined(arranger, call, &options, Binary::Div)?,
        Code::MAXIMUM => arranger.binary(Binary::Max, call.input(0)?, call.input(1)?)?,
        Code::MINIMUM => arranger.binary(Binary::Min, call.input(0)?, call.input(1)?)?,
        Code::SQUARED_DIFFERENCE => {
            tensorflow::squared_difference(arranger, call.input(0)?, call.input(1)?)?
        }
        Code::ADD_N => {
            let mut values = call.values()?.into_iter();
            let first = values.next().ok_or_else(|| damaged("a sum of nothing"))?;
            values.try_fold(first, |sum, x| arranger.binary(Binary::Add, &sum, &x))?
        }
        Code::CONCATENATION => {
            let y = arranger.concat(&call.values()?, options.integer(0, 0)?)?;
            options.activated(1, arranger, y)?
        }
        Code::POW => {
            let exponent = call.constant(arranger, 1, "exponent")?;
            match exponent.to_f64()[..] {
                [exponent] => {
                    let exponent = exponent as f32;
                    arranger.unary(Unary::Power { exponent }, call.input(0)?)?
                }
                _ => return Err(unsupported("its exponents are a list")),
            }
        }
        Code::PRELU => {
            let slope = call.input(1)?;
            arranger.prelu(call.input(0)?, slope)?
        }
        Code::SOFTMAX => {
            let beta = options.float(0, 1.0)?;
            let x = arranger.each(call.input(0)?, |builder, x| builder.affine(x, beta, 0.0))?;
            arranger.softmax(&x, -1)?
        }
        Code::LOG_SOFTMAX => arranger.log_softmax(call.input(0)?, -1)?,
        Code::L2_NORMALIZATION => {
            let x = call.input(0)?;
            let norm = arranger.reduce(Reduction::L2, x, &[-1], true)?;
            let y = arranger.binary(Binary::Div, x, &norm)?;
            options.activated(0, arranger, y)?
        }
        Code::LOCAL_RESPONSE_NORMALIZATION => {
            let size = options.length(0, 0)?.saturating_mul(2).saturating_add(1);
            // TensorFlow does not divide α by the number of channels that it sums.
            let alpha = options.float(2, 0.0)? * size as f32;
            let numbers = [alpha, options.float(3, 0.0)?, options.float(1, 0.0)?];
            let x = call.input(0)?;
            arranger.image(x, |builder, x| {
                builder.local_response_norm(x, 1, size, numbers)
            })?
        }
        Code::MEAN => reduced(arranger, call, &options, Reduction::Mean)?,
        Code::SUM => reduced(arranger, call, &options, Reduction::Sum)?,
        Code::REDUCE_MAX => reduced(arranger, call, &options, Reduction::Max)?,
        Code::REDUCE_MIN => {
            let x = arranger.unary(Unary::Neg, call.input(0)?)?;
            let axes = call.integers(arranger, 1, "axes")?;
            let y = arranger.reduce(Reduction::Max, &x, &axes, options.flag(0)?)?;
            arranger.unary(Unary::Neg, &y)?
        }
        Code::ARG_MAX => {
            let axis = call.integers(arranger, 1, "axis")?;
            let axis = axis.first().copied().unwrap_or(-1);
            arranger.arg_max(call.input(0)?, axis)?
        }
        Code::PAD | Code::PADV2 | Code::MIRROR_PAD => padded(arranger, code, call, &options)?,
        Code::RESIZE_BILINEAR | Code::RESIZE_NEAREST_NEIGHBOR => {
            let linear = code == Code::RESIZE_BILINEAR;
            let first = if linear { 2 } else { 0 };
            let how = Resizing {
                linear,
                align_corners: options.flag(first)?,
                half_pixel_centers: options.flag(first + 1)?,
            };
            let size = call.integers(arranger, 1, "size")?;
            let &[height, width] = &size[..] else {
                return Err(damaged("a size is not two numbers"));
            };
            tensorflow::resize(arranger, call.input(0)?, [height, width], how)?
        }
        Code::SPLIT => {
            let axis = call.integers(arranger, 0, "axis")?;
            let axis = axis.first().copied().unwrap_or_default();
            let x = call.input(1)?.clone();
            let own = arranger.axis(&x, axis)?;
            let count = options.length(0, 0)?.clamp(1, 4096);
            let length = (arranger.shape(&x)[own] / count) as i64;
            return tensorflow::split(arranger, &x, axis, &vec![length; count]);
        }
        Code::SPLIT_V => {
            let lengths = call.integers(arranger, 1, "lengths")?;
            let axis = call.integers(arranger, 2, "axis")?;
            let axis = axis.first().copied().unwrap_or_default();
            return tensorflow::split(arranger, call.input(0)?, axis, &lengths);
        }
        Code::UNPACK => {
            return tensorflow::unpack(arranger, call.input(0)?, options.integer(1, 0)?);
        }
        _ => simple(arranger, code, call, &options)?,
    };
    Ok(vec![made])
}

/// Operators of one line.
fn simple(
    arranger: &mut Arranger,
    code: Code,
    call: &Call<'_>,
    options: &Options<'_>,
) -> Result<Arranged> {
    let x = call.input(0)?;
    let clip = |min, max| Unary::Clip(Clamp { min, max });
    match code {
        Code::RELU => arranger.unary(Unary::RELU, x),
        Code::RELU6 => arranger.unary(clip(0.0, 6.0), x),
        Code::RELU_N1_TO_1 => arranger.unary(clip(-1.0, 1.0), x),
        Code::RELU_0_TO_1 => arranger.unary(clip(0.0, 1.0), x),
        Code::LEAKY_RELU => {
            let slope = options.float(0, 0.0)?;
            arranger.unary(Unary::LeakyRelu { slope }, x)
        }
        Code::ELU => arranger.unary(Unary::Elu { alpha: 1.0 }, x),
        Code::LOGISTIC => arranger.unary(Unary::Sigmoid, x),
        Code::TANH => arranger.unary(Unary::Tanh, x),
        Code::EXP => arranger.unary(Unary::Exp, x),
        Code::LOG => arranger.unary(Unary::Log, x),
        Code::SIN => arranger.unary(Unary::Sin, x),
        Code::COS => arranger.unary(Unary::Cos, x),
        Code::NEG => arranger.unary(Unary::Neg, x),
        Code::ABS => arranger.unary(Unary::Abs, x),
        Code::SQRT => arranger.unary(Unary::Sqrt, x),
        Code::SQUARE => arranger.unary(Unary::Power { exponent: 2.0 }, x),
        Code::RSQRT => {
            let root = arranger.unary(Unary::Sqrt, x)?;
            arranger.unary(Unary::Reciprocal, &root)
        }
        Code::HARD_SWISH => arranger.each(x, |builder, x| builder.hard_swish(x)),
        Code::GELU => {
            let approximate = options.flag(0)?;
            arranger.each(x, |builder, x| builder.gelu(x, approximate))
        }
        // What is rounded to integers and back is left as it is; so are other types.
        Code::QUANTIZE | Code::DEQUANTIZE | Code::CAST => Ok(x.clone()),
        Code::RESHAPE => {
            let shape = match call.inputs.get(1).cloned().flatten() {
                Some(shape) => arranger.integers(&shape, "shape")?,
                None => {
                    let shape = call.shapes.first().copied().unwrap_or_default();
                    shape.iter().map(|&length| length as i64).collect()
                }
            };
            arranger.reshape(x, &tensorflow::of_one(&arranger.shape(x), &shape))
        }
        Code::SQUEEZE => {
            let axes = options
                .0
                .map_or(Ok(Vec::new()), |table| table.numbers::<i32>(0))?;
            let axes: Vec<i64> = axes.into_iter().map(i64::from).collect();
            arranger.squeeze(x, &axes)
        }
        Code::EXPAND_DIMS => {
            let axis = call.integers(arranger, 1, "axis")?;
            arranger.unsqueeze(x, axis.first().copied().unwrap_or_default())
        }
        Code::TRANSPOSE => {
            let order = call.integers(arranger, 1, "order")?;
            arranger.transpose(x, &order)
        }
        Code::SLICE => {
            let begin = call.integers(arranger, 1, "begin")?;
            let size = call.integers(arranger, 2, "size")?;
            tensorflow::slice(arranger, x, &begin, &size)
        }
        Code::STRIDED_SLICE => {
            let bounds = [1, 2, 3].map(|k| call.integers(arranger, k, "bounds"));
            let [begin, end, strides] = bounds;
            let (begin, end, strides) = (begin?, end?, strides?);
            let masks = Masks {
                begin: options.integer(0, 0)?,
                end: options.integer(1, 0)?,
                ellipsis: options.integer(2, 0)?,
                new_axis: options.integer(3, 0)?,
                shrink_axis: options.integer(4, 0)?,
            };
            tensorflow::strided_slice(arranger, x, [&begin, &end, &strides], masks)
        }
        Code::PACK => tensorflow::pack(arranger, &call.values()?, options.integer(1, 0)?),
        Code::GATHER => {
            if options.integer(1, 0)? != 0 {
                return Err(unsupported("it gathers by batches"));
            }
            let indices = call.constant(arranger, 1, "indices")?;
            let axis = options.integer(0, 0)?;
            arranger.gather(x, axis, &indices.to_i64(), indices.shape())
        }
        Code::TILE => {
            let repeats = call.integers(arranger, 1, "repeats")?;
            arranger.tile(x, &repeats)
        }
        Code::BROADCAST_TO => {
            let shape = call.integers(arranger, 1, "shape")?;
            arranger.expand(x, &shape)
        }
        Code::SHAPE => {
            let shape = arranger.shape(x).into_iter().map(|length| length as i64);
            arranger.constant(Constant::integers(shape.collect::<Vec<_>>()))
        }
        Code::FILL => {
            let shape = arranger.integers(x, "shape")?;
            let value = call.input(1)?.clone();
            arranger.expand(&value, &shape)
        }
        Code::DEPTH_TO_SPACE => {
            let block = options.length(0, 0)?;
            let order = DepthOrder::ChannelsLast;
            arranger.image(x, |builder, x| builder.depth_to_space(x, block, order))
        }
        Code::SPACE_TO_DEPTH => {
            let block = options.length(0, 0)?;
            arranger.image(x, |builder, x| builder.space_to_depth(x, block))
        }
        Code::SPACE_TO_BATCH_ND | Code::BATCH_TO_SPACE_ND => {
            let block = call.integers(arranger, 1, "block")?;
            let pads = tensorflow::pads(&call.constant(arranger, 2, "padding")?);
            let ([a, b], [rows, columns]) = (&block[..], &pads[..]) else {
                return Err(unsupported("its blocks are not of two axes"));
            };
            match code {
                Code::SPACE_TO_BATCH_ND => {
                    tensorflow::space_to_batch(arranger, x, [*a, *b], [*rows, *columns])
                }
                _ => tensorflow::batch_to_space(arranger, x, [*a, *b], [*rows, *columns]),
            }
        }
        _ => Err(unsupported("it is not known")),
    }
}

pub(super) fn damaged(detail: impl Into<String>) -> Error {
    super::damaged(detail)
}
