//! ONNX files: bytes to a graph.
//!
//! [`protobuf`](self) reads the wire format, `model` what the file says, `input` which of its
//! inputs is the picture, `run` goes through its nodes, and `ops` has a function for each operator.

mod another;
mod attribute;
mod call;
mod input;
mod model;
mod node;
mod ops;
mod order;
mod protobuf;
mod quantised;
mod run;
mod tensor;

use std::collections::{BTreeMap, HashMap};

use violet_graph::{Builder, Constant, Graph};

use crate::detector;
use crate::error::{Error, Result, Unsupported};
use crate::files::File;
use crate::imported::{Detector, Imported, Note, OperationCount, Options};
use crate::metadata::Metadata;
use crate::normalised;
use call::Value;
use model::{Kind, Model, Tensor};
use run::Runner;
use tensor::data_type::FLOAT;

/// How the format is called in messages.
const FORMAT: &str = "ONNX";
/// Versions of the operators that are read. Newer ones change nothing yet that is known here, and
/// are refused so that nothing is read wrongly.
const OPSETS: std::ops::RangeInclusive<i64> = 1..=28;

pub(crate) fn damaged(detail: String) -> Error {
    Error::Damaged {
        format: FORMAT,
        detail,
    }
}

/// Reads a network that takes one picture. `beside` are the files that were opened with it: weights
/// may lie in one of them.
///
/// # Errors
///
/// Any [`Error`].
pub fn import(bytes: &[u8], beside: &[File], options: &Options) -> Result<Imported> {
    let model = read(bytes)?;
    let graph = main_graph(&model)?;
    check_outputs(&graph.outputs)?;
    let mut metadata = Metadata::read(&model.metadata);
    let mut picture = input::picture(graph, metadata.size, options)?;
    metadata.apply(&mut picture.kind);
    let network = build(
        &model,
        beside,
        (picture.kind.name.as_str(), &picture.shape),
        picture.batch,
        HashMap::new(),
    )?;
    let mut notes = picture.notes;
    notes.append(&mut metadata.notes);
    let new = network
        .notes
        .into_iter()
        .filter(|note| !notes.contains(note));
    notes.extend(new.collect::<Vec<_>>());
    picture.kind.normalised_inside = normalised::inside(&network.graph, &picture.kind);
    Ok(Imported {
        detector: network.detector,
        labels: metadata.labels,
        input: picture.kind,
        notes,
        operations: OperationCount::sorted(network.counts),
        producer: format!("{} {}", model.producer_name, model.producer_version)
            .trim()
            .into(),
        graph: network.graph,
    })
}

/// Reads any network, whatever its input is: `input` names it and gives it a shape, `given` are the
/// values of all other inputs that have none in the file.
///
/// # Errors
///
/// Any [`Error`] but those about pictures.
pub fn graph(
    bytes: &[u8],
    beside: &[File],
    input: (&str, &[usize]),
    given: &[(&str, Constant)],
) -> Result<Graph> {
    let model = read(bytes)?;
    let given = given
        .iter()
        .map(|(name, constant)| (*name, constant.clone()))
        .collect();
    Ok(build(&model, beside, input, None, given)?.graph)
}

/// Computes the outputs of a file whose inputs are all given, by the arithmetic that computes
/// constants. Nothing stands for a result that is not computed, such as the mask of a dropout; what
/// would be rounded to few bits is the integer before its rounding.
///
/// # Errors
///
/// Any [`Error`] but those about pictures.
pub fn evaluate(
    bytes: &[u8],
    beside: &[File],
    given: &[(&str, Constant)],
) -> Result<Vec<Option<Constant>>> {
    let model = read(bytes)?;
    let given = given
        .iter()
        .map(|(name, constant)| (*name, constant.clone()))
        .collect();
    // The picture is one that nothing takes.
    let mut runner = Runner::new(Builder::new(&[1])?, &model, beside, None);
    let made = run_main(&mut runner, main_graph(&model)?, None, given)?;
    let mut outputs = Vec::new();
    for value in made {
        let id = match value {
            Value::Graph(id) => id,
            Value::Tensor(tensor) => {
                outputs.push(Some(tensor::constant(&tensor, beside)?));
                continue;
            }
            Value::Unused => {
                outputs.push(None);
                continue;
            }
            _ => {
                let operations = [runner.failures(), &runner.cut.origins].concat();
                return Err(Error::Unsupported { operations });
            }
        };
        outputs.push(runner.builder.known(id).cloned());
    }
    Ok(outputs)
}

