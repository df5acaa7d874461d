//! Regions, with what the attributions of each come to: a list beside the stage. What is pointed at here is pointed out
//! there, and the other way round.

use std::rc::Rc;

use web_sys::{Element, Event, KeyboardEvent};

use super::{Page, show};
use crate::page::{Explanation, RegionMap, View, region_list};
use crate::web::dom::{document, element, on};
use crate::web::parts::{put, value_at};
use crate::web::words::{Phrase, phrase};

impl Page {
    pub(super) fn listen_to_regions(self: &Rc<Self>) {
        let list: Element = element("regions-list");
        let region_of = |event: &Event| value_at(event, "data-region")?.parse::<usize>().ok();
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
        self.stage
            .borrow_mut()
            .change(|stage| stage.point_out(pointed));
        put(&region_list::pointed(pointed, held));
    }

    /// The region of a pixel is pointed out; its words, if there is one.
    pub(super) fn point_at(&self, pixel: Option<[usize; 2]>) -> Option<Phrase> {
        if self.latest().view != View::Regions {
            return None;
        }
        let region = pixel.and_then(|pixel| self.stage.borrow().shown().region_at(pixel));
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
            let ends = self.shown().map(|shown| shown.ends);
            let RegionMap { partition, sums } = regions;
            put(&region_list::regions(
                partition,
                sums,
                ends,
                settings.palette,
            ));
            self.point_out(None);
        } else {
            self.held_region.set(None);
        }
        self.stage
            .borrow_mut()
            .prepare(|stage| stage.set_regions(false, regions));
    }

    /// The pinned explanation's regions, beside the current one's.
    pub(super) fn pin_regions(&self, pinned: &Explanation) {
        let shown = self.latest().view == View::Regions;
        let regions = shown.then(|| {
            let partition = pinned.regions();
            let sums = partition.sums(&pinned.attributions.values);
            RegionMap { partition, sums }
        });
        self.stage
            .borrow_mut()
            .prepare(|stage| stage.set_regions(true, regions));
    }
}
