//! A network from someone's files, and what its input is made of.

use std::fmt;

use violet_graph::{Graph, Head, Memory, ValueId};
use violet_import::{
    ChannelOrder, File, Imported, InputKind, Layout, Note, OperationCount, Options, Scaling,
};

use super::arrangement::{Arrangement, Grey};
use super::card::{Assumed, Card, Channels, Order, Usual, Wishes};
use super::definition::{Definition, Detector};
use super::{Architecture, Checkpoint, ModelSpec, checkpoint, recognise};
use crate::error::{Error, Result};
use crate::preprocessing::{Filter, Framing, Preprocessing};

const IMAGENET_CLASSES: usize = 1000;
/// ITU-R BT.601, as Pillow and OpenCV make grey.
const GREY: [f32; 3] = [0.299, 0.587, 0.114];

/// A network that was read from files.
#[derive(Debug, Clone)]
pub struct Opened {
    /// All that is needed to run it.
    pub definition: Definition,
    /// What its file is, as in "ONNX".
    pub format: &'static str,
    /// Who wrote it; empty if it does not say.
    pub producer: String,
    /// Its layout, where that is a known one.
    pub architecture: Architecture,
    /// Names of its classes, as many as it has; nothing, if nobody said them.
    pub labels: Option<Vec<String>>,
    /// What its file says of its input.
    pub input: InputKind,
    /// What was bound or left out, each a sentence.
    pub notes: Vec<String>,
    /// The operations as its file calls them, most frequent first; none, where it names none.
    pub operations: Vec<OperationCount>,
    /// What neither file nor user said.
    pub assumed: Vec<Assumed>,
    /// How many classes its file has, where that may be more than are kept.
    found: Option<usize>,
    /// Whether what is explained is one number in its file, of which both sides are outputs here.
    sides: bool,
}

/// What a file says, or those who write such files.
struct Said {
    input: InputKind,
    preprocessing: Preprocessing,
    /// Where the values of a pixel are not said: what is usual.
    values: Option<Usual>,
    /// Whether the framing is known.
    framing: bool,
    /// Whether nobody says how large pictures are.
    size_is_open: bool,
}

fn is_of_size(note: &Note) -> bool {
    matches!(note, Note::AssumedSize(_))
}

impl Opened {
    /// Reads the network among files that were opened together, with its weights and its labels, and
    /// decides what they leave open.
    ///
    /// # Errors
    ///
    /// [`Error::Import`], [`Error::UnreadableCheckpoint`] or [`Error::UnknownLayout`] if there is no
    /// network that can be read; [`Error::LabelCount`] if the labels do not fit;
    /// [`Error::UnknownOutput`], [`Error::ClassCount`] or [`Error::Wish`] if what is wished cannot be
    /// had; [`Error::Picture`] if no photo can become its input; [`Error::Graph`] if it is at a limit.
    pub fn read(files: Vec<File>, wishes: &Wishes) -> Result<Self> {
        let (mut weights, mut others): (Vec<_>, Vec<_>) = violet_import::of_one_network(files)
            .into_iter()
            // Code says more than names do.
            .partition(|file| {
                Checkpoint::is_one(&file.bytes) && !violet_weights::holds_code(&file.bytes)
            });
        match weights.pop() {
            None => Self::imported(others, wishes),
            Some(file) if weights.is_empty() => match Self::layout(&file, &others, wishes) {
                // None of those that are built in: whatever else the layouts know.
                Err(Error::UnknownLayout { .. }) => {
                    others.push(file);
                    Self::imported(others, wishes)
                }
                layout => layout,
            },
            Some(file) => {
                weights.push(file);
                let names = weights.into_iter().map(|file| file.name).collect();
                Err(violet_import::Error::SeveralNetworks { names }.into())
            }
        }
    }

