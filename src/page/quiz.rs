//! Find the cheat: five questions about masks of drawn scenes, from a seed. All of it is
//! whole-number arithmetic over scenes that were chosen beforehand, so that a link asks the same on
//! every device.

use crate::attribution::Baseline;
use crate::random;
use crate::shapes::{Shape, Tag};

/// Questions in a game.
pub const ROUNDS: usize = 5;
/// The first of the quiz's scenes: seeds of its own, neither of training nor of the tests.
pub const FIRST_SCENE: u64 = 1 << 43;
/// Seeds lie below this: short enough to be read out.
pub const SEEDS: u64 = 1_000_000;

/// The two networks: the one that looks at the shape, and the one that looks at the tag.
const HONEST: &str = "shapesnet";
const CHEAT: &str = "shapesnet-shortcut";

/// A scene of the quiz: its number from [`FIRST_SCENE`] on, and what it shows.
pub type Numbered = (u64, Shape);

/// A scene that can be asked about, and one whose shape is pasted into it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fit {
    /// The scene.
    pub scene: Numbered,
    /// Whose shape stands beside its own.
    pub beside: Option<Numbered>,
}

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asking {
    /// Which of two networks looks at the tag.
    Cheat,
    /// Which of two shapes in one picture was explained.
    Class,
    /// From which of two baselines.
    Baseline,
}

/// How a mask is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asked {
    /// The network's name.
    pub model: &'static str,
    /// The class that is explained, as its logit.
    pub class: Shape,
    /// Where the path starts.
    pub baseline: Baseline,
}

/// A question. Of its two masks either both are shown, for people to tell them apart, or the one
/// that the truth names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Question {
    /// What is asked.
    pub kind: Asking,
    /// The scene's seed.
    pub scene: u64,
    /// The seed of the scene whose shape is [pasted](paste) into it.
    pub beside: Option<u64>,
    /// What stands in its corner.
    pub tag: Tag,
    /// The masks, in the order of the choices.
    pub masks: [Asked; 2],
    /// The choice that is right: of the cheat's mask, or of the one that is shown.
    pub truth: usize,
}

impl Question {
    /// About a scene; the masks are swapped or not, and the first or the second is shown, where it
    /// is only one.
    pub fn of(kind: Asking, fit: Fit, [swap, which]: [bool; 2]) -> Self {
        let (number, shape) = fit.scene;
        let plain = Asked {
            model: HONEST,
            class: shape,
            baseline: Baseline::Black,
        };
        let other = match (kind, fit.beside) {
            (Asking::Cheat, _) => Asked {
                model: CHEAT,
                ..plain
            },
            (Asking::Class, Some((_, class))) => Asked { class, ..plain },
            _ => Asked {
                baseline: Baseline::White,
                ..plain
            },
        };
        let mut masks = [plain, other];
        // The order of black and white tells nothing, and stays.
        if swap && kind != Asking::Baseline {
            masks.swap(0, 1);
        }
        let cheat = masks.iter().position(|mask| mask.model == CHEAT);
        Self {
            kind,
            scene: FIRST_SCENE + number,
            beside: fit.beside.map(|(number, _)| FIRST_SCENE + number),
            tag: match kind {
                Asking::Cheat => Tag::Telling,
                Asking::Class | Asking::Baseline => Tag::None,
            },
            masks,
            truth: cheat.unwrap_or(usize::from(which)),
        }
    }

    /// Whether both masks are shown before the answer.
    pub fn shows_both(&self) -> bool {
        self.kind == Asking::Cheat
    }

    /// What the truth is told by: the share of a mask's mass on some pixels. `values` are
    /// attributions, flat \[3, H, W\].
    pub fn share(values: &[f32], inside: &[bool]) -> f64 {
        let size = |value: &f32| f64::from(value.abs());
        let pairs = values.iter().zip(inside.iter().cycle());
        let within: f64 = pairs
            .filter(|(_, inside)| **inside)
            .map(|(v, _)| size(v))
            .sum();
        let all: f64 = values.iter().map(size).sum();
        within / all.max(f64::MIN_POSITIVE)
    }
}

