//! Upright RGB pixels → what the network sees.

use image::{Rgb32FImage, RgbImage, imageops};
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64;

use super::{Photo, resize};
use crate::preprocessing::{Crop, Framing, Preprocessing};

/// The network's view of a photo, at the network's resolution.
#[derive(Debug, Clone)]
pub struct View {
    /// Pixels row by row, RGB, 0..=255; whole numbers unless the photo was stretched.
    pub pixels: Vec<[f32; 3]>,
    /// Pixels in a row.
    pub width: u32,
    /// Where it lies in the photo.
    pub crop: Crop,
}

impl View {
    /// Frames and resizes the photo as `preprocessing` says. Photos smaller than the network's
    /// input are enlarged.
    pub fn of(photo: &Photo, preprocessing: &Preprocessing) -> Self {
        let (width, height) = photo.rgb.dimensions();
        let shorter = width.min(height);
        let to @ [columns, rows] = [preprocessing.width, preprocessing.height];
        let filter = preprocessing.filter;
        let whole = Crop {
            left: 0.0,
            top: 0.0,
            width: width.into(),
            height: height.into(),
        };
        let (pixels, crop) = match preprocessing.framing {
            Framing::CropThenResize(fraction) => {
                let middle = middle([width, height], to, fraction);
                let [left, top] = [centre(width, middle[0]), centre(height, middle[1])];
                let part = [left, top, middle[0], middle[1]];
                let crop = Crop {
                    left: left.into(),
                    top: top.into(),
                    width: middle[0].into(),
                    height: middle[1].into(),
                };
                (pixels(&resize(&photo.rgb, part, to, filter)), crop)
            }
            Framing::ResizeThenCrop(resized) => {
                // torchvision truncates the longer side.
                let scaled = |side: u32| {
                    (u64::from(side) * u64::from(resized) / u64::from(shorter)).min(1 << 20) as u32
                };
                let (scaled_width, scaled_height) = (scaled(width), scaled(height));
                let whole = [0, 0, width, height];
                let small = resize(&photo.rgb, whole, [scaled_width, scaled_height], filter);
                let (left, top) = (centre(scaled_width, columns), centre(scaled_height, rows));
                let rgb = imageops::crop_imm(&small, left, top, columns, rows).to_image();
                let scale = f64::from(shorter) / f64::from(resized);
                let [left, top, width, height] =
                    [left, top, columns, rows].map(|v| f64::from(v) * scale);
                let crop = Crop {
                    left,
                    top,
                    width,
                    height,
                };
                (pixels(&rgb), crop)
            }
            Framing::Squash => (pixels(&squash(&photo.rgb, to, filter)), whole),
            Framing::Pad => {
                let across = f64::from(columns) / f64::from(width);
                let scale = across.min(f64::from(rows) / f64::from(height));
                let side = |length: u32, most: u32| {
                    let side = (f64::from(length) * scale).round() as u32;
                    side.clamp(1, most)
                };
                let inner = [side(width, columns), side(height, rows)];
                let small = squash(&photo.rgb, inner, filter);
                let mut padded = RgbImage::from_pixel(columns, rows, image::Rgb(BORDER));
                let [left, top] = [(columns - inner[0]) / 2, (rows - inner[1]) / 2];
                imageops::replace(&mut padded, &small, left.into(), top.into());
                let crop = Crop {
                    left: -f64::from(left) / scale,
                    top: -f64::from(top) / scale,
                    width: f64::from(columns) / scale,
                    height: f64::from(rows) / scale,
                };
                (pixels(&padded), crop)
            }
            Framing::Stretch => (stretch(&photo.rgb, to), whole),
        };
        Self {
            pixels,
            width: columns,
            crop,
        }
    }

    /// The normalised input, flat \[3, H, W\], channels in the order RGB.
    pub fn input(&self, preprocessing: &Preprocessing) -> Vec<f32> {
        preprocessing.planes(self.pixels.iter().copied())
    }

    /// The same pixels, blurred beyond recognition: a Gaussian whose standard deviation is a tenth
    /// of the side, of a square of as many pixels.
    pub fn blurred(&self) -> Vec<[f32; 3]> {
        let side = (self.pixels.len() as f32).sqrt();
        let height = self.pixels.len() as u32 / self.width;
        let values = self.pixels.as_flattened().iter().map(|v| v / 255.0);
        let image = Rgb32FImage::from_raw(self.width, height, values.collect());
        let image = image.unwrap_or_else(|| unreachable!("a view has whole rows"));
        let blurred = imageops::blur(&image, side / 10.0);
        blurred
            .pixels()
            .map(|pixel| pixel.0.map(|v| v * 255.0))
            .collect()
    }

    /// RGB, 3 bytes a pixel.
    pub fn rgb(&self) -> Vec<u8> {
        let values = self.pixels.as_flattened().iter();
        values.map(|value| value.round() as u8).collect()
    }
}

/// Pixels of noise, each channel evenly over 0..=255. The same seed gives the same pixels
/// everywhere.
pub fn noise(seed: u64, count: usize) -> Vec<[f32; 3]> {
    let mut random = Pcg64::seed_from_u64(seed);
    let mut value = || (random.random::<f32>() * 255.0).round();
    (0..count).map(|_| [value(), value(), value()]).collect()
}

