//! A ledger that adds up: the attributions that it shares out, and the same by experiment.

use std::cell::Cell;
use std::rc::Rc;

use super::{Desk, Studied, Study};
use crate::page::{Experiment, Explanation};
use crate::regions::{Coalitions, Partition};
use crate::words::phrase;

/// Secants of a ledger whose mask was made by another rule: they add up, whatever their number.
const SECANTS: usize = 24;

/// The attributions of an explanation, if it was made by secants, which add up; else by some.
///
/// # Errors
///
/// If nobody wants it any more, or a question failed.
pub async fn attributions_by_secants<D: Desk>(
    study: &Study<D>,
    explanation: &Rc<Explanation>,
) -> Studied<Vec<f32>> {
    if explanation.is_by_secants() {
        return Ok(explanation.attributions.values.clone());
    }
    let prepared = &explanation.prepared;
    let ends = [prepared.input.as_slice(), &prepared.baseline];
    let what = phrase!("Secants for the ledger");
    let summed = study.attributions(explanation.target, ends, SECANTS, &what);
    Ok(summed.await?.values)
}

/// F with every combination of the regions covered, of the path that is kept: what each region is
/// worth, and each pair together.
///
/// # Errors
///
/// If nobody wants it any more, or a question failed.
pub async fn experiment<D: Desk>(
    study: &Study<D>,
    explanation: &Explanation,
    partition: &Partition,
) -> Studied<Option<Experiment>> {
    let mut game = Coalitions::new(partition.count());
    let all = game.count();
    let covered: Vec<Vec<u16>> = (0..all).map(|k| game.covered(k)).collect();
    let done = Cell::new(0);
    study.desk.start_clock();
    let counted = || {
        done.set(done.get() + 1);
        let sentence = phrase!(
            "Combinations: {done} of {all}",
            done = done.get(),
            all = all
        );
        study.desk.progress(done.get(), all, sentence);
    };
    let target = Some(explanation.target);
    let outputs = study.cover(target, partition.labels(), &covered, counted);
    for (k, output) in outputs.await?.iter().enumerate() {
        if let Some(&output) = output.first() {
            game.set(k, f64::from(output));
        }
    }
    let found = game.shapley().zip(game.interactions());
    Ok(found.map(|(values, pairs)| Experiment { values, pairs }))
}
