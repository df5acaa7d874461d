//! Arrays of a TensorFlow.js model: `weightsManifest` of `model.json`, and the files it names.
//!
//! # Source
//!
//! `tfjs-core/src/io/types.ts` and `io_utils.ts` (`decodeWeights`): arrays lie one after the other
//! in a group's files put together; quantised ones are `scale · q + min`.

use std::collections::HashMap;
use std::ops::Range;

use half::f16;
use serde_json::Value;
use violet_graph::Constant;

use super::damaged;
use crate::error::{Error, Result};
use crate::files::File;

/// Where each array lies, and how.
#[derive(Debug)]
pub(crate) struct Weights<'a> {
    groups: Vec<Bytes<'a>>,
    entries: HashMap<String, Entry>,
    /// In the file's order.
    names: Vec<String>,
}

/// A group's files, one after the other.
#[derive(Debug)]
struct Bytes<'a>(Vec<&'a [u8]>);

#[derive(Debug)]
struct Entry {
    group: usize,
    range: Range<usize>,
    shape: Vec<usize>,
    encoding: Encoding,
}

/// How an array's elements are written.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Encoding {
    F32,
    F16,
    I32,
    Bool,
    /// `scale · q + min`, q of so many bytes.
    Quantised {
        bytes: usize,
        scale: f64,
        min: f64,
    },
    /// Text and complex numbers, which no weights are.
    Other,
}

impl<'a> Weights<'a> {
    /// Reads the manifest of `model.json` and finds its files among `files`, by their names.
    ///
    /// # Errors
    ///
    /// [`Error::MissingFile`], [`Error::ShortFile`], or [`Error::Damaged`].
    pub(crate) fn read(model: &Value, files: &'a [File]) -> Result<Self> {
        let mut weights = Self {
            groups: Vec::new(),
            entries: HashMap::new(),
            names: Vec::new(),
        };
        let groups = model["weightsManifest"]
            .as_array()
            .ok_or_else(|| damaged("it has no list of its weights (weightsManifest)"))?;
        for group in groups {
            weights.read_group(group, files)?;
        }
        Ok(weights)
    }

    fn read_group(&mut self, group: &Value, files: &'a [File]) -> Result<()> {
        let paths = group["paths"]
            .as_array()
            .map(Vec::as_slice)
            .unwrap_or_default();
        let mut bytes = Vec::new();
        for path in paths {
            let path = path
                .as_str()
                .ok_or_else(|| damaged("a file of weights has no name"))?;
            let file = files.iter().find(|file| file.is_named(path));
            let file = file.ok_or_else(|| Error::MissingFile { name: path.into() })?;
            bytes.push(file.bytes.as_slice());
        }
        let length: usize = bytes.iter().map(|bytes| bytes.len()).sum();
        let mut start = 0usize;
        for entry in group["weights"].as_array().into_iter().flatten() {
            let name = entry["name"]
                .as_str()
                .ok_or_else(|| damaged("an array has no name"))?;
            let shape = entry["shape"]
                .as_array()
                .into_iter()
                .flatten()
                .map(|axis| axis.as_u64().and_then(|axis| usize::try_from(axis).ok()))
                .collect::<Option<Vec<usize>>>();
            let elements = shape.as_ref().and_then(|shape| {
                shape
                    .iter()
                    .try_fold(1, |n: usize, &axis| n.checked_mul(axis))
            });
            let (Some(shape), Some(elements)) = (shape, elements) else {
                return Err(damaged(format!("the array “{name}” has no shape")));
            };
            let encoding = Encoding::read(entry);
            let size = match encoding {
                Encoding::F32 | Encoding::I32 => elements.checked_mul(4),
                Encoding::F16 => elements.checked_mul(2),
                Encoding::Bool => Some(elements),
                Encoding::Quantised { bytes, .. } => elements.checked_mul(bytes),
                // Its length stands among the bytes.
                Encoding::Other => text_size(&Bytes(bytes.clone()), start, elements),
            };
            let end = size.and_then(|size| start.checked_add(size));
            let Some(end) = end.filter(|&end| end <= length) else {
                return Err(Error::ShortFile {
                    name: paths
                        .last()
                        .and_then(Value::as_str)
                        .unwrap_or("weights")
                        .into(),
                    expected: end.map_or(u64::MAX, |end| end as u64),
                    found: length as u64,
                });
            };
            let entry = Entry {
                group: self.groups.len(),
                range: start..end,
                shape,
                encoding,
            };
            if self.entries.insert(name.into(), entry).is_some() {
                return Err(damaged(format!("it lists the array “{name}” twice")));
            }
            self.names.push(name.into());
            start = end;
        }
        self.groups.push(Bytes(bytes));
        Ok(())
    }

