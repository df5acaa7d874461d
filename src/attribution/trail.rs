//! A path on which one can stop anywhere and look: the gradients of an explanation, a few at a time.

use super::partial_sum::{Attributions, PartialSum, PathSample};
use super::quadrature::Quadrature;
use crate::error::{Error, Result};

/// Stops along a path, and between each two of them the weighted gradients of an explanation's own rule. Each node
/// of the rule stands for as much of the path as it weighs, so that what is gathered at the last stop is the
/// explanation's sum, whatever the rule. Memory is that of one gradient for each stop.
#[derive(Debug, Clone)]
pub struct Trail {
    quadrature: Quadrature,
    /// Positions of the stops, from 0 to 1.
    stops: Vec<f64>,
    /// To which stretch each node belongs; stretch k leads from stop k to stop k + 1.
    stretch_of: Vec<usize>,
    /// Σ w · ∂F/∂x of each stretch.
    sums: Vec<Vec<f32>>,
    /// Which nodes are in.
    samples: Vec<Option<PathSample>>,
}

impl Trail {
    /// A trail on which no gradient is in, with so many stops after the first at most.
    pub fn new(quadrature: Quadrature, most_stops: usize) -> Self {
        let nodes = quadrature.alphas.len();
        let stretches = nodes.min(most_stops).max(1);
        let stretch_of: Vec<usize> = (0..nodes).map(|k| k * stretches / nodes).collect();
        let mut stops = vec![0.0; stretches + 1];
        for (&stretch, weight) in stretch_of.iter().zip(&quadrature.step_sizes) {
            stops[stretch + 1] += weight;
        }
        for k in 0..stretches {
            stops[k + 1] += stops[k];
        }
        stops[stretches] = 1.0; // but for rounding
        Self {
            stretch_of,
            stops,
            sums: vec![Vec::new(); stretches],
            samples: vec![None; nodes],
            quadrature,
        }
    }

    /// The number of the last stop.
    pub fn last(&self) -> usize {
        self.stops.len() - 1
    }

    /// Position of a stop on the path, 0..=1.
    pub fn alpha(&self, stop: usize) -> f64 {
        self.stops[stop.min(self.last())]
    }

    /// Points and weights that lead along it.
    pub fn quadrature(&self) -> &Quadrature {
        &self.quadrature
    }

    /// Takes in the weighted gradient of one of the nodes, told by its sample.
    ///
    /// # Errors
    ///
    /// [`Error::Length`] if it is not of one node, or of none of these, or of another length than the others.
    pub fn add(&mut self, gradient: PartialSum) -> Result<()> {
        let nodes = self.quadrature.alphas.iter();
        let found = match *gradient.samples {
            [sample] => nodes
                .clone()
                .position(|alpha| (alpha - sample.alpha).abs() < 1e-9)
                .map(|node| (node, sample)),
            _ => None,
        };
        let (node, sample) = found.ok_or(Error::Length {
            what: "nodes of the path",
            expected: nodes.len(),
            found: gradient.samples.len(),
        })?;
        let sum = &mut self.sums[self.stretch_of[node]];
        if sum.is_empty() {
            *sum = gradient.gradient_sum;
        } else {
            if sum.len() != gradient.gradient_sum.len() {
                return Err(Error::Length {
                    what: "partial sum",
                    expected: sum.len(),
                    found: gradient.gradient_sum.len(),
                });
            }
            for (sum, value) in sum.iter_mut().zip(gradient.gradient_sum) {
                *sum += value;
            }
        }
        self.samples[node] = Some(sample);
        Ok(())
    }

    /// How many gradients are in.
    pub fn gradients(&self) -> usize {
        self.samples.iter().flatten().count()
    }

    /// F and its slope at every node that is in, in the order of the path.
    pub fn samples(&self) -> Vec<PathSample> {
        self.samples.iter().flatten().copied().collect()
    }

