//! Methods side by side, judged on one photo: what others make of it, and what several scores say of each. The scores
//! disagree, which is shown.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use web_sys::{Element, HtmlCanvasElement};

use super::job::PageJob;
use super::{Page, append, class, create};
use crate::attribution::{
    Perturbation, Quadrature, Scores, Slopes, area_under, grid, order_of, patch_sums,
    rank_correlation, sparseness, with_noise,
};
use crate::mask::{Mask, edges, glow, lay_over, reduce_absolute, soften};
use crate::model::Target;
use crate::page::Explanation;
use crate::protocol::Failure;
use crate::web::dom::{element, now};
use crate::web::picture;
use crate::web::pool::Pool;
use crate::web::words::{Phrase, decimal, phrase, say, say_in};

/// Patches along a side that occlusion covers one by one, and those whose single deletions judge the maps.
const OCCLUDED: usize = 14;
const JUDGED: usize = 4;
/// Noisy inputs whose gradients are averaged, and their noise, as a share of the input's range.
const NOISY: u64 = 8;
const NOISE: f32 = 0.15;
/// Shares of the pixels that are exchanged: this many steps from none to all.
const STEPS: usize = 10;

/// A method's map, and what it is called.
struct Candidate {
    title: Phrase,
    map: Vec<f32>,
}

/// What is better.
#[derive(Clone, Copy, PartialEq)]
enum Better {
    More,
    Less,
}

impl Page {
    pub(super) fn listen_to_methods(self: &Rc<Self>) {
        self.on_start("methods-start", |page, job| async move {
            page.compare_methods(&job).await
        });
    }

    async fn compare_methods(self: &Rc<Self>, job: &PageJob) -> Result<(), Failure> {
        let Some((pool, explanation)) = self.explained(job).await? else {
            return Ok(());
        };
        element::<Element>("methods-list").set_inner_html("");
        say("methods-note", Phrase::nothing());
        self.open_chapter("methods", &explanation);
        let made = self.make_maps(job, &pool, &explanation).await?;
        let Some(candidates) = made else {
            return Ok(());
        };
        // Noise has taken the path's place.
        self.take_back(job, &pool, &explanation).await?;
        if job.is_current() {
            self.judge(job, &pool, &explanation, &candidates).await?;
        }
        if job.is_current() {
            self.say_status(phrase!("Done: the methods are side by side."));
        }
        Ok(())
    }

    /// What every method makes of the photo; nothing, if the job is no longer wanted.
    async fn make_maps(
        self: &Rc<Self>,
        job: &PageJob,
        pool: &Pool,
        explanation: &Explanation,
    ) -> Result<Option<Vec<Candidate>>, Failure> {
        let prepared = &explanation.prepared;
        let target = explanation.target;
        let (input, baseline) = (&prepared.input, &prepared.baseline);
        let side = (input.len() / 3).isqrt();
        let patches = OCCLUDED * OCCLUDED;
        let all = patches + NOISY as usize + 1;
        let done = Cell::new(0);
        let step = || {
            done.set(done.get() + 1);
            let sentence = phrase!(
                "Other methods: {done} of {all}",
                done = done.get(),
                all = all
            );
            job.progress(done.get(), all, now(), sentence);
        };
        job.start_clock(now());

        let gradient = self.gradient(job, pool, target).await?;
        step();
        let labels = grid(side, OCCLUDED);
        let single: Vec<Vec<u16>> = (0..patches as u16).map(|patch| vec![patch]).collect();
        let drops = RefCell::new(vec![0.0f32; patches]);
        let take = |k: usize, outputs: &[f32]| {
            if let Some(output) = outputs.first() {
                drops.borrow_mut()[k] = (explanation.ends[1] - output).abs();
            }
            step();
        };
        pool.cover(Some(target), &labels, &single, || job.is_current(), take)
            .await?;
        let drops = drops.into_inner();
        let occlusion = labels
            .iter()
            .map(|&patch| drops[usize::from(patch)])
            .collect();

        let mut smooth = vec![0.0f32; input.len()];
        for seed in 0..NOISY {
            if !job.is_current() {
                return Ok(None);
            }
            // From here on the pool holds another path than that of the stage.
            let mut held = explanation.settings.clone();
            held.picture = None;
            self.work.borrow_mut().hold(Some(held));
            pool.keep(&with_noise(input, NOISE, seed), baseline).await?;
            let noisy = self.gradient(job, pool, target).await?;
            smooth.iter_mut().zip(&noisy).for_each(|(sum, v)| *sum += v);
            step();
        }
        if !job.is_current() {
            return Ok(None);
        }
        let times_input: Vec<f32> = gradient.iter().zip(input).map(|(g, x)| g * x).collect();
        let candidate = |title: Phrase, map: Vec<f32>| Candidate { title, map };
        Ok(Some(vec![
            candidate(
                phrase!("Integrated Gradients"),
                reduce_absolute(&explanation.attributions.values),
            ),
            candidate(phrase!("Gradient"), reduce_absolute(&gradient)),
            candidate(phrase!("Gradient × input"), reduce_absolute(&times_input)),
            candidate(phrase!("SmoothGrad"), reduce_absolute(&smooth)),
            candidate(phrase!("Occlusion"), occlusion),
            candidate(
                phrase!("An edge detector"),
                edges(input, explanation.width()),
            ),
        ]))
    }

