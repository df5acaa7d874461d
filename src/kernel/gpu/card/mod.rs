//! Kernels for real GPUs: neighbouring threads read neighbouring pixels, and the same weights.

pub(super) mod dense;
pub(super) mod depthwise;
pub(super) mod tiled;
