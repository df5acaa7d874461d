//! Lists and dictionaries as files carry them in a string: JSON, or what Python's `str()` writes.

use std::fmt::{self, Display, Formatter};
use std::str::CharIndices;

/// A value that was written down.
#[derive(Debug, Clone, PartialEq)]
pub enum Literal {
    /// A text.
    Text(String),
    /// A number.
    Number(f64),
    /// A list or tuple.
    List(Vec<Literal>),
    /// A dictionary.
    Map(Vec<(Literal, Literal)>),
    /// True, false, or nothing: of these no name is made.
    Word,
}

/// What stands for true, false and nothing, in Python and in JSON.
pub(crate) const WORDS: [&str; 6] = ["True", "False", "None", "true", "false", "null"];

/// Lists in lists so deep are nobody's labels.
pub(crate) const MAX_DEPTH: usize = 8;

impl Literal {
    /// Reads JSON, or a Python literal of dictionaries, lists, tuples, strings, numbers, truth values and nothing.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parser = Parser { rest: text };
        let value = parser.value(MAX_DEPTH)?;
        parser.space();
        parser.rest.is_empty().then_some(value)
    }

    /// The value of a dictionary at a key that is text.
    pub fn get(&self, key: &str) -> Option<&Literal> {
        let Literal::Map(entries) = self else {
            return None;
        };
        let (_, value) = entries.iter().find(|(own, _)| own.text() == Some(key))?;
        Some(value)
    }

    /// The entries of a dictionary whose keys are text: of values that are text what they say, of others how they are
    /// written. None of anything else.
    pub fn entries(&self) -> Vec<(&str, String)> {
        let Literal::Map(entries) = self else {
            return Vec::new();
        };
        let said = entries.iter().filter_map(|(key, value)| {
            let value = match value {
                Literal::Text(text) => text.clone(),
                other => other.to_string(),
            };
            Some((key.text()?, value))
        });
        said.collect()
    }

    /// Names of classes in the order of their numbers: of a list of names, of a dictionary from
    /// numbers to names, or of one from names to numbers; or of such a one that is the only value of
    /// a dictionary. Numbers have to be 0, 1, 2, …
    pub fn labels(&self) -> Option<Vec<String>> {
        match self {
            Literal::List(list) => list
                .iter()
                .map(|name| name.text().map(Into::into))
                .collect(),
            Literal::Map(entries) => {
                if let [(_, inner @ (Literal::Map(_) | Literal::List(_)))] = entries.as_slice() {
                    return inner.labels();
                }
                let mut numbered = entries
                    .iter()
                    .map(|(key, value)| match (key.index(), value.index()) {
                        (Some(index), _) => Some((index, value.text()?)),
                        (None, Some(index)) => Some((index, key.text()?)),
                        (None, None) => None,
                    })
                    .collect::<Option<Vec<_>>>()?;
                numbered.sort_unstable();
                let whole = numbered
                    .iter()
                    .map(|&(index, _)| index)
                    .eq(0..numbered.len());
                whole.then(|| numbered.into_iter().map(|(_, name)| name.into()).collect())
            }
            _ => None,
        }
    }

    /// The whole numbers of a list.
    pub fn integers(&self) -> Option<Vec<usize>> {
        match self {
            Literal::List(list) => list.iter().map(Literal::index).collect(),
            _ => None,
        }
    }

    fn text(&self) -> Option<&str> {
        match self {
            Literal::Text(text) => Some(text),
            _ => None,
        }
    }

    /// A number of a class, perhaps written as text.
    fn index(&self) -> Option<usize> {
        match self {
            Literal::Number(number) => {
                let index = *number as usize;
                (index as f64 == *number).then_some(index)
            }
            Literal::Text(text) => text.parse().ok(),
            _ => None,
        }
    }
}

/// As Python writes it; words as its `None`.
impl Display for Literal {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let separated = |f: &mut Formatter<'_>, k| f.write_str(if k > 0 { ", " } else { "" });
        match self {
            Literal::Text(text) => {
                let escaped = text.replace('\\', "\\\\").replace('\'', "\\'");
                write!(f, "'{}'", escaped.replace('\n', "\\n"))
            }
            Literal::Number(number) => write!(f, "{number}"),
            Literal::Word => f.write_str("None"),
            Literal::List(list) => {
                f.write_str("[")?;
                for (k, value) in list.iter().enumerate() {
                    separated(f, k)?;
                    write!(f, "{value}")?;
                }
                f.write_str("]")
            }
            Literal::Map(entries) => {
                f.write_str("{")?;
                for (k, (key, value)) in entries.iter().enumerate() {
                    separated(f, k)?;
                    write!(f, "{key}: {value}")?;
                }
                f.write_str("}")
            }
        }
    }
}

struct Parser<'a> {
    rest: &'a str,
}

