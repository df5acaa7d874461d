//! Regions, with what the attributions of each come to: a list beside the stage. What is pointed at here is pointed out
//! there, and the other way round.

use std::rc::Rc;

use web_sys::{Element, Event, HtmlButtonElement, HtmlElement, KeyboardEvent};

use super::{Page, append, class, create, show};
use crate::mask::Palette;
use crate::page::{Explanation, View, adding_up, printed_change};
use crate::regions::Partition;
use crate::web::dom::{all, document, element, on};
use crate::web::stage::RegionMap;
use crate::web::words::{Phrase, Value, decimal, percent, phrase, say, say_as, say_in};

impl Page {
    pub(super) fn listen_to_regions(self: &Rc<Self>) {
        let list: Element = element("regions-list");
        let region_of = |event: &Event| {
            let target = event.target()?;
            let element = wasm_bindgen::JsCast::dyn_into::<Element>(target).ok()?;
            let button = element.closest("[data-region]").ok()??;
            button.get_attribute("data-region")?.parse::<usize>().ok()
        };
        for kind in ["pointerover", "focusin", "pointerout", "focusout"] {
            let page = Rc::clone(self);
            on(&list, kind, move |event: Event| {
                let comes = matches!(&*event.type_(), "pointerover" | "focusin");
                page.point_out(region_of(&event).filter(|_| comes));
            });
        }
        on(&list, "click", {
            let page = Rc::clone(self);
            move |event: Event| {
                let region = region_of(&event);
                let held = page.held_region.get();
                page.held_region.set(region.filter(|_| region != held));
                page.point_out(region);
            }
        });
        let page = Rc::clone(self);
        on(&list, "keydown", move |event: KeyboardEvent| {
            if event.key() == "Escape" {
                page.held_region.set(None);
                page.point_out(None);
            }
        });
    }

    /// Points a region out on the stage and in the list; with none, the one that was chosen.
    pub(super) fn point_out(&self, region: Option<usize>) {
        let held = self.held_region.get();
        let pointed = region.or(held);
        self.stage.borrow_mut().point_out(pointed);
        for button in all("[data-region]") {
            let number = button
                .get_attribute("data-region")
                .and_then(|n| n.parse().ok());
            class(&button, "pointed", pointed.is_some() && number == pointed);
            let pressed = if held.is_some() && number == held {
                "true"
            } else {
                "false"
            };
            button.set_attribute("aria-pressed", pressed).unwrap_or(());
        }
    }

    /// The region of a pixel is pointed out; its words, if there is one.
    pub(super) fn point_at(&self, pixel: Option<[usize; 2]>) -> Option<Phrase> {
        if self.latest().view != View::Regions {
            return None;
        }
        let region = pixel.and_then(|pixel| self.stage.borrow().region_at(pixel));
        self.point_out(region);
        let button = document().query_selector(&format!("[data-region='{}']", region?));
        let number = button.ok()??.get_attribute("data-rank")?;
        Some(phrase!("region {number}", number = number))
    }

    /// What the attributions that are drawn come to, region by region: flat \[3, side, side\].
    pub(super) fn show_regions(&self, attributions: &[f32]) {
        let settings = self.latest();
        let seen = self.seen.borrow().clone();
        let seen = seen.filter(|_| settings.view == View::Regions);
        let regions = seen.map(|seen| {
            let partition = seen.prepared.regions(&seen.spec.preprocessing);
            let sums = partition.sums(attributions);
            RegionMap { partition, sums }
        });
        let regions = regions.filter(|r| 3 * r.partition.labels().len() == attributions.len());
        show("regions", regions.is_some());
        if let Some(regions) = &regions {
            self.list_regions(regions, settings.palette);
        } else {
            self.held_region.set(None);
        }
        self.stage.borrow_mut().set_regions(1, regions);
    }

    /// The pinned explanation's regions, beside the current one's.
    pub(super) fn pin_regions(&self, pinned: &Explanation) {
        let shown = self.latest().view == View::Regions;
        let regions = shown.then(|| {
            let partition = pinned.regions();
            let sums = partition.sums(&pinned.attributions.values);
            RegionMap { partition, sums }
        });
        self.stage.borrow_mut().set_regions(0, regions);
    }

