//! How many steps? What fewer would have missed, and what 5, 50 and 500 make of the same picture.

use std::cell::RefCell;
use std::rc::Rc;

use super::Page;
use super::job::PageJob;
use crate::attribution::Refinement;
use crate::mask::reduce_absolute;
use crate::page::steps::{self, COMPARED};
use crate::page::{Panel, Picture};
use crate::protocol::Failure;
use crate::web::dom::now;
use crate::web::parts::put;
use crate::web::words::phrase;

impl Page {
    pub(super) fn listen_to_steps(self: &Rc<Self>) {
        self.on_start("steps-start", |page, job| async move {
            page.compare_steps(&job).await
        });
    }

    /// The masks belong to one picture and class.
    pub(super) fn forget_steps(&self) {
        put(&steps::cleared());
    }

    /// A mask for each number of steps; each takes only the gradients that are not there yet.
    async fn compare_steps(self: &Rc<Self>, job: &PageJob) -> Result<(), Failure> {
        let Some((pool, explanation)) = self.explained(job).await? else {
            return Ok(());
        };
        self.forget_steps();
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
            job.progress(done, all, now(), sentence);
            Ok(())
        };
        job.start_clock(now());
        let photo = explanation.spec.preprocessing.rgba(input);
        let mut maps = Vec::new();
        for n_steps in COMPARED {
            let missing = sum.borrow_mut().refine(n_steps)?;
            if !self
                .gather(job, &pool, explanation.target, &missing, take)
                .await?
            {
                return Ok(());
            }
            let attributions = sum.borrow().attributions(input, baseline)?;
            let missed = explanation
                .missed()
                .map(|_| attributions.sum / explanation.change() - 1.0);
            let map = reduce_absolute(&attributions.values);
            let width = explanation.width();
            let picture = Picture::Map {
                photo: Some(photo.clone()),
                map: map.clone(),
                width,
            };
            put(Panel::new().adds("steps-list", steps::card(n_steps, missed, picture)));
            maps.push(map);
        }
        put(&steps::compared(&maps));
        put(&steps::missed(sum.borrow().samples()));
        self.say_status(phrase!("Done: the masks are side by side."));
        Ok(())
    }
}
