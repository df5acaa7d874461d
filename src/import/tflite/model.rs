//! A TensorFlow Lite file's tables, read into plain data.
//!
//! # Source
//!
//! `tensorflow/lite/schema/schema.fbs`, version 3: the fields' numbers are their places there.

use violet_graph::{Constant, Data};

use super::flatbuffer::{Buffer, Table};
use crate::error::{Error, Result};

/// Most tensors, operators or buffers of a network that is read.
const MAX_TABLES: usize = 100_000;

/// A network.
#[derive(Debug)]
pub(super) struct Model<'a> {
    pub(super) description: String,
    pub(super) tensors: Vec<Tensor<'a>>,
    pub(super) operators: Vec<Operator<'a>>,
    pub(super) inputs: Vec<usize>,
    pub(super) outputs: Vec<usize>,
    /// Names and contents of what is kept beside the network.
    pub(super) metadata: Vec<(String, &'a [u8])>,
}

/// A value: an input, a constant, or what an operator makes.
#[derive(Debug)]
pub(super) struct Tensor<'a> {
    pub(super) name: String,
    pub(super) shape: Vec<usize>,
    /// As the shape, with −1 for what is open; empty if nothing is.
    pub(super) signature: Vec<i32>,
    pub(super) element: Element,
    /// Its bytes, if it is a constant; else empty.
    pub(super) bytes: &'a [u8],
    pub(super) quantisation: Option<Quantisation>,
    /// Only elements that are not 0 are kept.
    pub(super) sparse: bool,
}

/// `scale · (q − zero_point)`, for each index of one axis or for all.
#[derive(Debug)]
pub(super) struct Quantisation {
    pub(super) scales: Vec<f32>,
    pub(super) zero_points: Vec<i64>,
    pub(super) axis: usize,
}

/// Type of a tensor's elements (`TensorType`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Element {
    F32,
    F16,
    F64,
    I4,
    I8,
    I16,
    I32,
    I64,
    U8,
    U32,
    Bool,
    /// Texts, complex numbers, resources.
    Other,
}

/// An operator.
#[derive(Debug)]
pub(super) struct Operator<'a> {
    /// Its number in `BuiltinOperator`.
    pub(super) code: i32,
    /// Its name, if it is none of those.
    pub(super) custom: String,
    /// Tensors; nothing for one that is optional and absent.
    pub(super) inputs: Vec<Option<usize>>,
    pub(super) outputs: Vec<usize>,
    /// Its own table of options.
    pub(super) options: Option<Table<'a>>,
}

impl<'a> Model<'a> {
    /// Reads a file's first (main) network.
    ///
    /// # Errors
    ///
    /// [`Error::Damaged`].
    pub(super) fn read(file: &'a Buffer<'a>) -> Result<Self> {
        let root = file.root()?;
        let codes = root
            .tables(1)?
            .iter()
            .take(MAX_TABLES)
            .map(|code| {
                let code = code?;
                // Below 127 the code stood in one byte; newer files have it in both places.
                let old = i32::from(code.number::<i8>(0, 0)?);
                Ok((code.number::<i32>(3, 0)?.max(old), code.text(1)?))
            })
            .collect::<Result<Vec<_>>>()?;
        let buffers = root.tables(4)?;
        let buffer = |index: usize| -> Result<&'a [u8]> {
            if index >= buffers.len() {
                return Err(damaged(format!("it has no buffer {index}")));
            }
            let buffer = buffers.table(index)?;
            // Files beyond 2 GB keep their buffers behind the tables.
            let (start, size) = (buffer.number::<u64>(1, 0)?, buffer.number::<u64>(2, 0)?);
            if start <= 1 {
                return buffer.bytes(0);
            }
            let start = usize::try_from(start).ok();
            let end = start.and_then(|start| start.checked_add(usize::try_from(size).ok()?));
            start
                .zip(end)
                .and_then(|(start, end)| file.bytes().get(start..end))
                .ok_or_else(|| damaged(format!("buffer {index} lies outside of it")))
        };
        let graphs = root.tables(2)?;
        if graphs.len() == 0 {
            return Err(damaged("it holds no network".into()));
        }
        let graph = graphs.table(0)?;
        let (tensors, operators) = (graph.tables(0)?, graph.tables(3)?);
        if tensors.len() > MAX_TABLES || operators.len() > MAX_TABLES {
            return Err(damaged(format!(
                "it has more than {MAX_TABLES} operators or values"
            )));
        }
        let tensors = tensors
            .iter()
            .map(|tensor| read_tensor(tensor?, buffer))
            .collect::<Result<Vec<_>>>()?;
        let index = |index: i32| match usize::try_from(index) {
            Ok(index) if index < tensors.len() => Ok(index),
            _ => Err(damaged(format!("it has no value {index}"))),
        };
        let indices = |table: &Table<'_>, field| -> Result<Vec<usize>> {
            table
                .numbers::<i32>(field)?
                .into_iter()
                .map(index)
                .collect()
        };
        let operators = operators
            .iter()
            .map(|operator| {
                let operator = operator?;
                let code = operator.number::<u32>(0, 0)? as usize;
                let (code, custom) = codes
                    .get(code)
                    .cloned()
                    .ok_or_else(|| damaged(format!("it has no operator code {code}")))?;
                let inputs = operator.numbers::<i32>(1)?;
                let optional = |k: i32| (k >= 0).then(|| index(k)).transpose();
                Ok(Operator {
                    code,
                    custom,
                    inputs: inputs.into_iter().map(optional).collect::<Result<_>>()?,
                    outputs: indices(&operator, 2)?,
                    options: operator.table(4)?,
                })
            })
            .collect::<Result<Vec<_>>>()?;
        let metadata = root
            .tables(6)?
            .iter()
            .take(64)
            .map(|entry| {
                let entry = entry?;
                Ok((entry.text(0)?, buffer(entry.number::<u32>(1, 0)? as usize)?))
            })
            .collect::<Result<_>>()?;
        Ok(Self {
            description: root.text(3)?,
            inputs: indices(&graph, 1)?,
            outputs: indices(&graph, 2)?,
            tensors,
            operators,
            metadata,
        })
    }
}

