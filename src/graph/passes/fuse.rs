//! The one fusion: a residual and a clamp become part of the layer whose sums they follow.

use crate::error::Result;
use crate::graph::{Graph, Node, ValueId};
use crate::operation::{Binary, Clamp, Convolution, Operation, Unary};

use super::rewrite::{Rewrite, rewrite};

/// Fuses `clamp(layer + residual)`.
pub(super) fn fuse(graph: Graph) -> Result<Graph> {
    rewrite(graph, |all, node| match node.operation {
        Operation::Binary(Binary::Add) => residual(all, node),
        Operation::Unary(Unary::Clip(clamp)) => clamped(all, node, clamp),
        _ => Ok(None),
    })
}

/// The layer that makes a value for this use alone and does not clamp it yet.
fn layer<'a>(all: &Rewrite<'a>, x: ValueId) -> Option<&'a Node> {
    all.only(x).filter(|node| match &node.operation {
        Operation::Convolution(Convolution { clamp, .. }) | Operation::Linear { clamp } => {
            clamp.is_none()
        }
        _ => false,
    })
}

fn residual(all: &mut Rewrite<'_>, node: &Node) -> Result<Option<ValueId>> {
    let (a, b) = (node.inputs[0], node.inputs[1]);
    if all.shape(a) != all.shape(b) || all.is_constant(a) || all.is_constant(b) {
        return Ok(None);
    }
    // Of two layers the later one: the other's sums are there by then.
    let last = if a > b { [a, b] } else { [b, a] };
    for (x, other) in [(last[0], last[1]), (last[1], last[0])] {
        if let Some(layer) = layer(all, x).filter(|layer| layer.inputs.len() == 3) {
            let mut inputs = all.inputs(layer)?;
            inputs.push(all.renamed(other)?);
            return all.new.push(layer.operation.clone(), &inputs).map(Some);
        }
    }
    Ok(None)
}

fn clamped(all: &mut Rewrite<'_>, node: &Node, range: Clamp) -> Result<Option<ValueId>> {
    let Some(layer) = layer(all, node.inputs[0]) else {
        return Ok(None);
    };
    let operation = match layer.operation.clone() {
        Operation::Convolution(convolution) => Operation::Convolution(Convolution {
            clamp: range,
            ..convolution
        }),
        _ => Operation::Linear { clamp: range },
    };
    let inputs = all.inputs(layer)?;
    all.new.push(operation, &inputs).map(Some)
}
