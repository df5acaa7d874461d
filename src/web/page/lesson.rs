//! What a link asks for besides settings: a task, hidden controls, an open chapter, a pinned mask;
//! and the link as a QR code.

use std::rc::Rc;

use web_sys::{Event, HtmlDialogElement, HtmlElement, HtmlInputElement};

use super::address::{address, write_parameter};
use super::{Page, body, class};
use crate::model::catalog::CATALOG;
use crate::page::{FREE, Lesson, qr};
use crate::web::dom::{element, on};
use crate::web::parts::put;

impl Page {
    /// Shows and hides what the link asks for.
    pub(super) fn set_up_lesson(&self, lesson: Lesson) {
        for part in &lesson.hidden {
            class(&body(), &format!("hide-{part}"), true);
        }
        put(&lesson.panel());
        if let Some(chapter) = lesson.chapter {
            class(&element(chapter), "asked", true);
            // Nobody shall see the mask before the guess.
            self.stage.borrow_mut().set_veiled(chapter == "guess");
            class(&body(), "guessing", chapter == "guess");
        }
        self.lesson.replace(lesson);
    }

    /// Work is done: what the link asks for next is begun.
    pub(super) fn go_on_with_lesson(self: &Rc<Self>) {
        let free = |chapter: &mut &'static str| FREE.contains(chapter);
        let free = self.lesson.borrow_mut().chapter.take_if(free);
        match free {
            // A game is begun; a camera, or what is taught, waits for whoever is there.
            Some("quiz") => {
                element::<HtmlElement>("quiz-start").click();
                return;
            }
            Some(chapter) => self.open_free(chapter),
            None => {}
        }
        if self.shown().is_none_or(|shown| !shown.is_finished()) {
            return;
        }
        let wanted = self.lesson.borrow_mut().pinned.take();
        if let Some(mut wanted) = wanted {
            // What is shown is what shall be pinned; then comes what the address names.
            self.pin();
            if wanted.model.is_empty() {
                wanted.model = CATALOG[0].name.to_string();
            }
            self.change(|settings| *settings = wanted);
            return;
        }
        let chapter = self.lesson.borrow_mut().chapter.take();
        if let Some(chapter) = chapter {
            element::<HtmlElement>(&format!("{chapter}-start")).click();
        }
    }

    pub(super) fn listen_to_lesson(self: &Rc<Self>) {
        on(&element::<HtmlInputElement>("walk-alpha"), "change", {
            let page = Rc::clone(self);
            move |_: Event| {
                if let Some(alpha) = page.alpha() {
                    write_parameter("alpha", Some(&format!("{alpha:.3}")));
                }
            }
        });
        let dialog: HtmlDialogElement = element("qr-dialog");
        self.on_click("qr-close", {
            let dialog = dialog.clone();
            move |_| dialog.close()
        });
        self.on_click("qr-open", move |page| {
            let [photo, network] = page.latest().kept_here();
            let photo = photo && page.looked.borrow().is_some();
            put(&qr(&address(), [photo, network]));
            dialog.show_modal().unwrap_or(());
        });
    }
}
