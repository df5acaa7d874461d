//! From signed attributions to a purple mask.

mod compare;
mod edges;
mod palette;
mod relief;

use serde::{Deserialize, Serialize};

pub use compare::{PlacedMap, common_scale, difference};
pub use edges::edges;
pub use palette::Palette;
pub use relief::{ENCLOSED, contours, glow, soften, spotlight};

/// Share of the total mass that the colour scale spans; what lies above is drawn at full
/// strength. 98 % keeps a few extreme pixels from darkening all others;
/// captum's and PAIR's pictures cut 1 to 2 % for the same reason.
pub const MASS_SHOWN: f64 = 0.98;

/// What becomes of a pixel's three attributions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reduction {
    /// Sum of absolute values: how much it mattered, whichever way.
    #[default]
    Absolute,
    /// Their sum, where it is above 0: what spoke for the answer.
    Positive,
    /// Minus their sum, where it is below 0: what spoke against it.
    Negative,
    /// Their sum, for and against in two colours.
    Signed,
}

impl Reduction {
    /// Every reduction, in the order in which they are offered.
    pub const ALL: [Reduction; 4] = [
        Reduction::Absolute,
        Reduction::Positive,
        Reduction::Negative,
        Reduction::Signed,
    ];

    /// Name on the command line and in addresses.
    pub fn name(self) -> &'static str {
        match self {
            Reduction::Absolute => "absolute",
            Reduction::Positive => "positive",
            Reduction::Negative => "negative",
            Reduction::Signed => "signed",
        }
    }

    /// The reduction of that name, if there is one.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|reduction| reduction.name() == name)
    }

    /// Flat \[3, H, W\] → flat \[H, W\]; nothing below 0 unless it is signed.
    ///
    /// # Example
    ///
    /// ```
    /// use violet::mask::Reduction;
    ///
    /// let attributions = [1.0, -3.0, 1.0, 1.0, -0.5, 0.0]; // two pixels: (1, 1, −0.5), (−3, 1, 0)
    /// let of = |reduction: Reduction| reduction.reduce(&attributions);
    /// assert_eq!(of(Reduction::Absolute), [2.5, 4.0]);
    /// assert_eq!(of(Reduction::Signed), [1.5, -2.0]);
    /// assert_eq!(of(Reduction::Positive), [1.5, 0.0]);
    /// assert_eq!(of(Reduction::Negative), [0.0, 2.0]);
    /// ```
    pub fn reduce(self, attributions: &[f32]) -> Vec<f32> {
        let area = attributions.len() / 3;
        let values = |k: usize| (0..3).map(move |c| attributions[c * area + k]);
        let value = |k: usize| {
            let sum: f32 = values(k).sum();
            match self {
                Reduction::Absolute => values(k).map(f32::abs).sum(),
                Reduction::Positive => sum.max(0.0),
                Reduction::Negative => (-sum).max(0.0),
                Reduction::Signed => sum,
            }
        };
        (0..area).map(value).collect()
    }
}

/// Strength of the mask at each pixel, 0..=1, or −1..=1 if it is signed, and what strength 1 stands
/// for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Mask {
    /// Flat \[size, size\], each −1..=1.
    pub strength: Vec<f32>,
    /// The attribution (in units of the explained output) that is drawn at full strength.
    pub full_scale: f32,
}

/// Sum of absolute values over the colour channels: flat \[3, H, W\] → flat \[H, W\].
pub fn reduce_absolute(attributions: &[f32]) -> Vec<f32> {
    Reduction::Absolute.reduce(attributions)
}

/// Lays a picture over another one of its size, both RGBA, as much as its opacity says.
pub fn lay_over(under: &mut [u8], over: &[u8]) {
    let (under, _) = under.as_chunks_mut::<4>();
    let (over, _) = over.as_chunks::<4>();
    for (pixel, &[r, g, b, a]) in under.iter_mut().zip(over) {
        for (value, wanted) in pixel.iter_mut().zip([r, g, b]) {
            let (from, to) = (f32::from(*value), f32::from(wanted));
            *value = (from + (to - from) * f32::from(a) / 255.0).round() as u8;
        }
    }
}

