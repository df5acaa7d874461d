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
}

impl Target {
    /// One output by itself.
    pub fn output(output: usize) -> Self {
        Self {
            output,
            minus: None,
        }
    }

    /// F, given all outputs.
    ///
    /// # Example
    ///
    /// ```
    /// use violet::model::Target;
    ///
    /// let outputs = [1.0, 5.0, 2.0];
    /// assert_eq!(Target::output(1).of(&outputs), 5.0);
    /// let target = Target { output: 1, minus: Some(2) };
    /// assert_eq!(target.of(&outputs), 3.0);
    /// ```
    pub fn of(self, outputs: &[f32]) -> f32 {
        let value = |k: usize| outputs.get(k).copied().unwrap_or(f32::NAN);
        value(self.output) - self.minus.map_or(0.0, value)
    }

    /// The one or two outputs that it names.
    pub fn outputs(self) -> impl Iterator<Item = usize> {
        std::iter::once(self.output).chain(self.minus)
    }
}