impl Parser<'_> {
    fn space(&mut self) {
        self.rest = self.rest.trim_start();
    }

    /// Takes the character if it is next.
    fn take(&mut self, character: char) -> bool {
        self.space();
        match self.rest.strip_prefix(character) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn value(&mut self, depth: usize) -> Option<Literal> {
        let depth = depth.checked_sub(1)?;
        self.space();
        if self.take('{') {
            self.map(depth)
        } else if self.take('[') {
            self.list(']', depth)
        } else if self.take('(') {
            self.list(')', depth)
        } else if self.rest.starts_with(['"', '\'']) {
            self.string().map(Literal::Text)
        } else {
            self.word().or_else(|| self.number())
        }
    }

    fn map(&mut self, depth: usize) -> Option<Literal> {
        let mut entries = Vec::new();
        while !self.take('}') {
            let key = self.value(depth)?;
            if !self.take(':') {
                return None;
            }
            entries.push((key, self.value(depth)?));
            if !self.take(',') && !self.rest.starts_with('}') {
                return None;
            }
        }
        Some(Literal::Map(entries))
    }

    fn word(&mut self) -> Option<Literal> {
        let rest = WORDS.iter().find_map(|word| self.rest.strip_prefix(word))?;
        self.rest = rest;
        Some(Literal::Word)
    }

    fn list(&mut self, end: char, depth: usize) -> Option<Literal> {
        let mut list = Vec::new();
        while !self.take(end) {
            list.push(self.value(depth)?);
            if !self.take(',') && !self.rest.starts_with(end) {
                return None;
            }
        }
        Some(Literal::List(list))
    }

    fn string(&mut self) -> Option<String> {
        let mut characters = self.rest.char_indices();
        let (_, quote) = characters.next()?;
        let mut text = String::new();
        while let Some((at, character)) = characters.next() {
            match character {
                _ if character == quote => {
                    self.rest = &self.rest[at + quote.len_utf8()..];
                    return Some(text);
                }
                '\\' => match characters.next()?.1 {
                    'n' => text.push('\n'),
                    't' => text.push('\t'),
                    'u' => {
                        let mut units = vec![unit(&mut characters)?];
                        // JSON writes what is beyond 16 bits as two.
                        let mut ahead = characters.clone();
                        let mut next = || ahead.next().map(|(_, character)| character);
                        if (0xd800..0xdc00).contains(&units[0])
                            && next() == Some('\\')
                            && next() == Some('u')
                        {
                            units.push(unit(&mut ahead)?);
                            characters = ahead;
                        }
                        let decoded = char::decode_utf16(units);
                        text.extend(decoded.map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)));
                    }
                    other => text.push(other),
                },
                _ => text.push(character),
            }
        }
        None
    }

    fn number(&mut self) -> Option<Literal> {
        let end = self
            .rest
            .find(|c: char| !(c.is_ascii_digit() || matches!(c, '+' | '-' | '.' | 'e' | 'E')))
            .unwrap_or(self.rest.len());
        let (digits, rest) = self.rest.split_at(end);
        let number = digits.parse().ok()?;
        self.rest = rest;
        Some(Literal::Number(number))
    }
}

/// Four hexadecimal digits.
fn unit(characters: &mut CharIndices<'_>) -> Option<u16> {
    let digits: String = characters.take(4).map(|(_, digit)| digit).collect();
    u16::from_str_radix(&digits, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(text: &str) -> Option<Vec<String>> {
        Literal::parse(text)?.labels()
    }

    #[test]
    fn labels_are_read_as_python_and_json_write_them() {
        let expected = Some(vec!["person".to_owned(), "dog's ear".to_owned()]);
        assert_eq!(labels(r#"{0: 'person', 1: "dog's ear"}"#), expected);
        assert_eq!(labels(r#"{"1": "dog's ear", "0": "person"}"#), expected);
        assert_eq!(labels(r#"{"person": 0, "dog\u0027s ear": 1}"#), expected);
        assert_eq!(labels(r"['person', 'dog\'s ear',]"), expected);
        assert_eq!(
            labels(r#"["\u732b", "\ud83d\ude00", "\ud83dx"]"#).unwrap(),
            ["猫", "😀", "\u{fffd}x"]
        );
        assert_eq!(labels(r"('person', 'dog\'s ear')"), expected);
    }

    #[test]
    fn entries_are_texts_or_as_written() {
        let written = r"{'task': 'detect', 'imgsz': [640, 640], 'half': False, 'names': {0: 'a', 1: 'it\'s'}, 3: 4}";
        let literal = Literal::parse(written).unwrap();
        let expected = [
            ("task", "detect"),
            ("imgsz", "[640, 640]"),
            ("half", "None"),
            ("names", r"{0: 'a', 1: 'it\'s'}"),
        ];
        let expected = expected.map(|(key, value)| (key, value.to_owned()));
        assert_eq!(literal.entries(), expected);
        assert_eq!(Literal::parse(&literal.to_string()), Some(literal));
        let json = r#" {"task": "detect", "end2end": true, "stride": 32} "#;
        assert_eq!(Literal::parse(json).unwrap().entries().len(), 3);
        assert!(Literal::parse("[1]").unwrap().entries().is_empty());
        assert_eq!(Literal::parse("{'a': Nothing}"), None);
    }

    #[test]
    fn what_is_no_list_of_labels_is_nothing() {
        assert_eq!(labels("{0: 'a', 2: 'b'}"), None);
        assert_eq!(labels("{0: 'a', 0: 'b'}"), None);
        assert_eq!(labels("{0: 'a', 1: 2}"), None);
        assert_eq!(labels("['a', 'b"), None);
        assert_eq!(labels("['a' 'b']"), None);
        assert_eq!(labels("['a'] x"), None);
        assert_eq!(labels(&"[".repeat(100_000)), None);
        assert_eq!(labels(""), None);
        assert_eq!(
            Literal::parse("[640, 480]").unwrap().integers(),
            Some(vec![640, 480])
        );
        assert_eq!(Literal::parse("[640.5, -480]").unwrap().integers(), None);
    }
}
