//! Learners of fastai's `vision_learner`: a body that another network lends, and last layers of fastai's own.
//!
//! Both are parts of a `Sequential`, `0` and `1`. The body's names become those of the network that it is of; then
//! that one's layout builds it, and ends as a learner does.
//!
//! # Source
//!
//! fastai's `vision/learner.py` (`create_body`, `create_head`, `TimmBody`), `layers.py` (`AdaptiveConcatPool2d`,
//! `LinBnDrop`).

use violet_graph::{Reduction, ValueId};
use violet_weights::Candidate;

use super::layers::{Act, Layers};
use crate::error::Result;

/// What its last layers are called once the body has names of its own.
const HEAD: &str = "fastai";

/// A learner's network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Learner {
    prefix: String,
    /// What its body's names begin with, and what they become.
    body: [&'static str; 2],
}

impl Learner {
    /// The learner of such names, if there is one.
    pub(super) fn of(candidate: &Candidate) -> Option<Self> {
        let shapes = &candidate.shapes;
        // Its last layers begin with a normalisation, behind a pool or by themselves, and end in a layer without bias
        // since fastai's second version.
        let mut starts = ["1.2.running_var", "1.0.running_var"].into_iter();
        let prefix = starts.find_map(|start| {
            let mut prefixes = shapes.keys().filter_map(|name| name.strip_suffix(start));
            prefixes.find(|prefix| prefix.is_empty() || prefix.ends_with('.'))
        })?;
        let within = || shapes.keys().filter_map(|name| name.strip_prefix(prefix));
        let all =
            |start: &str| within().all(|name| name.starts_with(start) || name.starts_with("1."));
        let is_resnet = within().any(|name| name == "0.0.weight");
        let body = match () {
            () if is_resnet && all("0.") => ["0.", ""],
            () if all("0.model.") => ["0.model.", ""],
            () if all("0.0.") => ["0.0.", "features."],
            () => return None,
        };
        Some(Self {
            prefix: prefix.into(),
            body,
        })
    }

    /// What a name becomes: one of the body's own network, or of the last layers.
    pub(super) fn name(&self, name: &str) -> String {
        let [from, to] = self.body;
        let inner = name.strip_prefix(&*self.prefix);
        let new = inner.and_then(|inner| match inner.strip_prefix(from) {
            Some(rest) => Some(format!("{to}{rest}")),
            None => Some(format!("{HEAD}.{}", inner.strip_prefix("1.")?)),
        });
        match new {
            Some(new) => format!("{}{new}", self.prefix),
            None => name.into(),
        }
    }
}

/// The largest and the mean of each channel of a body's image, or the mean by itself, in a row.
pub(super) fn pooled(layers: &mut Layers, x: ValueId) -> Result<ValueId> {
    let inputs = layers
        .dims(&format!("{HEAD}.2.running_var"))
        .first()
        .copied();
    let of_each = |layers: &mut Layers, reduction| {
        let x = layers.b.global_pool(reduction, x)?;
        layers.flat(x)
    };
    let mean = of_each(layers, Reduction::Mean)?;
    if inputs != Some(2 * layers.channels(x)) {
        return Ok(mean);
    }
    let largest = of_each(layers, Reduction::Max)?;
    layers.concat(&[largest, mean])
}

/// A learner's last layers: each a normalisation and a layer, with rectifiers between them.
pub(super) fn head(layers: &mut Layers, x: ValueId) -> Result<ValueId> {
    // What the body's own network ends in has no part in it.
    for unused in ["head.", "classifier.", "fc.", "conv_head."] {
        layers.leave(unused);
    }
    let numbers = layers.numbers(&format!("{HEAD}."));
    let mut x = x;
    for (k, &number) in numbers.iter().enumerate() {
        let name = format!("{HEAD}.{number}");
        if layers.has(&format!("{name}.running_var")) {
            x = layers.norm(x, &name)?;
            continue;
        }
        x = layers.linear(x, &name)?;
        if k + 1 < numbers.len() {
            x = layers.act_named(x, &format!("{HEAD}.{}", number + 1), Act::Relu)?;
        }
    }
    Ok(x)
}
