//! TensorFlow graphs in TensorFlow.js' form.
//!
//! What such a graph does to its picture before the first layer (loops that resize) and after the
//! last one (suppression of boxes) cannot always be explained. Then the graph is cut: it begins
//! with the value that the loop makes, and ends before what has no slope.

use std::collections::HashMap;

use serde_json::Value;
use violet_graph::Graph;

use super::attributes::{self, Node};
use super::operations::{self, Call};
use super::weights::Weights;
use super::{damaged, producer, rounded};
use crate::arranged::Arranged;
use crate::error::{Error, Result, Unsupported};
use crate::imported::{Detector, Imported, Note, OperationCount, Options, Scaling};
use crate::picture::Picture;

/// Reads a graph with its weights.
///
/// # Errors
///
/// Any [`Error`].
pub(super) fn import(json: &Value, weights: &Weights<'_>, options: &Options) -> Result<Imported> {
    let nodes = attributes::nodes(json)?;
    let plan = Plan::of(&nodes, outputs(json, &nodes)?)?;
    let (mut picture, input) = plan.picture(json, weights, options)?;
    let (graph, detector) = build(&nodes, &plan, input, &picture, weights)?;
    picture.kind.normalised_inside = crate::normalised::inside(&graph, &picture.kind);
    let mut notes = picture.notes;
    notes.extend(plan.notes(&nodes));
    notes.extend(rounded(weights));
    Ok(Imported {
        detector,
        graph,
        labels: Vec::new(),
        input: picture.kind,
        notes,
        operations: counted(plan.wanted(&nodes)),
        producer: producer(json),
    })
}

/// A result of a node.
type Port = (usize, usize);

/// The results that the graph is for, with their names: those of its signature, or of nodes whose
/// results nothing takes.
fn outputs(json: &Value, nodes: &[Node<'_>]) -> Result<Vec<(String, Port)>> {
    let signature = ["signature", "userDefinedMetadata"]
        .into_iter()
        .find_map(|place| {
            let signature = match place {
                "signature" => &json[place],
                _ => &json[place]["signature"],
            };
            signature["outputs"]
                .as_object()
                .filter(|outputs| !outputs.is_empty())
        });
    if let Some(outputs) = signature {
        return outputs
            .iter()
            .map(|(name, output)| {
                let (node, result) = attributes::port(output["name"].as_str().unwrap_or(name));
                let place = nodes.iter().position(|own| own.name == node);
                let place = place.ok_or_else(|| damaged(format!("there is no output “{node}”")))?;
                Ok((node.to_owned(), (place, result)))
            })
            .collect();
    }
    let mut taken = vec![false; nodes.len()];
    for &(input, _) in nodes.iter().flat_map(|node| &node.inputs) {
        taken[input] = true;
    }
    let free = |&k: &usize| !taken[k] && !matches!(nodes[k].op, "Const" | "NoOp" | "Placeholder");
    Ok((0..nodes.len())
        .filter(free)
        .map(|k| (nodes[k].name.to_owned(), (k, 0)))
        .collect())
}

/// Which part of a graph is built.
struct Plan {
    /// What becomes of each node.
    roles: Vec<Role>,
    outputs: Vec<(String, Port)>,
    /// The value that stands for the picture, if the graph does not begin with it.
    input: Option<usize>,
}

/// What becomes of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    /// Nothing depends on it.
    Unused,
    /// It is built.
    Built,
    /// It prepares the picture, and is left out.
    Before,
    /// It stands behind what can be explained, and is left out.
    After,
}

