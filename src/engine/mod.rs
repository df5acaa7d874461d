//! Runs graphs on Burn tensors: forward, backward at a point, and backward between points.
//!
//! A whole network is one operation of Burn's ([`run`]): what is made of its outputs is plain Burn
//! code and differentiated by Burn, the network itself by a sweep of its own over Burn's primitives
//! and Violet's [kernels](crate::kernel). That is what makes mean gradients between two points
//! possible (see [`Left`]), and it keeps nothing that the backward pass does not need.
//!
//! N images lie side by side along a first axis that the graph does not know of.

mod array;
mod bottleneck;
#[cfg(not(target_family = "wasm"))]
mod compare;
mod differentiable;
mod elementwise;
mod filters;
mod groups;
mod layer;
mod left;
mod machine;
mod matrix;
#[cfg(not(target_family = "wasm"))]
mod measure;
mod moves;
mod sweep;
mod windows;

#[cfg(not(target_family = "wasm"))]
pub use compare::{Comparison, STEADY, compare};
pub use left::Left;
pub use machine::{Machine, Probe, Route, run, run_guided, run_probed};
#[cfg(not(target_family = "wasm"))]
pub use measure::Measured;
