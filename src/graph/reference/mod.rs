//! An executor by definition: every operation in its plainest form, in double precision.
//!
//! Fast executors are compared with it, and constants are computed by it while graphs are built.

mod backward;
mod convolution;
mod elementwise;
mod forward;
mod layout;
mod matrix;
mod pool;
mod reduce;
mod unary;

use std::borrow::Cow;

use crate::error::{Error, Result};
use crate::graph::{Graph, Node, Origin, ValueId};
use crate::limits;
use crate::operation::{Convolution, Operation};
use backward::Interval;
pub(crate) use elementwise::binary_value;
pub(crate) use forward::forward;
pub(crate) use layout::source;
pub(crate) use unary::value as unary_value;

/// Runs a graph in double precision.
///
/// # Example
///
/// ```
/// use violet_graph::{Builder, Reference, Unary};
///
/// let mut b = Builder::new(&[2])?;
/// let y = b.unary(Unary::Sigmoid, b.input())?;
/// b.output("y", y);
/// let graph = b.finish()?;
/// let (y, reference) = (graph.outputs()[0].value, Reference::new(&graph));
/// let [from, to] = [reference.run(&[0.0, -1.0])?, reference.run(&[1.0, 3.0])?];
/// // The products of a secant with the step sum to the change of the output.
/// let slopes = reference.secant(&from, &to, &[(y, &[1.0, 0.0])])?;
/// let change = to.value(y)[0] - from.value(y)[0];
/// assert!((slopes[0] * 1.0 + slopes[1] * 4.0 - change).abs() < 1e-15);
/// # Ok::<(), violet_graph::Error>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Reference<'a> {
    graph: &'a Graph,
}

/// All values of a graph for one image.
#[derive(Debug, Clone)]
pub struct Point {
    /// By value; of constants, nothing.
    values: Vec<Vec<f64>>,
    /// By node: the sums of layers that clamp them.
    pre_activations: Vec<Vec<f64>>,
}

impl Point {
    /// The elements of a value that is no constant, row by row.
    pub fn value(&self, id: ValueId) -> &[f64] {
        &self.values[id.index()]
    }

    /// Replaces a value by zeros: the backward pass does not need those that a [`Plan`](crate::Plan)
    /// does not keep.
    pub fn forget(&mut self, id: ValueId) {
        self.values[id.index()].fill(0.0);
    }
}

impl<'a> Reference<'a> {
    /// Of a graph.
    pub fn new(graph: &'a Graph) -> Self {
        Self { graph }
    }

    /// The outputs of any number of images side by side: for each output, in the graph's order, those
    /// of all images.
    ///
    /// # Errors
    ///
    /// [`Error::Length`] if the input is not so many images.
    pub fn outputs(&self, images: &[f64]) -> Result<Vec<Vec<f64>>> {
        let graph = self.graph;
        let each = graph.value(graph.input).elements();
        if !images.len().is_multiple_of(each) {
            return Err(length(each, images.len()));
        }
        let mut outputs = vec![Vec::new(); graph.outputs.len()];
        for image in images.chunks_exact(each) {
            let point = self.run(image)?;
            for (all, output) in outputs.iter_mut().zip(&graph.outputs) {
                all.extend(point.value(output.value));
            }
        }
        Ok(outputs)
    }

    /// All values of one image.
    ///
    /// # Errors
    ///
    /// [`Error::Length`] if the image is not of the graph's input's size, [`Error::TooLarge`] if its
    /// values would take more than 2 GiB.
    pub fn run(&self, image: &[f64]) -> Result<Point> {
        let graph = self.graph;
        let expected = graph.value(graph.input).elements();
        if image.len() != expected {
            return Err(length(expected, image.len()));
        }
        let values = graph
            .values
            .iter()
            .filter(|value| !matches!(value.origin, Origin::Constant(_)));
        let elements: u64 = values.map(|value| value.elements() as u64).sum();
        if elements > limits::REFERENCE {
            return Err(Error::TooLarge {
                node: "network".into(),
                operation: "Executor in double precision, whole",
                what: "elements",
                found: elements,
                limit: limits::REFERENCE,
            });
        }
        let mut point = Point {
            values: vec![Vec::new(); graph.values.len()],
            pre_activations: vec![Vec::new(); graph.nodes.len()],
        };
        point.values[graph.input.index()] = image.to_vec();
        for (index, node) in graph.nodes.iter().enumerate() {
            let inputs: Vec<Cow<'_, [f64]>> = node
                .inputs
                .iter()
                .map(|&id| self.elements(&point, id))
                .collect();
            let arrays: Vec<Array<'_>> = self.arrays(node, &inputs);
            let output = graph.shape(node.output);
            let made = if clamps(&node.operation) {
                let sums = forward::pre_activation(&node.operation, &arrays, output);
                let made = forward::activation(&node.operation, &sums);
                point.pre_activations[index] = sums;
                made
            } else {
                forward(&node.operation, &arrays, output)
            };
            point.values[node.output.index()] = made;
        }
        Ok(point)
    }

