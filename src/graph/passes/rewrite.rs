//! How a pass makes a new graph of an old one.

use crate::builder::Builder;
use crate::error::{Error, Result};
use crate::graph::{Graph, Node, Origin, ValueId};
use crate::operation::Operation;

/// A graph that is being built anew, node by node, from an old one.
///
/// Rules look for patterns in the old graph and build what takes their place in the new one. So what
/// a rule makes is not seen by rules until the next turn.
pub(super) struct Rewrite<'a> {
    /// The old graph.
    pub old: &'a Graph,
    /// The new one.
    pub new: Builder,
    /// By old value: how many nodes and outputs take it.
    uses: Vec<usize>,
    /// By old value: the new one.
    renamed: Vec<Option<ValueId>>,
}

/// So many turns are more than any network takes; each is a walk over all nodes.
const TURNS: usize = 32;

/// The graph after a rule has been applied everywhere, again and again until it finds nothing more.
///
/// A rule gets each node in order. It gives the new value that takes the place of the node's, or
/// nothing to leave the node as it is.
pub(super) fn rewrite(
    mut graph: Graph,
    rule: impl Fn(&mut Rewrite<'_>, &Node) -> Result<Option<ValueId>>,
) -> Result<Graph> {
    for _ in 0..TURNS {
        let (next, changed) = turn(&graph, &rule)?;
        graph = next;
        if !changed {
            break;
        }
    }
    Ok(graph)
}

fn turn(
    graph: &Graph,
    rule: &impl Fn(&mut Rewrite<'_>, &Node) -> Result<Option<ValueId>>,
) -> Result<(Graph, bool)> {
    let mut uses = vec![0; graph.values.len()];
    let taken = graph.nodes.iter().flat_map(|node| &node.inputs);
    taken
        .chain(graph.outputs.iter().map(|output| &output.value))
        .for_each(|id| uses[id.index()] += 1);
    let mut all = Rewrite {
        old: graph,
        new: Builder::new(graph.shape(graph.input))?,
        uses,
        renamed: vec![None; graph.values.len()],
    };
    all.renamed[graph.input.index()] = Some(all.new.input());
    let mut changed = false;
    for node in &graph.nodes {
        all.new.at(&node.name);
        // What would leave the range of f32 is left as it is.
        let replaced = match rule(&mut all, node) {
            Err(Error::NotFinite { .. }) => None,
            replaced => replaced?,
        };
        changed |= replaced.is_some();
        let made = match replaced {
            Some(made) => made,
            None => {
                let inputs: Result<Vec<ValueId>> =
                    node.inputs.iter().map(|&id| all.renamed(id)).collect();
                all.new.push(node.operation.clone(), &inputs?)?
            }
        };
        all.renamed[node.output.index()] = Some(made);
    }
    for output in &graph.outputs {
        let value = all.renamed(output.value)?;
        all.new.output_with_head(&output.name, value, output.head);
    }
    Ok((all.new.finish()?, changed))
}

impl<'a> Rewrite<'a> {
    /// The new value in the place of an old one that stands before the node.
    pub(super) fn renamed(&mut self, id: ValueId) -> Result<ValueId> {
        if let Some(known) = self.renamed[id.index()] {
            return Ok(known);
        }
        // Of what stands before, only constants are not made by a node.
        let made = match &self.old.value(id).origin {
            Origin::Constant(constant) => self.new.constant(constant.clone())?,
            _ => self.new.input(),
        };
        self.renamed[id.index()] = Some(made);
        Ok(made)
    }

    /// The new values in the place of all inputs of an old node.
    pub(super) fn inputs(&mut self, node: &Node) -> Result<Vec<ValueId>> {
        node.inputs.iter().map(|&id| self.renamed(id)).collect()
    }

    /// The old node that makes a value, if nothing else takes the value.
    pub(super) fn only(&self, id: ValueId) -> Option<&'a Node> {
        self.old.producer(id).filter(|_| self.uses[id.index()] == 1)
    }

    /// The operation and inputs of the old node that makes a value.
    pub(super) fn made_by(&self, id: ValueId) -> Option<(&'a Operation, &'a [ValueId])> {
        let node = self.old.producer(id)?;
        Some((&node.operation, &node.inputs))
    }

    /// The number that all of an old constant's elements are.
    pub(super) fn number(&self, id: ValueId) -> Option<f32> {
        let values = self.old.constant(id)?;
        let first = *values.first()?;
        values.iter().all(|&value| value == first).then_some(first)
    }

    /// Shape of an old value.
    pub(super) fn shape(&self, id: ValueId) -> &'a [usize] {
        self.old.shape(id)
    }

    /// Whether an old value is a constant.
    pub(super) fn is_constant(&self, id: ValueId) -> bool {
        self.old.constant(id).is_some()
    }
}
