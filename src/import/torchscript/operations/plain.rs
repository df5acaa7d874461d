//! Numbers, texts, lists and dictionaries.

use std::rc::Rc;

use violet_graph::ElementType;

use super::super::call::{Answer, Call, Operator, Refusal, made, unsupported};
use super::super::value::Value;
use crate::error::Error;

/// Items of a list that is repeated, characters of a text that is joined, at most.
const LONGEST: usize = 1 << 12;
/// PyTorch's numbers of its types: float32, int64, bool.
const TYPES: [(ElementType, i64); 3] = [
    (ElementType::F32, 6),
    (ElementType::I64, 4),
    (ElementType::Bool, 11),
];

pub(super) fn find(name: &str) -> Option<Operator> {
    Some(match name {
        "len" => len,
        "append" => append,
        "extend" => extend,
        "insert" => insert,
        "pop" => pop,
        "_set_item" => set_item,
        "__getitem__" => |call| item(argument(call, 0)?, argument(call, 1)?),
        "__contains__" => contains,
        "keys" => |call| Ok(Value::list(pairs(call)?.into_iter().map(|(key, _)| key))),
        "values" => |call| {
            Ok(Value::list(
                pairs(call)?.into_iter().map(|(_, value)| value),
            ))
        },
        "items" => |call| {
            let pairs = pairs(call)?.into_iter();
            Ok(Value::list(
                pairs.map(|(key, value)| Value::list([key, value])),
            ))
        },
        "range" => range,
        // How often a loop from a number to another runs, and what it is at when it has run so often.
        "__range_length" => |call| {
            let (start, end, step) = (
                call.int(0, "start")?,
                call.int(1, "end")?,
                call.int(2, "step")?,
            );
            let way = match step {
                1.. => end.saturating_sub(start),
                0 => return unsupported("its step is 0"),
                _ => start.saturating_sub(end),
            };
            let count = way.max(0).unsigned_abs().div_ceil(step.unsigned_abs());
            Ok(Value::Int(i64::try_from(count).unwrap_or(i64::MAX)))
        },
        "__derive_index" => |call| {
            let (index, start, step) = (
                call.int(0, "index")?,
                call.int(1, "start")?,
                call.int(2, "step")?,
            );
            Ok(Value::Int(start.saturating_add(index.saturating_mul(step))))
        },
        "__is__" => |call| Ok(Value::Bool(is(call)?)),
        "__isnot__" => |call| Ok(Value::Bool(!is(call)?)),
        "format" => format,
        "str" => |call| Ok(Value::Text(written(argument(call, 0)?)?.into())),
        "warn"
        | "print"
        | "device"
        | "layout"
        | "_assert"
        | "_assert_tensor_metadata"
        | "sym_constrain_range"
        | "sym_constrain_range_for_size"
        | "_cudnn_init_dropout_state" => |_| Ok(Value::None),
        "RaiseException" => raise,
        "int" | "Int" | "IntImplicit" | "item_int" => |call| Ok(Value::Int(call.int(0, "number")?)),
        "float" | "Float" | "FloatImplicit" => |call| match call.number(0, "number") {
            Ok(Some(number)) => Ok(Value::Float(number)),
            _ => match call.text(0, "number").as_deref().map(str::parse) {
                Some(Ok(number)) => Ok(Value::Float(number)),
                _ => unsupported("its number is none"),
            },
        },
        "bool" | "Bool" => |call| Ok(Value::Bool(call.number(0, "number")?.unwrap_or(0.0) != 0.0)),
        "item" | "ScalarImplicit" => scalar,
        "NumToTensor" => |call| {
            let id = call.x()?;
            made(id)
        },
        "dtype" => |call| {
            let id = call.x()?;
            let own = call.element_type(id);
            let known = TYPES.iter().find(|(known, _)| *known == own);
            Ok(Value::Int(known.map_or(6, |(_, number)| *number)))
        },
        "requires_grad" | "is_grad_enabled" | "is_contiguous" | "is_cpu" | "is_scripting" => {
            |_| Ok(Value::Bool(true))
        }
        "is_cuda"
        | "is_nested"
        | "is_quantized"
        | "is_mkldnn"
        | "is_sparse"
        | "is_mps"
        | "is_xpu"
        | "is_complex"
        | "is_autocast_enabled"
        | "is_autocast_cpu_enabled"
        | "is_tracing"
        | "is_vulkan" => |_| Ok(Value::Bool(false)),
        "is_floating_point" => |call| {
            let id = call.x()?;
            Ok(Value::Bool(call.element_type(id) == ElementType::F32))
        },
        _ => return None,
    })
}

