//! Convolutions, normalisation, products of matrices, attention.

use violet_graph::{Binary, Clamp, Padding, Sliding, Unary, ValueId};

use super::super::call::{Answer, Call, Operator, made, unsupported};
use super::super::value::{Tensor, Value};
use crate::einsum::{Refused, einsum};

/// Why a layer that behaves differently while it learns is refused.
pub(super) const TRAINING: &str =
    "the network was saved while it learns (call model.eval() before)";

pub(super) fn find(name: &str) -> Option<Operator> {
    Some(match name {
        "_convolution" | "convolution" => |call| {
            let transposed = call.flag(6, "transposed")?;
            let output_padding = call.ints(7, "output_padding")?;
            let groups = call.int(8, "groups")?;
            convolution(call, transposed, &output_padding, groups, 5)
        },
        "conv2d" | "conv1d" | "_convolution_mode" => |call| {
            let groups = call.int_or(6, "groups", 1)?;
            convolution(call, false, &[0], groups, 5)
        },
        "conv_transpose2d" | "conv_transpose1d" => |call| {
            let output_padding = call.ints_or_none(5, "output_padding")?;
            let groups = call.int_or(6, "groups", 1)?;
            convolution(call, true, &output_padding, groups, 7)
        },
        "prepacked.conv2d_clamp_run" => |call| {
            packed(call, |call| {
                let groups = call.int(6, "groups")?;
                convolution(call, false, &[0], groups, 5)
            })
        },
        "prepacked.conv2d_transpose_clamp_run" => |call| {
            packed(call, |call| {
                let output_padding = call.ints(5, "output_padding")?;
                let groups = call.int(7, "groups")?;
                convolution(call, true, &output_padding, groups, 6)
            })
        },
        "prepacked.linear_clamp_run" => |call| {
            packed(call, |call| {
                let (x, weight) = (call.x()?, call.id(1, "weight")?);
                let bias = call.option(2, "bias")?;
                made(linear(call, x, weight, bias)?)
            })
        },
        "linear" => |call| {
            let (x, weight) = (call.x()?, call.id(1, "weight")?);
            let bias = call.option(2, "bias")?;
            made(linear(call, x, weight, bias)?)
        },
        "matmul" | "mm" | "bmm" | "mv" => |call| {
            let (a, b) = (call.x()?, call.id(1, "other")?);
            made(call.b.matmul(a, b)?)
        },
        "addmm" | "baddbmm" => |call| {
            let (c, a, b) = (call.x()?, call.id(1, "mat1")?, call.id(2, "mat2")?);
            let (beta, alpha) = (
                call.float_or(3, "beta", 1.0)?,
                call.float_or(4, "alpha", 1.0)?,
            );
            let product = call.b.matmul(a, b)?;
            let product = call.b.affine(product, alpha, 0.0)?;
            let c = call.b.affine(c, beta, 0.0)?;
            made(call.b.binary(Binary::Add, product, c)?)
        },
        "einsum" => |call| {
            let Some(equation) = call.text(0, "equation") else {
                return unsupported("it has no equation");
            };
            let inputs = call.ids(1, "tensors")?;
            match einsum(call.b, &equation, inputs) {
                Ok(id) => made(id),
                Err(Refused::Graph(error)) => Err(error.into()),
                Err(Refused::Diagonal) => unsupported("it takes a diagonal"),
                Err(Refused::Equation) => unsupported(format!("its equation is “{equation}”")),
            }
        },
        "batch_norm" | "instance_norm" => batch_norm,
        "_native_batch_norm_legit_no_training" => |call| {
            let x = call.x()?;
            let (weight, bias) = (call.option(1, "weight")?, call.option(2, "bias")?);
            let (mean, variance) = (call.id(3, "running_mean")?, call.id(4, "running_var")?);
            let epsilon = call.float_or(6, "eps", 1e-5)?;
            let normed = call
                .b
                .batch_norm(x, 1, weight, bias, mean, variance, epsilon)?;
            Ok(with_moments(made(normed)?))
        },
        "_native_batch_norm_legit" => |call| {
            if let Some(Value::Tensor(_)) = call.get(3, "running_mean") {
                return unsupported(TRAINING);
            }
            let x = call.x()?;
            let (weight, bias) = (call.option(1, "weight")?, call.option(2, "bias")?);
            let epsilon = call.float_or(5, "eps", 1e-5)?;
            // Of one picture it is the norm of each channel.
            let channels = call.shape(x).get(1).copied().unwrap_or(0);
            let normed = call.b.group_norm(x, 1, channels, weight, bias, epsilon)?;
            Ok(with_moments(made(normed)?))
        },
        "layer_norm" => layer_norm,
        "native_layer_norm" => |call| Ok(with_moments(layer_norm(call)?)),
        "native_group_norm" => |call| {
            let x = call.x()?;
            let (weight, bias) = (call.option(1, "weight")?, call.option(2, "bias")?);
            let groups = usize::try_from(call.int(6, "group")?).unwrap_or(0);
            let epsilon = call.float_or(7, "eps", 1e-5)?;
            let normed = call.b.group_norm(x, 1, groups, weight, bias, epsilon)?;
            Ok(with_moments(made(normed)?))
        },
        "group_norm" => |call| {
            let (x, groups) = (call.x()?, call.int(1, "num_groups")?);
            let (weight, bias) = (call.option(2, "weight")?, call.option(3, "bias")?);
            let epsilon = call.float_or(4, "eps", 1e-5)?;
            let groups = usize::try_from(groups).unwrap_or(0);
            made(call.b.group_norm(x, 1, groups, weight, bias, epsilon)?)
        },
        "scaled_dot_product_attention" => |call| {
            let qkv = [call.x()?, call.id(1, "key")?, call.id(2, "value")?];
            let mask = call.option(3, "attn_mask")?;
            if call.number(4, "dropout_p")?.unwrap_or(0.0) != 0.0 {
                return unsupported(TRAINING);
            }
            if call.flag(5, "is_causal")? {
                return unsupported("it is causal");
            }
            let scale = call.number(6, "scale")?;
            made(attention(call, qkv, mask, scale)?)
        },
        "_native_multi_head_attention" => multi_head,
        _ => return None,
    })
}

