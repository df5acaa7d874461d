//! Products of matrices.

use violet_graph::ValueId;

use super::super::call::{Answer, Call, Operator, unsupported};
use crate::einsum::{self, Refused};
use Operator::One;

pub(super) fn find(op_type: &str) -> Option<Operator> {
    Some(match op_type {
        "MatMul" => One(|call| {
            let (a, b) = (call.value(0)?, call.value(1)?);
            Ok(call.b.matmul(a, b)?)
        }),
        "Gemm" => One(gemm),
        "Einsum" => One(einsum),
        _ => return None,
    })
}

pub(super) fn find_microsoft(op_type: &str) -> Option<Operator> {
    Some(match op_type {
        "FusedMatMul" => One(|call| {
            let (a, b) = (call.value(0)?, call.value(1)?);
            let a = flipped(call, a, "transA")?;
            let b = flipped(call, b, "transB")?;
            if call.int("transBatchA", 0)? != 0 || call.int("transBatchB", 0)? != 0 {
                return unsupported("it transposes its batch", "");
            }
            let product = call.b.matmul(a, b)?;
            let alpha = call.float("alpha", 1.0)?;
            Ok(call.b.affine(product, alpha, 0.0)?)
        }),
        _ => return None,
    })
}

/// The last two axes exchanged, if the attribute says so.
fn flipped(call: &mut Call<'_, '_>, x: ValueId, attribute: &str) -> Answer<ValueId> {
    let rank = call.shape(x).len() as i64;
    if call.int(attribute, 0)? == 0 || rank < 2 {
        return Ok(x);
    }
    let order: Vec<i64> = (0..rank - 2).chain([rank - 1, rank - 2]).collect();
    Ok(call.b.transpose(x, &order)?)
}

fn gemm(call: &mut Call<'_, '_>) -> Answer<ValueId> {
    let (mut a, b, c) = (call.value(0)?, call.value(1)?, call.optional(2)?);
    // Until opset 10 exporters left it to Gemm to flatten an image.
    if call.shape(a).len() > 2 && call.opset < 11 {
        a = call.b.flatten(a, 1)?;
    }
    let factors = [call.float("alpha", 1.0)?, call.float("beta", 1.0)?];
    let transposed = [call.int("transA", 0)? != 0, call.int("transB", 0)? != 0];
    Ok(call.b.gemm([a, b], c, factors, transposed)?)
}

fn einsum(call: &mut Call<'_, '_>) -> Answer<ValueId> {
    let equation = call.text("equation", "")?.to_owned();
    let inputs = call.values()?;
    match einsum::einsum(call.b, &equation, inputs) {
        Ok(made) => Ok(made),
        Err(Refused::Graph(error)) => Err(error.into()),
        Err(Refused::Diagonal) => unsupported("it takes a diagonal", ""),
        Err(Refused::Equation) => call.wrong(format!("its equation is “{equation}”")),
    }
}
