//! Convolutions on Burn's CubeCL backends: WebGPU in the browser; Vulkan, Metal or DirectX
//! natively.
//!
//! No more than 256 threads a workgroup, no shared memory, no subgroup operation, sums in f32, no
//! autotuning.

mod dense;
mod depthwise;
mod epilogue;
mod pass;

use burn::backend::ops::FloatTensorOps;
use burn::backend::{Cube, TensorMetadata, tensor::FloatTensor};
use burn::tensor::{DType, FloatDType, Shape};
use burn_cubecl::{kernel::into_contiguous as contiguous, tensor::CubeTensor};
use cubecl::calculate_cube_count_elemwise;
use cubecl::prelude::*;

use super::{Activation, Convolve, ConvolveBackward, Filter, Geometry};
use epilogue::Epilogue;
use pass::Axis;

/// Threads of a workgroup that works element by element.
const THREADS: u32 = 256;

impl Convolve for Cube {
    /// Dense: \[tap, in, out\] for the way forward, then \[tap, out, in\] for the way back, the
    /// last of the three padded with zeros to whole fours. Depthwise: as they are.
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
            ([2, 3, 1, 0], filter.channels_in, filter.channels_out),
            ([2, 3, 0, 1], filter.channels_out, filter.channels_in),
        ]
        .map(|(order, lines, rows)| {
            let weight = contiguous(Self::float_permute(weight.clone(), &order));
            let missing = fours(rows) * dense::LANES - rows;
            if missing == 0 {
                return flat(weight);
            }
            let shape = Shape::from([side, side, lines, missing]);
            let zeros = Self::float_zeros(shape, &device, FloatDType::F32);
            flat(Self::float_cat(vec![weight, zeros], 3))
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
    fn activation_gradient(
        gradient: FloatTensor<Self>,
        output: FloatTensor<Self>,
        activation: Activation,
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

/// One launch of a convolution, dense or depthwise.
struct Call<'a> {
    filter: &'a Filter,
    forward: bool,
    source: &'a CubeTensor,
    weight: &'a CubeTensor,
    bias: Option<&'a CubeTensor>,
    residual: Option<&'a CubeTensor>,
    activation: Activation,
    target: &'a CubeTensor,
}

impl Call<'_> {
    fn launch(&self, vertical: Axis, horizontal: Axis) {
        let client = &self.target.client;
        let images = self.target.shape()[0];
        let [low, high] = self.activation.range();
        let epilogue = Epilogue {
            bias: self.bias.is_some(),
            residual: self.residual.is_some(),
            clamp_low: low.is_finite(),
            clamp_high: high.is_finite(),
        };
        let high = high.min(f32::MAX);
        // What a kernel does not read still has to be bound to something.
        let buffer =
            |tensor: Option<&CubeTensor>| tensor.unwrap_or(self.weight).clone().into_buffer_arg();
        let buffers = [
            Some(self.source),
            Some(self.weight),
            self.bias,
            self.residual,
        ];
        let [source, weight, bias, residual] = buffers.map(buffer);
        let target = self.target.clone().into_buffer_arg();
        let grid = vertical.grid * horizontal.grid;
        let Filter {
            channels_in,
            channels_out,
            kernel,
            ..
        } = *self.filter;

        if self.filter.depthwise {
            let plan = depthwise::Plan::new(self.forward, grid, epilogue);
            let count = CubeCount::Static(
                grid.div_ceil(depthwise::THREADS * plan.pixels) as u32,
                channels_in as u32,
                images as u32,
            );
            // SAFETY: the kernel checks its pixels against the grid and its taps against the
            // source; the buffers have the sizes that the geometry says.
            #[allow(unsafe_code)]
            unsafe {
                depthwise::depthwise::launch_unchecked(
                    client,
                    count,
                    CubeDim::new_1d(depthwise::THREADS as u32),
                    source,
                    weight,
                    bias,
                    residual,
                    target,
                    channels_in,
                    kernel,
                    vertical.launch(),
                    horizontal.launch(),
                    high,
                    plan,
                );
            }
            return;
        }

        let (rows, channels, first_weight) = if self.forward {
            (channels_out, channels_in, 0)
        } else {
            let forward = kernel * kernel * channels_in * fours(channels_out);
            (channels_in, channels_out, forward)
        };
        let columns = images * grid;
        let plan = dense::Plan::new(self.forward, rows, channels, columns, epilogue);
        let count = CubeCount::Static(
            columns.div_ceil(plan.workgroup_columns()) as u32,
            fours(rows).div_ceil(plan.workgroup_fours()) as u32,
            1,
        );
        let sizes = dense::SizesLaunch::new(images, channels, rows, kernel, first_weight);
        // SAFETY: the kernel checks rows, columns and taps against their ends; the buffers have
        // the sizes that the geometry says.
        #[allow(unsafe_code)]
        unsafe {
            dense::dense::launch_unchecked(
                client,
                count,
                CubeDim::new_1d(dense::THREADS as u32),
                dense::LANES,
                source,
                weight,
                bias,
                residual,
                target,
                sizes,
                vertical.launch(),
                horizontal.launch(),
                high,
                plan,
            );
        }
    }
}

/// Fours of rows, the last one perhaps not full.
fn fours(rows: usize) -> usize {
    rows.div_ceil(dense::LANES)
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
