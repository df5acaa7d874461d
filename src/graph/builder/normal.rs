//! Norms, reductions and products.

use super::Builder;
use crate::constant::Constant;
use crate::error::Result;
use crate::graph::ValueId;
use crate::operation::{Binary, Clamp, Operation, Reduction, Taps, Unary};

impl Builder {
    /// One number of all along the axes (all axes if none are named), which stay with length 1 or
    /// go.
    ///
    /// # Errors
    ///
    /// Those of [`push`](Self::push).
    pub fn reduce(
        &mut self,
        reduction: Reduction,
        x: ValueId,
        axes: &[i64],
        keep: bool,
    ) -> Result<ValueId> {
        let axes = self.axes(x, axes)?;
        if axes.is_empty() {
            // A number by itself is reduced as a list of one.
            let list = self.reshape_to(x, vec![1])?;
            let axes = vec![0];
            let made = self.push(Operation::Reduce { reduction, axes }, &[list])?;
            return self.reshape_to(made, Vec::new());
        }
        let shape = self.shape(x);
        let left = (0..shape.len()).filter(|axis| !axes.contains(axis));
        let left: Vec<usize> = left.map(|axis| shape[axis]).collect();
        let made = self.push(Operation::Reduce { reduction, axes }, &[x])?;
        if keep {
            Ok(made)
        } else {
            self.reshape_to(made, left)
        }
    }

    /// The smallest along the axes, as [`reduce`](Self::reduce).
    ///
    /// # Errors
    ///
    /// Those of [`push`](Self::push).
    pub fn reduce_min(&mut self, x: ValueId, axes: &[i64], keep: bool) -> Result<ValueId> {
        let x = self.unary(Unary::Neg, x)?;
        let x = self.reduce(Reduction::Max, x, axes, keep)?;
        self.unary(Unary::Neg, x)
    }

    /// Index of the largest along an axis, which stays with length 1 or goes.
    ///
    /// # Errors
    ///
    /// Those of [`push`](Self::push).
    pub fn arg_max(&mut self, x: ValueId, axis: i64, keep: bool) -> Result<ValueId> {
        let named = self.axis(x, axis)?;
        let made = self.push(Operation::ArgMax { axis: named }, &[x])?;
        if keep {
            Ok(made)
        } else {
            self.squeeze(made, &[axis])
        }
    }

    /// exp(x) / Σ exp(x) along an axis.
    ///
    /// # Errors
    ///
    /// Those of [`push`](Self::push).
    pub fn softmax(&mut self, x: ValueId, axis: i64) -> Result<ValueId> {
        let axis = self.axis(x, axis)?;
        self.push(Operation::Softmax { axis }, &[x])
    }

    /// x − log Σ exp(x) along an axis.
    ///
    /// # Errors
    ///
    /// Those of [`push`](Self::push).
    pub fn log_softmax(&mut self, x: ValueId, axis: i64) -> Result<ValueId> {
        let axis = self.axis(x, axis)?;
        self.push(Operation::LogSoftmax { axis }, &[x])
    }

    /// Softmax, or its logarithm, over this axis and all after it together, as ONNX before opset 13.
    ///
    /// # Errors
    ///
    /// Those of [`push`](Self::push).
    pub fn softmax_from(&mut self, x: ValueId, axis: i64, log: bool) -> Result<ValueId> {
        let shape = self.shape(x).to_vec();
        let flat = self.flatten(x, axis)?;
        let made = if log {
            self.log_softmax(flat, 1)?
        } else {
            self.softmax(flat, 1)?
        };
        self.reshape_to(made, shape)
    }

    /// A constant list of one number for each index along an axis, in a shape that is broadcast to
    /// x's. A list of one number goes with every axis.
    ///
    /// # Errors
    ///
    /// [`Impossible`](crate::Error::Impossible) if the list has another length.
    pub fn along(&mut self, list: ValueId, x: ValueId, axis: usize) -> Result<ValueId> {
        let (rank, length) = (self.shape(x).len(), self.shape(x)[axis]);
        let elements = crate::shape::elements(self.shape(list));
        if elements != length as u64 && elements != 1 {
            let reason = format!("axis {axis} has {length} elements, its numbers are {elements}");
            return Err(self.impossible("Scale", &[self.shape(x), self.shape(list)], reason));
        }
        let mut shape = vec![1; rank - axis];
        shape[0] = elements as usize;
        self.reshape_to(list, shape)
    }

