//! How many steps? What fewer would have missed, and what 5, 50 and 500 make of the same picture.

use std::cell::RefCell;
use std::rc::Rc;

use web_sys::{Element, HtmlCanvasElement};

use super::job::PageJob;
use super::{Page, append, create};
use crate::attribution::{PathSample, Refinement, convergence, rank_correlation};
use crate::mask::{Mask, reduce_absolute};
use crate::protocol::Failure;
use crate::web::dom::{element, now};
use crate::web::picture;
use crate::web::plot::{Axis, Line, Plot};
use crate::web::words::{Phrase, decimal, percent, phrase, say, say_in};

/// Numbers of steps that are compared, each a multiple of the one before.
const COMPARED: [usize; 3] = [5, 50, 500];

impl Page {
    pub(super) fn listen_to_steps(self: &Rc<Self>) {
        self.on_start("steps-start", |page, job| async move {
            page.compare_steps(&job).await
        });
    }

    /// The masks belong to one picture and class.
    pub(super) fn forget_steps(&self) {
        element::<Element>("steps-list").set_inner_html("");
        say("steps-compared", Phrase::nothing());
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
            self.add_steps(n_steps, missed, &photo, &map, width);
            maps.push(map);
        }
        if let [five, fifty, all] = maps.as_slice() {
            let note = phrase!(
                "The order of the pixels agrees with that of 500 steps to {five} after 5 steps and to {fifty} after 50 (rank correlation: 1 is the same order). Take the smallest number after which neither picture nor sum changes.",
                five = decimal(rank_correlation(five, all), 2),
                fifty = decimal(rank_correlation(fifty, all), 2),
            );
            say("steps-compared", note);
        }
        show_missed(sum.borrow().samples());
        self.say_status(phrase!("Done: the masks are side by side."));
        Ok(())
    }

    /// A card: the mask over the photo, and what its sum missed.
    fn add_steps(
        &self,
        n_steps: usize,
        missed: Option<f64>,
        photo: &[u8],
        map: &[f32],
        width: usize,
    ) {
        let item: Element = create("li");
        let canvas: HtmlCanvasElement = create("canvas");
        canvas.set_attribute("aria-hidden", "true").unwrap_or(());
        picture::show(&canvas, photo, width);
        let palette = self.latest().palette;
        picture::lay_over(&canvas, &Mask::of_map(map).to_rgba(palette), width);
        super::coloured(&canvas, Some(photo), map, width);
        append(&item, &canvas);
        let name: Element = create("strong");
        say_in(&name, phrase!("{n} steps", n = n_steps));
        append(&item, &name);
        if let Some(missed) = missed {
            let share: Element = create("span");
            say_in(
                &share,
                phrase!("{missed}% off", missed = percent(missed, 1)),
            );
            append(&item, &share);
        }
        append(&element("steps-list"), &item);
    }
}

/// What fewer steps would have missed, from the slopes at evenly spaced points; of other points, nothing can be told.
pub(super) fn show_missed(samples: &[PathSample]) {
    let deltas = convergence(samples);
    let there = deltas.len() >= 3;
    super::show("steps-plot", there);
    if samples.is_empty() {
        return say(
            "steps-note",
            phrase!(
                "This mask is made of mean gradients between its points: nothing of the sum is missed, whatever their number. Gradients at points miss something."
            ),
        );
    }
    let points: Vec<[f64; 2]> = deltas
        .iter()
        .map(|&(steps, delta)| [steps as f64, 100.0 * delta])
        .collect();
    let Some(&(most, last)) = deltas.last() else {
        return say(
            "steps-note",
            phrase!(
                "Nothing can be told of fewer steps here: F does not change, or the points are not evenly spaced."
            ),
        );
    };
    let plot = Plot {
        lines: vec![Line::dotted(&points)],
        logarithmic: true,
        x: Axis {
            from: 1.0,
            to: most as f64,
            ticks: points.iter().map(|p| p[0]).collect(),
            decimals: 0,
            title: phrase!("steps"),
        },
        y: Axis::around(points.iter().map(|p| p[1]), phrase!("missed, %")),
        here: None,
        summary: phrase!("Delta for each number of steps"),
    };
    plot.draw(&element("steps-plot"));
    let first = deltas.first().map_or(0.0, |d| d.1);
    say(
        "steps-note",
        phrase!(
            "One step would be {first}% off, {most} steps are {last}% off. “Auto” takes the mean gradient between its points, so that nothing of the sum is missed.",
            first = percent(first, 0),
            most = most,
            last = percent(last, 1),
        ),
    );
}
