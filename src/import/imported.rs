//! What every reader gives: a graph, and what its file says about pictures.

use std::collections::BTreeMap;
use std::fmt;

use violet_graph::Graph;

/// What a file leaves open and whoever opens it may say.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct Options {
    /// Height and width of the input in pixels, for files that take any size.
    pub size: Option<[usize; 2]>,
    /// How many classes to keep, the first ones, of weights whose last layer is wider than what they
    /// were trained for.
    pub classes: Option<usize>,
}

impl Options {
    /// Height and width where neither file nor user says them: what most classifiers are trained
    /// on since AlexNet.
    pub const DEFAULT_SIZE: [usize; 2] = [224, 224];

    /// With this height and width for files that take any size.
    pub fn with_size(mut self, size: [usize; 2]) -> Self {
        self.size = Some(size);
        self
    }

    /// With only the first so many classes of weights.
    pub fn with_classes(mut self, classes: usize) -> Self {
        self.classes = Some(classes);
        self
    }
}

/// A network that was read.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Imported {
    /// What it computes, for one picture.
    pub graph: Graph,
    /// Names of the classes, in the order of the outputs; empty if the file has none.
    pub labels: Vec<String>,
    /// What its input is made of.
    pub input: InputKind,
    /// How its outputs are boxes, if it is a detector.
    pub detector: Option<Detector>,
    /// What was assumed, bound, or left out, each for a sentence on the card.
    pub notes: Vec<Note>,
    /// The operations as the file calls them, most frequent first.
    pub operations: Vec<OperationCount>,
    /// Who wrote the file, as in "pytorch 2.9.1"; empty if it does not say.
    pub producer: String,
}

/// The outputs of a network that finds boxes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Detector {
    /// Name of the output of places, \[candidates, 4 or 5\]: the box's middle, x and y, its width and
    /// its height in pixels of the input; and, where there are five, the logit of there being a thing.
    pub boxes: String,
    /// Name of the output of class logits, \[candidates, classes\], before their sigmoid.
    pub scores: String,
    /// How many classes there are.
    pub classes: usize,
    /// Whether the first of them is that there is nothing.
    pub background: bool,
}

/// How often a file has an operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OperationCount {
    /// As the file calls it.
    pub name: String,
    /// How often.
    pub count: usize,
}

impl OperationCount {
    /// How often each name occurs, the most frequent first.
    pub(crate) fn of<'n>(names: impl IntoIterator<Item = &'n str>) -> Vec<Self> {
        let mut counts = BTreeMap::<&str, usize>::new();
        for name in names {
            *counts.entry(name).or_default() += 1;
        }
        let of = |(name, count): (&str, usize)| (name.to_owned(), count);
        Self::sorted(counts.into_iter().map(of))
    }

    /// The most frequent first, of names in their order.
    pub(crate) fn sorted(counts: impl IntoIterator<Item = (String, usize)>) -> Vec<Self> {
        let counts = counts.into_iter();
        let mut counts: Vec<Self> = counts.map(|(name, count)| Self { name, count }).collect();
        counts.sort_by_key(|operation| std::cmp::Reverse(operation.count));
        counts
    }
}

/// What a network's input is made of, as far as its file says it.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct InputKind {
    /// Its name in the file.
    pub name: String,
    /// In which order its numbers lie.
    pub layout: Layout,
    /// 1 for grey, 3 for colour.
    pub channels: usize,
    /// Rows of pixels.
    pub height: usize,
    /// Columns of pixels.
    pub width: usize,
    /// Whether the file fixes height and width; if not, [`Options::size`] may change them.
    pub fixed_size: bool,
    /// Order of the colours, if the file says it.
    pub channel_order: Option<ChannelOrder>,
    /// Weights of red, green and blue in grey, if the file says them.
    pub grey_weights: Option<[f32; 3]>,
    /// How numbers are made of pixels, if the file says it.
    pub scaling: Option<Scaling>,
    /// How a picture of another shape is fitted, if the file says it.
    pub framing: Option<Framing>,
    /// How it is resized, if the file says it.
    pub filter: Option<Filter>,
    /// What the network does first with its input, if that is `a · x + b` for each channel: the
    /// normalisation is inside, and what goes in is closer to pixels.
    pub normalised_inside: Option<Scaling>,
}

