//! Logits → the likeliest classes.

/// A class and how likely the network holds it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Prediction {
    /// Index of the class.
    pub target: usize,
    /// Softmax of the logits, 0..=1.
    pub probability: f32,
}

/// The `k` likeliest classes, the likeliest first.
///
/// # Example
///
/// ```
/// let top = violet::model::top_predictions(&[0.0, 2.0, 1.0], 2);
/// assert_eq!((top[0].target, top[1].target), (1, 2));
/// assert!((top[0].probability - 0.665).abs() < 1e-3);
/// ```
pub fn top_predictions(logits: &[f32], k: usize) -> Vec<Prediction> {
    let highest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let exponentials: Vec<f64> = logits
        .iter()
        .map(|&logit| f64::from(logit - highest).exp())
        .collect();
    let total: f64 = exponentials.iter().sum();
    let mut order: Vec<usize> = (0..logits.len()).collect();
    order.sort_by(|&a, &b| logits[b].total_cmp(&logits[a]));
    order
        .into_iter()
        .take(k)
        .map(|target| Prediction {
            target,
            probability: (exponentials[target] / total) as f32,
        })
        .collect()
}

/// All classes, the likeliest first, each with a probability of its own: the sigmoid of its logit.
pub fn independent_predictions(logits: &[f32]) -> Vec<Prediction> {
    let mut predictions: Vec<Prediction> = logits
        .iter()
        .enumerate()
        .map(|(target, &logit)| Prediction {
            target,
            probability: (1.0 / (1.0 + (-f64::from(logit)).exp())) as f32,
        })
        .collect();
    predictions.sort_by(|a, b| b.probability.total_cmp(&a.probability));
    predictions
}
