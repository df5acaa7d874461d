//! HDF5 files, as Keras writes them: groups, arrays of numbers, texts as attributes.
//!
//! The crate `hdf5-reader` does the reading, under limits that follow from the file's own size: a
//! file may name the same text a thousand times, or claim an array that it does not hold.

use std::cell::Cell;

use half::f16;
use hdf5_reader::messages::attribute::AttributeMessage;
use hdf5_reader::{Datatype, Hdf5File, OpenOptions, StringSize, VarLenKind};
use violet_graph::{Constant, limits};

use crate::error::{Error, Result};

/// An open file.
pub(crate) struct Hdf5 {
    file: Hdf5File,
    /// Bytes of attributes and arrays that may still be read.
    left: Cell<u64>,
}

/// What deflate can blow up a byte to, at most.
const MAX_DEFLATION: u64 = 1032;
/// Groups in a group.
const MAX_CHILDREN: usize = 20_000;

impl Hdf5 {
    /// Opens a file that is in memory.
    ///
    /// # Errors
    ///
    /// [`Error::Damaged`].
    pub(crate) fn open(bytes: Vec<u8>) -> Result<Self> {
        let length = bytes.len() as u64;
        let most = (limits::ELEMENTS as u64 * 8).min(length.saturating_mul(MAX_DEFLATION));
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        let options = OpenOptions::default()
            .with_chunk_cache_bytes(1 << 20)
            .with_max_chunk_bytes(most)
            .with_max_read_bytes(most)
            .with_max_object_header_bytes(1 << 24);
        let file = Hdf5File::from_vec_with_options(bytes, options).map_err(damaged)?;
        // What is kept compressed may unpack to more, but not over and over.
        let left = Cell::new(length.saturating_mul(64).saturating_add(1 << 24));
        Ok(Self { file, left })
    }

    /// The text of an attribute of a group (“” is the outermost); nothing if there is none.
    ///
    /// # Errors
    ///
    /// [`Error::Damaged`].
    pub(crate) fn text(&self, group: &str, name: &str) -> Result<Option<String>> {
        let texts = self.texts(group, name)?;
        Ok(texts.and_then(|texts| texts.into_iter().next()))
    }

    /// The texts of an attribute of a group, which Keras splits into `name0`, `name1`, … where they
    /// are too long for one; nothing if there is none.
    ///
    /// # Errors
    ///
    /// [`Error::Damaged`].
    pub(crate) fn texts(&self, group: &str, name: &str) -> Result<Option<Vec<String>>> {
        let Some(group) = self.group(group)? else {
            return Ok(None);
        };
        let attributes = group.raw_attributes().map_err(damaged)?;
        let find = |name: &str| attributes.iter().find(|attribute| attribute.name() == name);
        if let Some(attribute) = find(name) {
            return self.decode(&group, attribute.message()).map(Some);
        }
        let mut pieces = Vec::new();
        while let Some(attribute) = find(&format!("{name}{}", pieces.len())) {
            pieces.push(self.decode(&group, attribute.message())?);
        }
        Ok((!pieces.is_empty()).then(|| pieces.concat()))
    }

    fn decode(
        &self,
        group: &hdf5_reader::group::Group,
        attribute: &AttributeMessage,
    ) -> Result<Vec<String>> {
        let text = |bytes: &[u8]| {
            let end = bytes
                .iter()
                .position(|&byte| byte == 0)
                .unwrap_or(bytes.len());
            String::from_utf8_lossy(&bytes[..end]).trim_end().to_owned()
        };
        let raw = &attribute.raw_data;
        match &attribute.datatype {
            Datatype::String {
                size: StringSize::Fixed(size),
                ..
            } => {
                self.spend(raw.len() as u64)?;
                let size = usize::try_from(*size).unwrap_or(usize::MAX).max(1);
                Ok(raw.chunks(size).map(text).collect())
            }
            Datatype::String {
                size: StringSize::Variable,
                ..
            }
            | Datatype::VarLen {
                kind: VarLenKind::String,
                ..
            } => {
                // Each is a length, where its heap begins, and its number there.
                let size = 4 + usize::from(group.offset_size()) + 4;
                let mut texts = Vec::new();
                for reference in raw.chunks_exact(size) {
                    let length = reference
                        .first_chunk()
                        .map_or(0, |length| u32::from_le_bytes(*length));
                    self.spend(u64::from(length))?;
                    let bytes = group
                        .resolve_vlen_reference_bytes(reference, 1)
                        .map_err(damaged)?;
                    texts.push(text(&bytes));
                }
                Ok(texts)
            }
            _ => Err(Error::Damaged {
                format: "Keras",
                detail: format!("its attribute “{}” is no text", attribute.name),
            }),
        }
    }

