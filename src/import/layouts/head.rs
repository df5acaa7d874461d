//! The last layers, which people replace by their own: one layer, with or without bias, or several.
//!
//! Weights alone do not tell what stands between layers. A saved module does, and is obeyed; of a
//! `Sequential`, numbers that are left out tell where something without weights stands, and of two
//! layers one after the other a rectifier is by far the usual. That is assumed, and said.

use std::collections::BTreeSet;

use violet_graph::ValueId;

use super::layers::{Act, Layers};
use super::{fastai, modules};
use crate::error::Result;
use crate::imported::Note;

/// BatchNorm's ε as PyTorch has it.
const EPSILON: f32 = 1e-5;

/// The layers called `name` on features in a row, \[F\].
pub(super) fn head(layers: &mut Layers, x: ValueId, name: &str) -> Result<ValueId> {
    head_from(layers, x, name, &[])
}

/// As [`head`]; what stands before its first layer is known, as the `relu` in AlexNet's
/// `classifier`, and is asked for by the numbers of those layers.
pub(super) fn head_from(
    layers: &mut Layers,
    x: ValueId,
    name: &str,
    relus: &[usize],
) -> Result<ValueId> {
    // Whoever's the network is, these are written with PyTorch's own ε.
    layers.epsilon = EPSILON;
    if layers.ends_as_fastai {
        return fastai::head(layers, x);
    }
    if layers
        .module(name)
        .is_some_and(|m| !m.class.starts_with("__torch__"))
    {
        return saved(layers, x, name, 0);
    }
    if layers.dims(&format!("{name}.weight")).len() == 2 {
        return layers.linear(x, name);
    }
    if layers.any(&format!("{name}.")) {
        return unnamed(layers, x, name, relus);
    }
    beside(layers, x, name)
}

/// A head that was saved with its classes.
fn saved(layers: &mut Layers, x: ValueId, name: &str, depth: usize) -> Result<ValueId> {
    let module = layers.module(name).cloned().unwrap_or_default();
    if depth > 8 {
        return Err(modules::unknown(name, "a head that nests without end"));
    }
    match modules::class(&module) {
        "Linear" => layers.linear(x, name),
        "BatchNorm1d" => layers.norm(x, name),
        "LayerNorm" => layers.layer_norm(x, name, 1e-5),
        "Flatten" => Ok(x),
        // Their outputs are told apart by the graph's own passes.
        "Softmax" => Ok(layers.b.softmax(x, -1)?),
        "LogSoftmax" => Ok(layers.b.log_softmax(x, -1)?),
        "Sequential" => {
            let mut x = x;
            for part in children(layers, name) {
                x = saved(layers, x, &part, depth + 1)?;
            }
            Ok(x)
        }
        _ => {
            let act = modules::activation(&module, name)?;
            layers.act(x, act)
        }
    }
}

/// The modules directly inside one, by their numbers.
fn children(layers: &Layers, name: &str) -> Vec<String> {
    let is_child = |number: &usize| layers.module(&format!("{name}.{number}")).is_some();
    let numbers = (0..64).filter(is_child);
    numbers.map(|number| format!("{name}.{number}")).collect()
}

/// A part of a head that has weights.
struct Part {
    name: String,
    /// Its place in a `Sequential`.
    number: Option<usize>,
    kind: Kind,
}

/// What a part is, which the shapes of its weights tell.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    Linear,
    BatchNorm,
    LayerNorm,
    Prelu,
}

impl Part {
    fn is_layer(&self) -> bool {
        self.kind == Kind::Linear
    }
}

