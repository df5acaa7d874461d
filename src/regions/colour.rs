//! Colours in which distances are what people see.

/// CIELAB of RGB, 0..=255 each: lightness 0..=100 and two opponent colours, some ±100. White is D65.
///
/// # Source
///
/// sRGB (IEC 61966-2-1) and CIE 15:2004.
pub(super) fn lab(rgb: [u8; 3]) -> [f32; 3] {
    let [r, g, b] = rgb.map(|v| {
        let v = f32::from(v) / 255.0;
        if v <= 0.040_45 {
            v / 12.92
        } else {
            ((v + 0.055) / 1.055).powf(2.4)
        }
    });
    // The matrix' rows, each divided by the white's coordinate.
    let x = (0.412_456 * r + 0.357_576 * g + 0.180_437 * b) / 0.950_47;
    let y = 0.212_673 * r + 0.715_152 * g + 0.072_175 * b;
    let z = (0.019_334 * r + 0.119_192 * g + 0.950_304 * b) / 1.088_83;
    let [x, y, z] = [x, y, z].map(|t| {
        if t > 0.008_856 {
            t.cbrt()
        } else {
            7.787 * t + 16.0 / 116.0
        }
    });
    [116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_colours_have_their_coordinates() {
        // From the formulae, to a tenth, as tables have them.
        for (rgb, wanted) in [
            ([0, 0, 0], [0.0, 0.0, 0.0]),
            ([255, 255, 255], [100.0, 0.0, 0.0]),
            ([255, 0, 0], [53.2, 80.1, 67.2]),
            ([0, 0, 255], [32.3, 79.2, -107.9]),
            ([128, 128, 128], [53.6, 0.0, 0.0]),
        ] {
            for (found, wanted) in lab(rgb).into_iter().zip(wanted) {
                assert!((found - wanted).abs() < 0.1, "{rgb:?}: {:?}", lab(rgb));
            }
        }
    }
}
