//! Networks: architectures, their weights, and what is known about each of them.

#[cfg(feature = "engine")]
mod anchors;
pub mod catalog;
#[cfg(feature = "engine")]
pub mod checkpoint;
mod detection;
#[cfg(feature = "engine")]
mod efficientnet_lite;
#[cfg(feature = "engine")]
mod inverted_residual;
#[cfg(feature = "engine")]
mod layer;
#[cfg(feature = "engine")]
mod network;
mod prediction;
#[cfg(feature = "engine")]
mod pytorch;
mod randomise;
#[cfg(feature = "engine")]
mod recognise;
#[cfg(feature = "engine")]
mod resnet;
#[cfg(feature = "engine")]
mod self_test;
#[cfg(feature = "engine")]
pub mod shapesnet;
#[cfg(feature = "engine")]
mod ssd_mobilenet;
#[cfg(all(
    feature = "engine",
    any(feature = "stock", not(target_family = "wasm"))
))]
mod stock;
mod target;
#[cfg(all(feature = "engine", not(target_family = "wasm")))]
pub mod tensorflow;
#[cfg(feature = "engine")]
mod trace;

#[cfg(feature = "engine")]
pub use anchors::{ANCHORS, CLASSES, anchors, decode_boxes, detections};
#[cfg(target_family = "wasm")]
pub(crate) use catalog::IMAGENET_LABELS;
pub use catalog::{Architecture, ModelSpec};
#[cfg(feature = "engine")]
pub use checkpoint::Checkpoint;
pub use detection::{Detection, Rect};
#[cfg(feature = "engine")]
pub use layer::Kernels;
#[cfg(feature = "engine")]
pub use network::Network;
pub use prediction::{Prediction, top_predictions};
pub use randomise::Randomised;
#[cfg(feature = "engine")]
pub use recognise::{Recognised, recognise};
#[cfg(feature = "engine")]
pub use self_test::self_test;
pub use target::{Scale, Target};
#[cfg(feature = "engine")]
pub use trace::Trace;
