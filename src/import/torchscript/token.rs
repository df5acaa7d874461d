//! Code as lines of tokens, each line with how far it is indented.

use std::rc::Rc;

use super::damaged;
use crate::error::Result;

/// What a line is made of.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    /// A name, also a keyword.
    Name(Rc<str>),
    Int(i64),
    Float(f64),
    Text(Rc<str>),
    /// A bracket, a comma, an arrow …
    Mark(char),
}

/// A statement, or the head of a block.
#[derive(Debug)]
pub(super) struct Line {
    /// Spaces before it.
    pub(super) indent: usize,
    pub(super) tokens: Vec<Token>,
}

/// The lines of a text. What stands in brackets is one line.
pub(super) fn lines(text: &str) -> Result<Vec<Line>> {
    let mut lines = Vec::new();
    let mut current: Option<Line> = None;
    let mut open = 0usize;
    for line in text.lines() {
        let content = line.trim_start_matches(' ');
        if content.is_empty() || content.starts_with('#') {
            continue;
        }
        let mut joined = match current.take().filter(|_| open > 0) {
            Some(joined) => joined,
            None => Line {
                indent: line.len() - content.len(),
                tokens: Vec::new(),
            },
        };
        let from = joined.tokens.len();
        tokens(content, &mut joined.tokens)?;
        for token in &joined.tokens[from..] {
            match token {
                Token::Mark('(' | '[' | '{') => open += 1,
                Token::Mark(')' | ']' | '}') => open = open.saturating_sub(1),
                _ => {}
            }
        }
        match open {
            0 => lines.push(joined),
            _ => current = Some(joined),
        }
    }
    match current {
        Some(_) => Err(damaged("its code ends within a bracket")),
        None => Ok(lines),
    }
}

fn tokens(line: &str, made: &mut Vec<Token>) -> Result<()> {
    let mut rest = line;
    while let Some(first) = rest.chars().next() {
        let length = match first {
            ' ' => 1,
            '#' => break,
            '"' | '\'' => {
                let (text, length) = text(rest, first)?;
                made.push(Token::Text(text.into()));
                length
            }
            '0'..='9' | '.' if is_number(rest) => {
                let (number, length) = number(rest)?;
                made.push(number);
                length
            }
            first if first.is_alphabetic() || first == '_' => {
                let is_part = |c: char| c.is_alphanumeric() || c == '_';
                let length = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
                made.push(Token::Name(rest[..length].into()));
                length
            }
            mark => {
                made.push(Token::Mark(mark));
                mark.len_utf8()
            }
        };
        rest = &rest[length..];
    }
    Ok(())
}

/// Whether what begins with a digit or a point is a number: not so the point before an attribute.
fn is_number(rest: &str) -> bool {
    let digits = rest.strip_prefix('.').unwrap_or(rest);
    digits.starts_with(|c: char| c.is_ascii_digit())
}

fn number(rest: &str) -> Result<(Token, usize)> {
    let bytes = rest.as_bytes();
    let mut length = 0;
    while let Some(&byte) = bytes.get(length) {
        let exponent = length > 0 && matches!(bytes[length - 1], b'e' | b'E');
        let is_part = byte.is_ascii_digit()
            || matches!(byte, b'.' | b'e' | b'E')
            || exponent && matches!(byte, b'+' | b'-');
        if !is_part {
            break;
        }
        length += 1;
    }
    let digits = &rest[..length];
    let token = match digits.parse() {
        Ok(whole) => Token::Int(whole),
        Err(_no_integer) => match digits.parse() {
            Ok(float) => Token::Float(float),
            Err(_no_number) => return Err(damaged("a number of its code is none")),
        },
    };
    Ok((token, length))
}

/// A text in quotes, and how many bytes it takes with them.
fn text(rest: &str, quote: char) -> Result<(String, usize)> {
    let mut text = String::new();
    let mut characters = rest.char_indices().skip(1);
    while let Some((place, character)) = characters.next() {
        match character {
            '\\' => match characters.next() {
                Some((_, 'n')) => text.push('\n'),
                Some((_, 't')) => text.push('\t'),
                Some((_, other)) => text.push(other),
                None => break,
            },
            character if character == quote => return Ok((text, place + character.len_utf8())),
            character => text.push(character),
        }
    }
    Err(damaged("a text of its code has no end"))
}
