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
