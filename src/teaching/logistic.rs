//! Multinomial logistic regression: a linear layer whose softmax is as near to the labels as it can
//! be.
//!
//! # Source
//!
//! Bishop: Pattern Recognition and Machine Learning, section 4.3.4. The sum of losses with weight
//! decay beside it, and none for the bias, is what scikit-learn's `LogisticRegression` minimises
//! with C = 1 / decay.

use super::descent::minimise;
use crate::error::{Error, Result};

/// No component of the gradient is larger than this where descent ends, for each example.
const TOLERANCE: f64 = 1e-7;
/// Steps of a descent, at most; classes that are told apart at all take some dozen.
const MOST_STEPS: usize = 500;

/// Features of some pictures, and the class of each.
#[derive(Debug, Clone, PartialEq)]
pub struct Examples {
    features: Vec<f32>,
    labels: Vec<usize>,
    classes: usize,
}

impl Examples {
    /// `features`: flat \[examples, features\]; `labels`: one for each example, below `classes`.
    ///
    /// # Errors
    ///
    /// [`Error::Length`] if there are no examples or no whole row for each,
    /// [`Error::UnknownTarget`] if a label is none, [`Error::NotFinite`] if a feature is no number.
    pub fn new(features: Vec<f32>, labels: Vec<usize>, classes: usize) -> Result<Self> {
        if labels.is_empty() || features.is_empty() || !features.len().is_multiple_of(labels.len())
        {
            return Err(Error::Length {
                what: "features",
                expected: labels.len(),
                found: features.len(),
            });
        }
        if let Some(label) = labels.iter().find(|&&label| label >= classes) {
            return Err(Error::UnknownTarget {
                target: label.to_string(),
                classes,
            });
        }
        if !features.iter().all(|v| v.is_finite()) {
            return Err(Error::NotFinite { what: "feature" });
        }
        Ok(Self {
            features,
            labels,
            classes,
        })
    }

    /// The class of each.
    pub fn labels(&self) -> &[usize] {
        &self.labels
    }

    /// How many classes there are.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// One example's features.
    pub fn features(&self, example: usize) -> &[f32] {
        let width = self.width();
        &self.features[example * width..(example + 1) * width]
    }

    fn width(&self) -> usize {
        self.features.len() / self.labels.len()
    }

    /// Those that are not held out.
    pub fn without(&self, held: &[bool]) -> Self {
        let left: Vec<usize> = (0..self.labels.len()).filter(|&k| !held[k]).collect();
        Self {
            features: left
                .iter()
                .flat_map(|&k| self.features(k).iter().copied())
                .collect(),
            labels: left.iter().map(|&k| self.labels[k]).collect(),
            classes: self.classes,
        }
    }

    /// `Σ −ln softmax(W x + b)[label] + decay · ‖W‖² / 2` and its gradient. `parameters`: W
    /// \[classes, features\] row by row, then b \[classes\].
    pub fn loss(&self, parameters: &[f64], decay: f64) -> (f64, Vec<f64>) {
        let (width, classes) = (self.width(), self.classes);
        let (weight, bias) = parameters.split_at(classes * width);
        let mut loss = weight.iter().map(|w| w * w).sum::<f64>() * decay / 2.0;
        let mut gradient: Vec<f64> = weight.iter().map(|w| w * decay).collect();
        let mut of_bias = vec![0.0; classes];
        for (example, &label) in self.labels.iter().enumerate() {
            let x = self.features(example);
            let logits = logits(weight, bias, x);
            let highest = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let total: f64 = logits.iter().map(|logit| (logit - highest).exp()).sum();
            loss += total.ln() + highest - logits[label];
            for (class, logit) in logits.iter().enumerate() {
                let probability = (logit - highest).exp() / total;
                let miss = probability - if class == label { 1.0 } else { 0.0 };
                of_bias[class] += miss;
                let row = &mut gradient[class * width..(class + 1) * width];
                row.iter_mut()
                    .zip(x)
                    .for_each(|(slope, &x)| *slope += miss * f64::from(x));
            }
        }
        gradient.extend(of_bias);
        (loss, gradient)
    }
}

/// A linear layer.
#[derive(Debug, Clone, PartialEq)]
pub struct Layer {
    /// Flat \[classes, features\].
    pub weight: Vec<f32>,
    /// \[classes\].
    pub bias: Vec<f32>,
}

