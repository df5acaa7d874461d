//! A network from someone's file, and what its input is made of.

use burn::tensor::{Device, Tensor};
use violet_graph::{Head, ValueId};
use violet_import::{ChannelOrder, Imported, InputKind, Layout, Scaling};

use super::Network;
use crate::error::{Error, Result};
use crate::preprocessing::{Filter, Framing, Preprocessing};

/// How a network wants the numbers of a normalised colour picture \[N, 3, H, W\].
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Arrangement {
    /// Whether the channels of a pixel lie side by side, \[N, H, W, C\].
    pub pixels: bool,
    /// Whether blue comes first.
    pub bgr: bool,
    /// Whether it sees grey, and how that is made.
    pub grey: Option<Grey>,
}

/// How grey is made of red, green and blue.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Grey {
    /// A factor for each.
    pub weights: [f32; 3],
    /// What is added to their sum: of normalised colours it lacks what the factors lack of 1.
    pub offset: f32,
}

/// ITU-R BT.601, as Pillow and OpenCV make grey.
const GREY: [f32; 3] = [0.299, 0.587, 0.114];

impl Arrangement {
    /// A picture as the network wants it.
    pub fn of(&self, mut picture: Tensor<4>) -> Tensor<4> {
        if let Some(Grey { weights, offset }) = self.grey {
            let device = picture.device();
            let weights = Tensor::<1>::from_data(weights, &device).reshape([1, 3, 1, 1]);
            picture = (picture * weights).sum_dim(1) + offset;
        }
        if self.bgr {
            picture = picture.flip([1]);
        }
        if self.pixels {
            picture = picture.permute([0, 2, 3, 1]);
        }
        picture
    }
}

/// What whoever opens a file says about pictures, in place of what the file says or leaves open.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Wishes {
    /// Subtracted from each channel, red, green and blue, on the scale 0..=255.
    pub mean: Option<[f32; 3]>,
    /// What each channel is then divided by.
    pub std: Option<[f32; 3]>,
    /// How a picture of another shape is fitted.
    pub framing: Option<Framing>,
    /// Whether blue comes first.
    pub bgr: Option<bool>,
    /// The output that is explained.
    pub output: Option<String>,
}

/// A network that was read from a file, before it is on a device.
#[derive(Debug, Clone)]
pub struct Opened {
    /// What was read.
    pub imported: Imported,
    /// From photo to input.
    pub preprocessing: Preprocessing,
    /// How the input's numbers lie.
    pub arrangement: Arrangement,
    /// The output that is explained.
    pub output: String,
    /// What neither file nor user said and was assumed, each a sentence.
    pub assumed: Vec<String>,
}

impl Opened {
    /// Decides what the file leaves open.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownOutput`]; [`Error::Graph`] if the graph is at a limit.
    pub fn new(mut imported: Imported, wishes: &Wishes) -> Result<Self> {
        imported.graph = imported.graph.prepared()?;
        let mut assumed = Vec::new();
        let input = &imported.input;
        let bgr = wishes
            .bgr
            .or(input.channel_order.map(|order| order == ChannelOrder::Bgr));
        if bgr.is_none() && input.channels == 3 {
            assumed.push("colours are red, green, blue (--channels bgr turns them round)".into());
        }
        let bgr = bgr.unwrap_or(false) && input.channels == 3;
        let (mut mean, mut std) = match &input.scaling {
            Some(scaling) => numbers(scaling, bgr),
            None => {
                let (mean, std, said) = usual(input);
                if wishes.mean.is_none() && wishes.std.is_none() {
                    assumed.push(said.into());
                }
                (mean, std)
            }
        };
        mean = wishes.mean.unwrap_or(mean);
        std = wishes.std.unwrap_or(std);
        let framing = wishes.framing.or(input.framing.map(framing));
        if framing.is_none() {
            assumed
                .push("the middle of the photo is taken (--framing squash takes all of it)".into());
        }
        let preprocessing = Preprocessing {
            size: input.width as u32,
            framing: framing.unwrap_or(Framing::CropThenResize(1.0)),
            filter: Filter::Bilinear,
            mean,
            std,
        };
        let grey = (input.channels == 1).then(|| {
            let weights = input.grey_weights.unwrap_or(GREY);
            let lacks = 1.0 - weights.iter().sum::<f32>();
            Grey {
                weights,
                offset: -lacks * mean[0] / std[0],
            }
        });
        let arrangement = Arrangement {
            pixels: input.layout == Layout::Pixels,
            bgr,
            grey,
        };
        let output = chosen(&imported, wishes.output.as_deref())?;
        Ok(Self {
            imported,
            preprocessing,
            arrangement,
            output,
            assumed,
        })
    }

