//! Kernels for adapters that are software.
//!
//! There a load is dear: the processor takes each lane by itself and checks it, at the price of some
//! twenty multiply-adds (docs/DESIGN.md). So a thread loads little and keeps it for long, where
//! a real GPU would rather have neighbouring threads read neighbouring pixels ([`card`](super::card)).

pub(super) mod dense;
pub(super) mod depthwise;

/// Threads of a workgroup: a few times the lanes of such a processor.
pub(super) const THREADS: usize = 16;
