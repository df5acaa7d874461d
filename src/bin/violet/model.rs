//! Which network, with which weights, on which device: what every command asks first.

use std::path::{Path, PathBuf};

use burn::tensor::Device;
use violet::device::{self, DeviceKind};
use violet::explain::Explainer;
use violet::model::{
    Architecture, Checkpoint, ModelSpec, Opened, Wishes, catalog::Manifest, checkpoint, recognise,
    self_test,
};
use violet::preprocessing::Framing;
use violet_import::Options;

use crate::files;
use crate::weights::{at, read_checkpoint};

/// The default model.
const DEFAULT: &str = "efficientnet-lite0";

#[derive(Clone, clap::Args)]
pub(crate) struct Arguments {
    /// The network: efficientnet-lite0, resnet18, ssd-mobilenet-v2, shapesnet or
    /// shapesnet-shortcut [default: efficientnet-lite0, or what --weights holds]
    #[arg(long)]
    pub(crate) model: Option<String>,
    /// A network of your own: an ONNX, Keras (.h5, .keras) or TensorFlow Lite file, a Teachable Machine
    /// .zip, a folder or a model.json of TensorFlow.js; or weights (.pth, .pt or .safetensors) of
    /// ResNet-18, 34, 50 or EfficientNet-Lite0, with any number of classes
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
    /// Side of the input in pixels, for a network that takes any [default: 224]
    #[arg(long, value_name = "PIXELS", requires = "weights",
        value_parser = clap::value_parser!(u16).range(1..))]
    size: Option<u16>,
    /// How a photo becomes a square: crop (its middle), squash (all of it) or pad (all of it, with
    /// grey beside it) [default: what the file says, or crop]
    #[arg(long, value_name = "crop|squash|pad", value_parser = framing, requires = "weights")]
    framing: Option<Framing>,
    /// Order of the colours in your own network's input: rgb or bgr [default: what the file says, or
    /// rgb]
    #[arg(long, value_name = "rgb|bgr", value_parser = bgr, requires = "weights")]
    channels: Option<bool>,
    /// The output to explain, where your own network has several [default: the largest]
    #[arg(long, value_name = "NAME", requires = "weights")]
    output: Option<String>,
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
        if let (None, Some(path)) = (self.spec()?, &self.weights)
            && (path.is_dir() || !Checkpoint::is_one(&std::fs::read(path).map_err(at(path))?))
        {
            return self.opened(path);
        }
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
        let device = pollster::block_on(device::open(self.device)).map_err(on_cpu)?;
        let explainer = Explainer::load(spec.architecture, spec.preprocessing, checkpoint, &device)
            .map_err(|e| e.to_string())?;
        self.test(&explainer, &device)?;
        Ok((spec, explainer))
    }

    /// What a GPU computes is compared with the CPU before it is believed.
    fn test(&self, explainer: &Explainer, device: &Device) -> Result<(), String> {
        if self.device == DeviceKind::Gpu {
            let graph = explainer.network().graph();
            pollster::block_on(self_test(device, graph)).map_err(on_cpu)?;
        }
        Ok(())
    }

    /// A network that a file describes as a whole, not only by its weights.
    fn opened(&self, path: &Path) -> Result<(ModelSpec, Explainer), String> {
        let mut options = Options::default();
        if let Some(size) = self.size {
            options = options.with_size([size.into(); 2]);
        }
        let imported = files::open(&[path.into()], &options)?;
        let wishes = Wishes {
            mean: self.mean.map(|mean| mean.map(|value| value * 255.0)),
            std: self.std.map(|std| std.map(|value| value * 255.0)),
            framing: self.framing,
            bgr: self.channels,
            output: self.output.clone(),
        };
        let opened = Opened::new(imported, &wishes).map_err(at(path))?;
        let labels = match &self.labels {
            Some(path) => Some(std::fs::read_to_string(path).map_err(at(path))?),
            None if opened.imported.labels.len() == opened.classes() => {
                Some(opened.imported.labels.join("\n"))
            }
            None => None,
        };
        for note in &opened.imported.notes {
            eprintln!("violet: {note}");
        }
        for assumed in &opened.assumed {
            eprintln!("violet: assumed that {assumed}.");
        }
        let name = path
            .file_stem()
            .unwrap_or(path.as_os_str())
            .to_string_lossy();
        let classes = opened.classes();
        let mut spec = ModelSpec::own(&name, Architecture::Imported, classes, labels.as_deref())
            .map_err(|e| e.to_string())?;
        spec.preprocessing = opened.preprocessing;
        let device = pollster::block_on(device::open(self.device)).map_err(on_cpu)?;
        let network = opened.network(&device).map_err(at(path))?;
        let explainer = Explainer::new(network, spec.preprocessing);
        self.test(&explainer, &device)?;
        Ok((spec, explainer))
    }

    /// Weights of someone's own, told by their tensors; or those that a model's authors published.
    fn own(&self, path: &Path) -> Result<(ModelSpec, Checkpoint), String> {
        let bytes = std::fs::read(path).map_err(at(path))?;
        let published = ModelSpec::published(&checkpoint::sha256(&bytes));
        if let (Some(spec), None, None) = (published, self.classes, &self.labels) {
            let checkpoint = Checkpoint::from_bytes(&bytes).map_err(at(path))?;
            return Ok((spec.clone(), checkpoint));
        }
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
            let there = self.weights_dir.display();
            let (title, name) = (&spec.title, &spec.name);
            let own = match spec.source_file {
                Some(file) => {
                    format!("get {file} from its authors' site and name it with --weights")
                }
                None => "name a file with --weights".into(),
            };
            format!(
                "the weights of {title} are not in {there}. Run ./scripts/weights.sh {name}, or {own}."
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

fn framing(text: &str) -> Result<Framing, String> {
    match text {
        "crop" => Ok(Framing::CropThenResize(1.0)),
        "squash" => Ok(Framing::Squash),
        "pad" => Ok(Framing::Pad),
        _ => Err("choose one of: crop, squash, pad".into()),
    }
}

/// Whether blue comes first.
fn bgr(text: &str) -> Result<bool, String> {
    match text {
        "rgb" => Ok(false),
        "bgr" => Ok(true),
        _ => Err("choose one of: rgb, bgr".into()),
    }
}

/// What to say where a GPU does not do.
fn on_cpu(error: violet::Error) -> String {
    format!("{error}\nTry again with --device cpu.")
}

fn channels(text: &str) -> Result<[f32; 3], String> {
    let values: Option<Vec<f32>> = text.split(',').map(|v| v.trim().parse().ok()).collect();
    let values = values.and_then(|values| <[f32; 3]>::try_from(values).ok());
    values.ok_or_else(|| "three numbers, for red, green and blue, such as 0.5,0.5,0.5".into())
}

fn device_kind(name: &str) -> Result<DeviceKind, String> {
    DeviceKind::from_name(name).ok_or_else(|| "choose one of: cpu, gpu".into())
}
