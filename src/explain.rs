//! One request from photo to mask: the only file that knows image, model, attribution and mask
//! together.

use burn::tensor::{Device, Tensor, TensorData};

use crate::attribution::{Baseline, PartialSum, gradients_along_path, gradients_at, read};
use crate::error::{Error, Result};
use crate::image::{Photo, View, uniform_input};
use crate::model::{Checkpoint, ModelSpec, Network};
use crate::preprocessing::Crop;

/// A model ready to explain.
#[derive(Debug)]
pub struct Explainer {
    /// What is known about the model.
    pub spec: &'static ModelSpec,
    network: Network,
}

/// A photo as one model sees it, with what the model says of it and of the baseline.
#[derive(Debug, Clone)]
pub struct Scene {
    /// The square of the photo that the network sees.
    pub crop: Crop,
    /// What it sees, RGB, 3 bytes a pixel, size × size.
    pub view_rgb: Vec<u8>,
    /// Normalised input, flat \[3, size, size\].
    pub input: Vec<f32>,
    /// Normalised baseline, shaped as the input.
    pub baseline: Vec<f32>,
    /// F(x) for every class.
    pub logits_input: Vec<f32>,
    /// F(x') for every class.
    pub logits_baseline: Vec<f32>,
}

impl Explainer {
    /// The model with these weights on a device.
    ///
    /// # Errors
    ///
    /// Those of [`Network::load`].
    pub fn load(spec: &'static ModelSpec, checkpoint: Checkpoint, device: &Device) -> Result<Self> {
        let network = Network::load(spec.architecture, checkpoint, device)?;
        Ok(Self { spec, network })
    }

    /// Frames the photo and runs the network on it and on the baseline: two forward
    /// evaluations, which every later explanation of the photo shares.
    ///
    /// # Errors
    ///
    /// [`Error::Device`] if the device fails, [`Error::NotFinite`] if the logits are no numbers.
    pub async fn prepare(&self, photo: &Photo, baseline: Baseline) -> Result<Scene> {
        let preprocessing = &self.spec.preprocessing;
        let view = View::of(photo, preprocessing);
        let input = view.input(preprocessing);
        let baseline = uniform_input(baseline.rgb(), preprocessing);
        let logits = self.logits(&[&input, &baseline]).await?;
        let (logits_input, logits_baseline) = logits.split_at(logits.len() / 2);
        Ok(Scene {
            crop: view.crop,
            view_rgb: view.rgb.into_raw(),
            logits_input: logits_input.to_vec(),
            logits_baseline: logits_baseline.to_vec(),
            input,
            baseline,
        })
    }

    /// Class logits of some inputs, one after the other.
    ///
    /// # Errors
    ///
    /// [`Error::Length`], [`Error::Device`] or [`Error::NotFinite`].
    pub async fn logits(&self, inputs: &[&[f32]]) -> Result<Vec<f32>> {
        let batch = inputs
            .iter()
            .map(|input| self.tensor(input))
            .collect::<Result<Vec<_>>>()?;
        let logits = read(self.network.logits(Tensor::cat(batch, 0)).inner()).await?;
        if logits.iter().all(|v| v.is_finite()) {
            Ok(logits)
        } else {
            Err(Error::NotFinite { what: "output" })
        }
    }

    /// A part of an explanation: the weighted gradients at some points of the path, all in one
    /// pass.
    ///
    /// # Errors
    ///
    /// Those of [`gradients_along_path`].
    pub async fn partial_sum(
        &self,
        input: &[f32],
        baseline: &[f32],
        target: usize,
        alphas: &[f64],
        step_sizes: &[f64],
    ) -> Result<PartialSum> {
        gradients_along_path(
            |x| self.network.logits(x),
            &self.tensor(input)?,
            &self.tensor(baseline)?,
            target,
            alphas,
            step_sizes,
        )
        .await
    }

    /// The gradients at some points of the path, each by itself, all in one pass.
    ///
    /// # Errors
    ///
    /// Those of [`gradients_at`].
    pub async fn gradients(
        &self,
        input: &[f32],
        baseline: &[f32],
        target: usize,
        alphas: &[f64],
    ) -> Result<Vec<PartialSum>> {
        gradients_at(
            |x| self.network.logits(x),
            &self.tensor(input)?,
            &self.tensor(baseline)?,
            target,
            alphas,
        )
        .await
    }

    fn tensor(&self, input: &[f32]) -> Result<Tensor<4>> {
        let preprocessing = &self.spec.preprocessing;
        if input.len() != preprocessing.input_len() {
            return Err(Error::Length {
                what: "input",
                expected: preprocessing.input_len(),
                found: input.len(),
            });
        }
        let size = preprocessing.size as usize;
        let data = TensorData::new(input.to_vec(), [1, 3, size, size]);
        Ok(Tensor::from_data(data, self.network.device()))
    }
}
