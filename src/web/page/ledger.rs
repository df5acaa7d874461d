//! A ledger that adds up: what each region comes to by secants, and, beside it, by experiment, with every combination
//! of them covered.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use web_sys::{Element, Event, HtmlCanvasElement, HtmlElement, MouseEvent};

use super::brush::Brush;
use super::guess::marked;
use super::job::PageJob;
use super::regions::{bar, ledger_row, signed};
use super::{Page, append, class, create, show};
use crate::mask::{Palette, lay_over};
use crate::page::{Experiment, Explanation, Ledger, Undrawn, adding_up, printed_change, tint};
use crate::protocol::Failure;
use crate::regions::{Coalitions, Manner, Partition, patches};
use crate::web::dom::{document, element, now, on};
use crate::web::picture;
use crate::web::words::{Phrase, decimal, phrase, say, say_as, say_in};

/// Secants of a ledger whose mask was made by another rule: they add up, whatever their number.
const SECANTS: usize = 24;
/// Digits of the amounts: those of what the stage says F is.
const DIGITS: i32 = 2;
/// The lines between regions, while someone draws one.
const LINES: [u8; 3] = [255, 255, 255];

/// A ledger, and the explanation that it is of.
pub(super) struct OpenLedger {
    explanation: Rc<Explanation>,
    ledger: Ledger,
    /// Whether a region is being drawn.
    drawing: bool,
}

impl Page {
    pub(super) fn listen_to_ledger(self: &Rc<Self>) {
        let page = Rc::downgrade(self);
        let brush = Brush::new("ledger-draw", move |_| {
            if let Some(page) = page.upgrade() {
                page.show_drawing();
            }
        });
        self.ledger_brush.set(brush).unwrap_or(());
        self.on_start("ledger-start", |page, job| async move {
            page.open_ledger(&job).await
        });
        self.on_start("ledger-experiment", |page, job| async move {
            page.experiment(&job).await
        });
        for id in [
            "ledger-merge",
            "ledger-anew",
            "ledger-draw",
            "ledger-keep",
            "ledger-leave",
        ] {
            let page = Rc::clone(self);
            on(&element::<Element>(id), "click", move |_: Event| match id {
                "ledger-merge" => page.in_ledger(|open| {
                    open.ledger.merge();
                }),
                "ledger-anew" => page.in_ledger(|open| open.ledger.cut_anew()),
                "ledger-draw" => {
                    let drawing = page
                        .ledger
                        .borrow()
                        .as_ref()
                        .is_some_and(|open| open.drawing);
                    page.draw_region(!drawing);
                }
                "ledger-keep" => page.keep_region(),
                _ => page.draw_region(false),
            });
        }
        on(&element::<Element>("ledger-list"), "click", {
            let page = Rc::clone(self);
            move |event: Event| {
                let target = event.target();
                let target = target.and_then(|t| wasm_bindgen::JsCast::dyn_into::<Element>(t).ok());
                let button = target.and_then(|t| t.closest("[data-entry]").ok()?);
                let region = button.and_then(|b| b.get_attribute("data-entry")?.parse().ok());
                if let Some(region) = region {
                    page.in_ledger(|open| open.ledger.choose(region));
                }
            }
        });
        let page = Rc::clone(self);
        let canvas: HtmlCanvasElement = element("ledger-canvas");
        on(&canvas.clone(), "click", move |event: MouseEvent| {
            let shown = canvas.get_bounding_client_rect();
            page.in_ledger(|open| {
                let partition = open.ledger.partition();
                let place = |at: i32, start: f64, length: f64, pixels: usize| {
                    ((f64::from(at) - start) / length * pixels as f64).max(0.0) as usize
                };
                let (across, down) = (partition.width(), partition.height());
                let column = place(event.client_x(), shown.left(), shown.width(), across);
                let row = place(event.client_y(), shown.top(), shown.height(), down);
                if let Some(region) = partition.at([column, row]) {
                    open.ledger.choose(region);
                }
            });
        });
    }

