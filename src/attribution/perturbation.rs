//! Whether the pixels that a map names are the ones that matter: take them away, or bring them back.

use serde::{Deserialize, Serialize};

/// Which way pixels are exchanged.
///
/// # Source
///
/// Petsiuk, Das, Saenko 2018 (RISE, arXiv 1806.07421), section 4.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Perturbation {
    /// From the photo, the first pixels fall to the baseline: the output should fall fast.
    Deletion,
    /// From the baseline, the first pixels come back from the photo: the output should rise fast.
    Insertion,
}

/// A map's pixels, the largest value first. Pixels are numbered row by row.
pub fn order_of(map: &[f32]) -> Vec<u32> {
    let mut order: Vec<u32> = (0..map.len() as u32).collect();
    order.sort_by(|&a, &b| map[b as usize].total_cmp(&map[a as usize]));
    order
}

/// So many pixels in an order that says nothing: the same for the same seed.
pub fn random_order(pixels: usize, seed: u64) -> Vec<u32> {
    // Sorting by SplitMix64 (Steele, Lea, Flood 2014) of the number shuffles without a generator.
    let key = |pixel: u32| {
        let mut z = (seed ^ u64::from(pixel)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    };
    let mut order: Vec<u32> = (0..pixels as u32).collect();
    order.sort_by_key(|&pixel| key(pixel));
    order
}

impl Perturbation {
    /// The image with the first `count` pixels of `order` exchanged, in all channels. `input` and
    /// `baseline` are flat \[3, H, W\].
    ///
    /// # Example
    ///
    /// ```
    /// use violet::attribution::{Perturbation, order_of};
    ///
    /// let (photo, black) = ([1.0, 2.0, 3.0, 4.0, 5.0, 6.0], [0.0; 6]);
    /// let order = order_of(&[0.1, 0.9]); // the second pixel first
    /// let deleted = Perturbation::Deletion.image(&photo, &black, &order, 1);
    /// assert_eq!(deleted, [1.0, 0.0, 3.0, 0.0, 5.0, 0.0]);
    /// let inserted = Perturbation::Insertion.image(&photo, &black, &order, 1);
    /// assert_eq!(inserted, [0.0, 2.0, 0.0, 4.0, 0.0, 6.0]);
    /// ```
    pub fn image(self, input: &[f32], baseline: &[f32], order: &[u32], count: usize) -> Vec<f32> {
        let (from, to) = match self {
            Perturbation::Deletion => (input, baseline),
            Perturbation::Insertion => (baseline, input),
        };
        let mut image = from.to_vec();
        let area = image.len() / 3;
        for &pixel in &order[..count.min(order.len())] {
            for channel in 0..3 {
                let at = channel * area + pixel as usize;
                if let (Some(value), Some(&wanted)) = (image.get_mut(at), to.get(at)) {
                    *value = wanted;
                }
            }
        }
        image
    }
}

/// Area under a curve of evenly spaced values, by the trapezoid rule, over 0..=1.
pub fn area_under(curve: &[f64]) -> f64 {
    let steps = curve.len().saturating_sub(1).max(1) as f64;
    curve.windows(2).map(|w| 0.5 * (w[0] + w[1])).sum::<f64>() / steps
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_pixels_exchanged_is_the_other_image() {
        let (input, baseline): (Vec<f32>, Vec<f32>) =
            ((0..75).map(|v| v as f32).collect(), vec![-1.0; 75]);
        let order = random_order(25, 3);
        for (way, from, to) in [
            (Perturbation::Deletion, &input, &baseline),
            (Perturbation::Insertion, &baseline, &input),
        ] {
            assert_eq!(&way.image(&input, &baseline, &order, 0), from);
            assert_eq!(&way.image(&input, &baseline, &order, 25), to);
            assert_eq!(&way.image(&input, &baseline, &order, 99), to);
        }
    }

    #[test]
    fn a_random_order_has_every_pixel_once_and_no_trend() {
        let order = random_order(10_000, 1);
        let mut sorted = order.clone();
        sorted.sort_unstable();
        assert!(sorted.iter().copied().eq(0..10_000));
        assert_ne!(order, random_order(10_000, 2));
        let first_half: f64 = order[..5000].iter().map(|&p| f64::from(p)).sum::<f64>() / 5000.0;
        assert!((first_half - 4999.5).abs() < 120.0, "{first_half}"); // three standard errors
    }

    #[test]
    fn the_area_under_a_line_is_its_mean() {
        assert_eq!(area_under(&[0.0, 0.5, 1.0]), 0.5);
        assert_eq!(area_under(&[1.0]), 0.0);
    }
}
