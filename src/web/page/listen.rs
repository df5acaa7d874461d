//! What happens when someone touches the page.

use std::rc::Rc;

use wasm_bindgen::JsCast;
use wasm_bindgen_futures::spawn_local;
use web_sys::Node;
use web_sys::{
    ClipboardEvent, DragEvent, Element, Event, HtmlElement, HtmlInputElement, KeyboardEvent,
    MouseEvent,
};

use super::open::Coming;
use super::{Page, class};
use crate::attribution::Baseline;
use crate::page::{Begin, PictureId};
use crate::web::dom::{all, document, element, on, window};
use crate::web::dropped::{dropped, listed};
use crate::web::files;
use crate::web::parts::refit;
use crate::web::pool::Picture;
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
        let body = document()
            .body()
            .unwrap_or_else(|| unreachable!("index.html has a body"));
        let drop: HtmlElement = element("drop");
        on(&body, "dragover", {
            let drop = drop.clone();
            move |event: DragEvent| {
                event.prevent_default();
                class(&drop, "dragging", true);
            }
        });
        on(&body, "dragleave", {
            let drop = drop.clone();
            move |event: DragEvent| {
                if event.related_target().is_none() {
                    class(&drop, "dragging", false);
                }
            }
        });
        on(&body, "drop", {
            let page = Rc::clone(self);
            move |event: DragEvent| {
                event.prevent_default();
                class(&drop, "dragging", false);
                let Some(transfer) = event.data_transfer() else {
                    return;
                };
                if transfer.files().is_none_or(|files| files.length() == 0) {
                    return page.note(
                        phrase!("What was dropped is no file: perhaps a picture of another page."),
                        phrase!("Save it first, or copy it and paste it here."),
                    );
                }
                page.take_files(dropped(&transfer));
            }
        });
        on(&body, "paste", {
            let page = Rc::clone(self);
            move |event: ClipboardEvent| {
                let files = event.clipboard_data().and_then(|data| data.files());
                let files = listed(files.as_ref());
                page.take_files(async move { files });
            }
        });
        let file: HtmlInputElement = element("file");
        for id in ["pick", "another", "empty"] {
            let file = file.clone();
            on(&element::<Element>(id), "click", move |event: Event| {
                event.stop_propagation();
                file.click();
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
            on(&button, "click", move |_: Event| page.choose_sample(&name));
        }
        on(&element::<Element>("notice-close"), "click", |_: Event| {
            element::<HtmlElement>("notice").set_hidden(true);
        });
    }

    /// Opens one of the photos that come with the page.
    pub(super) fn choose_sample(self: &Rc<Self>, name: &str) {
        let coming = Coming {
            id: PictureId::Sample(name.into()),
            number: None,
            painted: false,
        };
        let (page, path) = (Rc::clone(self), format!("samples/{name}.jpg"));
        spawn_local(async move {
            let photo = async { Ok(Picture::Photo(files::file(&path).await?)) };
            page.open(photo, coming).await;
        });
    }

    fn listen_to_views(self: &Rc<Self>) {
        on(&element::<Element>("pin"), "click", {
            let page = Rc::clone(self);
            move |_: Event| page.pin()
        });
        on(&element::<Element>("split-toggle"), "click", {
            let page = Rc::clone(self);
            move |_: Event| {
                let split = if page.latest().split == 0 { 50 } else { 0 };
                page.change(|settings| settings.split = split);
                if split > 0 {
                    element::<HtmlElement>("split").focus().unwrap_or(());
                }
            }
        });
        on(&window(), "resize", {
            let page = Rc::clone(self);
            move |_: Event| {
                page.stage.borrow_mut().draw();
                refit();
            }
        });
    }

    fn set_picking(&self, on: bool) {
        self.picking.set(on);
        let pressed = if on { "true" } else { "false" };
        element::<Element>("pick-colour")
            .set_attribute("aria-pressed", pressed)
            .unwrap_or(());
        class(&element("drop"), "picking", on);
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
            let page = Rc::clone(self);
            on(&element::<Element>(id), "click", move |_: Event| {
                page.begin(Begin::Sum)
            });
        }
        on(&element::<Element>("back"), "click", {
            let page = Rc::clone(self);
            move |_: Event| {
                let back = page.work.borrow_mut().go_back();
                if back.is_some() {
                    page.present();
                    page.show_controls();
                    element::<HtmlElement>("explain").focus().unwrap_or(());
                }
            }
        });
        on(&element::<Element>("pick-colour"), "click", {
            let page = Rc::clone(self);
            move |_: Event| page.set_picking(!page.picking.get())
        });
        let page = Rc::clone(self);
        on(
            &element::<Element>("class-search"),
            "input",
            move |_: Event| {
                page.show_answers();
            },
        );
        // A menu that is open goes by Escape, and by a click elsewhere.
        on(
            &element::<Element>("save"),
            "keydown",
            |event: KeyboardEvent| {
                if event.key() == "Escape" {
                    close_menu();
                    if let Ok(Some(summary)) = document().query_selector("#save summary") {
                        summary
                            .unchecked_into::<HtmlElement>()
                            .focus()
                            .unwrap_or(());
                    }
                }
            },
        );
        on(&document(), "click", |event: MouseEvent| {
            let inside = event
                .target()
                .and_then(|target| target.dyn_into::<Node>().ok())
                .is_some_and(|node| element::<Element>("save").contains(Some(&node)));
            if !inside {
                close_menu();
            }
        });
        on(&element::<Element>("copy-link"), "click", {
            let page = Rc::clone(self);
            move |_: Event| {
                let page = Rc::clone(&page);
                spawn_local(async move { page.copy_link().await });
            }
        });
        on(&element::<Element>("cancel"), "click", {
            let page = Rc::clone(self);
            move |_: Event| page.cancel()
        });
    }
}

/// Folds the menu of what can be saved.
fn close_menu() {
    let save: Element = element("save");
    save.remove_attribute("open").unwrap_or(());
}
