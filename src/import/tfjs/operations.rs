//! What a TensorFlow graph's operations do.
//!
//! # Source
//!
//! `tensorflow/core/ops/*.cc`, and `tfjs-converter/src/operations` for those that TensorFlow.js
//! fuses.

use violet_graph::{Binary, Clamp, Constant, Padding, Reduction, Sliding, Unary};

use super::attributes::Node;
use super::{damaged, shapes};
use crate::arranged::{Arranged, Arranger, permuted};
use crate::error::Result;
use crate::tensorflow::{self, unsupported};

/// Operations with weights: a network's layers.
const LAYERS: &[&str] = &[
    "Conv2D",
    "_FusedConv2D",
    "DepthwiseConv2dNative",
    "FusedDepthwiseConv2dNative",
    "MatMul",
    "_FusedMatMul",
    "Conv2DBackpropInput",
];

/// Other operations that [`apply`] knows.
const KNOWN: &[&str] = &[
    "Const",
    "Placeholder",
    "PlaceholderWithDefault",
    "Identity",
    "StopGradient",
    "Cast",
    "BiasAdd",
    "FusedBatchNorm",
    "FusedBatchNormV2",
    "FusedBatchNormV3",
    "BatchMatMul",
    "BatchMatMulV2",
    "Relu",
    "Relu6",
    "Elu",
    "Selu",
    "LeakyRelu",
    "Prelu",
    "Sigmoid",
    "Tanh",
    "Softplus",
    "Softsign",
    "Erf",
    "Cos",
    "Exp",
    "Log",
    "Sin",
    "Sqrt",
    "Rsqrt",
    "Square",
    "Neg",
    "Abs",
    "Reciprocal",
    "Inv",
    "Softmax",
    "LogSoftmax",
    "Add",
    "AddV2",
    "AddN",
    "Sub",
    "Mul",
    "Div",
    "RealDiv",
    "Maximum",
    "Minimum",
    "Pow",
    "SquaredDifference",
    "ClipByValue",
    "MaxPool",
    "AvgPool",
    "Mean",
    "Sum",
    "Max",
    "Min",
    "ArgMax",
    "LRN",
    "Reshape",
    "Squeeze",
    "ExpandDims",
    "Transpose",
    "ConcatV2",
    "Split",
    "SplitV",
    "Slice",
    "StridedSlice",
    "Pad",
    "PadV2",
    "MirrorPad",
    "Pack",
    "Unpack",
    "Shape",
    "Range",
    "Gather",
    "GatherV2",
    "Tile",
    "Fill",
    "BroadcastTo",
    "ResizeBilinear",
    "ResizeNearestNeighbor",
    "DepthToSpace",
    "SpaceToDepth",
    "SpaceToBatchND",
    "BatchToSpaceND",
    "Rank",
    "Size",
    "Prod",
    "Less",
    "Greater",
    "Equal",
    "ZerosLike",
    "OnesLike",
];

/// Whether it has weights.
pub(super) fn is_layer(op: &str) -> bool {
    LAYERS.contains(&op)
}

/// Whether it can be explained.
pub(super) fn is_known(op: &str) -> bool {
    LAYERS.contains(&op) || KNOWN.contains(&op)
}

/// A node with the values that it takes.
pub(super) struct Call<'a> {
    pub(super) node: &'a Node<'a>,
    pub(super) inputs: Vec<Arranged>,
}

impl Call<'_> {
    pub(super) fn input(&self, k: usize) -> Result<&Arranged> {
        let missing = || damaged(format!("the node “{}” has no input {k}", self.node.name));
        self.inputs.get(k).ok_or_else(missing)
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

    pub(super) fn integer(
        &self,
        arranger: &mut Arranger,
        k: usize,
        what: &'static str,
    ) -> Result<i64> {
        let list = self.integers(arranger, k, what)?;
        list.first()
            .copied()
            .ok_or_else(|| damaged(format!("{what} is empty")))
    }

    fn channels_first(&self) -> bool {
        self.node.text("data_format") == "NCHW"
    }

    /// Height and width of a list with a number for each axis.
    fn sides(&self, name: &str) -> Result<[usize; 2]> {
        let list = self.node.integers(name);
        let sides = match (&list[..], self.channels_first()) {
            ([], _) => [1, 1],
            (&[_, _, height, width], true) | (&[_, height, width, _], false) => [height, width],
            _ => return Err(unsupported(&format!("its {name} is {list:?}"))),
        };
        Ok(sides.map(|side| usize::try_from(side).unwrap_or_default()))
    }

    fn padding(&self) -> Result<Padding> {
        match self.node.text("padding").as_str() {
            "SAME" => Ok(Padding::SameUpper),
            "VALID" | "" => Ok(Padding::Valid),
            "EXPLICIT" => {
                let pads = self.node.integers("explicit_paddings");
                let first = if self.channels_first() { 4 } else { 2 };
                let Some(&[top, bottom, left, right]) = pads.get(first..first + 4) else {
                    return Err(unsupported("its padding is not of four axes"));
                };
                let [top, bottom, left, right] =
                    [top, bottom, left, right].map(|pad| usize::try_from(pad).unwrap_or_default());
                Ok(Padding::Explicit {
                    before: [top, left],
                    after: [bottom, right],
                })
            }
            other => Err(unsupported(&format!("its padding is {other}"))),
        }
    }

    fn sliding(&self) -> Result<Sliding> {
        Ok(Sliding {
            stride: self.sides("strides")?,
            dilation: self.sides("dilations")?,
            padding: self.padding()?,
            ceil: false,
        })
    }
}

