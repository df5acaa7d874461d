//! Weights as bytes: read, checked, folded, written.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};
use violet_weights::StateDict;

use crate::error::{Error, Result};

/// Named arrays of f32, as a network is loaded from.
#[derive(Debug, Clone, Default)]
pub struct Checkpoint {
    arrays: BTreeMap<String, Array>,
    labels: Vec<String>,
}

#[derive(Debug, Clone)]
struct Array {
    shape: Vec<usize>,
    values: Vec<f32>,
}

impl Checkpoint {
    /// Reads a `.pth` or `.pt` file as PyTorch writes it, new (zip) or old format, or safetensors,
    /// whichever the first bytes tell: of several networks in it the likeliest. Nothing in it is
    /// executed. 16-bit integers that have scales, as [`to_safetensors`](Self::to_safetensors) writes
    /// them, are taken; other integers, such as BatchNorm's counters, are left out.
    ///
    /// # Errors
    ///
    /// [`Error::UnreadableCheckpoint`] if the bytes are damaged, of another format, or hold no
    /// weights.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let first = |_: &[violet_weights::Candidate]| Ok::<_, violet_weights::Error>(0);
        Self::from_read(violet_weights::read(bytes, first))
    }

    /// As [`from_bytes`](Self::from_bytes), of bytes in the safetensors format and no other.
    ///
    /// # Errors
    ///
    /// Those of [`from_bytes`](Self::from_bytes).
    pub fn from_safetensors(bytes: &[u8]) -> Result<Self> {
        Self::from_read(violet_weights::read_safetensors(bytes))
    }

    fn from_read(read: violet_weights::Result<StateDict>) -> Result<Self> {
        let StateDict {
            tensors, labels, ..
        } = read.map_err(unreadable)?;
        let mut checkpoint = Self {
            labels,
            ..Self::default()
        };
        for (name, tensor) in tensors {
            checkpoint.insert(name, tensor.shape, tensor.values)?;
        }
        Ok(checkpoint)
    }

    /// Whether bytes look like weights by name, without a description of the network: PyTorch's
    /// formats or safetensors.
    pub fn is_one(bytes: &[u8]) -> bool {
        violet_weights::is_weights(bytes)
    }

    /// What the classes are called, if whoever wrote the weights said so.
    pub fn labels(&self) -> &[String] {
        &self.labels
    }

    /// Says what the classes are called.
    pub fn set_labels(&mut self, labels: &[String]) {
        self.labels = labels.to_vec();
    }

    /// Adds an array, in place of one that has its name.
    ///
    /// # Errors
    ///
    /// [`Error::Length`] if there are more or fewer values than the shape holds.
    pub fn insert(
        &mut self,
        name: impl Into<String>,
        shape: Vec<usize>,
        values: Vec<f32>,
    ) -> Result<()> {
        let expected = shape.iter().product();
        if values.len() != expected {
            return Err(Error::Length {
                what: "tensor",
                expected,
                found: values.len(),
            });
        }
        self.arrays.insert(name.into(), Array { shape, values });
        Ok(())
    }

    /// Writes the safetensors format, rounded to 16-bit integers with a scale for each output channel: the compact form
    /// that the page downloads. [`from_bytes`](Self::from_bytes) reads it.
    ///
    /// # Errors
    ///
    /// [`Error::UnreadableCheckpoint`] if a value is not finite, or the writer refuses.
    pub fn to_safetensors(&self) -> Result<Vec<u8>> {
        let arrays = self.arrays.iter();
        let arrays = arrays.map(|(name, array)| (&**name, &*array.shape, &*array.values));
        violet_weights::write(arrays, &self.labels).map_err(unreadable)
    }

    /// How far a value is at most from the one in the same place of `other`, as a share of its filter's
    /// largest; nothing, if the other's arrays have other names or shapes.
    pub fn farthest(&self, other: &Self) -> Option<f32> {
        if self.arrays.len() != other.arrays.len() {
            return None;
        }
        let mut farthest = 0.0f32;
        for (name, array) in &self.arrays {
            let there = other.arrays.get(name)?;
            if there.shape != array.shape {
                return None;
            }
            let filters = match *array.shape {
                [filters, _, ..] => filters,
                _ => 1,
            };
            let length = (array.values.len() / filters.max(1)).max(1);
            let pairs = array.values.chunks(length).zip(there.values.chunks(length));
            for (here, there) in pairs {
                let largest = here.iter().fold(0.0f32, |most, v| most.max(v.abs()));
                let off = here.iter().zip(there).map(|(a, b)| (a - b).abs());
                let off = off.fold(0.0f32, f32::max);
                // Of a filter that is zero, everything but zero is infinitely far.
                farthest = farthest.max(if off > 0.0 { off / largest } else { 0.0 });
            }
        }
        Some(farthest)
    }

    /// Folds a BatchNorm in evaluation mode into the convolution before it:
    /// `w · γ/√(σ² + ε)` and `β + (b − μ) · γ/√(σ² + ε)`, computed in f64. Does nothing where the
    /// checkpoint has no such BatchNorm.
    ///
    /// # Errors
    ///
    /// [`Error::MissingTensor`] or [`Error::TensorShape`] if a part of it is missing or of the
    /// wrong size.
    ///
    /// # Source
    ///
    /// Ioffe, Szegedy 2015 (arXiv 1502.03167), algorithm 1.
    pub fn fold_batch_norm(&mut self, conv: &str, batch_norm: &str, epsilon: f64) -> Result<()> {
        if !self
            .arrays
            .contains_key(&format!("{batch_norm}.running_var"))
        {
            return Ok(());
        }
        let weight = format!("{conv}.weight");
        let channels = self.rows(&weight)?;
        let [gamma, beta, mean, variance] = ["weight", "bias", "running_mean", "running_var"]
            .map(|part| self.take(&format!("{batch_norm}.{part}"), &[channels]));
        let (gamma, beta, mean, variance) = (gamma?, beta?, mean?, variance?);
        let bias_name = format!("{conv}.bias");
        let bias = if self.arrays.contains_key(&bias_name) {
            self.take(&bias_name, &[channels])?
        } else {
            vec![0.0; channels]
        };
        let scale: Vec<f64> = gamma
            .iter()
            .zip(&variance)
            .map(|(&g, &v)| f64::from(g) / (f64::from(v) + epsilon).sqrt())
            .collect();
        if let Some(array) = self.arrays.get_mut(&weight) {
            let per_channel = array.values.len() / channels.max(1);
            for (filter, scale) in array.values.chunks_mut(per_channel.max(1)).zip(&scale) {
                for value in filter {
                    *value = (f64::from(*value) * scale) as f32;
                }
            }
        }
        let bias = (0..channels)
            .map(|c| {
                (f64::from(beta[c]) + (f64::from(bias[c]) - f64::from(mean[c])) * scale[c]) as f32
            })
            .collect();
        self.insert(bias_name, vec![channels], bias)
    }

    /// Takes the array of that name out, checking its shape.
    ///
    /// # Errors
    ///
    /// [`Error::MissingTensor`] or [`Error::TensorShape`].
    pub fn take(&mut self, name: &str, expected: &[usize]) -> Result<Vec<f32>> {
        let array = self.arrays.remove(name).ok_or_else(|| missing(name))?;
        if array.shape != expected {
            return Err(Error::TensorShape {
                name: name.into(),
                expected: expected.to_vec(),
                found: array.shape,
            });
        }
        Ok(array.values)
    }

    /// The values of the array of that name.
    #[cfg(feature = "engine")]
    pub(super) fn values_mut(&mut self, name: &str) -> Result<&mut [f32]> {
        let array = self.arrays.get_mut(name).ok_or_else(|| missing(name))?;
        Ok(&mut array.values)
    }

    /// Keeps the first rows of the array of that name.
    ///
    /// # Errors
    ///
    /// [`Error::MissingTensor`]; [`Error::ClassCount`] if it has fewer, or none were asked for.
    pub(super) fn keep_rows(&mut self, name: &str, rows: usize) -> Result<()> {
        let found = self.rows(name)?;
        if rows == 0 || rows > found {
            return Err(Error::ClassCount { found, asked: rows });
        }
        if let Some(array) = self.arrays.get_mut(name) {
            array.values.truncate(array.values.len() / found * rows);
            array.shape[0] = rows;
        }
        Ok(())
    }

    /// Gives every array the name that `rename` makes of its own.
    pub(super) fn rename(&mut self, rename: impl Fn(&str) -> &str) {
        let arrays = std::mem::take(&mut self.arrays).into_iter();
        self.arrays = arrays
            .map(|(name, array)| (rename(&name).into(), array))
            .collect();
    }

    /// Drops every array whose name ends so.
    pub(super) fn remove_all(&mut self, ending: &str) {
        self.arrays.retain(|name, _| !name.ends_with(ending));
    }

    /// Every array's name and shape.
    pub(super) fn shapes(&self) -> BTreeMap<String, Vec<usize>> {
        let shapes = self.arrays.iter();
        shapes
            .map(|(name, array)| (name.clone(), array.shape.clone()))
            .collect()
    }

    /// The first dimension of the array of that name.
    ///
    /// # Errors
    ///
    /// [`Error::MissingTensor`].
    pub fn rows(&self, name: &str) -> Result<usize> {
        let array = self.arrays.get(name).ok_or_else(|| missing(name))?;
        Ok(array.shape.first().copied().unwrap_or(1))
    }

    /// Checks that every array was taken.
    ///
    /// # Errors
    ///
    /// [`Error::UnexpectedTensors`] if some were not.
    pub fn finish(self) -> Result<()> {
        match self.arrays.into_keys().next() {
            None => Ok(()),
            Some(first) => Err(Error::UnexpectedTensors { first }),
        }
    }
}

/// Lower-case hexadecimal sha256 of `bytes`.
///
/// Piece by piece, for browsers: what they have compiled quickly they replace by what is quick when it is called
/// the next time, and never within one call.
pub fn sha256(bytes: &[u8]) -> String {
    let mut hash = Sha256::new();
    bytes.chunks(1 << 16).for_each(|piece| hash.update(piece));
    hash.finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// Checks bytes against the sha256 that a manifest names.
///
/// # Errors
///
/// [`Error::ChecksumMismatch`].
pub fn verify(bytes: &[u8], expected: &str) -> Result<()> {
    let found = sha256(bytes);
    if found == expected {
        Ok(())
    } else {
        Err(Error::ChecksumMismatch {
            expected: expected.into(),
            found,
        })
    }
}

fn unreadable(reason: impl std::fmt::Display) -> Error {
    Error::UnreadableCheckpoint {
        reason: reason.to_string(),
    }
}

fn missing(name: &str) -> Error {
    Error::MissingTensor { name: name.into() }
}
