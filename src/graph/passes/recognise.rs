//! Functions of one number that are written out, told by what they compute.
//!
//! Exporters write GELU, SiLU and the like in a dozen ways. Instead of a pattern for each, what a few
//! nodes make of one value is computed at many points and compared with functions that are known.

use std::collections::BTreeSet;

use crate::builder::Builder;
use crate::error::Result;
use crate::graph::{Graph, Node, ValueId};
use crate::operation::{Gating, Operation, Unary};
use crate::reference::{binary_value, unary_value};

use super::rewrite::{Rewrite, rewrite};

/// Recognises functions of one value.
pub(super) fn functions(graph: Graph) -> Result<Graph> {
    if graph.nodes.len() > NETWORK {
        return Ok(graph);
    }
    rewrite(graph, |all, node| {
        let Some((root, known)) = recognised(all, node) else {
            return Ok(None);
        };
        let x = all.renamed(root)?;
        known.build(&mut all.new, x).map(Some)
    })
}

/// More nodes than any known function is written in.
const NODES: usize = 12;

/// More nodes than any network has: only what is made to take time is that large, and stays as it is.
const NETWORK: usize = 20_000;

/// Where functions are compared: all kinks and curves lie here, and what they tend to beyond.
fn points() -> impl Iterator<Item = f64> {
    let near = (-64..=64).map(|k| f64::from(k) / 8.0);
    near.chain([-300.0, -60.0, -20.0, 20.0, 60.0, 300.0])
}

/// Constants in files have six digits at least.
const TOLERANCE: f64 = 3e-6;

/// The value that a node is a known function of, if it takes more nodes than the function needs.
fn recognised(all: &Rewrite<'_>, node: &Node) -> Option<(ValueId, Known)> {
    let ends = matches!(
        node.operation,
        Operation::Binary(_)
            | Operation::Unary(
                Unary::Clip(_)
                    | Unary::LeakyRelu { .. }
                    | Unary::Log
                    | Unary::Reciprocal
                    | Unary::Power { .. }
                    | Unary::Neg
            )
    );
    if !ends {
        return None;
    }
    let mut found = None;
    // The nodes between a value and the node, and the values that they still have to be made of:
    // values are numbered in order, so the last one is looked at first.
    let mut between: Vec<&Node> = Vec::new();
    let mut open = BTreeSet::from([node.output]);
    while let Some(last) = open.pop_last() {
        if open.is_empty() && between.len() > 1 {
            // All of it is a function of this value.
            let known = known(all, last, &between);
            found = known.map(|known| (last, known)).or(found);
        }
        let Some(node) = all.old.producer(last) else {
            break;
        };
        if between.len() == NODES || !is_function(all, node) {
            break;
        }
        open.extend(node.inputs.iter().filter(|&&id| all.number(id).is_none()));
        between.push(node);
    }
    found
}

/// Whether a node makes each element of its result from the elements at the same place alone.
fn is_function(all: &Rewrite<'_>, node: &Node) -> bool {
    let made = all.shape(node.output);
    let same = |&id: &ValueId| match all.number(id) {
        Some(_) => true,
        None => !all.is_constant(id) && all.shape(id) == made,
    };
    matches!(node.operation, Operation::Unary(_) | Operation::Binary(_))
        && node.inputs.iter().all(same)
}

/// The known function that nodes, the last one first, make of a value.
fn known(all: &Rewrite<'_>, root: ValueId, nodes: &[&Node]) -> Option<Known> {
    let at = |x: f64| -> f64 {
        let mut values: Vec<(ValueId, f64)> = vec![(root, x)];
        for node in nodes.iter().rev() {
            let input = |k: usize| -> f64 {
                let id = node.inputs[k];
                match values.iter().find(|(known, _)| *known == id) {
                    Some(&(_, value)) => value,
                    None => all.number(id).map_or(f64::NAN, f64::from),
                }
            };
            let made = match node.operation {
                Operation::Unary(unary) => unary_value(unary, input(0)),
                Operation::Binary(binary) => binary_value(binary, input(0), input(1)),
                _ => f64::NAN,
            };
            values.push((node.output, made));
        }
        values.last().map_or(f64::NAN, |&(_, value)| value)
    };
    let mut candidates = Known::candidates(&at);
    candidates.retain(|known| known.nodes() < nodes.len());
    for x in points() {
        let value = at(x);
        let near = |known: &Known| (known.at(x) - value).abs() <= TOLERANCE * value.abs().max(1.0);
        candidates.retain(near);
        if candidates.is_empty() {
            return None;
        }
    }
    candidates.first().copied()
}

/// A function that is known.
#[derive(Debug, Clone, Copy)]
enum Known {
    /// φ(x).
    Function(Unary),
    /// x · σ(scale · x).
    Swish(f32),
    /// x · tanh(softplus(x)).
    Mish,
}

impl Known {
    /// Those that a function may be; their parameters are taken from it.
    fn candidates(function: &impl Fn(f64) -> f64) -> Vec<Known> {
        let hard = Unary::HardSigmoid {
            slope: ((function(0.125) - function(-0.125)) * 4.0) as f32,
            offset: function(0.0) as f32,
        };
        let leaky = Unary::LeakyRelu {
            slope: -function(-1.0) as f32,
        };
        let gate = function(1.0);
        let scale = (gate / (1.0 - gate)).ln() as f32;
        let functions = [
            Unary::Sigmoid,
            Unary::Tanh,
            Unary::Softplus,
            Unary::Softsign,
            Unary::NormalCdf,
            Unary::NormalCdfTanh,
            Unary::RELU,
            Unary::Abs,
            leaky,
            hard,
        ];
        let gates = [
            Gating::Sigmoid,
            Gating::NormalCdf,
            Gating::NormalCdfTanh,
            HARD_SWISH,
        ];
        let functions = functions.map(Known::Function).into_iter();
        let gated = gates.map(|gating| Known::Function(Unary::Gated(gating)));
        functions
            .chain(gated)
            .chain([Known::Mish, Known::Swish(scale)])
            .collect()
    }

    fn at(self, x: f64) -> f64 {
        match self {
            Known::Function(function) => unary_value(function, x),
            Known::Swish(scale) => x * unary_value(Unary::Sigmoid, f64::from(scale) * x),
            Known::Mish => x * unary_value(Unary::Softplus, x).tanh(),
        }
    }

    /// How many nodes it takes.
    fn nodes(self) -> usize {
        match self {
            Known::Function(_) => 1,
            Known::Swish(_) | Known::Mish => 3,
        }
    }

    fn build(self, b: &mut Builder, x: ValueId) -> Result<ValueId> {
        match self {
            Known::Function(function) => b.unary(function, x),
            Known::Swish(scale) => b.swish(x, scale),
            Known::Mish => b.mish(x),
        }
    }
}

/// Hard-swish's gate.
const HARD_SWISH: Gating = Gating::HardSigmoid {
    slope: 1.0 / 6.0,
    offset: 0.5,
};
