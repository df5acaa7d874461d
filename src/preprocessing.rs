//! How a photo becomes a network's input: plain data, read by the image and model rooms.

use serde::{Deserialize, Serialize};

/// A filter for resizing; both are widened when shrinking (antialiased), as in Pillow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Filter {
    /// Triangle filter.
    Bilinear,
    /// Catmull-Rom, a = −½.
    Bicubic,
}

/// How a photo becomes a picture of the input's shape.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub enum Framing {
    /// Resize the shorter side to this many pixels, then take the centre.
    ResizeThenCrop(u32),
    /// Take the largest middle part of the input's shape, this share of it, then resize.
    CropThenResize(f64),
    /// Take all of it and change its proportions, by TensorFlow 1's bilinear resizing: each pixel is
    /// read at its upper left corner, from the four nearest, however far the photo shrinks.
    Stretch,
    /// Take all of it and change its proportions, by the filter.
    Squash,
    /// Take all of it as it is, in the middle of grey.
    Pad,
}

/// From photo to input.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Preprocessing {
    /// Rows of the network's input.
    pub height: u32,
    /// Columns of the network's input.
    pub width: u32,
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
    pub fn normalise(&self, rgb: [f32; 3]) -> [f32; 3] {
        std::array::from_fn(|c| (rgb[c] - self.mean[c]) / self.std[c])
    }

    /// Pixels (RGB, 0..=255 each) as normalised planes: flat \[3, number of pixels\].
    pub fn planes(&self, pixels: impl ExactSizeIterator<Item = [f32; 3]>) -> Vec<f32> {
        let area = pixels.len();
        let mut planes = vec![0.0; 3 * area];
        for (k, pixel) in pixels.enumerate() {
            for (c, value) in self.normalise(pixel).into_iter().enumerate() {
                planes[c * area + k] = value;
            }
        }
        planes
    }

    /// What [`planes`](Self::planes) was made of, or near it: flat \[3, n\] as RGBA, 4 bytes a pixel.
    pub fn rgba(&self, planes: &[f32]) -> Vec<u8> {
        let area = planes.len() / 3;
        let byte = |k: usize, c: usize| {
            let value = planes[c * area + k] * self.std[c] + self.mean[c];
            value.round().clamp(0.0, 255.0) as u8
        };
        let pixels = (0..area).flat_map(|k| [byte(k, 0), byte(k, 1), byte(k, 2), 255]);
        pixels.collect()
    }

    /// Rows and columns of one input.
    pub fn size(&self) -> [usize; 2] {
        [self.height as usize, self.width as usize]
    }

    /// Values in one input: 3 · H · W.
    pub fn input_len(&self) -> usize {
        3 * self.size().iter().product::<usize>()
    }
}

/// The part of the photo that the network sees, in pixels of the upright photo.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Crop {
    /// Left edge.
    pub left: f64,
    /// Upper edge.
    pub top: f64,
    /// Width; to the height as the input's, unless the photo was stretched or squashed.
    pub width: f64,
    /// Height.
    pub height: f64,
}

#[cfg(test)]
mod tests {
    use crate::model::Architecture;

    #[test]
    fn pixels_come_back_as_they_were() {
        for architecture in [Architecture::ResNet18, Architecture::ShapesNet] {
            let preprocessing = architecture.preprocessing();
            let pixels = [[0.0, 1.0, 2.0], [255.0, 128.0, 7.0]];
            let planes = preprocessing.planes(pixels.into_iter());
            assert_eq!(
                preprocessing.rgba(&planes),
                [0, 1, 2, 255, 255, 128, 7, 255]
            );
        }
    }
}
