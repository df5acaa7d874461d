//! Whether attributions add up, and whether there is anything to add up.

use super::partial_sum::Attributions;

/// What the sum of the attributions says of them (completeness, proposition 1 of the paper).
///
/// # Example
///
/// ```
/// use violet::attribution::{Attributions, Completeness};
///
/// let attributions = Attributions { values: vec![1.5, -0.5], sum: 1.0 };
/// let (photo, black) = ([0.7, 0.2], [0.0, 0.0]);
/// let of = |ends| Completeness::of(&attributions, &photo, &black, ends);
/// assert_eq!(of([3.0, 4.0]), Completeness::Share(0.0));
/// assert_eq!(of([2.0, 4.0]), Completeness::Share(-0.5));
/// assert_eq!(of([4.0, 4.0]), Completeness::NoChange);
/// assert_eq!(Completeness::of(&attributions, &photo, &photo, [4.0, 4.0]), Completeness::SameImage);
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Completeness {
    /// The input is the baseline: there is no path.
    SameImage,
    /// F changes nowhere on the path: no value of the input has a part in it.
    Still,
    /// F ends where it began, so that there is no share of its change; what pushed it either way
    /// cancels.
    NoChange,
    /// (Σ attributions − (F(x) − F(x'))) / (F(x) − F(x')): 0 where they add up, 0.05 where they are
    /// 5 % too much.
    Share(f64),
}

/// A change of F below this share of F itself is rounding of f32.
const ROUNDING: f64 = 1e-6;

impl Completeness {
    /// Of attributions for `input`, and F at both ends: \[F(x'), F(x)\].
    pub fn of(
        attributions: &Attributions,
        input: &[f32],
        baseline: &[f32],
        ends: [f32; 2],
    ) -> Self {
        let [from, to] = ends.map(f64::from);
        let change = to - from;
        if input == baseline {
            Self::SameImage
        } else if change.abs() > ROUNDING * (from.abs() + to.abs()) {
            Self::Share((attributions.sum - change) / change)
        } else if attributions.values.iter().all(|&value| value == 0.0) {
            Self::Still
        } else {
            Self::NoChange
        }
    }

    /// The share that is missing or too much, where there is one.
    pub fn share(self) -> Option<f64> {
        match self {
            Self::Share(share) => Some(share),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_output_that_no_value_moves_is_still_and_one_that_comes_back_is_not() {
        let of = |values: &[f32]| {
            let attributions = Attributions {
                values: values.to_vec(),
                sum: values.iter().map(|&v| f64::from(v)).sum(),
            };
            // Rounded once more, F would be another number.
            Completeness::of(&attributions, &[1.0, 2.0], &[0.0; 2], [7.0, 7.000_000_5])
        };
        assert_eq!(of(&[0.0, 0.0]), Completeness::Still);
        assert_eq!(of(&[2.0, -2.0]), Completeness::NoChange);
    }
}
