//! Integrated Gradients (Sundararajan, Taly, Yan 2017, arXiv 1703.01365), over a forward closure.

use std::ops::ControlFlow;

use burn::tensor::{Device, Tensor, TensorData};

use super::partial_sum::{Accumulator, PartialSum, PathSample};
use super::quadrature::Quadrature;
use crate::error::{Error, Result};

/// Sums the weighted gradients of `F = forward(·)` at `alphas`, all in one pass.
///
/// Memory is that of one pass over `alphas.len()` images: the caller chooses it by the length
/// of the slices. Only the input is tracked; a network whose weights are untracked tensors gets
/// no gradient of any weight computed.
///
/// # Shapes
///
/// `input`, `baseline`: \[1, C, H, W\], in model space, on an autodiff device. `forward`:
/// \[N, C, H, W\] → \[N\], one output an image, which depends on no other image.
///
/// # Errors
///
/// [`Error::Length`] if `alphas` and `step_sizes` differ in length, [`Error::Device`] if the backend
/// fails, [`Error::NotFinite`] if it returns something that is not a number.
pub async fn gradients_along_path(
    forward: impl FnOnce(Tensor<4>) -> Tensor<1>,
    input: &Tensor<4>,
    baseline: &Tensor<4>,
    alphas: &[f64],
    step_sizes: &[f64],
) -> Result<PartialSum> {
    if step_sizes.len() != alphas.len() {
        return Err(Error::Length {
            what: "alphas and step sizes",
            expected: alphas.len(),
            found: step_sizes.len(),
        });
    }
    let pass = pass(forward, input, baseline, alphas)?;
    let weights = column(step_sizes, &pass.gradient.device());
    let sum = (pass.gradient.clone() * weights).sum_dim(0); // [1, C, H, W]
    let (gradient_sum, samples) = pass.read(sum, alphas).await?;
    Ok(PartialSum {
        gradient_sum,
        samples,
    })
}

/// The gradients at `alphas`, each by itself with weight 1, all in one pass.
///
/// # Shapes
///
/// Those of [`gradients_along_path`].
///
/// # Errors
///
/// Those of [`gradients_along_path`].
pub async fn gradients_at(
    forward: impl FnOnce(Tensor<4>) -> Tensor<1>,
    input: &Tensor<4>,
    baseline: &Tensor<4>,
    alphas: &[f64],
) -> Result<Vec<PartialSum>> {
    let pass = pass(forward, input, baseline, alphas)?;
    let (gradients, samples) = pass.read(pass.gradient.clone(), alphas).await?;
    let length = gradients.len() / alphas.len().max(1);
    let single = |(gradient, sample): (&[f32], PathSample)| PartialSum {
        gradient_sum: gradient.to_vec(),
        samples: vec![sample],
    };
    Ok(gradients
        .chunks_exact(length.max(1))
        .zip(samples)
        .map(single)
        .collect())
}

/// One pass through the network and back, not yet read.
struct Pass {
    /// ∂F/∂x at each point, \[N, C, H, W\].
    gradient: Tensor<4>,
    /// F at each point.
    outputs: Tensor<1>,
    /// The gradient's dot product with `x − x'` at each point.
    slopes: Tensor<1>,
}

fn pass(
    forward: impl FnOnce(Tensor<4>) -> Tensor<1>,
    input: &Tensor<4>,
    baseline: &Tensor<4>,
    alphas: &[f64],
) -> Result<Pass> {
    let n = alphas.len();
    let difference = input.clone() - baseline.clone();
    let points = points(input, baseline, alphas).require_grad();
    let outputs = forward(points.clone());
    let mut gradients = outputs.clone().sum().backward();
    let gradient = points
        .grad_remove(&mut gradients)
        .ok_or_else(|| Error::Device {
            device: "network",
            reason: "its output does not depend on its input".into(),
        })?;
    let slopes = (gradient.clone() * difference.inner())
        .sum_dim(1)
        .sum_dim(2)
        .sum_dim(3)
        .reshape([n]);
    Ok(Pass {
        gradient,
        outputs: outputs.inner(),
        slopes,
    })
}

impl Pass {
    /// The values of `wanted` and what the points yield besides. One read for everything, which
    /// is also where a GPU is waited for.
    async fn read(&self, wanted: Tensor<4>, alphas: &[f64]) -> Result<(Vec<f32>, Vec<PathSample>)> {
        let n = alphas.len();
        let length = wanted.shape().num_elements();
        let parts = vec![
            wanted.reshape([length]),
            self.outputs.clone(),
            self.slopes.clone(),
        ];
        let mut values = read(Tensor::cat(parts, 0)).await?;
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
        Ok((values, samples))
    }
}

/// `x' + α (x − x')` for every α: \[N, C, H, W\].
pub fn points(input: &Tensor<4>, baseline: &Tensor<4>, alphas: &[f64]) -> Tensor<4> {
    let difference = input.clone() - baseline.clone();
    baseline.clone() + difference * column(alphas, &input.device())
}

/// Numbers as a tensor \[N, 1, 1, 1\].
fn column(values: &[f64], device: &Device) -> Tensor<4> {
    let n = values.len();
    let values: Vec<f32> = values.iter().map(|&v| v as f32).collect();
    Tensor::from_data(TensorData::new(values, [n, 1, 1, 1]), device)
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

/// The whole method: every node of `quadrature`, `internal_batch_size` of them at a time.
///
/// `progress` is called after each pass with the sum so far; it breaks to cancel, and then the
/// result is `None`. Nodes are visited in [`Quadrature::order`]. For secants, `forward` has to be one whose gradient
/// is the mean one since the point before.
///
/// # Errors
///
/// Those of [`gradients_along_path`].
pub async fn integrate(
    mut forward: impl FnMut(Tensor<4>) -> Tensor<1>,
    input: &Tensor<4>,
    baseline: &Tensor<4>,
    quadrature: &Quadrature,
    internal_batch_size: usize,
    mut progress: impl FnMut(&Accumulator) -> ControlFlow<()>,
) -> Result<Option<Accumulator>> {
    let mut accumulator = Accumulator::new(input.shape().num_elements());
    let order = quadrature.order();
    for nodes in order.chunks(internal_batch_size.max(1)) {
        let part = quadrature.pick(nodes);
        let (alphas, step_sizes) = (&part.alphas, &part.step_sizes);
        let partial =
            gradients_along_path(&mut forward, input, baseline, alphas, step_sizes).await?;
        accumulator.add(&partial)?;
        if progress(&accumulator).is_break() {
            return Ok(None);
        }
    }
    Ok(Some(accumulator))
}
