//! Attribution: how much each value of the input contributed to one output of a network.
//!
//! The methods here take a forward pass and know nothing of models, photos or the browser.

mod baseline;
mod completeness;
mod fragility;
#[cfg(feature = "engine")]
mod integrated_gradients;
mod integration;
mod method;
mod partial_sum;
mod perturbation;
mod quadrature;
mod refinement;
mod rivals;
mod scores;
mod secant_errors;
mod settling;
mod shares;
mod trail;

pub use baseline::{Baseline, unmoved};
pub use completeness::Completeness;
pub use fragility::{Bisection, PixelRange, Pull, relative_change, shifted};
#[cfg(feature = "engine")]
pub use integrated_gradients::{Forward, Walk, points, read};
pub use integration::{Integration, Round};
pub use method::{Method, Settle};
pub use partial_sum::{Accumulator, Attributions, PartialSum, PathSample};
pub use perturbation::{Perturbation, area_under, order_of, random_order};
pub use quadrature::{MAX_STEPS, Quadrature, Rule, Slopes};
pub use refinement::Refinement;
pub use rivals::{class_activation, enlarged, grid, idgi, patch_sums, sparseness, with_noise};
pub use scores::{Scores, rank_correlation};
pub use settling::Settling;
pub use shares::Shares;
pub use trail::{Trail, convergence, interpolate, output_at, rise};