/// What a node makes.
pub(super) fn apply(arranger: &mut Arranger, call: &Call<'_>) -> Result<Vec<Arranged>> {
    let node = call.node;
    let made = match node.op {
        "Conv2D" | "_FusedConv2D" => {
            let x = channels_last(arranger, call, call.input(0)?)?;
            let filters = turned(&call.constant(arranger, 1, "weights")?, &[3, 2, 0, 1])?;
            let channels = arranger.shape(&x).last().copied().unwrap_or_default();
            let groups = (channels / filters.shape()[1].max(1)).max(1);
            let y = arranger.convolution(&x, filters, None, &call.sliding()?, groups)?;
            let y = fused(arranger, call, y)?;
            channels_back(arranger, call, &y)?
        }
        "DepthwiseConv2dNative" | "FusedDepthwiseConv2dNative" => {
            let x = channels_last(arranger, call, call.input(0)?)?;
            let y = depthwise(arranger, call, &x)?;
            let y = fused(arranger, call, y)?;
            channels_back(arranger, call, &y)?
        }
        "Conv2DBackpropInput" => {
            let shape = call.integers(arranger, 0, "shape")?;
            let filters = turned(&call.constant(arranger, 1, "weights")?, &[3, 2, 0, 1])?;
            let x = channels_last(arranger, call, call.input(2)?)?;
            let size = match (&shape[..], call.channels_first()) {
                (&[_, _, height, width], true) | (&[_, height, width, _], false) => [height, width],
                _ => return Err(damaged("a shape has not four numbers")),
            };
            let size = size.map(|side| usize::try_from(side).unwrap_or_default());
            let y = arranger.convolution_transpose(&x, filters, None, &call.sliding()?, size)?;
            channels_back(arranger, call, &y)?
        }
        "MatMul" | "_FusedMatMul" => {
            let transposed = [node.flag("transpose_a"), node.flag("transpose_b")];
            let y = product(arranger, call, transposed)?;
            fused(arranger, call, y)?
        }
        "BatchMatMul" | "BatchMatMulV2" => {
            product(arranger, call, [node.flag("adj_x"), node.flag("adj_y")])?
        }
        "BiasAdd" => {
            let bias = call.constant(arranger, 1, "bias")?;
            let axis = if call.channels_first() { 1 } else { -1 };
            arranger.along(Binary::Add, call.input(0)?, axis, bias)?
        }
        "FusedBatchNorm" | "FusedBatchNormV2" | "FusedBatchNormV3" => {
            if node.flag("is_training") {
                return Err(unsupported(
                    "it takes its means from the picture (is_training)",
                ));
            }
            let mut lists = Vec::with_capacity(4);
            for k in 1..5 {
                lists.push(call.constant(arranger, k, "statistics")?);
            }
            let axis = if call.channels_first() { 1 } else { -1 };
            let epsilon = node.float("epsilon", 1e-4);
            let [scale, offset, mean, variance] = &lists[..] else {
                return Err(damaged("a normalisation has no statistics"));
            };
            let scales = [Some(scale.clone()), Some(offset.clone())];
            let means = [mean.clone(), variance.clone()];
            arranger.batch_norm(call.input(0)?, axis, scales, means, epsilon)?
        }
        "MaxPool" | "AvgPool" => {
            let x = channels_last(arranger, call, call.input(0)?)?;
            let (kernel, sliding) = (call.sides("ksize")?, call.sliding()?);
            let y = match node.op {
                "MaxPool" => arranger.max_pool(&x, kernel, &sliding)?,
                _ => arranger.average_pool(&x, kernel, &sliding)?,
            };
            channels_back(arranger, call, &y)?
        }
        "Split" => {
            let axis = call.integer(arranger, 0, "axis")?;
            let x = call.input(1)?;
            let count = usize::try_from(node.integer("num_split", 1))
                .unwrap_or(1)
                .clamp(1, 4096);
            let length = arranger.shape(x)[arranger.axis(x, axis)?] / count;
            return tensorflow::split(arranger, x, axis, &vec![length as i64; count]);
        }
        "SplitV" => {
            let lengths = call.integers(arranger, 1, "lengths")?;
            let axis = call.integer(arranger, 2, "axis")?;
            return tensorflow::split(arranger, call.input(0)?, axis, &lengths);
        }
        "Unpack" => {
            return tensorflow::unpack(arranger, call.input(0)?, node.integer("axis", 0));
        }
        _ => match elementwise(arranger, call)? {
            Some(made) => made,
            None => shapes::shaped(arranger, call)?,
        },
    };
    Ok(vec![made])
}

