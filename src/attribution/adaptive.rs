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
//! No gradient is taken at the ends of the path. Of the sum nothing is lost, as F is known there; and
//! that at the baseline is like none other, presumably because in an image of one colour every pixel is
//! at the same kink.
//! The outermost points stand for what lies beyond them, so such an *end* is half an interval: its
//! error is that of one twice as wide.
//!
//! Intervals are divided until both are good enough; no gradient is thrown away, and no other pass
//! is made. docs/CONVERGENCE.md has what comes of it.

use super::partial_sum::{Attributions, PartialSum, PathEnds, PathSample};
use super::quadrature::{Quadrature, progressive_order};
use crate::error::{Error, Result};

/// The first round is a third of the budget, evenly: 16 points of 48.
const FIRST: usize = 3;
/// A further round for the map has as many points as are estimated to be missing, but at least a twelfth
/// of the budget, so that all workers have something to do.
const LEAST: usize = 12;
/// Points of a further round when only the sum is still wrong.
const SUM_ROUND: usize = 2;
/// The part of the budget that is kept for where the sum is wrong: an eighth. It is spent there even
/// while the sum is near, for the map's sake, but for the last round: a new point could set the sum
/// wrong, and nothing would be left to mend it.
const KEPT: usize = 8;
/// How much the sum's errors count beside the map's while the map is wanted.
const SUM_SHARE: f64 = 0.25;
/// How much an interval's width counts beside its error of the sum, so that none stays wide for
/// ever.
const WIDTH_SHARE: f64 = 1.0;
/// The map is to be as near as that of `STEPS_AT_ONE / tolerance` even steps: 50 at 5 %.
const STEPS_AT_ONE: f64 = 2.5;
/// … or rather this much nearer, as it is an estimate.
const MAP_MARGIN: f64 = 0.9;
/// What an end counts, in intervals.
const END: f64 = 0.5;

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

    /// Where the gradient is wanted next; nothing once both tolerances are met or the budget spent.
    /// Ask again when all of these are [in](Self::add).
    pub fn next_round(&self, ends: &PathEnds<'_>) -> Vec<f64> {
        if self.nodes.is_empty() {
            let count = self.budget.div_ceil(FIRST);
            let alpha = |k: usize| (k as f64 + 0.5) / count as f64;
            // In an order in which an unfinished sum spans the whole path.
            return progressive_order(count).into_iter().map(alpha).collect();
        }
        let intervals = self.intervals(ends);
        let left = self.budget.saturating_sub(self.nodes.len());
        let free = left.saturating_sub(self.budget.div_ceil(KEPT));
        let sum_is_near = relative_delta(&intervals, ends).abs() <= self.tolerance;
        let goal = self.map_goal(&intervals);
        match (map_error(&intervals) <= goal, sum_is_near) {
            (true, true) => Vec::new(),
            (false, _) if free > 0 => {
                let round = missing(&intervals, goal, free);
                let round = round.max(self.budget.div_ceil(LEAST)).min(free);
                divide(&intervals, &map_scores(&intervals), round)
            }
            (false, true) if left <= SUM_ROUND => Vec::new(),
            _ => divide(&intervals, &sum_scores(&intervals), SUM_ROUND.min(left)),
        }
    }

    /// The ends and what lies between the points, from the baseline to the input.
    fn intervals(&self, ends: &PathEnds<'_>) -> Vec<Interval> {
        let between = |pair: &[Node]| Interval::between(&pair[0], &pair[1], ends);
        let mut intervals: Vec<Interval> = self.nodes.windows(2).map(between).collect();
        let (Some(first), Some(last)) = (self.nodes.first(), self.nodes.last()) else {
            return intervals;
        };
        // As rough as what lies beside them.
        let roughness = |beside: Option<&Interval>| beside.map_or(0.0, |i| i.jump / i.width);
        let before = roughness(intervals.first());
        let after = roughness(intervals.last());
        let (first, last) = (&first.sample, &last.sample);
        let [at_baseline, at_input] = ends.outputs.map(f64::from);
        let before = Interval {
            from: 0.0,
            width: first.alpha,
            error: f64::from(first.slope) * first.alpha - (f64::from(first.output) - at_baseline),
            jump: before * first.alpha,
            points: Points::AtItsEnd,
        };
        let width = 1.0 - last.alpha;
        let after = Interval {
            from: last.alpha,
            width,
            error: f64::from(last.slope) * width - (at_input - f64::from(last.output)),
            jump: after * width,
            points: Points::AtItsStart,
        };
        intervals.insert(0, before);
        intervals.push(after);
        intervals
    }

    /// The [`map_error`] that is good enough.
    fn map_goal(&self, intervals: &[Interval]) -> f64 {
        let even_step = self.tolerance / STEPS_AT_ONE;
        let jumps: f64 = intervals.iter().map(|i| i.jump).sum();
        (MAP_MARGIN * even_step).powi(2) * jumps
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

    /// Points and weights so far: the trapezoid rule, with the outermost points for what lies beyond
    /// them, so that the weights always sum to 1.
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

    /// The convergence delta so far, as a share of the change of F.
    pub fn relative_delta(&self, ends: &PathEnds<'_>) -> f64 {
        if self.nodes.is_empty() {
            return f64::INFINITY;
        }
        relative_delta(&self.intervals(ends), ends)
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

/// Where an interval has points already.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Points {
    Both,
    AtItsStart,
    AtItsEnd,
}

/// What is known of the path between two neighbouring points, or between one and its end.
#[derive(Debug, Clone, Copy)]
struct Interval {
    from: f64,
    width: f64,
    /// What the trapezoid rule gets wrong of the change of F.
    error: f64,
    /// The squared length of the difference of both gradients times x − x'.
    jump: f64,
    points: Points,
}

impl Interval {
    fn between(a: &Node, b: &Node, ends: &PathEnds<'_>) -> Self {
        let gradients = a.gradient.iter().zip(&b.gradient);
        let jump = gradients
            .zip(ends.input.iter().zip(ends.baseline))
            .map(|((a, b), (x, x0))| f64::from((b - a) * (x - x0)).powi(2))
            .sum();
        let [a, b] = [a.sample, b.sample];
        let width = b.alpha - a.alpha;
        let slope = f64::midpoint(f64::from(a.slope), f64::from(b.slope));
        Self {
            from: a.alpha,
            width,
            error: slope * width - (f64::from(b.output) - f64::from(a.output)),
            jump,
            points: Points::Both,
        }
    }

    /// Twelve times the variance of the map's error, if it were one whole interval.
    fn map_error(&self) -> f64 {
        self.width.powi(2) * self.jump
    }

    /// How many parts it is in already: an end is half of one.
    fn parts(&self) -> f64 {
        match self.points {
            Points::Both => 1.0,
            Points::AtItsStart | Points::AtItsEnd => END,
        }
    }

    /// `count` points that divide it evenly.
    fn divide(self, count: usize) -> impl Iterator<Item = f64> {
        let step = self.width / (self.parts() + count as f64);
        let first = match self.points {
            Points::AtItsEnd => END * step,
            Points::Both | Points::AtItsStart => step,
        };
        (0..count).map(move |k| self.from + first + step * k as f64)
    }
}

/// See [`Adaptive::relative_delta`].
fn relative_delta(intervals: &[Interval], ends: &PathEnds<'_>) -> f64 {
    let [at_baseline, at_input] = ends.outputs.map(f64::from);
    let delta: f64 = intervals.iter().map(|i| i.error).sum();
    if delta == 0.0 {
        0.0
    } else {
        delta / (at_input - at_baseline)
    }
}

/// Twelve times the variance of the map's error. An interval's falls with the square of its parts.
fn map_error(intervals: &[Interval]) -> f64 {
    let error = |i: &Interval| i.map_error() / i.parts().powi(2);
    intervals.iter().map(error).sum()
}

/// How much is won by dividing each interval, for the map first.
fn map_scores(intervals: &[Interval]) -> Vec<f64> {
    let share = |of: f64, all: f64| if all > 0.0 { of / all } else { 0.0 };
    let map = map_error(intervals);
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

/// Where new points win most, one after another without end: the interval, and how much is won. A score
/// falls with the square of the parts.
fn best<'a>(
    intervals: &'a [Interval],
    scores: &'a [f64],
) -> impl Iterator<Item = (usize, f64)> + 'a {
    let mut parts: Vec<f64> = intervals.iter().map(Interval::parts).collect();
    std::iter::from_fn(move || {
        let gain = |k: usize| scores[k] * (parts[k].powi(-2) - (parts[k] + 1.0).powi(-2));
        let most = (0..intervals.len()).max_by(|&i, &j| gain(i).total_cmp(&gain(j)))?;
        let gain = gain(most);
        parts[most] += 1.0;
        Some((most, gain))
    })
}

