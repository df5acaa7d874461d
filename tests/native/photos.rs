//! Photos of every kind that is read, and what is said of those that are not.

use std::io::Cursor;

use image::{DynamicImage, ImageEncoder, ImageFormat, Rgb, RgbImage, Rgba, RgbaImage};
use violet::Error;
use violet::image::{Photo, View};
use violet::model::ModelSpec;

use crate::common;

/// Four coloured quarters: red, green / blue, white.
fn quarters(width: u32, height: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |x, y| {
        match (x < width / 2, y < height / 2) {
            (true, true) => Rgb([255, 0, 0]),
            (false, true) => Rgb([0, 255, 0]),
            (true, false) => Rgb([0, 0, 255]),
            (false, false) => Rgb([255, 255, 255]),
        }
    })
}

fn encode(image: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    image.write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

fn assert_close(found: Rgb<u8>, expected: [u8; 3], what: &str) {
    let far = (0..3).any(|c| found.0[c].abs_diff(expected[c]) > 12);
    assert!(!far, "{what}: {found:?} for {expected:?}");
}

#[test]
fn every_format_is_read() {
    let picture = DynamicImage::ImageRgb8(quarters(64, 48));
    for format in [
        ImageFormat::Png,
        ImageFormat::Jpeg,
        ImageFormat::WebP,
        ImageFormat::Bmp,
        ImageFormat::Gif,
    ] {
        let bytes = match format {
            ImageFormat::Gif => encode(&DynamicImage::ImageRgba8(picture.to_rgba8()), format),
            _ => encode(&picture, format),
        };
        let photo = Photo::decode(&bytes).unwrap();
        let what = format!("{format:?}");
        assert_eq!(photo.rgb.dimensions(), (64, 48), "{what}");
        assert_close(*photo.rgb.get_pixel(8, 8), [255, 0, 0], &what);
        assert_close(*photo.rgb.get_pixel(56, 40), [255, 255, 255], &what);
        assert!(!photo.animated, "{what}");
    }
}

/// From one value of Display P3, 0..=255 a channel, to sRGB, by the definitions of both in f64: their transfer function is
/// the same (IEC 61966-2-1), and the matrix is that of their primaries at D65 (SMPTE EG 432-1).
fn srgb_of_p3(p3: [u8; 3]) -> [f64; 3] {
    const MATRIX: [[f64; 3]; 3] = [
        [1.224_940, -0.224_940, 0.0],
        [-0.042_057, 1.042_057, 0.0],
        [-0.019_638, -0.078_636, 1.098_274],
    ];
    let linear = p3.map(|v| match f64::from(v) / 255.0 {
        v if v <= 0.04045 => v / 12.92,
        v => ((v + 0.055) / 1.055).powf(2.4),
    });
    MATRIX.map(|row| {
        let sum: f64 = row.iter().zip(linear).map(|(m, v)| m * v).sum();
        255.0
            * match sum.clamp(0.0, 1.0) {
                v if v <= 0.003_130_8 => v * 12.92,
                v => 1.055 * v.powf(1.0 / 2.4) - 0.055,
            }
    })
}

#[test]
fn colours_are_those_of_the_profile() {
    let colours = [
        [200, 100, 50],
        [30, 180, 90],
        [128, 128, 128],
        [255, 0, 0],
        [12, 34, 250],
    ];
    // Higher than what is converted at a time.
    let picture = RgbImage::from_fn(5, 70, |x, _| Rgb(colours[x as usize]));
    let encoded = |profile: Option<Vec<u8>>| {
        let mut bytes = Vec::new();
        let mut encoder = image::codecs::png::PngEncoder::new(&mut bytes);
        if let Some(profile) = profile {
            encoder.set_icc_profile(profile).unwrap();
        }
        picture.write_with_encoder(encoder).unwrap();
        Photo::decode(&bytes).unwrap().rgb
    };
    let p3 = moxcms::ColorProfile::new_display_p3().encode().unwrap();
    let found = encoded(Some(p3.clone()));
    for (x, colour) in colours.into_iter().enumerate() {
        let expected = srgb_of_p3(colour);
        for y in [0, 69] {
            let found = found.get_pixel(x as u32, y).0;
            let far = found.iter().zip(expected);
            let far = far
                .map(|(&a, b)| (f64::from(a) - b).abs())
                .fold(0.0, f64::max);
            assert!(far <= 2.0, "{colour:?}: {found:?} for {expected:?}");
        }
    }
    // Neither none, nor one of sRGB, nor one that nobody can read changes anything much.
    let srgb = moxcms::ColorProfile::new_srgb().encode().unwrap();
    assert_eq!(encoded(None), picture);
    assert_eq!(encoded(Some(p3[..40].to_vec())), picture);
    let same = encoded(Some(srgb));
    let pairs = same.iter().zip(picture.iter());
    assert!(pairs.into_iter().all(|(a, b)| a.abs_diff(*b) <= 1));
}

#[test]
fn sixteen_bits_and_grey_become_eight_bit_rgb() {
    let deep = image::ImageBuffer::from_fn(4, 4, |_, _| Rgb([65535u16, 32768, 0]));
    let photo = Photo::decode(&encode(&DynamicImage::ImageRgb16(deep), ImageFormat::Png)).unwrap();
    assert_close(*photo.rgb.get_pixel(1, 1), [255, 128, 0], "16 bit");
    let grey = image::ImageBuffer::from_pixel(4, 4, image::Luma([77u8]));
    let photo = Photo::decode(&encode(&DynamicImage::ImageLuma8(grey), ImageFormat::Png)).unwrap();
    assert_close(*photo.rgb.get_pixel(1, 1), [77, 77, 77], "grey");
}

#[test]
fn transparency_lies_over_white() {
    let clear = RgbaImage::from_fn(4, 4, |x, _| {
        if x < 2 {
            Rgba([200, 0, 0, 0])
        } else {
            Rgba([0, 0, 0, 128])
        }
    });
    let photo = Photo::decode(&encode(&DynamicImage::ImageRgba8(clear), ImageFormat::Png)).unwrap();
    assert_close(*photo.rgb.get_pixel(0, 0), [255, 255, 255], "transparent");
    assert_close(
        *photo.rgb.get_pixel(3, 0),
        [127, 127, 127],
        "half transparent",
    );
}

/// What EXIF says of an orientation, and nothing else: a TIFF header and one entry.
fn tiff(orientation: u8) -> Vec<u8> {
    let mut tiff = b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0".to_vec();
    tiff.extend([orientation, 0, 0, 0, 0, 0, 0]);
    tiff
}

/// A WebP, lossless, in the extended format, whose last chunk is EXIF's.
fn oriented_webp(orientation: u8) -> Vec<u8> {
    let plain = encode(
        &DynamicImage::ImageRgb8(quarters(64, 48)),
        ImageFormat::WebP,
    );
    let chunk = |name: &[u8; 4], data: &[u8]| {
        let length = (data.len() as u32).to_le_bytes();
        let padding = vec![0; data.len() % 2];
        [name, &length[..], data, &padding].concat()
    };
    // That there is EXIF, then width and height less one, of three bytes each.
    let head = chunk(b"VP8X", &[8, 0, 0, 0, 63, 0, 0, 47, 0, 0]);
    let chunks = [
        head,
        plain[12..].to_vec(),
        chunk(b"EXIF", &tiff(orientation)),
    ]
    .concat();
    let length = (4 + chunks.len() as u32).to_le_bytes();
    [b"RIFF", &length[..], b"WEBP", &chunks].concat()
}

/// A JPEG with an EXIF orientation put in after its first marker.
fn oriented(orientation: u8) -> Vec<u8> {
    let jpeg = encode(
        &DynamicImage::ImageRgb8(quarters(64, 48)),
        ImageFormat::Jpeg,
    );
    let exif = [b"Exif\0\0".to_vec(), tiff(orientation)].concat();
    let length = (exif.len() + 2) as u16;
    let mut bytes = jpeg[..2].to_vec();
    bytes.extend([0xFF, 0xE1]);
    bytes.extend(length.to_be_bytes());
    bytes.extend(exif);
    bytes.extend(&jpeg[2..]);
    bytes
}

#[test]
fn exif_orientation_is_applied() {
    for oriented in [oriented, oriented_webp] {
        let upright = Photo::decode(&oriented(1)).unwrap();
        assert_eq!(upright.rgb.dimensions(), (64, 48));
        // 6: the camera was turned left; the picture has to be turned right.
        let turned = Photo::decode(&oriented(6)).unwrap();
        assert_eq!(turned.rgb.dimensions(), (48, 64));
        assert_close(*turned.rgb.get_pixel(40, 8), [255, 0, 0], "upper right");
        let upside_down = Photo::decode(&oriented(3)).unwrap();
        assert_close(
            *upside_down.rgb.get_pixel(56, 40),
            [255, 0, 0],
            "lower right",
        );
    }
}

#[test]
fn cmyk_jpeg_is_read() {
    // Made by Pillow: CMYK, Adobe marker (inverted), red left and cyan right.
    let bytes = std::fs::read(common::root().join("tests/golden/cmyk.jpg")).unwrap();
    let photo = Photo::decode(&bytes).unwrap();
    assert_close(*photo.rgb.get_pixel(4, 8), [255, 0, 0], "left");
    assert_close(*photo.rgb.get_pixel(28, 8), [0, 255, 255], "right");
}

#[test]
fn animations_give_their_first_frame_and_say_so() {
    let mut bytes = Vec::new();
    {
        let mut encoder = image::codecs::gif::GifEncoder::new(&mut bytes);
        for colour in [[255, 0, 0, 255], [0, 0, 255, 255]] {
            let frame = image::Frame::new(RgbaImage::from_pixel(8, 8, Rgba(colour)));
            encoder.encode_frame(frame).unwrap();
        }
    }
    let photo = Photo::decode(&bytes).unwrap();
    assert!(photo.animated);
    assert_close(*photo.rgb.get_pixel(4, 4), [255, 0, 0], "first frame");
}

#[test]
fn what_is_no_photo_is_named() {
    assert!(matches!(Photo::decode(b""), Err(Error::EmptyFile)));
    for (bytes, name) in [
        (&b"%PDF-1.7"[..], "PDF"),
        (b"<?xml version='1.0'?><svg xmlns=''/>", "SVG"),
        (b"\0\0\0\x18ftypheic\0\0\0\0", "HEIC"),
        (b"PK\x03\x04abc", "zip"),
    ] {
        let sentence = Photo::decode(bytes).unwrap_err().to_string();
        assert!(sentence.contains(name), "{sentence}");
    }
    assert!(matches!(
        Photo::decode(b"hello, world"),
        Err(Error::UnknownImageFormat { found: None })
    ));
}

#[test]
fn photos_that_end_early_are_shown_as_far_as_they_go() {
    // A photo's upper half is not like its lower one, so that grey at its end is what is missing.
    let cat = std::fs::read(common::root().join("www/samples/cat.jpg")).unwrap();
    let whole = Photo::decode(&cat).unwrap();
    assert!(!whole.incomplete);
    let picture = DynamicImage::ImageRgb8(whole.rgb.clone());
    for format in [ImageFormat::Jpeg, ImageFormat::Png, ImageFormat::Bmp] {
        let bytes = encode(&picture, format);
        let whole = Photo::decode(&bytes).unwrap();
        for share in [0.4, 0.97] {
            let length = (share * bytes.len() as f64) as usize;
            let cut = Photo::decode(&bytes[..length]).unwrap();
            let what = format!("{format:?}, {share}");
            assert!(cut.incomplete && !whole.incomplete, "{what}");
            assert_eq!(cut.rgb.dimensions(), whole.rgb.dimensions(), "{what}");
            let (width, height) = whole.rgb.dimensions();
            // A BMP begins with its last row.
            let (there, missing) = match format {
                ImageFormat::Bmp => (height - 1, 0),
                _ => (0, height - 1),
            };
            let row = |photo: &Photo, y: u32| -> Vec<_> {
                (0..width).map(|x| *photo.rgb.get_pixel(x, y)).collect()
            };
            assert_eq!(row(&cut, there), row(&whole, there), "{what}");
            let grey = row(&cut, missing).iter().all(|p| *p == Rgb([128; 3]));
            assert!(grey, "{what}: {:?}", cut.rgb.get_pixel(0, missing));
        }
    }
}

#[test]
fn a_jpeg_without_its_end_marker_is_whole() {
    let cat = std::fs::read(common::root().join("www/samples/cat.jpg")).unwrap();
    let flat = encode(
        &DynamicImage::ImageRgb8(quarters(64, 48)),
        ImageFormat::Jpeg,
    );
    for bytes in [cat, flat] {
        let whole = Photo::decode(&bytes).unwrap();
        for unended in [&bytes[..bytes.len() - 2], &bytes[..bytes.len() - 1]] {
            let found = Photo::decode(unended).unwrap();
            assert!(!found.incomplete);
            assert!(found.rgb == whole.rgb, "the same pixels");
        }
    }
}

#[test]
fn photos_of_which_nothing_can_be_had_are_refused() {
    let picture = DynamicImage::ImageRgb8(quarters(64, 48));
    for format in [
        ImageFormat::Png,
        ImageFormat::WebP,
        ImageFormat::Bmp,
        ImageFormat::Jpeg,
    ] {
        let bytes = encode(&picture, format);
        for length in [12, 40] {
            let found = Photo::decode(&bytes[..length]);
            assert!(
                matches!(found, Err(Error::DamagedImage { .. })),
                "{format:?} {length}"
            );
        }
    }
}

#[test]
fn a_jpeg_that_ends_before_its_scan_is_refused() {
    let cat = std::fs::read(common::root().join("www/samples/cat.jpg")).unwrap();
    let scan = cat
        .windows(2)
        .position(|pair| pair == [0xFF, 0xDA])
        .unwrap();
    let found = Photo::decode(&cat[..scan]);
    assert!(matches!(found, Err(Error::DamagedImage { .. })));
}

#[test]
fn a_header_of_a_huge_image_takes_no_memory() {
    // A PNG's first chunk, claiming 50,000 × 50,000 pixels, with its right checksum.
    let mut png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec();
    png.extend(50_000u32.to_be_bytes());
    png.extend(50_000u32.to_be_bytes());
    png.extend([8, 2, 0, 0, 0]);
    let crc = png[12..].iter().fold(!0u32, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |c, _| {
            (c >> 1) ^ (0xEDB8_8320 & (c & 1).wrapping_neg())
        })
    });
    png.extend((!crc).to_be_bytes());
    png.extend(b"\0\0\0\0IDAT\x35\xaf\x06\x1e");
    assert!(matches!(
        Photo::decode(&png),
        Err(Error::ImageTooLarge {
            dimensions: Some((50_000, 50_000)),
            ..
        })
    ));
}

