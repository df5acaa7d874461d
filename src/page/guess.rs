//! Guess, then see: people paint where they would look; then the mask is uncovered beside it.
//! Several groups, one after the other. What they paint lasts as long as the photo, and goes
//! nowhere.

use std::cell::RefCell;
use std::rc::Rc;

use super::brush::Brush;
use super::explanation::Explanation;
use super::paint::{outline, tint};
use super::part::{Panel, Part, Picture, part, plate};
use super::titles;
use crate::attribution::Scores;
use crate::mask::{Mask, Palette, glow, lay_over, reduce_absolute, soften};
use crate::words::{Phrase, decimal, percent, phrase};

/// What people paint is green: no colour of a mask.
const GREEN: [u8; 3] = [0, 158, 115];
/// Guesses that are kept at once.
const MOST_GUESSES: usize = 12;

/// A round of guesses about one explanation.
#[derive(Debug)]
pub struct Guess {
    explanation: Rc<Explanation>,
    brush: Rc<RefCell<Brush>>,
    /// What the groups before have painted.
    guesses: Vec<Vec<bool>>,
    uncovered: bool,
}

impl Guess {
    /// Nothing is painted yet, and the mask is covered.
    pub fn new(explanation: &Rc<Explanation>, brush: &Rc<RefCell<Brush>>) -> Self {
        Self {
            explanation: Rc::clone(explanation),
            brush: Rc::clone(brush),
            guesses: Vec::new(),
            uncovered: false,
        }
    }

    /// The group's guess goes to the strip, if there is one and room for it, and the next one
    /// begins.
    pub fn keep(&mut self) -> Panel {
        let mut brush = self.brush.borrow_mut();
        let (side, cells) = (brush.side(), brush.cells().to_vec());
        if cells.contains(&true) && self.guesses.len() < MOST_GUESSES {
            self.guesses.push(cells);
            return brush.reset(side);
        }
        Panel::new()
    }

    /// The mask is shown, and nobody paints any more.
    pub fn uncover(&mut self) -> Panel {
        let panel = self.keep();
        self.uncovered = true;
        self.brush.borrow_mut().put_away();
        panel
    }

    /// What the last group has painted on what is explained there.
    pub fn last(&self, explanation: &Rc<Explanation>) -> Option<&[bool]> {
        let same = Rc::ptr_eq(&self.explanation, explanation);
        let last = self.guesses.last().filter(|_| same);
        last.map(Vec::as_slice)
    }

    /// What is painted, what the groups before have painted, and, once it is uncovered, the mask.
    pub fn panel(&self, palette: Palette) -> Panel {
        let explanation = &self.explanation;
        let preprocessing = &explanation.spec.preprocessing;
        let photo = preprocessing.rgba(&explanation.prepared.input);
        let map = reduce_absolute(&explanation.attributions.values);
        let width = explanation.width();
        let plain = |rgba: Vec<u8>| Picture::Plain { rgba, width };
        let last = self.guesses.last().filter(|_| self.uncovered);
        let brush = self.brush.borrow();
        let empty = !brush.cells().contains(&true);
        let painted = last.map_or(brush.cells(), Vec::as_slice);
        let mut panel = Panel::new();
        panel
            .says(
                "guess-question",
                phrase!(
                    "Where would you look to see “{class}”? Paint it.",
                    class = titles::label(explanation),
                ),
            )
            .picture("guess-canvas", plain(marked(&photo, painted)))
            .show("guess-brushes", !self.uncovered)
            .show("guess-answer", self.uncovered)
            .rest("guess-next", empty)
            .rest("guess-uncover", empty && self.guesses.is_empty());
        if self.uncovered {
            let mut rgba = photo.clone();
            let mask = Mask::of_map(&soften(&map, width));
            lay_over(&mut rgba, &glow(&mask, palette));
            if let Some(last) = last {
                tint(&mut rgba, &outline(last), GREEN, 1.0);
            }
            let scored = last.map(|last| score(&map, width, last));
            panel
                .says("guess-score", scored.unwrap_or_else(Phrase::nothing))
                .picture("guess-mask", plain(rgba));
        }
        let groups = self.guesses.iter().enumerate().map(|(k, cells)| {
            let scored = self.uncovered.then(|| scores(&map, width, cells));
            group(k + 1, plain(marked(&photo, cells)), scored)
        });
        panel
            .show("guess-strip-box", !self.guesses.is_empty())
            .holds("guess-strip", groups);
        panel
    }
}

/// The photo with what was painted on it.
pub(super) fn marked(photo: &[u8], cells: &[bool]) -> Vec<u8> {
    let mut rgba = photo.to_vec();
    tint(&mut rgba, cells, GREEN, 0.45);
    tint(&mut rgba, &outline(cells), GREEN, 1.0);
    rgba
}

