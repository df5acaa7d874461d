//! The page's French: nothing missing, nothing left over, the same holes on both sides.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
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

/// The holes of a sentence, as often as they are in it.
fn holes(sentence: &str) -> Vec<String> {
    let parts = sentence.split('{').skip(1);
    let mut holes: Vec<_> = parts
        .map(|part| part.split_once('}').unwrap().0.to_owned())
        .collect();
    holes.sort();
    holes
}

/// The sign that a sentence ends with.
fn end(sentence: &str) -> Option<char> {
    let last = sentence.chars().last();
    last.filter(|&c| ".…:;?!,".contains(c))
}

/// Every French sentence with the English one, those of errors included.
fn pairs() -> impl Iterator<Item = (String, String)> {
    let mut catalogue = catalogue();
    let sections = ["sentences", "details"].map(|name| catalogue.remove(name).unwrap());
    sections.into_iter().flatten()
}

#[test]
fn both_languages_have_the_same_holes_and_end_alike() {
    for (english, french) in pairs() {
        assert_eq!(holes(&english), holes(&french), "{english}");
        assert!(!french.is_empty(), "{english}");
        assert_eq!(french, french.trim(), "{english}");
        assert!(!french.contains("  "), "{french}");
        assert_eq!(end(&english), end(&french), "{english}: {french}");
        // English puts no space before it.
        assert!(!english.contains("} %"), "{english}");
    }
}

/// The words of a sentence, in small letters; holes are none.
fn vocabulary(sentence: &str) -> Vec<String> {
    let outside = sentence.split('{').enumerate();
    let outside = outside.map(|(k, part)| match k {
        0 => part,
        _ => part.split_once('}').unwrap().1,
    });
    let words = outside.flat_map(|part| part.split(|c: char| !c.is_alphabetic()));
    let words = words.filter(|word| !word.is_empty());
    words.map(str::to_lowercase).collect()
}

#[test]
fn no_english_is_left_in_the_french() {
    // Words that no French sentence has, and most English ones do.
    let english_only = [
        "the", "of", "and", "with", "is", "are", "this", "that", "these", "from", "which", "was",
        "not", "its", "what", "for", "to", "by", "it", "be", "has", "have", "will", "your", "you",
        "where", "when", "how", "than", "more", "no", "or", "an", "can", "cannot", "there",
    ];
    // What is the same word in both, and names.
    let same = [
        "a",
        "alpha",
        "attributions",
        "auto",
        "cam",
        "classes",
        "contours",
        "f",
        "fragile",
        "gauss",
        "grad",
        "gradient",
        "gradients",
        "idgi",
        "insertion",
        "integrated",
        "legendre",
        "numpy",
        "occlusion",
        "original",
        "pause",
        "photo",
        "pixels",
        "smoothgrad",
        "x",
        "α",
        "σ",
    ];
    let names = catalogue().remove("names").unwrap();
    let mut checked = 0;
    for (_, french) in pairs().chain(names) {
        let words = vocabulary(&french);
        let left = words.iter().filter(|word| english_only.contains(&&***word));
        assert_eq!(left.collect::<Vec<_>>().len(), 0, "English in “{french}”");
        checked += words.len();
    }
    for (_, french) in pairs().filter(|(english, french)| english == french) {
        let words = vocabulary(&french);
        let other = words.iter().find(|word| !same.contains(&&***word));
        assert_eq!(other, None, "“{french}” is as in English");
    }
    assert!(checked > 5000, "{checked} words");
    // What the sieve is for.
    assert!(vocabulary("Le masque of {the} photo").contains(&"of".to_owned()));
    assert!(!vocabulary("Le masque of {the} photo").contains(&"the".to_owned()));
}

/// French as it is printed: its spaces do not break, its apostrophes and quotation marks are its
/// own.
fn check_print(french: &str) {
    const FIRM: [char; 2] = ['\u{a0}', '\u{202f}'];
    let letters: Vec<char> = french.chars().collect();
    for (k, &letter) in letters.iter().enumerate() {
        let before = k.checked_sub(1).map(|k| letters[k]);
        let after = letters.get(k + 1).copied();
        // Within an address, a time or a list of code they are no signs of a sentence.
        let ends_word = after.is_none_or(|after| after.is_whitespace() || "»)".contains(after));
        if ";?!:%»".contains(letter) && ends_word {
            let firm = before.is_none_or(|before| FIRM.contains(&before) || "?!".contains(before));
            assert!(
                firm,
                "a space that does not break before “{letter}”: {french}"
            );
        }
        if letter == '«' {
            let firm = after.is_some_and(|after| FIRM.contains(&after));
            assert!(firm, "a space that does not break after «: {french}");
        }
    }
    assert!(
        !french.contains('\'') && !french.contains("..."),
        "{french}"
    );
    assert!(!french.contains(['“', '”']), "{french}");
}

