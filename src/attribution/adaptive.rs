//! Points chosen where the sum is still wrong.
//!
//! A gradient pass yields the output F as well as its slope along the path, so the error of the
//! trapezoid rule is known on every interval, for free: the trapezoid of the slopes less the
//! change of F. Intervals that are wrong are halved until the whole is right; no gradient is
//! thrown away, and no other pass is made.

use super::partial_sum::{Attributions, PartialSum, PathSample};
use super::quadrature::{Quadrature, progressive_order};
use crate::error::{Error, Result};

/// The part of the budget that is kept for halving: one seventh. The rest is the first round.
/// Points near errors set the sum right, but points everywhere set the map right; these shares
/// did best on both (docs/CONVERGENCE.md).
const KEPT: usize = 7;
/// The first round's points are `(k / (n − 1))` to this power: denser towards the baseline, where
/// networks change fastest.
const GRADING: f64 = 1.5;
/// Points of each further round.
const ROUND: usize = 2;
/// How much an interval's width counts beside its error, so that none stays wide for ever.
const WIDTH_SHARE: f64 = 1.0;

/// The smallest budget.
pub const MIN_BUDGET: usize = 8;

/// An adaptive trapezoid rule under way.
///
/// Gradients are kept one by one, as weights change until the end: memory grows with the budget,
/// not with the accuracy.
#[derive(Debug, Clone)]
pub struct Adaptive {
    tolerance: f64,
    budget: usize,
    /// In ascending order of α.
    nodes: Vec<Node>,
}

#[derive(Debug, Clone)]
struct Node {
    sample: PathSample,
    gradient: Vec<f32>,
}

impl Adaptive {
    /// Until the convergence delta is within `tolerance` of the change of F (0.05: 5 %), or
    /// `budget` gradients are spent.
    ///
    /// # Errors
    ///
    /// [`Error::Tolerance`] if the tolerance is not above 0, [`Error::Budget`] if the budget is
    /// below [`MIN_BUDGET`].
    pub fn new(tolerance: f64, budget: usize) -> Result<Self> {
        if tolerance.is_nan() || tolerance <= 0.0 {
            return Err(Error::Tolerance { found: tolerance });
        }
        if budget < MIN_BUDGET {
            return Err(Error::Budget {
                found: budget,
                least: MIN_BUDGET,
            });
        }
        Ok(Self {
            tolerance,
            budget,
            nodes: Vec::new(),
        })
    }

    /// The most gradients that are spent.
    pub fn budget(&self) -> usize {
        self.budget
    }

    fn first_round(&self) -> usize {
        self.budget - self.budget.div_ceil(KEPT)
    }

    /// Where the gradient is wanted next; nothing once the tolerance is met or the budget spent.
    /// Ask again when all of these are [in](Self::add).
    pub fn next_round(&self) -> Vec<f64> {
        if self.nodes.is_empty() {
            let count = self.first_round();
            let last = (count - 1) as f64;
            let alpha = |k: usize| (k as f64 / last).powf(GRADING);
            // In an order in which an unfinished sum spans the whole path.
            return progressive_order(count).into_iter().map(alpha).collect();
        }
        if self.relative_delta().abs() <= self.tolerance {
            return Vec::new();
        }
        let errors: Vec<f64> = self.nodes.windows(2).map(error).collect();
        let all: f64 = errors.iter().map(|e| e.abs()).sum();
        let sign = errors.iter().sum::<f64>().signum();
        let mut intervals: Vec<(f64, f64)> = self
            .nodes
            .windows(2)
            .zip(&errors)
            .map(|(pair, error)| {
                let [a, b] = [pair[0].sample.alpha, pair[1].sample.alpha];
                let score = (sign * error).max(0.0) + WIDTH_SHARE * all * (b - a);
                (score, f64::midpoint(a, b))
            })
            .collect();
        intervals.sort_by(|a, b| b.0.total_cmp(&a.0));
        let count = ROUND.min(self.budget.saturating_sub(self.nodes.len()));
        intervals.into_iter().take(count).map(|i| i.1).collect()
    }

    /// Takes in the gradient at one point, with weight 1.
    ///
    /// # Errors
    ///
    /// [`Error::Length`] if it is a sum over another number of points, or of another size than
    /// those before.
    pub fn add(&mut self, gradient: PartialSum) -> Result<()> {
        let [sample] = gradient.samples[..] else {
            return Err(Error::Length {
                what: "samples of a single gradient",
                expected: 1,
                found: gradient.samples.len(),
            });
        };
        let gradient = gradient.gradient_sum;
        if let Some(node) = self.nodes.first()
            && node.gradient.len() != gradient.len()
        {
            return Err(Error::Length {
                what: "gradient",
                expected: node.gradient.len(),
                found: gradient.len(),
            });
        }
        let at = self
            .nodes
            .partition_point(|node| node.sample.alpha < sample.alpha);
        self.nodes.insert(at, Node { sample, gradient });
        Ok(())
    }

    /// The points so far, ascending.
    pub fn samples(&self) -> Vec<PathSample> {
        self.nodes.iter().map(|node| node.sample).collect()
    }

    /// Points and weights so far: the trapezoid rule. Before both ends of the path are in, the
    /// outermost points stand for what lies beyond them, so that the weights always sum to 1.
    pub fn quadrature(&self) -> Quadrature {
        let alphas: Vec<f64> = self.nodes.iter().map(|node| node.sample.alpha).collect();
        let last = alphas.len().saturating_sub(1);
        let step_sizes = (0..alphas.len())
            .map(|k| {
                let from = if k == 0 {
                    0.0
                } else {
                    f64::midpoint(alphas[k - 1], alphas[k])
                };
                let to = if k == last {
                    1.0
                } else {
                    f64::midpoint(alphas[k], alphas[k + 1])
                };
                to - from
            })
            .collect();
        Quadrature { alphas, step_sizes }
    }

