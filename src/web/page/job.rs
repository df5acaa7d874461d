//! From model to mask: one job at a time, of which a newer one drops what is left.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use wasm_bindgen_futures::spawn_local;

use super::status::Status;
use super::{PREVIEW_SIDE, Page, Seen, missing_weights};
use crate::attribution::{Attributions, Integration, PartialSum};
use crate::device::DeviceKind;
use crate::model::{ModelSpec, Target};
use crate::page::answers::usual;
use crate::page::{Begin, Explanation, Job, PictureId, Prepared, Progress, Settings, not_on_gpu};
use crate::protocol::{Failure, FailureCode, Source};
use crate::web::dom::now;
use crate::web::files;
use crate::web::pool::{Pool, Weights};
use crate::web::words::{Phrase, decimal, name as named, phrase};

/// While a mask forms, the page shows what has come and then rests: so many times as long as that took,
/// and at least so long. Drawing keeps workers waiting, and on two cores it takes one from them.
const REST: f64 = 9.0;
const LEAST_REST_MS: f64 = 200.0;

/// A job that writes on the page's status.
pub(super) type PageJob = Job<Status>;

/// A mask that forms.
pub(super) struct Forming {
    sum: Rc<RefCell<Integration>>,
    /// The explanation, with nothing summed.
    draft: Explanation,
    started: f64,
}

impl Forming {
    /// The explanation, as far as it has come; nothing, if no gradient is in.
    fn so_far(&self) -> Option<Explanation> {
        self.explanation(false)
    }

    fn explanation(&self, finished: bool) -> Option<Explanation> {
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
            elapsed_ms: now() - self.started,
            ..self.draft.clone()
        })
    }
}

