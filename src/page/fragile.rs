//! What a fragile answer is: which output leads, by how much, and whether it still does.

use crate::attribution::PixelRange;
use crate::model::{Target, top_predictions};
use crate::preprocessing::Preprocessing;

/// A network's answer to a photo.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answer {
    /// The output that leads.
    pub output: usize,
    /// The one after it; nothing, where each output is a probability by itself.
    pub rival: Option<usize>,
}

impl Answer {
    /// The first of outputs that exclude each other; of others, the one that is explained.
    pub fn of(logits: &[f32], independent: bool, explained: usize) -> Self {
        if independent || logits.len() < 2 {
            return Self {
                output: explained,
                rival: None,
            };
        }
        let mut first = top_predictions(logits, 2).into_iter().map(|p| p.target);
        Self {
            output: first.next().unwrap_or(explained),
            rival: first.next(),
        }
    }

    /// Its lead, as an output to take gradients of: over the rival, or over 50 %, where a logit is
    /// 0.
    pub fn lead(&self) -> Target {
        Target {
            minus: self.rival,
            ..Target::output(self.output)
        }
    }

    /// Whether it is the answer there: still the largest output, or above 50 %.
    pub fn holds(&self, logits: &[f32]) -> bool {
        let own = logits.get(self.output).copied().unwrap_or(f32::NAN);
        match self.rival {
            None => own > 0.0,
            Some(_) => logits.iter().all(|&other| other <= own),
        }
    }
}

/// Black and white, as a network has them.
pub fn pixel_range(preprocessing: &Preprocessing) -> PixelRange {
    let [black, white] = [0.0, 255.0].map(|v| preprocessing.normalise([v; 3]));
    PixelRange { black, white }
}

/// The quarter of a square or oblong map, cut by its middle, that holds the least of it: which
/// pixels are in it, and which it is, from the upper left row by row.
pub fn weakest_quarter(map: &[f32], width: usize) -> (Vec<bool>, usize) {
    let height = map.len() / width.max(1);
    let quarter = |k: usize| {
        usize::from(2 * (k % width) >= width) + 2 * usize::from(2 * (k / width) >= height)
    };
    let mut sums = [0.0f64; 4];
    for (k, &value) in map.iter().enumerate() {
        sums[quarter(k)] += f64::from(value);
    }
    let weakest = (0..4).min_by(|&a, &b| sums[a].total_cmp(&sums[b]));
    let weakest = weakest.unwrap_or_default();
    let inside = (0..map.len()).map(|k| quarter(k) == weakest);
    (inside.collect(), weakest)
}

/// How far the largest change of a step is from grey, as it is shown, in levels.
const LOUD: f64 = 96.0;

/// What a step adds to an input, enlarged until it can be seen, on grey: RGBA, and how many times it
/// is enlarged. Inputs are flat \[3, H, W\], normalised.
pub fn step_picture(range: &PixelRange, from: &[f32], to: &[f32]) -> (Vec<u8>, f64) {
    let largest = range.distance(from, to);
    let times = if largest > 0.0 {
        (LOUD / largest).round().max(1.0)
    } else {
        1.0
    };
    let (area, level) = (from.len() / 3, range.level());
    let byte = |k: usize, c: usize| {
        let at = c * area + k;
        let levels = f64::from((to[at] - from[at]) / level[c]);
        (128.0 + times * levels).clamp(0.0, 255.0) as u8
    };
    let pixels = (0..area).flat_map(|k| [byte(k, 0), byte(k, 1), byte(k, 2), 255]);
    (pixels.collect(), times)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_turned_by_whoever_overtakes_it() {
        let answer = Answer::of(&[1.0, 4.0, 3.0], false, 0);
        assert_eq!((answer.output, answer.rival), (1, Some(2)));
        assert_eq!(answer.lead().of(&[1.0, 4.0, 3.0], false), 1.0);
        assert!(answer.holds(&[1.0, 4.0, 3.9]));
        // By a third one too.
        assert!(!answer.holds(&[4.5, 4.0, 3.9]));
        assert!(!answer.holds(&[f32::NAN; 3]));
    }

    #[test]
    fn an_output_by_itself_is_turned_at_one_half() {
        for (logits, independent) in [(vec![0.7], false), (vec![9.0, 0.7], true)] {
            let answer = Answer::of(&logits, independent, logits.len() - 1);
            assert_eq!((answer.output, answer.rival), (logits.len() - 1, None));
            assert!(answer.holds(&logits));
            let lower: Vec<f32> = logits.iter().map(|v| v - 0.8).collect();
            assert!(!answer.holds(&lower));
        }
    }

    #[test]
    fn the_weakest_quarter_is_found_in_any_corner_and_any_shape() {
        for (width, height) in [(8, 8), (7, 5), (6, 4)] {
            for corner in 0..4 {
                let at = |k: usize| (2 * (k % width) >= width, 2 * (k / width) >= height);
                let weak = (corner % 2 == 1, corner >= 2);
                let value = |k: usize| if at(k) == weak { 0.01 } else { 1.0 };
                let map: Vec<f32> = (0..width * height).map(value).collect();
                let (inside, found) = weakest_quarter(&map, width);
                assert_eq!(found, corner);
                assert!((0..map.len()).all(|k| inside[k] == (at(k) == weak)));
            }
        }
    }
    #[test]
    fn a_step_is_shown_on_grey_as_loud_as_it_takes() {
        let range = PixelRange {
            black: [-1.0; 3],
            white: [1.0; 3],
        };
        let level = 2.0 / 255.0;
        let from = [0.0f32; 6];
        let to = [level, 0.0, -2.0 * level, 0.0, 0.0, 0.5 * level];
        let (rgba, times) = step_picture(&range, &from, &to);
        assert_eq!(times, 48.0);
        for (byte, expected) in rgba.iter().zip([176, 32, 128, 255, 128, 128, 152, 255]) {
            assert!(byte.abs_diff(expected) <= 1, "{rgba:?}");
        }
        // Nothing is nothing, however loud.
        let (rgba, _) = step_picture(&range, &from, &from);
        assert_eq!(rgba, [128, 128, 128, 255].repeat(2));
    }
}
