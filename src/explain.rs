//! One request from photo to mask: the only file that knows image, model, attribution and mask
//! together.

use burn::tensor::{Device, Tensor, TensorData};

use crate::attribution::{
    Baseline, PartialSum, Quadrature, Slopes, gradients_along_path, gradients_at, points, read,
    same_position,
};
use crate::error::{Error, Result};
use crate::image::{Photo, View, noise};
use crate::kernel::Geometry;
use crate::model::{Architecture, Checkpoint, Detection, Network, Target, Trace, detections};
use crate::preprocessing::{Crop, Preprocessing};

/// A model ready to explain.
#[derive(Debug)]
pub struct Explainer {
    architecture: Architecture,
    preprocessing: Preprocessing,
    network: Network,
}

/// A photo and a baseline as one model sees them, and what it says of both.
#[derive(Debug, Clone)]
pub struct Prepared {
    /// The part of the photo that the network sees.
    pub crop: Crop,
    /// What it sees, RGB, 3 bytes a pixel, size × size.
    pub view_rgb: Vec<u8>,
    /// Normalised input, flat \[3, size, size\].
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

/// How far the secants of one path have come, and what they left there for the next one. A new path takes a
/// new walk.
#[derive(Debug, Default)]
pub struct Walk {
    end: Option<(f64, Target, Trace)>,
}

impl Walk {
    /// What was left at `start`, if that is where the last secant ended.
    fn trace_from(&mut self, start: f64, target: Target) -> Option<Trace> {
        let (end, of, trace) = self.end.take()?;
        (of == target && same_position(end, start)).then_some(trace)
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
        Ok(Self {
            architecture,
            preprocessing,
            network: Network::load(architecture, checkpoint, device)?,
        })
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
                let found = detections(encodings, of_photo, LEAST_SCORE, MOST_DETECTIONS);
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

    /// Does once what [`prepare`](Self::prepare) and [`partial_sum`](Self::partial_sum) will do, with an
    /// image of zeros: a device that compiles its kernels when they are first used has them then.
    ///
    /// # Errors
    ///
    /// Those of both.
    pub async fn rehearse(&self, slopes: Slopes) -> Result<()> {
        let zeros = vec![0.0; self.preprocessing.input_len()];
        self.logits(&[&zeros, &zeros]).await?;
        // A detector's first output and its last are led to by all but a few of its layers.
        let target = Target {
            minus: Some(self.network.outputs() - 1),
            ..Target::output(0)
        };
        let mut walk = Walk::default();
        let once = Quadrature {
            alphas: vec![1.0],
            step_sizes: vec![1.0],
            slopes,
        };
        self.partial_sum(&zeros, &zeros, target, &once, &mut walk)
            .await?;
        Ok(())
    }

    /// How many images, one at least, a pass can have so that none of its activations is larger than a buffer of
    /// that many bytes.
    pub fn images_within(&self, buffer: usize) -> usize {
        let size = self.preprocessing.size as usize;
        let layers = self.network.geometries([size; 2]);
        let widest = layers.iter().flat_map(Geometry::values).max();
        (buffer / size_of::<f32>() / widest.unwrap_or(1)).max(1)
    }

    /// A target's output at both ends of a photo's path: F(x') and F(x).
    pub fn ends(&self, prepared: &Prepared, target: Target) -> [f32; 2] {
        let detector = self.architecture.is_detector();
        [&prepared.logits_baseline, &prepared.logits_input]
            .map(|logits| target.of(logits, detector))
    }

    /// The baseline for a view, normalised.
    fn baseline(&self, view: &View, baseline: Baseline) -> Vec<f32> {
        let pixels = match baseline {
            Baseline::Noise(seed) => noise(seed, view.pixels.len()),
            Baseline::Blurred => view.blurred(),
            _ => vec![baseline.colour().unwrap_or_default().map(f32::from); view.pixels.len()],
        };
        self.preprocessing.planes(pixels.into_iter())
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

    /// A part of an explanation: the weighted gradients at some points of the path, all in one
    /// pass.
    ///
    /// Secants cost one more forward pass if they do not begin where those before have led `walk`.
    ///
    /// # Errors
    ///
    /// Those of [`gradients_along_path`] and [`Quadrature::start`], and [`Error::UnknownTarget`].
    pub async fn partial_sum(
        &self,
        input: &[f32],
        baseline: &[f32],
        target: Target,
        part: &Quadrature,
        walk: &mut Walk,
    ) -> Result<PartialSum> {
        self.check(target)?;
        let (input, baseline) = (self.tensor(input)?, self.tensor(baseline)?);
        let mut trace = match part.start()? {
            None => Trace::none(),
            Some(start) => walk.trace_from(start, target).unwrap_or_else(|| {
                let mut trace = Trace::secants();
                let start = points(&input, &baseline, &[start]);
                self.network.output_along(start, target, &mut trace);
                trace
            }),
        };
        let (alphas, step_sizes) = (&part.alphas, &part.step_sizes);
        let forward = |x| self.network.output_along(x, target, &mut trace);
        let sum = gradients_along_path(forward, &input, &baseline, alphas, step_sizes).await?;
        if let (Slopes::Secant, Some(&end)) = (part.slopes, alphas.last()) {
            walk.end = Some((end, target, trace));
        }
        Ok(sum)
    }

    /// The gradients at some points of the path, each by itself, all in one pass.
    ///
    /// # Errors
    ///
    /// Those of [`gradients_at`], and [`Error::UnknownTarget`].
    pub async fn gradients(
        &self,
        input: &[f32],
        baseline: &[f32],
        target: Target,
        alphas: &[f64],
    ) -> Result<Vec<PartialSum>> {
        self.check(target)?;
        gradients_at(
            |x| self.network.output(x, target),
            &self.tensor(input)?,
            &self.tensor(baseline)?,
            alphas,
        )
        .await
    }

    /// F of some inputs, flat \[N, 3, size, size\], all in one pass and without gradients.
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
        let size = self.preprocessing.size as usize;
        let data = TensorData::new(input.to_vec(), [1, 3, size, size]);
        Ok(Tensor::from_data(data, self.network.device()))
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
