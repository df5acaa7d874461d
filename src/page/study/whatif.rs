//! What if? The mask of what is left of a photo, and which regions decide.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use super::{Desk, Studied, Study};
use crate::mask::reduce_absolute;
use crate::page::Panel;
use crate::page::covering::Covering;
use crate::page::whatif::{WhatIf, runner_up, verdict};
use crate::regions::{Greedy, Partition};
use crate::words::{Phrase, phrase};

/// Secants of the mask of a covered photo: they add up, whatever their number.
const SECANTS: usize = 12;

/// What the network says of the photo as it is covered now, and the mask of that; what is said at
/// the end.
///
/// # Errors
///
/// If nobody wants it any more, or a question failed.
pub async fn mask_covered<D: Desk>(study: &Study<D>, whatif: &RefCell<WhatIf>) -> Studied<Phrase> {
    let explanation = Rc::clone(&whatif.borrow().explanation);
    let input = whatif.borrow().input();
    let outputs = study.look(&input).await?;
    study.desk.put(&whatif.borrow_mut().settled(outputs));
    let what = phrase!("The mask of what is left");
    let ends = [input.as_slice(), &explanation.prepared.baseline];
    let summed = study.attributions(explanation.target, ends, SECANTS, &what);
    let map = reduce_absolute(&summed.await?.values);
    study.desk.put(&whatif.borrow_mut().masked(map));
    Ok(phrase!("Done: before and after are side by side."))
}

/// The fewest regions that keep the answer, or whose covering gives it to the runner-up, found
/// greedily and shown one after the other, of an explanation whose path is kept; what is said at
/// the end.
///
/// # Errors
///
/// If nobody wants it any more, or a question failed.
pub async fn decide<D: Desk>(
    study: &Study<D>,
    whatif: &RefCell<WhatIf>,
    covers: bool,
) -> Studied<Phrase> {
    whatif.borrow_mut().cover_with(Covering::Baseline);
    let mut began = Panel::new();
    began
        .value("whatif-covering", "baseline")
        .says("whatif-decided", Phrase::nothing());
    study.desk.put(&began);
    let explanation = Rc::clone(&whatif.borrow().explanation);
    let partition = explanation.regions();
    let answer = explanation.target.output;
    let rival = runner_up(&explanation.prepared.logits_input, answer);
    // How far the answer is ahead: of the runner-up, or of whoever is the strongest rival.
    let score = |outputs: &Vec<f32>| {
        let rival = match covers {
            true => rival,
            false => runner_up(outputs, answer),
        };
        let ahead = f64::from(outputs[answer]) - f64::from(outputs[rival]);
        if covers { -ahead } else { ahead }
    };
    let mut greedy = Greedy::new(partition.count(), covers);
    let count = partition.count();
    let all = count * (count + 1) / 2;
    let done = Cell::new(0);
    let counted = || {
        done.set(done.get() + 1);
        let sentence = phrase!("Trying regions: {n} tried", n = done.get());
        study.desk.progress(done.get(), all, sentence);
    };
    study.desk.start_clock();
    let mut decided = false;
    while !decided {
        let candidates = greedy.candidates();
        if candidates.is_empty() {
            break;
        }
        let found = study.cover(None, partition.labels(), &candidates, counted);
        let mut found = found.await?;
        let scores: Vec<f64> = found.iter().map(score).collect();
        let Some(best) = greedy.choose(&scores) else {
            break;
        };
        decided = scores[best] > 0.0;
        // It is shown growing.
        let outputs = found.swap_remove(best);
        let (labels, covered) = (partition.labels(), greedy.covered());
        let mut whatif = whatif.borrow_mut();
        study
            .desk
            .put(&whatif.cover_regions(labels, &covered, outputs));
    }
    let area = share_of(&partition, greedy.chosen());
    let counts = [greedy.chosen().len(), count];
    let said = verdict(&explanation, rival, [covers, decided], counts, area);
    study.desk.put(Panel::new().says("whatif-decided", said));
    mask_covered(study, whatif).await
}

/// The share of a picture that some of its regions are.
fn share_of(partition: &Partition, regions: &[u16]) -> f64 {
    let sizes = partition.sizes();
    let pixels = regions.iter().map(|&region| sizes[usize::from(region)]);
    pixels.sum::<usize>() as f64 / partition.labels().len().max(1) as f64
}
