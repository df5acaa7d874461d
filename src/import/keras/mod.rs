//! Keras models: `.h5` (Keras 1 and 2), `.keras` (Keras 3), and the same layers in TensorFlow.js.
//!
//! `config` reads the description of a model's layers, `weights` finds their arrays, `lowering`
//! calls the layers one after the other, and `layers` says what each does.

mod activations;
mod attention;
pub(crate) mod config;
mod fields;
mod hdf5;
mod images;
mod indexing;
mod layers;
mod lowering;
mod normalisation;
mod operations;
pub(crate) mod weights;

use serde_json::Value;
use violet_graph::Constant;

use crate::error::{Error, Result};
use crate::files::File;
use crate::imported::{Imported, Note, OperationCount, Options};
use crate::labels;
use crate::picture::Picture;
use crate::teachable_machine;
use config::{Layer, Model, Wiring};
use hdf5::Hdf5;
pub(crate) use lowering::Flavour;
use lowering::Lowering;
use weights::Locations;

/// How an HDF5 file begins; perhaps after a block of the user's own.
const HDF5_SIGNATURE: &[u8] = b"\x89HDF\r\n\x1a\n";

/// Whether bytes are an HDF5 file.
pub fn is_hdf5(bytes: &[u8]) -> bool {
    bytes.starts_with(HDF5_SIGNATURE)
        || std::iter::successors(Some(512), |place| Some(2 * place))
            .take_while(|&place| place < bytes.len())
            .any(|place| bytes[place..].starts_with(HDF5_SIGNATURE))
}

/// Reads an `.h5` file: a whole model as `model.save` of Keras 1 and 2 writes it. `beside` are the
/// files that were opened with it: one of them may name the classes.
///
/// # Errors
///
/// Any [`Error`].
pub fn import_h5(bytes: Vec<u8>, beside: &[File], options: &Options) -> Result<Imported> {
    let file = Hdf5::open(bytes)?;
    let Some(config) = file.text("", "model_config")? else {
        return Err(Error::Another {
            format: "whole Keras model",
            found: "an HDF5 file without a model's layers",
            advice: "Weights alone do not say what is done with them: save the model with \
                     model.save(\"model.keras\").",
        });
    };
    let config = json(&config, "model_config")?;
    let model = Model::read(&config)?;
    // Before 2015 files had no group for what belongs to the model.
    let root = match file.groups("model_weights")?.is_empty() {
        true => "",
        false => "model_weights/",
    };
    let version = file.text("", "keras_version")?.unwrap_or_default();
    let locations = weights::by_layer(&model, |layer| {
        let group = format!("{root}{layer}");
        let names = file.texts(&group, "weight_names")?.unwrap_or_default();
        Ok((format!("{group}/"), names))
    })?;
    let flavour = flavour(&version);
    let network = Network {
        model: &model,
        locations: &locations,
        read: &|path| file.array(path),
        flavour,
    };
    let producer = format!("Keras {version}");
    let mut imported = network.import(options, producer.trim())?;
    if is_teachable_machine(&model) {
        teachable_machine::assume(&mut imported);
    }
    imported.labels = labels::beside(beside).unwrap_or_default();
    Ok(imported)
}

/// Whether an archive's files are a `.keras` file's.
pub(crate) fn is_keras(files: &[File]) -> bool {
    let has = |name| files.iter().any(|file| file.name == name);
    has("config.json") && has("metadata.json")
}

