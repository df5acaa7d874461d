//! From model to mask: one job at a time, of which a newer one drops what is left.

use std::cell::{Cell, RefCell};
use std::ops::Range;
use std::rc::Rc;

use wasm_bindgen_futures::spawn_local;
use web_sys::{HtmlElement, HtmlSelectElement};

use super::export::Finished;
use super::results::{found_box, probability};
use super::{
    From, PREVIEW_SIDE, Page, baseline_name, chosen_baseline, chosen_rule, duration,
    missing_weights, set_progress,
};
use crate::attribution::{
    Accumulator, Attributions, Baseline, Integration, PartialSum, Quadrature, Rule,
};
use crate::device::DeviceKind;
use crate::mask::Mask;
use crate::model::{ModelSpec, Target};
use crate::protocol::{Failure, FailureCode};
use crate::report::Report;
use crate::web::dom::{element, now};
use crate::web::files;
use crate::web::pool::{Picture, Pool, Prepared, Weights};
use crate::web::words::{Phrase, decimal, name as named, phrase, say};

/// While a mask forms, the page shows what has come and then rests: so many times as long as that took,
/// and at least so long. Drawing keeps workers waiting, and on two cores it takes one from them.
const REST: f64 = 9.0;
const LEAST_REST_MS: f64 = 200.0;

impl Page {
    /// Starts a job and forgets the one before.
    pub(super) fn run(self: &Rc<Self>, from: From) {
        self.show_chapters(false);
        if from != From::Target {
            // Even if a newer job overtakes this one, what was prepared before is of no use.
            self.stale.set(true);
        }
        self.work(move |page, job| async move { page.make_mask(job, from).await });
    }

