//! Guess, then see: the veil over the stage while people paint.

use std::rc::Rc;

use super::{Page, body, brush, class};
use crate::page::{Explanation, Guess, Panel};
use crate::protocol::Failure;
use crate::web::parts::put;
use crate::web::words::phrase;

impl Page {
    pub(super) fn listen_to_guess(self: &Rc<Self>) {
        let page = Rc::clone(self);
        let brush = brush::listen("guess", move |_| page.show_guess());
        self.guess_brush.set(brush).unwrap_or(());
        self.on_start("guess-start", |page, _| async move {
            page.begin_guess();
            Ok::<(), Failure>(())
        });
        self.on_click("guess-next", |page| {
            page.in_guess(Guess::keep);
            put(Panel::new().focus("guess-canvas"));
        });
        self.on_click("guess-uncover", |page| {
            page.in_guess(Guess::uncover);
            page.veil(false);
            put(Panel::new().focus("guess-score"));
            page.say_status(phrase!("Done: the mask is beside the guess."));
        });
    }

    /// An empty picture to paint on; the mask is covered wherever it is.
    fn begin_guess(self: &Rc<Self>) {
        let (Some(explanation), Some(brush)) = (self.shown(), self.guess_brush.get()) else {
            return;
        };
        put(&brush.borrow_mut().reset(explanation.width()));
        self.guess.replace(Some(Guess::new(&explanation, brush)));
        self.veil(true);
        self.open_chapter("guess", &explanation);
        self.show_guess();
        put(Panel::new().focus("guess-canvas"));
    }

    /// Does something with the guess, and shows what came of it.
    fn in_guess(&self, act: impl FnOnce(&mut Guess) -> Panel) {
        if let Some(guess) = self.guess.borrow_mut().as_mut() {
            put(&act(guess));
        }
        self.show_guess();
    }

    /// No guess is under way, and nothing is covered.
    pub(super) fn forget_guess(&self) {
        self.guess.replace(None);
        // A link that begins with a guess covers the mask of the photo to come.
        let to_come = self.lesson.borrow().chapter == Some("guess");
        self.veil(to_come);
    }

    fn veil(&self, veiled: bool) {
        class(&body(), "guessing", veiled);
        self.stage.borrow_mut().set_veiled(veiled);
        self.show_summaries();
    }

    /// What the last group has painted on what is explained there.
    pub(super) fn last_guess(&self, explanation: &Rc<Explanation>) -> Option<Vec<bool>> {
        let guess = self.guess.borrow();
        guess.as_ref()?.last(explanation).map(<[bool]>::to_vec)
    }

    pub(super) fn show_guess(&self) {
        if let Some(guess) = &*self.guess.borrow() {
            put(&guess.panel(self.latest().palette));
        }
    }
}
