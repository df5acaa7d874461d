//! Can I trust it? Pixels taken away and brought back, a network that forgets, an edge detector.

use std::cell::RefCell;
use std::rc::Rc;

use super::{Desk, Studied, Study};
use crate::attribution::{Perturbation, order_of, random_order, rank_correlation};
use crate::mask::{edges, reduce_absolute};
use crate::model::Randomised;
use crate::page::trust::{Trial, cleared, forgot, oblivion_verdict, thumbnail};
use crate::page::{Explanation, Panel};
use crate::words::{Phrase, phrase};

/// Steps of Integrated Gradients for a network that forgets; what counts is only whether it
/// changes.
const OBLIVION_STEPS: usize = 20;
/// Where the random order comes from.
const SEED: u64 = 7;

/// All three tests, one after the other; what is said at the end.
///
/// # Errors
///
/// If nobody wants it any more, or a question failed.
pub async fn put_to_the_test<D: Desk>(
    study: &Study<D>,
    explanation: &Rc<Explanation>,
) -> Studied<Phrase> {
    study.desk.put(&cleared());
    study.desk.open("trust", explanation);
    let map = reduce_absolute(&explanation.attributions.values);
    for way in [Perturbation::Deletion, Perturbation::Insertion] {
        exchange_pixels(study, explanation, way, &map).await?;
    }
    forget(study, explanation, &map).await?;
    Ok(phrase!("Done: the tests are below the photo."))
}

/// Draws the output's curve while pixels are exchanged.
async fn exchange_pixels<D: Desk>(
    study: &Study<D>,
    explanation: &Explanation,
    way: Perturbation,
    map: &[f32],
) -> Studied {
    let counts = Trial::counts(map.len());
    let trial = RefCell::new(Trial::new(way));
    study.desk.start_clock();
    let orders = [order_of(map), random_order(map.len(), SEED)];
    for (which, order) in orders.iter().enumerate() {
        let take = |step: usize, output: f32| {
            if !study.desk.is_wanted() {
                return;
            }
            trial.borrow_mut().set(which, step, output);
            let trial = trial.borrow();
            study.desk.put(&trial.panel());
            let (what, done, all) = trial.progress();
            let sentence = phrase!(
                "{what}: {done} of {all}",
                what = what,
                done = done,
                all = all
            );
            study.desk.progress(done, all, sentence);
        };
        let target = explanation.target;
        study.perturb(target, way, order, &counts, take).await?;
    }
    Ok(())
}

/// Explains the same output of networks that have forgotten more and more, and of none at all.
async fn forget<D: Desk>(study: &Study<D>, explanation: &Explanation, map: &[f32]) -> Studied {
    let prepared = &explanation.prepared;
    let ends = [prepared.input.as_slice(), prepared.baseline.as_slice()];
    let width = explanation.width();
    let show = |map: &[f32], title: Phrase, likeness: Option<f64>| {
        let row = thumbnail(map.to_vec(), width, title, likeness);
        study.desk.put(Panel::new().adds("oblivion", row));
    };
    show(map, phrase!("The mask"), None);
    let mut worst = 0.0;
    for extent in Randomised::ALL {
        study.load(&explanation.spec.name, Some(extent)).await?;
        let (target, title) = (explanation.target, forgot(extent));
        let without = study.attributions(target, ends, OBLIVION_STEPS, &title);
        let without = reduce_absolute(&without.await?.values);
        let likeness = rank_correlation(map, &without);
        if extent == Randomised::Everything {
            worst = likeness;
        }
        show(&without, title, Some(likeness));
    }
    let edges = edges(&prepared.input, width);
    let likeness = rank_correlation(map, &edges);
    show(&edges, phrase!("An edge detector"), Some(likeness));
    let verdict = oblivion_verdict(worst, likeness);
    study.desk.put(Panel::new().says("oblivion-note", verdict));
    Ok(())
}
