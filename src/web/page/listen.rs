//! What happens when someone touches the page.

use std::rc::Rc;

use wasm_bindgen::JsCast;
use web_sys::{
    ClipboardEvent, DragEvent, Element, Event, HtmlInputElement, KeyboardEvent, MouseEvent, Node,
};

use super::{Page, body, class, show};
use crate::attribution::Baseline;
use crate::page::{Begin, Panel, PictureId};
use crate::web::dom::{all, document, element, focus, on, window};
use crate::web::dropped::{dropped, listed};
use crate::web::parts::{put, refit};
use crate::web::words::phrase;

impl Page {
    pub(super) fn listen(self: &Rc<Self>) {
        self.listen_to_files();
        self.listen_to_updates();
        self.listen_to_address();
        self.listen_to_views();
        self.listen_to_answers();
        self.listen_to_regions();
        self.listen_to_lesson();
        self.listen_to_canvas();
        self.listen_to_settings();
        self.listen_to_scenes();
        self.listen_to_card();
        self.listen_to_exports();
        self.listen_to_own_settings();
        self.listen_to_strip();
        self.listen_to_camera();
        self.listen_to_handout();
        self.listen_to_guess();
        self.listen_to_whatif();
        self.listen_to_ledger();
        self.listen_to_walk();
        self.listen_to_studies();
        self.listen_to_baselines();
        self.listen_to_live();
        self.listen_to_teaching();
        self.listen_to_quiz();
        self.listen_to_tour();
    }

    /// The service worker says that the server has another version than this page.
    fn listen_to_updates(self: &Rc<Self>) {
        let page = Rc::clone(self);
        on(&document(), "newer-version", move |_: Event| {
            page.note(
                phrase!("There is a newer Violet."),
                phrase!("It comes when you reload the page; until then nothing changes."),
            );
            class(&element("notice"), "lasting", true);
        });
    }

    fn listen_to_files(self: &Rc<Self>) {
        let body = body();
        let dragging = |on| class(&element("drop"), "dragging", on);
        on(&body, "dragover", move |event: DragEvent| {
            event.prevent_default();
            dragging(true);
        });
        on(&body, "dragleave", move |event: DragEvent| {
            if event.related_target().is_none() {
                dragging(false);
            }
        });
        let page = Rc::clone(self);
        on(&body, "drop", move |event: DragEvent| {
            event.prevent_default();
            dragging(false);
            let Some(transfer) = event.data_transfer() else {
                return;
            };
            if transfer.files().is_none_or(|files| files.length() == 0) {
                return page.note(
                    phrase!("What was dropped is no file: perhaps a picture of another page."),
                    phrase!("Save it first, or copy it and paste it here."),
                );
            }
            let (files, told) = (dropped(&transfer), Rc::clone(&page));
            page.take_files(async move {
                let files = files.await;
                if files.is_empty() {
                    told.note_no_files();
                }
                files
            });
        });
        let page = Rc::clone(self);
        on(&body, "paste", move |event: ClipboardEvent| {
            let files = event.clipboard_data().and_then(|data| data.files());
            let files = listed(files.as_ref());
            page.take_files(async move { files });
        });
        for id in ["pick", "another", "empty"] {
            on(&element::<Element>(id), "click", |event: Event| {
                event.stop_propagation();
                element::<HtmlInputElement>("file").click();
            });
        }
        for id in ["file", "own-file"] {
            let (page, file) = (Rc::clone(self), element::<HtmlInputElement>(id));
            on(&file.clone(), "change", move |_: Event| {
                let files = listed(file.files().as_ref());
                page.take_files(async move { files });
                file.set_value(""); // the same file can be chosen again
            });
        }
        for button in all("[data-sample]") {
            let page = Rc::clone(self);
            let name = button.get_attribute("data-sample").unwrap_or_default();
            on(&button, "click", move |_: Event| {
                page.open_known(PictureId::Sample(name.clone()));
            });
        }
        self.on_click("notice-close", |_| show("notice", false));
    }

    /// A folder was dropped, and there is nothing in it.
    pub(super) fn note_no_files(&self) {
        self.note(
            phrase!("There are no files in what was dropped."),
            phrase!("Drop a photo, a network, or a folder that holds some."),
        );
    }

    fn listen_to_views(self: &Rc<Self>) {
        self.on_click("pin", Self::pin);
        self.on_click("split-toggle", |page| {
            let split = if page.latest().split == 0 { 50 } else { 0 };
            page.change(|settings| settings.split = split);
            if split > 0 {
                focus("split");
            }
        });
        let page = Rc::clone(self);
        on(&window(), "resize", move |_: Event| {
            page.stage.borrow_mut().draw();
            refit();
        });
    }

    fn set_picking(&self, on: bool) {
        self.picking.set(on);
        let mut panel = Panel::new();
        put(panel.press("pick-colour", on).class("drop", "picking", on));
        if on {
            // There is what is to be clicked on.
            element::<Element>("drop").scroll_into_view();
        }
    }

    /// Starts the path at the colour of a point of the photo.
    pub(super) fn pick_colour(self: &Rc<Self>, point: [f64; 2]) {
        self.set_picking(false);
        let colour = self.stage.borrow().colour_at(point);
        if let Some(rgb) = colour {
            self.change(|settings| settings.set_baseline(Baseline::Colour(rgb)));
        }
    }

    fn listen_to_settings(self: &Rc<Self>) {
        self.listen_to_controls();
        for id in ["explain", "anew"] {
            self.on_click(id, |page| page.begin(Begin::Sum));
        }
        self.on_click("back", |page| {
            let back = page.work.borrow_mut().go_back();
            if back.is_some() {
                page.present();
                page.show_controls();
            }
        });
        self.on_click("pick-colour", |page| page.set_picking(!page.picking.get()));
        self.on_click("copy-link", |page| {
            page.start(async |page| page.copy_link().await)
        });
        self.on_click("cancel", Self::cancel);
        let page = Rc::clone(self);
        let search: Element = element("class-search");
        on(&search, "input", move |_: Event| page.show_answers());
        // A menu that is open goes by Escape, and by a click elsewhere.
        let save: Element = element("save");
        on(&save, "keydown", |event: KeyboardEvent| {
            if event.key() == "Escape" {
                close_menu();
                focus("save-menu");
            }
        });
        on(&document(), "click", move |event: MouseEvent| {
            let target = event
                .target()
                .and_then(|target| target.dyn_into::<Node>().ok());
            if !target.is_some_and(|target| save.contains(Some(&target))) {
                close_menu();
            }
        });
    }
}

/// Folds the menu of what can be saved.
pub(super) fn close_menu() {
    let save: Element = element("save");
    save.remove_attribute("open").unwrap_or(());
}
