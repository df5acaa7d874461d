//! The canvases: photo, mask, the mask over the photo; two side by side when one is pinned.

mod regions;

use std::borrow::Cow;

use wasm_bindgen::{JsCast, JsValue};
use web_sys::{CanvasRenderingContext2d, HtmlCanvasElement, HtmlElement};

use super::dom::{document, element, window};
use super::picture::{Area, canvas, context, fade};
use super::words::Phrase;
use crate::mask::{
    MASS_SHOWN, Palette, PlacedMap, common_scale, contours, difference, glow, normalise, soften,
    spotlight,
};
use crate::model::Rect;
use crate::page::{Placement, View, Viewport};
use crate::preprocessing::Crop;

pub(super) use self::regions::RegionMap;

/// Pixels along a side of the difference.
const DIFFERENCE_SIDE: usize = 300;
/// Where nothing is enlarged, the crosshair crosses the map in so many steps of a key.
const CROSSHAIR_STEPS: f64 = 56.0;

/// The canvases and the pictures they are composed of.
pub(super) struct Stage {
    photo: Option<Photo>,
    /// The pinned result and the current one.
    panes: [Pane; 2],
    difference: Option<(HtmlCanvasElement, Crop)>,
    /// What a detector found; edges are shares of the photo.
    boxes: Vec<LabelledBox>,
    view: View,
    palette: Palette,
    /// Share of a map's mass that its colours span.
    mass_shown: f64,
    /// The value that is drawn at full strength.
    full_scale: f32,
    /// Whether the two masks are in the same units.
    comparable: bool,
    /// Of the mask over the photo, 0..=1.
    opacity: f64,
    viewport: Viewport,
    /// The pixel of the current map whose value is told: column and row.
    crosshair: Option<[usize; 2]>,
    /// Share of the width, from the left, that shows the photo without anything over it.
    split: f64,
    /// Whether nothing is to be seen but the photo, whatever the view.
    veiled: bool,
    /// The region that is pointed out.
    pointed: Option<usize>,
}

struct Photo {
    preview: HtmlCanvasElement,
    /// Size of the upright photo, in pixels.
    width: f64,
    height: f64,
}

struct Pane {
    canvas: HtmlCanvasElement,
    /// What the network sees, once it has seen it.
    crop: Option<Crop>,
    map: Option<PlacedMap>,
    mask: Option<HtmlCanvasElement>,
    regions: Option<RegionMap>,
}

/// A box to draw.
pub(super) struct LabelledBox {
    /// Which of the network's outputs it is.
    pub(super) output: usize,
    pub(super) rect: Rect,
    pub(super) label: Phrase,
    pub(super) chosen: bool,
}

impl Stage {
    pub(super) fn new() -> Self {
        let pane = |id| Pane {
            canvas: element(id),
            crop: None,
            map: None,
            mask: None,
            regions: None,
        };
        Self {
            photo: None,
            panes: [pane("pinned-canvas"), pane("canvas")],
            difference: None,
            boxes: Vec::new(),
            view: View::default(),
            palette: Palette::default(),
            mass_shown: MASS_SHOWN,
            full_scale: 0.0,
            comparable: true,
            opacity: 0.85,
            viewport: Viewport::default(),
            crosshair: None,
            split: 0.0,
            veiled: false,
            pointed: None,
        }
    }

    /// Whether no photo has been shown yet.
    pub(super) fn is_empty(&self) -> bool {
        self.photo.is_none()
    }

    /// A new photo: RGBA of a preview, and the size of the upright photo. What was said of the old
    /// one goes.
    pub(super) fn set_photo(&mut self, preview: &[u8], preview_width: u32, size: (u32, u32)) {
        let size = (f64::from(size.0), f64::from(size.1));
        self.viewport = Viewport::of(size.into());
        self.photo = canvas(preview, preview_width).ok().map(|preview| Photo {
            preview,
            width: size.0,
            height: size.1,
        });
        self.clear();
        self.panes[1].canvas.set_hidden(self.photo.is_none());
        self.draw();
    }

