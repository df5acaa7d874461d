//! Networks that round to few bits, read as the float networks that they round.
//!
//! Weights are what the file's integers stand for. Of what rounds activations, only the range is
//! kept: a value is clipped to what its integers can say, for that is how many a rectifier is
//! written (its zero point is the smallest integer), but not rounded, for rounding has no slope.
//!
//! A value in this state is a [`Quantised`]: the real number, and how its integer would be made.
//! What only moves or compares values takes the real ones; anything else gets the integers' scale
//! without their rounding.

use violet_graph::{Binary, Builder, Clamp, Constant, ElementType, Operation, Unary, ValueId};

use super::call::{Answer, Call, Value, unsupported};
use super::tensor::{self, data_type, integer_range};

/// A number that would be stored as the integer `real / scale + zero`.
#[derive(Debug, Clone)]
pub(crate) struct Quantised {
    pub(crate) real: ValueId,
    scale: Constant,
    zero: Constant,
}

impl Quantised {
    /// Whether two would be stored in the same way.
    fn is_alike(&self, scale: &Constant, zero: &Constant) -> bool {
        self.scale == *scale && self.zero == *zero
    }

    /// The integer, but for its rounding.
    pub(crate) fn rounded(&self, b: &mut Builder) -> Answer<ValueId> {
        let (scale, zero) = (
            b.constant(self.scale.clone())?,
            b.constant(self.zero.clone())?,
        );
        let scaled = b.binary(Binary::Div, self.real, scale)?;
        Ok(b.binary(Binary::Add, scaled, zero)?)
    }

    /// Another value, stored in the same way.
    pub(crate) fn with(&self, real: ValueId) -> Self {
        Self {
            real,
            ..self.clone()
        }
    }
}

/// Whether an operator gives the same on integers as on the numbers that they stand for: it moves
/// or compares them only.
pub(crate) fn commutes(op_type: &str) -> bool {
    matches!(
        op_type,
        "Concat"
            | "DepthToSpace"
            | "Expand"
            | "Flatten"
            | "Gather"
            | "Identity"
            | "MaxPool"
            | "Reshape"
            | "Slice"
            | "SpaceToDepth"
            | "Split"
            | "Squeeze"
            | "Tile"
            | "Transpose"
            | "Unsqueeze"
            | "GlobalMaxPool"
            | "ReduceMax"
    )
}

/// If the call takes integers and only moves or compares them: lets it take what they stand for.
/// Gives back how its results are stored.
pub(crate) fn enter(call: &mut Call<'_, '_>) -> Option<Quantised> {
    let Some(Some(Value::Quantised(first))) = call.inputs.first().cloned() else {
        return None;
    };
    let data = match call.node.op_type {
        "Concat" => call.inputs.len(),
        _ => 1,
    };
    let alike = call.inputs.iter().take(data).all(|input| match input {
        Some(Value::Quantised(other)) => other.is_alike(&first.scale, &first.zero),
        _ => false,
    });
    if !alike || !commutes(call.node.op_type) {
        return None;
    }
    for input in call.inputs.iter_mut().take(data) {
        if let Some(Value::Quantised(quantised)) = input {
            *input = Some(Value::Graph(quantised.real));
        }
    }
    Some(first)
}