    /// The gradient of the input at a point, of the sum of some values' elements, each times its
    /// seed.
    ///
    /// # Errors
    ///
    /// [`Error::Length`] if a seed is not of its value's size.
    pub fn gradient(&self, at: &Point, seeds: &[(ValueId, &[f64])]) -> Result<Vec<f64>> {
        self.secant(at, at, seeds)
    }

    /// The mean gradient of the input between two points, of the sum of some values' elements, each
    /// times its seed. Its products with the step sum to the change of that sum.
    ///
    /// # Errors
    ///
    /// [`Error::Length`] if a seed is not of its value's size.
    pub fn secant(
        &self,
        from: &Point,
        to: &Point,
        seeds: &[(ValueId, &[f64])],
    ) -> Result<Vec<f64>> {
        let graph = self.graph;
        let mut gradients: Vec<Option<Vec<f64>>> = vec![None; graph.values.len()];
        for &(id, seed) in seeds {
            let expected = graph.value(id).elements();
            if seed.len() != expected {
                return Err(length(expected, seed.len()));
            }
            accumulate(&mut gradients[id.index()], seed.to_vec());
        }
        for (index, node) in graph.nodes.iter().enumerate().rev() {
            let Some(gradient) = gradients[node.output.index()].take() else {
                continue;
            };
            let inputs = [from, to].map(|point| -> Vec<Cow<'_, [f64]>> {
                node.inputs
                    .iter()
                    .map(|&id| self.elements(point, id))
                    .collect()
            });
            let [before, after] = [0, 1].map(|k: usize| self.arrays(node, &inputs[k]));
            let interval = Interval {
                operation: &node.operation,
                inputs: before.into_iter().zip(after).map(<[_; 2]>::from).collect(),
                pre_activation: [from, to].map(|point| point.pre_activations[index].as_slice()),
                output: graph.shape(node.output),
            };
            let of_inputs = interval.backward(gradient);
            for (&id, gradient) in node.inputs.iter().zip(of_inputs) {
                let constant = matches!(graph.value(id).origin, Origin::Constant(_));
                if let (Some(gradient), false) = (gradient, constant) {
                    accumulate(&mut gradients[id.index()], gradient);
                }
            }
        }
        let none = || vec![0.0; graph.value(graph.input).elements()];
        Ok(gradients[graph.input.index()].take().unwrap_or_else(none))
    }

    /// The elements of a value; of a constant, in double precision.
    fn elements<'p>(&self, point: &'p Point, id: ValueId) -> Cow<'p, [f64]> {
        match &self.graph.value(id).origin {
            Origin::Constant(constant) => Cow::Owned(constant.to_f64()),
            _ => Cow::Borrowed(point.value(id)),
        }
    }

    fn arrays<'p>(&'p self, node: &Node, inputs: &'p [Cow<'_, [f64]>]) -> Vec<Array<'p>> {
        let shapes = node.inputs.iter().map(|&id| self.graph.shape(id));
        shapes
            .zip(inputs)
            .map(|(shape, data)| Array::new(shape, data))
            .collect()
    }
}

/// Whether an operation clamps sums, which its secant needs.
fn clamps(operation: &Operation) -> bool {
    match operation {
        Operation::Convolution(Convolution { clamp, .. }) | Operation::Linear { clamp } => {
            !clamp.is_none()
        }
        _ => false,
    }
}

/// A value that several nodes take has the sum of their gradients.
fn accumulate(sum: &mut Option<Vec<f64>>, gradient: Vec<f64>) {
    match sum {
        Some(sum) => {
            let pairs = sum.iter_mut().zip(gradient);
            pairs.for_each(|(sum, gradient)| *sum += gradient);
        }
        None => *sum = Some(gradient),
    }
}

fn length(expected: usize, found: usize) -> Error {
    Error::Length {
        what: "the image, or a seed",
        expected,
        found,
    }
}

/// An array as operations see it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Array<'a> {
    pub shape: &'a [usize],
    pub data: &'a [f64],
}

impl<'a> Array<'a> {
    pub(crate) fn new(shape: &'a [usize], data: &'a [f64]) -> Self {
        debug_assert_eq!(shape.iter().product::<usize>(), data.len());
        Self { shape, data }
    }
}

/// An axis between all that is outside of it and all that is inside: element `[o, k, i]` lies at
/// `(o · length + k) · inner + i`.
#[derive(Debug, Clone, Copy)]
struct Axis {
    outer: usize,
    length: usize,
    inner: usize,
}

impl Axis {
    fn of(shape: &[usize], axis: usize) -> Self {
        Self {
            outer: shape[..axis].iter().product(),
            length: shape[axis],
            inner: shape[axis + 1..].iter().product(),
        }
    }
}
