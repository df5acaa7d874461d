//! The canvases under pointers and keys: zoom, drag and pinch move the picture, the crosshair tells values, and a
//! click chooses a box.

use std::cell::RefCell;
use std::rc::Rc;

use web_sys::{
    Element, Event, HtmlElement, KeyboardEvent, MouseEvent, PointerEvent, TouchEvent, WheelEvent,
};

use super::Page;
use crate::page::{ENLARGE, Key, Motion, Pressed, wheel};
use crate::web::dom::{element, on, on_active};
use crate::web::words::{Phrase, Value, phrase, say};

impl Page {
    pub(super) fn listen_to_canvas(self: &Rc<Self>) {
        let pressed = Rc::new(RefCell::new(Pressed::default()));
        for id in ["canvas", "pinned-canvas"] {
            self.listen_to_keys(&element(id));
            self.listen_to_pointers(&element(id), &pressed);
        }
        for (id, factor) in [("zoom-in", ENLARGE), ("zoom-out", 1.0 / ENLARGE)] {
            let page = Rc::clone(self);
            on(&element::<Element>(id), "click", move |_: Event| {
                page.stage
                    .borrow_mut()
                    .change(|stage| stage.zoom(factor * factor));
            });
        }
        let page = Rc::clone(self);
        on(&element::<Element>("zoom-all"), "click", move |_: Event| {
            page.show_all();
        });
        let page = Rc::clone(self);
        on(
            &element::<HtmlElement>("canvas"),
            "click",
            move |event: MouseEvent| {
                let point = place(&event);
                if page.picking.get() {
                    page.pick_colour(point);
                    return;
                }
                if pressed.borrow().dragged() {
                    return;
                }
                let hit = page.stage.borrow().shown().box_at(point);
                if let Some(output) = hit {
                    page.choose_output(output);
                    return;
                }
                // The same pixel once more takes the crosshair away.
                let pixel = page.stage.borrow_mut().change(|stage| {
                    let pixel = stage.pixel_at(point);
                    let pixel = pixel.filter(|_| stage.crosshair() != pixel);
                    stage.set_crosshair(pixel);
                    pixel
                });
                page.show_readout(pixel);
            },
        );
    }

    fn listen_to_keys(self: &Rc<Self>, canvas: &HtmlElement) {
        let page = Rc::clone(self);
        on(canvas, "keydown", move |event: KeyboardEvent| {
            // What belongs to the browser, such as Ctrl and + on a page, stays the browser's.
            let browsers = event.ctrl_key() || event.meta_key() || event.alt_key();
            if !browsers && page.take_key(&event.key(), event.shift_key()) {
                event.prevent_default();
            }
        });
    }

    fn listen_to_pointers(self: &Rc<Self>, canvas: &HtmlElement, pressed: &Rc<RefCell<Pressed>>) {
        let page = Rc::clone(self);
        on_active(canvas, "wheel", move |event: WheelEvent| {
            // The wheel by itself is the page's; with Ctrl, which is also what a pinch on a trackpad sends, it is
            // the picture's.
            if !(event.ctrl_key() || event.meta_key()) {
                return;
            }
            event.prevent_default();
            let (factor, point) = (wheel(event.delta_y()), place(&event));
            page.stage
                .borrow_mut()
                .change(|stage| stage.zoom_at(factor, point));
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
                page.stage.borrow_mut().change(|stage| match motion {
                    Motion::Pan(way) => stage.pan(way),
                    Motion::Pinch(from, to) => stage.pinch(from, to),
                });
            }
        });
    }

    fn show_all(&self) {
        self.stage.borrow_mut().change(|stage| stage.show_all());
        self.show_readout(None);
    }

    /// Whether a key did something to the picture.
    fn take_key(&self, key: &str, shift: bool) -> bool {
        let Some(key) = Key::of(key, shift) else {
            return false;
        };
        let pixel = self.stage.borrow_mut().change(|stage| {
            match key {
                Key::Zoom(factor) => stage.zoom(factor),
                Key::All => stage.show_all(),
                Key::Pan(way) => stage.pan(way),
                Key::Crosshair(way) => stage.move_crosshair(way),
            }
            stage.crosshair()
        });
        if matches!(key, Key::All | Key::Crosshair(_)) {
            let readout = self.show_readout(pixel);
            if matches!(key, Key::Crosshair(_)) {
                say("said", readout);
            }
        }
        true
    }

    /// Tells the value of a pixel of the mask, or of which region it is.
    fn show_readout(&self, pixel: Option<[usize; 2]>) -> Phrase {
        let region = self.point_at(pixel);
        let value = pixel.and_then(|pixel| self.stage.borrow().shown().value_of(pixel));
        let readout = match (pixel, value) {
            (Some([column, row]), Some(value)) => phrase!(
                "pixel {x}, {y}: {value}",
                x = column,
                y = row,
                value = Value::Power(f64::from(value)),
            ),
            _ => Phrase::nothing(),
        };
        let readout = region.unwrap_or(readout);
        say("readout", readout.clone());
        readout
    }
}

/// Where a pointer is, in CSS pixels from the canvas' corner.
fn place(event: &MouseEvent) -> [f64; 2] {
    [f64::from(event.offset_x()), f64::from(event.offset_y())]
}
