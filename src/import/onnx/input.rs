//! Which input is the picture, in which layout, and how large.
//!
//! ONNX does not say that an input is a picture: its shape does, and where that is open the first
//! layers do.

use std::collections::{BTreeSet, HashMap};

use super::model::{Dim, Graph, Kind, Node, Tensor};
use super::tensor::{data_type, is_float, type_name};
use crate::error::{Error, Result};
use crate::imported::{InputKind, Layout, Note, Options};

/// A row of pixels in a picture that comes without an axis of channels has at least so many:
/// anything less is a list of points or of words.
const MIN_SIDE: usize = 8;
/// Sides of a picture with an axis of channels.
const MIN_SIDE_WITH_CHANNELS: usize = 2;

const NO_PICTURE: &str = "Open the part of your program that goes from the picture to scores.";

/// The input that takes the picture.
#[derive(Debug)]
pub(crate) struct Picture {
    pub(crate) kind: InputKind,
    /// Shape of the graph's input: the file's, for one picture.
    pub(crate) shape: Vec<usize>,
    /// The batch that the file fixes, if that is more than one.
    pub(crate) batch: Option<usize>,
    pub(crate) notes: Vec<Note>,
}

/// Finds the picture among the inputs. `size` is what the file's metadata say.
///
/// # Errors
///
/// [`Error::NotAPicture`], in a sentence that says what goes in instead.
pub(crate) fn picture(
    graph: &Graph<'_>,
    size: Option<[usize; 2]>,
    options: &Options,
) -> Result<Picture> {
    let weights: HashMap<&str, &Tensor<'_>> = graph
        .initializers
        .iter()
        .map(|tensor| (tensor.name, tensor))
        .collect();
    let used: BTreeSet<&str> = graph
        .nodes
        .iter()
        .flat_map(|node| node.inputs.iter().copied())
        .collect();
    let mut inputs = graph
        .inputs
        .iter()
        .filter(|input| !weights.contains_key(input.name));
    let first = inputs
        .clone()
        .find(|input| used.contains(input.name))
        .or(inputs.next());
    let Some(input) = first else {
        return Err(not_a_picture("", "missing".into(), NO_PICTURE));
    };
    let others: Vec<&str> = graph
        .inputs
        .iter()
        .map(|other| other.name)
        .filter(|&name| name != input.name && !weights.contains_key(name) && used.contains(name))
        .collect();
    if !others.is_empty() {
        let found = format!(
            "one of {}, beside “{}”",
            others.len() + 1,
            others.join("”, “")
        );
        return Err(not_a_picture(
            input.name,
            found,
            "Export the network so that everything but the picture is inside.",
        ));
    }
    let (element, shape) = match &input.kind {
        Kind::Tensor { data_type, shape } => (*data_type, shape.as_deref()),
        Kind::Other(what) => {
            return Err(not_a_picture(input.name, (*what).into(), NO_PICTURE));
        }
        Kind::Unknown => (data_type::FLOAT, None),
    };
    if !is_float(element) && element != data_type::UINT8 {
        let numbers = format!("{} numbers", type_name(element));
        let advice = "Numbers of words or of sounds are no pixels.";
        return Err(not_a_picture(input.name, numbers, advice));
    }
    let hints = Hints::of(&graph.nodes, &weights, input.name);
    let file = Shape {
        name: input.name,
        dims: shape,
        hints,
    };
    let mut picture = file.picture(size, options)?;
    if element != data_type::FLOAT && element != data_type::UINT8 {
        picture.notes.push(Note::Precision {
            file: type_name(element),
        });
    }
    if element == data_type::UINT8 {
        // Bytes of a picture are its pixels.
        picture.kind.scaling = Some(crate::imported::Scaling::uniform(1.0, 0.0));
    }
    Ok(picture)
}

/// What the first layers say about an input whose shape is open.
#[derive(Debug, Default)]
struct Hints {
    /// Channels that the first convolution takes.
    channels: Option<usize>,
    /// The shape that a vector is brought into first.
    reshaped: Option<Vec<i64>>,
    /// Whether the first thing is a transposition from pixels to planes.
    transposed: bool,
}

