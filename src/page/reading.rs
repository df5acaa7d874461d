//! How a mask is to be read: whether its sum adds up, where it lies, what its colours stand for.

use super::View;
use super::amounts::printed_change;
use super::explanation::{Explanation, Verdict};
use super::part::{Panel, Picture};
use super::sentences;
use super::settings::Settings;
use super::titles::{self, baseline_name};
use crate::attribution::Scores;
use crate::mask::{ENCLOSED, Mask, Palette, Reduction, reduce_absolute};
use crate::model::{ModelSpec, Scale};
use crate::words::{Phrase, Value, decimal, name, percent, phrase};

/// Where the goal stands on the meter, in percent, so that a sum that is too large shows too.
const GOAL: f64 = 80.0;
/// Pixels of the legend's colours.
const RAMP: usize = 160;

/// So many decimals, 2 to 6, that a change shows with two digits: beside 0.8621, 0.0003 is not 0.00.
pub(super) fn decimals(change: f64) -> usize {
    let digits = 1.0 - change.abs().log10().floor();
    if digits.is_finite() {
        digits.clamp(2.0, 6.0) as usize
    } else {
        2
    }
}

/// The ends of the path, the sum, and what to make of both.
pub fn completeness(explanation: &Explanation) -> Panel {
    let places = decimals(explanation.change());
    let number = |value: f64| Phrase::of(decimal(value, places));
    let missed = explanation.missed();
    // Whoever subtracts the printed ends comes to the printed sum, where they differ by less than is printed.
    let sum = explanation.attributions.sum;
    let digits = i32::try_from(places).unwrap_or(2);
    let differ = (sum - explanation.change()).abs() * 10f64.powi(digits);
    let sum = match differ < 0.5 {
        true => printed_change(explanation.ends, digits),
        false => sum,
    };
    let mut panel = Panel::new();
    panel
        .says("output-input", number(f64::from(explanation.ends[1])))
        .says("output-baseline", number(f64::from(explanation.ends[0])))
        .says("attribution-sum", number(sum));
    let delta = match missed {
        Some(share) => phrase!("{share}%", share = percent(share, 2)),
        None => Phrase::of("—"),
    };
    let width = missed.map_or(0.0, |share| ((1.0 + share) * GOAL).clamp(0.0, 100.0));
    panel
        .says("delta", delta)
        .says("verdict", sentences::verdict(explanation))
        .class("verdict", "good", explanation.verdict() == Verdict::AddsUp)
        .style("meter-sum", "width", format!("{width:.1}%"));
    panel
}

/// How much of the attributions lies on the drawn shape, or in the chosen box.
pub fn scores(explanation: &Explanation) -> Panel {
    let mut panel = Panel::new();
    let whole = |share: f64| percent(share, 0);
    let map = reduce_absolute(&explanation.attributions.values);
    let truth = explanation.truth.as_ref();
    let truth = truth.filter(|truth| truth.inside.len() == map.len());
    if let Some(found) = explanation.found_box() {
        let inside = phrase!(
            "{mass}% of the attribution lies inside the box, which covers {area}% of the photo.",
            mass = whole(found.mass_inside),
            area = whole(f64::from(found.rect.visible_area())),
        );
        panel
            .says("truth-title", phrase!("Where did it look?"))
            .says("truth-inside", inside)
            .says("truth-more", Phrase::nothing());
    } else if let Some(truth) = truth {
        let scores = Scores::of(&map, &truth.inside);
        let inside = phrase!(
            "{mass}% of the attribution lies on the shape ({shape}), which covers {area}% of the scene.",
            mass = whole(scores.mass_inside),
            shape = name(truth.shape.name()),
            area = whole(scores.area),
        );
        let hit = match scores.hit {
            true => phrase!("Its strongest pixel is on the shape."),
            false => phrase!("Its strongest pixel is beside the shape."),
        };
        let tag = match truth.tagged.contains(&true) {
            true => phrase!(
                "{mass}% lies on the tag.",
                mass = whole(Scores::of(&map, &truth.tagged).mass_inside),
            ),
            false => Phrase::nothing(),
        };
        let more = phrase!(
            "{hit} Taken together, as many of the strongest pixels as the shape has overlap it by {overlap}%. {tag}",
            hit = hit,
            overlap = whole(scores.overlap),
            tag = tag,
        );
        panel
            .says("truth-title", phrase!("Did it look at the shape?"))
            .says("truth-inside", inside)
            .says("truth-more", more);
    }
    let any = panel.changes().next().is_some();
    panel.show("truth", any);
    panel
}