    /// Forgets what was said of the photo; a pinned mask stays.
    fn clear(&mut self) {
        self.boxes.clear();
        (self.difference, self.crosshair) = (None, None);
        self.pointed = None;
        let current = &mut self.panes[1];
        (current.crop, current.map, current.mask) = (None, None, None);
        current.regions = None;
    }

    /// Where in the photo the network looks. A mask of another part of it goes.
    pub(super) fn set_crop(&mut self, crop: Crop) {
        if self.panes[1].crop != Some(crop) {
            self.clear();
            self.panes[1].crop = Some(crop);
            self.draw();
        }
    }

    /// What a detector found.
    pub(super) fn set_boxes(&mut self, boxes: Vec<LabelledBox>) {
        self.boxes = boxes;
        self.draw();
    }

    /// The mask, or what there is of it so far: a value for every pixel the network sees, so many a row.
    pub(super) fn set_map(&mut self, values: Vec<f32>, width: usize) {
        let current = &mut self.panes[1];
        let placed = |crop| PlacedMap {
            values,
            width,
            crop,
        };
        current.map = current.crop.map(placed);
        self.recompose();
    }

    /// Makes masks of the maps; with two of them, on one scale.
    fn compose(&mut self) {
        let view = self.view;
        self.difference = None;
        let [pinned, current] = &self.panes;
        if let (Some(a), Some(b), true) = (&pinned.map, &current.map, self.comparable) {
            let scale = common_scale(&drawn(a, view), &drawn(b, view), self.mass_shown);
            self.full_scale = scale;
            let (mask, crop) = difference(a, b, scale, DIFFERENCE_SIDE);
            let picture = canvas(&mask.to_rgba(self.palette), DIFFERENCE_SIDE as u32).ok();
            self.difference = picture.map(|picture| (picture, crop));
        } else if let Some(map) = &current.map {
            self.full_scale = normalise(&drawn(map, view).values, self.mass_shown).full_scale;
        } else {
            self.full_scale = 0.0;
        }
        if view == View::Regions {
            self.full_scale = self.region_scale(1) as f32;
        }
        for k in 0..self.panes.len() {
            self.panes[k].mask = self.layer(k, view);
        }
    }

    /// A pane's mask, as a view draws it.
    fn layer(&self, pane: usize, view: View) -> Option<HtmlCanvasElement> {
        if view == View::Regions {
            return self.region_layer(pane);
        }
        let map = drawn(self.panes[pane].map.as_ref()?, view);
        let mask = if self.is_comparing() {
            let [a, b] = self.panes.each_ref().map(|pane| pane.map.as_ref());
            let scale = common_scale(&drawn(a?, view), &drawn(b?, view), self.mass_shown);
            map.mask(scale)
        } else {
            normalise(&map.values, self.mass_shown)
        };
        let (rgba, width) = match view {
            View::Overlay => (glow(&mask, self.palette), map.width),
            View::Spotlight => (spotlight(&mask.strength, map.width), map.width),
            View::Contours => contours(&mask.strength, map.width, self.palette),
            _ => (mask.to_rgba(self.palette), map.width),
        };
        canvas(&rgba, width as u32).ok()
    }

    /// The value that is drawn at full strength, in whichever units [`is_comparing`](Self::is_comparing) asks for.
    pub(super) fn full_scale(&self) -> f32 {
        self.full_scale
    }

    /// Whether two masks stand side by side, so that the scale counts attribution a pixel of the
    /// photo instead of a pixel of the network's input.
    pub(super) fn is_comparing(&self) -> bool {
        self.comparable && self.panes.iter().all(|pane| pane.map.is_some())
    }

    /// Whether the two masks can be held against each other: those of a logit and of a probability have each
    /// a scale of its own.
    pub(super) fn set_comparable(&mut self, comparable: bool) {
        if self.comparable != comparable {
            self.comparable = comparable;
            self.recompose();
        }
    }