#[test]
fn the_view_is_pillows_to_a_grey_level() {
    // tests/golden/view.png is the cat framed and resized by Pillow for EfficientNet-Lite0.
    let bytes = std::fs::read(common::root().join("www/samples/cat.jpg")).unwrap();
    let photo = Photo::decode(&bytes).unwrap();
    let spec = ModelSpec::from_name("efficientnet-lite0").unwrap();
    let view = View::of(&photo, &spec.preprocessing);
    let (expected, _) = common::view_middle(0, 224);
    let total: u64 = view
        .rgb()
        .iter()
        .zip(&expected)
        .map(|(a, b)| u64::from(a.abs_diff(*b)))
        .sum();
    let mean = total as f64 / expected.len() as f64;
    println!("mean difference {mean:.3} of 255");
    assert!(mean < 1.0, "{mean}");
}

#[test]
fn any_shape_of_photo_gives_a_full_view() {
    for (width, height) in [
        (1, 1),
        (3, 900),
        (900, 3),
        (100, 80),
        (224, 224),
        (513, 257),
    ] {
        let photo = Photo {
            rgb: quarters(width, height),
            animated: false,
            incomplete: false,
        };
        for spec in &violet::model::catalog::CATALOG {
            let view = View::of(&photo, &spec.preprocessing);
            let pixels = view.rgb().len() / 3;
            assert_eq!(
                pixels,
                spec.preprocessing.input_len() / 3,
                "{width} × {height}"
            );
            let crop = view.crop;
            assert!(crop.left >= 0.0 && crop.left + crop.width <= f64::from(width) + 1.0);
            assert!(crop.top >= 0.0 && crop.top + crop.height <= f64::from(height) + 1.0);
            assert!(
                view.input(&spec.preprocessing)
                    .iter()
                    .all(|v| v.is_finite())
            );
        }
    }
}

