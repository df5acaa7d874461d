//! The controls of [`FIELDS`]: what someone does with one goes into the settings, and what is set is what all of
//! them show.

use std::rc::Rc;

use wasm_bindgen::JsCast;
use web_sys::{Element, Event, HtmlElement, HtmlInputElement, HtmlSelectElement};

use super::settings::keep;
use super::{Page, show};
use crate::page::{FIELDS, Field, Next, Settings};
use crate::web::dom::{all, document, element, on};
use crate::web::words::{decimal, phrase, say};

/// Controls beside those that carry a field's own id: they show and set the same field.
const TWINS: [(&str, &str); 1] = [("steps-range", "steps")];

impl Page {
    pub(super) fn listen_to_controls(self: &Rc<Self>) {
        for field in &FIELDS {
            match field.id {
                "" | "predictions" => {}
                "view" => {
                    for radio in all("input[name=view]") {
                        let page = Rc::clone(self);
                        let name = radio.get_attribute("value").unwrap_or_default();
                        on(&radio, "change", move |_: Event| page.touch(field, &name));
                    }
                }
                id => self.listen_to_control(id, field),
            }
        }
        for (id, of) in TWINS {
            if let Some(field) = Field::of_control(of) {
                self.listen_to_control(id, field);
            }
        }
    }

    fn listen_to_control(self: &Rc<Self>, id: &str, field: &'static Field) {
        let control: Element = element(id);
        // What slides and what is typed is followed at once, as far as it has a meaning already.
        let kinds: &[&str] = match control.get_attribute("type").as_deref() {
            Some("range") => &["input"],
            Some("number") => &["input", "change"],
            _ => &["change"],
        };
        for kind in kinds {
            let (page, control) = (Rc::clone(self), control.clone());
            on(&control.clone(), kind, move |event: Event| {
                page.touch(field, &text_of(&control));
                if event.type_() == "change" {
                    // What has no meaning goes; what was set stays.
                    show_text(&control.id(), &(field.text)(&page.latest()));
                }
            });
        }
    }

    /// Someone set a field's control to this.
    pub(super) fn touch(self: &Rc<Self>, field: &Field, text: &str) {
        self.change(|settings| (field.set)(settings, text));
        if let (Some(storage), Some(text)) = (field.storage, (field.save)(&self.latest())) {
            keep(storage, &text);
        }
    }

    /// Changes what is set, and does what follows.
    pub(super) fn change(self: &Rc<Self>, change: impl FnOnce(&mut Settings)) {
        let before = self.latest();
        let next = self.work.borrow_mut().change(change);
        self.show_settings();
        match next {
            Next::Nothing => {}
            Next::Draw => {
                if self.latest().threshold != before.threshold {
                    self.show_answers();
                } else {
                    self.draw();
                }
            }
            Next::Mark => self.show_controls(),
            Next::Begin(begin) => self.begin(begin),
        }
        self.write_address();
    }

    /// What is set is what the controls show.
    pub(super) fn show_settings(&self) {
        let settings = self.latest();
        let typing = document().active_element().map(|element| element.id());
        for field in FIELDS.iter().filter(|field| !field.id.is_empty()) {
            let text = (field.text)(&settings);
            match field.id {
                "predictions" => {}
                "view" => {
                    for radio in all("input[name=view]") {
                        let radio: &HtmlInputElement = radio.unchecked_ref();
                        radio.set_checked(radio.value() == text);
                    }
                }
                // A number that is being typed is not taken out of someone's hands.
                id if Some(id) == typing.as_deref() && is_being_typed(id) => {}
                id => show_text(id, &text),
            }
        }
        for (id, of) in TWINS {
            if let Some(field) = Field::of_control(of) {
                show_text(id, &(field.text)(&settings));
            }
        }
        for id in ["steps", "steps-range"] {
            element::<HtmlInputElement>(id).set_disabled(settings.auto);
        }
        element::<HtmlSelectElement>("rule").set_disabled(settings.auto);
        // What only some baselines have: a colour, a seed.
        let baseline = Field::of_control("baseline").map(|field| (field.text)(&settings));
        for (id, of) in [
            ("baseline-colour", "colour"),
            ("pick-colour", "colour"),
            ("baseline-seed", "noise"),
        ] {
            show(id, baseline.as_deref() == Some(of));
        }
        for (id, share) in [
            ("clip-value", settings.clip),
            ("threshold-value", settings.threshold),
        ] {
            let share = decimal(f64::from(share), 0);
            say(id, phrase!("{share}%", share = share));
        }
        show("split", settings.split > 0);
        let pressed = if settings.split > 0 { "true" } else { "false" };
        element::<Element>("split-toggle")
            .set_attribute("aria-pressed", pressed)
            .unwrap_or(());
        self.show_summaries();
    }

    /// Says where what is shown was made with other settings than those that are set, and how to mend it.
    pub(super) fn show_stale(&self) {
        let work = self.work.borrow();
        let stale = work.stale().is_some() && !self.stage.borrow().is_empty();
        let before = work.before().is_some() && !work.is_busy();
        let shown = work.shown().filter(|_| !work.is_busy()).cloned();
        let latest = work.latest().clone();
        drop(work);
        let unfinished = shown.as_ref().filter(|shown| !shown.is_finished());
        show("stale", stale || unfinished.is_some() || before);
        show("back", before);
        let sentence = match (unfinished, shown.as_ref()) {
            (Some(unfinished), _) => phrase!(
                "Unfinished: {done} of {all} gradients.",
                done = unfinished.progress.gradients,
                all = unfinished.progress.expected,
            ),
            (None, Some(shown)) => {
                let ids: Vec<_> = crate::page::differing(&latest, &shown.settings)
                    .map(|field| field.id)
                    .collect();
                match super::titles::made_with(shown, &ids) {
                    Some(made) => phrase!("Made with other settings: {made}.", made = made),
                    None => phrase!("Made with other settings."),
                }
            }
            _ => phrase!("Made with other settings."),
        };
        say("stale-what", sentence);
        super::class(&element("explain"), "due", stale);
    }
}

fn is_being_typed(id: &str) -> bool {
    let kind = element::<Element>(id).get_attribute("type");
    kind.as_deref() == Some("number")
}

fn text_of(control: &Element) -> String {
    if let Some(select) = control.dyn_ref::<HtmlSelectElement>() {
        return select.value();
    }
    let input: &HtmlInputElement = control.unchecked_ref();
    match &*input.type_() {
        "checkbox" if input.checked() => "on".into(),
        "checkbox" => String::new(),
        _ => input.value(),
    }
}

fn show_text(id: &str, text: &str) {
    let control: HtmlElement = element(id);
    if let Some(select) = control.dyn_ref::<HtmlSelectElement>() {
        // A list that has no such entry yet keeps what it shows.
        if select.value() != text {
            let before = select.value();
            select.set_value(text);
            if select.selected_index() < 0 {
                select.set_value(&before);
            }
        }
        return;
    }
    let input: &HtmlInputElement = control.unchecked_ref();
    if input.type_() == "checkbox" {
        input.set_checked(text == "on");
    } else if input.value() != text {
        input.set_value(text);
    }
}