impl Plan {
    fn of(nodes: &[Node<'_>], outputs: Vec<(String, Port)>) -> Result<Self> {
        let ends = outputs.iter().map(|(_, (node, _))| *node);
        let needed = ancestors(nodes, ends);
        let consumers = consumers(nodes, &needed);
        let roots = |is: &dyn Fn(&Node<'_>) -> bool| -> Vec<usize> {
            (0..nodes.len())
                .filter(|&k| needed[k] && is(&nodes[k]))
                .collect()
        };
        let layers = roots(&|node| operations::is_layer(node.op));
        let deep = descendants(&consumers, layers);
        let unknown = |k: usize| needed[k] && !operations::is_known(nodes[k].op);
        // Behind a layer, what cannot be explained takes with it all that depends on it.
        let after = descendants(
            &consumers,
            (0..nodes.len()).filter(|&k| deep[k] && unknown(k)),
        );
        // Before it, all that leads to it.
        let before = ancestors(nodes, (0..nodes.len()).filter(|&k| !deep[k] && unknown(k)));
        let role = |k: usize| match () {
            () if !needed[k] => Role::Unused,
            () if after[k] => Role::After,
            () if before[k] && nodes[k].op != "Const" => Role::Before,
            () => Role::Built,
        };
        let roles: Vec<Role> = (0..nodes.len()).map(role).collect();
        let mut plan = Self {
            outputs: Vec::new(),
            input: None,
            roles,
        };
        plan.outputs = plan.kept(nodes, outputs, &deep);
        // Only what the outputs that are left depend on is built.
        let needed = ancestors(nodes, plan.outputs.iter().map(|(_, (node, _))| *node));
        for (role, needed) in plan.roles.iter_mut().zip(&needed) {
            if *role == Role::Built && !needed {
                *role = Role::Unused;
            }
        }
        plan.input = plan.first(nodes)?;
        if plan.outputs.is_empty() {
            return Err(unsupported(nodes, |k| plan.roles[k] != Role::Unused));
        }
        Ok(plan)
    }

    /// The outputs; in place of those that are cut off, what the parts that were cut off take.
    fn kept(
        &self,
        nodes: &[Node<'_>],
        outputs: Vec<(String, Port)>,
        deep: &[bool],
    ) -> Vec<(String, Port)> {
        let (mut kept, cut): (Vec<_>, Vec<_>) = outputs
            .into_iter()
            .partition(|&(_, (node, _))| self.roles[node] == Role::Built);
        if cut.is_empty() {
            return kept;
        }
        for (k, node) in nodes.iter().enumerate() {
            for &(input, result) in &node.inputs {
                let ends =
                    self.roles[k] == Role::After && self.roles[input] == Role::Built && deep[input];
                if ends && kept.iter().all(|&(_, port)| port != (input, result)) {
                    kept.push((nodes[input].name.to_owned(), (input, result)));
                }
            }
        }
        kept
    }

    /// The value of the parts before the network that the network takes.
    fn first(&self, nodes: &[Node<'_>]) -> Result<Option<usize>> {
        let mut first = None;
        for node in self.wanted(nodes) {
            for &(input, result) in &node.inputs {
                if self.roles[input] != Role::Before {
                    continue;
                }
                if result != 0 || first.is_some_and(|first| first != input) {
                    return Err(unsupported(nodes, |k| self.roles[k] == Role::Before));
                }
                first = Some(input);
            }
        }
        Ok(first)
    }

    /// The nodes that are built.
    fn wanted<'n, 'a>(&self, nodes: &'n [Node<'a>]) -> impl Iterator<Item = &'n Node<'a>> {
        let wanted = |(node, role): (&'n Node<'a>, &Role)| (*role == Role::Built).then_some(node);
        nodes.iter().zip(&self.roles).filter_map(wanted)
    }

    /// The picture, and the node whose result it is.
    fn picture(
        &self,
        json: &Value,
        weights: &Weights<'_>,
        options: &Options,
    ) -> Result<(Picture, usize)> {
        let nodes = attributes::nodes(json)?;
        if let Some(input) = self.input {
            // What resizes the picture says how large it becomes.
            let resized = (0..nodes.len())
                .filter(|&k| self.roles[k] == Role::Before && nodes[k].op.starts_with("Resize"))
                .find_map(|k| nodes[k].inputs.get(1))
                .map(|&(size, _)| weights.get(nodes[size].name))
                .transpose()?
                .flatten()
                .map(|size| size.to_i64());
            let size = match resized.as_deref() {
                Some(&[height, width]) => {
                    [height, width].map(|side| usize::try_from(side).unwrap_or_default())
                }
                _ => options.size.unwrap_or(Options::DEFAULT_SIZE),
            };
            let lengths = [None, Some(size[0]), Some(size[1]), Some(3)];
            let mut picture = Picture::of(nodes[input].name, &lengths, false, options)?;
            picture.kind.scaling = nodes
                .iter()
                .any(|node| node.op == "Placeholder" && node.is_bytes("dtype"))
                .then(|| Scaling::uniform(1.0, 0.0));
            return Ok((picture, input));
        }
        let placeholders: Vec<usize> = (0..nodes.len())
            .filter(|&k| self.roles[k] == Role::Built && nodes[k].op == "Placeholder")
            .collect();
        let &[input] = &placeholders[..] else {
            let names: Vec<&str> = placeholders.iter().map(|&k| nodes[k].name).collect();
            return Err(Error::NotAPicture {
                input: names.first().copied().unwrap_or_default().into(),
                found: format!("one of {}: {}", names.len(), names.join(", ")),
                advice: "Convert the part of the network that takes the picture.",
            });
        };
        let node = &nodes[input];
        let signed = json["signature"]["inputs"]
            .as_object()
            .into_iter()
            .flatten();
        let signed = signed
            .filter(|(_, value)| {
                value["name"]
                    .as_str()
                    .is_some_and(|n| attributes::port(n).0 == node.name)
            })
            .find_map(|(_, value)| attributes::lengths(&value["tensorShape"]));
        let lengths = signed.or(node.shape("shape")).unwrap_or_default();
        let channels_first = self
            .wanted(&nodes)
            .any(|node| node.text("data_format") == "NCHW");
        let mut picture = Picture::of(node.name, &lengths, channels_first, options)?;
        if node.is_bytes("dtype") {
            // Bytes of a picture are its pixels.
            picture.kind.scaling = Some(Scaling::uniform(1.0, 0.0));
        }
        Ok((picture, input))
    }

    /// What was left out.
    fn notes(&self, nodes: &[Node<'_>]) -> Vec<Note> {
        let mut notes = Vec::new();
        if let Some(input) = self.input {
            notes.push(Note::PreparationCut {
                input: nodes[input].name.into(),
            });
        }
        let cut = nodes
            .iter()
            .zip(&self.roles)
            .filter(|(_, role)| **role == Role::After);
        let operations = counted(cut.map(|(node, _)| node));
        if !operations.is_empty() {
            notes.push(Note::Cut {
                operations,
                outputs: self.outputs.iter().map(|(name, _)| name.clone()).collect(),
            });
        }
        notes
    }
}

/// The nodes that some nodes depend on, these included.
fn ancestors(nodes: &[Node<'_>], from: impl IntoIterator<Item = usize>) -> Vec<bool> {
    let mut found = vec![false; nodes.len()];
    let mut pending: Vec<usize> = from.into_iter().collect();
    while let Some(k) = pending.pop() {
        if !std::mem::replace(&mut found[k], true) {
            pending.extend(nodes[k].inputs.iter().map(|(input, _)| input));
        }
    }
    found
}

/// The nodes that depend on some nodes, these included.
fn descendants(consumers: &[Vec<usize>], from: impl IntoIterator<Item = usize>) -> Vec<bool> {
    let mut found = vec![false; consumers.len()];
    let mut pending: Vec<usize> = from.into_iter().collect();
    while let Some(k) = pending.pop() {
        if !std::mem::replace(&mut found[k], true) {
            pending.extend(&consumers[k]);
        }
    }
    found
}

/// For each node, those of the needed ones that take its results.
fn consumers(nodes: &[Node<'_>], needed: &[bool]) -> Vec<Vec<usize>> {
    let mut consumers = vec![Vec::new(); nodes.len()];
    for (k, node) in nodes.iter().enumerate().filter(|(k, _)| needed[*k]) {
        for &(input, _) in &node.inputs {
            consumers[input].push(k);
        }
    }
    consumers
}

fn build(
    nodes: &[Node<'_>],
    plan: &Plan,
    input: usize,
    picture: &Picture,
    weights: &Weights<'_>,
) -> Result<(Graph, Option<Detector>)> {
    let (mut arranger, x) = picture.begin()?;
    let mut values: HashMap<usize, Vec<Arranged>> = HashMap::from([(input, vec![x])]);
    let mut pending: Vec<usize> = plan.outputs.iter().map(|(_, (node, _))| *node).collect();
    while let Some(&k) = pending.last() {
        if values.contains_key(&k) {
            pending.pop();
            continue;
        }
        let node = &nodes[k];
        if let Some(&(missing, _)) = node
            .inputs
            .iter()
            .find(|(input, _)| !values.contains_key(input))
        {
            // More pending than nodes: one waits for itself.
            if pending.len() > 2 * nodes.len() {
                return Err(damaged(format!(
                    "the node “{}” depends on itself",
                    node.name
                )));
            }
            pending.push(missing);
            continue;
        }
        arranger.at(node.name);
        let mut inputs = Vec::with_capacity(node.inputs.len());
        for (input, result) in &node.inputs {
            let value = values.get(input).and_then(|results| results.get(*result));
            inputs.push(value.cloned().ok_or_else(|| {
                damaged(format!(
                    "“{}” makes less than “{}” takes",
                    nodes[*input].name, node.name
                ))
            })?);
        }
        let made = match node.op {
            "Const" => {
                let constant = weights
                    .get(node.name)?
                    .ok_or_else(|| Error::MissingWeights {
                        layer: node.name.into(),
                        weights: "a constant",
                    })?;
                vec![arranger.constant(constant)?]
            }
            _ => operations::apply(&mut arranger, &Call { node, inputs })
                .map_err(|error| named(error, node))?,
        };
        values.insert(k, made);
        pending.pop();
    }
    let mut outputs = Vec::with_capacity(plan.outputs.len());
    for (name, (node, result)) in &plan.outputs {
        let results = &values[node];
        let y = results
            .get(*result)
            .ok_or_else(|| damaged(format!("there is no result {result} of “{name}”")))?
            .clone();
        outputs.push((name.clone(), y));
    }
    let detector = arranger.outputs(&outputs)?;
    Ok((arranger.finish()?, detector))
}

/// An error about an operation, with its name.
fn named(error: Error, node: &Node<'_>) -> Error {
    match error {
        Error::Unsupported { mut operations } => {
            for unsupported in &mut operations {
                unsupported.operation = node.op.into();
                unsupported.node = node.name.into();
            }
            Error::Unsupported { operations }
        }
        error => error,
    }
}

/// The error of a graph whose unknown operations cannot be cut off.
fn unsupported(nodes: &[Node<'_>], among: impl Fn(usize) -> bool) -> Error {
    let mut operations: Vec<Unsupported> = Vec::new();
    for (k, node) in nodes.iter().enumerate() {
        if !among(k) || operations::is_known(node.op) {
            continue;
        }
        match operations
            .iter_mut()
            .find(|known| known.operation == node.op)
        {
            Some(known) => known.count += 1,
            None => operations.push(Unsupported {
                operation: node.op.into(),
                count: 1,
                node: node.name.into(),
                reason: String::new(),
                advice: "",
            }),
        }
    }
    match operations.is_empty() {
        true => damaged("its graph has no output"),
        false => Error::Unsupported { operations },
    }
}

/// How often there is each operation, most frequent first; constants do not count.
fn counted<'n>(nodes: impl Iterator<Item = &'n Node<'n>>) -> Vec<OperationCount> {
    let names = nodes.map(|node| node.op);
    OperationCount::of(names.filter(|op| !matches!(*op, "Const" | "Placeholder" | "Identity")))
}
