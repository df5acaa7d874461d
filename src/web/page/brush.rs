//! A brush on a canvas of the page: by pointer, or by the arrow keys and the space bar; with an eraser and a way back.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use web_sys::{
    Element, Event, HtmlButtonElement, HtmlCanvasElement, HtmlInputElement, KeyboardEvent,
    PointerEvent,
};

use crate::page::{Cursor, Paint};
use crate::web::dom::{element, on};
use crate::web::parts::put;

/// How far an arrow key goes, as a share of the picture's side.
const STEP: f64 = 1.0 / 28.0;

/// Canvas and controls whose ids begin with one name: `-canvas`, `-cursor`, `-size`, `-erase`, `-undo`, `-clear`.
pub(super) struct Brush {
    name: &'static str,
    pub(super) paint: RefCell<Paint>,
    /// Where the keys have it, and where the pointer was: shares of the picture's side.
    place: Cell<Cursor>,
    last: Cell<Option<[f64; 2]>>,
    erases: Cell<bool>,
    /// Whether strokes are taken.
    pub(super) open: Cell<bool>,
}

impl Brush {
    /// `painted` is called whenever something was painted, with whether a stroke is over.
    pub(super) fn new(name: &'static str, painted: impl Fn(bool) + 'static) -> Rc<Self> {
        let brush = Rc::new(Self {
            name,
            paint: RefCell::new(Paint::new(1)),
            place: Cell::default(),
            last: Cell::default(),
            erases: Cell::default(),
            open: Cell::default(),
        });
        brush.listen(Rc::new(painted));
        brush
    }

    /// A fresh picture of so many pixels along a side.
    pub(super) fn reset(&self, side: usize) {
        self.paint.replace(Paint::new(side));
        self.place.set(Cursor::default());
        self.last.set(None);
        self.set_erases(false);
        self.open.set(true);
        self.show_cursor();
    }

    pub(super) fn canvas(&self) -> HtmlCanvasElement {
        self.part("canvas")
    }

    fn part<T: wasm_bindgen::JsCast>(&self, what: &str) -> T {
        element(&format!("{}-{what}", self.name))
    }

    fn set_erases(&self, erases: bool) {
        self.erases.set(erases);
        let pressed = if erases { "true" } else { "false" };
        let button: Element = self.part("erase");
        button.set_attribute("aria-pressed", pressed).unwrap_or(());
    }

    fn listen(self: &Rc<Self>, painted: Rc<dyn Fn(bool)>) {
        let canvas = self.canvas();
        on(&canvas, "pointerdown", {
            let (brush, painted, canvas) = (Rc::clone(self), Rc::clone(&painted), canvas.clone());
            move |event: PointerEvent| {
                if !brush.open.get() || event.button() != 0 {
                    return;
                }
                canvas.set_pointer_capture(event.pointer_id()).unwrap_or(());
                brush.paint.borrow_mut().begin();
                let place = brush.under(&event);
                brush.stroke(place, place);
                painted(false);
            }
        });
        on(&canvas, "pointermove", {
            let (brush, painted) = (Rc::clone(self), Rc::clone(&painted));
            move |event: PointerEvent| {
                if let Some(last) = brush.last.get() {
                    brush.stroke(last, brush.under(&event));
                    painted(false);
                }
            }
        });
        for kind in ["pointerup", "pointercancel"] {
            let (brush, painted) = (Rc::clone(self), Rc::clone(&painted));
            on(&canvas, kind, move |_: PointerEvent| {
                if brush.last.take().is_some() {
                    painted(true);
                }
            });
        }
        on(&canvas, "keydown", {
            let (brush, painted) = (Rc::clone(self), Rc::clone(&painted));
            move |event: KeyboardEvent| {
                if brush.open.get() && brush.by_key(&event, &*painted) {
                    event.prevent_default();
                }
            }
        });
        on(&self.part::<HtmlButtonElement>("erase"), "click", {
            let brush = Rc::clone(self);
            move |_: Event| brush.set_erases(!brush.erases.get())
        });
        for what in ["undo", "clear"] {
            let (brush, painted) = (Rc::clone(self), Rc::clone(&painted));
            on(
                &self.part::<HtmlButtonElement>(what),
                "click",
                move |_: Event| {
                    if !brush.open.get() {
                        return;
                    }
                    if what == "undo" {
                        brush.paint.borrow_mut().undo();
                    } else {
                        brush.paint.borrow_mut().clear();
                    }
                    painted(true);
                },
            );
        }
    }

    /// Arrows move the place where the space bar paints a dot; Z with Ctrl takes back. Whether it was one of these.
    fn by_key(&self, event: &KeyboardEvent, painted: &dyn Fn(bool)) -> bool {
        let mut cursor = self.place.get();
        match &*event.key() {
            " " => {
                self.paint.borrow_mut().begin();
                self.stroke(cursor.0, cursor.0);
                self.last.set(None);
                painted(true);
            }
            "z" if event.ctrl_key() || event.meta_key() => {
                self.paint.borrow_mut().undo();
                painted(true);
            }
            key if cursor.take(key, STEP) => {
                self.place.set(cursor);
                self.show_cursor();
            }
            _ => return false,
        }
        true
    }

    /// Where a pointer is, as shares of the canvas.
    fn under(&self, event: &PointerEvent) -> [f64; 2] {
        let shown = self.canvas().get_bounding_client_rect();
        [
            (f64::from(event.client_x()) - shown.left()) / shown.width().max(1.0),
            (f64::from(event.client_y()) - shown.top()) / shown.height().max(1.0),
        ]
    }

    fn stroke(&self, from: [f64; 2], to: [f64; 2]) {
        let mut paint = self.paint.borrow_mut();
        let side = paint.side() as f64;
        let size: HtmlInputElement = self.part("size");
        // The size is the brush's width in percent of the side.
        let radius = size.value_as_number() / 200.0 * side;
        let scaled = |place: [f64; 2]| place.map(|v| v * side);
        paint.line(scaled(from), scaled(to), radius, !self.erases.get());
        self.last.set(Some(to));
    }

    fn show_cursor(&self) {
        put(&self.place.get().panel(&format!("{}-cursor", self.name)));
    }
}
