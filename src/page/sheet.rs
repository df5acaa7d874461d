//! A saved picture and the words beneath it, laid out so that every browser can draw it.

/// The most pixels of a canvas on iOS; what is larger stays empty there.
pub const MOST_PIXELS: f64 = 16_777_216.0;

/// A picture that is saved: how large, and the lines beneath it. Lengths are pixels of the file.
#[derive(Debug, Clone, PartialEq)]
pub struct Sheet {
    /// Pixels of the file for each of the picture: 1, or less where it would be too large.
    pub scale: f64,
    /// Width of picture and words.
    pub width: f64,
    /// Height of the picture alone.
    pub picture_height: f64,
    /// Height of picture and words.
    pub height: f64,
    /// Size of the letters.
    pub font: f64,
    /// The words, line by line.
    pub lines: Vec<String>,
}

/// Letters beneath a picture: this many of a square fit beside each other, but they are never smaller than that.
const LETTERS: f64 = 52.0;
const SMALLEST: f64 = 12.0;
/// Height of a line, and the room around the words, in letters' sizes.
const LINE: f64 = 1.4;
/// See [`LINE`].
const MARGIN: f64 = 0.8;

impl Sheet {
    /// Lays out a picture of that many pixels and its words. `measure` tells a line's width at a size of letters.
    pub fn new([width, height]: [f64; 2], words: &str, measure: impl Fn(&str, f64) -> f64) -> Self {
        let mut scale = 1.0;
        loop {
            let sheet = Self::scaled([width, height], scale, words, &measure);
            let pixels = sheet.width * sheet.height;
            if pixels <= MOST_PIXELS || sheet.width < 2.0 {
                return sheet;
            }
            scale *= (MOST_PIXELS / pixels).sqrt() * 0.999;
        }
    }

    fn scaled(
        [width, height]: [f64; 2],
        scale: f64,
        words: &str,
        measure: impl Fn(&str, f64) -> f64,
    ) -> Self {
        let [width, picture_height] =
            [width, height].map(|length| (length * scale).round().max(1.0));
        // Of a wide picture, as large as of one that is as high and half again as wide.
        let font = (width.min(1.5 * picture_height) / LETTERS).max(SMALLEST);
        let room = (width - 2.0 * MARGIN * font).max(font);
        let mut lines: Vec<String> = Vec::new();
        for word in words.split_whitespace() {
            match lines.last_mut() {
                Some(line) if measure(&format!("{line} {word}"), font) <= room => {
                    line.push(' ');
                    line.push_str(word);
                }
                _ => lines.push(word.into()),
            }
        }
        let beneath = if lines.is_empty() {
            0.0
        } else {
            (LINE * lines.len() as f64 + 2.0 * MARGIN) * font
        };
        Self {
            scale,
            width,
            picture_height,
            height: picture_height + beneath.ceil(),
            font,
            lines,
        }
    }

    /// Where the middle of a line of words lies, from the top, and where it begins, from the left.
    pub fn place(&self, line: usize) -> [f64; 2] {
        let down = MARGIN + LINE * (line as f64 + 0.5);
        [MARGIN * self.font, self.picture_height + down * self.font]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every letter is half as wide as it is high.
    fn half(line: &str, font: f64) -> f64 {
        line.chars().count() as f64 * font / 2.0
    }

    const WORDS: &str =
        "“espresso”, EfficientNet-Lite0, Auto, from black; the sum is 0.00 % off; settled to 4 %";

    #[test]
    fn a_picture_keeps_its_pixels_and_gets_its_words_beneath() {
        let sheet = Sheet::new([600.0, 400.0], WORDS, half);
        assert_eq!(
            (sheet.scale, sheet.width, sheet.picture_height),
            (1.0, 600.0, 400.0)
        );
        assert_eq!(sheet.lines.join(" "), WORDS);
        for (k, line) in sheet.lines.iter().enumerate() {
            let [left, middle] = sheet.place(k);
            assert!(left + half(line, sheet.font) <= sheet.width, "{line}");
            assert!(middle > 400.0 && middle + sheet.font / 2.0 < sheet.height);
        }
    }

    #[test]
    fn nothing_is_larger_than_a_phone_can_draw() {
        for size in [
            [4000.0, 3000.0],
            [8000.0, 6000.0],
            [24_000.0, 3000.0],
            [3000.0, 36_000.0],
            [4096.0, 4096.0],
        ] {
            let sheet = Sheet::new(size, WORDS, half);
            let pixels = sheet.width * sheet.height;
            assert!(pixels <= MOST_PIXELS, "{size:?}: {pixels}");
            let whole = size[0] * size[1];
            assert!(
                pixels >= 0.9 * whole.min(MOST_PIXELS),
                "{size:?}: not smaller than it must be"
            );
            let proportions = sheet.width / sheet.picture_height / (size[0] / size[1]);
            assert!((proportions - 1.0).abs() < 0.01);
        }
        assert_eq!(
            Sheet::new([4000.0, 3000.0], WORDS, half).scale,
            1.0,
            "12 megapixels fit"
        );
    }

    #[test]
    fn tiny_pictures_and_words_longer_than_a_line_are_drawn_somehow() {
        let sheet = Sheet::new([1.0, 1.0], WORDS, half);
        assert_eq!(sheet.lines.len(), WORDS.split_whitespace().count());
        let without = Sheet::new([96.0, 96.0], "", half);
        assert_eq!((without.height, without.lines.len()), (96.0, 0));
    }
}
