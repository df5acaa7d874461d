//! One call of an operator: what it is given, and how it answers.

use std::collections::HashMap;

use violet_graph::{Builder, Constant, ValueId};

use super::attribute::Attribute;
use super::model::{Node, Tensor};
use super::tensor::{self, Beside};
use super::{damaged, quantised::Quantised};
use crate::error::{Error, Result};

/// What a name stands for while a graph is being read.
#[derive(Debug, Clone)]
pub(crate) enum Value<'a> {
    /// Numbers of the file that nobody has asked for yet.
    Tensor(Tensor<'a>),
    /// A value of the graph that is being built: a constant, or one that depends on the picture.
    Graph(ValueId),
    /// What a network rounds to few bits, before it does.
    Quantised(Quantised),
    /// A sequence of values.
    List(Vec<Value<'a>>),
    /// A result that is not computed, such as the mask of a dropout.
    Unused,
    /// It lies behind something that has no slope and may be cut off.
    Cut,
    /// It lies behind something that is not supported.
    Failed,
}

/// Why an operator does not answer.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// It is not supported in this way: go on, and say so with everything else.
    Unsupported {
        reason: String,
        advice: &'static str,
    },
    /// It has no slope, and what depends on it may be cut off.
    NoSlope,
    /// The file cannot be read at all.
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
            violet_graph::Error::NotConstant { what, .. } => Refusal::Unsupported {
                reason: format!("its {what} depends on the picture"),
                advice: "",
            },
            // Cut off, as what has no slope by itself is, if no layer stands behind it.
            violet_graph::Error::NoSlope { .. } => Refusal::NoSlope,
            error => Refusal::Fatal(Error::Graph(error)),
        }
    }
}

/// What an operator answers.
pub(crate) type Answer<T> = std::result::Result<T, Refusal>;

/// Refuses with a reason, and advice where there is some.
pub(crate) fn unsupported<T>(reason: impl Into<String>, advice: &'static str) -> Answer<T> {
    Err(Refusal::Unsupported {
        reason: reason.into(),
        advice,
    })
}

/// An operator of a table.
#[derive(Clone, Copy)]
pub(crate) enum Operator {
    /// Makes one value of the graph.
    One(fn(&mut Call<'_, '_>) -> Answer<ValueId>),
    /// Makes several values, or others than a graph's.
    Many(for<'a> fn(&mut Call<'_, 'a>) -> Answer<Vec<Value<'a>>>),
}

/// Attributes by name, those of a function's caller put in their places.
pub(crate) type Attributes<'a> = HashMap<&'a str, Attribute<'a>>;

/// One call of an operator.
pub(crate) struct Call<'c, 'a> {
    /// Where the graph grows.
    pub(crate) b: &'c mut Builder,
    pub(crate) node: &'c Node<'a>,
    pub(crate) attributes: Attributes<'a>,
    /// What the inputs stand for; of one left out, nothing.
    pub(crate) inputs: Vec<Option<Value<'a>>>,
    pub(crate) opset: i64,
    /// The batch that the file fixes, if that is more than one.
    pub(crate) batch: Option<usize>,
    pub(crate) beside: Beside<'a>,
    /// Tensors that are constants of the graph already, by their place in the file.
    pub(crate) decoded: &'c mut HashMap<usize, ValueId>,
    /// Which results somebody asks for.
    pub(crate) wanted: Vec<bool>,
}

