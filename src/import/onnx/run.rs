//! Runs a file's nodes through the builder, functions and branches included.
//!
//! What is not supported does not end this: it is remembered, what depends on it is left out, and
//! at the end all of it is said at once.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use violet_graph::{Builder, ValueId, limits};

use super::call::{Answer, Attributes, Call, Operator, Refusal, Value};
use super::model::{Function, Graph, Model, Node, Opset};
use super::node::{describe, full_name, is_layer, is_standard, resolved, without};
use super::order::order;
use super::quantised::{self, Quantised};
use super::tensor::{self, Beside};
use super::{damaged, ops};
use crate::error::{Error, Result, Unsupported};

/// Functions in functions, branches in branches.
const MAX_DEPTH: usize = 32;

/// Why what lies behind is cut off.
const NO_SLOPE: &str = "it has no slope, and a part of the network depends on it";

/// Reads the nodes of one file.
pub(crate) struct Runner<'m, 'a> {
    pub(crate) builder: Builder,
    functions: HashMap<(&'a str, &'a str, &'a str), &'m Function<'a>>,
    opsets: &'m [Opset<'a>],
    beside: Beside<'a>,
    batch: Option<usize>,
    decoded: HashMap<usize, ValueId>,
    /// Nodes run so far: what functions call again and again is bounded too.
    steps: usize,
    /// How often the file has which operator, functions inlined.
    pub(crate) counts: BTreeMap<String, usize>,
    failures: Vec<Unsupported>,
    pub(crate) cut: Cut,
}

/// What lies behind operators without a slope.
#[derive(Debug, Default)]
pub(crate) struct Cut {
    /// The operators that were cut off, in order, with the first one's name.
    pub(crate) origins: Vec<Unsupported>,
    /// Names and values that they take: what could be explained instead.
    pub(crate) boundary: Vec<(String, ValueId)>,
}

/// Names of one graph or function while it runs.
struct Scope<'c, 'a> {
    values: HashMap<&'a str, Value<'a>>,
    /// Attributes of a function's caller.
    attributes: Attributes<'a>,
    opsets: &'c [Opset<'a>],
    /// Names that somebody takes.
    used: BTreeSet<&'a str>,
}

impl<'m, 'a> Runner<'m, 'a> {
    pub(crate) fn new(
        builder: Builder,
        model: &'m Model<'a>,
        beside: Beside<'a>,
        batch: Option<usize>,
    ) -> Self {
        let functions = model.functions.iter();
        let functions = functions.map(|function| {
            (
                (function.domain, function.name, function.overload),
                function,
            )
        });
        Self {
            builder,
            functions: functions.collect(),
            opsets: &model.opsets,
            beside,
            batch,
            decoded: HashMap::new(),
            steps: 0,
            counts: BTreeMap::new(),
            failures: Vec::new(),
            cut: Cut::default(),
        }
    }