/// Operations on elements, and sums of them; nothing if it is another.
fn elementwise(arranger: &mut Arranger, call: &Call<'_>) -> Result<Option<Arranged>> {
    let node = call.node;
    let clip = |min, max| Unary::Clip(Clamp { min, max });
    let unary = match node.op {
        "Relu" => Unary::RELU,
        "Relu6" => clip(0.0, 6.0),
        "Elu" => Unary::Elu { alpha: 1.0 },
        "LeakyRelu" => Unary::LeakyRelu {
            slope: node.float("alpha", 0.2),
        },
        "Sigmoid" => Unary::Sigmoid,
        "Tanh" => Unary::Tanh,
        "Softplus" => Unary::Softplus,
        "Softsign" => Unary::Softsign,
        "Erf" => Unary::Erf,
        "Exp" => Unary::Exp,
        "Sin" => Unary::Sin,
        "Cos" => Unary::Cos,
        "Log" => Unary::Log,
        "Sqrt" => Unary::Sqrt,
        "Neg" => Unary::Neg,
        "Abs" => Unary::Abs,
        "Reciprocal" | "Inv" => Unary::Reciprocal,
        "Square" => Unary::Power { exponent: 2.0 },
        _ => return joined(arranger, call),
    };
    arranger.unary(unary, call.input(0)?).map(Some)
}

/// Operations that join values, or reduce them; nothing if it is another.
fn joined(arranger: &mut Arranger, call: &Call<'_>) -> Result<Option<Arranged>> {
    let node = call.node;
    let binary = match node.op {
        "Add" | "AddV2" => Some(Binary::Add),
        "Sub" => Some(Binary::Sub),
        "Mul" => Some(Binary::Mul),
        "Div" | "RealDiv" => Some(Binary::Div),
        "Maximum" => Some(Binary::Max),
        "Minimum" => Some(Binary::Min),
        _ => None,
    };
    if let Some(binary) = binary {
        return arranger
            .binary(binary, call.input(0)?, call.input(1)?)
            .map(Some);
    }
    let made = match node.op {
        "AddN" => {
            let mut sum = call.input(0)?.clone();
            for x in &call.inputs[1..] {
                sum = arranger.binary(Binary::Add, &sum, x)?;
            }
            sum
        }
        "SquaredDifference" => {
            tensorflow::squared_difference(arranger, call.input(0)?, call.input(1)?)?
        }
        "Rsqrt" => {
            let root = arranger.unary(Unary::Sqrt, call.input(0)?)?;
            arranger.unary(Unary::Reciprocal, &root)?
        }
        "Selu" => arranger.each(call.input(0)?, |b, x| {
            b.selu(x, tensorflow::SELU_ALPHA, tensorflow::SELU_SCALE)
        })?,
        "Prelu" => {
            let slope = call.input(1)?;
            arranger.prelu(call.input(0)?, slope)?
        }
        "Pow" => match call.constant(arranger, 1, "exponent")?.to_f64()[..] {
            [exponent] => {
                let exponent = exponent as f32;
                arranger.unary(Unary::Power { exponent }, call.input(0)?)?
            }
            _ => return Err(unsupported("its exponents are a list")),
        },
        "ClipByValue" => {
            let min = call.constant(arranger, 1, "bound")?.to_f64();
            let max = call.constant(arranger, 2, "bound")?.to_f64();
            let (&[min], &[max]) = (&min[..], &max[..]) else {
                return Err(unsupported("its bounds are lists"));
            };
            let clamp = Clamp {
                min: min as f32,
                max: max as f32,
            };
            arranger.unary(Unary::Clip(clamp), call.input(0)?)?
        }
        "Softmax" => arranger.softmax(call.input(0)?, -1)?,
        "LogSoftmax" => arranger.log_softmax(call.input(0)?, -1)?,
        "LRN" => {
            let radius = usize::try_from(node.integer("depth_radius", 5)).unwrap_or_default();
            let size = radius.saturating_mul(2).saturating_add(1);
            // TensorFlow does not divide α by the number of channels that it sums.
            let alpha = node.float("alpha", 1.0) * size as f32;
            let numbers = [alpha, node.float("beta", 0.5), node.float("bias", 1.0)];
            arranger.image(call.input(0)?, |b, x| {
                b.local_response_norm(x, 1, size, numbers)
            })?
        }
        "Mean" => reduced(arranger, call, Reduction::Mean)?,
        "Sum" => reduced(arranger, call, Reduction::Sum)?,
        "Max" => reduced(arranger, call, Reduction::Max)?,
        "Min" => {
            let x = arranger.unary(Unary::Neg, call.input(0)?)?;
            let axes = call.integers(arranger, 1, "axes")?;
            let y = arranger.reduce(Reduction::Max, &x, &axes, node.flag("keep_dims"))?;
            arranger.unary(Unary::Neg, &y)?
        }
        "ArgMax" => {
            let axis = call.integer(arranger, 1, "axis")?;
            arranger.arg_max(call.input(0)?, axis)?
        }
        _ => return Ok(None),
    };
    Ok(Some(made))
}

