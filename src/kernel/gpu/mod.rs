//! Convolutions, activations and max-pools on Burn's CubeCL backends: WebGPU in the browser; Vulkan, Metal or DirectX
//! natively.
//!
//! No more than 256 threads and 16 KiB of shared memory a workgroup, no subgroup operation, sums in
//! f32, no autotuning.

mod activation;
mod call;
mod card;
mod epilogue;
mod function;
mod max_pool;
mod pass;
mod software;

use burn::backend::ops::FloatTensorOps;
use burn::backend::{Cube, TensorMetadata, tensor::FloatTensor};
use burn::tensor::{DType, FloatDType, Shape, Slice};
use burn_wgpu::{CubeTensor, into_contiguous as contiguous};

use super::{Activation, Derivatives, Filter, Function, Geometry, Operations};
use call::Call;
pub use call::{Adapter, with_kernels_for};
use pass::{Axis, LANES, fours};

impl Operations for Cube {
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

    fn activate(
        sums: FloatTensor<Self>,
        _before: FloatTensor<Self>,
        activation: Activation,
    ) -> FloatTensor<Self> {
        activation::activate(contiguous(sums), activation)
    }

    fn max_pool(input: FloatTensor<Self>, windows: Geometry) -> FloatTensor<Self> {
        max_pool::largest(&contiguous(input), &windows).0
    }
}

impl Derivatives for Cube {
    /// The result itself.
    type Gate = (FloatTensor<Self>, Activation);
    /// It runs layers one by one.
    type Kept = ();
    type Indices = CubeTensor;

    fn gate(output: &FloatTensor<Self>, activation: Activation) -> Self::Gate {
        (output.clone(), activation)
    }

    fn activation_gradient(
        gradient: FloatTensor<Self>,
        (output, activation): Self::Gate,
    ) -> FloatTensor<Self> {
        activation::gradient(contiguous(gradient), contiguous(output), activation)
    }

    fn secant_gradient(
        gradient: FloatTensor<Self>,
        sums: FloatTensor<Self>,
        before: FloatTensor<Self>,
        activation: Activation,
    ) -> FloatTensor<Self> {
        let [gradient, sums, before] = [gradient, sums, before].map(contiguous);
        activation::secant_gradient(gradient, sums, before, activation)
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

    fn max_pool_with_indices(
        input: FloatTensor<Self>,
        windows: Geometry,
    ) -> (FloatTensor<Self>, CubeTensor) {
        max_pool::largest(&contiguous(input), &windows)
    }

    fn max_pool_gradient(
        gradient: FloatTensor<Self>,
        indices: CubeTensor,
        windows: Geometry,
    ) -> FloatTensor<Self> {
        max_pool::gradient(contiguous(gradient), indices, None, &windows)
    }

    fn max_pool_secant_gradient(
        gradient: FloatTensor<Self>,
        input: FloatTensor<Self>,
        indices: CubeTensor,
        before: FloatTensor<Self>,
        windows: Geometry,
    ) -> FloatTensor<Self> {
        let along = [input, before].map(contiguous);
        max_pool::gradient(contiguous(gradient), indices, Some(along), &windows)
    }

    fn map(values: FloatTensor<Self>, function: Function) -> FloatTensor<Self> {
        function::map(contiguous(values), function)
    }

    fn map_gradient(
        gradient: FloatTensor<Self>,
        ends: [FloatTensor<Self>; 2],
        function: Function,
    ) -> FloatTensor<Self> {
        function::map_gradient(contiguous(gradient), ends.map(contiguous), function)
    }

    /// The first matrix of each as filters of one pixel over the rows of the second.
    fn product(first: FloatTensor<Self>, second: FloatTensor<Self>) -> FloatTensor<Self> {
        let shape = first.shape().to_vec();
        let (outer, [m, k]) = (
            &shape[..shape.len() - 2],
            [2, 1].map(|k| shape[shape.len() - k]),
        );
        let n = second.shape()[shape.len() - 1];
        let products: usize = outer.iter().product();
        let first = Self::float_reshape(first, Shape::from([products, m, k]));
        let second = Self::float_reshape(second, Shape::from([products, k, n]));
        let filter = Filter::dense(k, m, 1, 1);
        let geometry = Geometry {
            filter,
            padding_before: [0; 2],
            input: [1, n],
            output: [1, n],
        };
        let bias = Self::float_zeros(Shape::from([m]), &first.device(), FloatDType::F32);
        let one = |tensor: &CubeTensor, product: usize, shape: [usize; 4]| {
            let (rows, columns) = (tensor.shape()[1], tensor.shape()[2]);
            let ranges = [product..product + 1, 0..rows, 0..columns].map(Slice::from);
            let matrix = Self::float_slice(tensor.clone(), &ranges);
            Self::float_reshape(contiguous(matrix), Shape::from(shape))
        };
        let products = (0..products).map(|product| {
            let weight = Self::pack_filters(one(&first, product, [m, k, 1, 1]), filter);
            let image = one(&second, product, [1, k, 1, n]);
            forward(
                image,
                None,
                weight,
                bias.clone(),
                &geometry,
                Activation::Identity,
            )
        });
        let made = Self::float_cat(products.collect(), 0);
        Self::float_reshape(made, Shape::from([outer, &[m, n]].concat()))
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

/// A new tensor on the device of another one.
fn empty(like: &CubeTensor, shape: Shape) -> CubeTensor {
    let handle = like.client.empty(shape.num_elements() * size_of::<f32>());
    let (client, device) = (like.client.clone(), like.device.clone());
    CubeTensor::new_contiguous(client, device, shape, handle, DType::F32)
}
