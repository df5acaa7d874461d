//! A ledger that adds up: its buttons, its list, and the picture whose regions are chosen by a
//! click.

use std::rc::Rc;

use web_sys::{HtmlCanvasElement, MouseEvent};

use super::job::PageJob;
use super::{Page, brush};
use crate::page::study::{attributions_by_secants, experiment};
use crate::page::{OpenLedger, Panel};
use crate::protocol::Failure;
use crate::web::dom::{element, on};
use crate::web::parts::{on_part, put};
use crate::web::words::phrase;

impl Page {
    pub(super) fn listen_to_ledger(self: &Rc<Self>) {
        let page = Rc::clone(self);
        let brush = brush::listen("ledger-draw", move |_| {
            if let Some(open) = &*page.ledger.borrow() {
                put(&open.drawn());
            }
        });
        self.ledger_brush.set(brush).unwrap_or(());
        self.on_study("ledger-start", async |study, explanation| {
            let attributions = attributions_by_secants(study, explanation).await?;
            let page = &study.desk.page;
            if let Some(brush) = page.ledger_brush.get() {
                let open = OpenLedger::new(explanation, attributions, brush);
                page.ledger.replace(Some(open));
            }
            page.open_chapter("ledger", explanation);
            page.show_ledger();
            Ok(phrase!(
                "Ready: merge or draw regions, or try every combination."
            ))
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
            self.on_click(id, move |page| {
                page.in_ledger(|open| {
                    let mut panel = open.press(id);
                    panel.append(open.panel(page.latest().palette));
                    if let Some(there) = open.focus(id) {
                        panel.focus(there);
                    }
                    panel
                });
            });
        }
        let page = Rc::clone(self);
        on_part("ledger-list", "data-entry", move |region| {
            if let Ok(region) = region.parse() {
                page.choose_in_ledger(|open| open.choose(region));
            }
        });
        let (page, canvas) = (
            Rc::clone(self),
            element::<HtmlCanvasElement>("ledger-canvas"),
        );
        on(&canvas.clone(), "click", move |event: MouseEvent| {
            let place = brush::under(&canvas, &event);
            page.choose_in_ledger(|open| open.choose_at(place));
        });
    }

    /// Does something with the ledger, and shows what came of it.
    fn in_ledger(&self, act: impl FnOnce(&mut OpenLedger) -> Panel) {
        if let Some(open) = self.ledger.borrow_mut().as_mut() {
            put(&act(open));
        }
    }

    fn choose_in_ledger(&self, choose: impl FnOnce(&mut OpenLedger)) {
        self.in_ledger(|open| {
            choose(open);
            open.panel(self.latest().palette)
        });
    }

    /// F with every combination of the regions covered.
    async fn experiment(self: &Rc<Self>, job: &PageJob) -> Result<(), Failure> {
        let found = self.ledger.borrow().as_ref().map(|open| {
            let explanation = Rc::clone(&open.explanation);
            (explanation, open.partition().clone())
        });
        let (Some((explanation, partition)), Some(pool)) = (found, self.pool.borrow().clone())
        else {
            return Ok(());
        };
        self.take_back(job, &pool, &explanation).await?;
        self.study(job, Some(&explanation), async |study| {
            let found = experiment(study, &explanation, &partition).await?;
            self.choose_in_ledger(|open| {
                if let Some(found) = found {
                    open.note(&partition, found);
                }
            });
            Ok(phrase!("Done: both columns are in the ledger."))
        })
        .await
    }

    pub(super) fn show_ledger(&self) {
        self.choose_in_ledger(|_| ());
    }
}
