//! Networks: architectures, their weights, and what is known about each of them.

pub mod catalog;
#[cfg(feature = "engine")]
pub mod checkpoint;
#[cfg(feature = "engine")]
mod efficientnet_lite;
#[cfg(feature = "engine")]
mod layer;
#[cfg(feature = "engine")]
mod network;
mod prediction;
#[cfg(feature = "engine")]
mod resnet;
#[cfg(feature = "engine")]
mod self_test;
#[cfg(all(feature = "engine", not(target_family = "wasm")))]
mod stock;

pub use catalog::{Architecture, ModelSpec};
#[cfg(feature = "engine")]
pub use checkpoint::Checkpoint;
#[cfg(feature = "engine")]
pub use layer::Kernels;
#[cfg(feature = "engine")]
pub use network::Network;
pub use prediction::{Prediction, top_predictions};
#[cfg(feature = "engine")]
pub use self_test::self_test;