impl Hints {
    fn of(nodes: &[Node<'_>], weights: &HashMap<&str, &Tensor<'_>>, input: &str) -> Self {
        let weight = |node: &Node<'_>| {
            node.inputs
                .get(1)
                .and_then(|&name| weights.get(name).copied())
        };
        let channels = nodes
            .iter()
            .filter(|node| node.op_type == "Conv")
            .find_map(|node| {
                let groups = node.attributes.iter().find(|a| a.name == "group");
                let groups = groups.and_then(|group| group.int().ok()).unwrap_or(1);
                match weight(node)?.dims[..] {
                    [_, each, _, _] => usize::try_from(each.checked_mul(groups)?).ok(),
                    _ => None,
                }
            });
        let consumer = |op: &str| {
            nodes
                .iter()
                .find(|node| node.op_type == op && node.inputs.first() == Some(&input))
        };
        let reshaped = consumer("Reshape").and_then(|node| {
            let mut list = Vec::new();
            let tensor = weight(node)?;
            if let Some(raw) = tensor.raw {
                list.extend(
                    raw.as_chunks()
                        .0
                        .iter()
                        .take(8)
                        .map(|&chunk| i64::from_le_bytes(chunk)),
                );
            } else {
                tensor
                    .for_each_int(|value| {
                        if list.len() < 8 {
                            list.push(value)
                        }
                    })
                    .ok()?;
            }
            Some(list)
        });
        let transposed = consumer("Transpose").is_some_and(|node| {
            let order = node
                .attributes
                .iter()
                .find(|attribute| attribute.name == "perm");
            order
                .and_then(|order| order.ints().ok())
                .is_some_and(|order| order == [0, 3, 1, 2])
        });
        Self {
            channels,
            reshaped,
            transposed,
        }
    }
}

/// An input's shape in the file, and what its first layers say.
struct Shape<'a, 'b> {
    name: &'b str,
    dims: Option<&'b [Dim<'a>]>,
    hints: Hints,
}

/// A length that the file fixes.
fn fixed(dim: Dim<'_>) -> Option<usize> {
    match dim {
        Dim::Fixed(length) => usize::try_from(length).ok().filter(|&length| length > 0),
        Dim::Named(_) | Dim::Open => None,
    }
}

fn is_colour(length: Option<usize>) -> bool {
    matches!(length, Some(1 | 3))
}

impl Shape<'_, '_> {
    fn picture(&self, size: Option<[usize; 2]>, options: &Options) -> Result<Picture> {
        let open = [Dim::Open; 4];
        let dims = self.dims.unwrap_or(&open);
        let lengths: Vec<Option<usize>> = dims.iter().map(|&dim| fixed(dim)).collect();
        match lengths[..] {
            [batch, a, b, c] => self.with_channels(Some(batch), [a, b, c], size, options),
            [a, b, c] => {
                let colour_first = is_colour(a) && b.is_none_or(|b| b >= MIN_SIDE);
                let colour_last = is_colour(c) && a.is_some_and(|a| a >= MIN_SIDE);
                if (colour_first && a == Some(3)) || colour_last {
                    self.with_channels(None, [a, b, c], size, options)
                } else {
                    self.without_channels(a, [b, c], size, options)
                }
            }
            [height, width]
                if height.zip(width).is_some_and(|(h, w)| h.min(w) >= MIN_SIDE)
                    && self.hints.reshaped.is_none()
                    && height == width =>
            {
                self.without_channels(None, [height, width], size, options)
            }
            [batch, length] => self.flat(Some(batch), length, options),
            [length] => self.flat(None, length, options),
            _ => Err(self.refuse(NO_PICTURE)),
        }
    }

    /// An axis of channels, first or last of three.
    fn with_channels(
        &self,
        batch: Option<Option<usize>>,
        [a, b, c]: [Option<usize>; 3],
        size: Option<[usize; 2]>,
        options: &Options,
    ) -> Result<Picture> {
        let layout = match (is_colour(a), is_colour(c)) {
            (true, true) if self.hints.transposed => Layout::Pixels,
            (true, _) => Layout::Planes,
            (false, true) => Layout::Pixels,
            // Neither is fixed to 1 or 3: the first layers decide.
            _ if c.is_none() && self.hints.transposed => Layout::Pixels,
            _ if a.is_none() => Layout::Planes,
            _ => {
                return Err(self.refuse(
                    "An axis of one or three channels is needed, for a grey or a colour picture.",
                ));
            }
        };
        let (channels, height, width) = match layout {
            Layout::Planes => (a, b, c),
            Layout::Pixels => (c, a, b),
        };
        let channels = channels.or(self.hints.channels).unwrap_or(3);
        if !is_colour(Some(channels)) {
            return Err(self.refuse("A picture has one channel or three."));
        }
        let (size, fixed_size, assumed) = sides([height, width], size, options);
        if size.iter().any(|&side| side < MIN_SIDE_WITH_CHANNELS) {
            return Err(self.refuse("That is a row of numbers."));
        }
        let [height, width] = size;
        let mut shape = match layout {
            Layout::Planes => vec![channels, height, width],
            Layout::Pixels => vec![height, width, channels],
        };
        if batch.is_some() {
            shape.insert(0, 1);
        }
        let kind = InputKind {
            fixed_size,
            ..self.kind(layout, [channels, height, width])
        };
        let batch = batch.flatten();
        Ok(self.with_notes(
            kind,
            shape,
            batch,
            assumed.then_some(Note::AssumedSize(size)),
        ))
    }

