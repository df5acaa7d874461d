//! What someone paints on a picture: which pixels, with an eraser and a way back.

/// Strokes that can be taken back.
const MOST_UNDONE: usize = 30;

/// Pixels of a square picture that are painted, or not.
#[derive(Debug, Clone, PartialEq)]
pub struct Paint {
    side: usize,
    cells: Vec<bool>,
    before: Vec<Vec<bool>>,
}

impl Paint {
    /// Nothing painted on side × side pixels.
    pub fn new(side: usize) -> Self {
        Self {
            side,
            cells: vec![false; side * side],
            before: Vec::new(),
        }
    }

    /// Pixels along a side.
    pub fn side(&self) -> usize {
        self.side
    }

    /// Whether each pixel is painted, row by row.
    pub fn cells(&self) -> &[bool] {
        &self.cells
    }

    /// Whether nothing is.
    pub fn is_empty(&self) -> bool {
        !self.cells.contains(&true)
    }

    /// A stroke begins, which can be taken back as a whole.
    pub fn begin(&mut self) {
        if self.before.len() == MOST_UNDONE {
            self.before.remove(0);
        }
        self.before.push(self.cells.clone());
    }

    /// Paints just these pixels; that can be taken back.
    pub fn set(&mut self, cells: &[bool]) {
        self.begin();
        self.cells.fill(false);
        self.cells
            .iter_mut()
            .zip(cells)
            .for_each(|(cell, &painted)| *cell = painted);
    }

    /// A round brush goes from one point to another, in pixels from the upper left corner, and paints, or erases.
    pub fn line(&mut self, from: [f64; 2], to: [f64; 2], radius: f64, paints: bool) {
        let [along_x, along_y] = [to[0] - from[0], to[1] - from[1]];
        let length = along_x * along_x + along_y * along_y;
        // How far a pixel's middle is from the nearest point of the way.
        let distance = |x: f64, y: f64| {
            let share = ((x - from[0]) * along_x + (y - from[1]) * along_y) / length;
            let share = if length > 0.0 {
                share.clamp(0.0, 1.0)
            } else {
                0.0
            };
            (x - from[0] - share * along_x).hypot(y - from[1] - share * along_y)
        };
        let within = |a: f64, b: f64| {
            let limit = |v: f64| v.clamp(0.0, self.side as f64) as usize;
            limit(a.min(b) - radius)..limit((a.max(b) + radius).ceil())
        };
        let (rows, columns) = (within(from[1], to[1]), within(from[0], to[0]));
        for y in rows {
            for x in columns.clone() {
                if distance(x as f64 + 0.5, y as f64 + 0.5) <= radius.max(0.5) {
                    self.cells[y * self.side + x] = paints;
                }
            }
        }
    }

    /// Takes the last stroke back. Whether there was one.
    pub fn undo(&mut self) -> bool {
        match self.before.pop() {
            Some(cells) => {
                self.cells = cells;
                true
            }
            None => false,
        }
    }

    /// Nothing is painted any more; that too can be taken back.
    pub fn clear(&mut self) {
        self.begin();
        self.cells.fill(false);
    }
}

/// Which pixels lie at the edge of what is painted: painted, with a neighbour that is not.
pub fn outline(cells: &[bool]) -> Vec<bool> {
    let side = cells.len().isqrt();
    let at = |x: usize, y: usize| cells[y * side + x];
    let edge = |k: usize| {
        let (x, y) = (k % side, k / side);
        let inner = (1..side.saturating_sub(1)).contains(&x) && (1..side - 1).contains(&y);
        let open = || !(at(x - 1, y) && at(x + 1, y) && at(x, y - 1) && at(x, y + 1));
        cells[k] && (!inner || open())
    };
    (0..cells.len()).map(edge).collect()
}

