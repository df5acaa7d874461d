//! TensorFlow.js models: `model.json` and the files of weights that it names.
//!
//! A layers model is a Keras model's layers; a graph model is a TensorFlow graph.

mod attributes;
mod graph;
mod operations;
mod shapes;
mod weights;

use serde_json::Value;

use crate::error::{Error, Result};
use crate::files::File;
use crate::imported::{Imported, Note, Options};
use crate::keras::config::Model;
use crate::keras::{self, Flavour, Network};
use crate::labels;
use crate::metadata::Metadata;
use weights::Weights;

/// Whether bytes are a TensorFlow.js model's JSON.
pub fn is_model(bytes: &[u8]) -> bool {
    let begins = |byte: &&u8| !byte.is_ascii_whitespace();
    bytes.iter().find(begins) == Some(&b'{')
        && bytes
            .windows(13)
            .take(1 << 24)
            .any(|window| window == b"modelTopology")
}

/// Reads a model: its JSON, and among `beside` the files of weights that it names.
///
/// # Errors
///
/// Any [`Error`].
pub fn import(model_json: &[u8], beside: &[File], options: &Options) -> Result<Imported> {
    let json = read(model_json)?;
    let mut imported = match is_graph(&json) {
        true => graph::import(&json, &Weights::read(&json, beside)?, options)?,
        false => layers(&json, beside, options)?,
    };
    let mut said = ultralytics(beside);
    said.apply(&mut imported.input);
    imported.notes.append(&mut said.notes);
    imported.labels = labels::beside(beside).unwrap_or(said.labels);
    Ok(imported)
}

/// What Ultralytics says of a network in a file beside it.
fn ultralytics(beside: &[File]) -> Metadata {
    let file = beside.iter().find(|file| file.is_named("metadata.yaml"));
    let text = file.and_then(|file| std::str::from_utf8(&file.bytes).ok());
    Metadata::of_yaml(text.unwrap_or_default())
}

/// The model's JSON, parsed.
pub(crate) fn read(model_json: &[u8]) -> Result<Value> {
    serde_json::from_slice(model_json).map_err(|error| damaged(format!("model.json: {error}")))
}

/// Whether it is a TensorFlow graph, not layers.
pub(crate) fn is_graph(json: &Value) -> bool {
    json["format"] == "graph-model" || json["modelTopology"]["node"].is_array()
}

/// Reads a model of layers.
///
/// # Errors
///
/// Any [`Error`].
pub(crate) fn layers(json: &Value, beside: &[File], options: &Options) -> Result<Imported> {
    let topology = &json["modelTopology"];
    // Converters wrap the model into what Keras files hold beside it.
    let config = match &topology["model_config"] {
        Value::Null => topology,
        config => config,
    };
    let model = Model::read(config)?;
    let weights = Weights::read(json, beside)?;
    let locations = keras::weights::by_name(&model, weights.names())?;
    let network = Network {
        model: &model,
        locations: &locations,
        read: &|name| {
            let found = weights.get(name)?;
            found.ok_or_else(|| damaged(format!("there is no array “{name}”")))
        },
        flavour: Flavour {
            keras: 2,
            tfjs: true,
        },
    };
    let mut imported = network.import(options, &producer(json))?;
    imported.notes.extend(rounded(&weights));
    Ok(imported)
}

/// Who wrote a model, as far as it says.
fn producer(json: &Value) -> String {
    let named = [
        &json["convertedBy"],
        &json["generatedBy"],
        &json["modelTopology"]["keras_version"],
    ];
    let name = named
        .into_iter()
        .find_map(|value| value.as_str().filter(|text| !text.is_empty()));
    name.unwrap_or("TensorFlow.js").into()
}

/// What there is to say about weights that are not float32.
fn rounded(weights: &Weights<'_>) -> Option<Note> {
    let precision = weights.precision()?;
    Some(Note::Precision { file: precision })
}

pub(crate) fn damaged(detail: impl Into<String>) -> Error {
    Error::Damaged {
        format: "TensorFlow.js",
        detail: detail.into(),
    }
}
