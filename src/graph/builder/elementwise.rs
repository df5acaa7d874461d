//! Functions of elements, and what is made of several.

use super::Builder;
use crate::constant::Constant;
use crate::error::{Error, Result};
use crate::graph::ValueId;
use crate::operation::{Binary, Gating, Operation, Unary};

impl Builder {
    /// A function of each element.
    ///
    /// # Errors
    ///
    /// Those of [`push`](Self::push).
    pub fn unary(&mut self, unary: Unary, x: ValueId) -> Result<ValueId> {
        self.push(Operation::Unary(unary), &[x])
    }

    /// A function of two elements each, broadcast.
    ///
    /// # Errors
    ///
    /// Those of [`push`](Self::push).
    pub fn binary(&mut self, binary: Binary, a: ValueId, b: ValueId) -> Result<ValueId> {
        self.push(Operation::Binary(binary), &[a, b])
    }

    /// max(x, 0).
    ///
    /// # Errors
    ///
    /// Those of [`push`](Self::push).
    pub fn relu(&mut self, x: ValueId) -> Result<ValueId> {
        self.unary(Unary::RELU, x)
    }

    /// The sum, product, … of all of these.
    ///
    /// # Errors
    ///
    /// Those of [`push`](Self::push).
    pub fn all_of(&mut self, binary: Binary, inputs: &[ValueId]) -> Result<ValueId> {
        let Some((&first, rest)) = inputs.split_first() else {
            return Err(self.impossible(binary.name(), &[], "it has no inputs".into()));
        };
        rest.iter()
            .try_fold(first, |made, &next| self.binary(binary, made, next))
    }

    /// scale · x + offset.
    ///
    /// # Errors
    ///
    /// Those of [`push`](Self::push).
    pub fn affine(&mut self, x: ValueId, scale: f32, offset: f32) -> Result<ValueId> {
        let mut x = x;
        if scale != 1.0 {
            let scale = self.number(scale)?;
            x = self.binary(Binary::Mul, x, scale)?;
        }
        if offset != 0.0 {
            let offset = self.number(offset)?;
            x = self.binary(Binary::Add, x, offset)?;
        }
        Ok(x)
    }

    /// x · σ(x).
    ///
    /// # Errors
    ///
    /// Those of [`push`](Self::push).
    pub fn silu(&mut self, x: ValueId) -> Result<ValueId> {
        self.unary(Unary::Gated(Gating::Sigmoid), x)
    }

    /// x · min(max(x / 6 + ½, 0), 1).
    ///
    /// # Errors
    ///
    /// Those of [`push`](Self::push).
    pub fn hard_swish(&mut self, x: ValueId) -> Result<ValueId> {
        let (slope, offset) = (1.0 / 6.0, 0.5);
        self.unary(Unary::Gated(Gating::HardSigmoid { slope, offset }), x)
    }

    /// x · Φ(x), or its approximation by tanh.
    ///
    /// # Errors
    ///
    /// Those of [`push`](Self::push).
    pub fn gelu(&mut self, x: ValueId, approximate: bool) -> Result<ValueId> {
        let gating = if approximate {
            Gating::NormalCdfTanh
        } else {
            Gating::NormalCdf
        };
        self.unary(Unary::Gated(gating), x)
    }

    /// x · σ(scale · x): GELU's approximation with scale 1.702, Swish with any.
    ///
    /// # Errors
    ///
    /// Those of [`push`](Self::push).
    pub fn swish(&mut self, x: ValueId, scale: f32) -> Result<ValueId> {
        let argument = self.affine(x, scale, 0.0)?;
        let gate = self.unary(Unary::Sigmoid, argument)?;
        self.binary(Binary::Mul, x, gate)
    }

    /// x · tanh(log(1 + exp(x))).
    ///
    /// # Errors
    ///
    /// Those of [`push`](Self::push).
    pub fn mish(&mut self, x: ValueId) -> Result<ValueId> {
        let inner = self.unary(Unary::Softplus, x)?;
        let gate = self.unary(Unary::Tanh, inner)?;
        self.binary(Binary::Mul, x, gate)
    }

    /// γ · elu(x) with that α.
    ///
    /// # Errors
    ///
    /// Those of [`push`](Self::push).
    pub fn selu(&mut self, x: ValueId, alpha: f32, gamma: f32) -> Result<ValueId> {
        let x = self.unary(Unary::Elu { alpha }, x)?;
        self.affine(x, gamma, 0.0)
    }

    /// x where positive, α · (exp(x / α) − 1) elsewhere.
    ///
    /// # Errors
    ///
    /// Those of [`push`](Self::push).
    pub fn celu(&mut self, x: ValueId, alpha: f32) -> Result<ValueId> {
        // α · elu(x / α) with an α of 1.
        let x = self.affine(x, 1.0 / alpha, 0.0)?;
        let x = self.unary(Unary::Elu { alpha: 1.0 }, x)?;
        self.affine(x, alpha, 0.0)
    }

