//! Activations by themselves, and the two ways back through them.

use crate::Activation;
use crate::machine::{self as macerator, Simd, with_simd};
use crate::spare;
use crate::vector::clamp;

/// Which values an activation lets gradients through: those whose result is strictly within its range.
/// One byte each, where the results themselves would be kept otherwise.
#[derive(Debug, Clone)]
pub struct Gate(Vec<bool>);

impl Gate {
    /// The gate of an activation's results.
    pub fn of(results: &[f32], activation: Activation) -> Self {
        let mut gate = Self::unsaid(results.len());
        open(&mut gate.0, results, activation.range());
        gate
    }

    /// Of so many values, none of which lets anything through.
    pub(crate) fn closed(length: usize) -> Self {
        Self(vec![false; length])
    }

    /// Of so many values, all of which are to be said anew.
    pub(crate) fn unsaid(length: usize) -> Self {
        Self(spare::flags(length))
    }

    /// Where gradients are let through.
    pub(crate) fn open(&self) -> &[bool] {
        &self.0
    }

    pub(crate) fn open_mut(&mut self) -> &mut [bool] {
        &mut self.0
    }

    /// Sets the gradients to zero that are not let through.
    pub fn close(&self, gradients: &mut [f32]) {
        close(&self.0, gradients);
    }

    /// The gradients that are let through, and zeros.
    pub fn passed(&self, gradients: &[f32]) -> Vec<f32> {
        let mut passed = spare::values(gradients.len());
        pass(&self.0, gradients, &mut passed);
        passed
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        spare::give_flags_back(std::mem::take(&mut self.0));
    }
}

#[with_simd]
fn open<S: Simd>(open: &mut [bool], results: &[f32], range: [f32; 2]) {
    let [low, high] = range;
    for (open, &result) in open.iter_mut().zip(results) {
        *open = (result > low) & (result < high);
    }
}

/// Sets gradients to zero that are not let through.
#[with_simd]
pub(crate) fn close<S: Simd>(open: &[bool], gradients: &mut [f32]) {
    for (gradient, &open) in gradients.iter_mut().zip(open) {
        *gradient = if open { *gradient } else { 0.0 };
    }
}

#[with_simd]
fn pass<S: Simd>(open: &[bool], gradients: &[f32], passed: &mut [f32]) {
    for ((passed, &gradient), &open) in passed.iter_mut().zip(gradients).zip(open) {
        *passed = if open { gradient } else { 0.0 };
    }
}

/// The activation of each sum.
pub fn activate(sums: &[f32], activation: Activation) -> Vec<f32> {
    let mut activated = spare::copy(sums);
    clamp_all(&mut activated, activation.range());
    activated
}

#[with_simd]
fn clamp_all<S: Simd>(values: &mut [f32], range: [f32; 2]) {
    for value in values {
        *value = clamp(*value, range);
    }
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
    let ends = [before, sums];
    multiply_by_slopes(gradients, ends, activation.range());
}

/// Multiplies gradients by the slopes of secants.
#[with_simd]
pub(crate) fn multiply_by_slopes<S: Simd>(
    gradients: &mut [f32],
    ends: [&[f32]; 2],
    range: [f32; 2],
) {
    let ([low, high], [before, sums]) = (range, ends);
    for ((gradient, &from), &to) in gradients.iter_mut().zip(before).zip(sums) {
        let (run, rise) = (to - from, clamp(to, range) - clamp(from, range));
        let derivative = if (to > low) & (to < high) { 1.0 } else { 0.0 };
        let slope = if run == 0.0 { derivative } else { rise / run };
        *gradient *= slope;
    }
}
