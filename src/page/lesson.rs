//! What a link asks of the page besides settings: a task to show, controls to hide, a chapter to
//! open, a mask to hold the other one against. So a teacher can put just the exercise that is meant
//! into a page of his own.

use super::chapters::{CHAPTERS, FREE};
use super::part::{Panel, part};
use super::qr::qr_path;
use super::settings::Settings;
use crate::words::{Phrase, phrase};

/// The longest task that is shown, in characters.
const LONGEST_TASK: usize = 600;

/// Parts of the page that a link can hide: their names in the address. Each is a class on the
/// page's body.
pub const PARTS: [&str; 11] = [
    "header", "samples", "scenes", "views", "save", "answers", "sum", "controls", "regions",
    "chapters", "footer",
];

/// See the [module](self).
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Lesson {
    /// What is hidden, of [`PARTS`].
    pub hidden: Vec<&'static str>,
    /// What is to be done, as plain text: lines apart.
    pub task: Vec<String>,
    /// The chapter that opens as soon as the mask is there, of [`CHAPTERS`] or [`FREE`]: their
    /// names are those in the address.
    pub chapter: Option<&'static str>,
    /// Where the walk stands, 0..=1.
    pub alpha: Option<f64>,
    /// What the explanation that is pinned was made with.
    pub pinned: Option<Settings>,
    /// Whether the link was made with a photo of one's own, which no link holds.
    pub lacks_photo: bool,
    /// Whether it was made with a network of one's own, which no link holds either.
    pub lacks_network: bool,
}

/// What an address says of a photo of one's own.
pub const OWN_PHOTO: &str = "own";
/// What an address says of a network of one's own.
pub(super) const OWN_NETWORK: &str = "own";
/// Where it is said that a network is missing, until one comes.
pub(super) const LACKS_NETWORK: &str = "lacks-network";

impl Lesson {
    /// What an address asks for. Names that mean nothing are left out, and texts that are too long
    /// are cut.
    pub fn read(address: impl Fn(&str) -> Option<String>) -> Self {
        let hide = address("hide").unwrap_or_default();
        let asked: Vec<&str> = hide.split(',').map(str::trim).collect();
        let chapter = |text: String| {
            let mut all = CHAPTERS.into_iter().chain(FREE);
            all.find(|&name| name == text)
        };
        let settings = Settings::read(&address, |_| None);
        let alpha = address("alpha").and_then(|text| text.parse::<f64>().ok());
        Self {
            hidden: PARTS
                .into_iter()
                .filter(|part| asked.contains(part))
                .collect(),
            task: address("task").as_deref().map(lines).unwrap_or_default(),
            chapter: address("chapter").and_then(chapter),
            alpha: alpha.filter(|alpha| (0.0..=1.0).contains(alpha)),
            // A mask of another picture is nothing to compare with, and a photo of one's own is in
            // no address.
            pinned: address("pin")
                .filter(|_| settings.picture_in_address())
                .map(|text| settings.with_pin(&text)),
            lacks_photo: address("photo").as_deref() == Some(OWN_PHOTO),
            lacks_network: address("model").as_deref() == Some(OWN_NETWORK),
        }
    }
}

impl Lesson {
    /// The task, and whether a photo or a network is missing.
    pub fn panel(&self) -> Panel {
        // Whatever it says, it is text.
        let lines = self.task.iter();
        let lines = lines.map(|line| part("p").says(Phrase::of(line.as_str())));
        let mut panel = Panel::new();
        panel
            .holds("task-text", lines)
            .show("task", !self.task.is_empty())
            .show("lacks-photo", self.lacks_photo)
            .show(LACKS_NETWORK, self.lacks_network);
        panel
    }
}

/// A link as a QR code, and what it restores; `own` says whether there are a photo and a network that
/// no link holds.
pub fn qr(link: &str, own: [bool; 2]) -> Panel {
    let drawn = qr_path(link);
    let mut panel = Panel::new();
    panel
        .show("qr", drawn.is_some())
        .says("qr-link", Phrase::of(link))
        .says(
            "qr-note",
            match (&drawn, own) {
                (None, _) => {
                    phrase!("This link is too long for a QR code. Copy it, or shorten the task.")
                }
                (Some(_), [true, false]) => {
                    phrase!("It restores everything but your photo, which stays here.")
                }
                (Some(_), [false, true]) => {
                    phrase!("It restores everything but your network, which stays here.")
                }
                (Some(_), [true, true]) => phrase!(
                    "It restores everything but your photo and your network, which stay here."
                ),
                (Some(_), [false, false]) => phrase!("It restores what you see."),
            },
        );
    if let Some((path, side)) = drawn {
        panel
            .set("qr", "viewBox", format!("0 0 {side} {side}"))
            .set("qr-squares", "d", path);
    }
    panel
}

