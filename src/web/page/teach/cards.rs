//! A card for each class: its name, its pictures, and what can be done with them.

use wasm_bindgen::JsCast;
use web_sys::{Element, Event, HtmlButtonElement, HtmlImageElement, HtmlInputElement};

use super::super::{Page, append, create, show};
use super::pictures::BURST;
use super::video;
use crate::page::{FEWEST_CLASSES, MOST_CLASSES};
use crate::web::dom::{all, element};
use crate::web::words::{phrase, say_as, say_in};

impl Page {
    /// Everything of the chapter as it is now. What is typed stays where it is.
    pub(in crate::web::page) fn show_teaching(&self) {
        while self.teaching.borrow().room.classes().len() < FEWEST_CLASSES {
            let number = self.teaching.borrow().room.classes().len() + 1;
            let name = phrase!("Class {n}", n = number).to_string();
            self.teaching.borrow_mut().room.add(&name);
        }
        let teaching = self.teaching.borrow();
        let classes = teaching.room.classes();
        let cards = all("#teach-classes > li");
        cards.iter().skip(classes.len()).for_each(Element::remove);
        let list: Element = element("teach-classes");
        (cards.len()..classes.len()).for_each(|k| append(&list, &card(k)));
        for (card, class) in all("#teach-classes > li").iter().zip(classes) {
            if let Ok(Some(input)) = card.query_selector("input") {
                let input: HtmlInputElement = input.unchecked_into();
                if input.value() != class.name {
                    input.set_value(&class.name);
                }
            }
            let count = class.pictures.len();
            if let Ok(Some(text)) = card.query_selector(".hint") {
                say_in(
                    &text,
                    match count {
                        1 => phrase!("1 picture"),
                        n => phrase!("{n} pictures", n = n),
                    },
                );
            }
            if let Ok(Some(thumbs)) = card.query_selector("ol") {
                let urls = class.pictures.iter().map(|picture| &*picture.url);
                show_thumbs(&thumbs, urls);
            }
            for (what, off) in [
                ("explain", count == 0 || teaching.made.is_none()),
                ("clear", count == 0),
                ("remove", classes.len() <= FEWEST_CLASSES),
            ] {
                if let Ok(Some(button)) = card.query_selector(&format!("[data-do={what}]")) {
                    button
                        .unchecked_into::<HtmlButtonElement>()
                        .set_disabled(off);
                }
            }
        }
        let add: HtmlButtonElement = element("teach-add");
        add.set_disabled(classes.len() >= MOST_CLASSES);
        show("teach-made", teaching.made.is_some());
        let watching = video().src_object().is_some();
        show("teach-sees", watching);
        say_in(
            &element("teach-camera"),
            match watching {
                true => phrase!("Camera off"),
                false => phrase!("Camera on"),
            },
        );
    }
}

/// The class in whose card something happened, and the element there that a selector finds.
pub(super) fn class_of(event: &Event, selector: &str) -> Option<(usize, Element)> {
    let target: Element = event.target()?.dyn_into().ok()?;
    let found = target.closest(selector).ok()??;
    let card = target.closest("[data-class]").ok()??;
    let class = card.get_attribute("data-class")?.parse().ok()?;
    Some((class, found))
}

/// Where a class' name is typed.
pub(super) fn name_of(class: usize) -> Option<HtmlInputElement> {
    let cards = all("#teach-classes > li");
    let input = cards.get(class)?.query_selector("input").ok()??;
    input.dyn_into().ok()
}

/// An empty card for a class.
fn card(class: usize) -> Element {
    let item: Element = create("li");
    item.set_attribute("data-class", &class.to_string())
        .unwrap_or(());
    let input: HtmlInputElement = create("input");
    input.set_attribute("autocomplete", "off").unwrap_or(());
    let label = phrase!("Name of class {n}", n = class + 1);
    say_as(&input, "aria-label", label);
    append(&item, &input);
    let count: Element = create("p");
    count.set_class_name("hint");
    append(&item, &count);
    append(&item, &create::<Element>("ol"));
    let actions: Element = create("div");
    actions.set_class_name("action");
    for (what, title) in [
        ("files", phrase!("Add pictures…")),
        ("photograph", phrase!("Photograph {n}", n = BURST)),
        ("explain", phrase!("Explain one")),
        ("clear", phrase!("Empty")),
        ("remove", phrase!("Remove")),
    ] {
        let button: HtmlButtonElement = create("button");
        button.set_type("button");
        button.set_class_name("quiet");
        button.set_attribute("data-do", what).unwrap_or(());
        say_in(&button, title);
        append(&actions, &button);
    }
    append(&item, &actions);
    item
}

/// Thumbnails at those addresses; those that stay are left alone.
fn show_thumbs<'a>(list: &Element, urls: impl ExactSizeIterator<Item = &'a str>) {
    let items = list.child_nodes();
    while items.length() > urls.len() as u32 {
        if let Some(last) = list.last_element_child() {
            last.remove();
        }
    }
    for (k, url) in urls.enumerate() {
        let image = match items.get(k as u32).and_then(|item| item.first_child()) {
            Some(image) => image.unchecked_into(),
            None => {
                let (item, image) = (create::<Element>("li"), create::<HtmlImageElement>("img"));
                image.set_alt("");
                append(&item, &image);
                append(list, &item);
                image
            }
        };
        if image.get_attribute("src").as_deref() != Some(url) {
            image.set_src(url);
        }
    }
}
