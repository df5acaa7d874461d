//! PyTorch's files, `.pth` and `.pt`: names, shapes and numbers, and nothing executed.
//!
//! Two formats: a zip archive whose `data.pkl` describes tensors kept in other entries (since 1.6),
//! and the older one of five pickles followed by the numbers.

mod pickle;

use std::collections::{BTreeMap, HashMap};
use std::io::{Cursor, Read};
use std::rc::Rc;

use half::{bf16, f16};

use self::pickle::{Pickle, Tensor, Value};
use crate::error::{Error, Result};

/// What the first of the old format's pickles is: PyTorch's `MAGIC_NUMBER` after `PROTO 2`, as
/// `LONG1` of ten bytes.
const OLD_FORMAT: [u8; 14] = [
    0x80, 0x02, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19,
];
/// Where people put the weights, when a file holds more than them.
const WEIGHTS: [&str; 7] = [
    "state_dict",
    "model_state_dict",
    "model_state",
    "model",
    "network",
    "net",
    "weights",
];
/// The most values taken from a file, in f32 a gigabyte.
const MOST_VALUES: usize = 1 << 28;
/// How deep a saved module may nest.
const DEEPEST: usize = 16;

/// A tensor's name, shape and values.
pub(super) type Array = (String, Vec<usize>, Vec<f32>);

/// The types that weights have.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Dtype {
    F16,
    Bf16,
    F32,
    F64,
}

impl Dtype {
    fn of_storage(class: &str) -> Option<Self> {
        match class.rsplit('.').next() {
            Some("HalfStorage") => Some(Dtype::F16),
            Some("BFloat16Storage") => Some(Dtype::Bf16),
            Some("FloatStorage") => Some(Dtype::F32),
            Some("DoubleStorage") => Some(Dtype::F64),
            _ => None,
        }
    }

    fn size(self) -> usize {
        match self {
            Dtype::F16 | Dtype::Bf16 => 2,
            Dtype::F32 => 4,
            Dtype::F64 => 8,
        }
    }

    fn read(self, bytes: &[u8]) -> f32 {
        let value = match self {
            Dtype::F16 => bytes.try_into().map(|b| f16::from_le_bytes(b).to_f32()),
            Dtype::Bf16 => bytes.try_into().map(|b| bf16::from_le_bytes(b).to_f32()),
            Dtype::F32 => bytes.try_into().map(f32::from_le_bytes),
            Dtype::F64 => bytes.try_into().map(|b| f64::from_le_bytes(b) as f32),
        };
        value.unwrap_or(f32::NAN) // never: the slice has its size
    }
}

/// Whether the bytes begin as one of PyTorch's formats does.
pub(super) fn is_pytorch(bytes: &[u8]) -> bool {
    bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(&OLD_FORMAT)
}

/// Every tensor of floating-point numbers among the weights in a file.
///
/// # Errors
///
/// [`Error::UnreadableCheckpoint`] if the bytes are of neither format, are damaged, describe more
/// than they hold or more than a gigabyte, or hold no weights.
pub(super) fn read(bytes: &[u8]) -> Result<Vec<Array>> {
    if bytes.starts_with(b"PK\x03\x04") {
        return read_zip(bytes);
    }
    if !bytes.starts_with(&OLD_FORMAT) {
        return Err(damaged("it does not begin as PyTorch's files do"));
    }
    let mut rest = bytes;
    for _magic_version_system in 0..3 {
        Pickle::read(&mut rest)?;
    }
    let pickle = Pickle::read(&mut rest)?;
    let keys = Pickle::read(&mut rest)?;
    let sizes = pickle.storages.iter();
    let sizes: HashMap<&str, usize> = sizes.map(|s| (s.key.as_str(), s.size)).collect();
    let mut storages = HashMap::new();
    for key in keys.items(&keys.root) {
        let Value::Text(key) = key else {
            return Err(damaged("a storage's name is no text"));
        };
        let (count, after) = rest
            .split_first_chunk()
            .ok_or_else(|| damaged("it ends too early"))?;
        let size = sizes.get(&**key).copied();
        let size = size.ok_or_else(|| damaged("a storage belongs to nothing"))?;
        let length = usize::try_from(i64::from_le_bytes(*count)).ok();
        let length = length.and_then(|count| count.checked_mul(size));
        let (values, after) = length
            .and_then(|length| after.split_at_checked(length))
            .ok_or_else(|| damaged("it ends too early"))?;
        storages.insert(key.to_string(), values.to_vec());
        rest = after;
    }
    arrays(&pickle, |key| {
        storages
            .get(key)
            .cloned()
            .ok_or_else(|| damaged("a storage is missing"))
    })
}

fn read_zip(bytes: &[u8]) -> Result<Vec<Array>> {
    let unreadable = |error: zip::result::ZipError| damaged(&error.to_string());
    // PyTorch's archives begin where the file begins: nothing is to be searched for.
    let config = zip::read::Config {
        archive_offset: zip::read::ArchiveOffset::Known(0),
    };
    let archive = zip::ZipArchive::with_config(config, Cursor::new(bytes));
    let mut archive = archive.map_err(unreadable)?;
    let names = archive
        .file_names()
        .filter_map(|name| Some(name.ok()?.into_owned()));
    let names: Vec<String> = names.collect();
    let root = names.iter().find_map(|name| name.strip_suffix("data.pkl"));
    let Some(root) = root.map(str::to_owned) else {
        return Err(damaged(
            "it is a zip archive, but not one of PyTorch's: data.pkl is missing",
        ));
    };
    let mut entry = |name: String| -> Result<Vec<u8>> {
        let file = archive.by_name(&name).map_err(unreadable)?;
        // PyTorch compresses nothing: an entry that says it is larger than the file lies.
        if file.size() > bytes.len() as u64 {
            return Err(damaged("an entry is larger than the file"));
        }
        let mut content = Vec::with_capacity(file.size() as usize);
        let read = file.take(bytes.len() as u64).read_to_end(&mut content);
        read.map_err(|error| damaged(&error.to_string()))?;
        Ok(content)
    };
    let described = entry(format!("{root}data.pkl"))?;
    let order = format!("{root}byteorder");
    if names.contains(&order) && entry(order)?.starts_with(b"big") {
        return Err(damaged("it was written on a big-endian machine"));
    }
    let pickle = Pickle::read(&mut described.as_slice())?;
    arrays(&pickle, |key| entry(format!("{root}data/{key}")))
}

