//! What other methods make of a photo, by the network as it is, or by one that has forgotten a
//! part.

use std::cell::{Cell, RefCell};

use super::{Desk, Studied, Study};
use crate::attribution::{PartialSum, Quadrature, Rule, Slopes, enlarged, grid, idgi, with_noise};
use crate::mask::{edges, reduce_absolute, soften};
use crate::page::titles::baseline_name;
use crate::page::{Explanation, noise_picture, other_baselines, plain_picture};
use crate::words::{Phrase, phrase};

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
pub(super) struct Maker<'a, D> {
    pub(super) study: &'a Study<D>,
    pub(super) explanation: &'a Explanation,
    /// What the class has painted on the photo.
    pub(super) guess: Option<&'a [bool]>,
    /// Whether the network is as it is, and has forgotten nothing.
    pub(super) learnt: bool,
    done: Cell<usize>,
}

impl<'a, D: Desk> Maker<'a, D> {
    pub(super) fn new(
        study: &'a Study<D>,
        explanation: &'a Explanation,
        guess: Option<&'a [bool]>,
        learnt: bool,
    ) -> Self {
        study.desk.start_clock();
        Self {
            study,
            explanation,
            guess,
            learnt,
            done: Cell::default(),
        }
    }

    fn ends(&self) -> [&'a [f32]; 2] {
        let prepared = &self.explanation.prepared;
        [&prepared.input, &prepared.baseline]
    }

    /// What every method makes of the photo, of the explanation's path, which is kept. Another one
    /// is kept then.
    pub(super) async fn all(&self) -> Studied<Vec<Candidate>> {
        let explanation = self.explanation;
        let preprocessing = &explanation.spec.preprocessing;
        let [input, baseline] = self.ends();
        let width = explanation.width();
        let end = Quadrature::points(&[1.0]);
        let gradient = self.sum(&end).await?;
        let guided = Quadrature {
            slopes: Slopes::Guided,
            ..end.clone()
        };
        let guided = self.sum(&guided).await?;
        let pool = self.study.desk.pool();
        let places = pool.class_activation(explanation.target);
        let places = self.study.asked(places).await?;
        self.step(1);
        let occlusion = self.occlusion().await?;
        let shares = self.shares().await?;
        let integrated = match self.learnt {
            true => explanation.attributions.values.clone(),
            false => {
                let secants = self.sum(&Rule::Secant.quadrature(SECANTS)?).await?;
                times(&secants, [input, baseline])
            }
        };
        // From here on another path is kept.
        let mut smooth = vec![0.0f32; input.len()];
        for seed in 0..NOISY {
            let noisy = with_noise(input, NOISE, seed);
            self.study.keep([&noisy, baseline]).await?;
            add(&mut smooth, &self.sum(&end).await?, 1.0);
        }
        let mut from_others = Vec::new();
        for other in other_baselines(explanation.settings.baseline()) {
            let Some(rgb) = other.colour() else { continue };
            let start = plain_picture(rgb, preprocessing);
            from_others.push((other, self.integrated(&start).await?));
        }
        let mut expected = vec![0.0f32; input.len()];
        for seed in 1..=BASELINES {
            let start = noise_picture(seed, preprocessing);
            let of_this = self.integrated(&start).await?;
            add(&mut expected, &of_this, 1.0 / BASELINES as f32);
        }
        let times_input: Vec<f32> = gradient.iter().zip(input).map(|(g, x)| g * x).collect();
        let candidate = |title: Phrase, map: Vec<f32>| Candidate { title, map };
        let of_pixels = |title: Phrase, values: &[f32]| candidate(title, reduce_absolute(values));
        let mut all = vec![of_pixels(phrase!("Integrated Gradients"), &integrated)];
        all.extend(from_others.iter().map(|(baseline, values)| {
            let baseline = baseline_name(*baseline);
            let title = phrase!("Integrated Gradients from {baseline}", baseline = baseline);
            of_pixels(title, values)
        }));
        all.extend([
            of_pixels(phrase!("Expected Gradients"), &expected),
            of_pixels(phrase!("IDGI"), &shares),
            of_pixels(phrase!("Gradient"), &gradient),
            of_pixels(phrase!("Gradient × input"), &times_input),
            of_pixels(phrase!("SmoothGrad"), &smooth),
            of_pixels(phrase!("Guided backpropagation"), &guided),
        ]);
        if let Some((rows, columns, map)) = places {
            let map = enlarged(&map, [rows, columns], preprocessing.size());
            all.push(candidate(phrase!("Grad-CAM"), map));
        }
        all.push(candidate(phrase!("Occlusion"), occlusion));
        all.push(candidate(phrase!("An edge detector"), edges(input, width)));
        if let Some(cells) = self.guess {
            let map = cells.iter().map(|&cell| f32::from(u8::from(cell)));
            let map = soften(&map.collect::<Vec<f32>>(), width);
            all.push(candidate(phrase!("The class's own guess"), map));
        }
        Ok(all)
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
        self.study.desk.progress(done, all, sentence);
    }

