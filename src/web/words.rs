//! The page's languages.
//!
//! English stands where it is used: in index.html and in [`phrase!`]. `french.json` has the French of
//! every sentence, under the English one, and of the names that networks use. Each element that code
//! has written into keeps its phrase as an attribute, so that [`speak`] can say it again.

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::{BTreeMap, HashMap};
use std::fmt;

use js_sys::{Array, Function, Intl, Object, Reflect};
use serde::{Deserialize, Serialize};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Element, Node};

use super::dom::{all, document, element};
use crate::model::IMAGENET_LABELS;

/// A language of the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Language {
    #[default]
    English,
    French,
}

impl Language {
    /// Its code, as in `<html lang>`.
    pub(super) fn code(self) -> &'static str {
        match self {
            Language::English => "en",
            Language::French => "fr",
        }
    }

    /// The language of a code such as `fr` or `fr-CH`.
    pub(super) fn from_code(code: &str) -> Option<Self> {
        match code.split('-').next() {
            Some("en") => Some(Language::English),
            Some("fr") => Some(Language::French),
            _ => None,
        }
    }
}

/// French for each English sentence, name, and detail of a failure.
#[derive(Deserialize)]
struct Catalogue {
    sentences: HashMap<String, String>,
    names: HashMap<String, String>,
    details: BTreeMap<String, String>,
}

/// French for ImageNet's names, line by line.
const IMAGENET: &str = include_str!("../../weights/imagenet-labels.fr.txt");

/// A sentence of index.html: where it stands, and its English.
struct Fixed {
    node: Node,
    /// The attribute that holds it; nothing, if the node is a text.
    attribute: Option<&'static str>,
    english: String,
}

thread_local! {
    static LANGUAGE: Cell<Language> = const { Cell::new(Language::English) };
    static FRENCH: OnceCell<Catalogue> = const { OnceCell::new() };
    static FIXED: RefCell<Vec<Fixed>> = const { RefCell::new(Vec::new()) };
    /// What writes numbers of so many decimals in a language.
    static FORMATS: RefCell<HashMap<(&'static str, usize), Function>> = RefCell::default();
}

/// Attributes that people read or hear.
const ATTRIBUTES: [&str; 3] = ["title", "aria-label", "alt"];
/// Where an element keeps the phrase of its text, and of an attribute.
const KEPT: &str = "data-phrase";

/// A sentence of [`french.json`](self), with something in place of each `{name}`.
macro_rules! phrase {
    ($english:literal $(, $name:ident = $value:expr)* $(,)?) => {
        $crate::web::words::Phrase::new(
            $english,
            vec![$((stringify!($name), $crate::web::words::Value::from($value))),*],
        )
    };
}
pub(super) use phrase;

/// A sentence in whichever language the page speaks when it is shown. See [`phrase!`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Phrase {
    english: String,
    values: Vec<(String, Value)>,
}

/// What stands in a sentence's hole.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) enum Value {
    /// As it is.
    Text(String),
    /// The name of a class or a network.
    Name(String),
    /// What exactly was found when something failed.
    Detail(String),
    /// A sentence of its own.
    Phrase(Phrase),
    /// A number with so many decimals.
    Decimal(f64, usize),
    /// A number as a power of ten.
    Power(f64),
}

/// A number with so many decimals.
pub(super) fn decimal(value: f64, decimals: usize) -> Value {
    Value::Decimal(value, decimals)
}

/// A share, 0..=1, with so many decimals, as the number before a percent sign.
pub(super) fn percent(share: f64, decimals: usize) -> Value {
    Value::Decimal(100.0 * share, decimals)
}

/// What exactly was found when something failed: an error's own words, holes filled.
pub(super) fn detail(detail: impl Into<String>) -> Value {
    Value::Detail(detail.into())
}

/// The name of a class or a network.
pub(super) fn name(name: impl Into<String>) -> Value {
    Value::Name(name.into())
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Value::Text(text.into())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Value::Text(text)
    }
}

impl From<Phrase> for Value {
    fn from(phrase: Phrase) -> Self {
        Value::Phrase(phrase)
    }
}

impl From<usize> for Value {
    fn from(number: usize) -> Self {
        Value::Decimal(number as f64, 0)
    }
}

impl From<u32> for Value {
    fn from(number: u32) -> Self {
        Value::Decimal(number.into(), 0)
    }
}

impl Phrase {
    /// By [`phrase!`].
    pub(super) fn new(english: &str, values: Vec<(&str, Value)>) -> Self {
        let values = values.into_iter().map(|(name, value)| (name.into(), value));
        Self {
            english: english.into(),
            values: values.collect(),
        }
    }

    /// One value and nothing else.
    pub(super) fn of(value: impl Into<Value>) -> Self {
        Self::new("{value}", vec![("value", value.into())])
    }

    /// Nothing.
    pub(super) fn nothing() -> Self {
        Self::of("")
    }
}

impl fmt::Display for Phrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut sentence = translated(&self.english);
        for (name, value) in &self.values {
            sentence = sentence.replace(&format!("{{{name}}}"), &value.to_string());
        }
        f.write_str(&sentence)
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Text(text) => f.write_str(text),
            Value::Name(name) => f.write_str(&translated_name(name)),
            Value::Detail(detail) => f.write_str(&translated_detail(detail)),
            Value::Phrase(phrase) => phrase.fmt(f),
            Value::Decimal(value, decimals) => f.write_str(&number(*value, *decimals)),
            Value::Power(value) => f.write_str(&power(*value)),
        }
    }
}