impl InputKind {
    /// A colour or grey picture, of which nothing else is known.
    pub fn new(
        name: impl Into<String>,
        layout: Layout,
        [channels, height, width]: [usize; 3],
    ) -> Self {
        Self {
            name: name.into(),
            layout,
            channels,
            height,
            width,
            fixed_size: true,
            channel_order: None,
            grey_weights: None,
            scaling: None,
            framing: None,
            filter: None,
            normalised_inside: None,
        }
    }
}

/// In which order an input's numbers lie. The graph's input has that shape too, with or without a
/// leading axis of 1 and, for grey, with or without an axis of channels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Layout {
    /// One plane for each channel: \[C, H, W\].
    Planes,
    /// The channels of a pixel side by side: \[H, W, C\].
    Pixels,
}

/// Order of the colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ChannelOrder {
    /// Red, green, blue.
    Rgb,
    /// Blue, green, red, as OpenCV has them.
    Bgr,
}

/// How a picture of another shape is fitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Framing {
    /// The largest middle part of the input's shape.
    Crop,
    /// The whole picture, squashed.
    Squash,
    /// The whole picture, with bars beside it.
    Pad,
    /// The shorter side resized to so many pixels, and the middle of that.
    ResizeThenCrop(u32),
}

/// How a picture is resized; where it shrinks, both are as much wider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Filter {
    /// Linear between pixels.
    Bilinear,
    /// Cubic between pixels.
    Bicubic,
}

/// `scale · x + offset`, a pair for each channel in the order of the input, or one for all. For
/// pixels x is 0 to 255.
#[derive(Debug, Clone, PartialEq)]
pub struct Scaling {
    /// Factors.
    pub scale: Vec<f32>,
    /// What is added.
    pub offset: Vec<f32>,
}

impl Scaling {
    /// One pair for all channels.
    pub fn uniform(scale: f32, offset: f32) -> Self {
        Self {
            scale: vec![scale],
            offset: vec![offset],
        }
    }
}

