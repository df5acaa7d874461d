//! Violet shows which pixels a neural network used: Integrated Gradients (Sundararajan, Taly,
//! Yan 2017), natively or in the browser, on the CPU or on WebGPU.
//!
//! ```text
//! bytes of a photo ──image──▶ RGB ──image──▶ input [1, 3, H, W]
//!                                              │
//! weights ────────────model──▶ Network ────────┤ forward closure: Tensor<4> → Tensor<2>
//!                                              ▼
//!          attribution: alphas, step sizes ──▶ Σ w·∂F/∂x ──▶ attributions [3, H, W]
//!                                              │
//!                                              ▼
//!          mask: Σ|·| over channels ──▶ normalise ──▶ purple RGBA
//! ```
//!
//! `regions` cuts what a network sees into pieces, and says what each of them comes to.
//!
//! `shapes` draws scenes whose truth is known, to be looked at in place of a photo.
//!
//! `teaching` trains a last layer over what a network makes of a few pictures.
//!
//! Networks are graphs, of the package `violet-graph`, which `violet-import` reads from files; `engine`
//! runs them.
//!
//! Each room knows only what stands left of it; `explain` alone knows them all. What is set and what
//! is shown on the page is `page`'s affair, and what is said there `words`'; the browser is met in
//! `web` and `worker` and nowhere else. Without the feature `engine`, only what the page itself
//! needs is built: plain data, sums and colours, but no networks and no decoders.

pub mod attribution;
pub mod device;
#[cfg(feature = "engine")]
pub mod engine;
mod error;
#[cfg(feature = "engine")]
pub mod explain;
mod floats;
#[cfg(feature = "engine")]
pub mod image;
#[cfg(feature = "engine")]
pub mod kernel;
pub mod mask;
pub mod model;
#[cfg(feature = "page")]
pub mod page;
pub mod preprocessing;
pub mod protocol;
mod random;
pub mod regions;
pub mod report;
pub mod shapes;
#[cfg(feature = "engine")]
pub mod teaching;
#[cfg(all(target_family = "wasm", feature = "page"))]
pub mod web;
#[cfg(feature = "page")]
pub mod words;
#[cfg(all(target_family = "wasm", feature = "graphs"))]
pub mod worker;

pub use error::{Error, Result};
