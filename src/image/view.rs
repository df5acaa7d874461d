//! Upright RGB pixels → what the network sees.

use image::{Rgb32FImage, RgbImage, imageops};
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64;

use super::{Photo, resize};
use crate::preprocessing::{Crop, Framing, Preprocessing};

/// The network's view of a photo, at the network's resolution.
#[derive(Debug, Clone)]
pub struct View {
    /// `size` × `size` pixels, RGB, 0..=255; whole numbers unless the photo was stretched.
    pub pixels: Vec<[f32; 3]>,
    /// Where it lies in the photo.
    pub crop: Crop,
}

impl View {
    /// Frames and resizes the photo as `preprocessing` says. Photos smaller than the network's
    /// input are enlarged.
    pub fn of(photo: &Photo, preprocessing: &Preprocessing) -> Self {
        let (width, height) = photo.rgb.dimensions();
        let shorter = width.min(height);
        let size = preprocessing.size;
        let filter = preprocessing.filter;
        match preprocessing.framing {
            Framing::CropThenResize(fraction) => {
                let side = ((f64::from(shorter) * fraction) as u32).max(1);
                let (left, top) = (centre(width, side), centre(height, side));
                let square = [left, top, side, side];
                let rgb = resize(&photo.rgb, square, [size, size], filter);
                Self {
                    pixels: pixels(&rgb),
                    crop: square_at(left.into(), top.into(), side.into()),
                }
            }
            Framing::ResizeThenCrop(resized) => {
                // torchvision truncates the longer side.
                let scaled = |side: u32| {
                    (u64::from(side) * u64::from(resized) / u64::from(shorter)).min(1 << 20) as u32
                };
                let (scaled_width, scaled_height) = (scaled(width), scaled(height));
                let whole = [0, 0, width, height];
                let small = resize(&photo.rgb, whole, [scaled_width, scaled_height], filter);
                let (left, top) = (centre(scaled_width, size), centre(scaled_height, size));
                let rgb = imageops::crop_imm(&small, left, top, size, size).to_image();
                let scale = f64::from(shorter) / f64::from(resized);
                let [left, top, side] = [left, top, size].map(|v| f64::from(v) * scale);
                Self {
                    pixels: pixels(&rgb),
                    crop: square_at(left, top, side),
                }
            }
            Framing::Squash => Self {
                pixels: pixels(&squash(&photo.rgb, [size, size], filter)),
                crop: Crop {
                    left: 0.0,
                    top: 0.0,
                    width: width.into(),
                    height: height.into(),
                },
            },
            Framing::Pad => {
                let longer = f64::from(width.max(height));
                let scale = f64::from(size) / longer;
                let side = |length: u32| ((f64::from(length) * scale).round() as u32).max(1);
                let inner = [side(width), side(height)];
                let small = squash(&photo.rgb, inner, filter);
                let mut square = RgbImage::from_pixel(size, size, image::Rgb(BORDER));
                let [left, top] = inner.map(|length| (size - length) / 2);
                imageops::replace(&mut square, &small, left.into(), top.into());
                Self {
                    pixels: pixels(&square),
                    crop: Crop {
                        left: -f64::from(left) / scale,
                        top: -f64::from(top) / scale,
                        width: longer,
                        height: longer,
                    },
                }
            }
            Framing::Stretch => Self {
                pixels: stretch(&photo.rgb, size),
                crop: Crop {
                    left: 0.0,
                    top: 0.0,
                    width: width.into(),
                    height: height.into(),
                },
            },
        }
    }

    /// The normalised input, flat \[3, size, size\], channels in the order RGB.
    pub fn input(&self, preprocessing: &Preprocessing) -> Vec<f32> {
        preprocessing.planes(self.pixels.iter().copied())
    }

    /// The same pixels, blurred beyond recognition: a Gaussian whose standard deviation is a tenth
    /// of the side.
    pub fn blurred(&self) -> Vec<[f32; 3]> {
        let side = self.pixels.len().isqrt() as u32;
        let values = self.pixels.as_flattened().iter().map(|v| v / 255.0);
        let image = Rgb32FImage::from_raw(side, side, values.collect());
        let image = image.unwrap_or_else(|| unreachable!("a view is square"));
        let blurred = imageops::blur(&image, side as f32 / 10.0);
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

fn square_at(left: f64, top: f64, side: f64) -> Crop {
    Crop {
        left,
        top,
        width: side,
        height: side,
    }
}

/// TensorFlow's `ResizeBilinear` with `align_corners` and `half_pixel_centers` off.
fn stretch(rgb: &RgbImage, size: u32) -> Vec<[f32; 3]> {
    let (width, height) = rgb.dimensions();
    // (the pixel before, the pixel after, how far between them) along one axis.
    let between = |k: u32, length: u32| {
        let position = k as f32 * (length as f32 / size as f32);
        let before = (position as u32).min(length - 1);
        let after = (before + 1).min(length - 1);
        (before, after, position - before as f32)
    };
    let mix = |a: f32, b: f32, share: f32| a + (b - a) * share;
    let pixel = |k: u32| {
        let (top, bottom, down) = between(k / size, height);
        let (left, right, across) = between(k % size, width);
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
    (0..size * size).map(pixel).collect()
}

/// Where a centred stretch of `inner` begins in one of `outer` (halves round to even, as in
/// torchvision's `center_crop`).
fn centre(outer: u32, inner: u32) -> u32 {
    (f64::from(outer.saturating_sub(inner)) / 2.0).round_ties_even() as u32
}
