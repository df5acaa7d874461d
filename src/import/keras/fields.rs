//! What a layer was made with, by name and type.

use serde_json::{Map, Value};

use crate::error::{Error, Result};

/// A layer's configuration.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fields<'a> {
    /// The layer's name and class, for messages.
    pub(super) name: &'a str,
    pub(super) class: &'a str,
    /// The Python module of the class, if the file says it; or “”.
    pub(super) module: &'a str,
    pub(super) values: &'a Map<String, Value>,
}

impl<'a> Fields<'a> {
    /// The value under the first of these names that is there.
    pub(super) fn get(&self, names: &[&str]) -> Option<&'a Value> {
        let value = names.iter().find_map(|name| self.values.get(*name))?;
        (!value.is_null()).then_some(value)
    }

    /// A truth, or what it is if it is not said.
    pub(super) fn flag(&self, name: &str, default: bool) -> bool {
        self.get(&[name])
            .and_then(Value::as_bool)
            .unwrap_or(default)
    }

    /// A number, or what it is if it is not said. TensorFlow.js and old versions wrap numbers in
    /// objects of NumPy.
    pub(super) fn number(&self, names: &[&str], default: f64) -> Result<f64> {
        match self.get(names) {
            None => Ok(default),
            Some(value) => value
                .as_f64()
                .or_else(|| value["value"].as_f64())
                .ok_or_else(|| self.wrong(names[0], value)),
        }
    }

    /// A text, or what it is if it is not said.
    pub(super) fn text(&self, name: &str, default: &'a str) -> &'a str {
        self.get(&[name]).and_then(Value::as_str).unwrap_or(default)
    }

    /// Two whole numbers, or one for both.
    pub(super) fn pair(&self, name: &str, default: [usize; 2]) -> Result<[usize; 2]> {
        let Some(value) = self.get(&[name]) else {
            return Ok(default);
        };
        let one = |value: &Value| value.as_u64().and_then(|value| usize::try_from(value).ok());
        match value {
            Value::Array(values) if values.len() == 2 => one(&values[0]).zip(one(&values[1])),
            Value::Array(values) if values.len() == 1 => {
                one(&values[0]).map(|value| (value, value))
            }
            value => one(value).map(|value| (value, value)),
        }
        .map(|(a, b)| [a, b])
        .ok_or_else(|| self.wrong(name, value))
    }

    /// Rows and columns before and after: one number, two, or two pairs.
    pub(super) fn borders(&self, name: &str) -> Result<[[i64; 2]; 2]> {
        let Some(value) = self.get(&[name]) else {
            return Ok([[1; 2]; 2]);
        };
        let side = |value: &Value| -> Option<[i64; 2]> {
            match value.as_array().map(Vec::as_slice) {
                Some([before, after]) => Some([before.as_i64()?, after.as_i64()?]),
                Some(_) => None,
                None => value.as_i64().map(|both| [both; 2]),
            }
        };
        let sides = match value.as_array().map(Vec::as_slice) {
            Some([rows, columns]) => side(rows).zip(side(columns)),
            Some(_) => None,
            None => side(value).map(|both| (both, both)),
        };
        match sides {
            Some((rows, columns)) => Ok([rows, columns]),
            None => Err(self.wrong(name, value)),
        }
    }

    /// Whole numbers: a list, or one.
    pub(super) fn integers(&self, name: &str) -> Result<Option<Vec<i64>>> {
        let Some(value) = self.get(&[name]) else {
            return Ok(None);
        };
        match value {
            Value::Array(values) => values.iter().map(Value::as_i64).collect(),
            value => value.as_i64().map(|value| vec![value]),
        }
        .map(Some)
        .ok_or_else(|| self.wrong(name, value))
    }

    /// Numbers: however nested a list, row by row, or one.
    pub(super) fn numbers(&self, name: &str) -> Result<Option<Vec<f32>>> {
        fn collect(value: &Value, numbers: &mut Vec<f32>) -> Option<()> {
            match value {
                Value::Array(values) => values.iter().try_for_each(|v| collect(v, numbers)),
                value => {
                    numbers.push(value.as_f64()? as f32);
                    Some(())
                }
            }
        }
        let Some(value) = self.get(&[name]) else {
            return Ok(None);
        };
        let mut numbers = Vec::new();
        match collect(value, &mut numbers) {
            Some(()) => Ok(Some(numbers)),
            None => Err(self.wrong(name, value)),
        }
    }

    /// Whether images are \[C, H, W\].
    pub(super) fn channels_first(&self) -> bool {
        self.text("data_format", "channels_last") == "channels_first"
    }

    /// The error of a value that is none of these.
    pub(super) fn wrong(&self, name: &str, value: &Value) -> Error {
        let mut value = value.to_string();
        if let Some((end, _)) = value.char_indices().nth(60) {
            value.truncate(end);
            value.push('…');
        }
        Error::Damaged {
            format: "Keras",
            detail: format!("{} “{}” has {name} = {value}", self.class, self.name),
        }
    }
}
