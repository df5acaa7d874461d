//! What is shown: picture, answers, sums, and another one beside it.

use std::rc::Rc;

use super::{Page, body, show, titles};
use crate::page::reading::{self, Drawn};
use crate::page::{Explanation, View};
use crate::web::parts::put;

impl Page {
    /// Shows everything that is known of what is shown: picture, answers, sums, scores, and what can be done
    /// with it.
    pub(super) fn present(self: &Rc<Self>) {
        let shown = self.shown();
        show("meter", shown.is_some());
        show("completeness-hint", shown.is_none());
        if let Some(explanation) = &shown {
            self.seen.replace(Some(explanation.seen()));
            let crop = explanation.prepared.crop;
            self.stage
                .borrow_mut()
                .prepare(|stage| stage.set_crop(crop));
            self.show_map(&explanation.attributions.values, explanation.width());
            put(&reading::completeness(explanation));
            put(&reading::scores(explanation));
        } else {
            for id in ["caption", "legend", "truth"] {
                show(id, false);
            }
        }
        self.show_answers();
        self.show_exports();
        self.show_pin();
        self.show_chapters();
        self.show_stale();
    }

    /// Draws attributions, flat \[3, H, W\], as the chosen reduction shows them.
    pub(super) fn show_map(&self, attributions: &[f32], width: usize) {
        let map = self.latest().reduction.reduce(attributions);
        self.show_regions(attributions);
        if let Some(shown) = self.shown() {
            self.label_canvas(titles::stage_label(&shown, self.latest().view));
        }
        self.restage(|stage| stage.set_map(map, width));
        self.show_caption();
    }

    /// Draws everything in the view, the colours and the scale that are set.
    pub(super) fn draw(self: &Rc<Self>) {
        let settings = self.latest();
        self.restage(|stage| stage.set_manner(&settings));
        let forming = self.forming.borrow().is_some();
        match self.shown().filter(|_| !forming) {
            Some(shown) => self.show_map(&shown.attributions.values, shown.width()),
            None => self.show_caption(),
        }
        // A pinned mask shows the same of its pixels.
        let pinned = self.pinned.borrow().clone();
        if let Some(pinned) = pinned {
            self.pin_map(&pinned);
            self.show_caption();
        }
        self.redraw_chapters();
        self.notice_tour();
    }

    /// What the colours stand for.
    pub(super) fn show_caption(&self) {
        let stage = self.stage.borrow();
        let stage = stage.shown();
        if stage.has_mask() {
            let (scale, comparing) = (stage.full_scale(), stage.is_comparing());
            let mut settings = self.latest();
            // What is set may be another output than what is drawn.
            if let Some(shown) = self.shown().filter(|_| self.forming.borrow().is_none()) {
                settings.scale = shown.settings.scale;
            }
            put(&Drawn::of(&settings, scale, comparing).legend());
        }
    }

    /// On the stage: what is shown, and by what it was computed. Beside the settings: what is set, in short.
    pub(super) fn show_summaries(&self) {
        let (shown, latest) = (self.shown(), self.latest());
        put(&reading::summaries(
            shown.as_deref(),
            self.pinned.borrow().is_some(),
            body().class_list().contains("guessing"),
            self.spec(&latest.model).as_ref(),
            &latest,
        ));
    }

    /// Keeps an explanation's map beside the ones to come.
    fn pin_map(&self, pinned: &Explanation) {
        let map = self.latest().reduction.reduce(&pinned.attributions.values);
        self.pin_regions(pinned);
        let (crop, width) = (pinned.prepared.crop, pinned.width());
        self.restage(|stage| stage.pin(crop, map, width));
    }

    /// Pins what is shown, or lets the pinned explanation go.
    pub(super) fn pin(self: &Rc<Self>) {
        if !self.unpin() {
            let shown = self.shown();
            if let Some(shown) = &shown {
                self.pin_map(shown);
            }
            self.pinned.replace(shown);
        }
        self.show_pin();
        self.show_caption();
        self.write_address();
    }

    /// Lets the pinned explanation go, and the view that needs it. Whether there was one.
    pub(super) fn unpin(&self) -> bool {
        let pinned = self.pinned.take().is_some();
        self.work.borrow_mut().change(|settings| {
            if settings.view == View::Difference {
                settings.view = View::default();
            }
        });
        self.show_settings();
        let view = self.latest().view;
        self.restage(|stage| stage.unpin(view));
        pinned
    }

    /// The pin's button, and what the two that stand side by side are called.
    pub(super) fn show_pin(&self) {
        let (pinned, shown) = (self.pinned.borrow().clone(), self.shown());
        let (pinned, shown) = (pinned.as_deref(), shown.as_deref());
        let comparable = reading::comparable(pinned, shown);
        self.restage(|stage| stage.set_comparable(comparable));
        put(&reading::pins(pinned, shown));
        self.show_summaries();
    }
}
