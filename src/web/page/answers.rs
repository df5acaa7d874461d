//! What the network says. Choosing an answer explains it.

use std::rc::Rc;

use web_sys::HtmlInputElement;

use super::Page;
use crate::page::Begin;
use crate::page::answers::{Answers, listed};
use crate::web::dom::element;
use crate::web::parts::{on_part, put};
use crate::web::words::translated_name;

impl Page {
    pub(super) fn listen_to_answers(self: &Rc<Self>) {
        let page = Rc::clone(self);
        on_part("predictions", "data-output", move |output| {
            if let Ok(output) = output.parse() {
                page.choose_output(output);
            }
        });
    }

    /// Lists the answers, with the explained one marked.
    pub(super) fn show_answers(&self) {
        let (seen, settings) = (self.seen.borrow().clone(), self.latest());
        let query = element::<HtmlInputElement>("class-search").value();
        let answers = seen.as_ref().map(|seen| Answers {
            spec: &seen.spec,
            prepared: &seen.prepared,
            output: seen.output,
            settings: &settings,
            query: &query,
            translate: &translated_name,
        });
        let (panel, boxes) = listed(answers.as_ref());
        put(&panel);
        self.stage
            .borrow_mut()
            .change(|stage| stage.set_boxes(boxes));
        self.show_what_it_sees();
    }

    /// Explains that output.
    pub(super) fn choose_output(self: &Rc<Self>, output: usize) {
        let explained = self.seen.borrow().as_ref().and_then(|seen| seen.output);
        self.change(|settings| {
            settings.output = Some(output);
            // A class is not held against itself.
            settings.against = settings.against.filter(|&other| other != output);
        });
        if explained == Some(output) && !self.jobs.is_busy() {
            // What was explained as the likeliest is chosen now: the same, or begun again after it was cancelled.
            self.begin(Begin::Sum);
        }
    }
}
