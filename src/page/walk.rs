//! The idea, step by step: the explanation that is shown, taken apart along its path. Its stops, its numbers and its
//! mask are those of the stage.

use std::collections::BTreeSet;
use std::rc::Rc;

use super::explanation::Explanation;
use super::part::{Panel, Part, Picture, button, plate};
use super::plot::{Axis, Line, Plot};
use super::settings::Settings;
use super::steps;
use crate::attribution::{PathSample, Slopes, Trail, interpolate, output_at, rise};
use crate::mask::{Mask, Palette, lay_over, normalise, pale};
use crate::words::{Phrase, decimal, phrase};

/// Stops of the walk after its first: few enough to keep what leads to each.
pub const STOPS: usize = 24;
/// Frames of the filmstrip.
const FRAMES: usize = 6;

/// A walk, once it is taken.
#[derive(Debug)]
pub struct Walk {
    /// Every gradient of the explanation.
    pub trail: Trail,
    /// What it takes apart.
    pub explanation: Rc<Explanation>,
}

impl Walk {
    /// The stop that is nearest to a place on the path, or the middle one.
    pub fn nearest(&self, alpha: Option<f64>) -> usize {
        let away = |stop: &usize| (self.trail.alpha(*stop) - alpha.unwrap_or(0.5)).abs();
        let nearest = (0..=self.trail.last()).min_by(|a, b| away(a).total_cmp(&away(b)));
        match alpha {
            Some(_) => nearest.unwrap_or_default(),
            None => self.trail.last() / 2,
        }
    }

    fn frames(&self) -> BTreeSet<usize> {
        let last = self.trail.last();
        (0..FRAMES).map(|k| k * last / (FRAMES - 1)).collect()
    }

    fn picture(&self, rgba: Vec<u8>) -> Picture {
        Picture::Plain {
            rgba,
            width: self.explanation.width(),
        }
    }

    /// The image at a stop.
    fn image(&self, stop: usize) -> Picture {
        let prepared = &self.explanation.prepared;
        let alpha = self.trail.alpha(stop);
        let image = interpolate(&prepared.input, &prepared.baseline, alpha);
        self.picture(self.explanation.spec.preprocessing.rgba(&image))
    }

    /// F along the path, its ends included.
    fn along(&self) -> Vec<PathSample> {
        let [from, to] = self.explanation.ends;
        let end = |alpha: f64, output: f32| PathSample {
            alpha,
            output,
            slope: 0.0,
        };
        let inner = self.trail.samples();
        let inner = inner
            .into_iter()
            .filter(|s| s.alpha > 1e-9 && s.alpha < 1.0 - 1e-9);
        let along = [end(0.0, from)].into_iter().chain(inner);
        along.chain([end(1.0, to)]).collect()
    }

    /// What does not change with α.
    pub fn still(&self, settings: &Settings) -> Panel {
        let Explanation { prepared, spec, .. } = &*self.explanation;
        let frame = |stop: usize| -> Part {
            let alpha = decimal(self.trail.alpha(stop), 2);
            let frame = button().set("data-stop", stop).set("id", frame_id(stop));
            let words = phrase!("α = {alpha}", alpha = alpha);
            frame
                .spoken("aria-label", words)
                .with([plate(self.image(stop))])
        };
        // The mask of the stage, as it is: the same values, of the same kind, on the same scale.
        let values = &self.explanation.attributions.values;
        let map = settings.reduction.reduce(values);
        let mask = normalise(&map, f64::from(settings.clip) / 100.0);
        let mut photo = pale(&spec.preprocessing.rgba(&prepared.input));
        lay_over(&mut photo, &mask.to_rgba(settings.palette));
        let risen = match rise(&self.along()) {
            Some([from, to]) => phrase!(
                "F makes eight tenths of its way between α = {from} and α = {to}. Outside, the network is settled: F saturates, and the gradient says little. A probability saturates sooner than a logit.",
                from = decimal(from, 2),
                to = decimal(to, 2),
            ),
            None => Phrase::nothing(),
        };
        let tangents = self.explanation.quadrature.slopes == Slopes::Tangent;
        let samples = match tangents {
            true => self.explanation.samples.as_slice(),
            false => &[],
        };
        let baseline = self.picture(spec.preprocessing.rgba(&prepared.baseline));
        let mut panel = Panel::new();
        panel
            .set("walk-alpha", "max", self.trail.last())
            .picture("walk-baseline", baseline)
            .holds("walk-strip", self.frames().into_iter().map(frame))
            .picture("walk-mask", self.picture(photo))
            .says("walk-rise", risen)
            .append(steps::missed(samples));
        panel
    }

