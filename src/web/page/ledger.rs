//! A ledger that adds up: what each region comes to by secants, and, beside it, by experiment, with every combination
//! of them covered.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use web_sys::{Element, Event, HtmlCanvasElement, HtmlElement, MouseEvent};

use super::job::PageJob;
use super::regions::{bar, ledger_row, signed};
use super::{Page, append, class, create, show};
use crate::mask::lay_over;
use crate::page::Explanation;
use crate::protocol::Failure;
use crate::regions::{Coalitions, Interaction, Manner, Partition, patches};
use crate::web::dom::{all, document, element, now, on};
use crate::web::picture;
use crate::web::words::{Phrase, decimal, phrase, say, say_as, say_in};

/// Regions that it begins with: what an experiment takes a minute for on a slow machine.
const REGIONS: usize = 8;
/// Pairs that are listed.
const PAIRS: usize = 3;
/// Two amounts that differ by more than this share of the largest disagree, and a pair that comes to more counts.
const APART: f64 = 0.1;

/// Regions of one explanation, and what they come to.
pub(super) struct Ledger {
    explanation: Rc<Explanation>,
    partition: Partition,
    /// By attributions.
    sums: Vec<f64>,
    /// By experiment, once it was made: the Shapley values, and what pairs come to together.
    experiment: Option<(Vec<f64>, Vec<Interaction>)>,
    /// The regions that are chosen, to be merged.
    chosen: Vec<usize>,
}

impl Ledger {
    fn new(explanation: Rc<Explanation>, partition: Partition) -> Self {
        Self {
            sums: partition.sums(&explanation.attributions.values),
            explanation,
            partition,
            experiment: None,
            chosen: Vec::new(),
        }
    }
}

impl Page {
    pub(super) fn listen_to_ledger(self: &Rc<Self>) {
        self.on_start("ledger-start", |page, job| async move {
            page.open_ledger(&job).await
        });
        self.on_start("ledger-experiment", |page, job| async move {
            page.experiment(&job).await
        });
        on(&element::<Element>("ledger-merge"), "click", {
            let page = Rc::clone(self);
            move |_: Event| page.merge_chosen()
        });
        on(&element::<Element>("ledger-anew"), "click", {
            let page = Rc::clone(self);
            move |_: Event| {
                let explanation = page
                    .ledger
                    .borrow()
                    .as_ref()
                    .map(|l| Rc::clone(&l.explanation));
                if let Some(explanation) = explanation {
                    page.ledger.replace(Some(cut(explanation)));
                    page.show_ledger();
                }
            }
        });
        on(&element::<Element>("ledger-list"), "click", {
            let page = Rc::clone(self);
            move |event: Event| {
                let target = event.target();
                let target = target.and_then(|t| wasm_bindgen::JsCast::dyn_into::<Element>(t).ok());
                let button = target.and_then(|t| t.closest("[data-entry]").ok()?);
                let region = button.and_then(|b| b.get_attribute("data-entry")?.parse().ok());
                if let Some(region) = region {
                    page.choose_entry(region);
                }
            }
        });
        let page = Rc::clone(self);
        let canvas: HtmlCanvasElement = element("ledger-canvas");
        on(&canvas.clone(), "click", move |event: MouseEvent| {
            let shown = canvas.get_bounding_client_rect();
            let region = page.ledger.borrow().as_ref().and_then(|ledger| {
                let place = |at: i32, start: f64, length: f64, pixels: usize| {
                    ((f64::from(at) - start) / length * pixels as f64).max(0.0) as usize
                };
                let (across, down) = (ledger.partition.width(), ledger.partition.height());
                let column = place(event.client_x(), shown.left(), shown.width(), across);
                let row = place(event.client_y(), shown.top(), shown.height(), down);
                ledger.partition.at([column, row])
            });
            if let Some(region) = region {
                page.choose_entry(region);
            }
        });
    }

    async fn open_ledger(self: &Rc<Self>, job: &PageJob) -> Result<(), Failure> {
        if let Some((_, explanation)) = self.explained(job).await? {
            self.ledger.replace(Some(cut(Rc::clone(&explanation))));
            self.open_chapter("ledger", &explanation);
            self.show_ledger();
            self.say_status(phrase!(
                "Ready: choose regions to merge, or try every combination."
            ));
        }
        Ok(())
    }

    /// Chooses a region, or lets it go; two at most, the last ones.
    fn choose_entry(&self, region: usize) {
        if let Some(ledger) = self.ledger.borrow_mut().as_mut() {
            match ledger.chosen.iter().position(|&chosen| chosen == region) {
                Some(at) => {
                    ledger.chosen.remove(at);
                }
                None => {
                    ledger.chosen.push(region);
                    let surplus = ledger.chosen.len().saturating_sub(2);
                    ledger.chosen.drain(..surplus);
                }
            }
        }
        self.show_ledger();
    }

