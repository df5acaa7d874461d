//! PyTorch's files: names, shapes and numbers, and nothing executed.
//!
//! Two formats: a zip archive whose `data.pkl` describes tensors kept in other entries (since 1.6),
//! and the older one of five pickles followed by the numbers. Both are told by their bytes.

mod find;
mod pickle;
mod said;
mod script;

use std::collections::{BTreeMap, HashMap};
use std::io::{Cursor, Read};
use std::rc::Rc;

use half::{bf16, f16};

use self::find::Found;
use self::pickle::{Pickle, Tensor, Value};
use crate::{Candidate, Error, MOST_VALUES, Result, StateDict, damaged};

/// What the first of the old format's pickles is: PyTorch's `MAGIC_NUMBER` after `PROTO` and a
/// protocol, as `LONG1` of ten bytes.
const OLD_FORMAT: [u8; 12] = [
    0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19,
];
/// Bytes that an archive may unpack to: those of a gigabyte of doubles.
const MOST_BYTES: u64 = 1 << 31;

/// The types that weights have.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Dtype {
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

/// The types that indices and masks have.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Whole {
    Bool,
    U8,
    I8,
    I16,
    I32,
    I64,
}

impl Whole {
    fn of_storage(class: &str) -> Option<Self> {
        match class.rsplit('.').next() {
            Some("BoolStorage") => Some(Whole::Bool),
            Some("ByteStorage") => Some(Whole::U8),
            Some("CharStorage") => Some(Whole::I8),
            Some("ShortStorage") => Some(Whole::I16),
            Some("IntStorage") => Some(Whole::I32),
            Some("LongStorage") => Some(Whole::I64),
            _ => None,
        }
    }

    fn read(self, bytes: &[u8]) -> i64 {
        let value = match self {
            Whole::Bool | Whole::U8 => bytes.try_into().map(|b| u8::from_le_bytes(b).into()),
            Whole::I8 => bytes.try_into().map(|b| i8::from_le_bytes(b).into()),
            Whole::I16 => bytes.try_into().map(|b| i16::from_le_bytes(b).into()),
            Whole::I32 => bytes.try_into().map(|b| i32::from_le_bytes(b).into()),
            Whole::I64 => bytes.try_into().map(i64::from_le_bytes),
        };
        value.unwrap_or(0) // never: the slice has its size
    }
}

/// Whether the bytes begin as one of PyTorch's formats does: an archive with a `data.pkl` in it, or
/// the older one.
pub(super) fn is_pytorch(bytes: &[u8]) -> bool {
    const HEAD: usize = 1 << 12;
    // Of a network's code there may be thousands of files, which are listed there.
    const TAIL: usize = 1 << 23;
    if is_old(bytes) {
        return true;
    }
    let names = |part: &[u8]| part.windows(8).any(|window| window == b"data.pkl");
    let named = bytes.starts_with(b"PK\x03\x04")
        && (names(&bytes[..bytes.len().min(HEAD)])
            || names(&bytes[bytes.len().saturating_sub(TAIL)..]));
    // Of an archive that is cut short nothing else tells; in a whole one it may be in a file within.
    named && Archive::list(bytes).map_or(true, |zip| Archive::root(&zip).is_some())
}

fn is_old(bytes: &[u8]) -> bool {
    bytes.first() == Some(&0x80) && bytes.get(2..).is_some_and(|b| b.starts_with(&OLD_FORMAT))
}

pub(super) use script::{holds_code, read as read_script};

/// See [`crate::read`].
pub(super) fn read<E: From<Error>>(
    bytes: &[u8],
    choose: impl FnOnce(&[Candidate]) -> std::result::Result<usize, E>,
) -> std::result::Result<StateDict, E> {
    if is_old(bytes) {
        let (pickle, storages) = read_old(bytes)?;
        return state_dict(&pickle, choose, |key| {
            let storage = storages.get(key).map(|bytes| bytes.to_vec());
            storage.ok_or_else(|| damaged("a storage is missing"))
        });
    }
    let mut archive = Archive::open(bytes)?;
    let described = archive.described()?;
    let pickle = Pickle::read(&mut described.as_slice())?;
    let mut state = state_dict(&pickle, choose, |key| archive.entry(&format!("data/{key}")))?;
    state.scripted = archive.has(script::CONSTANTS);
    Ok(state)
}

type Storages<'b> = HashMap<String, &'b [u8]>;

/// The older format: pickles of a number, a version, the machine, the object and the storages' names,
/// and then the storages.
fn read_old(bytes: &[u8]) -> Result<(Pickle, Storages<'_>)> {
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
        storages.insert(key.to_string(), values);
        rest = after;
    }
    Ok((pickle, storages))
}

type Zip<'b> = zip::ZipArchive<Cursor<&'b [u8]>>;

/// The newer format: an archive, all of it in one folder.
struct Archive<'b> {
    zip: Zip<'b>,
    root: String,
    /// Bytes that may still be unpacked.
    left: u64,
}

impl<'b> Archive<'b> {
    fn open(bytes: &'b [u8]) -> Result<Self> {
        let zip = Self::list(bytes).map_err(unreadable)?;
        let root = Self::root(&zip).ok_or_else(|| {
            damaged("it is a zip archive, but not one of PyTorch's: data.pkl is missing")
        })?;
        Ok(Self {
            zip,
            root,
            left: MOST_BYTES,
        })
    }

