//! The colours of a mask.

/// Two colours: for, and against. In each pair they can be told apart by people who cannot tell red
/// from green.
///
/// # Source
///
/// Blue, vermilion, yellow and sky blue are Okabe and Ito's (2008, Color Universal Design).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Palette {
    /// Violet's purple, and orange.
    #[default]
    Violet,
    /// Blue, and vermilion.
    Blue,
    /// Yellow, and sky blue: for dark photos.
    Yellow,
}

impl Palette {
    /// Every palette, in the order in which they are offered.
    pub const ALL: [Palette; 3] = [Palette::Violet, Palette::Blue, Palette::Yellow];

    /// Name in addresses.
    pub fn name(self) -> &'static str {
        match self {
            Palette::Violet => "violet",
            Palette::Blue => "blue",
            Palette::Yellow => "yellow",
        }
    }

    /// The palette of that name, if there is one.
    pub fn from_name(name: &str) -> Option<Self> {
        let mut all = Self::ALL.into_iter();
        all.find(|palette| palette.name() == name)
    }

    /// RGB of what a mask by itself lies on: both colours have 3 : 1 with it.
    pub fn ground(self) -> [u8; 3] {
        match self {
            Palette::Violet | Palette::Blue => [255; 3],
            Palette::Yellow => [20, 18, 24],
        }
    }

    /// RGB of a strength's sign.
    pub fn colour(self, strength: f32) -> [u8; 3] {
        let [more, less] = match self {
            Palette::Violet => [[124, 58, 237], [217, 95, 2]],
            Palette::Blue => [[0, 114, 178], [213, 94, 0]],
            Palette::Yellow => [[240, 228, 66], [86, 180, 233]],
        };
        if strength < 0.0 { less } else { more }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Relative luminance, by WCAG 2.2.
    fn luminance(rgb: [u8; 3]) -> f64 {
        let linear = rgb.map(|v| match f64::from(v) / 255.0 {
            v if v <= 0.04045 => v / 12.92,
            v => ((v + 0.055) / 1.055).powf(2.4),
        });
        0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    }

    #[test]
    fn every_colour_is_seen_on_its_ground() {
        for palette in Palette::ALL {
            for strength in [1.0, -1.0] {
                let both = [palette.colour(strength), palette.ground()].map(luminance);
                let [dark, light] = [both[0].min(both[1]), both[0].max(both[1])];
                let contrast = (light + 0.05) / (dark + 0.05);
                assert!(contrast >= 3.0, "{palette:?}, {strength}: {contrast:.2}");
            }
        }
    }
}