/// How many new points it takes, `most` at most, until the estimated [`map_error`] is down to `goal`.
fn missing(intervals: &[Interval], goal: f64, most: usize) -> usize {
    let scores: Vec<f64> = intervals.iter().map(Interval::map_error).collect();
    let mut error = map_error(intervals);
    let wins = best(intervals, &scores).take(most).take_while(|(_, gain)| {
        let goes_on = error > goal;
        error -= gain;
        goes_on
    });
    wins.count()
}

/// `count` new points.
fn divide(intervals: &[Interval], scores: &[f64], count: usize) -> Vec<f64> {
    let mut new = vec![0; intervals.len()];
    best(intervals, scores)
        .take(count)
        .for_each(|(k, _)| new[k] += 1);
    let points = |(interval, count): (&Interval, usize)| interval.divide(count);
    intervals.iter().zip(new).flat_map(points).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Explains one value x = 1 from 0 with F(α) and its slope given.
    fn run(tolerance: f64, budget: usize, f: impl Fn(f64) -> (f64, f64)) -> Adaptive {
        let mut adaptive = Adaptive::new(tolerance, budget).unwrap();
        let ends = ends([0.0, 1.0].map(|alpha| f(alpha).0 as f32));
        loop {
            let round = adaptive.next_round(&ends);
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

    fn ends(outputs: [f32; 2]) -> PathEnds<'static> {
        PathEnds {
            baseline: &[0.0],
            input: &[1.0],
            outputs,
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
        assert_eq!(adaptive.samples().len(), 16);
        assert!((sum(&adaptive) - 3.0).abs() < 1e-6);
    }

    #[test]
    fn a_sudden_step_is_found_within_the_budget() {
        let adaptive = run(0.01, 48, step);
        assert!((sum(&adaptive) - 1.0).abs() <= 0.01, "{}", sum(&adaptive));
        let first = Adaptive::new(0.01, 48)
            .unwrap()
            .next_round(&ends([0.0, 1.0]));
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
            let delta = adaptive.relative_delta(&ends([0.0, 1.0]));
            assert!((sum(&adaptive) - 1.0 - delta).abs() < 1e-5);
        }
    }

    /// Two values whose gradients jump against each other leave the sum right and the map wrong.
    #[test]
    fn the_map_is_made_near_even_where_the_sum_is_right() {
        let jump = |alpha: f64| if alpha < 0.37 { 1.0 } else { -1.0 };
        let ends = PathEnds {
            baseline: &[0.0, 0.0],
            input: &[1.0, 1.0],
            outputs: [1.0, 1.0],
        };
        let mut adaptive = Adaptive::new(0.05, 48).unwrap();
        loop {
            let round = adaptive.next_round(&ends);
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
        // ∫ jump = 0.37 − 0.63; fifty even steps know it to ± 0.02, the first sixteen to ± 0.06.
        let found = adaptive.attributions(ends.input, ends.baseline);
        let found = found.unwrap().values;
        assert!((found[0] + 0.26).abs() <= 0.02, "{found:?}");
        assert!(adaptive.samples().len() < 48);
    }

    #[test]
    fn weights_sum_to_one_after_every_point() {
        let mut adaptive = Adaptive::new(0.05, 48).unwrap();
        let first = adaptive.next_round(&ends([0.0, 1.0]));
        for (k, alpha) in first.into_iter().enumerate() {
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
        assert_eq!(adaptive.samples().len(), 16);
        assert_eq!(adaptive.relative_delta(&ends([2.0, 2.0])), 0.0);
    }

    #[test]
    fn nonsense_is_refused() {
        assert!(Adaptive::new(0.0, 48).is_err());
        assert!(Adaptive::new(f64::NAN, 48).is_err());
        assert!(Adaptive::new(0.05, MIN_BUDGET - 1).is_err());
    }
}
