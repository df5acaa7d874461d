//! A link as a QR code.

use qrcodegen::{QrCode, QrCodeEcc};

/// A QR code's dark squares as an SVG path in a square of so many units, the quiet zone of four around them included;
/// nothing, if the text is too long for any (2953 bytes).
///
/// # Source
///
/// ISO/IEC 18004.
pub(super) fn qr_path(text: &str) -> Option<(String, i32)> {
    const QUIET: i32 = 4;
    let code = QrCode::encode_text(text, QrCodeEcc::Low).ok()?;
    let mut path = String::new();
    for y in 0..code.size() {
        for x in (0..code.size()).filter(|&x| code.get_module(x, y)) {
            path += &format!("M{} {}h1v1h-1z", x + QUIET, y + QUIET);
        }
    }
    Some((path, code.size() + 2 * QUIET))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_has_its_three_corners_and_too_long_a_text_has_none() {
        let (path, side) =
            qr_path("https://example.org/violet/?photo=cat&steps=auto").expect("a code");
        assert!(path.contains("M4 4h1v1h-1z"));
        assert!(
            path.contains(&format!("M{} 4h", side - 5))
                && path.contains(&format!("M4 {}h", side - 5))
        );
        // Versions are 21, 25, 29 … squares wide, and four of quiet on either side.
        assert_eq!((side - 8 - 21) % 4, 0);
        assert_eq!(qr_path(&"x".repeat(3000)), None);
    }
}
