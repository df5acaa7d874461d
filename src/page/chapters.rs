//! Below the photo: what can be learnt from a finished mask. Which chapters can be begun, and whose results they show.

use std::rc::Rc;

use super::explanation::Explanation;
use super::part::Panel;
use super::titles;
use crate::words::{Phrase, phrase};

/// The chapters: each has `-start`, `-body` and `-of` in index.html.
pub const CHAPTERS: [&str; 8] = [
    "guess",
    "whatif",
    "ledger",
    "walk",
    "trust",
    "fragile",
    "methods",
    "baselines",
];

/// Chapters that need no mask: they stay as they are, whatever is looked at.
pub const FREE: [&str; 3] = ["live", "teach", "quiz"];

/// Those that are painted on, or laid out in squares.
const SQUARE: [&str; 3] = ["guess", "whatif", "methods"];

/// What begins something without a mask, with pictures of its own.
const STARTS: [&str; 3] = ["live-start", "teach-train", "quiz-start"];
/// What goes on with a game.
const GAME: [&str; 3] = ["quiz-start", "quiz-next", "quiz-again"];
/// What begins something within a chapter.
const WITHIN: [&str; 4] = [
    "steps-start",
    "ledger-experiment",
    "whatif-keep",
    "whatif-flip",
];

/// Whose results each chapter shows.
pub type MadeOf = [Option<Rc<Explanation>>; CHAPTERS.len()];

/// Which chapters can be begun: those of what is shown, if it is finished, while nobody is `busy` and the `engine` runs.
pub fn chapters(
    made_of: &MadeOf,
    shown: Option<&Rc<Explanation>>,
    busy: bool,
    engine: bool,
) -> Panel {
    let finished = shown.filter(|shown| shown.is_finished());
    let square = finished.is_none_or(|shown| {
        let preprocessing = &shown.spec.preprocessing;
        preprocessing.width == preprocessing.height
    });
    let mut panel = Panel::new();
    for (name, made_of) in CHAPTERS.into_iter().zip(made_of) {
        let [start, of] = ["start", "of"].map(|part| format!("{name}-{part}"));
        let same = |made_of| finished.is_some_and(|shown| Rc::ptr_eq(shown, made_of));
        let done = made_of.as_ref().is_some_and(same);
        let other = made_of.is_some() && !done;
        let fits = square || !SQUARE.contains(&name);
        let whose = match made_of {
            None if !fits => phrase!("This chapter is for networks whose pictures are square."),
            Some(made_of) => phrase!(
                "This belongs to the mask before: {title}.",
                title = titles::title(made_of),
            ),
            None => Phrase::nothing(),
        };
        panel
            .enable(&start, finished.is_some() && fits)
            .rest(&start, busy)
            .class(&start, "quiet", done)
            .class(&start, "primary", !done)
            .show(&of, other || !fits)
            .says(&of, whose);
    }
    for id in STARTS {
        panel.enable(id, engine);
    }
    for id in GAME.into_iter().chain(WITHIN) {
        panel.rest(id, busy);
    }
    for id in WITHIN {
        panel.enable(id, finished.is_some());
    }
    panel
}

#[cfg(test)]
mod tests {
    use super::super::Settings;
    use super::*;

    fn shown(gradients: usize) -> Rc<Explanation> {
        Rc::new(Explanation::for_tests(Settings::default(), gradients))
    }

    #[test]
    fn chapters_begin_with_a_finished_mask_and_live_ones_with_the_engine() {
        let nothing = MadeOf::default();
        let cold = chapters(&nothing, None, false, false);
        let warm = chapters(&nothing, Some(&shown(7)), true, true);
        let done = chapters(&nothing, Some(&shown(51)), false, true);
        for name in CHAPTERS {
            let start = format!("{name}-start");
            let enabled = [&cold, &warm, &done].map(|panel| panel.enables(&start).unwrap());
            assert_eq!(enabled, [false, false, true], "{name}");
            assert_eq!(done.shows(&format!("{name}-of")), Some(false));
        }
        for id in STARTS {
            let enabled = [&cold, &warm].map(|panel| panel.enables(id).unwrap());
            assert_eq!(enabled, [false, true]);
        }
        let resting = [&warm, &done].map(|panel| panel.attribute("quiz-next", "aria-disabled"));
        assert_eq!(resting, [Some("true".into()), Some("false".into())]);
    }

    #[test]
    fn an_open_chapter_says_whose_it_is_once_another_mask_is_there() {
        let (first, second) = (shown(51), shown(51));
        let mut made_of = MadeOf::default();
        made_of[3] = Some(Rc::clone(&first));
        let own = chapters(&made_of, Some(&first), false, true);
        assert_eq!(own.shows("walk-of"), Some(false));
        assert_eq!(own.is_of("walk-start", "quiet"), Some(true));
        for later in [Some(&second), None] {
            let panel = chapters(&made_of, later, false, true);
            assert_eq!(panel.shows("walk-of"), Some(true));
            assert!(panel.said("walk-of").unwrap().contains("the mask before"));
            assert_eq!(panel.is_of("walk-start", "primary"), Some(true));
        }
    }

    #[test]
    fn what_is_laid_out_in_squares_needs_a_square_network() {
        let mut wide = Explanation::for_tests(Settings::default(), 51);
        wide.spec.preprocessing.width = 2;
        let panel = chapters(&MadeOf::default(), Some(&Rc::new(wide)), false, true);
        for name in CHAPTERS {
            let fits = !SQUARE.contains(&name);
            assert_eq!(panel.enables(&format!("{name}-start")), Some(fits));
            assert_eq!(panel.shows(&format!("{name}-of")), Some(!fits));
        }
    }
}
