//! What a detector found.

use serde::{Deserialize, Serialize};

/// A part of an image: left, top, right, bottom, each 0..=1 of its width or height.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Rect {
    /// Left edge.
    pub left: f32,
    /// Upper edge.
    pub top: f32,
    /// Right edge.
    pub right: f32,
    /// Lower edge.
    pub bottom: f32,
}

impl Rect {
    fn area(self) -> f32 {
        (self.right - self.left).max(0.0) * (self.bottom - self.top).max(0.0)
    }

    /// Share of the image that it covers; what reaches beyond does not count.
    pub fn visible_area(self) -> f32 {
        let whole = Rect {
            left: self.left.max(0.0),
            top: self.top.max(0.0),
            right: self.right.min(1.0),
            bottom: self.bottom.min(1.0),
        };
        whole.area()
    }

    /// Which pixels of an image of that height and width have their centre inside, row by row.
    pub fn covers(self, [height, width]: [usize; 2]) -> Vec<bool> {
        let at = |k: usize, length: usize| (k as f32 + 0.5) / length as f32;
        let inside = |k: usize| {
            let (x, y) = (at(k % width, width), at(k / width, height));
            (self.left..self.right).contains(&x) && (self.top..self.bottom).contains(&y)
        };
        (0..height * width).map(inside).collect()
    }

    /// Intersection over union, 0..=1.
    ///
    /// # Example
    ///
    /// ```
    /// use violet::model::Rect;
    ///
    /// let a = Rect { left: 0.0, top: 0.0, right: 0.2, bottom: 0.1 };
    /// let b = Rect { left: 0.1, ..a };
    /// assert!((a.overlap(b) - 0.5).abs() < 1e-6);
    /// ```
    pub fn overlap(self, other: Self) -> f32 {
        let common = Rect {
            left: self.left.max(other.left),
            top: self.top.max(other.top),
            right: self.right.min(other.right),
            bottom: self.bottom.min(other.bottom),
        };
        let union = self.area() + other.area() - common.area();
        if union > 0.0 {
            common.area() / union
        } else {
            0.0
        }
    }
}

/// Something a detector found.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Detection {
    /// Its class logit among the network's outputs: `anchor · classes + class`.
    pub output: usize,
    /// Its class.
    pub class: usize,
    /// Sigmoid of that logit, 0..=1.
    pub score: f32,
    /// Where it is in the network's input; it may reach beyond.
    pub rect: Rect,
}
