//! What happens when someone touches the page.

use std::cell::Cell;
use std::rc::Rc;

use wasm_bindgen_futures::spawn_local;
use web_sys::{
    Blob, ClipboardEvent, DragEvent, Element, Event, HtmlElement, HtmlInputElement,
    HtmlSelectElement, KeyboardEvent, MouseEvent, PointerEvent, WheelEvent,
};

use super::{AUTO, From, MOST_STEPS, Page, chosen_rule, class, show_rule};
use crate::attribution::Baseline;
use crate::web::dom::{all, document, element, on, window};
use crate::web::files;
use crate::web::words::phrase;

impl Page {
    pub(super) fn listen(self: &Rc<Self>) {
        self.listen_to_files();
        self.listen_to_updates();
        self.listen_to_views();
        self.listen_to_canvas();
        self.listen_to_settings();
        self.listen_to_scenes();
        self.listen_to_own_model();
        self.listen_to_exports();
        self.listen_to_own_settings();
        self.listen_to_strip();
        self.listen_to_strip_photos();
        self.listen_to_camera();
        self.listen_to_handout();
        self.listen_to_walk();
        self.listen_to_steps();
        self.listen_to_trust();
        self.listen_to_baselines();
    }

    /// The service worker says that the server has another version than this page.
    fn listen_to_updates(self: &Rc<Self>) {
        let page = Rc::clone(self);
        on(&document(), "newer-version", move |_: Event| {
            page.note(
                phrase!("There is a newer Violet."),
                phrase!("It comes when you reload the page; until then nothing changes."),
            );
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
                if let Some(transfer) = event.data_transfer() {
                    page.take_files(transfer.files().as_ref());
                }
            }
        });
        on(&body, "paste", {
            let page = Rc::clone(self);
            move |event: ClipboardEvent| {
                let files = event.clipboard_data().and_then(|data| data.files());
                page.take_files(files.as_ref());
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
                page.take_files(file.files().as_ref());
                file.set_value(""); // the same file can be chosen again
            });
        }
        for button in all("[data-sample]") {
            let page = Rc::clone(self);
            let path = button.get_attribute("data-sample").unwrap_or_default();
            on(&button, "click", move |_: Event| {
                let (page, path) = (Rc::clone(&page), path.clone());
                spawn_local(async move {
                    page.open_photo(files::file(&path), None).await;
                });
            });
        }
        on(&element::<Element>("notice-close"), "click", |_: Event| {
            element::<HtmlElement>("notice").set_hidden(true);
        });
    }

    /// Takes what was dropped, pasted or picked: weights and labels, or photos.
    pub(super) fn take_files(self: &Rc<Self>, files: Option<&web_sys::FileList>) {
        let Some(files) = files else { return };
        let files: Vec<web_sys::File> = (0..files.length()).filter_map(|k| files.get(k)).collect();
        if files.iter().any(|file| self.is_for_own_model(&file.name())) {
            self.take_own_model(files);
            return;
        }
        let page = Rc::clone(self);
        spawn_local(async move {
            let mut photos = Vec::new();
            for file in files {
                let blob: &Blob = &file;
                photos.push((file.name(), files::blob(blob).await));
            }
            page.take_photos(photos).await;
        });
    }

    fn listen_to_views(self: &Rc<Self>) {
        for radio in all("input[name=view]") {
            let page = Rc::clone(self);
            on(&radio, "change", move |_: Event| {
                page.show_view();
                page.write_address();
            });
        }
        let opacity: HtmlInputElement = element("opacity");
        on(&opacity.clone(), "input", {
            let page = Rc::clone(self);
            move |_: Event| {
                page.stage.borrow_mut().opacity = opacity.value_as_number() / 100.0;
                page.stage.borrow().draw();
            }
        });
        on(&element::<Element>("reduction"), "change", {
            let page = Rc::clone(self);
            move |_: Event| {
                page.show_map_again();
                page.write_address();
            }
        });
        on(&element::<Element>("pin"), "click", {
            let page = Rc::clone(self);
            move |_: Event| page.pin()
        });
        on(&window(), "resize", {
            let page = Rc::clone(self);
            move |_: Event| page.stage.borrow().draw()
        });
    }

    /// Wheel, drag and double click move the picture; a click chooses a box.
    fn listen_to_canvas(self: &Rc<Self>) {
        for id in ["canvas", "pinned-canvas"] {
            let canvas: HtmlElement = element(id);
            on(&canvas, "wheel", {
                let page = Rc::clone(self);
                move |event: WheelEvent| {
                    event.prevent_default();
                    let factor = (-event.delta_y() / 400.0).exp();
                    let (x, y) = (f64::from(event.offset_x()), f64::from(event.offset_y()));
                    page.stage.borrow_mut().zoom_at(factor, x, y);
                }
            });
            on(&canvas, "dblclick", {
                let page = Rc::clone(self);
                move |_: MouseEvent| page.stage.borrow_mut().zoom_at(0.0, 0.0, 0.0)
            });
            on(&canvas, "pointerleave", {
                let page = Rc::clone(self);
                move |_: PointerEvent| page.show_readout(None)
            });
            on(&canvas, "keydown", {
                let page = Rc::clone(self);
                move |event: KeyboardEvent| {
                    if page.move_by_key(&event.key()) {
                        event.prevent_default();
                    }
                }
            });
            on(&canvas, "pointermove", {
                let page = Rc::clone(self);
                move |event: PointerEvent| {
                    let (x, y) = (f64::from(event.offset_x()), f64::from(event.offset_y()));
                    page.show_readout(Some((x, y)));
                    if event.buttons() == 1 {
                        let (dx, dy) = (event.movement_x(), event.movement_y());
                        page.stage.borrow_mut().pan(f64::from(dx), f64::from(dy));
                    }
                }
            });
        }
        on(&element::<HtmlElement>("canvas"), "click", {
            let page = Rc::clone(self);
            move |event: MouseEvent| {
                let (x, y) = (f64::from(event.offset_x()), f64::from(event.offset_y()));
                if page.picking.get() {
                    page.pick_colour(x, y);
                    return;
                }
                let hit = page.stage.borrow().box_at(x, y);
                if let Some(k) = hit {
                    page.choose_box(k);
                }
            }
        });
    }

    /// Plus and minus zoom, arrows move, zero shows all of it. Whether the key was one of these.
    fn move_by_key(&self, key: &str) -> bool {
        const STEP: f64 = 40.0;
        let mut stage = self.stage.borrow_mut();
        match key {
            "+" | "=" => stage.zoom(1.25),
            "-" => stage.zoom(0.8),
            "0" => stage.zoom(0.0),
            "ArrowLeft" => stage.pan(STEP, 0.0),
            "ArrowRight" => stage.pan(-STEP, 0.0),
            "ArrowUp" => stage.pan(0.0, STEP),
            "ArrowDown" => stage.pan(0.0, -STEP),
            _ => return false,
        }
        true
    }

    fn set_picking(&self, on: bool) {
        self.picking.set(on);
        let pressed = if on { "true" } else { "false" };
        element::<Element>("pick-colour")
            .set_attribute("aria-pressed", pressed)
            .unwrap_or(());
        class(&element("drop"), "picking", on);
    }

    /// Starts the path at the colour of a point of the photo.
    fn pick_colour(self: &Rc<Self>, x: f64, y: f64) {
        self.set_picking(false);
        let colour = self.stage.borrow().colour_at(x, y);
        if let Some(rgb) = colour {
            let colour = Baseline::Colour(rgb).to_string();
            element::<HtmlInputElement>("baseline-colour").set_value(&colour);
            self.run(From::Baseline);
        }
    }

    fn listen_to_settings(self: &Rc<Self>) {
        let (slider, number): (HtmlInputElement, HtmlInputElement) =
            (element("steps-range"), element("steps"));
        on(&slider, "input", {
            let (slider, number) = (slider.clone(), number.clone());
            move |_: Event| number.set_value(&slider.value())
        });
        on(&number, "change", {
            let (slider, number) = (slider.clone(), number.clone());
            move |_: Event| {
                let steps = number.value_as_number();
                let steps = if steps.is_nan() { 50.0 } else { steps };
                number.set_value(&steps.round().clamp(1.0, MOST_STEPS).to_string());
                slider.set_value(&number.value());
            }
        });
        let auto: HtmlInputElement = element("auto");
        let by_hand = Cell::new(chosen_rule());
        on(&auto.clone(), "change", move |_: Event| {
            if auto.checked() {
                by_hand.set(chosen_rule());
                show_rule(AUTO, AUTO.usual_steps());
            } else {
                let (rule, n_steps) = by_hand.get();
                show_rule(rule, n_steps);
            }
            element::<HtmlSelectElement>("rule").set_disabled(auto.checked());
            slider.set_disabled(auto.checked());
            number.set_disabled(auto.checked());
        });
        for (id, kind, from) in [
            ("explain", "click", From::Target),
            ("model", "change", From::Model),
            ("against", "change", From::Target),
            ("scale", "change", From::Target),
            ("baseline", "change", From::Baseline),
            ("baseline-colour", "change", From::Baseline),
            ("baseline-seed", "change", From::Baseline),
            ("rule", "change", From::Target),
        ] {
            let page = Rc::clone(self);
            on(&element::<Element>(id), kind, move |_: Event| {
                show_baseline_fields();
                page.run(from)
            });
        }
        on(&element::<Element>("pick-colour"), "click", {
            let page = Rc::clone(self);
            move |_: Event| page.set_picking(!page.picking.get())
        });
        on(&element::<Element>("clip"), "input", {
            let page = Rc::clone(self);
            move |_: Event| {
                page.clip();
                page.write_address();
            }
        });
        on(&element::<Element>("threshold"), "input", {
            let page = Rc::clone(self);
            move |_: Event| page.show_detections()
        });
        on(&element::<Element>("cancel"), "click", {
            let page = Rc::clone(self);
            move |_: Event| page.cancel()
        });
        on(&element::<Element>("device"), "change", {
            let page = Rc::clone(self);
            move |_: Event| {
                let page = Rc::clone(&page);
                spawn_local(async move { page.change_device().await });
            }
        });
    }
}

/// Shows what only some baselines have: a colour, a seed.
pub(super) fn show_baseline_fields() {
    let baseline = element::<HtmlSelectElement>("baseline").value();
    for (id, of) in [
        ("baseline-colour", "colour"),
        ("pick-colour", "colour"),
        ("baseline-seed", "noise"),
    ] {
        element::<HtmlElement>(id).set_hidden(baseline != of);
    }
}
