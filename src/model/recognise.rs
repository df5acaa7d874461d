//! Whose weights are these? A checkpoint of unknown origin → an architecture.

use std::collections::BTreeMap;

use super::{Architecture, Checkpoint};
use crate::error::{Error, Result};

/// What wrappers put before every name: PyTorch's `DataParallel`, Lightning and people.
const PREFIXES: [&str; 6] = [
    "module.",
    "model.",
    "backbone.",
    "net.",
    "network.",
    "encoder.",
];
/// Names listed in a message, at most.
const LISTED: usize = 3;

/// A checkpoint as its architecture names it.
#[derive(Debug)]
pub struct Recognised {
    /// Whose weights these are.
    pub architecture: Architecture,
    /// How many classes it has.
    pub classes: usize,
    /// The weights, by the names that [`Network::load`](super::Network::load) takes.
    pub checkpoint: Checkpoint,
}

/// Finds the architecture that a checkpoint belongs to, among those whose number of classes is
/// free: ResNet-18, 34, 50 and EfficientNet-Lite0. Prefixes that wrappers add are taken off;
/// BatchNorm may be there or folded.
///
/// # Errors
///
/// [`Error::UnknownLayout`], with the nearest architecture and what is missing from it or too much
/// for it.
pub fn recognise(mut checkpoint: Checkpoint) -> Result<Recognised> {
    checkpoint.rename(strip_prefixes);
    // BatchNorm's counters are no weights, but whoever halves all tensors halves them too.
    checkpoint.remove_all("num_batches_tracked");
    let found = checkpoint.shapes();
    let folded = !found.keys().any(|name| name.ends_with(".running_var"));
    let candidates = Architecture::RECOGNISED.map(|architecture| {
        let classifier = architecture.classifier();
        let weight = classifier.and_then(|(name, _)| found.get(&format!("{name}.weight")));
        let classes = weight.and_then(|shape| shape.first()).copied();
        let expected = architecture.tensors(classes.unwrap_or(0), folded);
        (Difference::between(&expected, &found), architecture)
    });
    let nearest = candidates.into_iter().min_by_key(|(d, _)| d.size());
    let Some((difference, architecture)) = nearest else {
        unreachable!("there are architectures");
    };
    difference.refuse(architecture)?;
    let classes = match architecture.classifier() {
        Some((name, _)) => checkpoint.rows(&format!("{name}.weight"))?,
        None => 0,
    };
    Ok(Recognised {
        architecture,
        classes,
        checkpoint,
    })
}

fn strip_prefixes(mut name: &str) -> &str {
    while let Some(rest) = PREFIXES.iter().find_map(|prefix| name.strip_prefix(prefix)) {
        name = rest;
    }
    name
}

type Shapes = BTreeMap<String, Vec<usize>>;

impl Architecture {
    const RECOGNISED: [Architecture; 4] = [
        Architecture::ResNet18,
        Architecture::ResNet34,
        Architecture::ResNet50,
        Architecture::EfficientNetLite0,
    ];

    /// How many classes a checkpoint tells apart; nothing of a detector, or where the last layer is not
    /// there.
    pub fn classes(self, checkpoint: &Checkpoint) -> Option<usize> {
        let (name, _) = self.classifier()?;
        checkpoint.rows(&format!("{name}.weight")).ok()
    }

    /// Leaves the network only its first `classes` outputs. A classifier is often wider than what
    /// it was trained to tell apart, as when ImageNet's thousand outputs are kept for ten classes.
    ///
    /// # Errors
    ///
    /// [`Error::ClassCount`] if it has fewer, or none were asked for; [`Error::MissingTensor`] if
    /// the checkpoint is of another architecture.
    pub fn keep_classes(self, checkpoint: &mut Checkpoint, classes: usize) -> Result<()> {
        if let Some((name, _)) = self.classifier() {
            checkpoint.keep_rows(&format!("{name}.weight"), classes)?;
            checkpoint.keep_rows(&format!("{name}.bias"), classes)?;
        }
        Ok(())
    }

