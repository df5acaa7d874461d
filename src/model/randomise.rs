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
pub(super) use shuffle::shuffle_graph;

#[cfg(feature = "engine")]
mod shuffle {
    use std::collections::BTreeSet;

    use rand::{SeedableRng, seq::SliceRandom};
    use rand_pcg::Pcg64;
    use violet_graph::{Graph, Operation, Plan, ValueId};

    use super::Randomised;
    use crate::error::Result;
    use crate::model::{Architecture, Checkpoint};

    /// Shuffles the weights of some of the layers that lead to a value, each array by itself.
    pub(in crate::model) fn shuffle_graph(
        graph: &mut Graph,
        value: ValueId,
        extent: Randomised,
        seed: u64,
    ) {
        let plan = Plan::new(graph, &[value]);
        let layers = plan.steps().iter().filter_map(|step| {
            let node = &graph.nodes()[step.node];
            let weighted = matches!(
                node.operation(),
                Operation::Convolution(_)
                    | Operation::ConvolutionTranspose(_)
                    | Operation::Linear { .. }
                    | Operation::MatMul
            );
            let arrays = node.inputs().iter().copied();
            let arrays: Vec<ValueId> = arrays.filter(|&id| graph.constant(id).is_some()).collect();
            (weighted && !arrays.is_empty()).then_some(arrays)
        });
        let layers: Vec<Vec<ValueId>> = layers.collect();
        let count = match extent {
            Randomised::LastLayer => layers.len().min(1),
            Randomised::LastQuarter => layers.len().div_ceil(4),
            Randomised::Everything => layers.len(),
        };
        let mut random = Pcg64::seed_from_u64(seed);
        // What several layers share is shuffled once.
        let mut shuffled = BTreeSet::new();
        for id in layers[layers.len() - count..].iter().flatten() {
            if shuffled.insert(*id) {
                graph.change_constant(*id, |values| values.shuffle(&mut random));
            }
        }
    }

    impl Architecture {
        /// Shuffles the weights of some layers, each array by itself; BatchNorm is folded in first.
        /// The same seed shuffles the same way.
        ///
        /// # Errors
        ///
        /// [`MissingTensor`](crate::Error::MissingTensor) or [`TensorShape`](crate::Error::TensorShape)
        /// if the checkpoint is of another architecture.
        pub fn randomise(
            self,
            checkpoint: &mut Checkpoint,
            extent: Randomised,
            seed: u64,
        ) -> Result<()> {
            self.fold_batch_norms(checkpoint)?;
            let chains = self.chains();
            let last = chains.iter().flat_map(|chain| match extent {
                Randomised::LastLayer => &chain[chain.len() - 1..],
                Randomised::LastQuarter => &chain[chain.len() - chain.len().div_ceil(4)..],
                Randomised::Everything => &chain[..],
            });
            let last: BTreeSet<&String> = last.collect();
            let (parts, _) = self.parts();
            let mut layers: Vec<String> = parts.into_iter().map(|p| p.convolution).collect();
            layers.extend(self.classifier().map(|(name, _)| name.into()));
            let mut random = Pcg64::seed_from_u64(seed);
            for layer in layers {
                // A detector's boxes lead to no class.
                if extent == Randomised::Everything || last.contains(&layer) {
                    for part in ["weight", "bias"] {
                        let values = checkpoint.values_mut(&format!("{layer}.{part}"))?;
                        values.shuffle(&mut random);
                    }
                }
            }
            Ok(())
        }
    }
}
