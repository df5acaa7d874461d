//! Regions as a picture that lies over the photo.

use super::partition::Partition;
use crate::mask::Palette;

/// Pixels of the picture for each of the map's along a side, at most; and the picture's side, at most, where the map is
/// not larger itself.
const FINER: usize = 4;
const LARGEST: usize = 900;
/// Opacity of a region that comes to nothing, and of the one that comes to most.
const LEAST: f64 = 0.0;
const MOST: f64 = 0.72;
/// The lines between regions, and what lies over all others while one is pointed out.
const EDGE: [u8; 4] = [255, 255, 255, 200];
const OUTLINE: [u8; 4] = [20, 18, 24, 255];
const VEIL: [u8; 4] = [20, 18, 24, 150];

/// How regions are drawn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Manner {
    /// In which colours: for, and against.
    pub palette: Palette,
    /// What a region comes to that is drawn at full strength.
    pub full_scale: f64,
    /// The region that is pointed out.
    pub pointed: Option<usize>,
}

/// Each region in the colour of its sum's sign, the stronger the more it comes to, with lines between them: RGBA, and
/// the picture's width in pixels.
pub fn patches(partition: &Partition, sums: &[f64], manner: Manner) -> (Vec<u8>, usize) {
    let (width, height) = (partition.width(), partition.height());
    let finer = (LARGEST / width.max(height).max(1)).clamp(1, FINER);
    let [fine, fine_rows] = [width, height].map(|length| length * finer);
    let labels = partition.labels();
    let fill: Vec<[u8; 4]> = (0..partition.count())
        .map(|region| {
            let veiled = manner.pointed.is_some_and(|pointed| pointed != region);
            let share = (sums[region] / manner.full_scale).clamp(-1.0, 1.0);
            let share = if share.is_finite() { share } else { 0.0 };
            if veiled {
                return VEIL;
            }
            let [r, g, b] = manner.palette.colour(share as f32);
            let alpha = LEAST + (MOST - LEAST) * share.abs();
            [r, g, b, (255.0 * alpha).round() as u8]
        })
        .collect();
    // Of the four pixels around a point, the region that has most of it, so that borders run straight across corners.
    let place = |v: usize, length: usize| {
        let v = ((v as f64 + 0.5) / finer as f64 - 0.5).clamp(0.0, length as f64 - 1.0);
        let low = v as usize;
        (low, (low + 1).min(length - 1), v - low as f64)
    };
    let columns: Vec<_> = (0..fine).map(|x| place(x, width)).collect();
    let rows: Vec<_> = (0..fine_rows).map(|y| place(y, height)).collect();
    let fine_label = |x: usize, y: usize| {
        let ((left, right, u), (top, bottom, v)) = (columns[x], rows[y]);
        let corners = [
            (labels[top * width + left], (1.0 - u) * (1.0 - v)),
            (labels[top * width + right], u * (1.0 - v)),
            (labels[bottom * width + left], (1.0 - u) * v),
            (labels[bottom * width + right], u * v),
        ];
        let same = |label: u16| {
            corners
                .iter()
                .filter(move |c| c.0 == label)
                .map(|c| c.1)
                .sum::<f64>()
        };
        let first = corners[0].0;
        if corners.iter().all(|corner| corner.0 == first) {
            return first;
        }
        let all = corners.iter().map(|&(label, _)| (label, same(label)));
        all.max_by(|a, b| a.1.total_cmp(&b.1))
            .map_or(first, |best| best.0)
    };
    let smooth: Vec<u16> = (0..fine * fine_rows)
        .map(|k| fine_label(k % fine, k / fine))
        .collect();
    let at = |x: usize, y: usize| smooth[y * fine + x];
    let mut rgba = Vec::with_capacity(4 * fine * fine_rows);
    for y in 0..fine_rows {
        for x in 0..fine {
            let here = at(x, y);
            // A line as thick as a pixel of the picture on either side; around what is pointed out, a dark one.
            let beside = [
                at(x.saturating_sub(1), y),
                at((x + 1).min(fine - 1), y),
                at(x, y.saturating_sub(1)),
                at(x, (y + 1).min(fine_rows - 1)),
            ];
            let edge = beside.iter().any(|&other| other != here);
            let pointed = |region: u16| manner.pointed == Some(usize::from(region));
            let around = pointed(here) || beside.iter().any(|&other| pointed(other));
            let pixel = match (edge, manner.pointed.is_some(), around) {
                (true, _, true) if pointed(here) => EDGE,
                (true, _, true) => OUTLINE,
                (true, false, _) => EDGE,
                _ => fill[usize::from(here)],
            };
            rgba.extend(pixel);
        }
    }
    (rgba, fine)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn halves() -> Partition {
        Partition::of_labels((0..64).map(|k| u32::from(k % 8 > 3)), 8)
    }

    fn drawn(pointed: Option<usize>) -> (Vec<u8>, usize) {
        let manner = Manner {
            palette: Palette::Violet,
            full_scale: 2.0,
            pointed,
        };
        patches(&halves(), &[2.0, -1.0], manner)
    }

    fn pixel(rgba: &[u8], side: usize, x: usize, y: usize) -> [u8; 4] {
        rgba[4 * (y * side + x)..][..4].try_into().expect("four")
    }

    #[test]
    fn what_comes_to_more_is_stronger_and_against_has_the_other_colour() {
        let (rgba, side) = drawn(None);
        assert_eq!(side, 32);
        let [left, right] = [pixel(&rgba, side, 2, 9), pixel(&rgba, side, 29, 9)];
        assert_eq!(left[..3], Palette::Violet.colour(1.0));
        assert_eq!(right[..3], Palette::Violet.colour(-1.0));
        assert!(left[3] > right[3] && right[3] > 60);
        assert_eq!(pixel(&rgba, side, 15, 9), EDGE);
        assert_eq!(pixel(&rgba, side, 16, 9), EDGE);
    }

    #[test]
    fn the_others_step_back_behind_what_is_pointed_out() {
        let (rgba, side) = drawn(Some(1));
        assert_eq!(pixel(&rgba, side, 2, 9), VEIL);
        assert_eq!(pixel(&rgba, side, 29, 9)[..3], Palette::Violet.colour(-1.0));
        assert_eq!(
            [pixel(&rgba, side, 15, 9), pixel(&rgba, side, 16, 9)],
            [OUTLINE, EDGE]
        );
    }

    #[test]
    fn regions_that_come_to_nothing_are_nothing_but_lines() {
        let manner = Manner {
            palette: Palette::Violet,
            full_scale: 0.0,
            pointed: None,
        };
        let (rgba, side) = patches(&halves(), &[0.0, 0.0], manner);
        assert_eq!(pixel(&rgba, side, 2, 2)[3], 0);
    }
}