    /// Puts another fully connected layer in the place of a checkpoint's, and names its classes.
    ///
    /// # Errors
    ///
    /// [`Error::NoLastLayer`] of a detector, [`Error::Length`] if the layer has not the network's
    /// features, or not a row for each class.
    #[cfg(feature = "engine")]
    pub fn exchange_last_layer(
        self,
        checkpoint: &mut Checkpoint,
        labels: &[String],
        layer: &crate::teaching::Layer,
    ) -> Result<()> {
        let (name, features) = self.classifier().ok_or(Error::NoLastLayer)?;
        let classes = labels.len();
        let weight = layer.weight.clone();
        checkpoint.insert(format!("{name}.weight"), vec![classes, features], weight)?;
        checkpoint.insert(format!("{name}.bias"), vec![classes], layer.bias.clone())?;
        checkpoint.set_labels(labels);
        Ok(())
    }

    /// Checks that a checkpoint with BatchNorm folded has every tensor of this architecture in its shape, and
    /// no other.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownLayout`] with what is missing, too much or of another shape.
    pub fn check(self, checkpoint: &Checkpoint) -> Result<()> {
        let classes = match self.classifier() {
            Some((name, _)) => checkpoint.rows(&format!("{name}.weight"))?,
            None => 0,
        };
        Difference::between(&self.tensors(classes, true), &checkpoint.shapes()).refuse(self)
    }

    /// Name and shape of every tensor that a checkpoint of this architecture has, with that many
    /// classes, and with BatchNorm or folded.
    pub fn tensors(self, classes: usize, folded: bool) -> BTreeMap<String, Vec<usize>> {
        let mut tensors = Shapes::new();
        for part in self.parts().0 {
            let name = &part.convolution;
            tensors.insert(format!("{name}.weight"), part.filter.weight_dims().to_vec());
            let channels = vec![part.filter.channels_out];
            match &part.batch_norm {
                Some(batch_norm) if !folded => {
                    for parameter in ["weight", "bias", "running_mean", "running_var"] {
                        tensors.insert(format!("{batch_norm}.{parameter}"), channels.clone());
                    }
                }
                _ => {
                    tensors.insert(format!("{name}.bias"), channels);
                }
            }
        }
        if let Some((name, features)) = self.classifier() {
            tensors.insert(format!("{name}.weight"), vec![classes, features]);
            tensors.insert(format!("{name}.bias"), vec![classes]);
        }
        tensors
    }
}

/// Names by which two sets of tensors differ.
struct Difference {
    missing: Vec<String>,
    extra: Vec<String>,
    reshaped: Vec<String>,
}

impl Difference {
    fn between(expected: &Shapes, found: &Shapes) -> Self {
        let only = |a: &Shapes, b: &Shapes| {
            let names = a.keys().filter(|name| !b.contains_key(*name));
            names.cloned().collect()
        };
        let reshaped = expected.iter().filter_map(|(name, shape)| {
            let other = found.get(name).filter(|other| *other != shape)?;
            Some(format!("{name} {other:?} ≠ {shape:?}"))
        });
        Self {
            missing: only(expected, found),
            extra: only(found, expected),
            reshaped: reshaped.collect(),
        }
    }

    /// An error, if there is any difference from that architecture.
    fn refuse(&self, nearest: Architecture) -> Result<()> {
        if self.size() == 0 {
            return Ok(());
        }
        Err(Error::UnknownLayout {
            nearest: nearest.title(),
            missing: listed(&self.missing),
            extra: listed(&self.extra),
            reshaped: listed(&self.reshaped),
        })
    }

    fn size(&self) -> usize {
        self.missing.len() + self.extra.len() + self.reshaped.len()
    }
}

/// The first names, and how many more there are; a dash for none.
fn listed(names: &[String]) -> String {
    if names.is_empty() {
        return "–".into();
    }
    let shown = names.iter().take(LISTED).cloned().collect::<Vec<_>>();
    let more = names.len().saturating_sub(LISTED);
    let rest = if more > 0 {
        format!(", … (+{more})")
    } else {
        String::new()
    };
    shown.join(", ") + &rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_come_off_in_any_number() {
        assert_eq!(strip_prefixes("module.model.conv1.weight"), "conv1.weight");
        assert_eq!(strip_prefixes("conv1.weight"), "conv1.weight");
    }

    #[test]
    fn long_lists_are_cut() {
        let names = ["a", "b", "c", "d", "e"].map(String::from);
        assert_eq!(listed(&names), "a, b, c, … (+2)");
        assert_eq!(listed(&names[..2]), "a, b");
        assert_eq!(listed(&[]), "–");
    }
}
