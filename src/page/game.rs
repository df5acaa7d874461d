//! A game of “Find the cheat”: what is to be seen of its question, and of the truth once there is
//! an answer.

use super::part::{Panel, Part, Picture, part, plated};
use super::quiz::{Asking, Question, Quiz, ROUNDS};
use super::titles::baseline_name;
use crate::shapes::SIZE;
use crate::words::{Phrase, name, percent, phrase};

/// What is to be seen of a question.
#[derive(Debug, Clone, PartialEq)]
pub struct Sight {
    /// The scene, RGBA.
    pub rgba: Vec<u8>,
    /// Both masks' maps, flat \[SIZE, SIZE\].
    pub maps: [Vec<f32>; 2],
    /// What the truth is told by, for both: shares of 0..=1.
    pub evidence: [f64; 2],
}

/// A question that is shown.
#[derive(Debug, Clone, PartialEq)]
struct Shown {
    question: Question,
    sight: Sight,
    /// Whether the answer was right, once there is one.
    right: Option<bool>,
}

/// See the [module](self).
#[derive(Debug, Clone, PartialEq)]
pub struct Game {
    quiz: Quiz,
    /// The question that is shown; nothing, until its masks are there.
    shown: Option<Shown>,
}

impl Game {
    /// The game of a seed.
    pub fn new(seed: u64) -> Self {
        Self {
            quiz: Quiz::new(seed),
            shown: None,
        }
    }

    /// The question that comes next, whose masks are to be made; nothing, when all are answered.
    pub fn go_on(&mut self) -> Option<Question> {
        self.shown = None;
        self.quiz.question().copied()
    }

    /// The masks of a question are there.
    pub fn show(&mut self, question: Question, sight: Sight) {
        self.shown = Some(Shown {
            question,
            sight,
            right: None,
        });
    }

    /// Takes an answer to the question that is shown, once. Which button goes on from there;
    /// nothing, if nothing was to be answered.
    pub fn answer(&mut self, choice: usize) -> Option<&'static str> {
        let shown = self.shown.as_mut().filter(|shown| shown.right.is_none())?;
        shown.right = Some(self.quiz.answer(choice)?);
        Some(match self.quiz.question() {
            Some(_) => "quiz-next",
            None => "quiz-again",
        })
    }

    /// The question, or the truth once there is an answer.
    pub fn panel(&self) -> Panel {
        let results = self.quiz.results();
        let over = results.len() == ROUNDS;
        let answered = self
            .shown
            .as_ref()
            .is_some_and(|shown| shown.right.is_some());
        // The question before is still shown while its truth is.
        let round = results.len() + usize::from(!answered);
        let standing = match over {
            true => phrase!(
                "{n} of {all} answers were right.",
                n = self.quiz.score(),
                all = ROUNDS
            ),
            false => phrase!("Question {n} of {all}", n = round, all = ROUNDS),
        };
        let mut panel = Panel::new();
        panel
            .holds("quiz-results", results.iter().map(|&right| mark(right)))
            .says("quiz-round", standing)
            .show("quiz-choices", self.shown.is_some() && !answered)
            .show("quiz-next", answered && !over || self.shown.is_none())
            .show("quiz-again", over);
        let Some(shown) = &self.shown else {
            panel
                .holds("quiz-masks", [])
                .says("quiz-question", Phrase::nothing())
                .says("quiz-truth", Phrase::nothing());
            return panel;
        };
        let choices = choices(&shown.question);
        for (id, choice) in ["quiz-0", "quiz-1"].into_iter().zip(&choices) {
            panel.says(id, choice.clone());
        }
        let truth = match shown.right {
            None => Phrase::nothing(),
            Some(right) => phrase!(
                "{right} {reason}",
                right = match right {
                    true => phrase!("Right."),
                    false => phrase!("Wrong."),
                },
                reason = reason(shown),
            ),
        };
        panel
            .says("quiz-question", asked(&shown.question))
            .holds("quiz-masks", shown.plates(&choices))
            .says("quiz-truth", truth);
        panel
    }
}

impl Shown {
    /// The scene, and those of its masks that may be seen.
    fn plates(&self, choices: &[Phrase; 2]) -> Vec<Part> {
        let (question, answered) = (&self.question, self.right.is_some());
        let scene = Picture::Plain {
            rgba: self.sight.rgba.clone(),
            width: SIZE,
        };
        let mut plates = vec![plated(scene, phrase!("The scene"))];
        for (k, choice) in choices.iter().enumerate() {
            if !(question.shows_both() || answered || k == question.truth) {
                continue;
            }
            let choice = choice.clone();
            let title = match (answered, question.shows_both()) {
                (false, false) => phrase!("The mask"),
                (true, true) if k == question.truth => {
                    phrase!("{choice}: the cheat", choice = choice)
                }
                (true, true) => phrase!("{choice}: honest", choice = choice),
                (true, false) if k == question.truth => {
                    phrase!("{choice}: this was it", choice = choice)
                }
                _ => choice,
            };
            let mask = Picture::Glow {
                photo: self.sight.rgba.clone(),
                map: self.sight.maps[k].clone(),
                width: SIZE,
            };
            plates.push(plated(mask, title));
        }
        plates
    }
}

