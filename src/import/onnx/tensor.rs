//! Tensors of a file as constants of a graph.

use std::sync::Arc;

use half::{bf16, f16};
use violet_graph::{Constant, Data, limits};

use super::damaged;
use super::model::Tensor;
use crate::error::{Error, Result};
use crate::files::File;

/// Files beside the network's own.
pub(crate) type Beside<'a> = &'a [File];

/// `TensorProto.DataType`.
pub(crate) mod data_type {
    pub(crate) const FLOAT: i64 = 1;
    pub(crate) const UINT8: i64 = 2;
    pub(crate) const INT8: i64 = 3;
    pub(crate) const UINT16: i64 = 4;
    pub(crate) const INT16: i64 = 5;
    pub(crate) const INT32: i64 = 6;
    pub(crate) const INT64: i64 = 7;
    pub(crate) const BOOL: i64 = 9;
    pub(crate) const FLOAT16: i64 = 10;
    pub(crate) const DOUBLE: i64 = 11;
    pub(crate) const UINT32: i64 = 12;
    pub(crate) const UINT64: i64 = 13;
    pub(crate) const BFLOAT16: i64 = 16;
    pub(crate) const UINT4: i64 = 21;
    pub(crate) const INT4: i64 = 22;
}

/// The name of a data type, as Python's package `onnx` gives it.
pub(crate) fn type_name(data_type: i64) -> &'static str {
    const NAMES: [&str; 27] = [
        "undefined",
        "float32",
        "uint8",
        "int8",
        "uint16",
        "int16",
        "int32",
        "int64",
        "string",
        "bool",
        "float16",
        "float64",
        "uint32",
        "uint64",
        "complex64",
        "complex128",
        "bfloat16",
        "float8e4m3fn",
        "float8e4m3fnuz",
        "float8e5m2",
        "float8e5m2fnuz",
        "uint4",
        "int4",
        "float4e2m1",
        "float8e8m0",
        "uint2",
        "int2",
    ];
    let index = usize::try_from(data_type).unwrap_or(0);
    NAMES.get(index).copied().unwrap_or("unknown")
}

/// Whether numbers of this type are floats of any width.
pub(crate) fn is_float(data_type: i64) -> bool {
    use data_type::*;
    matches!(data_type, FLOAT | FLOAT16 | DOUBLE | BFLOAT16)
}

/// The smallest and largest number of a type of few bits.
pub(crate) fn integer_range(data_type: i64) -> Option<(f32, f32)> {
    use data_type::*;
    match data_type {
        UINT4 => Some((0.0, 15.0)),
        INT4 => Some((-8.0, 7.0)),
        UINT8 => Some((0.0, 255.0)),
        INT8 => Some((-128.0, 127.0)),
        UINT16 => Some((0.0, 65535.0)),
        INT16 => Some((-32768.0, 32767.0)),
        _ => None,
    }
}

/// Lengths of a tensor's axes, and how many elements that makes, within the limits.
pub(crate) fn shape(tensor: &Tensor<'_>) -> Result<(Vec<usize>, usize)> {
    let lengths = tensor.dims.iter().map(|&dim| usize::try_from(dim).ok());
    let shape: Option<Vec<usize>> = lengths.collect();
    let elements = |shape: &Vec<usize>| shape.iter().try_fold(1, |n: usize, &m| n.checked_mul(m));
    let counted = shape.and_then(|shape| elements(&shape).map(|elements| (shape, elements)));
    match counted {
        Some((shape, elements)) if elements <= limits::ELEMENTS => Ok((shape, elements)),
        Some((_, elements)) => Err(Error::Graph(violet_graph::Error::TooLarge {
            node: tensor.name.into(),
            operation: "Constant",
            what: "elements of a constant",
            found: elements as u64,
            limit: limits::ELEMENTS as u64,
        })),
        None => Err(damaged(format!(
            "the tensor “{}” has impossible dimensions",
            tensor.name
        ))),
    }
}

