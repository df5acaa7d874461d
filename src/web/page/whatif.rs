//! What if? A part of the photo is covered; the answers follow while one paints, the mask when one stops. And: which
//! regions are enough, and which would change the answer.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use wasm_bindgen_futures::spawn_local;
use web_sys::{Element, Event, HtmlElement, HtmlSelectElement};

use super::brush::Brush;
use super::job::PageJob;
use super::{Page, append, create, show, titles};
use crate::mask::{Mask, glow, lay_over, reduce_absolute, soften};
use crate::model::top_predictions;
use crate::page::{Begin, Covering, Explanation, covered_by, tint};
use crate::protocol::Failure;
use crate::regions::Greedy;
use crate::web::dom::{element, now, on};
use crate::web::picture;
use crate::web::pool::Pool;
use crate::web::words::{Phrase, name, percent, phrase, say, say_in};

/// Secants of the mask of a covered photo: they add up, whatever their number.
const SECANTS: usize = 12;
/// Answers that are listed.
const ANSWERS: usize = 4;

/// A photo of which a part is covered.
pub(super) struct WhatIf {
    explanation: Rc<Explanation>,
    /// What shows where it is covered.
    other: RefCell<Vec<f32>>,
    /// Every output, as it is covered now.
    outputs: RefCell<Vec<f32>>,
    /// The map of the photo as it is covered now; nothing while someone paints.
    map: RefCell<Option<Vec<f32>>>,
    /// Whether a question is under way, and whether there is something new to ask.
    asking: Cell<bool>,
    changed: Cell<bool>,
}

impl Page {
    pub(super) fn listen_to_whatif(self: &Rc<Self>) {
        let page = Rc::downgrade(self);
        let brush = Brush::new("whatif", move |over| {
            if let Some(page) = page.upgrade() {
                page.covered_more(over);
            }
        });
        self.whatif_brush.set(brush).unwrap_or(());
        self.on_start("whatif-start", |page, job| async move {
            page.begin_whatif(&job).await
        });
        for id in ["whatif-keep", "whatif-flip"] {
            let page = Rc::clone(self);
            on(&element::<Element>(id), "click", move |_: Event| {
                if !page.jobs.is_busy() {
                    let covers = id == "whatif-flip";
                    page.run(move |page, job| async move { page.decide(&job, covers).await });
                }
            });
        }
        let page = Rc::clone(self);
        let select: HtmlSelectElement = element("whatif-covering");
        on(&select.clone(), "change", move |_: Event| {
            let covering = Covering::from_name(&select.value()).unwrap_or_default();
            if let Some(whatif) = page.whatif.borrow().as_ref() {
                whatif.other.replace(whatif.covering(covering));
            }
            page.covered_more(true);
        });
    }

    async fn begin_whatif(self: &Rc<Self>, job: &PageJob) -> Result<(), Failure> {
        let Some((_, explanation)) = self.explained(job).await? else {
            return Ok(());
        };
        let Some(brush) = self.whatif_brush.get() else {
            return Ok(());
        };
        brush.reset(explanation.width());
        let select: HtmlSelectElement = element("whatif-covering");
        let covering = Covering::from_name(&select.value()).unwrap_or_default();
        let whatif = WhatIf {
            other: RefCell::default(),
            outputs: RefCell::new(explanation.prepared.logits_input.clone()),
            map: RefCell::new(Some(reduce_absolute(&explanation.attributions.values))),
            explanation: Rc::clone(&explanation),
            asking: Cell::default(),
            changed: Cell::default(),
        };
        whatif.other.replace(whatif.covering(covering));
        self.whatif.replace(Some(Rc::new(whatif)));
        let decides = !explanation.spec.architecture.is_detector()
            && explanation.prepared.logits_input.len() > 1;
        show("whatif-decide", decides);
        say("whatif-decided", Phrase::nothing());
        self.open_chapter("whatif", &explanation);
        self.show_whatif();
        self.say_status(phrase!("Ready: cover a part of the photo."));
        brush.canvas().focus().unwrap_or(());
        Ok(())
    }

