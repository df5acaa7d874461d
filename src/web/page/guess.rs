//! Guess, then see: people paint where they would look; then the mask is uncovered beside it. Several groups, one after
//! the other. What they paint lasts as long as the photo, and goes nowhere.

use std::rc::Rc;

use web_sys::{Element, Event, HtmlCanvasElement, HtmlElement};

use super::brush::Brush;
use super::job::PageJob;
use super::{Page, append, body, class, create, show, titles};
use crate::attribution::Scores;
use crate::mask::{Mask, glow, lay_over, reduce_absolute, soften};
use crate::page::{Explanation, outline, tint};
use crate::protocol::Failure;
use crate::web::dom::{element, on};
use crate::web::picture;
use crate::web::words::{Phrase, decimal, percent, phrase, say, say_in};

/// What people paint is green: no colour of a mask.
const GREEN: [u8; 3] = [0, 158, 115];
/// Guesses that are kept at once.
const MOST_GUESSES: usize = 12;

/// A round of guesses about one explanation.
pub(super) struct Guess {
    explanation: Rc<Explanation>,
    /// What the groups before have painted.
    guesses: Vec<Vec<bool>>,
    uncovered: bool,
}

impl Page {
    pub(super) fn listen_to_guess(self: &Rc<Self>) {
        let page = Rc::downgrade(self);
        let brush = Brush::new("guess", move |_| {
            if let Some(page) = page.upgrade() {
                page.show_guess();
            }
        });
        self.guess_brush.set(brush).unwrap_or(());
        self.on_start("guess-start", |page, _: PageJob| async move {
            page.begin_guess();
            Ok::<(), Failure>(())
        });
        on(&element::<Element>("guess-next"), "click", {
            let page = Rc::clone(self);
            move |_: Event| page.keep_guess()
        });
        on(&element::<Element>("guess-uncover"), "click", {
            let page = Rc::clone(self);
            move |_: Event| page.uncover()
        });
    }

    /// An empty picture to paint on; the mask is covered wherever it is.
    fn begin_guess(self: &Rc<Self>) {
        let (Some(explanation), Some(brush)) = (self.shown(), self.guess_brush.get()) else {
            return;
        };
        brush.reset(explanation.width());
        self.guess.replace(Some(Guess {
            explanation: Rc::clone(&explanation),
            guesses: Vec::new(),
            uncovered: false,
        }));
        self.veil(true);
        self.open_chapter("guess", &explanation);
        self.show_guess();
        brush.canvas().focus().unwrap_or(());
    }

    /// No guess is under way, and nothing is covered.
    pub(super) fn forget_guess(&self) {
        self.guess.replace(None);
        // A link that begins with a guess covers the mask of the photo to come.
        let to_come = self.lesson.borrow().chapter == Some("guess");
        self.veil(to_come);
    }

    fn veil(&self, veiled: bool) {
        class(&body(), "guessing", veiled);
        self.stage.borrow_mut().set_veiled(veiled);
        self.show_summaries();
    }

    /// The group's guess goes to the strip, and the next one begins.
    fn keep_guess(self: &Rc<Self>) {
        let Some(brush) = self.guess_brush.get() else {
            return;
        };
        if let Some(guess) = self.guess.borrow_mut().as_mut() {
            let cells = brush.paint.borrow().cells().to_vec();
            if cells.contains(&true) && guess.guesses.len() < MOST_GUESSES {
                guess.guesses.push(cells);
                let side = brush.paint.borrow().side();
                brush.reset(side);
            }
        }
        self.show_guess();
        brush.canvas().focus().unwrap_or(());
    }

    /// The mask, beside what was painted.
    fn uncover(self: &Rc<Self>) {
        self.keep_guess();
        if let Some(guess) = self.guess.borrow_mut().as_mut() {
            guess.uncovered = true;
        }
        if let Some(brush) = self.guess_brush.get() {
            brush.open.set(false);
        }
        self.veil(false);
        self.show_guess();
        element::<HtmlElement>("guess-score").focus().unwrap_or(());
        self.say_status(phrase!("Done: the mask is beside the guess."));
    }