    /// What changes with α.
    ///
    /// # Errors
    ///
    /// If the trail is of another path than the explanation.
    pub fn stop(&self, stop: usize, palette: Palette) -> crate::Result<Panel> {
        let Self { trail, explanation } = self;
        let stop = stop.min(trail.last());
        let alpha = trail.alpha(stop);
        let at = || decimal(alpha, 2);
        let mut panel = Panel::new();
        panel.says("walk-alpha-value", Phrase::of(at())).spoken(
            "walk-alpha",
            "aria-valuetext",
            phrase!("α = {alpha}", alpha = at()),
        );
        for frame in self.frames() {
            panel.press(frame_id(frame), frame == stop);
        }
        panel.picture("walk-image", self.image(stop));
        if let Some(gradient) = trail.gradient(stop) {
            let gradient = Mask::of(&gradient).to_rgba(palette);
            panel.picture("walk-gradient", self.picture(gradient));
        }
        let output = output_at(&trail.samples(), explanation.ends, alpha);
        let slope = phrase!(
            "Which pixels F reacts to between α = {from} and α = {to}.",
            from = decimal(trail.alpha(stop.saturating_sub(1)), 2),
            to = decimal(trail.alpha(stop.max(1)), 2),
        );
        panel
            .plot("walk-plot", output_plot(&self.along(), [alpha, output]))
            .says(
                "walk-output",
                phrase!(
                    "F = {value} at α = {alpha}.",
                    value = decimal(output, 2),
                    alpha = at(),
                ),
            )
            .says("walk-slope", slope);
        // At the end, all of it is the explanation.
        let prepared = &explanation.prepared;
        let gathered = match stop == trail.last() {
            true => explanation.attributions.clone(),
            false => trail.gathered(stop, &prepared.input, &prepared.baseline)?,
        };
        let scale = Mask::of(&explanation.attributions.values).full_scale;
        let mask = Mask::of_scale(&gathered.values, scale).to_rgba(palette);
        let sum = phrase!(
            "Together {sum}; F has changed by {change} so far. At the end it has changed by {all}.",
            sum = decimal(gathered.sum, 2),
            change = decimal(output - f64::from(explanation.ends[0]), 2),
            all = decimal(explanation.change(), 2),
        );
        panel
            .picture("walk-gathered", self.picture(mask))
            .says("walk-sum", sum);
        Ok(panel)
    }
}

fn frame_id(stop: usize) -> String {
    format!("walk-frame-{stop}")
}

/// F along the path, with a dot where one is.
fn output_plot(samples: &[PathSample], here: [f64; 2]) -> Plot {
    let point = |sample: &PathSample| [sample.alpha, f64::from(sample.output)];
    let points: Vec<[f64; 2]> = samples.iter().map(point).collect();
    Plot {
        logarithmic: false,
        x: Axis::unit(Phrase::of("α")),
        y: Axis::around(points.iter().map(|p| p[1]), Phrase::of("F(α)")),
        lines: vec![Line::dotted(points)],
        here: Some(here),
        summary: phrase!("F along the path"),
    }
}

/// Stations of the walk, as index.html has them: `walk-station-` and the name.
pub const STATIONS: [&str; 6] = [
    "baseline",
    "image",
    "output",
    "gradient",
    "integral",
    "difference",
];
/// Parts of the formula, by their ids in index.html, and the station that each belongs to.
const PARTS: [(&str, &str); 6] = [
    ("formula-difference", "difference"),
    ("formula-integral", "integral"),
    ("formula-measure", "integral"),
    ("formula-gradient", "gradient"),
    ("formula-output", "output"),
    ("formula-image", "image"),
];

/// Puts a station in the light, with its part of the formula and what is to be seen there.
pub fn select(station: &str) -> Panel {
    let mut panel = Panel::new();
    for name in STATIONS {
        let current = if name == station { "step" } else { "false" };
        panel.set(format!("walk-station-{name}"), "aria-current", current);
    }
    for (id, of) in PARTS {
        panel.class(id, "lit", is_lit(of, station));
    }
    panel.says("walk-lesson", lesson(station));
    panel
}

/// Whether a part of the formula belongs to a station.
fn is_lit(part: &str, station: &str) -> bool {
    part == station || (station == "baseline" && part == "difference")
}

