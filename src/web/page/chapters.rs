//! Below the photo: what can be learnt from a finished mask. A chapter stays open when another mask
//! comes, and says whose it is.

use std::rc::Rc;

use web_sys::Element;

use super::address::write_parameter;
use super::job::PageJob;
use super::{Page, show};
pub(super) use crate::page::CHAPTERS;
use crate::page::study::{compare_methods, compare_steps, put_to_the_test, shake};
use crate::page::{Explanation, chapters};
use crate::protocol::Failure;
use crate::web::dom::element;
use crate::web::parts::{put, recolour};

impl Page {
    /// Chapters that have nothing to touch but what begins them.
    pub(super) fn listen_to_studies(self: &Rc<Self>) {
        self.on_study("steps-start", compare_steps);
        self.on_study("trust-start", put_to_the_test);
        self.on_study("fragile-start", shake);
        self.on_study("methods-start", async |study, explanation| {
            let guess = study.desk.page.last_guess(explanation);
            compare_methods(study, explanation, guess.as_deref()).await
        });
    }

    /// A chapter shows the results of that explanation from now on, or begins to.
    pub(super) fn open_chapter(&self, name: &str, of: &Rc<Explanation>) {
        if let Some(k) = CHAPTERS.iter().position(|&chapter| chapter == name) {
            self.made_of.borrow_mut()[k] = Some(Rc::clone(of));
        }
        self.unfold(name);
        self.show_chapters();
    }

    /// Opens a chapter that needs no mask.
    pub(super) fn open_free(&self, name: &str) {
        if name == "teach" {
            self.show_teaching();
        }
        self.unfold(name);
    }

    fn unfold(&self, name: &str) {
        write_parameter("chapter", Some(name));
        let body: Element = element(&format!("{name}-body"));
        let was_hidden = body.has_attribute("hidden");
        show(&body.id(), true);
        // Whoever has it open is there already.
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
        put(&chapters(
            &self.made_of.borrow(),
            self.shown().as_ref(),
            self.jobs.is_busy(),
            self.pool.borrow().is_some(),
        ));
    }

    /// Begins a chapter's work when its button is pressed, unless something else is being done.
    pub(super) fn on_start<F: Future<Output = Result<(), Failure>> + 'static>(
        self: &Rc<Self>,
        id: &str,
        work: impl Fn(Rc<Self>, PageJob) -> F + Copy + 'static,
    ) {
        self.on_click(id, move |page| {
            if !page.jobs.is_busy() {
                page.run(work);
            }
        });
    }

    /// Other colours: everything that is drawn in them is drawn anew.
    pub(super) fn redraw_chapters(self: &Rc<Self>) {
        self.show_walk();
        self.show_guess();
        self.show_ledger();
        recolour(self.latest().palette);
    }
}
