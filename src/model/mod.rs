//! Networks: architectures, their weights, and what is known about each of them.

pub mod catalog;
pub mod checkpoint;
mod efficientnet_lite;
mod layer;
mod resnet;
mod self_test;

pub use catalog::{Architecture, ModelSpec};
pub use checkpoint::Checkpoint;
pub use self_test::self_test;

use burn::tensor::{Device, Tensor};

use crate::error::Result;

/// A network with its weights on a device.
#[derive(Debug)]
pub struct Network {
    layers: Layers,
    device: Device,
}

#[derive(Debug)]
enum Layers {
    ResNet(resnet::ResNet),
    EfficientNetLite(efficientnet_lite::EfficientNetLite),
}

impl Network {
    /// The network of that architecture with the checkpoint's weights. BatchNorm, where the
    /// checkpoint still has it, is folded into the convolutions first.
    ///
    /// The weights become untracked tensors: no gradient of any of them is ever computed.
    ///
    /// # Errors
    ///
    /// [`MissingTensor`](crate::Error::MissingTensor),
    /// [`TensorShape`](crate::Error::TensorShape) or
    /// [`UnexpectedTensors`](crate::Error::UnexpectedTensors) if the checkpoint is of another
    /// architecture.
    pub fn load(
        architecture: Architecture,
        mut checkpoint: Checkpoint,
        device: &Device,
    ) -> Result<Self> {
        architecture.fold_batch_norms(&mut checkpoint)?;
        let device = device.clone().autodiff();
        let layers = match architecture {
            Architecture::ResNet18 => {
                Layers::ResNet(resnet::ResNet::load(&mut checkpoint, &device)?)
            }
            Architecture::EfficientNetLite0 => Layers::EfficientNetLite(
                efficientnet_lite::EfficientNetLite::load(&mut checkpoint, &device)?,
            ),
        };
        checkpoint.finish()?;
        Ok(Self { layers, device })
    }

    /// Class logits, before softmax.
    ///
    /// # Shapes
    ///
    /// \[N, 3, H, W\], normalised as the model's [preprocessing](crate::preprocessing::Preprocessing) says,
    /// to \[N, classes\].
    pub fn logits(&self, input: Tensor<4>) -> Tensor<2> {
        match &self.layers {
            Layers::ResNet(network) => network.forward(input),
            Layers::EfficientNetLite(network) => network.forward(input),
        }
    }

    /// Every convolution's weights, for proofs about them.
    pub fn convolution_weights(&self) -> Vec<Tensor<4>> {
        let convolutions = match &self.layers {
            Layers::ResNet(network) => network.convolutions(),
            Layers::EfficientNetLite(network) => network.convolutions(),
        };
        convolutions.into_iter().map(|c| c.weight()).collect()
    }

    /// The device that inputs must be on: an autodiff device.
    pub fn device(&self) -> &Device {
        &self.device
    }
}
