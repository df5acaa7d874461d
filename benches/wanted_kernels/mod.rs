//! Kernels for cards, whatever the adapter is.

use violet::kernel::{Adapter, with_kernels_for};

/// A benchmark with the GPU kernels that one of its words names, or with those for the adapter.
pub(crate) fn with_wanted_kernels<T>(words: &[String], body: impl FnOnce() -> T) -> T {
    let kernels = [
        ("card", Adapter::Card),
        ("card-without-tiles", Adapter::CardWithoutTiles),
    ];
    let wanted = |(name, _): &&(&str, Adapter)| words.iter().any(|word| word == name);
    match kernels.iter().find(wanted) {
        Some(&(_, adapter)) => with_kernels_for(adapter, body),
        None => body(),
    }
}
