//! The page says what there is to say: in the language that is set, with numbers as the browser writes them.
//!
//! Each element that code has written into keeps its phrase as an attribute, so that [`speak`] can say it again.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::fmt;

use js_sys::{Array, Function, Intl, Object, Reflect};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Element, Node};

use super::dom::{all, document, element};
pub(super) use crate::words::{Language, Phrase, detail, name, phrase};
use crate::words::{Piece, translated};

/// A sentence of index.html: where it stands, and its English.
struct Fixed {
    node: Node,
    /// The attribute that holds it; nothing, if the node is a text.
    attribute: Option<&'static str>,
    english: String,
}

thread_local! {
    static LANGUAGE: Cell<Language> = const { Cell::new(Language::English) };
    static FIXED: RefCell<Vec<Fixed>> = const { RefCell::new(Vec::new()) };
    /// What writes numbers of so many decimals in a language.
    static FORMATS: RefCell<HashMap<(&'static str, usize), Function>> = RefCell::default();
}

/// Attributes that people read or hear.
const ATTRIBUTES: [&str; 3] = ["title", "aria-label", "alt"];
/// Where an element keeps the phrase of its text, and of an attribute.
const KEPT: &str = "data-phrase";

impl fmt::Display for Phrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.said(LANGUAGE.get(), &number))
    }
}

/// The name of a class or a network in the page's language.
pub(super) fn translated_name(english: &str) -> String {
    crate::words::translated_name(english, LANGUAGE.get())
}

/// A number as the browser writes it in the page's language, with a typographic minus.
fn number(value: f64, decimals: usize) -> String {
    let language = LANGUAGE.get();
    let format = FORMATS.with_borrow_mut(|formats| {
        let format = formats.entry((language.code(), decimals));
        format
            .or_insert_with(|| {
                let options = Object::new();
                for (name, option) in [
                    ("minimumFractionDigits", JsValue::from(decimals as u32)),
                    ("maximumFractionDigits", JsValue::from(decimals as u32)),
                    // Four digits need no groups; and what rounds to nothing is not negative.
                    ("useGrouping", "min2".into()),
                    ("signDisplay", "negative".into()),
                ] {
                    // Refused only by objects that are frozen.
                    Reflect::set(&options, &name.into(), &option).unwrap_or_default();
                }
                let locale = Array::of1(&language.code().into());
                Intl::NumberFormat::new(&locale, &options).format()
            })
            .clone()
    });
    let text = format.call1(&JsValue::UNDEFINED, &value.into());
    let text = text.ok().and_then(|text| text.as_string());
    text.unwrap_or_default().replace('-', "−")
}

/// Writes a phrase into the element of that id.
pub(super) fn say(id: &str, phrase: Phrase) {
    say_in(&element(id), phrase);
}

/// Writes a phrase into an element.
pub(super) fn say_in(element: &Element, phrase: Phrase) {
    put(element, &phrase);
    keep(element, KEPT, &phrase);
}

/// Has an element say a phrase; what in it is of another language than the page's says so.
fn put(element: &Element, phrase: &Phrase) {
    let said = phrase.say(LANGUAGE.get(), &number);
    if said.pieces().iter().all(|piece| !piece.foreign) {
        return element.set_text_content(Some(&phrase.to_string()));
    }
    element.set_text_content(None);
    for Piece { text, foreign } in said.pieces() {
        // Refused only for what cannot be in it, and words can.
        if !foreign {
            element.append_with_str_1(text).unwrap_or(());
        } else if let Ok(quoted) = document().create_element("span") {
            write(&quoted, "lang", Language::English.code());
            quoted.set_text_content(Some(text));
            element.append_with_node_1(&quoted).unwrap_or(());
        }
    }
}

/// Writes a phrase into an attribute, one of `title`, `aria-label` and `alt`.
pub(super) fn say_as(element: &Element, attribute: &str, phrase: Phrase) {
    write(element, attribute, &phrase.to_string());
    keep(element, &format!("{KEPT}-{attribute}"), &phrase);
}

fn keep(element: &Element, attribute: &str, phrase: &Phrase) {
    // Plain data serialises.
    write(
        element,
        attribute,
        &serde_json::to_string(phrase).unwrap_or_default(),
    );
}

fn write(element: &Element, attribute: &str, value: &str) {
    // Refused only for names that are no attribute's.
    element.set_attribute(attribute, value).unwrap_or(());
}

/// Notes what index.html says. Once, before anything is written into it.
pub(super) fn read_page() {
    let mut fixed = Vec::new();
    if let Some(root) = document().document_element() {
        collect(&root, &mut fixed);
    }
    FIXED.set(fixed);
}

fn collect(node: &Node, fixed: &mut Vec<Fixed>) {
    let mut note = |attribute, english| {
        fixed.push(Fixed {
            node: node.clone(),
            attribute,
            english,
        });
    };
    if let Some(element) = node.dyn_ref::<Element>() {
        let fixed_for_all = element.get_attribute("translate").as_deref() == Some("no");
        if fixed_for_all || ["SCRIPT", "STYLE"].contains(&element.tag_name().as_str()) {
            return;
        }
        for attribute in ATTRIBUTES {
            if let Some(english) = element.get_attribute(attribute) {
                note(Some(attribute), english);
            }
        }
    } else if node.node_type() == Node::TEXT_NODE {
        let english = node.text_content().unwrap_or_default();
        if !english.trim().is_empty() {
            note(None, english);
        }
    }
    let children = node.child_nodes();
    for child in (0..children.length()).filter_map(|k| children.get(k)) {
        collect(&child, fixed);
    }
}

/// Says everything on the page in another language.
pub(super) fn speak(language: Language) {
    LANGUAGE.set(language);
    if let Some(root) = document().document_element() {
        write(&root, "lang", language.code());
    }
    FIXED.with_borrow(|fixed| {
        for Fixed {
            node,
            attribute,
            english,
        } in fixed
        {
            // Spaces around a sentence are the page's, not the language's.
            let sentence = english.trim();
            let words: Vec<&str> = sentence.split_whitespace().collect();
            let said = english.replace(sentence, &translated(&words.join(" "), language));
            match attribute {
                None => node.set_text_content(Some(&said)),
                Some(attribute) => write(node.unchecked_ref(), attribute, &said),
            }
        }
    });
    for attribute in [None].into_iter().chain(ATTRIBUTES.map(Some)) {
        let kept = attribute.map_or_else(|| KEPT.into(), |name| format!("{KEPT}-{name}"));
        for element in all(&format!("[{kept}]")) {
            let phrase = element.get_attribute(&kept).unwrap_or_default();
            let Ok(phrase) = serde_json::from_str::<Phrase>(&phrase) else {
                continue;
            };
            match attribute {
                None => put(&element, &phrase),
                Some(attribute) => write(&element, attribute, &phrase.to_string()),
            }
        }
    }
}
