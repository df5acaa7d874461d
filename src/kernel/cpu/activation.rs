//! Activations by themselves, and the two ways back through them.

use crate::Activation;
use crate::vector::clamp;

/// Which values an activation lets gradients through: those whose result is strictly within its range.
/// One byte each, where the results themselves would be kept otherwise.
#[derive(Debug, Clone)]
pub struct Gate(Vec<u8>);

impl Gate {
    /// The gate of an activation's results.
    pub fn of(results: &[f32], activation: Activation) -> Self {
        let [low, high] = activation.range();
        let open = |&result: &f32| u8::from((result > low) & (result < high));
        Self(results.iter().map(open).collect())
    }

    /// Sets the gradients to zero that are not let through.
    pub fn close(&self, gradients: &mut [f32]) {
        for (gradient, &open) in gradients.iter_mut().zip(&self.0) {
            *gradient = if open == 0 { 0.0 } else { *gradient };
        }
    }
}

/// The activation of each sum.
pub fn activate(sums: &[f32], activation: Activation) -> Vec<f32> {
    let range = activation.range();
    sums.iter().map(|&sum| clamp(sum, range)).collect()
}

/// Turns gradients of an activation's results into those of its arguments, with the slope of the secant
/// from `before` to `sums` in place of the derivative: exactly 0 or 1 where both lie on the same straight
/// piece, else in between. Where both are equal, the derivative.
pub fn secant_gradient(
    gradients: &mut [f32],
    before: &[f32],
    sums: &[f32],
    activation: Activation,
) {
    let range @ [low, high] = activation.range();
    for ((gradient, &from), &to) in gradients.iter_mut().zip(before).zip(sums) {
        let (run, rise) = (to - from, clamp(to, range) - clamp(from, range));
        let derivative = if (to > low) & (to < high) { 1.0 } else { 0.0 };
        let slope = if run == 0.0 { derivative } else { rise / run };
        *gradient *= slope;
    }
}
