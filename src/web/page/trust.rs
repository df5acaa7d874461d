//! Can I trust it? Pixels taken away and brought back, a network that forgets, an edge detector.

use std::cell::RefCell;
use std::rc::Rc;

use super::Page;
use super::job::PageJob;
use crate::attribution::{Perturbation, order_of, random_order, rank_correlation};
use crate::mask::{edges, reduce_absolute};
use crate::model::{Randomised, Target};
use crate::page::trust::{Trial, cleared, forgot, oblivion_verdict, thumbnail};
use crate::page::{Explanation, Panel};
use crate::protocol::Failure;
use crate::web::dom::now;
use crate::web::parts::put;
use crate::web::pool::{Pool, Weights};
use crate::web::words::{Phrase, phrase, say};

/// Steps of Integrated Gradients for a network that forgets; what counts is only whether it changes.
const OBLIVION_STEPS: usize = 20;
/// Where the random order comes from.
const SEED: u64 = 7;

impl Page {
    pub(super) fn listen_to_trust(self: &Rc<Self>) {
        self.on_start("trust-start", |page, job| async move {
            page.put_to_the_test(&job).await
        });
    }

    async fn put_to_the_test(self: &Rc<Self>, job: &PageJob) -> Result<(), Failure> {
        let Some((pool, explanation)) = self.explained(job).await? else {
            return Ok(());
        };
        let map = reduce_absolute(&explanation.attributions.values);
        put(&cleared());
        self.open_chapter("trust", &explanation);
        let tested = self.test(job, &pool, &explanation, &map).await;
        if tested.is_err() || !job.is_current() {
            return tested;
        }
        // The network remembers everything again.
        self.take_back(job, &pool, &explanation).await?;
        if job.is_current() {
            self.say_status(phrase!("Done: the tests are below the photo."));
        }
        Ok(())
    }

    async fn test(
        self: &Rc<Self>,
        job: &PageJob,
        pool: &Pool,
        explanation: &Explanation,
        map: &[f32],
    ) -> Result<(), Failure> {
        for perturbation in [Perturbation::Deletion, Perturbation::Insertion] {
            self.exchange_pixels(job, pool, explanation.target, perturbation, map)
                .await?;
            if !job.is_current() {
                return Ok(());
            }
        }
        let weights = self.weights(job, &explanation.spec).await?;
        if !job.is_current() {
            return Ok(());
        }
        self.forget(job, pool, explanation, &weights, map).await
    }

    /// Draws the output's curve while pixels are exchanged.
    async fn exchange_pixels(
        self: &Rc<Self>,
        job: &PageJob,
        pool: &Pool,
        target: Target,
        perturbation: Perturbation,
        map: &[f32],
    ) -> Result<(), Failure> {
        let current = || job.is_current();
        let counts = Trial::counts(map.len());
        let trial = RefCell::new(Trial::new(perturbation));
        job.start_clock(now());
        let orders = [order_of(map), random_order(map.len(), SEED)];
        for (which, order) in orders.iter().enumerate() {
            let take = |step: usize, output: f32| {
                if !current() {
                    return;
                }
                trial.borrow_mut().set(which, step, output);
                let trial = trial.borrow();
                put(&trial.panel());
                let (what, done, all) = trial.progress();
                let sentence = phrase!(
                    "{what}: {done} of {all}",
                    what = what,
                    done = done,
                    all = all
                );
                job.progress(done, all, now(), sentence);
            };
            pool.perturb(target, perturbation, order, &counts, current, take)
                .await?;
            if !current() {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Explains the same output of networks that have forgotten more and more, and of none at all.
    async fn forget(
        self: &Rc<Self>,
        job: &PageJob,
        pool: &Pool,
        explanation: &Explanation,
        weights: &Weights,
        map: &[f32],
    ) -> Result<(), Failure> {
        let prepared = &explanation.prepared;
        let (input, baseline) = (&prepared.input, &prepared.baseline);
        let width = explanation.width();
        let show = |map: &[f32], title: Phrase, likeness: Option<f64>| {
            let row = thumbnail(map.to_vec(), width, title, likeness);
            put(Panel::new().adds("oblivion", row));
        };
        show(map, phrase!("The mask"), None);
        let mut worst = 0.0f64;
        for extent in Randomised::ALL {
            let mut forgetful = weights.clone();
            forgetful.randomised = Some(extent);
            // From here on the pool holds another network than anyone believes.
            self.work.borrow_mut().hold(None);
            pool.load(&forgetful).await?;
            if !job.is_current() {
                return Ok(());
            }
            pool.keep(input, baseline).await?;
            let title = forgot(extent);
            let ends = [input.as_slice(), baseline.as_slice()];
            let target = explanation.target;
            let attributions = self
                .sum_few(job, pool, target, ends, OBLIVION_STEPS, &title)
                .await?;
            let Some(attributions) = attributions else {
                return Ok(());
            };
            let without = reduce_absolute(&attributions.values);
            let likeness = rank_correlation(map, &without);
            if extent == Randomised::Everything {
                worst = likeness;
            }
            show(&without, title, Some(likeness));
        }
        let edges = edges(&prepared.input, width);
        let likeness = rank_correlation(map, &edges);
        show(&edges, phrase!("An edge detector"), Some(likeness));
        say("oblivion-note", oblivion_verdict(worst, likeness));
        Ok(())
    }
}
