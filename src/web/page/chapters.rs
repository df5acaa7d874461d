//! Below the photo: what can be learnt from a finished mask. A chapter stays open when another mask comes, and says
//! whose it is.

use std::rc::Rc;

use web_sys::{Element, Event, HtmlButtonElement, HtmlCanvasElement};

use super::address::write_parameter;
use super::job::PageJob;
use super::{Page, append, create, show, titles};
use crate::page::Explanation;
use crate::protocol::Failure;
use crate::web::dom::{element, on};
use crate::web::picture;
use crate::web::words::{Phrase, phrase, say, say_in};

/// The chapters: each has `-start`, `-body` and `-of` in index.html.
pub(super) const CHAPTERS: [&str; 8] = [
    "guess",
    "whatif",
    "ledger",
    "walk",
    "trust",
    "fragile",
    "methods",
    "baselines",
];

/// Chapters that need no mask: they stay as they are, whatever is looked at.
pub(super) const FREE: [&str; 3] = ["live", "teach", "quiz"];

/// Those that are painted on, or laid out in squares.
const SQUARE: [&str; 3] = ["guess", "whatif", "methods"];

/// A button that does nothing for a while keeps its place, and the focus of whoever pressed it.
fn rest(button: &HtmlButtonElement, resting: bool) {
    let resting = if resting { "true" } else { "false" };
    button.set_attribute("aria-disabled", resting).unwrap_or(());
}

/// Adds a picture, RGBA, to a chapter's list, and what is said beneath it.
pub(super) fn add_plate(list: &str, rgba: &[u8], width: usize, title: Phrase) {
    let item: Element = create("li");
    let canvas: HtmlCanvasElement = create("canvas");
    canvas.set_attribute("aria-hidden", "true").unwrap_or(());
    picture::show(&canvas, rgba, width);
    append(&item, &canvas);
    let strong: Element = create("strong");
    say_in(&strong, title);
    append(&item, &strong);
    append(&element(list), &item);
}

impl Page {
    /// A chapter shows the results of that explanation from now on, or begins to.
    pub(super) fn open_chapter(&self, name: &str, of: &Rc<Explanation>) {
        if let Some(k) = CHAPTERS.iter().position(|&chapter| chapter == name) {
            self.made_of.borrow_mut()[k] = Some(Rc::clone(of));
        }
        write_parameter("chapter", Some(name));
        let body: Element = element(&format!("{name}-body"));
        let was_hidden = body.has_attribute("hidden");
        show(&format!("{name}-body"), true);
        self.show_chapters();
        // Whoever has it open is there already.
        if was_hidden {
            element::<Element>(name).scroll_into_view();
        }
    }

    /// Opens a chapter that needs no mask.
    pub(super) fn open_free(&self, name: &str) {
        write_parameter("chapter", Some(name));
        let body = format!("{name}-body");
        let was_hidden = element::<Element>(&body).has_attribute("hidden");
        self.show_teaching();
        show(&body, true);
        if was_hidden {
            element::<Element>(name).scroll_into_view();
        }
    }

    /// Does work of a chapter that needs no photo, and can be cancelled all the same.
    pub(super) fn run_free<F: Future<Output = Result<(), Failure>> + 'static>(
        self: &Rc<Self>,
        work: impl FnOnce(Rc<Self>, PageJob) -> F + 'static,
    ) {
        self.run(work);
        self.free_work.set(true);
        self.show_controls();
    }

    /// Another photo: no chapter has anything to show.
    pub(super) fn close_chapters(&self) {
        if self.made_of.borrow().iter().any(Option::is_some) {
            write_parameter("chapter", None);
            write_parameter("alpha", None);
        }
        self.made_of.take();
        self.trail.replace(None);
        self.playing.set(false);
        self.forget_guess();
        self.whatif.replace(None);
        self.ledger.replace(None);
        for name in CHAPTERS {
            show(&format!("{name}-body"), false);
        }
        self.show_chapters();
    }

    /// Which chapters can be begun, and whose results are in those that are open.
    pub(super) fn show_chapters(&self) {
        let finished = self.shown().filter(|shown| shown.is_finished());
        let busy = self.jobs.is_busy();
        for (k, name) in CHAPTERS.into_iter().enumerate() {
            let made_of = self.made_of.borrow()[k].clone();
            let other = match (&made_of, &finished) {
                (Some(made_of), Some(shown)) => !Rc::ptr_eq(made_of, shown),
                (Some(_), None) => true,
                (None, _) => false,
            };
            let button: HtmlButtonElement = element(&format!("{name}-start"));
            let square = |shown: &Rc<Explanation>| {
                let preprocessing = &shown.spec.preprocessing;
                preprocessing.width == preprocessing.height
            };
            let fits = !SQUARE.contains(&name) || finished.as_ref().is_none_or(square);
            button.set_disabled(finished.is_none() || !fits);
            rest(&button, busy);
            let done = made_of.is_some() && !other;
            super::class(&button, "quiet", done);
            super::class(&button, "primary", !done);
            show(&format!("{name}-of"), other || !fits);
            let whose = match &made_of {
                None if !fits => {
                    phrase!("This chapter is for networks whose pictures are square.")
                }
                Some(made_of) => phrase!(
                    "This belongs to the mask before: {title}.",
                    title = titles::title(made_of),
                ),
                None => Phrase::nothing(),
            };
            say(&format!("{name}-of"), whose);
        }
        // These work with the engine alone: they have pictures of their own.
        let engine = self.pool.borrow().is_some();
        for id in ["live-start", "teach-train", "quiz-start"] {
            element::<HtmlButtonElement>(id).set_disabled(!engine);
        }
        for id in ["quiz-start", "quiz-next", "quiz-again"] {
            rest(&element(id), busy);
        }
        for id in [
            "steps-start",
            "ledger-experiment",
            "whatif-keep",
            "whatif-flip",
        ] {
            let within: HtmlButtonElement = element(id);
            within.set_disabled(finished.is_none());
            rest(&within, busy);
        }
    }

    /// Begins a chapter's work when its button is pressed, unless something else is being done.
    pub(super) fn on_start<F: Future<Output = Result<(), Failure>> + 'static>(
        self: &Rc<Self>,
        id: &str,
        work: impl Fn(Rc<Self>, PageJob) -> F + Copy + 'static,
    ) {
        let page = Rc::clone(self);
        on(&element::<Element>(id), "click", move |_: Event| {
            if !page.jobs.is_busy() {
                page.run(work);
            }
        });
    }

    /// Other colours: everything that is drawn in them is drawn anew.
    pub(super) fn redraw_chapters(self: &Rc<Self>) {
        self.show_walk();
        self.show_guess();
        self.show_whatif();
        self.show_ledger();
        self.show_quiz();
        super::recolour(self.latest().palette);
    }
}
