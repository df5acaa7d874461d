//! A mask that forms: gradients come in, and now and then it is drawn.

use std::cell::{Cell, RefCell};

use super::explanation::{Explanation, Progress};
use super::job::{Board, Job};
use super::pool::{Host, Pool};
use super::titles;
use crate::attribution::{Integration, PartialSum};
use crate::protocol::Failure;
use crate::words::{Phrase, decimal, phrase};

/// While a mask forms, the page shows what has come and then rests: so many times as long as that
/// took, and at least so long. Drawing keeps workers waiting, and on two cores it takes one from
/// them.
const REST: f64 = 9.0;
const LEAST_REST_MS: f64 = 200.0;

/// See the [module](self).
pub struct Forming {
    sum: RefCell<Integration>,
    /// The explanation, with nothing summed.
    draft: Explanation,
    started: f64,
    /// What went wrong with what came in.
    failed: RefCell<Option<Failure>>,
    /// When it may be drawn again.
    rested: Cell<f64>,
}

impl Forming {
    /// Begins with nothing, at some time in milliseconds.
    pub fn new(draft: Explanation, sum: Integration, now: f64) -> Self {
        Self {
            sum: RefCell::new(sum),
            draft,
            started: now,
            failed: RefCell::default(),
            rested: Cell::new(now),
        }
    }

    /// Has a pool, which holds network and path, sum until all is in or the job is superseded; what
    /// has come is to be drawn when `draw` is called. The explanation, if it was finished.
    ///
    /// # Errors
    ///
    /// As the workers say.
    pub async fn sum<H: Host, B: Board<Words = Phrase>>(
        &self,
        pool: &Pool<H>,
        job: &Job<B>,
        draw: impl Fn(),
    ) -> Result<Option<Explanation>, Failure> {
        job.start_clock(self.started);
        self.tell(job, self.started);
        let take = |partial: PartialSum| {
            if !job.is_current() {
                return;
            }
            if let Err(error) = self.sum.borrow_mut().add(&partial) {
                self.failed.replace(Some(error.into()));
                return;
            }
            let begin = pool.now();
            if begin >= self.rested.get() {
                self.tell(job, begin);
                draw();
                let end = pool.now();
                let rest = ((end - begin) * REST).max(LEAST_REST_MS);
                self.rested.set(end + rest);
            }
        };
        while job.is_current() {
            let Some(round) = self.sum.borrow_mut().next_round()? else {
                break;
            };
            let wanted = || job.is_current();
            pool.round(self.draft.target, &round, wanted, take).await?;
            if let Some(failure) = self.failed.take() {
                return Err(failure);
            }
        }
        let finished = job.is_current();
        Ok(self.explanation(finished, pool.now()).filter(|_| finished))
    }

    fn tell<B: Board<Words = Phrase>>(&self, job: &Job<B>, now: f64) {
        let sum = self.sum.borrow();
        let (done, all) = (sum.gradients(), sum.expected_gradients());
        let sentence = phrase!(
            "Explaining “{class}”: {done} of {all} gradients",
            class = titles::label(&self.draft),
            done = done,
            all = all,
        );
        job.progress(done, all, now, sentence);
    }

    /// The explanation, as far as it has come; nothing, if no gradient is in.
    pub fn so_far(&self, now: f64) -> Option<Explanation> {
        self.explanation(false, now)
    }

    fn explanation(&self, finished: bool, now: f64) -> Option<Explanation> {
        let sum = self.sum.borrow();
        let attributions = sum.attributions();
        (sum.gradients() > 0).then(|| Explanation {
            attributions,
            quadrature: sum.quadrature(),
            samples: sum.samples(),
            progress: Progress {
                finished,
                gradients: sum.gradients(),
                expected: sum.expected_gradients(),
                starts: sum.starts(),
                map_error_estimate: sum.map_error_estimate(),
                cut_short: sum.is_cut_short(),
            },
            elapsed_ms: now - self.started,
            ..self.draft.clone()
        })
    }
}