/// Pastes the pixels that are inside another scene's shape into a scene, RGB both.
pub fn paste(rgb: &mut [u8], other: &[u8], inside: &[bool]) {
    let pixels = rgb.chunks_exact_mut(3).zip(other.chunks_exact(3));
    for ((pixel, other), _) in pixels.zip(inside).filter(|(_, inside)| **inside) {
        pixel.copy_from_slice(other);
    }
}

/// A game: its questions, and what was answered so far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quiz {
    /// What the link says.
    pub seed: u64,
    questions: Vec<Question>,
    answers: Vec<usize>,
}

impl Quiz {
    /// The game of a seed. Two questions are which network cheats, one each of the other kinds, and
    /// one is any; in any order, and no scene comes twice.
    pub fn new(seed: u64) -> Self {
        let mut place = seed.wrapping_mul(1 << 20);
        let mut below = |count: usize| {
            place = place.wrapping_add(1);
            (random::mixed(place) % count.max(1) as u64) as usize
        };
        let all = [Asking::Cheat, Asking::Class, Asking::Baseline];
        let mut kinds = [
            Asking::Cheat,
            Asking::Cheat,
            Asking::Class,
            Asking::Baseline,
            all[below(3)],
        ];
        // Fisher and Yates.
        for k in (1..ROUNDS).rev() {
            kinds.swap(k, below(k + 1));
        }
        let mut left = all.map(fit);
        let questions = kinds.map(|kind| {
            let left = &mut left[kind as usize];
            let scene = left.swap_remove(below(left.len()));
            Question::of(kind, scene, [below(2) == 1, below(2) == 1])
        });
        Self {
            seed,
            questions: questions.into(),
            answers: Vec::new(),
        }
    }

    /// The seed that a link names, if it names one.
    pub fn seed_of(text: &str) -> Option<u64> {
        text.parse().ok().filter(|&seed| seed < SEEDS)
    }

    /// Which question is asked, from 0; [`ROUNDS`], when all are answered.
    pub fn round(&self) -> usize {
        self.answers.len()
    }

    /// The question that is asked now; nothing, when all are answered.
    pub fn question(&self) -> Option<&Question> {
        self.questions.get(self.round())
    }

    /// Takes an answer to it. Whether it was right; nothing, when there is no question, or no such
    /// choice.
    pub fn answer(&mut self, choice: usize) -> Option<bool> {
        let right = self.question()?.truth;
        (choice < 2).then(|| {
            self.answers.push(choice);
            choice == right
        })
    }

    /// Of each question that was answered, whether rightly.
    pub fn results(&self) -> Vec<bool> {
        let pairs = self.questions.iter().zip(&self.answers);
        pairs
            .map(|(question, &answer)| question.truth == answer)
            .collect()
    }

    /// How many were answered rightly.
    pub fn score(&self) -> usize {
        self.results().into_iter().filter(|&right| right).count()
    }
}

/// The scenes of a kind of question, which can be told by looking: `tests/native/quiz.rs` has by
/// which measure, and finds more.
pub fn fit(kind: Asking) -> Vec<Fit> {
    let alone = |&scene: &Numbered| Fit {
        scene,
        beside: None,
    };
    match kind {
        Asking::Cheat => CHEATS.iter().map(alone).collect(),
        Asking::Baseline => BASELINES.iter().map(alone).collect(),
        Asking::Class => {
            let pairs = PAIRS.iter();
            let fit = pairs.map(|&[scene, other]| Fit {
                scene,
                beside: Some(other),
            });
            fit.collect()
        }
    }
}

use Shape::{Crescent, Cross, Disc, Heart, Ring, Square, Star, Triangle};