    /// Whether there is a mask.
    pub(super) fn has_mask(&self) -> bool {
        self.panes[1].map.is_some()
    }

    /// Keeps a mask beside the ones to come.
    pub(super) fn pin(&mut self, crop: Crop, values: Vec<f32>, width: usize) {
        let pinned = &mut self.panes[0];
        pinned.crop = Some(crop);
        pinned.map = Some(PlacedMap {
            values,
            width,
            crop,
        });
        self.recompose();
    }

    /// Lets the pinned mask go, and shows a view that does not need it.
    pub(super) fn unpin(&mut self, view: View) {
        let pinned = &mut self.panes[0];
        (pinned.crop, pinned.map, pinned.mask) = (None, None, None);
        pinned.regions = None;
        self.view = view;
        self.recompose();
    }

    /// What the canvases show.
    pub(super) fn view(&self) -> View {
        self.view
    }

    /// Shows another view, in these colours, which span that share of a map's mass, at that opacity, 0..=1.
    pub(super) fn set_manner(&mut self, view: View, palette: Palette, mass: f64, opacity: f64) {
        (self.view, self.palette) = (view, palette);
        (self.mass_shown, self.opacity) = (mass, opacity);
        self.recompose();
    }

    /// Shows the photo without anything over it, from the left up to this share of the width.
    pub(super) fn set_split(&mut self, share: f64) {
        self.split = share;
    }

    /// Hides whatever lies over the photo, or shows it again.
    pub(super) fn set_veiled(&mut self, veiled: bool) {
        self.veiled = veiled;
        self.draw();
    }

    /// The photo's colour under a point of the right canvas, RGB.
    pub(super) fn colour_at(&self, x: f64, y: f64) -> Option<[u8; 3]> {
        let [px, py] = self.photo_point(x, y)?;
        let photo = self.photo.as_ref()?;
        let scale = f64::from(photo.preview.width()) / photo.width;
        let context = context(&photo.preview).ok()?;
        let pixel = context
            .get_image_data(px * scale, py * scale, 1.0, 1.0)
            .ok()?;
        let rgba = pixel.data();
        (rgba[3] > 0).then(|| [rgba[0], rgba[1], rgba[2]])
    }

    /// The colours that masks are drawn in.
    pub(super) fn palette(&self) -> Palette {
        self.palette
    }

    /// The pixel of the current map under a point of the right canvas: column and row.
    pub(super) fn pixel_at(&self, x: f64, y: f64) -> Option<[usize; 2]> {
        let [px, py] = self.photo_point(x, y)?;
        let (pixel, _) = self.panes[1].map.as_ref()?.value_at(px, py)?;
        Some(pixel)
    }

    /// The value of a pixel of the current map.
    pub(super) fn value_of(&self, [column, row]: [usize; 2]) -> Option<f32> {
        let map = self.panes[1].map.as_ref()?;
        map.values.get(row * map.width + column).copied()
    }

    /// Which pixel's value is told.
    pub(super) fn crosshair(&self) -> Option<[usize; 2]> {
        self.crosshair
    }

    /// Puts the crosshair on a pixel, or takes it away.
    pub(super) fn set_crosshair(&mut self, pixel: Option<[usize; 2]>) {
        self.crosshair = pixel;
        self.draw();
    }

    /// Moves the crosshair by steps of a key, the finer the more is enlarged; from the map's middle, where there is
    /// none yet.
    pub(super) fn move_crosshair(&mut self, [dx, dy]: [i32; 2]) {
        let Some(map) = &self.panes[1].map else {
            return;
        };
        let (width, height) = (map.width, map.height());
        let step = width.max(height) as f64 / CROSSHAIR_STEPS / self.viewport.zoom();
        let step = (step.round() as usize).max(1);
        let moved = |at: usize, by: i32, length: usize| {
            let at = at.saturating_add_signed(by as isize * step as isize);
            at.min(length - 1)
        };
        self.crosshair = Some(match self.crosshair {
            Some([column, row]) => [moved(column, dx, width), moved(row, dy, height)],
            None => [width / 2, height / 2],
        });
        if let Some(point) = self.crosshair_point() {
            self.viewport.bring_into_view(point);
        }
        self.draw();
    }

