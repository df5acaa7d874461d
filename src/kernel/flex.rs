//! The kernels for the CPU on Burn's flex backend.

use burn::backend::{
    Flex,
    flex::{FlexTensor, Layout},
    ops::FloatTensorOps,
    tensor::FloatTensor,
};
use burn::tensor::{Bytes, DType, Shape};

use violet_kernel_cpu::{self as cpu, Spread, Strided};

use super::{
    Activation, Bottleneck, Derivatives, Filter, Function, Geometry, Operations, Rows, Slopes,
};

impl Operations for Flex {
    fn pack_filters(weight: FloatTensor<Self>, filter: Filter) -> FloatTensor<Self> {
        let packed = cpu::pack(values(&weight.to_contiguous()), &filter);
        let length = packed.len();
        tensor(packed, [length])
    }

    fn pack_linear(weight: FloatTensor<Self>, filter: Filter) -> FloatTensor<Self> {
        if !cpu::is_linear(&filter) {
            return Self::pack_filters(weight, filter);
        }
        let packed = cpu::pack_linear(values(&weight.to_contiguous()), &filter);
        let length = packed.len();
        tensor(packed, [length])
    }

    fn convolve(
        input: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        geometry: Geometry,
        activation: Activation,
    ) -> FloatTensor<Self> {
        forward(input, None, &weight, &bias, &geometry, activation)
    }

    fn convolve_add(
        input: FloatTensor<Self>,
        residual: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        geometry: Geometry,
        activation: Activation,
    ) -> FloatTensor<Self> {
        forward(input, Some(residual), &weight, &bias, &geometry, activation)
    }

    fn activate(
        sums: FloatTensor<Self>,
        before: FloatTensor<Self>,
        activation: Activation,
    ) -> FloatTensor<Self> {
        spent(before);
        let sums = whole(sums);
        let values = cpu::activate(values(&sums), activation);
        FlexTensor::new(Bytes::from_elems(values), sums.layout().clone(), DType::F32)
    }

    fn max_pool(input: FloatTensor<Self>, windows: Geometry) -> FloatTensor<Self> {
        Self::max_pool_with_indices(input, windows).0
    }
}

fn forward(
    input: FlexTensor,
    residual: Option<FlexTensor>,
    weight: &FlexTensor,
    bias: &FlexTensor,
    geometry: &Geometry,
    activation: Activation,
) -> FlexTensor {
    let (input, residual) = (whole(input), residual.map(whole));
    let output = cpu::forward(
        geometry,
        values(&input),
        values(weight),
        values(bias),
        residual.as_ref().map(values),
        activation,
    );
    [Some(input), residual]
        .into_iter()
        .flatten()
        .for_each(spent);
    output_tensor(output, geometry)
}

/// The gradient of a convolution's input, added to another one of the same, if there is one.
fn input_gradient(
    gradient: FlexTensor,
    weight: &FlexTensor,
    geometry: &Geometry,
    other: Option<FlexTensor>,
) -> FlexTensor {
    let (gradient, other) = (whole(gradient), other.map(whole));
    let others = other.as_ref().map(values);
    let input = cpu::backward(geometry, values(&gradient), values(weight), others);
    [Some(gradient), other]
        .into_iter()
        .flatten()
        .for_each(spent);
    input_tensor(input, geometry)
}

impl Derivatives for Flex {
    type Gate = cpu::Gate;
    type Kept = cpu::Kept;
    type Indices = Vec<u32>;

    fn spent(tensor: FloatTensor<Self>) {
        spent(tensor);
    }

    fn gate(output: &FloatTensor<Self>, activation: Activation) -> cpu::Gate {
        cpu::Gate::of(values(output), activation)
    }

    fn activation_gradient(mut gradient: FloatTensor<Self>, gate: cpu::Gate) -> FloatTensor<Self> {
        if !gradient.is_contiguous() {
            gradient = whole(gradient);
        }
        // What others read, too, as parts of what was put side by side, is copied on the way.
        if !gradient.is_unique() {
            let passed = gate.passed(values(&gradient));
            return of_shape(passed, gradient.layout().shape().to_vec());
        }
        gate.close(values_mut(&mut gradient));
        gradient
    }

    fn secant_gradient(
        mut gradient: FloatTensor<Self>,
        sums: FloatTensor<Self>,
        before: FloatTensor<Self>,
        activation: Activation,
    ) -> FloatTensor<Self> {
        let ends = [before, sums].map(whole);
        let [before, sums] = ends.each_ref().map(values);
        let image = before.len();
        let befores = std::iter::once(before).chain(sums.chunks_exact(image));
        values_mut(&mut gradient)
            .chunks_exact_mut(image)
            .zip(sums.chunks_exact(image))
            .zip(befores)
            .for_each(|((gradient, sums), before)| {
                cpu::secant_gradient(gradient, before, sums, activation);
            });
        ends.into_iter().for_each(spent);
        gradient
    }

