//! What the sum says: does it add up, what the colours stand for, and how much of it lies where it
//! should.

use std::rc::Rc;

use web_sys::HtmlElement;

use super::{Page, Seen, show, titles};
use crate::attribution::Scores;
use crate::mask::{ENCLOSED, Mask, Palette, Reduction, reduce_absolute};
use crate::model::Scale;
use crate::page::{Explanation, View};
use crate::web::dom::element;
use crate::web::picture;
use crate::web::stage::Stage;
use crate::web::words::{self, Phrase, Value, decimal, name, phrase, say, say_in};
use crate::words::sentences;

impl Page {
    /// Shows everything that is known of what is shown: picture, answers, sums, scores, and what can be done
    /// with it.
    pub(super) fn present(self: &Rc<Self>) {
        let shown = self.shown();
        show("meter", shown.is_some());
        show("completeness-hint", shown.is_none());
        if let Some(explanation) = &shown {
            self.seen.replace(Some(Seen {
                spec: explanation.spec.clone(),
                prepared: Rc::clone(&explanation.prepared),
                output: Some(explanation.target.output),
            }));
            self.stage.borrow_mut().set_crop(explanation.prepared.crop);
            self.show_map(&explanation.attributions.values, explanation.width());
            self.show_completeness(explanation);
            self.show_scores(explanation);
            let class = titles::label(explanation);
            self.label_canvas(phrase!(
                "Your photo with the pixels used for “{class}” marked",
                class = class,
            ));
        } else {
            for id in ["caption", "legend", "truth"] {
                show(id, false);
            }
        }
        self.show_answers();
        self.show_exports();
        self.show_pin();
        self.show_chapters();
        self.show_stale();
        self.show_summaries();
    }

    fn show_completeness(&self, explanation: &Explanation) {
        let number = |value: f64| Phrase::of(decimal(value, 2));
        say("output-input", number(f64::from(explanation.ends[1])));
        say("output-baseline", number(f64::from(explanation.ends[0])));
        say("attribution-sum", number(explanation.attributions.sum));
        let missed = explanation.missed();
        say(
            "delta",
            match missed {
                Some(share) => phrase!("{share}%", share = words::percent(share, 2)),
                None => Phrase::of("—"),
            },
        );
        say("verdict", sentences::verdict(explanation));
        super::class(
            &element("verdict"),
            "good",
            explanation.verdict() == crate::page::Verdict::AddsUp,
        );
        // The goal stands at 80 % of the meter, so that a sum that is too large shows too.
        let width = missed.map_or(0.0, |share| ((1.0 + share) * 80.0).clamp(0.0, 100.0));
        element::<HtmlElement>("meter-sum")
            .style()
            .set_property("width", &format!("{width:.1}%"))
            .unwrap_or(());
    }