/// As scientists write it, 1.2·10⁻³, where it is very small or large.
fn power(value: f64) -> String {
    if value == 0.0 {
        return "0".into();
    }
    let text = format!("{value:.1e}");
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    // 0.61 needs no power of ten.
    if let Ok(exponent @ -2..=2) = exponent.parse::<i32>() {
        return number(value, (1 - exponent).max(0) as usize);
    }
    let digits = number(digits.parse().unwrap_or(value), 1);
    let raised = exponent.chars().map(|c| match c {
        '-' => '⁻',
        digit => ['⁰', '¹', '²', '³', '⁴', '⁵', '⁶', '⁷', '⁸', '⁹']
            [digit.to_digit(10).unwrap_or(0) as usize],
    });
    format!("{digits}·10{}", raised.collect::<String>())
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

fn in_french<T>(look_up: impl FnOnce(&Catalogue) -> T) -> T {
    FRENCH.with(|french| {
        look_up(french.get_or_init(|| {
            // A test reads the same file.
            let mut french: Catalogue = serde_json::from_str(include_str!("french.json"))
                .unwrap_or_else(|error| unreachable!("french.json: {error}"));
            let imagenet = IMAGENET_LABELS.lines().zip(IMAGENET.lines());
            let imagenet = imagenet.map(|(english, french)| (english.into(), french.into()));
            french.names.extend(imagenet);
            french
        }))
    })
}

fn translated(english: &str) -> String {
    let french = match LANGUAGE.get() {
        Language::English => None,
        Language::French => in_french(|french| french.sentences.get(english).cloned()),
    };
    french.unwrap_or_else(|| english.into())
}

/// The name of a class or a network in the page's language, or, unknown, as a pattern says it, or as it
/// is.
pub(super) fn translated_name(english: &str) -> String {
    let french = match LANGUAGE.get() {
        Language::English => None,
        Language::French => in_french(|french| french.names.get(english).cloned()),
    };
    french.unwrap_or_else(|| translated_detail(english))
}

/// A failure's detail in the page's language. Errors come with their holes filled, so the catalogue's
/// sentences are patterns here. What browsers and libraries say stays as it is.
fn translated_detail(english: &str) -> String {
    let french = match LANGUAGE.get() {
        Language::English => None,
        Language::French => in_french(|french| {
            french.details.iter().find_map(|(pattern, sentence)| {
                let holes = filled(pattern, english)?;
                let fill = |sentence: String, (hole, value): (&str, &str)| {
                    sentence.replace(&format!("{{{hole}}}"), &translated_name(value))
                };
                Some(holes.into_iter().fold(sentence.clone(), fill))
            })
        }),
    };
    french.unwrap_or_else(|| english.into())
}

/// What stands in each `{hole}` of the pattern, if the text is one of its.
fn filled<'a>(pattern: &'a str, text: &'a str) -> Option<Vec<(&'a str, &'a str)>> {
    let mut pieces = pattern.split('{');
    let mut rest = text.strip_prefix(pieces.next()?)?;
    let mut holes = Vec::new();
    for piece in pieces {
        let (hole, after) = piece.split_once('}')?;
        let end = if after.is_empty() {
            rest.len()
        } else {
            rest.find(after)?
        };
        holes.push((hole, &rest[..end]));
        rest = &rest[end + after.len()..];
    }
    rest.is_empty().then_some(holes)
}

/// Writes a phrase into the element of that id.
pub(super) fn say(id: &str, phrase: Phrase) {
    say_in(&element(id), phrase);
}

/// Writes a phrase into an element.
pub(super) fn say_in(element: &Element, phrase: Phrase) {
    element.set_text_content(Some(&phrase.to_string()));
    keep(element, KEPT, &phrase);
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
    if let Some(element) = node.dyn_ref::<Element>() {
        let fixed_for_all = element.get_attribute("translate").as_deref() == Some("no");
        if fixed_for_all || ["SCRIPT", "STYLE"].contains(&element.tag_name().as_str()) {
            return;
        }
        for attribute in ATTRIBUTES {
            if let Some(english) = element.get_attribute(attribute) {
                let node = node.clone();
                fixed.push(Fixed {
                    node,
                    attribute: Some(attribute),
                    english,
                });
            }
        }
    } else if node.node_type() == Node::TEXT_NODE {
        let english = node.text_content().unwrap_or_default();
        if !english.trim().is_empty() {
            let node = node.clone();
            fixed.push(Fixed {
                node,
                attribute: None,
                english,
            });
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
            let said = english.replace(sentence, &translated(&words.join(" ")));
            match attribute {
                None => node.set_text_content(Some(&said)),
                Some(attribute) => write(node.unchecked_ref(), attribute, &said),
            }
        }
    });
    for element in all(&format!("[{KEPT}]")) {
        if let Some(phrase) = kept(&element, KEPT) {
            element.set_text_content(Some(&phrase.to_string()));
        }
    }
    for attribute in ATTRIBUTES {
        let name = format!("{KEPT}-{attribute}");
        for element in all(&format!("[{name}]")) {
            if let Some(phrase) = kept(&element, &name) {
                write(&element, attribute, &phrase.to_string());
            }
        }
    }
}

fn kept(element: &Element, attribute: &str) -> Option<Phrase> {
    serde_json::from_str(&element.get_attribute(attribute)?).ok()
}