    fn list_regions(&self, regions: &RegionMap, palette: Palette) {
        let RegionMap { partition, sums } = regions;
        let sizes = partition.sizes();
        let all = partition.labels().len().max(1) as f64;
        let focused = document().active_element();
        let focused = focused.and_then(|focused| focused.get_attribute("data-region"));
        let list: Element = element("regions-list");
        list.set_inner_html("");
        let most = sums.iter().fold(0.0f64, |most, sum| most.max(sum.abs()));
        let shown = self.shown();
        let together: f64 = sums.iter().sum();
        let change = shown.as_ref().map(|shown| printed_change(shown.ends, 2));
        let amounts = adding_up(sums, change.unwrap_or(together), 2);
        for (rank, region) in Partition::ranked(sums).into_iter().enumerate() {
            let area = sizes[region] as f64 / all;
            let button = ledger_row(rank + 1, amounts[region], most, palette);
            for (name, number) in [("data-region", region), ("data-rank", rank + 1)] {
                button
                    .set_attribute(name, &number.to_string())
                    .unwrap_or(());
            }
            let share: Element = create("span");
            share.set_class_name("area");
            say_in(
                &share,
                phrase!("{area}% of the picture", area = percent(area, 1)),
            );
            append(&button, &share);
            say_as(
                &button,
                "aria-label",
                phrase!(
                    "Region {number}: {amount}, {area}% of the picture",
                    number = rank + 1,
                    amount = signed(amounts[region]),
                    area = percent(area, 1),
                ),
            );
            let item: Element = create("li");
            append(&item, &button);
            append(&list, &item);
            if focused.as_deref() == Some(&*region.to_string()) {
                button.focus().unwrap_or(());
            }
        }
        let together: f64 = amounts.iter().sum();
        let sentence = match change {
            Some(change) => phrase!(
                "{n} regions, cut by colour alone. Together they come to {sum}; F changes by {change}.",
                n = partition.count(),
                sum = decimal(together, 2),
                change = decimal(change, 2),
            ),
            None => phrase!(
                "{n} regions, cut by colour alone. Together they come to {sum}.",
                n = partition.count(),
                sum = decimal(together, 2),
            ),
        };
        say("regions-sum", sentence);
        self.point_out(None);
    }
}

/// An amount with its sign.
pub(super) fn signed(amount: f64) -> Value {
    let number = decimal(amount, 2);
    let nothing = (amount.abs() * 100.0).round() == 0.0;
    if amount < 0.0 || nothing {
        number
    } else {
        Phrase::new("+{number}", vec![("number", number)]).into()
    }
}

/// A button with a number, an amount, and a bar that goes to the right for what speaks for the answer, to the left for
/// what speaks against it.
pub(super) fn ledger_row(
    number: usize,
    amount: f64,
    most: f64,
    palette: Palette,
) -> HtmlButtonElement {
    let button: HtmlButtonElement = create("button");
    button.set_type("button");
    let badge: Element = create("span");
    badge.set_class_name("badge");
    say_in(&badge, Phrase::of(number));
    append(&button, &badge);
    append(&button, &bar(amount, most, palette));
    let words: Element = create("span");
    words.set_class_name("amount");
    say_in(&words, Phrase::of(signed(amount)));
    append(&button, &words);
    button
}

/// A bar from the middle: to the right for, to the left against.
pub(super) fn bar(amount: f64, most: f64, palette: Palette) -> Element {
    let track: Element = create("span");
    track.set_class_name("two-way");
    let fill: HtmlElement = create("span");
    let share = if most > 0.0 {
        (amount / most).clamp(-1.0, 1.0)
    } else {
        0.0
    };
    let [r, g, b] = palette.colour(share as f32);
    let left = 50.0 + 50.0 * share.min(0.0);
    for (name, value) in [
        ("left", format!("{left:.1}%")),
        ("width", format!("{:.1}%", 50.0 * share.abs())),
        ("background-color", format!("rgb({r} {g} {b})")),
    ] {
        fill.style().set_property(name, &value).unwrap_or(());
    }
    append(&track, &fill);
    track
}
