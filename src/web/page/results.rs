//! What the sum says: does it add up, what the colours stand for, and how much of it lies where it
//! should.

use web_sys::{HtmlElement, HtmlInputElement, HtmlSelectElement};

use super::Page;
use crate::attribution::{Attributions, Scores};
use crate::mask::{ENCLOSED, Mask, Palette, Reduction, reduce_absolute};
use crate::model::{ModelSpec, Target, top_predictions};
use crate::report::FoundBox;
use crate::web::dom::{all, element};
use crate::web::picture;
use crate::web::pool::Prepared;
use crate::web::sentences;
use crate::web::stage::{Stage, View};
use crate::web::words::{self, Phrase, Value, decimal, name, phrase, say, say_in};

/// What is shown of each pixel.
fn chosen_reduction() -> Reduction {
    let name = element::<HtmlSelectElement>("reduction").value();
    Reduction::from_name(&name).unwrap_or_default()
}

/// Softmax of a classifier's output, or sigmoid of a detector's.
pub(super) fn probability(spec: &ModelSpec, prepared: &Prepared, output: usize) -> f32 {
    if spec.architecture.is_detector() {
        let detection = prepared.detections.iter().find(|d| d.output == output);
        return detection.map_or(0.0, |d| d.score);
    }
    let logits = &prepared.logits_input;
    let all = top_predictions(logits, logits.len());
    let same = all.iter().find(|p| p.target == output);
    same.map_or(0.0, |p| p.probability)
}

/// The chosen box, and how much of the attributions lies inside it.
pub(super) fn found_box(
    spec: &ModelSpec,
    prepared: &Prepared,
    target: Target,
    attributions: &[f32],
) -> Option<FoundBox> {
    let mut found = prepared.detections.iter();
    let detection = found.find(|d| d.output == target.output)?;
    let side = spec.preprocessing.size as usize;
    Some(FoundBox::of(detection, attributions, side))
}

impl Page {
    pub(super) fn show_completeness(&self, input: f32, baseline: f32, attributions: &Attributions) {
        let delta = attributions.convergence_delta(input, baseline);
        let change = f64::from(input) - f64::from(baseline);
        let share = if change == 0.0 { 0.0 } else { delta / change };
        let number = |value: f64| Phrase::of(decimal(value, 2));
        say("output-input", number(f64::from(input)));
        say("output-baseline", number(f64::from(baseline)));
        say("attribution-sum", number(attributions.sum));
        say(
            "delta",
            phrase!("{share} %", share = words::percent(share, 2)),
        );
        say("verdict", sentences::verdict(share));
        // The goal stands at 80 % of the meter, so that a sum that is too large shows too.
        let width = ((1.0 + share) * 80.0).clamp(0.0, 100.0);
        element::<HtmlElement>("meter-sum")
            .style()
            .set_property("width", &format!("{width:.1}%"))
            .unwrap_or(());
        element::<HtmlElement>("meter").set_hidden(false);
        element::<HtmlElement>("completeness-hint").set_hidden(true);
    }

    /// How much of the attributions lies on the drawn shape, or in the chosen box.
    pub(super) fn show_scores(
        &self,
        spec: &ModelSpec,
        prepared: &Prepared,
        target: Target,
        attributions: &Attributions,
    ) {
        let percent = |share: f64| words::percent(share, 0);
        let found = found_box(spec, prepared, target, &attributions.values);
        let map = reduce_absolute(&attributions.values);
        let truth = self.truth.borrow();
        let section: HtmlElement = element("truth");
        section.set_hidden(true);
        if let Some(found) = found {
            say("truth-title", phrase!("Where did it look?"));
            say(
                "truth-inside",
                phrase!(
                    "{mass} % of the attribution lies inside the box, which covers {area} % of the photo.",
                    mass = percent(found.mass_inside),
                    area = percent(f64::from(found.rect.visible_area())),
                ),
            );
            say("truth-more", Phrase::nothing());
            section.set_hidden(false);
        } else if let Some(truth) = truth
            .as_ref()
            .filter(|truth| truth.inside.len() == map.len())
        {
            let scores = Scores::of(&map, &truth.inside);
            say("truth-title", phrase!("Did it look at the shape?"));
            say(
                "truth-inside",
                phrase!(
                    "{mass} % of the attribution lies on the shape ({shape}), which covers {area} % of the scene.",
                    mass = percent(scores.mass_inside),
                    shape = name(truth.shape.name()),
                    area = percent(scores.area),
                ),
            );
            let hit = if scores.hit {
                phrase!("Its strongest pixel is on the shape.")
            } else {
                phrase!("Its strongest pixel is beside the shape.")
            };
            let tag = if truth.tagged.iter().any(|&tagged| tagged) {
                let on_tag = Scores::of(&map, &truth.tagged).mass_inside;
                phrase!("{mass} % lies on the tag.", mass = percent(on_tag))
            } else {
                Phrase::nothing()
            };
            say(
                "truth-more",
                phrase!(
                    "{hit} Taken together, as many of the strongest pixels as the shape has overlap it by {overlap} %. {tag}",
                    hit = hit,
                    overlap = percent(scores.overlap),
                    tag = tag,
                ),
            );
            section.set_hidden(false);
        }
    }

