//! Other ways to a map, and what maps are judged by: what Integrated Gradients is held against. See docs/METHODS.md.

use super::partial_sum::{PartialSum, PathSample};
use crate::random;

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

/// Grad-CAM: a layer's channels, each times the mean of its gradient, added up, and what is negative dropped. `values` and
/// `gradient` are flat \[C, H, W\]; the map is \[H, W\].
///
/// # Source
///
/// Selvaraju et al. 2017 (arXiv 1610.02391), equations 1 and 2; captum's `LayerGradCam` with `relu_attributions`.
///
/// # Example
///
/// ```
/// use violet::attribution::class_activation;
///
/// // Two channels of two places: the second counts twice, against the class.
/// let map = class_activation(&[1.0, 5.0, 1.0, 2.0], &[1.0, 1.0, -3.0, -1.0], 2);
/// assert_eq!(map, [0.0, 1.0]);
/// ```
pub fn class_activation(values: &[f32], gradient: &[f32], channels: usize) -> Vec<f32> {
    let places = values.len() / channels.max(1);
    let mut map = vec![0.0f64; places];
    let layers = values
        .chunks_exact(places.max(1))
        .zip(gradient.chunks_exact(places.max(1)));
    for (values, gradient) in layers {
        let weight = gradient.iter().map(|&g| f64::from(g)).sum::<f64>() / places as f64;
        for (sum, &value) in map.iter_mut().zip(values) {
            *sum += weight * f64::from(value);
        }
    }
    map.into_iter().map(|sum| sum.max(0.0) as f32).collect()
}

/// A map \[H, W\] on a grid of another size, bilinear between the middles of its places.
pub fn enlarged(map: &[f32], [height, width]: [usize; 2], [rows, columns]: [usize; 2]) -> Vec<f32> {
    let place = |k: usize, from: usize, to: usize| {
        let at = ((k as f64 + 0.5) * from as f64 / to as f64 - 0.5).clamp(0.0, (from - 1) as f64);
        let low = at as usize;
        (low, (low + 1).min(from - 1), at - low as f64)
    };
    let value = |row: usize, column: usize| f64::from(map[row * width + column]);
    let mut made = Vec::with_capacity(rows * columns);
    for row in 0..rows {
        let (top, bottom, down) = place(row, height, rows);
        for column in 0..columns {
            let (left, right, across) = place(column, width, columns);
            let at =
                |row: usize| value(row, left) + across * (value(row, right) - value(row, left));
            made.push((at(top) + down * (at(bottom) - at(top))) as f32);
        }
    }
    made
}

/// IDGI: at each point of a path the change of F up to the next one is shared out by the gradient's squares. It adds up to
/// F(x) − F(x′) exactly, whatever the gradients are. `points` are gradients with weight 1 from the baseline on, in any
/// order, `end` is F(x).
///
/// # Source
///
/// Yang, Wang, Bilgic 2023 (arXiv 2303.14242), algorithm 1.
pub fn idgi(points: &[PartialSum], end: f32) -> Vec<f32> {
    let mut points: Vec<(&PathSample, &[f32])> = points
        .iter()
        .filter_map(|point| Some((point.samples.first()?, &*point.gradient_sum)))
        .collect();
    points.sort_by(|(a, _), (b, _)| a.alpha.total_cmp(&b.alpha));
    let mut map = vec![0.0f64; points.first().map_or(0, |(_, gradient)| gradient.len())];
    // Where the gradient is nothing, the change is shared out by the next one that is not.
    let mut owed = 0.0;
    for (k, (sample, gradient)) in points.iter().enumerate() {
        let next = points.get(k + 1).map_or(end, |(next, _)| next.output);
        owed += f64::from(next) - f64::from(sample.output);
        let square: f64 = gradient.iter().map(|&g| f64::from(g) * f64::from(g)).sum();
        if square > 0.0 {
            for (sum, &g) in map.iter_mut().zip(*gradient) {
                *sum += owed * f64::from(g) * f64::from(g) / square;
            }
            owed = 0.0;
        }
    }
    map.into_iter().map(|sum| sum as f32).collect()
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
    let noisy = |(k, &value): (usize, &f32)| {
        (f64::from(value) + deviation * random::normal(seed, k as u64)) as f32
    };
    input.iter().enumerate().map(noisy).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn idgi_adds_up_for_any_gradients_and_is_the_square_of_a_linear_networks_weights() {
        let gradients = [[1.0, 2.0], [0.0, 0.0], [-3.0, 1.0]];
        let outputs = [0.5, 2.0, -1.0];
        let point = |k: usize, gradient: [f32; 2]| PartialSum {
            gradient_sum: gradient.to_vec(),
            samples: vec![PathSample {
                alpha: k as f64 / 3.0,
                output: outputs[k],
                slope: 0.0,
            }],
            starts: 0,
        };
        // In any order.
        let points = [2, 0, 1].map(|k| point(k, gradients[k]));
        let sum: f32 = idgi(&points, 4.0).iter().sum();
        assert!((sum - 3.5).abs() < 1e-6, "{sum}");
        let linear = [0, 1, 2].map(|k| point(k, [1.0, -2.0]));
        let map = idgi(&linear, 4.0);
        assert!(
            (map[0] - 0.7).abs() < 1e-6 && (map[1] - 2.8).abs() < 1e-6,
            "{map:?}"
        );
        assert!(idgi(&[], 1.0).is_empty());
    }

    #[test]
    fn an_enlarged_map_keeps_what_it_has_in_the_middles_and_its_mean() {
        let map = [0.0, 1.0, 4.0, 3.0];
        let large = enlarged(&map, [2, 2], [6, 10]);
        assert_eq!(large.len(), 60);
        let mean = |map: &[f32]| map.iter().sum::<f32>() / map.len() as f32;
        assert!((mean(&large) - mean(&map)).abs() < 1e-6);
        assert_eq!((large[0], large[59]), (0.0, 3.0));
        assert_eq!(enlarged(&map, [2, 2], [2, 2]), map);
        assert_eq!(enlarged(&[7.0], [1, 1], [3, 2]), [7.0; 6]);
    }

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
