//! From model to mask: one job at a time, of which a newer one drops what is left.

use std::rc::Rc;

use wasm_bindgen::JsValue;
use wasm_bindgen_futures::spawn_local;

use super::open::Looked;
use super::status::Status;
use super::{PREVIEW_SIDE, Page};
use crate::device::DeviceKind;
use crate::model::ModelSpec;
use crate::page::{
    Begin, Explanation, Forming, Job, Place, Seen, Settings, missing_weights, not_on_gpu,
};
use crate::protocol::{Failure, Source};
use crate::web::dom::{now, tell_window};
use crate::web::files;
use crate::web::pool::{Pool, Weights};
use crate::web::words::{Phrase, name as named, phrase};

/// A job that writes on the page's status.
pub(super) type PageJob = Job<Status>;

impl Page {
    /// Begins again from there, with what is set.
    pub(super) fn begin(self: &Rc<Self>, from: Begin) {
        let from = match from {
            Begin::Photo => from,
            // The page has yet to learn what networks there are, and starts the engine then.
            _ if self.starting.borrow().is_none() => return,
            _ if self.lacks_engine() => Begin::Engine,
            // It takes what is set when it runs.
            _ if self.pool.borrow().is_none() && from != Begin::Engine => return,
            _ => from,
        };
        match from {
            Begin::Engine => {
                let page = Rc::clone(self);
                spawn_local(async move { page.change_device().await });
            }
            Begin::Photo => self.open_set_picture(),
            _ => self.run(|page, job| async move { page.make_mask(&job).await }),
        }
    }

    /// A job that supersedes the one before.
    pub(super) fn begin_job(&self) -> PageJob {
        self.forming.take();
        self.free_work.set(false);
        self.work.borrow_mut().stop();
        self.jobs.begin(now())
    }

