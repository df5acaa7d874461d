//! Which output of a network is explained.

use serde::{Deserialize, Serialize};

/// An output of a network, or the difference of two.
///
/// A classifier's outputs are its class logits; a detector's are the class logits of all its
/// anchors, `anchor · classes + class`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// The output's index.
    pub output: usize,
    /// The output that is subtracted: “why this and not that”.
    pub minus: Option<usize>,
    /// How the outputs are read.
    pub scale: Scale,
}

/// How a network's outputs are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Scale {
    /// As they are: no output of another class has a part in it, and it does not saturate.
    #[default]
    Logit,
    /// A classifier's softmax, a detector's sigmoid. Where the network is sure, its gradient
    /// vanishes, and the path has to be walked in smaller steps.
    Probability,
}

impl Target {
    /// One output by itself.
    pub fn output(output: usize) -> Self {
        Self {
            output,
            minus: None,
            scale: Scale::Logit,
        }
    }

    /// F, given all outputs of a classifier, or of a detector.
    ///
    /// # Example
    ///
    /// ```
    /// use violet::model::{Scale, Target};
    ///
    /// let outputs = [1.0, 5.0, 2.0];
    /// assert_eq!(Target::output(1).of(&outputs, false), 5.0);
    /// let why_not = Target { minus: Some(2), ..Target::output(1) };
    /// assert_eq!(why_not.of(&outputs, false), 3.0);
    /// let probability = Target { scale: Scale::Probability, ..Target::output(1) };
    /// assert!((probability.of(&outputs, false) - 0.936).abs() < 1e-3);
    /// assert!((probability.of(&outputs, true) - 0.993).abs() < 1e-3);
    /// ```
    pub fn of(self, outputs: &[f32], detector: bool) -> f32 {
        let highest = outputs.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let exponential = |logit: f32| f64::from(logit - highest).exp();
        let value = |k: usize| {
            let logit = outputs.get(k).copied().unwrap_or(f32::NAN);
            match (self.scale, detector) {
                (Scale::Logit, _) => logit,
                (Scale::Probability, true) => 1.0 / (1.0 + (-logit).exp()),
                (Scale::Probability, false) => {
                    let total: f64 = outputs.iter().map(|&logit| exponential(logit)).sum();
                    (exponential(logit) / total) as f32
                }
            }
        };
        value(self.output) - self.minus.map_or(0.0, value)
    }

    /// The one or two outputs that it names.
    pub fn outputs(self) -> impl Iterator<Item = usize> {
        std::iter::once(self.output).chain(self.minus)
    }
}
