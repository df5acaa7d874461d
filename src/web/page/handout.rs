//! One page to print: photo, mask, how it came about, and the paper.

use std::rc::Rc;

use wasm_bindgen::JsValue;
use wasm_bindgen_futures::JsFuture;
use web_sys::{Element, Event, HtmlImageElement};

use super::{Page, append, class, create, titles};
use crate::page::View;
use crate::protocol::Failure;
use crate::web::dom::{document, element, message, on, window};
use crate::web::words::{Phrase, decimal, name, percent, phrase, say, say_in};

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
        say("handout-title", titles::title(&shown));
        let failed = |error: JsValue| super::export::failed(&message(&error));
        // As large as a page can show, and no canvas that a phone refuses.
        let [width, height] = self.stage.borrow().size(View::Original);
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
        let list: Element = element("handout-facts");
        list.set_inner_html("");
        let report = shown.report();
        let facts = [
            (phrase!("Network"), Phrase::of(name(&*shown.spec.title))),
            (phrase!("Class"), titles::label(&shown)),
            (
                phrase!("Probability"),
                phrase!(
                    "{share}%",
                    share = percent(f64::from(report.probability), 1)
                ),
            ),
            (
                phrase!("Baseline"),
                super::baseline_name(shown.settings.baseline()),
            ),
            (
                phrase!("Rule"),
                phrase!(
                    "{rule}, {gradients} gradients",
                    rule = name(report.rule.as_str()),
                    gradients = report.gradient_evaluations,
                ),
            ),
            (
                phrase!("F(x′), F(x)"),
                phrase!(
                    "{baseline}, {photo}",
                    baseline = decimal(f64::from(report.output_baseline), 2),
                    photo = decimal(f64::from(report.output_input), 2),
                ),
            ),
            (
                phrase!("Sum of the attributions"),
                phrase!(
                    "{sum} ({share}% off)",
                    sum = decimal(report.attribution_sum, 2),
                    share = percent(shown.missed().unwrap_or_default(), 1),
                ),
            ),
        ];
        for (what, value) in facts {
            for (tag, phrase) in [("dt", what), ("dd", value)] {
                let part: Element = create(tag);
                say_in(&part, phrase);
                append(&list, &part);
            }
        }
        printing(true);
        // Refused in frames that may not print; then nothing happens, as people there expect.
        window().print().unwrap_or(());
        Ok(())
    }
}

fn printing(on: bool) {
    if let Some(body) = document().body() {
        class(&body, "with-handout", on);
    }
}