/// Operations of which none of the arguments is a tensor.
pub(super) fn of_numbers(name: &str) -> Option<Operator> {
    Some(match name {
        "add" => add,
        "sub" => |call| arithmetic(call, i64::checked_sub, |a, b| a - b),
        "mul" => multiply,
        "div" | "truediv" => |call| {
            let [a, b] = numbers(call)?;
            Ok(Value::Float(a / b))
        },
        "floordiv" | "floor_divide" => |call| {
            let whole = |a: i64, b: i64| {
                let quotient = a.checked_div(b)?;
                Some(quotient - i64::from(a % b != 0 && (a < 0) != (b < 0)))
            };
            arithmetic(call, whole, |a, b| (a / b).floor())
        },
        "remainder" => |call| {
            let whole = |a: i64, b: i64| {
                a.checked_rem(b).map(|r| {
                    if r != 0 && (r < 0) != (b < 0) {
                        r + b
                    } else {
                        r
                    }
                })
            };
            arithmetic(call, whole, |a, b| a - b * (a / b).floor())
        },
        "pow" => |call| {
            let whole = |a: i64, b: i64| a.checked_pow(u32::try_from(b).ok()?);
            match (argument(call, 0)?, argument(call, 1)?) {
                (Value::Int(_), Value::Int(b)) if *b >= 0 => arithmetic(call, whole, f64::powf),
                _ => {
                    let [a, b] = numbers(call)?;
                    Ok(Value::Float(a.powf(b)))
                }
            }
        },
        "neg" => |call| match argument(call, 0)? {
            Value::Int(a) => Ok(Value::Int(a.saturating_neg())),
            _ => Ok(Value::Float(-number(call, 0)?)),
        },
        "abs" => |call| match argument(call, 0)? {
            Value::Int(a) => Ok(Value::Int(a.saturating_abs())),
            _ => Ok(Value::Float(number(call, 0)?.abs())),
        },
        "sqrt" => |call| Ok(Value::Float(number(call, 0)?.sqrt())),
        "log" => |call| Ok(Value::Float(number(call, 0)?.ln())),
        "exp" => |call| Ok(Value::Float(number(call, 0)?.exp())),
        "log2" => |call| Ok(Value::Float(number(call, 0)?.log2())),
        "ceil" => |call| Ok(Value::Int(number(call, 0)?.ceil() as i64)),
        "floor" => |call| Ok(Value::Int(number(call, 0)?.floor() as i64)),
        "round" => |call| Ok(Value::Float(number(call, 0)?.round_ties_even())),
        "min" => |call| extreme(call, |a, b| a < b),
        "max" => |call| extreme(call, |a, b| a > b),
        "eq" => |call| Ok(Value::Bool(equal(argument(call, 0)?, argument(call, 1)?))),
        "ne" => |call| Ok(Value::Bool(!equal(argument(call, 0)?, argument(call, 1)?))),
        "lt" => |call| compare(call, |a, b| a < b),
        "le" => |call| compare(call, |a, b| a <= b),
        "gt" => |call| compare(call, |a, b| a > b),
        "ge" => |call| compare(call, |a, b| a >= b),
        "__and__" => |call| Ok(Value::Bool(truth(call, 0)? && truth(call, 1)?)),
        "__or__" => |call| Ok(Value::Bool(truth(call, 0)? || truth(call, 1)?)),
        "__xor__" => |call| Ok(Value::Bool(truth(call, 0)? != truth(call, 1)?)),
        "__not__" => |call| Ok(Value::Bool(!truth(call, 0)?)),
        "all" => |call| {
            let items = list(call, 0)?;
            Ok(Value::Bool(items.iter().all(|item| {
                !matches!(item, Value::Bool(false) | Value::Int(0))
            })))
        },
        "any" => |call| {
            let items = list(call, 0)?;
            Ok(Value::Bool(items.iter().any(|item| {
                !matches!(item, Value::Bool(false) | Value::Int(0))
            })))
        },
        "sum" => |call| {
            let items = list(call, 0)?;
            let whole = items
                .iter()
                .all(|item| matches!(item, Value::Int(_) | Value::Bool(_)));
            let mut sum = 0.0;
            for item in items {
                sum += number_of(&item)?;
            }
            Ok(if whole {
                Value::Int(sum as i64)
            } else {
                Value::Float(sum)
            })
        },
        "list" | "copy" => |call| Ok(Value::list(list(call, 0)?)),
        "slice" => slice,
        "find" => |call| {
            let (text, part) = (call.text(0, "text"), call.text(1, "part"));
            let place = text.zip(part).and_then(|(text, part)| text.find(&*part));
            Ok(Value::Int(place.map_or(-1, |place| place as i64)))
        },
        "lower" => |call| {
            Ok(Value::Text(
                call.text(0, "text")
                    .unwrap_or_default()
                    .to_lowercase()
                    .into(),
            ))
        },
        _ => return None,
    })
}