    fn input_gradient(
        gradient: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        geometry: Geometry,
    ) -> FloatTensor<Self> {
        input_gradient(gradient, &weight, &geometry, None)
    }

    fn input_gradient_added(
        gradient: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        geometry: Geometry,
        other: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        input_gradient(gradient, &weight, &geometry, Some(other))
    }

    fn linear_rows(
        rows: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        filter: Filter,
    ) -> Result<FloatTensor<Self>, FloatTensor<Self>> {
        if !cpu::is_linear(&filter) {
            return Err(rows);
        }
        let rows = whole(rows);
        let made = cpu::linear(&filter, values(&rows), values(&weight), values(&bias));
        let made = in_rows(made, &rows, filter.channels_out);
        spent(rows);
        Ok(made)
    }

    fn linear_rows_gradient(
        gradient: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        filter: Filter,
    ) -> Result<FloatTensor<Self>, FloatTensor<Self>> {
        if !cpu::is_linear(&filter) {
            return Err(gradient);
        }
        let gradient = whole(gradient);
        let made = cpu::linear_gradient(&filter, values(&gradient), values(&weight));
        let made = in_rows(made, &gradient, filter.channels_in);
        spent(gradient);
        Ok(made)
    }

    fn max_pool_with_indices(
        input: FloatTensor<Self>,
        windows: Geometry,
    ) -> (FloatTensor<Self>, Vec<u32>) {
        let input = whole(input);
        let (largest, indices) = cpu::max_pool(&windows, values(&input));
        spent(input);
        (output_tensor(largest, &windows), indices)
    }

    fn max_pool_gradient(
        gradient: FloatTensor<Self>,
        indices: Vec<u32>,
        windows: Geometry,
    ) -> FloatTensor<Self> {
        let gradient = whole(gradient);
        let input = cpu::max_pool_gradient(&windows, values(&gradient), &indices);
        spent(gradient);
        input_tensor(input, &windows)
    }

    fn max_pool_secant_gradient(
        gradient: FloatTensor<Self>,
        input: FloatTensor<Self>,
        indices: Vec<u32>,
        before: FloatTensor<Self>,
        windows: Geometry,
    ) -> FloatTensor<Self> {
        let given = [gradient, input, before].map(whole);
        let [gradient, input, before] = given.each_ref().map(values);
        let (_, old) = cpu::max_pool(&windows, before);
        let [length, made] = windows.values();
        let befores = std::iter::once(before).chain(input.chunks_exact(length));
        let olds = std::iter::once(&old[..]).chain(indices.chunks_exact(made));
        let mut target = Vec::with_capacity(input.len());
        for ((((gradient, input), new), before), old) in gradient
            .chunks_exact(made)
            .zip(input.chunks_exact(length))
            .zip(indices.chunks_exact(made))
            .zip(befores)
            .zip(olds)
        {
            let image =
                cpu::max_pool_secant_gradient(&windows, gradient, [before, input], [old, new]);
            target.extend(image);
        }
        given.into_iter().for_each(spent);
        input_tensor(target, &windows)
    }

    fn map(x: FloatTensor<Self>, function: Function) -> FloatTensor<Self> {
        let x = whole(x);
        let mapped = cpu::map(values(&x), function);
        let layout = Layout::contiguous(x.layout().shape().clone());
        spent(x);
        FlexTensor::new(Bytes::from_elems(mapped), layout, DType::F32)
    }

    fn map_gradient(
        mut gradient: FloatTensor<Self>,
        ends: [FloatTensor<Self>; 2],
        function: Function,
    ) -> FloatTensor<Self> {
        let ends = ends.map(whole);
        let [from, to] = ends.each_ref().map(values);
        cpu::map_gradient(values_mut(&mut gradient), [from, to], function);
        ends.into_iter().for_each(spent);
        gradient
    }

    fn map_with_slopes(
        mut x: FloatTensor<Self>,
        function: Function,
    ) -> Result<[FloatTensor<Self>; 2], FloatTensor<Self>> {
        if !cpu::has_slopes(function) {
            return Err(x);
        }
        let slopes = cpu::map_with_slopes(values_mut(&mut x), function);
        let shape = x.layout().shape().to_vec();
        Ok([x, of_shape(slopes, shape)])
    }