#[test]
fn black_is_rgb_zero_not_zero() {
    for spec in &violet::model::catalog::CATALOG {
        let black = common::black(spec);
        let expected = -spec.preprocessing.mean[0] / spec.preprocessing.std[0];
        assert!((black[0] - expected).abs() < 1e-6 && expected < -0.9);
    }
}

#[test]
fn stretching_reads_where_tensorflow_reads() {
    // 2 × 1 pixels to 300 × 300: column k reads at 2k/300, between the two and then the second.
    let photo = Photo {
        rgb: image::RgbImage::from_raw(2, 1, vec![0, 0, 0, 200, 100, 50]).unwrap(),
        animated: false,
        incomplete: false,
    };
    let spec = ModelSpec::from_name("ssd-mobilenet-v2").unwrap();
    let view = View::of(&photo, &spec.preprocessing);
    assert_eq!(view.pixels[0], [0.0; 3]);
    assert_eq!(view.pixels[75], [100.0, 50.0, 25.0]);
    assert_eq!(view.pixels[150], [200.0, 100.0, 50.0]);
    assert_eq!(view.pixels[300 * 299 + 299], [200.0, 100.0, 50.0]);
}

#[test]
fn a_scene_is_seen_as_it_was_drawn() {
    let scene = violet::shapes::Scene::draw(3, violet::shapes::Tag::Telling);
    let spec = ModelSpec::from_name("shapesnet").unwrap();
    assert_eq!(
        View::of(&Photo::from(&scene), &spec.preprocessing).rgb(),
        scene.rgb
    );
}