    /// More is covered, or less: the answers follow at once, the mask when a stroke is over.
    fn covered_more(self: &Rc<Self>, over: bool) {
        let Some(whatif) = self.whatif.borrow().clone() else {
            return;
        };
        whatif.map.replace(None);
        whatif.changed.set(true);
        self.show_whatif();
        if over {
            self.run(|page, job| async move { page.mask_what_is_covered(&job).await });
        } else if !whatif.asking.replace(true) {
            let page = Rc::clone(self);
            spawn_local(async move { page.ask_along(&whatif).await });
        }
    }

    /// Asks what the network says, again and again while there is something new; one question at a time.
    async fn ask_along(self: Rc<Self>, whatif: &Rc<WhatIf>) {
        loop {
            let pool = self.pool.borrow().clone();
            let missing = self.work.borrow().missing(&whatif.explanation.settings);
            let ready = !self.jobs.is_busy() && missing != Some(Begin::Model);
            let (Some(pool), true, true) = (pool, ready, whatif.changed.replace(false)) else {
                break;
            };
            let asked = pool.look(&self.covered_input(whatif)).await;
            // A question that failed is asked again by the next stroke's end, which says what is wrong.
            let Ok(outputs) = asked else { break };
            whatif.outputs.replace(outputs);
            self.show_whatif_answers(whatif);
        }
        whatif.asking.set(false);
    }

    fn covered_input(&self, whatif: &WhatIf) -> Vec<f32> {
        let brush = self.whatif_brush.get();
        let cells = brush.map(|brush| brush.paint.borrow().cells().to_vec());
        let input = &whatif.explanation.prepared.input;
        covered_by(input, &whatif.other.borrow(), &cells.unwrap_or_default())
    }

    /// The mask of the photo as it is covered now, and what the network says of it.
    async fn mask_what_is_covered(self: &Rc<Self>, job: &PageJob) -> Result<(), Failure> {
        let (whatif, pool) = (self.whatif.borrow().clone(), self.pool.borrow().clone());
        let (Some(whatif), Some(pool)) = (whatif, pool) else {
            return Ok(());
        };
        self.take_back(job, &pool, &whatif.explanation).await?;
        if job.is_current() {
            self.mask_covered(job, &pool, &whatif).await?;
        }
        if job.is_current() {
            self.say_status(phrase!("Done: before and after are side by side."));
        }
        Ok(())
    }

    async fn mask_covered(
        self: &Rc<Self>,
        job: &PageJob,
        pool: &Pool,
        whatif: &Rc<WhatIf>,
    ) -> Result<(), Failure> {
        let input = self.covered_input(whatif);
        let outputs = pool.look(&input).await?;
        if !job.is_current() {
            return Ok(());
        }
        whatif.changed.set(false);
        whatif.outputs.replace(outputs);
        self.show_whatif_answers(whatif);
        // From here on the pool holds another path than that of the stage.
        let mut held = whatif.explanation.settings.clone();
        held.picture = None;
        self.work.borrow_mut().hold(Some(held));
        let baseline = &whatif.explanation.prepared.baseline;
        pool.keep(&input, baseline).await?;
        let what = phrase!("The mask of what is left");
        let ends = [input.as_slice(), baseline.as_slice()];
        let target = whatif.explanation.target;
        let summed = self
            .sum_few(job, pool, target, ends, SECANTS, &what)
            .await?;
        if let Some(attributions) = summed {
            whatif
                .map
                .replace(Some(reduce_absolute(&attributions.values)));
            self.show_whatif();
        }
        Ok(())
    }

    /// Before and after, side by side.
    pub(super) fn show_whatif(&self) {
        let whatif = self.whatif.borrow().clone();
        let (Some(whatif), Some(brush)) = (whatif, self.whatif_brush.get()) else {
            return;
        };
        let explanation = &whatif.explanation;
        let preprocessing = &explanation.spec.preprocessing;
        let palette = self.latest().palette;
        let width = explanation.width();
        let over = |rgba: &mut Vec<u8>, map: &[f32]| {
            lay_over(rgba, &glow(&Mask::of_map(&soften(map, width)), palette));
        };
        let mut before = preprocessing.rgba(&explanation.prepared.input);
        over(
            &mut before,
            &reduce_absolute(&explanation.attributions.values),
        );
        picture::show(&element("whatif-before"), &before, width);
        let mut after = preprocessing.rgba(&self.covered_input(&whatif));
        match &*whatif.map.borrow() {
            Some(map) => over(&mut after, map),
            // What is being covered shows even where the photo is as dark as the baseline.
            None => tint(&mut after, brush.paint.borrow().cells(), [128; 3], 0.25),
        }
        picture::show(&brush.canvas(), &after, width);
        self.show_whatif_answers(&whatif);
    }