#[test]
fn french_is_as_it_is_printed() {
    for (_, french) in pairs() {
        check_print(&french);
    }
    // What stands in pages of its own, or is there before the catalogue.
    let own = include_str!("../../www/lessons/fr.html");
    let early = include_str!("../../www/index.html").lines();
    let early: Vec<_> = early.filter(|line| line.contains("lang=\"fr\"")).collect();
    assert!(early.len() >= 3, "{early:?}");
    let texts = early.iter().flat_map(|line| texts(line)).chain(texts(own));
    let mut checked = 0;
    for text in texts {
        check_print(&text);
        checked += text.len();
    }
    assert!(checked > 4000, "{checked} bytes of it");
    for wrong in [
        "Quoi ?",
        "Quoi?",
        "«\u{a0}oui »",
        "5 %",
        "5%",
        "l'eau",
        "un « oui\u{a0}»",
    ] {
        assert!(
            std::panic::catch_unwind(|| check_print(wrong)).is_err(),
            "{wrong}"
        );
    }
    check_print(
        "À 5\u{a0}% près\u{a0}: «\u{a0}oui\u{a0}» ?"
            .replace(" ?", "\u{a0}?")
            .as_str(),
    );
}

/// What stands between tags.
fn texts(html: &str) -> Vec<String> {
    let pieces = html.split('<').filter_map(|piece| piece.split_once('>'));
    let pieces = pieces.map(|(_, text)| words_as_printed(text));
    pieces.filter(|text| !text.is_empty()).collect()
}

fn words_as_printed(text: &str) -> String {
    let text = text.replace("&nbsp;", "\u{a0}").replace("&amp;", "&");
    text.trim_matches(|c: char| c.is_ascii_whitespace())
        .to_owned()
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

/// Literals of the importers' code that stand behind one of these words.
fn behind(words: &[&str]) -> BTreeSet<String> {
    let import = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/import");
    let mut folders = vec![import];
    let mut found = BTreeSet::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && !path.ends_with("tests") {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == "rs") {
                let code = fs::read_to_string(path).unwrap();
                let code = code.split("#[cfg(test)]").next().unwrap();
                for word in words {
                    let after = code.split(word).skip(1).map(str::trim_start);
                    let literals = after.filter_map(|rest| rest.strip_prefix('"'));
                    found.extend(literals.map(literal));
                }
            }
        }
    }
    found.into_iter().filter(|text| !text.is_empty()).collect()
}

/// A literal's text, given what follows its first quotation mark.
fn literal(rest: &str) -> String {
    let mut text = String::new();
    let mut characters = rest.chars();
    while let Some(character) = characters.next().filter(|&c| c != '"') {
        match character {
            '\\' => match characters.next() {
                // A line that goes on in the next one.
                Some('\n') => {
                    let rest = characters.as_str().trim_start();
                    characters = rest.chars();
                }
                Some(escaped) => text.push(escaped),
                None => {}
            },
            character => text.push(character),
        }
    }
    text
}

#[test]
fn what_files_are_instead_and_what_to_do_has_its_french() {
    let said = behind(&["found:", "advice:"]);
    assert!(said.len() > 15, "{said:?}");
    let details = &catalogue()["details"];
    let missing: Vec<_> = said.iter().filter(|s| !details.contains_key(*s)).collect();
    assert!(missing.is_empty(), "without French: {missing:#?}");
}

/// What is said of a network that was read, where it is one literal with named holes.
#[test]
fn every_note_has_its_french() {
    let code = include_str!("../../src/import/imported.rs");
    let (_, code) = code.split_once("impl fmt::Display for Note").unwrap();
    let (code, _) = code.split_once("\n}\n").unwrap();
    let literals = code.split("write!(").skip(1).map(|rest| {
        let (literal, _) = rest.split_once('"').unwrap().1.split_once('"').unwrap();
        let literal = literal.replace('\\', "");
        literal.split_whitespace().collect::<Vec<_>>().join(" ")
    });
    let whole = |literal: &String| literal.len() > 20 && literal.ends_with('.');
    let notes: Vec<String> = literals
        .filter(whole)
        .filter(|note| !note.contains("{}") && !note.starts_with('.'))
        .collect();
    assert!(notes.len() > 12, "{notes:?}");
    let details = &catalogue()["details"];
    let missing: Vec<_> = notes.iter().filter(|n| !details.contains_key(*n)).collect();
    assert!(missing.is_empty(), "without French: {missing:#?}");
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
        // Statistics' is one word, and what computes is no thread to sew with.
        let small = sentence.to_lowercase();
        assert!(!small.contains("écart type"), "{sentence}");
        for after in small.split("fil").skip(1) {
            let alone = after
                .trim_start_matches('s')
                .chars()
                .next()
                .is_none_or(|c| !c.is_alphabetic());
            let whole = after.trim_start_matches('s').starts_with(" de calcul");
            assert!(!alone || whole, "{sentence}");
        }
    }
}

/// The colours of a mask can be chosen: words that are there for all of them name none, but for the
/// picture that is shown as an example.
#[test]
fn what_is_said_for_every_palette_names_no_colour() {
    let named = sentences_of_the_page();
    let named: Vec<_> = named
        .iter()
        .filter(|s| s.to_lowercase().contains("purple"))
        .collect();
    assert_eq!(named.len(), 3, "{named:?}");
    assert!(
        named
            .iter()
            .all(|s| *s == "purple" || s.contains("espresso") || s.contains("cup"))
    );
}
