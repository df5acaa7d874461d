//! Where the page's studies are done: with its pool of workers, and what comes of them on the page.

use std::rc::Rc;

use super::job::PageJob;
use super::{Page, missing_weights};
use crate::attribution::Baseline;
use crate::model::Randomised;
use crate::page::study::{Desk, Ended, Studied, Study};
use crate::page::{Explanation, Panel, Prepared};
use crate::protocol::Failure;
use crate::web::dom::now;
use crate::web::parts::put;
use crate::web::pool::{Browser, Pool};
use crate::web::words::Phrase;

/// See the [module](self).
pub(super) struct PageDesk {
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
        study: impl AsyncFn(&Study<PageDesk>, &Rc<Explanation>) -> Studied<Phrase> + Copy + 'static,
    ) {
        self.on_start(id, move |page, job| async move {
            let Some((_, explanation)) = page.explained(&job).await? else {
                return Ok(());
            };
            let of = Some(&explanation);
            page.study(&job, of, async |at| study(at, &explanation).await)
                .await
        });
    }

    /// Studies, gives the pool what it had of an explanation back, and says what came of it.
    pub(super) async fn study(
        self: &Rc<Self>,
        job: &PageJob,
        of: Option<&Rc<Explanation>>,
        study: impl AsyncFnOnce(&Study<PageDesk>) -> Studied<Phrase>,
    ) -> Result<(), Failure> {
        let Some(pool) = self.pool.borrow().clone() else {
            return Ok(());
        };
        let desk = PageDesk {
            page: Rc::clone(self),
            job: job.clone(),
            pool,
        };
        let at = Study { desk };
        let done = match study(&at).await {
            Ok(done) => done,
            Err(Ended::Superseded) => return Ok(()),
            Err(Ended::Failed(failure)) => return Err(failure),
        };
        if let Some(of) = of {
            at.desk.take_back(of).await?;
        }
        if job.is_current() {
            self.say_status(done);
        }
        Ok(())
    }
}

impl Desk for PageDesk {
    type Host = Browser;

    fn pool(&self) -> &Pool {
        &self.pool
    }

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

    fn lend_path(&self) {
        self.page.work.borrow_mut().lend_path();
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
        self.page.work.borrow_mut().hold_nothing();
        self.pool.load(&weights).await
    }

    async fn take_back(&self, of: &Explanation) -> Result<(), Failure> {
        self.page.take_back(&self.job, &self.pool, of).await
    }

    async fn prepare(&self, baseline: Baseline) -> Result<Prepared, Failure> {
        let looked = self.page.looked.borrow().clone();
        let looked = looked.ok_or_else(|| Failure::internal("nothing is looked at"))?;
        self.pool.prepare(&looked.picture, baseline).await
    }
}
