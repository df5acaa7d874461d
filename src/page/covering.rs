//! What lies over the part of a photo that someone covers.

use crate::attribution::Baseline;
use crate::preprocessing::Preprocessing;
use crate::random;

/// What covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Covering {
    /// The baseline's pixels.
    #[default]
    Baseline,
    /// The photo, blurred.
    Blur,
    /// Every value by itself, evenly.
    Noise,
}

/// How far a blur reaches, as a share of the side: three means over twice that many pixels are near
/// a Gaussian of a standard deviation of a tenth of the side.
const REACH: f64 = 0.1;

impl Covering {
    /// By the name of its choice in index.html.
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "baseline" => Some(Self::Baseline),
            "blur" => Some(Self::Blur),
            "noise" => Some(Self::Noise),
            _ => None,
        }
    }

    /// The picture that shows wherever the photo is covered; all flat \[3, side, side\],
    /// normalised.
    pub fn picture(
        self,
        input: &[f32],
        baseline: &[f32],
        preprocessing: &Preprocessing,
    ) -> Vec<f32> {
        match self {
            Self::Baseline => baseline.to_vec(),
            Self::Blur => {
                let planes = input.chunks(input.len() / 3);
                planes.flat_map(blurred).collect()
            }
            Self::Noise => noise_picture(0, preprocessing),
        }
    }
}

/// The photo where nothing is painted, and the other picture where something is.
pub fn covered_by(input: &[f32], other: &[f32], cells: &[bool]) -> Vec<f32> {
    let pixels = cells.iter().cycle().zip(input.iter().zip(other));
    pixels
        .map(|(&painted, (&value, &other))| if painted { other } else { value })
        .collect()
}

/// A picture of noise: every value by itself, evenly over 0..=255, the same for the same seed; flat
/// \[3, H, W\], normalised.
pub fn noise_picture(seed: u64, preprocessing: &Preprocessing) -> Vec<f32> {
    let area = preprocessing.input_len() / 3;
    let value = |place: usize| noise((seed << 40) + place as u64);
    let pixels = (0..area).map(|k| std::array::from_fn(|c| value(3 * k + c)));
    preprocessing.planes(pixels)
}

/// A picture of one colour, RGB, each 0..=255; flat \[3, H, W\], normalised.
pub fn plain_picture(rgb: [u8; 3], preprocessing: &Preprocessing) -> Vec<f32> {
    let area = preprocessing.input_len() / 3;
    preprocessing.planes(std::iter::repeat_n(rgb.map(f32::from), area))
}

/// The first two plain baselines besides the one that is there: black, white or grey.
pub fn other_baselines(there: Baseline) -> [Baseline; 2] {
    match there {
        Baseline::Black => [Baseline::White, Baseline::Grey],
        Baseline::White => [Baseline::Black, Baseline::Grey],
        _ => [Baseline::Black, Baseline::White],
    }
}

/// A value of 0..=255 for a place.
fn noise(place: u64) -> f32 {
    (random::mixed(place + 1) >> 56) as f32
}

/// A plane whose neighbours were averaged three times, along rows and along columns.
fn blurred(plane: &[f32]) -> Vec<f32> {
    let side = plane.len().isqrt();
    let reach = ((REACH * side as f64) as usize).max(1);
    let mut values = plane.to_vec();
    for _ in 0..3 {
        for [run, step] in [[side, 1], [1, side]] {
            for line in 0..side {
                let at = |k: usize| line * run + k * step;
                // Sums up to each place, so that a mean costs two of them.
                let mut sums = vec![0.0f64; side + 1];
                for k in 0..side {
                    sums[k + 1] = sums[k] + f64::from(values[at(k)]);
                }
                for k in 0..side {
                    let (from, to) = (k.saturating_sub(reach), (k + reach + 1).min(side));
                    values[at(k)] = ((sums[to] - sums[from]) / (to - from) as f64) as f32;
                }
            }
        }
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Architecture;

    fn mean(values: &[f32]) -> f32 {
        values.iter().sum::<f32>() / values.len() as f32
    }

    #[test]
    fn only_what_is_painted_is_covered_in_all_channels() {
        let (input, other) = ([1.0; 12], [9.0; 12]);
        let covered = covered_by(&input, &other, &[false, true, false, true]);
        assert_eq!(covered, [1.0, 9.0, 1.0, 9.0].repeat(3));
    }

    #[test]
    fn a_blur_keeps_the_mean_and_loses_the_detail_and_noise_is_noise() {
        let preprocessing = Architecture::ShapesNet.preprocessing();
        let input: Vec<f32> = (0..3 * 40 * 40).map(|k| noise(k) / 127.5 - 1.0).collect();
        let baseline = vec![-1.0; input.len()];
        let of = |covering: Covering| covering.picture(&input, &baseline, &preprocessing);
        assert_eq!(of(Covering::Baseline), baseline);
        let spread = |values: &[f32]| {
            let mean = mean(values);
            mean_of(values.iter().map(|v| (v - mean) * (v - mean))).sqrt()
        };
        let blur = of(Covering::Blur);
        assert!((mean(&blur) - mean(&input)).abs() < 0.05 && spread(&blur) < 0.2 * spread(&input));
        let noise = of(Covering::Noise);
        // Evenly over −1..=1: a standard deviation of 1/√3.
        assert!(mean(&noise).abs() < 0.05 && (spread(&noise) - 0.577).abs() < 0.02);
        assert_eq!(noise, of(Covering::Noise), "the same every time");
        for name in ["baseline", "blur", "noise"] {
            assert!(Covering::from_name(name).is_some());
        }
    }

    #[test]
    fn the_other_baselines_are_two_more_and_a_plain_picture_is_plain() {
        for there in [Baseline::ALL.as_slice(), &[Baseline::Colour([1, 2, 3])]].concat() {
            let [first, second] = other_baselines(there);
            assert!(
                first != there && second != there && first != second,
                "{there}"
            );
            assert!(first.colour().is_some() && second.colour().is_some());
        }
        let preprocessing = Architecture::ShapesNet.preprocessing();
        let area = preprocessing.input_len() / 3;
        let picture = plain_picture([0, 255, 128], &preprocessing);
        let expected = preprocessing.normalise([0.0, 255.0, 128.0]);
        for (k, value) in picture.iter().enumerate() {
            assert_eq!(*value, expected[k / area]);
        }
    }

    fn mean_of(values: impl Iterator<Item = f32>) -> f32 {
        let all: Vec<f32> = values.collect();
        mean(&all)
    }
}