    /// Runs the main graph, some names of which have a value already; gives what its outputs stand
    /// for.
    ///
    /// # Errors
    ///
    /// Of damaged files, and [`Error::Graph`].
    pub(crate) fn run(
        &mut self,
        graph: &Graph<'a>,
        given: HashMap<&'a str, Value<'a>>,
    ) -> Result<Vec<Value<'a>>> {
        let opsets = self.opsets;
        let mut scope = Scope {
            values: given,
            attributes: HashMap::new(),
            opsets,
            used: BTreeSet::new(),
        };
        self.run_graph(graph, &mut scope, 0)
    }

    /// Everything that is not supported.
    pub(crate) fn failures(&self) -> &[Unsupported] {
        &self.failures
    }

    fn run_graph(
        &mut self,
        graph: &Graph<'a>,
        scope: &mut Scope<'_, 'a>,
        depth: usize,
    ) -> Result<Vec<Value<'a>>> {
        for tensor in &graph.initializers {
            scope
                .values
                .entry(tensor.name)
                .or_insert_with(|| Value::Tensor(tensor.clone()));
        }
        let wanted: Vec<&str> = graph.outputs.iter().map(|output| output.name).collect();
        self.run_nodes(&graph.nodes, &wanted, scope, depth)
    }

    fn run_nodes(
        &mut self,
        nodes: &[Node<'a>],
        wanted: &[&'a str],
        scope: &mut Scope<'_, 'a>,
        depth: usize,
    ) -> Result<Vec<Value<'a>>> {
        if depth > MAX_DEPTH {
            return Err(damaged(format!("functions lie more than {MAX_DEPTH} deep")));
        }
        let order = order(nodes, wanted)?;
        scope.used.extend(wanted);
        scope.used.extend(
            order
                .iter()
                .flat_map(|&index| nodes[index].inputs.iter().copied()),
        );
        for index in order {
            self.run_node(&nodes[index], scope, depth)?;
        }
        let value = |name: &&'a str| {
            let value = scope.values.get(name).cloned();
            value.ok_or_else(|| damaged(format!("nothing makes the output “{name}”")))
        };
        wanted.iter().map(value).collect()
    }

    fn run_node(&mut self, node: &Node<'a>, scope: &mut Scope<'_, 'a>, depth: usize) -> Result<()> {
        self.steps += 1;
        if self.steps > limits::NODES {
            return Err(Error::Graph(violet_graph::Error::TooLarge {
                node: node.name.into(),
                operation: "Network",
                what: "nodes",
                found: self.steps as u64,
                limit: limits::NODES as u64,
            }));
        }
        let mut inputs = Vec::with_capacity(node.inputs.len());
        for name in &node.inputs {
            inputs.push(match (*name, scope.values.get(name)) {
                ("", _) => None,
                (_, Some(value)) => Some(value.clone()),
                (_, None) => {
                    let node = describe(node);
                    return Err(damaged(format!(
                        "nothing makes “{name}”, which {node} takes"
                    )));
                }
            });
        }
        let attributes = resolved(node, &scope.attributes);
        let function = self
            .functions
            .get(&(node.domain, node.op_type, node.overload))
            .copied();
        let made = match function {
            Some(function) => self.call(function, inputs, node, attributes, scope, depth)?,
            None if node.op_type == "If" && is_standard(node.domain) => {
                self.branch(node, &inputs, &attributes, scope, depth)?
            }
            None => self.operate(node, inputs, attributes, scope)?,
        };
        let mut made = made.into_iter();
        for name in &node.outputs {
            let value = made.next().unwrap_or(Value::Unused);
            if !name.is_empty() {
                scope.values.insert(name, value);
            }
        }
        Ok(())
    }

    /// A function, in place of its call.
    fn call(
        &mut self,
        function: &'m Function<'a>,
        inputs: Vec<Option<Value<'a>>>,
        node: &Node<'a>,
        mut attributes: Attributes<'a>,
        scope: &Scope<'_, 'a>,
        depth: usize,
    ) -> Result<Vec<Value<'a>>> {
        for default in &function.defaults {
            attributes.entry(default.name).or_insert(*default);
        }
        let given = function.inputs.iter().copied().zip(inputs);
        let values = given
            .filter_map(|(name, value)| Some((name, value?)))
            .collect();
        let opsets = match function.opsets.as_slice() {
            [] => self.opsets,
            own => own,
        };
        let mut inner = Scope {
            values,
            attributes,
            opsets,
            used: BTreeSet::new(),
        };
        // What nobody takes of its results is not computed.
        let taken = |index: usize| {
            node.outputs
                .get(index)
                .is_some_and(|name| scope.used.contains(name))
        };
        let indices: Vec<usize> = (0..function.outputs.len()).filter(|&k| taken(k)).collect();
        let wanted: Vec<&str> = indices
            .iter()
            .map(|&index| function.outputs[index])
            .collect();
        // An input left out has no name inside; what takes it takes nothing.
        let absent = function
            .inputs
            .iter()
            .filter(|name| !inner.values.contains_key(*name));
        let absent: BTreeSet<&str> = absent.copied().collect();
        let made = if absent.is_empty() {
            self.run_nodes(&function.nodes, &wanted, &mut inner, depth + 1)?
        } else {
            let nodes: Vec<Node<'a>> = function
                .nodes
                .iter()
                .map(|node| without(node, &absent))
                .collect();
            self.run_nodes(&nodes, &wanted, &mut inner, depth + 1)?
        };
        let mut outputs = vec![Value::Unused; function.outputs.len()];
        for (index, value) in indices.into_iter().zip(made) {
            outputs[index] = value;
        }
        Ok(outputs)
    }

    /// The branch that a constant condition chooses.
    fn branch(
        &mut self,
        node: &Node<'a>,
        inputs: &[Option<Value<'a>>],
        attributes: &Attributes<'a>,
        scope: &mut Scope<'_, 'a>,
        depth: usize,
    ) -> Result<Vec<Value<'a>>> {
        self.count(node);
        let condition = match inputs.first() {
            Some(Some(Value::Graph(id))) => self.builder.known(*id).cloned(),
            Some(Some(Value::Tensor(tensor))) => Some(tensor::constant(tensor, self.beside)?),
            _ => None,
        };
        let Some(condition) = condition else {
            let reason = "which branch it takes depends on the picture".into();
            self.fail(node, reason, "");
            return Ok(vec![Value::Failed; node.outputs.len()]);
        };
        let holds = condition.to_i64().first().is_some_and(|&value| value != 0);
        let name = if holds { "then_branch" } else { "else_branch" };
        let graph = match attributes.get(name) {
            Some(attribute) => attribute
                .graph()
                .map_err(|error| damaged(error.to_string()))?,
            None => None,
        };
        let graph = graph.ok_or_else(|| damaged(format!("{} lacks a branch", describe(node))))?;
        // Names in a branch are none of those around it.
        self.run_graph(&graph, scope, depth + 1)
    }

    /// An operator of a table.
    fn operate(
        &mut self,
        node: &Node<'a>,
        inputs: Vec<Option<Value<'a>>>,
        attributes: Attributes<'a>,
        scope: &Scope<'_, 'a>,
    ) -> Result<Vec<Value<'a>>> {
        self.count(node);
        let results = |value: Value<'a>| vec![value; node.outputs.len()];
        let behind_cut = inputs
            .iter()
            .flatten()
            .any(|value| matches!(value, Value::Cut));
        if behind_cut {
            if is_layer(node, &inputs) {
                // There is a network behind the cut: then it is none.
                self.failures.append(&mut self.cut.origins);
                return Ok(results(Value::Failed));
            }
            self.add_boundary(node, &inputs);
            // What people know the end of a detector by.
            if matches!(node.op_type, "NonMaxSuppression" | "TopK") {
                note(&mut self.cut.origins, node, NO_SLOPE.into(), "");
            }
            return Ok(results(Value::Cut));
        }
        let Some(operator) = ops::find(node.domain, node.op_type) else {
            self.fail(node, String::new(), ops::advice(node.domain, node.op_type));
            return Ok(results(Value::Failed));
        };
        if inputs
            .iter()
            .flatten()
            .any(|value| matches!(value, Value::Failed))
        {
            return Ok(results(Value::Failed));
        }
        self.builder.at(if node.name.is_empty() {
            node.outputs.first().copied().unwrap_or_default()
        } else {
            node.name
        });
        let given = inputs.clone();
        let wanted = node
            .outputs
            .iter()
            .map(|name| scope.used.contains(name))
            .collect();
        let mut call = Call {
            b: &mut self.builder,
            node,
            attributes,
            inputs,
            opset: opset(scope.opsets),
            batch: self.batch,
            beside: self.beside,
            decoded: &mut self.decoded,
            wanted,
        };
        let stored = quantised::enter(&mut call);
        match answer(operator, &mut call) {
            Ok(made) => Ok(made
                .into_iter()
                .map(|value| stored_as(value, stored.as_ref()))
                .collect()),
            Err(Refusal::Fatal(error)) => Err(error),
            Err(Refusal::NoSlope) => {
                note(&mut self.cut.origins, node, NO_SLOPE.into(), "");
                self.add_boundary(node, &given);
                Ok(results(Value::Cut))
            }
            Err(Refusal::Unsupported { reason, advice }) => {
                self.fail(node, reason, advice);
                Ok(results(Value::Failed))
            }
        }
    }

    /// Remembers what a node that is cut off takes.
    fn add_boundary(&mut self, node: &Node<'a>, inputs: &[Option<Value<'a>>]) {
        for (name, value) in node.inputs.iter().zip(inputs) {
            let id = match value {
                Some(Value::Graph(id)) => *id,
                Some(Value::Quantised(quantised)) => quantised.real,
                _ => continue,
            };
            let known = self.cut.boundary.iter().any(|&(_, other)| other == id);
            if self.builder.known(id).is_none() && !known {
                self.cut.boundary.push(((*name).into(), id));
            }
        }
    }

    fn count(&mut self, node: &Node<'a>) {
        *self.counts.entry(full_name(node)).or_default() += 1;
    }

    fn fail(&mut self, node: &Node<'a>, reason: String, advice: &'static str) {
        note(&mut self.failures, node, reason, advice);
    }
}

