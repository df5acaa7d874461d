//! What does nothing is left out, and what does the same twice does it once.

use crate::error::Result;
use crate::graph::{Graph, Node, Origin, ValueId};
use crate::operation::{AveragePool, Binary, Clamp, Operation, Reduction, Unary};

use super::rewrite::{Rewrite, rewrite};

/// Drops identities, merges reshapes, clamps and products in a row, shares equal nodes, and writes
/// products with a reciprocal as quotients, whose secant is the tamer one.
pub(super) fn drop(graph: Graph) -> Result<Graph> {
    let graph = share(graph);
    let graph = rewrite(graph, |all, node| match &node.operation {
        Operation::Reshape { shape } => reshape(all, node, shape),
        Operation::Unary(unary) => function(all, node, *unary),
        Operation::Binary(binary) => pair(all, node, *binary),
        Operation::AveragePool(pool) if is_whole(pool, all.shape(node.inputs[0])) => {
            let x = all.renamed(node.inputs[0])?;
            all.new.global_pool(Reduction::Mean, x).map(Some)
        }
        operation => {
            if does_nothing(operation, all.shape(node.inputs[0])) {
                all.renamed(node.inputs[0]).map(Some)
            } else {
                Ok(None)
            }
        }
    })?;
    // What was rewritten alike, twice.
    Ok(share(graph))
}

/// Whether an operation on a value of that shape gives the value itself.
fn does_nothing(operation: &Operation, shape: &[usize]) -> bool {
    match operation {
        Operation::Transpose { order } => order.iter().copied().eq(0..shape.len()),
        Operation::Slice { counts, steps, .. } => {
            counts == shape && steps.iter().all(|&step| step == 1)
        }
        Operation::Expand { shape: wanted } => wanted == shape,
        Operation::Pad { before, after, .. } => before.iter().chain(after).all(|&pad| pad == 0),
        Operation::Gather { axis, indices } => indices.iter().copied().eq(0..shape[*axis]),
        Operation::MaxPool(window) | Operation::AveragePool(AveragePool { window, .. }) => {
            let none = [window.padding_before, window.padding_after] == [[0; 2]; 2];
            [window.kernel, window.stride] == [[1; 2]; 2] && none
        }
        Operation::Reduce { reduction, axes } => {
            *reduction != Reduction::L2 && axes.iter().all(|&axis| shape[axis] == 1)
        }
        _ => false,
    }
}

/// Whether one window holds all of an image, and nothing else.
fn is_whole(pool: &AveragePool, shape: &[usize]) -> bool {
    let window = &pool.window;
    let none = [window.padding_before, window.padding_after] == [[0; 2]; 2];
    let larger = window.kernel != [1; 2];
    none && larger && window.extent() == window.kernel && shape.ends_with(&window.kernel)
}

fn reshape(all: &mut Rewrite<'_>, node: &Node, shape: &[usize]) -> Result<Option<ValueId>> {
    let x = node.inputs[0];
    if all.shape(x) == shape {
        return all.renamed(x).map(Some);
    }
    let Some((Operation::Reshape { .. }, inner)) = all.made_by(x) else {
        return Ok(None);
    };
    let x = all.renamed(inner[0])?;
    all.new.reshape_to(x, shape.to_vec()).map(Some)
}

fn function(all: &mut Rewrite<'_>, node: &Node, unary: Unary) -> Result<Option<ValueId>> {
    let x = node.inputs[0];
    match unary {
        Unary::Clip(Clamp::NONE) | Unary::Power { exponent: 1.0 } => all.renamed(x).map(Some),
        Unary::Clip(outer) => {
            let Some((Operation::Unary(Unary::Clip(inner)), inputs)) = all.made_by(x) else {
                return Ok(None);
            };
            // As if one after the other, also where the ranges do not overlap.
            let clamp = Clamp {
                min: inner.min.max(outer.min).min(outer.max),
                max: inner.max.min(outer.max).max(outer.min),
            };
            let x = all.renamed(inputs[0])?;
            all.new.unary(Unary::Clip(clamp), x).map(Some)
        }
        Unary::Neg => match all.made_by(x) {
            Some((Operation::Unary(Unary::Neg), inputs)) => all.renamed(inputs[0]).map(Some),
            _ => Ok(None),
        },
        _ => Ok(None),
    }
}