    /// The mean gradient on the stretch that leads to a stop (to the first one, none does: that of the first
    /// stretch), flat as the input, once it is in.
    pub fn gradient(&self, stop: usize) -> Option<Vec<f32>> {
        let stretch = stop.saturating_sub(1).min(self.sums.len() - 1);
        let width = (self.stops[stretch + 1] - self.stops[stretch]) as f32;
        let sum = &self.sums[stretch];
        (!sum.is_empty()).then(|| sum.iter().map(|value| value / width).collect())
    }

    /// `(x − x') · Σ w · ∂F/∂x` up to a stop: what has been gathered on the way there. Gradients that are not
    /// in count as zero.
    ///
    /// # Errors
    ///
    /// [`Error::Length`] if `input` or `baseline` has another length than the gradients.
    pub fn gathered(&self, stop: usize, input: &[f32], baseline: &[f32]) -> Result<Attributions> {
        let mut sum = vec![0.0; input.len()];
        for stretch in self.sums.iter().take(stop) {
            for (sum, &value) in sum.iter_mut().zip(stretch) {
                *sum += f64::from(value);
            }
        }
        Attributions::of(&sum, input, baseline)
    }
}

/// F at a position of the path, on straight lines between the samples and its ends, F(x') and F(x).
///
/// # Example
///
/// ```
/// use violet::attribution::{PathSample, output_at};
///
/// let sample = PathSample { alpha: 0.5, output: 3.0, slope: 0.0 };
/// assert_eq!(output_at(&[sample], [1.0, 4.0], 0.25), 2.0);
/// assert_eq!(output_at(&[sample], [1.0, 4.0], 0.75), 3.5);
/// ```
pub fn output_at(samples: &[PathSample], ends: [f32; 2], alpha: f64) -> f64 {
    let mut points = vec![[0.0, f64::from(ends[0])]];
    points.extend(samples.iter().map(|s| [s.alpha, f64::from(s.output)]));
    points.push([1.0, f64::from(ends[1])]);
    points.sort_by(|a, b| a[0].total_cmp(&b[0]));
    let after = points.partition_point(|point| point[0] < alpha);
    let [b, a] = [after.min(points.len() - 1), after.saturating_sub(1)].map(|k| points[k]);
    let width = b[0] - a[0];
    let share = if width > 0.0 {
        (alpha - a[0]) / width
    } else {
        1.0
    };
    a[1] + share.clamp(0.0, 1.0) * (b[1] - a[1])
}

/// `x' + α (x − x')`, flat.
pub fn interpolate(input: &[f32], baseline: &[f32], alpha: f64) -> Vec<f32> {
    let alpha = alpha as f32;
    let pairs = input.iter().zip(baseline);
    pairs.map(|(&x, &x0)| x0 + alpha * (x - x0)).collect()
}

/// What fewer steps would have left: (steps, delta as a share of F(x) − F(x')) of the trapezoid rule
/// with each number of steps that divides the number taken, from the slopes of evenly spaced
/// samples. Nothing, if they are not evenly spaced or F does not change.
///
/// # Example
///
/// ```
/// use violet::attribution::{PathSample, convergence};
///
/// // F = α², whose slope is 2α: the trapezoid rule is exact for it.
/// let sample = |alpha: f64| PathSample { alpha, output: (alpha * alpha) as f32, slope: 2.0 * alpha as f32 };
/// let deltas = convergence(&[sample(0.0), sample(0.5), sample(1.0)]);
/// assert_eq!(deltas, [(1, 0.0), (2, 0.0)]);
/// ```
pub fn convergence(samples: &[PathSample]) -> Vec<(usize, f64)> {
    let mut samples = samples.to_vec();
    samples.sort_by(|a, b| a.alpha.total_cmp(&b.alpha));
    let (Some(first), Some(last)) = (samples.first(), samples.last()) else {
        return Vec::new();
    };
    let n = samples.len() - 1;
    let change = f64::from(last.output) - f64::from(first.output);
    let even =
        |(k, sample): (usize, &PathSample)| (sample.alpha - k as f64 / n as f64).abs() < 1e-6;
    if n == 0 || change == 0.0 || !samples.iter().enumerate().all(even) {
        return Vec::new();
    }
    let divisors = (1..=n).filter(|steps| n.is_multiple_of(*steps));
    let deltas = divisors.map(|steps| {
        let taken = samples.iter().step_by(n / steps);
        let sum: f64 = taken.map(|sample| f64::from(sample.slope)).sum();
        let ends = 0.5 * (f64::from(first.slope) + f64::from(last.slope));
        (steps, (sum - ends) / steps as f64 / change - 1.0)
    });
    deltas.collect()
}