    /// x where positive, slope · x elsewhere, with a constant slope that is broadcast to x.
    ///
    /// # Errors
    ///
    /// Those of [`push`](Self::push).
    pub fn prelu(&mut self, x: ValueId, slope: ValueId) -> Result<ValueId> {
        match self.single(slope) {
            Some(slope) => self.unary(Unary::LeakyRelu { slope }, x),
            None => self.push(Operation::PRelu, &[x, slope]),
        }
    }

    /// x to an exponent, one of which has to be a constant of one number.
    ///
    /// # Errors
    ///
    /// Those of [`push`](Self::push).
    pub fn power(&mut self, x: ValueId, exponent: ValueId) -> Result<ValueId> {
        if let Some(power) = self.single(exponent) {
            return match power {
                1.0 => Ok(x),
                0.5 => self.unary(Unary::Sqrt, x),
                -1.0 => self.unary(Unary::Reciprocal, x),
                _ => self.unary(Unary::Power { exponent: power }, x),
            };
        }
        match self.single(x) {
            Some(base) if base > 0.0 => {
                let x = self.affine(exponent, base.ln(), 0.0)?;
                self.unary(Unary::Exp, x)
            }
            _ => Err(Error::NotConstant {
                node: self.name.to_string(),
                operation: "Power",
                what: "exponent",
            }),
        }
    }

    /// The number that all of a constant's elements are.
    pub(crate) fn single(&self, x: ValueId) -> Option<f32> {
        let values = self.known(x)?;
        let values = values.to_f64();
        let first = *values.first()?;
        values
            .iter()
            .all(|&value| value == first)
            .then_some(first as f32)
    }

    /// `a` where the condition holds, `b` elsewhere, broadcast. The condition has to be a constant.
    ///
    /// # Errors
    ///
    /// Those of [`push`](Self::push).
    pub fn select(&mut self, condition: ValueId, a: ValueId, b: ValueId) -> Result<ValueId> {
        const NAME: &str = "Where";
        if self.known(condition).is_none() {
            return Err(Error::NotConstant {
                node: self.name.to_string(),
                operation: NAME,
                what: "condition",
            });
        }
        let condition = self.cast(condition, crate::ElementType::Bool)?;
        let shapes = [condition, a, b].map(|id| self.shape(id).to_vec());
        let made = crate::shape::broadcast(&shapes[0], &shapes[1])
            .and_then(|shape| crate::shape::broadcast(&shape, &shapes[2]));
        let made = match made {
            Ok(made) => made,
            Err(reason) => {
                let shapes = shapes.each_ref().map(Vec::as_slice);
                return Err(self.impossible(NAME, &shapes, reason));
            }
        };
        self.check_elements(NAME, &made)?;
        let dims: Vec<i64> = made.iter().map(|&length| length as i64).collect();
        let [condition, a, b] = {
            let condition = self.expand(condition, &dims)?;
            [condition, self.expand(a, &dims)?, self.expand(b, &dims)?]
        };
        let chosen = self.require(condition, "condition")?.to_i64();
        if let (Some(first), Some(second)) = (self.known(a), self.known(b)) {
            // Also of integers, and without multiplying what is not chosen, which may be infinite.
            let (first_values, second_values) = (first.to_f64(), second.to_f64());
            let pairs = chosen.iter().zip(first_values.iter().zip(&second_values));
            let values: Vec<f64> = pairs
                .map(|(&chosen, (&a, &b))| if chosen != 0 { a } else { b })
                .collect();
            let selected = Constant::of_f64(made, &values, first.element_type());
            return self.constant(selected);
        }
        if chosen.iter().all(|&chosen| chosen != 0) {
            return Ok(a);
        }
        if chosen.iter().all(|&chosen| chosen == 0) {
            return Ok(b);
        }
        let a = self.masked(a, &chosen, true)?;
        let b = self.masked(b, &chosen, false)?;
        self.binary(Binary::Add, a, b)
    }

    /// x where it is chosen, 0 elsewhere.
    fn masked(&mut self, x: ValueId, chosen: &[i64], wanted: bool) -> Result<ValueId> {
        let shape = self.shape(x).to_vec();
        let is_wanted = |&chosen: &i64| (chosen != 0) == wanted;
        let masked: Vec<f32> = match self.known(x) {
            Some(constant) => {
                let pairs = constant.to_f64().into_iter().zip(chosen);
                let value = |(value, chosen)| if is_wanted(chosen) { value as f32 } else { 0.0 };
                pairs.map(value).collect()
            }
            None => {
                let mask: Vec<f32> = chosen
                    .iter()
                    .map(|chosen| f32::from(is_wanted(chosen)))
                    .collect();
                let mask = self.constant(Constant::f32(&shape, mask)?)?;
                return self.binary(Binary::Mul, x, mask);
            }
        };
        self.constant(Constant::f32(&shape, masked)?)
    }
}
