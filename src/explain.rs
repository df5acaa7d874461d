//! One request from photo to mask: the only file that knows image, model, attribution and mask
//! together.

mod answering;
mod live;

use std::ops::Deref;
use std::sync::Arc;

use burn::tensor::{Device, Tensor, TensorData};

use crate::attribution::{self, Baseline, Forward, Quadrature, Slopes, read};
use crate::error::{Error, Result};
use crate::image::{Photo, View, noise};
use crate::model::{Architecture, Checkpoint, Detection, Network, Target, Trace};
use crate::preprocessing::{Crop, Preprocessing};

pub use answering::{Answering, Body};
pub use live::{Glance, Standing};

/// A model ready to explain.
#[derive(Debug)]
pub struct Explainer {
    preprocessing: Preprocessing,
    network: Arc<Network>,
}

/// A photo and a baseline as one model sees them, and what it says of both.
#[derive(Debug, Clone)]
pub struct Prepared {
    /// The part of the photo that the network sees.
    pub crop: Crop,
    /// What it sees, RGB, 3 bytes a pixel, row by row.
    pub view_rgb: Vec<u8>,
    /// Normalised input, flat \[3, H, W\].
    pub input: Vec<f32>,
    /// Normalised baseline, shaped as the input.
    pub baseline: Vec<f32>,
    /// Every output at the input: logits.
    pub logits_input: Vec<f32>,
    /// Every output at the baseline.
    pub logits_baseline: Vec<f32>,
    /// What a detector found in the photo, the best first; candidates of low score included.
    pub detections: Vec<Detection>,
}

/// One target's path from a baseline to a photo, with the network that walks it.
pub type Walk = attribution::Walk<Explained<Arc<Network>>>;

/// F of images: one target of one network.
#[derive(Debug)]
pub struct Explained<N> {
    network: N,
    target: Target,
    /// What the last secant left for the next one.
    trace: Trace,
}

impl<N: Deref<Target = Network>> Explained<N> {
    /// A network, or what leads to it.
    pub fn new(network: N, target: Target) -> Self {
        Self {
            network,
            target,
            trace: Trace::none(),
        }
    }
}

impl<N: Deref<Target = Network>> Forward for Explained<N> {
    fn at(&mut self, images: Tensor<4>) -> Tensor<1> {
        self.network.output(images, self.target)
    }

    fn guided(&mut self, images: Tensor<4>) -> Tensor<1> {
        let mut trace = Trace::guided();
        self.network.output_along(images, self.target, &mut trace)
    }

    fn stand(&mut self, image: Tensor<4>) {
        self.trace = Trace::secants();
        self.network
            .output_along(image, self.target, &mut self.trace);
    }

    fn go(&mut self, images: Tensor<4>) -> Tensor<1> {
        self.network
            .output_along(images, self.target, &mut self.trace)
    }
}

/// Detections below this score are not worth mentioning.
const LEAST_SCORE: f32 = 0.02;
/// Detections kept for a photo, at most.
const MOST_DETECTIONS: usize = 50;

impl Explainer {
    /// The network with these weights on a device, and how it wants its photos.
    ///
    /// # Errors
    ///
    /// Those of [`Network::load`].
    pub fn load(
        architecture: Architecture,
        preprocessing: Preprocessing,
        checkpoint: Checkpoint,
        device: &Device,
    ) -> Result<Self> {
        let network = Network::load(architecture, checkpoint, device)?;
        Ok(Self::new(network, preprocessing))
    }

    /// A network, and how it wants its photos.
    pub fn new(network: Network, preprocessing: Preprocessing) -> Self {
        Self {
            preprocessing,
            network: Arc::new(network),
        }
    }

