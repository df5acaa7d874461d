//! The photo, its mask, the mask over the photo; two side by side when one is pinned: what is on the canvases, and what
//! is under a point of them. How it is drawn is [`strokes`](super::strokes)' affair.

use std::borrow::Cow;
use std::cell::Cell;
use std::rc::Rc;

use super::answers::LabelledBox;
use super::part::Panel;
use super::settings::{Settings, View};
use super::viewport::{Placement, Viewport};
use crate::mask::{
    MASS_SHOWN, Palette, PlacedMap, common_scale, contours, difference, glow, normalise, soften,
    spotlight,
};
use crate::model::Rect;
use crate::preprocessing::Crop;
use crate::regions::{Manner, Partition, patches};

/// Pixels along a side of the difference.
const DIFFERENCE_SIDE: usize = 300;
/// Where nothing is enlarged, the crosshair crosses the map in so many steps of a key.
const CROSSHAIR_STEPS: f64 = 56.0;
/// The pinned canvas, and the current one.
const PINNED: usize = 0;
/// See [`PINNED`].
pub const CURRENT: usize = 1;

/// A picture that lies over the photo.
#[derive(Debug, Clone, PartialEq)]
pub struct Layer {
    /// RGBA, 4 bytes a pixel, row by row.
    pub rgba: Vec<u8>,
    /// Pixels a row.
    pub width: usize,
}

/// Regions, and what each comes to.
#[derive(Debug, Clone, PartialEq)]
pub struct RegionMap {
    /// Which they are.
    pub partition: Rc<Partition>,
    /// A sum for each.
    pub sums: Vec<f64>,
}

#[derive(Debug, Default)]
pub(super) struct Pane {
    /// What the network sees, once it has seen it.
    pub(super) crop: Option<Crop>,
    pub(super) map: Option<PlacedMap>,
    pub(super) layer: Option<Rc<Layer>>,
    pub(super) regions: Option<RegionMap>,
}

/// See the [module](self).
#[derive(Debug)]
pub struct Stage {
    /// Width and height of the upright photo, in pixels.
    pub(super) photo: Option<[f64; 2]>,
    /// The pinned result and the current one.
    pub(super) panes: [Pane; 2],
    pub(super) difference: Option<(Rc<Layer>, Crop)>,
    /// What a detector found; edges are shares of the photo.
    pub(super) boxes: Vec<LabelledBox>,
    pub(super) view: View,
    pub(super) palette: Palette,
    /// Share of a map's mass that its colours span.
    mass_shown: f64,
    /// The value that is drawn at full strength.
    full_scale: f32,
    /// Whether the two masks are in the same units.
    comparable: bool,
    /// Of the mask over the photo, 0..=1.
    pub(super) opacity: f64,
    viewport: Viewport,
    /// The pixel of the current map whose value is told: column and row.
    crosshair: Option<[usize; 2]>,
    /// Share of the width, from the left, that shows the photo without anything over it.
    pub(super) split: f64,
    /// Whether nothing is to be seen but the photo, whatever the view.
    pub(super) veiled: bool,
    /// The region that is pointed out.
    pub(super) pointed: Option<usize>,
    /// Width and height of the canvases in pixels of the screen, and how many of these a CSS pixel has.
    canvases: Cell<[[f64; 2]; 2]>,
    pub(super) density: Cell<f64>,
}

impl Default for Stage {
    fn default() -> Self {
        Self {
            photo: None,
            panes: Default::default(),
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
            canvases: Cell::default(),
            density: Cell::new(1.0),
        }
    }
}

impl Stage {
    /// How large the canvases are: the pinned one and the current one, in CSS pixels, each of which has so many of the
    /// screen's along a side.
    pub fn measure(&self, canvases: [[f64; 2]; 2], density: f64) {
        self.canvases
            .set(canvases.map(|size| size.map(|v| v * density)));
        self.density.set(density);
    }