/// How a mask is drawn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Drawn {
    /// What of it.
    pub view: View,
    /// In which colours.
    pub palette: Palette,
    /// What becomes of a pixel's three attributions.
    pub reduction: Reduction,
    /// What is explained: a logit or a probability.
    pub output: Scale,
    /// The share of the mask that the colours span, in percent.
    pub clip: u8,
    /// The value that is drawn at full strength.
    pub full_scale: f32,
    /// Whether two masks stand side by side, on one scale.
    pub comparing: bool,
}

impl Drawn {
    /// As the settings have it.
    pub fn of(settings: &Settings, full_scale: f32, comparing: bool) -> Self {
        Self {
            view: settings.view,
            palette: settings.palette,
            reduction: settings.reduction,
            output: settings.scale,
            clip: settings.clip,
            full_scale,
            comparing,
        }
    }

    /// What the colours stand for: in a plain sentence, in exact words, and beside their ramp.
    pub fn legend(&self) -> Panel {
        let mut panel = Panel::new();
        panel
            .says("plain", self.plainly())
            .says("caption", self.exactly())
            .show("caption", true);
        let scale = f64::from(self.full_scale);
        let regions = self.view == View::Regions;
        let signed =
            regions || self.view == View::Difference || self.reduction == Reduction::Signed;
        let low = if signed { -scale } else { 0.0 };
        let unit = match self.output {
            Scale::Probability if regions => phrase!("of probability a region"),
            Scale::Logit if regions => phrase!("of the logit a region"),
            Scale::Probability => phrase!("of probability a pixel"),
            Scale::Logit => phrase!("of the logit a pixel"),
        };
        let high = phrase!("{value} {unit}", value = Value::Power(scale), unit = unit);
        let shares = (0..RAMP).map(|k| k as f32 / (RAMP - 1) as f32);
        let ramp = Mask {
            strength: shares
                .map(|share| if signed { 2.0 * share - 1.0 } else { share })
                .collect(),
            full_scale: self.full_scale,
        };
        let ramp = Picture::Plain {
            rgba: ramp.to_rgba(self.palette),
            width: RAMP,
        };
        panel
            .says("legend-low", Phrase::of(Value::Power(low)))
            .says("legend-high", high)
            .picture("legend-ramp", ramp)
            .show("legend", scale > 0.0);
        panel
    }

    /// What the colours mean, as one would say it.
    fn plainly(&self) -> Phrase {
        match (self.view, self.reduction) {
            (View::Original, _) => phrase!("Your photo. The network sees the bright part of it."),
            (View::Spotlight, _) => phrase!("Where it is bright, the pixels mattered."),
            (View::Regions, _) => phrase!(
                "The stronger a region's colour, the more it counts; the list has the amounts."
            ),
            (View::Contours, _) => phrase!("Inside the lines, the pixels mattered most."),
            (View::Difference, _) => {
                phrase!("Where the two masks differ: the stronger the colour, the more.")
            }
            (_, Reduction::Signed) => {
                phrase!("One colour for what spoke for the answer, one for what spoke against it.")
            }
            (_, Reduction::Positive) => {
                phrase!("The stronger the colour, the more the pixel spoke for the answer.")
            }
            (_, Reduction::Negative) => {
                phrase!("The stronger the colour, the more the pixel spoke against the answer.")
            }
            (_, Reduction::Absolute) => match self.palette {
                Palette::Violet => phrase!("The darker the purple, the more the pixel mattered."),
                Palette::Blue => phrase!("The darker the blue, the more the pixel mattered."),
                Palette::Yellow => phrase!("The stronger the yellow, the more the pixel mattered."),
            },
        }
    }

    /// What the colours stand for, to the last number.
    fn exactly(&self) -> Phrase {
        let mass = decimal(f64::from(self.clip), 0);
        let scale = Value::Power(f64::from(self.full_scale));
        let [strong, weak] = match self.palette {
            Palette::Violet => [phrase!("Purple"), phrase!("orange")],
            Palette::Blue => [phrase!("Blue"), phrase!("vermilion")],
            Palette::Yellow => [phrase!("Yellow"), phrase!("sky blue")],
        };
        match (self.view, self.comparing) {
            (View::Difference, true) => phrase!(
                "{strong}: where this mask has more than the pinned one; {weak}: where it has less. Full from a difference of {scale} a pixel of the photo on.",
                strong = strong,
                weak = weak,
                scale = scale,
            ),
            (View::Regions, _) => phrase!(
                "{strong}: what the pixels of a region come to for its answer; {weak}: against it. Full at {scale}, what the strongest region comes to.",
                strong = strong,
                weak = weak,
                scale = scale,
            ),
            (_, true) => phrase!(
                "Both masks on one scale: full from {scale} a pixel of the photo on, the larger of the values below which lies {mass}% of each.",
                scale = scale,
                mass = mass,
            ),
            (View::Spotlight, _) => phrase!(
                "The photo shows where the attribution is high, smoothed; the rest is dark."
            ),
            (View::Contours, _) => phrase!(
                "The lines enclose {a}, {b} and {c}% of the attribution, smoothed; the strongest line is the innermost.",
                a = percent(ENCLOSED[0], 0),
                b = percent(ENCLOSED[1], 0),
                c = percent(ENCLOSED[2], 0),
            ),
            _ => {
                let colours = match self.reduction {
                    Reduction::Absolute => phrase!(
                        "{strong}: how much each pixel changed its answer",
                        strong = strong,
                    ),
                    Reduction::Positive => {
                        phrase!("{strong}: what spoke for its answer", strong = strong)
                    }
                    Reduction::Negative => {
                        phrase!("{strong}: what spoke against its answer", strong = strong)
                    }
                    Reduction::Signed => phrase!(
                        "{strong}: what spoke for its answer; {weak}: what spoke against it",
                        strong = strong,
                        weak = weak,
                    ),
                };
                phrase!(
                    "The network sees the bright part. {colours}, linearly; full from {scale} on, below which lies {mass}% of what is shown.",
                    colours = colours,
                    scale = scale,
                    mass = mass,
                )
            }
        }
    }
}

