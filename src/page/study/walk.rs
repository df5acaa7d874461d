//! The idea, step by step: every gradient of the explanation that is shown once more, one by one.

use std::cell::RefCell;
use std::rc::Rc;

use super::{Desk, Studied, Study};
use crate::attribution::{PartialSum, Trail};
use crate::page::Explanation;
use crate::page::walk::{STOPS, Walk};
use crate::words::phrase;

/// The walk of an explanation.
///
/// # Errors
///
/// If nobody wants it any more, or a question failed.
pub async fn take_walk<D: Desk>(study: &Study<D>, explanation: &Rc<Explanation>) -> Studied<Walk> {
    let quadrature = &explanation.quadrature;
    let trail = RefCell::new(Trail::new(quadrature.clone(), STOPS));
    let all = quadrature.alphas.len();
    let take = |gradient: PartialSum| {
        trail.borrow_mut().add(gradient)?;
        let done = trail.borrow().gradients();
        let sentence = phrase!("Walking: {done} of {all} gradients", done = done, all = all);
        study.desk.progress(done, all, sentence);
        Ok(())
    };
    study.desk.start_clock();
    study
        .gradients(explanation.target, quadrature, take)
        .await?;
    Ok(Walk {
        trail: trail.into_inner(),
        explanation: Rc::clone(explanation),
    })
}