/// A pair of numbers, which may be given as one.
pub(super) fn pair(numbers: &[i64]) -> Answer<[usize; 2]> {
    let number = |number: i64| usize::try_from(number).ok();
    let pair = match *numbers {
        // Of one line the height is 1 or 0 by what uses it.
        [both] => number(both).map(|both| [both, both]),
        [height, width] => number(height).zip(number(width)).map(|(h, w)| [h, w]),
        _ => None,
    };
    match pair {
        Some(pair) => Ok(pair),
        None => unsupported(format!("it is not of an image: {numbers:?}")),
    }
}

/// Input, weight, bias, stride, padding stand first; the dilation's place differs.
fn convolution(
    call: &mut Call<'_>,
    transposed: bool,
    output_padding: &[i64],
    groups: i64,
    dilation: usize,
) -> Answer<Value> {
    let (x, weight) = (call.x()?, call.id(1, "weight")?);
    let bias = call.option(2, "bias")?;
    let line = call.shape(weight).len() == 3;
    let sides = |numbers: Vec<i64>, of_line: usize, usual: usize| match (numbers.as_slice(), line) {
        ([], _) => Ok([usual; 2]),
        (&[one], true) => Ok([of_line, usize::try_from(one).unwrap_or(0)]),
        (numbers, _) => pair(numbers),
    };
    let stride = sides(call.ints_or_none(3, "stride")?, 1, 1)?;
    let dilation = sides(call.ints_or_none(dilation, "dilation")?, 1, 1)?;
    let padding = match call.text(4, "padding").as_deref() {
        Some("same") => Padding::SameUpper,
        Some(_) => Padding::Valid,
        None => {
            let both = sides(call.ints_or_none(4, "padding")?, 0, 0)?;
            let (before, after) = (both, both);
            Padding::Explicit { before, after }
        }
    };
    let sliding = Sliding {
        stride,
        dilation,
        padding,
        ceil: false,
    };
    let groups = usize::try_from(groups).unwrap_or(0);
    if call.b.known(weight).is_none() {
        return unsupported("its weight depends on the picture");
    }
    if !transposed {
        return made(call.b.convolution(x, weight, bias, &sliding, groups)?);
    }
    let more = sides(output_padding.to_vec(), 0, 0)?;
    made(
        call.b
            .convolution_transpose(x, weight, bias, &sliding, groups, more, None)?,
    )
}