    /// The network.
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// Frames the photo and runs the network on it and on the baseline: two forward
    /// evaluations, which every later explanation of the photo shares.
    ///
    /// # Errors
    ///
    /// [`Error::Device`] if the device fails, [`Error::NotFinite`] if the logits are no numbers.
    pub async fn prepare(&self, photo: &Photo, baseline: Baseline) -> Result<Prepared> {
        let view = View::of(photo, &self.preprocessing);
        let input = view.input(&self.preprocessing);
        let baseline = self.baseline(&view, baseline);
        let batch = Tensor::cat(vec![self.tensor(&input)?, self.tensor(&baseline)?], 0);
        let (logits, detections) = match self.network.boxes_and_logits(batch.clone()) {
            None => (finite(self.network.logits(batch)).await?, Vec::new()),
            Some([encodings, logits]) => {
                let encodings = finite(encodings).await?;
                let logits = finite(logits).await?;
                let (encodings, _) = encodings.split_at(encodings.len() / 2);
                let (of_photo, _) = logits.split_at(logits.len() / 2);
                let found =
                    self.network
                        .detections(encodings, of_photo, LEAST_SCORE, MOST_DETECTIONS);
                (logits, found)
            }
        };
        let (logits_input, logits_baseline) = logits.split_at(logits.len() / 2);
        Ok(Prepared {
            view_rgb: view.rgb(),
            crop: view.crop,
            logits_input: logits_input.to_vec(),
            logits_baseline: logits_baseline.to_vec(),
            input,
            baseline,
            detections,
        })
    }

    /// Does once what [`prepare`](Self::prepare) and a [`walk`](Self::walk) of so many gradients a pass will do, with an
    /// image of zeros: a device that compiles its kernels when they are first used has them then.
    ///
    /// # Errors
    ///
    /// Those of both.
    pub async fn rehearse(&self, slopes: Slopes, gradients: usize) -> Result<()> {
        let zeros = vec![0.0; self.preprocessing.input_len()];
        self.logits(&[&zeros, &zeros]).await?;
        self.one_pass(slopes, gradients).await
    }

    /// Takes so many gradients in one pass, of an image of zeros, and forgets them.
    ///
    /// # Errors
    ///
    /// Those of [`walk`](Self::walk).
    pub async fn one_pass(&self, slopes: Slopes, gradients: usize) -> Result<()> {
        let zeros = vec![0.0; self.preprocessing.input_len()];
        // A detector's first output and its last are led to by all but a few of its layers.
        let target = Target {
            minus: Some(self.network.outputs() - 1),
            ..Target::output(0)
        };
        let each = 1.0 / gradients as f64;
        let pass = Quadrature {
            alphas: (1..=gradients).map(|k| k as f64 * each).collect(),
            step_sizes: vec![each; gradients],
            slopes,
        };
        self.walk(&zeros, &zeros, target)?.sum(&pass).await?;
        Ok(())
    }

    /// How many images, one at least, a pass can have so that none of its activations is larger than a buffer of
    /// that many bytes.
    pub fn images_within(&self, buffer: usize) -> usize {
        (buffer / size_of::<f32>() / self.network.widest()).max(1)
    }

    /// A target's output at both ends of a photo's path: F(x') and F(x).
    pub fn ends(&self, prepared: &Prepared, target: Target) -> [f32; 2] {
        let independent = self.network.is_independent();
        [&prepared.logits_baseline, &prepared.logits_input]
            .map(|logits| target.of(logits, independent))
    }

    /// The baseline for a view, normalised.
    fn baseline(&self, view: &View, baseline: Baseline) -> Vec<f32> {
        let pixels = match baseline {
            Baseline::Blurred => view.blurred(),
            other => plain(other, view.pixels.len()),
        };
        self.preprocessing.planes(pixels.into_iter())
    }

    /// What the network's last layer is given for some photos, one after the other: flat \[N,
    /// features\].
    ///
    /// # Errors
    ///
    /// [`Error::NoLastLayer`] of a detector; [`Error::Device`] or [`Error::NotFinite`].
    pub async fn features(&self, photos: &[Photo]) -> Result<Vec<f32>> {
        let input = |photo: &Photo| View::of(photo, &self.preprocessing).input(&self.preprocessing);
        let batch = photos.iter().map(|photo| self.tensor(&input(photo)));
        let batch = Tensor::cat(batch.collect::<Result<Vec<_>>>()?, 0);
        finite(self.network.features(batch)?).await
    }

