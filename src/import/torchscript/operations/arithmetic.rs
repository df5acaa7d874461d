//! Arithmetic of tensors and numbers, comparisons, and what is chosen by them.

use violet_graph::{Binary, Comparison, Constant, Data, ElementType, Unary, ValueId};

use super::super::call::{Answer, Call, Operator, made, unsupported};
use super::super::value::Value;

pub(super) fn find(name: &str) -> Option<Operator> {
    Some(match name {
        "add" => |call| sum(call, 1.0),
        "sub" | "subtract" => |call| sum(call, -1.0),
        "rsub" => |call| {
            let [a, b] = pair(call)?;
            if call.float_or(2, "alpha", 1.0)? != 1.0 {
                return unsupported("its second term has a factor");
            }
            made(call.b.binary(Binary::Sub, b, a)?)
        },
        "mul" | "multiply" => |call| binary(call, Binary::Mul),
        "div" | "divide" | "true_divide" => divide,
        "floor_divide" => |call| rounded_quotient(call, f64::floor),
        "remainder" => |call| zipped(call, "remainder", None, |a, b| a - b * (a / b).floor()),
        "fmod" => |call| zipped(call, "fmod", None, |a, b| a % b),
        "maximum" => |call| binary(call, Binary::Max),
        "minimum" => |call| binary(call, Binary::Min),
        "pow" => power,
        "square" => |call| each(call, Unary::Power { exponent: 2.0 }),
        "sqrt" => |call| each(call, Unary::Sqrt),
        "rsqrt" => |call| each(call, Unary::Power { exponent: -0.5 }),
        "reciprocal" => |call| each(call, Unary::Reciprocal),
        "exp" => |call| each(call, Unary::Exp),
        "log" => |call| each(call, Unary::Log),
        "erf" => |call| each(call, Unary::Erf),
        "sin" => |call| each(call, Unary::Sin),
        "cos" => |call| each(call, Unary::Cos),
        "abs" | "absolute" => |call| plain(call, Unary::Abs),
        "neg" | "negative" => |call| plain(call, Unary::Neg),
        "expm1" => |call| {
            let x = call.x()?;
            let x = call.floats(x)?;
            let x = call.b.unary(Unary::Exp, x)?;
            made(call.b.affine(x, 1.0, -1.0)?)
        },
        "log1p" => |call| {
            let x = call.x()?;
            let x = call.floats(x)?;
            let x = call.b.affine(x, 1.0, 1.0)?;
            made(call.b.unary(Unary::Log, x)?)
        },
        "floor" => |call| mapped(call, "floor", f64::floor),
        "ceil" => |call| mapped(call, "ceil", f64::ceil),
        "round" => |call| mapped(call, "round", f64::round_ties_even),
        "trunc" => |call| mapped(call, "trunc", f64::trunc),
        "sign" => |call| mapped(call, "sign", |x| if x == 0.0 { 0.0 } else { x.signum() }),
        "eq" => equal,
        "ne" => |call| {
            let [a, b] = pair(call)?;
            let equal = call.b.compare(Comparison::Equal, a, b)?;
            made(call.b.not(equal)?)
        },
        "lt" => |call| compare(call, Comparison::Less),
        "le" => |call| compare(call, Comparison::LessOrEqual),
        "gt" => |call| compare(call, Comparison::Greater),
        "ge" => |call| compare(call, Comparison::GreaterOrEqual),
        "logical_and" | "__and__" | "bitwise_and" => |call| logic(call, |a, b| a && b),
        "logical_or" | "__or__" | "bitwise_or" => |call| logic(call, |a, b| a || b),
        "logical_xor" | "__xor__" => |call| logic(call, |a, b| a != b),
        "logical_not" | "bitwise_not" => |call| {
            let x = call.x()?;
            made(call.b.not(x)?)
        },
        "where" => select,
        "masked_fill" => masked_fill,
        "addcmul" => |call| multiplied(call, Binary::Mul),
        "addcdiv" => |call| multiplied(call, Binary::Div),
        "lerp" => lerp,
        _ => return None,
    })
}

fn equal(call: &mut Call<'_>) -> Answer<Value> {
    let infinite = match call.get(1, "other") {
        Some(Value::Float(number)) => number.is_infinite(),
        _ => false,
    };
    let x = call.x()?;
    if !infinite || call.b.known(x).is_some() {
        return compare(call, Comparison::Equal);
    }
    // Nothing that a network makes of a picture is infinite.
    let shape = call.shape(x);
    let elements = shape.iter().product();
    let never = Constant::new(&shape, Data::Bool(vec![false; elements].into()))?;
    made(call.b.constant(never)?)
}

/// The two that are first, of one type of elements: floats, if one of them is of floats.
fn pair(call: &mut Call<'_>) -> Answer<[ValueId; 2]> {
    let ids = [call.id(0, "input")?, call.id(1, "other")?];
    alike(call, ids)
}

fn alike(call: &mut Call<'_>, ids: [ValueId; 2]) -> Answer<[ValueId; 2]> {
    let types = ids.map(|id| call.element_type(id));
    let to = match types {
        [ElementType::Bool, ElementType::Bool]
        | [ElementType::I64 | ElementType::Bool, ElementType::I64]
        | [ElementType::I64, ElementType::Bool] => ElementType::I64,
        _ => ElementType::F32,
    };
    Ok([call.b.cast(ids[0], to)?, call.b.cast(ids[1], to)?])
}

