//! Parts of the integral, and their sum.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// What one point of the path yields besides its gradient.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PathSample {
    /// Position on the path: 0 is the baseline, 1 the input.
    pub alpha: f64,
    /// `F(x' + α (x − x'))`, the explained output there.
    pub output: f32,
    /// `dF/dα` there, or its mean over the interval that ends there: the gradient's dot product with
    /// `x − x'`.
    pub slope: f32,
}

/// The weighted gradients of a few points of the path. Partial sums of disjoint points add up
/// to the whole integral, whoever computed them and in which order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PartialSum {
    /// `Σ w · ∂F/∂x`, flat, shaped as one input \[C, H, W\].
    #[serde(with = "crate::floats")]
    pub gradient_sum: Vec<f32>,
    /// One for each point, in the order asked for.
    pub samples: Vec<PathSample>,
    /// Forward passes besides those of the points: where secants began and no walk stood.
    pub starts: usize,
}

impl PartialSum {
    /// The sum of no gradients of an input of `length` values.
    pub fn none(length: usize) -> Self {
        Self {
            gradient_sum: vec![0.0; length],
            samples: Vec::new(),
            starts: 0,
        }
    }

    /// Adds the sum of other points of the same path.
    #[cfg(feature = "engine")]
    pub(super) fn add(&mut self, other: &PartialSum) {
        let pairs = self.gradient_sum.iter_mut().zip(&other.gradient_sum);
        pairs.for_each(|(sum, value)| *sum += value);
        self.samples.extend_from_slice(&other.samples);
        self.starts += other.starts;
    }
}

/// Collects partial sums until every node of a quadrature is in.
#[derive(Debug, Clone)]
pub struct Accumulator {
    gradient_sum: Vec<f64>,
    samples: Vec<PathSample>,
    starts: usize,
}

impl Accumulator {
    /// An empty sum for inputs of `length` values.
    pub fn new(length: usize) -> Self {
        Self {
            gradient_sum: vec![0.0; length],
            samples: Vec::new(),
            starts: 0,
        }
    }

    /// Adds a partial sum.
    ///
    /// # Errors
    ///
    /// [`Error::Length`] if it belongs to an input of another size.
    pub fn add(&mut self, partial: &PartialSum) -> Result<()> {
        if partial.gradient_sum.len() != self.gradient_sum.len() {
            return Err(Error::Length {
                what: "partial sum",
                expected: self.gradient_sum.len(),
                found: partial.gradient_sum.len(),
            });
        }
        for (sum, &value) in self.gradient_sum.iter_mut().zip(&partial.gradient_sum) {
            *sum += f64::from(value);
        }
        self.samples.extend_from_slice(&partial.samples);
        self.starts += partial.starts;
        Ok(())
    }

    /// Forward passes besides those of the points.
    pub fn starts(&self) -> usize {
        self.starts
    }

    /// Changes the weight of all that is in.
    pub(super) fn scale(&mut self, factor: f64) {
        self.gradient_sum.iter_mut().for_each(|sum| *sum *= factor);
    }

    /// The points seen so far, in the order of their arrival.
    pub fn samples(&self) -> &[PathSample] {
        &self.samples
    }

    /// `(x − x') · Σ w · ∂F/∂x` of what is in so far: eq. 1 of the paper once all is in.
    ///
    /// # Errors
    ///
    /// [`Error::Length`] if `input` or `baseline` has another length than the sum.
    pub fn attributions(&self, input: &[f32], baseline: &[f32]) -> Result<Attributions> {
        Attributions::of(&self.gradient_sum, input, baseline)
    }

    /// The same, of a path whose ends are as long as the sum.
    pub(super) fn along(&self, ends: [&[f32]; 2]) -> Attributions {
        Attributions::along(&self.gradient_sum, ends)
    }
}

/// Signed contributions, shaped as the input, in units of the explained output.
#[derive(Debug, Clone, PartialEq)]
pub struct Attributions {
    /// Flat \[C, H, W\].
    pub values: Vec<f32>,
    /// Their sum, in f64.
    pub sum: f64,
}

impl Attributions {
    /// `(x − x') · Σ w · ∂F/∂x`.
    pub(super) fn of(gradient_sum: &[f64], input: &[f32], baseline: &[f32]) -> Result<Self> {
        for found in [input.len(), baseline.len()] {
            if found != gradient_sum.len() {
                return Err(Error::Length {
                    what: "input and attributions",
                    expected: gradient_sum.len(),
                    found,
                });
            }
        }
        Ok(Self::along(gradient_sum, [input, baseline]))
    }

    fn along(gradient_sum: &[f64], [input, baseline]: [&[f32]; 2]) -> Self {
        let mut sum = 0.0;
        let values = gradient_sum
            .iter()
            .zip(input.iter().zip(baseline))
            .map(|(gradient, (&x, &x0))| {
                let value = (f64::from(x) - f64::from(x0)) * gradient;
                sum += value;
                value as f32
            })
            .collect();
        Self { values, sum }
    }

    /// `Σ attributions − (F(x) − F(x'))`: how far the sum of the steps is from the integral.
    /// The integral itself would leave 0 (completeness, proposition 1 of the paper).
    pub fn convergence_delta(&self, output_input: f32, output_baseline: f32) -> f64 {
        self.sum - (f64::from(output_input) - f64::from(output_baseline))
    }
}
