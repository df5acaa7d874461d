//! What a point of a path leaves for the next one: with both, a network's slopes between them are known.
//!
//! A network of rectifiers is piecewise linear. Its gradient at a point belongs to one of the pieces, and
//! between two points of a path many pieces are crossed. Where every layer takes the slope between its
//! arguments at both points for its derivative, the chain rule gives the mean gradient between them, but
//! for what changes together; and the products of mean gradient and step sum to the change of the output
//! exactly, layer by layer.
//!
//! # Source
//!
//! Shrikumar, Greenside, Kundaje 2017 (arXiv 1704.02685), the Rescale rule, from a baseline to an input at
//! once. Ancona et al. 2018 (arXiv 1711.06104), section 3, compare it with Integrated Gradients.

use burn::tensor::Tensor;

use crate::engine::Left;

/// What every operation that is not linear was given, at the last point that a network has seen.
#[derive(Debug, Clone, Default)]
pub struct Trace {
    secants: bool,
    guided: bool,
    left: Left,
    /// Logits at the last point, \[1, outputs\].
    logits: Option<Tensor<2>>,
}

impl Trace {
    /// Gradients are those at a point; nothing is kept.
    pub fn none() -> Self {
        Self::default()
    }

    /// Gradients are those between a point and the one before. Before the first there is none: its gradient
    /// is that at the point.
    pub fn secants() -> Self {
        Self {
            secants: true,
            ..Self::default()
        }
    }

    /// Gradients are those at a point, of which rectifiers let through only what is positive.
    pub fn guided() -> Self {
        Self {
            guided: true,
            ..Self::default()
        }
    }

    /// Whether rectifiers let through only what is positive.
    pub(super) fn is_guided(&self) -> bool {
        self.guided
    }

    /// Whether there are secants to take.
    pub(super) fn is_kept(&self) -> bool {
        self.secants
    }

    /// What the network itself keeps, if there are secants to take.
    pub(super) fn left(&mut self) -> Option<&mut Left> {
        self.secants.then_some(&mut self.left)
    }

    /// Keeps logits \[N, outputs\] at the last of their points, and gives back what they were before each of
    /// them.
    pub(super) fn exchange(&mut self, logits: &Tensor<2>) -> Tensor<2> {
        let logits = logits.clone().detach();
        let images = logits.dims()[0];
        let image = |k: usize| logits.clone().narrow(0, k, 1);
        let before = self.logits.replace(image(images - 1));
        let first = before.unwrap_or_else(|| image(0));
        match images {
            1 => first,
            _ => Tensor::cat(vec![first, logits.clone().narrow(0, 0, images - 1)], 0),
        }
    }
}
