//! Points chosen where the map and its sum are still wrong.
//!
//! What is in already tells how far off it is, for nothing:
//!
//! - Of the *sum*: a gradient pass yields the output F as well as its slope along the path, so the
//!   error of the trapezoid rule is known on every interval. It is the trapezoid of the slopes less
//!   the change of F.
//! - Of the *map*: a network of rectifiers is piecewise linear, so its gradient along the path is a
//!   sum of many jumps. Between two points h apart whose gradients differ by d (as attributions: the
//!   difference times x − x'), the trapezoid is off by about h ‖d‖ / √12: the variance of a Brownian
//!   bridge, integrated. Even steps of 1/n would be off by √Σ‖d‖² / (n √12), so the two can be
//!   compared without knowing the integral.
//!
//! Intervals are divided until both are good enough; no gradient is thrown away, and no other pass
//! is made. docs/CONVERGENCE.md has what comes of it.

use super::partial_sum::{Attributions, PartialSum, PathSample};
use super::quadrature::{Quadrature, progressive_order};
use crate::error::{Error, Result};

/// The first round's share of the budget, in twelfths: 20 points of 48.
const FIRST_TWELFTHS: usize = 5;
/// The first round's points are `(k / (n − 1))` to this power: denser towards the baseline, where
/// networks change fastest.
const GRADING: f64 = 1.5;
/// A further round is a sixth of the budget while the map is wanted: 8 points of 48, so that all
/// workers have something to do.
const MAP_ROUNDS: usize = 6;
/// Points of a further round when only the sum is still wrong.
const SUM_ROUND: usize = 2;
/// The part of the budget that is kept for where the sum is wrong: an eighth. It is spent there even
/// while the sum is near, for the map's sake, but for the last round: a new point could set the sum
/// wrong, and nothing would be left to mend it.
const KEPT: usize = 8;
/// How much the sum's errors count beside the map's while the map is wanted.
const SUM_SHARE: f64 = 0.5;
/// How much an interval's width counts beside its error of the sum, so that none stays wide for
/// ever.
const WIDTH_SHARE: f64 = 1.0;
/// The map is to be as near as that of `STEPS_AT_ONE / tolerance` even steps: 50 at 5 %.
const STEPS_AT_ONE: f64 = 2.5;
/// … or rather this much nearer, as it is an estimate.
const MAP_MARGIN: f64 = 0.9;

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
    /// Until the convergence delta is within `tolerance` of the change of F (0.05: 5 %) and the map
    /// is estimated to be nearer to the integral than that of `2.5 / tolerance` even steps (50), or
    /// `budget` gradients are spent, less the last two if the sum does not need them.
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
        (self.budget * FIRST_TWELFTHS).div_ceil(12)
    }

    /// Where the gradient is wanted next; nothing once both tolerances are met or the budget spent.
    /// Ask again when all of these are [in](Self::add).
    ///
    /// `input` and `baseline` are flat, as long as a gradient.
    pub fn next_round(&self, input: &[f32], baseline: &[f32]) -> Vec<f64> {
        if self.nodes.is_empty() {
            let count = self.first_round();
            let last = (count - 1) as f64;
            let alpha = |k: usize| (k as f64 / last).powf(GRADING);
            // In an order in which an unfinished sum spans the whole path.
            return progressive_order(count).into_iter().map(alpha).collect();
        }
        let intervals: Vec<Interval> = self
            .nodes
            .windows(2)
            .map(|pair| Interval::between(&pair[0], &pair[1], input, baseline))
            .collect();
        let left = self.budget.saturating_sub(self.nodes.len());
        let free = left.saturating_sub(self.budget.div_ceil(KEPT));
        let sum_is_near = self.relative_delta().abs() <= self.tolerance;
        match (self.map_is_near(&intervals), sum_is_near) {
            (true, true) => Vec::new(),
            (false, _) if free > 0 => {
                let round = self.budget.div_ceil(MAP_ROUNDS).min(free);
                divide(&intervals, &map_scores(&intervals), round)
            }
            (false, true) if left <= SUM_ROUND => Vec::new(),
            _ => divide(&intervals, &sum_scores(&intervals), SUM_ROUND.min(left)),
        }
    }

    fn map_is_near(&self, intervals: &[Interval]) -> bool {
        let even_step = self.tolerance / STEPS_AT_ONE;
        let here: f64 = intervals.iter().map(Interval::map_error).sum();
        let evenly: f64 = intervals.iter().map(|i| i.jump * even_step.powi(2)).sum();
        here <= MAP_MARGIN.powi(2) * evenly
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
        let errors = self.nodes.windows(2).map(|pair| error(&pair[0], &pair[1]));
        let delta: f64 = errors.sum();
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

/// What is known of the path between two neighbouring points.
#[derive(Debug, Clone, Copy)]
struct Interval {
    from: f64,
    width: f64,
    /// What the trapezoid rule gets wrong of the change of F.
    error: f64,
    /// The squared length of the difference of both gradients times x − x'.
    jump: f64,
}

impl Interval {
    fn between(a: &Node, b: &Node, input: &[f32], baseline: &[f32]) -> Self {
        let gradients = a.gradient.iter().zip(&b.gradient);
        let jump = gradients
            .zip(input.iter().zip(baseline))
            .map(|((a, b), (x, x0))| f64::from((b - a) * (x - x0)).powi(2))
            .sum();
        Self {
            from: a.sample.alpha,
            width: b.sample.alpha - a.sample.alpha,
            error: error(a, b),
            jump,
        }
    }

    /// Twelve times the variance of the map's error.
    fn map_error(&self) -> f64 {
        self.width.powi(2) * self.jump
    }
}

/// What the trapezoid rule gets wrong of the change of F between two points.
fn error(a: &Node, b: &Node) -> f64 {
    let [a, b] = [a.sample, b.sample];
    let slope = f64::midpoint(f64::from(a.slope), f64::from(b.slope));
    slope * (b.alpha - a.alpha) - (f64::from(b.output) - f64::from(a.output))
}

/// How much is won by dividing each interval, for the map first.
fn map_scores(intervals: &[Interval]) -> Vec<f64> {
    let share = |of: f64, all: f64| if all > 0.0 { of / all } else { 0.0 };
    let map: f64 = intervals.iter().map(Interval::map_error).sum();
    let sum: f64 = intervals.iter().map(|i| i.error.powi(2)).sum();
    let score = |i: &Interval| share(i.map_error(), map) + SUM_SHARE * share(i.error.powi(2), sum);
    intervals.iter().map(score).collect()
}

/// How much is won by dividing each interval, for the sum alone: errors against its sign make it
/// no worse.
fn sum_scores(intervals: &[Interval]) -> Vec<f64> {
    let all: f64 = intervals.iter().map(|i| i.error.abs()).sum();
    let sign = intervals.iter().map(|i| i.error).sum::<f64>().signum();
    let score = |i: &Interval| (sign * i.error).max(0.0) + WIDTH_SHARE * all * i.width;
    intervals.iter().map(|i| score(i).powi(2)).collect()
}

/// `count` new points, each in the interval where it wins most. An interval with n points in it is
/// in n + 1 equal parts, and its score falls with their number squared.
fn divide(intervals: &[Interval], scores: &[f64], count: usize) -> Vec<f64> {
    let mut parts = vec![1usize; intervals.len()];
    let gain = |score: f64, parts: usize| {
        let parts = parts as f64;
        score * (parts.powi(-2) - (parts + 1.0).powi(-2))
    };
    for _ in 0..count {
        let most = (0..intervals.len())
            .max_by(|&i, &j| gain(scores[i], parts[i]).total_cmp(&gain(scores[j], parts[j])));
        if let Some(most) = most {
            parts[most] += 1;
        }
    }
    let points = |(interval, &parts): (&Interval, &usize)| {
        let Interval { from, width, .. } = *interval;
        (1..parts).map(move |k| from + width * k as f64 / parts as f64)
    };
    intervals.iter().zip(&parts).flat_map(points).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Explains one value x = 1 from 0 with F(α) and its slope given.
    fn run(tolerance: f64, budget: usize, f: impl Fn(f64) -> (f64, f64)) -> Adaptive {
        let mut adaptive = Adaptive::new(tolerance, budget).unwrap();
        loop {
            let round = adaptive.next_round(&[1.0], &[0.0]);
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
        assert_eq!(adaptive.samples().len(), 20);
        assert!((sum(&adaptive) - 3.0).abs() < 1e-6);
    }

    #[test]
    fn a_sudden_step_is_found_within_the_budget() {
        let adaptive = run(0.01, 48, step);
        assert!((sum(&adaptive) - 1.0).abs() <= 0.01, "{}", sum(&adaptive));
        let first = Adaptive::new(0.01, 48).unwrap().next_round(&[1.0], &[0.0]);
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

    /// Two values whose gradients jump against each other leave the sum right and the map wrong.
    #[test]
    fn the_map_is_made_near_even_where_the_sum_is_right() {
        let jump = |alpha: f64| if alpha < 0.37 { 1.0 } else { -1.0 };
        let [input, baseline] = [[1.0, 1.0], [0.0, 0.0]];
        let mut adaptive = Adaptive::new(0.05, 48).unwrap();
        loop {
            let round = adaptive.next_round(&input, &baseline);
            if round.is_empty() {
                break;
            }
            for alpha in round {
                let there = jump(alpha) as f32;
                let sample = PathSample {
                    alpha,
                    output: 1.0,
                    slope: 0.0,
                };
                let gradient = PartialSum {
                    gradient_sum: vec![there, -there],
                    samples: vec![sample],
                };
                adaptive.add(gradient).unwrap();
            }
        }
        // ∫ jump = 0.37 − 0.63; fifty even steps know it to ± 0.02, twenty graded ones to ± 0.05.
        let found = adaptive.attributions(&input, &baseline).unwrap().values;
        assert!((found[0] + 0.26).abs() <= 0.02, "{found:?}");
        assert!(adaptive.samples().len() < 48);
    }

    #[test]
    fn weights_sum_to_one_after_every_point() {
        let mut adaptive = Adaptive::new(0.05, 48).unwrap();
        for (k, alpha) in adaptive.next_round(&[1.0], &[0.0]).into_iter().enumerate() {
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
        assert_eq!(adaptive.samples().len(), 20);
        assert_eq!(adaptive.relative_delta(), 0.0);
    }

    #[test]
    fn nonsense_is_refused() {
        assert!(Adaptive::new(0.0, 48).is_err());
        assert!(Adaptive::new(f64::NAN, 48).is_err());
        assert!(Adaptive::new(0.05, MIN_BUDGET - 1).is_err());
    }
}