    /// The crosshair's point of the photo.
    fn crosshair_point(&self) -> Option<[f64; 2]> {
        let ([column, row], map) = (self.crosshair?, self.panes[1].map.as_ref()?);
        let (width, height) = (map.width as f64, map.height() as f64);
        let crop = map.crop;
        Some([
            crop.left + (column as f64 + 0.5) / width * crop.width,
            crop.top + (row as f64 + 0.5) / height * crop.height,
        ])
    }

    fn recompose(&mut self) {
        self.compose();
        self.draw();
    }

    /// Whether a mask is pinned.
    pub(super) fn is_pinned(&self) -> bool {
        self.panes[0].map.is_some()
    }

    /// Enlarges or shrinks around a point of a canvas, in CSS pixels from its upper left corner.
    pub(super) fn zoom_at(&mut self, factor: f64, x: f64, y: f64) {
        if let Some(point) = self.photo_point(x, y) {
            self.viewport.zoom_at(factor, point);
            self.draw();
        }
    }

    /// Enlarges or shrinks, with the crosshair in the middle, or with what is there.
    pub(super) fn zoom(&mut self, factor: f64) {
        match self.crosshair_point() {
            Some(point) => {
                self.viewport.zoom_to(factor, point);
                self.draw();
            }
            None => {
                let area = self.panes[1].canvas.get_bounding_client_rect();
                self.zoom_at(factor, area.width() / 2.0, area.height() / 2.0);
            }
        }
    }

    /// Shows all of the photo, and no crosshair.
    pub(super) fn show_all(&mut self) {
        self.viewport.show_all();
        self.set_crosshair(None);
    }

    /// Moves the picture with a pointer, in CSS pixels.
    pub(super) fn pan(&mut self, dx: f64, dy: f64) {
        if !self.viewport.is_enlarged() {
            return;
        }
        if let Some(placement) = self.placement(&self.panes[1]) {
            let scale = placement.scale / window().device_pixel_ratio();
            self.viewport.pan([dx / scale, dy / scale]);
            self.draw();
        }
    }

    /// Enlarges, shrinks and moves the picture with two fingers, in CSS pixels from the canvas' upper left corner.
    pub(super) fn pinch(&mut self, from: [[f64; 2]; 2], to: [[f64; 2]; 2]) {
        if let Some(placement) = self.placement(&self.panes[1]) {
            let density = window().device_pixel_ratio();
            let scaled = |points: [[f64; 2]; 2]| points.map(|point| point.map(|v| v * density));
            self.viewport.pinch(scaled(from), scaled(to), &placement);
            self.draw();
        }
    }

    /// The point of the photo under a point of the right canvas.
    fn photo_point(&self, x: f64, y: f64) -> Option<[f64; 2]> {
        let placement = self.placement(&self.panes[1])?;
        let density = window().device_pixel_ratio();
        Some(placement.under([x * density, y * density]))
    }

    /// The output of the smallest box under a point of the right canvas.
    pub(super) fn box_at(&self, x: f64, y: f64) -> Option<usize> {
        let [px, py] = self.photo_point(x, y)?;
        let photo = self.photo.as_ref()?;
        let (u, v) = ((px / photo.width) as f32, (py / photo.height) as f32);
        let area = |rect: &Rect| (rect.right - rect.left) * (rect.bottom - rect.top);
        let under = self.boxes.iter().filter(|b| {
            (b.rect.left..=b.rect.right).contains(&u) && (b.rect.top..=b.rect.bottom).contains(&v)
        });
        let smallest = under.min_by(|a, b| area(&a.rect).total_cmp(&area(&b.rect)));
        smallest.map(|b| b.output)
    }

