//! A finished graph.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::constant::{Constant, Data};
use crate::error::{Error, Result};
use crate::operation::Operation;

/// A value of a graph: its input, a constant, or what a node makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ValueId(pub(crate) u32);

impl ValueId {
    /// Its index among a graph's [values](Graph::values).
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// Where a value comes from.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Origin {
    /// The image, as the network wants it.
    Input,
    /// The file.
    Constant(Constant),
    /// The node with this index.
    Node(usize),
}

/// A value, without the batch.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Value {
    pub(crate) shape: Vec<usize>,
    pub(crate) origin: Origin,
}

impl Value {
    /// Length of each axis; all at least 1. Of a number by itself, `[]`.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// Where it comes from.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// How many elements it has.
    pub fn elements(&self) -> usize {
        self.shape.iter().product()
    }
}

/// An operation with its place in a graph.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Node {
    #[serde(with = "crate::shared::text")]
    pub(crate) name: Arc<str>,
    pub(crate) operation: Operation,
    pub(crate) inputs: Vec<ValueId>,
    pub(crate) output: ValueId,
}

impl Node {
    /// Its name in the file it comes from; several nodes share one where a file's was taken apart.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it computes.
    pub fn operation(&self) -> &Operation {
        &self.operation
    }

    /// What it computes it from, in the order that [`Operation`] gives.
    pub fn inputs(&self) -> &[ValueId] {
        &self.inputs
    }

    /// What it makes.
    pub fn output(&self) -> ValueId {
        self.output
    }
}

/// What stood at the end of a network and is not in its graph any more: the logits before it are
/// explained, what it makes of them is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub enum Head {
    /// Nothing.
    #[default]
    None,
    /// Softmax over all.
    Softmax,
    /// The logarithm of softmax over all.
    LogSoftmax,
    /// A sigmoid of each.
    Sigmoid,
    /// The index of the largest.
    ArgMax,
}

/// A named output.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Output {
    /// Its name in the file.
    pub name: String,
    /// The value: before the head, if there is one.
    pub value: ValueId,
    /// What was taken off its end.
    pub head: Head,
}

/// A network for one image.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Graph {
    pub(crate) values: Vec<Value>,
    pub(crate) nodes: Vec<Node>,
    pub(crate) input: ValueId,
    pub(crate) outputs: Vec<Output>,
}

impl Graph {
    /// All nodes, each after those whose values it takes.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// All values, by [`ValueId::index`].
    pub fn values(&self) -> &[Value] {
        &self.values
    }

    /// The value with an index.
    ///
    /// # Panics
    ///
    /// If there is none.
    pub fn id(&self, index: usize) -> ValueId {
        assert!(index < self.values.len(), "there is no value {index}");
        ValueId(index as u32)
    }

    /// One value.
    pub fn value(&self, id: ValueId) -> &Value {
        &self.values[id.index()]
    }

    /// Shape of a value, without the batch.
    pub fn shape(&self, id: ValueId) -> &[usize] {
        &self.value(id).shape
    }

    /// The elements of a constant, row by row; nothing of another value.
    pub fn constant(&self, id: ValueId) -> Option<&Arc<[f32]>> {
        match &self.value(id).origin {
            Origin::Constant(constant) => match constant.data() {
                Data::F32(data) => Some(data),
                Data::I64(_) | Data::Bool(_) => None,
            },
            _ => None,
        }
    }

    /// Puts other elements in the place of a constant's.
    ///
    /// # Errors
    ///
    /// [`Error::Length`] if they are more or fewer than it has; another value has none.
    pub fn set_constant(&mut self, id: ValueId, elements: impl Into<Arc<[f32]>>) -> Result<()> {
        let elements = elements.into();
        let expected = self.constant(id).map_or(0, |old| old.len());
        if elements.len() != expected || expected == 0 {
            return Err(Error::Length {
                what: "a constant",
                expected,
                found: elements.len(),
            });
        }
        let value = &mut self.values[id.index()];
        value.origin = Origin::Constant(Constant::f32(&value.shape, elements)?);
        Ok(())
    }

    /// The image, as the network wants it.
    pub fn input(&self) -> ValueId {
        self.input
    }

    /// What the network makes, in the file's order.
    pub fn outputs(&self) -> &[Output] {
        &self.outputs
    }

    /// The node that makes a value; nothing of the input and of constants.
    pub fn producer(&self, id: ValueId) -> Option<&Node> {
        match self.value(id).origin {
            Origin::Node(index) => Some(&self.nodes[index]),
            _ => None,
        }
    }

    /// Without what no output needs; the input stays.
    pub(crate) fn compacted(self) -> Self {
        let mut needed = vec![false; self.values.len()];
        needed[self.input.index()] = true;
        self.outputs
            .iter()
            .for_each(|output| needed[output.value.index()] = true);
        for node in self.nodes.iter().rev() {
            if needed[node.output.index()] {
                node.inputs
                    .iter()
                    .for_each(|input| needed[input.index()] = true);
            }
        }
        let mut renamed = vec![ValueId(u32::MAX); self.values.len()];
        let mut graph = Graph {
            values: Vec::new(),
            nodes: Vec::new(),
            input: ValueId(0),
            outputs: self.outputs,
        };
        for (index, value) in self.values.into_iter().enumerate() {
            if needed[index] {
                renamed[index] = ValueId(graph.values.len() as u32);
                graph.values.push(value);
            }
        }
        let rename = |id: &mut ValueId| *id = renamed[id.index()];
        for mut node in self.nodes {
            if needed[node.output.index()] {
                rename(&mut node.output);
                node.inputs.iter_mut().for_each(rename);
                graph.values[node.output.index()].origin = Origin::Node(graph.nodes.len());
                graph.nodes.push(node);
            }
        }
        graph.input = renamed[self.input.index()];
        graph
            .outputs
            .iter_mut()
            .for_each(|output| rename(&mut output.value));
        graph
    }
}