/// Reads a `.keras` file, unpacked. `beside` are the files that were opened with it.
///
/// # Errors
///
/// Any [`Error`].
pub(crate) fn import_keras(
    files: Vec<File>,
    beside: &[File],
    options: &Options,
) -> Result<Imported> {
    let text = |name: &str| -> Result<Value> {
        let file = files.iter().find(|file| file.name == name);
        let file = file.ok_or_else(|| lowering::damaged(format!("there is no {name} in it")))?;
        json(&String::from_utf8_lossy(&file.bytes), name)
    };
    let (config, metadata) = (text("config.json")?, text("metadata.json")?);
    let model = Model::read(&config)?;
    let version = metadata["keras_version"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    let weights = files
        .into_iter()
        .find(|file| file.name == "model.weights.h5");
    let weights = weights.ok_or_else(|| {
        lowering::damaged("its weights are in several files, or missing (model.weights.h5)".into())
    })?;
    let file = Hdf5::open(weights.bytes)?;
    let locations = weights::by_group(
        &model,
        |group| file.groups(group.trim_start_matches('/')),
        |group| Ok(file.arrays(group.trim_start_matches('/'))?.len()),
        |group| file.text(group.trim_start_matches('/'), "name"),
    )?;
    let network = Network {
        model: &model,
        locations: &locations,
        read: &|path| file.array(path.trim_start_matches('/')),
        flavour: flavour(&version),
    };
    let producer = format!("Keras {version}");
    let mut imported = network.import(options, producer.trim())?;
    imported.labels = labels::beside(beside).unwrap_or_default();
    Ok(imported)
}

/// What a version of Keras computes; an unknown one as Keras 2 does.
fn flavour(version: &str) -> Flavour {
    let keras = version
        .split('.')
        .next()
        .and_then(|major| major.parse().ok())
        .unwrap_or(2);
    Flavour { keras, tfjs: false }
}

/// A model with its weights.
pub(crate) struct Network<'a> {
    pub(crate) model: &'a Model,
    pub(crate) locations: &'a Locations,
    /// The array at a location.
    pub(crate) read: &'a dyn Fn(&str) -> Result<Constant>,
    pub(crate) flavour: Flavour,
}

impl Network<'_> {
    /// Builds the graph.
    ///
    /// # Errors
    ///
    /// Any [`Error`].
    pub(crate) fn import(&self, options: &Options, producer: &str) -> Result<Imported> {
        lowering::check(self.model)?;
        let (name, lengths) = input(self.model)?;
        let mut picture = Picture::of(&name, &lengths, is_channels_first(self.model), options)?;
        let (arranger, x) = picture.begin()?;
        let mut lowering = Lowering::new(arranger, self.flavour, self.locations, self.read);
        let made = lowering.model(self.model, &[x], &mut Vec::new())?;
        let names = output_names(self.model);
        let mut arranger = lowering.arranger;
        for (k, y) in made.iter().enumerate() {
            let name = names
                .get(k)
                .cloned()
                .unwrap_or_else(|| format!("output {k}"));
            arranger.output(&name, y)?;
        }
        let graph = arranger.finish()?;
        picture.kind.normalised_inside = crate::normalised::inside(&graph, &picture.kind);
        let mut notes = picture.notes;
        notes.extend(of_examples(self.model));
        if let Some(precision) = mixed_precision(self.model) {
            notes.push(Note::Precision { file: precision });
        }
        Ok(Imported {
            detector: None,
            graph,
            labels: Vec::new(),
            input: picture.kind,
            notes,
            operations: counted(self.model),
            producer: producer.into(),
        })
    }
}

/// Name and lengths of a model's one input: what its input layer says, or its first layer.
fn input(model: &Model) -> Result<(String, Vec<Option<usize>>)> {
    let first = match &model.wiring {
        Wiring::Chain => model.layers.first(),
        Wiring::Graph { inputs, .. } => {
            let [port] = &inputs[..] else {
                let names: Vec<&str> = inputs.iter().map(|port| port.layer.as_str()).collect();
                return Err(Error::NotAPicture {
                    input: names.first().copied().unwrap_or_default().into(),
                    found: format!("one of {}: {}", names.len(), names.join(", ")),
                    advice: "Make a model of the part that takes the picture, and save it.",
                });
            };
            model.layers.iter().find(|layer| layer.name == port.layer)
        }
    };
    let Some(layer) = first else {
        return Err(lowering::damaged("it has no layers".into()));
    };
    if let Some(shape) = shape_of(layer) {
        return Ok((layer.name.clone(), shape));
    }
    match (&layer.model, &model.input_shape) {
        (Some(model), _) => input(model),
        (None, Some(shape)) => Ok((layer.name.clone(), lengths(shape))),
        (None, None) => Err(lowering::damaged(
            "it does not say how large its input is: call the model once, or give its first layer \
             an input_shape, and save it again"
                .into(),
        )),
    }
}

