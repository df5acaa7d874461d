//! Violet's convolution with weights that learn: input and weights are differentiated.

use burn::backend::autodiff::{
    checkpoint::{base::Checkpointer, strategy::CheckpointStrategy},
    grads::Gradients,
    ops::{Backward, Ops, OpsKind},
};
use burn::backend::{
    Autodiff, Backend, Dispatch, Flex, backend_extension,
    flex::{FlexTensor, Layout},
    tensor::FloatTensor,
};
use burn::tensor::{Bytes, DType, Shape, Tensor};
use violet::kernel::{Activation, Geometry};
use violet_kernel_cpu as cpu;

/// What the backend adds to Burn's operations.
#[backend_extension(Flex, Autodiff)]
trait Learn: Backend {
    /// The convolution's sums, without bias.
    fn convolve(
        input: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        geometry: Geometry,
    ) -> FloatTensor<Self>;
}

/// `input` \[N, in, H, W\] and dense `weight` \[out, in, k, k\] → \[N, out, H', W'\].
pub(crate) fn convolve(input: Tensor<4>, weight: Tensor<4>, geometry: Geometry) -> Tensor<4> {
    let (input, weight) = (input.into_dispatch(), weight.into_dispatch());
    Tensor::from_dispatch(Dispatch::convolve(input, weight, geometry))
}

impl Learn for Flex {
    fn convolve(
        input: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        geometry: Geometry,
    ) -> FloatTensor<Self> {
        let (input, weight) = (input.to_contiguous(), weight.to_contiguous());
        let packed = cpu::pack(values(&weight), &geometry.filter);
        let bias = vec![0.0; geometry.filter.channels_out];
        let sums = cpu::forward(
            &geometry,
            values(&input),
            &packed,
            &bias,
            None,
            Activation::Identity,
        );
        images(sums, geometry.filter.channels_out, geometry.output)
    }
}

/// The parents are the input and the weights.
#[derive(Debug)]
struct Convolution;

#[derive(Debug, Clone)]
struct State {
    input: FlexTensor,
    weight: FlexTensor,
    geometry: Geometry,
}

impl Backward<Flex, 2> for Convolution {
    type State = State;

    fn backward(
        self,
        ops: Ops<State, 2>,
        gradients: &mut Gradients,
        _checkpointer: &mut Checkpointer,
    ) {
        let State {
            input,
            weight,
            geometry,
        } = ops.state;
        let filter = &geometry.filter;
        let gradient = gradients.consume::<Flex>(&ops.node).to_contiguous();
        let [input_node, weight_node] = ops.parents;
        if let Some(node) = input_node {
            let packed = cpu::pack(values(&weight.to_contiguous()), filter);
            let input = cpu::backward(&geometry, values(&gradient), &packed);
            gradients.register::<Flex>(node.id, images(input, filter.channels_in, geometry.input));
        }
        if let Some(node) = weight_node {
            let input = input.to_contiguous();
            let weight = cpu::weight_gradient(&geometry, values(&input), values(&gradient));
            gradients.register::<Flex>(node.id, tensor(weight, filter.weight_dims()));
        }
    }
}

impl<C: CheckpointStrategy> Learn for Autodiff<Flex, C> {
    fn convolve(
        input: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        geometry: Geometry,
    ) -> FloatTensor<Self> {
        let (input, input_node) = input.into_parts();
        let (weight, weight_node) = weight.into_parts();
        let sums = Flex::convolve(input.clone(), weight.clone(), geometry);
        let state = State {
            input,
            weight,
            geometry,
        };
        match Convolution
            .prepare::<C>([input_node, weight_node])
            .compute_bound()
            .stateful()
        {
            OpsKind::UnTracked(prep) => prep.finish(sums),
            OpsKind::Tracked(prep) => prep.finish(state, sums),
        }
    }
}

/// The values of a contiguous tensor.
fn values(tensor: &FlexTensor) -> &[f32] {
    tensor.as_slice().expect("contiguous f32")
}

fn images(values: Vec<f32>, channels: usize, [height, width]: [usize; 2]) -> FlexTensor {
    let n = values.len() / (channels * height * width);
    tensor(values, [n, channels, height, width])
}

fn tensor(values: Vec<f32>, dims: [usize; 4]) -> FlexTensor {
    let layout = Layout::contiguous(Shape::from(dims));
    FlexTensor::new(Bytes::from_elems(values), layout, DType::F32)
}