/// The tensor's numbers: floats of any width as f32, integers of any width as i64.
///
/// # Errors
///
/// [`Error::Damaged`] if there are more or fewer numbers than its shape takes,
/// [`Error::MissingFile`] and [`Error::ShortFile`] if they lie in a second one,
/// [`Error::Unsupported`] for types without numbers.
pub(crate) fn constant(tensor: &Tensor<'_>, beside: Beside<'_>) -> Result<Constant> {
    use data_type::*;
    let (shape, elements) = shape(tensor)?;
    let values = Values {
        tensor,
        elements,
        raw: raw(tensor, elements, beside)?,
    };
    let data = match tensor.data_type {
        FLOAT => Data::F32(values.numbers(f32::from_le_bytes, None, Some(|x| x as f32))?),
        DOUBLE => {
            Data::F32(values.numbers(|x| f64::from_le_bytes(x) as f32, None, Some(|x| x as f32))?)
        }
        FLOAT16 => Data::F32(values.numbers(
            |x| f16::from_le_bytes(x).to_f32(),
            Some(|x| f16::from_bits(x as u16).to_f32()),
            None,
        )?),
        BFLOAT16 => Data::F32(values.numbers(
            |x| bf16::from_le_bytes(x).to_f32(),
            Some(|x| bf16::from_bits(x as u16).to_f32()),
            None,
        )?),
        BOOL => Data::Bool(values.numbers(|[x]| x != 0, Some(|x| x != 0), None)?),
        UINT8 => Data::I64(values.integers(|x| u8::from_le_bytes(x).into())?),
        INT8 => Data::I64(values.integers(|x| i8::from_le_bytes(x).into())?),
        UINT16 => Data::I64(values.integers(|x| u16::from_le_bytes(x).into())?),
        INT16 => Data::I64(values.integers(|x| i16::from_le_bytes(x).into())?),
        INT32 => Data::I64(values.integers(|x| i32::from_le_bytes(x).into())?),
        UINT32 => Data::I64(values.integers(|x| u32::from_le_bytes(x).into())?),
        INT64 => Data::I64(values.integers(i64::from_le_bytes)?),
        // Beyond i64 only "as far as possible" is written, in the end of a slice.
        UINT64 => Data::I64(
            values.integers(|x| i64::try_from(u64::from_le_bytes(x)).unwrap_or(i64::MAX))?,
        ),
        UINT4 | INT4 => Data::I64(values.nibbles(tensor.data_type == INT4)?),
        other => {
            return Err(Error::Unsupported {
                operations: vec![crate::error::Unsupported {
                    operation: "Constant".into(),
                    count: 1,
                    node: tensor.name.into(),
                    reason: format!("its type is {}", type_name(other)),
                    advice: "Export the network in float32 or float16.",
                }],
            });
        }
    };
    Ok(Constant::new(&shape, data)?)
}

/// The same as floats, integers included: those of few bits would take eight bytes each.
pub(crate) fn constant_of_floats(tensor: &Tensor<'_>, beside: Beside<'_>) -> Result<Constant> {
    use data_type::*;
    let (shape, elements) = shape(tensor)?;
    let values = Values {
        tensor,
        elements,
        raw: raw(tensor, elements, beside)?,
    };
    let floats = match tensor.data_type {
        UINT8 => values.numbers(|x| u8::from_le_bytes(x).into(), Some(|x| x as f32), None)?,
        INT8 => values.numbers(|x| i8::from_le_bytes(x).into(), Some(|x| x as f32), None)?,
        INT32 => values.numbers(|x| i32::from_le_bytes(x) as f32, Some(|x| x as f32), None)?,
        _ => {
            let constant = constant(tensor, beside)?;
            match constant.floats() {
                Some(floats) => floats.clone(),
                None => constant.to_f64().iter().map(|&x| x as f32).collect(),
            }
        }
    };
    Ok(Constant::f32(&shape, floats)?)
}

