//! The image the path starts from.

use std::fmt;

/// What "no information" looks like, in pixel space.
///
/// The paper's choice for images is black. It is RGB (0, 0, 0), which is *not* zero after
/// normalisation: zero there is the mean colour of the training set. No baseline can see the pixels
/// that it shares with the photo.
///
/// # Source
///
/// Sundararajan, Taly, Yan 2017, section 3 (black); Sturmfels, Lundberg, Lee 2020 (Distill,
/// doi 10.23915/distill.00022) for the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub enum Baseline {
    /// RGB (0, 0, 0).
    #[default]
    Black,
    /// RGB (255, 255, 255).
    White,
    /// RGB (128, 128, 128).
    Grey,
    /// Any other colour, RGB, each 0..=255.
    Colour([u8; 3]),
    /// The photo itself, blurred beyond recognition.
    Blurred,
    /// Every value by itself, evenly over 0..=255, from a seed.
    Noise(u64),
}

impl Baseline {
    /// One of each kind that has no choice left, in the order in which they are offered.
    pub const ALL: [Baseline; 5] = [
        Baseline::Black,
        Baseline::White,
        Baseline::Grey,
        Baseline::Blurred,
        Baseline::Noise(1),
    ];

    /// What [`from_name`](Self::from_name) understands, for messages.
    pub const NAMES: &'static str = "black, white, grey, #rrggbb, blurred, noise, noise:SEED";

    /// The colour, RGB, each 0..=255; nothing, if it has more than one.
    pub fn colour(self) -> Option<[u8; 3]> {
        match self {
            Baseline::Black => Some([0; 3]),
            Baseline::White => Some([255; 3]),
            Baseline::Grey => Some([128; 3]),
            Baseline::Colour(rgb) => Some(rgb),
            Baseline::Blurred | Baseline::Noise(_) => None,
        }
    }

    /// The baseline of that name, if there is one.
    ///
    /// # Example
    ///
    /// ```
    /// use violet::attribution::Baseline;
    ///
    /// let teal = Baseline::from_name("#008080");
    /// assert_eq!(teal, Some(Baseline::Colour([0, 128, 128])));
    /// assert_eq!(Baseline::Noise(7).to_string(), "noise:7");
    /// assert_eq!(Baseline::from_name("noise:7"), Some(Baseline::Noise(7)));
    /// assert_eq!(Baseline::from_name("plaid"), None);
    /// ```
    pub fn from_name(name: &str) -> Option<Baseline> {
        match name {
            "black" => Some(Baseline::Black),
            "white" => Some(Baseline::White),
            "grey" => Some(Baseline::Grey),
            "blurred" => Some(Baseline::Blurred),
            "noise" => Some(Baseline::Noise(1)),
            _ => {
                if let Some(seed) = name.strip_prefix("noise:") {
                    return seed.parse().ok().map(Baseline::Noise);
                }
                let digits = name.strip_prefix('#').filter(|digits| digits.len() == 6)?;
                let [_, r, g, b] = u32::from_str_radix(digits, 16).ok()?.to_be_bytes();
                Some(Baseline::Colour([r, g, b]))
            }
        }
    }
}

/// Which pixels hardly move on the way: no farther than `near` from the baseline in every channel.
/// `input` and `baseline` are flat \[3, H, W\], `near` in their units.
///
/// # Example
///
/// ```
/// use violet::attribution::unmoved;
///
/// let (photo, black) = ([0.0, 9.0, 0.1, 9.0, 0.0, 0.0], [0.0; 6]);
/// assert_eq!(unmoved(&photo, &black, [0.2; 3]), [true, false]);
/// ```
pub fn unmoved(input: &[f32], baseline: &[f32], near: [f32; 3]) -> Vec<bool> {
    let area = input.len() / 3;
    let stays = |k: usize, c: usize| {
        let at = c * area + k;
        (input[at] - baseline[at]).abs() <= near[c]
    };
    (0..area).map(|k| (0..3).all(|c| stays(k, c))).collect()
}

impl fmt::Display for Baseline {
    /// Its name on the command line, in reports and in addresses.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Baseline::Black => f.write_str("black"),
            Baseline::White => f.write_str("white"),
            Baseline::Grey => f.write_str("grey"),
            Baseline::Colour([r, g, b]) => write!(f, "#{r:02x}{g:02x}{b:02x}"),
            Baseline::Blurred => f.write_str("blurred"),
            Baseline::Noise(seed) => write!(f, "noise:{seed}"),
        }
    }
}
