//! An architecture with its weights on a device.

use burn::tensor::activation::{sigmoid, softmax};
use burn::tensor::{Device, Tensor};

use super::layer::{Kernels, Part, Source};
use super::{
    ANCHORS, Architecture, CLASSES, Checkpoint, Scale, Target, efficientnet_lite, resnet,
    shapesnet, ssd_mobilenet,
};
use crate::error::{Error, Result};
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
    ShapesNet(Box<shapesnet::ShapesNet>),
    SsdMobileNet(Box<ssd_mobilenet::SsdMobileNet>),
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
        Self::load_with(architecture, checkpoint, device, Kernels::default())
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
        let mut resnet = |variant| {
            let network = resnet::ResNet::load(variant, source)?;
            Ok::<_, Error>(Layers::ResNet(Box::new(network)))
        };
        let layers = match architecture {
            Architecture::ResNet18 => resnet(resnet::RESNET18)?,
            Architecture::ResNet34 => resnet(resnet::RESNET34)?,
            Architecture::ResNet50 => resnet(resnet::RESNET50)?,
            Architecture::EfficientNetLite0 => {
                let network = efficientnet_lite::EfficientNetLite::load(source)?;
                Layers::EfficientNetLite(Box::new(network))
            }
            Architecture::ShapesNet => {
                Layers::ShapesNet(Box::new(shapesnet::ShapesNet::load(source)?))
            }
            Architecture::SsdMobileNetV2 => {
                let network = ssd_mobilenet::SsdMobileNet::load(source)?;
                Layers::SsdMobileNet(Box::new(network))
            }
        };
        checkpoint.finish()?;
        Ok(Self { layers, device })
    }

    /// Class logits, before softmax or sigmoid; a detector's are those of all its anchors.
    ///
    /// # Shapes
    ///
    /// \[N, 3, H, W\], normalised as the model's [preprocessing](crate::preprocessing::Preprocessing)
    /// says, to \[N, outputs\].
    pub fn logits(&self, input: Tensor<4>) -> Tensor<2> {
        match &self.layers {
            Layers::ResNet(network) => network.forward(input),
            Layers::EfficientNetLite(network) => network.forward(input),
            Layers::ShapesNet(network) => network.forward(input),
            Layers::SsdMobileNet(network) => {
                let [_, logits] = network.forward(input);
                logits
            }
        }
    }

    /// How many outputs there are: the classes, or those of all anchors.
    pub fn outputs(&self) -> usize {
        match &self.layers {
            Layers::ResNet(network) => network.classes(),
            Layers::EfficientNetLite(network) => network.classes(),
            Layers::ShapesNet(network) => network.classes(),
            Layers::SsdMobileNet(_) => ANCHORS * CLASSES,
        }
    }

    /// A detector's box encodings \[N, anchors · 4\] and class logits \[N, anchors · classes\];
    /// nothing of a classifier. See [`detections`](super::detections).
    pub fn boxes_and_logits(&self, input: Tensor<4>) -> Option<[Tensor<2>; 2]> {
        match &self.layers {
            Layers::SsdMobileNet(network) => Some(network.forward(input)),
            _ => None,
        }
    }

    /// F for each input: \[N, 3, H, W\] → \[N\].
    pub fn output(&self, input: Tensor<4>, target: Target) -> Tensor<1> {
        let outputs: Vec<Tensor<1>> = match &self.layers {
            Layers::SsdMobileNet(network) => {
                let of = |output| match target.scale {
                    Scale::Logit => network.output(input.clone(), output),
                    Scale::Probability => sigmoid(network.output(input.clone(), output)),
                };
                target.outputs().map(of).collect()
            }
            _ => {
                let outputs = match target.scale {
                    Scale::Logit => self.logits(input),
                    Scale::Probability => softmax(self.logits(input), 1),
                };
                let [n, _] = outputs.dims();
                let of = |k| outputs.clone().slice([0..n, k..k + 1]).reshape([n]);
                target.outputs().map(of).collect()
            }
        };
        let difference = outputs.into_iter().reduce(|output, minus| output - minus);
        difference.unwrap_or_else(|| unreachable!("a target has an output"))
    }

    /// Every convolution's weights, in whatever order its kernels want them, for proofs about them.
    pub fn convolution_weights(&self) -> Vec<Tensor<1>> {
        let convolutions = match &self.layers {
            Layers::ResNet(network) => network.convolutions(),
            Layers::EfficientNetLite(network) => network.convolutions(),
            Layers::ShapesNet(network) => network.convolutions(),
            Layers::SsdMobileNet(network) => network.convolutions(),
        };
        convolutions.into_iter().map(|c| c.weight()).collect()
    }

    /// Every convolution's geometry for an input of that height and width, the fully connected
    /// layer's included.
    pub fn geometries(&self, size: [usize; 2]) -> Vec<Geometry> {
        match &self.layers {
            Layers::ResNet(network) => network.geometries(size),
            Layers::EfficientNetLite(network) => network.geometries(size),
            Layers::ShapesNet(network) => network.geometries(size),
            Layers::SsdMobileNet(network) => network.geometries(size),
        }
    }

    /// The device that inputs must be on: an autodiff device.
    pub fn device(&self) -> &Device {
        &self.device
    }
}

impl Architecture {
    /// Every convolution, and BatchNorm's ε.
    pub(super) fn parts(self) -> (Vec<Part>, f64) {
        match self {
            Architecture::ResNet18 => (resnet::RESNET18.parts(), resnet::BATCH_NORM_EPSILON),
            Architecture::ResNet34 => (resnet::RESNET34.parts(), resnet::BATCH_NORM_EPSILON),
            Architecture::ResNet50 => (resnet::RESNET50.parts(), resnet::BATCH_NORM_EPSILON),
            Architecture::EfficientNetLite0 => (
                efficientnet_lite::parts(),
                efficientnet_lite::BATCH_NORM_EPSILON,
            ),
            Architecture::ShapesNet => (shapesnet::parts(), shapesnet::BATCH_NORM_EPSILON),
            Architecture::SsdMobileNetV2 => {
                (ssd_mobilenet::parts(), ssd_mobilenet::BATCH_NORM_EPSILON)
            }
        }
    }

    /// Name of the fully connected layer, and how many features it sees; nothing of a detector.
    pub(super) fn classifier(self) -> Option<(&'static str, usize)> {
        match self {
            Architecture::ResNet18 => Some(("fc", resnet::RESNET18.features())),
            Architecture::ResNet34 => Some(("fc", resnet::RESNET34.features())),
            Architecture::ResNet50 => Some(("fc", resnet::RESNET50.features())),
            Architecture::EfficientNetLite0 => Some(("_fc", efficientnet_lite::FEATURES)),
            Architecture::ShapesNet => Some(("fc", shapesnet::FEATURES)),
            Architecture::SsdMobileNetV2 => None,
        }
    }

    /// Folds every BatchNorm that the checkpoint still has into the convolution before it.
    ///
    /// # Errors
    ///
    /// Those of [`Checkpoint::fold_batch_norm`].
    pub fn fold_batch_norms(self, checkpoint: &mut Checkpoint) -> Result<()> {
        let (parts, epsilon) = self.parts();
        for part in &parts {
            if let Some(batch_norm) = &part.batch_norm {
                checkpoint.fold_batch_norm(&part.convolution, batch_norm, epsilon)?;
            }
        }
        Ok(())
    }
}
