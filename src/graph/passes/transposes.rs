//! Transposes move towards the outputs, until two of them cancel. Networks that hold images as
//! \[H, W, C\] transpose before and after each convolution; what is between takes either order.

use crate::builder::Builder;
use crate::error::Result;
use crate::graph::{Graph, Node, Origin, ValueId};
use crate::operation::Operation;

/// Moves transposes behind what takes any order of axes, and merges those in a row.
pub(super) fn cancel(graph: Graph) -> Result<Graph> {
    let mut all = Turned {
        old: &graph,
        new: Builder::new(graph.shape(graph.input))?,
        values: vec![None; graph.values.len()],
    };
    let input = all.new.input();
    all.values[graph.input.index()] = Some(Value::straight(input));
    for node in &graph.nodes {
        all.new.at(&node.name);
        let made = all.node(node)?;
        all.values[node.output.index()] = Some(made);
    }
    for output in &graph.outputs {
        let value = all.straight(output.value)?;
        all.new.output_with_head(&output.name, value, output.head);
    }
    all.new.finish()
}

/// Whether a transposition of that shape leaves all elements where they are: only axes of length 1
/// move.
pub(super) fn moves_nothing(order: &[usize], shape: &[usize]) -> bool {
    order.iter().filter(|&&axis| shape[axis] != 1).is_sorted()
}

/// A graph that is being built anew, with transposes still to come.
struct Turned<'a> {
    old: &'a Graph,
    new: Builder,
    /// By old value: what takes its place.
    values: Vec<Option<Value>>,
}

/// What takes the place of an old value.
#[derive(Debug, Clone)]
struct Value {
    /// A new value.
    id: ValueId,
    /// The transposition that is still to come, if there is one.
    order: Option<Vec<usize>>,
    /// The value after it, once something has asked for it.
    straight: Option<ValueId>,
}

/// A node before a transposition: its operation, its inputs, and the order.
type Before = (Operation, Vec<ValueId>, Vec<usize>);

impl Value {
    fn straight(id: ValueId) -> Self {
        Self {
            id,
            order: None,
            straight: Some(id),
        }
    }
}

impl Turned<'_> {
    /// What takes the place of a node's output.
    fn node(&mut self, node: &Node) -> Result<Value> {
        if let Operation::Transpose { order } = &node.operation {
            let x = self.value(node.inputs[0])?;
            let order: Vec<usize> = match &x.order {
                Some(inner) => order.iter().map(|&axis| inner[axis]).collect(),
                None => order.clone(),
            };
            return self.transposed(x.id, order);
        }
        if let Some((operation, inputs, order)) = self.before_transposition(node)? {
            let made = self.new.push(operation, &inputs)?;
            return self.transposed(made, order);
        }
        let inputs: Result<Vec<ValueId>> =
            node.inputs.iter().map(|&id| self.straight(id)).collect();
        let made = self.new.push(node.operation.clone(), &inputs?)?;
        Ok(Value::straight(made))
    }

    /// A transposition of a new value, put off unless it moves nothing.
    fn transposed(&mut self, id: ValueId, order: Vec<usize>) -> Result<Value> {
        let shape = self.new.shape(id);
        if moves_nothing(&order, shape) {
            let shape = order.iter().map(|&axis| shape[axis]).collect();
            return Ok(Value::straight(self.new.reshape_to(id, shape)?));
        }
        Ok(Value {
            id,
            order: Some(order),
            straight: None,
        })
    }

    /// What takes the place of an old value.
    fn value(&mut self, id: ValueId) -> Result<Value> {
        if let Some(value) = &self.values[id.index()] {
            return Ok(value.clone());
        }
        let made = match &self.old.value(id).origin {
            Origin::Constant(constant) => self.new.constant(constant.clone())?,
            _ => self.new.input(),
        };
        let value = Value::straight(made);
        self.values[id.index()] = Some(value.clone());
        Ok(value)
    }

    /// The new value that is equal to an old one.
    fn straight(&mut self, id: ValueId) -> Result<ValueId> {
        let value = self.value(id)?;
        match (value.straight, value.order) {
            (Some(straight), _) => Ok(straight),
            (None, None) => Ok(value.id),
            (None, Some(order)) => {
                let made = self.new.push(Operation::Transpose { order }, &[value.id])?;
                if let Some(value) = &mut self.values[id.index()] {
                    value.straight = Some(made);
                }
                Ok(made)
            }
        }
    }

    /// A node's operation and inputs before a transposition, and its order, if all inputs are
    /// transposed alike or can be turned back without moving elements.
    fn before_transposition(&mut self, node: &Node) -> Result<Option<Before>> {
        let values: Result<Vec<Value>> = node.inputs.iter().map(|&id| self.value(id)).collect();
        let values = values?;
        let Some(order) = values.iter().find_map(|value| value.order.clone()) else {
            return Ok(None);
        };
        let back = inverse(&order);
        let rank = order.len();
        let ready = |(value, &id): (&Value, &ValueId)| {
            let shape = self.old.shape(id);
            let aligned = value.order.is_none() && shape.len() <= rank;
            value.order.as_ref() == Some(&order)
                || aligned && self.old.constant(id).is_some()
                || aligned && moves_nothing(&back, &with_axes(shape, rank))
        };
        if self.old.shape(node.output).len() != rank || !values.iter().zip(&node.inputs).all(ready)
        {
            return Ok(None);
        }
        let Some(operation) = reordered(&node.operation, &order) else {
            return Ok(None);
        };
        let mut inputs = Vec::new();
        for value in &values {
            inputs.push(match value.order {
                Some(_) => value.id,
                None => self.turned_back(value.id, &back)?,
            });
        }
        Ok(Some((operation, inputs, order)))
    }

    /// A value in the order that undoes the transposition, with axes of length 1 before.
    fn turned_back(&mut self, id: ValueId, back: &[usize]) -> Result<ValueId> {
        let aligned = with_axes(self.new.shape(id), back.len());
        let x = self.new.reshape_to(id, aligned.clone())?;
        if moves_nothing(back, &aligned) {
            let shape = back.iter().map(|&axis| aligned[axis]).collect();
            return self.new.reshape_to(x, shape);
        }
        let order = back.to_vec();
        self.new.push(Operation::Transpose { order }, &[x])
    }
}

