//! Two maps of one picture on one scale, and their difference.

use super::{Mask, normalise};
use crate::preprocessing::Crop;

/// A map, and which part of the picture it covers.
#[derive(Debug, Clone, PartialEq)]
pub struct PlacedMap {
    /// Flat \[H, W\].
    pub values: Vec<f32>,
    /// W.
    pub width: usize,
    /// Where it lies, in pixels of the picture.
    pub crop: Crop,
}

impl PlacedMap {
    /// Values of the map a pixel of the picture: networks see it at different resolutions, so that
    /// only densities compare.
    fn density(&self) -> f32 {
        (self.values.len() as f64 / (self.crop.width * self.crop.height)) as f32
    }

    /// Pixels in a column.
    pub fn height(&self) -> usize {
        self.values.len() / self.width
    }

    /// The density at a point of the picture; 0 where the network does not look.
    fn at(&self, x: f64, y: f64) -> f32 {
        self.value_at(x, y)
            .map_or(0.0, |(_, value)| value * self.density())
    }

    /// The pixel under a point of the picture, column and row, and its value; nothing where the network
    /// does not look.
    pub fn value_at(&self, x: f64, y: f64) -> Option<([usize; 2], f32)> {
        let place = |position: f64, start: f64, length: f64, pixels: usize| {
            let share = (position - start) / length;
            let inside = (0.0..1.0).contains(&share);
            inside.then_some((share * pixels as f64) as usize)
        };
        let crop = &self.crop;
        let height = self.height();
        let column = place(x, crop.left, crop.width, self.width)?;
        let row = place(y, crop.top, crop.height, height)?;
        Some(([column, row], self.values[row * self.width + column]))
    }

    /// The density that is drawn at full strength, by itself.
    fn full_scale(&self, mass_shown: f64) -> f32 {
        normalise(&self.values, mass_shown).full_scale * self.density()
    }

    /// Its mask, drawn at full strength from this density on.
    pub fn mask(&self, full_scale: f32) -> Mask {
        let to_strength = if full_scale > 0.0 {
            self.density() / full_scale
        } else {
            0.0
        };
        let strengths = self
            .values
            .iter()
            .map(|value| (value * to_strength).clamp(-1.0, 1.0));
        Mask {
            strength: strengths.collect(),
            full_scale,
        }
    }
}

/// The density drawn at full strength in both maps: the larger of the two that each would have by
/// itself, see [`normalise`].
pub fn common_scale(a: &PlacedMap, b: &PlacedMap, mass_shown: f64) -> f32 {
    a.full_scale(mass_shown).max(b.full_scale(mass_shown))
}

/// Where `b` has more than `a` above 0, where less below, where they agree 0: a mask of `side` × `side`
/// pixels, full from `scale` on, and the part of the picture that it covers.
pub fn difference(a: &PlacedMap, b: &PlacedMap, scale: f32, side: usize) -> (Mask, Crop) {
    let (left, top) = (a.crop.left.min(b.crop.left), a.crop.top.min(b.crop.top));
    let right = |crop: &Crop| crop.left + crop.width;
    let bottom = |crop: &Crop| crop.top + crop.height;
    let crop = Crop {
        left,
        top,
        width: right(&a.crop).max(right(&b.crop)) - left,
        height: bottom(&a.crop).max(bottom(&b.crop)) - top,
    };
    let pixel = |k: usize| {
        let at = |k: usize| (k as f64 + 0.5) / side as f64;
        let x = crop.left + at(k % side) * crop.width;
        let y = crop.top + at(k / side) * crop.height;
        let more = b.at(x, y) - a.at(x, y);
        if scale > 0.0 {
            (more / scale).clamp(-1.0, 1.0)
        } else {
            0.0
        }
    };
    let mask = Mask {
        strength: (0..side * side).map(pixel).collect(),
        full_scale: scale,
    };
    (mask, crop)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(values: &[f32], left: f64, side: f64) -> PlacedMap {
        PlacedMap {
            values: values.to_vec(),
            width: values.len().isqrt(),
            crop: Crop {
                left,
                top: 0.0,
                width: side,
                height: side,
            },
        }
    }

    #[test]
    fn a_map_does_not_differ_from_itself_at_another_resolution() {
        let coarse = map(&[1.0, 2.0, 3.0, 4.0], 0.0, 8.0);
        let fine: Vec<f32> = (0..16)
            .map(|k| coarse.values[k / 8 * 2 + k % 4 / 2] / 4.0)
            .collect();
        let (mask, _) = difference(&coarse, &map(&fine, 0.0, 8.0), 1.0, 8);
        assert!(mask.strength.iter().all(|&strength| strength == 0.0));
    }

    #[test]
    fn more_is_above_zero_and_less_is_below() {
        let (a, b) = (
            map(&[1.0, 0.0, 0.0, 0.0], 0.0, 2.0),
            map(&[0.0, 1.0, 0.0, 0.0], 0.0, 2.0),
        );
        let (mask, _) = difference(&a, &b, 1.0, 2);
        assert_eq!(mask.strength, [-1.0, 1.0, 0.0, 0.0]);
    }

    #[test]
    fn one_scale_for_both() {
        let (a, b) = (map(&[2.0; 4], 0.0, 2.0), map(&[1.0; 4], 0.0, 2.0));
        let scale = common_scale(&a, &b, 0.98);
        assert_eq!(a.mask(scale).strength, [1.0; 4]);
        assert_eq!(b.mask(scale).strength, [0.5; 4]);
    }

    #[test]
    fn crops_beside_each_other_are_covered_both() {
        let (a, b) = (map(&[1.0], 0.0, 4.0), map(&[1.0], 4.0, 4.0));
        let (_, crop) = difference(&a, &b, 1.0, 4);
        assert_eq!((crop.left, crop.width), (0.0, 8.0));
    }
}
