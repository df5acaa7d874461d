//! Can I trust it? What pixels taken away and brought back, a network that forgets and an edge detector say.

use super::part::{Panel, Part, Picture, part, plate};
use super::plot::{Axis, Line, Plot};
use crate::attribution::{Perturbation, area_under};
use crate::model::Randomised;
use crate::words::{Phrase, decimal, phrase};

/// Shares of the pixels that are exchanged: this many steps from none to all.
pub const STEPS: usize = 20;
/// Below this, a mask is not like another one.
const ALIKE: f64 = 0.5;

/// F after each exchange, in the mask's order and in a random one; NaN, while it is not known.
#[derive(Debug, Clone, PartialEq)]
pub struct Trial {
    perturbation: Perturbation,
    curves: [[f64; STEPS + 1]; 2],
}

impl Trial {
    /// Nothing is exchanged yet.
    pub fn new(perturbation: Perturbation) -> Self {
        Self {
            perturbation,
            curves: [[f64::NAN; STEPS + 1]; 2],
        }
    }

    /// How many of so many pixels are exchanged at each step.
    pub fn counts(pixels: usize) -> Vec<usize> {
        (0..=STEPS).map(|k| k * pixels / STEPS).collect()
    }

    /// F at a step, by the mask (0) or at random (1).
    pub fn set(&mut self, which: usize, step: usize, output: f32) {
        self.curves[which][step] = f64::from(output);
    }

    /// How far it has come: what is being done, how many steps are, of how many.
    pub fn progress(&self) -> (Phrase, usize, usize) {
        let what = match self.perturbation {
            Perturbation::Deletion => phrase!("Taking pixels away"),
            Perturbation::Insertion => phrase!("Bringing pixels back"),
        };
        let known = self.curves.as_flattened().iter();
        let done = known.filter(|output| !output.is_nan()).count();
        (what, done, 2 * (STEPS + 1))
    }

    fn name(&self) -> &'static str {
        match self.perturbation {
            Perturbation::Deletion => "deletion",
            Perturbation::Insertion => "insertion",
        }
    }

    /// The curves as far as they are known, and in the end what they say.
    pub fn panel(&self) -> Panel {
        let (_, done, all) = self.progress();
        let mut panel = Panel::new();
        let plot = format!("{}-plot", self.name());
        match done {
            0 => panel.holds(plot, []),
            _ => panel.plot(plot, self.plot()),
        };
        let note = match done == all {
            true => self.verdict(),
            false => Phrase::nothing(),
        };
        panel.says(format!("{}-note", self.name()), note);
        panel
    }

    fn plot(&self) -> Plot {
        let points = self.curves.each_ref().map(|curve| {
            let known = curve.iter().enumerate().filter(|(_, v)| !v.is_nan());
            let point = |(k, &v): (usize, &f64)| [100.0 * k as f64 / STEPS as f64, v];
            known.map(point).collect::<Vec<_>>()
        });
        let all = points.iter().flatten().map(|point| point[1]);
        let y = Axis::around(all, Phrase::of("F"));
        let names = [phrase!("by the mask"), phrase!("at random")];
        let lines = points.into_iter().zip(["main", "other"]).zip(names);
        let lines = lines.map(|((points, style), name)| Line {
            points,
            style,
            area: style == "main",
            dots: false,
            name: Some(name),
        });
        let (title, summary) = match self.perturbation {
            Perturbation::Deletion => (
                phrase!("pixels taken away, %"),
                phrase!("The output while pixels are taken away"),
            ),
            Perturbation::Insertion => (
                phrase!("pixels brought back, %"),
                phrase!("The output while pixels are brought back"),
            ),
        };
        Plot {
            lines: lines.collect(),
            logarithmic: false,
            x: Axis::percent(title),
            y,
            here: None,
            summary,
        }
    }

    /// What the two areas say.
    fn verdict(&self) -> Phrase {
        let [mask, random] = self.curves.each_ref().map(|curve| area_under(curve));
        let (mask_area, random_area) = (decimal(mask, 2), decimal(random, 2));
        match self.perturbation {
            Perturbation::Deletion if mask < random => phrase!(
                "Passed: without the mask's pixels the output falls faster than at random (mean {mask} against {random}).",
                mask = mask_area,
                random = random_area
            ),
            Perturbation::Deletion => phrase!(
                "Not passed: taking pixels at random hurts as much (mean {mask} against {random}).",
                mask = mask_area,
                random = random_area
            ),
            Perturbation::Insertion if mask > random => phrase!(
                "Passed: with the mask's pixels the output rises sooner than at random (mean {mask} against {random}).",
                mask = mask_area,
                random = random_area
            ),
            Perturbation::Insertion => phrase!(
                "Not passed: pixels at random bring as much back (mean {mask} against {random}).",
                mask = mask_area,
                random = random_area
            ),
        }
    }
}

