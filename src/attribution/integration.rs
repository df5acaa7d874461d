//! One integral under way, by a fixed rule or an adaptive one: which gradients are wanted next,
//! and the sum of those that are in. Whoever computes gradients drives it.

use super::adaptive::Adaptive;
use super::partial_sum::{Accumulator, Attributions, PartialSum, PathEnds, PathSample};
use super::quadrature::{Quadrature, Rule};
use crate::error::Result;

/// How the path is walked.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Method {
    /// A number of steps that is chosen beforehand.
    Fixed {
        /// The rule.
        rule: Rule,
        /// Its number of steps.
        n_steps: usize,
    },
    /// As many gradients as it takes.
    Adaptive {
        /// The largest convergence delta that is good enough, as a share of the change of F.
        tolerance: f64,
        /// The most gradients.
        budget: usize,
    },
}

/// Gradients that are wanted, in the order in which they serve best.
#[derive(Debug, Clone, PartialEq)]
pub struct Round {
    /// Positions on the path.
    pub alphas: Vec<f64>,
    /// Their weights: gradients may be summed before they are handed in. Without, each is handed
    /// in by itself.
    pub step_sizes: Option<Vec<f64>>,
}

/// See the [module](self).
#[derive(Debug)]
pub struct Integration(State);

#[derive(Debug)]
enum State {
    Fixed {
        quadrature: Quadrature,
        sum: Accumulator,
        asked: bool,
    },
    Adaptive(Adaptive),
}

impl Integration {
    /// Nothing is in yet. `length` is that of an input, flat.
    ///
    /// # Errors
    ///
    /// [`Error::StepCount`](crate::Error::StepCount),
    /// [`Error::Tolerance`](crate::Error::Tolerance) or [`Error::Budget`](crate::Error::Budget).
    pub fn new(method: Method, length: usize) -> Result<Self> {
        Ok(Self(match method {
            Method::Fixed { rule, n_steps } => State::Fixed {
                quadrature: rule.quadrature(n_steps)?,
                sum: Accumulator::new(length),
                asked: false,
            },
            Method::Adaptive { tolerance, budget } => {
                State::Adaptive(Adaptive::new(tolerance, budget)?)
            }
        }))
    }

    /// What is wanted next; nothing when the integral is done. Ask again when all of it is in.
    ///
    /// Where an adaptive rule looks next depends on how much each value, and F, can still change.
    pub fn next_round(&mut self, ends: &PathEnds<'_>) -> Option<Round> {
        match &mut self.0 {
            State::Fixed { asked: true, .. } => None,
            State::Fixed {
                quadrature, asked, ..
            } => {
                *asked = true;
                let order = quadrature.progressive_order();
                let pick = |values: &[f64]| order.iter().map(|&k| values[k]).collect();
                Some(Round {
                    alphas: pick(&quadrature.alphas),
                    step_sizes: Some(pick(&quadrature.step_sizes)),
                })
            }
            State::Adaptive(adaptive) => {
                let alphas = adaptive.next_round(ends);
                (!alphas.is_empty()).then_some(Round {
                    alphas,
                    step_sizes: None,
                })
            }
        }
    }

    /// Takes in a part of what was wanted.
    ///
    /// # Errors
    ///
    /// [`Error::Length`](crate::Error::Length) if it belongs to an input of another size.
    pub fn add(&mut self, partial: PartialSum) -> Result<()> {
        match &mut self.0 {
            State::Fixed { sum, .. } => sum.add(&partial),
            State::Adaptive(adaptive) => adaptive.add(partial),
        }
    }

    /// Gradients that are in.
    pub fn gradients(&self) -> usize {
        match &self.0 {
            State::Fixed { sum, .. } => sum.samples().len(),
            State::Adaptive(adaptive) => adaptive.samples().len(),
        }
    }

    /// The most gradients it can take.
    pub fn most_gradients(&self) -> usize {
        match &self.0 {
            State::Fixed { quadrature, .. } => quadrature.alphas.len(),
            State::Adaptive(adaptive) => adaptive.budget(),
        }
    }

    /// F and its slope at every point that is in.
    pub fn samples(&self) -> Vec<PathSample> {
        match &self.0 {
            State::Fixed { sum, .. } => sum.samples().to_vec(),
            State::Adaptive(adaptive) => adaptive.samples(),
        }
    }

    /// Points and weights: of the whole rule if it is fixed, else of what is in.
    pub fn quadrature(&self) -> Quadrature {
        match &self.0 {
            State::Fixed { quadrature, .. } => quadrature.clone(),
            State::Adaptive(adaptive) => adaptive.quadrature(),
        }
    }

    /// `(x − x') · Σ w · ∂F/∂x` of what is in so far.
    ///
    /// # Errors
    ///
    /// [`Error::Length`](crate::Error::Length) if `input` or `baseline` has another length than
    /// the gradients.
    pub fn attributions(&self, input: &[f32], baseline: &[f32]) -> Result<Attributions> {
        match &self.0 {
            State::Fixed { sum, .. } => sum.attributions(input, baseline),
            State::Adaptive(adaptive) => adaptive.attributions(input, baseline),
        }
    }
}
