//! The canvases under keys and pointers: what a key means, and whether a pointer drags, pinches or clicks.

use super::part::Panel;
use super::stage::Stage;
use crate::words::{Phrase, Value, phrase};

/// A pointer that goes farther than this while it is pressed, in CSS pixels, drags and does not click.
const DRAG: f64 = 4.0;
/// How far a key moves the picture, in CSS pixels, and how much one enlarges it.
const PAN: f64 = 40.0;
/// How much a key, or a notch of a wheel, enlarges or shrinks.
pub const ENLARGE: f64 = 1.25;
/// Pixels of a wheel that enlarge e-fold.
const WHEEL: f64 = 400.0;

/// What a key does to the picture.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Key {
    /// Enlarges by this factor, or shrinks.
    Zoom(f64),
    /// Shows all of it.
    All,
    /// Moves it, in CSS pixels.
    Pan([f64; 2]),
    /// Moves the crosshair by steps: right and down.
    Crosshair([i32; 2]),
}

impl Key {
    /// Plus and minus zoom, arrows move the crosshair, with Shift the picture; zero and Escape show all of it. Nothing
    /// of other keys.
    pub fn of(key: &str, shift: bool) -> Option<Self> {
        match (way(key), key) {
            (Some(way), _) if shift => Some(Self::Pan(way.map(|step| -PAN * f64::from(step)))),
            (Some(way), _) => Some(Self::Crosshair(way)),
            (None, "+" | "=") => Some(Self::Zoom(ENLARGE)),
            (None, "-") => Some(Self::Zoom(1.0 / ENLARGE)),
            (None, "0" | "Escape") => Some(Self::All),
            _ => None,
        }
    }
}

/// Where an arrow key leads: right and down.
fn way(key: &str) -> Option<[i32; 2]> {
    match key {
        "ArrowLeft" => Some([-1, 0]),
        "ArrowRight" => Some([1, 0]),
        "ArrowUp" => Some([0, -1]),
        "ArrowDown" => Some([0, 1]),
        _ => None,
    }
}

/// How much a wheel enlarges that was turned by so many pixels downwards.
pub fn wheel(down: f64) -> f64 {
    (-down / WHEEL).exp()
}

/// What a pointer that moves does to the picture.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Motion {
    /// Moves it so far, in CSS pixels.
    Pan([f64; 2]),
    /// Two fingers went from some points to others.
    Pinch([[f64; 2]; 2], [[f64; 2]; 2]),
}

/// The pointers that are pressed: which, and where each was last, in CSS pixels from the canvas' corner.
#[derive(Debug, Default)]
pub struct Pressed {
    pointers: Vec<(i32, [f64; 2])>,
    /// How far they have gone since the first was pressed.
    gone: f64,
}

impl Pressed {
    /// One is pressed; the `primary` one is the first of a hand.
    pub fn down(&mut self, pointer: i32, primary: bool, at: [f64; 2]) {
        if primary {
            self.pointers.clear();
            self.gone = 0.0;
        }
        self.pointers.push((pointer, at));
    }

    /// One is not pressed any more.
    pub fn up(&mut self, pointer: i32) {
        self.pointers.retain(|(known, _)| *known != pointer);
    }

    /// One moves; what that does to the picture, if it `drags`, pressed by its first button alone.
    pub fn moves(&mut self, pointer: i32, to: [f64; 2], drags: bool) -> Option<Motion> {
        let other = self.pointers.iter().find(|(known, _)| *known != pointer);
        let other = other.map(|(_, at)| *at);
        let own = self
            .pointers
            .iter_mut()
            .find(|(known, _)| *known == pointer);
        let (_, at) = own?;
        let from = std::mem::replace(at, to);
        if !drags {
            return None;
        }
        let way = [to[0] - from[0], to[1] - from[1]];
        self.gone += way[0].hypot(way[1]);
        Some(match other {
            Some(other) => {
                // Two fingers never click.
                self.gone = f64::INFINITY;
                Motion::Pinch([from, other], [to, other])
            }
            None => Motion::Pan(way),
        })
    }

    /// Whether what was pressed last went too far for a click.
    pub fn dragged(&self) -> bool {
        self.gone > DRAG
    }
}

/// What a click on the right canvas is meant for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Click {
    /// A detector's box: the output of the smallest one that is there.
    Box(usize),
    /// The pixel whose value is told from now on; none, where there is none or it was told already.
    Pixel(Option<[usize; 2]>),
}

impl Stage {
    /// Someone clicked on a point, in CSS pixels. The same pixel once more takes the crosshair
    /// away.
    pub fn click(&mut self, point: [f64; 2]) -> Click {
        if let Some(output) = self.box_at(point) {
            return Click::Box(output);
        }
        let pixel = self.pixel_at(point);
        let pixel = pixel.filter(|_| self.crosshair() != pixel);
        self.set_crosshair(pixel);
        Click::Pixel(pixel)
    }

    /// A key was pressed.
    pub fn take(&mut self, key: Key) {
        match key {
            Key::Zoom(factor) => self.zoom(factor),
            Key::All => self.show_all(),
            Key::Pan(way) => self.pan(way),
            Key::Crosshair(way) => self.move_crosshair(way),
        }
    }

    /// Pointers moved.
    pub fn follow(&mut self, motion: Motion) {
        match motion {
            Motion::Pan(way) => self.pan(way),
            Motion::Pinch(from, to) => self.pinch(from, to),
        }
    }