    /// Whether no photo has been shown yet.
    pub fn is_empty(&self) -> bool {
        self.photo.is_none()
    }

    /// A new photo, of that width and height in pixels. What was said of the old one goes.
    pub fn set_photo(&mut self, size: Option<[f64; 2]>) {
        self.viewport = Viewport::of(size.unwrap_or_default());
        self.photo = size;
        self.clear();
    }

    /// Forgets what was said of the photo; a pinned mask stays.
    fn clear(&mut self) {
        self.boxes.clear();
        (self.difference, self.crosshair, self.pointed) = (None, None, None);
        self.panes[CURRENT] = Pane::default();
    }

    /// Where in the photo the network looks. A mask of another part of it goes.
    pub fn set_crop(&mut self, crop: Crop) {
        if self.panes[CURRENT].crop != Some(crop) {
            self.clear();
            self.panes[CURRENT].crop = Some(crop);
        }
    }

    /// What a detector found.
    pub fn set_boxes(&mut self, boxes: Vec<LabelledBox>) {
        self.boxes = boxes;
    }

    /// The mask, or what there is of it so far: a value for every pixel the network sees, so many a row.
    pub fn set_map(&mut self, values: Vec<f32>, width: usize) {
        let current = &mut self.panes[CURRENT];
        let placed = |crop| PlacedMap {
            values,
            width,
            crop,
        };
        current.map = current.crop.map(placed);
        self.compose();
    }

    /// Keeps a mask beside the ones to come.
    pub fn pin(&mut self, crop: Crop, values: Vec<f32>, width: usize) {
        let pinned = &mut self.panes[PINNED];
        pinned.crop = Some(crop);
        pinned.map = Some(PlacedMap {
            values,
            width,
            crop,
        });
        self.compose();
    }

    /// Lets the pinned mask go, and shows a view that does not need it.
    pub fn unpin(&mut self, view: View) {
        self.panes[PINNED] = Pane::default();
        self.view = view;
        self.compose();
    }

    /// Whether a mask is pinned.
    pub fn is_pinned(&self) -> bool {
        self.panes[PINNED].map.is_some()
    }

    /// Shows what is set: another view, other colours, more or less of the mask.
    pub fn set_manner(&mut self, settings: &Settings) {
        let share = |percent: u8| f64::from(percent) / 100.0;
        (self.view, self.palette) = (settings.view, settings.palette);
        self.mass_shown = share(settings.clip);
        (self.opacity, self.split) = (share(settings.opacity), share(settings.split));
        self.compose();
    }

    /// Hides whatever lies over the photo, or shows it again.
    pub fn set_veiled(&mut self, veiled: bool) {
        self.veiled = veiled;
    }

    /// Whether the two masks can be held against each other: those of a logit and of a probability have each
    /// a scale of its own.
    pub fn set_comparable(&mut self, comparable: bool) {
        if self.comparable != comparable {
            self.comparable = comparable;
            self.compose();
        }
    }

    /// Whether two masks stand side by side, so that the scale counts attribution a pixel of the
    /// photo instead of a pixel of the network's input.
    pub fn is_comparing(&self) -> bool {
        self.comparable && self.panes.iter().all(|pane| pane.map.is_some())
    }

    /// Whether there is a mask.
    pub fn has_mask(&self) -> bool {
        self.panes[CURRENT].map.is_some()
    }

    /// The value that is drawn at full strength, in whichever units [`is_comparing`](Self::is_comparing) asks for.
    pub fn full_scale(&self) -> f32 {
        self.full_scale
    }