    /// Names of the groups in a group; none if there is no such group.
    ///
    /// # Errors
    ///
    /// [`Error::Damaged`].
    pub(crate) fn groups(&self, group: &str) -> Result<Vec<String>> {
        let Some(group) = self.group(group)? else {
            return Ok(Vec::new());
        };
        let (groups, _) = group.member_names().map_err(damaged)?;
        self.count(&groups)?;
        Ok(groups)
    }

    /// Names of the arrays in a group; none if there is no such group.
    ///
    /// # Errors
    ///
    /// [`Error::Damaged`].
    pub(crate) fn arrays(&self, group: &str) -> Result<Vec<String>> {
        let Some(group) = self.group(group)? else {
            return Ok(Vec::new());
        };
        let (_, arrays) = group.member_names().map_err(damaged)?;
        self.count(&arrays)?;
        Ok(arrays)
    }

    fn count(&self, names: &[String]) -> Result<()> {
        if names.len() > MAX_CHILDREN {
            return Err(damaged(format!("a group holds {} objects", names.len())));
        }
        self.spend(names.iter().map(|name| name.len() as u64 + 8).sum())
    }

    /// An array of numbers, as floats.
    ///
    /// # Errors
    ///
    /// [`Error::Damaged`] if there is none.
    pub(crate) fn array(&self, path: &str) -> Result<Constant> {
        let dataset = self.file.dataset(path).map_err(damaged)?;
        let shape = dataset
            .shape()
            .iter()
            .map(|&axis| usize::try_from(axis).ok())
            .collect::<Option<Vec<_>>>()
            .ok_or_else(|| damaged("an array is too large"))?;
        let size = dataset.raw_byte_len().map_err(damaged)?;
        self.spend(size as u64)?;
        let other = || damaged(format!("the array “{path}” holds no numbers"));
        let (signed, width) = match dataset.dtype() {
            Datatype::FloatingPoint { size, .. } => (None, *size),
            Datatype::FixedPoint { size, signed, .. } => (Some(*signed), *size),
            _ => return Err(other()),
        };
        let bytes = dataset.read_native_bytes().map_err(damaged)?;
        let floats = match (signed, width) {
            (None, 2) => numbers(&bytes, |bytes| f16::from_ne_bytes(bytes).to_f32()),
            (None, 4) => numbers(&bytes, f32::from_ne_bytes),
            (None, 8) => numbers(&bytes, |bytes| f64::from_ne_bytes(bytes) as f32),
            (Some(true), 1) => numbers(&bytes, |bytes| i8::from_ne_bytes(bytes).into()),
            (Some(false), 1) => numbers(&bytes, |bytes| u8::from_ne_bytes(bytes).into()),
            (Some(true), 4) => numbers(&bytes, |bytes| i32::from_ne_bytes(bytes) as f32),
            (Some(true), 8) => numbers(&bytes, |bytes| i64::from_ne_bytes(bytes) as f32),
            _ => return Err(other()),
        };
        Ok(Constant::f32(&shape, floats)?)
    }

    fn group(&self, path: &str) -> Result<Option<hdf5_reader::group::Group>> {
        if path.is_empty() {
            return self.file.root_group().map(Some).map_err(damaged);
        }
        match self.file.group(path) {
            Ok(group) => Ok(Some(group)),
            Err(hdf5_reader::error::Error::GroupNotFound(_)) => Ok(None),
            Err(error) => Err(damaged(error)),
        }
    }

    fn spend(&self, bytes: u64) -> Result<()> {
        let left = self.left.get().checked_sub(bytes);
        let left = left.ok_or_else(|| damaged("it names the same data over and over"))?;
        self.left.set(left);
        Ok(())
    }
}

fn numbers<const N: usize>(bytes: &[u8], value: impl Fn([u8; N]) -> f32) -> Vec<f32> {
    let (chunks, _) = bytes.as_chunks::<N>();
    chunks.iter().map(|&bytes| value(bytes)).collect()
}

fn damaged(error: impl ToString) -> Error {
    let mut detail = error.to_string();
    if let Some((end, _)) = detail.char_indices().nth(200) {
        detail.truncate(end);
    }
    Error::Damaged {
        format: "Keras (HDF5)",
        detail,
    }
}