    /// What is told of a pixel of the mask.
    pub fn readout(&self, pixel: Option<[usize; 2]>) -> Phrase {
        let value = pixel.and_then(|pixel| self.value_of(pixel));
        match (pixel, value) {
            (Some([column, row]), Some(value)) => phrase!(
                "pixel {x}, {y}: {value}",
                x = column,
                y = row,
                value = Value::Power(f64::from(value)),
            ),
            _ => Phrase::nothing(),
        }
    }
}

/// A place on a picture that arrow keys move, as shares of its side, and where a dot is painted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cursor(pub [f64; 2]);

impl Default for Cursor {
    fn default() -> Self {
        Self([0.5; 2])
    }
}

impl Cursor {
    /// A key moves it by a step, and not over the edge. Whether it was such a key.
    pub fn take(&mut self, key: &str, step: f64) -> bool {
        let Some(way) = way(key) else { return false };
        for (at, way) in self.0.iter_mut().zip(way) {
            *at = (*at + step * f64::from(way)).clamp(0.0, 1.0);
        }
        true
    }

    /// Where the element of that id stands, which shows it.
    pub fn panel(&self, id: &str) -> Panel {
        let mut panel = Panel::new();
        for (side, at) in ["left", "top"].into_iter().zip(self.0) {
            panel.style(id, side, format!("{:.2}%", 100.0 * at));
        }
        panel
    }
}

#[cfg(test)]
mod tests {
    use super::super::part::tests::english;
    use super::super::stage::tests::{found, stage};
    use super::*;

    #[test]
    fn keys_zoom_and_move_and_others_are_the_browsers() {
        assert_eq!(Key::of("+", false), Some(Key::Zoom(1.25)));
        assert_eq!(Key::of("-", true), Some(Key::Zoom(0.8)));
        assert_eq!(Key::of("Escape", false), Some(Key::All));
        assert_eq!(Key::of("ArrowUp", false), Some(Key::Crosshair([0, -1])));
        // With Shift it is the picture that goes, so that what lies to the right comes.
        assert_eq!(Key::of("ArrowRight", true), Some(Key::Pan([-40.0, 0.0])));
        for key in ["Tab", "Enter", "a", " "] {
            assert_eq!(Key::of(key, false), None);
        }
        assert!(wheel(100.0) < 1.0 && (wheel(100.0) * wheel(-100.0) - 1.0).abs() < 1e-12);
    }

    #[test]
    fn a_pointer_that_hardly_moves_clicks_and_one_that_moves_drags() {
        let mut pressed = Pressed::default();
        pressed.down(1, true, [10.0, 10.0]);
        assert_eq!(
            pressed.moves(1, [12.0, 10.0], true),
            Some(Motion::Pan([2.0, 0.0]))
        );
        pressed.up(1);
        assert!(!pressed.dragged());
        pressed.down(1, true, [10.0, 10.0]);
        pressed.moves(1, [10.0, 16.0], true);
        assert!(pressed.dragged());
        pressed.up(1);
        assert_eq!(
            pressed.moves(1, [0.0, 0.0], true),
            None,
            "it is not pressed"
        );
        pressed.down(1, true, [0.0; 2]);
        assert!(!pressed.dragged(), "a new press begins anew");
        assert_eq!(
            pressed.moves(1, [50.0, 0.0], false),
            None,
            "by another button"
        );
    }

    #[test]
    fn two_fingers_pinch_and_never_click() {
        let mut pressed = Pressed::default();
        pressed.down(1, true, [10.0, 10.0]);
        pressed.down(2, false, [30.0, 10.0]);
        let motion = pressed.moves(2, [40.0, 10.0], true);
        let from = [[30.0, 10.0], [10.0, 10.0]];
        let to = [[40.0, 10.0], [10.0, 10.0]];
        assert_eq!(motion, Some(Motion::Pinch(from, to)));
        pressed.up(2);
        assert!(pressed.dragged());
        assert_eq!(
            pressed.moves(1, [11.0, 10.0], true),
            Some(Motion::Pan([1.0, 0.0]))
        );
    }

    #[test]
    fn a_click_means_a_box_or_a_pixel_whose_value_is_told_until_it_is_clicked_again() {
        let mut stage = stage();
        assert_eq!(stage.click([170.0, 145.0]), Click::Pixel(Some([3, 3])));
        assert_eq!(english(&stage.readout(stage.crosshair())), "pixel 3, 3: 15");
        assert_eq!(stage.click([170.0, 145.0]), Click::Pixel(None));
        assert_eq!(stage.crosshair(), None);
        assert_eq!(
            stage.click([1.0, 1.0]),
            Click::Pixel(None),
            "beside the mask"
        );
        assert_eq!(english(&stage.readout(None)), "");
        stage.set_boxes(vec![found(7, [0.5, 0.5, 1.0, 1.0], false)]);
        assert_eq!(stage.click([170.0, 145.0]), Click::Box(7));
        stage.take(Key::Crosshair([1, 0]));
        assert!(stage.crosshair().is_some());
        stage.take(Key::All);
        assert_eq!(stage.crosshair(), None);
    }

    #[test]
    fn a_cursor_stays_on_its_picture() {
        let mut cursor = Cursor::default();
        assert!(cursor.take("ArrowLeft", 0.4) && cursor.take("ArrowLeft", 0.4));
        assert_eq!(cursor, Cursor([0.0, 0.5]));
        assert!(!cursor.take(" ", 0.4));
    }
}
