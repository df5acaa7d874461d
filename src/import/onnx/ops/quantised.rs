//! What rounds to few bits: see [`quantised`](super::super::quantised).
//!
//! Dynamic quantisation chooses its scale for each picture, so that nothing is ever clipped: left
//! unrounded, any scale gives the same, and what follows multiplies by it again.

use violet_graph::{Binary, ElementType, Reduction, Unary, ValueId};

use super::super::call::{Answer, Call, Operator, Value, unsupported};
use super::convolution::convolution;
use Operator::{Many, One};

/// The scale of dynamic quantisation: a power of two, which loses no digits, and so small that a
/// bias which a file rounds to integers of it is as good as unrounded.
const DYNAMIC_SCALE: f32 = 1.0 / 65536.0;

pub(super) fn find(op_type: &str) -> Option<Operator> {
    Some(match op_type {
        "QuantizeLinear" => Many(|call| {
            let real = call.value(0)?;
            let axis = call.int("axis", 1)?;
            Ok(vec![call.quantised(real, 1, 2, axis)?])
        }),
        "DequantizeLinear" => One(|call| {
            let axis = call.int("axis", 1)?;
            call.dequantised(0, 1, 2, axis)
        }),
        "DynamicQuantizeLinear" => Many(|call| {
            let x = call.value(0)?;
            let large = call.b.affine(x, 1.0 / DYNAMIC_SCALE, 0.0)?;
            let (scale, zero) = (call.b.number(DYNAMIC_SCALE)?, call.b.number(0.0)?);
            Ok([large, scale, zero].map(Value::Graph).to_vec())
        }),
        "ConvInteger" => One(|call| {
            let x = centred(call, 0, 2, None)?;
            let weight = centred(call, 1, 3, Some(0))?;
            convolution(call, x, weight, None)
        }),
        "MatMulInteger" => One(|call| {
            let a = centred(call, 0, 2, None)?;
            let b = centred(call, 1, 3, None)?;
            Ok(call.b.matmul(a, b)?)
        }),
        "QLinearConv" => Many(linear_convolution),
        "QLinearMatMul" => Many(|call| {
            let a = call.dequantised(0, 1, 2, -2)?;
            let b = call.dequantised(3, 4, 5, -1)?;
            let product = call.b.matmul(a, b)?;
            Ok(vec![call.quantised(product, 6, 7, 0)?])
        }),
        _ => return None,
    })
}

pub(super) fn find_microsoft(op_type: &str) -> Option<Operator> {
    Some(match op_type {
        "QuantizeLinear" | "DequantizeLinear" => return find(op_type),
        "QLinearAdd" => Many(|call| linear_binary(call, Binary::Add)),
        "QLinearMul" => Many(|call| linear_binary(call, Binary::Mul)),
        "QLinearSigmoid" => Many(|call| linear_unary(call, Unary::Sigmoid)),
        "QLinearLeakyRelu" => Many(|call| {
            let slope = call.float("alpha", 0.01)?;
            linear_unary(call, Unary::LeakyRelu { slope })
        }),
        "QLinearGlobalAveragePool" => Many(|call| {
            let x = planes(call)?;
            let axes: Vec<i64> = (2..call.shape(x).len() as i64).collect();
            let mean = call.b.reduce(Reduction::Mean, x, &axes, true)?;
            stored_planes(call, mean)
        }),
        "QLinearAveragePool" => Many(|call| {
            let x = planes(call)?;
            let mean = super::pooling::average(call, x)?;
            stored_planes(call, mean)
        }),
        "QLinearConcat" => Many(linear_concat),
        "QLinearSoftmax" => Many(|call| {
            let x = call.dequantised(0, 1, 2, 0)?;
            let axis = call.int("axis", -1)?;
            let softmax = match call.int("opset", 13)? < 13 {
                true => call.b.softmax_from(x, axis, false)?,
                false => call.b.softmax(x, axis)?,
            };
            Ok(vec![call.quantised(softmax, 3, 4, 0)?])
        }),
        "QGemm" => Many(linear_gemm),
        "MatMulIntegerToFloat" => One(|call| {
            let a = call.dequantised(0, 2, 4, -2)?;
            let b = call.dequantised(1, 3, 5, -1)?;
            with_bias(call, a, b, 6)
        }),
        "DynamicQuantizeMatMul" => One(|call| {
            let a = call.value(0)?;
            let b = call.dequantised(1, 2, 3, -1)?;
            with_bias(call, a, b, 4)
        }),
        _ => return None,
    })
}

fn with_bias(call: &mut Call<'_, '_>, a: ValueId, b: ValueId, bias: usize) -> Answer<ValueId> {
    let product = call.b.matmul(a, b)?;
    match call.optional(bias)? {
        Some(bias) => Ok(call.b.binary(Binary::Add, product, bias)?),
        None => Ok(product),
    }
}

