//! The page's French: nothing missing, nothing left over, the same holes on both sides.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

type Catalogue = BTreeMap<String, BTreeMap<String, String>>;

fn catalogue() -> Catalogue {
    serde_json::from_str(include_str!("../../src/web/french.json")).unwrap()
}

fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Every text of the pages that people read or hear, but for what is marked `translate="no"`.
fn sentences_of_the_page() -> BTreeSet<String> {
    let pages = [
        include_str!("../../www/index.html"),
        include_str!("../../www/bench.html"),
    ];
    pages.into_iter().flat_map(sentences_of).collect()
}

fn sentences_of(html: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    // Depth within an element whose content is not for translation.
    let mut silent = 0;
    for piece in html.split('<').skip(1) {
        let (tag, text) = piece.split_once('>').unwrap();
        if tag.starts_with('!') {
            continue;
        }
        let name = tag.split([' ', '/', '\n']).find(|part| !part.is_empty());
        let closes = tag.starts_with('/');
        let empty = ["meta", "link", "img", "input"].contains(&name.unwrap());
        let not_for_translation =
            tag.contains("translate=\"no\"") || ["script", "style"].contains(&name.unwrap());
        if closes {
            silent -= i32::from(silent > 0);
        } else if !empty && (silent > 0 || not_for_translation) {
            silent += 1;
        }
        if silent > 0 {
            continue;
        }
        for attribute in ["title", "aria-label", "alt"] {
            let start = format!(" {attribute}=\"");
            let value = tag.split_once(&start).map(|(_, rest)| rest);
            let value = value.and_then(|rest| rest.split_once('"'));
            found.extend(value.map(|(value, _)| words(value)));
        }
        found.insert(words(text));
    }
    found.remove("");
    found
}

/// Every `phrase!("…")` of the page's code.
fn phrases(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            phrases(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let code = std::fs::read_to_string(&path).unwrap();
            for rest in code.split("phrase!(").skip(1) {
                if let Some(literal) = rest.trim_start().strip_prefix('"') {
                    let (sentence, _) = literal.split_once('"').unwrap();
                    assert!(!sentence.contains('\\'), "{sentence}: no escapes, please");
                    found.insert(sentence.into());
                }
            }
        }
    }
}

fn all_sentences() -> BTreeSet<String> {
    let mut all = sentences_of_the_page();
    assert!(all.contains("Drop a photo here") && all.contains("A cat's face"));
    assert!(!all.contains("Français") && !all.contains("×"));
    let of_the_page = all.len();
    for folder in ["src/page", "src/web", "src/words"] {
        phrases(
            &Path::new(env!("CARGO_MANIFEST_DIR")).join(folder),
            &mut all,
        );
    }
    assert!(all.contains("Opening the photo…") && all.len() > of_the_page + 100);
    all
}

#[test]
fn every_sentence_has_its_french() {
    let french = &catalogue()["sentences"];
    let missing: Vec<_> = all_sentences()
        .into_iter()
        .filter(|s| !french.contains_key(s))
        .collect();
    assert!(missing.is_empty(), "without French: {missing:#?}");
}

#[test]
fn nothing_is_translated_that_nobody_says() {
    let all = all_sentences();
    let catalogue = catalogue();
    let idle: Vec<_> = catalogue["sentences"]
        .keys()
        .filter(|s| !all.contains(*s))
        .collect();
    assert!(idle.is_empty(), "said nowhere: {idle:#?}");
}

fn holes(sentence: &str) -> BTreeSet<String> {
    let parts = sentence.split('{').skip(1);
    parts
        .map(|part| part.split_once('}').unwrap().0.to_owned())
        .collect()
}

#[test]
fn both_languages_have_the_same_holes() {
    for (english, french) in &catalogue()["sentences"] {
        assert_eq!(holes(english), holes(french), "{english}");
        assert!(!french.is_empty(), "{english}");
        // English puts no space before it.
        assert!(!english.contains("} %"), "{english}");
        // French puts a space that does not break before these.
        for sign in [';', '?', '!', '»', '%'] {
            assert!(!french.contains(&format!(" {sign}")), "{french}");
        }
    }
}

/// The sentences of `#[error("…")]`, their holes without formats, and those without names numbered; what another
/// error says is among that one's.
fn errors() -> BTreeSet<String> {
    let code = [
        include_str!("../../src/error.rs"),
        include_str!("../../src/import/error.rs"),
    ]
    .concat();
    let own = code.split("#[error(").skip(1);
    let own = own.filter(|rest| !rest.starts_with("transparent"));
    let literals = own.map(|rest| {
        let (literal, _) = rest.split_once('"').unwrap().1.split_once('"').unwrap();
        // A line that goes on in the next one.
        let literal = literal.replace('\\', "");
        let literal = literal.split_whitespace().collect::<Vec<_>>().join(" ");
        let mut pieces = literal.split('{');
        let mut sentence = pieces.next().unwrap().to_owned();
        for (k, piece) in pieces.enumerate() {
            let (hole, after) = piece.split_once('}').unwrap();
            let name = match hole.split(':').next().unwrap() {
                "" => k.to_string(),
                name => name.to_owned(),
            };
            sentence.push_str(&format!("{{{name}}}{after}"));
        }
        sentence
    });
    literals.collect()
}

#[test]
fn every_error_has_its_french_with_the_same_holes() {
    let details = &catalogue()["details"];
    let errors = errors();
    assert!(errors.len() > 15, "{errors:?}");
    let missing: Vec<_> = errors
        .iter()
        .filter(|e| !details.contains_key(*e))
        .collect();
    assert!(missing.is_empty(), "without French: {missing:#?}");
    for (english, french) in details {
        assert_eq!(holes(english), holes(french), "{english}");
    }
}

#[test]
fn every_class_of_imagenet_has_a_french_name() {
    let english = include_str!("../../weights/imagenet-labels.txt").lines();
    let french: Vec<&str> = include_str!("../../weights/imagenet-labels.fr.txt")
        .lines()
        .collect();
    assert_eq!(english.clone().count(), french.len());
    let distinct: BTreeSet<_> = french.iter().collect();
    assert_eq!(distinct.len(), french.len());
    assert!(
        french
            .iter()
            .all(|name| !name.is_empty() && *name == name.trim())
    );
    // What both lists of classes name is called the same.
    let names = &catalogue()["names"];
    for (english, french) in english.zip(french) {
        if let Some(other) = names.get(english) {
            assert_eq!(other, french, "{english}");
        }
    }
}

#[test]
fn shapes_and_detected_things_have_french_names() {
    let names = &catalogue()["names"];
    let labels = violet::model::ModelSpec::from_name("ssd-mobilenet-v2")
        .unwrap()
        .labels();
    let real = labels
        .into_iter()
        .filter(|l| !l.starts_with('(') && *l != "background");
    for name in real.chain(violet::shapes::LABELS.lines()) {
        assert!(names.contains_key(name), "{name}");
    }
}

/// What is two things in English is two things in French, and apostrophes are those of print.
#[test]
fn french_keeps_things_apart() {
    let french = &catalogue()["sentences"];
    for pair in [
        ["Standard deviation, red", "Delta"],
        ["Cancel", "Undo"],
        ["Clear", "Cancel"],
    ] {
        let said = pair.map(|english| &french[english]);
        assert_ne!(said[0], said[1], "{pair:?}");
    }
    for sentence in catalogue().values().flat_map(BTreeMap::values) {
        assert!(!sentence.contains('\''), "{sentence}");
    }
}