    /// A network that a file describes as a whole.
    fn imported(files: Vec<File>, wishes: &Wishes) -> Result<Self> {
        let named = labels_of(&files, wishes).or_else(|| violet_import::labels(&files));
        let files = match &wishes.labels {
            Some(labels) => files.into_iter().filter(|f| f.name != *labels).collect(),
            None => files,
        };
        let mut options = Options::default();
        if let Some(size) = wishes.size {
            options = options.with_size(size);
        }
        if let Some(classes) = wishes.classes {
            options = options.with_classes(classes);
        }
        let (format, imported) = violet_import::read(files, &options)?;
        let Imported {
            graph,
            mut labels,
            input,
            notes,
            operations,
            producer,
            detector,
            ..
        } = imported;
        let mut wishes = wishes.clone();
        if let Some(detector) = &detector {
            wishes.output.get_or_insert_with(|| detector.scores.clone());
        }
        let wishes = &wishes;
        // What is in the network's own files comes first, unless other names are wished for.
        if let Some(named) = named
            && (labels.is_empty() || wishes.labels.is_some())
        {
            labels = named;
        }
        let exporter = notes
            .iter()
            .any(|n| matches!(n, Note::AssumedScaling { .. }));
        let bgr = wishes_bgr(&input, wishes);
        let (mean, std, values) = match &input.scaling {
            Some(scaling) => {
                let (mean, std) = numbers(scaling, bgr);
                (mean, std, exporter.then_some(Usual::Exporter))
            }
            None => usual(&input, detector.is_some()),
        };
        // What is to be found may be anywhere.
        let whole = match detector {
            Some(_) => Framing::Pad,
            None => Framing::CropThenResize(1.0),
        };
        let preprocessing = Preprocessing {
            height: input.height as u32,
            width: input.width as u32,
            framing: input.framing.map_or(whole, framing),
            filter: match input.filter {
                Some(violet_import::Filter::Bicubic) => Filter::Bicubic,
                _ => Filter::Bilinear,
            },
            mean,
            std,
        };
        let said = Said {
            // An exporter that is assumed takes the middle; what takes more was said.
            framing: input
                .framing
                .is_some_and(|framing| !exporter || framing != violet_import::Framing::Crop),
            input,
            preprocessing,
            values,
            size_is_open: wishes.size.is_none() && notes.iter().any(is_of_size),
        };
        // The size has a place of its own among what is assumed.
        let notes = notes.iter().filter(|note| !is_of_size(note));
        let notes = notes.map(Note::to_string).collect();
        let mut opened = Self::decide(graph, said, wishes)?;
        let definition = &mut opened.definition;
        definition.detector = detector
            .filter(|detector| detector.scores == definition.output)
            .map(|detector| Detector {
                boxes: detector.boxes,
                classes: detector.classes,
                background: detector.background,
            });
        if definition.detector.is_some() {
            opened.architecture = Architecture::ImportedDetector;
        }
        if wishes
            .classes
            .is_some_and(|kept| kept != opened.definition.classes())
        {
            return Err(Error::Wish {
                wish: "the number of classes",
                reason: "its file describes the whole network".into(),
            });
        }
        opened.format = format.name();
        opened.producer = producer;
        opened.operations = operations;
        opened.notes = notes;
        opened.name(labels, wishes)?;
        Ok(opened)
    }

    /// A network of a known layout, of which a file has the weights.
    fn layout(file: &File, others: &[File], wishes: &Wishes) -> Result<Self> {
        let mut recognised = recognise(Checkpoint::from_bytes(&file.bytes)?)?;
        let own_labels = recognised.checkpoint.labels().to_vec();
        let (architecture, found) = (recognised.architecture, recognised.classes);
        if let Some(classes) = wishes.classes {
            architecture.keep_classes(&mut recognised.checkpoint, classes)?;
        }
        let mut preprocessing = architecture.preprocessing();
        if let (Some([height, width]), usual) = (wishes.size, preprocessing.width) {
            preprocessing.height = height as u32;
            preprocessing.width = width as u32;
            // The same share of the photo.
            if let Framing::ResizeThenCrop(side) = &mut preprocessing.framing {
                *side = *side * preprocessing.height.max(preprocessing.width) / usual;
            }
        }
        let [height, width] = preprocessing.size();
        let graph = architecture.graph(recognised.checkpoint, [height, width])?;
        let mut input = InputKind::new("input", Layout::Planes, [3, height, width]);
        input.fixed_size = false;
        input.channel_order = Some(ChannelOrder::Rgb);
        let said = Said {
            input,
            preprocessing,
            values: Some(Usual::Layout),
            framing: true,
            // The layout's own size is no guess.
            size_is_open: false,
        };
        let mut opened = Self::decide(graph, said, wishes)?;
        let safetensors = file.bytes.get(8) == Some(&b'{');
        opened.format = if safetensors {
            "safetensors"
        } else {
            "PyTorch"
        };
        opened.architecture = architecture;
        opened.found = (!opened.sides).then_some(found);
        let labels = labels_of(others, wishes).or_else(|| violet_import::labels(others));
        opened.name(labels.unwrap_or(own_labels), wishes)?;
        Ok(opened)
    }

