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
        let mut sentence = translated(&self.english, language);
        for (name, value) in &self.values {
            let said = value.said(language, number);
            sentence = sentence.replace(&format!("{{{name}}}"), &said);
        }
        sentence
    }
}

impl Value {
    fn said(&self, language: Language, number: &dyn Fn(f64, usize) -> String) -> String {
        match self {
            Value::Text(text) => text.clone(),
            Value::Name(name) => translated_name(name, language),
            Value::Detail(detail) => translated_detail(detail, language, &|value, decimals| {
                Some(number(value, decimals))
            }),
            Value::Phrase(phrase) => phrase.said(language, number),
            Value::Decimal(value, decimals) => number(*value, *decimals),
            Value::Power(value) => power(*value, number),
        }
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