/// Nothing has been tested yet.
pub fn cleared() -> Panel {
    let mut panel = Panel::new();
    panel
        .holds("oblivion", [])
        .says("oblivion-note", Phrase::nothing());
    for perturbation in [Perturbation::Deletion, Perturbation::Insertion] {
        panel.append(Trial::new(perturbation).panel());
    }
    panel
}

/// What a network has forgotten.
pub fn forgot(extent: Randomised) -> Phrase {
    match extent {
        Randomised::LastLayer => phrase!("The last layer forgot"),
        Randomised::LastQuarter => phrase!("The last quarter forgot"),
        Randomised::Everything => phrase!("All of it forgot"),
    }
}

/// A map of the row, with its likeness to the mask.
pub fn thumbnail(map: Vec<f32>, width: usize, title: Phrase, likeness: Option<f64>) -> Part {
    let picture = Picture::Map {
        photo: None,
        map,
        width,
    };
    let likeness = likeness.map(|value| {
        let words = phrase!("likeness {value}", value = decimal(value, 2));
        part("span").says(words)
    });
    part("li")
        .with([plate(picture), part("strong").says(title)])
        .with(likeness)
}

/// What the likenesses to a network without memory and to an edge detector say.
pub fn oblivion_verdict(forgot: f64, edges: f64) -> Phrase {
    let (network, detector) = (decimal(forgot, 2), decimal(edges, 2));
    if forgot < ALIKE && edges < ALIKE {
        phrase!(
            "Passed: the mask depends on what was learnt (likeness to the forgetful network {network}, to the edges {edges}; 1 would be the same order of pixels, 0 none in common).",
            network = network,
            edges = detector,
        )
    } else {
        phrase!(
            "Careful: part of this mask is the photo itself, whatever the network learnt (likeness to the forgetful network {network}, to the edges {edges}; 1 would be the same order of pixels, 0 none in common).",
            network = network,
            edges = detector,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::super::part::tests::english;
    use super::*;

    /// One in which the output goes by the mask as `mask` says, and evenly at random.
    fn trial(perturbation: Perturbation, mask: fn(f32) -> f32) -> Trial {
        let mut trial = Trial::new(perturbation);
        for step in 0..=STEPS {
            let share = step as f32 / STEPS as f32;
            let even = match perturbation {
                Perturbation::Deletion => 1.0 - share,
                Perturbation::Insertion => share,
            };
            trial.set(0, step, mask(share));
            trial.set(1, step, even);
        }
        trial
    }

    #[test]
    fn a_mask_passes_whose_pixels_matter_more_than_any() {
        let said = |trial: &Trial| english(&trial.verdict());
        let falls = trial(Perturbation::Deletion, |share| (1.0 - share).powi(4));
        assert!(said(&falls).starts_with("Passed"), "{}", said(&falls));
        let stays = trial(Perturbation::Deletion, |share| 1.0 - share.powi(4));
        assert!(said(&stays).starts_with("Not passed"));
        let rises = trial(Perturbation::Insertion, |share| share.sqrt());
        assert!(said(&rises).starts_with("Passed"));
        let late = trial(Perturbation::Insertion, |share| share.powi(4));
        assert!(said(&late).starts_with("Not passed"));
    }

    #[test]
    fn curves_are_drawn_as_they_come_and_judged_at_the_end() {
        let mut trial = Trial::new(Perturbation::Deletion);
        assert_eq!(trial.panel().held("deletion-plot"), Some(Vec::new()));
        trial.set(0, 0, 2.0);
        trial.set(0, 1, 1.0);
        let (_, done, all) = trial.progress();
        assert_eq!((done, all), (2, 42));
        let plot = trial.plot();
        assert_eq!(plot.lines[0].points, [[0.0, 2.0], [5.0, 1.0]]);
        assert!(plot.lines[1].points.is_empty());
        assert_eq!(trial.panel().said("deletion-note").as_deref(), Some(""));
        let cleared = cleared();
        assert_eq!(cleared.said("insertion-note").as_deref(), Some(""));
        assert_eq!(Trial::counts(40)[..3], [0, 2, 4]);
    }

    #[test]
    fn a_mask_that_is_like_the_photo_itself_is_told() {
        let said = |forgot, edges| english(&oblivion_verdict(forgot, edges));
        assert!(said(0.1, 0.3).starts_with("Passed"));
        assert!(said(0.6, 0.3).starts_with("Careful"));
        assert!(said(0.1, 0.5).starts_with("Careful"));
        let row = thumbnail(vec![0.0; 4], 2, phrase!("The mask"), None);
        assert_eq!((row.text().as_str(), row.parts.len()), ("The mask", 2));
        let row = thumbnail(vec![0.0; 4], 2, forgot(Randomised::ALL[0]), Some(0.456));
        assert_eq!(row.text(), "The last layer forgot likeness 0.46");
    }
}