    /// Batch normalisation with the running mean and variance, as a scale and an offset for each
    /// channel; everything but x is a constant list.
    ///
    /// # Errors
    ///
    /// Those of [`push`](Self::push), and [`NotConstant`](crate::Error::NotConstant).
    #[allow(clippy::too_many_arguments, reason = "as many inputs as files have")]
    pub fn batch_norm(
        &mut self,
        x: ValueId,
        axis: i64,
        scale: Option<ValueId>,
        bias: Option<ValueId>,
        mean: ValueId,
        variance: ValueId,
        epsilon: f32,
    ) -> Result<ValueId> {
        let axis = self.axis(x, axis)?;
        let channels = self.shape(x)[axis];
        let list = |id: ValueId, what| -> Result<Vec<f64>> {
            let values = self.require(id, what)?.to_f64();
            if values.len() == channels {
                return Ok(values);
            }
            let reason = format!("its {what} has {} numbers", values.len());
            self.refuse("BatchNorm", x, reason)
        };
        let scale = scale.map_or(Ok(vec![1.0; channels]), |scale| list(scale, "scale"))?;
        let bias = bias.map_or(Ok(vec![0.0; channels]), |bias| list(bias, "bias"))?;
        let (mean, variance) = (list(mean, "mean")?, list(variance, "variance")?);
        let factor =
            |channel: usize| scale[channel] / (variance[channel] + f64::from(epsilon)).sqrt();
        let factors: Vec<f32> = (0..channels)
            .map(|channel| factor(channel) as f32)
            .collect();
        let offsets: Vec<f32> = (0..channels)
            .map(|channel| (bias[channel] - mean[channel] * factor(channel)) as f32)
            .collect();
        let factors = self.constant(Constant::f32(&[channels], factors)?)?;
        let offsets = self.constant(Constant::f32(&[channels], offsets)?)?;
        self.scaled(x, axis, Some(factors), Some(offsets))
    }

    /// scale · x + bias, with a number for each index along an axis.
    fn scaled(
        &mut self,
        x: ValueId,
        axis: usize,
        scale: Option<ValueId>,
        bias: Option<ValueId>,
    ) -> Result<ValueId> {
        let mut x = x;
        if let Some(scale) = scale {
            let scale = self.along(scale, x, axis)?;
            x = self.binary(Binary::Mul, x, scale)?;
        }
        if let Some(bias) = bias {
            let bias = self.along(bias, x, axis)?;
            x = self.binary(Binary::Add, x, bias)?;
        }
        Ok(x)
    }

    /// (x − mean) / √(variance + ε) over the axes.
    ///
    /// # Errors
    ///
    /// Those of [`push`](Self::push).
    pub fn normalise(&mut self, x: ValueId, axes: &[i64], epsilon: f32) -> Result<ValueId> {
        let axes = self.axes(x, axes)?;
        self.push(Operation::Normalise { axes, epsilon }, &[x])
    }

    /// Layer normalisation over this axis and all after it; scale and bias are broadcast to x.
    ///
    /// # Errors
    ///
    /// Those of [`push`](Self::push).
    pub fn layer_norm(
        &mut self,
        x: ValueId,
        axis: i64,
        scale: Option<ValueId>,
        bias: Option<ValueId>,
        epsilon: f32,
    ) -> Result<ValueId> {
        let first = self.axis(x, axis)?;
        let axes: Vec<i64> = (first as i64..self.shape(x).len() as i64).collect();
        let mut x = self.normalise(x, &axes, epsilon)?;
        for (binary, constant) in [(Binary::Mul, scale), (Binary::Add, bias)] {
            if let Some(constant) = constant {
                x = self.binary(binary, x, constant)?;
            }
        }
        Ok(x)
    }

    /// Normalisation of each of so many groups of channels over the group and all axes after the
    /// channels; scale and bias have a number for each channel. With as many groups as channels this
    /// is instance normalisation.
    ///
    /// # Errors
    ///
    /// Those of [`push`](Self::push).
    pub fn group_norm(
        &mut self,
        x: ValueId,
        axis: i64,
        groups: usize,
        scale: Option<ValueId>,
        bias: Option<ValueId>,
        epsilon: f32,
    ) -> Result<ValueId> {
        let axis = self.axis(x, axis)?;
        let shape = self.shape(x).to_vec();
        if groups == 0 || !shape[axis].is_multiple_of(groups) {
            let reason = format!("its channels cannot be split into {groups} groups");
            return self.refuse("GroupNorm", x, reason);
        }
        let inner = shape[axis + 1..].iter().product::<usize>();
        let each = shape[axis] / groups * inner;
        let apart = [&shape[..axis], &[groups, each]].concat();
        let x = self.reshape_to(x, apart)?;
        let x = self.normalise(x, &[-1], epsilon)?;
        let x = self.reshape_to(x, shape)?;
        self.scaled(x, axis, scale, bias)
    }

