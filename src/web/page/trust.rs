//! Can I trust it? Pixels taken away and brought back, a network that forgets, an edge detector.

use std::cell::RefCell;
use std::rc::Rc;

use web_sys::{Element, HtmlCanvasElement};

use super::job::PageJob;
use super::{Page, append, create};
use crate::attribution::{Perturbation, area_under, order_of, random_order, rank_correlation};
use crate::mask::{Mask, Palette, edges, reduce_absolute};
use crate::model::{Randomised, Target};
use crate::page::Explanation;
use crate::protocol::Failure;
use crate::web::dom::{element, now};
use crate::web::picture;
use crate::web::plot::{Axis, Line, Plot};
use crate::web::pool::{Pool, Weights};
use crate::web::words::{Phrase, decimal, phrase, say, say_in};

/// Shares of the pixels that are exchanged: this many steps from none to all.
const STEPS: usize = 20;
/// Steps of Integrated Gradients for a network that forgets; what counts is only whether it changes.
const OBLIVION_STEPS: usize = 20;
/// Where the random order comes from.
const SEED: u64 = 7;

/// One way of exchanging pixels, in the mask's order and in a random one.
struct Trial {
    perturbation: Perturbation,
    plot: &'static str,
    note: &'static str,
}

const TRIALS: [Trial; 2] = [
    Trial {
        perturbation: Perturbation::Deletion,
        plot: "deletion-plot",
        note: "deletion-note",
    },
    Trial {
        perturbation: Perturbation::Insertion,
        plot: "insertion-plot",
        note: "insertion-note",
    },
];

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
        element::<Element>("oblivion").set_inner_html("");
        say("oblivion-note", Phrase::nothing());
        for trial in &TRIALS {
            element::<Element>(trial.plot).set_inner_html("");
            say(trial.note, Phrase::nothing());
        }
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
        for trial in &TRIALS {
            self.exchange_pixels(job, pool, explanation.target, trial, map)
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
        trial: &Trial,
        map: &[f32],
    ) -> Result<(), Failure> {
        let current = || job.is_current();
        let counts: Vec<usize> = (0..=STEPS).map(|k| k * map.len() / STEPS).collect();
        let curves = RefCell::new([[f64::NAN; STEPS + 1]; 2]);
        job.start_clock(now());
        let what = match trial.perturbation {
            Perturbation::Deletion => phrase!("Taking pixels away"),
            Perturbation::Insertion => phrase!("Bringing pixels back"),
        };
        for (which, order) in [order_of(map), random_order(map.len(), SEED)]
            .iter()
            .enumerate()
        {
            let take = |k: usize, output: f32| {
                if !current() {
                    return;
                }
                curves.borrow_mut()[which][k] = f64::from(output);
                let curves = curves.borrow();
                draw(trial, &curves);
                let done = curves.as_flattened().iter().filter(|v| !v.is_nan()).count();
                let all = 2 * (STEPS + 1);
                let sentence = phrase!(
                    "{what}: {done} of {all}",
                    what = what.clone(),
                    done = done,
                    all = all
                );
                job.progress(done, all, now(), sentence);
            };
            pool.perturb(target, trial.perturbation, order, &counts, current, take)
                .await?;
            if !current() {
                return Ok(());
            }
        }
        let areas = curves.into_inner().map(|curve| area_under(&curve));
        say(trial.note, verdict(trial.perturbation, areas));
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
        let palette = self.latest().palette;
        let prepared = &explanation.prepared;
        let (input, baseline) = (&prepared.input, &prepared.baseline);
        let width = explanation.width();
        thumbnail(map, width, palette, phrase!("The mask"), None);
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
            let title = match extent {
                Randomised::LastLayer => phrase!("The last layer forgot"),
                Randomised::LastQuarter => phrase!("The last quarter forgot"),
                Randomised::Everything => phrase!("All of it forgot"),
            };
            let ends = [input.as_slice(), baseline.as_slice()];
            let target = explanation.target;
            let attributions = self
                .sum_few(job, pool, target, ends, OBLIVION_STEPS, &title)
                .await?;
            let Some(attributions) = attributions else {
                return Ok(());
            };
            let forgot = reduce_absolute(&attributions.values);
            let likeness = rank_correlation(map, &forgot);
            if extent == Randomised::Everything {
                worst = likeness;
            }
            thumbnail(&forgot, width, palette, title, Some(likeness));
        }
        let edges = edges(&prepared.input, width);
        let likeness = rank_correlation(map, &edges);
        let title = phrase!("An edge detector");
        thumbnail(&edges, width, palette, title, Some(likeness));
        say("oblivion-note", oblivion_verdict(worst, likeness));
        Ok(())
    }
}

