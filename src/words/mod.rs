//! What the page says, in each of its languages: plain data, without a browser.
//!
//! English stands where it is used: in index.html and in [`phrase!`](crate::words::phrase). `french.json` has the
//! French of every sentence, under the English one, and of the names that networks use.

mod catalogue;
mod phrase;

pub use catalogue::{translated, translated_name};
pub(crate) use phrase::phrase;
pub use phrase::{Phrase, Piece, Said, Value, decimal, detail, name, percent};

/// A language of the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Language {
    #[default]
    /// As it stands where it is used.
    English,
    /// As in `french.json`.
    French,
}

impl Language {
    /// Its code, as in `<html lang>`.
    pub fn code(self) -> &'static str {
        match self {
            Language::English => "en",
            Language::French => "fr",
        }
    }

    /// The language of a code such as `fr` or `fr-CH`.
    pub fn from_code(code: &str) -> Option<Self> {
        match code.split('-').next() {
            Some("en") => Some(Language::English),
            Some("fr") => Some(Language::French),
            _ => None,
        }
    }
}
