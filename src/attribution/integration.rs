//! One integral under way: which gradients are wanted, and the sum of those that are in. Whoever computes
//! gradients drives it.

use std::ops::Range;

use super::partial_sum::{Accumulator, Attributions, PartialSum, PathSample};
use super::quadrature::{Quadrature, Rule};
use crate::error::Result;

/// See the [module](self).
#[derive(Debug)]
pub struct Integration {
    quadrature: Quadrature,
    order: Vec<usize>,
    sum: Accumulator,
}

impl Integration {
    /// Nothing is in yet. `length` is that of an input, flat.
    ///
    /// # Errors
    ///
    /// [`Error::StepCount`](crate::Error::StepCount).
    pub fn new(rule: Rule, n_steps: usize, length: usize) -> Result<Self> {
        let quadrature = rule.quadrature(n_steps)?;
        Ok(Self {
            order: quadrature.order(),
            quadrature,
            sum: Accumulator::new(length),
        })
    }

    /// How many gradients it takes.
    pub fn all_gradients(&self) -> usize {
        self.order.len()
    }

    /// Some of them, by their place in the order in which they serve best.
    pub fn part(&self, places: Range<usize>) -> Quadrature {
        self.quadrature.pick(&self.order[places])
    }

    /// Takes in a part.
    ///
    /// # Errors
    ///
    /// [`Error::Length`](crate::Error::Length) if it belongs to an input of another size.
    pub fn add(&mut self, partial: &PartialSum) -> Result<()> {
        self.sum.add(partial)
    }

    /// Gradients that are in.
    pub fn gradients(&self) -> usize {
        self.sum.samples().len()
    }

    /// F and its slope at every point that is in.
    pub fn samples(&self) -> &[PathSample] {
        self.sum.samples()
    }

    /// Points and weights of the whole rule.
    pub fn quadrature(&self) -> &Quadrature {
        &self.quadrature
    }

    /// `(x − x') · Σ w · ∂F/∂x` of what is in so far.
    ///
    /// # Errors
    ///
    /// [`Error::Length`](crate::Error::Length) if `input` or `baseline` has another length than
    /// the gradients.
    pub fn attributions(&self, input: &[f32], baseline: &[f32]) -> Result<Attributions> {
        self.sum.attributions(input, baseline)
    }
}
