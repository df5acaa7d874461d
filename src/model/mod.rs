//! Networks: architectures, their weights, and what is known about each of them.

#[cfg(feature = "weights")]
mod anchors;
#[cfg(feature = "graphs")]
mod arrangement;
mod card;
pub mod catalog;
#[cfg(feature = "weights")]
pub mod checkpoint;
#[cfg(feature = "engine")]
mod decoded;
#[cfg(feature = "graphs")]
mod definition;
mod detection;
#[cfg(feature = "graphs")]
mod graphs;
#[cfg(feature = "weights")]
pub mod layout;
#[cfg(feature = "engine")]
mod network;
#[cfg(feature = "reader")]
mod opened;
mod prediction;
#[cfg(feature = "engine")]
mod probability;
mod randomise;
#[cfg(feature = "weights")]
mod recognise;
#[cfg(feature = "engine")]
mod self_test;
mod target;
#[cfg(all(feature = "weights", not(target_family = "wasm")))]
pub mod tensorflow;
#[cfg(feature = "engine")]
mod trace;

#[cfg(feature = "weights")]
pub use anchors::{ANCHORS, CLASSES, anchors, decode_boxes, detections};
#[cfg(feature = "graphs")]
pub use arrangement::{Arrangement, Grey};
pub use card::{Assumed, Card, Channels, Order, Usual, Wishes};
pub use catalog::{Architecture, ModelSpec};
#[cfg(feature = "weights")]
pub use checkpoint::Checkpoint;
#[cfg(feature = "graphs")]
pub use definition::{Definition, Detector};
pub use detection::{Detection, Rect};
#[cfg(feature = "engine")]
pub use network::Network;
#[cfg(feature = "reader")]
pub use opened::{Opened, published};
pub use prediction::{Prediction, independent_predictions, top_predictions};
pub use randomise::Randomised;
#[cfg(feature = "weights")]
pub use recognise::{Recognised, recognise};
#[cfg(feature = "engine")]
pub use self_test::{self_test, usual_layers};
pub use target::{Scale, Target};
#[cfg(feature = "engine")]
pub use trace::Trace;
