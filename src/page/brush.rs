//! A brush on a canvas of the page: by pointer, or by the arrow keys and the space bar; with an
//! eraser and a way back.

use super::hands::Cursor;
use super::paint::Paint;
use super::part::Panel;

/// How far an arrow key goes, as a share of the picture's side.
const STEP: f64 = 1.0 / 28.0;

/// What a touch of the brush came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Touch {
    /// Nothing: the brush is put away, or the pointer only passes by.
    Nothing,
    /// Something that the page need not know of, but that was meant for the brush.
    Taken,
    /// More is painted, or less, and the stroke goes on.
    Painted,
    /// A stroke is over.
    Over,
}

/// Canvas and controls whose ids begin with one name: `-canvas`, `-cursor`, `-size`, `-erase`,
/// `-undo`, `-clear`. Places are shares of the picture's side, sizes the brush's width in percent
/// of it.
#[derive(Debug)]
pub struct Brush {
    name: &'static str,
    paint: Paint,
    /// Where the keys have it, and where the pointer was.
    cursor: Cursor,
    last: Option<[f64; 2]>,
    erases: bool,
    open: bool,
}

impl Brush {
    /// One that is put away until it is [`reset`](Self::reset).
    pub fn new(name: &'static str) -> Self {
        Self {
            name,
            paint: Paint::new(1),
            cursor: Cursor::default(),
            last: None,
            erases: false,
            open: false,
        }
    }

    /// A fresh picture of so many pixels along a side.
    pub fn reset(&mut self, side: usize) -> Panel {
        *self = Self {
            paint: Paint::new(side),
            open: true,
            ..Self::new(self.name)
        };
        self.panel()
    }

    /// No strokes are taken from now on.
    pub fn put_away(&mut self) {
        self.open = false;
    }

    /// Just these pixels of a fresh picture are painted.
    pub fn fill(&mut self, side: usize, cells: &[bool]) -> Panel {
        let panel = self.reset(side);
        self.paint.set(cells);
        panel
    }

    /// Whether each pixel is painted, row by row.
    pub fn cells(&self) -> &[bool] {
        self.paint.cells()
    }

    /// Pixels along a side.
    pub fn side(&self) -> usize {
        self.paint.side()
    }

    /// The canvas' id.
    pub fn canvas(&self) -> String {
        format!("{}-canvas", self.name)
    }

    /// A pointer is pressed.
    pub fn press(&mut self, at: [f64; 2], size: f64) -> Touch {
        if !self.open {
            return Touch::Nothing;
        }
        self.paint.begin();
        self.stroke(at, at, size);
        Touch::Painted
    }

    /// A pointer moves.
    pub fn drag(&mut self, at: [f64; 2], size: f64) -> Touch {
        let Some(last) = self.last else {
            return Touch::Nothing;
        };
        self.stroke(last, at, size);
        Touch::Painted
    }

    /// A pointer is lifted.
    pub fn lift(&mut self) -> Touch {
        match self.last.take() {
            Some(_) => Touch::Over,
            None => Touch::Nothing,
        }
    }

    /// Arrows move the place where the space bar paints a dot; Z with `command`, Ctrl or ⌘, takes
    /// back.
    pub fn key(&mut self, key: &str, command: bool, size: f64) -> Touch {
        if !self.open {
            return Touch::Nothing;
        }
        match key {
            " " => {
                self.press(self.cursor.0, size);
                self.lift()
            }
            "z" if command => self.undo(),
            key if self.cursor.take(key, STEP) => Touch::Taken,
            _ => Touch::Nothing,
        }
    }

    /// The last stroke is taken back.
    pub fn undo(&mut self) -> Touch {
        if !self.open {
            return Touch::Nothing;
        }
        self.paint.undo();
        Touch::Over
    }

    /// Nothing is painted any more; that can be taken back.
    pub fn clear(&mut self) -> Touch {
        if !self.open {
            return Touch::Nothing;
        }
        self.paint.clear();
        Touch::Over
    }

    /// The brush becomes an eraser, or a brush again.
    pub fn turn(&mut self) -> Touch {
        self.erases = !self.erases;
        Touch::Taken
    }

    /// Where the keys have it, and whether it erases.
    pub fn panel(&self) -> Panel {
        let mut panel = self.cursor.panel(&format!("{}-cursor", self.name));
        panel.press(format!("{}-erase", self.name), self.erases);
        panel
    }

    fn stroke(&mut self, from: [f64; 2], to: [f64; 2], size: f64) {
        let side = self.paint.side() as f64;
        let radius = size / 200.0 * side;
        let scaled = |place: [f64; 2]| place.map(|v| v * side);
        self.paint
            .line(scaled(from), scaled(to), radius, !self.erases);
        self.last = Some(to);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn painted(brush: &Brush) -> usize {
        brush.cells().iter().filter(|&&cell| cell).count()
    }

    #[test]
    fn a_stroke_by_pointer_is_over_when_it_is_lifted_and_goes_back_as_a_whole() {
        let mut brush = Brush::new("guess");
        assert_eq!(
            brush.press([0.5; 2], 20.0),
            Touch::Nothing,
            "it is put away"
        );
        brush.reset(20);
        assert_eq!(
            brush.drag([0.5; 2], 20.0),
            Touch::Nothing,
            "nothing is pressed"
        );
        assert_eq!(brush.press([0.2, 0.5], 20.0), Touch::Painted);
        assert_eq!(brush.drag([0.8, 0.5], 20.0), Touch::Painted);
        assert_eq!((brush.lift(), brush.lift()), (Touch::Over, Touch::Nothing));
        assert!(painted(&brush) > 40, "four pixels wide, twelve long");
        assert_eq!(brush.undo(), Touch::Over);
        assert_eq!(painted(&brush), 0);
        brush.put_away();
        assert_eq!(
            (brush.undo(), brush.clear()),
            (Touch::Nothing, Touch::Nothing)
        );
    }

    #[test]
    fn all_of_it_works_by_keyboard() {
        let mut brush = Brush::new("guess");
        brush.reset(28);
        assert_eq!(brush.key(" ", false, 10.0), Touch::Over);
        let dot = painted(&brush);
        assert!(dot > 0);
        (0..8).for_each(|_| assert_eq!(brush.key("ArrowLeft", false, 10.0), Touch::Taken));
        brush.key(" ", false, 10.0);
        assert_eq!(painted(&brush), 2 * dot);
        let left = brush.panel().changes().count();
        assert_eq!(left, 3, "two sides of the cursor, and the eraser");
        brush.turn();
        assert_eq!(
            brush
                .panel()
                .attribute("guess-erase", "aria-pressed")
                .as_deref(),
            Some("true")
        );
        brush.key(" ", false, 10.0);
        assert_eq!(painted(&brush), dot);
        assert_eq!(brush.key("z", true, 10.0), Touch::Over);
        assert_eq!(painted(&brush), 2 * dot);
        assert_eq!(brush.key("z", false, 10.0), Touch::Nothing);
        assert_eq!(brush.key("Tab", false, 10.0), Touch::Nothing);
    }

    #[test]
    fn what_is_filled_in_can_be_taken_back() {
        let mut brush = Brush::new("whatif");
        brush.fill(2, &[true, false, true, false]);
        assert_eq!(brush.cells(), [true, false, true, false]);
        brush.undo();
        assert_eq!(painted(&brush), 0);
        assert_eq!((brush.side(), brush.canvas()), (2, "whatif-canvas".into()));
    }
}
