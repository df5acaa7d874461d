//! Where should the path start? Choosing one of the baselines that stand side by side.

use std::rc::Rc;

use super::Page;
use crate::attribution::Baseline;
use crate::page::study::try_baselines;
use crate::page::{Begin, Panel, Sign};
use crate::web::parts::{on_part, put};

impl Page {
    pub(super) fn listen_to_baselines(self: &Rc<Self>) {
        self.on_study("baselines-start", try_baselines);
        let page = Rc::clone(self);
        on_part("baselines-list", "data-baseline", move |name| {
            let before = page.latest().baseline();
            let chosen = Baseline::from_name(name).unwrap_or(before);
            let name = Some(name.into());
            put(Panel::new().choose("baselines-list", "data-baseline", Sign::Pressed, name));
            page.change(|settings| settings.set_baseline(chosen));
            if before == chosen && !page.jobs.is_busy() {
                page.begin(Begin::Sum);
            }
        });
    }
}
