//! What the sum says: does it add up, what the colours stand for, and how much of it lies where it
//! should.

use web_sys::{HtmlElement, HtmlInputElement, HtmlSelectElement};

use super::{Page, number, text};
use crate::attribution::{Attributions, Scores};
use crate::mask::{MASS_SHOWN, Reduction, reduce_absolute};
use crate::model::{ModelSpec, Target, top_predictions};
use crate::report::FoundBox;
use crate::web::dom::element;
use crate::web::pool::Prepared;
use crate::web::sentences;
use crate::web::stage::View;

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
        text("output-input", &number(f64::from(input), ""));
        text("output-baseline", &number(f64::from(baseline), ""));
        text("attribution-sum", &number(attributions.sum, ""));
        text("delta", &number(share * 100.0, " %"));
        text("verdict", sentences::verdict(share));
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
        let percent = |share: f64| format!("{:.0} %", share * 100.0);
        let found = found_box(spec, prepared, target, &attributions.values);
        let map = reduce_absolute(&attributions.values);
        let truth = self.truth.borrow();
        let section: HtmlElement = element("truth");
        section.set_hidden(true);
        if let Some(found) = found {
            text("truth-title", "Where did it look?");
            text(
                "truth-inside",
                &format!(
                    "{} of the attribution lies inside the box, which covers {} of the photo.",
                    percent(found.mass_inside),
                    percent(f64::from(found.rect.visible_area()))
                ),
            );
            text("truth-more", "");
            section.set_hidden(false);
        } else if let Some(truth) = truth
            .as_ref()
            .filter(|truth| truth.inside.len() == map.len())
        {
            let scores = Scores::of(&map, &truth.inside);
            let name = truth.shape.name();
            text("truth-title", "Did it look at the shape?");
            text(
                "truth-inside",
                &format!(
                    "{} of the attribution lies on the {name}, which covers {} of the scene.",
                    percent(scores.mass_inside),
                    percent(scores.area)
                ),
            );
            let hit = if scores.hit {
                "Its strongest pixel is on the shape"
            } else {
                "Its strongest pixel is beside the shape"
            };
            let tag = if truth.tagged.iter().any(|&tagged| tagged) {
                let on_tag = Scores::of(&map, &truth.tagged).mass_inside;
                format!(" {} lies on the tag.", percent(on_tag))
            } else {
                String::new()
            };
            let overlap = percent(scores.overlap);
            text(
                "truth-more",
                &format!(
                    "{hit}. Taken together, as many of the strongest pixels as the shape has overlap it by {overlap}.{tag}"
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

    /// Shows the picture in the view of that name.
    pub(super) fn set_view(&self, name: &str) {
        self.stage.borrow_mut().view = match name {
            "original" => View::Original,
            "mask" => View::Mask,
            "difference" => View::Difference,
            _ => View::Overlay,
        };
        self.stage.borrow().draw();
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
        let mass = MASS_SHOWN * 100.0;
        let sentence = match (stage.view, stage.is_comparing()) {
            (View::Difference, true) => format!(
                "Purple: where this mask has more than the pinned one; orange: where it has less. Full from a difference of {scale:.1e} a pixel of the photo on."
            ),
            (_, true) => format!(
                "Both masks on one scale: full from {scale:.1e} a pixel of the photo on, the larger of the values below which lies {mass:.0} % of each."
            ),
            _ => {
                let colours = match chosen_reduction() {
                    Reduction::Absolute => "Purple: how much each pixel changed its answer",
                    Reduction::Positive => "Purple: what spoke for its answer",
                    Reduction::Negative => "Purple: what spoke against its answer",
                    Reduction::Signed => {
                        "Purple: what spoke for its answer; orange: what spoke against it"
                    }
                };
                format!(
                    "The network sees the bright part. {colours}, linearly; full from {scale:.1e} on, below which lies {mass:.0} % of what is shown."
                )
            }
        };
        caption.set_text_content(Some(&sentence));
        caption.set_hidden(false);
    }

    /// Pins the current mask, or lets the pinned one go.
    pub(super) fn pin(&self) {
        let pinned = self.stage.borrow().is_pinned();
        let scale = if pinned {
            self.stage.borrow_mut().unpin()
        } else {
            text("pinned-title", &self.title.borrow());
            self.stage.borrow_mut().pin()
        };
        self.full_scale.set(scale);
        self.show_pin();
        self.show_caption();
    }

    /// The pin's button and what depends on it.
    pub(super) fn show_pin(&self) {
        let pinned = self.stage.borrow().is_pinned();
        text("pin", if pinned { "Unpin" } else { "Pin to compare" });
        element::<HtmlElement>("difference-view").set_hidden(!pinned);
        element::<HtmlElement>("current-title").set_hidden(!pinned);
        text("current-title", &self.title.borrow());
        let difference: HtmlInputElement = element("view-difference");
        if !pinned && difference.checked() {
            difference.set_checked(false);
            element::<HtmlInputElement>("view-overlay").set_checked(true);
        }
        let button: web_sys::HtmlButtonElement = element("pin");
        button.set_disabled(!pinned && !self.stage.borrow().has_mask());
    }
}
