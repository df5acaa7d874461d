//! Sizes of files that come in.

/// The most bytes of a photo that are read. What cameras and phones make is a tenth of it.
pub const MOST_BYTES: f64 = 256.0 * 1024.0 * 1024.0;