    /// What the last group has painted on what is explained there.
    pub(super) fn last_guess(&self, explanation: &Rc<Explanation>) -> Option<Vec<bool>> {
        let guess = self.guess.borrow();
        let guess = guess.as_ref()?;
        let same = Rc::ptr_eq(&guess.explanation, explanation);
        guess.guesses.last().filter(|_| same).cloned()
    }

    /// What is painted, what the groups before have painted, and, once it is uncovered, the mask.
    pub(super) fn show_guess(&self) {
        let guess = self.guess.borrow();
        let (Some(guess), Some(brush)) = (guess.as_ref(), self.guess_brush.get()) else {
            return;
        };
        let explanation = &guess.explanation;
        let photo = explanation
            .spec
            .preprocessing
            .rgba(&explanation.prepared.input);
        let map = reduce_absolute(&explanation.attributions.values);
        let width = explanation.width();
        say(
            "guess-question",
            phrase!(
                "Where would you look to see “{class}”? Paint it.",
                class = titles::label(explanation),
            ),
        );
        let last = guess.guesses.last().filter(|_| guess.uncovered);
        let painted = brush.paint.borrow().cells().to_vec();
        let marks = marked(&photo, last.unwrap_or(&painted));
        picture::show(&brush.canvas(), &marks, width);
        show("guess-brushes", !guess.uncovered);
        show("guess-answer", guess.uncovered);
        let empty = !painted.contains(&true);
        let none = empty && guess.guesses.is_empty();
        for (id, resting) in [("guess-next", empty), ("guess-uncover", none)] {
            let resting = if resting { "true" } else { "false" };
            element::<Element>(id)
                .set_attribute("aria-disabled", resting)
                .unwrap_or(());
        }
        if guess.uncovered {
            let mut rgba = photo.clone();
            let mask = Mask::of_map(&soften(&map, width));
            lay_over(&mut rgba, &glow(&mask, self.latest().palette));
            if let Some(last) = last {
                tint(&mut rgba, &outline(last), GREEN, 1.0);
                say("guess-score", score(&map, width, last));
            } else {
                say("guess-score", Phrase::nothing());
            }
            picture::show(&element("guess-mask"), &rgba, width);
        }
        let strip: Element = element("guess-strip");
        strip.set_inner_html("");
        show("guess-strip-box", !guess.guesses.is_empty());
        for (k, cells) in guess.guesses.iter().enumerate() {
            add_guess(
                &strip,
                k + 1,
                &marked(&photo, cells),
                width,
                guess.uncovered.then(|| scores(&map, width, cells)),
            );
        }
    }
}

/// The photo with what was painted on it.
pub(super) fn marked(photo: &[u8], cells: &[bool]) -> Vec<u8> {
    let mut rgba = photo.to_vec();
    tint(&mut rgba, cells, GREEN, 0.45);
    tint(&mut rgba, &outline(cells), GREEN, 1.0);
    rgba
}

/// The share of the mask's mass that a guess holds, the share that it covers, and how far it overlaps the strongest
/// places of the same size.
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

fn add_guess(strip: &Element, number: usize, rgba: &[u8], width: usize, scores: Option<[f64; 3]>) {
    let item: Element = create("li");
    let canvas: HtmlCanvasElement = create("canvas");
    canvas.set_attribute("aria-hidden", "true").unwrap_or(());
    picture::show(&canvas, rgba, width);
    append(&item, &canvas);
    let strong: Element = create("strong");
    say_in(&strong, phrase!("Group {n}", n = number));
    append(&item, &strong);
    if let Some([mass, _, overlap]) = scores {
        let span: Element = create("span");
        say_in(
            &span,
            phrase!(
                "{mass}% of the mask, overlap {overlap}%",
                mass = percent(mass, 0),
                overlap = percent(overlap, 0),
            ),
        );
        append(&item, &span);
    }
    append(strip, &item);
}
