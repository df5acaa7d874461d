//! Resizing, antialiased.

use fast_image_resize::images::{TypedCroppedImage, TypedImage, TypedImageRef};
use fast_image_resize::{FilterType, ResizeAlg, ResizeOptions, Resizer, pixels::U8x3};
use image::RgbImage;

use crate::preprocessing::Filter;

/// A part of a picture, `[left, top, width, height]` in pixels, resized to `[width, height]`. What lies outside
/// the part has no influence.
///
/// # Panics
///
/// If the part is not within the picture.
pub fn resize(rgb: &RgbImage, part: [u32; 4], size: [u32; 2], filter: Filter) -> RgbImage {
    let filter = match filter {
        Filter::Bilinear => FilterType::Bilinear,
        Filter::Bicubic => FilterType::CatmullRom,
    };
    let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(filter));
    let [left, top, width, height] = part;
    let mut resized = RgbImage::new(size[0], size[1]);
    let whole = TypedImageRef::<U8x3>::from_buffer(rgb.width(), rgb.height(), rgb);
    let whole = whole.unwrap_or_else(|_| unreachable!("a picture has all its pixels"));
    let part = TypedCroppedImage::from_ref(&whole, left, top, width, height);
    let part = part.expect("a part of a picture lies within it");
    let target = TypedImage::<U8x3>::from_buffer(size[0], size[1], &mut resized);
    let mut target = target.unwrap_or_else(|_| unreachable!("a picture has all its pixels"));
    Resizer::new()
        .resize_typed(&part, &mut target, &options)
        .unwrap_or_else(|_| unreachable!("nothing more is cropped"));
    resized
}

#[cfg(test)]
mod tests {
    use image::Rgb;

    use super::*;

    fn row(picture: &RgbImage) -> Vec<u8> {
        picture.pixels().map(|pixel| pixel.0[0]).collect()
    }

    /// Pillow's rule: the filter is widened by the scale, and its weights at the pixels' middles sum to one.
    #[test]
    fn shrinking_by_half_weighs_pixels_by_a_triangle_twice_as_wide() {
        let values = [0u8, 70, 140, 210];
        let picture = RgbImage::from_fn(4, 1, |x, _| Rgb([values[x as usize]; 3]));
        // From the first result's middle the pixels' are ½, ½ and 1½ away, a fourth is out of reach: 3 : 3 : 1.
        let half = resize(&picture, [0, 0, 4, 1], [2, 1], Filter::Bilinear);
        assert_eq!(row(&half), [50, 160]);
    }

    #[test]
    fn what_lies_outside_the_part_has_no_influence() {
        let inside = |x| (10..20).contains(&x);
        let picture = RgbImage::from_fn(30, 30, |x, y| {
            let bright = inside(x) && inside(y);
            Rgb([if bright { 200 } else { 0 }; 3])
        });
        for filter in [Filter::Bilinear, Filter::Bicubic] {
            for side in [3, 10, 25] {
                let part = resize(&picture, [10, 10, 10, 10], [side, side], filter);
                assert!(row(&part).iter().all(|&value| value == 200), "{side}");
            }
        }
    }
}
