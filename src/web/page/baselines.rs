//! Where should the path start? Every baseline on one picture, side by side.

use std::rc::Rc;

use super::job::PageJob;
use super::{Page, baseline_name};
use crate::attribution::Baseline;
use crate::mask::reduce_absolute;
use crate::page::baselines::{Unseen, card};
use crate::page::{Begin, Explanation, Panel};
use crate::protocol::Failure;
use crate::web::dom::all;
use crate::web::parts::{on_part, put};
use crate::web::pool::Pool;
use crate::web::words::{Phrase, phrase, say};

/// Steps for each baseline: enough to see the difference.
const STEPS: usize = 20;

impl Page {
    pub(super) fn listen_to_baselines(self: &Rc<Self>) {
        self.on_start("baselines-start", |page, job| async move {
            page.try_baselines(&job).await
        });
        let page = Rc::clone(self);
        on_part("baselines-list", "data-baseline", move |chosen| {
            for other in all("[data-baseline]") {
                let pressed = other.get_attribute("data-baseline").as_deref() == Some(chosen);
                let pressed = if pressed { "true" } else { "false" };
                other.set_attribute("aria-pressed", pressed).unwrap_or(());
            }
            let before = page.latest().baseline();
            let baseline = Baseline::from_name(chosen).unwrap_or(before);
            page.change(|settings| settings.set_baseline(baseline));
            if before == baseline && !page.jobs.is_busy() {
                page.begin(Begin::Sum);
            }
        });
    }

    async fn try_baselines(self: &Rc<Self>, job: &PageJob) -> Result<(), Failure> {
        let Some((pool, explanation)) = self.explained(job).await? else {
            return Ok(());
        };
        put(Panel::new()
            .holds("baselines-list", [])
            .says("baselines-note", Phrase::nothing()));
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
            let chosen = explanation.settings.baseline() == baseline;
            let card = card(baseline, chosen, pixels, &map, explanation.width());
            put(Panel::new().adds("baselines-list", card));
            match (baseline, &of_black) {
                (Baseline::Black, _) => {
                    let of = Unseen::of(&other.input, &other.baseline, &map, preprocessing);
                    of_black = Some(of);
                }
                (Baseline::Grey, Some(of_black)) => say("baselines-note", of_black.beside(&map)),
                _ => {}
            }
        }
        Ok(())
    }
}
