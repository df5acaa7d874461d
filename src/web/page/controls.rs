//! The controls of [`FIELDS`](crate::page::FIELDS): what someone does with one goes into the settings, and what is set is what all of
//! them show.

use std::rc::Rc;

use wasm_bindgen::JsCast;
use web_sys::{Element, Event, HtmlInputElement, HtmlSelectElement};

use super::Page;
use super::settings::keep;
use crate::page::{Field, Next, Panel, Settings, controls};
use crate::web::dom::{all, document, element, on};
use crate::web::parts::put;

const VIEWS: &str = "input[name=view]";

impl Page {
    pub(super) fn listen_to_controls(self: &Rc<Self>) {
        for (id, field) in controls::controls() {
            self.listen_to_control(id, field);
        }
        for radio in all(VIEWS) {
            let page = Rc::clone(self);
            let name = radio.get_attribute("value").unwrap_or_default();
            on(&radio, "change", move |_: Event| {
                if let Some(field) = Field::of_control("view") {
                    page.touch(field, &name);
                }
            });
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
                    put(Panel::new().value(control.id(), (field.text)(&page.latest())));
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
        let typing = document().active_element();
        let typing = typing.filter(|e| e.get_attribute("type").as_deref() == Some("number"));
        put(&controls::set(&settings, typing.map(|e| e.id()).as_deref()));
        for radio in all(VIEWS) {
            let radio: &HtmlInputElement = radio.unchecked_ref();
            radio.set_checked(radio.value() == settings.view.name());
        }
        self.show_summaries();
    }

    /// Says where what is shown was made with other settings than those that are set, and how to mend it.
    pub(super) fn show_stale(&self) {
        let empty = self.stage.borrow().shown().is_empty();
        put(&controls::stale(&self.work.borrow(), empty));
    }
}

/// What a control holds.
pub(super) fn text_of(control: &Element) -> String {
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
