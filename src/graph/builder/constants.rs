//! Arithmetic that files do on constants alone.

use std::iter::repeat_n;

use super::Builder;
use crate::constant::{Comparison, Constant, Data, ElementType};
use crate::error::{Error, Result};
use crate::graph::ValueId;
use crate::limits;

impl Builder {
    /// In another type. What depends on the image is of floats, and stays so.
    ///
    /// # Errors
    ///
    /// [`Error::NoSlope`] if integers or booleans are to be made of what depends on the image.
    pub fn cast(&mut self, x: ValueId, element_type: ElementType) -> Result<ValueId> {
        match self.known(x) {
            Some(constant) if constant.element_type() == element_type => Ok(x),
            Some(constant) => {
                let cast = constant.cast(element_type);
                self.constant(cast)
            }
            None if element_type == ElementType::F32 => Ok(x),
            None => Err(self.no_slope("Cast")),
        }
    }

    /// A function of each element of a constant that has no slope, as rounding; in the constant's
    /// type.
    ///
    /// # Errors
    ///
    /// [`Error::NoSlope`] with the name of the operation if x depends on the image.
    pub fn map_constant(
        &mut self,
        operation: &str,
        x: ValueId,
        function: impl Fn(f64) -> f64,
    ) -> Result<ValueId> {
        let constant = self.known(x).ok_or_else(|| self.no_slope(operation))?;
        let values: Vec<f64> = constant.to_f64().into_iter().map(function).collect();
        let made = Constant::of_f64(constant.shape().to_vec(), &values, constant.element_type());
        self.constant(made)
    }

    /// A function of two constants that has no slope, broadcast, in that type.
    ///
    /// # Errors
    ///
    /// [`Error::NoSlope`] with the name of the operation if one depends on the image, and those of
    /// [`push`](Self::push).
    pub fn zip_constants(
        &mut self,
        operation: &str,
        element_type: ElementType,
        [a, b]: [ValueId; 2],
        function: impl Fn(f64, f64) -> f64,
    ) -> Result<ValueId> {
        if self.known(a).is_none() || self.known(b).is_none() {
            return Err(self.no_slope(operation));
        }
        let dims = |id: ValueId| -> Vec<i64> {
            self.shape(id).iter().map(|&length| length as i64).collect()
        };
        let (a_dims, b_dims) = (dims(a), dims(b));
        let a = self.expand(a, &b_dims)?;
        let b = self.expand(b, &a_dims)?;
        let values = |id| self.require(id, "input").map(Constant::to_f64);
        let (left, right) = (values(a)?, values(b)?);
        let pairs = left.iter().zip(&right);
        let values: Vec<f64> = pairs.map(|(&a, &b)| function(a, b)).collect();
        self.constant(Constant::of_f64(
            self.shape(a).to_vec(),
            &values,
            element_type,
        ))
    }

    /// Whether two constants compare so, broadcast.
    ///
    /// # Errors
    ///
    /// Those of [`zip_constants`](Self::zip_constants).
    pub fn compare(&mut self, comparison: Comparison, a: ValueId, b: ValueId) -> Result<ValueId> {
        let holds = |a, b| f64::from(comparison.holds(a, b));
        self.zip_constants(comparison.name(), ElementType::Bool, [a, b], holds)
    }

    /// Whether a constant is false.
    ///
    /// # Errors
    ///
    /// Those of [`map_constant`](Self::map_constant).
    pub fn not(&mut self, x: ValueId) -> Result<ValueId> {
        let x = self.cast(x, ElementType::Bool)?;
        self.map_constant("Not", x, |value| f64::from(value == 0.0))
    }

    /// A constant of one number, repeated.
    ///
    /// # Errors
    ///
    /// [`Error::Impossible`] if the shape has negative lengths, [`Error::TooLarge`].
    pub fn full(&mut self, shape: &[i64], value: &Constant) -> Result<ValueId> {
        const NAME: &str = "ConstantOfShape";
        let lengths: Option<Vec<usize>> = shape
            .iter()
            .map(|&length| usize::try_from(length).ok())
            .collect();
        let (Some(lengths), Some(&number)) = (lengths, value.to_f64().first()) else {
            let reason = format!("there is no array of shape {shape:?}");
            return Err(self.impossible(NAME, &[], reason));
        };
        self.check_elements(NAME, &lengths)?;
        self.check_computed(NAME, &lengths)?;
        // Made once, in its own type: it may be the largest that there is.
        let count = lengths.iter().product();
        let data = match value.element_type() {
            ElementType::F32 => Data::F32(repeat_n(number as f32, count).collect()),
            ElementType::I64 => Data::I64(repeat_n(number as i64, count).collect()),
            ElementType::Bool => Data::Bool(repeat_n(number != 0.0, count).collect()),
        };
        self.constant(Constant::new(&lengths, data)?)
    }

    /// From a number to another, which is left out, in steps: constants of one number.
    ///
    /// # Errors
    ///
    /// [`Error::NotConstant`], [`Error::TooLarge`].
    pub fn range(&mut self, start: ValueId, end: ValueId, step: ValueId) -> Result<ValueId> {
        let element_type = self.require(start, "start")?.element_type();
        let number = |id, what| -> Result<f64> {
            let values = self.require(id, what)?.to_f64();
            Ok(values.first().copied().unwrap_or(f64::NAN))
        };
        let [start, end, step] = [
            number(start, "start")?,
            number(end, "end")?,
            number(step, "step")?,
        ];
        let count = ((end - start) / step).ceil();
        if count.is_nan() {
            let reason = format!("there is no range from {start} to {end} by {step}");
            return Err(self.impossible("Range", &[], reason));
        }
        let limit = limits::COMPUTED as u64;
        self.check_limit("Range", "elements of its result", count as u64, limit)?;
        let values: Vec<f64> = (0..count as usize)
            .map(|k| start + k as f64 * step)
            .collect();
        self.constant(Constant::of_f64(vec![values.len()], &values, element_type))
    }

    /// The error of an operation that nothing can be explained through.
    pub fn no_slope(&self, operation: &str) -> Error {
        Error::NoSlope {
            node: self.name.to_string(),
            operation: operation.into(),
        }
    }
}
