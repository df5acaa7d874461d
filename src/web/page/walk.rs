//! The idea, step by step: the explanation that is shown, taken apart along its path. Its stops, its numbers and its
//! mask are those of the stage.

use std::cell::RefCell;
use std::rc::Rc;

use wasm_bindgen_futures::spawn_local;
use web_sys::{Element, Event, HtmlInputElement};

use super::job::PageJob;
use super::{Page, class};
use crate::attribution::{PartialSum, Trail};
use crate::page::walk::{self, STOPS, Walk};
use crate::protocol::Failure;
use crate::web::dom::{all, element, now, on, sleep};
use crate::web::parts::{on_part, put};
use crate::web::words::{phrase, say};

/// How long each stop is shown while playing.
const STOP_MS: i32 = 220;

impl Page {
    pub(super) fn listen_to_walk(self: &Rc<Self>) {
        self.on_start("walk-start", |page, job| async move {
            page.take_walk(&job).await
        });
        on(&element::<HtmlInputElement>("walk-alpha"), "input", {
            let page = Rc::clone(self);
            move |_: Event| page.show_stop()
        });
        on(&element::<Element>("walk-play"), "click", {
            let page = Rc::clone(self);
            move |_: Event| {
                let playing = page.playing.get();
                page.playing.set(!playing);
                if !playing {
                    let page = Rc::clone(&page);
                    spawn_local(async move { page.play().await });
                }
            }
        });
        let page = Rc::clone(self);
        on_part("walk-strip", "data-stop", move |stop| {
            element::<HtmlInputElement>("walk-alpha").set_value(stop);
            page.show_stop();
        });
        for station in all("[data-station]") {
            let name = station.get_attribute("data-station").unwrap_or_default();
            on(&station, "click", move |_: Event| select(&name));
        }
    }

    /// Every gradient of the explanation once more, one by one.
    async fn take_walk(self: &Rc<Self>, job: &PageJob) -> Result<(), Failure> {
        let Some((pool, explanation)) = self.explained(job).await? else {
            return Ok(());
        };
        let trail = RefCell::new(Trail::new(explanation.quadrature.clone(), STOPS));
        let all = explanation.quadrature.alphas.len();
        let take = |gradient: PartialSum| {
            trail.borrow_mut().add(gradient)?;
            let done = trail.borrow().gradients();
            let sentence = phrase!("Walking: {done} of {all} gradients", done = done, all = all);
            job.progress(done, all, now(), sentence);
            Ok(())
        };
        let quadrature = &explanation.quadrature;
        job.start_clock(now());
        if !self
            .gather(job, &pool, explanation.target, quadrature, take)
            .await?
        {
            return Ok(());
        }
        let walk = Walk {
            trail: trail.into_inner(),
            explanation: Rc::clone(&explanation),
        };
        let slider: HtmlInputElement = element("walk-alpha");
        let place = walk.nearest(self.lesson.borrow_mut().alpha.take());
        slider.set_max(&walk.trail.last().to_string());
        slider.set_value(&place.to_string());
        self.playing.set(false);
        self.trail.replace(Some(walk));
        self.forget_steps();
        self.open_chapter("walk", &explanation);
        self.show_walk();
        select("image");
        self.say_status(phrase!("Done: drag α, or press Play."));
        slider.focus().unwrap_or(());
        Ok(())
    }

    /// What does not change with α, and what does.
    pub(super) fn show_walk(&self) {
        if let Some(walk) = &*self.trail.borrow() {
            put(&walk.still(&self.latest()));
        }
        self.show_stop();
    }

    /// Where the walk stands, if one was taken.
    pub(super) fn alpha(&self) -> Option<f64> {
        let walk = self.trail.borrow();
        let slider: HtmlInputElement = element("walk-alpha");
        Some(
            walk.as_ref()?
                .trail
                .alpha(slider.value_as_number() as usize),
        )
    }

    fn show_stop(&self) {
        let slider: HtmlInputElement = element("walk-alpha");
        if let Some(walk) = &*self.trail.borrow()
            && let Ok(stop) = walk.stop(slider.value_as_number() as usize, self.latest().palette)
        {
            put(&stop);
        }
    }

    /// From the stop that is shown to the end; from the end, all of it again.
    async fn play(self: Rc<Self>) {
        say("walk-play", phrase!("Pause"));
        let slider: HtmlInputElement = element("walk-alpha");
        let last = || {
            let walk = self.trail.borrow();
            walk.as_ref().map_or(0, |walk| walk.trail.last())
        };
        if slider.value_as_number() as usize >= last() {
            slider.set_value("0");
            self.show_stop();
        }
        while self.playing.get() {
            sleep(STOP_MS).await;
            let stop = slider.value_as_number() as usize + 1;
            if !self.playing.get() || stop > last() {
                break;
            }
            slider.set_value(&stop.to_string());
            self.show_stop();
        }
        self.playing.set(false);
        say("walk-play", phrase!("Play"));
    }
}

/// Puts a station in the light, with its part of the formula and what is to be seen there.
fn select(name: &str) {
    for station in all("[data-station]") {
        let here = station.get_attribute("data-station").as_deref() == Some(name);
        let changed = if here {
            station.set_attribute("aria-current", "step")
        } else {
            station.remove_attribute("aria-current")
        };
        changed.unwrap_or(());
    }
    for part in all("#formula [data-part]") {
        let of = part.get_attribute("data-part").unwrap_or_default();
        class(&part, "lit", walk::is_lit(&of, name));
    }
    say("walk-lesson", walk::lesson(name));
}
