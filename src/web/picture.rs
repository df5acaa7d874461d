//! Pixels on canvases.

use wasm_bindgen::{Clamped, JsCast, JsValue};
use web_sys::{CanvasRenderingContext2d, HtmlCanvasElement, ImageBitmap, ImageData};

use super::dom::document;
use crate::page::Area;

/// A canvas that holds RGBA pixels.
pub(super) fn canvas(rgba: &[u8], width: u32) -> Result<HtmlCanvasElement, JsValue> {
    let canvas: HtmlCanvasElement = document().create_element("canvas")?.dyn_into()?;
    put(&canvas, rgba, width)?;
    Ok(canvas)
}

/// A canvas of what the browser decoded.
pub(super) fn drawn(bitmap: &ImageBitmap) -> Result<HtmlCanvasElement, JsValue> {
    let canvas: HtmlCanvasElement = document().create_element("canvas")?.dyn_into()?;
    canvas.set_width(bitmap.width());
    canvas.set_height(bitmap.height());
    context(&canvas)?.draw_image_with_image_bitmap(bitmap, 0.0, 0.0)?;
    Ok(canvas)
}

/// Shows a picture, RGBA, on a canvas of the page.
pub(super) fn show(canvas: &HtmlCanvasElement, rgba: &[u8], width: usize) {
    // Refused only where there is nothing to show.
    put(canvas, rgba, width as u32).unwrap_or(());
}

fn put(canvas: &HtmlCanvasElement, rgba: &[u8], width: u32) -> Result<(), JsValue> {
    let data = ImageData::new_with_u8_clamped_array(Clamped(rgba), width)?;
    canvas.set_width(data.width());
    canvas.set_height(data.height());
    context(canvas)?.put_image_data(&data, 0.0, 0.0)
}

/// Turns what is on a canvas grey and pale, so that a mask's is the only colour left.
pub(super) fn fade(
    context: &CanvasRenderingContext2d,
    [x, y, width, height]: Area,
    opacity: f64,
) -> Result<(), JsValue> {
    context.set_global_alpha(opacity);
    context.set_global_composite_operation("saturation")?;
    context.set_fill_style_str("#808080");
    context.fill_rect(x, y, width, height);
    context.set_global_composite_operation("source-over")?;
    context.set_fill_style_str("rgba(250, 249, 252, 0.3)");
    context.fill_rect(x, y, width, height);
    context.set_global_alpha(1.0);
    Ok(())
}

/// What draws on a canvas.
pub(super) fn context(canvas: &HtmlCanvasElement) -> Result<CanvasRenderingContext2d, JsValue> {
    let context = canvas.get_context("2d")?.ok_or("no canvas")?;
    Ok(context.unchecked_into())
}
