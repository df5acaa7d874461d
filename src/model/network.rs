//! An architecture with its weights on a device.

use burn::tensor::activation::{sigmoid, softmax};
use burn::tensor::{Device, Tensor};

use super::layer::{Kernels, Part, Source};
use super::{
    ANCHORS, Architecture, CLASSES, Checkpoint, Scale, Target, Trace, efficientnet_lite, resnet,
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
        self.logits_along(input, &mut Trace::none())
    }

    fn logits_along(&self, input: Tensor<4>, trace: &mut Trace) -> Tensor<2> {
        match &self.layers {
            Layers::ResNet(network) => network.forward(input, trace),
            Layers::EfficientNetLite(network) => network.forward(input, trace),
            Layers::ShapesNet(network) => network.forward(input, trace),
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
        self.output_along(input, target, &mut Trace::none())
    }

    /// As [`output`](Self::output), for points in the order of a path. With [`Trace::secants`] the gradient
    /// at each is the mean one since the point before: of the first, since the last of the call before with
    /// the same trace and target.
    pub fn output_along(&self, input: Tensor<4>, target: Target, trace: &mut Trace) -> Tensor<1> {
        trace.advance();
        let logits = match &self.layers {
            Layers::SsdMobileNet(network) => {
                let of = |output| {
                    network
                        .output(input.clone(), output, trace)
                        .unsqueeze_dim(1)
                };
                Tensor::cat(target.outputs().map(of).collect(), 1)
            }
            _ => self.logits_along(input, trace),
        };
        if !trace.is_kept() || target.scale == Scale::Logit {
            return self.read(logits, target);
        }
        let [n, outputs] = logits.dims();
        let before = trace.exchange_all(&logits.clone().reshape([n, outputs, 1, 1]));
        let (before, here) = (before.reshape([n, outputs]), logits.clone().detach());
        let slopes = mean_gradient(|logits| self.read(logits, target), &before, &here);
        let linear = (logits * slopes).sum_dim(1).reshape([n]);
        // Its gradient, with the value of F.
        let missing = self.read(here, target) - linear.clone().detach();
        linear + missing
    }

    /// F, given a classifier's logits, or those of a detector's that the target names.
    fn read(&self, logits: Tensor<2>, target: Target) -> Tensor<1> {
        let detector = matches!(self.layers, Layers::SsdMobileNet(_));
        let outputs = match (target.scale, detector) {
            (Scale::Logit, _) => logits,
            (Scale::Probability, true) => sigmoid(logits),
            (Scale::Probability, false) => softmax(logits, 1),
        };
        let [n, _] = outputs.dims();
        let column = |k| outputs.clone().narrow(1, k, 1).reshape([n]);
        let named = target.outputs().enumerate();
        let columns = named.map(|(k, output)| column(if detector { k } else { output }));
        let difference = columns.reduce(|output, minus| output - minus);
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

/// Positions and weights of the Gauss-Legendre rule of five points on 0..=1 (Abramowitz & Stegun, table
/// 25.4): exact for polynomials of degree 9.
const FIVE_POINTS: [(f32, f32); 5] = [
    (0.046_910_077, 0.118_463_44),
    (0.230_765_34, 0.239_314_34),
    (0.5, 0.284_444_45),
    (0.769_234_66, 0.239_314_34),
    (0.953_089_9, 0.118_463_44),
];

/// The mean gradient of a smooth function on the straight line between two points, \[N, outputs\] each.
fn mean_gradient(
    function: impl Fn(Tensor<2>) -> Tensor<1>,
    from: &Tensor<2>,
    to: &Tensor<2>,
) -> Tensor<2> {
    let change = to.clone() - from.clone();
    FIVE_POINTS
        .iter()
        .fold(to.zeros_like(), |sum, &(position, weight)| {
            let point = (from.clone() + change.clone() * position).require_grad();
            let mut gradients = function(point.clone()).sum().backward();
            match point.grad_remove(&mut gradients) {
                Some(gradient) => sum + Tensor::from_inner(gradient) * weight,
                None => sum,
            }
        })
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
