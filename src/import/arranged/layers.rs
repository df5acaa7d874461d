//! Layers with weights, and whatever else is about an image's height and width.

use violet_graph::{Binary, Builder, Constant, Sliding, ValueId};

use super::{Arranged, Arranger};
use crate::error::Result;

impl Arranger {
    /// A convolution with filters \[O, I, H, W\], a constant.
    pub(crate) fn convolution(
        &mut self,
        x: &Arranged,
        filters: Constant,
        bias: Option<Constant>,
        sliding: &Sliding,
        groups: usize,
    ) -> Result<Arranged> {
        let x = self.planes(x)?;
        let filters = self.builder.constant(filters)?;
        let bias = bias.map(|bias| self.builder.constant(bias)).transpose()?;
        let id = self
            .builder
            .convolution(x, filters, bias, sliding, groups)?;
        Ok(self.of_planes(id))
    }

    /// The adjoint of a convolution, with filters \[I, O, H, W\], to an image of that height and
    /// width.
    pub(crate) fn convolution_transpose(
        &mut self,
        x: &Arranged,
        filters: Constant,
        bias: Option<Constant>,
        sliding: &Sliding,
        output: [usize; 2],
    ) -> Result<Arranged> {
        let x = self.planes(x)?;
        let filters = self.builder.constant(filters)?;
        let bias = bias.map(|bias| self.builder.constant(bias)).transpose()?;
        let (padding, output) = ([0; 2], Some(output));
        let id = self
            .builder
            .convolution_transpose(x, filters, bias, sliding, 1, padding, output)?;
        Ok(self.of_planes(id))
    }

    /// `x · weightᵀ + bias` along the last axis, with a weight \[O, I\], a constant.
    pub(crate) fn linear(
        &mut self,
        x: &Arranged,
        weight: Constant,
        bias: Option<Constant>,
    ) -> Result<Arranged> {
        // Along an image's channels it is a convolution.
        if let ([outputs, inputs], 4) = (weight.shape(), x.order.len()) {
            let filters = Constant::new(&[*outputs, *inputs, 1, 1], weight.data().clone())?;
            return self.convolution(x, filters, bias, &Sliding::default(), 1);
        }
        let x = self.plain(x)?;
        let weight = self.builder.constant(weight)?;
        let bias = bias.map(|bias| self.builder.constant(bias)).transpose()?;
        let id = self.builder.linear(x, weight, bias)?;
        Ok(self.of_plain(id))
    }

    /// The product of two values' last two axes.
    pub(crate) fn mat_mul(
        &mut self,
        a: &Arranged,
        b: &Arranged,
        transposed: [bool; 2],
    ) -> Result<Arranged> {
        let mut ids = Vec::with_capacity(2);
        for (x, transposed) in [a, b].into_iter().zip(transposed) {
            let rank = x.order.len() as i64;
            let mut order: Vec<i64> = (0..rank).collect();
            if transposed && rank >= 2 {
                order.swap(rank as usize - 1, rank as usize - 2);
            }
            let x = self.transpose(x, &order)?;
            ids.push(self.plain(&x)?);
        }
        let id = self.builder.matmul(ids[0], ids[1])?;
        Ok(self.of_plain(id))
    }

    /// The largest value of each window.
    pub(crate) fn max_pool(
        &mut self,
        x: &Arranged,
        kernel: [usize; 2],
        sliding: &Sliding,
    ) -> Result<Arranged> {
        let x = self.planes(x)?;
        let id = self.builder.max_pool(x, kernel, sliding)?;
        Ok(self.of_planes(id))
    }

    /// The mean of each window; padding does not count, as TensorFlow has it.
    pub(crate) fn average_pool(
        &mut self,
        x: &Arranged,
        kernel: [usize; 2],
        sliding: &Sliding,
    ) -> Result<Arranged> {
        let x = self.planes(x)?;
        let id = self.builder.average_pool(x, kernel, sliding, false)?;
        Ok(self.of_planes(id))
    }

    /// `(x − mean) / √(variance + ε) · scale + offset`, with constants for each index of one axis.
    pub(crate) fn batch_norm(
        &mut self,
        x: &Arranged,
        axis: i64,
        [scale, offset]: [Option<Constant>; 2],
        [mean, variance]: [Constant; 2],
        epsilon: f32,
    ) -> Result<Arranged> {
        let axis = self.own_axis(x, axis)?;
        let builder = &mut self.builder;
        let scale = scale.map(|scale| builder.constant(scale)).transpose()?;
        let offset = offset.map(|offset| builder.constant(offset)).transpose()?;
        let (mean, variance) = (builder.constant(mean)?, builder.constant(variance)?);
        self.each(x, |builder, x| {
            builder.batch_norm(x, axis, scale, offset, mean, variance, epsilon)
        })
    }

    /// A list of numbers, one for each index of one axis, taken into a function of two.
    pub(crate) fn along(
        &mut self,
        binary: Binary,
        x: &Arranged,
        axis: i64,
        list: Constant,
    ) -> Result<Arranged> {
        let axis = self.own_axis(x, axis)? as usize;
        let list = self.builder.constant(list)?;
        self.each(x, |builder, x| {
            let list = builder.along(list, x, axis)?;
            builder.binary(binary, x, list)
        })
    }

    /// Whatever the builder does to an image \[N, C, H, W\].
    pub(crate) fn image(
        &mut self,
        x: &Arranged,
        apply: impl FnOnce(&mut Builder, ValueId) -> violet_graph::Result<ValueId>,
    ) -> Result<Arranged> {
        let x = self.planes(x)?;
        let id = apply(&mut self.builder, x)?;
        Ok(self.of_planes(id))
    }
}
