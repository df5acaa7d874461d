//! What stands at a network's end is taken off: logits are explained, probabilities shown.

use std::sync::Arc;

use crate::error::Result;
use crate::graph::{Graph, Head, Node, Origin, Output, Value, ValueId};
use crate::operation::{Operation, Unary};

use super::transposes::moves_nothing;

/// Takes softmax, its logarithm, sigmoids and the index of the largest off the outputs.
pub(super) fn strip(mut graph: Graph) -> Result<Graph> {
    for index in 0..graph.outputs.len() {
        let Output { value, head, .. } = graph.outputs[index];
        let Some((logits, found)) = head_of(&graph, value).filter(|_| head == Head::None) else {
            continue;
        };
        let same = graph.value(logits).elements() == graph.value(value).elements();
        let mut wanted = graph.shape(if same { value } else { logits }).to_vec();
        // An index was made of them: without the axes of length 1 behind the classes.
        while !same && wanted.len() > 1 && wanted.last() == Some(&1) {
            wanted.pop();
        }
        let name: Arc<str> = graph.outputs[index].name.as_str().into();
        let output = &mut graph.outputs[index];
        output.head = found;
        output.value = logits;
        if graph.shape(logits) != wanted {
            graph.outputs[index].value = reshaped(&mut graph, name, logits, wanted);
        }
    }
    Ok(graph.compacted())
}

/// The value before the head that a value ends in, and the head.
fn head_of(graph: &Graph, value: ValueId) -> Option<(ValueId, Head)> {
    let mut end = value;
    let mut argmax = false;
    let mut logarithm = false;
    loop {
        let node = graph.producer(end);
        let (operation, x) = match node {
            Some(node) => (&node.operation, node.inputs[0]),
            None => return argmax.then_some((end, Head::ArgMax)),
        };
        match operation {
            Operation::Reshape { .. } => {}
            Operation::Transpose { order } if moves_nothing(order, graph.shape(x)) => {}
            Operation::ArgMax { axis } if !argmax && !logarithm && ends(graph, x, *axis) => {
                argmax = true;
            }
            Operation::Unary(Unary::Log) if !argmax && !logarithm => logarithm = true,
            Operation::Softmax { axis } if classes(graph, x, *axis, value, argmax) => {
                let head = if logarithm {
                    Head::LogSoftmax
                } else {
                    Head::Softmax
                };
                return Some((x, head));
            }
            Operation::LogSoftmax { axis }
                if !logarithm && classes(graph, x, *axis, value, argmax) =>
            {
                return Some((x, Head::LogSoftmax));
            }
            Operation::Unary(Unary::Sigmoid) if !logarithm => {
                return Some((x, if argmax { Head::ArgMax } else { Head::Sigmoid }));
            }
            _ => return argmax.then_some((end, Head::ArgMax)),
        }
        end = x;
    }
}

/// Whether an axis is the last one that is longer than 1.
fn ends(graph: &Graph, x: ValueId, axis: usize) -> bool {
    let shape = graph.shape(x);
    shape[axis] > 1 && shape[axis + 1..].iter().all(|&length| length == 1)
}

/// Whether an axis holds the classes, in a value before the head and still in the output.
fn classes(graph: &Graph, x: ValueId, axis: usize, output: ValueId, argmax: bool) -> bool {
    let last = graph.shape(output).iter().rfind(|&&length| length > 1);
    ends(graph, x, axis) && (argmax || last == Some(&graph.shape(x)[axis]))
}

/// A new node that reshapes a value.
fn reshaped(graph: &mut Graph, name: Arc<str>, value: ValueId, shape: Vec<usize>) -> ValueId {
    let output = ValueId(graph.values.len() as u32);
    graph.values.push(Value {
        shape: shape.clone(),
        origin: Origin::Node(graph.nodes.len()),
    });
    graph.nodes.push(Node {
        name,
        operation: Operation::Reshape { shape },
        inputs: vec![value],
        output,
    });
    output
}
