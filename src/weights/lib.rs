//! Weights by name, as PyTorch (`.pth`, `.pt`, `.ckpt`, any name) and safetensors keep them: names,
//! shapes and numbers, and of a whole saved module what its layers are. Nothing is executed.
//!
//! A file of PyTorch's may hold much besides: an optimiser, counters, a second network. Everything in
//! it that looks like a network is a [`Candidate`]; whoever reads chooses one, and only its numbers
//! are taken from the file.

#![forbid(unsafe_code)]

mod error;
mod pytorch;
mod rounded;
mod script;

use std::collections::BTreeMap;

use half::{bf16, f16};
use safetensors::{Dtype, SafeTensors};

pub use error::{Error, Result};
pub use rounded::write;
pub use script::{Array, Data, Item, Object, Script};

/// The most values taken from a file, in f32 a gigabyte.
const MOST_VALUES: usize = 1 << 28;

/// An array of numbers, row by row.
#[derive(Debug, Clone, PartialEq)]
pub struct Tensor {
    /// Length of each axis.
    pub shape: Vec<usize>,
    /// As many as the shape holds.
    pub values: Vec<f32>,
}

/// Names and shapes of a network's tensors, before their numbers are read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Where it is in the file, as in “state_dict”; empty if it is all of the file.
    pub name: String,
    /// Every tensor of floating-point numbers.
    pub shapes: BTreeMap<String, Vec<usize>>,
}

/// A network's weights.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct StateDict {
    /// Every tensor of floating-point numbers by its name.
    pub tensors: BTreeMap<String, Tensor>,
    /// Of a whole saved module, what its parts are, by the names of their tensors without the last
    /// part; empty where only the tensors were saved.
    pub modules: BTreeMap<String, Module>,
    /// Short texts at the file's root, such as timm's `arch`.
    pub texts: BTreeMap<String, String>,
    /// What the file says of how it was trained.
    pub training: Training,
    /// Names of the classes, if the file has them: at its root, as in `class_to_idx`, or as
    /// [`write()`] puts them.
    pub labels: Vec<String>,
    /// Whether it comes from TorchScript, whose code is not read.
    pub scripted: bool,
}

/// What a training says of its pictures and classes.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Training {
    /// Height and width of its pictures in pixels.
    pub image_size: Option<[usize; 2]>,
    /// How photos of another shape were fitted.
    pub resize: Option<Resize>,
    /// Whether pixels went in as shares of 255 and were not normalised further.
    pub shares: bool,
    /// Whether each class is by itself.
    pub multi_label: bool,
}

/// How photos of another shape are fitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resize {
    /// The largest middle part of the right shape.
    Crop,
    /// All of it, squashed.
    Squash,
}

/// A part of a saved module.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Module {
    /// Its class, as in `torch.nn.modules.conv.Conv2d`.
    pub class: String,
    /// Its plain attributes.
    pub attributes: BTreeMap<String, Attribute>,
}

/// The value of an attribute.
#[derive(Debug, Clone, PartialEq)]
pub enum Attribute {
    /// Python's `None`.
    None,
    /// A truth value.
    Bool(bool),
    /// A number.
    Number(f64),
    /// A list or tuple of numbers.
    Numbers(Vec<f64>),
    /// A text.
    Text(String),
}

/// Whether bytes look like weights by name: one of PyTorch's formats, or safetensors.
pub fn is_weights(bytes: &[u8]) -> bool {
    pytorch::is_pytorch(bytes) || is_safetensors(bytes)
}

/// Whether bytes begin with the length of a header that lies within them, and a header.
fn is_safetensors(bytes: &[u8]) -> bool {
    let length = bytes
        .first_chunk()
        .map(|length| u64::from_le_bytes(*length));
    bytes.get(8) == Some(&b'{') && length.is_some_and(|length| length <= bytes.len() as u64)
}

/// Reads the network that `choose` names among those in a file; there is at least one.
///
/// # Errors
///
/// [`Error::Damaged`] if the bytes are of no known format, cut short, or describe more than they
/// hold or than a gigabyte; [`Error::NoWeights`] if no network is in them; or what `choose` gives.
pub fn read<E: From<Error>>(
    bytes: &[u8],
    choose: impl FnOnce(&[Candidate]) -> std::result::Result<usize, E>,
) -> std::result::Result<StateDict, E> {
    if pytorch::is_pytorch(bytes) {
        return pytorch::read(bytes, choose);
    }
    let read = read_safetensors(bytes)?;
    let shapes = read.tensors.iter();
    let shapes = shapes.map(|(name, tensor)| (name.clone(), tensor.shape.clone()));
    let candidate = Candidate {
        name: String::new(),
        shapes: shapes.collect(),
    };
    choose(&[candidate])?;
    Ok(read)
}

/// Whether bytes are TorchScript: weights with the code of their network.
pub fn holds_code(bytes: &[u8]) -> bool {
    pytorch::is_pytorch(bytes) && pytorch::holds_code(bytes)
}

/// The network of a TorchScript file, with its code; nothing if the bytes are of another format or hold no code.
///
/// # Errors
///
/// [`Error::Damaged`] as in [`read`].
pub fn script(bytes: &[u8]) -> Result<Option<Script>> {
    match pytorch::is_pytorch(bytes) {
        true => pytorch::read_script(bytes),
        false => Ok(None),
    }
}

/// Reads the one format that [`write()`] writes: programs that are given no other have no reader of PyTorch's in
/// them. f16, bf16, f32 and f64 become f32, and so do 16-bit integers that have scales; other integers are left out.
///
/// # Errors
///
/// [`Error::Damaged`] if the bytes are of another format, cut short, or describe more than they hold or than a
/// gigabyte.
pub fn read_safetensors(bytes: &[u8]) -> Result<StateDict> {
    let file = SafeTensors::deserialize(bytes).map_err(|error| damaged(&error.to_string()))?;
    let mut tensors = BTreeMap::new();
    let mut total = 0;
    for (name, view) in file.iter() {
        if rounded::is_scale(&file, name) {
            continue;
        }
        let values = match view.dtype() {
            Dtype::I16 => match rounded::read(&file, name, &view)? {
                Some(values) => values,
                None => continue,
            },
            Dtype::F16 => floats(view.data(), |b| f16::from_le_bytes(b).to_f32()),
            Dtype::BF16 => floats(view.data(), |b| bf16::from_le_bytes(b).to_f32()),
            Dtype::F32 => floats(view.data(), f32::from_le_bytes),
            Dtype::F64 => floats(view.data(), |b| f64::from_le_bytes(b) as f32),
            _ => continue,
        };
        total += values.len();
        if total > MOST_VALUES {
            return Err(damaged("it holds more than a gigabyte of weights"));
        }
        let shape = view.shape().to_vec();
        tensors.insert(name.into(), Tensor { shape, values });
    }
    Ok(StateDict {
        tensors,
        labels: rounded::labels(bytes),
        ..StateDict::default()
    })
}

fn floats<const N: usize>(bytes: &[u8], convert: impl Fn([u8; N]) -> f32) -> Vec<f32> {
    let (chunks, _) = bytes.as_chunks::<N>();
    chunks.iter().map(|&chunk| convert(chunk)).collect()
}

fn damaged(reason: &str) -> Error {
    Error::Damaged {
        reason: reason.into(),
    }
}
