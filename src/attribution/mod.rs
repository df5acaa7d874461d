//! Attribution: how much each value of the input contributed to one output of a network.
//!
//! The methods here take a forward closure and know nothing of models, photos or the browser.

mod baseline;
#[cfg(feature = "engine")]
mod integrated_gradients;
mod integration;
mod partial_sum;
mod perturbation;
mod quadrature;
mod refinement;
mod scores;
mod shares;
mod trail;

pub use baseline::{Baseline, unmoved};
#[cfg(feature = "engine")]
pub use integrated_gradients::{gradients_along_path, gradients_at, integrate, points, read};
pub use integration::Integration;
pub use partial_sum::{Accumulator, Attributions, PartialSum, PathSample};
pub use perturbation::{Perturbation, area_under, order_of, random_order};
#[cfg(feature = "engine")]
pub(crate) use quadrature::same_position;
pub use quadrature::{MAX_STEPS, Quadrature, Rule, Slopes};
pub use refinement::Refinement;
pub use scores::{Scores, rank_correlation};
pub use shares::Shares;
pub use trail::{Trail, convergence, interpolate, rise};