/// Where F makes its way: the α at which it first has made a tenth of its whole change, and nine
/// tenths, on straight lines between the samples. Before and after, F is settled: it saturates.
/// Nothing, if F does not change.
///
/// # Example
///
/// ```
/// use violet::attribution::{PathSample, rise};
///
/// let sample = |alpha: f64, output: f32| PathSample { alpha, output, slope: 0.0 };
/// let samples = [sample(0.0, 1.0), sample(0.5, 1.0), sample(0.75, 3.0), sample(1.0, 3.0)];
/// assert_eq!(rise(&samples).map(|ends| ends.map(|alpha| (1000.0 * alpha).round())), Some([525.0, 725.0]));
/// assert_eq!(rise(&samples[..2]), None);
/// ```
pub fn rise(samples: &[PathSample]) -> Option<[f64; 2]> {
    let mut samples = samples.to_vec();
    samples.sort_by(|a, b| a.alpha.total_cmp(&b.alpha));
    let start = f64::from(samples.first()?.output);
    let change = f64::from(samples.last()?.output) - start;
    if change == 0.0 {
        return None;
    }
    let made = |sample: &PathSample| (f64::from(sample.output) - start) / change;
    let reaches = |share: f64| {
        let mut steps = samples.windows(2).map(|pair| (&pair[0], &pair[1]));
        let (before, after) = steps.find(|(_, after)| made(after) >= share)?;
        let part = (share - made(before)) / (made(after) - made(before));
        Some(before.alpha + part * (after.alpha - before.alpha))
    };
    Some([reaches(0.1)?, reaches(0.9)?])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attribution::Rule;

    /// F = Σ xᵢ² on a path from (0, 1) to (1, 3): gradient 2x, and its mean over an interval that of its ends.
    fn trail(rule: Rule, n_steps: usize, most_stops: usize) -> Result<Trail> {
        let (input, baseline) = ENDS;
        let quadrature = rule.quadrature(n_steps)?;
        let mut trail = Trail::new(quadrature.clone(), most_stops);
        for node in (0..quadrature.alphas.len()).rev() {
            let (alpha, weight) = (quadrature.alphas[node], quadrature.step_sizes[node]);
            let at = interpolate(&input, &baseline, alpha);
            let middle = match rule {
                Rule::Secant => interpolate(&input, &baseline, alpha - weight / 2.0),
                _ => at.clone(),
            };
            let gradient: Vec<f32> = middle.iter().map(|x| 2.0 * x).collect();
            trail.add(PartialSum {
                samples: vec![PathSample {
                    alpha,
                    output: at.iter().map(|x| x * x).sum(),
                    slope: gradient[0] + 2.0 * gradient[1],
                }],
                gradient_sum: gradient.iter().map(|g| weight as f32 * g).collect(),
                starts: 0,
            })?;
        }
        Ok(trail)
    }

    const ENDS: ([f32; 2], [f32; 2]) = ([1.0, 3.0], [0.0, 1.0]);

    #[test]
    fn at_the_last_stop_everything_is_gathered_whatever_the_rule() -> Result<()> {
        let (input, baseline) = ENDS;
        for rule in Rule::ALL {
            for (n_steps, most_stops) in [(1, 24), (7, 24), (24, 24), (60, 20), (500, 20)] {
                let trail = trail(rule, n_steps, most_stops)?;
                assert!(trail.last() <= most_stops && trail.alpha(trail.last()) == 1.0);
                let quadrature = trail.quadrature();
                let nodes = quadrature.alphas.iter().zip(&quadrature.step_sizes);
                // 2x · (x − x') of both values, by the rule.
                let whole: f64 = nodes
                    .map(|(&alpha, &weight)| {
                        let alpha = match rule {
                            Rule::Secant => alpha - weight / 2.0,
                            _ => alpha,
                        };
                        weight * (2.0 * alpha + 2.0 * (1.0 + 2.0 * alpha) * 2.0)
                    })
                    .sum();
                let gathered = trail.gathered(trail.last(), &input, &baseline)?;
                assert!((gathered.sum - whole).abs() < 1e-4, "{rule:?} {n_steps}");
            }
        }
        Ok(())
    }

    #[test]
    fn what_secants_gather_is_the_change_so_far_at_every_stop() -> Result<()> {
        let (input, baseline) = ENDS;
        let trail = trail(Rule::Secant, 60, 20)?;
        let ends = [1.0, 10.0];
        for stop in 0..=trail.last() {
            let gathered = trail.gathered(stop, &input, &baseline)?;
            let change = output_at(&trail.samples(), ends, trail.alpha(stop)) - 1.0;
            assert!((gathered.sum - change).abs() < 1e-4, "{stop}: {gathered:?}");
        }
        Ok(())
    }

    #[test]
    fn the_gradient_of_a_stretch_is_its_mean() -> Result<()> {
        let trail = trail(Rule::Secant, 2, 24)?;
        // From 0 to 0.375, whose middle is 0.1875.
        let gradient = trail.gradient(1).expect("it is in");
        assert!((gradient[0] - 0.375).abs() < 1e-6 && (gradient[1] - 2.75).abs() < 1e-6);
        assert_eq!(trail.gradient(0), trail.gradient(1));
        assert_eq!(Trail::new(Rule::Left.quadrature(3)?, 3).gradient(2), None);
        Ok(())
    }

    #[test]
    fn a_gradient_of_no_node_is_refused() -> Result<()> {
        let mut trail = trail(Rule::Trapezoid, 2, 24)?;
        let samples = trail.samples();
        let of = |samples: &[PathSample], length: usize| PartialSum {
            gradient_sum: vec![0.0; length],
            samples: samples.to_vec(),
            starts: 0,
        };
        assert!(trail.add(of(&samples, 2)).is_err(), "several");
        assert!(trail.add(of(&samples[..1], 3)).is_err(), "of another input");
        let elsewhere = PathSample {
            alpha: 0.7,
            ..samples[0]
        };
        assert!(trail.add(of(&[elsewhere], 2)).is_err(), "between the nodes");
        Ok(())
    }

    #[test]
    fn more_steps_come_closer() {
        let cubic = |k: usize| {
            let alpha = k as f64 / 12.0;
            PathSample {
                alpha,
                output: alpha.powi(3) as f32,
                slope: (3.0 * alpha * alpha) as f32,
            }
        };
        let samples: Vec<_> = (0..=12).rev().map(cubic).collect();
        let deltas = convergence(&samples);
        let steps: Vec<_> = deltas.iter().map(|d| d.0).collect();
        assert_eq!(steps, [1, 2, 3, 4, 6, 12]);
        // Of 3α², the rule with n steps leaves 1 / (2 n²).
        for (steps, delta) in deltas {
            let expected = 0.5 / (steps * steps) as f64;
            assert!((delta - expected).abs() < 1e-6, "{steps}: {delta}");
        }
    }

    #[test]
    fn uneven_samples_and_no_change_have_no_convergence() {
        let sample = |alpha, output| PathSample {
            alpha,
            output,
            slope: 1.0,
        };
        assert!(convergence(&[]).is_empty());
        assert!(convergence(&[sample(0.0, 0.0), sample(0.3, 1.0), sample(1.0, 2.0)]).is_empty());
        assert!(convergence(&[sample(0.0, 2.0), sample(1.0, 2.0)]).is_empty());
    }
}
