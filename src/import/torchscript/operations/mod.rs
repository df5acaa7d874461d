//! PyTorch's operations, by their names without the `_` of those that write into their first tensor.
//!
//! # Source
//!
//! `aten/src/ATen/native/native_functions.yaml` of PyTorch: names, arguments in their order, and what they are if they are
//! not given.

mod activation;
mod arithmetic;
mod creation;
mod indexing;
mod layers;
mod plain;
mod pooling;
mod reduction;
mod resizing;
mod shape;

use super::call::{Answer, Operator};
use super::value::Value;

pub(super) use plain::item;

/// What an operation of that name does with such arguments.
pub(super) fn find(name: &str, given: &[Value]) -> Option<Operator> {
    let tensors = given.iter().any(|value| matches!(value, Value::Tensor(_)));
    if !tensors && let Some(operator) = plain::of_numbers(name) {
        return Some(operator);
    }
    plain::find(name)
        .or_else(|| activation::find(name))
        .or_else(|| arithmetic::find(name))
        .or_else(|| creation::find(name))
        .or_else(|| indexing::find(name))
        .or_else(|| layers::find(name))
        .or_else(|| pooling::find(name))
        .or_else(|| reduction::find(name))
        .or_else(|| resizing::find(name))
        .or_else(|| shape::find(name))
}

/// Whether an operation only keeps what it is given, also what lies behind something that is not supported.
pub(super) fn keeps(name: &str) -> bool {
    matches!(
        name,
        "append"
            | "extend"
            | "insert"
            | "_set_item"
            | "__is__"
            | "__isnot__"
            | "len"
            | "RaiseException"
    )
}

/// Whether an operation is there for what it does to a list or a dictionary.
pub(super) fn changes(name: &str) -> bool {
    matches!(name, "append" | "extend" | "insert" | "pop" | "_set_item")
}

/// For operations that do nothing to their first tensor.
fn same(call: &mut super::call::Call<'_>) -> Answer<Value> {
    Ok(Value::Tensor(call.tensor()?))
}
