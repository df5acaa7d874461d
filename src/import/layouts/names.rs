//! Names that are not a layout's own, and become one's.

use std::collections::BTreeMap;

use violet_weights::{Candidate, StateDict};

use super::cifar::Residual;
use super::fastai::Learner;
use super::hugging_face::{self, Named};

/// Whose names they are.
pub(super) enum Names {
    HuggingFace(Named),
    Fastai(Learner),
    Cifar(Residual),
}

impl Names {
    pub(super) fn of(candidate: &Candidate) -> Option<Self> {
        let named = Named::of(candidate).map(Self::HuggingFace);
        let named = named.or_else(|| Learner::of(candidate).map(Self::Fastai));
        named.or_else(|| Residual::of(candidate).map(Self::Cifar))
    }

    /// What a name becomes.
    pub(super) fn name(&self, name: &str) -> String {
        match self {
            Self::HuggingFace(named) => named.name(name),
            Self::Fastai(learner) => learner.name(name),
            Self::Cifar(residual) => residual.name(name),
        }
    }

    fn renamed<T: hugging_face::Rows>(&self, named: BTreeMap<String, T>) -> BTreeMap<String, T> {
        let new = named
            .into_iter()
            .map(|(name, value)| (self.name(&name), value));
        match self {
            Self::HuggingFace(_) => hugging_face::joined(new.collect()),
            Self::Fastai(_) | Self::Cifar(_) => new.collect(),
        }
    }

    /// The names and shapes under the layout's names.
    pub(super) fn candidate(&self, candidate: &Candidate) -> Candidate {
        Candidate {
            name: candidate.name.clone(),
            shapes: self.renamed(candidate.shapes.clone()),
        }
    }

    /// The weights under the layout's names.
    pub(super) fn state(&self, mut state: StateDict) -> StateDict {
        state.tensors = self.renamed(state.tensors);
        let modules = std::mem::take(&mut state.modules).into_iter();
        let modules = modules.map(|(path, module)| {
            let name = self.name(&format!("{path}."));
            (name.trim_end_matches('.').to_owned(), module)
        });
        state.modules = modules.collect();
        state
    }
}