    /// How much of the attributions lies on the drawn shape, or in the chosen box.
    fn show_scores(&self, explanation: &Explanation) {
        let percent = |share: f64| words::percent(share, 0);
        let map = reduce_absolute(&explanation.attributions.values);
        let truth = &explanation.truth;
        if let Some(found) = explanation.found_box() {
            say("truth-title", phrase!("Where did it look?"));
            say(
                "truth-inside",
                phrase!(
                    "{mass}% of the attribution lies inside the box, which covers {area}% of the photo.",
                    mass = percent(found.mass_inside),
                    area = percent(f64::from(found.rect.visible_area())),
                ),
            );
            say("truth-more", Phrase::nothing());
            show("truth", true);
        } else if let Some(truth) = truth
            .as_ref()
            .filter(|truth| truth.inside.len() == map.len())
        {
            let scores = Scores::of(&map, &truth.inside);
            say("truth-title", phrase!("Did it look at the shape?"));
            say(
                "truth-inside",
                phrase!(
                    "{mass}% of the attribution lies on the shape ({shape}), which covers {area}% of the scene.",
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
                phrase!("{mass}% lies on the tag.", mass = percent(on_tag))
            } else {
                Phrase::nothing()
            };
            say(
                "truth-more",
                phrase!(
                    "{hit} Taken together, as many of the strongest pixels as the shape has overlap it by {overlap}%. {tag}",
                    hit = hit,
                    overlap = percent(scores.overlap),
                    tag = tag,
                ),
            );
            show("truth", true);
        } else {
            show("truth", false);
        }
    }

    /// Draws attributions, flat \[3, H, W\], as the chosen reduction shows them.
    pub(super) fn show_map(&self, attributions: &[f32], width: usize) {
        let map = self.latest().reduction.reduce(attributions);
        self.show_regions(attributions);
        self.stage.borrow_mut().set_map(map, width);
        self.show_caption();
    }

    /// Draws everything in the view, the colours and the scale that are set.
    pub(super) fn draw(self: &Rc<Self>) {
        let settings = self.latest();
        let split = f64::from(settings.split) / 100.0;
        self.stage.borrow_mut().set_split(split);
        self.stage.borrow_mut().set_manner(
            settings.view,
            settings.palette,
            f64::from(settings.clip) / 100.0,
            f64::from(settings.opacity) / 100.0,
        );
        let forming = self.forming.borrow().is_some();
        match self.shown().filter(|_| !forming) {
            Some(shown) => self.show_map(&shown.attributions.values, shown.width()),
            None => self.show_caption(),
        }
        // A pinned mask shows the same of its pixels.
        let pinned = self.pinned.borrow().clone();
        if let Some(pinned) = pinned {
            let map = settings.reduction.reduce(&pinned.attributions.values);
            self.pin_regions(&pinned);
            let (crop, width) = (pinned.prepared.crop, pinned.width());
            self.stage.borrow_mut().pin(crop, map, width);
            self.show_caption();
        }
        self.redraw_chapters();
        self.notice_tour();
    }

    /// What the colours stand for.
    pub(super) fn show_caption(&self) {
        let stage = self.stage.borrow();
        let settings = self.latest();
        let scale = stage.full_scale();
        let caption: HtmlElement = element("caption");
        if !stage.has_mask() {
            return;
        }
        self.show_plain_words(&stage, settings.reduction);
        let mass = decimal(f64::from(settings.clip), 0);
        let scale = Value::Power(f64::from(scale));
        let [strong, weak] = match stage.palette() {
            Palette::Violet => [phrase!("Purple"), phrase!("orange")],
            Palette::Blue => [phrase!("Blue"), phrase!("vermilion")],
            Palette::Yellow => [phrase!("Yellow"), phrase!("sky blue")],
        };
        self.show_legend(&stage, settings.reduction, settings.scale);
        let sentence = match (stage.view(), stage.is_comparing()) {
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
                a = words::percent(ENCLOSED[0], 0),
                b = words::percent(ENCLOSED[1], 0),
                c = words::percent(ENCLOSED[2], 0),
            ),
            _ => {
                let colours = match settings.reduction {
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
                    "The network sees the bright part. {colours}, linearly; full from {scale} on, below which lies {mass}% of what is shown.",
                    colours = colours,
                    scale = scale,
                    mass = mass,
                )
            }
        };
        say_in(&caption, sentence);
        caption.set_hidden(false);
    }

    /// What the colours mean, as one would say it.
    fn show_plain_words(&self, stage: &Stage, reduction: Reduction) {
        let words = match (stage.view(), reduction) {
            (View::Original, _) => phrase!("Your photo. The network sees the bright part of it."),
            (View::Spotlight, _) => phrase!("Where it is bright, the pixels mattered."),
            (View::Regions, _) => {
                phrase!(
                    "The stronger a region's colour, the more it counts; the list has the amounts."
                )
            }
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
            (_, Reduction::Absolute) => match stage.palette() {
                Palette::Violet => {
                    phrase!("The darker the purple, the more the pixel mattered.")
                }
                Palette::Blue => phrase!("The darker the blue, the more the pixel mattered."),
                Palette::Yellow => {
                    phrase!("The stronger the yellow, the more the pixel mattered.")
                }
            },
        };
        say("plain", words);
    }