/// Something about a file that whoever opens it should know.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Note {
    /// The file takes any size, and this height and width were assumed.
    AssumedSize([usize; 2]),
    /// The file is made for so many pictures at a time; it runs with one.
    BatchOfOne {
        /// The file's number.
        file: usize,
    },
    /// Rounding to 8 bits was left out: what is explained is the float network that it rounds.
    Quantised {
        /// Operations that round.
        count: usize,
    },
    /// The weights are of another precision in the file and computed with as 32-bit floats.
    Precision {
        /// The file's, as in "float16".
        file: &'static str,
    },
    /// What stands at the end and has no slope was cut off.
    Cut {
        /// The file's operations that were cut off.
        operations: Vec<OperationCount>,
        /// The values that became outputs instead.
        outputs: Vec<String>,
    },
    /// Outputs were left out, because of operations that are not supported.
    LeftOut {
        /// The file's operations.
        operations: Vec<OperationCount>,
        /// The outputs that depend on them.
        outputs: Vec<String>,
    },
    /// An output that does not depend on the picture was left out.
    ConstantOutput {
        /// Its name.
        output: String,
    },
    /// A vector was taken as the rows of a picture.
    FlatPicture {
        /// Its length.
        length: usize,
    },
    /// The file does not say how numbers are made of pixels; it was taken from who exports such
    /// files.
    AssumedScaling {
        /// Who does.
        exporter: &'static str,
        /// Their rule, as in "value / 127.5 − 1".
        rule: &'static str,
    },
    /// The network prepares its pictures by operations that have no slope; they were left out.
    PreparationCut {
        /// The value that became the input instead.
        input: String,
    },
    /// Weights without a description were taken as those of a network that is known.
    Layout {
        /// The network.
        title: &'static str,
    },
    /// It ends in the layers of fastai's learners.
    Learner,
    /// Tensors beside the network were left out.
    Unused {
        /// Their names.
        names: Vec<String>,
    },
    /// Other networks in the same file were left out.
    OtherNetworks {
        /// Where they are in the file.
        names: Vec<String>,
    },
    /// A first convolution of 3×3 was assumed not to halve the picture, and nothing to be pooled after it.
    AssumedSmallStem {
        /// Its name.
        layer: String,
    },
    /// Between the last layers a rectifier was assumed, as weights do not tell what stands there.
    AssumedRectifiers {
        /// Name of the last layers.
        head: String,
    },
    /// A layer beside the network was taken as its last.
    AssumedHead {
        /// Its name.
        head: String,
    },
    /// A layer is its author's own code, and was taken as that of Keras' example, which has its name.
    AssumedLayer {
        /// Its name.
        layer: String,
        /// Its class.
        class: String,
    },
    /// One output was taken as a logit of a sigmoid.
    AssumedSigmoid,
    /// TorchScript's code could not be followed.
    ScriptNotRead,
    /// The file says something about itself that was not understood.
    NotUnderstood {
        /// What it is called there.
        key: String,
        /// What it says.
        value: String,
    },
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Note::AssumedSize([height, width]) => write!(
                f,
                "The network takes pictures of any size; {width} × {height} (width × height) is \
                 assumed."
            ),
            Note::BatchOfOne { file } => {
                write!(
                    f,
                    "The network is made for {file} pictures at a time; it runs with one."
                )
            }
            Note::Quantised { count } => write!(
                f,
                "The network rounds to 8 bits in {count} places. What is explained is the network \
                 before this rounding, so scores differ a little from the rounded network's."
            ),
            Note::Precision { file } => {
                write!(
                    f,
                    "The network's numbers are {file}; it is computed in float32."
                )
            }
            Note::Cut {
                operations,
                outputs,
            } => {
                write!(f, "The end of the network has no slope and was cut off: ")?;
                list(f, operations)?;
                write!(f, ". Its outputs are now {}.", outputs.join(", "))
            }
            Note::LeftOut {
                operations,
                outputs,
            } => {
                write!(
                    f,
                    "Left out: {}, as Violet cannot explain ",
                    outputs.join(", ")
                )?;
                list(f, operations)?;
                write!(f, ".")
            }
            Note::ConstantOutput { output } => write!(
                f,
                "The output “{output}” does not depend on the picture and was left out."
            ),
            Note::FlatPicture { length } => write!(
                f,
                "The network takes {length} numbers in a row; they are assumed to be the pixels of \
                 a picture, row by row."
            ),
            Note::AssumedScaling { exporter, rule } => write!(
                f,
                "The file looks like one of {exporter}; pixels are assumed to go in as {rule}."
            ),
            Note::PreparationCut { input } => write!(
                f,
                "The network resizes pictures by itself, which was left out: it begins at \
                 “{input}”."
            ),
            Note::Layout { title } => write!(
                f,
                "Names and shapes of the weights tell the network: {title}."
            ),
            Note::Learner => write!(f, "Its last layers are those of fastai's learners."),
            Note::Unused { names } => {
                let shown: Vec<&str> = names.iter().take(SHOWN).map(String::as_str).collect();
                write!(
                    f,
                    "Left out, as it is no part of the network: {}",
                    shown.join(", ")
                )?;
                match names.len().saturating_sub(SHOWN) {
                    0 => write!(f, "."),
                    more => write!(f, ", … (+{more})."),
                }
            }
            Note::OtherNetworks { names } => write!(
                f,
                "The file holds other weights too, which were left out: {}.",
                names.join(", ")
            ),
            Note::AssumedSmallStem { layer } => write!(
                f,
                "“{layer}” is 3 × 3, as in networks for small pictures; it is assumed not to halve them, and nothing \
                 to be pooled after it."
            ),
            Note::AssumedRectifiers { head } => write!(
                f,
                "Weights do not tell what stands between the layers of “{head}”; a rectifier \
                 (ReLU) is assumed."
            ),
            Note::AssumedHead { head } => {
                write!(f, "“{head}” is assumed to be the network's last layer.")
            }
            Note::AssumedLayer { layer, class } => write!(
                f,
                "“{layer}” is Python code that the file does not hold; it is assumed to be {class} of \
                 Keras' example of a Vision Transformer."
            ),
            Note::AssumedSigmoid => {
                write!(
                    f,
                    "The network has one output; a sigmoid is assumed after it."
                )
            }
            Note::ScriptNotRead => write!(
                f,
                "The file is TorchScript with code that Violet cannot follow; its layers are assumed to be the \
                 usual ones."
            ),
            Note::NotUnderstood { key, value } => {
                write!(
                    f,
                    "The file says “{key}: {value}”, which was not understood."
                )
            }
        }
    }
}

/// Names in a sentence, at most.
const SHOWN: usize = 5;

/// "3 × TopK, NonMaxSuppression".
pub(crate) fn list(f: &mut fmt::Formatter<'_>, counts: &[OperationCount]) -> fmt::Result {
    for (index, OperationCount { name, count }) in counts.iter().enumerate() {
        let comma = if index == 0 { "" } else { ", " };
        match count {
            1 => write!(f, "{comma}{name}")?,
            _ => write!(f, "{comma}{count} × {name}")?,
        }
    }
    Ok(())
}
