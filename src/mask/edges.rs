//! What a map would be that knows nothing of any network: where the photo has edges.

/// Strength of the edges of an image, flat \[3, H, W\] → \[H, W\]: the length of the
/// brightness' gradient by Sobel's 3×3 filters; the border repeats its last pixel.
///
/// # Source
///
/// Adebayo et al. 2018 (arXiv 1810.03292) hold masks against an edge detector.
///
/// # Example
///
/// ```
/// use violet::mask::edges;
///
/// let step: Vec<f32> = (0..3 * 16).map(|k| if k % 4 < 2 { 0.0 } else { 1.0 }).collect();
/// let map = edges(&step, 4);
/// assert_eq!(map[..4], [0.0, 4.0, 4.0, 0.0]);
/// ```
pub fn edges(image: &[f32], width: usize) -> Vec<f32> {
    let area = image.len() / 3;
    let height = area / width;
    let brightness: Vec<f32> = (0..area)
        .map(|k| (image[k] + image[area + k] + image[2 * area + k]) / 3.0)
        .collect();
    let at = |x: usize, y: usize, dx: usize, dy: usize| {
        // Offsets are 0..=2, counted from one pixel up and to the left.
        let clamp = |v: usize, length: usize| v.saturating_sub(1).min(length - 1);
        brightness[clamp(y + dy, height) * width + clamp(x + dx, width)]
    };
    let weights = [1.0, 2.0, 1.0];
    let strength = |k: usize| {
        let (x, y) = (k % width, k / width);
        let along = |value: &dyn Fn(usize, usize) -> f32| -> f32 {
            (0..3)
                .map(|k| weights[k] * (value(k, 2) - value(k, 0)))
                .sum()
        };
        let horizontal = along(&|k, end| at(x, y, end, k));
        let vertical = along(&|k, end| at(x, y, k, end));
        horizontal.hypot(vertical)
    };
    (0..area).map(strength).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ramp_is_steep_everywhere_and_a_flat_image_nowhere() {
        let ramp: Vec<f32> = (0..3 * 64)
            .map(|k| (k % 8 + 2 * (k / 8 % 8)) as f32)
            .collect();
        let map = edges(&ramp, 8);
        // Eight times the slope: 8 · √(1² + 2²).
        let inner = (1..7).flat_map(|y| (1..7).map(move |x| y * 8 + x));
        for k in inner {
            assert!((map[k] - 8.0 * 5f32.sqrt()).abs() < 1e-4, "{}", map[k]);
        }
        assert!(edges(&[0.3; 75], 5).iter().all(|&v| v == 0.0));
    }
}
