//! Find the cheat: five questions about masks of drawn scenes, the same for everyone who has the
//! link.

use std::rc::Rc;

use js_sys::Math;
use web_sys::{Element, Event, HtmlElement, KeyboardEvent};

use super::address::{parameter, write_parameter};
use super::chapters::add_plate;
use super::job::PageJob;
use super::{Page, append, create, missing_weights, show};
use crate::mask::{Mask, glow, lay_over, reduce_absolute, soften};
use crate::model::Target;
use crate::page::{Asked, Asking, Question, Quiz, ROUNDS, SEEDS, paste};
use crate::protocol::Failure;
use crate::shapes::SIZE;
use crate::web::dom::{element, on};
use crate::web::pool::Pool;
use crate::web::words::{Phrase, name, percent, phrase, say, say_in};

/// Secants of each mask: as many as the tests of its questions have taken.
const SECANTS: usize = 24;

/// A game, and what is to be seen of its question.
pub(super) struct Game {
    quiz: Quiz,
    /// The question that is shown; nothing, until its masks are there.
    asked: Option<Shown>,
}

/// A question with its masks.
struct Shown {
    question: Question,
    /// The scene, RGBA.
    rgba: Vec<u8>,
    /// Attributions of both masks, flat \[3, SIZE, SIZE\].
    masks: [Vec<f32>; 2],
    /// What the truth is told by, for both.
    evidence: [f64; 2],
    /// Whether the answer was right, once there is one.
    right: Option<bool>,
}

impl Page {
    pub(super) fn listen_to_quiz(self: &Rc<Self>) {
        for id in ["quiz-start", "quiz-next", "quiz-again"] {
            let page = Rc::clone(self);
            on(&element::<Element>(id), "click", move |_: Event| {
                if !page.jobs.is_busy() {
                    page.run_free(move |page, job| async move {
                        if id != "quiz-next" {
                            let seed = parameter("quiz").as_deref().and_then(Quiz::seed_of);
                            page.begin_game(seed.filter(|_| id == "quiz-start"));
                        }
                        page.ask(&job).await
                    });
                }
            });
        }
        for (choice, id) in ["quiz-0", "quiz-1"].into_iter().enumerate() {
            let page = Rc::clone(self);
            on(&element::<Element>(id), "click", move |_: Event| {
                page.answer_quiz(choice);
            });
        }
        let page = Rc::clone(self);
        on(
            &element::<Element>("quiz-body"),
            "keydown",
            move |event: KeyboardEvent| {
                let plain = !(event.ctrl_key() || event.alt_key() || event.meta_key());
                match &*event.key() {
                    "1" if plain => page.answer_quiz(0),
                    "2" if plain => page.answer_quiz(1),
                    _ => {}
                }
            },
        );
    }

    /// A new game: that of a link, or any.
    fn begin_game(&self, seed: Option<u64>) {
        let seed = seed.unwrap_or_else(|| (Math::random() * SEEDS as f64) as u64);
        self.game.replace(Some(Game {
            quiz: Quiz::new(seed),
            asked: None,
        }));
        self.open_free("quiz");
        write_parameter("quiz", Some(&seed.to_string()));
    }

