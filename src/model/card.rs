//! What is known of a network that someone brings, and what may be wished of it: plain data.

use serde::{Deserialize, Serialize};

use super::{Architecture, ModelSpec};
use crate::error::Result;
use crate::preprocessing::{Framing, Preprocessing};

/// What whoever opens a network says about pictures, in place of what its file says or leaves open.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Wishes {
    /// Height and width of the input in pixels, for a network that takes any.
    pub size: Option<[usize; 2]>,
    /// How a picture of another shape is fitted.
    pub framing: Option<Framing>,
    /// Subtracted from each channel, red, green and blue, on the scale 0..=255.
    pub mean: Option<[f32; 3]>,
    /// What each channel is then divided by.
    pub std: Option<[f32; 3]>,
    /// Which colours go in.
    pub channels: Option<Channels>,
    /// The output that is explained.
    pub output: Option<String>,
    /// How many of its classes to keep, the first ones.
    pub classes: Option<usize>,
    /// The file among those opened together that names the classes, every one of them.
    pub labels: Option<String>,
}

impl Wishes {
    /// Whether anything is wished that changes what the network sees, or which of its outputs is
    /// explained.
    pub fn any(&self) -> bool {
        let labels = self.labels.clone();
        *self
            != Self {
                labels,
                ..Self::default()
            }
    }
}

/// Which colours go into a network, and in which order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Channels {
    /// Red, green, blue.
    Rgb,
    /// Blue, green, red.
    Bgr,
    /// Grey; in each channel the same, where there are three.
    Grey,
}

impl Channels {
    /// Every one, the usual one first.
    pub const ALL: [Channels; 3] = [Channels::Rgb, Channels::Bgr, Channels::Grey];

    /// Name on the command line and on the page.
    pub fn name(self) -> &'static str {
        match self {
            Channels::Rgb => "rgb",
            Channels::Bgr => "bgr",
            Channels::Grey => "grey",
        }
    }

    /// The colours of that name, if there are any.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|all| all.name() == name)
    }
}

/// In which order a picture's numbers go into a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Order {
    /// One plane for each channel, \[C, H, W\].
    Planes,
    /// The channels of a pixel side by side, \[H, W, C\].
    Pixels,
    /// All of them in one row.
    Row,
}

/// Something that neither a file nor whoever opened it said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Assumed {
    /// The input's height and width.
    Size,
    /// That the middle is taken of a photo of another shape.
    Framing,
    /// That all of it is taken, between bars, as most detectors have it.
    Bars,
    /// What is made of a pixel's values.
    Values(Usual),
    /// The order of the colours.
    Colours,
    /// Which output is explained.
    Output,
    /// That a thousand classes are ImageNet's.
    Labels,
}

/// What most networks of a kind are given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Usual {
    /// 0 to 255, as the network normalises them itself.
    BytesInside,
    /// 0 to 1, as the network normalises them itself.
    SharesInside,
    /// 0 to 1, as grey pictures are, and those of most detectors.
    Shares,
    /// ImageNet's mean and standard deviation.
    ImageNet,
    /// As the authors of this layout of layers do.
    Layout,
    /// As those who export such files do.
    Exporter,
}

/// A network that was read, for people. Of its weights it has nothing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Card {
    /// What its file is, as in "ONNX".
    pub format: String,
    /// Who wrote it, as in "pytorch 2.9.1"; empty if it does not say.
    pub producer: String,
    /// The network's name, where it is one that its authors published.
    pub published: Option<String>,
    /// Its layout, where that is a known one.
    pub architecture: Architecture,
    /// Layers with weights.
    pub layers: usize,
    /// Numbers that its file holds for them and others.
    pub parameters: u64,
    /// What a worker takes to hold and explain it, about, in bytes.
    pub memory: u64,
    /// Its outputs, and how many numbers each has.
    pub outputs: Vec<(String, usize)>,
    /// The one that is explained.
    pub output: String,
    /// How many classes that has in the file.
    pub found: usize,
    /// How many of them are kept.
    pub classes: usize,
    /// Whether fewer can be kept.
    pub shortens: bool,
    /// What they are called, as many; nothing, if nobody said it.
    pub labels: Option<Vec<String>>,
    /// Whether each output is a probability by itself.
    pub independent: bool,
    /// From photo to input.
    pub preprocessing: Preprocessing,
    /// Which colours go in.
    pub channels: Channels,
    /// How many channels its input has, 1 or 3.
    pub planes: usize,
    /// In which order its numbers lie.
    pub order: Order,
    /// Whether its file leaves height and width open.
    pub any_size: bool,
    /// What was assumed.
    pub assumed: Vec<Assumed>,
    /// What was bound or left out, each a sentence.
    pub notes: Vec<String>,
}

impl Card {
    /// The network by that name: what it is called, and how it is prepared.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownModel`](crate::Error::UnknownModel) if it was published under a name that is none.
    pub fn spec(&self, name: &str) -> Result<ModelSpec> {
        let mut spec = ModelSpec::own(name, self.architecture, self.classes, None)?;
        let kind = match self.architecture {
            Architecture::Imported | Architecture::ImportedDetector => &*self.format,
            known => known.title(),
        };
        spec.title = format!("{name} ({kind})").into();
        let published = self
            .published
            .as_ref()
            .map(|name| ModelSpec::from_name(name));
        if let Some(published) = published.transpose()? {
            spec.title = published.title.clone();
            spec.labels = published.labels.clone();
        }
        if let Some(labels) = &self.labels {
            spec.labels = labels.join("\n").into();
        }
        spec.preprocessing = self.preprocessing;
        spec.independent = self.independent;
        Ok(spec)
    }
}
