//! What is tested without a browser. One program, so that it is linked once, and so that its tests share both
//! cores and one GPU: `cargo test --release --test native axioms` takes those of one file.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod answering;
mod axioms;
mod brought;
mod command;
mod command_line;
mod common;
mod detector;
mod engine;
mod exact_line;
mod fragile;
mod golden;
#[cfg(feature = "gpu")]
mod gpu_kernels;
mod handed_on;
mod imported;
mod kernels;
mod live;
mod max_pools;
mod methods;
mod networks;
mod networks_stay;
mod own_checkpoints;
mod own_detectors;
mod photos;
mod quiz;
mod rooms;
mod secants;
mod secants_by_hand;
mod settling;
mod shipped;
mod smooth;
mod teaching;
mod trust;
mod words;