/// A head of which only the weights were saved.
fn unnamed(layers: &mut Layers, x: ValueId, name: &str, relus: &[usize]) -> Result<ValueId> {
    let parts = parts(layers, name);
    let (mut x, mut assumed) = (x, false);
    for (k, part) in parts.iter().enumerate() {
        x = match part.kind {
            Kind::Linear => layers.linear(x, &part.name)?,
            Kind::BatchNorm => layers.norm(x, &part.name)?,
            Kind::LayerNorm => layers.layer_norm(x, &part.name, 1e-5)?,
            Kind::Prelu => {
                let slopes = layers.value(&format!("{}.weight", part.name))?;
                layers.b.prelu(x, slopes)?
            }
        };
        let Some(next) = parts.get(k + 1) else { break };
        // A rectifier at the first gap before the next layer.
        let gap = match (part.number, next.number) {
            (Some(here), Some(there)) => there > here + 1,
            _ => next.is_layer(),
        };
        let since = parts[..=k].iter().rposition(Part::is_layer);
        let named = |parts: &[Part]| parts.iter().any(|part| part.kind == Kind::Prelu);
        let before = since.is_some_and(|since| {
            let until = parts[k + 1..].iter().position(Part::is_layer);
            let until = until.map_or(parts.len(), |layers| k + 1 + layers);
            if named(&parts[since..until]) {
                return true;
            }
            let gaps = parts[since..=k].windows(2);
            gaps.into_iter().any(
                |pair| matches!((pair[0].number, pair[1].number), (Some(a), Some(b)) if b > a + 1),
            )
        });
        if gap && since.is_some() && !before {
            x = layers.act(x, Act::Relu)?;
            assumed |= part.number.is_none_or(|number| !relus.contains(&number));
        }
    }
    if assumed {
        layers
            .notes
            .push(Note::AssumedRectifiers { head: name.into() });
    }
    Ok(x)
}

/// The parts of a head in the order of their numbers, or of their names.
fn parts(layers: &Layers, name: &str) -> Vec<Part> {
    let names = layers.names(&format!("{name}."));
    let ends = names.iter().filter_map(|full| full.strip_suffix(".weight"));
    let mut parts: Vec<Part> = ends
        .map(|part| Part {
            name: part.into(),
            number: part.rsplit('.').next().and_then(|last| last.parse().ok()),
            kind: match layers.dims(&format!("{part}.weight")).len() {
                _ if layers.has(&format!("{part}.running_var")) => Kind::BatchNorm,
                1 if layers.has(&format!("{part}.bias")) => Kind::LayerNorm,
                1 => Kind::Prelu,
                _ => Kind::Linear,
            },
        })
        .collect();
    parts.sort_by_key(|part| part.number);
    parts
}

/// A head that stands outside of the network, as where `self.fc = Identity()` and a layer of one's own
/// follows: the only layers beside it that take as many features.
fn beside(layers: &mut Layers, x: ValueId, name: &str) -> Result<ValueId> {
    let features = layers.b.shape(x).last().copied().unwrap_or(0);
    let fits = layers.beside().filter_map(|(full, tensor)| {
        let fits = matches!(tensor.shape[..], [_, inputs] if inputs == features);
        let layer = full.strip_suffix(".weight").filter(|_| fits)?;
        // The numbers of a `Sequential` belong to what holds them.
        let numbered = layer
            .rsplit_once('.')
            .filter(|(_, last)| last.parse::<usize>().is_ok());
        Some(numbered.map_or(layer, |(whole, _)| whole).to_owned())
    });
    let fits: Vec<String> = fits.collect::<BTreeSet<_>>().into_iter().collect();
    let [found] = fits.as_slice() else {
        let reason = match fits.len() {
            0 => format!("its last layer, “{name}”, is missing"),
            _ => format!(
                "“{name}” is missing, and {} could be its last layer",
                fits.join(" or ")
            ),
        };
        return Err(layers.differs(reason));
    };
    let normed = layers.beside().find_map(|(full, tensor)| {
        let norm = full.strip_suffix(".running_var")?;
        let inside = norm.starts_with(&format!("{found}."));
        (tensor.shape == [features] && !inside).then(|| norm.to_owned())
    });
    if let Some(norm) = normed {
        let reason = format!("“{norm}” may stand before “{found}”, or may not");
        return Err(layers.differs(reason));
    }
    layers.notes.push(Note::AssumedHead {
        head: found.clone(),
    });
    layers.elsewhere("", |layers| head(layers, x, found))
}
