//! Which examples are not taught with, so that a layer can be tested.

use rand::{SeedableRng, seq::SliceRandom};
use rand_pcg::Pcg64;

/// One of so many examples of a class is held out.
const ONE_OF: usize = 5;

/// A fifth of each class, one at least and one not: whether each example is held out. The same seed
/// holds out the same.
pub fn held_out(labels: &[usize], classes: usize, seed: u64) -> Vec<bool> {
    let mut random = Pcg64::seed_from_u64(seed);
    let mut held = vec![false; labels.len()];
    for class in 0..classes {
        let mut of_class: Vec<usize> = (0..labels.len()).filter(|&k| labels[k] == class).collect();
        of_class.shuffle(&mut random);
        let count = of_class.len().div_ceil(ONE_OF);
        let most = of_class.len().saturating_sub(1);
        of_class[..count.min(most)]
            .iter()
            .for_each(|&k| held[k] = true);
    }
    held
}

#[cfg(test)]
mod tests {
    use super::held_out;

    #[test]
    fn a_fifth_of_each_class_is_held_out_and_something_is_left() {
        let labels: Vec<usize> = (0..40).map(|k| usize::from(k >= 30)).collect();
        let held = held_out(&labels, 3, 7);
        let of = |class: usize| (0..40).filter(|&k| held[k] && labels[k] == class).count();
        assert_eq!((of(0), of(1)), (6, 2));
        assert_eq!(held_out(&[0, 0, 1], 2, 7).iter().filter(|&&h| h).count(), 1);
        assert!(
            !held_out(&[0, 0, 1], 2, 7)[2],
            "the only one is taught with"
        );
    }
}