/// Filters \[H, W, C, M\], which make M channels of each.
fn depthwise(arranger: &mut Arranger, call: &Call<'_>, x: &Arranged) -> Result<Arranged> {
    let filters = turned(&call.constant(arranger, 1, "weights")?, &[2, 3, 0, 1])?;
    let &[channels, each, height, width] = filters.shape() else {
        return Err(damaged("filters have not four axes"));
    };
    let filters = Constant::new(&[channels * each, 1, height, width], filters.data().clone())?;
    arranger.convolution(x, filters, None, &call.sliding()?, channels)
}

/// A product of matrices; with constants on the right it is a layer.
fn product(arranger: &mut Arranger, call: &Call<'_>, transposed: [bool; 2]) -> Result<Arranged> {
    let (a, b) = (call.input(0)?, call.input(1)?);
    match arranger.known(b)? {
        Some(weight) if !transposed[0] && weight.shape().len() == 2 => {
            let weight = match transposed[1] {
                true => weight,
                false => turned(&weight, &[1, 0])?,
            };
            arranger.linear(a, weight, None)
        }
        _ => arranger.mat_mul(a, b, transposed),
    }
}

/// What TensorFlow.js has fused behind a layer: a bias, an activation.
fn fused(arranger: &mut Arranger, call: &Call<'_>, y: Arranged) -> Result<Arranged> {
    let mut y = y;
    let mut next = 2;
    for name in call.node.texts("fused_ops") {
        let clip = |min, max| Unary::Clip(Clamp { min, max });
        let unary = match name.as_str() {
            "BiasAdd" => {
                let bias = call.constant(arranger, next, "bias")?;
                next += 1;
                y = arranger.along(Binary::Add, &y, -1, bias)?;
                continue;
            }
            "Prelu" => {
                y = arranger.prelu(&y, call.input(next)?)?;
                next += 1;
                continue;
            }
            "Relu" => Unary::RELU,
            "Relu6" => clip(0.0, 6.0),
            "Elu" => Unary::Elu { alpha: 1.0 },
            "Sigmoid" => Unary::Sigmoid,
            "LeakyRelu" => Unary::LeakyRelu {
                slope: call.node.float("leakyrelu_alpha", 0.2),
            },
            other => return Err(unsupported(&format!("{other} is fused with it"))),
        };
        y = arranger.unary(unary, &y)?;
    }
    Ok(y)
}

fn reduced(arranger: &mut Arranger, call: &Call<'_>, reduction: Reduction) -> Result<Arranged> {
    let axes = call.integers(arranger, 1, "axes")?;
    arranger.reduce(
        reduction,
        call.input(0)?,
        &axes,
        call.node.flag("keep_dims"),
    )
}

pub(super) fn channels_last(
    arranger: &mut Arranger,
    call: &Call<'_>,
    x: &Arranged,
) -> Result<Arranged> {
    match call.channels_first() {
        true => arranger.transpose(x, &[0, 2, 3, 1]),
        false => Ok(x.clone()),
    }
}

pub(super) fn channels_back(
    arranger: &mut Arranger,
    call: &Call<'_>,
    x: &Arranged,
) -> Result<Arranged> {
    match call.channels_first() {
        true => arranger.transpose(x, &[0, 3, 1, 2]),
        false => Ok(x.clone()),
    }
}

fn turned(filters: &Constant, order: &[usize]) -> Result<Constant> {
    permuted(filters, order).ok_or_else(|| {
        let (found, expected) = (filters.shape().len(), order.len());
        damaged(format!("filters have {found} axes instead of {expected}"))
    })
}