    /// The gradient at the end of the path that the pool keeps, flat \[3, side, side\].
    async fn gradient(
        &self,
        job: &PageJob,
        pool: &Pool,
        target: Target,
    ) -> Result<Vec<f32>, Failure> {
        let found = RefCell::default();
        let end = |_| Quadrature {
            alphas: vec![1.0],
            step_sizes: vec![1.0],
            slopes: Slopes::Tangent,
        };
        pool.sum(
            target,
            1,
            end,
            || job.is_current(),
            |sum| {
                found.replace(sum.gradient_sum);
            },
        )
        .await?;
        Ok(found.into_inner())
    }

    /// Scores every map, shows it, and says which is best by which score.
    async fn judge(
        self: &Rc<Self>,
        job: &PageJob,
        pool: &Pool,
        explanation: &Explanation,
        candidates: &[Candidate],
    ) -> Result<(), Failure> {
        let prepared = &explanation.prepared;
        let target = explanation.target;
        let side = (prepared.input.len() / 3).isqrt();
        let pixels = side * side;
        let all = JUDGED * JUDGED + candidates.len() * 2 * (STEPS + 1);
        let done = Cell::new(0);
        let step = || {
            done.set(done.get() + 1);
            let sentence = phrase!("Judging: {done} of {all}", done = done.get(), all = all);
            job.progress(done.get(), all, now(), sentence);
        };
        job.start_clock(now());
        let current = || job.is_current();
        let labels = grid(side, JUDGED);
        let single: Vec<Vec<u16>> = (0..(JUDGED * JUDGED) as u16)
            .map(|patch| vec![patch])
            .collect();
        let drops = RefCell::new(vec![0.0f32; single.len()]);
        let take = |k: usize, outputs: &[f32]| {
            if let Some(output) = outputs.first() {
                drops.borrow_mut()[k] = (explanation.ends[1] - output).abs();
            }
            step();
        };
        pool.cover(Some(target), &labels, &single, current, take)
            .await?;
        let drops = drops.into_inner();
        let counts: Vec<usize> = (0..=STEPS).map(|k| k * pixels / STEPS).collect();
        let mut scores = Vec::new();
        for candidate in candidates {
            let order = order_of(&candidate.map);
            let mut areas = [0.0; 2];
            for (area, way) in areas
                .iter_mut()
                .zip([Perturbation::Deletion, Perturbation::Insertion])
            {
                let curve = RefCell::new(vec![0.0; STEPS + 1]);
                let take = |k: usize, output: f32| {
                    curve.borrow_mut()[k] = f64::from(output);
                    step();
                };
                pool.perturb(target, way, &order, &counts, current, take)
                    .await?;
                if !current() {
                    return Ok(());
                }
                *area = area_under(&curve.into_inner());
            }
            let truth = explanation
                .truth
                .as_ref()
                .filter(|truth| truth.inside.len() == pixels);
            let mut of_this = vec![
                (phrase!("deletion"), areas[0], Better::Less),
                (phrase!("insertion"), areas[1], Better::More),
                (
                    phrase!("single deletions"),
                    rank_correlation(&patch_sums(&candidate.map, &labels), &drops),
                    Better::More,
                ),
                (
                    phrase!("sparseness"),
                    sparseness(&candidate.map),
                    Better::More,
                ),
            ];
            if let Some(truth) = truth {
                let inside = Scores::of(&candidate.map, &truth.inside).mass_inside;
                of_this.push((phrase!("on the shape"), inside, Better::More));
            }
            self.add_method(explanation, candidate, &of_this);
            scores.push(of_this);
        }
        mark_best(&scores);
        say("methods-note", verdict(candidates, &scores));
        Ok(())
    }

