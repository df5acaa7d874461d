//! Integrated Gradients (Sundararajan, Taly, Yan 2017, arXiv 1703.01365), over a forward pass.

use std::ops::ControlFlow;

use burn::tensor::{Device, Tensor, TensorData};

use super::partial_sum::{Accumulator, PartialSum, PathSample};
use super::quadrature::{Quadrature, Slopes, same_position};
use crate::error::{Error, Result};

/// F of images, one number each, of which no image has a part in another's: at points, and between
/// them. What knows no secants, as a closure over tensors, is none, so that no rule asks in vain.
pub trait Forward {
    /// F of each image, \[N, C, H, W\] → \[N\]. Its gradient is the derivative there.
    fn at(&mut self, images: Tensor<4>) -> Tensor<1>;

    /// F of each image, \[N, C, H, W\] → \[N\]. In its gradient, rectifiers let through only what is
    /// positive.
    fn guided(&mut self, images: Tensor<4>) -> Tensor<1>;

    /// Stands at an image \[1, C, H, W\], where the next secant shall begin.
    fn stand(&mut self, image: Tensor<4>);

    /// F of each image, \[N, C, H, W\] → \[N\]. Its gradient is the mean one since the image
    /// before: of the first, since the image where it stands. It stands at the last one then.
    fn go(&mut self, images: Tensor<4>) -> Tensor<1>;
}

/// One straight path, and F along it: what gradients are taken with.
///
/// Secants begin where others end, so that a walk that goes on where it was pays one forward pass
/// for all of them. Only the input is tracked; a network whose weights are untracked tensors gets
/// no gradient of any weight computed.
#[derive(Debug)]
pub struct Walk<F> {
    forward: F,
    input: Tensor<4>,
    baseline: Tensor<4>,
    /// Where F stands: the next secant may begin there.
    stands: Option<f64>,
}

impl<F: Forward> Walk<F> {
    /// `input`, `baseline`: \[1, C, H, W\], in model space, on an autodiff device.
    pub fn new(forward: F, input: Tensor<4>, baseline: Tensor<4>) -> Self {
        let stands = None;
        Self {
            forward,
            input,
            baseline,
            stands,
        }
    }

    /// Sums the weighted gradients at some nodes, all in one pass if they follow one another.
    /// Memory is that of one pass over all of them.
    ///
    /// # Errors
    ///
    /// [`Error::Device`] if the backend fails, [`Error::NotFinite`] if it returns something that is
    /// not a number.
    pub async fn sum(&mut self, part: &Quadrature) -> Result<PartialSum> {
        let mut whole: Option<PartialSum> = None;
        for stretch in part.stretches() {
            let (pass, starts) = self.pass(&stretch)?;
            let weights = column(&stretch.step_sizes, &pass.gradient.device());
            let sum = (pass.gradient.clone() * weights).sum_dim(0); // [1, C, H, W]
            let (gradient_sum, samples) = pass.read(sum, &stretch.alphas).await?;
            let sum = PartialSum {
                gradient_sum,
                samples,
                starts,
            };
            match &mut whole {
                None => whole = Some(sum),
                Some(whole) => whole.add(&sum),
            }
        }
        Ok(whole.unwrap_or_else(|| PartialSum::none(self.input.shape().num_elements())))
    }

    /// The gradients at some nodes, each by itself with weight 1, all in one pass if they follow
    /// one another.
    ///
    /// # Errors
    ///
    /// Those of [`sum`](Self::sum).
    pub async fn each(&mut self, part: &Quadrature) -> Result<Vec<PartialSum>> {
        let mut all = Vec::new();
        for stretch in part.stretches() {
            let (pass, mut starts) = self.pass(&stretch)?;
            let (gradients, samples) = pass.read(pass.gradient.clone(), &stretch.alphas).await?;
            let length = (gradients.len() / samples.len().max(1)).max(1);
            for (gradient, sample) in gradients.chunks_exact(length).zip(samples) {
                all.push(PartialSum {
                    gradient_sum: gradient.to_vec(),
                    samples: vec![sample],
                    starts: std::mem::take(&mut starts),
                });
            }
        }
        Ok(all)
    }

    /// The whole method: every node of `quadrature`, `internal_batch_size` of them at a time, in
    /// [`Quadrature::order`].
    ///
    /// `progress` is called after each pass with the sum so far; it breaks to cancel, and then the
    /// result is `None`.
    ///
    /// # Errors
    ///
    /// Those of [`sum`](Self::sum).
    pub async fn integrate(
        &mut self,
        quadrature: &Quadrature,
        internal_batch_size: usize,
        mut progress: impl FnMut(&Accumulator) -> ControlFlow<()>,
    ) -> Result<Option<Accumulator>> {
        let mut accumulator = Accumulator::new(self.input.shape().num_elements());
        for nodes in quadrature.order().chunks(internal_batch_size.max(1)) {
            accumulator.add(&self.sum(&quadrature.pick(nodes)).await?)?;
            if progress(&accumulator).is_break() {
                return Ok(None);
            }
        }
        Ok(Some(accumulator))
    }

    /// One pass over nodes that follow one another, and how many forward passes it took besides.
    fn pass(&mut self, stretch: &Quadrature) -> Result<(Pass, usize)> {
        let n = stretch.alphas.len();
        let difference = self.input.clone() - self.baseline.clone();
        let images = points(&self.input, &self.baseline, &stretch.alphas).require_grad();
        let mut starts = 0;
        let outputs = match stretch.slopes {
            Slopes::Tangent => self.forward.at(images.clone()),
            Slopes::Guided => self.forward.guided(images.clone()),
            Slopes::Secant => {
                let start = stretch.alphas[0] - stretch.step_sizes[0];
                let stands = self.stands.take();
                if !stands.is_some_and(|stands| same_position(stands, start)) {
                    let image = points(&self.input, &self.baseline, &[start]);
                    self.forward.stand(image);
                    starts = 1;
                }
                let outputs = self.forward.go(images.clone());
                self.stands = stretch.alphas.last().copied();
                outputs
            }
        };
        let mut gradients = outputs.clone().sum().backward();
        let gradient = images
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
        let pass = Pass {
            gradient,
            outputs: outputs.inner(),
            slopes,
        };
        Ok((pass, starts))
    }
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
