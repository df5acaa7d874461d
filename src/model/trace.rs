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

use std::collections::VecDeque;

use burn::tensor::Tensor;

/// The arguments of every layer that is not linear, at the last point that a network has seen.
#[derive(Debug, Default)]
pub struct Trace {
    secants: bool,
    before: VecDeque<Tensor<4>>,
    after: Vec<Tensor<4>>,
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

    /// Goes on to the next points: what the last ones left is what lies before them.
    pub(super) fn advance(&mut self) {
        self.before = std::mem::take(&mut self.after).into();
    }

    /// Whether there are secants to take.
    pub(super) fn is_kept(&self) -> bool {
        self.secants
    }

    /// Keeps a layer's argument \[N, C, H, W\] at the last of its points, and gives back what it was before the
    /// first, \[1, C, H, W\].
    pub(super) fn exchange(&mut self, argument: &Tensor<4>) -> Tensor<4> {
        let argument = argument.clone().detach();
        let images = argument.dims()[0];
        let image = |k: usize| argument.clone().narrow(0, k, 1);
        self.after.push(image(images - 1));
        self.before.pop_front().unwrap_or_else(|| image(0))
    }

    /// As [`exchange`](Self::exchange), but what the argument was before each of its points: \[N, C, H, W\].
    pub(super) fn exchange_all(&mut self, argument: &Tensor<4>) -> Tensor<4> {
        let first = self.exchange(argument);
        match argument.dims()[0] {
            1 => first,
            images => {
                let others = argument.clone().detach().narrow(0, 0, images - 1);
                Tensor::cat(vec![first, others], 0)
            }
        }
    }
}
