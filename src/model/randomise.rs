//! A network that has forgotten: does a mask change when the layers that made it lose their weights?

use serde::{Deserialize, Serialize};

/// Which layers lose what they learnt. Their weights stay the same numbers in a random order, so that
/// their distribution is kept.
///
/// # Source
///
/// Adebayo et al. 2018, Sanity Checks for Saliency Maps (arXiv 1810.03292): cascading randomisation
/// from the output down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Randomised {
    /// The layer that makes the outputs: the fully connected one, or a detector's class predictors.
    LastLayer,
    /// The last quarter of the layers that lead to each output.
    LastQuarter,
    /// All of them.
    Everything,
}

impl Randomised {
    /// Every extent, the smallest first.
    pub const ALL: [Randomised; 3] = [
        Randomised::LastLayer,
        Randomised::LastQuarter,
        Randomised::Everything,
    ];
}

#[cfg(feature = "engine")]
mod shuffle {
    use std::collections::BTreeSet;

    use rand::{SeedableRng, seq::SliceRandom};
    use rand_pcg::Pcg64;
    use violet_graph::{Graph, Node, Operation, Plan, ValueId};

    use super::Randomised;
    use crate::error::Result;
    use crate::model::graphs::LOGITS;
    use crate::model::{Architecture, Checkpoint};

    impl Randomised {
        /// The layers of a graph that lose their weights, as indices of its nodes, in the order in which it runs.
        /// Outputs that layers of their own lead to, such as those of a detector's feature maps, are counted back
        /// from one by one.
        pub fn layers(self, graph: &Graph, output: ValueId) -> Vec<usize> {
            let has_weights = |&node: &usize| has_weights(graph, &graph.nodes()[node]);
            if self == Randomised::Everything {
                return (0..graph.nodes().len()).filter(has_weights).collect();
            }
            let elements = 0..graph.value(output).elements();
            let sources = elements.map(|element| graph.source_of(output, element).0);
            let sources: BTreeSet<ValueId> = sources.collect();
            let mut last = BTreeSet::new();
            for source in sources {
                let plan = Plan::new(graph, &[source]);
                let nodes = plan.steps().iter().map(|step| step.node);
                let chain: Vec<usize> = nodes.filter(has_weights).collect();
                let count = match self {
                    Randomised::LastLayer => chain.len().min(1),
                    _ => chain.len().div_ceil(4),
                };
                last.extend(&chain[chain.len() - count..]);
            }
            last.into_iter().collect()
        }

        /// A graph whose layers, so many before an output, have their weights shuffled, each array by itself. The same
        /// seed shuffles the same way.
        ///
        /// # Errors
        ///
        /// None that a graph can cause.
        pub fn forget(self, mut graph: Graph, output: ValueId, seed: u64) -> Result<Graph> {
            let mut random = Pcg64::seed_from_u64(seed);
            let mut shuffled = BTreeSet::new();
            for layer in self.layers(&graph, output) {
                for id in graph.nodes()[layer].inputs().to_vec() {
                    // Layers may share their weights.
                    let values = graph.constant(id).filter(|_| shuffled.insert(id));
                    if let Some(mut values) = values.map(|values| values.to_vec()) {
                        values.shuffle(&mut random);
                        graph.set_constant(id, values)?;
                    }
                }
            }
            Ok(graph)
        }
    }

    /// Whether a node is a layer: sums, with weights that were learnt.
    fn has_weights(graph: &Graph, node: &Node) -> bool {
        let sums = matches!(
            node.operation(),
            Operation::Convolution(_)
                | Operation::ConvolutionTranspose(_)
                | Operation::Linear { .. }
                | Operation::MatMul
        );
        sums && node.inputs().iter().any(|&id| graph.constant(id).is_some())
    }

    impl Architecture {
        /// As [`Randomised::forget`], before the network is built; BatchNorm is folded in first.
        ///
        /// # Errors
        ///
        /// Those of [`Architecture::graph`].
        pub fn randomise(
            self,
            checkpoint: &mut Checkpoint,
            extent: Randomised,
            seed: u64,
        ) -> Result<()> {
            self.fold_batch_norms(checkpoint)?;
            let graph = self.graph(checkpoint.clone(), self.preprocessing().size())?;
            let mut random = Pcg64::seed_from_u64(seed);
            let logits = graph.outputs().iter().find(|output| output.name == LOGITS);
            let layers = logits.map(|logits| extent.layers(&graph, logits.value));
            for layer in layers.into_iter().flatten() {
                for part in ["weight", "bias"] {
                    let name = format!("{}.{part}", graph.nodes()[layer].name());
                    checkpoint.values_mut(&name)?.shuffle(&mut random);
                }
            }
            Ok(())
        }
    }
}