    async fn open_ledger(self: &Rc<Self>, job: &PageJob) -> Result<(), Failure> {
        let Some((pool, explanation)) = self.explained(job).await? else {
            return Ok(());
        };
        let prepared = &explanation.prepared;
        let attributions = if explanation.is_by_secants() {
            explanation.attributions.values.clone()
        } else {
            let ends = [prepared.input.as_slice(), &prepared.baseline];
            let what = phrase!("Secants for the ledger");
            let summed = self.sum_few(job, &pool, explanation.target, ends, SECANTS, &what);
            match summed.await? {
                Some(attributions) => attributions.values,
                None => return Ok(()),
            }
        };
        let rgba = explanation.spec.preprocessing.rgba(&prepared.input);
        let ledger = Ledger::of(&rgba, explanation.width(), attributions);
        // Who paints does so on a square.
        let square = ledger.partition().width() == ledger.partition().height();
        show("ledger-draw", square);
        self.ledger.replace(Some(OpenLedger {
            explanation: Rc::clone(&explanation),
            ledger,
            drawing: false,
        }));
        self.open_chapter("ledger", &explanation);
        self.show_ledger();
        self.say_status(phrase!(
            "Ready: merge or draw regions, or try every combination."
        ));
        Ok(())
    }

    /// Does something with the ledger, and shows what came of it.
    fn in_ledger(&self, act: impl FnOnce(&mut OpenLedger)) {
        if let Some(open) = self.ledger.borrow_mut().as_mut() {
            act(open);
        }
        self.show_ledger();
    }

    /// An empty drawing over the regions, or none.
    fn draw_region(&self, drawing: bool) {
        let Some(brush) = self.ledger_brush.get() else {
            return;
        };
        self.in_ledger(|open| {
            open.drawing = drawing;
            brush.reset(open.ledger.partition().width());
        });
        say("ledger-drawn", Phrase::nothing());
        if drawing {
            brush.canvas().focus().unwrap_or(());
        } else {
            element::<HtmlElement>("ledger-draw").focus().unwrap_or(());
        }
    }

    /// What was painted becomes a region.
    fn keep_region(&self) {
        let Some(brush) = self.ledger_brush.get() else {
            return;
        };
        let mut refused = None;
        self.in_ledger(|open| {
            refused = open.ledger.draw(brush.paint.borrow().cells()).err();
        });
        match refused {
            None => self.draw_region(false),
            Some(Undrawn::Nothing) => say(
                "ledger-drawn",
                phrase!("Nothing is painted yet: paint the region first."),
            ),
            Some(Undrawn::Full) => say(
                "ledger-drawn",
                phrase!(
                    "More than {n} regions would be too many combinations: merge two first. What you painted stays.",
                    n = Ledger::MOST,
                ),
            ),
        }
    }

    /// The photo with the lines between its regions, and what is painted on it.
    fn show_drawing(&self) {
        let open = self.ledger.borrow();
        let (Some(open), Some(brush)) = (open.as_ref(), self.ledger_brush.get()) else {
            return;
        };
        if !open.drawing {
            return;
        }
        let explanation = &open.explanation;
        let preprocessing = &explanation.spec.preprocessing;
        let mut rgba = preprocessing.rgba(&explanation.prepared.input);
        tint(&mut rgba, &open.ledger.partition().lines(), LINES, 0.8);
        let rgba = marked(&rgba, brush.paint.borrow().cells());
        picture::show(&brush.canvas(), &rgba, explanation.width());
    }

