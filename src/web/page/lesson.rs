//! What a link asks for besides settings: a task, hidden controls, an open chapter, a pinned mask; and the link as a QR
//! code.

use std::rc::Rc;

use web_sys::{Element, Event, HtmlDialogElement, HtmlElement, HtmlInputElement};

use super::address::{address, write_parameter};
use super::{Page, append, body, class, create, show};
use crate::model::catalog::CATALOG;
use crate::page::{FREE, Lesson, qr_path};
use crate::web::dom::{element, on};
use crate::web::words::{Phrase, phrase, say};

impl Page {
    /// Shows and hides what the link asks for.
    pub(super) fn set_up_lesson(&self, lesson: Lesson) {
        for part in &lesson.hidden {
            class(&body(), &format!("hide-{part}"), true);
        }
        let text: Element = element("task-text");
        for line in &lesson.task {
            let paragraph: Element = create("p");
            // Whatever it says, it is text.
            paragraph.set_text_content(Some(line));
            append(&text, &paragraph);
        }
        show("task", !lesson.task.is_empty());
        show("lacks-photo", lesson.lacks_photo);
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
        on(&element::<Element>("qr-close"), "click", {
            let dialog = dialog.clone();
            move |_: Event| dialog.close()
        });
        on(&element::<Element>("qr-open"), "click", {
            let page = Rc::clone(self);
            move |_: Event| {
                let link = address();
                let drawn = qr_path(&link);
                show("qr", drawn.is_some());
                if let Some((path, side)) = &drawn {
                    let svg: Element = element("qr");
                    let box_ = format!("0 0 {side} {side}");
                    svg.set_attribute("viewBox", &box_).unwrap_or(());
                    element::<Element>("qr-squares")
                        .set_attribute("d", path)
                        .unwrap_or(());
                }
                let own = !page.latest().picture_in_address() && page.looked.borrow().is_some();
                say(
                    "qr-note",
                    match (drawn.is_some(), own) {
                        (false, _) => phrase!(
                            "This link is too long for a QR code. Copy it, or shorten the task."
                        ),
                        (true, true) => {
                            phrase!("It restores everything but your photo, which stays here.")
                        }
                        (true, false) => phrase!("It restores what you see."),
                    },
                );
                say("qr-link", Phrase::of(link));
                dialog.show_modal().unwrap_or(());
            }
        });
    }
}