#[test]
fn a_blurred_view_keeps_its_mean_and_loses_its_edges() {
    let bytes = std::fs::read(common::root().join("www/samples/cat.jpg")).unwrap();
    let spec = ModelSpec::from_name("efficientnet-lite0").unwrap();
    let view = View::of(&Photo::decode(&bytes).unwrap(), &spec.preprocessing);
    let blurred = view.blurred();
    let mean = |pixels: &[[f32; 3]]| {
        let values = pixels.as_flattened();
        values.iter().sum::<f32>() / values.len() as f32
    };
    let edges = |pixels: &[[f32; 3]]| {
        let steps = pixels
            .windows(2)
            .map(|pair| (pair[0][1] - pair[1][1]).abs());
        steps.sum::<f32>() / pixels.len() as f32
    };
    assert!((mean(&view.pixels) - mean(&blurred)).abs() < 5.0);
    assert!(edges(&blurred) < 0.2 * edges(&view.pixels));
}

#[test]
fn noise_is_that_of_its_seed_and_spreads_evenly() {
    let (one, two) = (
        violet::image::noise(1, 10_000),
        violet::image::noise(2, 10_000),
    );
    assert_eq!(one, violet::image::noise(1, 10_000));
    assert_ne!(one, two);
    let mean = one.as_flattened().iter().sum::<f32>() / 30_000.0;
    assert!((mean - 127.5).abs() < 3.0, "{mean}");
}