/// The bytes in `raw_data` or in the second file, if the numbers lie in one of them.
fn raw<'a>(tensor: &Tensor<'a>, elements: usize, beside: Beside<'a>) -> Result<Option<&'a [u8]>> {
    let Some(external) = tensor.external else {
        return Ok(tensor.raw);
    };
    // A path is relative to the network's file; files dropped together have none.
    let name = external
        .location
        .rsplit(['/', '\\'])
        .next()
        .unwrap_or_default();
    let file = beside
        .iter()
        .find(|file| file.is_named(name))
        .ok_or_else(|| Error::MissingFile { name: name.into() })?;
    let needed = match size_of_type(tensor.data_type) {
        Some(size) => (elements as u64).saturating_mul(size),
        None => (elements as u64).div_ceil(2),
    };
    let length = external.length.unwrap_or(needed);
    let end = external.offset.saturating_add(length);
    let range = usize::try_from(external.offset)
        .ok()
        .zip(usize::try_from(end).ok());
    let bytes = range.and_then(|(from, to)| file.bytes.get(from..to));
    Ok(Some(bytes.ok_or_else(|| Error::ShortFile {
        name: name.into(),
        expected: end,
        found: file.bytes.len() as u64,
    })?))
}

/// Bytes of one element; of types of half a byte, nothing.
fn size_of_type(data_type: i64) -> Option<u64> {
    use data_type::*;
    match data_type {
        UINT4 | INT4 => None,
        UINT16 | INT16 | FLOAT16 | BFLOAT16 => Some(2),
        FLOAT | INT32 | UINT32 => Some(4),
        DOUBLE | INT64 | UINT64 => Some(8),
        _ => Some(1),
    }
}

/// A tensor's numbers, which are as many as its shape takes.
struct Values<'a, 'b> {
    tensor: &'b Tensor<'a>,
    elements: usize,
    raw: Option<&'a [u8]>,
}

impl Values<'_, '_> {
    fn integers<const N: usize>(&self, of_bytes: impl Fn([u8; N]) -> i64) -> Result<Arc<[i64]>> {
        self.numbers(of_bytes, Some(|x| x), None)
    }

    /// Numbers of `N` bytes, or of the integers or floats of a typed field.
    fn numbers<const N: usize, T>(
        &self,
        of_bytes: impl Fn([u8; N]) -> T,
        of_int: Option<fn(i64) -> T>,
        of_float: Option<fn(f64) -> T>,
    ) -> Result<Arc<[T]>> {
        if let Some(raw) = self.raw {
            let (chunks, rest) = raw.as_chunks();
            if chunks.len() != self.elements || !rest.is_empty() {
                return Err(self.wrong_length(chunks.len()));
            }
            return Ok(chunks.iter().map(|&chunk| of_bytes(chunk)).collect());
        }
        // Nothing is allocated beyond what is there, whatever the shape says.
        let mut list = Vec::new();
        let mut found = 0;
        let mut push = |value: T| {
            found += 1;
            if found <= self.elements {
                list.push(value);
            }
        };
        if let Some(of_int) = of_int {
            self.tensor
                .for_each_int(|value| push(of_int(value)))
                .map_err(|e| self.wire(e))?;
        }
        if let Some(of_float) = of_float {
            self.tensor
                .for_each_float(|value| push(of_float(value)))
                .map_err(|e| self.wire(e))?;
        }
        if found != self.elements {
            return Err(self.wrong_length(found));
        }
        Ok(list.into())
    }

    /// Two numbers in each byte, the lower half first; in `int32_data` they lie in the same way.
    fn nibbles(&self, signed: bool) -> Result<Arc<[i64]>> {
        let expected = self.elements.div_ceil(2);
        let bytes = Values {
            elements: expected,
            ..*self
        };
        let bytes: Arc<[u8]> = bytes.numbers(|[byte]| byte, Some(|x| x as u8), None)?;
        let nibbles = bytes.iter().flat_map(|&byte| [byte & 15, byte >> 4]);
        let sign = |nibble: u8| match signed && nibble > 7 {
            true => i64::from(nibble) - 16,
            false => i64::from(nibble),
        };
        Ok(nibbles.take(self.elements).map(sign).collect())
    }

    fn wrong_length(&self, found: usize) -> Error {
        let Tensor { name, dims, .. } = self.tensor;
        let expected = self.elements;
        damaged(format!(
            "the tensor “{name}” of shape {dims:?} should hold {expected} numbers and has {found}"
        ))
    }

    fn wire(&self, error: super::protobuf::WireError) -> Error {
        damaged(format!("in the tensor “{}”, {error}", self.tensor.name))
    }
}
