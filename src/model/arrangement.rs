//! In which order a network takes the numbers of a picture.

#[cfg(feature = "engine")]
use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

/// How a network wants the numbers of a normalised colour picture \[N, 3, H, W\].
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Arrangement {
    /// Whether the channels of a pixel lie side by side, \[N, H, W, C\].
    pub pixels: bool,
    /// Whether blue comes first.
    pub bgr: bool,
    /// Of grey: what each of its channels is made of. Empty, for colours.
    pub grey: Vec<Grey>,
}

/// A channel of grey, made of normalised red, green and blue.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Grey {
    /// A factor for each.
    pub weights: [f32; 3],
    /// What is added to their sum.
    pub offset: f32,
}

#[cfg(feature = "engine")]
impl Arrangement {
    /// A picture as the network wants it.
    pub fn of(&self, mut picture: Tensor<4>) -> Tensor<4> {
        if !self.grey.is_empty() {
            let device = picture.device();
            let channel = |&Grey { weights, offset }: &Grey| {
                let weights = Tensor::<1>::from_data(weights, &device).reshape([1, 3, 1, 1]);
                (picture.clone() * weights).sum_dim(1) + offset
            };
            picture = Tensor::cat(self.grey.iter().map(channel).collect(), 1);
        }
        if self.bgr {
            picture = picture.flip([1]);
        }
        if self.pixels {
            picture = picture.permute([0, 2, 3, 1]);
        }
        picture
    }
}
