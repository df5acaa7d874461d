//! Which part of a picture is shown: how much it is enlarged, and what lies in the middle. Plain arithmetic, in pixels
//! of the picture and of the canvas that it is drawn on.

/// How far a picture can be enlarged.
const LARGEST_ZOOM: f64 = 16.0;

/// See the [module](self).
#[derive(Debug, Clone, PartialEq)]
pub struct Viewport {
    /// Width and height of the picture, in its own pixels.
    size: [f64; 2],
    /// 1 is all of it.
    zoom: f64,
    /// What lies in the middle of the canvas, in pixels of the picture; nothing, while all of it is shown.
    centre: Option<[f64; 2]>,
}

/// Where a picture lies on a canvas, in the canvas' own pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Placement {
    /// Of the canvas.
    pub width: f64,
    /// Of the canvas.
    pub height: f64,
    /// Canvas pixels a pixel of the picture.
    pub scale: f64,
    /// Where the picture's left edge is.
    pub left: f64,
    /// Where its upper edge is.
    pub top: f64,
}

impl Placement {
    /// The point of the picture under a point of the canvas.
    pub fn under(&self, [x, y]: [f64; 2]) -> [f64; 2] {
        [(x - self.left) / self.scale, (y - self.top) / self.scale]
    }
}

impl Default for Viewport {
    fn default() -> Self {
        Self::of([0.0; 2])
    }
}

impl Viewport {
    /// All of a picture of that width and height.
    pub fn of(size: [f64; 2]) -> Self {
        Self {
            size,
            zoom: 1.0,
            centre: None,
        }
    }

    /// Whether less than all of it is shown.
    pub fn is_enlarged(&self) -> bool {
        self.zoom > 1.0
    }

    /// How much it is enlarged, 1 or more.
    pub fn zoom(&self) -> f64 {
        self.zoom
    }

    /// Shows all of it.
    pub fn show_all(&mut self) {
        *self = Self::of(self.size);
    }

    /// Where the picture lies on a canvas of that size. `focus` is what fits there when it is not enlarged: left, top,
    /// width and height of a part, or of all.
    pub fn placement(&self, [width, height]: [f64; 2], focus: [f64; 4]) -> Placement {
        let [x, y, focus_width, focus_height] = focus;
        let scale = (width / focus_width).min(height / focus_height) * self.zoom;
        let middle = [x + focus_width / 2.0, y + focus_height / 2.0];
        let [cx, cy] = self.centre.unwrap_or(middle);
        Placement {
            width,
            height,
            scale,
            left: width / 2.0 - cx * scale,
            top: height / 2.0 - cy * scale,
        }
    }

    /// Enlarges or shrinks; the point of the picture that lies there stays where it is on the canvas.
    pub fn zoom_at(&mut self, factor: f64, [px, py]: [f64; 2]) {
        let before = self.zoom;
        self.zoom = (self.zoom * factor).clamp(1.0, LARGEST_ZOOM);
        let [cx, cy] = self.middle();
        let keep = before / self.zoom;
        self.centre = Some([px + (cx - px) * keep, py + (cy - py) * keep]);
        self.rein_in();
    }

    /// Enlarges or shrinks, and brings a point of the picture to the middle.
    pub fn zoom_to(&mut self, factor: f64, point: [f64; 2]) {
        self.zoom = (self.zoom * factor).clamp(1.0, LARGEST_ZOOM);
        self.centre = Some(point);
        self.rein_in();
    }

    /// Moves the picture, in its own pixels.
    pub fn pan(&mut self, [dx, dy]: [f64; 2]) {
        let [cx, cy] = self.middle();
        self.centre = Some([cx - dx, cy - dy]);
        self.rein_in();
    }

    /// Two fingers went from some points of the canvas to others: what was under each is under each again, as far as
    /// a picture can follow that does not turn.
    pub fn pinch(&mut self, from: [[f64; 2]; 2], to: [[f64; 2]; 2], placement: &Placement) {
        let apart = |[a, b]: [[f64; 2]; 2]| (a[0] - b[0]).hypot(a[1] - b[1]).max(1.0);
        let between = |[a, b]: [[f64; 2]; 2]| [(a[0] + b[0]) / 2.0, (a[1] + b[1]) / 2.0];
        let (before, after) = (between(from), between(to));
        self.zoom_at(apart(to) / apart(from), placement.under(before));
        let scale = placement.scale;
        self.pan([
            (after[0] - before[0]) / scale,
            (after[1] - before[1]) / scale,
        ]);
    }

