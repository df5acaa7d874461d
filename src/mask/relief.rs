//! Other ways of drawing a map: the photo where it is high, and lines around where it is high.

use super::{MASS_SHOWN, Palette, normalise};

/// How far a map is smoothed, as a share of its side: single pixels become places.
const REACH: usize = 40;
/// Shares of the map's mass that the contours enclose, the innermost first.
pub const ENCLOSED: [f64; 3] = [0.25, 0.5, 0.75];
/// Pixels of the contours' picture for each of the map's, along a side.
const FINER: usize = 4;

/// A map of absolute values whose neighbours were averaged: three box filters, near a Gaussian.
fn smooth(map: &[f32]) -> Vec<f32> {
    let side = map.len().isqrt();
    let reach = (side / REACH).max(1);
    let mut values: Vec<f32> = map.iter().map(|value| value.abs()).collect();
    for _ in 0..3 {
        for [run, step] in [[side, 1], [1, side]] {
            for line in 0..side {
                let at = |k: usize| line * run + k * step;
                let old: Vec<f32> = (0..side).map(|k| values[at(k)]).collect();
                for k in 0..side {
                    let window = &old[k.saturating_sub(reach)..(k + reach + 1).min(side)];
                    values[at(k)] = window.iter().sum::<f32>() / window.len() as f32;
                }
            }
        }
    }
    values
}

/// A veil that leaves the photo free where a map, flat \[side, side\], is high: RGBA, as large as the map.
pub fn spotlight(map: &[f32]) -> Vec<u8> {
    const VEIL: [u8; 3] = [16, 14, 20];
    const DARKEST: f32 = 242.0;
    let light = normalise(&smooth(map), MASS_SHOWN - 0.2).strength;
    let pixels = light.iter().flat_map(|&strength| {
        let [r, g, b] = VEIL;
        [r, g, b, (DARKEST * (1.0 - strength.sqrt())).round() as u8]
    });
    pixels.collect()
}

/// Lines around the places that hold [`ENCLOSED`] of a map's mass: RGBA, and its side in pixels.
pub fn contours(map: &[f32], palette: Palette) -> (Vec<u8>, usize) {
    let smooth = smooth(map);
    let levels = levels(&smooth);
    let side = map.len().isqrt();
    let fine = side * FINER;
    // Between the map's pixels the height runs straight.
    let height = |x: usize, y: usize| {
        let place =
            |v: usize| ((v as f32 + 0.5) / FINER as f32 - 0.5).clamp(0.0, (side - 1) as f32);
        let (u, v) = (place(x), place(y));
        let (column, row) = (u as usize, v as usize);
        let at = |dx: usize, dy: usize| {
            smooth[(row + dy).min(side - 1) * side + (column + dx).min(side - 1)]
        };
        let (du, dv) = (u.fract(), v.fract());
        let top = at(0, 0) * (1.0 - du) + at(1, 0) * du;
        let bottom = at(0, 1) * (1.0 - du) + at(1, 1) * du;
        top * (1.0 - dv) + bottom * dv
    };
    let band = |x: usize, y: usize| {
        let height = height(x, y);
        levels.iter().filter(|&&level| height < level).count() as u8
    };
    let bands: Vec<u8> = (0..fine * fine).map(|k| band(k % fine, k / fine)).collect();
    let [r, g, b] = palette.colour(1.0);
    let mut rgba = vec![0; 4 * fine * fine];
    for y in 1..fine {
        for x in 1..fine {
            let here = bands[y * fine + x];
            let neighbours = [bands[y * fine + x - 1], bands[(y - 1) * fine + x]];
            let inner = neighbours.into_iter().chain([here]).min().unwrap_or(here);
            if neighbours.iter().any(|&band| band != here) {
                // The inner the line, the stronger.
                let alpha = 255 - 55 * inner;
                rgba[4 * (y * fine + x)..][..4].copy_from_slice(&[r, g, b, alpha]);
            }
        }
    }
    (rgba, fine)
}

/// The heights above which each share of the mass lies.
fn levels(map: &[f32]) -> [f32; 3] {
    let mut sorted = map.to_vec();
    sorted.sort_unstable_by(|a, b| b.total_cmp(a));
    let total: f64 = sorted.iter().map(|&v| f64::from(v)).sum();
    ENCLOSED.map(|share| {
        let mut above = 0.0;
        let found = sorted.iter().find(|&&value| {
            above += f64::from(value);
            above >= share * total
        });
        found.copied().unwrap_or(0.0)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A hill in the middle of 64 × 64.
    fn hill() -> Vec<f32> {
        let distance = |k: usize| {
            let d = |v: usize| (v as f32 - 31.5) / 8.0;
            d(k % 64).powi(2) + d(k / 64).powi(2)
        };
        (0..64 * 64).map(|k| (-distance(k) / 2.0).exp()).collect()
    }

    #[test]
    fn the_light_falls_where_the_map_is_high() {
        let veil = spotlight(&hill());
        let alpha = |x: usize, y: usize| veil[4 * (y * 64 + x) + 3];
        assert!(alpha(32, 32) < 40 && alpha(2, 2) > 230);
        assert!(spotlight(&[0.0; 64]).chunks(4).all(|pixel| pixel[3] == 242));
    }

    #[test]
    fn each_contour_encloses_its_share() {
        let hill = hill();
        let levels = levels(&hill);
        assert!(levels[0] > levels[1] && levels[1] > levels[2]);
        // Of a Gaussian hill, the part above a height h of its peak 1 is 1 − h.
        for (level, share) in levels.into_iter().zip(ENCLOSED) {
            assert!(
                (f64::from(level) - (1.0 - share)).abs() < 0.02,
                "{level} {share}"
            );
        }
        let (rgba, side) = contours(&hill, Palette::Violet);
        assert_eq!(side, 256);
        let middle = &rgba[4 * (128 * side)..4 * (129 * side)];
        let lines = middle.chunks(4).filter(|pixel| pixel[3] > 0).count();
        assert!((6..=12).contains(&lines), "{lines}");
    }

    #[test]
    fn smoothing_keeps_the_mass_of_what_is_not_at_the_edge() {
        let mut map = vec![0.0; 81 * 81];
        map[40 * 81 + 40] = -2.0;
        assert!((smooth(&map).iter().sum::<f32>() - 2.0).abs() < 1e-4);
    }
}