/// What there is to be seen at a station.
fn lesson(station: &str) -> Phrase {
    match station {
        "baseline" => phrase!(
            "Everything is measured from here. A pixel that is the same in baseline and photo does not move, so that its difference, and with it its attribution, is zero."
        ),
        "image" => phrase!(
            "The network looks at every image on the way, not only at the photo: where it is sure, it hardly reacts any more, and the gradient there alone would say nothing."
        ),
        "output" => phrase!(
            "How sure the network is on the way. Where the curve is steep, pixels matter; where it is flat, the answer is settled."
        ),
        "gradient" => phrase!(
            "For each pixel, how much F would change if the pixel changed a little, here and now. Drag α: it is another picture at every stop."
        ),
        "integral" => phrase!(
            "The gradients up to here, each times one step, added up. At the end they are the mask, and their sum is what F has changed by, up to what the steps miss: this is called completeness."
        ),
        _ => phrase!(
            "The sum, times how far each pixel went. Its absolute values over the three colours are the colour of the mask."
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::super::part::tests::english;
    use super::*;
    use crate::attribution::PartialSum;

    /// The walk through 50 trapezoids of F = α, whose gradient is a third in each channel of one pixel.
    fn walk() -> Walk {
        let explanation = Explanation::for_tests(Settings::default(), 51);
        let mut trail = Trail::new(explanation.quadrature.clone(), STOPS);
        let quadrature = &explanation.quadrature;
        for (sample, weight) in explanation.samples.iter().zip(&quadrature.step_sizes) {
            trail
                .add(PartialSum {
                    gradient_sum: vec![(*weight / 3.0) as f32; 3],
                    samples: vec![*sample],
                    starts: 0,
                })
                .unwrap();
        }
        Walk {
            trail,
            explanation: Rc::new(explanation),
        }
    }

    #[test]
    fn a_walk_ends_in_the_mask_and_the_sum_of_the_stage() {
        let walk = walk();
        let last = walk.trail.last();
        let end = walk.stop(last, Palette::Violet).unwrap();
        assert_eq!(
            end.said("walk-sum").as_deref(),
            Some("Together 1.00; F has changed by 1.00 so far. At the end it has changed by 1.00.")
        );
        let beyond = walk.stop(last + 9, Palette::Violet).unwrap();
        assert_eq!(beyond, end, "there is no stop behind the last");
        let start = walk.stop(0, Palette::Violet).unwrap();
        assert!(start.said("walk-sum").unwrap().starts_with("Together 0.0"));
        assert_eq!(start.said("walk-alpha-value").as_deref(), Some("0.00"));
        assert_eq!(
            start.attribute("walk-frame-0", "aria-pressed").as_deref(),
            Some("true")
        );
        assert_eq!(
            end.attribute("walk-frame-0", "aria-pressed").as_deref(),
            Some("false")
        );
    }

    #[test]
    fn a_link_begins_at_its_place_and_else_it_is_the_middle() {
        let walk = walk();
        assert_eq!(walk.nearest(None), walk.trail.last() / 2);
        assert_eq!(walk.nearest(Some(0.0)), 0);
        assert_eq!(walk.nearest(Some(7.0)), walk.trail.last());
        let near = walk.trail.alpha(walk.nearest(Some(0.4)));
        assert!((near - 0.4).abs() < 0.03, "{near}");
    }

    #[test]
    fn what_stays_has_six_frames_and_says_where_the_output_rises() {
        let panel = walk().still(&Settings::default());
        let frames = panel.held("walk-strip").unwrap();
        assert_eq!(frames.len(), FRAMES);
        let named: Vec<_> = frames.iter().map(|f| f.attribute("id").unwrap()).collect();
        assert_eq!(named[0], "walk-frame-0");
        let rise = panel.said("walk-rise").unwrap();
        assert!(rise.contains("between α = 0.10 and α = 0.90"), "{rise}");
    }

    #[test]
    fn every_station_has_a_lesson_and_lights_its_part() {
        let stations = [
            "baseline",
            "image",
            "output",
            "gradient",
            "integral",
            "difference",
        ];
        let lessons: BTreeSet<String> = stations.iter().map(|s| english(&lesson(s))).collect();
        assert_eq!(lessons.len(), stations.len());
        assert!(is_lit("difference", "baseline") && is_lit("image", "image"));
        assert!(!is_lit("image", "baseline"));
    }
}