    /// Makes layers of the maps; with two of them, on one scale.
    fn compose(&mut self) {
        let view = self.view;
        self.difference = None;
        let [pinned, current] = &self.panes;
        if let (Some(a), Some(b), true) = (&pinned.map, &current.map, self.comparable) {
            let scale = common_scale(&drawn(a, view), &drawn(b, view), self.mass_shown);
            self.full_scale = scale;
            let (mask, crop) = difference(a, b, scale, DIFFERENCE_SIDE);
            let layer = Layer {
                rgba: mask.to_rgba(self.palette),
                width: DIFFERENCE_SIDE,
            };
            self.difference = Some((Rc::new(layer), crop));
        } else if let Some(map) = &current.map {
            self.full_scale = normalise(&drawn(map, view).values, self.mass_shown).full_scale;
        } else {
            self.full_scale = 0.0;
        }
        if view == View::Regions {
            self.full_scale = self.region_scale(CURRENT) as f32;
        }
        for pane in [PINNED, CURRENT] {
            self.panes[pane].layer = self.layer(pane, view).map(Rc::new);
        }
    }

    /// A pane's mask, as a view draws it.
    pub(super) fn layer(&self, pane: usize, view: View) -> Option<Layer> {
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
        Some(Layer { rgba, width })
    }

    /// A pane's regions in their colours.
    fn region_layer(&self, pane: usize) -> Option<Layer> {
        let regions = self.panes[pane].regions.as_ref()?;
        let manner = Manner {
            palette: self.palette,
            full_scale: self.region_scale(pane),
            pointed: self.pointed.filter(|_| pane == CURRENT),
        };
        let (rgba, width) = patches(&regions.partition, &regions.sums, manner);
        Some(Layer { rgba, width })
    }

    /// What a region comes to that is drawn at full strength: the most of any, of both panes where two are compared.
    fn region_scale(&self, pane: usize) -> f64 {
        let together = self.is_comparing();
        let panes = self.panes.iter().enumerate();
        let panes = panes.filter(|(k, _)| together || *k == pane);
        let sums = panes.filter_map(|(_, pane)| pane.regions.as_ref());
        let all = sums.flat_map(|regions| &regions.sums);
        all.fold(0.0, |most: f64, sum| most.max(sum.abs()))
    }

    /// The regions of the pinned explanation, or else of the current one, for when the view shows them.
    pub fn set_regions(&mut self, pinned: bool, regions: Option<RegionMap>) {
        self.panes[if pinned { PINNED } else { CURRENT }].regions = regions;
    }

    /// Points a region out, or none.
    pub fn point_out(&mut self, region: Option<usize>) {
        if self.pointed != region {
            self.pointed = region;
            if self.view == View::Regions {
                self.panes[CURRENT].layer = self.region_layer(CURRENT).map(Rc::new);
            }
        }
    }

    /// The region of a pixel of the current map, column and row, while regions are shown.
    pub fn region_at(&self, pixel: [usize; 2]) -> Option<usize> {
        let regions = self.panes[CURRENT].regions.as_ref()?;
        let shown = self.view == View::Regions;
        shown.then(|| regions.partition.at(pixel)).flatten()
    }

    /// The pixel of the current map under a point of the right canvas, in CSS pixels: column and row.
    pub fn pixel_at(&self, point: [f64; 2]) -> Option<[usize; 2]> {
        let [x, y] = self.photo_point(point)?;
        let (pixel, _) = self.panes[CURRENT].map.as_ref()?.value_at(x, y)?;
        Some(pixel)
    }

    /// The value of a pixel of the current map.
    pub fn value_of(&self, [column, row]: [usize; 2]) -> Option<f32> {
        let map = self.panes[CURRENT].map.as_ref()?;
        map.values.get(row * map.width + column).copied()
    }

    /// The output of the smallest box under a point of the right canvas, in CSS pixels.
    pub fn box_at(&self, point: [f64; 2]) -> Option<usize> {
        let [x, y] = self.photo_point(point)?;
        let [width, height] = self.photo?;
        let (u, v) = ((x / width) as f32, (y / height) as f32);
        let area = |rect: &Rect| (rect.right - rect.left) * (rect.bottom - rect.top);
        let under = self.boxes.iter().filter(|b| {
            (b.rect.left..=b.rect.right).contains(&u) && (b.rect.top..=b.rect.bottom).contains(&v)
        });
        let smallest = under.min_by(|a, b| area(&a.rect).total_cmp(&area(&b.rect)));
        smallest.map(|b| b.output)
    }

