//! Attribution: how much each value of the input contributed to one output of a network.
//!
//! The methods here take a forward closure and know nothing of models, photos or the browser.

mod baseline;
mod integrated_gradients;
mod quadrature;

pub use baseline::Baseline;
pub use integrated_gradients::{
    Accumulator, Attributions, PartialSum, PathSample, gradients_along_path, integrate, read,
};
pub use quadrature::{MAX_STEPS, Quadrature, Rule};