    fn rows(mut x: FloatTensor<Self>, made: Rows) -> Option<FloatTensor<Self>> {
        let length = last(x.layout().shape());
        cpu::rows(values_mut(&mut x), length, made);
        Some(x)
    }

    fn rows_gradient(
        mut gradient: FloatTensor<Self>,
        (from, to): (Option<FloatTensor<Self>>, FloatTensor<Self>),
        made: Rows,
    ) -> Result<FloatTensor<Self>, FloatTensor<Self>> {
        let to = whole(to);
        let from = from.map(whole);
        let length = last(to.layout().shape());
        let ends = [values(from.as_ref().unwrap_or(&to)), values(&to)];
        cpu::rows_gradient(values_mut(&mut gradient), ends, length, made);
        [from, Some(to)].into_iter().flatten().for_each(spent);
        Ok(gradient)
    }

    fn softmax_gradient(
        mut gradient: FloatTensor<Self>,
        made: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        let made = whole(made);
        let length = last(made.layout().shape());
        cpu::softmax_gradient_at(values_mut(&mut gradient), values(&made), length);
        spent(made);
        gradient
    }

    fn reshape(x: FloatTensor<Self>, shape: Shape) -> FloatTensor<Self> {
        match x.layout().reshape(shape.clone()) {
            Some(layout) => x.with_layout(layout),
            None => whole(x).reshape(shape),
        }
    }

    fn add_part(
        mut all: FloatTensor<Self>,
        starts: &[usize],
        part: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        let part = whole(part);
        let shape = all.layout().shape().to_vec();
        cpu::add_part(
            values_mut(&mut all),
            &shape,
            starts,
            (values(&part), part.layout().shape()),
        );
        spent(part);
        all
    }

    fn add(first: FloatTensor<Self>, second: FloatTensor<Self>) -> FloatTensor<Self> {
        pair(first, second, cpu::Pairing::Sum)
    }

    fn multiply(first: FloatTensor<Self>, second: FloatTensor<Self>) -> FloatTensor<Self> {
        pair(first, second, cpu::Pairing::Product)
    }

    fn concat(pieces: Vec<FloatTensor<Self>>, axis: usize) -> FloatTensor<Self> {
        let pieces: Vec<FlexTensor> = pieces.into_iter().map(whole).collect();
        let mut shape = pieces[0].layout().shape().to_vec();
        shape[axis] = pieces
            .iter()
            .map(|piece| piece.layout().shape()[axis])
            .sum();
        let arrays: Vec<&[f32]> = pieces.iter().map(values).collect();
        let made = cpu::concat(&arrays, shape[..axis].iter().product());
        pieces.into_iter().for_each(spent);
        let layout = Layout::contiguous(Shape::from(shape));
        FlexTensor::new(Bytes::from_elems(made), layout, DType::F32)
    }

    fn factor_gradient(
        mut gradient: FloatTensor<Self>,
        (from, to): (Option<FloatTensor<Self>>, FloatTensor<Self>),
        shape: &[usize],
    ) -> FloatTensor<Self> {
        let to = whole(to);
        let from = from.map_or_else(|| to.clone(), whole);
        let other = [from, to];
        let of = |tensor: &FlexTensor| tensor.layout().shape().to_vec();
        let (product, others) = (of(&gradient), of(&other[0]));
        let ends = other.each_ref().map(values);
        if product == shape
            && let Some(spread) = Spread::of(&product, &others)
        {
            cpu::multiply_by_mean(values_mut(&mut gradient), ends, spread);
            return gradient;
        }
        if product == others
            && let Some(spread) = Spread::of(&product, shape).filter(|spread| spread.images == 1)
        {
            let gradient = whole(gradient);
            let sums = cpu::weighted_sums(values(&gradient), ends, spread);
            let layout = Layout::contiguous(Shape::from(shape.to_vec()));
            return FlexTensor::new(Bytes::from_elems(sums), layout, DType::F32);
        }
        let [from, to] = other;
        super::factor_gradient::<Self>(gradient, (Some(from), to), shape)
    }

    fn bottleneck(
        input: FloatTensor<Self>,
        residual: Option<FloatTensor<Self>>,
        layers: &Bottleneck,
        activation: Activation,
        keep: bool,
    ) -> (FloatTensor<Self>, Option<cpu::Kept>) {
        let what = if keep {
            cpu::Keep::Derivatives
        } else {
            cpu::Keep::Nothing
        };
        let (output, kept) = bottleneck(input, residual, layers, activation, what);
        (output, keep.then_some(kept))
    }

