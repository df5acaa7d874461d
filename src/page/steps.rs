//! How many steps? What fewer would have missed, and what 5, 50 and 500 make of the same picture.

use super::part::{Panel, Part, Picture, part, plate};
use super::plot::{Axis, Line, Plot};
use crate::attribution::{PathSample, convergence, rank_correlation};
use crate::words::{Phrase, decimal, percent, phrase};

/// Numbers of steps that are compared, each a multiple of the one before.
pub const COMPARED: [usize; 3] = [5, 50, 500];
/// Fewer points are no curve.
const FEWEST: usize = 3;

/// What fewer steps would have missed, from the slopes at evenly spaced points; of other points, nothing can be told.
pub fn missed(samples: &[PathSample]) -> Panel {
    let deltas = convergence(samples);
    let mut panel = Panel::new();
    panel.show("steps-plot", deltas.len() >= FEWEST);
    let (Some(&(_, first)), Some(&(most, last))) = (deltas.first(), deltas.last()) else {
        let why = if samples.is_empty() {
            phrase!(
                "This mask is made of mean gradients between its points: nothing of the sum is missed, whatever their number. Gradients at points miss something."
            )
        } else {
            phrase!(
                "Nothing can be told of fewer steps here: F does not change, or the points are not evenly spaced."
            )
        };
        panel.says("steps-note", why);
        return panel;
    };
    let points = deltas.iter();
    let points = points.map(|&(steps, delta)| [steps as f64, 100.0 * delta]);
    let points: Vec<[f64; 2]> = points.collect();
    let plot = Plot {
        logarithmic: true,
        x: Axis {
            from: 1.0,
            to: most as f64,
            ticks: points.iter().map(|point| point[0]).collect(),
            decimals: 0,
            title: phrase!("steps"),
        },
        y: Axis::around(points.iter().map(|point| point[1]), phrase!("missed, %")),
        lines: vec![Line::dotted(points)],
        here: None,
        summary: phrase!("Delta for each number of steps"),
    };
    let note = phrase!(
        "One step would be {first}% off, {most} steps are {last}% off. “Auto” takes the mean gradient between its points, so that nothing of the sum is missed.",
        first = percent(first, 0),
        most = most,
        last = percent(last, 1),
    );
    panel.plot("steps-plot", plot).says("steps-note", note);
    panel
}

/// No masks are side by side.
pub fn cleared() -> Panel {
    let mut panel = Panel::new();
    panel
        .holds("steps-list", [])
        .says("steps-compared", Phrase::nothing());
    panel
}

/// A card: the mask over the photo, and what its sum missed.
pub fn card(n_steps: usize, missed: Option<f64>, picture: Picture) -> Part {
    let title = part("strong").says(phrase!("{n} steps", n = n_steps));
    let missed = missed.map(|missed| {
        let words = phrase!("{missed}% off", missed = percent(missed, 1));
        part("span").says(words)
    });
    part("li").with([plate(picture), title]).with(missed)
}

/// How far the masks of [`COMPARED`] agree, once all are there.
pub fn compared(maps: &[Vec<f32>]) -> Panel {
    let mut panel = Panel::new();
    if let [five, fifty, all] = maps {
        let note = phrase!(
            "The order of the pixels agrees with that of 500 steps to {five} after 5 steps and to {fifty} after 50 (rank correlation: 1 is the same order). Take the smallest number after which neither picture nor sum changes.",
            five = decimal(rank_correlation(five, all), 2),
            fifty = decimal(rank_correlation(fifty, all), 2),
        );
        panel.says("steps-compared", note);
    }
    panel
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples(slope: fn(f64) -> f32, points: usize) -> Vec<PathSample> {
        let alpha = |k: usize| k as f64 / (points - 1) as f64;
        let sample = |alpha: f64| PathSample {
            alpha,
            output: (alpha * alpha * alpha) as f32,
            slope: slope(alpha),
        };
        (0..points).map(|k| sample(alpha(k))).collect()
    }

    #[test]
    fn fewer_steps_miss_more_and_that_is_drawn() {
        // F = α³: one trapezoid of its slope is half again too large.
        let panel = missed(&samples(|alpha| (3.0 * alpha * alpha) as f32, 9));
        assert_eq!(panel.shows("steps-plot"), Some(true));
        let note = panel.said("steps-note").unwrap();
        assert!(
            note.starts_with("One step would be 50% off, 8 steps are 0.8% off"),
            "{note}"
        );
    }

    #[test]
    fn where_nothing_can_be_told_is_said_why() {
        let none = missed(&[]);
        assert_eq!(none.shows("steps-plot"), Some(false));
        assert!(none.said("steps-note").unwrap().contains("mean gradients"));
        let mut uneven = samples(|alpha| alpha as f32, 9);
        uneven[3].alpha += 0.05;
        let note = missed(&uneven).said("steps-note").unwrap();
        assert!(note.contains("not evenly spaced"), "{note}");
    }

    #[test]
    fn three_masks_are_compared_by_the_order_of_their_pixels() {
        let maps = [
            vec![3.0, 1.0, 2.0],
            vec![1.0, 2.0, 3.0],
            vec![1.0, 2.0, 3.0],
        ];
        assert_eq!(compared(&maps[..2]).said("steps-compared"), None);
        let note = compared(&maps).said("steps-compared").unwrap();
        assert!(
            note.contains("to -0.50 after 5") && note.contains("to 1.00 after 50"),
            "{note}"
        );
        let picture = Picture::Plain {
            rgba: vec![0; 4],
            width: 1,
        };
        assert_eq!(card(50, Some(0.381), picture).text(), "50 steps 38.1% off");
    }
}