impl<'a> Call<'_, 'a> {
    /// Whether there is an input at this place.
    pub(crate) fn has(&self, index: usize) -> bool {
        self.inputs.get(index).is_some_and(Option::is_some)
    }

    /// The input at this place, in the graph.
    pub(crate) fn value(&mut self, index: usize) -> Answer<ValueId> {
        match self.optional(index)? {
            Some(id) => Ok(id),
            None => Err(damaged(format!("{} lacks an input", self.describe())).into()),
        }
    }

    /// The input at this place, in the graph, if there is one.
    pub(crate) fn optional(&mut self, index: usize) -> Answer<Option<ValueId>> {
        let Some(Some(value)) = self.inputs.get(index) else {
            return Ok(None);
        };
        let id = match value.clone() {
            Value::Graph(id) => id,
            Value::Tensor(tensor) => match self.decoded.get(&tensor.key()) {
                Some(&id) => id,
                None => {
                    let constant = tensor::constant(&tensor, self.beside)?;
                    let id = self.b.constant(constant)?;
                    self.decoded.insert(tensor.key(), id);
                    id
                }
            },
            Value::Quantised(quantised) => quantised.rounded(self.b)?,
            Value::List(_) => return unsupported("it takes a sequence of values", ""),
            Value::Unused => return unsupported("it takes a result that is not computed", ""),
            // Calls behind those are never made.
            Value::Cut | Value::Failed => return Err(Refusal::NoSlope),
        };
        self.inputs[index] = Some(Value::Graph(id));
        Ok(Some(id))
    }

    /// All inputs, in the graph.
    pub(crate) fn values(&mut self) -> Answer<Vec<ValueId>> {
        (0..self.inputs.len())
            .map(|index| self.value(index))
            .collect()
    }

    /// The input at this place as a constant: `what` is its name for the message.
    pub(crate) fn constant(&mut self, index: usize, what: &'static str) -> Answer<Constant> {
        let id = self.value(index)?;
        Ok(self.b.require(id, what)?.clone())
    }

    /// The integers of the input at this place, if there is one.
    pub(crate) fn integers(
        &mut self,
        index: usize,
        what: &'static str,
    ) -> Answer<Option<Vec<i64>>> {
        let Some(id) = self.optional(index)? else {
            return Ok(None);
        };
        Ok(Some(self.b.integers(id, what)?))
    }

    /// The numbers of the input at this place, if there is one.
    pub(crate) fn numbers(&mut self, index: usize, what: &'static str) -> Answer<Option<Vec<f64>>> {
        let Some(id) = self.optional(index)? else {
            return Ok(None);
        };
        Ok(Some(self.b.require(id, what)?.to_f64()))
    }

    /// The first number of the input at this place, if there is one.
    pub(crate) fn number(&mut self, index: usize, what: &'static str) -> Answer<Option<f64>> {
        Ok(self
            .numbers(index, what)?
            .and_then(|numbers| numbers.first().copied()))
    }

    /// Length of each axis of a value.
    pub(crate) fn shape(&self, id: ValueId) -> Vec<usize> {
        self.b.shape(id).to_vec()
    }

    /// Whether there is an attribute of this name.
    pub(crate) fn has_attribute(&self, name: &str) -> bool {
        self.attributes.contains_key(name)
    }

    /// An attribute as an integer.
    pub(crate) fn int(&self, name: &str, default: i64) -> Answer<i64> {
        self.attribute(name, default, |attribute| attribute.int())
    }

    /// An attribute as a number.
    pub(crate) fn float(&self, name: &str, default: f32) -> Answer<f32> {
        self.attribute(name, default, |attribute| attribute.float())
    }

    /// An attribute as text.
    pub(crate) fn text(&self, name: &str, default: &'static str) -> Answer<&'a str> {
        self.attribute(name, default, |attribute| attribute.text())
    }

    /// An attribute as a list of integers, if there is one.
    pub(crate) fn ints(&self, name: &str) -> Answer<Option<Vec<i64>>> {
        self.attribute(name, None, |attribute| attribute.ints().map(Some))
    }

    /// An attribute as a list of numbers, if there is one.
    pub(crate) fn floats(&self, name: &str) -> Answer<Option<Vec<f32>>> {
        self.attribute(name, None, |attribute| attribute.floats().map(Some))
    }

    /// The integers of an attribute, or of the input that has taken its place since.
    pub(crate) fn ints_or_input(
        &mut self,
        name: &str,
        index: usize,
        what: &'static str,
    ) -> Answer<Option<Vec<i64>>> {
        match self.integers(index, what)? {
            Some(list) => Ok(Some(list)),
            None => self.ints(name),
        }
    }

    fn attribute<T>(
        &self,
        name: &str,
        default: T,
        read: impl Fn(&Attribute<'a>) -> std::result::Result<T, super::protobuf::WireError>,
    ) -> Answer<T> {
        match self.attributes.get(name) {
            None => Ok(default),
            Some(attribute) => read(attribute).map_err(|error| {
                damaged(format!("in {}, “{name}”: {error}", self.describe())).into()
            }),
        }
    }

    /// An axis that may be counted from the end.
    pub(crate) fn axis(&self, axis: i64, rank: usize) -> Answer<usize> {
        let signed = rank as i64;
        match axis {
            0.. if axis < signed => Ok(axis as usize),
            ..0 if axis >= -signed => Ok((axis + signed) as usize),
            _ => Err(damaged(format!("{} names axis {axis} of {rank}", self.describe())).into()),
        }
    }

    /// Axes that may be counted from the end, ascending, each once.
    pub(crate) fn axes(&self, axes: &[i64], rank: usize) -> Answer<Vec<usize>> {
        let mut list = axes
            .iter()
            .map(|&axis| self.axis(axis, rank))
            .collect::<Answer<Vec<_>>>()?;
        list.sort_unstable();
        list.dedup();
        Ok(list)
    }

    /// An attribute or input that makes no sense.
    pub(crate) fn wrong<T>(&self, what: impl std::fmt::Display) -> Answer<T> {
        Err(damaged(format!("{}: {what}", self.describe())).into())
    }

    /// The node for a sentence.
    pub(crate) fn describe(&self) -> String {
        super::node::describe(self.node)
    }

    /// The names of the results.
    pub(crate) fn result_count(&self) -> usize {
        self.node.outputs.len()
    }
}

/// Lengths of a list of integers none of which may be negative.
pub(crate) fn lengths(list: &[i64]) -> Result<Vec<usize>> {
    let lengths = list.iter().map(|&length| usize::try_from(length).ok());
    lengths
        .collect::<Option<_>>()
        .ok_or_else(|| damaged(format!("{list:?} has negative lengths")))
}