    fn list(bytes: &'b [u8]) -> zip::result::ZipResult<Zip<'b>> {
        // PyTorch's archives begin where the file begins: nothing is to be searched for.
        let config = zip::read::Config {
            archive_offset: zip::read::ArchiveOffset::Known(0),
        };
        zip::ZipArchive::with_config(config, Cursor::new(bytes))
    }

    /// The folder of the pickle. The shortest: a file may hold another one.
    fn root(zip: &Zip<'_>) -> Option<String> {
        let names = zip.file_names();
        let names = names.filter_map(|name| Some(name.ok()?.into_owned()));
        let roots = names.filter_map(|name| Some(name.strip_suffix("data.pkl")?.to_owned()));
        roots.min_by_key(String::len)
    }

    /// The pickle of what was saved.
    fn described(&mut self) -> Result<Vec<u8>> {
        if self.has("byteorder") && self.entry("byteorder")?.starts_with(b"big") {
            return Err(damaged("it was written on a big-endian machine"));
        }
        self.entry("data.pkl")
    }

    /// Names of entries within a folder, without its own.
    fn within(&self, folder: &str) -> Vec<String> {
        let folder = format!("{}{folder}/", self.root);
        let names = self.zip.file_names();
        let names = names.filter_map(|name| Some(name.ok()?.strip_prefix(&folder)?.to_owned()));
        names.collect()
    }

    fn has(&self, name: &str) -> bool {
        self.zip
            .index_for_name(&format!("{}{name}", self.root))
            .is_some()
    }

    /// An entry's bytes, stored or deflated; what it says of its size need not be true.
    fn entry(&mut self, name: &str) -> Result<Vec<u8>> {
        let file = self
            .zip
            .by_name(&format!("{}{name}", self.root))
            .map_err(unreadable)?;
        let mut content = Vec::new();
        let read = file.take(self.left + 1).read_to_end(&mut content);
        read.map_err(|error| damaged(&error.to_string()))?;
        self.left = self
            .left
            .checked_sub(content.len() as u64)
            .ok_or_else(|| damaged("it holds more than a gigabyte of weights"))?;
        Ok(content)
    }
}

fn unreadable(error: zip::result::ZipError) -> Error {
    damaged(&error.to_string())
}

/// The numbers of the network that `choose` names, from storages by their keys.
fn state_dict<E: From<Error>>(
    pickle: &Pickle,
    choose: impl FnOnce(&[Candidate]) -> std::result::Result<usize, E>,
    mut storage: impl FnMut(&str) -> Result<Vec<u8>>,
) -> std::result::Result<StateDict, E> {
    let mut found = find::networks(pickle)?;
    if found.is_empty() {
        return Err(Error::NoWeights {
            found: instead(pickle),
        }
        .into());
    }
    let candidates: Vec<Candidate> = found.iter().map(Found::candidate).collect();
    let chosen = choose(&candidates)?;
    let Found {
        tensors, modules, ..
    } = found.swap_remove(chosen);
    // Storages are read one at a time, whoever shares them.
    let mut by_storage: BTreeMap<&str, Vec<(&str, &Tensor)>> = BTreeMap::new();
    for (name, tensor) in &tensors {
        by_storage
            .entry(&tensor.storage.key)
            .or_default()
            .push((name, tensor));
    }
    let mut total = 0usize;
    let mut state = StateDict {
        modules,
        texts: said::texts(pickle),
        training: said::training(pickle),
        labels: said::labels(pickle),
        ..StateDict::default()
    };
    for (key, tensors) in by_storage {
        let bytes = storage(key)?;
        for (name, tensor) in tensors {
            total = total.saturating_add(tensor.shape.iter().product());
            if total > MOST_VALUES {
                return Err(damaged("it holds more than a gigabyte of weights").into());
            }
            let values = floats(name, tensor, &bytes)?;
            let shape = tensor.shape.clone();
            let tensor = crate::Tensor { shape, values };
            state.tensors.insert(name.to_owned(), tensor);
        }
    }
    Ok(state)
}

/// What a file holds in place of weights, and what to do.
fn instead(pickle: &Pickle) -> &'static str {
    if pickle.quantised {
        return "; its tensors are quantised. Save the network before it is quantised, or export it \
                to ONNX";
    }
    if pickle.numpy {
        return "; its arrays are NumPy's. Save torch.save(model.state_dict(), \"weights.pth\") \
                instead";
    }
    ""
}

/// A tensor's values in the order of its shape; none of what is no floats.
fn floats(name: &str, tensor: &Tensor, bytes: &[u8]) -> Result<Vec<f32>> {
    match tensor.storage.dtype {
        Some(dtype) => values(name, tensor, bytes, |bytes| dtype.read(bytes)),
        None => Ok(Vec::new()),
    }
}

fn values<T>(
    name: &str,
    tensor: &Tensor,
    bytes: &[u8],
    read: impl Fn(&[u8]) -> T,
) -> Result<Vec<T>> {
    let outside = || damaged(&format!("“{name}” reaches beyond its numbers"));
    let each = tensor.storage.size;
    let stored = bytes.len() / each;
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
        let from = tensor.offset * each;
        let stretch = &bytes[from..from + count * each];
        return Ok(stretch.chunks_exact(each).map(read).collect());
    }
    let at = |k: usize| {
        let (mut rest, mut place) = (k, tensor.offset);
        for (&size, &stride) in shape.iter().zip(strides).rev() {
            place += rest % size * stride;
            rest /= size;
        }
        read(&bytes[place * each..(place + 1) * each])
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

/// A tensor of floating-point numbers.
fn is_float(value: &Value) -> Option<&Rc<Tensor>> {
    match value {
        Value::Tensor(tensor) => tensor.storage.dtype.map(|_| tensor),
        _ => None,
    }
}
