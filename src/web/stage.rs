//! The canvases: what [`page::Stage`](crate::page::Stage) says is put on them.

use std::rc::Rc;

use wasm_bindgen::{JsCast, JsValue};
use web_sys::{CanvasRenderingContext2d, HtmlCanvasElement};

use super::dom::{document, element, window};
use super::parts::put;
use super::picture::{canvas, context, fade};
use crate::page::{self, Layer, Opened, Stroke, View};

/// Canvases and the pictures that they are composed of.
pub(super) struct Stage {
    shown: page::Stage,
    /// The pinned one and the current one.
    canvases: [HtmlCanvasElement; 2],
    photo: Option<HtmlCanvasElement>,
    /// Layers that were drawn last, as canvases.
    layers: Vec<(Rc<Layer>, HtmlCanvasElement)>,
}

impl Default for Stage {
    fn default() -> Self {
        Self {
            shown: page::Stage::default(),
            canvases: ["pinned-canvas", "canvas"].map(element),
            photo: None,
            layers: Vec::new(),
        }
    }
}

impl Stage {
    /// What is on the canvases, with the size that they have now.
    pub(super) fn shown(&self) -> &page::Stage {
        let sizes = self.canvases.each_ref().map(|canvas| {
            let area = canvas.get_bounding_client_rect();
            [area.width(), area.height()]
        });
        self.shown.measure(sizes, window().device_pixel_ratio());
        &self.shown
    }

    /// Changes what is on the canvases, and draws it.
    pub(super) fn change<T>(&mut self, change: impl FnOnce(&mut page::Stage) -> T) -> T {
        self.shown();
        let changed = change(&mut self.shown);
        self.draw();
        changed
    }

    /// Changes what is on the canvases; what comes next draws it.
    pub(super) fn prepare(&mut self, change: impl FnOnce(&mut page::Stage)) {
        change(&mut self.shown);
    }

    /// A new photo. What was said of the old one goes.
    pub(super) fn set_photo(&mut self, opened: &Opened) {
        self.photo = canvas(&opened.preview, opened.preview_width).ok();
        let size = self.photo.as_ref().map(|_| opened.size.map(f64::from));
        self.change(|shown| shown.set_photo(size));
    }

    /// Hides whatever lies over the photo, or shows it again.
    pub(super) fn set_veiled(&mut self, veiled: bool) {
        self.change(|shown| shown.set_veiled(veiled));
    }

    /// The photo's colour under a point of the right canvas, in CSS pixels: RGB.
    pub(super) fn colour_at(&self, point: [f64; 2]) -> Option<[u8; 3]> {
        let shown = self.shown();
        let photo = self.photo.as_ref()?;
        let [width, _] = shown.size(View::Original);
        let scale = f64::from(photo.width()) / width;
        let [x, y] = shown.photo_point(point)?.map(|v| v * scale);
        let pixel = context(photo).ok()?.get_image_data(x, y, 1.0, 1.0).ok()?;
        let rgba = pixel.data();
        (rgba[3] > 0).then(|| [rgba[0], rgba[1], rgba[2]])
    }

    /// A canvas of its own with the current mask in some view, `scale` pixels for each of the photo's. `whole`: the
    /// photo in all its pixels.
    pub(super) fn paint(
        &self,
        view: View,
        whole: Option<&HtmlCanvasElement>,
        scale: f64,
    ) -> Result<HtmlCanvasElement, JsValue> {
        let (size, strokes) = self.shown.painted(view, scale);
        let canvas: HtmlCanvasElement = document().create_element("canvas")?.dyn_into()?;
        let photo = whole.or(self.photo.as_ref());
        put_on(&canvas, size, &strokes, photo, &mut Vec::new())?;
        Ok(canvas)
    }

    /// Draws everything anew, at the resolution of the screen.
    pub(super) fn draw(&mut self) {
        put(&self.shown.panel());
        let shown: Vec<_> = [0, 1].map(|pane| self.shown().strokes(pane)).into();
        let mut layers = std::mem::take(&mut self.layers);
        for (canvas, shown) in self.canvases.iter().zip(&shown) {
            if let Some((size, strokes)) = shown {
                // Drawing fails only on a canvas of a size browsers refuse, which these never have.
                put_on(canvas, *size, strokes, self.photo.as_ref(), &mut layers).unwrap_or(());
            }
        }
        let strokes = shown.iter().flatten().flat_map(|(_, strokes)| strokes);
        let drawn: Vec<_> = strokes
            .filter_map(|stroke| match stroke {
                Stroke::Layer { layer, .. } => Some(layer),
                _ => None,
            })
            .collect();
        layers.retain(|(known, _)| drawn.iter().any(|layer| Rc::ptr_eq(known, layer)));
        self.layers = layers;
    }
}

