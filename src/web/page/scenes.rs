//! Scenes whose truth is known: drawn from a seed, or painted by hand.

use std::cell::Cell;
use std::rc::Rc;

use js_sys::Math;
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::spawn_local;
use web_sys::{
    CanvasRenderingContext2d, Element, Event, HtmlCanvasElement, HtmlDialogElement,
    HtmlInputElement, KeyboardEvent, PointerEvent,
};

use super::Page;
use crate::model::{Architecture, catalog::CATALOG};
use crate::page::{Cursor, PictureId};
use crate::shapes::SIZE;
use crate::web::dom::{element, on};
use crate::web::files;
use crate::web::parts::put;

/// Seeds that a person gets; those of training and of the tests lie elsewhere.
const SEEDS: f64 = 1e9;
/// The first of them.
const FIRST_SEED: u64 = 1 << 42;

impl Page {
    pub(super) fn listen_to_scenes(self: &Rc<Self>) {
        let page = Rc::clone(self);
        on(&element::<Element>("draw"), "click", move |_: Event| {
            let seed = FIRST_SEED + (Math::random() * SEEDS) as u64;
            let tag = page.latest().tag;
            page.prefer_shapes();
            page.change(|settings| settings.set_picture(Some(PictureId::Scene { seed, tag })));
        });
        self.listen_to_brush();
    }

    /// Chooses a network that knows the shapes, unless one is chosen. It is loaded with the scene.
    fn prefer_shapes(&self) {
        let chosen = self.spec(&self.latest().model);
        if chosen.is_some_and(|spec| spec.architecture == Architecture::ShapesNet) {
            return;
        }
        let honest = CATALOG
            .iter()
            .find(|s| s.architecture == Architecture::ShapesNet);
        if let Some(spec) = honest {
            self.work
                .borrow_mut()
                .change(|settings| settings.set_model(&spec.name));
            self.show_settings();
        }
    }

    fn listen_to_brush(self: &Rc<Self>) {
        let dialog: HtmlDialogElement = element("paint-dialog");
        let canvas: HtmlCanvasElement = element("paint-canvas");
        on(&element::<Element>("paint"), "click", {
            let dialog = dialog.clone();
            move |_: Event| dialog.show_modal().unwrap_or(())
        });
        on(&element::<Element>("paint-close"), "click", {
            let dialog = dialog.clone();
            move |_: Event| dialog.close()
        });
        canvas.set_width(SIZE as u32);
        canvas.set_height(SIZE as u32);
        fill(&canvas, "#7fb069");
        on(&element::<Element>("paint-fill"), "click", {
            let canvas = canvas.clone();
            move |_: Event| {
                fill(
                    &canvas,
                    &element::<HtmlInputElement>("brush-colour").value(),
                )
            }
        });
        // Where the pointer was last: browsers do not agree on what they call its movement.
        let last = Rc::new(Cell::new([0.0; 2]));
        on(&canvas, "pointerdown", {
            let (canvas, last) = (canvas.clone(), Rc::clone(&last));
            move |event: PointerEvent| {
                canvas.set_pointer_capture(event.pointer_id()).unwrap_or(());
                last.set(place(&canvas, &event));
                stroke(&canvas, &event, &last);
            }
        });
        on(&canvas, "pointermove", {
            let canvas = canvas.clone();
            move |event: PointerEvent| {
                if event.buttons() == 1 {
                    stroke(&canvas, &event, &last);
                }
            }
        });
        on(&canvas, "keydown", {
            let canvas = canvas.clone();
            let place = Cell::new(Cursor::default());
            put(&place.get().panel("paint-cursor"));
            move |event: KeyboardEvent| {
                if paint_by_key(&canvas, &event.key(), &place) {
                    event.prevent_default();
                }
            }
        });
        on(&element::<Element>("paint-use"), "click", {
            let page = Rc::clone(self);
            move |_: Event| {
                dialog.close();
                let (page, canvas) = (Rc::clone(&page), canvas.clone());
                spawn_local(async move {
                    page.prefer_shapes();
                    let painted = async { files::blob(&files::png(&canvas).await?).await };
                    page.open_photo(painted, None, true).await;
                });
            }
        });
    }
}

fn context(canvas: &HtmlCanvasElement) -> Option<CanvasRenderingContext2d> {
    canvas.get_context("2d").ok()??.dyn_into().ok()
}

fn fill(canvas: &HtmlCanvasElement, colour: &str) {
    if let Some(context) = context(canvas) {
        context.set_fill_style_str(colour);
        context.fill_rect(0.0, 0.0, SIZE as f64, SIZE as f64);
    }
}

/// Where a pointer is, in pixels of the scene.
fn place(canvas: &HtmlCanvasElement, event: &PointerEvent) -> [f64; 2] {
    let shown = canvas.get_bounding_client_rect();
    let scale = SIZE as f64 / shown.width();
    [
        (f64::from(event.client_x()) - shown.left()) * scale,
        (f64::from(event.client_y()) - shown.top()) * scale,
    ]
}

/// Paints from where the pointer was last to where it is.
fn stroke(canvas: &HtmlCanvasElement, event: &PointerEvent, last: &Cell<[f64; 2]>) {
    if let Some(context) = context(canvas) {
        let here = place(canvas, event);
        line(&context, last.replace(here), here);
    }
}

/// Arrows move the place where the space bar paints a dot. Whether the key was one of these.
fn paint_by_key(canvas: &HtmlCanvasElement, key: &str, place: &Cell<Cursor>) -> bool {
    const STEP: f64 = 3.0 / SIZE as f64;
    let mut cursor = place.get();
    if key == " " {
        let at = cursor.0.map(|v| v * SIZE as f64);
        if let Some(context) = context(canvas) {
            line(&context, at, at);
        }
        return true;
    }
    let moved = cursor.take(key, STEP);
    if moved {
        place.set(cursor);
        put(&cursor.panel("paint-cursor"));
    }
    moved
}

/// A stroke of the brush.
fn line(context: &CanvasRenderingContext2d, from: [f64; 2], to: [f64; 2]) {
    context.set_stroke_style_str(&element::<HtmlInputElement>("brush-colour").value());
    context.set_line_width(element::<HtmlInputElement>("brush-size").value_as_number());
    context.set_line_cap("round");
    context.begin_path();
    context.move_to(from[0], from[1]);
    // Of a line without length browsers draw nothing, not even its round ends.
    context.line_to(to[0] + 0.01, to[1]);
    context.stroke();
}
