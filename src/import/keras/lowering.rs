//! A model's layers, called one after the other, into a graph.

use std::collections::HashMap;

use serde_json::Value;
use violet_graph::Constant;

use super::config::{Argument, Call, Layer, Model, Port, Wiring};
use super::fields::Fields;
use super::weights::Locations;
use super::{activations, layers};
use crate::arranged::{Arranged, Arranger};
use crate::error::{Error, Result, Unsupported};

/// How many calls of layers a model may make, those of nested models included.
const MAX_CALLS: usize = 50_000;

/// What a layer is called with.
#[derive(Debug, Clone)]
pub(super) enum Operand {
    /// What another layer makes.
    Value(Arranged),
    /// A constant of the configuration.
    Constant(Value),
}

/// Who wrote the file, as far as it changes what a layer computes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Flavour {
    /// Keras' version, the first number.
    pub(crate) keras: u64,
    /// Whether TensorFlow.js runs it.
    pub(crate) tfjs: bool,
}

/// Builds the graph of a model.
pub(super) struct Lowering<'a> {
    pub(super) arranger: Arranger,
    pub(super) flavour: Flavour,
    pub(super) locations: &'a Locations,
    pub(super) read: &'a dyn Fn(&str) -> Result<Constant>,
    calls_left: usize,
}

impl<'a> Lowering<'a> {
    pub(super) fn new(
        arranger: Arranger,
        flavour: Flavour,
        locations: &'a Locations,
        read: &'a dyn Fn(&str) -> Result<Constant>,
    ) -> Self {
        Self {
            arranger,
            flavour,
            locations,
            read,
            calls_left: MAX_CALLS,
        }
    }

    /// What a model makes of `inputs`.
    pub(super) fn model(
        &mut self,
        model: &Model,
        inputs: &[Arranged],
        path: &mut Vec<String>,
    ) -> Result<Vec<Arranged>> {
        match &model.wiring {
            Wiring::Chain => {
                let [input] = inputs else {
                    return Err(damaged(format!(
                        "a chain of layers is called with {} values",
                        inputs.len()
                    )));
                };
                let mut x = vec![input.clone()];
                for layer in &model.layers {
                    let operands: Vec<_> = x.into_iter().map(Operand::Value).collect();
                    x = self.layer(layer, &operands, &[], path)?;
                }
                Ok(x)
            }
            Wiring::Graph {
                inputs: ports,
                outputs,
            } => {
                let mut made = Made::new(model, ports, inputs)?;
                let mut results = Vec::new();
                for port in outputs {
                    results.push(self.port(&mut made, port, path)?);
                }
                Ok(results)
            }
        }
    }

    /// What a port of a model gives, after all that it depends on. Without recursion: chains are as
    /// long as a file likes.
    fn port(
        &mut self,
        made: &mut Made<'_>,
        port: &Port,
        path: &mut Vec<String>,
    ) -> Result<Arranged> {
        let mut pending = vec![made.call_of(port)?];
        while let Some(&key) = pending.last() {
            if made.values.contains_key(&key) {
                pending.pop();
                continue;
            }
            let (layer, call) = made.find(key)?;
            let ports = call
                .arguments
                .iter()
                .chain(call.named.iter().map(|(_, argument)| argument))
                .filter_map(|argument| match argument {
                    Argument::Value(port) => Some(port),
                    Argument::Constant(_) => None,
                });
            let mut missing = Vec::new();
            for port in ports {
                let key = made.call_of(port)?;
                if !made.values.contains_key(&key) {
                    missing.push(key);
                }
            }
            if missing.is_empty() {
                let operand = |argument: &Argument| made.operand(argument);
                let operands = call
                    .arguments
                    .iter()
                    .map(operand)
                    .collect::<Result<Vec<_>>>()?;
                let named = call
                    .named
                    .iter()
                    .map(|(name, argument)| Ok((name.as_str(), operand(argument)?)))
                    .collect::<Result<Vec<_>>>()?;
                let results = self.layer(layer, &operands, &named, path)?;
                made.values.insert(key, results);
                pending.pop();
            } else {
                // More pending than calls: one waits for itself.
                if pending.len() > made.calls {
                    return Err(damaged(format!(
                        "the layer “{}” depends on itself",
                        layer.name
                    )));
                }
                pending.push(missing[0]);
            }
        }
        made.get(port)
    }

