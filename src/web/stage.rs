//! The canvas: photo, mask, or the mask over the photo.

use wasm_bindgen::{Clamped, JsCast, JsValue};
use web_sys::{CanvasRenderingContext2d, HtmlCanvasElement, ImageData};

use super::dom::{document, element, window};
use crate::mask::Mask;
use crate::preprocessing::Crop;

/// What the canvas shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum View {
    Original,
    Mask,
    Overlay,
}

/// The canvas and the pictures it is composed of.
pub(super) struct Stage {
    canvas: HtmlCanvasElement,
    photo: Option<Picture>,
    mask: Option<HtmlCanvasElement>,
    pub(super) view: View,
    /// Of the mask over the photo, 0..=1.
    pub(super) opacity: f64,
}

struct Picture {
    preview: HtmlCanvasElement,
    /// Size of the upright photo, in pixels.
    width: f64,
    height: f64,
    /// The square that the network sees, once a network has seen it.
    crop: Option<Crop>,
}

impl Stage {
    pub(super) fn new() -> Self {
        Self {
            canvas: element("canvas"),
            photo: None,
            mask: None,
            view: View::Overlay,
            opacity: 0.85,
        }
    }

    /// Whether no photo has been shown yet.
    pub(super) fn is_empty(&self) -> bool {
        self.photo.is_none()
    }

    /// A new photo: RGBA of a preview, and the size of the upright photo. The old mask goes.
    pub(super) fn set_photo(&mut self, preview: &[u8], preview_width: u32, size: (u32, u32)) {
        self.mask = None;
        self.photo = picture(preview, preview_width).ok().map(|preview| Picture {
            preview,
            width: size.0.into(),
            height: size.1.into(),
            crop: None,
        });
        self.canvas.set_hidden(self.photo.is_none());
        self.draw();
    }

    /// Where in the photo the network looks. The old mask goes.
    pub(super) fn set_crop(&mut self, crop: Crop) {
        self.mask = None;
        if let Some(photo) = &mut self.photo {
            photo.crop = Some(crop);
        }
        self.draw();
    }

    /// The mask, or what there is of it so far.
    pub(super) fn set_mask(&mut self, mask: Option<&Mask>) {
        self.mask = mask.and_then(|mask| {
            let side = mask.strength.len().isqrt() as u32;
            picture(&mask.to_rgba(), side).ok()
        });
        self.draw();
    }

    /// Draws everything anew, at the resolution of the screen.
    pub(super) fn draw(&self) {
        // Drawing fails only on a canvas of a size browsers refuse, which this one never has.
        self.try_draw().unwrap_or(());
    }

    fn try_draw(&self) -> Result<(), JsValue> {
        let Some(photo) = &self.photo else {
            return Ok(());
        };
        let density = window().device_pixel_ratio();
        let area = self.canvas.get_bounding_client_rect();
        let (width, height) = (area.width() * density, area.height() * density);
        if width < 1.0 || height < 1.0 {
            return Ok(());
        }
        self.canvas.set_width(width as u32);
        self.canvas.set_height(height as u32);
        let context = context(&self.canvas)?;
        context.set_image_smoothing_enabled(true);

        // The whole photo fits; with the mask alone, the square that has one does.
        let (focus_x, focus_y, focus_width, focus_height) = match (self.view, photo.crop) {
            (View::Mask, Some(crop)) => (crop.left, crop.top, crop.side, crop.side),
            _ => (0.0, 0.0, photo.width, photo.height),
        };
        let scale = (width / focus_width).min(height / focus_height);
        let left = (width - focus_width * scale) / 2.0 - focus_x * scale;
        let top = (height - focus_height * scale) / 2.0 - focus_y * scale;
        if self.view != View::Mask {
            context.draw_image_with_html_canvas_element_and_dw_and_dh(
                &photo.preview,
                left,
                top,
                photo.width * scale,
                photo.height * scale,
            )?;
        }
        let Some(crop) = photo.crop else {
            return Ok(());
        };
        let square = (
            left + crop.left * scale,
            top + crop.top * scale,
            crop.side * scale,
        );
        if self.view == View::Overlay {
            // What the network does not see steps back.
            let (x, y, side) = square;
            let (right, bottom) = (left + photo.width * scale, top + photo.height * scale);
            context.set_fill_style_str("rgba(20, 18, 24, 0.62)");
            context.fill_rect(left, top, right - left, y - top);
            context.fill_rect(left, y + side, right - left, bottom - y - side);
            context.fill_rect(left, y, x - left, side);
            context.fill_rect(x + side, y, right - x - side, side);
            if self.mask.is_some() {
                // The photo turns grey, so that purple is the only colour left.
                context.set_global_alpha(self.opacity);
                context.set_global_composite_operation("saturation")?;
                context.set_fill_style_str("#808080");
                context.fill_rect(x, y, side, side);
                context.set_global_composite_operation("source-over")?;
                context.set_fill_style_str("rgba(250, 249, 252, 0.3)");
                context.fill_rect(x, y, side, side);
            }
        }
        if self.view == View::Mask {
            let (x, y, side) = square;
            context.set_fill_style_str("#ffffff");
            context.fill_rect(x, y, side, side);
        }
        if let (Some(mask), true) = (&self.mask, self.view != View::Original) {
            let (x, y, side) = square;
            context.set_global_alpha(if self.view == View::Mask {
                1.0
            } else {
                self.opacity
            });
            context.draw_image_with_html_canvas_element_and_dw_and_dh(mask, x, y, side, side)?;
        }
        context.set_global_alpha(1.0);
        Ok(())
    }
}

/// A canvas that holds RGBA pixels.
fn picture(rgba: &[u8], width: u32) -> Result<HtmlCanvasElement, JsValue> {
    let canvas: HtmlCanvasElement = document().create_element("canvas")?.dyn_into()?;
    let data = ImageData::new_with_u8_clamped_array(Clamped(rgba), width)?;
    canvas.set_width(data.width());
    canvas.set_height(data.height());
    context(&canvas)?.put_image_data(&data, 0.0, 0.0)?;
    Ok(canvas)
}

fn context(canvas: &HtmlCanvasElement) -> Result<CanvasRenderingContext2d, JsValue> {
    let context = canvas.get_context("2d")?.ok_or("no canvas")?;
    Ok(context.unchecked_into())
}
