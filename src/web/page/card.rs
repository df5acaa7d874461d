//! The card of a network of one's own: its controls.

use std::rc::Rc;

use web_sys::{Event, HtmlInputElement};

use super::controls::text_of;
use super::own_model::OwnModel;
use super::{Page, show};
use crate::page::card::{Own, Wish, sees};
use crate::web::dom::{all, element, on};
use crate::web::parts::put;

impl Page {
    pub(super) fn listen_to_card(self: &Rc<Self>) {
        self.on_click("own", |_| element::<HtmlInputElement>("own-file").click());
        for control in all("#network-input select, #network-input input") {
            let page = Rc::clone(self);
            let id = control.id();
            on(&control, "change", move |_: Event| {
                let Some(own) = page.own_model() else { return };
                match page.on_card(&own).wish(&id, |id| text_of(&element(id))) {
                    Wish::Of(wishes) => page.wish(wishes),
                    Wish::Numbers => show("own-numbers", true),
                    Wish::Nothing => page.show_card(),
                }
            });
        }
        self.on_click("own-undo", |page| {
            if let Some(own) = page.own_model() {
                page.wish(page.on_card(&own).undone());
            }
        });
    }

    fn on_card<'a>(&self, own: &'a OwnModel) -> Own<'a> {
        Own {
            title: &own.brought.title,
            card: &own.card,
            wishes: &own.brought.wishes,
            gradient_ms: own.gradient_ms,
            workers: self.pool.borrow().as_ref().map_or(1, |pool| pool.size()),
            method: self.latest().method(),
        }
    }

    /// Shows what is known of the network that is set, if someone brought it.
    pub(super) fn show_card(&self) {
        let own = self.own_model();
        show("network", own.is_some());
        if let Some(own) = own {
            put(&self.on_card(&own).panel());
            self.show_what_it_sees();
        }
    }

    /// What goes into the network, drawn small, and what it says first.
    pub(super) fn show_what_it_sees(&self) {
        let Some(own) = self.own_model() else { return };
        let seen = self.seen.borrow().clone();
        let seen = seen.filter(|seen| seen.spec.name == own.spec.name);
        let seen = seen.as_ref().map(|seen| (&seen.spec, &*seen.prepared));
        put(&sees(own.card.channels, seen));
    }
}