    /// The arrays' names, in the file's order.
    pub(crate) fn names(&self) -> &[String] {
        &self.names
    }

    /// What weights are rounded to, if they are not float32.
    pub(crate) fn precision(&self) -> Option<&'static str> {
        let entries = || self.entries.values().map(|entry| entry.encoding);
        let is_rounded = |encoding, size| match encoding {
            Encoding::Quantised { bytes, .. } => bytes == size,
            _ => false,
        };
        let rounded = |size| entries().any(|encoding| is_rounded(encoding, size));
        match () {
            () if rounded(1) => Some("8-bit integers"),
            () if rounded(2) => Some("16-bit integers"),
            () if entries().any(|encoding| encoding == Encoding::F16) => Some("float16"),
            () => None,
        }
    }

    /// An array by its name; nothing if there is none.
    ///
    /// # Errors
    ///
    /// [`Error::Damaged`] if it is no array of numbers.
    pub(crate) fn get(&self, name: &str) -> Result<Option<Constant>> {
        let Some(entry) = self.entries.get(name) else {
            return Ok(None);
        };
        let bytes = self.groups[entry.group].slice(&entry.range);
        let floats = |values: Vec<f32>| Constant::f32(&entry.shape, values);
        let constant = match entry.encoding {
            Encoding::F32 => floats(values(&bytes, f32::from_le_bytes)),
            Encoding::F16 => floats(values(&bytes, |bytes| f16::from_le_bytes(bytes).to_f32())),
            Encoding::I32 => {
                let values = values(&bytes, |bytes| i64::from(i32::from_le_bytes(bytes)));
                Constant::i64(&entry.shape, values)
            }
            Encoding::Bool => {
                let values = bytes.iter().map(|&byte| byte != 0).collect();
                Constant::new(&entry.shape, violet_graph::Data::Bool(values))
            }
            Encoding::Quantised {
                bytes: 1,
                scale,
                min,
            } => floats(values(&bytes, |[q]: [u8; 1]| {
                (scale * f64::from(q) + min) as f32
            })),
            Encoding::Quantised { scale, min, .. } => floats(values(&bytes, |bytes| {
                (scale * f64::from(u16::from_le_bytes(bytes)) + min) as f32
            })),
            Encoding::Other => {
                return Err(damaged(format!("the array “{name}” holds no numbers")));
            }
        };
        Ok(Some(constant?))
    }
}

impl Encoding {
    fn read(entry: &Value) -> Self {
        let quantisation = &entry["quantization"];
        let number = |name: &str| quantisation[name].as_f64();
        let scale = number("scale").unwrap_or(1.0);
        let min = number("min").unwrap_or(0.0);
        match (quantisation["dtype"].as_str(), entry["dtype"].as_str()) {
            (Some("uint8"), _) => Self::Quantised {
                bytes: 1,
                scale,
                min,
            },
            (Some("uint16"), _) => Self::Quantised {
                bytes: 2,
                scale,
                min,
            },
            (Some("float16"), _) | (None, Some("float16")) => Self::F16,
            (None, Some("float32")) => Self::F32,
            (None, Some("int32")) => Self::I32,
            (None, Some("bool" | "uint8")) => Self::Bool,
            _ => Self::Other,
        }
    }
}

/// Size of an array of texts: each stands behind its length, four bytes.
fn text_size(bytes: &Bytes<'_>, start: usize, elements: usize) -> Option<usize> {
    let length = bytes.length();
    let mut end = start;
    for _ in 0..elements {
        let head = end..end.checked_add(4).filter(|&end| end <= length)?;
        let head = bytes.slice(&head);
        let text = u32::from_le_bytes(head.as_ref().try_into().ok()?);
        end = end
            .checked_add(4)?
            .checked_add(usize::try_from(text).ok()?)?;
    }
    Some(end - start)
}