    /// Width and height of a view's picture in pixels of the photo: the mask alone is as large as what the network
    /// sees.
    pub(super) fn size(&self, view: View) -> [f64; 2] {
        match (view, self.panes[1].crop, &self.photo) {
            (View::Mask, Some(crop), _) => [crop.width, crop.height],
            (_, _, Some(photo)) => [photo.width, photo.height],
            _ => [0.0; 2],
        }
    }

    /// A canvas of its own with the current mask in some view, `scale` pixels for each of the photo's. `whole`: the
    /// photo in all its pixels.
    pub(super) fn paint(
        &self,
        view: View,
        whole: Option<&HtmlCanvasElement>,
        scale: f64,
    ) -> Result<HtmlCanvasElement, JsValue> {
        let current = &self.panes[1];
        let [width, height] = self
            .size(view)
            .map(|length| (length * scale).round().max(1.0));
        let canvas: HtmlCanvasElement = document().create_element("canvas")?.dyn_into()?;
        canvas.set_width(width as u32);
        canvas.set_height(height as u32);
        let context = context(&canvas)?;
        let offset = match (view, current.crop) {
            (View::Mask, Some(crop)) => (crop.left, crop.top),
            _ => (0.0, 0.0),
        };
        let place = Placement {
            width,
            height,
            scale,
            left: -offset.0 * scale,
            top: -offset.1 * scale,
        };
        let mask = self.layer(1, view);
        self.compose_onto(&context, &place, (current.crop, mask.as_ref()), view, whole)?;
        Ok(canvas)
    }

    /// Draws everything anew, at the resolution of the screen.
    pub(super) fn draw(&self) {
        // A difference is one picture.
        let both = self.is_pinned() && self.view != View::Difference;
        element::<HtmlElement>("pinned").set_hidden(!both);
        // A finger that moves on what is enlarged moves that, and not the page.
        let list = element::<HtmlElement>("drop").class_list();
        list.toggle_with_force("enlarged", self.viewport.is_enlarged())
            .unwrap_or_default();
        for (k, pane) in self.panes.iter().enumerate() {
            // Drawing fails only on a canvas of a size browsers refuse, which these never have.
            self.try_draw(pane, k == 1).unwrap_or(());
        }
    }

    /// Where the photo lies on a pane's canvas: it fits, enlarged by the zoom; with the mask alone,
    /// the part that has one does.
    fn placement(&self, pane: &Pane) -> Option<Placement> {
        let photo = self.photo.as_ref()?;
        let density = window().device_pixel_ratio();
        let area = pane.canvas.get_bounding_client_rect();
        let (width, height) = (area.width() * density, area.height() * density);
        if width < 1.0 || height < 1.0 {
            return None;
        }
        let focus = match (self.view, pane.crop) {
            (View::Mask, Some(crop)) => [crop.left, crop.top, crop.width, crop.height],
            _ => [0.0, 0.0, photo.width, photo.height],
        };
        Some(self.viewport.placement([width, height], focus))
    }

    fn try_draw(&self, pane: &Pane, is_current: bool) -> Result<(), JsValue> {
        let Some(place) = self.placement(pane) else {
            return Ok(());
        };
        pane.canvas.set_width(place.width as u32);
        pane.canvas.set_height(place.height as u32);
        let context = context(&pane.canvas)?;
        let layer = (pane.crop, pane.mask.as_ref());
        // Behind a veil there is only the photo, placed as the view has it.
        let view = if self.veiled {
            View::Original
        } else {
            self.view
        };
        self.compose_onto(&context, &place, layer, view, None)?;
        if self.split > 0.0 && !self.veiled && self.view != View::Original {
            self.draw_split(&context, &place, layer)?;
        }
        if is_current && self.view == View::Regions && !self.veiled {
            self.draw_numbers(&context, &place)?;
        }
        if is_current && self.view != View::Mask {
            self.draw_boxes(&context, &place)?;
        }
        if is_current && let Some([px, py]) = self.crosshair_point() {
            let at = |p: f64, start: f64| (start + p * place.scale).round() + 0.5;
            draw_crosshair(&context, at(px, place.left), at(py, place.top), &place);
        }
        Ok(())
    }

