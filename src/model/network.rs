//! An architecture with its weights on a device.

use burn::tensor::{Device, Tensor};

use super::layer::{Kernels, Source};
use super::{Architecture, Checkpoint, efficientnet_lite, resnet};
use crate::error::Result;
use crate::kernel::Geometry;

/// A network with its weights on a device.
#[derive(Debug)]
pub struct Network {
    layers: Layers,
    device: Device,
}

#[derive(Debug)]
enum Layers {
    ResNet(Box<resnet::ResNet>),
    EfficientNetLite(Box<efficientnet_lite::EfficientNetLite>),
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
        checkpoint: Checkpoint,
        device: &Device,
    ) -> Result<Self> {
        Self::load_with(architecture, checkpoint, device, Kernels::Own)
    }

    /// As [`load`](Self::load), with a choice of the kernels that run the convolutions.
    ///
    /// # Errors
    ///
    /// Those of [`load`](Self::load).
    pub fn load_with(
        architecture: Architecture,
        mut checkpoint: Checkpoint,
        device: &Device,
        kernels: Kernels,
    ) -> Result<Self> {
        architecture.fold_batch_norms(&mut checkpoint)?;
        let device = device.clone().autodiff();
        let source = &mut Source {
            checkpoint: &mut checkpoint,
            device: &device,
            kernels,
        };
        let layers = match architecture {
            Architecture::ResNet18 => {
                let network = resnet::ResNet::load(source)?;
                Layers::ResNet(Box::new(network))
            }
            Architecture::EfficientNetLite0 => {
                let network = efficientnet_lite::EfficientNetLite::load(source)?;
                Layers::EfficientNetLite(Box::new(network))
            }
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

    /// Every convolution's weights, in whatever order its kernels want them, for proofs about them.
    pub fn convolution_weights(&self) -> Vec<Tensor<1>> {
        let convolutions = match &self.layers {
            Layers::ResNet(network) => network.convolutions(),
            Layers::EfficientNetLite(network) => network.convolutions(),
        };
        convolutions.into_iter().map(|c| c.weight()).collect()
    }

    /// Every convolution's geometry for an input of that height and width, the fully connected
    /// layer's included.
    pub fn geometries(&self, size: [usize; 2]) -> Vec<Geometry> {
        match &self.layers {
            Layers::ResNet(network) => network.geometries(size),
            Layers::EfficientNetLite(network) => network.geometries(size),
        }
    }

    /// The device that inputs must be on: an autodiff device.
    pub fn device(&self) -> &Device {
        &self.device
    }
}

impl Architecture {
    /// Folds every BatchNorm that the checkpoint still has into the convolution before it.
    ///
    /// # Errors
    ///
    /// Those of [`Checkpoint::fold_batch_norm`].
    pub fn fold_batch_norms(self, checkpoint: &mut Checkpoint) -> Result<()> {
        let (pairs, epsilon) = match self {
            Architecture::ResNet18 => (resnet::batch_norms(), resnet::BATCH_NORM_EPSILON),
            Architecture::EfficientNetLite0 => (
                efficientnet_lite::batch_norms(),
                efficientnet_lite::BATCH_NORM_EPSILON,
            ),
        };
        for (conv, batch_norm) in &pairs {
            checkpoint.fold_batch_norm(conv, batch_norm, epsilon)?;
        }
        Ok(())
    }
}