    /// The convergence delta so far, as a share of the change of F between the outermost points.
    pub fn relative_delta(&self) -> f64 {
        let (Some(first), Some(last)) = (self.nodes.first(), self.nodes.last()) else {
            return f64::INFINITY;
        };
        let change = f64::from(last.sample.output) - f64::from(first.sample.output);
        let delta: f64 = self.nodes.windows(2).map(error).sum();
        if delta == 0.0 { 0.0 } else { delta / change }
    }

    /// `(x − x') · Σ w · ∂F/∂x` of what is in so far.
    ///
    /// # Errors
    ///
    /// [`Error::Length`] if `input` or `baseline` has another length than the gradients.
    pub fn attributions(&self, input: &[f32], baseline: &[f32]) -> Result<Attributions> {
        let length = self.nodes.first().map_or(0, |node| node.gradient.len());
        let mut sum = vec![0.0; length];
        for (node, weight) in self.nodes.iter().zip(self.quadrature().step_sizes) {
            for (sum, &gradient) in sum.iter_mut().zip(&node.gradient) {
                *sum += weight * f64::from(gradient);
            }
        }
        Attributions::of(&sum, input, baseline)
    }
}

/// What the trapezoid rule gets wrong between two points.
fn error(pair: &[Node]) -> f64 {
    let [a, b] = [pair[0].sample, pair[1].sample];
    let slope = f64::midpoint(f64::from(a.slope), f64::from(b.slope));
    slope * (b.alpha - a.alpha) - (f64::from(b.output) - f64::from(a.output))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Explains one value x = 1 from 0 with F(α) and its slope given.
    fn run(tolerance: f64, budget: usize, f: impl Fn(f64) -> (f64, f64)) -> Adaptive {
        let mut adaptive = Adaptive::new(tolerance, budget).unwrap();
        loop {
            let round = adaptive.next_round();
            if round.is_empty() {
                return adaptive;
            }
            for alpha in round {
                let (output, slope) = f(alpha);
                let sample = PathSample {
                    alpha,
                    output: output as f32,
                    slope: slope as f32,
                };
                let gradient = PartialSum {
                    gradient_sum: vec![slope as f32],
                    samples: vec![sample],
                };
                adaptive.add(gradient).unwrap();
            }
        }
    }

    /// A step from 0 to 1 at 0.7, a fiftieth wide.
    fn step(alpha: f64) -> (f64, f64) {
        let t = ((alpha - 0.7) * 100.0).tanh();
        (0.5 + t / 2.0, 50.0 * (1.0 - t * t))
    }

    fn sum(adaptive: &Adaptive) -> f64 {
        adaptive.attributions(&[1.0], &[0.0]).unwrap().sum
    }

    #[test]
    fn a_straight_line_takes_the_first_round_only() {
        let adaptive = run(0.05, 48, |alpha| (3.0 * alpha, 3.0));
        assert_eq!(adaptive.samples().len(), 41);
        assert!((sum(&adaptive) - 3.0).abs() < 1e-6);
    }

    #[test]
    fn a_sudden_step_is_found_within_the_budget() {
        let adaptive = run(0.01, 48, step);
        assert!((sum(&adaptive) - 1.0).abs() <= 0.01, "{}", sum(&adaptive));
        let first = Adaptive::new(0.01, 48).unwrap().next_round();
        let near = |alpha: &f64| (alpha - 0.7).abs() < 0.05;
        let before = first.iter().filter(|alpha| near(alpha)).count();
        let samples = adaptive.samples();
        let after = samples.iter().filter(|s| near(&s.alpha)).count();
        assert!(
            samples.len() <= 48 && after > before,
            "{before} then {after}"
        );
    }

    #[test]
    fn the_budget_is_never_exceeded_and_the_delta_is_reported_as_it_is() {
        for budget in [8, 9, 15, 27, 48] {
            let adaptive = run(1e-9, budget, step);
            assert_eq!(adaptive.samples().len(), budget);
            assert!((sum(&adaptive) - 1.0 - adaptive.relative_delta()).abs() < 1e-5);
        }
    }

    #[test]
    fn weights_sum_to_one_after_every_point() {
        let mut adaptive = Adaptive::new(0.05, 48).unwrap();
        for (k, alpha) in adaptive.next_round().into_iter().enumerate() {
            let sample = PathSample {
                alpha,
                output: 0.0,
                slope: 0.0,
            };
            let gradient = PartialSum {
                gradient_sum: vec![0.0],
                samples: vec![sample],
            };
            adaptive.add(gradient).unwrap();
            let sum: f64 = adaptive.quadrature().step_sizes.iter().sum();
            assert!((sum - 1.0).abs() < 1e-12, "{k}: {sum}");
        }
    }

    #[test]
    fn an_output_that_does_not_change_is_converged() {
        let adaptive = run(0.05, 48, |_| (2.0, 0.0));
        assert_eq!(adaptive.samples().len(), 41);
        assert_eq!(adaptive.relative_delta(), 0.0);
    }

    #[test]
    fn nonsense_is_refused() {
        assert!(Adaptive::new(0.0, 48).is_err());
        assert!(Adaptive::new(f64::NAN, 48).is_err());
        assert!(Adaptive::new(0.05, MIN_BUDGET - 1).is_err());
    }
}