    /// Does any work that takes time.
    pub(super) fn run<F: Future<Output = Result<(), Failure>> + 'static>(
        self: &Rc<Self>,
        body: impl FnOnce(Rc<Self>, PageJob) -> F + 'static,
    ) {
        let job = self.begin_job();
        self.show_controls();
        let page = Rc::clone(self);
        spawn_local(async move {
            let done = body(Rc::clone(&page), job.clone()).await;
            if !job.end() {
                return;
            }
            if let Err(failure) = done {
                page.keep_what_came();
                page.show_controls();
                page.clone().give_up(failure).await;
            } else {
                page.forming.take();
                page.work.borrow_mut().stop();
                page.show_controls();
                page.go_on_with_lesson();
                page.settle_device();
            }
            if !page.jobs.is_busy() && !page.openings.is_busy() {
                tell_window("violet-idle", &JsValue::UNDEFINED);
            }
        });
    }

    /// A job failed: on the GPU, the CPU goes on in its place; else people are told.
    async fn give_up(self: Rc<Self>, failure: Failure) {
        let device = self.pool.borrow().as_ref().map(|pool| pool.device);
        if failure.code.is_of_device() {
            // Whatever its workers held, nothing is sure any more.
            self.work.borrow_mut().hold_nothing();
            if device == Some(DeviceKind::Gpu) {
                self.work.borrow_mut().change(|s| s.device = "cpu".into());
                self.show_settings();
                self.clone().change_device().await;
                return self.tell(&not_on_gpu(&failure, true));
            }
        }
        self.tell(&failure);
        self.say_status(phrase!("Stopped."));
    }

    /// Walks the way from model to mask, from where the engine lacks something, as long as no newer job has begun.
    pub(super) async fn make_mask(self: &Rc<Self>, job: &PageJob) -> Result<(), Failure> {
        let settings = self.work.borrow_mut().begin();
        self.show_controls();
        let Some(mut pool) = self.pool.borrow().clone() else {
            return Ok(());
        };
        if settings.model.is_empty() {
            self.say_status(phrase!("No network's weights are here."));
            return Ok(());
        }
        let spec = self.spec(&settings.model);
        let spec = spec.ok_or_else(|| missing_weights(&settings.model))?;
        self.show_card();
        let missing = self.work.borrow().missing(&settings);
        if missing == Some(Begin::Model) {
            pool = self.pool_for(job, pool, &settings.model).await?;
            self.load(job, &pool, &spec, &settings).await?;
            job.wanted()?;
        }
        let looked = self.looked.borrow().clone();
        let Some(looked) = looked else {
            if missing == Some(Begin::Model) {
                job.wait(phrase!(
                    "Getting {network} ready…",
                    network = named(&*spec.title)
                ));
                pool.rehearse(settings.method().slopes()).await?;
                job.wanted()?;
            }
            self.say_status(phrase!(
                "{network} is ready. Give it a photo.",
                network = named(&*spec.title)
            ));
            return Ok(());
        };
        if missing == Some(Begin::Model) {
            // A new pool has not seen the photo yet.
            self.show_to(job, &pool, &looked).await?;
        }
        if missing.is_some() {
            self.look(job, &pool, &looked, spec, &settings).await?;
        }
        // What is shown may be of another network or baseline than what the pool holds.
        let seen = self.work.borrow().held_seen().cloned();
        let Some(mut seen) = seen else {
            return Ok(());
        };
        let output = seen.choose(&settings);
        self.seen.replace(Some(seen.clone()));
        self.show_answers();
        self.write_address();
        let only_shapes = seen.knows_only_shapes(&settings, looked.painted);
        super::show("knows-shapes", only_shapes);
        let Some(output) = output else {
            self.say_status(phrase!("Nothing to explain yet: choose a box."));
            return Ok(());
        };
        let truth = looked.truth.borrow().clone();
        let device = (pool.device.name().into(), pool.size());
        let (draft, sum) = Explanation::draft(&seen, output, settings, truth, device)?;
        self.form(job, &pool, Forming::new(draft, sum, now())).await
    }

    /// Loads a network into the pool.
    pub(super) async fn load(
        &self,
        job: &PageJob,
        pool: &Rc<Pool>,
        spec: &ModelSpec,
        settings: &Settings,
    ) -> Result<(), Failure> {
        let weights = self.weights(job, spec).await?;
        job.wanted()?;
        job.wait(phrase!("Loading {network}…", network = named(&*spec.title)));
        self.work.borrow_mut().hold_nothing();
        pool.load(&weights).await?;
        job.wanted()?;
        if matches!(weights.source, Source::Own { .. }) {
            let slopes = settings.method().slopes();
            let gradient_ms = pool.time_gradient(slopes, |_| {}).await?;
            self.networks.borrow_mut().timed(&spec.name, gradient_ms);
            self.show_card();
            job.wanted()?;
        }
        self.work.borrow_mut().hold_network(settings);
        Ok(())
    }

    /// Shows what is looked at to a pool that has not seen it.
    async fn show_to(
        self: &Rc<Self>,
        job: &PageJob,
        pool: &Pool,
        looked: &Looked,
    ) -> Result<(), Failure> {
        job.wait(phrase!("Looking at the photo…"));
        let opened = pool.open(&looked.picture, PREVIEW_SIDE).await;
        job.wanted()?;
        let new = self.stage.borrow().shown().is_empty();
        if new && opened.is_err() {
            // It waited for the engine and was no photo: nothing is there to explain.
            self.looked.replace(None);
            self.work.borrow_mut().change(|s| s.set_picture(None));
            self.drop_shown_photo();
        }
        let opened = opened?;
        if new {
            self.show_photo(opened);
        }
        Ok(())
    }

    /// What a network says of the photo takes the place of what another one said, and the pool
    /// keeps the path from its baseline.
    async fn look(
        &self,
        job: &PageJob,
        pool: &Pool,
        looked: &Looked,
        spec: ModelSpec,
        settings: &Settings,
    ) -> Result<(), Failure> {
        job.wait(phrase!("Looking at the photo…"));
        let prepared = pool.prepare(&looked.picture, settings.baseline()).await?;
        job.wanted()?;
        self.work.borrow_mut().hold_nothing();
        pool.keep(&prepared.input, &prepared.baseline).await?;
        job.wanted()?;
        let crop = prepared.crop;
        let seen = Seen {
            spec,
            prepared: Rc::new(prepared),
            output: None,
        };
        self.work.borrow_mut().hold_path(settings, seen.clone());
        self.restage(|stage| stage.set_crop(crop));
        self.seen.replace(Some(seen));
        Ok(())
    }

    /// The part that takes time: the mask forms.
    async fn form(
        self: &Rc<Self>,
        job: &PageJob,
        pool: &Pool,
        forming: Forming,
    ) -> Result<(), Failure> {
        let forming = Rc::new(forming);
        self.forming.replace(Some(Rc::clone(&forming)));
        self.show_exports();
        self.show_controls();
        let draw = || {
            if let Some(so_far) = forming.so_far(now()) {
                self.show_map(&so_far.attributions.values, so_far.width());
            }
        };
        if let Some(explanation) = forming.sum(pool, job, draw).await? {
            self.forming.take();
            job.share(1.0, Phrase::nothing());
            let done = explanation.done();
            self.note_answer(&explanation);
            self.work.borrow_mut().show(Rc::new(explanation));
            self.present();
            self.say_status(done);
        }
        Ok(())
    }

    /// What has come of the mask that forms is an explanation too, an unfinished one; where nothing has come, what
    /// was shown before still is. Whether something came.
    fn keep_what_came(self: &Rc<Self>) -> bool {
        let came = self.forming.take();
        let came = came.and_then(|forming| forming.so_far(now()));
        let something = came.is_some();
        let mut work = self.work.borrow_mut();
        match came {
            Some(explanation) => work.show(Rc::new(explanation)),
            None => work.stop(),
        }
        drop(work);
        self.present();
        something
    }

    /// What is shown, if it is finished, with a pool that holds its network and its path: nothing, if the job is no
    /// longer wanted.
    pub(super) async fn explained(
        &self,
        job: &PageJob,
    ) -> Result<Option<(Rc<Pool>, Rc<Explanation>)>, Failure> {
        let pool = self.pool.borrow().clone();
        let explanation = self.shown().filter(|shown| shown.is_finished());
        let (Some(pool), Some(explanation)) = (pool, explanation) else {
            return Ok(None);
        };
        self.take_back(job, &pool, &explanation).await?;
        Ok(job.is_current().then_some((pool, explanation)))
    }

    /// Gives the pool the network and the path of an explanation, unless it has them.
    pub(super) async fn take_back(
        &self,
        job: &PageJob,
        pool: &Rc<Pool>,
        explanation: &Explanation,
    ) -> Result<(), Failure> {
        let settings = &explanation.settings;
        let missing = self.work.borrow().missing(settings);
        if missing == Some(Begin::Model) {
            self.load(job, pool, &explanation.spec, settings).await?;
        }
        if missing.is_some() && job.is_current() {
            let prepared = &explanation.prepared;
            self.work.borrow_mut().hold_nothing();
            pool.keep(&prepared.input, &prepared.baseline).await?;
            let seen = explanation.seen();
            self.work.borrow_mut().hold_path(settings, seen);
        }
        Ok(())
    }

    /// Stops the current job, and the opening of a picture; what was on the page stays, and what came of it.
    pub(super) fn cancel(self: &Rc<Self>) {
        self.queueing.set(false);
        let opening = self.openings.stop();
        let (stopped, came) = self.stop();
        if !(opening || stopped) {
            return;
        }
        self.say_status(match came {
            true => phrase!("Cancelled. What there is so far stays."),
            false => phrase!("Cancelled. What was shown before stays."),
        });
    }

    /// Stops the current job, and shows what has come of its mask: whether there was one, and whether something
    /// has.
    pub(super) fn stop(self: &Rc<Self>) -> (bool, bool) {
        let stopped = self.jobs.stop();
        let came = stopped && self.keep_what_came();
        self.show_controls();
        (stopped, came)
    }

    /// A model's weights: someone's own, fetched before, or fetched now.
    pub(super) async fn weights(
        &self,
        job: &PageJob,
        spec: &ModelSpec,
    ) -> Result<Weights, Failure> {
        let place = self.networks.borrow().weights(&spec.name)?;
        let entry = match place {
            Place::Here(weights) => return Ok(weights),
            Place::Served(entry) => entry,
        };
        let megabytes = entry.bytes as f64 / 1e6;
        let come = |share| job.weights_come(&spec.title, share, megabytes);
        let bytes = files::weights(&entry, come).await?;
        Ok(self.networks.borrow_mut().fetched(spec, entry, bytes))
    }
}
