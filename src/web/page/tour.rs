//! The guided tour: a dialog that leaves the page usable, points at a part of it, and goes on when
//! something was done.

use std::rc::Rc;

use web_sys::{Element, Event, HtmlDialogElement, HtmlElement, KeyboardEvent};

use super::address::parameter;
use super::chapters::CHAPTERS;
use super::settings::{keep, kept};
use super::{Page, class};
use crate::page::{Facts, Step, Tour};
use crate::web::dom::{all, document, element, on, window};
use crate::web::parts::put;
use crate::web::words::{phrase, say};

/// The name under which the browser keeps the step that someone has come to; nothing, once the tour
/// is over.
const KEPT: &str = "violet.tour";

fn dialog() -> HtmlDialogElement {
    element("tour")
}

impl Page {
    pub(super) fn listen_to_tour(self: &Rc<Self>) {
        let name_button = || match kept(KEPT).is_some_and(|name| !name.is_empty()) {
            true => say("tour-start", phrase!("Go on with the guided tour")),
            false => say("tour-start", phrase!("Guided tour")),
        };
        self.on_click("tour-start", |page| page.begin_tour());
        self.on_click("tour-next", |page| page.go_on_with_tour(false));
        self.on_click("tour-back", |page| {
            let tour = page.tour.borrow().clone();
            let back = tour.and_then(|tour| tour.back(&page.facts(), is_there));
            if back.is_some() {
                page.tour.replace(back);
                page.show_tour(false);
            }
        });
        self.on_click("tour-leave", |_| dialog().close());
        on(&dialog(), "keydown", |event: KeyboardEvent| {
            if event.key() == "Escape" {
                dialog().close();
            }
        });
        on(&dialog(), "close", {
            let page = Rc::clone(self);
            move |_: Event| {
                page.tour.replace(None);
                point_at(None);
                name_button();
                element::<HtmlElement>("tour-start").focus().unwrap_or(());
            }
        });
        on(&element::<Element>("about-sum"), "toggle", {
            let page = Rc::clone(self);
            move |_: Event| page.notice_tour()
        });
        name_button();
        if parameter("tour").is_some() {
            self.begin_tour();
        }
    }

    /// From where someone has left it, or from the beginning.
    fn begin_tour(&self) {
        let tour = Tour::begin(kept(KEPT).as_deref(), &self.facts(), is_there);
        let Some(tour) = tour.or_else(|| Tour::begin(None, &self.facts(), is_there)) else {
            return;
        };
        self.tour.replace(Some(tour));
        if !dialog().open() {
            dialog().show();
        }
        self.show_tour(false);
    }

    /// The page has changed: a step that was done is over.
    pub(super) fn notice_tour(&self) {
        let facts = self.facts();
        let done = match self.tour.borrow_mut().as_mut() {
            Some(tour) => {
                tour.settle(&facts);
                tour.is_done(&facts)
            }
            None => false,
        };
        if done {
            self.go_on_with_tour(true);
        }
    }

    fn go_on_with_tour(&self, done: bool) {
        let Some(tour) = self.tour.borrow().clone() else {
            return;
        };
        match tour.next(&self.facts(), is_there) {
            Some(next) => {
                self.tour.replace(Some(next));
                self.show_tour(done);
            }
            None => {
                keep(KEPT, "");
                dialog().close();
            }
        }
    }

    /// Says what the step says, and points at what it is about.
    fn show_tour(&self, done: bool) {
        let tour = self.tour.borrow();
        let Some(tour) = tour.as_ref() else { return };
        keep(KEPT, tour.step().name);
        put(&tour.panel(done, &self.facts(), is_there));
        point_at(Some(tour.step()));
    }

    /// What the tour can see.
    fn facts(&self) -> Facts {
        let shown = self.shown().filter(|shown| shown.is_finished());
        let mask = shown.filter(|_| !self.jobs.is_busy());
        let made_of = self.made_of.borrow();
        let open = CHAPTERS.into_iter().zip(made_of.iter());
        let open = open.filter(|(_, of)| of.is_some()).map(|(name, _)| name);
        let about_sum = document().query_selector("#about-sum:popover-open");
        Facts {
            photo: self.looked.borrow().is_some(),
            output: mask.as_ref().map(|shown| shown.target.output),
            baseline: match &mask {
                Some(shown) => shown.settings.baseline(),
                None => self.latest().baseline(),
            },
            mask: mask.is_some(),
            view: self.latest().view,
            about_sum: about_sum.is_ok_and(|note| note.is_some()),
            chapters: open.collect(),
            copied: self.copied.get(),
        }
    }
}

fn anchor(step: &Step) -> Option<Element> {
    document().query_selector(step.anchor).ok()?
}

/// Whether the page shows what a step points at, or will once there is a photo: what a link hides
/// it does not.
fn is_there(step: &Step) -> bool {
    anchor(step).is_some_and(|anchor| {
        let hidden = |selector: &str| anchor.closest(selector).is_ok_and(|found| found.is_some());
        let waits = "body:not(.with-photo) .with-photo-only, body:not(.with-photo) .chapters";
        hidden(waits) || anchor.get_bounding_client_rect().width() > 0.0
    })
}

/// Marks what is pointed at, and brings it into view.
fn point_at(step: Option<&Step>) {
    for toured in all(".toured") {
        class(&toured, "toured", false);
    }
    let Some(anchor) = step.and_then(anchor) else {
        return;
    };
    class(&anchor, "toured", true);
    let place = anchor.get_bounding_client_rect();
    let height = window()
        .inner_height()
        .ok()
        .and_then(|height| height.as_f64());
    if place.top() < 0.0 || height.is_some_and(|height| place.top() > 0.6 * height) {
        anchor.scroll_into_view();
    }
}
