//! TensorFlow Lite networks.
//!
//! `flatbuffer` reads the wire format, `model` the file's tables, `metadata` what it says of
//! pictures, and `operations` has what each operator does. Rounded networks are explained as the
//! float networks that they round: weights by their scales, values unrounded.

mod flatbuffer;
mod layers;
mod metadata;
mod model;
mod operations;

use std::collections::HashMap;

use violet_graph::Graph;

use crate::arranged::{Arranged, Arranger};
use crate::error::{Error, Result, Unsupported};
use crate::files::File;
use crate::imported::{
    ChannelOrder, Detector, Imported, InputKind, Note, OperationCount, Options, Scaling,
};
use crate::picture::Picture;
use crate::{labels, teachable_machine, tensorflow};
use flatbuffer::Buffer;
use metadata::{Content, Metadata};
use model::{Element, Model, Operator, Tensor};
use operations::{Call, Code};

/// What the format's own converters describe every network as.
const CONVERTED: [&str; 2] = ["MLIR Converted.", "TOCO Converted."];

/// Whether bytes are a TensorFlow Lite file: FlatBuffers' identifier stands behind the first
/// offset.
pub fn is_model(bytes: &[u8]) -> bool {
    bytes.get(4..8) == Some(b"TFL3")
}

/// Reads a network. `beside` are the files that were opened with it: one of them may name the
/// classes, if the file itself does not.
///
/// # Errors
///
/// Any [`Error`].
pub fn import(bytes: &[u8], beside: &[File], options: &Options) -> Result<Imported> {
    let buffer = Buffer::new(bytes);
    let model = Model::read(&buffer)?;
    let metadata = read_metadata(&model)?;
    if metadata.input == Content::Audio {
        return Err(Error::NotAPicture {
            input: metadata.name,
            found: "a sound".into(),
            advice: "Open a network that takes pictures.",
        });
    }
    check(&model)?;
    let mut picture = picture(&model, options)?;
    let (graph, detector) = build(&model, &picture)?;
    describe_input(&model, &metadata, &mut picture.kind);
    let files = File::archived(bytes).unwrap_or_default();
    let (properties, files) = files.into_iter().partition::<Vec<_>, _>(is_properties);
    let mut said = ultralytics(properties.first());
    said.apply(&mut picture.kind);
    picture.kind.normalised_inside = crate::normalised::inside(&graph, &picture.kind);
    let mut notes = picture.notes;
    notes.extend(rounded(&model));
    notes.append(&mut said.notes);
    let mut imported = Imported {
        detector,
        graph,
        labels: own_labels(&files, &metadata)
            .or(labels::beside(beside))
            .unwrap_or(said.labels),
        input: picture.kind,
        notes,
        operations: counted(&model),
        producer: match &*metadata.name {
            "" if CONVERTED.contains(&&*model.description) => String::new(),
            "" => model.description.clone(),
            name => name.into(),
        },
    };
    if imported.input.scaling.is_none() && is_teachable_machine(&model) {
        teachable_machine::assume(&mut imported);
    }
    Ok(imported)
}

fn read_metadata(model: &Model<'_>) -> Result<Metadata> {
    let entry = model
        .metadata
        .iter()
        .find(|(name, _)| name == "TFLITE_METADATA");
    match entry {
        // Metadata that cannot be read is no reason to refuse the network.
        Some((_, bytes)) => Ok(Metadata::read(&Buffer::new(bytes)).unwrap_or_default()),
        None => Ok(Metadata::default()),
    }
}

/// Where Ultralytics says what it knows of a network, in the archive at the file's end: now, before (YOLOv8 to 11 by way
/// of TensorFlow), and by YOLOv5. The latter two are what Python's `str()` makes of a dictionary.
const PROPERTIES: [&str; 3] = ["metadata.json", "temp_meta.txt", "meta.txt"];

fn is_properties(file: &File) -> bool {
    PROPERTIES.iter().any(|name| file.is_named(name))
}

/// What it says there.
fn ultralytics(properties: Option<&File>) -> crate::metadata::Metadata {
    let text = properties.and_then(|file| std::str::from_utf8(&file.bytes).ok());
    crate::metadata::Metadata::of_dictionary(text.unwrap_or_default())
}

