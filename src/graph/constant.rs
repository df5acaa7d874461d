//! Constants of any type: what files hold, and what is computed while a graph is built.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// The elements of a constant, row by row.
#[derive(Debug, Clone, PartialEq)]
pub enum Data {
    /// Floats of any width.
    F32(Arc<[f32]>),
    /// Integers of any width.
    I64(Arc<[i64]>),
    /// Booleans.
    Bool(Arc<[bool]>),
}

impl Default for Data {
    fn default() -> Self {
        Data::F32(Arc::default())
    }
}

/// The type of a constant's elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ElementType {
    /// Floats of any width.
    F32,
    /// Integers of any width.
    I64,
    /// Booleans.
    Bool,
}

impl ElementType {
    /// For messages.
    pub fn name(self) -> &'static str {
        match self {
            ElementType::F32 => "floats",
            ElementType::I64 => "integers",
            ElementType::Bool => "booleans",
        }
    }
}

/// How two numbers are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Comparison {
    /// a = b.
    Equal,
    /// a < b.
    Less,
    /// a ≤ b.
    LessOrEqual,
    /// a > b.
    Greater,
    /// a ≥ b.
    GreaterOrEqual,
}

impl Comparison {
    /// For messages.
    pub fn name(self) -> &'static str {
        match self {
            Comparison::Equal => "Equal",
            Comparison::Less => "Less",
            Comparison::LessOrEqual => "LessOrEqual",
            Comparison::Greater => "Greater",
            Comparison::GreaterOrEqual => "GreaterOrEqual",
        }
    }

    /// Whether it holds.
    pub fn holds(self, a: f64, b: f64) -> bool {
        match self {
            Comparison::Equal => a == b,
            Comparison::Less => a < b,
            Comparison::LessOrEqual => a <= b,
            Comparison::Greater => a > b,
            Comparison::GreaterOrEqual => a >= b,
        }
    }
}

/// A constant array. Unlike other values it may have an axis of length 0: lists of axes or pads in
/// files do.
///
/// Of its elements, what is serialised has none: see [`Outline`](crate::Outline).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Constant {
    shape: Vec<usize>,
    #[serde(skip)]
    data: Data,
}

impl Constant {
    /// An array of that shape.
    ///
    /// # Errors
    ///
    /// [`Error::Length`] if the shape has another number of elements.
    pub fn new(shape: &[usize], data: Data) -> Result<Self> {
        let found = match &data {
            Data::F32(data) => data.len(),
            Data::I64(data) => data.len(),
            Data::Bool(data) => data.len(),
        };
        let expected = shape.iter().try_fold(1, |n: usize, &m| n.checked_mul(m));
        if expected != Some(found) {
            return Err(Error::Length {
                what: "a constant",
                expected: expected.unwrap_or(usize::MAX),
                found,
            });
        }
        let shape = shape.to_vec();
        Ok(Self { shape, data })
    }

    /// An array of floats.
    ///
    /// # Errors
    ///
    /// Those of [`new`](Self::new).
    pub fn f32(shape: &[usize], data: impl Into<Arc<[f32]>>) -> Result<Self> {
        Self::new(shape, Data::F32(data.into()))
    }

    /// An array of integers.
    ///
    /// # Errors
    ///
    /// Those of [`new`](Self::new).
    pub fn i64(shape: &[usize], data: impl Into<Arc<[i64]>>) -> Result<Self> {
        Self::new(shape, Data::I64(data.into()))
    }

    /// A list of integers: rank 1.
    pub fn integers(data: impl Into<Arc<[i64]>>) -> Self {
        let data = data.into();
        Self {
            shape: vec![data.len()],
            data: Data::I64(data),
        }
    }

    /// A number by itself: rank 0.
    pub fn number(value: f32) -> Self {
        Self {
            shape: Vec::new(),
            data: Data::F32([value].into()),
        }
    }

    /// Length of each axis.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// Its elements.
    pub fn data(&self) -> &Data {
        &self.data
    }

    /// How many elements it has.
    pub fn elements(&self) -> usize {
        match &self.data {
            Data::F32(data) => data.len(),
            Data::I64(data) => data.len(),
            Data::Bool(data) => data.len(),
        }
    }

    /// Type of its elements.
    pub fn element_type(&self) -> ElementType {
        match self.data {
            Data::F32(_) => ElementType::F32,
            Data::I64(_) => ElementType::I64,
            Data::Bool(_) => ElementType::Bool,
        }
    }

    /// Its elements, if they are floats.
    pub fn floats(&self) -> Option<&Arc<[f32]>> {
        match &self.data {
            Data::F32(data) => Some(data),
            _ => None,
        }
    }

    /// Its elements as integers; floats are cut towards zero, booleans are 0 and 1.
    pub fn to_i64(&self) -> Vec<i64> {
        match &self.data {
            Data::F32(data) => data.iter().map(|&value| value as i64).collect(),
            Data::I64(data) => data.to_vec(),
            Data::Bool(data) => data.iter().map(|&value| value.into()).collect(),
        }
    }

    /// Its elements in double precision, in which constants are computed; integers beyond 2⁵³ are
    /// rounded.
    pub fn to_f64(&self) -> Vec<f64> {
        match &self.data {
            Data::F32(data) => data.iter().map(|&value| value.into()).collect(),
            Data::I64(data) => data.iter().map(|&value| value as f64).collect(),
            Data::Bool(data) => data.iter().map(|&value| value.into()).collect(),
        }
    }

    /// An array of floats that are as many as its shape says.
    pub(crate) fn of_f32(shape: Vec<usize>, values: Vec<f32>) -> Self {
        debug_assert_eq!(shape.iter().product::<usize>(), values.len());
        let data = Data::F32(values.into());
        Self { shape, data }
    }

    /// An array of that type, which every number is cast to: floats are cut towards zero to become
    /// integers, and true if they are not 0.
    pub(crate) fn of_f64(shape: Vec<usize>, values: &[f64], element_type: ElementType) -> Self {
        let data = match element_type {
            ElementType::F32 => Data::F32(values.iter().map(|&value| value as f32).collect()),
            ElementType::I64 => Data::I64(values.iter().map(|&value| value as i64).collect()),
            ElementType::Bool => Data::Bool(values.iter().map(|&value| value != 0.0).collect()),
        };
        debug_assert_eq!(shape.iter().product::<usize>(), values.len());
        Self { shape, data }
    }

    /// The same shape without elements.
    pub(crate) fn emptied(&self) -> Self {
        Self {
            shape: self.shape.clone(),
            data: Data::default(),
        }
    }

    /// The same elements in another type.
    pub(crate) fn cast(&self, element_type: ElementType) -> Self {
        if element_type == self.element_type() {
            return self.clone();
        }
        Self::of_f64(self.shape.clone(), &self.to_f64(), element_type)
    }

    /// The same elements in another shape of as many.
    pub(crate) fn reshaped(&self, shape: &[usize]) -> Self {
        debug_assert_eq!(shape.iter().product::<usize>(), self.elements());
        Self {
            shape: shape.to_vec(),
            data: self.data.clone(),
        }
    }
}
