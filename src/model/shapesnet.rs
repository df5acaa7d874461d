//! ShapesNet: our own small classifier of [drawn shapes](crate::shapes).
//!
//! Six convolutions, each with BatchNorm (folded) and ReLU, the largest value of each
//! channel, and a fully connected layer. `cargo run --release --bin train-shapes` trains it from nothing.

use burn::tensor::Tensor;

use super::layer::{Convolution, Linear, MaxPool, Padding, Part, Source};
use super::trace::Trace;
use crate::error::Result;
use crate::kernel::{Activation, Filter, Geometry};

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
pub(super) fn parts() -> Vec<Part> {
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

/// The network, weights included.
#[derive(Debug)]
pub(super) struct ShapesNet {
    convolutions: Vec<Convolution>,
    max_pool: MaxPool,
    fc: Linear,
}

impl ShapesNet {
    pub(super) fn load(source: &mut Source<'_>) -> Result<Self> {
        let convolutions = parts().into_iter().map(|part| {
            let padding = Padding::Even(part.filter.kernel / 2);
            Convolution::load(source, &part, padding)
        });
        Ok(Self {
            convolutions: convolutions.collect::<Result<_>>()?,
            max_pool: MaxPool::new(source),
            fc: Linear::load(source, "fc", FEATURES)?,
        })
    }

    pub(super) fn classes(&self) -> usize {
        self.fc.outputs()
    }

    pub(super) fn convolutions(&self) -> Vec<&Convolution> {
        self.convolutions.iter().collect()
    }

    /// Every convolution's geometry for an input of that height and width.
    pub(super) fn geometries(&self, mut size: [usize; 2]) -> Vec<Geometry> {
        let convolutions = self.convolutions.iter().map(|convolution| {
            let geometry = convolution.geometry(size);
            size = geometry.output;
            geometry
        });
        convolutions.chain([self.fc.geometry()]).collect()
    }

    /// \[N, 3, H, W\] → \[N, classes\].
    pub(super) fn forward(&self, x: Tensor<4>, trace: &mut Trace) -> Tensor<2> {
        let x = self.convolutions.iter().fold(x, |x, convolution| {
            convolution.forward(x, Activation::Relu, trace)
        });
        self.fc.forward(self.max_pool.global(x, trace))
    }
}