    /// Draws attributions, flat \[3, size, size\], as the chosen reduction shows them.
    pub(super) fn show_map(&self, attributions: Vec<f32>) {
        let map = chosen_reduction().reduce(&attributions);
        let scale = self.stage.borrow_mut().set_map(Some(map));
        self.full_scale.set(scale);
        *self.values.borrow_mut() = attributions;
        self.show_caption();
    }

    /// Draws the same attributions by another reduction.
    pub(super) fn show_map_again(&self) {
        if self.stage.borrow().has_mask() {
            let attributions = self.values.take();
            self.show_map(attributions);
        }
    }

    /// Shows the picture in the chosen view and colours.
    pub(super) fn show_view(&self) {
        let chosen = all("input[name=view]:checked");
        let name = chosen
            .first()
            .and_then(|radio| radio.get_attribute("value"));
        let view = match name.as_deref().unwrap_or_default() {
            "original" => View::Original,
            "mask" => View::Mask,
            "spotlight" => View::Spotlight,
            "contours" => View::Contours,
            "difference" => View::Difference,
            _ => View::Overlay,
        };
        let palette = element::<HtmlSelectElement>("palette").value();
        let palette = Palette::from_name(&palette).unwrap_or_default();
        self.stage.borrow_mut().set_view(view, palette);
        self.show_caption();
    }

    /// What the colours stand for.
    pub(super) fn show_caption(&self) {
        let stage = self.stage.borrow();
        let scale = self.full_scale.get();
        let caption: HtmlElement = element("caption");
        if !stage.has_mask() {
            return;
        }
        let mass = words::percent(stage.mass_shown(), 0);
        let scale = Value::Power(f64::from(scale));
        let [strong, weak] = match stage.palette() {
            Palette::Violet => [phrase!("Purple"), phrase!("orange")],
            Palette::Blue => [phrase!("Blue"), phrase!("vermilion")],
            Palette::Yellow => [phrase!("Yellow"), phrase!("sky blue")],
        };
        self.show_legend(&stage);
        let sentence = match (stage.view(), stage.is_comparing()) {
            (View::Difference, true) => phrase!(
                "{strong}: where this mask has more than the pinned one; {weak}: where it has less. Full from a difference of {scale} a pixel of the photo on.",
                strong = strong,
                weak = weak,
                scale = scale,
            ),
            (_, true) => phrase!(
                "Both masks on one scale: full from {scale} a pixel of the photo on, the larger of the values below which lies {mass} % of each.",
                scale = scale,
                mass = mass,
            ),
            (View::Spotlight, _) => phrase!(
                "The photo shows where the attribution is high, smoothed; the rest is dark."
            ),
            (View::Contours, _) => phrase!(
                "The lines enclose {a}, {b} and {c} % of the attribution, smoothed; the strongest line is the innermost.",
                a = words::percent(ENCLOSED[0], 0),
                b = words::percent(ENCLOSED[1], 0),
                c = words::percent(ENCLOSED[2], 0),
            ),
            _ => {
                let colours = match chosen_reduction() {
                    Reduction::Absolute => phrase!(
                        "{strong}: how much each pixel changed its answer",
                        strong = strong
                    ),
                    Reduction::Positive => {
                        phrase!("{strong}: what spoke for its answer", strong = strong)
                    }
                    Reduction::Negative => {
                        phrase!("{strong}: what spoke against its answer", strong = strong)
                    }
                    Reduction::Signed => {
                        phrase!(
                            "{strong}: what spoke for its answer; {weak}: what spoke against it",
                            strong = strong,
                            weak = weak,
                        )
                    }
                };
                phrase!(
                    "The network sees the bright part. {colours}, linearly; full from {scale} on, below which lies {mass} % of what is shown.",
                    colours = colours,
                    scale = scale,
                    mass = mass,
                )
            }
        };
        say_in(&caption, sentence);
        caption.set_hidden(false);
    }

