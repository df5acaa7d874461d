//! Whether a network begins with the normalisation of its input.

use violet_graph::{Binary, Graph, Node, Operation, ValueId};

use crate::imported::{InputKind, Layout, Scaling};

/// What the network does first with each channel, if that is `scale · x + offset` and not nothing.
pub(crate) fn inside(graph: &Graph, input: &InputKind) -> Option<Scaling> {
    let rank = graph.shape(graph.input()).len();
    let mut channel_axis = match input.layout {
        Layout::Planes => rank.checked_sub(3),
        Layout::Pixels => rank.checked_sub(1),
    };
    let mut scaling = Scaling {
        scale: vec![1.0; input.channels],
        offset: vec![0.0; input.channels],
    };
    let mut found = false;
    let mut at = graph.input();
    while let Some(node) = only_consumer(graph, at) {
        match node.operation() {
            Operation::Binary(binary) => {
                let is_left = node.inputs()[0] == at;
                let other = node.inputs()[usize::from(is_left)];
                let rank = graph.shape(node.output()).len();
                let numbers = for_channels(graph, other, rank, channel_axis, input.channels)?;
                if !apply(&mut scaling, *binary, is_left, &numbers) {
                    break;
                }
                found = true;
            }
            Operation::Transpose { order } => {
                channel_axis = channel_axis.and_then(|axis| order.iter().position(|&k| k == axis));
            }
            _ => break,
        }
        at = node.output();
    }
    found.then_some(scaling)
}

fn only_consumer(graph: &Graph, value: ValueId) -> Option<&Node> {
    let mut consumers = graph
        .nodes()
        .iter()
        .filter(|node| node.inputs().contains(&value));
    let first = consumers.next()?;
    let twice = first.inputs().iter().filter(|&&id| id == value).count() > 1;
    (!twice && consumers.next().is_none()).then_some(first)
}

/// A constant as one number for each channel.
fn for_channels(
    graph: &Graph,
    id: ValueId,
    rank: usize,
    channel_axis: Option<usize>,
    channels: usize,
) -> Option<Vec<f32>> {
    let data = graph.constant(id)?;
    let shape = graph.shape(id);
    if data.len() == 1 {
        return Some(vec![data[0]; channels]);
    }
    let axis = (channel_axis? + shape.len()).checked_sub(rank)?;
    (shape.get(axis) == Some(&channels) && data.len() == channels).then(|| data.to_vec())
}

/// Applies an operation to scale and offset; false if it is none that keeps them so.
fn apply(scaling: &mut Scaling, binary: Binary, is_left: bool, numbers: &[f32]) -> bool {
    let pairs = scaling
        .scale
        .iter_mut()
        .zip(&mut scaling.offset)
        .zip(numbers);
    for ((scale, offset), &number) in pairs {
        match (binary, is_left) {
            (Binary::Add, _) => *offset += number,
            (Binary::Sub, true) => *offset -= number,
            (Binary::Sub, false) => (*scale, *offset) = (-*scale, number - *offset),
            (Binary::Mul, _) => (*scale, *offset) = (*scale * number, *offset * number),
            (Binary::Div, true) => (*scale, *offset) = (*scale / number, *offset / number),
            _ => return false,
        }
    }
    true
}
