//! YAML, as descriptions of data sets and of networks are written in.

use saphyr_parser::{Event, Parser, ScalarStyle};

use crate::literal::{Literal, MAX_DEPTH, WORDS};

/// Reads the first document. Nothing, where it refers back to what it has said: of a few lines that makes as much as one
/// likes.
pub fn parse(text: &str) -> Option<Literal> {
    let mut events = Parser::new_from_str(text)
        .map(|event| event.ok().map(|(event, _)| event))
        .skip_while(|event| matches!(event, Some(Event::StreamStart | Event::DocumentStart(_))));
    let first = events.next()??;
    value(first, &mut events, MAX_DEPTH)
}

fn value<'a>(
    event: Event<'a>,
    events: &mut impl Iterator<Item = Option<Event<'a>>>,
    depth: usize,
) -> Option<Literal> {
    let depth = depth.checked_sub(1)?;
    match event {
        Event::Scalar(text, style, ..) => Some(match style {
            ScalarStyle::Plain => plain(&text),
            _ => Literal::Text(text.into()),
        }),
        Event::SequenceStart(..) => {
            let mut list = Vec::new();
            loop {
                match events.next()?? {
                    Event::SequenceEnd => return Some(Literal::List(list)),
                    event => list.push(value(event, events, depth)?),
                }
            }
        }
        Event::MappingStart(..) => {
            let mut entries = Vec::new();
            loop {
                let key = match events.next()?? {
                    Event::MappingEnd => return Some(Literal::Map(entries)),
                    event => value(event, events, depth)?,
                };
                let event = events.next()??;
                entries.push((key, value(event, events, depth)?));
            }
        }
        _ => None,
    }
}

fn plain(text: &str) -> Literal {
    match text.parse() {
        _ if text.is_empty() || text == "~" || WORDS.contains(&text) => Literal::Word,
        Ok(number) => Literal::Number(number),
        Err(_) => Literal::Text(text.into()),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
mod tests {
    use super::*;

    #[test]
    fn a_data_set_of_ultralytics_is_read() {
        let text = "# COCO8\npath: coco8 # folder\ntrain: images/train\ntest:\n\nnames:\n  0: person\n  1: 'traffic light'\n\ndownload: https://x.org/a.zip\n";
        let read = parse(text).unwrap();
        assert_eq!(
            read.get("names").unwrap().labels().unwrap(),
            ["person", "traffic light"]
        );
        assert_eq!(read.get("test"), Some(&Literal::Word));
        assert_eq!(
            parse("imgsz:\n- 480\n- 640\n")
                .unwrap()
                .get("imgsz")
                .unwrap()
                .integers(),
            Some(vec![480, 640])
        );
        let flow = parse("nc: 2\nnames: ['cat', \"dog\"]\n").unwrap();
        assert_eq!(flow.get("names").unwrap().labels().unwrap(), ["cat", "dog"]);
        let listed = parse("names:\n- 1\n- dog\n").unwrap();
        assert_eq!(listed.get("names").unwrap().labels(), None, "1 is no name");
    }

    #[test]
    fn what_refers_back_or_goes_deep_is_not_read() {
        for text in ["a: &x [1]\nb: *x\n", "a: [1", "", "\t{", "a: b: c"] {
            assert_eq!(parse(text), None, "{text}");
        }
        assert_eq!(parse(&"[".repeat(100_000)), None);
        assert_eq!(parse(&"- ".repeat(100_000)), None);
    }
}
