//! Where the networks are in what a pickle made: dictionaries of tensors, and saved modules.

use std::collections::{BTreeMap, HashSet};
use std::rc::Rc;

use super::is_float;
use super::pickle::{Pickle, Tensor, Value};
use crate::{Attribute, Candidate, Module, Result, damaged};

/// Where people put the weights, when a file holds more than them: the first of these that is there.
const USUAL: [&str; 8] = [
    "state_dict",
    "model_state_dict",
    "model_state",
    "model",
    "network",
    "net",
    "weights",
    "params",
];
/// How deep a saved module may nest.
const DEEPEST: usize = 16;
/// Values that are looked at, at most: a few for each of the largest networks' tensors.
const MOST_STEPS: usize = 1 << 20;
/// Numbers of an attribute that are kept.
const MOST_NUMBERS: usize = 16;
/// Characters of a text that is kept.
const LONGEST_TEXT: usize = 64;

/// A network, its numbers not yet read.
pub(super) struct Found {
    name: String,
    pub tensors: BTreeMap<String, Rc<Tensor>>,
    pub modules: BTreeMap<String, Module>,
}

impl Found {
    pub(super) fn candidate(&self) -> Candidate {
        let shapes = self.tensors.iter();
        Candidate {
            name: self.name.clone(),
            shapes: shapes
                .map(|(name, tensor)| (name.clone(), tensor.shape.clone()))
                .collect(),
        }
    }

    /// Whether this could be a network: something in it has two axes, or it is all that there is.
    fn is_network(&self) -> bool {
        self.tensors.values().any(|tensor| tensor.shape.len() >= 2)
    }
}

/// Every network in a pickle, the likeliest first.
pub(super) fn networks(pickle: &Pickle) -> Result<Vec<Found>> {
    let mut search = Search {
        pickle,
        seen: HashSet::new(),
        found: Vec::new(),
        steps: 0,
    };
    search.look(&pickle.root, "", 0)?;
    let mut found = search.found;
    if found.iter().any(Found::is_network) {
        found.retain(Found::is_network);
    }
    let rank = |found: &Found| {
        let last = found.name.rsplit('.').next().unwrap_or_default();
        let usual = USUAL.iter().position(|&usual| usual == last);
        (
            usual.unwrap_or(USUAL.len()),
            usize::MAX - found.tensors.len(),
        )
    };
    found.sort_by_key(rank);
    Ok(found)
}

struct Search<'p> {
    pickle: &'p Pickle,
    /// Dictionaries that were looked at, by their place.
    seen: HashSet<usize>,
    found: Vec<Found>,
    steps: usize,
}

impl Search<'_> {
    fn look(&mut self, value: &Value, name: &str, depth: usize) -> Result<()> {
        let (Value::Dictionary(place) | Value::Object(place)) = value else {
            return Ok(());
        };
        if depth > DEEPEST || !self.seen.insert(*place) {
            return Ok(());
        }
        let pickle = self.pickle;
        let has = |wanted: &str| pickle.entries(value).any(|(key, _)| key == wanted);
        let tensors = pickle.entries(value).any(|(_, v)| is_float(v).is_some());
        let scripted = pickle
            .class(value)
            .is_some_and(|c| c.starts_with("__torch__"));
        if tensors || has("_parameters") || scripted {
            let mut found = Found {
                name: name.into(),
                tensors: BTreeMap::new(),
                modules: BTreeMap::new(),
            };
            self.collect(value, "", 0, &mut found)?;
            if !found.tensors.is_empty() {
                self.found.push(found);
            }
            if has("_parameters") || scripted {
                return Ok(());
            }
        }
        for (key, value) in pickle.entries(value) {
            self.step()?;
            let inner = match name {
                "" => key.to_owned(),
                _ => format!("{name}.{key}"),
            };
            self.look(value, &inner, depth + 1)?;
        }
        Ok(())
    }

    /// Collects a dictionary's tensors; of a saved module, its parameters, buffers and those of the
    /// modules inside it.
    fn collect(
        &mut self,
        value: &Value,
        prefix: &str,
        depth: usize,
        found: &mut Found,
    ) -> Result<()> {
        if depth > DEEPEST {
            return Ok(());
        }
        let pickle = self.pickle;
        let is_module = matches!(value, Value::Object(_));
        if is_module {
            let name = prefix.strip_suffix('.').unwrap_or(prefix);
            found.modules.insert(name.into(), module(pickle, value));
        }
        for (key, value) in pickle.entries(value) {
            self.step()?;
            match value {
                value if is_float(value).is_some() => {
                    if let Some(tensor) = is_float(value) {
                        found
                            .tensors
                            .insert(format!("{prefix}{key}"), Rc::clone(tensor));
                    }
                }
                Value::Dictionary(_) if key == "_parameters" || key == "_buffers" => {
                    for (key, value) in pickle.entries(value) {
                        self.step()?;
                        if let Some(tensor) = is_float(value) {
                            found
                                .tensors
                                .insert(format!("{prefix}{key}"), Rc::clone(tensor));
                        }
                    }
                }
                Value::Dictionary(_) if key == "_modules" => {
                    for (name, module) in pickle.entries(value) {
                        let prefix = format!("{prefix}{name}.");
                        self.collect(module, &prefix, depth + 1, found)?;
                    }
                }
                // TorchScript's modules are attributes of one another.
                Value::Object(_) if is_module => {
                    let scripted = pickle
                        .class(value)
                        .is_some_and(|c| c.starts_with("__torch__"));
                    if scripted {
                        let prefix = format!("{prefix}{key}.");
                        self.collect(value, &prefix, depth + 1, found)?;
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn step(&mut self) -> Result<()> {
        self.steps += 1;
        if self.steps > MOST_STEPS {
            return Err(damaged("what it holds refers to itself without end"));
        }
        Ok(())
    }
}

/// What a saved module says of itself. What its code does is not in the file.
fn module(pickle: &Pickle, value: &Value) -> Module {
    let attributes = pickle.entries(value).filter_map(|(key, value)| {
        let number = |value: &Value| match value {
            Value::Int(number) => Some(*number as f64),
            Value::Float(number) => Some(*number),
            _ => None,
        };
        let attribute = match value {
            Value::None => Attribute::None,
            Value::Bool(truth) => Attribute::Bool(*truth),
            Value::Text(text) if text.len() <= LONGEST_TEXT => Attribute::Text(text.to_string()),
            Value::Sequence(_) if pickle.items(value).len() <= MOST_NUMBERS => {
                let numbers = pickle.items(value).iter().map(number);
                Attribute::Numbers(numbers.collect::<Option<_>>()?)
            }
            value => Attribute::Number(number(value)?),
        };
        Some((key.to_owned(), attribute))
    });
    Module {
        class: pickle.class(value).unwrap_or_default().into(),
        attributes: attributes.collect(),
    }
}
