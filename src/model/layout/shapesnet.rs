//! ShapesNet: our own small classifier of [drawn shapes](crate::shapes).
//!
//! Six convolutions, each with BatchNorm (folded) and ReLU, the largest value of each
//! channel, and a fully connected layer. `cargo run --release -p train-shapes` trains it from nothing.
use violet_kernel_cpu::Filter;

use super::Part;

/// Input channels, output channels, kernel and stride of each convolution in turn.
pub const CONVOLUTIONS: [[usize; 4]; 6] = [
    [3, 16, 5, 2],
    [16, 32, 3, 2],
    [32, 64, 3, 2],
    [64, 64, 3, 1],
    [64, 96, 3, 1],
    [96, FEATURES, 3, 2],
];

/// Channels that the fully connected layer sees.
pub const FEATURES: usize = 96;

/// BatchNorm's ε.
pub const BATCH_NORM_EPSILON: f64 = 1e-5;

/// Every convolution with its BatchNorm.
pub(in crate::model) fn parts() -> Vec<Part> {
    let shapes = CONVOLUTIONS.iter().enumerate();
    let part = |(k, &[channels_in, channels_out, kernel, stride]): (usize, &[usize; 4])| {
        let filter = Filter::dense(channels_in, channels_out, kernel, stride);
        Part::new(
            format!("conv{}", k + 1),
            Some(&format!("bn{}", k + 1)),
            filter,
        )
    };
    shapes.map(part).collect()
}