    fn merge_chosen(&self) {
        let mut ledger = self.ledger.borrow_mut();
        let merged = ledger.as_ref().and_then(|ledger| match *ledger.chosen {
            [a, b] => {
                let partition = ledger.partition.merged(a, b);
                Some(Ledger::new(Rc::clone(&ledger.explanation), partition))
            }
            _ => None,
        });
        if merged.is_some() {
            *ledger = merged;
            drop(ledger);
            self.show_ledger();
        }
    }

    /// F with every combination of the regions covered.
    async fn experiment(self: &Rc<Self>, job: &PageJob) -> Result<(), Failure> {
        let found = self.ledger.borrow().as_ref().map(|ledger| {
            let explanation = Rc::clone(&ledger.explanation);
            (explanation, ledger.partition.clone())
        });
        let (Some((explanation, partition)), Some(pool)) = (found, self.pool.borrow().clone())
        else {
            return Ok(());
        };
        self.take_back(job, &pool, &explanation).await?;
        if !job.is_current() {
            return Ok(());
        }
        let game = RefCell::new(Coalitions::new(partition.count()));
        let all = game.borrow().count();
        let covered: Vec<Vec<u16>> = (0..all).map(|k| game.borrow().covered(k)).collect();
        let done = Cell::new(0);
        job.start_clock(now());
        let take = |k: usize, outputs: &[f32]| {
            if let Some(&output) = outputs.first() {
                game.borrow_mut().set(k, f64::from(output));
            }
            done.set(done.get() + 1);
            let sentence = phrase!(
                "Combinations: {done} of {all}",
                done = done.get(),
                all = all
            );
            job.progress(done.get(), all, now(), sentence);
        };
        let target = Some(explanation.target);
        let current = || job.is_current();
        pool.cover(target, partition.labels(), &covered, current, take)
            .await?;
        if !job.is_current() {
            return Ok(());
        }
        let game = game.into_inner();
        if let (Some(values), Some(pairs)) = (game.shapley(), game.interactions())
            && let Some(ledger) = self.ledger.borrow_mut().as_mut()
            // Regions that were merged meanwhile are others.
            && ledger.partition == partition
        {
            ledger.experiment = Some((values, pairs));
        }
        self.show_ledger();
        self.say_status(phrase!("Done: both columns are in the ledger."));
        Ok(())
    }

    /// The regions on the photo, and the ledger beside it.
    pub(super) fn show_ledger(&self) {
        let ledger = self.ledger.borrow();
        let Some(ledger) = ledger.as_ref() else {
            return;
        };
        let Ledger {
            explanation,
            partition,
            sums,
            experiment,
            chosen,
        } = ledger;
        let palette = self.latest().palette;
        let found = experiment.as_ref().map(|(values, _)| values);
        let most = sums.iter().chain(found.into_iter().flatten());
        let most = most.fold(0.0f64, |most, sum| most.max(sum.abs()));
        let manner = Manner {
            palette,
            full_scale: most,
            pointed: None,
        };
        let (rgba, width) = patches(partition, sums, manner);
        let photo = explanation
            .spec
            .preprocessing
            .rgba(&explanation.prepared.input);
        draw(&photo, &rgba, width, partition, sums, chosen);

        let focused = document().active_element();
        let focused = focused.and_then(|focused| focused.get_attribute("data-entry"));
        let list: Element = element("ledger-list");
        list.set_inner_html("");
        let order = Partition::ranked(sums);
        for (rank, &region) in order.iter().enumerate() {
            let button = ledger_row(rank + 1, sums[region], most, palette);
            button
                .set_attribute("data-entry", &region.to_string())
                .unwrap_or(());
            let pressed = if chosen.contains(&region) {
                "true"
            } else {
                "false"
            };
            button.set_attribute("aria-pressed", pressed).unwrap_or(());
            let label = match found {
                Some(values) => {
                    append(&button, &bar(values[region], most, palette));
                    let words: Element = create("span");
                    words.set_class_name("amount");
                    say_in(&words, Phrase::of(signed(values[region])));
                    append(&button, &words);
                    let apart = (values[region] - sums[region]).abs() > APART * most;
                    class(&button, "apart", apart);
                    phrase!(
                        "Region {number}: {amount} by secants, {other} by experiment",
                        number = rank + 1,
                        amount = signed(sums[region]),
                        other = signed(values[region]),
                    )
                }
                None => phrase!(
                    "Region {number}: {amount} by secants",
                    number = rank + 1,
                    amount = signed(sums[region]),
                ),
            };
            say_as(&button, "aria-label", label);
            let item: Element = create("li");
            append(&item, &button);
            append(&list, &item);
            if focused.as_deref() == Some(&*region.to_string()) {
                let button: &HtmlElement = &button;
                button.focus().unwrap_or(());
            }
        }
        class(&element("ledger-list"), "with-experiment", found.is_some());
        show("ledger-columns", found.is_some());
        let together: f64 = sums.iter().sum();
        say(
            "ledger-sum",
            phrase!(
                "Together: {sum}. F(x) − F(x′) = {photo} − {baseline} = {change}.",
                sum = decimal(together, 3),
                photo = decimal(f64::from(explanation.ends[1]), 3),
                baseline = decimal(f64::from(explanation.ends[0]), 3),
                change = decimal(explanation.change(), 3),
            ),
        );
        say(
            "ledger-experiment",
            phrase!(
                "Try all {n} combinations",
                n = 1usize << partition.count().min(Coalitions::MOST_PLAYERS)
            ),
        );
        let merge = if chosen.len() == 2 { "false" } else { "true" };
        element::<Element>("ledger-merge")
            .set_attribute("aria-disabled", merge)
            .unwrap_or(());
        self.say_what_it_found(ledger, &order, most);
    }

