//! What a name of the code stands for while it runs.

use std::cell::RefCell;
use std::rc::Rc;

use violet_graph::{Builder, ValueId};

use super::list::List;
use super::syntax::{Class, Function};

/// A value.
#[derive(Debug, Clone)]
pub(super) enum Value {
    None,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(Rc<str>),
    /// A list or a tuple.
    List(Rc<List>),
    /// A tuple whose items have names.
    Record(Rc<[Rc<str>]>, Rc<List>),
    /// Keys and what they stand for, in turn.
    Dictionary(Rc<List>),
    Tensor(Tensor),
    /// A place among the file's objects.
    Object(usize),
    Function(Rc<Function>),
    Class(Rc<Class>),
    /// It lies behind something that is not supported, which is remembered.
    Failed,
}

impl Value {
    pub(super) fn list(items: impl IntoIterator<Item = Value>) -> Self {
        Self::List(List::new(items))
    }

    pub(super) fn dictionary(pairs: impl IntoIterator<Item = (Value, Value)>) -> Self {
        let pairs = pairs.into_iter();
        Self::Dictionary(List::new(pairs.flat_map(|(key, value)| [key, value])))
    }

    pub(super) fn integers(numbers: impl IntoIterator<Item = i64>) -> Self {
        Self::list(numbers.into_iter().map(Self::Int))
    }

    /// For messages.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Value::None => "nothing",
            Value::Bool(_) => "a truth value",
            Value::Int(_) | Value::Float(_) => "a number",
            Value::Text(_) => "a text",
            Value::List(_) | Value::Record(..) => "a list",
            Value::Dictionary(_) => "a dictionary",
            Value::Tensor(_) => "a tensor",
            Value::Object(_) => "a module",
            Value::Function(_) | Value::Class(_) => "a function",
            Value::Failed => "what is not supported",
        }
    }

    /// The items of a list or tuple.
    pub(super) fn items(&self) -> Option<Vec<Value>> {
        match self {
            Value::List(items) | Value::Record(_, items) => Some(items.all()),
            _ => None,
        }
    }

    /// The entries of a dictionary.
    pub(super) fn pairs(&self) -> Option<Vec<(Value, Value)>> {
        let Value::Dictionary(list) = self else {
            return None;
        };
        let mut items = list.all().into_iter();
        let mut pairs = Vec::new();
        while let (Some(key), Some(value)) = (items.next(), items.next()) {
            pairs.push((key, value));
        }
        Some(pairs)
    }

    /// Whether it, or an item of it, lies behind something that is not supported.
    pub(super) fn has_failed(&self) -> bool {
        match self {
            Value::Failed => true,
            Value::List(items) | Value::Dictionary(items) | Value::Record(_, items) => {
                items.has_failed()
            }
            _ => false,
        }
    }
}

/// A tensor, which can be written into. One that is a part of another, or another arrangement of it, is a view: what is
/// written into one is seen in the other.
#[derive(Debug, Clone)]
pub(super) struct Tensor(Rc<RefCell<State>>);

#[derive(Debug)]
struct State {
    id: ValueId,
    view: Option<View>,
}

#[derive(Debug)]
struct View {
    base: Tensor,
    /// What the base was when this was made of it.
    seen: ValueId,
    of: Moved,
}

/// How a view is made of its base.
#[derive(Debug, Clone)]
pub(super) enum Moved {
    /// The same elements in another shape.
    Reshaped,
    /// With its axes in that order.
    Transposed(Vec<i64>),
    /// From a place on, along one axis.
    Part { axis: i64, start: i64 },
}

impl Tensor {
    pub(super) fn new(id: ValueId) -> Self {
        Self(Rc::new(RefCell::new(State { id, view: None })))
    }

    /// What was made of a tensor so.
    pub(super) fn view(id: ValueId, base: &Tensor, of: Moved) -> Self {
        let seen = base.0.borrow().id;
        let view = Some(View {
            base: base.clone(),
            seen,
            of,
        });
        Self(Rc::new(RefCell::new(State { id, view })))
    }

    /// Whether its elements lie in another order than its axes have: what is made of it in another shape is a copy.
    pub(super) fn is_turned(&self) -> bool {
        match &self.0.borrow().view {
            None => false,
            Some(view) => matches!(view.of, Moved::Transposed(_)) || view.base.is_turned(),
        }
    }

    /// What it is now.
    pub(super) fn read(&self, b: &mut Builder) -> violet_graph::Result<ValueId> {
        let (base, seen, of, id) = match &*self.0.borrow() {
            State { id, view: None } => return Ok(*id),
            State {
                id,
                view: Some(view),
            } => (view.base.clone(), view.seen, view.of.clone(), *id),
        };
        let now = base.read(b)?;
        if now == seen {
            return Ok(id);
        }
        let shape: Vec<i64> = b.shape(id).iter().map(|&length| length as i64).collect();
        let made = match of {
            Moved::Reshaped => b.reshape(now, &shape)?,
            Moved::Transposed(order) => b.transpose(now, &order)?,
            Moved::Part { axis, start } => {
                let end = start + shape[axis as usize];
                b.slice(now, &[start], &[end], &[axis], &[])?
            }
        };
        let mut state = self.0.borrow_mut();
        state.id = made;
        if let Some(view) = &mut state.view {
            view.seen = now;
        }
        Ok(made)
    }

    /// Writes into it, and into what it is a view of.
    pub(super) fn write(&self, b: &mut Builder, id: ValueId) -> violet_graph::Result<()> {
        self.0.borrow_mut().id = id;
        let (base, of) = match &self.0.borrow().view {
            None => return Ok(()),
            Some(view) => (view.base.clone(), view.of.clone()),
        };
        let before = base.read(b)?;
        let whole: Vec<i64> = b.shape(before).iter().map(|&n| n as i64).collect();
        let made = match of {
            Moved::Reshaped => b.reshape(id, &whole)?,
            Moved::Transposed(order) => {
                let mut back = vec![0; order.len()];
                for (k, &axis) in order.iter().enumerate() {
                    back[axis as usize] = k as i64;
                }
                b.transpose(id, &back)?
            }
            Moved::Part { axis, start } => {
                let length = whole[axis as usize];
                let end = start + b.shape(id)[axis as usize] as i64;
                let mut parts = Vec::new();
                if start > 0 {
                    parts.push(b.slice(before, &[0], &[start], &[axis], &[])?);
                }
                parts.push(id);
                if end < length {
                    parts.push(b.slice(before, &[end], &[length], &[axis], &[])?);
                }
                match parts[..] {
                    [whole] => whole,
                    _ => b.concat(&parts, axis)?,
                }
            }
        };
        base.write(b, made)?;
        if let Some(view) = &mut self.0.borrow_mut().view {
            view.seen = made;
        }
        Ok(())
    }
}
