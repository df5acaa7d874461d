//! Which network, with which weights, on which device: what every command asks first.

use std::path::{Path, PathBuf};

use burn::tensor::Device;
use violet::device::{self, DeviceKind};
use violet::explain::Explainer;
use violet::model::{
    Channels, Checkpoint, ModelSpec, Wishes, catalog::Manifest, checkpoint, published, self_test,
};
use violet::preprocessing::Framing;
use violet_import::File;

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
    /// .zip, a folder or a model.json of TensorFlow.js, TorchScript (.pt) or what torch.export wrote
    /// (.pt2), a fastai learner (.pkl), a YOLO (.pt); or weights (.pth, .pt, .ckpt or .safetensors) of one
    /// of torchvision's, timm's or Hugging Face's classifiers, with last layers of your own
    #[arg(long, value_name = "FILE")]
    weights: Option<PathBuf>,
    /// What your own classes are called: one a line, with or without its number, a JSON list or
    /// dictionary, or the `names` of a data set's .yaml
    #[arg(long, value_name = "FILE", requires = "weights")]
    labels: Option<PathBuf>,
    /// How many classes of your own network to keep, the first ones, where its last layer is wider than
    /// what it was trained for [default: all]
    #[arg(long, value_name = "N", requires = "weights", conflicts_with = "model")]
    classes: Option<usize>,
    /// What is subtracted from each channel of your own network's input, on a scale of 0 to 1; one number for
    /// all [default: as the layout's authors do]
    #[arg(long, value_name = "R,G,B", value_parser = channels, requires = "weights", allow_hyphen_values = true)]
    mean: Option<[f32; 3]>,
    /// What each channel is then divided by; below zero light and dark change places, as with a mean of 1 and -1
    #[arg(long, value_name = "R,G,B", value_parser = channels, requires = "weights", allow_hyphen_values = true)]
    std: Option<[f32; 3]>,
    /// Side of the input in pixels, or WIDTHxHEIGHT, for a network that takes any [default: 224]
    #[arg(long, value_name = "PIXELS", value_parser = size, requires = "weights", conflicts_with = "model")]
    size: Option<[usize; 2]>,
    /// How a photo gets the input's shape: crop (its middle), squash (all of it) or pad (all of it, with
    /// grey beside it) [default: what the file says, or crop]
    #[arg(long, value_name = "crop|squash|pad", value_parser = framing, requires = "weights", conflicts_with = "model")]
    framing: Option<Framing>,
    /// Colours of your own network's input: rgb, bgr or grey [default: what the file says, or rgb]
    #[arg(long, value_name = "rgb|bgr|grey", value_parser = colours, requires = "weights", conflicts_with = "model")]
    channels: Option<Channels>,
    /// The output to explain, where your own network has several [default: the largest]
    #[arg(
        long,
        value_name = "NAME",
        requires = "weights",
        conflicts_with = "model"
    )]
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

    /// Whether a file tells by itself which network it is.
    pub(crate) fn is_own(&self) -> bool {
        self.model.is_none() && self.weights.is_some()
    }

    /// As [`load`](Self::load), with another model where none is named.
    pub(crate) fn load_or(&self, default: &str) -> Result<(ModelSpec, Explainer), String> {
        let mut arguments = self.clone();
        arguments.model.get_or_insert_with(|| default.into());
        arguments.load()
    }

    /// The model, ready to explain.
    pub(crate) fn load(&self) -> Result<(ModelSpec, Explainer), String> {
        if let Some(std) = self.std
            && !std.iter().all(|&value| value.is_normal())
        {
            return Err("--std must be a number other than 0 in every channel".into());
        }
        let (mut spec, checkpoint) = match (self.spec()?, &self.weights) {
            (Some(spec), None) => (spec.clone(), self.published(spec)?),
            (Some(spec), Some(path)) => self.of_spec(spec, path)?,
            (None, Some(path)) => return self.own(path),
            (None, None) => unreachable!("then the default is taken"),
        };
        if let Some(mean) = self.mean {
            spec.preprocessing.mean = mean.map(|value| value * 255.0);
        }
        if let Some(std) = self.std {
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

    /// A network of someone's own, whatever its files are; or one whose authors published them.
    fn own(&self, path: &Path) -> Result<(ModelSpec, Explainer), String> {
        let paths = [path.to_owned()];
        let mut files = files::read(&paths)?;
        let plain = self.classes.is_none() && self.labels.is_none();
        let published = plain.then(|| published(&files)).flatten();
        let mut wishes = Wishes {
            size: self.size,
            framing: self.framing,
            mean: self.mean.map(|mean| mean.map(|value| value * 255.0)),
            std: self.std.map(|std| std.map(|value| value * 255.0)),
            channels: self.channels,
            output: self.output.clone(),
            classes: self.classes,
            labels: None,
        };
        if let Some(path) = &self.labels {
            // A name that none of the network's own files has.
            let name = path.display().to_string();
            files.push(File::new(&*name, std::fs::read(path).map_err(at(path))?));
            wishes.labels = Some(name);
        }
        let opened = files::open(&paths, files, &wishes).map_err(at(path))?;
        let name = path.file_stem().unwrap_or(path.as_os_str());
        let spec = match published {
            Some(spec) => ModelSpec {
                preprocessing: opened.definition.preprocessing,
                ..spec.clone()
            },
            None => opened
                .spec(&name.to_string_lossy())
                .map_err(|e| e.to_string())?,
        };
        for note in &opened.notes {
            eprintln!("violet: {note}");
        }
        for assumed in opened.assumed.iter().filter(|_| published.is_none()) {
            eprintln!("violet: assumed that {assumed}.");
        }
        let device = pollster::block_on(device::open(self.device)).map_err(on_cpu)?;
        let network = opened
            .definition
            .clone()
            .network(&device)
            .map_err(at(path))?;
        let explainer = Explainer::new(network, spec.preprocessing);
        self.test(&explainer, &device)?;
        Ok((spec, explainer))
    }

    /// Names of one's own classes, one a line.
    fn labels(&self) -> Result<Option<String>, String> {
        let Some(path) = &self.labels else {
            return Ok(None);
        };
        let bytes = std::fs::read(path).map_err(at(path))?;
        let labels = violet_labels::of_file(&path.to_string_lossy(), &bytes);
        let labels = labels.ok_or_else(|| at(path)("these are no names of classes"))?;
        Ok(Some(labels.join("\n")))
    }

    /// Weights of a network that is named.
    fn of_spec(&self, spec: &ModelSpec, path: &Path) -> Result<(ModelSpec, Checkpoint), String> {
        let checkpoint = read_checkpoint(path)?;
        let labels = self.labels()?;
        let classes = spec.architecture.classes(&checkpoint);
        if labels.is_none() && classes.is_none_or(|classes| classes == spec.labels().len()) {
            eprintln!(
                "violet: assumed that the classes are those of {} (--labels names others).",
                spec.title
            );
            return Ok((spec.clone(), checkpoint));
        }
        let classes = classes.unwrap_or(spec.labels().len());
        let own = ModelSpec::own(&spec.name, spec.architecture, classes, labels.as_deref());
        Ok((own.map_err(|e| e.to_string())?, checkpoint))
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

fn colours(text: &str) -> Result<Channels, String> {
    let names = || Channels::ALL.map(Channels::name).join(", ");
    Channels::from_name(text).ok_or_else(|| format!("choose one of: {}", names()))
}

/// Height and width: one number for both, or as photos' sizes are written, width first.
pub(crate) fn size(text: &str) -> Result<[usize; 2], String> {
    let side = |text: &str| {
        let side = text.trim().parse::<u16>().ok()?;
        (side > 0).then_some(usize::from(side))
    };
    let sides = match text.split_once(['x', '×']) {
        Some((width, height)) => side(height).zip(side(width)),
        None => side(text).map(|side| (side, side)),
    };
    let wrong = || "a number of pixels, such as 224, or width and height, such as 320x240";
    let (height, width) = sides.ok_or_else(wrong)?;
    Ok([height, width])
}

/// What to say where a GPU does not do.
fn on_cpu(error: violet::Error) -> String {
    format!("{error}\nTry again with --device cpu.")
}

fn channels(text: &str) -> Result<[f32; 3], String> {
    let values: Option<Vec<f32>> = text.split(',').map(|v| v.trim().parse().ok()).collect();
    let values = values.and_then(|values| match values[..] {
        [one] => Some([one; 3]),
        _ => <[f32; 3]>::try_from(values).ok(),
    });
    let wanted = "three numbers, for red, green and blue, such as 0.5,0.5,0.5, or one for all";
    values.ok_or_else(|| wanted.into())
}

fn device_kind(name: &str) -> Result<DeviceKind, String> {
    DeviceKind::from_name(name).ok_or_else(|| "choose one of: cpu, gpu".into())
}