fn pair(all: &mut Rewrite<'_>, node: &Node, binary: Binary) -> Result<Option<ValueId>> {
    let (a, b) = (node.inputs[0], node.inputs[1]);
    for (x, other, turned) in [(a, b, false), (b, a, true)] {
        let number = all
            .number(other)
            .filter(|_| all.shape(x) == all.shape(node.output));
        let clamp = match (binary, turned, number) {
            (Binary::Add, _, Some(0.0)) | (Binary::Sub, false, Some(0.0)) => Some(Clamp::NONE),
            (Binary::Mul, _, Some(1.0)) | (Binary::Div, false, Some(1.0)) => Some(Clamp::NONE),
            (Binary::Max, _, Some(min)) => Some(Clamp { min, ..Clamp::NONE }),
            (Binary::Min, _, Some(max)) => Some(Clamp { max, ..Clamp::NONE }),
            _ => None,
        };
        if let Some(clamp) = clamp {
            let x = all.renamed(x)?;
            if clamp.is_none() {
                return Ok(Some(x));
            }
            return all.new.unary(Unary::Clip(clamp), x).map(Some);
        }
        if binary == Binary::Mul
            && let Some(quotient) = quotient(all, x, other)?
        {
            return Ok(Some(quotient));
        }
        if let Some(merged) = in_a_row(all, binary, x, other)? {
            return Ok(Some(merged));
        }
    }
    Ok(None)
}

/// x times a reciprocal as a quotient.
fn quotient(all: &mut Rewrite<'_>, x: ValueId, other: ValueId) -> Result<Option<ValueId>> {
    match all.made_by(other) {
        Some((Operation::Unary(Unary::Reciprocal), inputs)) => {
            let (x, divisor) = (all.renamed(x)?, all.renamed(inputs[0])?);
            all.new.binary(Binary::Div, x, divisor).map(Some)
        }
        Some((&Operation::Unary(Unary::Power { exponent }), inputs)) if exponent < 0.0 => {
            let (x, base) = (all.renamed(x)?, all.renamed(inputs[0])?);
            let exponent = all.new.number(-exponent)?;
            let divisor = all.new.power(base, exponent)?;
            all.new.binary(Binary::Div, x, divisor).map(Some)
        }
        Some((Operation::Binary(Binary::Div), inputs)) if all.is_constant(inputs[0]) => {
            let [x, factor, divisor] = [x, inputs[0], inputs[1]].map(|id| all.renamed(id));
            let product = all.new.binary(Binary::Mul, x?, factor?)?;
            all.new.binary(Binary::Div, product, divisor?).map(Some)
        }
        _ => Ok(None),
    }
}

/// Two sums with or products by constants as one.
fn in_a_row(
    all: &mut Rewrite<'_>,
    binary: Binary,
    x: ValueId,
    second: ValueId,
) -> Result<Option<ValueId>> {
    if !matches!(binary, Binary::Add | Binary::Mul) || !all.is_constant(second) {
        return Ok(None);
    }
    let Some(inner) = all
        .only(x)
        .filter(|node| node.operation == Operation::Binary(binary))
    else {
        return Ok(None);
    };
    let (a, b) = (inner.inputs[0], inner.inputs[1]);
    let (x, first) = if all.is_constant(a) { (b, a) } else { (a, b) };
    if !all.is_constant(first) {
        return Ok(None);
    }
    let [x, first, second] = [x, first, second].map(|id| all.renamed(id));
    let both = all.new.binary(binary, first?, second?)?;
    all.new.binary(binary, x?, both).map(Some)
}

/// Nodes that do the same with the same values become one.
fn share(mut graph: Graph) -> Graph {
    // By value: the first one that is the same.
    let mut same: Vec<ValueId> = (0..graph.values.len() as u32).map(ValueId).collect();
    let mut numbers: Vec<ValueId> = Vec::new();
    for (index, value) in graph.values.iter().enumerate() {
        let Origin::Constant(constant) = &value.origin else {
            continue;
        };
        if constant.elements() != 1 {
            continue;
        }
        let id = ValueId(index as u32);
        let known = numbers.iter().take(SHARED).find(|known| {
            matches!(&graph.value(**known).origin, Origin::Constant(other) if other == constant)
        });
        match known {
            Some(&known) => same[index] = known,
            None => numbers.push(id),
        }
    }
    // By value: the nodes that take it first.
    let mut takers: Vec<Vec<usize>> = vec![Vec::new(); graph.values.len()];
    for index in 0..graph.nodes.len() {
        let node = &mut graph.nodes[index];
        node.inputs.iter_mut().for_each(|id| *id = same[id.index()]);
        let node = &graph.nodes[index];
        let first = node.inputs[0].index();
        let twin = takers[first].iter().take(SHARED).find(|&&other| {
            let other = &graph.nodes[other];
            other.inputs == node.inputs && other.operation == node.operation
        });
        match twin {
            Some(&twin) => same[node.output.index()] = graph.nodes[twin].output,
            None => takers[first].push(index),
        }
    }
    graph
        .outputs
        .iter_mut()
        .for_each(|output| output.value = same[output.value.index()]);
    graph.compacted()
}

/// So many candidates are compared with each node: a hostile file may have thousands.
const SHARED: usize = 64;