    /// Decides what files leave open.
    fn decide(graph: Graph, said: Said, wishes: &Wishes) -> Result<Self> {
        let graph = graph.prepared()?;
        let Said {
            input,
            mut preprocessing,
            values,
            framing,
            size_is_open,
        } = said;
        let mut assumed = Vec::new();
        let size = preprocessing.size();
        match wishes.size {
            Some(asked) if asked != size => {
                return Err(Error::Wish {
                    wish: "the input's size",
                    reason: format!("the file fixes it at {} × {} pixels", size[1], size[0]),
                });
            }
            None if size_is_open => assumed.push(Assumed::Size),
            _ => {}
        }
        match wishes.framing {
            Some(wished) => preprocessing.framing = wished,
            None if !framing && preprocessing.framing == Framing::Pad => {
                assumed.push(Assumed::Bars);
            }
            None if !framing => assumed.push(Assumed::Framing),
            None => {}
        }
        if let (Some(usual), None, None) = (values, wishes.mean, wishes.std) {
            assumed.push(Assumed::Values(usual));
        }
        preprocessing.mean = wishes.mean.unwrap_or(preprocessing.mean);
        preprocessing.std = wishes.std.unwrap_or(preprocessing.std);
        let Preprocessing { mean, std, .. } = preprocessing;
        if !mean.iter().all(|v| v.is_finite()) || !std.iter().all(|v| v.is_normal()) {
            return Err(Error::Picture {
                reason: format!(
                    "mean {mean:?} and standard deviation {std:?} make no numbers of it"
                ),
            });
        }
        if wishes.channels.is_none() && input.channel_order.is_none() && input.channels == 3 {
            assumed.push(Assumed::Colours);
        }
        let grey = input.channels == 1 || wishes.channels == Some(Channels::Grey);
        if input.channels == 1 && wishes.channels.is_some_and(|c| c != Channels::Grey) {
            return Err(Error::Wish {
                wish: "the order of the colours",
                reason: "its input has one channel, which is grey".into(),
            });
        }
        let weights = input.grey_weights.unwrap_or(GREY);
        let arrangement = Arrangement {
            pixels: input.layout == Layout::Pixels,
            bgr: !grey && wishes_bgr(&input, wishes),
            grey: match grey {
                true => grey_of(weights, input.channels, mean, std),
                false => Vec::new(),
            },
        };
        let output = chosen(&graph, wishes.output.as_deref())?;
        // Of one number both sides can be asked for: what speaks for it, and what against.
        let of_output = graph.outputs().iter().find(|one| one.name == output);
        let sides = of_output.is_some_and(|one| graph.value(one.value).elements() == 1)
            // One of several that somebody keeps is no answer by yes or no.
            && wishes.classes.is_none();
        let graph = match sides {
            true => graph.with_both_sides(&output)?,
            false => graph,
        };
        if wishes.output.is_none() && graph.outputs().len() > 1 {
            assumed.push(Assumed::Output);
        }
        let definition = Definition {
            graph,
            preprocessing,
            arrangement,
            output,
            detector: None,
        };
        Ok(Self {
            definition,
            format: "",
            producer: String::new(),
            architecture: Architecture::Imported,
            labels: None,
            input,
            notes: Vec::new(),
            operations: Vec::new(),
            assumed,
            found: None,
            sides,
        })
    }

