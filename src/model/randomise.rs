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

    use super::Randomised;
    use crate::error::Result;
    use crate::model::{Architecture, Checkpoint};

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
