//! How the stage is drawn: stroke by stroke, in pixels of a canvas. `web` puts them on one, in this order.

use std::rc::Rc;

use super::settings::View;
use super::stage::{CURRENT, Layer, Stage};
use super::viewport::Placement;
use crate::preprocessing::Crop;
use crate::regions::Partition;
use crate::words::Phrase;

/// Photos of no more pixels along a side were drawn one by one, and are shown so.
const DRAWN: f64 = 200.0;
/// What the network does not see steps back; in the spotlight it is as dark as what does not matter.
const SHADE: &str = "rgba(20, 18, 24, 0.62)";
const DARK: &str = "rgba(16, 14, 20, 0.95)";
const WHITE: &str = "#ffffff";
/// [`Palette::ground`](crate::mask::Palette::ground) of colours that are lighter than white allows.
const NIGHT: &str = "#141218";
const INK: &str = "#1d1a24";
const CHOSEN: &str = "#5b21b6";
/// Size of letters on a box and in a region, in CSS pixels.
const LABEL: f64 = 14.0;
const NUMBER: f64 = 13.0;

/// Left, top, width and height.
pub type Area = [f64; 4];

/// One stroke. Colours are as style sheets have them.
#[derive(Debug, Clone, PartialEq)]
pub enum Stroke {
    /// All of the photo.
    Photo {
        /// Where it lies.
        area: Area,
        /// Whether pixels run into each other.
        smooth: bool,
    },
    /// A picture over it.
    Layer {
        /// Which.
        layer: Rc<Layer>,
        /// Where it lies.
        area: Area,
        /// 0..=1.
        opacity: f64,
        /// Whether pixels run into each other.
        smooth: bool,
    },
    /// What is there turns grey and pale, as much as the opacity says.
    Fade(Area, f64),
    /// A colour.
    Fill(Area, &'static str),
    /// A frame of that thickness.
    Frame(Area, f64, &'static str),
    /// A line from a point to another one, of that thickness.
    Line([[f64; 2]; 2], f64, &'static str),
    /// Words on a ground, by its left upper corner, in letters of that size.
    Label([f64; 2], f64, Phrase, &'static str),
    /// A number on a disc around a point: letters of that size, their colour and the disc's.
    Number([f64; 2], f64, usize, [&'static str; 2]),
    /// From here on, only this is drawn on, and it is empty.
    Within(Area),
    /// Everywhere again.
    Anywhere,
}

impl Stage {
    /// What is on one of the two canvases, and its width and height; nothing, where there is no photo or no canvas.
    pub fn strokes(&self, pane: usize) -> Option<([f64; 2], Vec<Stroke>)> {
        let place = self.placement(pane)?;
        let is_current = pane == CURRENT;
        let layer = self.panes[pane].layer.clone();
        // Behind a veil there is only the photo, placed as the view has it.
        let view = match self.veiled {
            true => View::Original,
            false => self.view,
        };
        let crop = self.panes[pane].crop;
        let mut strokes = self.composed(&place, crop, layer, view);
        if self.split > 0.0 && !self.veiled && self.view != View::Original {
            strokes.extend(self.split_off(&place, crop));
        }
        if is_current && self.view == View::Regions && !self.veiled {
            strokes.extend(self.numbers(&place));
        }
        if is_current && self.view != View::Mask {
            strokes.extend(self.framed(&place));
        }
        if is_current && let Some(point) = self.crosshair_point() {
            let starts = [place.left, place.top];
            let at = [0, 1].map(|k| (starts[k] + point[k] * place.scale).round() + 0.5);
            strokes.extend(self.crosshair_at(at, &place));
        }
        Some(([place.width, place.height], strokes))
    }

    /// The current mask in some view, by itself: its width and height, `scale` pixels for each of the photo's, and how it
    /// is drawn.
    pub fn painted(&self, view: View, scale: f64) -> ([f64; 2], Vec<Stroke>) {
        let size = self.size(view).map(|v| (v * scale).round().max(1.0));
        let crop = self.panes[CURRENT].crop;
        let offset = match (view, crop) {
            (View::Mask, Some(crop)) => [crop.left, crop.top],
            _ => [0.0; 2],
        };
        let [width, height] = size;
        let [left, top] = offset.map(|v| -v * scale);
        let place = Placement {
            width,
            height,
            scale,
            left,
            top,
        };
        let layer = self.layer(CURRENT, view).map(Rc::new);
        (size, self.composed(&place, crop, layer, view))
    }

    /// What a mask by itself lies on.
    fn ground(&self) -> &'static str {
        match self.palette.ground() {
            [255, ..] => WHITE,
            _ => NIGHT,
        }
    }

    /// Photo, shade and mask, wherever they are placed.
    fn composed(
        &self,
        place: &Placement,
        crop: Option<Crop>,
        layer: Option<Rc<Layer>>,
        view: View,
    ) -> Vec<Stroke> {
        let mut strokes = Vec::new();
        let Some([width, height]) = self.photo else {
            return strokes;
        };
        let smooth = width.max(height) > DRAWN;
        let whole = Crop {
            left: 0.0,
            top: 0.0,
            width,
            height,
        };
        let whole = area(place, &whole);
        if view != View::Mask {
            strokes.push(Stroke::Photo {
                area: whole,
                smooth,
            });
        }
        let Some(crop) = crop else {
            return strokes;
        };
        let seen = area(place, &crop);
        let layer = match (view, &self.difference) {
            (View::Original, _) => None,
            (View::Difference, Some((layer, crop))) => Some((Rc::clone(layer), *crop)),
            _ => layer.map(|layer| (layer, crop)),
        };
        let shade = match view {
            View::Spotlight => layer.is_some().then_some(DARK),
            View::Original | View::Mask => None,
            _ => Some(SHADE),
        };
        strokes.extend(
            shade
                .into_iter()
                .flat_map(|shade| around(whole, seen, shade)),
        );
        let pale = matches!(view, View::Pixels | View::Difference | View::Regions);
        if pale && layer.is_some() {
            strokes.push(Stroke::Fade(seen, self.opacity));
        }
        if view == View::Mask {
            strokes.push(Stroke::Fill(seen, self.ground()));
        }
        if let Some((layer, crop)) = layer {
            let opaque = matches!(view, View::Mask | View::Contours | View::Regions);
            strokes.push(Stroke::Layer {
                layer,
                area: area(place, &crop),
                opacity: if opaque { 1.0 } else { self.opacity },
                // What was smoothed is drawn so.
                smooth: smooth || view == View::Overlay,
            });
        }
        strokes
    }

    /// The photo without its mask, on the left of a line.
    fn split_off(&self, place: &Placement, crop: Option<Crop>) -> Vec<Stroke> {
        let x = (self.split * place.width).round();
        let mut strokes = vec![Stroke::Within([0.0, 0.0, x, place.height])];
        strokes.extend(self.composed(place, crop, None, View::Original));
        strokes.push(Stroke::Anywhere);
        let density = self.density.get();
        for (colour, width) in [("rgba(20, 18, 24, 0.7)", 5.0), (WHITE, 3.0)] {
            let width = width * density;
            strokes.push(Stroke::Fill(
                [x - 0.5 * width, 0.0, width, place.height],
                colour,
            ));
        }
        strokes
    }

    /// Each region's place in the list, written where it is widest.
    fn numbers(&self, place: &Placement) -> Vec<Stroke> {
        let pane = &self.panes[CURRENT];
        let (Some(regions), Some(crop)) = (&pane.regions, pane.crop) else {
            return Vec::new();
        };
        let partition = &regions.partition;
        let [width, height] = [partition.width(), partition.height()].map(|v| v as f64);
        let centres = partition.centres();
        let size = NUMBER * self.density.get();
        let ranked = Partition::ranked(&regions.sums).into_iter().enumerate();
        let number = |(rank, region): (usize, usize)| {
            let [column, row] = centres[region].map(|v| v as f64 + 0.5);
            let x = place.left + (crop.left + column / width * crop.width) * place.scale;
            let y = place.top + (crop.top + row / height * crop.height) * place.scale;
            let colours = match self.pointed == Some(region) {
                true => [WHITE, NIGHT],
                false => ["#141218", "rgba(255, 255, 255, 0.92)"],
            };
            Stroke::Number([x, y], size, rank + 1, colours)
        };
        ranked.map(number).collect()
    }

    /// What a detector found: frames, and what is written on them.
    fn framed(&self, place: &Placement) -> Vec<Stroke> {
        let [width, height] = self.photo.unwrap_or_default();
        let (w, h) = (width * place.scale, height * place.scale);
        let density = self.density.get();
        let framed = |b: &super::answers::LabelledBox| {
            let [left, top] = [b.rect.left, b.rect.top].map(f64::from);
            let [right, bottom] = [b.rect.right, b.rect.bottom].map(f64::from);
            let (x, y) = (place.left + left * w, place.top + top * h);
            let frame = [x, y, (right - left) * w, (bottom - top) * h];
            let (colour, thickness) = match b.chosen {
                true => (CHOSEN, 3.0 * density),
                false => (INK, 2.0 * density),
            };
            let casing = thickness + 2.0 * density;
            let size = LABEL * density;
            // Above the box, or inside it where there is no room.
            let line = 1.5 * size;
            let above = if y > line { y - line } else { y.max(0.0) };
            [
                Stroke::Frame(frame, casing, "rgba(255, 255, 255, 0.85)"),
                Stroke::Frame(frame, thickness, colour),
                Stroke::Label([x.max(0.0), above], size, b.label.clone(), colour),
            ]
        };
        self.boxes.iter().flat_map(framed).collect()
    }

    /// Two lines that cross, white with a dark core, so that they are seen on anything.
    fn crosshair_at(&self, [x, y]: [f64; 2], place: &Placement) -> [Stroke; 4] {
        let across = [[x, 0.0], [x, place.height]];
        let along = [[0.0, y], [place.width, y]];
        let white = "rgba(255, 255, 255, 0.8)";
        let density = self.density.get();
        [
            Stroke::Line(across, 3.0 * density, white),
            Stroke::Line(along, 3.0 * density, white),
            Stroke::Line(across, density, INK),
            Stroke::Line(along, density, INK),
        ]
    }
}

/// A part of the photo on a canvas, in whole pixels, so that what meets leaves no seam.
fn area(place: &Placement, crop: &Crop) -> Area {
    let left = (place.left + crop.left * place.scale).round();
    let top = (place.top + crop.top * place.scale).round();
    let right = (place.left + (crop.left + crop.width) * place.scale).round();
    let bottom = (place.top + (crop.top + crop.height) * place.scale).round();
    [left, top, right - left, bottom - top]
}

/// What of an area lies around another one.
fn around(whole: Area, seen: Area, shade: &'static str) -> [Stroke; 4] {
    let [left, top, width, height] = whole;
    let [x, y, w, h] = seen;
    let (right, bottom) = (left + width, top + height);
    [
        [left, top, width, y - top],
        [left, y + h, width, bottom - y - h],
        [left, y, x - left, h],
        [x + w, y, right - x - w, h],
    ]
    .map(|area| Stroke::Fill(area, shade))
}

#[cfg(test)]
mod tests {
    use super::super::RegionMap;
    use super::super::stage::tests::{CROP, found, manner, stage};
    use super::*;
    use crate::mask::Palette;

    fn drawn(stage: &Stage) -> Vec<Stroke> {
        stage.strokes(CURRENT).unwrap().1
    }

    fn layers(strokes: &[Stroke]) -> usize {
        let layer = |stroke: &&Stroke| matches!(stroke, Stroke::Layer { .. });
        strokes.iter().filter(layer).count()
    }

    #[test]
    fn a_mask_lies_over_the_part_that_the_network_sees_and_the_rest_steps_back() {
        let stage = stage();
        let (size, strokes) = stage.strokes(CURRENT).unwrap();
        assert_eq!(size, [400.0, 300.0]);
        assert_eq!(
            strokes[0],
            Stroke::Photo {
                area: [0.0, 0.0, 400.0, 300.0],
                smooth: true
            }
        );
        let shades: Vec<_> = strokes
            .iter()
            .filter_map(|stroke| match stroke {
                Stroke::Fill(area, SHADE) => Some(area[2] * area[3]),
                _ => None,
            })
            .collect();
        assert_eq!(
            shades.iter().sum::<f64>(),
            100.0 * 300.0,
            "left and right of it"
        );
        let Some(Stroke::Layer { area, opacity, .. }) = strokes.last() else {
            panic!("{strokes:?}")
        };
        assert_eq!((*area, *opacity), ([50.0, 0.0, 300.0, 300.0], 0.85));
    }

    #[test]
    fn opacity_changes_every_view_that_is_seen_through_and_no_other() {
        use super::super::Settings;
        for view in View::ALL {
            let mut stage = stage();
            if view == View::Difference {
                stage.pin(CROP, vec![1.0; 16], 4);
            }
            let mut settings = Settings::default();
            settings.view = view;
            let mut drawn_with = |settings: &Settings| {
                stage.set_manner(settings);
                drawn(&stage)
            };
            let before = drawn_with(&settings);
            settings.opacity = 30;
            // Without regions there is nothing that a view of them could draw.
            let seen_through = view.is_seen_through() && view != View::Regions;
            assert_eq!(drawn_with(&settings) != before, seen_through, "{view:?}");
        }
    }

    #[test]
    fn every_view_draws_what_it_is_called() {
        let mut stage = stage();
        for view in View::ALL {
            manner(&mut stage, view);
            let strokes = drawn(&stage);
            let photo = strokes.iter().any(|s| matches!(s, Stroke::Photo { .. }));
            assert_eq!(photo, view != View::Mask, "{view:?}");
            let pale = strokes.iter().any(|s| matches!(s, Stroke::Fade(..)));
            assert_eq!(
                pale,
                matches!(view, View::Pixels | View::Difference),
                "{view:?}"
            );
            let none = matches!(view, View::Original | View::Regions);
            assert_eq!(layers(&strokes), usize::from(!none), "{view:?}");
        }
        manner(&mut stage, View::Overlay);
        stage.set_veiled(true);
        assert_eq!(
            layers(&drawn(&stage)),
            0,
            "nothing is to be seen but the photo"
        );
        stage.set_veiled(false);
        stage.set_photo(None);
        assert_eq!(stage.strokes(CURRENT), None);
    }

    #[test]
    fn a_slider_shows_the_photo_on_its_left() {
        let mut stage = stage();
        let mut settings = super::super::Settings::default();
        settings.split = 25;
        stage.set_manner(&settings);
        let strokes = drawn(&stage);
        let within = strokes
            .iter()
            .position(|s| *s == Stroke::Within([0.0, 0.0, 100.0, 300.0]));
        let (within, back) = (
            within.unwrap(),
            strokes.iter().position(|s| *s == Stroke::Anywhere),
        );
        assert_eq!(layers(&strokes[..within]), 1);
        assert_eq!(layers(&strokes[within..]), 0);
        assert!(back > Some(within));
        let Some(Stroke::Fill(area, WHITE)) = strokes.last() else {
            panic!("{strokes:?}")
        };
        assert_eq!(*area, [97.0, 0.0, 6.0, 300.0], "a line in the middle");
    }

    #[test]
    fn a_box_without_room_above_it_is_named_inside() {
        let mut stage = stage();
        stage.set_boxes(vec![
            found(1, [0.0, 0.0, 0.5, 0.5], false),
            found(2, [0.25, 0.5, 0.5, 1.0], true),
        ]);
        let strokes = drawn(&stage);
        let labels: Vec<_> = strokes
            .iter()
            .filter_map(|stroke| match stroke {
                Stroke::Label(at, _, _, colour) => Some((*at, *colour)),
                _ => None,
            })
            .collect();
        assert_eq!(labels, [([0.0, 0.0], INK), ([100.0, 108.0], CHOSEN)]);
        manner(&mut stage, View::Mask);
        let framed = drawn(&stage).iter().any(|s| matches!(s, Stroke::Frame(..)));
        assert!(!framed, "a mask alone has no boxes");
    }

    #[test]
    fn regions_are_numbered_as_in_their_list() {
        let mut stage = stage();
        let partition = Partition::of_labels((0..16).map(|k| u32::from(k % 4 > 1)), 4);
        stage.set_regions(
            false,
            Some(RegionMap {
                partition: Rc::new(partition),
                sums: vec![1.0, 3.0],
            }),
        );
        manner(&mut stage, View::Regions);
        stage.point_out(Some(1));
        let numbers: Vec<_> = drawn(&stage)
            .into_iter()
            .filter_map(|stroke| match stroke {
                Stroke::Number([x, _], _, number, [_, disc]) => Some((x > 200.0, number, disc)),
                _ => None,
            })
            .collect();
        let pale = "rgba(255, 255, 255, 0.92)";
        assert_eq!(numbers, [(true, 1, "#141218"), (false, 2, pale)]);
    }

    #[test]
    fn a_saved_mask_is_as_large_as_what_the_network_sees() {
        let mut stage = stage();
        manner(&mut stage, View::Spotlight);
        let (size, strokes) = stage.painted(View::Mask, 0.5);
        assert_eq!(size, [150.0, 150.0]);
        assert_eq!(strokes[0], Stroke::Fill([0.0, 0.0, 150.0, 150.0], WHITE));
        stage.palette = Palette::Yellow;
        let (_, strokes) = stage.painted(View::Mask, 0.5);
        assert_eq!(strokes[0], Stroke::Fill([0.0, 0.0, 150.0, 150.0], NIGHT));
        stage.palette = Palette::Violet;
        // The same mask, whatever the page shows meanwhile.
        let before = stage.painted(View::Mask, 0.5);
        manner(&mut stage, View::Contours);
        assert_eq!(stage.painted(View::Mask, 0.5), before);
        let (size, _) = stage.painted(View::Overlay, 0.5);
        assert_eq!(size, [200.0, 150.0]);
        stage.set_crosshair(Some([1, 1]));
        let lines = drawn(&stage)
            .iter()
            .filter(|s| matches!(s, Stroke::Line(..)))
            .count();
        assert_eq!(lines, 4);
        assert_eq!(CROP.width, 300.0);
    }
}
