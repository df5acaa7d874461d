//! Other ways of drawing a map: a glow over the photo where it is high, the photo where it is high, and lines around
//! where it is high.

use super::{MASS_SHOWN, Mask, Palette, normalise};

/// How far a map is smoothed, as a share of its side: single pixels become places.
const REACH: usize = 40;
/// How far it is smoothed where one shall see which pixels of a place: three or so of 224.
const SOFT_REACH: usize = 75;
/// Share of the pixels, the weaker ones, on which no glow lies: they would only tint the photo. Chosen with
/// [`GLOW_POWER`] by looking at thirty photos (those of scripts/convergence-photos.sh and eight of other packages): with
/// three fifths of the pixels a cat's and a lion's face are veiled, with 0.85 a moped and half of a hedge go.
const GLOW_FLOOR: f64 = 0.75;
/// How a glow rises above that: below 1, faint places beside a very strong one are seen. On six of the thirty photos one
/// bright place holds most of the mask: at 1 nothing else of it is seen there, at 0.6 hardly from the back of a room.
const GLOW_POWER: f32 = 0.45;
/// Shares of the map's mass that the contours enclose, the innermost first.
pub const ENCLOSED: [f64; 3] = [0.25, 0.5, 0.75];
/// Pixels of the contours' picture for each of the map's, along a side.
const FINER: usize = 4;

/// A map of absolute values whose neighbours were averaged.
fn smooth(map: &[f32], width: usize) -> Vec<f32> {
    let values = map.iter().map(|value| value.abs()).collect();
    averaged(values, width, map.len().isqrt() / REACH)
}

/// A map, flat \[H, W\], a little smoothed. Where signs change from pixel to pixel, what is left is what a
/// place comes to.
pub fn soften(map: &[f32], width: usize) -> Vec<f32> {
    let side = map.len().isqrt();
    averaged(map.to_vec(), width, (side + SOFT_REACH / 2) / SOFT_REACH)
}

/// The mask of a softened map as colour that thins out to nothing: RGBA, 4 bytes a pixel. Nothing of it lies on the
/// weaker three quarters of the pixels, so that the photo keeps its own colours there.
pub fn glow(mask: &Mask, palette: Palette) -> Vec<u8> {
    let mut sorted: Vec<f32> = mask.strength.iter().map(|s| s.abs()).collect();
    sorted.sort_unstable_by(f32::total_cmp);
    let at = (GLOW_FLOOR * sorted.len() as f64) as usize;
    let floor = sorted.get(at).copied().unwrap_or_default().min(0.9);
    let pixels = mask.strength.iter().flat_map(|&strength| {
        let [r, g, b] = palette.colour(strength);
        let above = ((strength.abs() - floor) / (1.0 - floor)).max(0.0);
        [r, g, b, (above.powf(GLOW_POWER) * 255.0).round() as u8]
    });
    pixels.collect()
}

/// Neighbours no farther than `reach` averaged, three times: near a Gaussian.
fn averaged(mut values: Vec<f32>, width: usize, reach: usize) -> Vec<f32> {
    let height = values.len() / width;
    let reach = reach.max(1);
    for _ in 0..3 {
        // Along rows, then along columns.
        let ways = [[height, width, width, 1], [width, height, 1, width]];
        for [lines, length, run, step] in ways {
            for line in 0..lines {
                let at = |k: usize| line * run + k * step;
                let old: Vec<f32> = (0..length).map(|k| values[at(k)]).collect();
                for k in 0..length {
                    let window = &old[k.saturating_sub(reach)..(k + reach + 1).min(length)];
                    values[at(k)] = window.iter().sum::<f32>() / window.len() as f32;
                }
            }
        }
    }
    values
}

/// A veil that leaves the photo free where a map, flat \[H, W\], is high: RGBA, as large as the map.
pub fn spotlight(map: &[f32], width: usize) -> Vec<u8> {
    const VEIL: [u8; 3] = [16, 14, 20];
    const DARKEST: f32 = 242.0;
    let light = normalise(&smooth(map, width), MASS_SHOWN - 0.2).strength;
    let pixels = light.iter().flat_map(|&strength| {
        let [r, g, b] = VEIL;
        [r, g, b, (DARKEST * (1.0 - strength.sqrt())).round() as u8]
    });
    pixels.collect()
}

