//! How a photo becomes a network's input: plain data, read by the image and model rooms.

/// A filter for resizing; both are widened when shrinking (antialiased), as in Pillow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Filter {
    /// Triangle filter.
    Bilinear,
    /// Catmull-Rom, a = −½.
    Bicubic,
}

/// How the photo's centre becomes a square.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Framing {
    /// Resize the shorter side to this many pixels, then take the centre.
    ResizeThenCrop(u32),
    /// Take the centre, this share of the shorter side wide, then resize.
    CropThenResize(f64),
}

/// From photo to input.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Preprocessing {
    /// Side of the network's input in pixels.
    pub size: u32,
    /// How the centre is taken.
    pub framing: Framing,
    /// How it is resized.
    pub filter: Filter,
    /// Subtracted from each channel, RGB, on the scale 0..=255.
    pub mean: [f32; 3],
    /// What each channel is then divided by.
    pub std: [f32; 3],
}

impl Preprocessing {
    /// `(v − mean) / std` of one pixel, v in 0..=255.
    pub fn normalise(&self, rgb: [u8; 3]) -> [f32; 3] {
        std::array::from_fn(|c| (f32::from(rgb[c]) - self.mean[c]) / self.std[c])
    }

    /// Values in one input: 3 · size².
    pub fn input_len(&self) -> usize {
        3 * (self.size * self.size) as usize
    }
}

/// The square of the photo that the network sees, in pixels of the upright photo.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Crop {
    /// Left edge.
    pub left: f64,
    /// Upper edge.
    pub top: f64,
    /// Side.
    pub side: f64,
}
