//! How many steps? What 5, 50 and 500 make of the same picture.

use std::cell::RefCell;
use std::rc::Rc;

use super::{Desk, Studied, Study};
use crate::attribution::Refinement;
use crate::mask::reduce_absolute;
use crate::page::steps::{COMPARED, card, cleared, compared, missed};
use crate::page::{Explanation, Panel, Picture};
use crate::words::{Phrase, phrase};

/// A mask for each number of steps; each takes only the gradients that are not there yet. What is
/// said at the end.
///
/// # Errors
///
/// If nobody wants it any more, or a question failed.
pub async fn compare_steps<D: Desk>(
    study: &Study<D>,
    explanation: &Rc<Explanation>,
) -> Studied<Phrase> {
    study.desk.put(&cleared());
    let prepared = &explanation.prepared;
    let (input, baseline) = (&prepared.input, &prepared.baseline);
    let all = COMPARED[COMPARED.len() - 1] + 1;
    let sum = RefCell::new(Refinement::new(input.len()));
    let take = |partial| {
        sum.borrow_mut().add(&partial)?;
        let done = sum.borrow().samples().len();
        let sentence = phrase!(
            "Comparing: {done} of {all} gradients",
            done = done,
            all = all
        );
        study.desk.progress(done, all, sentence);
        Ok(())
    };
    study.desk.start_clock();
    let photo = explanation.spec.preprocessing.rgba(input);
    let mut maps = Vec::new();
    for n_steps in COMPARED {
        let lacking = sum.borrow_mut().refine(n_steps)?;
        study.gradients(explanation.target, &lacking, take).await?;
        let attributions = sum.borrow().attributions(input, baseline)?;
        let off = explanation
            .missed()
            .map(|_| attributions.sum / explanation.change() - 1.0);
        let map = reduce_absolute(&attributions.values);
        let picture = Picture::Map {
            photo: Some(photo.clone()),
            map: map.clone(),
            width: explanation.width(),
        };
        let card = card(n_steps, off, picture);
        study.desk.put(Panel::new().adds("steps-list", card));
        maps.push(map);
    }
    study.desk.put(&compared(&maps));
    study.desk.put(&missed(sum.borrow().samples()));
    Ok(phrase!("Done: the masks are side by side."))
}