    fn show_whatif_answers(&self, whatif: &WhatIf) {
        let explanation = &whatif.explanation;
        let output = explanation.target.output;
        let before = &explanation.prepared.logits_input;
        let after = &*whatif.outputs.borrow();
        let alone = explanation.spec.architecture.is_detector() || before.len() == 1;
        let share = |logits: &[f32], k: usize| {
            if alone {
                return 1.0 / (1.0 + f64::from(-logits[k]).exp());
            }
            let most = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            let power = |logit: f32| f64::from(logit - most).exp();
            power(logits[k]) / logits.iter().map(|&logit| power(logit)).sum::<f64>()
        };
        let mut listed: Vec<usize> = vec![output];
        if !alone {
            let likeliest = [before, after].map(|logits| top_predictions(logits, ANSWERS));
            listed.extend(likeliest.iter().flatten().map(|answer| answer.target));
            let mut seen = std::collections::BTreeSet::new();
            listed.retain(|&k| seen.insert(k));
            listed[1..].sort_by(|&a, &b| share(after, b).total_cmp(&share(after, a)));
            listed.truncate(ANSWERS + 1);
        }
        let labels = explanation.spec.labels();
        let label = |k: usize| {
            labels
                .get(explanation.spec.class_of(k))
                .copied()
                .unwrap_or("?")
        };
        let list: Element = element("whatif-answers");
        list.set_inner_html("");
        for &k in &listed {
            let item: Element = create("li");
            let [was, is] = [share(before, k), share(after, k)];
            let title: Element = create("span");
            say_in(&title, Phrase::of(name(label(k))));
            append(&item, &title);
            for (class, share) in [("was", was), ("is", is)] {
                let track: Element = create("span");
                track.set_class_name("track");
                let fill: HtmlElement = create("span");
                fill.set_class_name(class);
                let width = format!("{:.1}%", 100.0 * share);
                fill.style().set_property("width", &width).unwrap_or(());
                append(&track, &fill);
                append(&item, &track);
            }
            let change: Element = create("span");
            change.set_class_name("share");
            say_in(
                &change,
                phrase!("{was}% → {is}%", was = percent(was, 1), is = percent(is, 1)),
            );
            append(&item, &change);
            append(&list, &item);
        }
        let cells = self
            .whatif_brush
            .get()
            .map(|brush| brush.paint.borrow().cells().to_vec());
        let cells = cells.unwrap_or_default();
        let area = cells.iter().filter(|&&cell| cell).count() as f64 / cells.len().max(1) as f64;
        let best = listed
            .iter()
            .copied()
            .max_by(|&a, &b| after[a].total_cmp(&after[b]));
        let best = best.filter(|&best| !alone && best != output).map(label);
        let sentence = match best {
            _ if area == 0.0 => phrase!("Nothing is covered yet."),
            Some(other) => phrase!(
                "{area}% are covered. The network now says “{other}”.",
                area = percent(area, 0),
                other = name(other),
            ),
            None => phrase!("{area}% are covered.", area = percent(area, 0)),
        };
        say("whatif-note", sentence);
    }

