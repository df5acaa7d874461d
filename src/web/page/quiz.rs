//! Find the cheat: five questions about masks of drawn scenes, the same for everyone who has the
//! link.

use std::rc::Rc;

use js_sys::Math;
use web_sys::{Element, KeyboardEvent};

use super::Page;
use super::address::{parameter, write_parameter};
use super::job::PageJob;
use crate::page::study::masks;
use crate::page::{Game, Panel, Quiz, SEEDS};
use crate::protocol::Failure;
use crate::web::dom::{element, on};
use crate::web::parts::put;
use crate::web::words::phrase;

impl Page {
    pub(super) fn listen_to_quiz(self: &Rc<Self>) {
        for id in ["quiz-start", "quiz-next", "quiz-again"] {
            self.on_click(id, move |page| {
                if page.jobs.is_busy() {
                    return;
                }
                page.run_free(move |page, job| async move {
                    if id != "quiz-next" {
                        let seed = parameter("quiz").as_deref().and_then(Quiz::seed_of);
                        page.begin_game(seed.filter(|_| id == "quiz-start"));
                    }
                    page.ask(&job).await
                });
            });
        }
        self.on_click("quiz-0", |page| page.answer_quiz(0));
        self.on_click("quiz-1", |page| page.answer_quiz(1));
        let page = Rc::clone(self);
        let body: Element = element("quiz-body");
        on(&body, "keydown", move |event: KeyboardEvent| {
            let plain = !(event.ctrl_key() || event.alt_key() || event.meta_key());
            match &*event.key() {
                "1" if plain => page.answer_quiz(0),
                "2" if plain => page.answer_quiz(1),
                _ => {}
            }
        });
    }

    /// A new game: that of a link, or any.
    fn begin_game(&self, seed: Option<u64>) {
        let seed = seed.unwrap_or_else(|| (Math::random() * SEEDS as f64) as u64);
        self.game.replace(Some(Game::new(seed)));
        self.open_free("quiz");
        write_parameter("quiz", Some(&seed.to_string()));
    }

    /// Makes the masks of the question that comes next, and asks it.
    async fn ask(self: &Rc<Self>, job: &PageJob) -> Result<(), Failure> {
        let question = self.game.borrow_mut().as_mut().and_then(Game::go_on);
        let Some(question) = question else {
            return Ok(());
        };
        self.show_quiz();
        self.study(job, None, async |study| {
            let sight = masks(study, question).await?;
            if let Some(game) = self.game.borrow_mut().as_mut() {
                game.show(question, sight);
            }
            self.show_quiz();
            put(Panel::new().focus("quiz-question"));
            Ok(phrase!("Your turn: look at the masks and answer."))
        })
        .await
    }

    /// Takes an answer, and shows the truth.
    fn answer_quiz(&self, choice: usize) {
        let mut game = self.game.borrow_mut();
        let next = game.as_mut().and_then(|game| game.answer(choice));
        drop(game);
        if let Some(next) = next {
            self.show_quiz();
            put(Panel::new().focus(next));
        }
    }

    fn show_quiz(&self) {
        if let Some(game) = &*self.game.borrow() {
            put(&game.panel());
        }
    }
}