    fn bottleneck_along(
        input: FloatTensor<Self>,
        residual: Option<FloatTensor<Self>>,
        layers: &Bottleneck,
    ) -> (FloatTensor<Self>, [FloatTensor<Self>; 2]) {
        let identity = Activation::Identity;
        let (output, kept) = bottleneck(input, residual, layers, identity, cpu::Keep::Sums);
        let images = output.layout().shape()[0];
        let sums = match kept {
            cpu::Kept::Sums(sums) => sums,
            _ => unreachable!("sums were to be kept"),
        };
        let sums = sums.map(|sums| {
            let each = sums.len() / images;
            tensor(sums, [images, each])
        });
        (output, sums)
    }

    fn bottleneck_gradient(
        gradient: FloatTensor<Self>,
        layers: &Bottleneck,
        slopes: Slopes<Self>,
    ) -> FloatTensor<Self> {
        let gradient = whole(gradient);
        let input = match slopes {
            Slopes::At(kept) => {
                let slopes = kept.slopes();
                let slopes = slopes.unwrap_or_else(|| unreachable!("derivatives were kept"));
                let input = layers.backward(values(&gradient), slopes);
                kept.give_back();
                input
            }
            Slopes::Secants(ends) => {
                let ends = ends.map(|ends| ends.map(whole));
                let slopes = ends.each_ref().map(|ends| ends.each_ref().map(values));
                let input = layers.backward(values(&gradient), cpu::Slopes::Secants(slopes));
                ends.into_iter().flatten().for_each(spent);
                input
            }
        };
        spent(gradient);
        let [given, _] = layers.shapes();
        images(input, given)
    }

    fn transpose(matrices: FloatTensor<Self>) -> FloatTensor<Self> {
        let matrices = whole(matrices);
        let [count, rows, columns] = [0, 1, 2].map(|axis| matrices.layout().shape()[axis]);
        let moved = cpu::transpose(values(&matrices), rows, columns);
        tensor(moved, [count, columns, rows])
    }

    fn product(first: FloatTensor<Self>, second: FloatTensor<Self>) -> FloatTensor<Self> {
        let factors = [first, second].map(forward_only);
        let [first, second] = factors.each_ref().map(|factor| factor.layout().shape());
        let rank = first.num_dims();
        let (outer, [m, k]) = (&first[..rank - 2], [first[rank - 2], first[rank - 1]]);
        let n = second[rank - 1];
        let made = cpu::matrix_products(
            outer.iter().product(),
            |index| factors.each_ref().map(|factor| matrix(factor, index)),
            [m, k, n],
        );
        let shape = [outer, &[m, n]].concat();
        factors.into_iter().for_each(spent);
        of_shape(made, shape)
    }
}

/// One of the matrices \[…, M, K\] of a tensor.
fn matrix(tensor: &FlexTensor, index: usize) -> Strided<'_> {
    let (shape, strides) = (tensor.layout().shape(), steps(tensor));
    let rank = strides.len();
    let (mut start, mut rest) = (tensor.layout().start_offset(), index);
    for axis in (0..rank - 2).rev() {
        start += rest % shape[axis] * strides[axis];
        rest /= shape[axis];
    }
    Strided {
        values: &tensor.storage()[start..],
        row: strides[rank - 2],
        column: strides[rank - 1],
    }
}

/// A tensor whose values lie behind each other along every axis.
fn forward_only(tensor: FlexTensor) -> FlexTensor {
    match tensor.layout().has_positive_strides() {
        true => tensor,
        false => tensor.to_contiguous(),
    }
}

/// How far apart values lie along each axis of what lies [forward](forward_only).
fn steps(tensor: &FlexTensor) -> Vec<usize> {
    let strides = tensor.layout().strides();
    strides.iter().map(|stride| stride.unsigned_abs()).collect()
}

/// Sums or products of the values of two tensors of one rank, one of which may be repeated over the other.
fn pair(first: FlexTensor, second: FlexTensor, pairing: cpu::Pairing) -> FlexTensor {
    // Sums and products are the same the other way around: in place, where nobody else reads it.
    let rank = |tensor: &FlexTensor| {
        let count = tensor.layout().num_elements();
        (count, tensor.is_contiguous(), tensor.is_unique())
    };
    let swapped = rank(&first) < rank(&second);
    let (first, second) = if swapped {
        (second, first)
    } else {
        (first, second)
    };
    let shape = first.layout().shape().to_vec();
    let once = once(second);
    let Some(spread) = Spread::of(&shape, once.layout().shape()) else {
        // Repeated in another way than the kernels know.
        return match pairing {
            cpu::Pairing::Sum => Flex::float_add(first, once),
            cpu::Pairing::Product => Flex::float_mul(first, once),
        };
    };
    let (mut first, once) = (whole(first), whole(once));
    let made = if first.is_unique() {
        cpu::pair(values_mut(&mut first), values(&once), spread, pairing);
        first
    } else {
        let made = cpu::paired(values(&first), values(&once), spread, pairing);
        of_shape(made, shape)
    };
    spent(once);
    made
}

