//! Which network, with which weights, on which device: what every command asks first.

use std::path::{Path, PathBuf};

use violet::device::{self, DeviceKind};
use violet::explain::Explainer;
use violet::model::{Checkpoint, ModelSpec, catalog::Manifest, checkpoint, recognise, self_test};

use crate::weights::{at, read_checkpoint};

/// The default model.
const DEFAULT: &str = "efficientnet-lite0";

#[derive(Clone, clap::Args)]
pub(crate) struct Arguments {
    /// The network: efficientnet-lite0, resnet18, ssd-mobilenet-v2, shapesnet or
    /// shapesnet-shortcut [default: efficientnet-lite0, or what --weights holds]
    #[arg(long)]
    pub(crate) model: Option<String>,
    /// Weights of your own (.pth, .pt or .safetensors): ResNet-18, 34, 50 or EfficientNet-Lite0,
    /// with any number of classes
    #[arg(long, value_name = "FILE")]
    weights: Option<PathBuf>,
    /// What your own classes are called: one a line, or a JSON list
    #[arg(long, value_name = "FILE", requires = "weights")]
    labels: Option<PathBuf>,
    /// How many classes of your own network to keep, the first ones, where its last layer is wider than
    /// what it was trained for [default: all]
    #[arg(long, value_name = "N", requires = "weights", conflicts_with = "model")]
    classes: Option<usize>,
    /// What is subtracted from each channel of your own network's input, on a scale of 0 to 1
    /// [default: as the layout's authors do]
    #[arg(long, value_name = "R,G,B", value_parser = channels, requires = "weights")]
    mean: Option<[f32; 3]>,
    /// What each channel is then divided by
    #[arg(long, value_name = "R,G,B", value_parser = channels, requires = "weights")]
    std: Option<[f32; 3]>,
    /// Folder that scripts/weights.sh filled
    #[arg(long, default_value = "weights", value_name = "DIR")]
    weights_dir: PathBuf,
    /// What computes: cpu or gpu
    #[arg(long, default_value = "cpu", value_parser = device_kind)]
    pub(crate) device: DeviceKind,
}

impl Arguments {
    /// What is known of the model before its weights are read.
    pub(crate) fn spec(&self) -> Result<Option<&'static ModelSpec>, String> {
        let name = match (&self.model, &self.weights) {
            (Some(name), _) => name,
            (None, None) => DEFAULT,
            (None, Some(_)) => return Ok(None),
        };
        ModelSpec::from_name(name)
            .map(Some)
            .map_err(|e| e.to_string())
    }

    /// As [`load`](Self::load), with another model where none is named.
    pub(crate) fn load_or(&self, default: &str) -> Result<(ModelSpec, Explainer), String> {
        let mut arguments = self.clone();
        arguments.model.get_or_insert_with(|| default.into());
        arguments.load()
    }

    /// The model, ready to explain.
    pub(crate) fn load(&self) -> Result<(ModelSpec, Explainer), String> {
        let (mut spec, checkpoint) = match (self.spec()?, &self.weights) {
            (Some(spec), None) => (spec.clone(), self.published(spec)?),
            (Some(spec), Some(path)) => (spec.clone(), read_checkpoint(path)?),
            (None, Some(path)) => self.own(path)?,
            (None, None) => unreachable!("then the default is taken"),
        };
        if let Some(mean) = self.mean {
            spec.preprocessing.mean = mean.map(|value| value * 255.0);
        }
        if let Some(std) = self.std {
            if !std.iter().all(|&value| value > 0.0) {
                return Err("--std must be above 0 in every channel".into());
            }
            spec.preprocessing.std = std.map(|value| value * 255.0);
        }
        let device = pollster::block_on(async {
            let device = device::open(self.device).await?;
            if self.device == DeviceKind::Gpu {
                self_test(&device).await?;
            }
            Ok::<_, violet::Error>(device)
        })
        .map_err(|error| format!("{error}\nTry again with --device cpu."))?;
        let explainer = Explainer::load(spec.architecture, spec.preprocessing, checkpoint, &device)
            .map_err(|e| e.to_string())?;
        Ok((spec, explainer))
    }

    /// Weights of someone's own, told by their tensors.
    fn own(&self, path: &Path) -> Result<(ModelSpec, Checkpoint), String> {
        let mut recognised = recognise(read_checkpoint(path)?).map_err(at(path))?;
        if let Some(classes) = self.classes {
            let checkpoint = &mut recognised.checkpoint;
            let kept = recognised.architecture.keep_classes(checkpoint, classes);
            kept.map_err(at(path))?;
            recognised.classes = classes;
        }
        let labels = match &self.labels {
            Some(path) => Some(std::fs::read_to_string(path).map_err(at(path))?),
            None => None,
        };
        let name = path
            .file_stem()
            .unwrap_or(path.as_os_str())
            .to_string_lossy();
        let spec = ModelSpec::own(
            &name,
            recognised.architecture,
            recognised.classes,
            labels.as_deref(),
        );
        Ok((spec.map_err(|e| e.to_string())?, recognised.checkpoint))
    }

    /// The shipped or converted weights, checked against the manifest.
    fn published(&self, spec: &ModelSpec) -> Result<Checkpoint, String> {
        let missing = || {
            format!(
                "the weights of {} are not in {}. Run ./scripts/weights.sh {}, or name a file with --weights.",
                spec.title,
                self.weights_dir.display(),
                spec.name
            )
        };
        let manifest = match std::fs::read_to_string(self.weights_dir.join("manifest.json")) {
            Ok(text) => Manifest::from_json(&text).map_err(|e| e.to_string())?,
            Err(_nothing_fetched) => Manifest::default(),
        };
        let manifest = manifest.with_shipped();
        let entry = manifest.entry(&spec.name).ok_or_else(missing)?;
        let path = self.weights_dir.join(&entry.file);
        let bytes = std::fs::read(&path).map_err(at(&path))?;
        checkpoint::verify(&bytes, &entry.sha256).map_err(at(&path))?;
        Checkpoint::from_safetensors(&bytes).map_err(at(&path))
    }
}

fn channels(text: &str) -> Result<[f32; 3], String> {
    let values: Option<Vec<f32>> = text.split(',').map(|v| v.trim().parse().ok()).collect();
    let values = values.and_then(|values| <[f32; 3]>::try_from(values).ok());
    values.ok_or_else(|| "three numbers, for red, green and blue, such as 0.5,0.5,0.5".into())
}

fn device_kind(name: &str) -> Result<DeviceKind, String> {
    DeviceKind::from_name(name).ok_or_else(|| "choose one of: cpu, gpu".into())
}