fn binary(call: &mut Call<'_>, binary: Binary) -> Answer<Value> {
    let [a, b] = pair(call)?;
    made(call.b.binary(binary, a, b)?)
}

/// a + sign · alpha · b.
fn sum(call: &mut Call<'_>, sign: f32) -> Answer<Value> {
    let [a, mut b] = pair(call)?;
    let alpha = call.float_or(2, "alpha", 1.0)?;
    if alpha != 1.0 {
        b = call.floats(b)?;
        b = call.b.affine(b, alpha, 0.0)?;
    }
    let [a, b] = alike(call, [a, b])?;
    let operation = if sign > 0.0 { Binary::Add } else { Binary::Sub };
    made(call.b.binary(operation, a, b)?)
}

fn divide(call: &mut Call<'_>) -> Answer<Value> {
    match call.text(2, "rounding_mode").as_deref() {
        Some("floor") => return rounded_quotient(call, f64::floor),
        Some("trunc") => return rounded_quotient(call, f64::trunc),
        _ => {}
    }
    let [a, b] = pair(call)?;
    let (a, b) = (call.floats(a)?, call.floats(b)?);
    made(call.b.binary(Binary::Div, a, b)?)
}

fn rounded_quotient(call: &mut Call<'_>, round: fn(f64) -> f64) -> Answer<Value> {
    zipped(call, "floor_divide", None, move |a, b| round(a / b))
}

/// A function without a slope of two constants, in that type, or in theirs.
fn zipped(
    call: &mut Call<'_>,
    name: &str,
    element_type: Option<ElementType>,
    function: impl Fn(f64, f64) -> f64,
) -> Answer<Value> {
    let ids = pair(call)?;
    let element_type = element_type.unwrap_or(call.element_type(ids[0]));
    made(call.b.zip_constants(name, element_type, ids, function)?)
}

fn mapped(call: &mut Call<'_>, name: &str, function: fn(f64) -> f64) -> Answer<Value> {
    let x = call.x()?;
    made(call.b.map_constant(name, x, function)?)
}

/// Of floats, whatever it is given.
fn each(call: &mut Call<'_>, unary: Unary) -> Answer<Value> {
    let x = call.x()?;
    let x = call.floats(x)?;
    made(call.b.unary(unary, x)?)
}

/// In the type that it is given.
fn plain(call: &mut Call<'_>, unary: Unary) -> Answer<Value> {
    let x = call.x()?;
    made(call.b.unary(unary, x)?)
}

fn power(call: &mut Call<'_>) -> Answer<Value> {
    let [a, b] = pair(call)?;
    let (a, b) = (call.floats(a)?, call.floats(b)?);
    made(call.b.power(a, b)?)
}

fn compare(call: &mut Call<'_>, comparison: Comparison) -> Answer<Value> {
    let [a, b] = pair(call)?;
    made(call.b.compare(comparison, a, b)?)
}

fn logic(call: &mut Call<'_>, holds: fn(bool, bool) -> bool) -> Answer<Value> {
    zipped(call, "logical", Some(ElementType::Bool), move |a, b| {
        f64::from(holds(a != 0.0, b != 0.0))
    })
}

fn select(call: &mut Call<'_>) -> Answer<Value> {
    let condition = call.id(0, "condition")?;
    let ids = [call.id(1, "input")?, call.id(2, "other")?];
    let [a, b] = alike(call, ids)?;
    made(call.b.select(condition, a, b)?)
}

/// The number where the mask holds, else what was there.
fn masked_fill(call: &mut Call<'_>) -> Answer<Value> {
    let x = call.x()?;
    let mask = call.id(1, "mask")?;
    let value = call.number(2, "value")?.unwrap_or_default();
    let value = match call.element_type(x) {
        ElementType::F32 => Constant::number(value as f32),
        ElementType::I64 => Constant::new(&[], Data::I64([value as i64].into()))?,
        ElementType::Bool => Constant::new(&[], Data::Bool([value != 0.0].into()))?,
    };
    let value = call.b.constant(value)?;
    made(call.b.select(mask, value, x)?)
}

/// x + value · a · b, or · a / b.
fn multiplied(call: &mut Call<'_>, binary: Binary) -> Answer<Value> {
    let (x, a, b) = (call.x()?, call.id(1, "tensor1")?, call.id(2, "tensor2")?);
    let value = call.float_or(3, "value", 1.0)?;
    let made_of_both = call.b.binary(binary, a, b)?;
    let scaled = call.b.affine(made_of_both, value, 0.0)?;
    made(call.b.binary(Binary::Add, x, scaled)?)
}

/// x + weight · (end − x).
fn lerp(call: &mut Call<'_>) -> Answer<Value> {
    let (x, end, weight) = (call.x()?, call.id(1, "end")?, call.id(2, "weight")?);
    let way = call.b.binary(Binary::Sub, end, x)?;
    let weight = call.floats(weight)?;
    let part = call.b.binary(Binary::Mul, way, weight)?;
    made(call.b.binary(Binary::Add, x, part)?)
}
