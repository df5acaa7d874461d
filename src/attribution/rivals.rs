//! Other ways to a map, and what maps are judged by: what Integrated Gradients is held against. See docs/METHODS.md.

/// Which patch of a grid each pixel of a side × side picture lies in, row by row; so many patches along a side.
///
/// # Example
///
/// ```
/// use violet::attribution::grid;
///
/// assert_eq!(grid(4, 2), [0, 0, 1, 1, 0, 0, 1, 1, 2, 2, 3, 3, 2, 2, 3, 3]);
/// ```
pub fn grid(side: usize, patches: usize) -> Vec<u16> {
    let at = |v: usize| v * patches / side.max(1);
    let label = |k: usize| (at(k / side) * patches + at(k % side)) as u16;
    (0..side * side).map(label).collect()
}

/// What a map comes to, patch by patch.
pub fn patch_sums(map: &[f32], labels: &[u16]) -> Vec<f32> {
    let count = labels.iter().max().map_or(0, |&last| usize::from(last) + 1);
    let mut sums = vec![0.0; count];
    for (&label, &value) in labels.iter().zip(map) {
        sums[usize::from(label)] += value;
    }
    sums
}

/// How unevenly a map of values ≥ 0 is spread over its pixels: Gini's coefficient, 0 for a map that is the same
/// everywhere, near 1 for a single pixel; 0 for a map of nothing.
///
/// # Source
///
/// Hurley, Rickard 2009 (doi 10.1109/TIT.2009.2027527); of attributions, Chalasani et al. 2020 (arXiv 1810.06583).
///
/// # Example
///
/// ```
/// use violet::attribution::sparseness;
///
/// assert_eq!(sparseness(&[1.0; 4]), 0.0);
/// assert_eq!(sparseness(&[0.0, 0.0, 0.0, 2.0]), 0.75);
/// ```
pub fn sparseness(map: &[f32]) -> f64 {
    let mut sorted = map.to_vec();
    sorted.sort_unstable_by(f32::total_cmp);
    let n = sorted.len() as f64;
    let total: f64 = sorted.iter().map(|&v| f64::from(v)).sum();
    if total <= 0.0 {
        return 0.0;
    }
    let ranks = (1..).map(|k| 2.0 * f64::from(k) - n - 1.0);
    let weighted: f64 = sorted
        .iter()
        .zip(ranks)
        .map(|(&v, rank)| f64::from(v) * rank)
        .sum();
    weighted / (n * total)
}

/// An input with Gaussian noise of a standard deviation of `level` times its range: the same for the same seed.
///
/// # Source
///
/// Smilkov et al. 2017 (SmoothGrad, arXiv 1706.03825), section 3; numbers by SplitMix64 (Steele, Lea, Flood 2014) and
/// Box and Muller's transform.
pub fn with_noise(input: &[f32], level: f32, seed: u64) -> Vec<f32> {
    let range = |(low, high): (f32, f32), &v: &f32| (low.min(v), high.max(v));
    let (low, high) = input.iter().fold((f32::INFINITY, f32::NEG_INFINITY), range);
    let deviation = f64::from(level * (high - low));
    let even = |number: u64| {
        let mut z = (seed << 40)
            .wrapping_add(number + 1)
            .wrapping_mul(0x9e37_79b9_7f4a_7c15);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        // Above 0, up to 1.
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64 + f64::EPSILON
    };
    let noisy = |(k, &value): (usize, &f32)| {
        let (radius, angle) = (even(2 * k as u64), even(2 * k as u64 + 1));
        let normal = (-2.0 * radius.min(1.0).ln()).sqrt() * (std::f64::consts::TAU * angle).cos();
        (f64::from(value) + deviation * normal) as f32
    };
    input.iter().enumerate().map(noisy).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grid_covers_every_pixel_and_its_sums_are_the_whole() {
        for (side, patches) in [(224, 14), (96, 14), (300, 4)] {
            let labels = grid(side, patches);
            let map: Vec<f32> = (0..side * side).map(|k| (k % 7) as f32).collect();
            let sums = patch_sums(&map, &labels);
            assert_eq!(sums.len(), patches * patches);
            assert_eq!(sums.iter().sum::<f32>(), map.iter().sum::<f32>());
        }
    }

    #[test]
    fn the_fewer_pixels_hold_a_map_the_sparser_it_is() {
        let with =
            |k: usize| -> Vec<f32> { (0..100).map(|i| f32::from(u8::from(i < k))).collect() };
        let all: Vec<f64> = [1, 10, 50, 100].map(|k| sparseness(&with(k))).into();
        // k of n equal values: 1 − k/n.
        for (found, k) in all.iter().zip([1.0, 10.0, 50.0, 100.0]) {
            assert!((found - (1.0 - k / 100.0)).abs() < 1e-12);
        }
        assert_eq!(sparseness(&[0.0; 9]), 0.0);
    }

    #[test]
    fn noise_has_its_deviation_no_mean_and_no_memory_but_its_seed() {
        let input: Vec<f32> = (0..20_000).map(|k| (k % 5) as f32).collect();
        let noise: Vec<f64> = with_noise(&input, 0.15, 3)
            .iter()
            .zip(&input)
            .map(|(a, b)| f64::from(a - b))
            .collect();
        let mean = noise.iter().sum::<f64>() / 20_000.0;
        let deviation = (noise.iter().map(|v| v * v).sum::<f64>() / 20_000.0).sqrt();
        // Four standard errors.
        assert!(
            mean.abs() < 4.0 * 0.6 / 141.0 && (deviation - 0.6).abs() < 4.0 * 0.6 / 200.0,
            "{mean} {deviation}"
        );
        assert_eq!(with_noise(&input, 0.15, 3), with_noise(&input, 0.15, 3));
        assert_ne!(with_noise(&input, 0.15, 3), with_noise(&input, 0.15, 4));
        assert_eq!(with_noise(&input, 0.0, 3), input);
    }
}
