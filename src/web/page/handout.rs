//! One page to print: photo, mask, how it came about, and the paper.

use std::rc::Rc;

use wasm_bindgen::JsValue;
use web_sys::{Element, Event, HtmlImageElement};

use super::{Page, append, class, create};
use crate::protocol::Failure;
use crate::web::dom::{document, element, message, on, window};
use crate::web::stage::View;
use crate::web::words::{Phrase, decimal, name, percent, phrase, say, say_in};

impl Page {
    pub(super) fn listen_to_handout(self: &Rc<Self>) {
        on(&window(), "afterprint", |_: Event| printing(false));
    }

    /// Fills the handout and opens the browser's print dialogue.
    pub(super) fn print_handout(&self) -> Result<(), Failure> {
        let finished = self.finished.borrow();
        let Some(finished) = finished.as_ref() else {
            return Ok(());
        };
        let report = &finished.report;
        say("handout-title", self.title.borrow().clone());
        for (id, view) in [
            ("handout-photo", View::Original),
            ("handout-mask", View::Overlay),
        ] {
            let picture = || -> Result<String, JsValue> {
                self.stage.borrow().paint(view, None)?.to_data_url()
            };
            let url = picture().map_err(|error| super::export::failed(&message(&error)))?;
            element::<HtmlImageElement>(id).set_src(&url);
        }
        let list: Element = element("handout-facts");
        list.set_inner_html("");
        let change = f64::from(report.output_input) - f64::from(report.output_baseline);
        let share = if change == 0.0 {
            0.0
        } else {
            report.convergence_delta / change
        };
        let spec = self.spec(&report.model);
        let network = spec.map_or_else(|| report.model.clone(), |spec| spec.title.to_string());
        let facts = [
            (phrase!("Network"), Phrase::of(name(network))),
            (phrase!("Class"), Phrase::of(name(report.label.as_str()))),
            (
                phrase!("Probability"),
                phrase!(
                    "{share} %",
                    share = percent(f64::from(report.probability), 1)
                ),
            ),
            (
                phrase!("Baseline"),
                super::baseline_name(super::chosen_baseline()),
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
                    "{sum} ({share} % off)",
                    sum = decimal(report.attribution_sum, 2),
                    share = percent(share, 1),
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