/// An input without its zero point, which has a number for each index of an axis or one for all.
fn centred(
    call: &mut Call<'_, '_>,
    index: usize,
    zero: usize,
    axis: Option<usize>,
) -> Answer<ValueId> {
    let x = call.integers_as_floats(index)?;
    if !call.has(zero) {
        return Ok(x);
    }
    let zero = call.value(zero)?;
    let zero = call.b.cast(zero, ElementType::F32)?;
    let zero = match axis {
        Some(axis) => call.b.along(zero, x, axis)?,
        None => zero,
    };
    Ok(call.b.binary(Binary::Sub, x, zero)?)
}

/// Inputs: x, its scale and zero point, w, its scale and zero point, y's scale and zero point,
/// bias.
fn linear_convolution<'a>(call: &mut Call<'_, 'a>) -> Answer<Vec<Value<'a>>> {
    let x = call.dequantised(0, 1, 2, 1)?;
    let weight = call.dequantised(3, 4, 5, 0)?;
    let bias = match call.has(8) {
        true => Some(scaled_bias(call, 8, 1, 4)?),
        false => None,
    };
    let made = convolution(call, x, weight, bias)?;
    Ok(vec![call.quantised(made, 6, 7, 1)?])
}

/// A bias is stored as integers of the product of both scales.
fn scaled_bias(
    call: &mut Call<'_, '_>,
    bias: usize,
    x_scale: usize,
    weight_scale: usize,
) -> Answer<ValueId> {
    let bias = call.value(bias)?;
    let bias = call.b.cast(bias, ElementType::F32)?;
    let (x_scale, weight_scale) = (call.value(x_scale)?, call.value(weight_scale)?);
    let x_scale = call.b.reshape(x_scale, &[])?;
    let scaled = call.b.binary(Binary::Mul, bias, x_scale)?;
    let weight_scale = match call.shape(weight_scale)[..] {
        [1] => call.b.reshape(weight_scale, &[])?,
        _ => weight_scale,
    };
    Ok(call.b.binary(Binary::Mul, scaled, weight_scale)?)
}

fn linear_binary<'a>(call: &mut Call<'_, 'a>, operation: Binary) -> Answer<Vec<Value<'a>>> {
    let (a, b) = (call.dequantised(0, 1, 2, 0)?, call.dequantised(3, 4, 5, 0)?);
    let made = call.b.binary(operation, a, b)?;
    Ok(vec![call.quantised(made, 6, 7, 0)?])
}

fn linear_unary<'a>(call: &mut Call<'_, 'a>, unary: Unary) -> Answer<Vec<Value<'a>>> {
    let x = call.dequantised(0, 1, 2, 0)?;
    let made = call.b.unary(unary, x)?;
    Ok(vec![call.quantised(made, 3, 4, 0)?])
}

/// The first input with its channels before its pixels.
fn planes(call: &mut Call<'_, '_>) -> Answer<ValueId> {
    let x = call.dequantised(0, 1, 2, 1)?;
    match call.int("channels_last", 0)? {
        0 => Ok(x),
        _ => Ok(call.b.transpose(x, &[0, 3, 1, 2])?),
    }
}

/// A result as its attribute wants the channels.
fn stored_planes<'a>(call: &mut Call<'_, 'a>, x: ValueId) -> Answer<Vec<Value<'a>>> {
    let x = match call.int("channels_last", 0)? {
        0 => x,
        _ => call.b.transpose(x, &[0, 2, 3, 1])?,
    };
    Ok(vec![call.quantised(x, 3, 4, 1)?])
}

/// Inputs: y's scale and zero point, then each input with its own.
fn linear_concat<'a>(call: &mut Call<'_, 'a>) -> Answer<Vec<Value<'a>>> {
    let mut inputs = Vec::new();
    for index in (2..call.inputs.len()).step_by(3) {
        inputs.push(call.dequantised(index, index + 1, index + 2, 0)?);
    }
    let axis = call.int("axis", 0)?;
    let made = call.b.concat(&inputs, axis)?;
    Ok(vec![call.quantised(made, 0, 1, 0)?])
}

/// Inputs: a, its scale and zero point, b, its scale and zero point, c, y's scale and zero point.
fn linear_gemm<'a>(call: &mut Call<'_, 'a>) -> Answer<Vec<Value<'a>>> {
    let transposed = [call.int("transA", 0)? != 0, call.int("transB", 0)? != 0];
    let a = call.dequantised(0, 1, 2, 0)?;
    let b = call.dequantised(3, 4, 5, if transposed[1] { 0 } else { 1 })?;
    let c = match call.has(6) {
        true => Some(scaled_bias(call, 6, 1, 4)?),
        false => None,
    };
    let alpha = call.float("alpha", 1.0)?;
    if alpha != 1.0 && c.is_some() {
        return unsupported("it has a factor and a bias", "");
    }
    let made = call.b.gemm([a, b], c, [alpha, 1.0], transposed)?;
    match call.has(7) {
        true => Ok(vec![call.quantised(made, 7, 8, 0)?]),
        false => Ok(vec![Value::Graph(made)]),
    }
}
