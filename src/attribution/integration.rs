//! One integral under way: which gradients are wanted, and the sum of those that are in. Whoever
//! computes gradients drives it, round by round.

use super::method::Method;
use super::partial_sum::{Accumulator, Attributions, PartialSum, PathSample};
use super::quadrature::Quadrature;
use super::settling::Settling;
use crate::error::{Error, Result};

/// See the [module](self).
///
/// # Example
///
/// ```
/// use violet::attribution::{Integration, Method, Rule};
///
/// let method = Method::Steps(Rule::Trapezoid, 50);
/// let mut integration = Integration::new(method, &[1.0; 12], &[0.0; 12])?;
/// let round = integration.next_round()?.expect("the first round");
/// assert_eq!((round.nodes.alphas.len(), round.apart), (51, false));
/// // … hand in the sums of its gradients, in parts of any size, then:
/// assert!(integration.next_round()?.is_none());
/// # Ok::<(), violet::Error>(())
/// ```
#[derive(Debug)]
pub struct Integration {
    way: Way,
    /// Forward passes besides those of the gradients.
    starts: usize,
}

#[derive(Debug)]
enum Way {
    Rule {
        quadrature: Quadrature,
        asked: bool,
        sum: Accumulator,
        /// The path's ends: the input, the baseline.
        path: [Vec<f32>; 2],
    },
    Auto(Settling),
}

/// Gradients that are wanted together.
#[derive(Debug, Clone, PartialEq)]
pub struct Round {
    /// In the order in which they serve best.
    pub nodes: Quadrature,
    /// Whether each is wanted by itself, with weight 1, instead of weighted sums of them.
    pub apart: bool,
}

impl Integration {
    /// Nothing is in yet. `input` and `baseline` are the ends of the path, flat.
    ///
    /// # Errors
    ///
    /// Those of [`Method::check`]; [`Error::Length`] if the ends differ in length.
    pub fn new(method: Method, input: &[f32], baseline: &[f32]) -> Result<Self> {
        method.check()?;
        if input.len() != baseline.len() {
            return Err(Error::Length {
                what: "input and baseline",
                expected: input.len(),
                found: baseline.len(),
            });
        }
        let way = match method {
            Method::Steps(rule, n_steps) => Way::Rule {
                quadrature: rule.quadrature(n_steps)?,
                asked: false,
                sum: Accumulator::new(input.len()),
                path: [input, baseline].map(<[f32]>::to_vec),
            },
            Method::Auto(settle) => Way::Auto(Settling::new(settle, input, baseline)),
        };
        Ok(Self { way, starts: 0 })
    }

    /// What is wanted next, once all that was wanted before is in; nothing, when the integral is
    /// done.
    ///
    /// # Errors
    ///
    /// [`Error::Length`] if something is still missing.
    pub fn next_round(&mut self) -> Result<Option<Round>> {
        Ok(match &mut self.way {
            Way::Rule {
                quadrature, asked, ..
            } => (!std::mem::replace(asked, true)).then(|| Round {
                nodes: quadrature.pick(&quadrature.order()),
                apart: false,
            }),
            Way::Auto(settling) => settling
                .next_round()?
                .map(|nodes| Round { nodes, apart: true }),
        })
    }

    /// Takes in a part of what is wanted.
    ///
    /// # Errors
    ///
    /// [`Error::Length`] if it belongs to an input of another size, or was
    /// not asked for.
    pub fn add(&mut self, partial: &PartialSum) -> Result<()> {
        self.starts += partial.starts;
        match &mut self.way {
            Way::Rule { sum, .. } => sum.add(partial),
            Way::Auto(settling) => settling.add(partial),
        }
    }

    /// Gradients that are in.
    pub fn gradients(&self) -> usize {
        match &self.way {
            Way::Rule { sum, .. } => sum.samples().len(),
            Way::Auto(settling) => settling.gradients(),
        }
    }

    /// How many it will take in all, as far as can be told by now.
    pub fn expected_gradients(&self) -> usize {
        match &self.way {
            Way::Rule { quadrature, .. } => quadrature.alphas.len(),
            Way::Auto(settling) => settling.expected_gradients(),
        }
    }

    /// Forward passes besides those of the gradients.
    pub fn starts(&self) -> usize {
        self.starts
    }

    /// F and its slope at every point that is in and counts.
    pub fn samples(&self) -> Vec<PathSample> {
        match &self.way {
            Way::Rule { sum, .. } => sum.samples().to_vec(),
            Way::Auto(settling) => settling.samples(),
        }
    }

    /// Points and weights of the sum.
    pub fn quadrature(&self) -> Quadrature {
        match &self.way {
            Way::Rule { quadrature, .. } => quadrature.clone(),
            Way::Auto(settling) => settling.quadrature(),
        }
    }

    /// The estimated relative L2 error of the map; nothing, where none can be told.
    pub fn map_error_estimate(&self) -> Option<f64> {
        match &self.way {
            Way::Rule { .. } => None,
            Way::Auto(settling) => settling.error_estimate(),
        }
    }

    /// Whether the gradients were spent before the map was settled.
    pub fn is_cut_short(&self) -> bool {
        match &self.way {
            Way::Rule { .. } => false,
            Way::Auto(settling) => settling.is_cut_short(),
        }
    }

    /// `(x − x') · Σ w · ∂F/∂x` of what is in so far.
    pub fn attributions(&self) -> Attributions {
        match &self.way {
            Way::Rule { sum, path, .. } => sum.along(path.each_ref().map(Vec::as_slice)),
            Way::Auto(settling) => settling.attributions(),
        }
    }
}
