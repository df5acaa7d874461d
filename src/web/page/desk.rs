//! The page as a study's oracle: questions go to the pool of workers, and what comes of them onto the
//! page.

use std::ops::Range;
use std::rc::Rc;

use super::job::PageJob;
use super::{Page, missing_weights};
use crate::attribution::{Baseline, PartialSum, Perturbation, Quadrature};
use crate::model::{Randomised, Target};
use crate::page::study::{Ended, Oracle, Places, Studied, Study};
use crate::page::{Explanation, Panel, Prepared};
use crate::protocol::{Failure, Truth};
use crate::shapes::Tag;
use crate::web::dom::now;
use crate::web::parts::put;
use crate::web::pool::Pool;
use crate::web::words::Phrase;

/// See the [module](self).
pub(super) struct Desk {
    pub(super) page: Rc<Page>,
    job: PageJob,
    pool: Rc<Pool>,
}

impl Page {
    /// Begins a study of what is shown when the button of that id is pressed, unless something else
    /// is being done.
    pub(super) fn on_study(
        self: &Rc<Self>,
        id: &str,
        study: impl AsyncFn(&Study<Desk>, &Rc<Explanation>) -> Studied<Phrase> + Copy + 'static,
    ) {
        self.on_start(id, move |page, job| async move {
            let Some((_, explanation)) = page.explained(&job).await? else {
                return Ok(());
            };
            let of = Some(&explanation);
            page.study(&job, of, async |desk| study(desk, &explanation).await)
                .await
        });
    }

    /// Studies, gives the pool what it had of an explanation back, and says what came of it.
    pub(super) async fn study(
        self: &Rc<Self>,
        job: &PageJob,
        of: Option<&Rc<Explanation>>,
        study: impl AsyncFnOnce(&Study<Desk>) -> Studied<Phrase>,
    ) -> Result<(), Failure> {
        let Some(pool) = self.pool.borrow().clone() else {
            return Ok(());
        };
        let oracle = Desk {
            page: Rc::clone(self),
            job: job.clone(),
            pool,
        };
        let desk = Study { oracle };
        let done = match study(&desk).await {
            Ok(done) => done,
            Err(Ended::Superseded) => return Ok(()),
            Err(Ended::Failed(failure)) => return Err(failure),
        };
        if let Some(of) = of {
            desk.oracle.take_back(of).await?;
        }
        if job.is_current() {
            self.say_status(done);
        }
        Ok(())
    }
}

impl Oracle for Desk {
    fn is_wanted(&self) -> bool {
        self.job.is_current()
    }

    fn put(&self, panel: &Panel) {
        put(panel);
    }

    fn open(&self, chapter: &str, of: &Rc<Explanation>) {
        self.page.open_chapter(chapter, of);
    }

    fn wait(&self, what: Phrase) {
        self.job.wait(what);
    }

    fn start_clock(&self) {
        self.job.start_clock(now());
    }

    fn progress(&self, done: usize, all: usize, what: Phrase) {
        self.job.progress(done, all, now(), what);
    }

    async fn load(&self, network: &str, forgot: Option<Randomised>) -> Result<(), Failure> {
        let spec = self.page.spec(network);
        let spec = spec.ok_or_else(|| missing_weights(network))?;
        let mut weights = self.page.weights(&self.job, &spec).await?;
        if !self.job.is_current() {
            return Ok(());
        }
        weights.randomised = forgot;
        // From here on the pool holds another network than anyone believes.
        self.page.work.borrow_mut().hold(None);
        self.pool.load(&weights).await
    }

    async fn take_back(&self, of: &Explanation) -> Result<(), Failure> {
        self.page.take_back(&self.job, &self.pool, of).await
    }

    async fn keep(&self, [input, baseline]: [&[f32]; 2]) -> Result<(), Failure> {
        // From here on the pool holds another path than that of the stage.
        self.page.work.borrow_mut().lend_path();
        self.pool.keep(input, baseline).await
    }

    async fn prepare(&self, baseline: Baseline) -> Result<Prepared, Failure> {
        let looked = self.page.looked.borrow().clone();
        let looked = looked.ok_or_else(|| Failure::internal("nothing is looked at"))?;
        self.pool.prepare(&looked.picture, baseline).await
    }

    async fn look(&self, input: &[f32]) -> Result<Vec<f32>, Failure> {
        self.pool.look(input).await
    }

    async fn gradients(
        &self,
        target: Target,
        nodes: &Quadrature,
        take: impl Fn(PartialSum),
    ) -> Result<(), Failure> {
        let order = nodes.order();
        let part = |places: Range<usize>| nodes.pick(&order[places]);
        let wanted = || self.is_wanted();
        self.pool
            .sum_each(target, order.len(), part, wanted, take)
            .await
    }

    async fn cover(
        &self,
        target: Option<Target>,
        regions: &[u16],
        covered: &[Vec<u16>],
        take: impl Fn(usize, &[f32]),
    ) -> Result<(), Failure> {
        let wanted = || self.is_wanted();
        self.pool
            .cover(target, regions, covered, wanted, take)
            .await
    }

    async fn perturb(
        &self,
        target: Target,
        way: Perturbation,
        order: &[u32],
        counts: &[usize],
        take: impl Fn(usize, f32),
    ) -> Result<(), Failure> {
        let wanted = || self.is_wanted();
        self.pool
            .perturb(target, way, order, counts, wanted, take)
            .await
    }

    async fn class_activation(&self, target: Target) -> Result<Option<Places>, Failure> {
        self.pool.class_activation(target).await
    }

    async fn scene(&self, seed: u64, tag: Tag) -> Result<(Vec<u8>, Truth), Failure> {
        self.pool.scene(seed, tag).await
    }
}