    /// F with every combination of the regions covered.
    async fn experiment(self: &Rc<Self>, job: &PageJob) -> Result<(), Failure> {
        let found = self.ledger.borrow().as_ref().map(|open| {
            let explanation = Rc::clone(&open.explanation);
            (explanation, open.ledger.partition().clone())
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
        if let (Some(values), Some(pairs)) = (game.shapley(), game.interactions()) {
            self.in_ledger(|open| open.ledger.note(&partition, Experiment { values, pairs }));
        }
        self.say_status(phrase!("Done: both columns are in the ledger."));
        Ok(())
    }

    /// The regions on the photo, and the ledger beside it.
    pub(super) fn show_ledger(&self) {
        let open = self.ledger.borrow();
        let Some(open) = open.as_ref() else {
            return;
        };
        let (explanation, ledger) = (&open.explanation, &open.ledger);
        let (partition, sums, chosen) = (ledger.partition(), ledger.sums(), ledger.chosen());
        let palette = self.latest().palette;
        let most = ledger.largest();
        let manner = Manner {
            palette,
            full_scale: most,
            pointed: None,
        };
        let (rgba, width) = patches(partition, sums, manner);
        let preprocessing = &explanation.spec.preprocessing;
        let photo = preprocessing.rgba(&explanation.prepared.input);
        draw(&photo, &rgba, width, partition, sums, chosen);
        show("ledger-canvas", !open.drawing);
        show("ledger-drawing", open.drawing);
        let pressed = if open.drawing { "true" } else { "false" };
        element::<Element>("ledger-draw")
            .set_attribute("aria-pressed", pressed)
            .unwrap_or(());
        self.show_drawing();

        let change = printed_change(explanation.ends, DIGITS);
        let amounts = adding_up(sums, change, DIGITS);
        let found = ledger.experiment();
        let found = found.map(|found| adding_up(&found.values, change, DIGITS));
        list_entries(ledger, &amounts, found.as_deref(), palette);
        class(&element("ledger-list"), "with-experiment", found.is_some());
        show("ledger-columns", found.is_some());
        say(
            "ledger-sum",
            phrase!(
                "Together: {sum}. F(x) − F(x′) = {photo} − {baseline} = {change}.",
                sum = decimal(amounts.iter().sum(), 2),
                photo = decimal(f64::from(explanation.ends[1]), 2),
                baseline = decimal(f64::from(explanation.ends[0]), 2),
                change = decimal(change, 2),
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
        say_what_it_found(ledger, found.as_deref());
    }
}

/// A row for each region: its amount by secants and, if it is known, by experiment.
fn list_entries(ledger: &Ledger, amounts: &[f64], found: Option<&[f64]>, palette: Palette) {
    let most = ledger.largest();
    let focused = document().active_element();
    let focused = focused.and_then(|focused| focused.get_attribute("data-entry"));
    let list: Element = element("ledger-list");
    list.set_inner_html("");
    for (rank, region) in ledger.order().into_iter().enumerate() {
        let button = ledger_row(rank + 1, amounts[region], most, palette);
        button
            .set_attribute("data-entry", &region.to_string())
            .unwrap_or(());
        let chosen = ledger.chosen().contains(&region);
        let pressed = if chosen { "true" } else { "false" };
        button.set_attribute("aria-pressed", pressed).unwrap_or(());
        let label = match found {
            Some(values) => {
                append(&button, &bar(values[region], most, palette));
                let words: Element = create("span");
                words.set_class_name("amount");
                say_in(&words, Phrase::of(signed(values[region])));
                append(&button, &words);
                let apart = ledger.is_apart(region);
                class(&button, "apart", apart);
                // A row that the two agree on has nothing to say.
                let mark = if apart { "≠" } else { "" };
                button.set_attribute("data-mark", mark).unwrap_or(());
                phrase!(
                    "Region {number}: {amount} by secants, {other} by experiment",
                    number = rank + 1,
                    amount = signed(amounts[region]),
                    other = signed(values[region]),
                )
            }
            None => phrase!(
                "Region {number}: {amount} by secants",
                number = rank + 1,
                amount = signed(amounts[region]),
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
}

/// Where the two disagree, and which pairs count only together, or for one another.
fn say_what_it_found(ledger: &Ledger, found: Option<&[f64]>) {
    let list: Element = element("ledger-pairs");
    list.set_inner_html("");
    let Some(values) = found else {
        return say("ledger-note", Phrase::nothing());
    };
    let order = ledger.order().into_iter().enumerate();
    let apart = order.filter(|&(_, region)| ledger.is_apart(region));
    let apart: Vec<String> = apart.map(|(rank, _)| (rank + 1).to_string()).collect();
    let sum = decimal(values.iter().sum(), 2);
    let sentence = if apart.is_empty() {
        phrase!(
            "By experiment the regions come to {sum} together, too, and no amount is far from that by secants.",
            sum = sum,
        )
    } else {
        phrase!(
            "By experiment the regions come to {sum} together, too, but the two disagree on {regions}: what a region is worth depends on which others are there. Pixels interact, and there is more than one fair way to share out what they do together.",
            sum = sum,
            regions = apart.join(", "),
        )
    };
    say("ledger-note", sentence);
    for pair in ledger.pairs() {
        let [a, b] = pair.pair;
        let item: Element = create("li");
        let sentence = if pair.value > 0.0 {
            phrase!(
                "{a} and {b} count together: {value} more than each without the other.",
                a = a,
                b = b,
                value = decimal(pair.value, 2),
            )
        } else {
            phrase!(
                "{a} and {b} say the same: together {value} less than each by itself.",
                a = a,
                b = b,
                value = decimal(-pair.value, 2),
            )
        };
        say_in(&item, sentence);
        append(&list, &item);
    }
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