    /// The photo without its mask, on the left of a line.
    fn draw_split(
        &self,
        context: &CanvasRenderingContext2d,
        place: &Placement,
        layer: (Option<Crop>, Option<&HtmlCanvasElement>),
    ) -> Result<(), JsValue> {
        let x = (self.split * place.width).round();
        context.save();
        context.begin_path();
        context.rect(0.0, 0.0, x, place.height);
        context.clip();
        context.clear_rect(0.0, 0.0, x, place.height);
        self.compose_onto(context, place, layer, View::Original, None)?;
        context.restore();
        let density = window().device_pixel_ratio();
        for (colour, width) in [("rgba(20, 18, 24, 0.7)", 5.0), ("#ffffff", 3.0)] {
            context.set_fill_style_str(colour);
            context.fill_rect(
                x - 0.5 * width * density,
                0.0,
                width * density,
                place.height,
            );
        }
        Ok(())
    }

    fn draw_boxes(
        &self,
        context: &CanvasRenderingContext2d,
        place: &Placement,
    ) -> Result<(), JsValue> {
        let Some(photo) = &self.photo else {
            return Ok(());
        };
        let (w, h) = (photo.width * place.scale, photo.height * place.scale);
        for b in &self.boxes {
            let rect = b.rect;
            let left = place.left + f64::from(rect.left) * w;
            let top = place.top + f64::from(rect.top) * h;
            let size = (
                f64::from(rect.right - rect.left) * w,
                f64::from(rect.bottom - rect.top) * h,
            );
            draw_box(context, (left, top), size, b)?;
        }
        Ok(())
    }

    /// Photo, shade and mask of a pane, wherever they are placed.
    fn compose_onto(
        &self,
        context: &CanvasRenderingContext2d,
        place: &Placement,
        (crop, mask): (Option<Crop>, Option<&HtmlCanvasElement>),
        view: View,
        whole_photo: Option<&HtmlCanvasElement>,
    ) -> Result<(), JsValue> {
        let Some(photo) = &self.photo else {
            return Ok(());
        };
        // Pixels that were drawn one by one are shown one by one.
        let smooth = photo.width.max(photo.height) > 200.0;
        context.set_image_smoothing_enabled(smooth);
        // Whole pixels, so that what meets leaves no seam.
        let area = |crop: &Crop| {
            let left = (place.left + crop.left * place.scale).round();
            let top = (place.top + crop.top * place.scale).round();
            let right = (place.left + (crop.left + crop.width) * place.scale).round();
            let bottom = (place.top + (crop.top + crop.height) * place.scale).round();
            (left, top, right - left, bottom - top)
        };
        let whole = Crop {
            left: 0.0,
            top: 0.0,
            width: photo.width,
            height: photo.height,
        };
        if view != View::Mask {
            let (x, y, w, h) = area(&whole);
            let photo = whole_photo.unwrap_or(&photo.preview);
            context.draw_image_with_html_canvas_element_and_dw_and_dh(photo, x, y, w, h)?;
        }
        let Some(crop) = crop else {
            return Ok(());
        };
        let layer = match (view, &self.difference) {
            (View::Original, _) => None,
            (View::Difference, Some((picture, crop))) => Some((picture, *crop)),
            _ => mask.map(|mask| (mask, crop)),
        };
        if view == View::Spotlight && layer.is_some() {
            shade_outside(context, area(&whole), area(&crop), "rgba(16, 14, 20, 0.95)");
        }
        if matches!(
            view,
            View::Overlay | View::Pixels | View::Difference | View::Contours | View::Regions
        ) {
            let shade = "rgba(20, 18, 24, 0.62)";
            shade_outside(context, area(&whole), area(&crop), shade);
        }
        if matches!(view, View::Pixels | View::Difference | View::Regions) && layer.is_some() {
            fade(context, area(&crop), self.opacity)?;
        }
        if view == View::Mask {
            let (x, y, w, h) = area(&crop);
            context.set_fill_style_str("#ffffff");
            context.fill_rect(x, y, w, h);
        }
        if let Some((picture, crop)) = layer {
            let (x, y, w, h) = area(&crop);
            // What was smoothed is drawn so.
            context.set_image_smoothing_enabled(smooth || view == View::Overlay);
            context.set_global_alpha(
                if matches!(view, View::Mask | View::Contours | View::Regions) {
                    1.0
                } else {
                    self.opacity
                },
            );
            context.draw_image_with_html_canvas_element_and_dw_and_dh(picture, x, y, w, h)?;
        }
        context.set_global_alpha(1.0);
        Ok(())
    }
}

