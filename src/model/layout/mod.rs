//! How each architecture's tensors are called and shaped in a checkpoint, and nothing of how it runs:
//! what reads, checks and converts weights needs no more.

#![cfg_attr(
    not(feature = "engine"),
    allow(
        dead_code,
        reason = "what tells how blocks are connected is for networks that run"
    )
)]

pub(super) mod efficientnet_lite;
pub(super) mod inverted_residual;
pub(super) mod resnet;
pub mod shapesnet;
pub(super) mod ssd_mobilenet;

use violet_kernel_cpu::Filter;

use super::{Architecture, Checkpoint};
use crate::error::Result;

/// A convolution by its names in the checkpoint.
#[derive(Debug, Clone)]
pub(in crate::model) struct Part {
    /// `{convolution}.weight` and, where BatchNorm is folded in, `{convolution}.bias`.
    pub convolution: String,
    /// The BatchNorm that follows in the original, if one does.
    pub batch_norm: Option<String>,
    pub filter: Filter,
}

impl Part {
    pub(in crate::model) fn new(
        convolution: impl Into<String>,
        batch_norm: Option<&str>,
        filter: Filter,
    ) -> Self {
        Self {
            convolution: convolution.into(),
            batch_norm: batch_norm.map(Into::into),
            filter,
        }
    }
}

impl Architecture {
    /// Every convolution, and BatchNorm's ε.
    pub(in crate::model) fn parts(self) -> (Vec<Part>, f64) {
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
            Architecture::Imported | Architecture::ImportedDetector => (Vec::new(), 0.0),
        }
    }

    /// Name of the fully connected layer, and how many features it sees; nothing of a detector.
    pub(in crate::model) fn classifier(self) -> Option<(&'static str, usize)> {
        match self {
            Architecture::ResNet18 => Some(("fc", resnet::RESNET18.features())),
            Architecture::ResNet34 => Some(("fc", resnet::RESNET34.features())),
            Architecture::ResNet50 => Some(("fc", resnet::RESNET50.features())),
            Architecture::EfficientNetLite0 => Some(("_fc", efficientnet_lite::FEATURES)),
            Architecture::ShapesNet => Some(("fc", shapesnet::FEATURES)),
            Architecture::SsdMobileNetV2
            | Architecture::Imported
            | Architecture::ImportedDetector => None,
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