impl Page {
    /// Begins again from there, with what is set.
    pub(super) fn begin(self: &Rc<Self>, from: Begin) {
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
                page.give_up(failure).await;
            } else {
                page.forming.take();
                page.work.borrow_mut().stop();
                page.show_controls();
                page.go_on_with_lesson();
                page.settle_device();
            }
        });
    }

    /// A job failed: on the GPU, the CPU goes on in its place; else people are told.
    async fn give_up(self: Rc<Self>, failure: Failure) {
        let on_gpu = self
            .pool
            .borrow()
            .as_ref()
            .is_some_and(|pool| pool.device == DeviceKind::Gpu);
        let of_device = matches!(
            failure.code,
            FailureCode::WorkerLost | FailureCode::DeviceFailed | FailureCode::NoGpu
        );
        if of_device {
            // Whatever its workers held, nothing is sure any more.
            self.work.borrow_mut().hold(None);
        }
        if on_gpu && of_device {
            self.work.borrow_mut().change(|s| s.device = "cpu".into());
            self.show_settings();
            self.clone().change_device().await;
            self.tell(&not_on_gpu(&failure, true));
        } else {
            self.tell(&failure);
            self.say_status(phrase!("Stopped."));
        }
    }

    /// Walks the way from model to mask, from where the engine lacks something, as long as no newer job has begun.
    pub(super) async fn make_mask(self: &Rc<Self>, job: &PageJob) -> Result<(), Failure> {
        let settings = self.work.borrow_mut().begin();
        self.show_controls();
        let Some(pool) = self.pool.borrow().clone() else {
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
            self.load(job, &pool, &spec, &settings).await?;
            if !job.is_current() {
                return Ok(());
            }
        }
        let looked = self.looked.borrow().clone();
        let Some(looked) = looked else {
            if missing == Some(Begin::Model) {
                job.wait(phrase!(
                    "Getting {network} ready…",
                    network = named(&*spec.title)
                ));
                pool.rehearse(settings.method().slopes()).await?;
                if !job.is_current() {
                    return Ok(());
                }
            }
            self.say_status(phrase!(
                "{network} is ready. Give it a photo.",
                network = named(&*spec.title)
            ));
            return Ok(());
        };

        if missing.is_some() {
            job.wait(phrase!("Looking at the photo…"));
            if missing == Some(Begin::Model) {
                // A new pool has not seen the photo yet.
                let opened = pool.open(&looked.picture, PREVIEW_SIDE).await;
                if !job.is_current() {
                    return Ok(());
                }
                if opened.is_err() && self.stage.borrow().shown().is_empty() {
                    // It waited for the engine and was no photo: nothing is there to explain.
                    self.looked.replace(None);
                    self.work.borrow_mut().change(|s| s.set_picture(None));
                    self.drop_shown_photo();
                }
                let opened = opened?;
                if self.stage.borrow().shown().is_empty() {
                    self.show_photo(opened);
                }
            }
            let prepared = pool.prepare(&looked.picture, settings.baseline()).await?;
            if !job.is_current() {
                return Ok(());
            }
            self.work.borrow_mut().hold(None);
            pool.keep(&prepared.input, &prepared.baseline).await?;
            if !job.is_current() {
                return Ok(());
            }
            self.work.borrow_mut().hold(Some(settings.clone()));
            self.see(spec.clone(), Rc::new(prepared));
        }
        let Some(mut seen) = self.seen.borrow().clone() else {
            return Ok(());
        };
        let outputs = seen.prepared.logits_input.len();
        let chosen = settings.output.filter(|&output| output < outputs);
        let usual = || usual(&spec, &seen.prepared, settings.threshold);
        seen.output = chosen.or_else(usual);
        let (output, prepared) = (seen.output, Rc::clone(&seen.prepared));
        self.seen.replace(Some(seen));
        self.show_answers();
        self.write_address();
        self.note_what_it_knows(&spec, &settings);
        let Some(output) = output else {
            self.say_status(phrase!("Nothing to explain yet: choose a box."));
            return Ok(());
        };
        let detector = spec.architecture.is_detector();
        let independent = spec.independent;
        let target = Target {
            output,
            minus: settings
                .against
                .filter(|&class| !detector && class != output && class < outputs),
            scale: settings.scale,
        };
        let ends = [&prepared.logits_baseline, &prepared.logits_input];
        let method = settings.method();
        let integration = Integration::new(method, &prepared.input, &prepared.baseline)?;
        let draft = Explanation {
            spec,
            target,
            truth: self
                .looked
                .borrow()
                .as_ref()
                .and_then(|l| l.truth.borrow().clone()),
            attributions: Attributions {
                values: Vec::new(),
                sum: 0.0,
            },
            ends: ends.map(|logits| target.of(logits, independent)),
            quadrature: integration.quadrature(),
            samples: Vec::new(),
            progress: Progress::default(),
            elapsed_ms: 0.0,
            device: (pool.device.name().into(), pool.size()),
            prepared,
            settings,
        };
        self.sum(job, &pool, draft, integration).await
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
        if !job.is_current() {
            return Ok(());
        }
        job.wait(phrase!("Loading {network}…", network = named(&*spec.title)));
        self.work.borrow_mut().hold(None);
        pool.load(&weights).await?;
        if job.is_current() && matches!(weights.source, Source::Own { .. }) {
            let slopes = settings.method().slopes();
            let gradient_ms = pool.time_gradient(slopes).await?;
            self.note_time(&spec.name, gradient_ms);
            self.show_card();
        }
        if job.is_current() {
            // The network is there, and no path.
            let mut held = settings.clone();
            held.picture = None;
            self.work.borrow_mut().hold(Some(held));
        }
        Ok(())
    }

    /// What a network says of the photo takes the place of what another one said.
    fn see(&self, spec: ModelSpec, prepared: Rc<Prepared>) {
        let crop = prepared.crop;
        self.stage.borrow_mut().change(|stage| stage.set_crop(crop));
        self.seen.replace(Some(Seen {
            spec,
            prepared,
            output: None,
        }));
    }

    /// The part that takes time: the mask forms.
    async fn sum(
        self: &Rc<Self>,
        job: &PageJob,
        pool: &Pool,
        draft: Explanation,
        integration: Integration,
    ) -> Result<(), Failure> {
        let label = super::titles::label(&draft);
        let target = draft.target;
        let sum = Rc::new(RefCell::new(integration));
        let failed = RefCell::new(None);
        let start = now();
        self.forming.replace(Some(Forming {
            sum: Rc::clone(&sum),
            draft,
            started: start,
        }));
        self.show_exports();
        self.show_controls();
        let show_progress = || {
            let (done, all) = {
                let sum = sum.borrow();
                (sum.gradients(), sum.expected_gradients())
            };
            let sentence = phrase!(
                "Explaining “{class}”: {done} of {all} gradients",
                class = label.clone(),
                done = done,
                all = all,
            );
            job.progress(done, all, now(), sentence);
        };
        job.start_clock(start);
        show_progress();
        let rested_at = Cell::new(start);
        let take = |partial: PartialSum| {
            if !job.is_current() {
                return;
            }
            if let Err(error) = sum.borrow_mut().add(&partial) {
                *failed.borrow_mut() = Some(Failure::from(error));
                return;
            }
            let begin = now();
            if begin >= rested_at.get() {
                show_progress();
                self.draw_forming();
                let end = now();
                rested_at.set(end + ((end - begin) * REST).max(LEAST_REST_MS));
            }
        };
        while job.is_current() {
            let Some(round) = sum.borrow_mut().next_round()? else {
                break;
            };
            pool.round(target, &round, || job.is_current(), take)
                .await?;
            if let Some(failure) = failed.take() {
                return Err(failure);
            }
        }
        if job.is_current()
            && let Some(forming) = self.forming.take()
            && let Some(explanation) = forming.explanation(true)
        {
            job.share(1.0, Phrase::nothing());
            let Progress {
                gradients,
                cut_short,
                ..
            } = explanation.progress;
            let done = phrase!(
                "Done: {all} gradients in {seconds} s.",
                all = gradients,
                seconds = decimal(explanation.elapsed_ms / 1000.0, 1),
            );
            self.note_answer(&explanation);
            self.work.borrow_mut().show(Rc::new(explanation));
            self.present();
            self.say_status(if cut_short {
                phrase!("{done} That is all that Auto may take.", done = done)
            } else {
                done
            });
        }
        Ok(())
    }

    /// Draws what has come of the mask that forms, if one does.
    fn draw_forming(&self) {
        let so_far = self.forming.borrow().as_ref().and_then(Forming::so_far);
        if let Some(so_far) = so_far {
            self.show_map(&so_far.attributions.values, so_far.width());
        }
    }

    /// What has come of the mask that forms is an explanation too, an unfinished one; where nothing has come, what
    /// was shown before still is. Whether something came.
    fn keep_what_came(self: &Rc<Self>) -> bool {
        let came = self.forming.take().and_then(|forming| forming.so_far());
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
            self.work.borrow_mut().hold(None);
            pool.keep(&prepared.input, &prepared.baseline).await?;
            self.work.borrow_mut().hold(Some(settings.clone()));
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
        if let Some(weights) = self.own_weights(&spec.name) {
            return Ok(weights);
        }
        if let Some(weights) = self.fetched.borrow().get(&*spec.name) {
            return Ok(weights.clone());
        }
        let entry = self.manifest.borrow().entry(&spec.name).cloned();
        let entry = entry.ok_or_else(|| missing_weights(&spec.name))?;
        let megabytes = entry.bytes as f64 / 1e6;
        let bytes = files::weights(&entry, |share| {
            let sentence = phrase!(
                "Fetching {network}: {done} of {all} MB",
                network = named(&*spec.title),
                done = decimal(share * megabytes, 1),
                all = decimal(megabytes, 1),
            );
            job.share(share, sentence);
        })
        .await?;
        let weights = Weights {
            source: Source::Published {
                architecture: spec.architecture,
                preprocessing: spec.preprocessing,
                sha256: entry.sha256,
            },
            bytes,
            memory: 0,
            randomised: None,
        };
        self.fetched
            .borrow_mut()
            .insert(spec.name.to_string(), weights.clone());
        Ok(weights)
    }

    /// ShapesNet knows drawn shapes and nothing else; of a photo it says the name of one all the same.
    fn note_what_it_knows(&self, spec: &ModelSpec, settings: &Settings) {
        let drawn = matches!(settings.picture, Some(PictureId::Scene { .. }));
        let painted = self.looked.borrow().as_ref().is_some_and(|l| l.painted);
        let only_shapes = spec.architecture == crate::model::Architecture::ShapesNet;
        super::show("knows-shapes", only_shapes && !drawn && !painted);
    }
}
