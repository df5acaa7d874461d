//! Convolutions on Burn's CubeCL backends: WebGPU in the browser; Vulkan, Metal or DirectX
//! natively.
//!
//! No more than 256 threads and 16 KiB of shared memory a workgroup, no subgroup operation, sums in
//! f32, no autotuning.

mod call;
mod card;
mod epilogue;
mod pass;
mod software;

use burn::backend::ops::FloatTensorOps;
use burn::backend::{Cube, TensorMetadata, tensor::FloatTensor};
use burn::tensor::{DType, FloatDType, Shape};
use burn_cubecl::{kernel::into_contiguous as contiguous, tensor::CubeTensor};
use cubecl::calculate_cube_count_elemwise;
use cubecl::prelude::*;

use super::{Activation, Convolve, ConvolveBackward, Filter, Geometry};
use call::Call;
pub use call::{Adapter, with_kernels_for};
use pass::{Axis, LANES, fours};

/// Threads of a workgroup that works element by element.
const THREADS: u32 = 256;

impl Convolve for Cube {
    /// Dense: \[⌈out / 4⌉, tap, in, 4\] for the way forward, then \[⌈in / 4⌉, tap, out, 4\] for the
    /// way back, padded with zeros to whole fours. Depthwise: as they are.
    fn pack_filters(weight: FloatTensor<Self>, filter: Filter) -> FloatTensor<Self> {
        let flat = |weight: CubeTensor| {
            let length = weight.shape().num_elements();
            Self::float_reshape(contiguous(weight), Shape::from([length]))
        };
        if filter.depthwise {
            return flat(weight);
        }
        let (device, side) = (weight.device(), filter.kernel);
        let both = [
            ([0, 1, 2, 3], filter.channels_out, filter.channels_in),
            ([1, 0, 2, 3], filter.channels_in, filter.channels_out),
        ]
        .map(|(order, rows, lines)| {
            let mut weight = Self::float_permute(weight.clone(), &order);
            let missing = fours(rows) * LANES - rows;
            if missing > 0 {
                let shape = Shape::from([missing, lines, side, side]);
                let zeros = Self::float_zeros(shape, &device, FloatDType::F32);
                weight = Self::float_cat(vec![contiguous(weight), zeros], 0);
            }
            let shape = Shape::from([fours(rows), LANES, lines, side, side]);
            let weight = Self::float_reshape(contiguous(weight), shape);
            flat(Self::float_permute(weight, &[0, 3, 4, 2, 1]))
        });
        Self::float_cat(both.into(), 0)
    }

    fn convolve(
        input: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        geometry: Geometry,
        activation: Activation,
    ) -> FloatTensor<Self> {
        forward(input, None, weight, bias, &geometry, activation)
    }

    fn convolve_add(
        input: FloatTensor<Self>,
        residual: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        geometry: Geometry,
        activation: Activation,
    ) -> FloatTensor<Self> {
        let residual = Some(contiguous(residual));
        forward(input, residual, weight, bias, &geometry, activation)
    }
}

impl ConvolveBackward for Cube {
    /// The result itself.
    type Gate = (FloatTensor<Self>, Activation);

    fn gate(output: &FloatTensor<Self>, activation: Activation) -> Self::Gate {
        (output.clone(), activation)
    }

    fn activation_gradient(
        gradient: FloatTensor<Self>,
        (output, activation): Self::Gate,
    ) -> FloatTensor<Self> {
        let (gradient, output) = (contiguous(gradient), contiguous(output));
        let shape = gradient.shape();
        let length = shape.num_elements();
        let target = empty(&gradient, shape);
        let dim = CubeDim::new_1d(THREADS);
        let client = &gradient.client.clone();
        let count = calculate_cube_count_elemwise(client, length, dim);
        let [_, high] = activation.range();
        // SAFETY: the kernel checks its position against `length`, which all three buffers have.
        #[allow(unsafe_code)]
        unsafe {
            mask::launch_unchecked(
                client,
                count,
                dim,
                gradient.into_buffer_arg(),
                output.into_buffer_arg(),
                target.clone().into_buffer_arg(),
                length,
                high.min(f32::MAX),
            );
        }
        target
    }

    fn input_gradient(
        gradient: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        geometry: Geometry,
    ) -> FloatTensor<Self> {
        let gradient = contiguous(gradient);
        let images = gradient.shape()[0];
        let [height, width] = geometry.input;
        let shape = Shape::from([images, geometry.filter.channels_in, height, width]);
        let target = empty(&gradient, shape);
        for vertical in Axis::backward(&geometry, 0) {
            for horizontal in Axis::backward(&geometry, 1) {
                let call = Call {
                    filter: &geometry.filter,
                    forward: false,
                    source: &gradient,
                    weight: &weight,
                    bias: None,
                    residual: None,
                    activation: Activation::Identity,
                    target: &target,
                };
                call.launch(vertical, horizontal);
            }
        }
        target
    }
}

fn forward(
    input: CubeTensor,
    residual: Option<CubeTensor>,
    weight: CubeTensor,
    bias: CubeTensor,
    geometry: &Geometry,
    activation: Activation,
) -> CubeTensor {
    let input = contiguous(input);
    let images = input.shape()[0];
    let [height, width] = geometry.output;
    let shape = Shape::from([images, geometry.filter.channels_out, height, width]);
    let target = empty(&input, shape);
    let call = Call {
        filter: &geometry.filter,
        forward: true,
        source: &input,
        weight: &weight,
        bias: Some(&bias),
        residual: residual.as_ref(),
        activation,
        target: &target,
    };
    call.launch(Axis::forward(geometry, 0), Axis::forward(geometry, 1));
    target
}

/// The gradient where an output is strictly between 0 and `high`, else 0.
#[cube(launch_unchecked)]
fn mask(gradient: &[f32], output: &[f32], target: &mut [f32], length: usize, high: f32) {
    if ABSOLUTE_POS >= length {
        terminate!();
    }
    let mut value = 0.0f32;
    if output[ABSOLUTE_POS] > 0.0 && output[ABSOLUTE_POS] < high {
        value = gradient[ABSOLUTE_POS];
    }
    target[ABSOLUTE_POS] = value;
}

/// A new tensor on the device of another one.
fn empty(like: &CubeTensor, shape: Shape) -> CubeTensor {
    let handle = like.client.empty(shape.num_elements() * size_of::<f32>());
    let (client, device) = (like.client.clone(), like.device.clone());
    CubeTensor::new_contiguous(client, device, shape, handle, DType::F32)
}
