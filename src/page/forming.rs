//! A mask that forms: gradients come in, and now and then it is drawn.

use std::cell::{Cell, RefCell};

use super::explanation::{Explanation, Progress};
use super::job::{Board, Job};
use super::pool::{Host, Pool};
use crate::attribution::{Integration, PartialSum};
use crate::protocol::Failure;
use crate::words::{Phrase, decimal, phrase, titles};

/// While a mask forms, the page shows what has come and then rests: so many times as long as that took,
/// and at least so long. Drawing keeps workers waiting, and on two cores it takes one from them.
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

    /// Has a pool, which holds network and path, sum until all is in or the job is superseded; what has come is to be drawn
    /// when `draw` is called. The explanation, if it was finished.
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
        let prepared = &self.draft.prepared;
        let attributions = sum.attributions(&prepared.input, &prepared.baseline).ok()?;
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