/// A tensor without what it repeats: axes that are only views of one value have length 1.
fn once(mut tensor: FlexTensor) -> FlexTensor {
    let strides = tensor.layout().strides().to_vec();
    for (axis, _) in strides
        .iter()
        .enumerate()
        .filter(|(_, stride)| **stride == 0)
    {
        tensor = tensor.narrow(axis, 0, 1);
    }
    tensor
}

fn bottleneck(
    input: FlexTensor,
    residual: Option<FlexTensor>,
    layers: &Bottleneck,
    activation: Activation,
    keep: cpu::Keep,
) -> (FlexTensor, cpu::Kept) {
    let (input, residual) = (whole(input), residual.map(whole));
    let others = residual.as_ref().map(values);
    let (output, kept) = layers.forward(values(&input), others, activation, keep);
    [Some(input), residual]
        .into_iter()
        .flatten()
        .for_each(spent);
    let [_, made] = layers.shapes();
    (images(output, made), kept)
}

/// Rows of another length, as many as a tensor has.
fn in_rows(values: Vec<f32>, like: &FlexTensor, length: usize) -> FlexTensor {
    let mut shape = like.layout().shape().to_vec();
    if let Some(last) = shape.last_mut() {
        *last = length;
    }
    let layout = Layout::contiguous(Shape::from(shape));
    FlexTensor::new(Bytes::from_elems(values), layout, DType::F32)
}

/// Length of the last axis.
fn last(shape: &Shape) -> usize {
    shape[shape.num_dims() - 1]
}

/// A batch of a layer's inputs.
fn input_tensor(values: Vec<f32>, g: &Geometry) -> FlexTensor {
    let [height, width] = g.input;
    images(values, [g.filter.channels_in, height, width])
}

/// A batch of a layer's outputs.
fn output_tensor(values: Vec<f32>, g: &Geometry) -> FlexTensor {
    let [height, width] = g.output;
    images(values, [g.filter.channels_out, height, width])
}

/// A batch of images of one shape.
fn images(values: Vec<f32>, [channels, height, width]: [usize; 3]) -> FlexTensor {
    let images = values.len() / (channels * height * width);
    tensor(values, [images, channels, height, width])
}

/// A tensor whose values lie in order.
fn whole(tensor: FlexTensor) -> FlexTensor {
    if tensor.is_contiguous() {
        return tensor;
    }
    let tensor = forward_only(tensor);
    let shape = tensor.layout().shape().to_vec();
    let values = &tensor.storage()[tensor.layout().start_offset()..];
    let made = cpu::in_order(values, &shape, &steps(&tensor));
    spent(tensor);
    of_shape(made, shape)
}

/// A tensor that its last reader is done with: what it holds is used again.
fn spent(tensor: FlexTensor) {
    if !tensor.is_unique() {
        return;
    }
    // Whatever part of it this was.
    let length = tensor.bytes().len() / size_of::<f32>();
    let all = Layout::contiguous(Shape::from([length]));
    let (bytes, ..) = tensor.with_layout(all).into_data().into_parts();
    if let Ok(values) = bytes.try_into_vec() {
        cpu::give_back(values);
    }
}

/// The values of a contiguous tensor.
fn values(tensor: &FlexTensor) -> &[f32] {
    tensor.as_slice().expect("contiguous f32")
}

/// The values of a tensor, to be changed in place, unless someone else still reads them: of what is part of a larger one,
/// no more than that part is copied.
fn values_mut(tensor: &mut FlexTensor) -> &mut [f32] {
    if !tensor.is_contiguous() {
        *tensor = whole(tensor.clone());
    }
    if !tensor.is_unique() {
        let layout = Layout::contiguous(tensor.layout().shape().clone());
        let copy = Bytes::from_elems(cpu::copy(values(tensor)));
        *tensor = FlexTensor::new(copy, layout, DType::F32);
    }
    let start = tensor.layout().start_offset();
    let length = tensor.layout().num_elements();
    &mut tensor.storage_mut()[start..][..length]
}

fn tensor<const D: usize>(values: Vec<f32>, dims: [usize; D]) -> FlexTensor {
    of_shape(values, dims.into())
}

fn of_shape(values: Vec<f32>, shape: Vec<usize>) -> FlexTensor {
    let layout = Layout::contiguous(Shape::from(shape));
    FlexTensor::new(Bytes::from_elems(values), layout, DType::F32)
}
