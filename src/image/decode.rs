//! Encoded bytes → upright RGB pixels.

use std::cell::Cell;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::Cursor;

use image::{
    AnimationDecoder, ColorType, DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader,
    ImageResult, Limits, RgbImage,
    codecs::{gif::GifDecoder, png::PngDecoder, webp::WebPDecoder},
    imageops,
};

use super::profile::to_srgb;
use crate::error::{Error, Result};
use crate::shapes::{SIZE, Scene};

/// The largest photo that is decoded, in millions of pixels.
pub const MAX_MEGAPIXELS: u32 = 100;

/// A decoded photo: upright, 8 bits a channel, over white where it was transparent.
#[derive(Debug, Clone)]
pub struct Photo {
    /// RGB, each 0..=255.
    pub rgb: RgbImage,
    /// Whether the file has more frames than the first, which is the one taken.
    pub animated: bool,
    /// Whether the file is cut off or damaged: part of the picture is missing, and grey.
    pub incomplete: bool,
}

impl Photo {
    /// Decodes PNG, JPEG (CMYK included), WebP, GIF (first frame) or BMP, and turns it upright
    /// as its EXIF orientation says, its colours as its ICC profile says, in sRGB. The format is told by the first bytes, not by a name. Of a
    /// file that is cut off, what is there is taken, as every viewer shows it.
    ///
    /// # Errors
    ///
    /// [`Error::EmptyFile`], [`Error::UnknownImageFormat`], [`Error::ImageTooLarge`] (before any
    /// pixel is decoded) or [`Error::DamagedImage`], if nothing of it can be had.
    pub fn decode(bytes: &[u8]) -> Result<Self> {
        if bytes.is_empty() {
            return Err(Error::EmptyFile);
        }
        let format = image::guess_format(bytes)
            .ok()
            .filter(ImageFormat::reading_enabled)
            .ok_or_else(|| Error::UnknownImageFormat {
                found: foreign_format(bytes),
            })?;
        let name = format_name(format);
        let too_large = |dimensions| Error::ImageTooLarge {
            dimensions,
            limit: MAX_MEGAPIXELS,
        };
        let refused = |error: ImageError| match error {
            // Where memory is addressed with 32 bits, the decoder notices before we do.
            ImageError::Limits(_) => too_large(None),
            other => Error::DamagedImage {
                format: name,
                reason: other.to_string(),
            },
        };

        let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
        reader.limits(Limits::no_limits());
        let mut decoder = reader.into_decoder().map_err(refused)?;
        let (width, height) = decoder.dimensions();
        if u64::from(width) * u64::from(height) > u64::from(MAX_MEGAPIXELS) * 1_000_000 {
            return Err(too_large(Some((width, height))));
        }
        if width == 0 || height == 0 {
            return Err(Error::DamagedImage {
                format: name,
                reason: "it has no pixels".into(),
            });
        }
        let orientation = decoder.orientation().map_err(refused)?;
        // One that cannot be read is none.
        let profile = decoder.icc_profile().ok().flatten();
        let (mut image, incomplete) = if format == ImageFormat::Jpeg && !jpeg_ends(bytes) {
            drop(decoder);
            unended_jpeg(bytes).map_err(refused)?
        } else {
            whatever_comes(decoder).map_err(refused)?
        };
        image.apply_orientation(orientation);
        let mut rgb = over_white(image);
        if let Some(profile) = profile {
            to_srgb(&mut rgb, &profile);
        }
        Ok(Self {
            rgb,
            animated: is_animated(bytes, format),
            incomplete,
        })
    }
}

