//! Sentences with holes, and what fills them.

use serde::{Deserialize, Serialize};

use super::Language;
use super::catalogue::{translated, translated_detail, translated_name};

/// A sentence of `french.json`, with something in place of each `{name}`.
macro_rules! phrase {
    ($english:literal $(, $name:ident = $value:expr)* $(,)?) => {
        $crate::words::Phrase::new(
            $english,
            vec![$((stringify!($name), $crate::words::Value::from($value))),*],
        )
    };
}
pub(crate) use phrase;

/// A sentence in whichever language the page speaks when it is shown. See [`phrase!`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Phrase {
    english: String,
    values: Vec<(String, Value)>,
}

/// What stands in a sentence's hole.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Value {
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
pub fn decimal(value: f64, decimals: usize) -> Value {
    Value::Decimal(value, decimals)
}

/// A share, 0..=1, with so many decimals, as the number before a percent sign.
pub fn percent(share: f64, decimals: usize) -> Value {
    Value::Decimal(100.0 * share, decimals)
}

/// What exactly was found when something failed: an error's own words, holes filled.
pub fn detail(detail: impl Into<String>) -> Value {
    Value::Detail(detail.into())
}

/// The name of a class or a network.
pub fn name(name: impl Into<String>) -> Value {
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
    pub fn new(english: &str, values: Vec<(&str, Value)>) -> Self {
        let values = values.into_iter().map(|(name, value)| (name.into(), value));
        Self {
            english: english.into(),
            values: values.collect(),
        }
    }

    /// One value and nothing else.
    pub fn of(value: impl Into<Value>) -> Self {
        Self::new("{value}", vec![("value", value.into())])
    }

    /// Nothing.
    pub fn nothing() -> Self {
        Self::of("")
    }

    /// As it is said in a language, which writes `number`s, of so many decimals, in its own way.
    pub fn said(&self, language: Language, number: &dyn Fn(f64, usize) -> String) -> String {
        self.say(language, number).iter().collect()
    }

    /// The same in pieces, of which some are foreign.
    pub fn say(&self, language: Language, number: &dyn Fn(f64, usize) -> String) -> Said {
        Said::filled(&translated(&self.english, language), |hole| {
            let (_, value) = self.values.iter().find(|(name, _)| name == hole)?;
            Some(value.say(language, number))
        })
    }
}

impl Value {
    fn say(&self, language: Language, number: &dyn Fn(f64, usize) -> String) -> Said {
        let own = match self {
            Value::Text(text) => text.clone(),
            Value::Name(name) => translated_name(name, language),
            Value::Detail(detail) => {
                let number = |value, decimals| Some(number(value, decimals));
                return translated_detail(detail, language, &number);
            }
            Value::Phrase(phrase) => return phrase.say(language, number),
            Value::Decimal(value, decimals) => number(*value, *decimals),
            Value::Power(value) => power(*value, number),
        };
        Said::of(own, false)
    }
}

/// What is said, in pieces: what browsers and libraries say in English stays English among other
/// words, and is marked, so that it is read aloud as what it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Said(Vec<Piece>);

/// Words of one language.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// The words.
    pub text: String,
    /// Whether they are English where everything else is not.
    pub foreign: bool,
}

impl Said {
    /// One piece.
    pub(super) fn of(text: impl Into<String>, foreign: bool) -> Self {
        let text = text.into();
        Self(vec![Piece { text, foreign }])
    }

    /// A sentence with its `{holes}` filled; one that nothing fills stays.
    pub(super) fn filled<'a>(sentence: &'a str, fill: impl Fn(&'a str) -> Option<Said>) -> Self {
        let mut said = Self::default();
        let mut rest = sentence;
        while let Some((before, after)) = rest.split_once('{')
            && let Some((hole, after)) = after.split_once('}')
        {
            said.add(Self::of(before, false));
            said.add(fill(hole).unwrap_or_else(|| Self::of(format!("{{{hole}}}"), false)));
            rest = after;
        }
        said.add(Self::of(rest, false));
        said
    }

    fn add(&mut self, more: Self) {
        for piece in more.0.into_iter().filter(|piece| !piece.text.is_empty()) {
            match self.0.last_mut() {
                Some(last) if last.foreign == piece.foreign => last.text.push_str(&piece.text),
                _ => self.0.push(piece),
            }
        }
    }

    /// The pieces, in their order.
    pub fn pieces(&self) -> &[Piece] {
        &self.0
    }

    /// The words of all of them.
    pub(super) fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|piece| &*piece.text)
    }
}

/// As scientists write it, 1.2·10⁻³, where it is very small or large.
fn power(value: f64, number: &dyn Fn(f64, usize) -> String) -> String {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn said(phrase: &Phrase, language: Language) -> String {
        phrase.said(language, &|value, decimals| format!("{value:.decimals$}"))
    }

    #[test]
    fn holes_are_filled_in_either_language() {
        let phrase = phrase!("{n} secants", n = 24_usize);
        assert_eq!(said(&phrase, Language::English), "24 secants");
        assert_eq!(said(&phrase, Language::French), "24 sécantes");
        let around = phrase!("{a}, {b}", a = phrase, b = name("tabby"));
        assert_eq!(said(&around, Language::English), "24 secants, tabby");
        assert!(said(&around, Language::French).starts_with("24 sécantes, "));
        assert_eq!(said(&Phrase::nothing(), Language::French), "");
        // What someone's file is called fills nothing.
        let odd = phrase!("{a}, {b}", a = "{b}.jpg", b = "b");
        assert_eq!(said(&odd, Language::English), "{b}.jpg, b");
    }

    #[test]
    fn small_and_large_numbers_are_powers_of_ten() {
        let power = |value| said(&Phrase::of(Value::Power(value)), Language::English);
        assert_eq!(power(0.0), "0");
        assert_eq!(power(0.612), "0.61");
        assert_eq!(power(0.00123), "1.2·10⁻³");
        assert_eq!(power(45_600.0), "4.6·10⁴");
        assert_eq!(power(-0.000_5), "-5.0·10⁻⁴");
    }
}
