//! The canvases under pointers and keys: zoom, drag and pinch move the picture, the crosshair tells values, and a
//! click chooses a box.

use std::cell::RefCell;
use std::rc::Rc;

use web_sys::{HtmlElement, KeyboardEvent, MouseEvent, PointerEvent, TouchEvent, WheelEvent};

use super::Page;
use crate::page::{Click, ENLARGE, Key, Pressed, Stage, wheel};
use crate::web::dom::{element, on, on_active};
use crate::web::words::{Phrase, say};

impl Page {
    pub(super) fn listen_to_canvas(self: &Rc<Self>) {
        let pressed = Rc::new(RefCell::new(Pressed::default()));
        for id in ["canvas", "pinned-canvas"] {
            self.listen_to_keys(&element(id));
            self.listen_to_pointers(&element(id), &pressed);
        }
        for (id, factor) in [("zoom-in", ENLARGE), ("zoom-out", 1.0 / ENLARGE)] {
            self.on_click(id, move |page| {
                page.restage(|stage| stage.zoom(factor * factor))
            });
        }
        self.on_click("zoom-all", |page| page.show_all());
        let page = Rc::clone(self);
        let canvas: HtmlElement = element("canvas");
        on(&canvas, "click", move |event: MouseEvent| {
            let point = place(&event);
            if page.picking.get() {
                page.pick_colour(point);
            } else if !pressed.borrow().dragged() {
                match page.restage(|stage| stage.click(point)) {
                    Click::Box(output) => page.choose_output(output),
                    Click::Pixel(pixel) => drop(page.show_readout(pixel)),
                }
            }
        });
    }

    /// Changes what is on the canvases, and draws it.
    pub(super) fn restage<T>(&self, change: impl FnOnce(&mut Stage) -> T) -> T {
        self.stage.borrow_mut().change(change)
    }

    fn listen_to_keys(self: &Rc<Self>, canvas: &HtmlElement) {
        let page = Rc::clone(self);
        on(canvas, "keydown", move |event: KeyboardEvent| {
            // What belongs to the browser, such as Ctrl and + on a page, stays the browser's.
            let browsers = event.ctrl_key() || event.meta_key() || event.alt_key();
            let key = Key::of(&event.key(), event.shift_key()).filter(|_| !browsers);
            if let Some(key) = key {
                event.prevent_default();
                page.take_key(key);
            }
        });
    }

    fn listen_to_pointers(self: &Rc<Self>, canvas: &HtmlElement, pressed: &Rc<RefCell<Pressed>>) {
        let page = Rc::clone(self);
        on_active(canvas, "wheel", move |event: WheelEvent| {
            // The wheel by itself is the page's; with Ctrl, which is also what a pinch on a trackpad sends, it is
            // the picture's.
            if event.ctrl_key() || event.meta_key() {
                event.prevent_default();
                let (factor, point) = (wheel(event.delta_y()), place(&event));
                page.restage(|stage| stage.zoom_at(factor, point));
            }
        });
        // One finger scrolls the page; two are the picture's.
        on_active(canvas, "touchmove", |event: TouchEvent| {
            if event.touches().length() > 1 {
                event.prevent_default();
            }
        });
        let page = Rc::clone(self);
        on(canvas, "dblclick", move |_: MouseEvent| page.show_all());
        let page = Rc::clone(self);
        on(canvas, "pointerleave", move |_: PointerEvent| {
            let crosshair = page.stage.borrow().shown().crosshair();
            page.show_readout(crosshair);
        });
        let down = Rc::clone(pressed);
        on(canvas, "pointerdown", move |event: PointerEvent| {
            let (id, primary) = (event.pointer_id(), event.is_primary());
            down.borrow_mut().down(id, primary, place(&event));
        });
        for kind in ["pointerup", "pointercancel"] {
            let up = Rc::clone(pressed);
            on(canvas, kind, move |event: PointerEvent| {
                up.borrow_mut().up(event.pointer_id());
            });
        }
        let (page, moved) = (Rc::clone(self), Rc::clone(pressed));
        on(canvas, "pointermove", move |event: PointerEvent| {
            let to = place(&event);
            let pixel = page.stage.borrow().shown().pixel_at(to);
            page.show_readout(pixel);
            let drags = event.buttons() == 1;
            let motion = moved.borrow_mut().moves(event.pointer_id(), to, drags);
            if let Some(motion) = motion {
                page.restage(|stage| stage.follow(motion));
            }
        });
    }

    fn show_all(&self) {
        self.restage(Stage::show_all);
        self.show_readout(None);
    }

    fn take_key(&self, key: Key) {
        let pixel = self.restage(|stage| {
            stage.take(key);
            stage.crosshair()
        });
        match key {
            Key::All => drop(self.show_readout(pixel)),
            Key::Crosshair(_) => say("said", self.show_readout(pixel)),
            Key::Zoom(_) | Key::Pan(_) => {}
        }
    }

    /// Tells the value of a pixel of the mask, or of which region it is.
    fn show_readout(&self, pixel: Option<[usize; 2]>) -> Phrase {
        let region = self.point_at(pixel);
        let value = || self.stage.borrow().shown().readout(pixel);
        let readout = region.unwrap_or_else(value);
        say("readout", readout.clone());
        readout
    }
}

/// Where a pointer is, in CSS pixels from the canvas' corner.
fn place(event: &MouseEvent) -> [f64; 2] {
    [f64::from(event.offset_x()), f64::from(event.offset_y())]
}
