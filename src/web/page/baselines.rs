//! Where should the path start? Every baseline on one picture, side by side.

use std::rc::Rc;

use web_sys::{
    Element, Event, HtmlButtonElement, HtmlCanvasElement, HtmlElement, HtmlInputElement,
    HtmlSelectElement,
};

use super::listen::show_baseline_fields;
use super::{From, Page, append, baseline_name, chosen_baseline, create};
use crate::attribution::{Baseline, unmoved};
use crate::mask::{Mask, reduce_absolute};
use crate::protocol::Failure;
use crate::web::dom::{element, on};
use crate::web::picture;
use crate::web::words::{Phrase, percent, phrase, say, say_in};

/// Steps for each baseline: enough to see the difference.
const STEPS: usize = 20;
/// Pixels no farther than this from the baseline, in every channel of 0..=255, count as unmoved.
const NEAR: f32 = 16.0;

impl Page {
    pub(super) fn listen_to_baselines(self: &Rc<Self>) {
        let page = Rc::clone(self);
        on(
            &element::<Element>("baselines-start"),
            "click",
            move |_: Event| {
                page.work(|page, job| async move { page.try_baselines(job).await });
            },
        );
    }

    pub(super) fn forget_baselines(&self) {
        element::<HtmlElement>("baselines-body").set_hidden(true);
        element::<HtmlElement>("baselines-start").set_hidden(false);
    }

    async fn try_baselines(self: &Rc<Self>, job: u64) -> Result<(), Failure> {
        let Some((pool, target, prepared, spec)) = self.explained(job).await? else {
            return Ok(());
        };
        let picture = self.picture.borrow().clone();
        let Some(picture) = picture else {
            return Ok(());
        };
        element::<HtmlElement>("baselines-body").set_hidden(false);
        element::<Element>("baselines-list").set_inner_html("");
        say("baselines-note", Phrase::nothing());
        element::<Element>("baselines-body").scroll_into_view();
        let current = || self.job.get() == job;
        self.lent.set(true);
        let tried = async {
            // Of the pixels that are near black: share of the photo, and of each mask.
            let mut of_black = None;
            for baseline in Baseline::ALL {
                let other = pool.prepare(&picture, baseline).await?;
                if !current() {
                    return Ok(());
                }
                pool.keep(&other.input, &other.baseline).await?;
                let what = baseline_name(baseline);
                let (input, start) = (&other.input, &other.baseline);
                let attributions = self
                    .sum_few(job, &pool, target, input, start, STEPS, &what)
                    .await?;
                let Some(attributions) = attributions else {
                    return Ok(());
                };
                let map = reduce_absolute(&attributions.values);
                let pixels = [&other.baseline, &other.input];
                let pixels = pixels.map(|planes| spec.preprocessing.rgba(planes));
                self.add_baseline(baseline, &pixels, &map);
                if baseline == Baseline::Black {
                    let near = spec.preprocessing.std.map(|std| NEAR / std);
                    of_black = Some(unmoved(&other.input, &other.baseline, near));
                }
                if let (Some(near), Baseline::Black | Baseline::Grey) = (&of_black, baseline) {
                    self.note_black(baseline, near, &map);
                }
            }
            element::<HtmlElement>("baselines-start").set_hidden(true);
            self.status(phrase!("Done: choose a baseline to explain with it."));
            Ok(())
        };
        let tried: Result<(), Failure> = tried.await;
        // A newer job takes the pool back itself.
        if current() {
            pool.keep(&prepared.input, &prepared.baseline).await?;
            self.lent.set(false);
        }
        tried
    }

    /// What became of the pixels that are near black, from black and then from grey.
    fn note_black(&self, baseline: Baseline, near: &[bool], map: &[f32]) {
        let share = |weights: &mut dyn Iterator<Item = f32>| -> f64 {
            let (mut inside, mut all) = (0.0, 0.0);
            for (weight, &near) in weights.zip(near) {
                all += f64::from(weight);
                if near {
                    inside += f64::from(weight);
                }
            }
            if all > 0.0 { inside / all } else { 0.0 }
        };
        let area = share(&mut near.iter().map(|_| 1.0));
        let mass = share(&mut map.iter().copied());
        if baseline == Baseline::Black {
            self.mass_of_black.set(mass);
            return;
        }
        say(
            "baselines-note",
            phrase!(
                "{area} % of this picture is as good as black. From a black baseline these pixels hardly move, and get {black} % of the mask; from grey they get {grey} %. No baseline can see the pixels that it shares with the photo.",
                area = percent(area, 1),
                black = percent(self.mass_of_black.get(), 1),
                grey = percent(mass, 1),
            ),
        );
    }

    /// A card: the baseline, the mask over the photo, and a way to choose it.
    fn add_baseline(self: &Rc<Self>, baseline: Baseline, pixels: &[Vec<u8>; 2], map: &[f32]) {
        let button: HtmlButtonElement = create("button");
        button.set_type("button");
        let chosen = chosen_baseline() == baseline;
        let pressed = if chosen { "true" } else { "false" };
        button.set_attribute("aria-pressed", pressed).unwrap_or(());
        let pair: Element = create("div");
        pair.set_class_name("pair");
        for (k, pixels) in pixels.iter().enumerate() {
            let canvas: HtmlCanvasElement = create("canvas");
            canvas.set_attribute("aria-hidden", "true").unwrap_or(());
            picture::show(&canvas, pixels);
            if k == 1 {
                let palette = self.stage.borrow().palette();
                picture::lay_over(&canvas, &Mask::of_map(map).to_rgba(palette));
            }
            append(&pair, &canvas);
        }
        append(&button, &pair);
        let name: Element = create("strong");
        say_in(&name, baseline_name(baseline));
        append(&button, &name);
        let page = Rc::clone(self);
        on(&button, "click", move |_: Event| {
            let name = match baseline {
                Baseline::Noise(seed) => {
                    element::<HtmlInputElement>("baseline-seed").set_value(&seed.to_string());
                    "noise".into()
                }
                other => other.to_string(),
            };
            element::<HtmlSelectElement>("baseline").set_value(&name);
            show_baseline_fields();
            page.run(From::Baseline);
        });
        let item: Element = create("li");
        append(&item, &button);
        append(&element("baselines-list"), &item);
    }
}