impl Photo {
    /// A picture that is pixels already, as a camera's: RGBA, 4 bytes a pixel, row by row. What is
    /// transparent is taken for opaque.
    ///
    /// # Errors
    ///
    /// [`Error::EmptyFile`] without pixels, [`Error::Length`] if there are more or fewer than the
    /// size says.
    pub fn from_rgba([width, height]: [u32; 2], rgba: &[u8]) -> Result<Self> {
        if width == 0 || height == 0 {
            return Err(Error::EmptyFile);
        }
        let (pixels, rest) = rgba.as_chunks::<4>();
        let expected = width as usize * height as usize;
        if pixels.len() != expected || !rest.is_empty() {
            return Err(Error::Length {
                what: "pixels",
                expected,
                found: rgba.len() / 4,
            });
        }
        let rgb = pixels.iter().flat_map(|&[r, g, b, _]| [r, g, b]).collect();
        let rgb = RgbImage::from_raw(width, height, rgb);
        Ok(Self {
            rgb: rgb.unwrap_or_else(|| unreachable!("there are as many pixels")),
            animated: false,
            incomplete: false,
        })
    }
}

impl From<&Scene> for Photo {
    /// A drawn scene, as if it were a photo.
    fn from(scene: &Scene) -> Self {
        let side = SIZE as u32;
        let rgb = RgbImage::from_raw(side, side, scene.rgb.clone());
        Self {
            rgb: rgb.unwrap_or_else(|| unreachable!("a scene has SIZE × SIZE pixels")),
            animated: false,
            incomplete: false,
        }
    }
}

/// What stands for pixels that are missing: grey, as JPEG decoders have it.
const MISSING: u8 = 128;

/// A decoder whose picture may end early: what comes before an error stays.
struct Lenient<'a, D> {
    decoder: D,
    incomplete: &'a Cell<bool>,
}

impl<D: ImageDecoder> ImageDecoder for Lenient<'_, D> {
    fn dimensions(&self) -> (u32, u32) {
        self.decoder.dimensions()
    }

    fn color_type(&self) -> ColorType {
        self.decoder.color_type()
    }

    fn read_image(self, buffer: &mut [u8]) -> ImageResult<()> {
        buffer.fill(MISSING);
        let Err(error) = self.decoder.read_image(buffer) else {
            return Ok(());
        };
        if buffer.iter().all(|&byte| byte == MISSING) {
            return Err(error);
        }
        self.incomplete.set(true);
        Ok(())
    }

    fn read_image_boxed(self: Box<Self>, buffer: &mut [u8]) -> ImageResult<()> {
        (*self).read_image(buffer)
    }
}

/// A picture as far as it can be read, and whether part of it is missing.
fn whatever_comes(decoder: impl ImageDecoder) -> ImageResult<(DynamicImage, bool)> {
    let incomplete = Cell::new(false);
    let image = DynamicImage::from_decoder(Lenient {
        decoder,
        incomplete: &incomplete,
    })?;
    Ok((image, incomplete.get()))
}

/// A JPEG that lacks the marker at its end. Many do and are whole all the same; which, is told by
/// whether anything would change if more data came.
fn unended_jpeg(bytes: &[u8]) -> ImageResult<(DynamicImage, bool)> {
    // Bits that are no picture's, and no marker.
    const MORE: [u8; 8] = [0x5A, 0x33, 0xC6, 0x0F, 0x96, 0x69, 0x1E, 0xB4];
    let half_a_marker = bytes.ends_with(&END_OF_IMAGE[..1]);
    let bytes = &bytes[..bytes.len() - usize::from(half_a_marker)];
    let decoded = |more: &[u8]| {
        let bytes = [bytes, more].concat();
        let reader = ImageReader::with_format(Cursor::new(bytes), ImageFormat::Jpeg);
        whatever_comes(reader.into_decoder()?)
    };
    let hash = |image: &DynamicImage| {
        let mut hasher = DefaultHasher::new();
        image.as_bytes().hash(&mut hasher);
        hasher.finish()
    };
    // One picture in memory at a time.
    let more = decoded(&MORE.repeat(8)).map(|(image, _)| hash(&image)).ok();
    let (ended, incomplete) = decoded(&END_OF_IMAGE)?;
    if more == Some(hash(&ended)) {
        return Ok((ended, incomplete));
    }
    drop(ended);
    // Without an end, what is missing becomes grey.
    Ok((decoded(&[])?.0, true))
}

