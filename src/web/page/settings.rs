//! What belongs to the person and not to the picture: language and type size; and what the browser keeps.

use std::rc::Rc;

use web_sys::{Element, Event, HtmlSelectElement, Storage};

use super::{Page, class};
use crate::page::{Lesson, Panel, Settings, Work};
use crate::web::dom::{document, element, on, window};
use crate::web::page::address::{parameter, write_parameter};
use crate::web::parts::put;
use crate::web::words::{self, Language};

/// Names under which the browser keeps them.
const LANGUAGE: &str = "violet.language";
const PROJECTOR: &str = "violet.projector";

fn storage() -> Option<Storage> {
    window().local_storage().ok()?
}

pub(super) fn kept(name: &str) -> Option<String> {
    storage()?.get_item(name).ok()?
}

/// Where the browser keeps nothing, settings last as long as the page.
pub(super) fn keep(name: &str, value: &str) {
    if let Some(storage) = storage() {
        storage.set_item(name, value).unwrap_or(());
    }
}

impl Page {
    /// The language that the address, the person or the browser asks for, and the rest as it was.
    pub(super) fn read_settings(&self) {
        let wanted = parameter("lang").or_else(|| kept(LANGUAGE));
        let wanted = wanted.or_else(|| window().navigator().language());
        let language = wanted.and_then(|code| Language::from_code(&code));
        let language = language.unwrap_or_default();
        element::<HtmlSelectElement>("language").set_value(language.code());
        words::speak(language);
        project(kept(PROJECTOR).as_deref() == Some("yes"));
        let settings = Settings::read(parameter, kept);
        let mut lesson = Lesson::read(parameter);
        // What shall be pinned is explained first, and what is set comes after it.
        let first = lesson.pinned.replace(settings.clone()).unwrap_or(settings);
        lesson.pinned = lesson.pinned.filter(|settings| *settings != first);
        self.work.replace(Work::new(first));
        self.set_up_lesson(lesson);
    }

    pub(super) fn listen_to_own_settings(self: &Rc<Self>) {
        let select: HtmlSelectElement = element("language");
        let page = Rc::clone(self);
        on(&select.clone(), "change", move |_: Event| {
            let language = Language::from_code(&select.value()).unwrap_or_default();
            keep(LANGUAGE, language.code());
            write_parameter("lang", Some(language.code()));
            words::speak(language);
            // What is drawn on canvases holds words too.
            page.show_answers();
            page.stage.borrow_mut().draw();
        });
        self.on_click("projector", |page| {
            let on = root().class_list().contains("projector");
            keep(PROJECTOR, if on { "no" } else { "yes" });
            project(!on);
            page.stage.borrow_mut().draw();
        });
    }
}

fn root() -> Element {
    document()
        .document_element()
        .unwrap_or_else(|| unreachable!("the page has a root"))
}

/// Large type and strong contrast, for a projector.
fn project(on: bool) {
    class(&root(), "projector", on);
    put(Panel::new().press("projector", on));
}