    /// Moves the picture no farther than that a point of it is in view, with a little room around.
    pub fn bring_into_view(&mut self, point: [f64; 2]) {
        if !self.is_enlarged() {
            return;
        }
        let centre = self.middle();
        let moved = |k: usize| {
            let reach = 0.4 * self.size[k] / self.zoom;
            centre[k].clamp(point[k] - reach, point[k] + reach)
        };
        self.centre = Some([moved(0), moved(1)]);
        self.rein_in();
    }

    fn middle(&self) -> [f64; 2] {
        self.centre.unwrap_or(self.size.map(|length| length / 2.0))
    }

    /// Keeps the picture in view.
    fn rein_in(&mut self) {
        if !self.is_enlarged() {
            self.centre = None;
            return;
        }
        let margin = 0.5 / self.zoom;
        self.centre = self.centre.map(|centre| {
            let rein =
                |k: usize| centre[k].clamp(self.size[k] * margin, self.size[k] * (1.0 - margin));
            [rein(0), rein(1)]
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CANVAS: [f64; 2] = [800.0, 400.0];
    const ALL: [f64; 4] = [0.0, 0.0, 400.0, 400.0];

    fn square() -> Viewport {
        Viewport::of([400.0, 400.0])
    }

    fn near(a: [f64; 2], b: [f64; 2]) -> bool {
        (a[0] - b[0]).abs() < 1e-9 && (a[1] - b[1]).abs() < 1e-9
    }

    #[test]
    fn all_of_a_picture_fits_and_lies_in_the_middle() {
        let place = square().placement(CANVAS, ALL);
        assert_eq!((place.scale, place.left, place.top), (1.0, 200.0, 0.0));
        assert!(near(place.under([400.0, 200.0]), [200.0, 200.0]));
        // A part of it, as large as the canvas allows.
        let part = square().placement(CANVAS, [100.0, 0.0, 200.0, 200.0]);
        assert_eq!((part.scale, part.left, part.top), (2.0, 0.0, 0.0));
    }

    #[test]
    fn what_is_enlarged_at_a_point_stays_there() {
        let mut view = square();
        let at = [300.0, 100.0];
        let point = view.placement(CANVAS, ALL).under(at);
        view.zoom_at(3.0, point);
        assert!(near(view.placement(CANVAS, ALL).under(at), point));
        view.zoom_at(0.01, point);
        assert_eq!(view, square(), "no smaller than all of it");
        view.zoom_at(1e9, point);
        assert_eq!(view.zoom(), LARGEST_ZOOM);
        view.show_all();
        assert_eq!(view, square());
    }

    #[test]
    fn a_pinch_keeps_what_lies_under_the_fingers() {
        let mut view = square();
        view.zoom_at(4.0, [200.0, 200.0]);
        let before = view.placement(CANVAS, ALL);
        let (from, to) = (
            [[300.0, 200.0], [500.0, 200.0]],
            [[250.0, 220.0], [550.0, 220.0]],
        );
        view.pinch(from, to, &before);
        let after = view.placement(CANVAS, ALL);
        assert!((after.scale / before.scale - 1.5).abs() < 1e-9);
        let middle = before.under([400.0, 200.0]);
        // The middle goes with the fingers, by 20 pixels of a canvas that was not enlarged yet.
        let went = after.under([400.0, 220.0]);
        assert!((went[0] - middle[0]).abs() < 1e-9 && (went[1] - middle[1]).abs() < 3.0);
    }

    #[test]
    fn no_move_leaves_the_picture() {
        let mut view = square();
        view.pan([1e6, 0.0]);
        assert_eq!(view, square(), "all of it is shown already");
        view.zoom_to(2.0, [0.0, 400.0]);
        assert!(near(view.middle(), [100.0, 300.0]));
        view.pan([-1e6, 1e6]);
        assert!(near(view.middle(), [300.0, 100.0]));
        view.bring_into_view([10.0, 100.0]);
        assert!(near(view.middle(), [100.0, 100.0]));
    }
}