const CHEATS: [Numbered; 16] = [
    (3, Square),
    (4, Star),
    (8, Heart),
    (26, Square),
    (61, Heart),
    (81, Cross),
    (105, Heart),
    (107, Cross),
    (110, Heart),
    (164, Triangle),
    (173, Triangle),
    (195, Heart),
    (240, Star),
    (241, Star),
    (297, Star),
    (308, Disc),
];
const PAIRS: [[Numbered; 2]; 14] = [
    [(0, Heart), (21, Ring)],
    [(4, Star), (39, Disc)],
    [(15, Star), (25, Square)],
    [(17, Heart), (21, Ring)],
    [(21, Ring), (10, Disc)],
    [(23, Star), (7, Disc)],
    [(42, Ring), (39, Disc)],
    [(51, Cross), (15, Star)],
    [(54, Star), (2, Triangle)],
    [(70, Star), (9, Cross)],
    [(73, Ring), (39, Disc)],
    [(75, Square), (23, Star)],
    [(89, Crescent), (9, Cross)],
    [(90, Cross), (25, Square)],
];
const BASELINES: [Numbered; 14] = [
    (4, Star),
    (6, Triangle),
    (13, Disc),
    (16, Star),
    (25, Square),
    (27, Crescent),
    (30, Star),
    (35, Ring),
    (41, Crescent),
    (42, Ring),
    (45, Square),
    (49, Cross),
    (56, Crescent),
    (57, Heart),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_asks_the_same_everywhere() {
        let asked = |seed: u64| {
            let questions = Quiz::new(seed).questions.into_iter();
            let of = |q: Question| (q.kind, q.scene - FIRST_SCENE, q.truth);
            questions.map(of).collect::<Vec<_>>()
        };
        // Worked out by another program from the same tables: a device, or a build, that asks
        // something else is noticed.
        let expected = [
            (Asking::Class, 54, 1),
            (Asking::Baseline, 13, 1),
            (Asking::Cheat, 173, 1),
            (Asking::Cheat, 241, 0),
            (Asking::Class, 23, 1),
        ];
        assert_eq!(asked(7), expected);
        assert_ne!(asked(7), asked(8));
    }

    #[test]
    fn every_game_asks_every_kind_no_scene_twice_and_neither_choice_is_always_right() {
        let mut truths = [0; 2];
        for seed in 0..500 {
            let quiz = Quiz::new(seed);
            let count = |kind: Asking| quiz.questions.iter().filter(|q| q.kind == kind).count();
            assert!(count(Asking::Cheat) >= 2 && count(Asking::Class) >= 1);
            assert!(count(Asking::Baseline) >= 1 && quiz.questions.len() == ROUNDS);
            let mut scenes: Vec<_> = quiz
                .questions
                .iter()
                .map(|q| (q.kind as u8, q.scene))
                .collect();
            scenes.sort_unstable();
            scenes.dedup();
            assert_eq!(scenes.len(), ROUNDS, "seed {seed}");
            for question in &quiz.questions {
                truths[question.truth] += 1;
                let cheats = question
                    .masks
                    .iter()
                    .filter(|mask| mask.model == CHEAT)
                    .count();
                assert_eq!(cheats, usize::from(question.shows_both()));
                assert_ne!(question.masks[0], question.masks[1]);
            }
        }
        assert!(truths.iter().all(|&count| count > 1000), "{truths:?}");
    }

    #[test]
    fn answers_are_counted_and_nothing_is_asked_after_the_last() {
        let mut quiz = Quiz::new(3);
        let truths: Vec<usize> = quiz.questions.iter().map(|q| q.truth).collect();
        assert_eq!(quiz.answer(2), None);
        for (k, truth) in truths.into_iter().enumerate() {
            assert_eq!(quiz.round(), k);
            // Every second one wrong.
            let choice = if k % 2 == 0 { truth } else { 1 - truth };
            assert_eq!(quiz.answer(choice), Some(k % 2 == 0));
        }
        assert_eq!(
            (quiz.answer(0), quiz.score(), quiz.question()),
            (None, 3, None)
        );
        assert_eq!(quiz.results(), [true, false, true, false, true]);
    }

    #[test]
    fn a_link_names_a_game_or_it_does_not() {
        assert_eq!(Quiz::seed_of("0"), Some(0));
        assert_eq!(Quiz::seed_of("999999"), Some(999_999));
        for text in ["", "-1", "1e3", "1000000", "x", "99999999999999999999999"] {
            assert_eq!(Quiz::seed_of(text), None);
        }
    }
}