fn argument<'c>(call: &'c Call<'_>, place: usize) -> Answer<&'c Value> {
    match call.arguments.get(place) {
        Some(value) => Ok(value),
        None => unsupported("it is given too little"),
    }
}

fn number(call: &Call<'_>, place: usize) -> Answer<f64> {
    number_of(argument(call, place)?)
}

fn number_of(value: &Value) -> Answer<f64> {
    match value {
        Value::Int(number) => Ok(*number as f64),
        Value::Float(number) => Ok(*number),
        Value::Bool(truth) => Ok(f64::from(*truth)),
        other => unsupported(format!("it is given {}", other.kind())),
    }
}

fn numbers(call: &Call<'_>) -> Answer<[f64; 2]> {
    Ok([number(call, 0)?, number(call, 1)?])
}

fn truth(call: &Call<'_>, place: usize) -> Answer<bool> {
    Ok(number(call, place)? != 0.0)
}

fn list(call: &Call<'_>, place: usize) -> Answer<Vec<Value>> {
    let value = argument(call, place)?;
    match value.items() {
        Some(items) => Ok(items),
        None => unsupported(format!("it is given {}", value.kind())),
    }
}

fn pairs(call: &Call<'_>) -> Answer<Vec<(Value, Value)>> {
    let value = argument(call, 0)?;
    match value.pairs() {
        Some(pairs) => Ok(pairs),
        None => unsupported(format!("it is given {}", value.kind())),
    }
}

/// Of whole numbers a whole one, if there is one.
fn arithmetic(
    call: &Call<'_>,
    whole: impl Fn(i64, i64) -> Option<i64>,
    real: impl Fn(f64, f64) -> f64,
) -> Answer<Value> {
    if let (Value::Int(a), Value::Int(b)) = (argument(call, 0)?, argument(call, 1)?) {
        return match whole(*a, *b) {
            Some(number) => Ok(Value::Int(number)),
            None => unsupported(format!("there is no such number of {a} and {b}")),
        };
    }
    let [a, b] = numbers(call)?;
    Ok(Value::Float(real(a, b)))
}

fn add(call: &mut Call<'_>) -> Answer<Value> {
    match (argument(call, 0)?, argument(call, 1)?) {
        (Value::List(a), Value::List(b)) => Ok(Value::list(a.all().into_iter().chain(b.all()))),
        (Value::Text(a), Value::Text(b)) if a.len() + b.len() <= LONGEST => {
            Ok(Value::Text(format!("{a}{b}").into()))
        }
        _ => arithmetic(call, i64::checked_add, |a, b| a + b),
    }
}

fn multiply(call: &mut Call<'_>) -> Answer<Value> {
    let (items, count) = match (argument(call, 0)?, argument(call, 1)?) {
        (Value::List(items), Value::Int(count)) | (Value::Int(count), Value::List(items)) => {
            (items.all(), (*count).max(0) as usize)
        }
        _ => return arithmetic(call, i64::checked_mul, |a, b| a * b),
    };
    match items.len().checked_mul(count) {
        Some(length) if length <= LONGEST => {
            Ok(Value::list(items.iter().cycle().take(length).cloned()))
        }
        _ => unsupported("it repeats a list too often"),
    }
}

/// The first of two numbers, or of a list, that comes before all others.
fn extreme(call: &mut Call<'_>, before: fn(f64, f64) -> bool) -> Answer<Value> {
    let values = match call.arguments.as_slice() {
        [Value::List(items)] => items.all(),
        values => values.to_vec(),
    };
    let mut best: Option<(f64, Value)> = None;
    for value in values {
        let number = match &value {
            Value::Int(number) => *number as f64,
            Value::Float(number) => *number,
            other => return unsupported(format!("it is given {}", other.kind())),
        };
        if best.as_ref().is_none_or(|(best, _)| before(number, *best)) {
            best = Some((number, value));
        }
    }
    match best {
        Some((_, value)) => Ok(value),
        None => unsupported("it is given nothing"),
    }
}

