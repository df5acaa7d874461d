//! Two maps of one picture on one scale, and their difference.

use super::{MASS_SHOWN, Mask, PURPLE, normalise};
use crate::preprocessing::Crop;

/// Orange, for what the first of two maps has more of: told from purple by people who cannot tell
/// red from green.
pub const ORANGE: [u8; 3] = [217, 95, 2];

/// A map, and which part of the picture it covers.
#[derive(Debug, Clone, PartialEq)]
pub struct PlacedMap {
    /// Flat \[side, side\].
    pub values: Vec<f32>,
    /// Where it lies, in pixels of the picture.
    pub crop: Crop,
}

impl PlacedMap {
    fn side(&self) -> usize {
        self.values.len().isqrt()
    }

    /// Values of the map a pixel of the picture: networks see it at different resolutions, so that
    /// only densities compare.
    fn density(&self) -> f32 {
        (self.values.len() as f64 / (self.crop.width * self.crop.height)) as f32
    }

    /// The density at a point of the picture; 0 where the network does not look.
    fn at(&self, x: f64, y: f64) -> f32 {
        let side = self.side();
        let place = |position: f64, start: f64, length: f64| {
            let share = (position - start) / length;
            (0.0..1.0)
                .contains(&share)
                .then_some((share * side as f64) as usize)
        };
        let column = place(x, self.crop.left, self.crop.width);
        let row = place(y, self.crop.top, self.crop.height);
        match (column, row) {
            (Some(column), Some(row)) => self.values[row * side + column] * self.density(),
            _ => 0.0,
        }
    }

    /// The density that is drawn at full strength, by itself.
    fn full_scale(&self) -> f32 {
        normalise(&self.values, MASS_SHOWN).full_scale * self.density()
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
/// itself.
pub fn common_scale(a: &PlacedMap, b: &PlacedMap) -> f32 {
    a.full_scale().max(b.full_scale())
}

/// Where `b` has more than `a` in purple, where less in orange, as opacity; where they agree nothing.
/// RGBA, `side` × `side` pixels, and the part of the picture that they cover.
pub fn difference(a: &PlacedMap, b: &PlacedMap, side: usize) -> (Vec<u8>, Crop) {
    let (left, top) = (a.crop.left.min(b.crop.left), a.crop.top.min(b.crop.top));
    let right = |crop: &Crop| crop.left + crop.width;
    let bottom = |crop: &Crop| crop.top + crop.height;
    let crop = Crop {
        left,
        top,
        width: right(&a.crop).max(right(&b.crop)) - left,
        height: bottom(&a.crop).max(bottom(&b.crop)) - top,
    };
    let scale = common_scale(a, b);
    let pixel = |k: usize| {
        let at = |k: usize| (k as f64 + 0.5) / side as f64;
        let x = crop.left + at(k % side) * crop.width;
        let y = crop.top + at(k / side) * crop.height;
        let more = b.at(x, y) - a.at(x, y);
        let [r, g, blue] = if more >= 0.0 { PURPLE } else { ORANGE };
        let strength = if scale > 0.0 {
            (more.abs() / scale).min(1.0)
        } else {
            0.0
        };
        [r, g, blue, (strength * 255.0).round() as u8]
    };
    ((0..side * side).flat_map(pixel).collect(), crop)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(values: &[f32], left: f64, side: f64) -> PlacedMap {
        PlacedMap {
            values: values.to_vec(),
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
        let (rgba, _) = difference(&coarse, &map(&fine, 0.0, 8.0), 8);
        assert!(rgba.chunks(4).all(|pixel| pixel[3] == 0));
    }

    #[test]
    fn more_is_purple_and_less_is_orange() {
        let (a, b) = (
            map(&[1.0, 0.0, 0.0, 0.0], 0.0, 2.0),
            map(&[0.0, 1.0, 0.0, 0.0], 0.0, 2.0),
        );
        let (rgba, _) = difference(&a, &b, 2);
        assert_eq!(rgba[..4], [ORANGE[0], ORANGE[1], ORANGE[2], 255]);
        assert_eq!(rgba[4..8], [PURPLE[0], PURPLE[1], PURPLE[2], 255]);
        assert_eq!((rgba[11], rgba[15]), (0, 0));
    }

    #[test]
    fn one_scale_for_both() {
        let (a, b) = (map(&[2.0; 4], 0.0, 2.0), map(&[1.0; 4], 0.0, 2.0));
        let scale = common_scale(&a, &b);
        assert_eq!(a.mask(scale).strength, [1.0; 4]);
        assert_eq!(b.mask(scale).strength, [0.5; 4]);
    }

    #[test]
    fn crops_beside_each_other_are_covered_both() {
        let (a, b) = (map(&[1.0], 0.0, 4.0), map(&[1.0], 4.0, 4.0));
        let (_, crop) = difference(&a, &b, 4);
        assert_eq!((crop.left, crop.width), (0.0, 8.0));
    }
}
