//! A path on which every gradient is kept, so that one can stop anywhere and look.

use super::partial_sum::{Attributions, PartialSum, PathSample};
use crate::error::{Error, Result};

/// Evenly spaced stops from baseline to input, and the gradient at each: the trapezoid rule with
/// nothing summed yet. Memory is that of `n_steps + 1` gradients, so that it is for a few steps.
#[derive(Debug, Clone)]
pub struct Trail {
    stops: Vec<Option<PartialSum>>,
}

impl Trail {
    /// A trail on which no gradient is in. At least one step.
    pub fn new(n_steps: usize) -> Self {
        Self {
            stops: vec![None; n_steps.max(1) + 1],
        }
    }

    /// How many steps there are; the stops are one more.
    pub fn n_steps(&self) -> usize {
        self.stops.len() - 1
    }

    /// Position of a stop on the path, 0..=1.
    pub fn alpha(&self, stop: usize) -> f64 {
        stop as f64 / self.n_steps() as f64
    }

    /// Takes in a gradient of weight 1 at one of the stops, told by its sample.
    ///
    /// # Errors
    ///
    /// [`Error::Length`] if it is not of one point, or of none of these stops.
    pub fn add(&mut self, gradient: PartialSum) -> Result<()> {
        let at = match *gradient.samples {
            [sample] => (sample.alpha * self.n_steps() as f64).round() as usize,
            _ => usize::MAX,
        };
        let stops = self.stops.len();
        let stop = self.stops.get_mut(at).ok_or(Error::Length {
            what: "stops of the path",
            expected: stops,
            found: at,
        })?;
        *stop = Some(gradient);
        Ok(())
    }

    /// How many gradients are in.
    pub fn gradients(&self) -> usize {
        self.stops.iter().flatten().count()
    }

    /// F and its slope at every stop that is in, in the order of the path.
    pub fn samples(&self) -> Vec<PathSample> {
        let stops = self.stops.iter().flatten();
        stops
            .flat_map(|stop| stop.samples.iter().copied())
            .collect()
    }

    /// The gradient at a stop, flat as the input, once it is in.
    pub fn gradient(&self, stop: usize) -> Option<&[f32]> {
        Some(&self.stops.get(stop)?.as_ref()?.gradient_sum)
    }

    /// `(x − x') · ∫₀^α ∂F/∂x`, by the trapezoid rule up to a stop: what has been gathered on the way
    /// there. By completeness its sum is `F(α) − F(0)`, but for the rule's error. Gradients that are
    /// not in count as zero.
    ///
    /// # Errors
    ///
    /// [`Error::Length`] if `input` or `baseline` has another length than the gradients.
    pub fn gathered(&self, stop: usize, input: &[f32], baseline: &[f32]) -> Result<Attributions> {
        let mut sum = vec![0.0; input.len()];
        let step = 1.0 / self.n_steps() as f64;
        let stop = stop.min(self.n_steps());
        for k in 0..=stop {
            let weight = match k {
                _ if stop == 0 => 0.0,
                0 => 0.5 * step,
                _ if k == stop => 0.5 * step,
                _ => step,
            };
            for (sum, &value) in sum.iter_mut().zip(self.gradient(k).unwrap_or_default()) {
                *sum += weight * f64::from(value);
            }
        }
        Attributions::of(&sum, input, baseline)
    }
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

    /// F = Σ xᵢ² on a path from (0, 1) to (1, 3): gradient 2x.
    fn trail(n_steps: usize) -> Result<(Trail, Vec<f32>, Vec<f32>)> {
        let (input, baseline) = (vec![1.0, 3.0], vec![0.0, 1.0]);
        let mut trail = Trail::new(n_steps);
        for stop in (0..=n_steps).rev() {
            let alpha = trail.alpha(stop);
            let at = interpolate(&input, &baseline, alpha);
            let gradient: Vec<f32> = at.iter().map(|x| 2.0 * x).collect();
            let sample = PathSample {
                alpha,
                output: at.iter().map(|x| x * x).sum(),
                slope: gradient[0] + 2.0 * gradient[1],
            };
            trail.add(PartialSum {
                gradient_sum: gradient,
                samples: vec![sample],
            })?;
        }
        Ok((trail, input, baseline))
    }

    #[test]
    fn what_is_gathered_is_the_change_so_far() -> Result<()> {
        let (trail, input, baseline) = trail(8)?;
        let outputs: Vec<f32> = trail.samples().iter().map(|s| s.output).collect();
        for stop in 0..=8 {
            let gathered = trail.gathered(stop, &input, &baseline)?;
            let change = f64::from(outputs[stop] - outputs[0]);
            assert!((gathered.sum - change).abs() < 1e-5, "{stop}: {gathered:?}");
        }
        Ok(())
    }

    #[test]
    fn a_gradient_between_the_stops_is_refused() -> Result<()> {
        let (mut trail, ..) = trail(2)?;
        let mut two = PartialSum {
            gradient_sum: vec![0.0; 2],
            samples: trail.samples(),
        };
        assert!(trail.add(two.clone()).is_err());
        two.samples.truncate(1);
        two.samples[0].alpha = 7.0;
        assert!(trail.add(two).is_err());
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