/// Labels in the archive at the file's end.
fn own_labels(files: &[File], metadata: &Metadata) -> Option<Vec<String>> {
    let named = metadata.label_files.first();
    let file = named.and_then(|name| files.iter().find(|file| file.is_named(name)));
    match file {
        Some(file) => labels::read(&file.bytes),
        None => labels::beside(files),
    }
}

/// The picture that goes in.
fn picture(model: &Model<'_>, options: &Options) -> Result<Picture> {
    let [input] = model.inputs[..] else {
        let names: Vec<&str> = model
            .inputs
            .iter()
            .map(|&k| model.tensors[k].name.as_str())
            .collect();
        return Err(Error::NotAPicture {
            input: names.first().copied().unwrap_or_default().into(),
            found: format!("one of {}: {}", names.len(), names.join(", ")),
            advice: "Export the part of the network that takes the picture.",
        });
    };
    let tensor = &model.tensors[input];
    let open = |axis: usize| tensor.signature.get(axis).is_some_and(|&length| length < 0);
    let lengths: Vec<Option<usize>> = tensor
        .shape
        .iter()
        .enumerate()
        .map(|(axis, &length)| (!open(axis) && length > 0).then_some(length))
        .collect();
    Picture::of(&tensor.name, &lengths, false, options)
}

/// What the file says of how numbers are made of pixels.
fn describe_input(model: &Model<'_>, metadata: &Metadata, kind: &mut InputKind) {
    if metadata.input == Content::Rgb {
        kind.channel_order = Some(ChannelOrder::Rgb);
    }
    let tensor = &model.tensors[model.inputs[0]];
    if let Some([mean, deviation]) = &metadata.normalisation
        && [1, kind.channels].contains(&mean.len())
    {
        kind.scaling = Some(Scaling {
            scale: deviation.iter().map(|d| 1.0 / d).collect(),
            offset: mean.iter().zip(deviation).map(|(m, d)| -m / d).collect(),
        });
        // Of a rounded network that is for the floats behind its integers.
        return;
    }
    let Some(quantisation) = tensor.quantisation.as_ref().filter(|_| tensor.is_rounded()) else {
        return;
    };
    let (&[scale], zero) = (&quantisation.scales[..], quantisation.zero_points.first()) else {
        return;
    };
    let zero = zero.copied().unwrap_or_default() as f32;
    // Bytes are pixels; signed ones are pixels less 128.
    let shift = match tensor.element {
        Element::U8 => 0.0,
        Element::I8 => 128.0,
        _ => return,
    };
    kind.scaling = Some(Scaling::uniform(scale, -scale * (zero + shift)));
}

/// Whether Teachable Machine exported a network: its two Keras models keep their names.
fn is_teachable_machine(model: &Model<'_>) -> bool {
    let input = &model.tensors[model.inputs[0]].name;
    let named = input.contains("sequential_") && input.contains("_input");
    named
        && model
            .tensors
            .iter()
            .any(|tensor| tensor.name.contains("dense_Dense"))
}

impl Operator<'_> {
    /// What it is, if it is known.
    fn known(&self) -> Option<Code> {
        Code::of(self.code).filter(|_| self.custom.is_empty())
    }

    /// What it is called.
    fn name(&self) -> String {
        match self.known() {
            Some(code) => format!("{code:?}"),
            None if !self.custom.is_empty() => self.custom.clone(),
            None => operations::name(self.code),
        }
    }
}

/// Refuses a network with operators that cannot be explained, naming all of them.
fn check(model: &Model<'_>) -> Result<()> {
    let mut unknown: Vec<Unsupported> = Vec::new();
    for operator in needed(model) {
        if operator.known().is_some() {
            continue;
        }
        let operation = operator.name();
        match unknown
            .iter_mut()
            .find(|known| known.operation == operation)
        {
            Some(known) => known.count += 1,
            None => unknown.push(Unsupported {
                operation,
                count: 1,
                node: made_by(model, operator),
                reason: String::new(),
                advice: "",
            }),
        }
    }
    match unknown.is_empty() {
        true => Ok(()),
        false => Err(Error::Unsupported {
            operations: unknown,
        }),
    }
}

/// Name of the first value that an operator makes, which is all that tells it from others.
fn made_by(model: &Model<'_>, operator: &Operator<'_>) -> String {
    let first = operator.outputs.first();
    first
        .map(|&k| model.tensors[k].name.clone())
        .unwrap_or_default()
}

