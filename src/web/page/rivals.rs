//! What other methods make of a photo, by the network as it is, or by one that has forgotten a part.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use super::job::PageJob;
use super::{Page, baseline_name};
use crate::attribution::{PartialSum, Quadrature, Rule, Slopes, enlarged, grid, idgi, with_noise};
use crate::mask::{edges, reduce_absolute, soften};
use crate::page::{Explanation, noise_picture, other_baselines, plain_picture};
use crate::protocol::Failure;
use crate::web::dom::now;
use crate::web::pool::Pool;
use crate::web::words::{Phrase, phrase};

/// Patches along a side that occlusion covers one by one.
const OCCLUDED: usize = 14;
/// Noisy inputs whose gradients are averaged, and their noise, as a share of the input's range.
const NOISY: u64 = 8;
const NOISE: f32 = 0.15;
/// Baselines of noise from which paths begin, and the secants of each path.
const BASELINES: u64 = 4;
const SECANTS: usize = 12;
/// Points of the path at which gradients' squares share out what the output changes by.
const POINTS: usize = 24;
/// Gradients and other passes that all methods take.
const ALL: usize = 3
    + OCCLUDED * OCCLUDED
    + NOISY as usize
    + (2 + BASELINES as usize) * SECANTS
    + POINTS
    + SECANTS;

/// A method's map, and what it is called.
pub(super) struct Candidate {
    pub(super) title: Phrase,
    /// Flat \[H, W\], nothing below 0.
    pub(super) map: Vec<f32>,
}

/// What makes the maps.
struct Maker<'a> {
    page: &'a Page,
    job: &'a PageJob,
    pool: &'a Pool,
    explanation: &'a Rc<Explanation>,
    learnt: bool,
    done: Cell<usize>,
}

impl Page {
    /// What every method makes of the photo, of a pool that keeps the explanation's path; nothing,
    /// if the job is no longer wanted. The pool keeps another path then.
    pub(super) async fn make_maps(
        &self,
        job: &PageJob,
        pool: &Pool,
        explanation: &Rc<Explanation>,
        learnt: bool,
    ) -> Result<Option<Vec<Candidate>>, Failure> {
        job.start_clock(now());
        let maker = Maker {
            page: self,
            job,
            pool,
            explanation,
            learnt,
            done: Cell::default(),
        };
        maker.all().await
    }
}

