//! Integrated Gradients (Sundararajan, Taly, Yan 2017, arXiv 1703.01365), over a forward closure.

use std::ops::ControlFlow;

use burn::tensor::{Tensor, TensorData};
use serde::{Deserialize, Serialize};

use super::quadrature::Quadrature;
use crate::error::{Error, Result};

/// What one point of the path yields besides its gradient.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PathSample {
    /// Position on the path: 0 is the baseline, 1 the input.
    pub alpha: f64,
    /// `F(x' + α (x − x'))`, the explained output there.
    pub output: f32,
    /// `dF/dα` there: the gradient's dot product with `x − x'`.
    pub slope: f32,
}

/// The weighted gradients of a few points of the path. Partial sums of disjoint points add up
/// to the whole integral, whoever computed them and in which order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PartialSum {
    /// `Σ w · ∂F/∂x`, flat, shaped as one input \[C, H, W\].
    pub gradient_sum: Vec<f32>,
    /// One for each point, in the order asked for.
    pub samples: Vec<PathSample>,
}

/// Sums the weighted gradients of `F = forward(·)[target]` at `alphas`, all in one pass.
///
/// Memory is that of one pass over `alphas.len()` images: the caller chooses it by the length
/// of the slices. Only the input is tracked; a network whose weights are untracked tensors gets
/// no gradient of any weight computed.
///
/// # Shapes
///
/// `input`, `baseline`: \[1, C, H, W\], in model space, on an autodiff device. `forward`:
/// \[N, C, H, W\] → \[N, classes\]. `target` is a column of its result.
///
/// # Errors
///
/// [`Error::Length`] if `alphas` and `step_sizes` differ in length, [`Error::UnknownTarget`] if
/// there is no such column, [`Error::Device`] if the backend fails, [`Error::NotFinite`] if it
/// returns something that is not a number.
pub async fn gradients_along_path(
    forward: impl Fn(Tensor<4>) -> Tensor<2>,
    input: &Tensor<4>,
    baseline: &Tensor<4>,
    target: usize,
    alphas: &[f64],
    step_sizes: &[f64],
) -> Result<PartialSum> {
    let n = alphas.len();
    if step_sizes.len() != n {
        return Err(Error::Length {
            what: "alphas and step sizes",
            expected: n,
            found: step_sizes.len(),
        });
    }
    let device = input.device();
    let column = |values: &[f64], device: &_| {
        let values: Vec<f32> = values.iter().map(|&v| v as f32).collect();
        Tensor::<4>::from_data(TensorData::new(values, [n, 1, 1, 1]), device)
    };

    let difference = input.clone() - baseline.clone();
    let points = baseline.clone() + difference.clone() * column(alphas, &device); // [N, C, H, W]
    let points = points.require_grad();
    let outputs = forward(points.clone());
    let [_, classes] = outputs.dims();
    if target >= classes {
        return Err(Error::UnknownTarget {
            target: target.to_string(),
            classes,
        });
    }
    let outputs = outputs.slice([0..n, target..target + 1]); // [N, 1]
    let mut gradients = outputs.clone().sum().backward();
    let gradient = points
        .grad_remove(&mut gradients)
        .ok_or_else(|| Error::Device {
            device: "network",
            reason: "its output does not depend on its input".into(),
        })?;
    drop(gradients);

    let difference = difference.inner();
    let weights = column(step_sizes, &gradient.device());
    let slopes: Tensor<1> = (gradient.clone() * difference)
        .sum_dim(1)
        .sum_dim(2)
        .sum_dim(3)
        .reshape([n]);
    let gradient_sum = (gradient * weights).sum_dim(0); // [1, C, H, W]
    let length = gradient_sum.shape().num_elements();

    // One read for everything, which is also the point where a GPU is waited for.
    let mut values = read(Tensor::cat(
        vec![
            gradient_sum.reshape([length]),
            outputs.inner().reshape([n]),
            slopes,
        ],
        0,
    ))
    .await?;
    if !values.iter().all(|v| v.is_finite()) {
        return Err(Error::NotFinite {
            what: "output or gradient",
        });
    }
    let tail = values.split_off(length);
    let samples = (0..n)
        .map(|k| PathSample {
            alpha: alphas[k],
            output: tail[k],
            slope: tail[n + k],
        })
        .collect();
    Ok(PartialSum {
        gradient_sum: values,
        samples,
    })
}

/// The values of a tensor, row by row; waits for the device without blocking the thread.
///
/// # Errors
///
/// [`Error::Device`] if the backend cannot run what was asked of it or read it back.
pub async fn read<const D: usize>(tensor: Tensor<D>) -> Result<Vec<f32>> {
    let failed = |reason: String| Error::Device {
        device: "backend",
        reason,
    };
    tensor
        .into_data_async()
        .await
        .map_err(|error| failed(format!("{error:?}")))?
        .try_to_vec::<f32>()
        .map_err(|error| failed(format!("{error:?}")))
}

/// Collects partial sums until every node of a quadrature is in.
#[derive(Debug, Clone)]
pub struct Accumulator {
    gradient_sum: Vec<f64>,
    samples: Vec<PathSample>,
}

impl Accumulator {
    /// An empty sum for inputs of `length` values.
    pub fn new(length: usize) -> Self {
        Self {
            gradient_sum: vec![0.0; length],
            samples: Vec::new(),
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
        Ok(())
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
        for found in [input.len(), baseline.len()] {
            if found != self.gradient_sum.len() {
                return Err(Error::Length {
                    what: "input and attributions",
                    expected: self.gradient_sum.len(),
                    found,
                });
            }
        }
        let mut sum = 0.0;
        let values = self
            .gradient_sum
            .iter()
            .zip(input.iter().zip(baseline))
            .map(|(gradient, (&x, &x0))| {
                let value = (f64::from(x) - f64::from(x0)) * gradient;
                sum += value;
                value as f32
            })
            .collect();
        Ok(Attributions { values, sum })
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
    /// `Σ attributions − (F(x) − F(x'))`: how far the sum of the steps is from the integral.
    /// The integral itself would leave 0 (completeness, proposition 1 of the paper).
    pub fn convergence_delta(&self, output_input: f32, output_baseline: f32) -> f64 {
        self.sum - (f64::from(output_input) - f64::from(output_baseline))
    }
}

/// The whole method: every node of `quadrature`, `internal_batch_size` of them at a time.
///
/// `progress` is called after each pass with the sum so far; it breaks to cancel, and then the
/// result is `None`. Nodes are visited in [`Quadrature::progressive_order`].
///
/// # Errors
///
/// Those of [`gradients_along_path`].
pub async fn integrate(
    forward: impl Fn(Tensor<4>) -> Tensor<2>,
    input: &Tensor<4>,
    baseline: &Tensor<4>,
    target: usize,
    quadrature: &Quadrature,
    internal_batch_size: usize,
    mut progress: impl FnMut(&Accumulator) -> ControlFlow<()>,
) -> Result<Option<Accumulator>> {
    let mut accumulator = Accumulator::new(input.shape().num_elements());
    let order = quadrature.progressive_order();
    for nodes in order.chunks(internal_batch_size.max(1)) {
        let alphas: Vec<f64> = nodes.iter().map(|&k| quadrature.alphas[k]).collect();
        let step_sizes: Vec<f64> = nodes.iter().map(|&k| quadrature.step_sizes[k]).collect();
        let partial =
            gradients_along_path(&forward, input, baseline, target, &alphas, &step_sizes).await?;
        accumulator.add(&partial)?;
        if progress(&accumulator).is_break() {
            return Ok(None);
        }
    }
    Ok(Some(accumulator))
}
