//! Builds graphs: infers shapes, computes constants, refuses what is impossible or too large.

mod constants;
mod elementwise;
mod layout;
mod moves;
mod normal;
mod resize;
mod spatial;

use std::sync::Arc;

pub use layout::DepthOrder;
pub use moves::PadMode;
pub use resize::{Coordinates, Extent, Interpolation, Resize, Rounding};
pub use spatial::Sliding;

use crate::constant::{Constant, Data};
use crate::error::{Error, Result};
use crate::graph::{Graph, Head, Node, Origin, Output, Value, ValueId};
use crate::operation::{Binary, Operation};
use crate::{fold, limits, shape};

/// How the edges of an image are padded. Of the files' `auto_pad`, and of TensorFlow's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Padding {
    /// None.
    #[default]
    Valid,
    /// As many that the output has ⌈input / stride⌉ pixels, the odd one after the image.
    SameUpper,
    /// The same, the odd one before the image.
    SameLower,
    /// So many, in height and width.
    Explicit {
        /// Above and to the left.
        before: [usize; 2],
        /// Below and to the right.
        after: [usize; 2],
    },
}

/// Builds a [`Graph`], node by node.
///
/// Every method that makes a value gives an error that names the node, the operation and the
/// shapes, if there can be no such value or if it would be larger than the
/// [limits](crate::limits).
///
/// # Example
///
/// ```
/// use violet_graph::{Binary, Builder, Constant, Operation, Unary};
///
/// let mut b = Builder::new(&[1, 3, 8, 8])?;
/// b.at("relu1");
/// let x = b.push(Operation::Unary(Unary::RELU), &[b.input()])?;
/// // What is made of constants is computed at once.
/// let two = b.constant(Constant::integers([8, 4]))?;
/// let sum = b.push(Operation::Binary(Binary::Add), &[two, two])?;
/// assert_eq!(b.integers(sum, "shape")?, [16, 8]);
/// b.output("features", x);
/// let graph = b.finish()?;
/// assert_eq!(graph.nodes()[0].name(), "relu1");
/// # Ok::<(), violet_graph::Error>(())
/// ```
#[derive(Debug)]
pub struct Builder {
    values: Vec<Value>,
    nodes: Vec<Node>,
    outputs: Vec<Output>,
    name: Arc<str>,
    made: Made,
}

/// What was made in all.
#[derive(Debug, Default)]
struct Made {
    constants: u64,
    /// Multiplications that constants took.
    folded: u64,
    activations: u64,
    multiplications: u64,
    places: u64,
}

impl Builder {
    /// Begins a graph whose input has that shape, the batch left out or 1.
    ///
    /// # Errors
    ///
    /// [`Error::Impossible`] or [`Error::TooLarge`] if no image can have that shape.
    pub fn new(input: &[usize]) -> Result<Self> {
        let mut builder = Self {
            values: Vec::new(),
            nodes: Vec::new(),
            outputs: Vec::new(),
            name: "input".into(),
            made: Made::default(),
        };
        builder.check_shape("Input", &[input], input)?;
        builder.add(input.to_vec(), Origin::Input);
        Ok(builder)
    }

    /// The image, as the network wants it.
    pub fn input(&self) -> ValueId {
        ValueId(0)
    }

    /// Names the nodes that follow, for messages, until it is called again.
    pub fn at(&mut self, name: &str) {
        self.name = name.into();
    }

    /// Shape of a value.
    pub fn shape(&self, id: ValueId) -> &[usize] {
        &self.values[id.index()].shape
    }

    /// The constant that a value is; nothing if it depends on the image.
    pub fn known(&self, id: ValueId) -> Option<&Constant> {
        match &self.values[id.index()].origin {
            Origin::Constant(constant) => Some(constant),
            _ => None,
        }
    }

    /// The operation that makes a value, and what it takes; nothing of the input and of constants.
    pub fn made_by(&self, id: ValueId) -> Option<(&Operation, &[ValueId])> {
        match self.values[id.index()].origin {
            Origin::Node(index) => {
                let node = &self.nodes[index];
                Some((&node.operation, &node.inputs))
            }
            _ => None,
        }
    }

    /// The integers that a value holds.
    ///
    /// # Errors
    ///
    /// [`Error::NotConstant`] if it depends on the image; `what` says which input it is.
    pub fn integers(&self, id: ValueId, what: &'static str) -> Result<Vec<i64>> {
        Ok(self.require(id, what)?.to_i64())
    }

    /// The constant that a value is.
    ///
    /// # Errors
    ///
    /// [`Error::NotConstant`] if it depends on the image; `what` says which input it is.
    pub fn require(&self, id: ValueId, what: &'static str) -> Result<&Constant> {
        self.known(id).ok_or_else(|| Error::NotConstant {
            node: self.name.to_string(),
            operation: "Node",
            what,
        })
    }