/// The lines of a text, without what is no letter: control characters, and what turns the direction
/// of the text.
fn lines(text: &str) -> Vec<String> {
    let harmless = |c: &char| {
        !c.is_control() && !matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    let text: String = text.chars().take(LONGEST_TASK).collect();
    let lines = text
        .lines()
        .map(|line| line.chars().filter(harmless).collect::<String>());
    let lines = lines.map(|line| line.trim().to_owned());
    lines.filter(|line| !line.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Lesson {
        Lesson::read(|name| {
            let found = pairs.iter().find(|(key, _)| *key == name);
            found.map(|(_, text)| text.to_string())
        })
    }

    #[test]
    fn a_lesson_hides_what_it_names_and_nothing_else() {
        let lesson = read(&[
            ("hide", "controls, answers,body,chapters-x,"),
            ("task", "Where would you look?"),
        ]);
        assert_eq!(lesson.hidden, ["answers", "controls"]);
        assert_eq!(lesson.task, ["Where would you look?"]);
        assert_eq!(read(&[]), Lesson::default());
    }

    #[test]
    fn a_task_is_text_of_bounded_length_and_no_markup_is_needed_to_make_it_safe() {
        let lesson = read(&[(
            "task",
            "<b>1.</b> Look.\n\n2.\u{202e} Guess.\u{7}\r\n3. See.",
        )]);
        assert_eq!(lesson.task, ["<b>1.</b> Look.", "2. Guess.", "3. See."]);
        let long = "é".repeat(5000);
        let lesson = read(&[("task", &long)]);
        assert_eq!(lesson.task[0].chars().count(), LONGEST_TASK);
    }

    #[test]
    fn chapters_and_places_on_the_path_are_taken_if_there_are_such() {
        let lesson = read(&[("chapter", "walk"), ("alpha", "0.4")]);
        assert_eq!((lesson.chapter, lesson.alpha), (Some("walk"), Some(0.4)));
        for (chapter, alpha) in [("body", "7"), ("", "NaN"), ("walk-body", "-0.1")] {
            let lesson = read(&[("chapter", chapter), ("alpha", alpha)]);
            assert_eq!((lesson.chapter, lesson.alpha), (None, None));
        }
    }

    #[test]
    fn a_pin_is_what_differs_from_what_is_shown() {
        let mut shown = Settings::default();
        shown.set_model("shapesnet");
        shown.set_picture(Some(crate::page::PictureId::Sample("cat".into())));
        shown.output = Some(281);
        let mut pinned = shown.clone();
        pinned.set_model("resnet18");
        pinned.set_baseline(crate::attribution::Baseline::White);
        pinned.output = Some(7);
        let text = shown.pin_text(&pinned);
        let mut address: Vec<(&str, String)> = vec![("pin", text)];
        for (name, text) in shown.address() {
            address.extend(text.map(|text| (name, text)));
        }
        let pairs: Vec<(&str, &str)> = address
            .iter()
            .map(|(name, text)| (*name, text.as_str()))
            .collect();
        let back = read(&pairs).pinned.expect("a pin");
        assert_eq!(
            super::super::first_difference(&back, &pinned),
            None,
            "{pairs:?}"
        );
        // Without a picture in the address there is nothing to pin.
        assert_eq!(read(&[("pin", "model:resnet18")]).pinned, None);
    }

    #[test]
    fn a_link_to_a_photo_or_a_network_of_ones_own_says_so() {
        assert!(read(&[("photo", "own")]).lacks_photo);
        assert!(!read(&[("photo", "cat")]).lacks_photo);
        assert!(read(&[("model", "own")]).lacks_network);
        assert!(!read(&[("model", "shapesnet")]).lacks_network);
    }

    #[test]
    fn a_task_is_text_and_a_photo_that_is_missing_is_told() {
        let lesson = Lesson {
            task: vec!["1. <b>Look</b>.".into(), "2. Guess.".into()],
            lacks_photo: true,
            ..Lesson::default()
        };
        let panel = lesson.panel();
        let lines = panel.held("task-text").unwrap();
        let said: Vec<String> = lines.iter().map(|line| line.text()).collect();
        assert_eq!(said, ["1. <b>Look</b>.", "2. Guess."]);
        assert_eq!(panel.shows("task"), Some(true));
        assert_eq!(panel.shows("lacks-photo"), Some(true));
        assert_eq!(Lesson::default().panel().shows("task"), Some(false));
    }

    #[test]
    fn a_link_is_drawn_and_says_what_it_restores_unless_it_is_too_long() {
        let link = "https://example.org/violet/?photo=cat";
        let drawn = qr(link, [false; 2]);
        assert_eq!(drawn.said("qr-link").as_deref(), Some(link));
        assert!(
            drawn
                .attribute("qr", "viewBox")
                .unwrap()
                .starts_with("0 0 ")
        );
        assert_eq!(
            drawn.said("qr-note").as_deref(),
            Some("It restores what you see.")
        );
        for (own, said) in [
            ([true, false], "everything but your photo, which"),
            ([false, true], "everything but your network, which"),
            ([true, true], "everything but your photo and your network"),
        ] {
            let note = qr(link, own).said("qr-note").unwrap();
            assert!(note.contains(said), "{note}");
        }
        let long = qr(&"x".repeat(3000), [false; 2]);
        assert_eq!(
            (long.shows("qr"), long.attribute("qr-squares", "d")),
            (Some(false), None)
        );
        assert!(long.said("qr-note").unwrap().contains("too long"));
    }
}