/// The arrays that a pickle describes, from storages by their keys.
fn arrays(pickle: &Pickle, mut storage: impl FnMut(&str) -> Result<Vec<u8>>) -> Result<Vec<Array>> {
    let mut tensors = BTreeMap::new();
    collect(pickle, weights(pickle), "", 0, &mut tensors);
    if tensors.is_empty() {
        return Err(damaged("there are no weights in it"));
    }
    // Storages are read one at a time, whoever shares them.
    let mut by_storage: BTreeMap<&str, Vec<(&str, &Tensor)>> = BTreeMap::new();
    for (name, tensor) in &tensors {
        by_storage
            .entry(&tensor.storage.key)
            .or_default()
            .push((name, tensor));
    }
    let mut total = 0usize;
    let mut arrays = Vec::new();
    for (key, tensors) in by_storage {
        let bytes = storage(key)?;
        for (name, tensor) in tensors {
            let values = values(name, tensor, &bytes)?;
            total += values.len();
            if total > MOST_VALUES {
                return Err(damaged("it holds more than a gigabyte of weights"));
            }
            arrays.push((name.to_owned(), tensor.shape.clone(), values));
        }
    }
    Ok(arrays)
}

/// Where the weights are: at the top, or under one of the usual names.
fn weights(pickle: &Pickle) -> &Value {
    let has_tensors = |value: &Value| {
        pickle
            .entries(value)
            .any(|(_, value)| matches!(value, Value::Tensor(_)))
    };
    let mut root = &pickle.root;
    for _ in 0..DEEPEST {
        if has_tensors(root) {
            break;
        }
        let named = |name: &&str| pickle.entries(root).find(|(key, _)| key == name);
        match WEIGHTS.iter().find_map(named) {
            Some((_, value)) => root = value,
            None => break,
        }
    }
    root
}

/// Collects a dictionary's tensors; of a saved module, its parameters, buffers and those of the
/// modules inside it.
fn collect(
    pickle: &Pickle,
    value: &Value,
    prefix: &str,
    depth: usize,
    tensors: &mut BTreeMap<String, Rc<Tensor>>,
) {
    if depth > DEEPEST {
        return;
    }
    for (key, value) in pickle.entries(value) {
        match value {
            Value::Tensor(tensor) if tensor.storage.dtype.is_some() => {
                tensors.insert(format!("{prefix}{key}"), Rc::clone(tensor));
            }
            Value::Dictionary(_) if key == "_parameters" || key == "_buffers" => {
                collect(pickle, value, prefix, depth + 1, tensors);
            }
            Value::Dictionary(_) if key == "_modules" => {
                for (name, module) in pickle.entries(value) {
                    let prefix = format!("{prefix}{name}.");
                    collect(pickle, module, &prefix, depth + 1, tensors);
                }
            }
            _ => {}
        }
    }
}

/// A tensor's values in the order of its shape.
fn values(name: &str, tensor: &Tensor, bytes: &[u8]) -> Result<Vec<f32>> {
    let outside = || damaged(&format!("“{name}” reaches beyond its numbers"));
    let Some(dtype) = tensor.storage.dtype else {
        return Ok(Vec::new());
    };
    let stored = bytes.len() / dtype.size();
    let (shape, strides) = (&tensor.shape, &tensor.strides);
    let product = |product: usize, &size: &usize| product.checked_mul(size);
    let count = shape.iter().try_fold(1, product).ok_or_else(outside)?;
    if shape.len() != strides.len() || count > stored {
        return Err(outside());
    }
    if count == 0 {
        return Ok(Vec::new());
    }
    let reach = shape
        .iter()
        .zip(strides)
        .try_fold(tensor.offset, |reach, (&size, &stride)| {
            reach.checked_add((size - 1).checked_mul(stride)?)
        });
    if reach.is_none_or(|reach| reach >= stored) {
        return Err(outside());
    }
    if is_contiguous(shape, strides) {
        let from = tensor.offset * dtype.size();
        let stretch = &bytes[from..from + count * dtype.size()];
        return Ok(stretch
            .chunks_exact(dtype.size())
            .map(|bytes| dtype.read(bytes))
            .collect());
    }
    let at = |k: usize| {
        let (mut rest, mut place) = (k, tensor.offset);
        for (&size, &stride) in shape.iter().zip(strides).rev() {
            place += rest % size * stride;
            rest /= size;
        }
        let from = place * dtype.size();
        dtype.read(&bytes[from..from + dtype.size()])
    };
    Ok((0..count).map(at).collect())
}

/// Whether the elements lie one after the other, the last dimension fastest.
fn is_contiguous(shape: &[usize], strides: &[usize]) -> bool {
    let mut step = 1;
    shape.iter().zip(strides).rev().all(|(&size, &stride)| {
        let right = stride == step || size == 1;
        step *= size;
        right
    })
}

fn damaged(reason: &str) -> Error {
    Error::UnreadableCheckpoint {
        reason: reason.into(),
    }
}