    /// Where the two disagree, and which pairs count only together, or for one another.
    fn say_what_it_found(&self, ledger: &Ledger, order: &[usize], most: f64) {
        let Some((values, pairs)) = &ledger.experiment else {
            say("ledger-note", Phrase::nothing());
            element::<Element>("ledger-pairs").set_inner_html("");
            return;
        };
        let number = |region: usize| order.iter().position(|&r| r == region).map_or(0, |k| k + 1);
        let apart = |&region: &usize| (values[region] - ledger.sums[region]).abs() > APART * most;
        let apart: Vec<String> = order
            .iter()
            .copied()
            .filter(apart)
            .map(|region| number(region).to_string())
            .collect();
        let together: f64 = values.iter().sum();
        let sentence = if apart.is_empty() {
            phrase!(
                "By experiment the regions come to {sum} together, too, and no amount is far from that by secants.",
                sum = decimal(together, 3),
            )
        } else {
            phrase!(
                "By experiment the regions come to {sum} together, too, but the two disagree on {regions}: what a region is worth depends on which others are there. Pixels interact, and there is more than one fair way to share out what they do together.",
                sum = decimal(together, 3),
                regions = apart.join(", "),
            )
        };
        say("ledger-note", sentence);
        let list: Element = element("ledger-pairs");
        list.set_inner_html("");
        for pair in pairs
            .iter()
            .filter(|p| p.value.abs() > APART * most)
            .take(PAIRS)
        {
            let [a, b] = pair.pair.map(number);
            let item: Element = create("li");
            let (low, high) = (a.min(b), a.max(b));
            let sentence = if pair.value > 0.0 {
                phrase!(
                    "{a} and {b} count together: {value} more than each without the other.",
                    a = low,
                    b = high,
                    value = decimal(pair.value, 2),
                )
            } else {
                phrase!(
                    "{a} and {b} say the same: together {value} less than each by itself.",
                    a = low,
                    b = high,
                    value = decimal(-pair.value, 2),
                )
            };
            say_in(&item, sentence);
            append(&list, &item);
        }
        for button in all("#ledger-list button") {
            // A row that the two agree on has nothing to say.
            let apart = button.class_list().contains("apart");
            let mark = if apart { "≠" } else { "" };
            button.set_attribute("data-mark", mark).unwrap_or(());
        }
    }
}

fn cut(explanation: Rc<Explanation>) -> Ledger {
    let rgba = explanation
        .spec
        .preprocessing
        .rgba(&explanation.prepared.input);
    let partition = Partition::of(&rgba, explanation.width(), REGIONS);
    Ledger::new(explanation, partition)
}

/// The photo, its regions over it, and their numbers.
fn draw(
    photo: &[u8],
    patches: &[u8],
    width: usize,
    partition: &Partition,
    sums: &[f64],
    chosen: &[usize],
) {
    // Enlarged, so that lines and numbers are sharp.
    let small = partition.width().max(1);
    let finer = width / small;
    let at = |k: usize| (k / width / finer) * small + k % width / finer;
    let mut rgba: Vec<u8> = (0..patches.len() / 4)
        .flat_map(|k| photo[4 * at(k)..][..4].to_vec())
        .collect();
    lay_over(&mut rgba, patches);
    let canvas: HtmlCanvasElement = element("ledger-canvas");
    picture::show(&canvas, &rgba, width);
    let Ok(context) = picture::context(&canvas) else {
        return;
    };
    let size = width as f64 / 26.0;
    context.set_font(&format!("600 {size}px system-ui, sans-serif"));
    context.set_text_align("center");
    context.set_text_baseline("middle");
    let centres = partition.centres();
    for (rank, region) in Partition::ranked(sums).into_iter().enumerate() {
        let [x, y] = centres[region].map(|v| (v as f64 + 0.5) * finer as f64);
        let colours = if chosen.contains(&region) {
            ["#141218", "#ffffff"]
        } else {
            ["#ffffff", "#141218"]
        };
        context.set_fill_style_str(colours[0]);
        context.begin_path();
        context
            .arc(x, y, 0.85 * size, 0.0, std::f64::consts::TAU)
            .unwrap_or(());
        context.fill();
        context.set_fill_style_str(colours[1]);
        context
            .fill_text(&(rank + 1).to_string(), x, y)
            .unwrap_or(());
    }
}