/// The share of the mask's mass that a guess holds, the share that it covers, and how far it
/// overlaps the strongest places of the same size.
fn scores(map: &[f32], width: usize, cells: &[bool]) -> [f64; 3] {
    let pixels = Scores::of(map, cells);
    // Places, not pixels, which nobody could have painted.
    let places = Scores::of(&soften(map, width), cells);
    [pixels.mass_inside, pixels.area, places.overlap]
}

fn score(map: &[f32], width: usize, cells: &[bool]) -> Phrase {
    let [mass, area, overlap] = scores(map, width, cells);
    phrase!(
        "{mass}% of the mask lies in what you painted, which is {area}% of the picture: {times} times what chance would give. Its strongest {area}% and your paint have {overlap}% of their union in common.",
        mass = percent(mass, 0),
        area = percent(area, 0),
        times = decimal(if area > 0.0 { mass / area } else { 0.0 }, 1),
        overlap = percent(overlap, 0),
    )
}

/// A group's guess in the strip.
fn group(number: usize, picture: Picture, scores: Option<[f64; 3]>) -> Part {
    let scored = scores.map(|[mass, _, overlap]| {
        part("span").says(phrase!(
            "{mass}% of the mask, overlap {overlap}%",
            mass = percent(mass, 0),
            overlap = percent(overlap, 0),
        ))
    });
    let title = part("strong").says(phrase!("Group {n}", n = number));
    part("li").with([plate(picture), title]).with(scored)
}

#[cfg(test)]
mod tests {
    use super::super::study::tests::explanation;
    use super::*;

    /// A round about a mask whose mass lies on the left half.
    fn round() -> (Guess, Rc<RefCell<Brush>>, Rc<Explanation>) {
        let explanation = Rc::new(explanation());
        let brush = Rc::new(RefCell::new(Brush::new("guess")));
        brush.borrow_mut().reset(explanation.width());
        (Guess::new(&explanation, &brush), brush, explanation)
    }

    /// Paints the left half, or the right one.
    fn paint(brush: &RefCell<Brush>, left: bool) {
        let side = brush.borrow().side();
        let cells: Vec<bool> = (0..side * side)
            .map(|k| (k % side < side / 2) == left)
            .collect();
        brush.borrow_mut().fill(side, &cells);
    }

    #[test]
    fn groups_paint_one_after_the_other_and_are_scored_when_the_mask_is_uncovered() {
        let (mut guess, brush, explanation) = round();
        let panel = guess.panel(Palette::default());
        assert_eq!(panel.shows("guess-answer"), Some(false));
        for id in ["guess-next", "guess-uncover"] {
            assert_eq!(
                panel.attribute(id, "aria-disabled").as_deref(),
                Some("true")
            );
        }
        assert_eq!(panel.said("guess-score"), None, "nothing is told before");
        paint(&brush, true);
        guess.keep();
        assert!(
            !brush.borrow().cells().contains(&true),
            "the next group begins"
        );
        // An empty guess is none.
        guess.keep();
        paint(&brush, false);
        guess.uncover();
        let panel = guess.panel(Palette::default());
        assert_eq!(panel.shows("guess-brushes"), Some(false));
        let strip = panel.held("guess-strip").unwrap();
        assert_eq!(strip.len(), 2);
        let scored = [0, 1].map(|k| strip[k].text());
        let expected = [
            "Group 1 95% of the mask, overlap 100%",
            "Group 2 5% of the mask, overlap 0%",
        ];
        assert_eq!(scored, expected);
        let score = panel.said("guess-score").unwrap();
        let painted = "5% of the mask lies in what you painted, which is 50% of the picture";
        assert!(score.starts_with(painted), "{score}");
        let right = guess.last(&explanation).unwrap();
        assert!(!right[0] && *right.last().unwrap());
        let other = Rc::new((*explanation).clone());
        assert_eq!(guess.last(&other), None, "it is about another mask");
    }

    #[test]
    fn all_of_the_picture_holds_all_of_the_mask_and_chance_would_give_the_same() {
        let (mut guess, brush, explanation) = round();
        let side = explanation.width();
        brush.borrow_mut().fill(side, &vec![true; side * side]);
        guess.uncover();
        let score = guess.panel(Palette::default()).said("guess-score").unwrap();
        let all =
            "100% of the mask lies in what you painted, which is 100% of the picture: 1.0 times";
        assert!(score.starts_with(all), "{score}");
    }

    #[test]
    fn there_is_room_for_a_dozen_groups() {
        let (mut guess, brush, _) = round();
        for _ in 0..20 {
            paint(&brush, true);
            guess.keep();
        }
        let strip = guess.panel(Palette::default()).held("guess-strip").unwrap();
        assert_eq!(strip.len(), MOST_GUESSES);
    }
}