/// A tensor that lies in a file by itself, with its name.
///
/// # Errors
///
/// [`Error::Damaged`], and [`Error::Unsupported`] for types without numbers.
pub fn tensor(bytes: &[u8]) -> Result<(String, Constant)> {
    let tensor = Tensor::read(bytes).map_err(|error| damaged(error.to_string()))?;
    Ok((tensor.name.into(), tensor::constant(&tensor, &[])?))
}

/// Names of the inputs that have no value in the file, and of the outputs.
///
/// # Errors
///
/// [`Error::Damaged`], [`Error::Another`], [`Error::Version`].
pub fn names(bytes: &[u8]) -> Result<(Vec<String>, Vec<String>)> {
    let model = read(bytes)?;
    let graph = main_graph(&model)?;
    let has_value = |name: &str| graph.initializers.iter().any(|tensor| tensor.name == name);
    let inputs = graph
        .inputs
        .iter()
        .map(|input| input.name)
        .filter(|name| !has_value(name));
    let outputs = graph.outputs.iter().map(|output| output.name);
    Ok((
        inputs.map(Into::into).collect(),
        outputs.map(Into::into).collect(),
    ))
}

/// Whether bytes might be an ONNX file: they begin with a field of a model, and all fields end
/// where the bytes do.
pub fn is_onnx(bytes: &[u8]) -> bool {
    Model::read(bytes).is_ok_and(|model| model.graph.is_some())
}

/// Reads what a file says, or says what it is instead.
fn read(bytes: &[u8]) -> Result<Model<'_>> {
    another::refuse(bytes)?;
    let model = Model::read(bytes).map_err(|error| damaged(error.to_string()))?;
    let opset = run::opset(&model.opsets);
    if !OPSETS.contains(&opset) {
        return Err(Error::Version {
            what: "ONNX's operators of version (opset)",
            found: opset,
            supported: "1 to 28",
            advice: "Export it for opset 18.",
        });
    }
    Ok(model)
}

fn main_graph<'m, 'a>(model: &'m Model<'a>) -> Result<&'m model::Graph<'a>> {
    let graph = model.graph.as_ref();
    let graph = graph.ok_or_else(|| damaged("there is no graph in it".into()))?;
    match graph.sparse_initializers {
        0 => Ok(graph),
        count => Err(Error::Unsupported {
            operations: vec![Unsupported {
                operation: "Sparse weights".into(),
                count,
                node: String::new(),
                reason: String::new(),
                advice: "Export the network with dense weights.",
            }],
        }),
    }
}

