//! Scenes whose truth is known: drawn from a seed, or painted by hand.

use std::cell::Cell;
use std::rc::Rc;

use js_sys::Math;
use wasm_bindgen_futures::spawn_local;
use web_sys::{
    HtmlCanvasElement, HtmlDialogElement, HtmlInputElement, KeyboardEvent, PointerEvent,
};

use super::Page;
use super::brush::under;
use crate::model::{Architecture, catalog::CATALOG};
use crate::page::{Cursor, PictureId};
use crate::shapes::SIZE;
use crate::web::dom::{element, on};
use crate::web::files;
use crate::web::parts::put;
use crate::web::picture::context;

/// Seeds that a person gets; those of training and of the tests lie elsewhere.
const SEEDS: f64 = 1e9;
/// The first of them.
const FIRST_SEED: u64 = 1 << 42;
/// How far an arrow key moves the brush: three pixels.
const STEP: f64 = 3.0 / SIZE as f64;

impl Page {
    pub(super) fn listen_to_scenes(self: &Rc<Self>) {
        self.on_click("draw", |page| {
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
        self.on_click("paint", {
            let dialog = dialog.clone();
            move |_| dialog.show_modal().unwrap_or(())
        });
        self.on_click("paint-close", {
            let dialog = dialog.clone();
            move |_| dialog.close()
        });
        canvas.set_width(SIZE as u32);
        canvas.set_height(SIZE as u32);
        fill(&canvas, "#7fb069");
        self.on_click("paint-fill", {
            let canvas = canvas.clone();
            move |_| fill(&canvas, &colour())
        });
        // Where the pointer was last: browsers do not agree on what they call its movement.
        let last = Rc::new(Cell::new([0.0; 2]));
        on(&canvas, "pointerdown", {
            let (canvas, last) = (canvas.clone(), Rc::clone(&last));
            move |event: PointerEvent| {
                canvas.set_pointer_capture(event.pointer_id()).unwrap_or(());
                let at = under(&canvas, &event);
                last.set(at);
                stroke(&canvas, at, at);
            }
        });
        on(&canvas, "pointermove", {
            let canvas = canvas.clone();
            move |event: PointerEvent| {
                if event.buttons() == 1 {
                    let at = under(&canvas, &event);
                    stroke(&canvas, last.replace(at), at);
                }
            }
        });
        on(&canvas, "keydown", {
            let canvas = canvas.clone();
            let mut cursor = Cursor::default();
            put(&cursor.panel("paint-cursor"));
            // Arrows move the place where the space bar paints a dot.
            move |event: KeyboardEvent| {
                if event.key() == " " {
                    stroke(&canvas, cursor.0, cursor.0);
                } else if cursor.take(&event.key(), STEP) {
                    put(&cursor.panel("paint-cursor"));
                } else {
                    return;
                }
                event.prevent_default();
            }
        });
        self.on_click("paint-use", move |page| {
            dialog.close();
            let (page, canvas) = (Rc::clone(page), canvas.clone());
            spawn_local(async move {
                page.prefer_shapes();
                let painted = async { files::blob(&files::png(&canvas).await?).await };
                page.open_photo(painted, None, true).await;
            });
        });
    }
}

/// The brush's colour.
fn colour() -> String {
    element::<HtmlInputElement>("brush-colour").value()
}

fn fill(canvas: &HtmlCanvasElement, colour: &str) {
    if let Ok(context) = context(canvas) {
        context.set_fill_style_str(colour);
        context.fill_rect(0.0, 0.0, SIZE as f64, SIZE as f64);
    }
}

/// A stroke of the brush, between places that are shares of the scene's sides.
fn stroke(canvas: &HtmlCanvasElement, from: [f64; 2], to: [f64; 2]) {
    let Ok(context) = context(canvas) else {
        return;
    };
    let [from, to] = [from, to].map(|at| at.map(|share| share * SIZE as f64));
    context.set_stroke_style_str(&colour());
    context.set_line_width(element::<HtmlInputElement>("brush-size").value_as_number());
    context.set_line_cap("round");
    context.begin_path();
    context.move_to(from[0], from[1]);
    // Of a line without length browsers draw nothing, not even its round ends.
    context.line_to(to[0] + 0.01, to[1]);
    context.stroke();
}