    /// All outputs of some inputs, one after the other.
    ///
    /// # Errors
    ///
    /// [`Error::Length`], [`Error::Device`] or [`Error::NotFinite`].
    pub async fn logits(&self, inputs: &[&[f32]]) -> Result<Vec<f32>> {
        let batch = inputs
            .iter()
            .map(|input| self.tensor(input))
            .collect::<Result<Vec<_>>>()?;
        finite(self.network.logits(Tensor::cat(batch, 0))).await
    }

    /// A walk along the path from a baseline to an input, both flat \[3, H, W\].
    ///
    /// # Errors
    ///
    /// [`Error::UnknownTarget`], [`Error::Length`].
    pub fn walk(&self, input: &[f32], baseline: &[f32], target: Target) -> Result<Walk> {
        self.check(target)?;
        let explained = Explained::new(Arc::clone(&self.network), target);
        let (input, baseline) = (self.tensor(input)?, self.tensor(baseline)?);
        Ok(Walk::new(explained, input, baseline))
    }

    /// F of some inputs, flat \[N, 3, H, W\], all in one pass and without gradients.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownTarget`], [`Error::Length`], [`Error::Device`] or [`Error::NotFinite`].
    pub async fn outputs(&self, inputs: &[f32], target: Target) -> Result<Vec<f32>> {
        self.check(target)?;
        let images = inputs.chunks(self.preprocessing.input_len());
        let images = images.map(|image| self.tensor(image));
        let batch = Tensor::cat(images.collect::<Result<Vec<_>>>()?, 0);
        let outputs = self.network.output(batch, target);
        finite(outputs.unsqueeze_dim::<2>(1)).await
    }

    /// Grad-CAM of an input: rows, columns, and a map of the last layer's places. Nothing, if the network has no
    /// layer of places.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownTarget`], [`Error::Length`], [`Error::Device`].
    pub async fn class_activation(
        &self,
        input: &[f32],
        target: Target,
    ) -> Result<Option<(usize, usize, Vec<f32>)>> {
        self.check(target)?;
        let Some([values, gradient]) = self.network.last_map(self.tensor(input)?, target) else {
            return Ok(None);
        };
        let [_, channels, height, width] = values.dims();
        let (values, gradient) = (read(values).await?, read(gradient).await?);
        let map = attribution::class_activation(&values, &gradient, channels);
        Ok(Some((height, width, map)))
    }

    fn check(&self, target: Target) -> Result<()> {
        let outputs = self.network.outputs();
        match target.outputs().find(|&output| output >= outputs) {
            None => Ok(()),
            Some(output) => Err(Error::UnknownTarget {
                target: output.to_string(),
                classes: outputs,
            }),
        }
    }

    fn tensor(&self, input: &[f32]) -> Result<Tensor<4>> {
        if input.len() != self.preprocessing.input_len() {
            return Err(Error::Length {
                what: "input",
                expected: self.preprocessing.input_len(),
                found: input.len(),
            });
        }
        let [height, width] = self.preprocessing.size();
        let data = TensorData::new(input.to_vec(), [1, 3, height, width]);
        Ok(Tensor::from_data(data, self.network.device()))
    }
}

/// So many pixels of a baseline that no photo has a part in.
fn plain(baseline: Baseline, count: usize) -> Vec<[f32; 3]> {
    match baseline {
        Baseline::Noise(seed) => noise(seed, count),
        other => vec![other.colour().unwrap_or_default().map(f32::from); count],
    }
}

/// A network's outputs, which must be numbers.
async fn finite(outputs: Tensor<2>) -> Result<Vec<f32>> {
    let values = read(outputs.inner()).await?;
    if values.iter().all(|v| v.is_finite()) {
        Ok(values)
    } else {
        Err(Error::NotFinite { what: "output" })
    }
}