/// Puts strokes on a canvas of that size.
fn put_on(
    canvas: &HtmlCanvasElement,
    [width, height]: [f64; 2],
    strokes: &[Stroke],
    photo: Option<&HtmlCanvasElement>,
    layers: &mut Vec<(Rc<Layer>, HtmlCanvasElement)>,
) -> Result<(), JsValue> {
    canvas.set_width(width as u32);
    canvas.set_height(height as u32);
    let context = context(canvas)?;
    for stroke in strokes {
        stroke_on(&context, stroke, photo, layers)?;
    }
    Ok(())
}

/// Draws strokes over what a canvas shows.
pub(super) fn put_strokes(canvas: &HtmlCanvasElement, strokes: &[Stroke]) -> Result<(), JsValue> {
    let context = context(canvas)?;
    let mut layers = Vec::new();
    strokes
        .iter()
        .try_for_each(|stroke| stroke_on(&context, stroke, None, &mut layers))
}

fn stroke_on(
    context: &CanvasRenderingContext2d,
    stroke: &Stroke,
    photo: Option<&HtmlCanvasElement>,
    layers: &mut Vec<(Rc<Layer>, HtmlCanvasElement)>,
) -> Result<(), JsValue> {
    let draw = |picture: &HtmlCanvasElement, &[x, y, w, h]: &page::Area, smooth: bool| {
        context.set_image_smoothing_enabled(smooth);
        context.draw_image_with_html_canvas_element_and_dw_and_dh(picture, x, y, w, h)
    };
    match stroke {
        Stroke::Photo { area, smooth } => {
            if let Some(photo) = photo {
                draw(photo, area, *smooth)?;
            }
        }
        Stroke::Layer {
            layer,
            area,
            opacity,
            smooth,
        } => {
            let known = layers.iter().find(|(known, _)| Rc::ptr_eq(known, layer));
            let picture = match known {
                Some((_, picture)) => picture.clone(),
                None => {
                    let picture = canvas(&layer.rgba, layer.width as u32)?;
                    layers.push((Rc::clone(layer), picture.clone()));
                    picture
                }
            };
            context.set_global_alpha(*opacity);
            draw(&picture, area, *smooth)?;
            context.set_global_alpha(1.0);
        }
        Stroke::Fade(area, opacity) => fade(context, *area, *opacity)?,
        Stroke::Fill([x, y, w, h], colour) => {
            context.set_fill_style_str(colour);
            context.fill_rect(*x, *y, *w, *h);
        }
        Stroke::Frame([x, y, w, h], thickness, colour) => {
            context.set_line_width(*thickness);
            context.set_stroke_style_str(colour);
            context.stroke_rect(*x, *y, *w, *h);
        }
        Stroke::Line([from, to], thickness, colour) => {
            context.set_line_width(*thickness);
            context.set_stroke_style_str(colour);
            context.begin_path();
            context.move_to(from[0], from[1]);
            context.line_to(to[0], to[1]);
            context.stroke();
        }
        Stroke::Label([x, y], size, words, ground) => {
            context.set_font(&letters(*size));
            let words = words.to_string();
            let width = context.measure_text(&words)?.width();
            let line = 1.5 * size;
            context.set_fill_style_str(ground);
            context.fill_rect(*x, *y, width + size, line);
            context.set_fill_style_str("#ffffff");
            context.fill_text(&words, x + size / 2.0, y + 0.72 * line)?;
        }
        Stroke::Number([x, y], size, number, [ink, disc]) => {
            context.set_font(&letters(*size));
            context.set_text_align("center");
            context.set_text_baseline("middle");
            context.set_fill_style_str(disc);
            context.begin_path();
            context.arc(*x, *y, 0.85 * size, 0.0, std::f64::consts::TAU)?;
            context.fill();
            context.set_fill_style_str(ink);
            context.fill_text(&number.to_string(), *x, *y)?;
            context.set_text_align("start");
            context.set_text_baseline("alphabetic");
        }
        Stroke::Within([x, y, w, h]) => {
            context.save();
            context.begin_path();
            context.rect(*x, *y, *w, *h);
            context.clip();
            context.clear_rect(*x, *y, *w, *h);
        }
        Stroke::Anywhere => context.restore(),
    }
    Ok(())
}

fn letters(size: f64) -> String {
    format!("600 {size}px system-ui, sans-serif")
}
