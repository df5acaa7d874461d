//! How well a map agrees with a truth that is known.

use serde::{Deserialize, Serialize};

/// How much of a map lies where it should.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Scores {
    /// Share of the map's total that lies inside, 0..=1.
    pub mass_inside: f64,
    /// Whether the largest value lies inside: the pointing game (Zhang et al. 2016, arXiv
    /// 1608.00507).
    pub hit: bool,
    /// Intersection over union of the inside with as many of the largest values, 0..=1.
    pub overlap: f64,
    /// Share of the pixels that are inside: what chance would give for the first two.
    pub area: f64,
}

impl Scores {
    /// Of a map of values ≥ 0, and whether each of its pixels is inside.
    ///
    /// Where nothing is inside, or the map is zero, every score is 0.
    ///
    /// # Example
    ///
    /// ```
    /// use violet::attribution::Scores;
    ///
    /// let scores = Scores::of(&[1.0, 3.0, 4.0, 2.0], &[false, true, true, false]);
    /// assert_eq!((scores.mass_inside, scores.hit, scores.overlap), (0.7, true, 1.0));
    /// ```
    pub fn of(map: &[f32], inside: &[bool]) -> Self {
        let count = inside.iter().filter(|&&inside| inside).count();
        let total: f64 = map.iter().map(|&v| f64::from(v)).sum();
        let mut order: Vec<usize> = (0..map.len().min(inside.len())).collect();
        order.sort_by(|&a, &b| map[b].total_cmp(&map[a]));
        let area = count as f64 / inside.len().max(1) as f64;
        if count == 0 || total <= 0.0 {
            return Self {
                mass_inside: 0.0,
                hit: false,
                overlap: 0.0,
                area,
            };
        }
        let within = order.iter().filter(|&&k| inside[k]);
        let mass: f64 = within.map(|&k| f64::from(map[k])).sum();
        let common = order[..count].iter().filter(|&&k| inside[k]).count();
        Self {
            mass_inside: mass / total,
            hit: inside[order[0]],
            overlap: common as f64 / (2 * count - common) as f64,
            area,
        }
    }
}

/// How alike two maps order their pixels: Spearman's rank correlation, −1..=1; ties share their mean
/// rank. 0 where a map is the same everywhere.
///
/// # Source
///
/// Adebayo et al. 2018 (arXiv 1810.03292) compare maps this way.
///
/// # Example
///
/// ```
/// use violet::attribution::rank_correlation;
///
/// let map = [1.0, 2.0, 5.0, 3.0];
/// assert_eq!(rank_correlation(&map, &map.map(|v| v * v)), 1.0);
/// assert_eq!(rank_correlation(&map, &map.map(|v| -v)), -1.0);
/// assert_eq!(rank_correlation(&map, &[7.0; 4]), 0.0);
/// ```
pub fn rank_correlation(a: &[f32], b: &[f32]) -> f64 {
    let (a, b) = (ranks(a), ranks(b));
    let mean = (a.len() as f64 - 1.0) / 2.0;
    let product = |a: &[f64], b: &[f64]| -> f64 {
        let pairs = a.iter().zip(b);
        pairs.map(|(a, b)| (a - mean) * (b - mean)).sum()
    };
    let scale = (product(&a, &a) * product(&b, &b)).sqrt();
    if scale > 0.0 {
        product(&a, &b) / scale
    } else {
        0.0
    }
}

/// Each value's place among all, from 0.
fn ranks(values: &[f32]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
    let mut ranks = vec![0.0; values.len()];
    let mut first = 0;
    for run in order.chunk_by(|&a, &b| values[a] == values[b]) {
        let mean = first as f64 + (run.len() as f64 - 1.0) / 2.0;
        run.iter().for_each(|&k| ranks[k] = mean);
        first += run.len();
    }
    ranks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_map_that_says_nothing_scores_its_area() {
        let inside: Vec<bool> = (0..100).map(|k| k % 4 == 0).collect();
        let scores = Scores::of(&[1.0; 100], &inside);
        assert!((scores.mass_inside - scores.area).abs() < 1e-12);
    }

    #[test]
    fn nothing_inside_or_no_mass_is_zero_and_not_nan() {
        for (map, inside) in [([1.0; 4], [false; 4]), ([0.0; 4], [true; 4])] {
            let scores = Scores::of(&map, &inside);
            assert_eq!((scores.mass_inside, scores.overlap), (0.0, 0.0));
        }
    }

    #[test]
    fn half_of_the_largest_inside_is_an_overlap_of_a_third() {
        let scores = Scores::of(&[4.0, 3.0, 2.0, 1.0], &[true, false, true, false]);
        assert!((scores.overlap - 1.0 / 3.0).abs() < 1e-12 && scores.hit);
    }
}