    /// Makes the masks of the question that comes next, and asks it.
    async fn ask(self: &Rc<Self>, job: &PageJob) -> Result<(), Failure> {
        let question = match self.game.borrow_mut().as_mut() {
            Some(game) => {
                game.asked = None;
                game.quiz.question().copied()
            }
            None => None,
        };
        let pool = self.pool.borrow().clone();
        let (Some(question), Some(pool)) = (question, pool) else {
            return Ok(());
        };
        self.show_quiz();
        let (mut rgb, truth) = pool.scene(question.scene, question.tag).await?;
        let mut beside = None;
        if let Some(seed) = question.beside {
            let (other, of_other) = pool.scene(seed, question.tag).await?;
            paste(&mut rgb, &other, &of_other.inside);
            beside = Some(of_other);
        }
        let mut masks: [Vec<f32>; 2] = Default::default();
        for (mask, asked) in masks.iter_mut().zip(&question.masks) {
            let Some(values) = self.quiz_mask(job, &pool, asked, &rgb).await? else {
                return Ok(());
            };
            *mask = values;
        }
        let evidence = match (question.kind, &beside) {
            (Asking::Cheat, _) => [0, 1].map(|k| Question::share(&masks[k], &truth.tagged)),
            // Of the mask that is shown, on either shape.
            (Asking::Class, Some(beside)) => question.masks.map(|mask| {
                let own = mask.class == truth.shape;
                let inside = if own { &truth.inside } else { &beside.inside };
                Question::share(&masks[question.truth], inside)
            }),
            _ => [0, 1].map(|k| Question::share(&masks[k], &truth.inside)),
        };
        let (pixels, _) = rgb.as_chunks::<3>();
        if let Some(game) = self.game.borrow_mut().as_mut() {
            game.asked = Some(Shown {
                question,
                rgba: pixels
                    .iter()
                    .flat_map(|&[r, g, b]| [r, g, b, 255])
                    .collect(),
                masks,
                evidence,
                right: None,
            });
        }
        self.show_quiz();
        self.say_status(phrase!("Your turn: look at the masks and answer."));
        element::<HtmlElement>("quiz-question")
            .focus()
            .unwrap_or(());
        Ok(())
    }

    /// The attributions of a mask; nothing, if the job is no longer wanted.
    async fn quiz_mask(
        self: &Rc<Self>,
        job: &PageJob,
        pool: &Pool,
        asked: &Asked,
        rgb: &[u8],
    ) -> Result<Option<Vec<f32>>, Failure> {
        let spec = self.spec(asked.model);
        let spec = spec.ok_or_else(|| missing_weights(asked.model))?;
        let weights = self.weights(job, &spec).await?;
        if !job.is_current() {
            return Ok(None);
        }
        // From here on the pool holds another network than anyone believes.
        self.work.borrow_mut().hold(None);
        pool.load(&weights).await?;
        let (pixels, _) = rgb.as_chunks::<3>();
        let input = spec
            .preprocessing
            .planes(pixels.iter().map(|rgb| rgb.map(f32::from)));
        let colour = asked.baseline.colour().unwrap_or_default().map(f32::from);
        let baseline = vec![colour; pixels.len()].into_iter();
        let baseline = spec.preprocessing.planes(baseline);
        if !job.is_current() {
            return Ok(None);
        }
        pool.keep(&input, &baseline).await?;
        let target = Target::output(asked.class.target());
        let what = phrase!("Making the masks");
        let ends = [input.as_slice(), baseline.as_slice()];
        let summed = self
            .sum_few(job, pool, target, ends, SECANTS, &what)
            .await?;
        Ok(summed.map(|attributions| attributions.values))
    }

    /// Takes an answer, and shows the truth.
    fn answer_quiz(self: &Rc<Self>, choice: usize) {
        let over = {
            let mut game = self.game.borrow_mut();
            let Some(game) = game.as_mut() else { return };
            let Some(shown) = game.asked.as_mut().filter(|shown| shown.right.is_none()) else {
                return;
            };
            shown.right = game.quiz.answer(choice);
            game.quiz.question().is_none()
        };
        self.show_quiz();
        let next = if over { "quiz-again" } else { "quiz-next" };
        element::<HtmlElement>(next).focus().unwrap_or(());
    }