/// A shape with as many axes of length 1 before that it has this rank.
fn with_axes(shape: &[usize], rank: usize) -> Vec<usize> {
    let mut aligned = vec![1; rank - shape.len()];
    aligned.extend(shape);
    aligned
}

/// The order that undoes an order.
fn inverse(order: &[usize]) -> Vec<usize> {
    let mut inverse = vec![0; order.len()];
    for (k, &axis) in order.iter().enumerate() {
        inverse[axis] = k;
    }
    inverse
}

/// The operation on a value that is not transposed yet. Axis `k` of its attributes is axis
/// `order[k]` there.
fn reordered(operation: &Operation, order: &[usize]) -> Option<Operation> {
    let back = inverse(order);
    let sorted = |axes: &[usize]| {
        let mut axes: Vec<usize> = axes.iter().map(|&axis| order[axis]).collect();
        axes.sort_unstable();
        axes
    };
    let each = |list: &[usize]| -> Vec<usize> { back.iter().map(|&k| list[k]).collect() };
    Some(match operation.clone() {
        unchanged @ (Operation::Unary(_) | Operation::PRelu | Operation::Binary(_)) => unchanged,
        Operation::Reduce { reduction, axes } => Operation::Reduce {
            reduction,
            axes: sorted(&axes),
        },
        Operation::Softmax { axis } => Operation::Softmax { axis: order[axis] },
        Operation::LogSoftmax { axis } => Operation::LogSoftmax { axis: order[axis] },
        Operation::Concat { axis } => Operation::Concat { axis: order[axis] },
        Operation::Gather { axis, indices } => {
            let axis = order[axis];
            Operation::Gather { axis, indices }
        }
        Operation::Resample { axis, taps } => {
            let axis = order[axis];
            Operation::Resample { axis, taps }
        }
        Operation::Slice {
            starts,
            steps,
            counts,
        } => Operation::Slice {
            starts: each(&starts),
            steps: back.iter().map(|&k| steps[k]).collect(),
            counts: each(&counts),
        },
        Operation::Expand { shape } => Operation::Expand {
            shape: each(&shape),
        },
        Operation::Pad {
            before,
            after,
            value,
        } => Operation::Pad {
            before: each(&before),
            after: each(&after),
            value,
        },
        _ => return None,
    })
}