impl Explanation {
    /// That it is done, and what it took.
    pub fn done(&self) -> Phrase {
        let done = phrase!(
            "Done: {all} gradients in {seconds} s.",
            all = self.progress.gradients,
            seconds = decimal(self.elapsed_ms / 1000.0, 1),
        );
        match self.progress.cut_short {
            true => phrase!("{done} That is all that Auto may take.", done = done),
            false => done,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use pollster::block_on;

    use super::super::job::Jobs;
    use super::super::part::tests::english;
    use super::super::pool::tests::{Stand, timed, weights};
    use super::super::{Field, Seen, Settings};
    use super::*;

    /// Says nothing but the last sentence.
    #[derive(Default)]
    struct Slate(RefCell<String>);

    impl Board for Slate {
        type Words = Phrase;
        fn say(&self, words: Phrase) {
            self.0.replace(english(&words));
        }
        fn announce(&self, _: Phrase) {}
        fn show(&self, _: Option<f64>) {}
        fn left(&self, _: f64) {}
    }

    /// Fifty trapezoids of one pixel, in a pool of which each gradient takes so many milliseconds.
    fn begun(gradient_ms: f64) -> (Forming, Pool<Rc<Stand>>) {
        let mut settings = Settings::default();
        for (id, text) in [("auto", ""), ("rule", "trapezoid"), ("steps", "50")] {
            let field = Field::of_control(id).expect("a control");
            (field.set)(&mut settings, text);
        }
        let shown = Explanation::for_tests(settings.clone(), 51);
        let seen: Seen = shown.seen();
        let draft = Explanation::draft(&seen, 1, settings, None, ("cpu".into(), 1));
        let (draft, sum) = draft.expect("a path");
        let pool = timed(gradient_ms);
        block_on(async {
            pool.load(&weights(0)).await?;
            pool.keep(&draft.prepared.input, &draft.prepared.baseline)
                .await
        })
        .expect("workers");
        (Forming::new(draft, sum, pool.now()), pool)
    }

    #[test]
    fn a_mask_is_drawn_now_and_then_and_done_when_all_gradients_are_in() {
        let jobs = Jobs::new(Rc::new(Slate::default()));
        let (forming, pool) = begun(40.0);
        assert!(forming.so_far(0.0).is_none(), "nothing has come yet");
        let drawn = Cell::new(0);
        let draw = || drawn.set(drawn.get() + 1);
        let done = block_on(forming.sum(&pool, &jobs.begin(0.0), draw));
        let done = done.expect("no failure").expect("all of it");
        assert!(done.is_finished() && done.progress.gradients == 51);
        assert_eq!(done.elapsed_ms, 51.0 * 40.0);
        // The first, and then every 200 ms of two seconds.
        assert!((10..=12).contains(&drawn.get()), "{}", drawn.get());
        assert_eq!(english(&done.done()), "Done: 51 gradients in 2.0 s.");
    }

    #[test]
    fn drawing_that_takes_long_is_rarer() {
        let jobs = Jobs::new(Rc::new(Slate::default()));
        let (forming, pool) = begun(40.0);
        let drawn = Cell::new(0);
        let draw = || {
            drawn.set(drawn.get() + 1);
            pool.host_for_tests().pass(100.0);
        };
        let done = block_on(forming.sum(&pool, &jobs.begin(0.0), draw));
        assert!(done.is_ok_and(|done| done.is_some()));
        assert!(drawn.get() <= 3, "a tenth of the time: {}", drawn.get());
    }

    #[test]
    fn what_has_come_when_it_is_cancelled_can_be_had() {
        let jobs = Jobs::new(Rc::new(Slate::default()));
        let (forming, pool) = begun(210.0);
        let drawn = Cell::new(0);
        let draw = || {
            drawn.set(drawn.get() + 1);
            if drawn.get() == 7 {
                jobs.stop();
            }
        };
        let job = jobs.begin(0.0);
        let done = block_on(forming.sum(&pool, &job, draw));
        assert!(done.is_ok_and(|done| done.is_none()), "it is not finished");
        let came = forming.so_far(pool.now()).expect("seven gradients");
        assert_eq!((came.progress.gradients, came.is_finished()), (7, false));
    }
}