/// All of a photo in another size; one that has it already is left as it is.
fn squash(rgb: &RgbImage, to: [u32; 2], filter: crate::preprocessing::Filter) -> RgbImage {
    let (width, height) = rgb.dimensions();
    if [width, height] == to {
        return rgb.clone();
    }
    resize(rgb, [0, 0, width, height], to, filter)
}

/// What lies around a photo that is padded: the grey of Ultralytics' letterbox.
const BORDER: [u8; 3] = [114; 3];

fn pixels(rgb: &RgbImage) -> Vec<[f32; 3]> {
    rgb.pixels().map(|pixel| pixel.0.map(f32::from)).collect()
}

/// The largest part of `[width, height]` that is shaped as `to`, and of that so large a share of each side.
fn middle([width, height]: [u32; 2], to: [u32; 2], share: f64) -> [u32; 2] {
    let [across, down] = to.map(f64::from);
    let scale = (f64::from(width) / across).min(f64::from(height) / down);
    let length = |pixels: f64, most: u32| ((pixels * scale * share + SLACK) as u32).clamp(1, most);
    [length(across, width), length(down, height)]
}

/// What rounding may take from a whole number of pixels.
const SLACK: f64 = 1e-9;

/// TensorFlow's `ResizeBilinear` with `align_corners` and `half_pixel_centers` off.
fn stretch(rgb: &RgbImage, [columns, rows]: [u32; 2]) -> Vec<[f32; 3]> {
    let (width, height) = rgb.dimensions();
    // (the pixel before, the pixel after, how far between them) along one axis.
    let between = |k: u32, length: u32, size: u32| {
        let position = k as f32 * (length as f32 / size as f32);
        let before = (position as u32).min(length - 1);
        let after = (before + 1).min(length - 1);
        (before, after, position - before as f32)
    };
    let mix = |a: f32, b: f32, share: f32| a + (b - a) * share;
    let pixel = |k: u32| {
        let (top, bottom, down) = between(k / columns, height, rows);
        let (left, right, across) = between(k % columns, width, columns);
        let at = |x, y| rgb.get_pixel(x, y).0.map(f32::from);
        let corners = [
            at(left, top),
            at(right, top),
            at(left, bottom),
            at(right, bottom),
        ];
        std::array::from_fn(|c| {
            let above = mix(corners[0][c], corners[1][c], across);
            mix(above, mix(corners[2][c], corners[3][c], across), down)
        })
    };
    (0..columns * rows).map(pixel).collect()
}

/// Where a centred stretch of `inner` begins in one of `outer` (halves round to even, as in
/// torchvision's `center_crop`).
fn centre(outer: u32, inner: u32) -> u32 {
    (f64::from(outer.saturating_sub(inner)) / 2.0).round_ties_even() as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::preprocessing::Filter;

    fn view(width: u32, height: u32, framing: Framing) -> View {
        let rgb = RgbImage::from_fn(200, 100, |x, y| image::Rgb([x as u8, y as u8, 0]));
        let photo = Photo {
            rgb,
            animated: false,
            incomplete: false,
        };
        let preprocessing = Preprocessing {
            height,
            width,
            framing,
            filter: Filter::Bilinear,
            mean: [0.0; 3],
            std: [1.0; 3],
        };
        View::of(&photo, &preprocessing)
    }

    #[test]
    fn an_input_that_is_not_square_sees_the_middle_of_its_own_shape() {
        let tall = view(10, 20, Framing::CropThenResize(1.0));
        let Crop {
            left,
            top,
            width,
            height,
        } = tall.crop;
        assert_eq!([left, top, width, height], [75.0, 0.0, 50.0, 100.0]);
        assert_eq!((tall.width, tall.pixels.len()), (10, 200));
        // Red rises to the right, green downwards, by five pixels of the photo each.
        assert_eq!(tall.pixels[1][0] - tall.pixels[0][0], 5.0);
        assert_eq!(tall.pixels[10][1] - tall.pixels[0][1], 5.0);
        // As wide as the photo: all of it, pixel by pixel.
        let whole = view(200, 100, Framing::CropThenResize(1.0));
        assert_eq!(
            (whole.crop.width, whole.pixels[5 * 200 + 7]),
            (200.0, [7.0, 5.0, 0.0])
        );
    }

    #[test]
    fn squashed_and_padded_views_hold_all_of_the_photo() {
        let squashed = view(20, 40, Framing::Squash);
        assert_eq!((squashed.crop.width, squashed.crop.height), (200.0, 100.0));
        assert_eq!(squashed.pixels.len(), 800);
        // 20 × 10 of 20 × 40, so 15 rows of grey above and below.
        let padded = view(20, 40, Framing::Pad);
        let grey = padded.pixels.iter().filter(|&&p| p == [114.0; 3]).count();
        assert_eq!(grey, 20 * 30);
        let Crop {
            left,
            top,
            width,
            height,
        } = padded.crop;
        assert_eq!([left, top, width, height], [0.0, -150.0, 200.0, 400.0]);
        assert_eq!(padded.blurred().len(), 800);
    }
}
