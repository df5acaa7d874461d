//! Where the page says what is being done: a line, a bar, the time that is left, and a voice.

use web_sys::{Element, HtmlProgressElement};

use super::class;
use crate::page::{Board, duration};
use crate::web::dom::element;
use crate::web::words::{Phrase, say};

/// See the [module](self).
#[derive(Default)]
pub(super) struct Status;

impl Status {
    /// Nothing is being done.
    pub(super) fn rest(&self) {
        element::<HtmlProgressElement>("progress").set_value(0.0);
        class(&element("progress"), "idle", true);
        say("left", Phrase::nothing());
    }
}

impl Board for Status {
    type Words = Phrase;

    fn say(&self, words: Phrase) {
        say("status", words);
    }

    fn announce(&self, words: Phrase) {
        say("said", words);
    }

    fn show(&self, share: Option<f64>) {
        let bar: Element = element("progress");
        match share {
            Some(share) => element::<HtmlProgressElement>("progress").set_value(share),
            None => bar.remove_attribute("value").unwrap_or(()),
        }
        class(&bar, "idle", false);
    }

    fn left(&self, milliseconds: f64) {
        say("left", duration(milliseconds));
    }
}
