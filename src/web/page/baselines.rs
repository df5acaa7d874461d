//! Where should the path start? Every baseline on one picture, side by side.

use std::rc::Rc;

use web_sys::{Element, Event, HtmlButtonElement, HtmlCanvasElement};

use super::job::PageJob;
use super::{Page, append, baseline_name, create};
use crate::attribution::{Baseline, unmoved};
use crate::mask::{Mask, reduce_absolute};
use crate::page::{Begin, Explanation};
use crate::protocol::Failure;
use crate::web::dom::{all, element, on};
use crate::web::picture;
use crate::web::pool::Pool;
use crate::web::words::{Phrase, percent, phrase, say, say_in};

/// Steps for each baseline: enough to see the difference.
const STEPS: usize = 20;
/// Pixels no farther than this from the baseline, in every channel of 0..=255, count as unmoved.
const NEAR: f32 = 16.0;

impl Page {
    pub(super) fn listen_to_baselines(self: &Rc<Self>) {
        self.on_start("baselines-start", |page, job| async move {
            page.try_baselines(&job).await
        });
    }

    async fn try_baselines(self: &Rc<Self>, job: &PageJob) -> Result<(), Failure> {
        let Some((pool, explanation)) = self.explained(job).await? else {
            return Ok(());
        };
        element::<Element>("baselines-list").set_inner_html("");
        say("baselines-note", Phrase::nothing());
        self.open_chapter("baselines", &explanation);
        let tried = self.try_each(job, &pool, &explanation).await;
        if tried.is_err() || !job.is_current() {
            return tried;
        }
        self.take_back(job, &pool, &explanation).await?;
        if job.is_current() {
            self.say_status(phrase!("Done: choose a baseline to explain with it."));
        }
        Ok(())
    }

    async fn try_each(
        self: &Rc<Self>,
        job: &PageJob,
        pool: &Pool,
        explanation: &Explanation,
    ) -> Result<(), Failure> {
        let looked = self.looked.borrow().clone();
        let Some(looked) = looked else {
            return Ok(());
        };
        let preprocessing = &explanation.spec.preprocessing;
        // Of the pixels that are near black: which they are, and their share of the mask from black.
        let mut of_black = None;
        for baseline in Baseline::ALL {
            let other = pool.prepare(&looked.picture, baseline).await?;
            if !job.is_current() {
                return Ok(());
            }
            // From here on the pool holds another path than that of the mask.
            let mut held = explanation.settings.clone();
            held.picture = None;
            self.work.borrow_mut().hold(Some(held));
            pool.keep(&other.input, &other.baseline).await?;
            let what = baseline_name(baseline);
            let ends = [other.input.as_slice(), other.baseline.as_slice()];
            let attributions = self
                .sum_few(job, pool, explanation.target, ends, STEPS, &what)
                .await?;
            let Some(attributions) = attributions else {
                return Ok(());
            };
            let map = reduce_absolute(&attributions.values);
            let pixels = [&other.baseline, &other.input];
            let pixels = pixels.map(|planes| preprocessing.rgba(planes));
            self.add_baseline(baseline, explanation, &pixels, &map);
            if baseline == Baseline::Black {
                let near = preprocessing.std.map(|std| NEAR / std);
                let near = unmoved(&other.input, &other.baseline, near);
                let mass = share(&near, map.iter().copied());
                of_black = Some((near, mass));
            }
            if let (Some((near, black)), Baseline::Grey) = (&of_black, baseline) {
                say(
                    "baselines-note",
                    phrase!(
                        "{area}% of this picture is as good as black. From a black baseline these pixels hardly move, and get {black}% of the mask; from grey they get {grey}%. No baseline can see the pixels that it shares with the photo.",
                        area = percent(share(near, near.iter().map(|_| 1.0)), 1),
                        black = percent(*black, 1),
                        grey = percent(share(near, map.iter().copied()), 1),
                    ),
                );
            }
        }
        Ok(())
    }

    /// A card: the baseline, the mask over the photo, and a way to choose it.
    fn add_baseline(
        self: &Rc<Self>,
        baseline: Baseline,
        explanation: &Explanation,
        pixels: &[Vec<u8>; 2],
        map: &[f32],
    ) {
        let button: HtmlButtonElement = create("button");
        button.set_type("button");
        let chosen = explanation.settings.baseline() == baseline;
        let pressed = if chosen { "true" } else { "false" };
        button.set_attribute("aria-pressed", pressed).unwrap_or(());
        let pair: Element = create("div");
        pair.set_class_name("pair");
        for (k, pixels) in pixels.iter().enumerate() {
            let canvas: HtmlCanvasElement = create("canvas");
            canvas.set_attribute("aria-hidden", "true").unwrap_or(());
            let width = explanation.width();
            picture::show(&canvas, pixels, width);
            if k == 1 {
                let palette = self.latest().palette;
                picture::lay_over(&canvas, &Mask::of_map(map).to_rgba(palette), width);
                super::coloured(&canvas, Some(pixels), map, width);
            }
            append(&pair, &canvas);
        }
        append(&button, &pair);
        let name: Element = create("strong");
        say_in(&name, baseline_name(baseline));
        append(&button, &name);
        let page = Rc::clone(self);
        let this = button.clone();
        on(&button, "click", move |_: Event| {
            for other in all("#baselines-list button") {
                let pressed = other == *this.as_ref();
                let pressed = if pressed { "true" } else { "false" };
                other.set_attribute("aria-pressed", pressed).unwrap_or(());
            }
            let before = page.latest().baseline();
            page.change(|settings| settings.set_baseline(baseline));
            if before == baseline && !page.jobs.is_busy() {
                page.begin(Begin::Sum);
            }
        });
        let item: Element = create("li");
        append(&item, &button);
        append(&element("baselines-list"), &item);
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