/// Whether a question was answered rightly.
fn mark(right: bool) -> Part {
    match right {
        true => part("li").class("good").says(phrase!("right")),
        false => part("li").says(phrase!("wrong")),
    }
}

/// A question in words.
fn asked(question: &Question) -> Phrase {
    let class = name(question.masks[0].class.name());
    match question.kind {
        Asking::Cheat => phrase!(
            "Two networks say “{class}”. One looks at the shape, the other at the coloured tag in a corner: which is the cheat?",
            class = class,
        ),
        Asking::Class => phrase!(
            "There are two shapes in this picture. For which of them was the network asked, if this is the mask?"
        ),
        Asking::Baseline => {
            phrase!("From which baseline did the path to this picture begin, if this is the mask?")
        }
    }
}

/// What can be answered.
fn choices(question: &Question) -> [Phrase; 2] {
    match question.kind {
        Asking::Cheat => [phrase!("Left"), phrase!("Right")],
        Asking::Class => question
            .masks
            .map(|mask| Phrase::of(name(mask.class.name()))),
        Asking::Baseline => question.masks.map(|mask| baseline_name(mask.baseline)),
    }
}

/// Why the truth is the truth.
fn reason(shown: &Shown) -> Phrase {
    let question = &shown.question;
    let share = |k: usize| percent(shown.sight.evidence[k], 0);
    match question.kind {
        Asking::Cheat => phrase!(
            "{cheat}% of the cheat's mask lies on the tag, {honest}% of the other's. The cheat learnt from pictures in which the tag's colour betrays the shape.",
            cheat = share(question.truth),
            honest = share(1 - question.truth),
        ),
        Asking::Class => phrase!(
            "{first}% of this mask lies on the shape “{a}”, {second}% on the shape “{b}”: the network used the pixels of what it was asked for.",
            first = share(0),
            a = name(question.masks[0].class.name()),
            second = share(1),
            b = name(question.masks[1].class.name()),
        ),
        Asking::Baseline => phrase!(
            "From black, {black}% of the mask lies on the shape, from white {white}%: what has the baseline's colour does not change on the way, and gets nothing.",
            black = share(0),
            white = share(1),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sight() -> Sight {
        Sight {
            rgba: vec![9; 4 * SIZE * SIZE],
            maps: [vec![1.0; SIZE * SIZE], vec![2.0; SIZE * SIZE]],
            evidence: [0.25, 0.75],
        }
    }

    #[test]
    fn a_game_is_five_questions_whose_truth_is_told_after_each_answer() {
        let mut game = Game::new(7);
        let waiting = game.panel();
        assert_eq!(
            waiting.said("quiz-round").as_deref(),
            Some("Question 1 of 5")
        );
        assert_eq!(waiting.shows("quiz-choices"), Some(false));
        assert_eq!(game.answer(0), None, "nothing is asked yet");
        for round in 1..=ROUNDS {
            let question = game.go_on().expect("a question");
            game.show(question, sight());
            let asking = game.panel();
            assert_eq!(
                asking.said("quiz-round"),
                Some(format!("Question {round} of 5"))
            );
            assert_eq!(asking.said("quiz-truth").as_deref(), Some(""));
            assert_eq!(asking.shows("quiz-choices"), Some(true));
            let plates = asking.held("quiz-masks").unwrap();
            // The scene, and both masks where they are to be told apart.
            assert_eq!(plates.len(), 2 + usize::from(question.shows_both()));
            assert!(
                plates
                    .iter()
                    .all(|plate| !plate.text().contains("the cheat"))
            );
            // Every second one wrong.
            let right = round % 2 == 1;
            let choice = if right {
                question.truth
            } else {
                1 - question.truth
            };
            let next = game.answer(choice);
            assert_eq!(
                next,
                Some(if round == ROUNDS {
                    "quiz-again"
                } else {
                    "quiz-next"
                })
            );
            assert_eq!(game.answer(choice), None, "it is answered once");
            let told = game.panel();
            assert_eq!(told.held("quiz-masks").unwrap().len(), 3);
            let truth = told.said("quiz-truth").unwrap();
            assert!(
                truth.starts_with(if right { "Right. " } else { "Wrong. " }),
                "{truth}"
            );
            assert!(truth.contains("25%") && truth.contains("75%"), "{truth}");
        }
        assert_eq!(game.go_on(), None);
        game.shown = None;
        let over = game.panel();
        assert_eq!(
            over.said("quiz-round").as_deref(),
            Some("3 of 5 answers were right.")
        );
        assert_eq!(over.shows("quiz-again"), Some(true));
    }
}
