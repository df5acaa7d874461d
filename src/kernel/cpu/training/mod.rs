//! What only training wants.

mod batch_norm;
mod weight_gradient;

pub use batch_norm::{Batch, Statistics, normalise_relu, normalise_relu_backward};
pub use weight_gradient::weight_gradient;
