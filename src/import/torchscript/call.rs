//! One call of an operation: what it is given, and how it answers.

use std::rc::Rc;

use violet_graph::{Builder, Constant, Data, ElementType, ValueId};

use super::value::{Moved, Tensor, Value};
use crate::error::Error;

/// Why an operation does not answer.
#[derive(Debug)]
pub(super) enum Refusal {
    /// It is not supported, or not so: go on, and say so with everything else.
    Unsupported(String),
    /// The network cannot be read at all.
    Fatal(Error),
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        match error {
            Error::Graph(error) => error.into(),
            error => Refusal::Fatal(error),
        }
    }
}

impl From<violet_graph::Error> for Refusal {
    fn from(error: violet_graph::Error) -> Self {
        match error {
            violet_graph::Error::NotConstant { what, .. } => {
                Refusal::Unsupported(format!("its {what} depends on the picture"))
            }
            violet_graph::Error::NoSlope { .. } => Refusal::Unsupported(NO_SLOPE.into()),
            error => Refusal::Fatal(Error::Graph(error)),
        }
    }
}

/// Why nothing can be explained through an operation.
pub(super) const NO_SLOPE: &str = "it has no slope";

/// What an operation answers.
pub(super) type Answer<T> = std::result::Result<T, Refusal>;

/// Refuses with a reason.
pub(super) fn unsupported<T>(reason: impl Into<String>) -> Answer<T> {
    Err(Refusal::Unsupported(reason.into()))
}

/// What an operation makes of a call.
pub(super) type Operator = fn(&mut Call<'_>) -> Answer<Value>;

/// A call. Arguments are asked for by their place, and by the name that they may be given by.
#[derive(Debug)]
pub(super) struct Call<'b> {
    pub(super) b: &'b mut Builder,
    pub(super) arguments: Vec<Value>,
    pub(super) named: Vec<(Rc<str>, Value)>,
}