    /// On a device.
    ///
    /// # Errors
    ///
    /// [`Error::Picture`] if no photo can become its input, and those of [`Network::of_graph`].
    pub fn network(&self, device: &Device) -> Result<Network> {
        let input = &self.imported.input;
        if input.height != input.width {
            return Err(Error::Picture {
                reason: format!(
                    "it takes pictures of {} × {} pixels; only square ones can be made so far",
                    input.width, input.height
                ),
            });
        }
        let graph = self.imported.graph.clone();
        Network::of_graph(graph, &self.output, self.arrangement, device)
    }

    /// How many outputs there are to explain.
    pub fn classes(&self) -> usize {
        let (value, _) = self.explained();
        self.imported.graph.value(value).elements()
    }

    /// What is explained, and what was taken off its end.
    pub fn explained(&self) -> (ValueId, Head) {
        let mut outputs = self.imported.graph.outputs().iter();
        let output = outputs.find(|output| output.name == self.output);
        let output = output.unwrap_or_else(|| unreachable!("it was chosen among them"));
        (output.value, output.head)
    }
}

/// The output of that name; or the one with most elements, the first of equal ones.
fn chosen(imported: &Imported, name: Option<&str>) -> Result<String> {
    let outputs = imported.graph.outputs();
    let named = |name: &str| outputs.iter().find(|output| output.name == name);
    let output = match name {
        Some(name) => named(name).ok_or_else(|| Error::UnknownOutput {
            name: name.into(),
            known: outputs
                .iter()
                .map(|o| &*o.name)
                .collect::<Vec<_>>()
                .join(", "),
        })?,
        None => {
            let size = |k: usize| imported.graph.value(outputs[k].value).elements();
            let largest = (0..outputs.len()).rev().max_by_key(|&k| size(k));
            &outputs[largest.unwrap_or(0)]
        }
    };
    Ok(output.name.clone())
}

/// Mean and standard deviation, red first, for `scale · x + offset` in the input's order.
fn numbers(scaling: &Scaling, bgr: bool) -> ([f32; 3], [f32; 3]) {
    let of = |values: &[f32], c: usize| {
        let c = if bgr { 2 - c } else { c };
        values
            .get(c)
            .or(values.first())
            .copied()
            .unwrap_or_default()
    };
    let std = [0, 1, 2].map(|c| 1.0 / of(&scaling.scale, c));
    let mean = [0, 1, 2].map(|c| -of(&scaling.offset, c) * std[c]);
    (mean, std)
}

/// What most networks of a kind are given.
fn usual(input: &InputKind) -> ([f32; 3], [f32; 3], &'static str) {
    match (&input.normalised_inside, input.channels) {
        (Some(inside), _) if inside.scale.iter().all(|scale| scale.abs() < 0.1) => (
            [0.0; 3],
            [1.0; 3],
            "its input is 0 to 255, as it is normalised inside (--mean and --std change it)",
        ),
        (Some(_), _) => (
            [0.0; 3],
            [255.0; 3],
            "its input is 0 to 1, as it is normalised inside (--mean and --std change it)",
        ),
        (None, 1) => (
            [0.0; 3],
            [255.0; 3],
            "its input is 0 to 1 (--mean and --std change it)",
        ),
        (None, _) => {
            let torchvision = super::Architecture::ResNet18.preprocessing();
            (
                torchvision.mean,
                torchvision.std,
                "its input is normalised by ImageNet's mean and standard deviation (--mean and \
                 --std change it)",
            )
        }
    }
}

fn framing(framing: violet_import::Framing) -> Framing {
    match framing {
        violet_import::Framing::Crop => Framing::CropThenResize(1.0),
        violet_import::Framing::Squash => Framing::Squash,
        violet_import::Framing::Pad => Framing::Pad,
    }
}