impl<'a> Call<'_, 'a> {
    /// Scale and zero point at these places, shaped so that they are broadcast to the axis they
    /// belong to.
    fn storage(
        &mut self,
        scale: usize,
        zero: usize,
        axis: Option<(usize, usize)>,
    ) -> Answer<(Constant, Constant)> {
        let scale = self.floats_of(scale, "scale")?;
        let zero = match self.has(zero) {
            true => self.floats_of(zero, "zero point")?,
            false => Constant::number(0.0),
        };
        Ok((along(&scale, axis)?, along(&zero, axis)?))
    }

    /// A constant input as floats.
    fn floats_of(&mut self, index: usize, what: &'static str) -> Answer<Constant> {
        // Not through the graph's constants: integers of a byte would take eight there.
        if let Some(Some(Value::Tensor(tensor))) = self.inputs.get(index) {
            return Ok(tensor::constant_of_floats(tensor, self.beside)?);
        }
        let id = self.value(index)?;
        self.b.require(id, what)?;
        let id = self.b.cast(id, ElementType::F32)?;
        Ok(self.b.require(id, what)?.clone())
    }

    /// An input as floats: integers of the file, or what depends on the picture.
    pub(crate) fn integers_as_floats(&mut self, index: usize) -> Answer<ValueId> {
        if matches!(self.inputs.get(index), Some(Some(Value::Tensor(_)))) {
            let floats = self.floats_of(index, "weight")?;
            return Ok(self.b.constant(floats)?);
        }
        let id = self.value(index)?;
        Ok(self.b.cast(id, ElementType::F32)?)
    }

    /// What the integers at a place stand for: constants are computed, values that are stored in
    /// the way that is asked for are taken as they are.
    pub(crate) fn dequantised(
        &mut self,
        index: usize,
        scale: usize,
        zero: usize,
        axis: i64,
    ) -> Answer<ValueId> {
        if let Some(Some(Value::Quantised(quantised))) = self.inputs.get(index).cloned() {
            let (scale, zero) = self.storage(scale, zero, None)?;
            if quantised.is_alike(&scale, &zero) {
                return Ok(quantised.real);
            }
        }
        let x = self.integers_as_floats(index)?;
        let shape = self.shape(x);
        let block = usize::try_from(self.int("block_size", 0)?).unwrap_or(0);
        let scale_shape = match self.inputs.get(scale) {
            Some(Some(Value::Tensor(tensor))) => tensor::shape(tensor)?.0,
            _ => {
                let scale = self.value(scale)?;
                self.shape(scale)
            }
        };
        let axis = match scale_shape.iter().product::<usize>() {
            1 => None,
            _ => Some((self.axis(axis, shape.len())?, shape.len())),
        };
        let (scale, zero) = if block > 0 {
            let Some((axis, _)) = axis else {
                return unsupported("its blocks have one scale", "");
            };
            let (scale, zero) = self.storage(scale, zero, None)?;
            let length = shape[axis];
            (
                self.blocks(scale, axis, length, block)?,
                self.blocks(zero, axis, length, block)?,
            )
        } else {
            let (scale, zero) = self.storage(scale, zero, axis)?;
            (self.b.constant(scale)?, self.b.constant(zero)?)
        };
        let centred = self.b.binary(Binary::Sub, x, zero)?;
        Ok(self.b.binary(Binary::Mul, centred, scale)?)
    }

    /// Each number of a constant repeated along an axis, as often as there are elements in a block.
    fn blocks(
        &mut self,
        constant: Constant,
        axis: usize,
        length: usize,
        block: usize,
    ) -> Answer<ValueId> {
        let whole = constant.shape().len() > axis;
        let id = self.b.constant(constant)?;
        if !whole {
            return Ok(id);
        }
        let indices = (0..length).map(|index| index / block).collect();
        Ok(self.b.push(Operation::Gather { axis, indices }, &[id])?)
    }

    /// A real value, stored as integers of the zero point's type.
    pub(crate) fn quantised(
        &mut self,
        real: ValueId,
        scale: usize,
        zero: usize,
        axis: i64,
    ) -> Answer<Value<'a>> {
        let stored_type = match self.inputs.get(zero) {
            Some(Some(Value::Tensor(tensor))) => Some(tensor.data_type),
            Some(Some(_)) => None,
            _ => Some(match self.int("output_dtype", 0)? {
                0 => data_type::UINT8,
                other => other,
            }),
        };
        let range = stored_type.and_then(integer_range);
        if self.int("block_size", 0)? > 0 {
            return unsupported("it rounds in blocks", "");
        }
        let shape = self.shape(real);
        let axis = match self.floats_of(scale, "scale")?.elements() {
            1 => None,
            _ => Some((self.axis(axis, shape.len())?, shape.len())),
        };
        let (scale, zero) = self.storage(scale, zero, axis)?;
        if self.b.known(real).is_some() {
            return Ok(Value::Graph(self.rounded(real, &scale, &zero, range)?));
        }
        let real = match (range, &scale.to_f64()[..], &zero.to_f64()[..]) {
            (Some((min, max)), &[scale], &[zero]) => {
                let bound = |integer: f32| ((f64::from(integer) - zero) * scale) as f32;
                let clamp = Clamp {
                    min: bound(min),
                    max: bound(max),
                };
                self.b.unary(Unary::Clip(clamp), real)?
            }
            // A scale for each channel of an activation is nobody's rectifier.
            _ => real,
        };
        Ok(Value::Quantised(Quantised { real, scale, zero }))
    }

    /// Constants are rounded: their rounding has no slope to lose.
    fn rounded(
        &mut self,
        real: ValueId,
        scale: &Constant,
        zero: &Constant,
        range: Option<(f32, f32)>,
    ) -> Answer<ValueId> {
        let (scale, zero) = (
            self.b.constant(scale.clone())?,
            self.b.constant(zero.clone())?,
        );
        let scaled = self.b.binary(Binary::Div, real, scale)?;
        let constant = self.b.require(scaled, "value")?;
        let rounded = constant
            .to_f64()
            .iter()
            .map(|x| x.round_ties_even() as f32)
            .collect::<Vec<_>>();
        let rounded = Constant::f32(constant.shape(), rounded)?;
        let rounded = self.b.constant(rounded)?;
        let stored = self.b.binary(Binary::Add, rounded, zero)?;
        match range {
            Some((min, max)) => Ok(self.b.unary(Unary::Clip(Clamp { min, max }), stored)?),
            None => Ok(stored),
        }
    }
}

/// A list of numbers for an axis, with axes of length 1 after it.
fn along(constant: &Constant, axis: Option<(usize, usize)>) -> Answer<Constant> {
    match (axis, constant.floats()) {
        (None, Some(floats)) if constant.elements() == 1 => Ok(Constant::number(floats[0])),
        (Some((axis, rank)), Some(floats)) if constant.shape().len() == 1 => {
            let shape = [vec![floats.len()], vec![1; rank - axis - 1]].concat();
            Ok(Constant::f32(&shape, floats.clone())?)
        }
        _ => Ok(constant.clone()),
    }
}