fn compare(call: &mut Call<'_>, holds: fn(f64, f64) -> bool) -> Answer<Value> {
    let [a, b] = numbers(call)?;
    Ok(Value::Bool(holds(a, b)))
}

fn equal(a: &Value, b: &Value) -> bool {
    let number = |value: &Value| match value {
        Value::Int(number) => Some(*number as f64),
        Value::Float(number) => Some(*number),
        Value::Bool(truth) => Some(f64::from(*truth)),
        _ => None,
    };
    match (a, b) {
        (Value::None, Value::None) => true,
        (Value::Text(a), Value::Text(b)) => a == b,
        // Of lists in lists nobody asks.
        (Value::List(_) | Value::Record(..), _) => match (a.items(), b.items()) {
            (Some(a), Some(b)) => {
                let flat = |value: &Value| !matches!(value, Value::List(_) | Value::Record(..));
                a.len() == b.len() && a.iter().zip(&b).all(|(a, b)| flat(a) && equal(a, b))
            }
            _ => false,
        },
        _ => number(a).zip(number(b)).is_some_and(|(a, b)| a == b),
    }
}

/// Whether two values are the same one; asked for of `None` and truth values.
fn is(call: &Call<'_>) -> Answer<bool> {
    Ok(match (argument(call, 0)?, argument(call, 1)?) {
        (Value::None, Value::None) => true,
        (Value::Bool(a), Value::Bool(b)) => a == b,
        _ => false,
    })
}

fn len(call: &mut Call<'_>) -> Answer<Value> {
    let length = match argument(call, 0)? {
        Value::Text(text) => text.chars().count(),
        Value::Dictionary(pairs) => pairs.len() / 2,
        Value::Tensor(_) => {
            let id = call.x()?;
            call.shape(id).first().copied().unwrap_or(1)
        }
        Value::Failed => return Ok(Value::Failed),
        _ => list(call, 0)?.len(),
    };
    Ok(Value::Int(length as i64))
}

fn range(call: &mut Call<'_>) -> Answer<Value> {
    let (start, end, step) = match call.arguments.len() {
        1 => (0, call.int(0, "end")?, 1),
        _ => (
            call.int(0, "start")?,
            call.int(1, "end")?,
            call.int_or(2, "step", 1)?,
        ),
    };
    if step < 1 {
        return unsupported("its step is not positive");
    }
    let way = end.saturating_sub(start).max(0).unsigned_abs();
    let count = way.div_ceil(step.unsigned_abs());
    if count > 1 << 16 {
        return unsupported("its range is too long");
    }
    Ok(Value::integers((0..count as i64).map(|k| start + k * step)))
}

fn append(call: &mut Call<'_>) -> Answer<Value> {
    let item = argument(call, 1)?.clone();
    match argument(call, 0)? {
        Value::List(items) => {
            items.push(item);
            Ok(argument(call, 0)?.clone())
        }
        other => unsupported(format!("it is given {}", other.kind())),
    }
}

fn extend(call: &mut Call<'_>) -> Answer<Value> {
    let others = list(call, 1)?;
    match argument(call, 0)? {
        Value::List(items) if items.len() + others.len() <= 1 << 16 => {
            others.into_iter().for_each(|item| items.push(item));
            Ok(argument(call, 0)?.clone())
        }
        other => unsupported(format!("it is given {}", other.kind())),
    }
}

fn insert(call: &mut Call<'_>) -> Answer<Value> {
    let place = call.int(1, "place")?;
    let item = argument(call, 2)?.clone();
    match argument(call, 0)? {
        Value::List(items) => {
            let length = items.len() as i64;
            items.insert(from_start(place, length).clamp(0, length) as usize, item);
            Ok(Value::None)
        }
        other => unsupported(format!("it is given {}", other.kind())),
    }
}

fn pop(call: &mut Call<'_>) -> Answer<Value> {
    let place = call.int_or(1, "place", -1)?;
    match argument(call, 0)? {
        Value::List(items) => {
            let length = items.len() as i64;
            let place = usize::try_from(from_start(place, length)).ok();
            match place.and_then(|place| items.remove(place)) {
                Some(item) => Ok(item),
                None => unsupported("it takes from an empty list"),
            }
        }
        other => unsupported(format!("it is given {}", other.kind())),
    }
}

