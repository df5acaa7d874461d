//! Regions on the stage: their colours, their numbers, and which of them lies under a point.

use std::rc::Rc;

use wasm_bindgen::JsValue;
use web_sys::{CanvasRenderingContext2d, HtmlCanvasElement};

use super::Stage;
use crate::page::{Placement, View};
use crate::regions::{Manner, Partition, patches};
use crate::web::dom::window;
use crate::web::picture::canvas;

/// A pane's regions, and what each comes to.
#[derive(Clone)]
pub(in crate::web) struct RegionMap {
    pub(in crate::web) partition: Rc<Partition>,
    pub(in crate::web) sums: Vec<f64>,
}

impl Stage {
    /// The regions of the pinned pane (0) or the current one (1), for when the view shows them.
    pub(in crate::web) fn set_regions(&mut self, pane: usize, regions: Option<RegionMap>) {
        self.panes[pane].regions = regions;
    }

    /// What a region comes to that is drawn at full strength: the most of any, of both panes where two are compared.
    pub(super) fn region_scale(&self, pane: usize) -> f64 {
        let together = self.is_comparing();
        let shown = |k: usize| together || k == pane;
        let panes = self.panes.iter().enumerate().filter(|(k, _)| shown(*k));
        let sums = panes.filter_map(|(_, pane)| pane.regions.as_ref());
        let all = sums.flat_map(|regions| &regions.sums);
        all.fold(0.0, |most: f64, sum| most.max(sum.abs()))
    }

    /// A pane's regions in their colours.
    pub(super) fn region_layer(&self, pane: usize) -> Option<HtmlCanvasElement> {
        let regions = self.panes[pane].regions.as_ref()?;
        let manner = Manner {
            palette: self.palette,
            full_scale: self.region_scale(pane),
            pointed: self.pointed.filter(|_| pane == 1),
        };
        let (rgba, width) = patches(&regions.partition, &regions.sums, manner);
        canvas(&rgba, width as u32).ok()
    }

    /// Points a region out, or none.
    pub(in crate::web) fn point_out(&mut self, region: Option<usize>) {
        if self.pointed != region {
            self.pointed = region;
            if self.view == View::Regions {
                self.panes[1].mask = self.region_layer(1);
                self.draw();
            }
        }
    }

    /// The region of a pixel of the current map, column and row, while regions are shown.
    pub(in crate::web) fn region_at(&self, pixel: [usize; 2]) -> Option<usize> {
        let regions = self.panes[1].regions.as_ref()?;
        let shown = self.view == View::Regions;
        shown.then(|| regions.partition.at(pixel)).flatten()
    }

    /// Each region's place in the list, written where it is widest.
    pub(super) fn draw_numbers(
        &self,
        context: &CanvasRenderingContext2d,
        place: &Placement,
    ) -> Result<(), JsValue> {
        let pane = &self.panes[1];
        let (Some(regions), Some(crop)) = (&pane.regions, pane.crop) else {
            return Ok(());
        };
        let partition = &regions.partition;
        let [width, height] = [partition.width(), partition.height()].map(|v| v as f64);
        let centres = regions.partition.centres();
        let size = 13.0 * window().device_pixel_ratio();
        context.set_font(&format!("600 {size}px system-ui, sans-serif"));
        context.set_text_align("center");
        context.set_text_baseline("middle");
        for (rank, region) in Partition::ranked(&regions.sums).into_iter().enumerate() {
            let [column, row] = centres[region].map(|v| v as f64 + 0.5);
            let x = place.left + (crop.left + column / width * crop.width) * place.scale;
            let y = place.top + (crop.top + row / height * crop.height) * place.scale;
            let pointed = self.pointed == Some(region);
            context.set_fill_style_str(if pointed {
                "#141218"
            } else {
                "rgba(255, 255, 255, 0.92)"
            });
            context.begin_path();
            context.arc(x, y, 0.85 * size, 0.0, std::f64::consts::TAU)?;
            context.fill();
            context.set_fill_style_str(if pointed { "#ffffff" } else { "#141218" });
            context.fill_text(&(rank + 1).to_string(), x, y)?;
        }
        context.set_text_align("start");
        context.set_text_baseline("alphabetic");
        Ok(())
    }
}
