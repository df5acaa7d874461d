//! Where should the path start? Every baseline on one picture, side by side.

use super::part::{Part, Picture, button, part, plate};
use super::titles::baseline_name;
use crate::attribution::{Baseline, unmoved};
use crate::preprocessing::Preprocessing;
use crate::words::{Phrase, percent, phrase};

/// Pixels no farther than this from the baseline, in every channel of 0..=255, count as unmoved.
const NEAR: f32 = 16.0;
/// A smaller share of the pixels is printed as none.
const LEAST: f64 = 0.0005;

/// A card: the baseline, the mask over the photo, and a way to choose it.
pub fn card(
    baseline: Baseline,
    chosen: bool,
    pixels: [Vec<u8>; 2],
    map: &[f32],
    width: usize,
) -> Part {
    let [start, photo] = pixels;
    let mask = Picture::Map {
        photo: Some(photo),
        map: map.to_vec(),
        width,
    };
    let start = Picture::Plain { rgba: start, width };
    let pair = part("div").class("pair").with([plate(start), plate(mask)]);
    let title = part("strong").says(baseline_name(baseline));
    let choice = button().set("data-baseline", baseline).pressed(chosen);
    part("li").with([choice.with([pair, title])])
}

/// The pixels that a black baseline cannot see, and their share of its mask.
#[derive(Debug, Clone, PartialEq)]
pub struct Unseen {
    near: Vec<bool>,
    mass: f64,
}

impl Unseen {
    /// Of a path from black, flat \[3, H, W\], and its map.
    pub fn of(input: &[f32], black: &[f32], map: &[f32], preprocessing: &Preprocessing) -> Self {
        let near = unmoved(input, black, preprocessing.std.map(|std| NEAR / std.abs()));
        let mass = share(&near, map.iter().copied());
        Self { near, mass }
    }

    /// What a black baseline cannot see, and what another one makes of it.
    pub fn beside(&self, grey: &[f32]) -> Phrase {
        let area = share(&self.near, self.near.iter().map(|_| 1.0));
        if area < LEAST {
            return phrase!(
                "Nothing in this picture is as good as black, so a black baseline sees all of it. No baseline can see the pixels that it shares with the photo."
            );
        }
        phrase!(
            "{area}% of this picture is as good as black. From a black baseline these pixels hardly move, and get {black}% of the mask; from grey they get {grey}%. No baseline can see the pixels that it shares with the photo.",
            area = percent(area, 1),
            black = percent(self.mass, 1),
            grey = percent(share(&self.near, grey.iter().copied()), 1),
        )
    }
}

/// The share of some weights that lies on the pixels that are near.
fn share(near: &[bool], weights: impl Iterator<Item = f32>) -> f64 {
    let (mut inside, mut all) = (0.0, 0.0);
    for (weight, &near) in weights.zip(near) {
        all += f64::from(weight);
        if near {
            inside += f64::from(weight);
        }
    }
    if all > 0.0 { inside / all } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::super::part::tests::english;
    use super::*;
    use crate::model::Architecture;

    #[test]
    fn black_pixels_get_nothing_from_black_and_something_from_grey() {
        let preprocessing = Preprocessing {
            width: 2,
            height: 2,
            ..Architecture::ShapesNet.preprocessing()
        };
        let planes = |pixels: [[f32; 3]; 4]| preprocessing.planes(pixels.into_iter());
        let black = planes([[0.0; 3]; 4]);
        // One pixel is as good as black.
        let photo = planes([[5.0; 3], [90.0; 3], [200.0; 3], [255.0; 3]]);
        let unseen = Unseen::of(&photo, &black, &[0.0, 1.0, 1.0, 2.0], &preprocessing);
        assert_eq!(
            (unseen.near.as_slice(), unseen.mass),
            (&[true, false, false, false][..], 0.0)
        );
        let all_seen = Unseen {
            near: vec![false; 4],
            mass: 0.0,
        };
        let note = english(&all_seen.beside(&[1.0; 4]));
        assert!(note.starts_with("Nothing in this picture"), "{note}");
        let note = english(&unseen.beside(&[3.0, 1.0, 1.0, 1.0]));
        assert!(note.starts_with("25.0% of this picture"), "{note}");
        assert!(
            note.contains("get 0.0% of the mask; from grey they get 50.0%"),
            "{note}"
        );
        assert_eq!(
            share(&[true], std::iter::once(0.0)),
            0.0,
            "a mask of nothing"
        );
    }

    #[test]
    fn a_card_names_its_baseline_and_whether_it_is_chosen() {
        let pixels = || [vec![0; 4], vec![255; 4]];
        let noise = card(Baseline::Noise(7), true, pixels(), &[1.0], 1);
        let choice = noise.find("data-baseline").unwrap();
        let name = choice.attribute("data-baseline").unwrap();
        assert_eq!(Baseline::from_name(name), Some(Baseline::Noise(7)));
        assert_eq!(choice.attribute("aria-pressed"), Some("true"));
        assert_eq!(noise.text(), "noise");
    }
}
