//! One page to print: photo, mask, how it came about, and the paper.

use std::rc::Rc;

use wasm_bindgen::JsValue;
use wasm_bindgen_futures::JsFuture;
use web_sys::{Element, Event, HtmlImageElement};

use super::{Page, body, class};
use crate::page::View;
use crate::page::handout::facts;
use crate::protocol::Failure;
use crate::web::dom::{element, message, on, window};
use crate::web::parts::put;

/// Longest side of a plate, in pixels: half a page at 300 to the inch.
const LARGEST_PLATE: f64 = 2000.0;

impl Page {
    pub(super) fn listen_to_handout(self: &Rc<Self>) {
        on(&window(), "afterprint", |_: Event| printing(false));
    }

    /// Fills the handout and opens the browser's print dialog, once both pictures can be printed.
    pub(super) async fn print_handout(&self) -> Result<(), Failure> {
        let Some(shown) = self.shown() else {
            return Ok(());
        };
        put(&facts(&shown));
        let failed = |error: JsValue| super::export::failed(&message(&error));
        // As large as a page can show, and no canvas that a phone refuses.
        let [width, height] = self.stage.borrow().shown().size(View::Original);
        let scale = (LARGEST_PLATE / width.max(height).max(1.0)).min(1.0);
        for (id, view) in [
            ("handout-photo", View::Original),
            ("handout-mask", View::Overlay),
        ] {
            let picture = || -> Result<String, JsValue> {
                self.stage.borrow().paint(view, None, scale)?.to_data_url()
            };
            let image: HtmlImageElement = element(id);
            image.set_src(&picture().map_err(failed)?);
            // What is not decoded yet is not printed, or what was there before is.
            JsFuture::from(image.decode()).await.map_err(failed)?;
        }
        // A lesson's task goes on paper too: it is text and nothing else.
        let task = element::<Element>("task-text").inner_html();
        element::<Element>("handout-task").set_inner_html(&task);
        printing(true);
        // Refused in frames that may not print; then nothing happens, as people there expect.
        window().print().unwrap_or(());
        Ok(())
    }
}

fn printing(on: bool) {
    class(&body(), "with-handout", on);
}