    /// Starts any work that takes time, under a number of its own. A newer one's number tells the
    /// older that it is no longer wanted.
    pub(super) fn work<F: Future<Output = Result<(), Failure>> + 'static>(
        self: &Rc<Self>,
        body: impl FnOnce(Rc<Self>, u64) -> F + 'static,
    ) {
        let job = self.job.get() + 1;
        self.job.set(job);
        self.busy.set(true);
        self.forming.take();
        self.started.set(now());
        self.show_controls();
        let page = Rc::clone(self);
        spawn_local(async move {
            let done = body(Rc::clone(&page), job).await;
            if page.job.get() != job {
                return;
            }
            page.busy.set(false);
            page.show_controls();
            if let Err(failure) = done {
                page.draw_forming();
                page.give_up(failure).await;
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
        if on_gpu && of_device {
            element::<HtmlSelectElement>("device").set_value("cpu");
            self.clone().change_device().await;
            self.tell(&Failure {
                code: FailureCode::NoGpu,
                detail: failure.detail,
            });
        } else {
            self.tell(&failure);
            self.status(phrase!("Stopped."));
        }
    }

    /// Walks the way from model to mask, from `from` on, as long as no newer job has begun.
    async fn make_mask(self: &Rc<Self>, job: u64, from: From) -> Result<(), Failure> {
        let current = || self.job.get() == job;
        let Some(pool) = self.pool.borrow().clone() else {
            return Ok(());
        };
        let name = element::<HtmlSelectElement>("model").value();
        if name.is_empty() {
            self.status(phrase!("No network's weights are here."));
            return Ok(());
        }
        let spec = self.spec(&name).ok_or_else(|| missing_weights(&name))?;
        self.show_own_model(&name);

        let loaded = self.model.borrow().as_ref() == Some(&spec);
        if loaded {
            self.take_back(&pool, &spec).await?;
            if !current() {
                return Ok(());
            }
        } else {
            *self.model.borrow_mut() = None;
            self.prepared.replace(None);
            self.output.set(None);
            let weights = self.weights(&spec).await?;
            if !current() {
                return Ok(());
            }
            self.wait(phrase!("Loading {network}…", network = named(&*spec.title)));
            pool.load(&weights).await?;
            if !current() {
                return Ok(());
            }
            *self.model.borrow_mut() = Some(spec.clone());
            self.lent.set(false);
        }
        let Some(picture) = self.picture.borrow().clone() else {
            if !loaded {
                self.wait(phrase!(
                    "Getting {network} ready…",
                    network = named(&*spec.title)
                ));
                pool.rehearse(chosen_rule().0.slopes()).await?;
                if !current() {
                    return Ok(());
                }
            }
            self.status(phrase!(
                "{network} is ready. Give it a photo.",
                network = named(&*spec.title)
            ));
            return Ok(());
        };

        if self.prepared.borrow().is_none() || self.stale.get() {
            self.wait(phrase!("Looking at the photo…"));
            if from == From::Model {
                // A new pool has not seen the photo yet.
                let opened = pool.open(&picture, PREVIEW_SIDE).await;
                if !current() {
                    return Ok(());
                }
                if opened.is_err() && self.stage.borrow().is_empty() {
                    // It waited for the engine and was no photo: nothing is there to explain.
                    *self.picture.borrow_mut() = None;
                    self.drop_shown_photo();
                }
                self.show_photo(opened?);
            }
            let prepared = pool.prepare(&picture, chosen_baseline()).await?;
            if !current() {
                return Ok(());
            }
            pool.keep(&prepared.input, &prepared.baseline).await?;
            if !current() {
                return Ok(());
            }
            self.stage.borrow_mut().set_crop(prepared.crop);
            self.prepared.replace(Some(Rc::new(prepared)));
            self.stale.set(false);
        }
        let prepared = self.prepared.borrow().clone();
        let Some(prepared) = prepared else {
            return Ok(());
        };
        if self.output.get().is_none() {
            let outputs = prepared.logits_input.len();
            let wanted = self.wanted_output.take().filter(|&output| output < outputs);
            let output = wanted.or_else(|| Self::default_target(&spec, &prepared));
            self.output.set(output);
        }
        self.show_answers(&spec, &prepared);
        self.write_address();
        match self.output.get() {
            Some(output) => self.sum(job, &pool, &spec, &prepared, output).await,
            None => {
                self.status(phrase!("Nothing to explain yet: choose a box."));
                Ok(())
            }
        }
    }

    /// The part that takes time: the mask forms.
    async fn sum(
        self: &Rc<Self>,
        job: u64,
        pool: &Pool,
        spec: &ModelSpec,
        prepared: &Prepared,
        output: usize,
    ) -> Result<(), Failure> {
        let (rule, n_steps) = chosen_rule();
        let integration = Integration::new(rule, n_steps, prepared.input.len())?;
        let all = integration.all_gradients();
        let target = self.target(spec, output);
        let labels = spec.labels();
        let name = |output| labels.get(spec.class_of(output)).copied().unwrap_or("?");
        let label = match target.minus {
            Some(minus) => phrase!(
                "{class}, not {other}",
                class = named(name(output)),
                other = named(name(minus)),
            ),
            None => Phrase::of(named(name(output))),
        };
        let baseline = chosen_baseline();
        *self.title.borrow_mut() = match baseline {
            Baseline::Black => phrase!(
                "{network}: {class}",
                network = named(&*spec.title),
                class = label.clone(),
            ),
            _ => phrase!(
                "{network}: {class}, from {baseline}",
                network = named(&*spec.title),
                class = label.clone(),
                baseline = baseline_name(baseline),
            ),
        };
        let detector = spec.architecture.is_detector();
        let [base, input] = [&prepared.logits_baseline, &prepared.logits_input]
            .map(|logits| target.of(logits, detector));
        let sum = Rc::new(RefCell::new(integration));
        let failed = RefCell::new(None);
        let start = now();
        self.stage.borrow_mut().set_map(None);
        self.forming.replace(Some(Rc::clone(&sum)));
        self.finished.replace(None);
        self.show_exports();
        self.show_controls();
        self.show_pin();
        element::<HtmlElement>("truth").set_hidden(true);
        let show_progress = |done: usize| {
            let sentence = phrase!(
                "Explaining “{class}”: {done} of {all} gradients",
                class = label.clone(),
                done = done,
                all = all,
            );
            self.show_share(done, all, sentence);
        };
        self.started.set(now());
        show_progress(0);
        element::<HtmlElement>("meter").set_hidden(true);
        element::<HtmlElement>("completeness-hint").set_hidden(false);

        let current = || self.job.get() == job;
        let rested_at = Cell::new(start);
        let take = |partial: PartialSum| {
            if !current() {
                return;
            }
            if let Err(error) = sum.borrow_mut().add(&partial) {
                *failed.borrow_mut() = Some(Failure::from(error));
                return;
            }
            let begin = now();
            if begin >= rested_at.get() {
                show_progress(sum.borrow().gradients());
                self.draw_forming();
                let end = now();
                rested_at.set(end + ((end - begin) * REST).max(LEAST_REST_MS));
            }
        };
        let part = |places| sum.borrow().part(places);
        pool.sum(target, all, part, current, take).await?;
        if let Some(failure) = failed.take() {
            return Err(failure);
        }
        if current() {
            let sum = sum.borrow();
            let finished = sum.attributions(&prepared.input, &prepared.baseline)?;
            let elapsed_ms = now() - start;
            set_progress(1.0);
            self.forming.take();
            self.show_map(finished.values.clone());
            self.show_completeness(input, base, &finished);
            self.show_scores(spec, prepared, target, &finished);
            self.show_pin();
            let quadrature = sum.quadrature();
            let report = Report {
                photo: match &*self.picture.borrow() {
                    Some(Picture::Scene { seed, tag }) => {
                        format!("scene {seed}, tag: {}", tag.name())
                    }
                    _ => "a photo".into(),
                },
                model: spec.name.to_string(),
                target: output,
                label: name(output).into(),
                scale: target.scale,
                against: target.minus.map(|minus| name(minus).into()),
                r#box: found_box(spec, prepared, target, &finished.values),
                probability: probability(spec, prepared, output),
                output_input: input,
                output_baseline: base,
                attribution_sum: finished.sum,
                convergence_delta: finished.convergence_delta(input, base),
                rule: rule.name().into(),
                baseline: baseline.to_string(),
                n_steps,
                alphas: quadrature.alphas.clone(),
                step_sizes: quadrature.step_sizes.clone(),
                gradient_evaluations: all,
                forward_evaluations: 2,
                mask_full_scale: Mask::of(&finished.values).full_scale,
                elapsed_ms: elapsed_ms as u64,
                device: pool.device.name().into(),
                threads: pool.size(),
            };
            *self.finished.borrow_mut() = Some(Finished {
                attributions: finished.values,
                report,
            });
            *self.samples.borrow_mut() = sum.samples().to_vec();
            self.show_exports();
            self.note_answer(name(output));
            self.show_chapters(true);
            let seconds = elapsed_ms / 1000.0;
            self.status(phrase!(
                "Done: {all} gradients in {seconds} s.",
                all = all,
                seconds = decimal(seconds, 1),
            ));
            self.label_canvas(phrase!(
                "Your photo with the pixels used for “{class}” in purple",
                class = label.clone(),
            ));
        }
        Ok(())
    }

    /// Draws what has come of the mask that forms, if one does.
    fn draw_forming(&self) {
        let (sum, prepared) = (self.forming.borrow(), self.prepared.borrow());
        if let (Some(sum), Some(prepared)) = (&*sum, &*prepared)
            && sum.borrow().gradients() > 0
            && let Ok(so_far) = sum
                .borrow()
                .attributions(&prepared.input, &prepared.baseline)
        {
            self.show_map(so_far.values);
        }
    }

    /// How far the work has come, in words, on the bar and in time.
    pub(super) fn show_share(&self, done: usize, all: usize, sentence: Phrase) {
        self.status(sentence);
        set_progress(done as f64 / all as f64);
        if done > 0 {
            let spent = now() - self.started.get();
            say("left", duration(spent / done as f64 * (all - done) as f64));
        }
    }

    /// The attributions of the path that the pool keeps, by a few steps of the default rule; nothing, if
    /// a newer job has begun. `what` is said of the progress.
    #[allow(clippy::too_many_arguments)]
    pub(super) async fn sum_few(
        &self,
        job: u64,
        pool: &Pool,
        target: Target,
        input: &[f32],
        baseline: &[f32],
        n_steps: usize,
        what: &Phrase,
    ) -> Result<Option<Attributions>, Failure> {
        let quadrature = Rule::default().quadrature(n_steps)?;
        let sum = RefCell::new(Accumulator::new(input.len()));
        let take = |partial| {
            sum.borrow_mut().add(&partial)?;
            let (done, all) = (sum.borrow().samples().len(), quadrature.alphas.len());
            let sentence = phrase!(
                "{what}: {done} of {all}",
                what = what.clone(),
                done = done,
                all = all,
            );
            self.show_share(done, all, sentence);
            Ok(())
        };
        if !self.gather(job, pool, target, &quadrature, take).await? {
            return Ok(None);
        }
        let attributions = sum.borrow().attributions(input, baseline)?;
        Ok(Some(attributions))
    }

    /// Hands the weighted gradients at points of the path that the pool keeps to `take`, as they come.
    /// Whether the job is still wanted.
    pub(super) async fn gather(
        &self,
        job: u64,
        pool: &Pool,
        target: Target,
        quadrature: &Quadrature,
        take: impl Fn(PartialSum) -> crate::Result<()>,
    ) -> Result<bool, Failure> {
        let current = || self.job.get() == job;
        let failed = RefCell::new(None);
        let take = |partial: PartialSum| {
            if current()
                && let Err(error) = take(partial)
            {
                failed.replace(Some(Failure::from(error)));
            }
        };
        let order = quadrature.order();
        let part = |places: Range<usize>| quadrature.pick(&order[places]);
        pool.sum(target, order.len(), part, current, take).await?;
        match failed.take() {
            Some(failure) => Err(failure),
            None => Ok(current()),
        }
    }

    /// What the finished mask explains, and by what: nothing, if the job is no longer wanted.
    pub(super) async fn explained(
        &self,
        job: u64,
    ) -> Result<Option<(Rc<Pool>, Target, Rc<Prepared>, ModelSpec)>, Failure> {
        let there = || {
            self.finished.borrow().as_ref()?;
            let pool = self.pool.borrow().clone()?;
            let spec = self.model.borrow().clone()?;
            let prepared = self.prepared.borrow().clone()?;
            let target = self.target(&spec, self.output.get()?);
            Some((pool, target, prepared, spec))
        };
        let Some(explained) = there() else {
            return Ok(None);
        };
        self.take_back(&explained.0, &explained.3).await?;
        Ok((self.job.get() == job).then_some(explained))
    }

    /// Gives the pool the network and the path back that are explained, if a test left others there.
    pub(super) async fn take_back(&self, pool: &Pool, spec: &ModelSpec) -> Result<(), Failure> {
        if !self.lent.get() {
            return Ok(());
        }
        let weights = self.weights(spec).await?;
        self.wait(phrase!("Loading {network}…", network = named(&*spec.title)));
        pool.load(&weights).await?;
        let prepared = self.prepared.borrow().clone();
        if let Some(prepared) = prepared {
            pool.keep(&prepared.input, &prepared.baseline).await?;
        }
        self.lent.set(false);
        Ok(())
    }

    /// What can be learnt from a finished mask; of one that is not finished, nothing.
    pub(super) fn show_chapters(&self, there: bool) {
        self.forget_walk();
        self.forget_trust();
        self.forget_baselines();
        for id in ["walk", "trust", "baselines"] {
            element::<HtmlElement>(id).set_hidden(!there);
        }
    }

    /// Stops the current job, and the opening of a picture; what is on the page stays.
    pub(super) fn cancel(&self) {
        if self.busy.get() || self.decoding.get() {
            self.opening.set(self.opening.get() + 1);
            self.decoding.set(false);
            self.stop();
            self.status(phrase!("Cancelled. What there is so far stays."));
        }
    }

    /// Stops the current job, and shows what has come of its mask.
    pub(super) fn stop(&self) {
        if self.busy.get() {
            self.job.set(self.job.get() + 1);
            self.busy.set(false);
            self.draw_forming();
        }
        self.show_controls();
    }

    /// A model's weights: someone's own, fetched before, or fetched now.
    pub(super) async fn weights(&self, spec: &ModelSpec) -> Result<Weights, Failure> {
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
            self.status(phrase!(
                "Fetching {network}: {done} of {all} MB",
                network = named(&*spec.title),
                done = decimal(share * megabytes, 1),
                all = decimal(megabytes, 1),
            ));
            set_progress(share);
        })
        .await?;
        set_progress(0.0);
        let weights = Weights {
            architecture: spec.architecture,
            preprocessing: spec.preprocessing,
            sha256: Some(entry.sha256),
            classes: None,
            bytes,
            randomised: None,
        };
        self.fetched
            .borrow_mut()
            .insert(spec.name.to_string(), weights.clone());
        Ok(weights)
    }
}
