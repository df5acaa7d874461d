//! From signed attributions to a purple mask.

mod compare;

use serde::{Deserialize, Serialize};

pub use compare::{ORANGE, PlacedMap, common_scale, difference};

/// Violet's purple, RGB.
pub const PURPLE: [u8; 3] = [124, 58, 237];

/// Share of the total mass that the colour scale spans; what lies above is drawn at full
/// strength. 98 % keeps a few extreme pixels from darkening all others;
/// captum's and PAIR's pictures cut 1 to 2 % for the same reason.
pub const MASS_SHOWN: f64 = 0.98;

/// Strength of the mask at each pixel, 0..=1, and what strength 1 stands for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Mask {
    /// Flat \[size, size\], each 0..=1.
    pub strength: Vec<f32>,
    /// The attribution (in units of the explained output) that is drawn at full strength.
    pub full_scale: f32,
}

/// Sum of absolute values over the colour channels: flat \[3, H, W\] → flat \[H, W\].
pub fn reduce_absolute(attributions: &[f32]) -> Vec<f32> {
    let area = attributions.len() / 3;
    (0..area)
        .map(|k| (0..3).map(|c| attributions[c * area + k].abs()).sum())
        .collect()
}

/// Divides by the value below which `mass_shown` of the total lies, smallest values first, and
/// clips to 0..=1. A map of nothing but zeros stays zero.
pub fn normalise(map: &[f32], mass_shown: f64) -> Mask {
    let mut sorted = map.to_vec();
    sorted.sort_unstable_by(f32::total_cmp);
    let total: f64 = sorted.iter().map(|&v| f64::from(v)).sum();
    let mut below = 0.0;
    let mut full_scale = 0.0;
    for &value in &sorted {
        below += f64::from(value);
        full_scale = value;
        if below >= mass_shown * total {
            break;
        }
    }
    let strength = if full_scale > 0.0 {
        map.iter().map(|&v| (v / full_scale).min(1.0)).collect()
    } else {
        vec![0.0; map.len()]
    };
    Mask {
        strength,
        full_scale,
    }
}

impl Mask {
    /// The mask of attributions, flat \[3, H, W\].
    ///
    /// # Example
    ///
    /// ```
    /// use violet::mask::Mask;
    ///
    /// let mask = Mask::of(&[0.0, -3.0, 0.0, 1.0, 0.0, 0.0]);
    /// assert_eq!(mask.strength, [0.0, 1.0]);
    /// assert_eq!(mask.full_scale, 4.0);
    /// ```
    pub fn of(attributions: &[f32]) -> Self {
        Self::of_map(&reduce_absolute(attributions))
    }

    /// The mask of a map, flat \[H, W\], each value ≥ 0.
    pub fn of_map(map: &[f32]) -> Self {
        normalise(map, MASS_SHOWN)
    }

    /// Purple with the strength as opacity: RGBA, 4 bytes a pixel.
    pub fn to_rgba(&self) -> Vec<u8> {
        let [r, g, b] = PURPLE;
        self.strength
            .iter()
            .flat_map(|&s| [r, g, b, (s * 255.0).round() as u8])
            .collect()
    }

    /// The mask laid over pixels (RGB, 3 bytes each) at an opacity of 0..=1.
    pub fn overlay(&self, rgb: &[u8], opacity: f32) -> Vec<u8> {
        let mut out = Vec::with_capacity(rgb.len());
        let (pixels, _) = rgb.as_chunks::<3>();
        for (&pixel, &strength) in pixels.iter().zip(&self.strength) {
            for (value, purple) in pixel.into_iter().zip(PURPLE) {
                let (from, to) = (f32::from(value), f32::from(purple));
                out.push((from + (to - from) * strength * opacity).round() as u8);
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zero_map_stays_zero() {
        let mask = Mask::of(&[0.0; 12]);
        assert!(mask.strength.iter().all(|&s| s == 0.0));
        assert!(mask.to_rgba().chunks(4).all(|p| p[3] == 0));
    }

    #[test]
    fn full_scale_is_where_the_mass_is_reached() {
        // 100 values of 1 and one of 100: 98 % of the mass (196 of 200) needs the last one.
        let mut map = vec![1.0; 100];
        map.push(100.0);
        assert_eq!(normalise(&map, 0.98).full_scale, 100.0);
        assert_eq!(normalise(&map, 0.5).full_scale, 1.0);
    }

    #[test]
    fn overlay_at_no_opacity_is_the_photo() {
        let mask = normalise(&[1.0, 0.5], 0.98);
        assert_eq!(mask.overlay(&[1, 2, 3, 4, 5, 6], 0.0), [1, 2, 3, 4, 5, 6]);
        assert_eq!(mask.overlay(&[1, 2, 3, 4, 5, 6], 1.0)[..3], PURPLE);
    }
}
