//! Convolutions on Burn's CubeCL backends: WebGPU in the browser; Vulkan, Metal or DirectX
//! natively.
//!
//! At most 64 threads a workgroup in the products, 4 KiB of shared memory, no subgroup operation,
//! sums in f32, no autotuning.

mod dense;
mod depthwise;
mod pass;

use burn::backend::ops::FloatTensorOps;
use burn::backend::{Cube, TensorMetadata, tensor::FloatTensor};
use burn::tensor::{DType, Shape};
use burn_cubecl::{kernel::into_contiguous as contiguous, tensor::CubeTensor};
use cubecl::calculate_cube_count_elemwise;
use cubecl::prelude::*;

use super::{Activation, Convolve, ConvolveBackward, Filter, Geometry};
use pass::Axis;

/// Threads of a workgroup that works element by element.
const THREADS: u32 = 256;

impl Convolve for Cube {
    /// Dense: \[tap, in, out\] for the way forward, then \[tap, out, in\] for the way back.
    /// Depthwise: as they are.
    fn pack_filters(weight: FloatTensor<Self>, filter: Filter) -> FloatTensor<Self> {
        let length: usize = filter.weight_dims().iter().product();
        let flat = |weight| Self::float_reshape(weight, Shape::from([length]));
        if filter.depthwise {
            return flat(contiguous(weight));
        }
        let forward = Self::float_permute(weight.clone(), &[2, 3, 1, 0]);
        let backward = Self::float_permute(weight, &[2, 3, 0, 1]);
        let both = [forward, backward].map(|weight| flat(contiguous(weight)));
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
        let (clamp_low, clamp_high) = (low.is_finite(), high.is_finite());
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
            let plan = depthwise::Plan {
                forward: self.forward,
                bias: self.bias.is_some(),
                residual: self.residual.is_some(),
                clamp_low,
                clamp_high,
            };
            let planes = images * channels_in;
            let dim = CubeDim::new_1d(THREADS);
            let count = calculate_cube_count_elemwise(client, planes * grid, dim);
            // SAFETY: the kernel checks its plane against `planes` and its taps against the
            // source; the buffers have the sizes that the geometry says.
            #[allow(unsafe_code)]
            unsafe {
                depthwise::depthwise::launch_unchecked(
                    client,
                    count,
                    dim,
                    source,
                    weight,
                    bias,
                    residual,
                    target,
                    planes,
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
            (
                channels_in,
                channels_out,
                channels_in * channels_out * kernel * kernel,
            )
        };
        let plan = dense::Plan {
            bias: self.bias.is_some(),
            residual: self.residual.is_some(),
            clamp_low,
            clamp_high,
            ..dense::Plan::new(self.forward, rows, channels)
        };
        let count = CubeCount::Static(
            (images * grid).div_ceil(dense::THREADS) as u32,
            rows.div_ceil(plan.rows) as u32,
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