fn read_tensor<'a>(
    tensor: Table<'a>,
    buffer: impl Fn(usize) -> Result<&'a [u8]>,
) -> Result<Tensor<'a>> {
    let name = tensor.text(3)?;
    let shape = tensor
        .numbers::<i32>(0)?
        .into_iter()
        .map(|length| usize::try_from(length).ok())
        .collect::<Option<Vec<_>>>()
        .ok_or_else(|| damaged(format!("“{name}” has no shape")))?;
    let quantisation = match tensor.table(4)? {
        Some(table) => {
            let scales = table.numbers::<f32>(2)?;
            (!scales.is_empty())
                .then(|| {
                    Ok::<_, Error>(Quantisation {
                        scales,
                        zero_points: table.numbers(3)?,
                        axis: usize::try_from(table.number::<i32>(6, 0)?).unwrap_or(0),
                    })
                })
                .transpose()?
        }
        None => None,
    };
    Ok(Tensor {
        shape,
        signature: tensor.numbers(7)?,
        element: Element::of(tensor.number::<i8>(1, 0)?),
        bytes: buffer(tensor.number::<u32>(2, 0)? as usize)?,
        quantisation,
        sparse: tensor.table(6)?.is_some(),
        name,
    })
}

impl Element {
    fn of(code: i8) -> Self {
        match code {
            0 => Self::F32,
            1 => Self::F16,
            2 => Self::I32,
            3 => Self::U8,
            4 => Self::I64,
            6 => Self::Bool,
            7 => Self::I16,
            9 => Self::I8,
            10 => Self::F64,
            15 => Self::U32,
            17 => Self::I4,
            _ => Self::Other,
        }
    }

    /// Bits of one.
    fn bits(self) -> Option<usize> {
        Some(match self {
            Self::I4 => 4,
            Self::I8 | Self::U8 | Self::Bool => 8,
            Self::F16 | Self::I16 => 16,
            Self::F32 | Self::I32 | Self::U32 => 32,
            Self::F64 | Self::I64 => 64,
            Self::Other => return None,
        })
    }
}