/// Adds a node to those of the same operator with the same reason.
fn note(list: &mut Vec<Unsupported>, node: &Node<'_>, reason: String, advice: &'static str) {
    let operation = full_name(node);
    let same = |other: &&mut Unsupported| other.operation == operation && other.reason == reason;
    match list.iter_mut().find(same) {
        Some(known) => known.count += 1,
        None => {
            let node = match node.name {
                "" => node.outputs.first().copied().unwrap_or_default(),
                name => name,
            };
            list.push(Unsupported {
                operation,
                count: 1,
                node: node.into(),
                reason,
                advice,
            });
        }
    }
}

/// The version of ONNX's own operators.
pub(crate) fn opset(opsets: &[Opset<'_>]) -> i64 {
    let own = opsets.iter().filter(|opset| is_standard(opset.domain));
    own.map(|opset| opset.version).max().unwrap_or(1)
}

fn answer<'a>(operator: Operator, call: &mut Call<'_, 'a>) -> Answer<Vec<Value<'a>>> {
    match operator {
        Operator::One(operate) => Ok(vec![Value::Graph(operate(call)?)]),
        Operator::Many(operate) => operate(call),
    }
}

/// Results of what only moves integers are stored as they were.
fn stored_as<'a>(value: Value<'a>, stored: Option<&Quantised>) -> Value<'a> {
    match (value, stored) {
        (Value::Graph(id), Some(stored)) => Value::Quantised(stored.with(id)),
        (value, _) => value,
    }
}