/// Whether two masks can be held against each other: those of a logit and of a probability have each a scale of its
/// own.
pub fn comparable(pinned: Option<&Explanation>, shown: Option<&Explanation>) -> bool {
    match (pinned, shown) {
        (Some(pinned), Some(shown)) => pinned.target.scale == shown.target.scale,
        _ => true,
    }
}

/// The pin's button, and what the two that stand side by side are called.
pub fn pins(pinned: Option<&Explanation>, shown: Option<&Explanation>) -> Panel {
    let mut panel = Panel::new();
    let pin = match pinned {
        Some(_) => phrase!("Unpin"),
        None => phrase!("Pin to compare"),
    };
    let both = pinned.is_some() && comparable(pinned, shown);
    panel
        .says("pin", pin)
        .enable("pin", pinned.is_some() || shown.is_some())
        .show("difference-view", both)
        .show("current-title", pinned.is_some());
    if let (Some(pinned), Some(shown)) = (pinned, shown) {
        let [old, new] = titles::side_by_side(pinned, shown);
        panel.says("pinned-title", old).says("current-title", new);
    }
    panel
}

/// On the stage: what is shown, and by what it was computed, unless it stands beside another one or is `covered`.
/// Beside the settings: what is set, in short.
pub fn summaries(
    shown: Option<&Explanation>,
    pinned: bool,
    covered: bool,
    spec: Option<&ModelSpec>,
    latest: &Settings,
) -> Panel {
    let mut panel = Panel::new();
    panel.show("stage-caption", shown.is_some() && !pinned);
    if let Some(shown) = shown {
        let caption = match covered {
            true => phrase!("The mask is covered until the guess is done."),
            false => titles::caption(shown),
        };
        panel.says("stage-caption", caption);
    }
    let brief = match spec {
        Some(spec) => phrase!(
            "{network}, {rule}, from {baseline}",
            network = name(&*spec.title),
            rule = titles::method(latest.method()),
            baseline = baseline_name(latest.baseline()),
        ),
        None => Phrase::nothing(),
    };
    panel.says("how-brief", brief);
    panel
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::Truth;
    use crate::shapes::Shape;
    use std::rc::Rc;

    fn explanation() -> Explanation {
        Explanation::for_tests(Settings::default(), 51)
    }

    #[test]
    fn a_small_change_shows_beside_what_changes() {
        let said = |ends: [f32; 2], sum: f64| {
            let mut explanation = explanation();
            (explanation.attributions.sum, explanation.ends) = (sum, ends);
            let panel = completeness(&explanation);
            ["output-baseline", "output-input", "attribution-sum"].map(|id| panel.said(id).unwrap())
        };
        assert_eq!(said([0.42, 6.3], 5.88), ["0.42", "6.30", "5.88"]);
        // By itself the sum would be 6.16, which is not 6.13 + 0.02.
        assert_eq!(said([-0.024, 6.132], 6.156), ["-0.02", "6.13", "6.15"]);
        assert_eq!(said([-0.024, 6.132], 6.17), ["-0.02", "6.13", "6.17"]);
        assert_eq!(
            said([0.8625, 0.8628], 3.0e-4),
            ["0.86250", "0.86280", "0.00030"]
        );
        assert_eq!(said([0.5, 0.5], 0.0), ["0.50", "0.50", "0.00"]);
    }

    #[test]
    fn the_meter_shows_a_sum_that_is_too_large_and_one_that_means_nothing() {
        let width = |sum: f64, ends: [f32; 2]| {
            let mut explanation = explanation();
            (explanation.attributions.sum, explanation.ends) = (sum, ends);
            let panel = completeness(&explanation);
            let width = panel.changes().find_map(|(_, change)| match change {
                super::super::Change::Style("width", width) => Some(width.clone()),
                _ => None,
            });
            (
                width.unwrap(),
                panel.said("delta").unwrap(),
                panel.is_of("verdict", "good").unwrap(),
            )
        };
        assert_eq!(
            width(1.0, [0.0, 1.0]),
            ("80.0%".into(), "0.00%".into(), true)
        );
        assert_eq!(width(1.2, [0.0, 1.0]).0, "96.0%");
        assert_eq!(width(9.0, [0.0, 1.0]).0, "100.0%");
        assert_eq!(
            width(0.38, [0.0, 1.0]),
            ("30.4%".into(), "-62.00%".into(), false)
        );
        assert_eq!(width(0.0, [1.0, 1.0]).1, "—");
    }

    #[test]
    fn what_is_known_of_a_scene_is_said_and_of_a_photo_nothing() {
        let photo = scores(&explanation());
        assert_eq!(photo.shows("truth"), Some(false));
        let mut scene = explanation();
        scene.truth = Some(Rc::new(Truth {
            shape: Shape::ALL[0],
            inside: vec![true],
            tagged: vec![false],
        }));
        let panel = scores(&scene);
        assert_eq!(panel.shows("truth"), Some(true));
        let inside = panel.said("truth-inside").unwrap();
        assert!(
            inside.starts_with("100% of the attribution lies on the shape"),
            "{inside}"
        );
        let more = panel.said("truth-more").unwrap();
        assert!(
            more.contains("is on the shape") && !more.contains("tag"),
            "{more}"
        );
        // A scene that a network sees at another size has a truth of another length.
        scene.truth = Some(Rc::new(Truth {
            shape: Shape::ALL[0],
            inside: vec![true; 4],
            tagged: vec![false; 4],
        }));
        assert_eq!(scores(&scene).shows("truth"), Some(false));
    }

    #[test]
    fn every_way_of_drawing_has_words_of_its_own_that_name_its_colours() {
        let mut seen = std::collections::BTreeSet::new();
        for view in View::ALL {
            for palette in [Palette::Violet, Palette::Blue, Palette::Yellow] {
                for reduction in Reduction::ALL {
                    let mut settings = Settings::default();
                    (settings.view, settings.palette) = (view, palette);
                    settings.reduction = reduction;
                    let panel = Drawn::of(&settings, 0.25, view == View::Difference).legend();
                    let plain = panel.said("plain").unwrap();
                    let exact = panel.said("caption").unwrap();
                    let purple = plain.contains("purple") || exact.contains("Purple");
                    assert!(!purple || palette == Palette::Violet, "{plain} {exact}");
                    assert!(!exact.contains('{') && !plain.contains('{'));
                    let ramp = panel.said("legend-low").unwrap();
                    let two = reduction == Reduction::Signed
                        || matches!(view, View::Regions | View::Difference);
                    assert_eq!(ramp != "0", two, "{view:?} {reduction:?}: {ramp}");
                    assert_eq!(panel.shows("legend"), Some(true));
                    seen.insert((plain, exact));
                }
            }
        }
        assert!(seen.len() > 30, "{}", seen.len());
        let nothing = Drawn::of(&Settings::default(), 0.0, false).legend();
        assert_eq!(nothing.shows("legend"), Some(false));
    }

    #[test]
    fn a_logit_and_a_probability_are_not_held_against_each_other() {
        let logit = explanation();
        let mut settings = Settings::default();
        settings.scale = Scale::Probability;
        let probability = Explanation::for_tests(settings, 51);
        let both = pins(Some(&logit), Some(&logit));
        assert_eq!(both.shows("difference-view"), Some(true));
        assert_eq!(both.said("pin").as_deref(), Some("Unpin"));
        let apart = pins(Some(&logit), Some(&probability));
        assert_eq!(apart.shows("difference-view"), Some(false));
        let names = ["pinned-title", "current-title"].map(|id| apart.said(id).unwrap());
        assert_eq!(names, ["of the logit", "of the probability"]);
        let none = pins(None, None);
        assert_eq!(none.enables("pin"), Some(false));
    }

    #[test]
    fn a_mask_that_is_guessed_is_not_captioned() {
        let (shown, latest) = (explanation(), Settings::default());
        let said = |pinned, covered| {
            let panel = summaries(Some(&shown), pinned, covered, Some(&shown.spec), &latest);
            (
                panel.shows("stage-caption").unwrap(),
                panel.said("stage-caption").unwrap(),
            )
        };
        assert!(said(false, false).1.contains("secants") || said(false, false).1.contains("Auto"));
        assert!(said(false, true).1.contains("covered"));
        assert!(!said(true, false).0);
        let brief = summaries(None, false, false, None, &latest);
        assert_eq!(brief.said("how-brief").as_deref(), Some(""));
    }
}
