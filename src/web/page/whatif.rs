//! What if? A part of the photo is covered; the answers follow while one paints, the mask when one
//! stops.

use std::cell::RefCell;
use std::rc::Rc;

use wasm_bindgen_futures::spawn_local;
use web_sys::{Event, HtmlSelectElement};

use super::job::PageJob;
use super::{Page, brush};
use crate::page::study::{Studied, Study, decide, mask_covered};
use crate::page::{Begin, Covering, Panel, WhatIf};
use crate::protocol::Failure;
use crate::web::dom::{element, on};
use crate::web::page::desk::PageDesk;
use crate::web::parts::put;
use crate::web::words::{Phrase, phrase};

/// What covers, as the list says.
fn covering() -> Covering {
    let select: HtmlSelectElement = element("whatif-covering");
    Covering::from_name(&select.value()).unwrap_or_default()
}

impl Page {
    pub(super) fn listen_to_whatif(self: &Rc<Self>) {
        let page = Rc::clone(self);
        let brush = brush::listen("whatif", move |over| page.cover_more(over));
        self.whatif_brush.set(brush).unwrap_or(());
        self.on_start("whatif-start", |page, job| async move {
            page.begin_whatif(&job).await
        });
        self.on_start("whatif-keep", |page, job| async move {
            page.study_whatif(&job, async |study, whatif| {
                decide(study, whatif, false).await
            })
            .await
        });
        self.on_start("whatif-flip", |page, job| async move {
            page.study_whatif(&job, async |study, whatif| {
                decide(study, whatif, true).await
            })
            .await
        });
        let page = Rc::clone(self);
        let select: HtmlSelectElement = element("whatif-covering");
        on(&select, "change", move |_: Event| {
            if let Some(whatif) = &*page.whatif.borrow() {
                whatif.borrow_mut().cover_with(covering());
            }
            page.cover_more(true);
        });
    }

    async fn begin_whatif(self: &Rc<Self>, job: &PageJob) -> Result<(), Failure> {
        let Some((_, explanation)) = self.explained(job).await? else {
            return Ok(());
        };
        let Some(brush) = self.whatif_brush.get() else {
            return Ok(());
        };
        put(&brush.borrow_mut().reset(explanation.width()));
        let whatif = WhatIf::new(&explanation, brush, covering());
        let mut panel = Panel::new();
        panel
            .show("whatif-decide", whatif.decides())
            .says("whatif-decided", Phrase::nothing())
            .append(whatif.panel());
        self.whatif.replace(Some(Rc::new(RefCell::new(whatif))));
        self.open_chapter("whatif", &explanation);
        put(panel.focus("whatif-canvas"));
        self.say_status(phrase!("Ready: cover a part of the photo."));
        Ok(())
    }

    /// More is covered, or less: the answers follow at once, the mask when a stroke is over.
    fn cover_more(self: &Rc<Self>, over: bool) {
        let Some(whatif) = self.whatif.borrow().clone() else {
            return;
        };
        whatif.borrow_mut().change();
        put(&whatif.borrow().panel());
        if over {
            self.run(|page, job| async move { page.study_whatif(&job, mask_covered).await });
        } else {
            let page = Rc::clone(self);
            spawn_local(async move { page.ask_along(&whatif).await });
        }
    }

    /// Asks what the network says, again and again while there is something new; one question at a
    /// time.
    async fn ask_along(&self, whatif: &RefCell<WhatIf>) {
        loop {
            let pool = self.pool.borrow().clone();
            let settings = whatif.borrow().explanation.settings.clone();
            let ready = self.work.borrow().missing(&settings) != Some(Begin::Model);
            let Some(pool) = pool.filter(|_| ready && !self.jobs.is_busy()) else {
                return;
            };
            let Some(input) = whatif.borrow_mut().ask() else {
                return;
            };
            // A question that failed is asked again by the next stroke's end, which says what is
            // wrong.
            let outputs = pool.look(&input).await.ok();
            let failed = outputs.is_none();
            put(&whatif.borrow_mut().answered(outputs));
            if failed {
                return;
            }
        }
    }

    /// Studies what is covered, with a pool that has its network and its path.
    async fn study_whatif(
        self: &Rc<Self>,
        job: &PageJob,
        study: impl AsyncFnOnce(&Study<PageDesk>, &RefCell<WhatIf>) -> Studied<Phrase>,
    ) -> Result<(), Failure> {
        let (whatif, pool) = (self.whatif.borrow().clone(), self.pool.borrow().clone());
        let (Some(whatif), Some(pool)) = (whatif, pool) else {
            return Ok(());
        };
        let explanation = Rc::clone(&whatif.borrow().explanation);
        self.take_back(job, &pool, &explanation).await?;
        self.study(job, None, async |desk| study(desk, &whatif).await)
            .await
    }
}