    /// The fewest regions that keep the answer, or whose covering gives it to the runner-up, one after the other.
    async fn decide(self: &Rc<Self>, job: &PageJob, covers: bool) -> Result<(), Failure> {
        let (whatif, pool) = (self.whatif.borrow().clone(), self.pool.borrow().clone());
        let (Some(whatif), Some(pool), Some(brush)) = (whatif, pool, self.whatif_brush.get())
        else {
            return Ok(());
        };
        let explanation = &whatif.explanation;
        self.take_back(job, &pool, explanation).await?;
        if !job.is_current() {
            return Ok(());
        }
        // Regions are covered by the baseline, whose pixels the pool has.
        element::<HtmlSelectElement>("whatif-covering").set_value("baseline");
        whatif.other.replace(whatif.covering(Covering::Baseline));
        say("whatif-decided", Phrase::nothing());
        let partition = explanation.regions();
        let answer = explanation.target.output;
        let runner_up = |outputs: &[f32]| {
            let top = top_predictions(outputs, 2);
            top.into_iter()
                .map(|p| p.target)
                .find(|&k| k != answer)
                .unwrap_or(answer)
        };
        let rival = runner_up(&explanation.prepared.logits_input);
        // How far the answer is ahead: of the runner-up, or of whoever is the strongest rival.
        let ahead = |outputs: &[f32]| {
            let rival = if covers { rival } else { runner_up(outputs) };
            f64::from(outputs[answer]) - f64::from(outputs[rival])
        };
        let mut greedy = Greedy::new(partition.count(), covers);
        let count = partition.count();
        let all = count * (count + 1) / 2;
        let done = Cell::new(0);
        job.start_clock(now());
        let mut decided = false;
        while !decided {
            let candidates = greedy.candidates();
            if candidates.is_empty() {
                break;
            }
            let found: Vec<RefCell<Vec<f32>>> =
                candidates.iter().map(|_| RefCell::default()).collect();
            let take = |k: usize, outputs: &[f32]| {
                found[k].replace(outputs.to_vec());
                done.set(done.get() + 1);
                let sentence = phrase!("Trying regions: {n} tried", n = done.get());
                job.progress(done.get(), all, now(), sentence);
            };
            let labels = partition.labels();
            pool.cover(None, labels, &candidates, || job.is_current(), take)
                .await?;
            if !job.is_current() {
                return Ok(());
            }
            let score = |outputs: &RefCell<Vec<f32>>| {
                let ahead = ahead(&outputs.borrow());
                if covers { -ahead } else { ahead }
            };
            let scores: Vec<f64> = found.iter().map(score).collect();
            let Some(best) = greedy.choose(&scores) else {
                break;
            };
            decided = scores[best] > 0.0;
            // It is shown growing.
            let covered = greedy.covered();
            brush.reset(partition.width());
            let cells: Vec<bool> = labels.iter().map(|label| covered.contains(label)).collect();
            brush.paint.borrow_mut().set(&cells);
            whatif.map.replace(None);
            whatif.outputs.replace(found[best].take());
            self.show_whatif();
        }
        let kept: usize = {
            let sizes = partition.sizes();
            greedy
                .chosen()
                .iter()
                .map(|&region| sizes[usize::from(region)])
                .sum()
        };
        let share = kept as f64 / partition.labels().len().max(1) as f64;
        let labels = explanation.spec.labels();
        let rival = labels.get(rival).copied().unwrap_or("?");
        let sentence = match (covers, decided) {
            (true, true) => phrase!(
                "Covering {n} of {all} regions, {area}% of the picture, gives the answer to “{other}”.",
                n = greedy.chosen().len(),
                all = count,
                area = percent(share, 0),
                other = name(rival),
            ),
            (true, false) => phrase!(
                "Not even with everything covered does “{other}” come before “{class}”: what one sees says more than the baseline alone.",
                other = name(rival),
                class = titles::label(explanation),
            ),
            (false, true) => phrase!(
                "{n} of {all} regions, {area}% of the picture, are enough for “{class}”.",
                n = greedy.chosen().len(),
                all = count,
                area = percent(share, 0),
                class = titles::label(explanation),
            ),
            (false, false) => phrase!(
                "“{class}” is not the network's first answer, not even with all regions shown.",
                class = titles::label(explanation),
            ),
        };
        say("whatif-decided", sentence);
        self.mask_covered(job, &pool, &whatif).await?;
        if job.is_current() {
            self.say_status(phrase!("Done: before and after are side by side."));
        }
        Ok(())
    }
}

impl WhatIf {
    fn covering(&self, covering: Covering) -> Vec<f32> {
        let prepared = &self.explanation.prepared;
        let preprocessing = &self.explanation.spec.preprocessing;
        covering.picture(&prepared.input, &prepared.baseline, preprocessing)
    }
}