/// Refuses networks of which no output is an array.
fn check_outputs(outputs: &[model::ValueInfo<'_>]) -> Result<()> {
    let other = outputs.iter().find_map(|output| match &output.kind {
        Kind::Other(what) => Some((output.name, *what)),
        _ => None,
    });
    let all = outputs
        .iter()
        .all(|output| matches!(output.kind, Kind::Other(_)));
    match other {
        Some((name, what)) if all => Err(Error::NoScores {
            output: name.into(),
            found: what.into(),
            advice: "Export the network with its scores as a plain array (in scikit-learn's \
                     converter: zipmap=False).",
        }),
        _ => Ok(()),
    }
}

/// A graph, and what was noticed while it was built.
struct Network {
    graph: Graph,
    detector: Option<Detector>,
    notes: Vec<Note>,
    counts: BTreeMap<String, usize>,
}

fn build<'a>(
    model: &Model<'a>,
    beside: &'a [File],
    (name, shape): (&str, &[usize]),
    batch: Option<usize>,
    given: HashMap<&str, Constant>,
) -> Result<Network> {
    let graph = main_graph(model)?;
    let builder = Builder::new(shape)?;
    let mut runner = Runner::new(builder, model, beside, batch);
    let made = run_main(&mut runner, graph, Some(name), given)?;
    let mut notes = Vec::new();
    let mut outputs = Vec::new();
    let (mut is_cut, mut left_out) = (false, Vec::new());
    for (output, value) in graph.outputs.iter().zip(made) {
        let id = match value {
            Value::Graph(id) => id,
            Value::Quantised(quantised) => quantised.real,
            Value::Cut => {
                is_cut = true;
                continue;
            }
            _ => {
                left_out.push(output.name.to_owned());
                continue;
            }
        };
        if runner.builder.known(id).is_some() {
            notes.push(Note::ConstantOutput {
                output: output.name.into(),
            });
        } else {
            outputs.push((output.name.to_owned(), id));
        }
    }
    if outputs.is_empty() && !runner.failures().is_empty() {
        return Err(Error::Unsupported {
            operations: runner.failures().to_vec(),
        });
    }
    if !left_out.is_empty() {
        let operations = counted(runner.failures());
        notes.push(Note::LeftOut {
            operations,
            outputs: left_out,
        });
    }
    let detector = detector::find(&mut runner.builder, &outputs, &runner.cut.boundary)?;
    if detector.is_none() {
        for (name, id) in &outputs {
            runner.builder.output(name, *id);
        }
    }
    if let (true, Some(found)) = (is_cut, &detector) {
        notes.push(Note::Cut {
            operations: counted(&runner.cut.origins),
            outputs: vec![found.boxes.clone(), found.scores.clone()],
        });
    } else if is_cut {
        let boundary = std::mem::take(&mut runner.cut.boundary);
        for (name, id) in &boundary {
            if !outputs.iter().any(|(_, other)| other == id) {
                runner.builder.output(name, *id);
            }
        }
        notes.push(Note::Cut {
            operations: counted(&runner.cut.origins),
            outputs: boundary.into_iter().map(|(name, _)| name).collect(),
        });
    }
    let rounding = runner
        .counts
        .iter()
        .filter(|(name, _)| rounds(name))
        .map(|(_, count)| count);
    match rounding.sum() {
        0 => {}
        count => notes.push(Note::Quantised { count }),
    }
    let other = graph.initializers.iter().map(|tensor| tensor.data_type);
    let mut other = other.filter(|&other| tensor::is_float(other) && other != FLOAT);
    if let Some(other) = other.next() {
        notes.push(Note::Precision {
            file: tensor::type_name(other),
        });
    }
    Ok(Network {
        graph: runner.builder.finish()?,
        detector,
        notes,
        counts: runner.counts,
    })
}

/// Runs a file's main graph with the picture in its place and the other inputs given.
fn run_main<'a>(
    runner: &mut Runner<'_, 'a>,
    graph: &model::Graph<'a>,
    picture: Option<&str>,
    given: HashMap<&str, Constant>,
) -> Result<Vec<Value<'a>>> {
    let mut values = HashMap::new();
    for input in &graph.inputs {
        if Some(input.name) == picture {
            values.insert(input.name, Value::Graph(runner.builder.input()));
        } else if let Some(constant) = given.get(input.name) {
            let id = runner.builder.constant(constant.clone())?;
            values.insert(input.name, Value::Graph(id));
        }
    }
    runner.run(graph, values)
}

/// Whether an operator rounds to few bits.
fn rounds(name: &str) -> bool {
    let name = name.strip_prefix("com.microsoft.").unwrap_or(name);
    name.starts_with("QLinear")
        || matches!(
            name,
            "QuantizeLinear" | "DynamicQuantizeLinear" | "QGemm" | "DynamicQuantizeMatMul"
        )
}

fn counted(operations: &[Unsupported]) -> Vec<OperationCount> {
    let count = |other: &Unsupported| OperationCount {
        name: other.operation.clone(),
        count: other.count,
    };
    operations.iter().map(count).collect()
}