    /// The question, or the truth once there is an answer.
    pub(super) fn show_quiz(&self) {
        let game = self.game.borrow();
        let Some(game) = game.as_ref() else { return };
        let results = game.quiz.results();
        let list: Element = element("quiz-results");
        list.set_inner_html("");
        for right in &results {
            let item: Element = create("li");
            super::class(&item, "good", *right);
            say_in(
                &item,
                if *right {
                    phrase!("right")
                } else {
                    phrase!("wrong")
                },
            );
            append(&list, &item);
        }
        let over = results.len() == ROUNDS;
        let (answered, asking) = match &game.asked {
            None => (false, false),
            Some(shown) => (shown.right.is_some(), shown.right.is_none()),
        };
        // The question before is still shown while its truth is.
        let round = results.len() + usize::from(!answered);
        say(
            "quiz-round",
            match over {
                true => phrase!(
                    "{n} of {all} answers were right.",
                    n = game.quiz.score(),
                    all = ROUNDS
                ),
                false => phrase!("Question {n} of {all}", n = round, all = ROUNDS),
            },
        );
        show("quiz-choices", asking);
        show("quiz-next", answered && !over || game.asked.is_none());
        show("quiz-again", over);
        element::<Element>("quiz-masks").set_inner_html("");
        let Some(shown) = &game.asked else {
            say("quiz-question", Phrase::nothing());
            say("quiz-truth", Phrase::nothing());
            return;
        };
        let question = &shown.question;
        say("quiz-question", Self::words_of(question));
        let choices = choices(question);
        for (id, choice) in ["quiz-0", "quiz-1"].into_iter().zip(&choices) {
            say(id, choice.clone());
        }
        add_plate("quiz-masks", &shown.rgba, SIZE, phrase!("The scene"));
        for (k, choice) in choices.iter().enumerate() {
            if question.shows_both() || answered || k == question.truth {
                let title = match (answered, question.shows_both()) {
                    (false, false) => phrase!("The mask"),
                    (true, true) if k == question.truth => {
                        phrase!("{choice}: the cheat", choice = choice.clone())
                    }
                    (true, true) => phrase!("{choice}: honest", choice = choice.clone()),
                    (true, false) if k == question.truth => {
                        phrase!("{choice}: this was it", choice = choice.clone())
                    }
                    _ => choice.clone(),
                };
                self.add_mask(shown, k, title);
            }
        }
        say(
            "quiz-truth",
            match shown.right {
                None => Phrase::nothing(),
                Some(right) => {
                    let right = if right {
                        phrase!("Right.")
                    } else {
                        phrase!("Wrong.")
                    };
                    phrase!("{right} {reason}", right = right, reason = reason(shown))
                }
            },
        );
    }

    fn words_of(question: &Question) -> Phrase {
        let class = name(question.masks[0].class.name());
        match question.kind {
            Asking::Cheat => phrase!(
                "Two networks say “{class}”. One looks at the shape, the other at the coloured tag in a corner: which is the cheat?",
                class = class,
            ),
            Asking::Class => phrase!(
                "There are two shapes in this picture. For which of them was the network asked, if this is the mask?"
            ),
            Asking::Baseline => phrase!(
                "From which baseline did the path to this picture begin, if this is the mask?"
            ),
        }
    }

    /// A mask over the scene, and what it is called.
    fn add_mask(&self, shown: &Shown, k: usize, title: Phrase) {
        let palette = self.latest().palette;
        let mut rgba = shown.rgba.clone();
        let values = &shown.masks[k];
        let map = soften(&reduce_absolute(values), SIZE);
        lay_over(&mut rgba, &glow(&Mask::of_map(&map), palette));
        add_plate("quiz-masks", &rgba, SIZE, title);
    }
}

/// What can be answered.
fn choices(question: &Question) -> [Phrase; 2] {
    match question.kind {
        Asking::Cheat => [phrase!("Left"), phrase!("Right")],
        Asking::Class => question
            .masks
            .map(|mask| Phrase::of(name(mask.class.name()))),
        Asking::Baseline => question
            .masks
            .map(|mask| super::baseline_name(mask.baseline)),
    }
}

/// Why the truth is the truth.
fn reason(shown: &Shown) -> Phrase {
    let question = &shown.question;
    let share = |k: usize| percent(shown.evidence[k], 0);
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
