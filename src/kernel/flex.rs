//! The kernels for the CPU on Burn's flex backend.

use burn::backend::{
    Flex,
    flex::{FlexTensor, Layout},
    tensor::FloatTensor,
};
use burn::tensor::{Bytes, DType, Shape};

use violet_kernel_cpu as cpu;

use super::{Activation, Convolve, ConvolveBackward, Filter, Geometry};

impl Convolve for Flex {
    fn pack_filters(weight: FloatTensor<Self>, filter: Filter) -> FloatTensor<Self> {
        let packed = cpu::pack(values(&weight.to_contiguous()), &filter);
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
        forward(&input, None, &weight, &bias, &geometry, activation)
    }

    fn convolve_add(
        input: FloatTensor<Self>,
        residual: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        geometry: Geometry,
        activation: Activation,
    ) -> FloatTensor<Self> {
        let residual = residual.to_contiguous();
        let residual = Some(values(&residual));
        forward(&input, residual, &weight, &bias, &geometry, activation)
    }

    fn activate(
        sums: FloatTensor<Self>,
        _before: FloatTensor<Self>,
        activation: Activation,
    ) -> FloatTensor<Self> {
        let sums = sums.to_contiguous();
        let values = cpu::activate(values(&sums), activation);
        FlexTensor::new(Bytes::from_elems(values), sums.layout().clone(), DType::F32)
    }
}

fn forward(
    input: &FlexTensor,
    residual: Option<&[f32]>,
    weight: &FlexTensor,
    bias: &FlexTensor,
    geometry: &Geometry,
    activation: Activation,
) -> FlexTensor {
    let output = cpu::forward(
        geometry,
        values(&input.to_contiguous()),
        values(weight),
        values(bias),
        residual,
        activation,
    );
    let images = output.len() / geometry.values()[1];
    let [height, width] = geometry.output;
    tensor(
        output,
        [images, geometry.filter.channels_out, height, width],
    )
}

impl ConvolveBackward for Flex {
    type Gate = cpu::Gate;

    fn gate(output: &FloatTensor<Self>, activation: Activation) -> cpu::Gate {
        cpu::Gate::of(values(output), activation)
    }

    fn activation_gradient(mut gradient: FloatTensor<Self>, gate: cpu::Gate) -> FloatTensor<Self> {
        gate.close(values_mut(&mut gradient));
        gradient
    }

    fn secant_gradient(
        mut gradient: FloatTensor<Self>,
        sums: FloatTensor<Self>,
        before: FloatTensor<Self>,
        activation: Activation,
    ) -> FloatTensor<Self> {
        let (sums, before) = (sums.to_contiguous(), before.to_contiguous());
        let (sums, before) = (values(&sums), values(&before));
        let image = before.len();
        let befores = std::iter::once(before).chain(sums.chunks_exact(image));
        values_mut(&mut gradient)
            .chunks_exact_mut(image)
            .zip(sums.chunks_exact(image))
            .zip(befores)
            .for_each(|((gradient, sums), before)| {
                cpu::secant_gradient(gradient, before, sums, activation);
            });
        gradient
    }

    fn input_gradient(
        gradient: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        geometry: Geometry,
    ) -> FloatTensor<Self> {
        let gradient = gradient.to_contiguous();
        let input = cpu::backward(&geometry, values(&gradient), values(&weight));
        let images = input.len() / geometry.values()[0];
        let [height, width] = geometry.input;
        tensor(input, [images, geometry.filter.channels_in, height, width])
    }
}

/// The values of a contiguous tensor.
fn values(tensor: &FlexTensor) -> &[f32] {
    tensor.as_slice().expect("contiguous f32")
}

/// The values of a tensor, to be changed in place, unless someone else still reads them.
fn values_mut(tensor: &mut FlexTensor) -> &mut [f32] {
    if !tensor.is_contiguous() {
        *tensor = tensor.to_contiguous();
    }
    let start = tensor.layout().start_offset();
    let length = tensor.layout().num_elements();
    &mut tensor.storage_mut()[start..][..length]
}

fn tensor<const D: usize>(values: Vec<f32>, dims: [usize; D]) -> FlexTensor {
    let layout = Layout::contiguous(Shape::from(dims));
    FlexTensor::new(Bytes::from_elems(values), layout, DType::F32)
}