    /// A constant.
    ///
    /// # Errors
    ///
    /// [`Error::TooLarge`].
    pub fn constant(&mut self, constant: Constant) -> Result<ValueId> {
        self.check_limit(
            "Constant",
            "axes of a constant",
            constant.shape().len() as u64,
            limits::RANK as u64,
        )?;
        self.made.constants += constant.elements() as u64;
        self.check_limit(
            "Constant",
            "elements of all constants",
            self.made.constants,
            limits::CONSTANTS as u64,
        )?;
        Ok(self.add(constant.shape().to_vec(), Origin::Constant(constant)))
    }

    /// A constant of one number, rank 0.
    ///
    /// # Errors
    ///
    /// [`Error::TooLarge`].
    pub fn number(&mut self, value: f32) -> Result<ValueId> {
        self.constant(Constant::number(value))
    }

    /// What an operation makes of these values. If all are constants, it is one.
    ///
    /// # Errors
    ///
    /// [`Error::Impossible`], [`Error::TooLarge`], [`Error::NotConstant`] of weights,
    /// [`Error::ElementType`] and [`Error::NotFinite`] of constants.
    pub fn push(&mut self, operation: Operation, inputs: &[ValueId]) -> Result<ValueId> {
        let shapes: Vec<&[usize]> = inputs.iter().map(|&id| self.shape(id)).collect();
        let name = operation.name();
        if shapes.is_empty() {
            return Err(self.impossible(name, &shapes, "it has no inputs".into()));
        }
        let made = shape::infer(&operation, &shapes)
            .map_err(|reason| self.impossible(name, &shapes, reason))?;
        let multiplications = shape::multiplications(&operation, &shapes, &made);
        let moves = fold::moves(&operation, shapes[0]);
        let known = inputs.iter().all(|&id| self.known(id).is_some());
        if !known && made.contains(&0) && !computes(&operation) {
            // Without elements nothing depends on the image, as masks of detectors that have none.
            self.check_elements(name, &made)?;
            return self.constant(Constant::f32(&made, [])?);
        }
        if !known {
            self.check_shape(name, &shapes, &made)?;
        } else if shapes.iter().any(|shape| shape.contains(&0)) && computes(&operation) {
            let reason = "there is nothing to compute with".into();
            return Err(self.impossible(name, &shapes, reason));
        }
        self.check_elements(name, &made)?;
        self.made.multiplications = self.made.multiplications.saturating_add(multiplications);
        self.check_limit(
            name,
            "multiplications of one image",
            self.made.multiplications,
            limits::MULTIPLICATIONS,
        )?;
        if known {
            if !moves {
                self.check_computed(name, &made)?;
                self.made.folded = self.made.folded.saturating_add(multiplications);
                let what = "multiplications of constants";
                self.check_limit(name, what, self.made.folded, limits::FOLDED)?;
            }
            let known: Vec<&Constant> = inputs.iter().filter_map(|&id| self.known(id)).collect();
            let folded = fold::fold(&operation, &known, made);
            return self.constant(folded);
        }
        self.made.activations = self.made.activations.saturating_add(shape::elements(&made));
        self.check_limit(
            name,
            "values of one image",
            self.made.activations,
            limits::ACTIVATIONS as u64,
        )?;
        let nodes = self.nodes.len();
        self.check_limit(name, "nodes", nodes as u64 + 1, limits::NODES as u64)?;
        let inputs = self.operands(&operation, inputs)?;
        let output = self.add(made, Origin::Node(nodes));
        self.nodes.push(Node {
            name: self.name.clone(),
            operation,
            inputs,
            output,
        });
        Ok(output)
    }

    /// Names an output. One name given twice names its first value.
    pub fn output(&mut self, name: &str, value: ValueId) {
        self.output_with_head(name, value, Head::None);
    }

    /// As [`output`](Self::output), with what was taken off its end.
    pub(crate) fn output_with_head(&mut self, name: &str, value: ValueId, head: Head) {
        if self.outputs.iter().all(|output| output.name != name) {
            self.outputs.push(Output {
                name: name.into(),
                value,
                head,
            });
        }
    }

    /// The graph. Constants that nothing takes, and outputs that do not depend on the image, are left
    /// out.
    ///
    /// # Errors
    ///
    /// [`Error::NoOutput`].
    pub fn finish(mut self) -> Result<Graph> {
        let constant = |id: ValueId| matches!(self.values[id.index()].origin, Origin::Constant(_));
        self.outputs.retain(|output| !constant(output.value));
        if self.outputs.is_empty() {
            return Err(Error::NoOutput);
        }
        Ok(Graph {
            values: self.values,
            nodes: self.nodes,
            input: ValueId(0),
            outputs: self.outputs,
        }
        .compacted())
    }

    fn add(&mut self, shape: Vec<usize>, origin: Origin) -> ValueId {
        self.values.push(Value { shape, origin });
        ValueId(self.values.len() as u32 - 1)
    }