impl Tensor<'_> {
    /// Whether it is rounded to integers.
    pub(super) fn is_rounded(&self) -> bool {
        let integer = matches!(
            self.element,
            Element::I4 | Element::I8 | Element::U8 | Element::I16
        );
        integer && self.quantisation.is_some()
    }

    /// Its elements, if it is a constant: rounded ones as the floats that they stand for.
    ///
    /// # Errors
    ///
    /// [`Error::Damaged`] if there are more or fewer than its shape says.
    pub(super) fn constant(&self) -> Result<Option<Constant>> {
        if self.bytes.is_empty() {
            return Ok(None);
        }
        let wrong = |what: &str| damaged(format!("the constant “{}” {what}", self.name));
        if self.sparse {
            return Err(wrong("is kept sparsely, which Violet does not read"));
        }
        let elements = self
            .shape
            .iter()
            .try_fold(1usize, |n, &axis| n.checked_mul(axis));
        let bits = self
            .element
            .bits()
            .ok_or_else(|| wrong("holds no numbers"))?;
        let size = elements
            .and_then(|n| n.checked_mul(bits))
            .map(|bits| bits.div_ceil(8));
        if size != Some(self.bytes.len()) {
            return Err(wrong("is not as long as its shape says"));
        }
        let integers = |values: Vec<i64>| Ok::<_, Error>(Data::I64(values.into()));
        let data = match self.element {
            Element::F32 => Data::F32(numbers(self.bytes, f32::from_le_bytes).into()),
            Element::F16 => {
                let value = |bytes| half::f16::from_le_bytes(bytes).to_f32();
                Data::F32(numbers(self.bytes, value).into())
            }
            Element::F64 => {
                let value = |bytes| f64::from_le_bytes(bytes) as f32;
                Data::F32(numbers(self.bytes, value).into())
            }
            Element::Bool => Data::Bool(self.bytes.iter().map(|&byte| byte != 0).collect()),
            Element::I4 => {
                // Two a byte, the first in the lower half.
                let halves = self
                    .bytes
                    .iter()
                    .flat_map(|&byte| [(byte << 4) as i8, byte as i8]);
                let values = halves.map(|byte| i64::from(byte >> 4));
                integers(values.take(elements.unwrap_or_default()).collect())?
            }
            Element::I8 => integers(self.bytes.iter().map(|&b| i64::from(b as i8)).collect())?,
            Element::U8 => integers(self.bytes.iter().map(|&byte| byte.into()).collect())?,
            Element::I16 => integers(numbers(self.bytes, |b| i16::from_le_bytes(b).into()))?,
            Element::I32 => integers(numbers(self.bytes, |b| i32::from_le_bytes(b).into()))?,
            Element::U32 => integers(numbers(self.bytes, |b| u32::from_le_bytes(b).into()))?,
            Element::I64 => integers(numbers(self.bytes, i64::from_le_bytes))?,
            Element::Other => return Err(wrong("holds no numbers")),
        };
        let constant = match (&data, &self.quantisation) {
            (Data::I64(values), Some(quantisation)) => {
                let floats = quantisation
                    .floats(values, &self.shape)
                    .ok_or_else(|| wrong("is rounded with other scales than it has channels"))?;
                Constant::f32(&self.shape, floats)?
            }
            _ => Constant::new(&self.shape, data)?,
        };
        Ok(Some(constant))
    }
}

impl Quantisation {
    /// `scale · (q − zero_point)`, of an array of that shape.
    fn floats(&self, values: &[i64], shape: &[usize]) -> Option<Vec<f32>> {
        let channels = self.scales.len();
        let stride = match channels {
            1 => 1,
            _ if shape.get(self.axis) == Some(&channels) => {
                shape[self.axis + 1..].iter().product::<usize>()
            }
            _ => return None,
        };
        let zero = |channel: usize| match self.zero_points.len() {
            0 => Some(0),
            1 => Some(self.zero_points[0]),
            _ => self.zero_points.get(channel).copied(),
        };
        values
            .iter()
            .enumerate()
            .map(|(k, &value)| {
                let channel = k / stride.max(1) % channels;
                let steps = value.checked_sub(zero(channel)?)?;
                Some((f64::from(self.scales[channel]) * steps as f64) as f32)
            })
            .collect()
    }
}

fn numbers<const N: usize, T>(bytes: &[u8], value: impl Fn([u8; N]) -> T) -> Vec<T> {
    let (chunks, _) = bytes.as_chunks::<N>();
    chunks.iter().map(|&bytes| value(bytes)).collect()
}

fn damaged(detail: String) -> Error {
    Error::Damaged {
        format: "TensorFlow Lite",
        detail,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tensor(element: Element, shape: &[usize], bytes: &'static [u8]) -> Tensor<'static> {
        Tensor {
            name: "w".into(),
            shape: shape.to_vec(),
            signature: Vec::new(),
            element,
            bytes,
            quantisation: None,
            sparse: false,
        }
    }

    #[test]
    fn rounded_constants_are_the_floats_that_they_stand_for() {
        let mut one = tensor(Element::I8, &[2, 2], &[0, 255, 127, 128]);
        one.quantisation = Some(Quantisation {
            scales: vec![0.5, 2.0],
            zero_points: vec![0, 0],
            axis: 1,
        });
        let floats = one.constant().unwrap().unwrap();
        assert_eq!(floats.to_f64(), [0.0, -2.0, 63.5, -256.0]);
        one.quantisation = Some(Quantisation {
            scales: vec![0.5],
            zero_points: vec![-1],
            axis: 0,
        });
        assert_eq!(
            one.constant().unwrap().unwrap().to_f64(),
            [0.5, 0.0, 64.0, -63.5]
        );
        one.quantisation = Some(Quantisation {
            scales: vec![0.5; 3],
            zero_points: vec![],
            axis: 0,
        });
        assert!(one.constant().is_err());
        let four = tensor(Element::I4, &[3], &[0x8f, 0x07]);
        assert_eq!(four.constant().unwrap().unwrap().to_i64(), [-1, -8, 7]);
    }

    #[test]
    fn constants_have_the_length_of_their_shape() {
        let short = tensor(Element::F32, &[2], &[0; 7]);
        assert!(short.constant().is_err());
        let huge = tensor(Element::F32, &[usize::MAX, 2], &[0; 8]);
        assert!(huge.constant().is_err());
        assert!(
            tensor(Element::F32, &[2], &[])
                .constant()
                .unwrap()
                .is_none()
        );
    }
}