    /// Lets the colours span as much of the mask as someone asked for.
    pub(super) fn clip(&self) {
        let percent = element::<HtmlInputElement>("clip").value_as_number();
        say(
            "clip-value",
            phrase!("{share} %", share = decimal(percent, 0)),
        );
        let scale = self.stage.borrow_mut().set_mass_shown(percent / 100.0);
        self.full_scale.set(scale);
        self.show_caption();
    }

    /// The colours and the values that they stand for.
    fn show_legend(&self, stage: &Stage) {
        let scale = f64::from(self.full_scale.get());
        let signed = stage.view() == View::Difference || chosen_reduction() == Reduction::Signed;
        let low = if signed { -scale } else { 0.0 };
        say("legend-low", Phrase::of(Value::Power(low)));
        let unit = match &*element::<HtmlSelectElement>("scale").value() {
            "probability" => phrase!("of probability a pixel"),
            _ => phrase!("of the logit a pixel"),
        };
        say(
            "legend-high",
            phrase!("{value} {unit}", value = Value::Power(scale), unit = unit),
        );
        const WIDTH: usize = 160;
        let ramp = Mask {
            strength: (0..WIDTH)
                .map(|k| {
                    let share = k as f32 / (WIDTH - 1) as f32;
                    if signed { 2.0 * share - 1.0 } else { share }
                })
                .collect(),
            full_scale: self.full_scale.get(),
        };
        picture::show_line(&element("legend-ramp"), &ramp.to_rgba(stage.palette()));
        element::<HtmlElement>("legend").set_hidden(scale <= 0.0);
    }

    /// The value under the pointer, at a point of the canvas.
    pub(super) fn show_readout(&self, point: Option<(f64, f64)>) {
        let stage = self.stage.borrow();
        let found = point.and_then(|(x, y)| stage.value_at(x, y));
        let readout = match found {
            Some(([column, row], value)) => phrase!(
                "pixel {x}, {y}: {value}",
                x = column,
                y = row,
                value = Value::Power(f64::from(value)),
            ),
            None => Phrase::nothing(),
        };
        say("readout", readout);
    }

    /// Pins the current mask, or lets the pinned one go.
    pub(super) fn pin(&self) {
        let pinned = self.stage.borrow().is_pinned();
        let scale = if pinned {
            self.stage.borrow_mut().unpin()
        } else {
            say("pinned-title", self.title.borrow().clone());
            self.stage.borrow_mut().pin()
        };
        self.full_scale.set(scale);
        self.show_pin();
        self.show_caption();
    }

    /// The pin's button and what depends on it.
    pub(super) fn show_pin(&self) {
        let pinned = self.stage.borrow().is_pinned();
        let pin = if pinned {
            phrase!("Unpin")
        } else {
            phrase!("Pin to compare")
        };
        say("pin", pin);
        element::<HtmlElement>("difference-view").set_hidden(!pinned);
        element::<HtmlElement>("current-title").set_hidden(!pinned);
        say("current-title", self.title.borrow().clone());
        let difference: HtmlInputElement = element("view-difference");
        if !pinned && difference.checked() {
            difference.set_checked(false);
            element::<HtmlInputElement>("view-overlay").set_checked(true);
        }
        let button: web_sys::HtmlButtonElement = element("pin");
        button.set_disabled(!pinned && !self.stage.borrow().has_mask());
    }
}
