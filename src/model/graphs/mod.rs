//! The built-in networks as graphs: names and shapes of their tensors come from their
//! [layouts](super::layout), what is computed with them from here.

mod efficientnet_lite;
mod inverted_residual;
mod resnet;
mod shapesnet;
mod ssd_mobilenet;

use violet_graph::{
    Binary, Builder, Clamp, Constant, Graph, Padding, Reduction, Sliding, Unary, ValueId,
};

use super::layout::{Part, resnet::Variant};
use super::{Architecture, Checkpoint};
use crate::error::Result;

/// The name of the output that is explained: class logits, before softmax or sigmoid.
pub(super) const LOGITS: &str = "logits";
/// The name of a detector's box encodings.
pub(super) const BOXES: &str = "boxes";

/// min(max(x, 0), 6).
const RELU6: Clamp = Clamp { min: 0.0, max: 6.0 };

impl Architecture {
    /// The network for images of that height and width, with a checkpoint's weights. BatchNorm, where
    /// the checkpoint still has it, is folded into the convolutions first.
    ///
    /// # Errors
    ///
    /// [`MissingTensor`](crate::Error::MissingTensor), [`TensorShape`](crate::Error::TensorShape) or
    /// [`UnexpectedTensors`](crate::Error::UnexpectedTensors) if the checkpoint is of another
    /// architecture, [`Graph`](crate::Error::Graph) if the image is too small for it.
    pub fn graph(self, mut checkpoint: Checkpoint, size: [usize; 2]) -> Result<Graph> {
        self.fold_batch_norms(&mut checkpoint)?;
        let mut layers = Layers {
            builder: Builder::new(&[3, size[0], size[1]])?,
            checkpoint: &mut checkpoint,
        };
        let resnet = |layers: &mut Layers<'_>, variant: Variant| resnet::build(layers, variant);
        match self {
            Architecture::ResNet18 => resnet(&mut layers, super::layout::resnet::RESNET18)?,
            Architecture::ResNet34 => resnet(&mut layers, super::layout::resnet::RESNET34)?,
            Architecture::ResNet50 => resnet(&mut layers, super::layout::resnet::RESNET50)?,
            Architecture::EfficientNetLite0 => efficientnet_lite::build(&mut layers)?,
            Architecture::ShapesNet => shapesnet::build(&mut layers)?,
            Architecture::SsdMobileNetV2 => ssd_mobilenet::build(&mut layers)?,
            // It has no layers but those of its file; the builder says that there is no output.
            Architecture::Imported | Architecture::ImportedDetector => {}
        }
        let graph = layers.builder.finish()?.prepared()?;
        checkpoint.finish()?;
        Ok(graph)
    }
}

/// A network under construction, and the checkpoint that its weights are taken from.
struct Layers<'a> {
    builder: Builder,
    checkpoint: &'a mut Checkpoint,
}

impl Layers<'_> {
    fn input(&self) -> ValueId {
        self.builder.input()
    }

    fn constant(&mut self, name: &str, shape: &[usize]) -> Result<ValueId> {
        let values = self.checkpoint.take(name, shape)?;
        Ok(self.builder.constant(Constant::f32(shape, values)?)?)
    }

    /// Takes a convolution's `weight` \[output, input / groups, kernel, kernel\] and `bias`.
    fn convolution(&mut self, x: ValueId, part: &Part, padding: Padding) -> Result<ValueId> {
        let (name, filter) = (&part.convolution, part.filter);
        self.builder.at(name);
        let weight = self.constant(&format!("{name}.weight"), &filter.weight_dims())?;
        let bias = self.constant(&format!("{name}.bias"), &[filter.channels_out])?;
        let sliding = Sliding {
            stride: [filter.stride; 2],
            padding,
            ..Sliding::default()
        };
        let groups = if filter.depthwise {
            filter.channels_in
        } else {
            1
        };
        let made = self
            .builder
            .convolution(x, weight, Some(bias), &sliding, groups)?;
        Ok(made)
    }

    fn relu(&mut self, x: ValueId) -> Result<ValueId> {
        Ok(self.builder.relu(x)?)
    }

    fn relu6(&mut self, x: ValueId) -> Result<ValueId> {
        Ok(self.builder.unary(Unary::Clip(RELU6), x)?)
    }

    fn add(&mut self, a: ValueId, b: ValueId) -> Result<ValueId> {
        Ok(self.builder.binary(Binary::Add, a, b)?)
    }

    /// One number of each channel: \[C, H, W\] → \[C\].
    fn pooled(&mut self, reduction: Reduction, x: ValueId) -> Result<ValueId> {
        let pooled = self.builder.global_pool(reduction, x)?;
        Ok(self.builder.reshape(pooled, &[-1])?)
    }

    /// The fully connected layer: takes `{name}.weight` \[classes, features\] and `{name}.bias`
    /// \[classes\]; the number of classes is whatever the checkpoint has.
    fn classifier(&mut self, x: ValueId, name: &str, features: usize) -> Result<()> {
        self.builder.at(name);
        let weight = format!("{name}.weight");
        let classes = self.checkpoint.rows(&weight)?;
        let weight = self.constant(&weight, &[classes, features])?;
        let bias = self.constant(&format!("{name}.bias"), &[classes])?;
        let logits = self.builder.linear(x, weight, Some(bias))?;
        self.builder.output(LOGITS, logits);
        Ok(())
    }
}

/// The same number of pixels on every side of an image, half the kernel, as PyTorch does.
fn even(part: &Part) -> Padding {
    let half = [part.filter.kernel / 2; 2];
    Padding::Explicit {
        before: half,
        after: half,
    }
}
