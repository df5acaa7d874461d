//! The numbers of a program: files of raw values, and lists of what each of them is.

use std::collections::{BTreeMap, HashMap};

use half::{bf16, f16};
use serde_json::Value as Json;
use violet_weights::{Array, Data, Item};

use super::{damaged, within};
use crate::error::Result;
use crate::files::File;

/// Values of all weights, at most.
const MOST_VALUES: usize = 1 << 28;
/// Axes of a tensor, at most.
const MOST_AXES: usize = 16;

/// Weights and constants by their names.
pub(super) struct Weights<'f> {
    /// What each is, and the folder of its file.
    known: BTreeMap<String, (Json, &'static str)>,
    files: HashMap<&'f str, &'f File>,
    values: usize,
}

/// Folders, and the lists in them.
const FOLDERS: [(&str, &str); 2] = [
    ("data/weights", "data/weights/model_weights_config.json"),
    (
        "data/constants",
        "data/constants/model_constants_config.json",
    ),
];

impl<'f> Weights<'f> {
    pub(super) fn new(files: &'f [File]) -> Result<Self> {
        let files: HashMap<&str, &File> = files
            .iter()
            .filter_map(|file| Some((within(&file.name)?, file)))
            .collect();
        let mut known = BTreeMap::new();
        for (folder, list) in FOLDERS {
            let Some(list) = files.get(list) else {
                continue;
            };
            let list: Json =
                serde_json::from_slice(&list.bytes).map_err(|error| damaged(error.to_string()))?;
            let all = list.get("config").and_then(Json::as_object);
            for (name, what) in all.into_iter().flatten() {
                known.insert(name.clone(), (what.clone(), folder));
            }
        }
        Ok(Self {
            known,
            files,
            values: 0,
        })
    }

    /// A tensor's numbers.
    pub(super) fn read(&mut self, name: &str) -> Result<Item> {
        let missing = || damaged(format!("the weights “{name}” are missing"));
        let (what, folder) = self.known.get(name).ok_or_else(missing)?;
        if what.get("use_pickle").and_then(Json::as_bool) == Some(true) {
            return Err(damaged(format!("the weights “{name}” are no plain tensor")));
        }
        let path = what.get("path_name").and_then(Json::as_str);
        let path = path.ok_or_else(missing)?;
        let path = format!("{folder}/{path}");
        let bytes = &self.files.get(path.as_str()).ok_or_else(missing)?.bytes;
        let meta = what.get("tensor_meta").ok_or_else(missing)?;
        let numbers = |key: &str| -> Option<Vec<usize>> {
            let numbers = meta.get(key)?.as_array()?.iter();
            numbers.map(whole).collect()
        };
        let (shape, strides) = numbers("sizes")
            .zip(numbers("strides"))
            .ok_or_else(missing)?;
        let offset = meta.get("storage_offset").and_then(whole).unwrap_or(0);
        let elements = shape
            .iter()
            .try_fold(1usize, |n, &length| n.checked_mul(length));
        let most = elements.filter(|_| shape.len() == strides.len() && shape.len() <= MOST_AXES);
        let count = most.unwrap_or(usize::MAX);
        self.values = self.values.saturating_add(count);
        if self.values > MOST_VALUES {
            return Err(damaged("it holds more than a gigabyte of weights"));
        }
        let places = places(&shape, &strides, offset);
        let short = || damaged(format!("the weights “{name}” are cut short"));
        let floats = |values: Option<Vec<f32>>| values.map(|values| Data::Floats(values.into()));
        let integers =
            |values: Option<Vec<i64>>| values.map(|values| Data::Integers(values.into()));
        // As `ScalarType` of the schema numbers them.
        let data = match meta.get("dtype").and_then(Json::as_u64) {
            Some(6) => floats(values(&places, bytes, |b| f16::from_le_bytes(b).into())),
            Some(7) => floats(values(&places, bytes, f32::from_le_bytes)),
            Some(8) => floats(values(&places, bytes, |b| f64::from_le_bytes(b) as f32)),
            Some(13) => floats(values(&places, bytes, |b| bf16::from_le_bytes(b).into())),
            Some(1) => integers(values(&places, bytes, |b| u8::from_le_bytes(b).into())),
            Some(2) => integers(values(&places, bytes, |b| i8::from_le_bytes(b).into())),
            Some(3) => integers(values(&places, bytes, |b| i16::from_le_bytes(b).into())),
            Some(4) => integers(values(&places, bytes, |b| i32::from_le_bytes(b).into())),
            Some(5) => integers(values(&places, bytes, i64::from_le_bytes)),
            Some(12) => {
                let truths = values(&places, bytes, |[byte]: [u8; 1]| byte != 0);
                truths.map(|truths| Data::Bools(truths.into()))
            }
            _ => {
                let what = format!("the weights “{name}” are of a type that is not read");
                return Err(damaged(what));
            }
        };
        let data = data.ok_or_else(short)?;
        Ok(Item::Array(Array { shape, data }))
    }
}

/// A number as the schema writes one that could have been a formula.
pub(super) fn whole(number: &Json) -> Option<usize> {
    let number = number.get("as_int").unwrap_or(number);
    number.as_u64()?.try_into().ok()
}

/// Where each element is, in order.
fn places(shape: &[usize], strides: &[usize], offset: usize) -> Vec<usize> {
    let mut places = vec![offset];
    for (&length, &stride) in shape.iter().zip(strides) {
        let mut all = Vec::with_capacity(places.len() * length);
        for place in places {
            let along = (0..length).map(|k| place.saturating_add(k.saturating_mul(stride)));
            all.extend(along);
        }
        places = all;
    }
    places
}

/// The elements at those places; nothing if there are fewer.
fn values<T, const WIDTH: usize>(
    places: &[usize],
    bytes: &[u8],
    read: impl Fn([u8; WIDTH]) -> T,
) -> Option<Vec<T>> {
    let (elements, _) = bytes.as_chunks::<WIDTH>();
    let values = places.iter().map(|&place| elements.get(place).copied());
    values.map(|bytes| bytes.map(&read)).collect()
}