    /// On the stage: what is shown, and by what it was computed. Beside the settings: what is set, in short.
    pub(super) fn show_summaries(&self) {
        let shown = self.shown();
        let alone = self.pinned.borrow().is_none();
        show("stage-caption", shown.is_some() && alone);
        if let Some(shown) = &shown {
            let guessing = super::body().class_list().contains("guessing");
            let caption = match guessing {
                true => phrase!("The mask is covered until the guess is done."),
                false => titles::caption(shown),
            };
            say("stage-caption", caption);
        }
        let latest = self.latest();
        let spec = self.spec(&latest.model);
        let brief = match spec {
            Some(spec) => phrase!(
                "{network}, {rule}, from {baseline}",
                network = name(&*spec.title),
                rule = titles::method(latest.method()),
                baseline = super::baseline_name(latest.baseline()),
            ),
            None => Phrase::nothing(),
        };
        say("how-brief", brief);
    }

    /// The colours and the values that they stand for.
    fn show_legend(&self, stage: &Stage, reduction: Reduction, output: Scale) {
        let scale = f64::from(stage.full_scale());
        let regions = stage.view() == View::Regions;
        let signed = regions || stage.view() == View::Difference || reduction == Reduction::Signed;
        let low = if signed { -scale } else { 0.0 };
        say("legend-low", Phrase::of(Value::Power(low)));
        let unit = match output {
            Scale::Probability if regions => phrase!("of probability a region"),
            Scale::Logit if regions => phrase!("of the logit a region"),
            Scale::Probability => phrase!("of probability a pixel"),
            Scale::Logit => phrase!("of the logit a pixel"),
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
            full_scale: stage.full_scale(),
        };
        picture::show_line(&element("legend-ramp"), &ramp.to_rgba(stage.palette()));
        element::<HtmlElement>("legend").set_hidden(scale <= 0.0);
    }

    /// Pins what is shown, or lets the pinned explanation go.
    pub(super) fn pin(self: &Rc<Self>) {
        if !self.unpin() {
            let shown = self.shown();
            if let Some(shown) = &shown {
                let map = self.latest().reduction.reduce(&shown.attributions.values);
                self.pin_regions(shown);
                let (crop, width) = (shown.prepared.crop, shown.width());
                self.stage.borrow_mut().pin(crop, map, width);
            }
            self.pinned.replace(shown);
        }
        self.show_pin();
        self.show_caption();
        self.write_address();
    }

    /// Lets the pinned explanation go, and the view that needs it. Whether there was one.
    pub(super) fn unpin(&self) -> bool {
        let pinned = self.pinned.take().is_some();
        let mut work = self.work.borrow_mut();
        work.change(|settings| {
            if settings.view == View::Difference {
                settings.view = View::default();
            }
        });
        let settings = work.latest().clone();
        drop(work);
        self.show_settings();
        self.stage.borrow_mut().unpin(settings.view);
        pinned
    }

    /// The pin's button, and what the two that stand side by side are called.
    pub(super) fn show_pin(&self) {
        let pinned = self.pinned.borrow().clone();
        let shown = self.shown();
        let pin = if pinned.is_some() {
            phrase!("Unpin")
        } else {
            phrase!("Pin to compare")
        };
        say("pin", pin);
        let comparable = match (&pinned, &shown) {
            (Some(pinned), Some(shown)) => pinned.target.scale == shown.target.scale,
            _ => true,
        };
        self.stage.borrow_mut().set_comparable(comparable);
        show("difference-view", pinned.is_some() && comparable);
        show("current-title", pinned.is_some());
        if let (Some(pinned), Some(shown)) = (&pinned, &shown) {
            let [old, new] = titles::side_by_side(pinned, shown);
            say("pinned-title", old);
            say("current-title", new);
        }
        self.show_summaries();
        let button: web_sys::HtmlButtonElement = element("pin");
        button.set_disabled(pinned.is_none() && shown.is_none());
    }
}