    /// The inputs as they take part in the arithmetic: floats that are finite; weights are constants.
    fn operands(&mut self, operation: &Operation, inputs: &[ValueId]) -> Result<Vec<ValueId>> {
        let weights = match operation {
            Operation::Convolution(_)
            | Operation::ConvolutionTranspose(_)
            | Operation::Linear { .. } => 1..3,
            Operation::PRelu => 1..2,
            _ => 0..0,
        };
        let mut operands = Vec::new();
        for (k, &id) in inputs.iter().enumerate() {
            let Some(constant) = self.known(id) else {
                if weights.contains(&k) {
                    return Err(Error::NotConstant {
                        node: self.name.to_string(),
                        operation: operation.name(),
                        what: if k == 1 { "weight" } else { "bias" },
                    });
                }
                operands.push(id);
                continue;
            };
            let Data::F32(data) = constant.data() else {
                return Err(Error::ElementType {
                    node: self.name.to_string(),
                    operation: operation.name(),
                    found: constant.element_type().name(),
                });
            };
            if data.iter().all(|value| value.is_finite()) {
                operands.push(id);
                continue;
            }
            // A mask may add −∞ to what softmax is to leave out.
            let additive = matches!(
                operation,
                Operation::Binary(Binary::Add | Binary::Sub | Binary::Max | Binary::Min)
            );
            if !additive || data.iter().any(|value| value.is_nan()) {
                let name = self.name.to_string();
                return Err(Error::NotFinite { name });
            }
            let bounded = data.iter().map(|value| value.clamp(-MASKED, MASKED));
            let bounded = Constant::f32(constant.shape(), bounded.collect::<Vec<_>>())?;
            operands.push(self.constant(bounded)?);
        }
        Ok(operands)
    }

    /// Refuses shapes that no value of a network has.
    fn check_shape(
        &self,
        operation: &'static str,
        inputs: &[&[usize]],
        shape: &[usize],
    ) -> Result<()> {
        if shape.contains(&0) {
            let reason = format!("{shape:?} has an empty axis");
            return Err(self.impossible(operation, inputs, reason));
        }
        self.check_elements(operation, shape)
    }

    fn check_elements(&self, operation: &'static str, shape: &[usize]) -> Result<()> {
        // Of what is empty too: a long axis beside one of no length is no more sensible.
        let lengths: Vec<usize> = shape.iter().map(|&length| length.max(1)).collect();
        let (rank, elements) = (shape.len() as u64, shape::elements(&lengths));
        self.check_limit(operation, "axes of its result", rank, limits::RANK as u64)?;
        let limit = limits::ELEMENTS as u64;
        self.check_limit(operation, "elements of its result", elements, limit)
    }

    /// Refuses constants that would take too much to compute.
    fn check_computed(&self, operation: &'static str, shape: &[usize]) -> Result<()> {
        let elements = shape::elements(shape);
        let what = "elements of a constant";
        self.check_limit(operation, what, elements, limits::COMPUTED as u64)
    }

    /// Refuses places that would take too much to name, before they are.
    fn check_places(&mut self, operation: &'static str, places: u64) -> Result<()> {
        let what = "places along an axis";
        self.check_limit(operation, what, places, limits::PLACES as u64)?;
        self.made.places += places;
        let what = "places along the axes of all nodes";
        self.check_limit(operation, what, self.made.places, limits::ALL_PLACES as u64)
    }

    fn check_limit(
        &self,
        operation: &'static str,
        what: &'static str,
        found: u64,
        limit: u64,
    ) -> Result<()> {
        if found <= limit {
            return Ok(());
        }
        Err(Error::TooLarge {
            node: self.name.to_string(),
            operation,
            what,
            found,
            limit,
        })
    }

    fn impossible(&self, operation: &'static str, shapes: &[&[usize]], reason: String) -> Error {
        let shapes: Vec<String> = shapes.iter().map(|shape| format!("{shape:?}")).collect();
        Error::Impossible {
            node: self.name.to_string(),
            operation,
            shapes: shapes.join(" and "),
            reason,
        }
    }

    /// The error of an operation on one value.
    fn refuse<T>(&self, operation: &'static str, x: ValueId, reason: String) -> Result<T> {
        Err(self.impossible(operation, &[self.shape(x)], reason))
    }
}

/// Whether an operation needs elements to compute with; others may move none.
fn computes(operation: &Operation) -> bool {
    !matches!(
        operation,
        Operation::Unary(_)
            | Operation::Binary(_)
            | Operation::Reshape { .. }
            | Operation::Transpose { .. }
            | Operation::Concat { .. }
            | Operation::Slice { .. }
            | Operation::Gather { .. }
            | Operation::Expand { .. }
            | Operation::Pad { .. }
    )
}

/// In place of ±∞ in additive masks: exp of it is 0 or ∞ all the same, and differences are finite.
pub(crate) const MASKED: f32 = 1e30;