/// The marker at the end of a JPEG.
const END_OF_IMAGE: [u8; 2] = [0xFF, 0xD9];

/// Whether the picture's scan is followed by the marker that ends it.
///
/// # Source
///
/// ITU-T T.81, B.1.1: markers are 0xFF and a code; all before the scan carry their length.
fn jpeg_ends(bytes: &[u8]) -> bool {
    const START_OF_SCAN: u8 = 0xDA;
    let mut rest = bytes.get(2..).unwrap_or_default();
    while let [0xFF, code, high, low, ..] = *rest {
        if code == START_OF_SCAN {
            return rest.windows(2).any(|pair| pair == END_OF_IMAGE);
        }
        let length = if code == 0xFF {
            1
        } else {
            2 + usize::from(u16::from_be_bytes([high, low]))
        };
        rest = rest.get(length..).unwrap_or_default();
    }
    false
}

/// Whether there is a second frame.
fn is_animated(bytes: &[u8], format: ImageFormat) -> bool {
    let bytes = Cursor::new(bytes);
    match format {
        ImageFormat::Gif => {
            GifDecoder::new(bytes).is_ok_and(|decoder| decoder.into_frames().take(2).count() == 2)
        }
        ImageFormat::WebP => WebPDecoder::new(bytes).is_ok_and(|decoder| decoder.has_animation()),
        ImageFormat::Png => {
            PngDecoder::new(bytes).is_ok_and(|decoder| decoder.is_apng().unwrap_or(false))
        }
        _ => false,
    }
}

/// Drops transparency by laying the image over white; 16-bit channels become 8-bit.
fn over_white(image: DynamicImage) -> RgbImage {
    if !image.color().has_alpha() {
        return image.into_rgb8();
    }
    let image = image.into_rgba8();
    let mut canvas = image::RgbaImage::from_pixel(
        image.width(),
        image.height(),
        image::Rgba([255, 255, 255, 255]),
    );
    imageops::overlay(&mut canvas, &image, 0, 0);
    DynamicImage::ImageRgba8(canvas).into_rgb8()
}

fn format_name(format: ImageFormat) -> &'static str {
    match format {
        ImageFormat::Png => "PNG",
        ImageFormat::Jpeg => "JPEG",
        ImageFormat::WebP => "WebP",
        ImageFormat::Gif => "GIF",
        ImageFormat::Bmp => "BMP",
        _ => "photo",
    }
}

/// A name for what people drop that is not one of ours, by its first bytes.
fn foreign_format(bytes: &[u8]) -> Option<&'static str> {
    let head = &bytes[..bytes.len().min(512)];
    let starts = |magic: &[u8]| head.starts_with(magic);
    let text = String::from_utf8_lossy(head).to_lowercase();
    match head.get(4..12) {
        Some(b"ftypheic" | b"ftypheix" | b"ftypmif1" | b"ftyphevc") => return Some("a HEIC photo"),
        Some(b"ftypavif" | b"ftypavis") => return Some("an AVIF photo"),
        Some(brand) if brand.starts_with(b"ftyp") => return Some("a video"),
        _ => {}
    }
    if starts(b"%PDF") {
        Some("a PDF document")
    } else if starts(b"II*\0") || starts(b"MM\0*") {
        Some("a TIFF or camera raw file")
    } else if starts(b"\x1aE\xdf\xa3") {
        Some("a video")
    } else if starts(b"PK\x03\x04") {
        Some("a zip archive or office document")
    } else if text.contains("<svg") {
        Some("an SVG drawing")
    } else if text.contains("<html") || text.contains("<!doctype html") {
        Some("a web page")
    } else {
        None
    }
}
