//! The French of what is said, and how it is found.

use std::collections::{BTreeMap, HashMap};
use std::sync::OnceLock;

use serde::Deserialize;

use super::{Language, Said};
use crate::model::catalog::IMAGENET_LABELS;

/// French for each English sentence, name, and detail of a failure.
#[derive(Deserialize)]
struct Catalogue {
    sentences: HashMap<String, String>,
    names: HashMap<String, String>,
    details: BTreeMap<String, String>,
}

/// French for ImageNet's names, line by line.
const IMAGENET: &str = include_str!("../../weights/imagenet-labels.fr.txt");

fn in_french<T>(look_up: impl FnOnce(&Catalogue) -> T) -> T {
    static FRENCH: OnceLock<Catalogue> = OnceLock::new();
    look_up(FRENCH.get_or_init(|| {
        // A test reads the same file.
        let mut french: Catalogue = serde_json::from_str(include_str!("../web/french.json"))
            .unwrap_or_else(|error| unreachable!("french.json: {error}"));
        let imagenet = IMAGENET_LABELS.lines().zip(IMAGENET.lines());
        let imagenet = imagenet.map(|(english, french)| (english.into(), french.into()));
        french.names.extend(imagenet);
        french
    }))
}

/// A sentence in a language; one that is not in the catalogue as it is.
pub fn translated(english: &str, language: Language) -> String {
    let french = match language {
        Language::English => None,
        Language::French => in_french(|french| french.sentences.get(english).cloned()),
    };
    french.unwrap_or_else(|| english.into())
}

/// The name of a class or a network in a language, or, unknown, as a pattern says it, or as it
/// is.
pub fn translated_name(english: &str, language: Language) -> String {
    let known = known_name(english, language);
    known.map_or_else(|| english.into(), |pieces| pieces.iter().collect())
}

fn known_name(english: &str, language: Language) -> Option<Said> {
    let french = match language {
        Language::English => None,
        Language::French => in_french(|french| french.names.get(english).cloned()),
    };
    let named = french.map(|name| Said::of(name, false));
    named.or_else(|| known_detail(english, language, &|_, _| None))
}

/// What writes numbers of so many decimals, if they shall be written.
type Number<'a> = &'a dyn Fn(f64, usize) -> Option<String>;

/// A failure's detail in a language, which writes `number`s in its own way. Errors come with their holes filled, so the
/// catalogue's sentences are patterns here. What browsers and libraries say stays as it is, and is foreign.
pub(super) fn translated_detail(english: &str, language: Language, number: Number<'_>) -> Said {
    let known = known_detail(english, language, number);
    known.unwrap_or_else(|| Said::of(english, language != Language::English))
}

fn known_detail(english: &str, language: Language, number: Number<'_>) -> Option<Said> {
    if language == Language::English {
        return None;
    }
    in_french(|french| {
        french.details.iter().find_map(|(pattern, sentence)| {
            let holes = filled(pattern, english)?;
            Some(Said::filled(sentence, |hole| {
                let (_, value) = holes.iter().find(|(name, _)| *name == hole)?;
                if let Some(number) = decimal(value).and_then(|(value, of)| number(value, of)) {
                    return Some(Said::of(number, false));
                }
                // A number or a file's name is of no language; a sentence that nobody knows is.
                let foreign = value.trim().contains(' ');
                let known = known_name(value, language);
                Some(known.unwrap_or_else(|| Said::of(*value, foreign)))
            }))
        })
    })
}

/// A number that is written with decimals, and how many there are.
fn decimal(text: &str) -> Option<(f64, usize)> {
    let (whole, decimals) = text.split_once('.')?;
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let value = text.parse().ok()?;
    (digits(whole) && digits(decimals)).then_some((value, decimals.len()))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_filled() {
        assert_eq!(filled("a {x} b", "a 12 b"), Some(vec![("x", "12")]));
        assert_eq!(
            filled("{x} of {y}", "3 of 4"),
            Some(vec![("x", "3"), ("y", "4")])
        );
        assert_eq!(filled("a {x} b", "a 12 c"), None);
        assert_eq!(filled("a", "a b"), None);
    }

    #[test]
    fn numbers_with_decimals_are_written_as_the_language_does() {
        let english = "it takes about 3.9 GB, and 3.8 GB may be taken here";
        let comma = |value: f64, decimals| Some(format!("{value:.decimals$}").replace('.', ","));
        let said = |english, language| -> String {
            let said = translated_detail(english, language, &comma);
            said.iter().collect()
        };
        assert_eq!(said(english, Language::English), english);
        let french = said(english, Language::French);
        assert!(french.contains("3,9") && french.contains("3,8"), "{french}");
        // The name of a file is none.
        let file = said("1.2.3: the server answered 404", Language::French);
        assert!(file.starts_with("1.2.3"), "{file}");
    }

    #[test]
    fn what_browsers_and_libraries_say_is_foreign_and_so_is_what_a_known_sentence_quotes_of_them() {
        let foreign = |english: &str, language| {
            let said = translated_detail(english, language, &|_, _| None);
            let foreign = said.pieces().iter().filter(|piece| piece.foreign);
            foreign.map(|piece| piece.text.clone()).collect::<Vec<_>>()
        };
        let sentence = "NotReadableError: permission was lost";
        assert_eq!(foreign(sentence, Language::French), [sentence]);
        assert!(foreign(sentence, Language::English).is_empty());
        let quoting = "the network cannot be built: too many layers";
        let said: String = translated_detail(quoting, Language::French, &|_, _| None)
            .iter()
            .collect();
        assert!(said.starts_with("le réseau ne peut pas") && said.ends_with("too many layers"));
        assert_eq!(foreign(quoting, Language::French), ["too many layers"]);
        let known = "the file is empty (0 bytes)";
        assert!(foreign(known, Language::French).is_empty(), "{known}");
    }

    #[test]
    fn what_is_not_known_stays_as_it_is() {
        for language in [Language::English, Language::French] {
            assert_eq!(translated("qwerty", language), "qwerty");
            assert_eq!(translated_name("qwerty", language), "qwerty");
        }
        assert_eq!(translated("Cancel", Language::English), "Cancel");
        assert_ne!(translated("Cancel", Language::French), "Cancel");
    }
}