/// A layer whose weights are packed with what else it takes, and at last what it is clamped to.
fn packed(
    call: &mut Call<'_>,
    layer: impl FnOnce(&mut Call<'_>) -> Answer<Value>,
) -> Answer<Value> {
    let Some(mut rest) = call.get(1, "weights").and_then(Value::items) else {
        return unsupported("its weights are not in the file");
    };
    let bounds = rest.split_off(rest.len().saturating_sub(2));
    call.arguments.truncate(1);
    call.arguments.extend(rest);
    let value = layer(call)?;
    call.arguments = [vec![value], bounds].concat();
    let min = call.float_or(1, "min", f64::NEG_INFINITY)?;
    let max = call.float_or(2, "max", f64::INFINITY)?;
    let x = call.x()?;
    made(call.b.unary(Unary::Clip(Clamp { min, max }), x)?)
}

fn linear(
    call: &mut Call<'_>,
    x: ValueId,
    weight: ValueId,
    bias: Option<ValueId>,
) -> Answer<ValueId> {
    if call.b.known(weight).is_some() && bias.is_none_or(|bias| call.b.known(bias).is_some()) {
        return Ok(call.b.linear(x, weight, bias)?);
    }
    let weight = call.b.transpose(weight, &[])?;
    let product = call.b.matmul(x, weight)?;
    match bias {
        Some(bias) => Ok(call.b.binary(Binary::Add, product, bias)?),
        None => Ok(product),
    }
}

/// Input, weight, bias, mean, variance, whether it takes them of what it is given, momentum, ε.
fn batch_norm(call: &mut Call<'_>) -> Answer<Value> {
    let x = call.x()?;
    let (weight, bias) = (call.option(1, "weight")?, call.option(2, "bias")?);
    let mean = call.option(3, "running_mean")?;
    let variance = call.option(4, "running_var")?;
    let epsilon = call.float_or(7, "eps", 1e-5)?;
    let own = call.flag(5, "training")?;
    match (mean, variance) {
        (Some(mean), Some(variance)) if !own => made(
            call.b
                .batch_norm(x, 1, weight, bias, mean, variance, epsilon)?,
        ),
        // Of one picture both norms are those of each channel.
        (None, None) => {
            let channels = call.shape(x).get(1).copied().unwrap_or(0);
            made(call.b.group_norm(x, 1, channels, weight, bias, epsilon)?)
        }
        _ => unsupported(TRAINING),
    }
}

/// What is normalised, and what learning takes besides: its means and deviations.
fn with_moments(normed: Value) -> Value {
    Value::list([normed, Value::Failed, Value::Failed])
}

fn layer_norm(call: &mut Call<'_>) -> Answer<Value> {
    let x = call.x()?;
    let axes = call.ints(1, "normalized_shape")?.len() as i64;
    let (weight, bias) = (call.option(2, "weight")?, call.option(3, "bias")?);
    let epsilon = call.float_or(4, "eps", 1e-5)?;
    made(call.b.layer_norm(x, -axes, weight, bias, epsilon)?)
}

/// softmax(q · kᵀ · scale + mask) · v; the scale is 1 / √d if none is given.
fn attention(
    call: &mut Call<'_>,
    [q, k, v]: [ValueId; 3],
    mask: Option<ValueId>,
    scale: Option<f64>,
) -> Answer<ValueId> {
    let shape = call.shape(k);
    let rank = shape.len();
    if rank < 2 {
        return unsupported("it has no words");
    }
    let scale = scale.unwrap_or(1.0 / (shape[rank - 1] as f64).sqrt());
    let mut order: Vec<i64> = (0..rank as i64).collect();
    order.swap(rank - 2, rank - 1);
    let k = call.b.transpose(k, &order)?;
    let q = call.b.affine(q, scale as f32, 0.0)?;
    let mut scores = call.b.matmul(q, k)?;
    if let Some(mask) = mask {
        if call.element_type(mask) != violet_graph::ElementType::F32 {
            return unsupported("its mask is of truth values");
        }
        scores = call.b.binary(Binary::Add, scores, mask)?;
    }
    let shares = call.b.softmax(scores, -1)?;
    Ok(call.b.matmul(shares, v)?)
}

/// Query, key, value [1, words, width], width, heads, weight and bias of all three, weight and bias of what follows, mask.
fn multi_head(call: &mut Call<'_>) -> Answer<Value> {
    let x = call.x()?;
    let width = call.int(3, "embed_dim")?;
    let heads = call.int(4, "num_head")?;
    let (weight, bias) = (call.id(5, "qkv_weight")?, call.option(6, "qkv_bias")?);
    let (out, out_bias) = (call.id(7, "proj_weight")?, call.option(8, "proj_bias")?);
    if call.get(9, "mask").is_some() {
        return unsupported("it has a mask");
    }
    let shape = call.shape(x);
    if [call.id(1, "key")?, call.id(2, "value")?] != [x, x] || heads < 1 || shape.len() != 3 {
        return unsupported("it does not look at itself");
    }
    let words = shape[1] as i64;
    let qkv = linear(call, x, weight, bias)?;
    let qkv = call.b.reshape(qkv, &[words, 3, heads, width / heads])?;
    let qkv = call.b.transpose(qkv, &[1, 2, 0, 3])?;
    let mut parts = Vec::new();
    for k in 0..3 {
        let part = call.b.slice(qkv, &[k], &[k + 1], &[0], &[])?;
        parts.push(call.b.squeeze(part, &[0])?);
    }
    let mixed = attention(call, [parts[0], parts[1], parts[2]], None, None)?;
    let mixed = call.b.transpose(mixed, &[1, 0, 2])?;
    let mixed = call.b.reshape(mixed, &[1, words, width])?;
    let mixed = linear(call, mixed, out, out_bias)?;
    Ok(Value::list(vec![
        Value::Tensor(Tensor::new(mixed)),
        Value::None,
    ]))
}