    /// What a layer makes of its operands.
    fn layer(
        &mut self,
        layer: &Layer,
        operands: &[Operand],
        named: &[(&str, Operand)],
        path: &mut Vec<String>,
    ) -> Result<Vec<Arranged>> {
        self.calls_left = self
            .calls_left
            .checked_sub(1)
            .ok_or_else(|| damaged(format!("it calls layers more than {MAX_CALLS} times")))?;
        path.push(layer.name.clone());
        let made = match &layer.model {
            Some(model) => {
                let values = operands
                    .iter()
                    .chain(named.iter().map(|(_, operand)| operand));
                let inputs: Vec<Arranged> = values
                    .filter_map(|operand| match operand {
                        Operand::Value(x) => Some(x.clone()),
                        Operand::Constant(_) => None,
                    })
                    .collect();
                self.model(model, &inputs, path)?
            }
            None => {
                self.arranger.at(&path.join("/"));
                let fields = Fields {
                    name: &layer.name,
                    class: &layer.class,
                    module: &layer.module,
                    values: &layer.config,
                };
                vec![layers::apply(self, &fields, operands, named, path)?]
            }
        };
        path.pop();
        Ok(made)
    }

    /// The arrays of a layer, in the order of its roles.
    pub(super) fn weights(&self, path: &[String]) -> Result<Vec<Constant>> {
        self.locations
            .of(path)
            .iter()
            .map(|location| (self.read)(location))
            .collect()
    }
}

/// Which call of which layer.
type Key<'a> = (&'a str, usize);

/// What the calls of a model's layers have made so far.
struct Made<'a> {
    layers: HashMap<&'a str, &'a Layer>,
    values: HashMap<Key<'a>, Vec<Arranged>>,
    calls: usize,
}

impl<'a> Made<'a> {
    fn new(model: &'a Model, ports: &[Port], inputs: &[Arranged]) -> Result<Self> {
        if ports.len() != inputs.len() {
            return Err(damaged(format!(
                "a model of {} inputs is called with {} values",
                ports.len(),
                inputs.len()
            )));
        }
        let layers = model
            .layers
            .iter()
            .map(|layer| (layer.name.as_str(), layer))
            .collect();
        let calls = model
            .layers
            .iter()
            .map(|layer| layer.calls.len().max(1))
            .sum();
        let mut made = Self {
            layers,
            values: HashMap::new(),
            calls,
        };
        for (port, input) in ports.iter().zip(inputs) {
            let key = made.call_of(port)?;
            made.values.insert(key, vec![input.clone()]);
        }
        Ok(made)
    }

    /// Files of Keras 2.0 to 2.2 count a nested model's own first call too: what is called once is
    /// that one, whatever its number.
    fn call_of(&self, port: &Port) -> Result<Key<'a>> {
        let (&name, layer) = self
            .layers
            .get_key_value(port.layer.as_str())
            .ok_or_else(|| damaged(format!("there is no layer “{}”", port.layer)))?;
        match layer.calls.len() {
            0 | 1 => Ok((name, 0)),
            calls if port.call < calls => Ok((name, port.call)),
            calls => Err(damaged(format!(
                "the layer “{name}” is called {calls} times, and another call is asked for"
            ))),
        }
    }

    fn find(&self, (name, call): Key<'a>) -> Result<(&'a Layer, &'a Call)> {
        let layer = self.layers[name];
        let call = layer
            .calls
            .get(call)
            .ok_or_else(|| damaged(format!("the layer “{name}” is called with nothing")))?;
        Ok((layer, call))
    }

    fn get(&self, port: &Port) -> Result<Arranged> {
        let results = self.values.get(&self.call_of(port)?);
        results
            .and_then(|results| results.get(port.result))
            .cloned()
            .ok_or_else(|| {
                damaged(format!(
                    "the layer “{}” makes less than is taken",
                    port.layer
                ))
            })
    }

    fn operand(&self, argument: &Argument) -> Result<Operand> {
        Ok(match argument {
            Argument::Value(port) => Operand::Value(self.get(port)?),
            Argument::Constant(value) => Operand::Constant(value.clone()),
        })
    }
}

/// Refuses a model with layers that cannot be explained, naming all of them.
pub(super) fn check(model: &Model) -> Result<()> {
    let mut unsupported: Vec<Unsupported> = Vec::new();
    let mut pending = vec![model];
    while let Some(model) = pending.pop() {
        for layer in &model.layers {
            if let Some(model) = &layer.model {
                pending.push(model);
                continue;
            }
            let activation = activations::name(layer.config.get("activation"));
            let (operation, advice) = match layers::support(layer) {
                layers::Support::Known if activations::is_known(activation) => continue,
                layers::Support::Known => (
                    format!("{} with the activation “{activation}”", layer.class),
                    "",
                ),
                layers::Support::Unknown { operation, advice } => (operation, advice),
            };
            match unsupported
                .iter_mut()
                .find(|known| known.operation == operation)
            {
                Some(known) => known.count += 1,
                None => unsupported.push(Unsupported {
                    operation,
                    count: 1,
                    node: layer.name.clone(),
                    reason: String::new(),
                    advice,
                }),
            }
        }
    }
    match unsupported.is_empty() {
        true => Ok(()),
        false => Err(Error::Unsupported {
            operations: unsupported,
        }),
    }
}

pub(super) fn damaged(detail: String) -> Error {
    Error::Damaged {
        format: "Keras",
        detail,
    }
}
