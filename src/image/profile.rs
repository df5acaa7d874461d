//! Colours as a file's profile says → sRGB, which is what networks were trained on and what screens are given.

use image::RgbImage;
use moxcms::{ColorProfile, DataColorSpace, ToneReprCurve};

/// Steps of linear light that are told apart: no two levels of sRGB fall into one.
const STEPS: usize = 8192;

/// Converts a picture whose colours are those of an ICC profile of three curves and a matrix, as cameras, phones and
/// editors write them. Another profile, or one that cannot be read, changes nothing: then colours are taken for sRGB, as
/// those of files without a profile are.
///
/// # Source
///
/// ICC.1:2022, F.3 (three-component matrix-based profiles); IEC 61966-2-1 (sRGB).
pub(super) fn to_srgb(rgb: &mut RgbImage, profile: &[u8]) {
    let Ok(profile) = ColorProfile::new_from_slice(profile) else {
        return;
    };
    if profile.color_space != DataColorSpace::Rgb {
        return;
    }
    let curves = [&profile.red_trc, &profile.green_trc, &profile.blue_trc];
    let [Some(red), Some(green), Some(blue)] = curves.map(|curve| curve.as_ref().and_then(linear))
    else {
        return;
    };
    let matrix = profile.transform_matrix(&ColorProfile::new_srgb()).v;
    let matrix = matrix.map(|row| row.map(|v| v as f32));
    let levels: Vec<u8> = (0..=STEPS)
        .map(|step| encoded(step as f32 / STEPS as f32))
        .collect();
    for pixel in rgb.pixels_mut() {
        let [r, g, b] = pixel.0.map(usize::from);
        let light = [red[r], green[g], blue[b]];
        pixel.0 = matrix.map(|row| {
            let sum: f32 = row.iter().zip(light).map(|(m, v)| m * v).sum();
            levels[(sum.clamp(0.0, 1.0) * STEPS as f32).round() as usize]
        });
    }
}

/// The light of each level of a channel, 0..=1.
fn linear(curve: &ToneReprCurve) -> Option<Vec<f32>> {
    let curve = curve.make_linear_evaluator().ok()?;
    let light = |level: u8| curve.evaluate_value(f32::from(level) / 255.0);
    Some((0..=u8::MAX).map(light).collect())
}

/// The level of sRGB of that light.
fn encoded(light: f32) -> u8 {
    let value = match light {
        v if v <= 0.003_130_8 => 12.92 * v,
        v => 1.055 * v.powf(1.0 / 2.4) - 0.055,
    };
    (255.0 * value).round() as u8
}