impl Layer {
    /// The layer of the least loss.
    pub fn fit(examples: &Examples, decay: f64) -> Self {
        let parameters = (examples.width() + 1) * examples.classes;
        let tolerance = TOLERANCE * examples.labels.len() as f64;
        let found = minimise(vec![0.0; parameters], tolerance, MOST_STEPS, |parameters| {
            examples.loss(parameters, decay)
        });
        let (weight, bias) = found.at.split_at(parameters - examples.classes);
        let rounded = |values: &[f64]| values.iter().map(|&v| v as f32).collect();
        Self {
            weight: rounded(weight),
            bias: rounded(bias),
        }
    }

    /// The class that it names for some features.
    pub fn names(&self, x: &[f32]) -> usize {
        let exact = |values: &[f32]| -> Vec<f64> { values.iter().map(|&v| v.into()).collect() };
        let logits = logits(&exact(&self.weight), &exact(&self.bias), x);
        let best = (0..logits.len()).rev();
        let best = best.max_by(|&a, &b| logits[a].total_cmp(&logits[b]));
        best.unwrap_or(0)
    }
}

fn logits(weight: &[f64], bias: &[f64], x: &[f32]) -> Vec<f64> {
    let rows = weight.chunks_exact(x.len()).zip(bias);
    let logit = |(row, bias): (&[f64], &f64)| {
        let products = row.iter().zip(x).map(|(w, &x)| w * f64::from(x));
        bias + products.sum::<f64>()
    };
    rows.map(logit).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn examples() -> Examples {
        let features = (0..60).map(|k| ((k * k + 3) as f32 * 0.37).sin());
        let labels = (0..12).map(|k| (k * 7 % 12) % 3);
        Examples::new(features.collect(), labels.collect(), 3).expect("five features each")
    }

    #[test]
    fn the_gradient_is_what_differences_say() {
        let examples = examples();
        let at: Vec<f64> = (0..18).map(|k| (f64::from(k) * 0.7).cos()).collect();
        let (_, gradient) = examples.loss(&at, 0.3);
        let step = 1e-5;
        for k in 0..at.len() {
            let moved = |by: f64| {
                let mut there = at.clone();
                there[k] += by;
                examples.loss(&there, 0.3).0
            };
            let slope = (moved(step) - moved(-step)) / (2.0 * step);
            assert!(
                (slope - gradient[k]).abs() < 1e-7,
                "{k}: {slope} {}",
                gradient[k]
            );
        }
    }

    #[test]
    fn logits_of_any_size_leave_the_loss_a_number() {
        let examples = examples();
        let far: Vec<f64> = (0..18).map(|k| 1e4 * f64::from(k - 9)).collect();
        let (loss, gradient) = examples.loss(&far, 0.0);
        assert!(loss.is_finite() && gradient.iter().all(|v| v.is_finite()));
    }

    #[test]
    fn without_examples_that_differ_nothing_is_learnt_but_how_frequent_classes_are() {
        // All features are zero: W stays zero, and softmax of b is the share of each class.
        let labels = vec![0, 0, 0, 1, 1, 2];
        let examples = Examples::new(vec![0.0; 24], labels, 3).expect("four features each");
        let layer = Layer::fit(&examples, 1.0);
        assert!(layer.weight.iter().all(|&w| w == 0.0));
        let total: f64 = layer.bias.iter().map(|&b| f64::from(b).exp()).sum();
        for (bias, share) in layer.bias.iter().zip([0.5, 1.0 / 3.0, 1.0 / 6.0]) {
            assert!((f64::from(*bias).exp() / total - share).abs() < 1e-5);
        }
    }

    #[test]
    fn rows_that_do_not_fit_and_labels_of_no_class_are_refused() {
        let refused = |features: Vec<f32>, labels: Vec<usize>| Examples::new(features, labels, 2);
        assert!(refused(vec![1.0; 5], vec![0, 1]).is_err());
        assert!(refused(Vec::new(), Vec::new()).is_err());
        assert!(refused(vec![1.0; 4], vec![0, 2]).is_err());
        assert!(refused(vec![1.0, f32::NAN], vec![0, 1]).is_err());
    }
}