/// What of a map a view draws: places, where others draw pixels.
fn drawn(map: &PlacedMap, view: View) -> Cow<'_, PlacedMap> {
    match view {
        View::Overlay => Cow::Owned(PlacedMap {
            values: soften(&map.values, map.width),
            width: map.width,
            crop: map.crop,
        }),
        _ => Cow::Borrowed(map),
    }
}

/// Two lines that cross, white with a dark core, so that they are seen on anything.
fn draw_crosshair(context: &CanvasRenderingContext2d, x: f64, y: f64, place: &Placement) {
    let density = window().device_pixel_ratio();
    for (thickness, colour) in [(3.0, "rgba(255, 255, 255, 0.8)"), (1.0, "#1d1a24")] {
        context.set_line_width(thickness * density);
        context.set_stroke_style_str(colour);
        context.begin_path();
        context.move_to(x, 0.0);
        context.line_to(x, place.height);
        context.move_to(0.0, y);
        context.line_to(place.width, y);
        context.stroke();
    }
}

/// What the network does not see steps back.
fn shade_outside(context: &CanvasRenderingContext2d, whole: Area, seen: Area, shade: &str) {
    let (left, top, right, bottom) = (whole.0, whole.1, whole.0 + whole.2, whole.1 + whole.3);
    let (x, y, w, h) = seen;
    context.set_fill_style_str(shade);
    context.fill_rect(left, top, right - left, y - top);
    context.fill_rect(left, y + h, right - left, bottom - y - h);
    context.fill_rect(left, y, x - left, h);
    context.fill_rect(x + w, y, right - x - w, h);
}

fn draw_box(
    context: &CanvasRenderingContext2d,
    (left, top): (f64, f64),
    (width, height): (f64, f64),
    labelled: &LabelledBox,
) -> Result<(), JsValue> {
    let density = window().device_pixel_ratio();
    let colour = if labelled.chosen {
        "#5b21b6"
    } else {
        "#1d1a24"
    };
    let thickness = if labelled.chosen { 3.0 } else { 2.0 } * density;
    context.set_line_width(thickness + 2.0 * density);
    context.set_stroke_style_str("rgba(255, 255, 255, 0.85)");
    context.stroke_rect(left, top, width, height);
    context.set_line_width(thickness);
    context.set_stroke_style_str(colour);
    context.stroke_rect(left, top, width, height);
    let size = 14.0 * density;
    context.set_font(&format!("600 {size}px system-ui, sans-serif"));
    let label = labelled.label.to_string();
    let text_width = context.measure_text(&label)?.width();
    // Above the box, or inside it where there is no room.
    let line = 1.5 * size;
    let y = if top > line { top - line } else { top.max(0.0) };
    let x = left.max(0.0);
    context.set_fill_style_str(colour);
    context.fill_rect(x, y, text_width + size, line);
    context.set_fill_style_str("#ffffff");
    context.fill_text(&label, x + size / 2.0, y + 0.72 * line)
}