impl Bytes<'_> {
    fn length(&self) -> usize {
        self.0.iter().map(|bytes| bytes.len()).sum()
    }

    /// The bytes of a range that lies within, copied only where it crosses files.
    fn slice(&self, range: &Range<usize>) -> std::borrow::Cow<'_, [u8]> {
        let mut start = 0;
        let mut pieces = Vec::new();
        for file in &self.0 {
            let from = range.start.clamp(start, start + file.len()) - start;
            let to = range.end.clamp(start, start + file.len()) - start;
            if from < to {
                pieces.push(&file[from..to]);
            }
            start += file.len();
        }
        match pieces[..] {
            [] => (&[]).into(),
            [piece] => piece.into(),
            _ => pieces.concat().into(),
        }
    }
}

fn values<const N: usize, T>(bytes: &[u8], value: impl Fn([u8; N]) -> T) -> Vec<T> {
    let (chunks, _) = bytes.as_chunks::<N>();
    chunks.iter().map(|&bytes| value(bytes)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn model(weights: Value) -> Value {
        json!({"weightsManifest": [{"paths": ["a/one.bin", "two.bin"], "weights": weights}]})
    }

    fn files(one: &[u8], two: &[u8]) -> Vec<File> {
        vec![File::new("two.bin", two), File::new("folder/one.bin", one)]
    }

    #[test]
    fn arrays_may_cross_files_and_be_of_every_form() {
        let mut bytes = Vec::new();
        bytes.extend([1.5f32, -2.0].iter().flat_map(|value| value.to_le_bytes()));
        bytes.extend([0u8, 10]);
        bytes.extend([0u16, 300].iter().flat_map(|value| value.to_le_bytes()));
        bytes.extend(f16::from_f32(0.25).to_le_bytes());
        bytes.extend((-7i32).to_le_bytes());
        bytes.push(1);
        let quantised = |dtype| json!({"dtype": dtype, "scale": 0.5, "min": -1.0});
        let model = model(json!([
            {"name": "f32", "shape": [2, 1], "dtype": "float32"},
            {"name": "u8", "shape": [2], "dtype": "float32", "quantization": quantised("uint8")},
            {"name": "u16", "shape": [2], "dtype": "float32", "quantization": quantised("uint16")},
            {"name": "f16", "shape": [], "dtype": "float32",
                "quantization": {"dtype": "float16", "original_dtype": "float32"}},
            {"name": "i32", "shape": [1], "dtype": "int32"},
            {"name": "bool", "shape": [1], "dtype": "bool"},
        ]));
        for cut in 0..bytes.len() {
            let files = files(&bytes[..cut], &bytes[cut..]);
            let weights = Weights::read(&model, &files).unwrap();
            let get = |name| weights.get(name).unwrap().unwrap();
            assert_eq!(get("f32"), Constant::f32(&[2, 1], [1.5, -2.0]).unwrap());
            assert_eq!(get("u8").to_f64(), [-1.0, 4.0]);
            assert_eq!(get("u16").to_f64(), [-1.0, 149.0]);
            assert_eq!(get("f16"), Constant::number(0.25));
            assert_eq!(get("i32").to_i64(), [-7]);
            assert_eq!(get("bool").to_i64(), [1]);
            assert_eq!(weights.precision(), Some("8-bit integers"));
            assert!(weights.get("other").unwrap().is_none());
        }
    }

    #[test]
    fn what_is_missing_or_short_is_named() {
        let weights = json!([{"name": "w", "shape": [3], "dtype": "float32"}]);
        let model = model(weights);
        let missing = Weights::read(&model, &[File::new("one.bin", [])]).unwrap_err();
        assert_eq!(
            missing,
            Error::MissingFile {
                name: "two.bin".into()
            }
        );
        let short = Weights::read(&model, &files(&[0; 7], &[0; 4])).unwrap_err();
        let expected = Error::ShortFile {
            name: "two.bin".into(),
            expected: 12,
            found: 11,
        };
        assert_eq!(short, expected);
    }

    #[test]
    fn hostile_shapes_are_refused() {
        for shape in [
            json!([u64::MAX, 2]),
            json!([1u64 << 40]),
            json!([-1]),
            json!(["a"]),
        ] {
            let model = model(json!([{"name": "w", "shape": shape, "dtype": "float32"}]));
            assert!(
                Weights::read(&model, &files(&[0; 8], &[0; 8])).is_err(),
                "{shape}"
            );
        }
    }
}