impl Maker<'_> {
    async fn all(&self) -> Result<Option<Vec<Candidate>>, Failure> {
        let explanation = self.explanation;
        let prepared = &explanation.prepared;
        let (input, baseline) = (&prepared.input, &prepared.baseline);
        let width = explanation.width();
        let end = Quadrature::points(&[1.0]);
        let Some(gradient) = self.sum(&end).await? else {
            return Ok(None);
        };
        let guided = Quadrature {
            slopes: Slopes::Guided,
            ..end.clone()
        };
        let Some(guided) = self.sum(&guided).await? else {
            return Ok(None);
        };
        let places = self.pool.class_activation(explanation.target).await?;
        self.step(1);
        let Some(occlusion) = self.occlusion().await? else {
            return Ok(None);
        };
        let Some(shares) = self.shares().await? else {
            return Ok(None);
        };
        let integrated = if self.learnt {
            reduce_absolute(&explanation.attributions.values)
        } else {
            let secants = Rule::Secant.quadrature(SECANTS)?;
            let Some(sum) = self.sum(&secants).await? else {
                return Ok(None);
            };
            reduce_absolute(&times(&sum, input, baseline))
        };
        // From here on the pool holds another path.
        let mut smooth = vec![0.0f32; input.len()];
        for seed in 0..NOISY {
            if !self.keep(&with_noise(input, NOISE, seed), baseline).await? {
                return Ok(None);
            }
            let Some(noisy) = self.sum(&end).await? else {
                return Ok(None);
            };
            smooth.iter_mut().zip(&noisy).for_each(|(sum, v)| *sum += v);
        }
        let preprocessing = &explanation.spec.preprocessing;
        let mut from_others = Vec::new();
        for other in other_baselines(explanation.settings.baseline()) {
            let Some(rgb) = other.colour() else { continue };
            let start = plain_picture(rgb, preprocessing);
            let Some(attributions) = self.integrated(&start).await? else {
                return Ok(None);
            };
            from_others.push((other, reduce_absolute(&attributions)));
        }
        let mut expected = vec![0.0f32; input.len()];
        for seed in 1..=BASELINES {
            let start = noise_picture(seed, preprocessing);
            let Some(of_this) = self.integrated(&start).await? else {
                return Ok(None);
            };
            let mean = 1.0 / BASELINES as f32;
            let pairs = expected.iter_mut().zip(&of_this);
            pairs.for_each(|(sum, v)| *sum += mean * v);
        }
        let times_input: Vec<f32> = gradient.iter().zip(input).map(|(g, x)| g * x).collect();
        let candidate = |title: Phrase, map: Vec<f32>| Candidate { title, map };
        let mut all = vec![candidate(phrase!("Integrated Gradients"), integrated)];
        all.extend(from_others.into_iter().map(|(baseline, map)| {
            let baseline = baseline_name(baseline);
            let title = phrase!("Integrated Gradients from {baseline}", baseline = baseline);
            candidate(title, map)
        }));
        all.extend([
            candidate(phrase!("Expected Gradients"), reduce_absolute(&expected)),
            candidate(phrase!("IDGI"), reduce_absolute(&shares)),
            candidate(phrase!("Gradient"), reduce_absolute(&gradient)),
            candidate(phrase!("Gradient × input"), reduce_absolute(&times_input)),
            candidate(phrase!("SmoothGrad"), reduce_absolute(&smooth)),
            candidate(phrase!("Guided backpropagation"), reduce_absolute(&guided)),
        ]);
        if let Some((rows, columns, map)) = places {
            let size = explanation.spec.preprocessing.size();
            let map = enlarged(&map, [rows, columns], size);
            all.push(candidate(phrase!("Grad-CAM"), map));
        }
        all.push(candidate(phrase!("Occlusion"), occlusion));
        all.push(candidate(phrase!("An edge detector"), edges(input, width)));
        if let Some(cells) = self.page.last_guess(explanation) {
            let map: Vec<f32> = cells
                .into_iter()
                .map(|cell| f32::from(u8::from(cell)))
                .collect();
            all.push(candidate(
                phrase!("The class's own guess"),
                soften(&map, width),
            ));
        }
        Ok(Some(all))
    }

    fn step(&self, steps: usize) {
        self.done.set(self.done.get() + steps);
        let (done, all) = (self.done.get().min(ALL), ALL);
        let sentence = if self.learnt {
            phrase!("Other methods: {done} of {all}", done = done, all = all)
        } else {
            phrase!(
                "The same, forgetful: {done} of {all}",
                done = done,
                all = all
            )
        };
        self.job.progress(done, all, now(), sentence);
    }

    /// Whether the job is still wanted.
    async fn keep(&self, input: &[f32], baseline: &[f32]) -> Result<bool, Failure> {
        if !self.job.is_current() {
            return Ok(false);
        }
        // What it held of the stage's path is no longer so.
        if self.learnt {
            let mut held = self.explanation.settings.clone();
            held.picture = None;
            self.page.work.borrow_mut().hold(Some(held));
        }
        self.pool.keep(input, baseline).await?;
        Ok(self.job.is_current())
    }

    /// The weighted sum of gradients of the kept path.
    async fn sum(&self, nodes: &Quadrature) -> Result<Option<Vec<f32>>, Failure> {
        let sum = RefCell::new(vec![0.0f32; self.explanation.prepared.input.len()]);
        let take = |partial: PartialSum| {
            let mut sum = sum.borrow_mut();
            let pairs = sum.iter_mut().zip(&partial.gradient_sum);
            pairs.for_each(|(sum, &g)| *sum += g);
            self.step(partial.samples.len());
            Ok(())
        };
        let target = self.explanation.target;
        let whole = self.page.gather(self.job, self.pool, target, nodes, take);
        Ok(whole.await?.then(|| sum.into_inner()))
    }

    /// The attributions of the photo from another baseline.
    async fn integrated(&self, start: &[f32]) -> Result<Option<Vec<f32>>, Failure> {
        let input = &self.explanation.prepared.input;
        if !self.keep(input, start).await? {
            return Ok(None);
        }
        let sum = self.sum(&Rule::Secant.quadrature(SECANTS)?).await?;
        Ok(sum.map(|sum| times(&sum, input, start)))
    }

    /// What covering each patch by itself changes F by, the same for all of its pixels.
    async fn occlusion(&self) -> Result<Option<Vec<f32>>, Failure> {
        let Explanation {
            prepared,
            target,
            spec,
            ..
        } = &**self.explanation;
        let logits = self.pool.look(&prepared.input).await?;
        let independent = spec.independent || spec.architecture.is_detector();
        let here = target.of(&logits, independent);
        let labels = grid((prepared.input.len() / 3).isqrt(), OCCLUDED);
        let patches = OCCLUDED * OCCLUDED;
        let single: Vec<Vec<u16>> = (0..patches as u16).map(|patch| vec![patch]).collect();
        let drops = RefCell::new(vec![0.0f32; patches]);
        let take = |k: usize, outputs: &[f32]| {
            if let Some(output) = outputs.first() {
                drops.borrow_mut()[k] = (here - output).abs();
            }
            self.step(1);
        };
        let current = || self.job.is_current();
        self.pool
            .cover(Some(*target), &labels, &single, current, take)
            .await?;
        let drops = drops.into_inner();
        let map = labels.iter().map(|&patch| drops[usize::from(patch)]);
        Ok(current().then(|| map.collect()))
    }

    /// IDGI along the kept path.
    async fn shares(&self) -> Result<Option<Vec<f32>>, Failure> {
        let prepared = &self.explanation.prepared;
        let target = self.explanation.target;
        let alphas: Vec<f64> = (0..POINTS).map(|k| k as f64 / POINTS as f64).collect();
        let nodes = Quadrature::points(&alphas);
        let points = RefCell::new(Vec::new());
        let take = |partial: PartialSum| {
            self.step(1);
            points.borrow_mut().push(partial);
            Ok(())
        };
        if !self
            .page
            .gather(self.job, self.pool, target, &nodes, take)
            .await?
        {
            return Ok(None);
        }
        let end = if self.learnt {
            self.explanation.ends[1]
        } else {
            let spec = &self.explanation.spec;
            let logits = self.pool.look(&prepared.input).await?;
            target.of(&logits, spec.independent || spec.architecture.is_detector())
        };
        Ok(Some(idgi(&points.into_inner(), end)))
    }
}

/// `(x − x′) · gradient`.
fn times(gradient: &[f32], input: &[f32], baseline: &[f32]) -> Vec<f32> {
    let ends = input.iter().zip(baseline).zip(gradient);
    ends.map(|((x, x0), g)| (x - x0) * g).collect()
}