    /// A card: the map over the photo, and its scores.
    fn add_method(
        &self,
        explanation: &Explanation,
        candidate: &Candidate,
        scores: &[(Phrase, f64, Better)],
    ) {
        let item: Element = create("li");
        let canvas: HtmlCanvasElement = create("canvas");
        canvas.set_attribute("aria-hidden", "true").unwrap_or(());
        let mut rgba = explanation
            .spec
            .preprocessing
            .rgba(&explanation.prepared.input);
        let width = explanation.width();
        let mask = Mask::of_map(&soften(&candidate.map, width));
        lay_over(&mut rgba, &glow(&mask, self.latest().palette));
        picture::show(&canvas, &rgba, width);
        append(&item, &canvas);
        let strong: Element = create("strong");
        say_in(&strong, candidate.title.clone());
        append(&item, &strong);
        for (name, score, _) in scores {
            let line: Element = create("span");
            line.set_class_name("score");
            say_in(
                &line,
                phrase!(
                    "{name} {score}",
                    name = name.clone(),
                    score = decimal(*score, 2)
                ),
            );
            append(&item, &line);
        }
        append(&element("methods-list"), &item);
    }
}

/// Which candidate is best by a score.
fn best(scores: &[Vec<(Phrase, f64, Better)>], score: usize) -> Option<usize> {
    let value = |k: usize| {
        let (_, value, better) = &scores[k][score];
        if *better == Better::More {
            *value
        } else {
            -value
        }
    };
    (0..scores.len()).max_by(|&a, &b| value(a).total_cmp(&value(b)).then(b.cmp(&a)))
}

fn mark_best(scores: &[Vec<(Phrase, f64, Better)>]) {
    let count = scores.first().map_or(0, Vec::len);
    for score in 0..count {
        let Some(winner) = best(scores, score) else {
            continue;
        };
        let selector = format!("#methods-list li:nth-child({}) .score", winner + 1);
        if let Some(line) = crate::web::dom::all(&selector).get(score) {
            class(line, "best", true);
        }
    }
}

/// Which method is best by which score: that they disagree is the lesson.
fn verdict(candidates: &[Candidate], scores: &[Vec<(Phrase, f64, Better)>]) -> Phrase {
    let title = |score: usize| {
        let winner = best(scores, score).and_then(|k| candidates.get(k));
        winner.map_or_else(Phrase::nothing, |candidate| candidate.title.clone())
    };
    let winners = [0, 1, 2].map(title);
    if winners.windows(2).all(|pair| pair[0] == pair[1]) {
        phrase!(
            "On this photo {method} is best by deletion, by insertion and by single deletions. On another photo it need not be.",
            method = winners[0].clone(),
        )
    } else {
        phrase!(
            "Best by deletion: {a}. By insertion: {b}. By single deletions: {c}. The scores disagree: each asks another question, and none is the truth.",
            a = winners[0].clone(),
            b = winners[1].clone(),
            c = winners[2].clone(),
        )
    }
}