    /// Local response normalisation over neighbouring channels:
    /// x / (bias + alpha / size · Σ x²)^beta.
    ///
    /// # Errors
    ///
    /// Those of [`push`](Self::push).
    pub fn local_response_norm(
        &mut self,
        x: ValueId,
        axis: i64,
        size: usize,
        [alpha, beta, bias]: [f32; 3],
    ) -> Result<ValueId> {
        let axis = self.axis(x, axis)?;
        let channels = self.shape(x)[axis];
        if size == 0 || size > 2 * channels {
            return self.refuse("LRN", x, format!("its size is {size}"));
        }
        let weight = alpha / size as f32;
        let rows = (0..channels).map(|channel| {
            let first = channel.saturating_sub((size - 1) / 2);
            let last = (channel + size / 2).min(channels - 1);
            (first..=last).map(|index| (index, weight)).collect()
        });
        let taps = Taps::new(rows).into();
        let squares = self.unary(Unary::Power { exponent: 2.0 }, x)?;
        let sums = self.push(Operation::Resample { axis, taps }, &[squares])?;
        let sums = self.affine(sums, 1.0, bias)?;
        let beta = self.number(beta)?;
        let divisor = self.power(sums, beta)?;
        self.binary(Binary::Div, x, divisor)
    }

    /// x · weightᵀ + bias: x \[…, K\], constant weight \[O, K\] and bias \[O\].
    ///
    /// # Errors
    ///
    /// Those of [`push`](Self::push).
    pub fn linear(
        &mut self,
        x: ValueId,
        weight: ValueId,
        bias: Option<ValueId>,
    ) -> Result<ValueId> {
        let outputs = self.shape(weight).first().copied().unwrap_or(0);
        let bias = self.bias(bias, outputs)?;
        let clamp = Clamp::NONE;
        self.push(Operation::Linear { clamp }, &[x, weight, bias])
    }

    /// Product of matrices \[…, M, K\] × \[…, K, N\], or of vectors \[K\], as NumPy's `matmul`.
    ///
    /// # Errors
    ///
    /// Those of [`push`](Self::push).
    pub fn matmul(&mut self, a: ValueId, b: ValueId) -> Result<ValueId> {
        let (a_rank, b_rank) = (self.shape(a).len(), self.shape(b).len());
        if a_rank == 0 || b_rank == 0 {
            let shapes = [self.shape(a), self.shape(b)];
            return Err(self.impossible("MatMul", &shapes, "they are no matrices".into()));
        }
        if self.known(a).is_none() && self.known(b).is_some() && b_rank == 2 {
            let weight = self.transpose(b, &[])?;
            return self.linear(a, weight, None);
        }
        let left = if a_rank == 1 {
            self.unsqueeze(a, &[0])?
        } else {
            a
        };
        let right = if b_rank == 1 {
            self.unsqueeze(b, &[1])?
        } else {
            b
        };
        let mut made = self.push(Operation::MatMul, &[left, right])?;
        if b_rank == 1 {
            made = self.squeeze(made, &[-1])?;
        }
        if a_rank == 1 {
            let axis = if b_rank == 1 { -1 } else { -2 };
            made = self.squeeze(made, &[axis])?;
        }
        Ok(made)
    }

    /// alpha · a · b + beta · c, of matrices that may be transposed before.
    ///
    /// # Errors
    ///
    /// Those of [`push`](Self::push).
    pub fn gemm(
        &mut self,
        [a, b]: [ValueId; 2],
        c: Option<ValueId>,
        [alpha, beta]: [f32; 2],
        [transpose_a, transpose_b]: [bool; 2],
    ) -> Result<ValueId> {
        let a = if transpose_a {
            self.transpose(a, &[])?
        } else {
            a
        };
        let mut made = if self.known(b).is_some() && self.shape(b).len() == 2 {
            let weight = if transpose_b {
                b
            } else {
                self.transpose(b, &[])?
            };
            let weight = self.affine(weight, alpha, 0.0)?;
            self.linear(a, weight, None)?
        } else {
            let b = if transpose_b {
                self.transpose(b, &[])?
            } else {
                b
            };
            let made = self.matmul(a, b)?;
            self.affine(made, alpha, 0.0)?
        };
        if let Some(c) = c {
            let c = self.affine(c, beta, 0.0)?;
            made = self.binary(Binary::Add, made, c)?;
        }
        Ok(made)
    }
}