    /// Takes the names of the classes, if they fit.
    fn name(&mut self, mut labels: Vec<String>, wishes: &Wishes) -> Result<()> {
        let expected = self.definition.classes();
        // Of two sides that are one number in the file, one name says both.
        if let (true, [only]) = (self.sides, &labels[..]) {
            labels = vec![format!("not {only}"), only.clone()];
        }
        let found = labels.len();
        // Where fewer classes are kept, the names of the first ones.
        let longer = self.found == Some(found) && expected <= found;
        if found == expected || longer {
            let names = labels.into_iter().take(expected).enumerate();
            let names = names.map(|(k, name)| match name.trim() {
                "" => format!("class {k}"),
                name => name.replace(['\n', '\r'], " "),
            });
            self.labels = Some(names.collect());
        } else if wishes.labels.is_some() {
            return Err(Error::LabelCount { expected, found });
        } else if found > 0 {
            self.notes.push(format!(
                "The names beside the network are {found}, and it has {expected} classes: they were \
                 left out."
            ));
        }
        if self.labels.is_none() && expected == IMAGENET_CLASSES {
            self.assumed.push(Assumed::Labels);
        }
        Ok(())
    }

    /// All that is known of it, for people.
    pub fn card(&self) -> Card {
        let definition = &self.definition;
        let Definition { graph, .. } = definition;
        let summary = graph.summary();
        let outputs = graph.outputs().iter();
        let size = |value: ValueId| graph.value(value).elements();
        let input = graph.shape(graph.input());
        let (_, head) = definition.explained();
        let classes = definition.classes();
        let channels = match &definition.arrangement {
            arrangement if !arrangement.grey.is_empty() => Channels::Grey,
            arrangement if arrangement.bgr => Channels::Bgr,
            _ => Channels::Rgb,
        };
        Card {
            format: self.format.into(),
            producer: self.producer.clone(),
            published: None,
            architecture: self.architecture,
            layers: summary.layers,
            parameters: summary.parameters,
            memory: bytes(summary.parameters, summary.memory),
            outputs: outputs.map(|o| (o.name.clone(), size(o.value))).collect(),
            output: definition.output.clone(),
            found: self.found.unwrap_or(classes),
            classes,
            shortens: self.found.is_some(),
            labels: self.labels.clone(),
            independent: head == Head::Sigmoid || classes == 1 || definition.detector.is_some(),
            preprocessing: definition.preprocessing,
            channels,
            planes: self.input.channels,
            order: match self.input.layout {
                _ if input.iter().filter(|&&length| length > 1).count() == 1 => Order::Row,
                Layout::Planes => Order::Planes,
                Layout::Pixels => Order::Pixels,
            },
            any_size: !self.input.fixed_size,
            assumed: self.assumed.clone(),
            notes: self.notes.clone(),
        }
    }

    /// How it is called and prepared.
    ///
    /// # Errors
    ///
    /// Those of [`Card::spec`].
    pub fn spec(&self, name: &str) -> Result<ModelSpec> {
        self.card().spec(name)
    }
}

/// The model whose authors published one of these files, if they did.
pub fn published(files: &[File]) -> Option<&'static ModelSpec> {
    let weights = files.iter().find(|file| Checkpoint::is_one(&file.bytes))?;
    ModelSpec::published(&checkpoint::sha256(&weights.bytes))
}

/// What a worker takes for that many parameters and so many activations: module and photo; the weights
/// once in the graph and once as kernels want them, which is up to three times as much where Winograd's
/// tiles are; what one gradient holds. ResNet-18 was seen to take 0.25 GB.
fn bytes(parameters: u64, memory: Memory) -> u64 {
    const ALWAYS: u64 = 64 << 20;
    const FLOAT: u64 = 4;
    const COPIES: u64 = 4;
    ALWAYS + FLOAT * (COPIES * parameters + memory.secant.max(2 * memory.forward))
}

/// The names in the file that is wished for, if one is.
fn labels_of(files: &[File], wishes: &Wishes) -> Option<Vec<String>> {
    let wished = wishes.labels.as_deref()?;
    let file = files.iter().find(|file| file.name == wished)?;
    Some(violet_import::labels_in(&file.name, &file.bytes).unwrap_or_default())
}

fn wishes_bgr(input: &InputKind, wishes: &Wishes) -> bool {
    let said = input.channel_order == Some(ChannelOrder::Bgr);
    let wished = wishes.channels.map(|channels| channels == Channels::Bgr);
    wished.unwrap_or(said) && input.channels == 3
}