/// Lines around the places that hold [`ENCLOSED`] of a map's mass: RGBA, and its width in pixels.
pub fn contours(map: &[f32], width: usize, palette: Palette) -> (Vec<u8>, usize) {
    let smooth = smooth(map, width);
    let levels = levels(&smooth);
    let rows = map.len() / width;
    let [fine, fine_rows] = [width, rows].map(|length| length * FINER);
    // Between the map's pixels the height runs straight.
    let height = |x: usize, y: usize| {
        let place = |v: usize, length: usize| {
            ((v as f32 + 0.5) / FINER as f32 - 0.5).clamp(0.0, (length - 1) as f32)
        };
        let (u, v) = (place(x, width), place(y, rows));
        let (column, row) = (u as usize, v as usize);
        let at = |dx: usize, dy: usize| {
            smooth[(row + dy).min(rows - 1) * width + (column + dx).min(width - 1)]
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
    let bands = (0..fine * fine_rows).map(|k| band(k % fine, k / fine));
    let bands: Vec<u8> = bands.collect();
    // Where two bands meet, and the inner one of them.
    let lines = |x: usize, y: usize| {
        let here = bands[y * fine + x];
        let neighbours = [bands[y * fine + x - 1], bands[(y - 1) * fine + x]];
        let meet = neighbours.iter().any(|&band| band != here);
        meet.then(|| neighbours.into_iter().chain([here]).min().unwrap_or(here))
    };
    let lines: Vec<(usize, usize, u8)> = (1..fine_rows)
        .flat_map(|y| (1..fine).map(move |x| (x, y)))
        .filter_map(|(x, y)| Some((x, y, lines(x, y)?)))
        .collect();
    let mut rgba = vec![0; 4 * fine * fine_rows];
    let mut paint = |reach: usize, colour: &dyn Fn(u8) -> [u8; 4]| {
        for &(x, y, inner) in &lines {
            let around =
                |v: usize, length: usize| v.saturating_sub(reach)..(v + reach + 1).min(length);
            let rows = around(y, fine_rows);
            for (x, y) in rows.flat_map(|y| around(x, fine).map(move |x| (x, y))) {
                rgba[4 * (y * fine + x)..][..4].copy_from_slice(&colour(inner));
            }
        }
    };
    // On any photo: a line on a broader, white one; the inner the line, the stronger.
    let [r, g, b] = palette.colour(1.0);
    paint(CASING, &|_| [255, 255, 255, 200]);
    paint(LINE, &|inner| [r, g, b, 255 - 55 * inner]);
    (rgba, fine)
}

/// How far a contour and its white casing reach to each side, in pixels of the contours' picture.
const LINE: usize = 1;
const CASING: usize = 2;

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
        let veil = spotlight(&hill(), 64);
        let alpha = |x: usize, y: usize| veil[4 * (y * 64 + x) + 3];
        assert!(alpha(32, 32) < 40 && alpha(2, 2) > 230);
        assert!(
            spotlight(&[0.0; 64], 8)
                .chunks(4)
                .all(|pixel| pixel[3] == 242)
        );
    }

    #[test]
    fn a_glow_lies_on_the_stronger_pixels_and_casts_nothing_on_the_others() {
        let mask = Mask::of_map(&soften(&hill(), 64));
        let glow = glow(&mask, Palette::Violet);
        let alpha: Vec<u8> = glow.chunks(4).map(|pixel| pixel[3]).collect();
        let free = alpha.iter().filter(|&&alpha| alpha == 0).count();
        assert!(4 * free >= 3 * alpha.len(), "{free} of {}", alpha.len());
        assert!(alpha[32 * 64 + 32] > 240 && alpha[0] == 0);
    }

    #[test]
    fn a_glow_of_nothing_is_nothing() {
        let mask = Mask::of_map(&[0.0; 64]);
        assert!(
            glow(&mask, Palette::Violet)
                .chunks(4)
                .all(|pixel| pixel[3] == 0)
        );
    }

    #[test]
    fn what_is_softened_keeps_its_signs_and_salt_and_pepper_cancel() {
        let salt: Vec<f32> = (0..75 * 75)
            .map(|k| if k % 2 == 0 { 1.0 } else { -1.0 })
            .collect();
        assert!(soften(&salt, 75)[37 * 75 + 37].abs() < 0.1);
        let against: Vec<f32> = hill().iter().map(|v| -v).collect();
        assert!(soften(&against, 64)[32 * 64 + 32] < -0.8);
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
        let (rgba, side) = contours(&hill, 64, Palette::Violet);
        assert_eq!(side, 256);
        let middle = &rgba[4 * (128 * side)..4 * (129 * side)];
        // Three lines on either side, each in its casing.
        let [r, g, b] = Palette::Violet.colour(1.0);
        let drawn: Vec<bool> = middle
            .chunks(4)
            .map(|pixel| pixel[..3] == [r, g, b])
            .collect();
        let lines = drawn.windows(2).filter(|pair| !pair[0] && pair[1]).count();
        assert_eq!(lines, 6);
        let white = middle
            .chunks(4)
            .filter(|pixel| pixel[..3] == [255; 3])
            .count();
        assert!(white >= 12, "{white}");
    }

    #[test]
    fn a_map_that_is_not_square_is_drawn_as_it_lies() {
        // A bright column in the middle of 96 × 32.
        let map: Vec<f32> = (0..96 * 32).map(|k| f32::from(k % 96 == 48)).collect();
        let soft = soften(&map, 96);
        assert!((0..32).all(|row| soft[row * 96 + 48] > 0.1 && soft[row * 96] == 0.0));
        let veil = spotlight(&map, 96);
        assert!((0..32).all(|row| veil[4 * (row * 96 + 48) + 3] < veil[4 * row * 96 + 3]));
        let (rgba, width) = contours(&map, 96, Palette::Violet);
        assert_eq!((width, rgba.len()), (4 * 96, 4 * 16 * 96 * 32));
        // What encloses a column are upright lines: every row but the first crosses them alike.
        let row = |k: usize| &rgba[4 * k * width..4 * (k + 1) * width];
        assert!((20..100).all(|k| row(k) == row(19)) && row(19).iter().any(|&v| v > 0));
    }

    #[test]
    fn smoothing_keeps_the_mass_of_what_is_not_at_the_edge() {
        let mut map = vec![0.0; 81 * 81];
        map[40 * 81 + 40] = -2.0;
        assert!((smooth(&map, 81).iter().sum::<f32>() - 2.0).abs() < 1e-4);
    }
}
