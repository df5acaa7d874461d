//! A last layer, taught from a few pictures of each class: multinomial logistic regression over the
//! features that a network has of them. Knows numbers only; where they come from is somebody else's
//! affair.

mod descent;
mod held_out;
mod logistic;

pub use descent::{Minimum, minimise};
pub use held_out::held_out;
pub use logistic::{Examples, Layer};

use crate::error::{Error, Result};

/// Weight decay: what ‖W‖² / 2 is multiplied by beside the sum of the examples' losses. 1 is
/// scikit-learn's `C = 1`, its default.
pub const DECAY: f64 = 1.0;

/// A layer that was taught, and how it does on what it was not taught with.
#[derive(Debug, Clone, PartialEq)]
pub struct Taught {
    /// The layer.
    pub layer: Layer,
    /// The examples that were held out, and the class that the layer names for each.
    pub held_out: Vec<(usize, usize)>,
}

/// Teaches a layer with four fifths of the examples of each class, and has it name the others. The
/// same seed holds out the same ones.
///
/// # Errors
///
/// [`Error::Length`] if some class has fewer than two examples: one to be taught with, one to be
/// held out.
pub fn teach(examples: &Examples, seed: u64) -> Result<Taught> {
    for class in 0..examples.classes() {
        let found = examples.labels().iter().filter(|&&k| k == class).count();
        if found < 2 {
            return Err(Error::Length {
                what: "examples of a class",
                expected: 2,
                found,
            });
        }
    }
    let held = held_out(examples.labels(), examples.classes(), seed);
    let layer = Layer::fit(&examples.without(&held), DECAY);
    let named = (0..held.len()).filter(|&k| held[k]);
    let named = named.map(|k| (k, layer.names(examples.features(k))));
    Ok(Taught {
        held_out: named.collect(),
        layer,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Clouds of points around corners of a cube, far apart from each other, in ten dimensions.
    fn clouds(each: usize) -> Examples {
        let mut features = Vec::new();
        let mut labels = Vec::new();
        for k in 0..3 * each {
            let class = k % 3;
            for d in 0..10 {
                let noise = ((k * 10 + d) as f64 * 12.9898).sin() * 0.4;
                let centre = if d == class { 2.0 } else { 0.0 };
                features.push((centre + noise) as f32);
            }
            labels.push(class);
        }
        Examples::new(features, labels, 3).expect("as many labels as rows")
    }

    #[test]
    fn what_was_held_out_is_named_right_where_classes_are_far_apart() {
        let taught = teach(&clouds(30), 1).expect("enough of each");
        assert_eq!(taught.held_out.len(), 18, "a fifth of each class");
        assert!(
            taught
                .held_out
                .iter()
                .all(|&(example, named)| named == example % 3),
            "{:?}",
            taught.held_out
        );
        // The same seed, the same layer; another one holds out others.
        let same = teach(&clouds(30), 1).expect("enough of each");
        assert_eq!(same, taught);
        let other = teach(&clouds(30), 2).expect("enough of each");
        assert_ne!(other.held_out, taught.held_out);
    }

    #[test]
    fn labels_that_mean_nothing_are_not_learnt() {
        // Labels that have nothing to do with the features: held-out ones are guessed, whatever the
        // others came to.
        let clouds = clouds(40);
        let features: Vec<f32> = (0..120).flat_map(|k| clouds.features(k).to_vec()).collect();
        let labels = (0..120).map(|k| (k / 3) % 2).collect();
        let examples = Examples::new(features, labels, 2).expect("as many labels as rows");
        let taught = teach(&examples, 3).expect("enough of each");
        let right = taught
            .held_out
            .iter()
            .filter(|&&(example, named)| named == (example / 3) % 2);
        let share = right.count() as f64 / taught.held_out.len() as f64;
        assert!(share < 0.8, "{share}");
    }

    #[test]
    fn one_example_of_a_class_is_too_few() {
        let examples = Examples::new(vec![0.0, 1.0, 2.0], vec![0, 0, 1], 2).expect("three rows");
        let refused = teach(&examples, 1).expect_err("one example");
        assert!(refused.to_string().contains("examples of a class"));
    }
}
