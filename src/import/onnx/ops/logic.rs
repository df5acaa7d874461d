//! Comparisons and choices: of constants only, for what depends on the picture has no slope there.

use violet_graph::{Comparison, Constant, Data, ElementType, ValueId};

use super::super::call::{Answer, Call, Operator, Refusal};
use Operator::One;

pub(super) fn find(op_type: &str) -> Option<Operator> {
    Some(match op_type {
        "Equal" => One(|call| compare(call, Comparison::Equal)),
        "Less" => One(|call| compare(call, Comparison::Less)),
        "LessOrEqual" => One(|call| compare(call, Comparison::LessOrEqual)),
        "Greater" => One(|call| compare(call, Comparison::Greater)),
        "GreaterOrEqual" => One(|call| compare(call, Comparison::GreaterOrEqual)),
        "Not" => One(|call| {
            let x = call.value(0)?;
            Ok(call.b.not(x)?)
        }),
        "And" => One(|call| both(call, |a, b| a && b)),
        "Or" => One(|call| both(call, |a, b| a || b)),
        "Xor" => One(|call| both(call, |a, b| a != b)),
        "IsNaN" => One(|call| test(call, f64::is_nan)),
        "IsInf" => One(|call| {
            let (negative, positive) = (
                call.int("detect_negative", 1)? == 1,
                call.int("detect_positive", 1)? == 1,
            );
            match (negative, positive) {
                (true, true) => test(call, f64::is_infinite),
                (true, false) => test(call, |x| x == f64::NEG_INFINITY),
                (false, true) => test(call, |x| x == f64::INFINITY),
                (false, false) => test(call, |_| false),
            }
        }),
        "Where" => One(select),
        _ => return None,
    })
}

/// One of two, by a constant condition.
fn select(call: &mut Call<'_, '_>) -> Answer<ValueId> {
    let (condition, a, b) = (call.value(0)?, call.value(1)?, call.value(2)?);
    match call.b.known(condition) {
        Some(_) => Ok(call.b.select(condition, a, b)?),
        None => Err(Refusal::NoSlope),
    }
}

fn compare(call: &mut Call<'_, '_>, comparison: Comparison) -> Answer<ValueId> {
    let (a, b) = (call.value(0)?, call.value(1)?);
    Ok(call.b.compare(comparison, a, b)?)
}

/// A function of two booleans that are broadcast.
fn both(call: &mut Call<'_, '_>, f: fn(bool, bool) -> bool) -> Answer<ValueId> {
    let inputs = [call.value(0)?, call.value(1)?];
    let result = |a, b| f64::from(u8::from(f(a != 0.0, b != 0.0)));
    Ok(call
        .b
        .zip_constants(call.node.op_type, ElementType::Bool, inputs, result)?)
}

/// Whether numbers are none. What a network makes of a picture always are numbers: exporters ask
/// after a softmax whose mask might leave out everything.
fn test(call: &mut Call<'_, '_>, f: fn(f64) -> bool) -> Answer<ValueId> {
    let x = call.value(0)?;
    let data: Vec<bool> = match call.b.known(x) {
        Some(constant) => constant.to_f64().into_iter().map(f).collect(),
        None => vec![false; call.shape(x).iter().product()],
    };
    let constant = Constant::new(&call.shape(x), Data::Bool(data.into()))?;
    Ok(call.b.constant(constant)?)
}