    /// A grey picture as rows of numbers.
    fn without_channels(
        &self,
        batch: Option<usize>,
        sides_in_file: [Option<usize>; 2],
        size: Option<[usize; 2]>,
        options: &Options,
    ) -> Result<Picture> {
        let (size, fixed_size, assumed) = sides(sides_in_file, size, options);
        // A size that the file leaves open is more likely the length of a text.
        if assumed || size.iter().any(|&side| side < MIN_SIDE) {
            return Err(self.refuse(NO_PICTURE));
        }
        let [height, width] = size;
        let kind = InputKind {
            fixed_size,
            ..self.kind(Layout::Planes, [1, height, width])
        };
        let rank = self.dims.map_or(3, <[_]>::len);
        let shape = [vec![1; rank.saturating_sub(2)], vec![height, width]].concat();
        Ok(self.with_notes(kind, shape, batch, None))
    }

    /// The pixels of a picture in a row.
    fn flat(
        &self,
        batch: Option<Option<usize>>,
        length: Option<usize>,
        options: &Options,
    ) -> Result<Picture> {
        const ADVICE: &str = "If they are the pixels of a picture that is not square, say its \
                              height and width.";
        let length = length.ok_or_else(|| self.refuse(NO_PICTURE))?;
        let (layout, [channels, height, width]) = self
            .flat_picture(length, options)
            .ok_or_else(|| self.refuse(ADVICE))?;
        let kind = InputKind {
            fixed_size: false,
            ..self.kind(layout, [channels, height, width])
        };
        let shape = match batch {
            Some(_) => vec![1, length],
            None => vec![length],
        };
        Ok(self.with_notes(
            kind,
            shape,
            batch.flatten(),
            Some(Note::FlatPicture { length }),
        ))
    }

    fn flat_picture(&self, length: usize, options: &Options) -> Option<(Layout, [usize; 3])> {
        let fits = |channels: usize, height: usize, width: usize| {
            let product = channels
                .checked_mul(height)
                .and_then(|n| n.checked_mul(width));
            product == Some(length)
        };
        // What the network itself makes of it.
        if let Some([_, a, b, c]) = self.hints.reshaped.as_deref() {
            let length = |n: &i64| usize::try_from(*n).unwrap_or(0);
            let (a, b, c) = (length(a), length(b), length(c));
            if is_colour(Some(a)) && fits(a, b, c) {
                return Some((Layout::Planes, [a, b, c]));
            }
            if is_colour(Some(c)) && fits(c, a, b) {
                return Some((Layout::Pixels, [c, a, b]));
            }
        }
        if let Some([height, width]) = options.size {
            let channels = [1, 3]
                .into_iter()
                .find(|&channels| fits(channels, height, width))?;
            return Some((Layout::Planes, [channels, height, width]));
        }
        [1, 3].into_iter().find_map(|channels| {
            let side = (length / channels).isqrt();
            let picture = side >= MIN_SIDE && fits(channels, side, side);
            picture.then_some((Layout::Planes, [channels, side, side]))
        })
    }

    fn kind(&self, layout: Layout, sides: [usize; 3]) -> InputKind {
        InputKind::new(self.name, layout, sides)
    }

    fn with_notes(
        &self,
        kind: InputKind,
        shape: Vec<usize>,
        batch: Option<usize>,
        note: Option<Note>,
    ) -> Picture {
        let batch = batch.filter(|&batch| batch > 1);
        let notes = batch
            .map(|file| Note::BatchOfOne { file })
            .into_iter()
            .chain(note)
            .collect();
        Picture {
            kind,
            shape,
            batch,
            notes,
        }
    }

    fn refuse(&self, advice: &'static str) -> Error {
        let found = match self.dims {
            Some([]) => "a single number".into(),
            Some(dims) => {
                let lengths: Vec<String> = dims
                    .iter()
                    .map(|dim| match dim {
                        Dim::Fixed(length) => length.to_string(),
                        Dim::Named(name) => (*name).into(),
                        Dim::Open => "?".into(),
                    })
                    .collect();
                format!(
                    "an array of shape {}, which is no picture",
                    lengths.join(" × ")
                )
            }
            None => "of unknown shape".into(),
        };
        not_a_picture(self.name, found, advice)
    }
}

/// Height and width; whether the file fixes them; whether they had to be assumed.
fn sides(
    file: [Option<usize>; 2],
    metadata: Option<[usize; 2]>,
    options: &Options,
) -> ([usize; 2], bool, bool) {
    if let [Some(height), Some(width)] = file {
        return ([height, width], true, false);
    }
    let said = options.size.or(metadata);
    // Of a file that fixes one side, the other is most likely the same.
    let default = match file {
        [Some(side), _] | [_, Some(side)] => [side; 2],
        _ => Options::DEFAULT_SIZE,
    };
    let [height, width] = said.unwrap_or(default);
    let size = [file[0].unwrap_or(height), file[1].unwrap_or(width)];
    (size, false, said.is_none())
}

fn not_a_picture(input: &str, found: String, advice: &'static str) -> Error {
    Error::NotAPicture {
        input: input.into(),
        found,
        advice,
    }
}

#[cfg(test)]
mod tests;
