//! One picture after the other, explained from one baseline, of which the network's forward pass is
//! kept: a picture then costs one secant, forward and backward, and the sum is exact in each.

use burn::tensor::Tensor;

use super::{Explainer, finite, plain};
use crate::attribution::{Accumulator, Baseline, PartialSum, Rule, points, read};
use crate::error::{Error, Result};
use crate::image::{Photo, View};
use crate::mask::reduce_absolute;
use crate::model::{Target, Trace};
use crate::preprocessing::Crop;

/// A baseline at which a network stands.
#[derive(Debug)]
pub struct Standing {
    baseline: Baseline,
    /// Normalised, flat \[3, H, W\].
    values: Vec<f32>,
    /// The same, \[1, 3, H, W\].
    image: Tensor<4>,
    /// What the forward pass left there for secants.
    trace: Trace,
    /// Every output there.
    logits: Vec<f32>,
}

impl Standing {
    /// Which baseline it is.
    pub fn baseline(&self) -> Baseline {
        self.baseline
    }
}

/// What is seen of one picture.
#[derive(Debug, Clone, PartialEq)]
pub struct Glance {
    /// The part of the picture that the network sees.
    pub crop: Crop,
    /// Absolute attributions, added up over the channels: flat \[H, W\].
    pub map: Vec<f32>,
    /// Every output: logits.
    pub logits: Vec<f32>,
    /// The output that is explained.
    pub output: usize,
    /// Its logit at the baseline and at the picture.
    pub ends: [f32; 2],
    /// All attributions together.
    pub sum: f64,
}

impl Explainer {
    /// Stands at a baseline. Of the blurred photo, in which pictures to come have no part, black
    /// takes the place.
    ///
    /// # Errors
    ///
    /// [`Error::Device`] or [`Error::NotFinite`].
    pub async fn stand(&self, baseline: Baseline) -> Result<Standing> {
        let pixels = plain(baseline, self.preprocessing.size().iter().product());
        let values = self.preprocessing.planes(pixels.into_iter());
        let image = self.tensor(&values)?;
        let mut trace = Trace::secants();
        let logits = self.network.logits_along(image.clone(), &mut trace);
        Ok(Standing {
            baseline,
            values,
            image,
            trace,
            logits: finite(logits).await?,
        })
    }

    /// Explains an output of a picture, or the likeliest, by so many secants, one at least, from
    /// where the network stands.
    ///
    /// # Errors
    ///
    /// [`Error::StepCount`], [`Error::UnknownTarget`], [`Error::Device`] or [`Error::NotFinite`].
    pub async fn glance(
        &self,
        from: &Standing,
        photo: &Photo,
        secants: usize,
        output: Option<usize>,
    ) -> Result<Glance> {
        let view = View::of(photo, &self.preprocessing);
        let values = view.input(&self.preprocessing);
        let input = self.tensor(&values)?;
        let secants = Rule::Secant.quadrature(secants)?;
        let count = secants.alphas.len();
        let output = match output {
            Some(output) => {
                self.check(Target::output(output))?;
                Some(output)
            }
            // Whoever takes the first of several steps has to know where to.
            None if count > 1 => Some(likeliest(&self.logits(&[&values]).await?)),
            None => None,
        };
        let mut trace = from.trace.clone();
        let mut sum = Accumulator::new(values.len());
        for (k, (&alpha, &width)) in secants.alphas.iter().zip(&secants.step_sizes).enumerate() {
            let image = points(&input, &from.image, &[alpha]).require_grad();
            let outputs = self.network.logits_along(image.clone(), &mut trace);
            let last = k + 1 == count;
            let logits = match last || output.is_none() {
                true => finite(outputs.clone()).await?,
                false => Vec::new(),
            };
            let output = output.unwrap_or_else(|| likeliest(&logits));
            let gradients = outputs.narrow(1, output, 1).sum().backward();
            let gradient = image.grad(&gradients).ok_or_else(|| Error::Device {
                device: "network",
                reason: "its output does not depend on its input".into(),
            })?;
            sum.add(&PartialSum {
                gradient_sum: read(gradient * width).await?,
                samples: Vec::new(),
                starts: 0,
            })?;
            if last {
                let attributions = sum.attributions(&values, &from.values)?;
                if !attributions.sum.is_finite() {
                    return Err(Error::NotFinite { what: "gradient" });
                }
                return Ok(Glance {
                    crop: view.crop,
                    map: reduce_absolute(&attributions.values),
                    output,
                    ends: [from.logits[output], logits[output]],
                    logits,
                    sum: attributions.sum,
                });
            }
        }
        unreachable!("the last secant returns")
    }
}

/// The index of the largest, the first of equal ones.
fn likeliest(logits: &[f32]) -> usize {
    let indices = (0..logits.len()).rev();
    let largest = indices.max_by(|&a, &b| logits[a].total_cmp(&logits[b]));
    largest.unwrap_or(0)
}
