//! A trapezoid sum that grows finer, and throws no gradient away.

use super::partial_sum::{Accumulator, Attributions, PartialSum, PathSample};
use super::quadrature::{Quadrature, Rule};
use crate::error::{Error, Result};

/// The trapezoid rule with more and more steps. Where each number of steps is a multiple of the one
/// before, its points are among the new ones, so that the finest sum is all that is paid for.
///
/// # Example
///
/// ```
/// use violet::attribution::Refinement;
///
/// let mut refinement = Refinement::new(3);
/// assert_eq!(refinement.refine(2)?.alphas, [0.0, 0.5, 1.0]);
/// // … sum their gradients, then:
/// assert_eq!(refinement.refine(4)?.alphas, [0.25, 0.75]);
/// # Ok::<(), violet::Error>(())
/// ```
#[derive(Debug)]
pub struct Refinement {
    sum: Accumulator,
    n_steps: usize,
}

impl Refinement {
    /// Nothing is in yet. `length` is that of an input, flat.
    pub fn new(length: usize) -> Self {
        Self {
            sum: Accumulator::new(length),
            n_steps: 0,
        }
    }

    /// Goes on to `n_steps` steps: the points that are still missing, and their weights.
    ///
    /// # Errors
    ///
    /// [`Error::StepCount`] if `n_steps` is no multiple of the number before, or no number of steps.
    pub fn refine(&mut self, n_steps: usize) -> Result<Quadrature> {
        let all = Rule::Trapezoid.quadrature(n_steps)?;
        let before = self.n_steps;
        if before > 0 && !n_steps.is_multiple_of(before) {
            let (found, limit) = (n_steps, before);
            return Err(Error::StepCount { found, limit });
        }
        self.n_steps = n_steps;
        self.sum.scale(before as f64 / n_steps as f64);
        // Every so many points, one is in.
        let stride = n_steps.checked_div(before);
        let missing = |k: &usize| stride.is_none_or(|stride| !k.is_multiple_of(stride));
        let missing: Vec<usize> = (0..=n_steps).filter(missing).collect();
        Ok(all.pick(&missing))
    }

    /// Adds gradients at points of the last refinement.
    ///
    /// # Errors
    ///
    /// [`Error::Length`] if they belong to an input of another size.
    pub fn add(&mut self, partial: &PartialSum) -> Result<()> {
        self.sum.add(partial)
    }

    /// The points that are in.
    pub fn samples(&self) -> &[PathSample] {
        self.sum.samples()
    }

    /// The attributions with the last number of steps, once all its points are in.
    ///
    /// # Errors
    ///
    /// [`Error::Length`] if `input` or `baseline` has another length than the sum.
    pub fn attributions(&self, input: &[f32], baseline: &[f32]) -> Result<Attributions> {
        self.sum.attributions(input, baseline)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// F = Σ xᵢ³ on the path from 0 to (1, 2): gradient 3x².
    fn sum(quadrature: &Quadrature) -> PartialSum {
        let gradient = |x: f64| {
            let terms = quadrature.alphas.iter().zip(&quadrature.step_sizes);
            terms.map(|(a, w)| w * 3.0 * (a * x).powi(2)).sum::<f64>() as f32
        };
        let sample = |&alpha: &f64| PathSample {
            alpha,
            output: 0.0,
            slope: 0.0,
        };
        PartialSum {
            gradient_sum: vec![gradient(1.0), gradient(2.0)],
            samples: quadrature.alphas.iter().map(sample).collect(),
            starts: 0,
        }
    }

    #[test]
    fn each_number_of_steps_is_what_it_would_have_been_from_nothing() -> Result<()> {
        let (input, baseline) = ([1.0, 2.0], [0.0, 0.0]);
        let mut refinement = Refinement::new(2);
        for n_steps in [5, 50, 500] {
            let missing = refinement.refine(n_steps)?;
            refinement.add(&sum(&missing))?;
            let mut fresh = Accumulator::new(2);
            fresh.add(&sum(&Rule::Trapezoid.quadrature(n_steps)?))?;
            let [grown, fresh] = [
                refinement.attributions(&input, &baseline)?,
                fresh.attributions(&input, &baseline)?,
            ];
            for (grown, fresh) in grown.values.iter().zip(&fresh.values) {
                assert!(
                    (grown - fresh).abs() < 1e-6,
                    "{n_steps}: {grown} and {fresh}"
                );
            }
            // No point twice.
            assert_eq!(refinement.samples().len(), n_steps + 1);
        }
        Ok(())
    }

    #[test]
    fn points_that_would_be_lost_are_refused() -> Result<()> {
        let mut refinement = Refinement::new(1);
        refinement.refine(4)?;
        assert!(matches!(refinement.refine(6), Err(Error::StepCount { .. })));
        assert!(refinement.refine(0).is_err());
        assert_eq!(refinement.refine(8)?.alphas.len(), 4);
        Ok(())
    }
}