/// As many channels of one grey, Σ w · v of a pixel's values v, normalised as each of them is:
/// with n = (v − mean) / std of each colour, channel c is (Σ w · v − mean_c) / std_c.
fn grey_of(weights: [f32; 3], channels: usize, mean: [f32; 3], std: [f32; 3]) -> Vec<Grey> {
    let of_mean: f32 = weights.iter().zip(mean).map(|(w, mean)| w * mean).sum();
    let channel = |c: usize| Grey {
        weights: [0, 1, 2].map(|k| weights[k] * std[k] / std[c]),
        offset: (of_mean - mean[c]) / std[c],
    };
    (0..channels).map(channel).collect()
}

/// The output of that name; or the one that says most likely what is in a picture.
fn chosen(graph: &Graph, name: Option<&str>) -> Result<String> {
    let outputs = graph.outputs();
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
        None => return Ok(violet_import::main_output(graph).unwrap_or_default().into()),
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

/// Whether what a network does first is made for 0 to 255: its numbers grow small, or a mean is taken
/// off that 0 to 1 do not have.
fn takes_bytes(inside: &Scaling) -> bool {
    let mut pairs = inside.scale.iter().zip(&inside.offset);
    pairs.all(|(scale, offset)| scale.abs() < 0.1 || offset.abs() > 2.0 * scale.abs())
}

/// What most networks of a kind are given.
fn usual(input: &InputKind, detects: bool) -> ([f32; 3], [f32; 3], Option<Usual>) {
    let (std, usual) = match (&input.normalised_inside, input.channels) {
        (Some(inside), _) if takes_bytes(inside) => (1.0, Usual::BytesInside),
        (Some(_), _) => (255.0, Usual::SharesInside),
        (None, 1) => (255.0, Usual::Shares),
        (None, _) if detects => (255.0, Usual::Shares),
        (None, _) => {
            let torchvision = Architecture::ResNet18.preprocessing();
            return (torchvision.mean, torchvision.std, Some(Usual::ImageNet));
        }
    };
    ([0.0; 3], [std; 3], Some(usual))
}

fn framing(framing: violet_import::Framing) -> Framing {
    match framing {
        violet_import::Framing::Crop => Framing::CropThenResize(1.0),
        violet_import::Framing::Squash => Framing::Squash,
        violet_import::Framing::Pad => Framing::Pad,
        violet_import::Framing::ResizeThenCrop(side) => Framing::ResizeThenCrop(side),
    }
}

/// For the command line, with what changes it.
impl fmt::Display for Assumed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let values = "(--mean and --std change it)";
        match self {
            Assumed::Size => {
                write!(
                    f,
                    "pictures of any size are taken at the one above (--size changes it)"
                )
            }
            Assumed::Framing => write!(
                f,
                "the middle of the photo is taken (--framing squash takes all of it)"
            ),
            Assumed::Bars => write!(
                f,
                "all of the photo is taken, with bars (--framing crop or squash changes it)"
            ),
            Assumed::Colours => write!(
                f,
                "colours are red, green, blue (--channels bgr turns them round)"
            ),
            Assumed::Labels => write!(
                f,
                "its thousand classes are called as ImageNet's (--labels names them)"
            ),
            Assumed::Output => write!(
                f,
                "the output that looks most like scores is explained (--output names another)"
            ),
            Assumed::Values(Usual::BytesInside) => write!(
                f,
                "its input is 0 to 255, as it is normalised inside {values}"
            ),
            Assumed::Values(Usual::SharesInside) => write!(
                f,
                "its input is 0 to 1, as it is normalised inside {values}"
            ),
            Assumed::Values(Usual::Shares) => write!(f, "its input is 0 to 1 {values}"),
            Assumed::Values(Usual::ImageNet) => write!(
                f,
                "its input is normalised by ImageNet's mean and standard deviation {values}"
            ),
            Assumed::Values(Usual::Layout) => write!(
                f,
                "its input is normalised as the authors of this layout do {values}"
            ),
            Assumed::Values(Usual::Exporter) => write!(
                f,
                "its input is normalised as those do who export such files {values}"
            ),
        }
    }
}
