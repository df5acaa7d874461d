//! The idea, step by step: the explanation that is shown, taken apart along its path, under a
//! slider.

use std::rc::Rc;

use wasm_bindgen_futures::spawn_local;
use web_sys::{Event, HtmlInputElement};

use super::Page;
use crate::page::steps;
use crate::page::study::take_walk;
use crate::page::walk::{self, Walk};
use crate::web::dom::{element, on, sleep};
use crate::web::parts::{on_part, put};
use crate::web::words::{phrase, say};

/// How long each stop is shown while playing.
const STOP_MS: i32 = 220;

fn slider() -> HtmlInputElement {
    element("walk-alpha")
}

/// The stop that the slider stands at.
fn stop() -> usize {
    slider().value_as_number() as usize
}

impl Page {
    pub(super) fn listen_to_walk(self: &Rc<Self>) {
        self.on_study("walk-start", async |study, explanation| {
            let walk = take_walk(study, explanation).await?;
            study.desk.page.begin_walk(walk);
            Ok(phrase!("Done: drag α, or press Play."))
        });
        let page = Rc::clone(self);
        on(&slider(), "input", move |_: Event| page.show_stop());
        self.on_click("walk-play", |page| {
            let playing = page.playing.get();
            page.playing.set(!playing);
            if !playing {
                let page = Rc::clone(page);
                spawn_local(async move { page.play().await });
            }
        });
        let page = Rc::clone(self);
        on_part("walk-strip", "data-stop", move |stop| {
            slider().set_value(stop);
            page.show_stop();
        });
        for station in walk::STATIONS {
            let id = format!("walk-station-{station}");
            self.on_click(&id, move |_| put(&walk::select(station)));
        }
    }

    /// A walk was taken: it begins where the link says, or in its middle.
    fn begin_walk(&self, walk: Walk) {
        let place = walk.nearest(self.lesson.borrow_mut().alpha.take());
        slider().set_max(&walk.trail.last().to_string());
        slider().set_value(&place.to_string());
        let explanation = Rc::clone(&walk.explanation);
        self.playing.set(false);
        self.trail.replace(Some(walk));
        // The masks of other numbers of steps belong to one picture and class.
        put(&steps::cleared());
        self.open_chapter("walk", &explanation);
        self.show_walk();
        put(walk::select("image").focus("walk-alpha"));
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
        Some(walk.as_ref()?.trail.alpha(stop()))
    }

    fn show_stop(&self) {
        if let Some(walk) = &*self.trail.borrow()
            && let Ok(shown) = walk.stop(stop(), self.latest().palette)
        {
            put(&shown);
        }
    }

    /// From the stop that is shown to the end; from the end, all of it again.
    async fn play(self: Rc<Self>) {
        say("walk-play", phrase!("Pause"));
        let last = || {
            let walk = self.trail.borrow();
            walk.as_ref().map_or(0, |walk| walk.trail.last())
        };
        if stop() >= last() {
            slider().set_value("0");
            self.show_stop();
        }
        while self.playing.get() {
            sleep(STOP_MS).await;
            let next = stop() + 1;
            if !self.playing.get() || next > last() {
                break;
            }
            slider().set_value(&next.to_string());
            self.show_stop();
        }
        self.playing.set(false);
        say("walk-play", phrase!("Play"));
    }
}