/// The operators that the outputs depend on, in the file's order.
fn needed<'m, 'a>(model: &'m Model<'a>) -> Vec<&'m Operator<'a>> {
    let mut wanted: Vec<bool> = vec![false; model.tensors.len()];
    for &output in &model.outputs {
        wanted[output] = true;
    }
    let mut needed = Vec::new();
    // They stand in an order in which they can run.
    for operator in model.operators.iter().rev() {
        if operator.outputs.iter().any(|&output| wanted[output]) {
            for &input in operator.inputs.iter().flatten() {
                wanted[input] = true;
            }
            needed.push(operator);
        }
    }
    needed.reverse();
    needed
}

/// The network, and what is a detector's of its outputs.
fn build(model: &Model<'_>, picture: &Picture) -> Result<(Graph, Option<Detector>)> {
    let (mut arranger, x) = picture.begin()?;
    let mut values: HashMap<usize, Arranged> = HashMap::from([(model.inputs[0], x)]);
    for operator in needed(model) {
        let node = made_by(model, operator);
        arranger.at(&node);
        let mut inputs = Vec::with_capacity(operator.inputs.len());
        for &input in &operator.inputs {
            inputs.push(match input {
                Some(input) => Some(value(&mut arranger, model, &mut values, input)?),
                None => None,
            });
        }
        let shape = |&k: &usize| model.tensors[k].shape.as_slice();
        let call = Call {
            operator,
            inputs,
            shapes: operator.outputs.iter().map(shape).collect(),
        };
        let code = operator
            .known()
            .ok_or_else(|| tensorflow::unsupported("it is not known"))?;
        let made = operations::apply(&mut arranger, code, &call)
            .map_err(|error| named(error, operator, &node))?;
        for (&output, made) in operator.outputs.iter().zip(made) {
            values.insert(output, made);
        }
    }
    let mut outputs = Vec::with_capacity(model.outputs.len());
    for &output in &model.outputs {
        let y = value(&mut arranger, model, &mut values, output)?;
        outputs.push((model.tensors[output].name.clone(), y));
    }
    let detector = arranger.outputs(&outputs)?;
    Ok((arranger.finish()?, detector))
}

/// What an operator made, or a constant.
fn value(
    arranger: &mut Arranger,
    model: &Model<'_>,
    values: &mut HashMap<usize, Arranged>,
    index: usize,
) -> Result<Arranged> {
    if let Some(value) = values.get(&index) {
        return Ok(value.clone());
    }
    let tensor = &model.tensors[index];
    let constant = tensor.constant()?.ok_or_else(|| {
        damaged(format!(
            "the value “{}” is taken before anything makes it",
            tensor.name
        ))
    })?;
    let constant = arranger.constant(constant)?;
    values.insert(index, constant.clone());
    Ok(constant)
}

/// What is to be said of rounded values and weights.
fn rounded(model: &Model<'_>) -> Vec<Note> {
    let is_value = |tensor: &&Tensor<'_>| tensor.bytes.is_empty();
    let values = model
        .tensors
        .iter()
        .filter(is_value)
        .filter(|tensor| tensor.is_rounded())
        .count();
    let mut weights = model
        .tensors
        .iter()
        .filter(|tensor| !tensor.bytes.is_empty());
    let half = |tensor: &Tensor<'_>| tensor.element == Element::F16;
    let precision = match () {
        () if weights.clone().any(Tensor::is_rounded) => Some("8-bit integers"),
        () if weights.any(half) => Some("float16"),
        () => None,
    };
    let rounding = (values > 0).then_some(Note::Quantised { count: values });
    rounding
        .into_iter()
        .chain(precision.map(|file| Note::Precision { file }))
        .collect()
}

/// How often the network has each operator, most frequent first.
fn counted(model: &Model<'_>) -> Vec<OperationCount> {
    let names: Vec<String> = model.operators.iter().map(Operator::name).collect();
    OperationCount::of(names.iter().map(String::as_str))
}

/// An error about an operator, with its name.
fn named(error: Error, operator: &Operator<'_>, node: &str) -> Error {
    match error {
        Error::Unsupported { mut operations } => {
            for unsupported in &mut operations {
                unsupported.operation = operator.name();
                unsupported.node = node.into();
            }
            Error::Unsupported { operations }
        }
        error => error,
    }
}

fn damaged(detail: impl Into<String>) -> Error {
    Error::Damaged {
        format: "TensorFlow Lite",
        detail: detail.into(),
    }
}