/// Lays a colour, RGB and an opacity of 0..=1, over some pixels of a picture, RGBA.
pub fn tint(rgba: &mut [u8], cells: &[bool], colour: [u8; 3], opacity: f64) {
    let (pixels, _) = rgba.as_chunks_mut::<4>();
    for (pixel, _) in pixels
        .iter_mut()
        .zip(cells)
        .filter(|(_, painted)| **painted)
    {
        for (value, wanted) in pixel.iter_mut().zip(colour) {
            let (from, to) = (f64::from(*value), f64::from(wanted));
            *value = (from + (to - from) * opacity).round() as u8;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn painted(paint: &Paint) -> usize {
        paint.cells().iter().filter(|&&cell| cell).count()
    }

    #[test]
    fn a_dot_is_a_disc_and_a_line_is_a_strip_with_round_ends() {
        let mut paint = Paint::new(200);
        paint.line([100.0, 100.0], [100.0, 100.0], 20.0, true);
        let disc = std::f64::consts::PI * 400.0;
        assert!(
            (painted(&paint) as f64 / disc - 1.0).abs() < 0.02,
            "{}",
            painted(&paint)
        );
        paint.line([100.0, 100.0], [160.0, 100.0], 20.0, true);
        let strip = disc + 60.0 * 40.0;
        assert!(
            (painted(&paint) as f64 / strip - 1.0).abs() < 0.02,
            "{}",
            painted(&paint)
        );
        // A quick stroke leaves no gaps: it is painted wherever it went.
        assert!((80..180).all(|x| paint.cells()[100 * 200 + x]));
    }

    #[test]
    fn an_eraser_takes_away_and_each_stroke_can_be_taken_back() {
        let mut paint = Paint::new(50);
        paint.begin();
        paint.line([10.0, 25.0], [40.0, 25.0], 5.0, true);
        let all = painted(&paint);
        paint.begin();
        paint.line([25.0, 0.0], [25.0, 50.0], 3.0, false);
        assert!(painted(&paint) < all);
        assert!(paint.undo());
        assert_eq!(painted(&paint), all);
        paint.clear();
        assert!(paint.is_empty() && paint.undo() && !paint.is_empty());
        assert!(paint.undo() && paint.is_empty());
        paint.set(&[true; 50]);
        assert!(painted(&paint) == 50 && paint.undo() && paint.is_empty());
        assert!(!paint.undo());
    }

    #[test]
    fn strokes_off_the_picture_paint_what_is_on_it() {
        let mut paint = Paint::new(20);
        paint.line([-50.0, 10.0], [70.0, 10.0], 1.5, true);
        assert_eq!(painted(&paint), 20 * 4);
        paint.line([-9.0, -9.0], [-5.0, -9.0], 2.0, true);
        assert_eq!(painted(&paint), 20 * 4);
    }

    #[test]
    fn taking_back_has_an_end() {
        let mut paint = Paint::new(4);
        for _ in 0..100 {
            paint.begin();
        }
        let mut times = 0;
        while paint.undo() {
            times += 1;
        }
        assert_eq!(times, MOST_UNDONE);
    }

    #[test]
    fn the_outline_is_the_edge_of_what_is_painted() {
        let mut cells = vec![false; 49];
        for (x, y) in (2..5).flat_map(|y| (2..5).map(move |x| (x, y))) {
            cells[y * 7 + x] = true;
        }
        let edge = outline(&cells);
        assert_eq!(edge.iter().filter(|&&e| e).count(), 8);
        assert!(!edge[3 * 7 + 3]);
        assert_eq!(
            outline(&[true; 9]).iter().filter(|&&e| e).count(),
            8,
            "the picture's edge is one"
        );
        let mut rgba = vec![0; 4 * 49];
        tint(&mut rgba, &edge, [200, 100, 0], 0.5);
        assert_eq!(rgba[4 * (2 * 7 + 2)..][..4], [100, 50, 0, 0]);
        assert_eq!(rgba[..4], [0; 4]);
    }
}