/// What the two areas say: [by the mask, at random].
fn verdict(perturbation: Perturbation, [mask, random]: [f64; 2]) -> Phrase {
    let (mask_area, random_area) = (decimal(mask, 2), decimal(random, 2));
    match perturbation {
        Perturbation::Deletion if mask < random => phrase!(
            "Passed: without the mask's pixels the output falls faster than at random (mean {mask} against {random}).",
            mask = mask_area,
            random = random_area
        ),
        Perturbation::Deletion => phrase!(
            "Not passed: taking pixels at random hurts as much (mean {mask} against {random}).",
            mask = mask_area,
            random = random_area
        ),
        Perturbation::Insertion if mask > random => phrase!(
            "Passed: with the mask's pixels the output rises sooner than at random (mean {mask} against {random}).",
            mask = mask_area,
            random = random_area
        ),
        Perturbation::Insertion => phrase!(
            "Not passed: pixels at random bring as much back (mean {mask} against {random}).",
            mask = mask_area,
            random = random_area
        ),
    }
}

/// What the likenesses to a network without memory and to an edge detector say.
fn oblivion_verdict(forgot: f64, edges: f64) -> Phrase {
    let (network, detector) = (decimal(forgot, 2), decimal(edges, 2));
    if forgot < 0.5 && edges < 0.5 {
        phrase!(
            "Passed: the mask depends on what was learnt (likeness to the forgetful network {network}, to the edges {edges}; 1 would be the same order of pixels, 0 none in common).",
            network = network,
            edges = detector,
        )
    } else {
        phrase!(
            "Careful: part of this mask is the photo itself, whatever the network learnt (likeness to the forgetful network {network}, to the edges {edges}; 1 would be the same order of pixels, 0 none in common).",
            network = network,
            edges = detector,
        )
    }
}

/// The curves as far as they are known: [by the mask, at random].
fn draw(trial: &Trial, curves: &[[f64; STEPS + 1]; 2]) {
    let points = curves.each_ref().map(|curve| {
        let known = curve.iter().enumerate().filter(|(_, v)| !v.is_nan());
        known
            .map(|(k, &v)| [100.0 * k as f64 / STEPS as f64, v])
            .collect::<Vec<_>>()
    });
    let names = [phrase!("by the mask"), phrase!("at random")];
    let lines = points.iter().zip(["main", "other"]).zip(names);
    let (title, summary) = match trial.perturbation {
        Perturbation::Deletion => (
            phrase!("pixels taken away, %"),
            phrase!("The output while pixels are taken away"),
        ),
        Perturbation::Insertion => (
            phrase!("pixels brought back, %"),
            phrase!("The output while pixels are brought back"),
        ),
    };
    let plot = Plot {
        lines: lines
            .map(|((points, style), name)| Line {
                points,
                style,
                area: style == "main",
                dots: false,
                name: Some(name),
            })
            .collect(),
        logarithmic: false,
        x: Axis {
            from: 0.0,
            to: 100.0,
            ticks: vec![0.0, 25.0, 50.0, 75.0, 100.0],
            decimals: 0,
            title,
        },
        y: Axis::around(points.iter().flatten().map(|p| p[1]), Phrase::of("F")),
        here: None,
        summary,
    };
    plot.draw(&element(trial.plot));
}

/// Adds a map to the row, with its likeness to the mask.
fn thumbnail(map: &[f32], width: usize, palette: Palette, title: Phrase, likeness: Option<f64>) {
    let item: Element = create("li");
    let canvas: HtmlCanvasElement = create("canvas");
    picture::show(&canvas, &Mask::of_map(map).to_rgba(palette), width);
    canvas.set_attribute("aria-hidden", "true").unwrap_or(());
    super::coloured(&canvas, None, map, width);
    append(&item, &canvas);
    let strong: Element = create("strong");
    say_in(&strong, title);
    append(&item, &strong);
    if let Some(likeness) = likeness {
        let span: Element = create("span");
        say_in(
            &span,
            phrase!("likeness {value}", value = decimal(likeness, 2)),
        );
        append(&item, &span);
    }
    append(&element("oblivion"), &item);
}