fn set_item(call: &mut Call<'_>) -> Answer<Value> {
    let (key, value) = (argument(call, 1)?.clone(), argument(call, 2)?.clone());
    match argument(call, 0)? {
        Value::Dictionary(pairs) => {
            let known = pairs.all().chunks(2).position(|pair| equal(&pair[0], &key));
            match known {
                Some(place) => pairs.set(2 * place + 1, value),
                None => [key, value].into_iter().for_each(|item| pairs.push(item)),
            }
            Ok(Value::None)
        }
        Value::List(items) => {
            let length = items.len() as i64;
            let Value::Int(place) = key else {
                return unsupported("its place is no number");
            };
            let place = from_start(place, length);
            match (0..length).contains(&place) {
                true => items.set(place as usize, value),
                false => return unsupported("its place is outside of the list"),
            }
            Ok(Value::None)
        }
        other => unsupported(format!("it is given {}", other.kind())),
    }
}

fn contains(call: &mut Call<'_>) -> Answer<Value> {
    let wanted = argument(call, 1)?;
    let found = match argument(call, 0)? {
        Value::Dictionary(_) => pairs(call)?.iter().any(|(key, _)| equal(key, wanted)),
        _ => list(call, 0)?.iter().any(|item| equal(item, wanted)),
    };
    Ok(Value::Bool(found))
}

/// An item of a list, a dictionary or a text.
pub(in super::super) fn item(of: &Value, index: &Value) -> Answer<Value> {
    if let Some(pairs) = of.pairs() {
        let found = pairs.into_iter().find(|(key, _)| equal(key, index));
        return match found {
            Some((_, value)) => Ok(value),
            None => unsupported("its code asks a dictionary for what is not there"),
        };
    }
    let (Value::List(items) | Value::Record(_, items), Value::Int(index)) = (of, index) else {
        return unsupported(format!("its code takes an item of {}", of.kind()));
    };
    let length = items.len() as i64;
    let place = usize::try_from(from_start(*index, length)).ok();
    match place.and_then(|place| items.get(place)) {
        Some(item) => Ok(item),
        None => unsupported("its code takes an item that a list does not have"),
    }
}

fn slice(call: &mut Call<'_>) -> Answer<Value> {
    let items = list(call, 0)?;
    let length = items.len() as i64;
    let inside = |place: i64| from_start(place, length).clamp(0, length);
    let start = inside(call.int_or(1, "start", 0)?);
    let end = inside(call.int_or(2, "end", length)?);
    let step = call.int_or(3, "step", 1)?;
    if step < 1 {
        return unsupported("its step is not positive");
    }
    let items = items[start as usize..end.max(start) as usize].iter();
    Ok(Value::list(items.step_by(step as usize).cloned()))
}

/// A place of so many, of which negative ones are counted from the end.
fn from_start(place: i64, length: i64) -> i64 {
    match place < 0 {
        true => place.saturating_add(length),
        false => place,
    }
}

/// A text in which each `{}` is one of the values after it.
fn format(call: &mut Call<'_>) -> Answer<Value> {
    let Value::Text(pattern) = argument(call, 0)? else {
        return unsupported("it is no text");
    };
    let mut values = call.arguments.iter().skip(1);
    let mut pieces = pattern.split("{}");
    let mut text = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let Some(value) = values.next() else {
            return unsupported("it is given too little");
        };
        text.push_str(&written(value)?);
        text.push_str(piece);
        if text.len() > LONGEST {
            return unsupported("it makes too long a text");
        }
    }
    Ok(Value::Text(text.into()))
}

/// What is written of a value, which may become the name of another.
fn written(value: &Value) -> Answer<String> {
    Ok(match value {
        Value::Text(text) => text.to_string(),
        Value::Int(number) => number.to_string(),
        Value::Bool(true) => "True".into(),
        Value::Bool(false) => "False".into(),
        Value::None => "None".into(),
        other => return unsupported(format!("it writes {}", other.kind())),
    })
}

/// The number that a tensor of one element holds.
fn scalar(call: &mut Call<'_>) -> Answer<Value> {
    let id = call.x()?;
    match (call.element_type(id), call.number(0, "input")?) {
        (ElementType::I64, Some(number)) => Ok(Value::Int(number as i64)),
        (ElementType::Bool, Some(number)) => Ok(Value::Bool(number != 0.0)),
        (_, Some(number)) => Ok(Value::Float(number)),
        _ => unsupported("it is given nothing"),
    }
}

fn raise(call: &mut Call<'_>) -> Answer<Value> {
    let message = call.text(0, "message");
    let message: Rc<str> = message.unwrap_or_default();
    let said = match message.trim_end_matches([' ', ':']) {
        "" | "AssertionError" => String::new(),
        said => format!(" (“{said}”)"),
    };
    Err(Refusal::Fatal(Error::Stopped { said }))
}
