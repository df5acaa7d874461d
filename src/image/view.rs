//! Upright RGB pixels → what the network sees.

use image::{
    GenericImageView, RgbImage,
    imageops::{self, FilterType},
};

use super::Photo;
use crate::preprocessing::{Crop, Filter, Framing, Preprocessing};

/// The network's view of a photo: its centre at the network's resolution.
#[derive(Debug, Clone)]
pub struct View {
    /// `size` × `size` pixels, each channel 0..=255.
    pub rgb: RgbImage,
    /// Where it lies in the photo.
    pub crop: Crop,
}

impl View {
    /// Frames and resizes the photo's centre as `preprocessing` says. Photos smaller than the
    /// network's input are enlarged.
    pub fn of(photo: &Photo, preprocessing: &Preprocessing) -> Self {
        let (width, height) = photo.rgb.dimensions();
        let shorter = width.min(height);
        let size = preprocessing.size;
        let filter = match preprocessing.filter {
            Filter::Bilinear => FilterType::Triangle,
            Filter::Bicubic => FilterType::CatmullRom,
        };
        match preprocessing.framing {
            Framing::CropThenResize(fraction) => {
                let side = ((f64::from(shorter) * fraction) as u32).max(1);
                let (left, top) = (centre(width, side), centre(height, side));
                let square = photo.rgb.view(left, top, side, side);
                Self {
                    rgb: imageops::resize(&*square, size, size, filter),
                    crop: Crop {
                        left: left.into(),
                        top: top.into(),
                        side: side.into(),
                    },
                }
            }
            Framing::ResizeThenCrop(resized) => {
                // torchvision truncates the longer side.
                let scaled = |side: u32| {
                    (u64::from(side) * u64::from(resized) / u64::from(shorter)).min(1 << 20) as u32
                };
                let (scaled_width, scaled_height) = (scaled(width), scaled(height));
                let small = imageops::resize(&photo.rgb, scaled_width, scaled_height, filter);
                let (left, top) = (centre(scaled_width, size), centre(scaled_height, size));
                let scale = f64::from(shorter) / f64::from(resized);
                Self {
                    rgb: imageops::crop_imm(&small, left, top, size, size).to_image(),
                    crop: Crop {
                        left: f64::from(left) * scale,
                        top: f64::from(top) * scale,
                        side: f64::from(size) * scale,
                    },
                }
            }
        }
    }

    /// The normalised input, flat \[3, size, size\], channels in the order RGB.
    pub fn input(&self, preprocessing: &Preprocessing) -> Vec<f32> {
        planes(self.rgb.pixels().map(|pixel| pixel.0), preprocessing)
    }
}

/// A flat \[3, size, size\] input of one colour, RGB 0..=255.
pub fn uniform_input(rgb: [u8; 3], preprocessing: &Preprocessing) -> Vec<f32> {
    planes(std::iter::repeat(rgb), preprocessing)
}

/// Where a centred stretch of `inner` begins in one of `outer` (halves round to even, as in
/// torchvision's `center_crop`).
fn centre(outer: u32, inner: u32) -> u32 {
    (f64::from(outer.saturating_sub(inner)) / 2.0).round_ties_even() as u32
}

/// Pixels → normalised planes.
fn planes(pixels: impl Iterator<Item = [u8; 3]>, preprocessing: &Preprocessing) -> Vec<f32> {
    let mut input = vec![0.0; preprocessing.input_len()];
    let area = input.len() / 3;
    for (k, rgb) in pixels.take(area).enumerate() {
        for (c, value) in preprocessing.normalise(rgb).into_iter().enumerate() {
            input[c * area + k] = value;
        }
    }
    input
}