    /// Which pixel's value is told.
    pub fn crosshair(&self) -> Option<[usize; 2]> {
        self.crosshair
    }

    /// Puts the crosshair on a pixel, or takes it away.
    pub fn set_crosshair(&mut self, pixel: Option<[usize; 2]>) {
        self.crosshair = pixel;
    }

    /// Moves the crosshair by steps of a key, the finer the more is enlarged; from the map's middle, where there is
    /// none yet.
    pub fn move_crosshair(&mut self, [dx, dy]: [i32; 2]) {
        let Some(map) = &self.panes[CURRENT].map else {
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
    }

    /// The crosshair's point of the photo.
    pub(super) fn crosshair_point(&self) -> Option<[f64; 2]> {
        let ([column, row], map) = (self.crosshair?, self.panes[CURRENT].map.as_ref()?);
        let (width, height) = (map.width as f64, map.height() as f64);
        let crop = map.crop;
        Some([
            crop.left + (column as f64 + 0.5) / width * crop.width,
            crop.top + (row as f64 + 0.5) / height * crop.height,
        ])
    }

    /// Enlarges or shrinks around a point of the right canvas, in CSS pixels.
    pub fn zoom_at(&mut self, factor: f64, point: [f64; 2]) {
        if let Some(point) = self.photo_point(point) {
            self.viewport.zoom_at(factor, point);
        }
    }

    /// Enlarges or shrinks, with the crosshair in the middle, or with what is there.
    pub fn zoom(&mut self, factor: f64) {
        match self.crosshair_point() {
            Some(point) => self.viewport.zoom_to(factor, point),
            None => {
                let size = self.canvases.get()[CURRENT];
                self.zoom_at(factor, size.map(|v| v / 2.0 / self.density.get()));
            }
        }
    }

    /// Shows all of the photo, and no crosshair.
    pub fn show_all(&mut self) {
        self.viewport.show_all();
        self.crosshair = None;
    }

    /// Moves the picture with a pointer, in CSS pixels.
    pub fn pan(&mut self, way: [f64; 2]) {
        if let Some(placement) = self
            .placement(CURRENT)
            .filter(|_| self.viewport.is_enlarged())
        {
            let scale = placement.scale / self.density.get();
            self.viewport.pan(way.map(|v| v / scale));
        }
    }

    /// Enlarges, shrinks and moves the picture with two fingers, in CSS pixels.
    pub fn pinch(&mut self, from: [[f64; 2]; 2], to: [[f64; 2]; 2]) {
        if let Some(placement) = self.placement(CURRENT) {
            let density = self.density.get();
            let scaled = |points: [[f64; 2]; 2]| points.map(|point| point.map(|v| v * density));
            self.viewport.pinch(scaled(from), scaled(to), &placement);
        }
    }

    /// The point of the photo under a point of the right canvas, in CSS pixels.
    pub fn photo_point(&self, point: [f64; 2]) -> Option<[f64; 2]> {
        let placement = self.placement(CURRENT)?;
        Some(placement.under(point.map(|v| v * self.density.get())))
    }

    /// Where the photo lies on a canvas: it fits, enlarged by the zoom; with the mask alone, the part that has one does.
    pub(super) fn placement(&self, pane: usize) -> Option<Placement> {
        let [width, height] = self.photo?;
        let canvas = self.canvases.get()[pane];
        if canvas.iter().any(|&side| side < 1.0) {
            return None;
        }
        let focus = match (self.view, self.panes[pane].crop) {
            (View::Mask, Some(crop)) => [crop.left, crop.top, crop.width, crop.height],
            _ => [0.0, 0.0, width, height],
        };
        Some(self.viewport.placement(canvas, focus))
    }

    /// Width and height of a view's picture in pixels of the photo: the mask alone is as large as what the network
    /// sees.
    pub fn size(&self, view: View) -> [f64; 2] {
        match (view, self.panes[CURRENT].crop) {
            (View::Mask, Some(crop)) => [crop.width, crop.height],
            _ => self.photo.unwrap_or_default(),
        }
    }

    /// Which canvases there are, and whether a finger moves on them what is enlarged, and not the page.
    pub fn panel(&self) -> Panel {
        // A difference is one picture.
        let both = self.is_pinned() && self.view != View::Difference;
        let mut panel = Panel::new();
        panel
            .show("canvas", !self.is_empty())
            .show("pinned", both)
            .class("drop", "enlarged", self.viewport.is_enlarged());
        panel
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

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::words::Phrase;

    /// A photo of 400 × 300 whose middle a network sees as 4 × 4 pixels, on canvases of 200 × 150 CSS pixels, each of
    /// which has two of the screen's along a side.
    pub(in crate::page) fn stage() -> Stage {
        let mut stage = Stage::default();
        stage.measure([[200.0, 150.0]; 2], 2.0);
        stage.set_photo(Some([400.0, 300.0]));
        stage.set_crop(CROP);
        stage.set_map((0..16).map(|k| k as f32).collect(), 4);
        stage
    }

    pub(in crate::page) const CROP: Crop = Crop {
        left: 50.0,
        top: 0.0,
        width: 300.0,
        height: 300.0,
    };

    pub(in crate::page) fn manner(stage: &mut Stage, view: View) {
        let mut settings = Settings::default();
        settings.view = view;
        stage.set_manner(&settings);
    }

    pub(in crate::page) fn found(output: usize, edges: [f32; 4], chosen: bool) -> LabelledBox {
        let [left, top, right, bottom] = edges;
        LabelledBox {
            output,
            rect: Rect {
                left,
                top,
                right,
                bottom,
            },
            label: Phrase::of("cup"),
            chosen,
        }
    }

    #[test]
    fn a_value_is_told_of_the_pixel_under_a_pointer() {
        let mut stage = stage();
        // CSS pixels: half of the photo's.
        assert_eq!(stage.pixel_at([30.0, 5.0]), Some([0, 0]));
        assert_eq!(stage.pixel_at([170.0, 145.0]), Some([3, 3]));
        assert_eq!(
            stage.pixel_at([10.0, 5.0]),
            None,
            "the network does not look there"
        );
        assert_eq!(stage.value_of([2, 1]), Some(6.0));
        stage.zoom_at(2.0, [0.0, 0.0]);
        assert_eq!(stage.pixel_at([55.0, 5.0]), Some([0, 0]), "twice as large");
        // The mask alone fills the canvas' height.
        stage.show_all();
        manner(&mut stage, View::Mask);
        assert_eq!(stage.pixel_at([26.0, 1.0]), Some([0, 0]));
    }

    #[test]
    fn the_crosshair_goes_from_the_middle_and_stays_on_the_map() {
        let mut stage = stage();
        stage.move_crosshair([-1, 0]);
        assert_eq!(stage.crosshair(), Some([2, 2]));
        for _ in 0..9 {
            stage.move_crosshair([1, -1]);
        }
        assert_eq!(stage.crosshair(), Some([3, 0]));
        assert_eq!(stage.crosshair_point(), Some([312.5, 37.5]));
        stage.show_all();
        assert_eq!(stage.crosshair(), None);
        let mut none = Stage::default();
        none.move_crosshair([1, 0]);
        assert_eq!(none.crosshair(), None);
    }

    #[test]
    fn the_smallest_box_under_a_pointer_is_meant() {
        let mut stage = stage();
        stage.set_boxes(vec![
            found(1, [0.0, 0.0, 1.0, 1.0], false),
            found(2, [0.4, 0.4, 0.6, 0.6], true),
        ]);
        assert_eq!(stage.box_at([100.0, 75.0]), Some(2));
        assert_eq!(stage.box_at([5.0, 5.0]), Some(1));
        stage.set_photo(Some([100.0, 100.0]));
        assert_eq!(
            stage.box_at([100.0, 75.0]),
            None,
            "they were another photo's"
        );
    }

    #[test]
    fn another_crop_or_photo_takes_the_mask_away_and_a_pinned_one_stays() {
        let mut stage = stage();
        stage.pin(CROP, vec![1.0; 16], 4);
        assert!(stage.is_pinned() && stage.is_comparing());
        stage.set_crop(CROP);
        assert!(stage.has_mask(), "the same part");
        stage.set_crop(Crop {
            width: 200.0,
            ..CROP
        });
        assert!(!stage.has_mask() && stage.is_pinned());
        stage.unpin(View::Overlay);
        assert!(!stage.is_pinned());
    }

    #[test]
    fn two_masks_of_one_kind_have_one_scale_and_a_difference() {
        let mut stage = stage();
        let alone = stage.full_scale();
        stage.pin(CROP, vec![40.0; 16], 4);
        let together = stage.full_scale();
        assert!(together > 0.0 && together != alone);
        assert!(stage.difference.is_some());
        let [a, b] = stage.panes.each_ref().map(|pane| pane.layer.clone());
        assert_ne!(a, b);
        stage.set_comparable(false);
        assert!(stage.difference.is_none() && !stage.is_comparing());
        assert_eq!(stage.full_scale(), alone);
        let panel = stage.panel();
        assert_eq!(panel.shows("pinned"), Some(true));
        manner(&mut stage, View::Difference);
        assert_eq!(stage.panel().shows("pinned"), Some(false), "one picture");
    }

    #[test]
    fn regions_are_pointed_at_only_while_they_are_shown() {
        let mut stage = stage();
        let partition = Partition::of_labels((0..16).map(|k| u32::from(k % 4 > 1)), 4);
        let sums = vec![1.0, -3.0];
        let regions = RegionMap {
            partition: Rc::new(partition),
            sums,
        };
        stage.set_regions(false, Some(regions));
        assert_eq!(stage.region_at([0, 0]), None);
        manner(&mut stage, View::Regions);
        assert_eq!(stage.region_at([3, 0]), Some(1));
        assert_eq!(stage.full_scale(), 3.0);
        let plain = stage.panes[CURRENT].layer.clone();
        stage.point_out(Some(0));
        assert_ne!(stage.panes[CURRENT].layer, plain);
        stage.point_out(None);
        assert_eq!(stage.panes[CURRENT].layer, plain);
    }

    #[test]
    fn what_is_not_enlarged_cannot_be_moved_and_what_is_follows_the_pointer() {
        let mut stage = stage();
        let before = stage.photo_point([100.0, 75.0]);
        stage.pan([30.0, 0.0]);
        assert_eq!(stage.photo_point([100.0, 75.0]), before);
        assert_eq!(stage.panel().is_of("drop", "enlarged"), Some(false));
        stage.zoom(4.0);
        assert_eq!(stage.panel().is_of("drop", "enlarged"), Some(true));
        let [x, _] = stage.photo_point([100.0, 75.0]).unwrap();
        stage.pan([30.0, 0.0]);
        let [moved, _] = stage.photo_point([130.0, 75.0]).unwrap();
        assert!((x - moved).abs() < 1e-9, "{x} {moved}");
        stage.pinch([[90.0, 75.0], [110.0, 75.0]], [[80.0, 75.0], [120.0, 75.0]]);
        assert_eq!(
            Stage::default().photo_point([0.0; 2]),
            None,
            "nothing is there"
        );
    }
}
