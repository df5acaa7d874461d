//! Methods side by side, judged on one photo: what others make of it, and what several scores say of each. The scores
//! disagree, which is shown.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use web_sys::{Element, HtmlCanvasElement};

use super::job::PageJob;
use super::rivals::Candidate;
use super::{Page, append, class, create};
use crate::attribution::{
    Perturbation, Scores, area_under, grid, order_of, patch_sums, rank_correlation, sparseness,
};
use crate::mask::{Mask, glow, lay_over, soften};
use crate::model::Randomised;
use crate::page::Explanation;
use crate::protocol::Failure;
use crate::web::dom::{element, now};
use crate::web::picture;
use crate::web::pool::Pool;
use crate::web::words::{Phrase, decimal, phrase, say, say_in};

/// Patches along a side whose single deletions judge the maps.
const JUDGED: usize = 4;
/// Shares of the pixels that are exchanged: this many steps from none to all.
const STEPS: usize = 10;

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
        let made = self.make_maps(job, &pool, &explanation, true).await?;
        let Some(candidates) = made else {
            return Ok(());
        };
        let mut forgetful = self.weights(job, &explanation.spec).await?;
        if !job.is_current() {
            return Ok(());
        }
        forgetful.randomised = Some(Randomised::LastQuarter);
        // From here on the pool holds another network than anyone believes.
        self.work.borrow_mut().hold(None);
        pool.load(&forgetful).await?;
        let prepared = &explanation.prepared;
        pool.keep(&prepared.input, &prepared.baseline).await?;
        let made = self.make_maps(job, &pool, &explanation, false).await?;
        let Some(forgot) = made else {
            return Ok(());
        };
        let pairs = candidates.iter().zip(&forgot);
        let likeness = pairs.map(|(a, b)| rank_correlation(&a.map, &b.map));
        let likeness: Vec<f64> = likeness.collect();
        self.take_back(job, &pool, &explanation).await?;
        if job.is_current() {
            self.judge(job, &pool, &explanation, &candidates, &likeness)
                .await?;
        }
        if job.is_current() {
            self.say_status(phrase!("Done: the methods are side by side."));
        }
        Ok(())
    }

    /// Scores every map, shows it, and says which is best by which score.
    async fn judge(
        self: &Rc<Self>,
        job: &PageJob,
        pool: &Pool,
        explanation: &Explanation,
        candidates: &[Candidate],
        forgetful: &[f64],
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
        for (candidate, &likeness) in candidates.iter().zip(forgetful) {
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
                (phrase!("last quarter forgot"), likeness, Better::Less),
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
