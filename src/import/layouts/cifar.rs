//! ResNets in the names of weiaicunzai/pytorch-cifar100, which begin with 3×3 as CIFAR's pictures need it.
//!
//! # Source
//!
//! `models/resnet.py` there.

use violet_weights::Candidate;

/// What its parts are called, and what torchvision calls them.
const PARTS: [(&str, &str); 14] = [
    ("conv1.0.", "conv1."),
    ("conv1.1.", "bn1."),
    ("conv2_x.", "layer1."),
    ("conv3_x.", "layer2."),
    ("conv4_x.", "layer3."),
    ("conv5_x.", "layer4."),
    (".residual_function.0.", ".conv1."),
    (".residual_function.1.", ".bn1."),
    (".residual_function.3.", ".conv2."),
    (".residual_function.4.", ".bn2."),
    (".residual_function.6.", ".conv3."),
    (".residual_function.7.", ".bn3."),
    (".shortcut.", ".downsample."),
    ("avg_pool.", "avgpool."),
];

/// A network in its names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Residual {
    prefix: String,
}

impl Residual {
    /// The network of such names, if there is one.
    pub(super) fn of(candidate: &Candidate) -> Option<Self> {
        let mut names = candidate.shapes.keys();
        let prefix =
            names.find_map(|name| name.strip_suffix("conv2_x.0.residual_function.0.weight"))?;
        (prefix.is_empty() || prefix.ends_with('.')).then(|| Self {
            prefix: prefix.into(),
        })
    }

    /// What a name becomes.
    pub(super) fn name(&self, name: &str) -> String {
        let Some(inner) = name.strip_prefix(&*self.prefix) else {
            return name.into();
        };
        let mut new = inner.to_owned();
        for (from, to) in PARTS {
            new = match from.starts_with('.') {
                true => new.replace(from, to),
                false => match new.strip_prefix(from) {
                    Some(rest) => format!("{to}{rest}"),
                    None => new,
                },
            };
        }
        format!("{}{new}", self.prefix)
    }
}