/// What a layer says of its input.
fn shape_of(layer: &Layer) -> Option<Vec<Option<usize>>> {
    let shape = ["batch_input_shape", "batch_shape", "input_shape"]
        .into_iter()
        .find_map(|name| layer.config.get(name)?.as_array());
    shape.map(|shape| lengths(shape))
}

/// The lengths of a shape, those that are open left out.
fn lengths(shape: &[Value]) -> Vec<Option<usize>> {
    let length = |value: &Value| {
        value
            .as_u64()
            .and_then(|length| usize::try_from(length).ok())
    };
    shape.iter().map(length).collect()
}

/// Whether a model's images are \[C, H, W\].
fn is_channels_first(model: &Model) -> bool {
    model.layers.iter().any(|layer| match &layer.model {
        Some(model) => is_channels_first(model),
        None => layer
            .config
            .get("data_format")
            .is_some_and(|format| format == "channels_first"),
    })
}

/// Names of the layers whose results are a model's.
fn output_names(model: &Model) -> Vec<String> {
    match &model.wiring {
        Wiring::Chain => model
            .layers
            .last()
            .map(|layer| layer.name.clone())
            .into_iter()
            .collect(),
        Wiring::Graph { outputs, .. } => outputs.iter().map(|port| port.layer.clone()).collect(),
    }
}

/// How often a model has each layer, most frequent first, nested ones included.
fn counted(model: &Model) -> Vec<OperationCount> {
    let mut classes = Vec::new();
    let mut pending = vec![model];
    while let Some(model) = pending.pop() {
        for layer in &model.layers {
            match &layer.model {
                Some(model) => pending.push(model),
                None => classes.push(&*layer.class),
            }
        }
    }
    OperationCount::of(classes)
}

/// Layers whose code is not Keras' own, and what they were taken for.
fn of_examples(model: &Model) -> Vec<Note> {
    let of_layer = |layer: &Layer| match &layer.model {
        Some(model) => of_examples(model),
        None if layers::EXAMPLES.contains(&&*layer.class) => vec![Note::AssumedLayer {
            layer: layer.name.clone(),
            class: layer.class.clone(),
        }],
        None => Vec::new(),
    };
    model.layers.iter().flat_map(of_layer).collect()
}

/// Whether Teachable Machine exported a model: a chain of two, whose second one's layers have the
/// names that TensorFlow.js gave them while it was trained in a browser.
fn is_teachable_machine(model: &Model) -> bool {
    let nested: Vec<&Model> = model
        .layers
        .iter()
        .filter_map(|layer| layer.model.as_ref())
        .collect();
    let [_, head] = nested[..] else {
        return false;
    };
    let mut names = head
        .layers
        .iter()
        .filter(|layer| layer.class == "Dense")
        .map(|l| &l.name);
    names.any(|name| name.starts_with("dense_Dense"))
}

/// The type that layers compute in, if that is not float32.
fn mixed_precision(model: &Model) -> Option<&'static str> {
    model.layers.iter().find_map(|layer| {
        let policy = layer.config.get("dtype")?;
        let policy = policy.as_str().or(policy["config"]["name"].as_str())?;
        match policy {
            policy if policy.contains("bfloat16") => Some("bfloat16"),
            policy if policy.contains("float16") => Some("float16"),
            "float64" => Some("float64"),
            _ => None,
        }
    })
}

fn json(text: &str, what: &str) -> Result<Value> {
    serde_json::from_str(text)
        .map_err(|error| lowering::damaged(format!("its {what} is no JSON: {error}")))
}