/// A photo, RGBA, grey and pale, so that a mask's is the only colour over it.
///
/// # Source
///
/// W3C, Compositing and Blending Level 1, 10: a colour's luminosity, as the page's canvases have it.
pub fn pale(rgba: &[u8]) -> Vec<u8> {
    const LUMINOSITY: [f32; 3] = [0.3, 0.59, 0.11];
    const VEIL: [f32; 3] = [250.0, 249.0, 252.0];
    const VEILED: f32 = 0.3;
    let (pixels, _) = rgba.as_chunks::<4>();
    let veiled = |&[r, g, b, a]: &[u8; 4]| {
        let colours = [r, g, b].map(f32::from);
        let grey: f32 = colours.iter().zip(LUMINOSITY).map(|(c, l)| c * l).sum();
        let [r, g, b] = VEIL.map(|veil| (grey + (veil - grey) * VEILED).round() as u8);
        [r, g, b, a]
    };
    pixels.iter().flat_map(veiled).collect()
}

/// Divides by the value below which `mass_shown` of the total lies, smallest values first, and
/// clips to −1..=1; what counts is how far a value is from zero. A map of nothing but zeros stays zero.
pub fn normalise(map: &[f32], mass_shown: f64) -> Mask {
    let mut sorted: Vec<f32> = map.iter().map(|value| value.abs()).collect();
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
        map.iter()
            .map(|&v| (v / full_scale).clamp(-1.0, 1.0))
            .collect()
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

    /// The mask of a map, flat \[H, W\].
    pub fn of_map(map: &[f32]) -> Self {
        normalise(map, MASS_SHOWN)
    }

    /// The mask of attributions, flat \[3, H, W\], drawn at full strength from this value on.
    pub fn of_scale(attributions: &[f32], full_scale: f32) -> Self {
        let map = reduce_absolute(attributions);
        let strength = |value: f32| {
            if full_scale > 0.0 {
                (value / full_scale).clamp(-1.0, 1.0)
            } else {
                0.0
            }
        };
        Self {
            strength: map.into_iter().map(strength).collect(),
            full_scale,
        }
    }

    /// The palette's colours, with the strength as opacity: RGBA, 4 bytes a pixel.
    pub fn to_rgba(&self, palette: Palette) -> Vec<u8> {
        let pixels = self.strength.iter().flat_map(|&strength| {
            let [r, g, b] = palette.colour(strength);
            [r, g, b, (strength.abs() * 255.0).round() as u8]
        });
        pixels.collect()
    }

    /// The mask laid over pixels (RGB, 3 bytes each) at an opacity of 0..=1.
    pub fn overlay(&self, rgb: &[u8], opacity: f32, palette: Palette) -> Vec<u8> {
        let mut out = Vec::with_capacity(rgb.len());
        let (pixels, _) = rgb.as_chunks::<3>();
        for (&pixel, &strength) in pixels.iter().zip(&self.strength) {
            for (value, wanted) in pixel.into_iter().zip(palette.colour(strength)) {
                let (from, to) = (f32::from(value), f32::from(wanted));
                out.push((from + (to - from) * strength.abs() * opacity).round() as u8);
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn against_is_orange_and_zero_is_nothing() {
        let mask = Mask::of_map(&[2.0, -2.0, 0.0]);
        assert_eq!(mask.strength, [1.0, -1.0, 0.0]);
        let rgba = mask.to_rgba(Palette::Violet);
        assert_eq!(rgba[..3], Palette::Violet.colour(1.0));
        assert_eq!(rgba[4..7], Palette::Violet.colour(-1.0));
        assert_eq!(rgba[7], 255);
        assert_eq!(rgba[11], 0);
    }

    #[test]
    fn what_is_laid_over_covers_as_much_as_it_is_opaque() {
        let mut under = [10, 20, 30, 255, 10, 20, 30, 255, 10, 20, 30, 255];
        lay_over(
            &mut under,
            &[200, 0, 0, 0, 200, 0, 0, 255, 110, 120, 130, 51],
        );
        assert_eq!(under, [10, 20, 30, 255, 200, 0, 0, 255, 30, 40, 50, 255]);
    }

    #[test]
    fn zero_map_stays_zero() {
        let mask = Mask::of(&[0.0; 12]);
        assert!(mask.strength.iter().all(|&s| s == 0.0));
        assert!(mask.to_rgba(Palette::Blue).chunks(4).all(|p| p[3] == 0));
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
        let photo = [1, 2, 3, 4, 5, 6];
        for palette in Palette::ALL {
            assert_eq!(mask.overlay(&photo, 0.0, palette), photo);
            assert_eq!(mask.overlay(&photo, 1.0, palette)[..3], palette.colour(1.0));
            assert_eq!(Palette::from_name(palette.name()), Some(palette));
        }
    }
}
