//! Colours as a file's profile says → sRGB, which is what networks were trained on and what screens are given.

use image::RgbImage;
use moxcms::{ColorProfile, DataColorSpace, Layout, TransformOptions};

/// Rows that are converted at a time.
const ROWS: usize = 16;

/// Converts a picture whose colours are those of an ICC profile. One that is not of red, green and blue, or that cannot
/// be read, changes nothing: then colours are taken for sRGB, as those of files without a profile are.
pub(super) fn to_srgb(rgb: &mut RgbImage, profile: &[u8]) {
    let Ok(profile) = ColorProfile::new_from_slice(profile) else {
        return;
    };
    if profile.color_space != DataColorSpace::Rgb {
        return;
    }
    let srgb = ColorProfile::new_srgb();
    let options = TransformOptions::default();
    let transform = profile.create_transform_8bit(Layout::Rgb, &srgb, Layout::Rgb, options);
    let Ok(transform) = transform else { return };
    let bytes = 3 * rgb.width() as usize * ROWS;
    let mut converted = vec![0; bytes];
    for rows in rgb.chunks_mut(bytes) {
        let converted = &mut converted[..rows.len()];
        if transform.transform(rows, converted).is_err() {
            return;
        }
        rows.copy_from_slice(converted);
    }
}
