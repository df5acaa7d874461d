//! The image the path starts from.

/// What "no information" looks like, in pixel space.
///
/// The paper's choice for images is black. It is RGB (0, 0, 0), which is *not* zero after
/// normalisation: zero there is the mean colour of the training set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Baseline {
    /// RGB (0, 0, 0).
    #[default]
    Black,
    /// RGB (255, 255, 255).
    White,
    /// RGB (128, 128, 128).
    Grey,
}

impl Baseline {
    /// Every baseline, in the order in which they are offered.
    pub const ALL: [Baseline; 3] = [Baseline::Black, Baseline::White, Baseline::Grey];

    /// The colour, RGB, each 0..=255.
    pub fn rgb(self) -> [u8; 3] {
        match self {
            Baseline::Black => [0; 3],
            Baseline::White => [255; 3],
            Baseline::Grey => [128; 3],
        }
    }

    /// The baseline's name on the command line and in reports.
    pub fn name(self) -> &'static str {
        match self {
            Baseline::Black => "black",
            Baseline::White => "white",
            Baseline::Grey => "grey",
        }
    }

    /// The baseline of that name, if there is one.
    pub fn from_name(name: &str) -> Option<Baseline> {
        Baseline::ALL.into_iter().find(|b| b.name() == name)
    }
}