    /// The weighted sum of gradients of the kept path.
    async fn sum(&self, nodes: &Quadrature) -> Studied<Vec<f32>> {
        let target = self.explanation.target;
        let sum = self.study.sum(target, nodes, |points| self.step(points));
        Ok(sum.await?.into_iter().map(|v| v as f32).collect())
    }

    /// The attributions of the photo from another baseline.
    async fn integrated(&self, start: &[f32]) -> Studied<Vec<f32>> {
        let ends = [self.ends()[0], start];
        self.study.keep(ends).await?;
        let sum = self.sum(&Rule::Secant.quadrature(SECANTS)?).await?;
        Ok(times(&sum, ends))
    }

    /// F of the photo, by the network that is loaded.
    async fn here(&self) -> Studied<f32> {
        let Explanation { target, spec, .. } = self.explanation;
        let logits = self.study.look(self.ends()[0]).await?;
        let independent = spec.independent || spec.architecture.is_detector();
        Ok(target.of(&logits, independent))
    }

    /// What covering each patch by itself changes F by, the same for all of its pixels.
    async fn occlusion(&self) -> Studied<Vec<f32>> {
        let here = self.here().await?;
        let labels = grid((self.ends()[0].len() / 3).isqrt(), OCCLUDED);
        let target = Some(self.explanation.target);
        let single = one_by_one(OCCLUDED * OCCLUDED);
        let outputs = self.study.cover(target, &labels, &single, || self.step(1));
        let drops = dropped(&outputs.await?, here);
        let map = labels.iter().map(|&patch| drops[usize::from(patch)]);
        Ok(map.collect())
    }

    /// IDGI along the kept path.
    async fn shares(&self) -> Studied<Vec<f32>> {
        let alphas: Vec<f64> = (0..POINTS).map(|k| k as f64 / POINTS as f64).collect();
        let nodes = Quadrature::points(&alphas);
        let points = RefCell::new(Vec::new());
        let take = |partial: PartialSum| {
            self.step(1);
            points.borrow_mut().push(partial);
            Ok(())
        };
        let target = self.explanation.target;
        self.study.gradients(target, &nodes, take).await?;
        let end = match self.learnt {
            true => self.explanation.ends[1],
            false => self.here().await?,
        };
        Ok(idgi(&points.into_inner(), end))
    }
}

/// So many regions, each by itself.
pub(super) fn one_by_one(regions: usize) -> Vec<Vec<u16>> {
    (0..regions as u16).map(|region| vec![region]).collect()
}

/// How far outputs are from F.
pub(super) fn dropped(outputs: &[Vec<f32>], here: f32) -> Vec<f32> {
    let drop = |output: &Vec<f32>| output.first().map_or(0.0, |output| (here - output).abs());
    outputs.iter().map(drop).collect()
}

fn add(sum: &mut [f32], values: &[f32], weight: f32) {
    let pairs = sum.iter_mut().zip(values);
    pairs.for_each(|(sum, value)| *sum += weight * value);
}

/// `(x − x′) · gradient`.
fn times(gradient: &[f32], [input, baseline]: [&[f32]; 2]) -> Vec<f32> {
    let ends = input.iter().zip(baseline).zip(gradient);
    ends.map(|((x, x0), g)| (x - x0) * g).collect()
}