impl Call<'_> {
    /// An argument, if it is given and not `None`.
    pub(super) fn get(&self, place: usize, name: &str) -> Option<&Value> {
        let named = || self.named.iter().find(|(known, _)| &**known == name);
        let value = match self.arguments.get(place) {
            Some(value) => Some(value),
            None => named().map(|(_, value)| value),
        };
        value.filter(|value| !matches!(value, Value::None))
    }

    fn need(&self, place: usize, name: &str) -> Answer<&Value> {
        match self.get(place, name) {
            Some(value) => Ok(value),
            None => unsupported(format!("it is not given its {name}")),
        }
    }

    fn other<T>(&self, name: &str, value: &Value) -> Answer<T> {
        unsupported(format!("its {name} is {}", value.kind()))
    }

    /// The tensor that is first.
    pub(super) fn tensor(&self) -> Answer<Tensor> {
        match self.need(0, "input")? {
            Value::Tensor(tensor) => Ok(tensor.clone()),
            other => self.other("input", other),
        }
    }

    /// What the tensor is that is first.
    pub(super) fn x(&mut self) -> Answer<ValueId> {
        self.id(0, "input")
    }

    /// What a tensor is; a number is one without axes.
    pub(super) fn id(&mut self, place: usize, name: &str) -> Answer<ValueId> {
        let value = self.need(place, name)?.clone();
        match self.maybe_id(&value)? {
            Some(id) => Ok(id),
            None => self.other(name, &value),
        }
    }

    /// What a tensor is, if it is given.
    pub(super) fn option(&mut self, place: usize, name: &str) -> Answer<Option<ValueId>> {
        match self.get(place, name) {
            Some(_) => self.id(place, name).map(Some),
            None => Ok(None),
        }
    }

    fn maybe_id(&mut self, value: &Value) -> Answer<Option<ValueId>> {
        let constant = match value {
            Value::Tensor(tensor) => return Ok(Some(tensor.read(self.b)?)),
            Value::Int(number) => Constant::new(&[], Data::I64([*number].into()))?,
            Value::Float(number) => Constant::number(*number as f32),
            Value::Bool(truth) => Constant::new(&[], Data::Bool([*truth].into()))?,
            _ => return Ok(None),
        };
        Ok(Some(self.b.constant(constant)?))
    }

    /// What each tensor of a list is.
    pub(super) fn ids(&mut self, place: usize, name: &str) -> Answer<Vec<ValueId>> {
        let value = self.need(place, name)?.clone();
        let Some(items) = value.items() else {
            return self.other(name, &value);
        };
        let mut ids = Vec::new();
        for item in items {
            match self.maybe_id(&item)? {
                Some(id) => ids.push(id),
                None => return self.other(name, &item),
            }
        }
        Ok(ids)
    }

    /// A whole number, also of a tensor that holds one.
    pub(super) fn int(&mut self, place: usize, name: &str) -> Answer<i64> {
        let value = self.need(place, name)?.clone();
        match self.whole(&value)? {
            Some(number) => Ok(number),
            None => self.other(name, &value),
        }
    }

    pub(super) fn int_or(&mut self, place: usize, name: &str, usual: i64) -> Answer<i64> {
        match self.get(place, name) {
            Some(_) => self.int(place, name),
            None => Ok(usual),
        }
    }

    pub(super) fn whole(&mut self, value: &Value) -> Answer<Option<i64>> {
        Ok(match value {
            Value::Int(number) => Some(*number),
            Value::Bool(truth) => Some((*truth).into()),
            Value::Float(number) => Some(*number as i64),
            Value::Tensor(tensor) => {
                let id = tensor.read(self.b)?;
                match self.b.known(id) {
                    Some(constant) => constant.to_i64().first().copied(),
                    None => return unsupported("a number depends on the picture"),
                }
            }
            _ => None,
        })
    }

    /// A list of whole numbers; one by itself is a list of one.
    pub(super) fn ints(&mut self, place: usize, name: &str) -> Answer<Vec<i64>> {
        let value = self.need(place, name)?.clone();
        let items = value.items().unwrap_or_else(|| vec![value.clone()]);
        let mut numbers = Vec::new();
        for item in items {
            match self.whole(&item)? {
                Some(number) => numbers.push(number),
                None => return self.other(name, &value),
            }
        }
        Ok(numbers)
    }

    /// A list of whole numbers, empty if none is given.
    pub(super) fn ints_or_none(&mut self, place: usize, name: &str) -> Answer<Vec<i64>> {
        match self.get(place, name) {
            Some(_) => self.ints(place, name),
            None => Ok(Vec::new()),
        }
    }

    /// A number, also of a tensor that holds one; nothing if it is not given.
    pub(super) fn number(&mut self, place: usize, name: &str) -> Answer<Option<f64>> {
        let Some(value) = self.get(place, name).cloned() else {
            return Ok(None);
        };
        Ok(Some(match &value {
            Value::Int(number) => *number as f64,
            Value::Float(number) => *number,
            Value::Bool(truth) => f64::from(*truth),
            Value::Tensor(tensor) => {
                let id = tensor.read(self.b)?;
                match self.b.known(id).map(Constant::to_f64).as_deref() {
                    Some(&[number]) => number,
                    _ => return unsupported(format!("its {name} depends on the picture")),
                }
            }
            other => return self.other(name, other),
        }))
    }

    pub(super) fn float_or(&mut self, place: usize, name: &str, usual: f64) -> Answer<f32> {
        Ok(self.number(place, name)?.unwrap_or(usual) as f32)
    }

    /// A truth value, false if it is not given.
    pub(super) fn flag(&mut self, place: usize, name: &str) -> Answer<bool> {
        Ok(self.int_or(place, name, 0)? != 0)
    }

    /// A text, if it is given.
    pub(super) fn text(&self, place: usize, name: &str) -> Option<Rc<str>> {
        match self.get(place, name) {
            Some(Value::Text(text)) => Some(text.clone()),
            _ => None,
        }
    }

    /// The shape of a value.
    pub(super) fn shape(&self, id: ValueId) -> Vec<usize> {
        self.b.shape(id).to_vec()
    }

    /// As floats: constants of integers or truth values become such.
    pub(super) fn floats(&mut self, id: ValueId) -> Answer<ValueId> {
        Ok(self.b.cast(id, ElementType::F32)?)
    }

    /// Type of a value's elements.
    pub(super) fn element_type(&self, id: ValueId) -> ElementType {
        self.b
            .known(id)
            .map_or(ElementType::F32, Constant::element_type)
    }

    /// A view of the first tensor that was made so; nothing is moved where it is the same.
    pub(super) fn viewed(&mut self, id: ValueId, of: Moved) -> Answer<Value> {
        let base = self.tensor()?;
        Ok(Value::Tensor(Tensor::view(id, &base, of)))
    }
}

/// A value of the graph as a tensor of its own.
pub(super) fn made(id: ValueId) -> Answer<Value> {
    Ok(Value::Tensor(Tensor::new(id)))
}
