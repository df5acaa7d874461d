//! The canvases under pointers and keys: zoom, drag and pinch move the picture, the crosshair tells values, and a
//! click chooses a box.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use web_sys::{
    Element, Event, HtmlElement, KeyboardEvent, MouseEvent, PointerEvent, TouchEvent, WheelEvent,
};

use super::Page;
use crate::web::dom::{element, on, on_active};
use crate::web::words::{Phrase, Value, phrase, say};

/// A pointer that goes farther than this while it is pressed, in CSS pixels, drags and does not click.
const DRAG: f64 = 4.0;
/// How far a key moves the picture, in CSS pixels, and how much one enlarges it.
const PAN: f64 = 40.0;
const ENLARGE: f64 = 1.25;

/// The pointers that are pressed on a canvas: which, and where each was last, in CSS pixels from its corner.
#[derive(Default)]
struct Pressed {
    pointers: RefCell<Vec<(i32, [f64; 2])>>,
    /// How far they have gone since the first was pressed.
    gone: Cell<f64>,
}

impl Page {
    pub(super) fn listen_to_canvas(self: &Rc<Self>) {
        let pressed = Rc::new(Pressed::default());
        for id in ["canvas", "pinned-canvas"] {
            self.listen_to_keys(&element(id));
            self.listen_to_pointers(&element(id), &pressed);
        }
        for (id, factor) in [("zoom-in", ENLARGE), ("zoom-out", 1.0 / ENLARGE)] {
            let page = Rc::clone(self);
            on(&element::<Element>(id), "click", move |_: Event| {
                page.stage.borrow_mut().zoom(factor * factor)
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
                let (x, y) = (f64::from(event.offset_x()), f64::from(event.offset_y()));
                if page.picking.get() {
                    page.pick_colour(x, y);
                    return;
                }
                if pressed.gone.get() > DRAG {
                    return;
                }
                let hit = page.stage.borrow().box_at(x, y);
                if let Some(output) = hit {
                    page.choose_output(output);
                    return;
                }
                // The same pixel once more takes the crosshair away.
                let mut stage = page.stage.borrow_mut();
                let pixel = stage.pixel_at(x, y);
                let pixel = pixel.filter(|_| stage.crosshair() != pixel);
                stage.set_crosshair(pixel);
                drop(stage);
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

    fn listen_to_pointers(self: &Rc<Self>, canvas: &HtmlElement, pressed: &Rc<Pressed>) {
        let page = Rc::clone(self);
        on_active(canvas, "wheel", move |event: WheelEvent| {
            // The wheel by itself is the page's; with Ctrl, which is also what a pinch on a trackpad sends, it is
            // the picture's.
            if !(event.ctrl_key() || event.meta_key()) {
                return;
            }
            event.prevent_default();
            let factor = (-event.delta_y() / 400.0).exp();
            let (x, y) = (f64::from(event.offset_x()), f64::from(event.offset_y()));
            page.stage.borrow_mut().zoom_at(factor, x, y);
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
            let crosshair = page.stage.borrow().crosshair();
            page.show_readout(crosshair);
        });
        let down = Rc::clone(pressed);
        on(canvas, "pointerdown", move |event: PointerEvent| {
            let mut pointers = down.pointers.borrow_mut();
            if event.is_primary() {
                pointers.clear();
                down.gone.set(0.0);
            }
            pointers.push((event.pointer_id(), place(&event)));
        });
        for kind in ["pointerup", "pointercancel"] {
            let up = Rc::clone(pressed);
            on(canvas, kind, move |event: PointerEvent| {
                let mut pointers = up.pointers.borrow_mut();
                pointers.retain(|(id, _)| *id != event.pointer_id());
            });
        }
        let (page, moved) = (Rc::clone(self), Rc::clone(pressed));
        on(canvas, "pointermove", move |event: PointerEvent| {
            let to = place(&event);
            let pixel = page.stage.borrow().pixel_at(to[0], to[1]);
            page.show_readout(pixel);
            let before = moved.pointers.borrow().clone();
            for (id, at) in &mut *moved.pointers.borrow_mut() {
                if *id == event.pointer_id() {
                    *at = to;
                }
            }
            let own = before.iter().find(|(id, _)| *id == event.pointer_id());
            let Some(&(id, from)) = own.filter(|_| event.buttons() == 1) else {
                return;
            };
            let (dx, dy) = (to[0] - from[0], to[1] - from[1]);
            moved.gone.set(moved.gone.get() + dx.hypot(dy));
            let mut stage = page.stage.borrow_mut();
            match before.iter().find(|(other, _)| *other != id) {
                Some(&(_, other)) => {
                    // Two fingers never click.
                    moved.gone.set(f64::INFINITY);
                    stage.pinch([from, other], [to, other]);
                }
                None => stage.pan(dx, dy),
            }
        });
    }

    fn show_all(&self) {
        self.stage.borrow_mut().show_all();
        self.show_readout(None);
    }

    /// Plus and minus zoom, arrows move the crosshair, with Shift the picture; zero and Escape show all of it. Whether
    /// the key was one of these.
    fn take_key(&self, key: &str, shift: bool) -> bool {
        let way = match key {
            "ArrowLeft" => [-1, 0],
            "ArrowRight" => [1, 0],
            "ArrowUp" => [0, -1],
            "ArrowDown" => [0, 1],
            _ => [0, 0],
        };
        let mut stage = self.stage.borrow_mut();
        match key {
            "+" | "=" => stage.zoom(ENLARGE),
            "-" => stage.zoom(1.0 / ENLARGE),
            "0" | "Escape" => {
                drop(stage);
                self.show_all();
            }
            _ if way == [0, 0] => return false,
            _ if shift => {
                let [dx, dy] = way.map(|step| -PAN * f64::from(step));
                stage.pan(dx, dy);
            }
            _ => {
                stage.move_crosshair(way);
                let pixel = stage.crosshair();
                drop(stage);
                let readout = self.show_readout(pixel);
                say("said", readout);
            }
        }
        true
    }

    /// Tells the value of a pixel of the mask, or of which region it is.
    fn show_readout(&self, pixel: Option<[usize; 2]>) -> Phrase {
        let region = self.point_at(pixel);
        let value = pixel.and_then(|pixel| self.stage.borrow().value_of(pixel));
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
fn place(event: &PointerEvent) -> [f64; 2] {
    [f64::from(event.offset_x()), f64::from(event.offset_y())]
}
