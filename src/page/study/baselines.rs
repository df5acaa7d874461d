//! Where should the path start? Every baseline on one picture, side by side.

use std::rc::Rc;

use super::{Desk, Studied, Study};
use crate::attribution::Baseline;
use crate::mask::reduce_absolute;
use crate::page::baselines::{Unseen, card};
use crate::page::titles::baseline_name;
use crate::page::{Explanation, Panel};
use crate::words::{Phrase, phrase};

/// Steps for each baseline: enough to see the difference.
const STEPS: usize = 20;

/// A mask from each baseline, and what a black one cannot see; what is said at the end.
///
/// # Errors
///
/// If nobody wants it any more, or a question failed.
pub async fn try_baselines<D: Desk>(
    study: &Study<D>,
    explanation: &Rc<Explanation>,
) -> Studied<Phrase> {
    let mut cleared = Panel::new();
    cleared
        .holds("baselines-list", [])
        .says("baselines-note", Phrase::nothing());
    study.desk.put(&cleared);
    study.desk.open("baselines", explanation);
    let preprocessing = &explanation.spec.preprocessing;
    let mut of_black = None;
    for baseline in Baseline::ALL {
        let other = study.asked(study.desk.prepare(baseline)).await?;
        let ends = [other.input.as_slice(), other.baseline.as_slice()];
        let (target, what) = (explanation.target, baseline_name(baseline));
        let attributions = study.attributions(target, ends, STEPS, &what).await?;
        let map = reduce_absolute(&attributions.values);
        let pixels = [&other.baseline, &other.input];
        let pixels = pixels.map(|planes| preprocessing.rgba(planes));
        let chosen = explanation.settings.baseline() == baseline;
        let card = card(baseline, chosen, pixels, &map, explanation.width());
        study.desk.put(Panel::new().adds("baselines-list", card));
        match (baseline, &of_black) {
            (Baseline::Black, _) => {
                let of = Unseen::of(&other.input, &other.baseline, &map, preprocessing);
                of_black = Some(of);
            }
            (Baseline::Grey, Some(of_black)) => {
                let note = of_black.beside(&map);
                study.desk.put(Panel::new().says("baselines-note", note));
            }
            _ => {}
        }
    }
    Ok(phrase!("Done: choose a baseline to explain with it."))
}
