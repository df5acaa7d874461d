//! A layer that learns, on Violet's kernels: convolution, BatchNorm and ReLU, all differentiated.

use std::sync::{Arc, Mutex};

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
use violet_kernel_cpu::training::{Batch, Statistics, normalise_relu, normalise_relu_backward};
use violet_kernel_cpu::{self as cpu, training::weight_gradient};

/// What the backend adds to Burn's operations.
#[backend_extension(Flex, Autodiff)]
trait Learn: Backend {
    /// The convolution's sums, without bias.
    fn convolve(
        input: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        geometry: Geometry,
    ) -> FloatTensor<Self>;

    /// BatchNorm by the batch's own statistics, which are left in `seen`, and ReLU.
    fn normalise(
        input: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        batch: Batch,
        seen: Seen,
    ) -> FloatTensor<Self>;
}

/// Where a batch's statistics are left.
type Seen = Arc<Mutex<Option<Statistics>>>;

/// `input` \[N, in, H, W\] and dense `weight` \[out, in, k, k\] → \[N, out, H', W'\].
pub(crate) fn convolve(input: Tensor<4>, weight: Tensor<4>, geometry: Geometry) -> Tensor<4> {
    let (input, weight) = (input.into_dispatch(), weight.into_dispatch());
    Tensor::from_dispatch(Dispatch::convolve(input, weight, geometry))
}

/// BatchNorm and ReLU of a batch \[N, C, H, W\], and its statistics.
pub(crate) fn normalise(
    input: Tensor<4>,
    gamma: Tensor<1>,
    beta: Tensor<1>,
    epsilon: f64,
) -> (Tensor<4>, Option<Statistics>) {
    let [_, channels, height, width] = input.dims();
    let batch = Batch {
        channels,
        pixels: height * width,
        epsilon: epsilon as f32,
    };
    let seen = Seen::default();
    let output = Dispatch::normalise(
        input.into_dispatch(),
        gamma.into_dispatch(),
        beta.into_dispatch(),
        batch,
        Arc::clone(&seen),
    );
    let statistics = seen.lock().ok().and_then(|mut seen| seen.take());
    (Tensor::from_dispatch(output), statistics)
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
        let [first, second] = halves(values(&input), geometry.values()[0]);
        let sums =
            |input| cpu::forward(&geometry, input, &packed, &bias, None, Activation::Identity);
        let (mut sums, rest) = both(|| sums(first), || sums(second));
        sums.extend(rest);
        images(sums, geometry.filter.channels_out, geometry.output)
    }

    fn normalise(
        input: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        batch: Batch,
        seen: Seen,
    ) -> FloatTensor<Self> {
        let [input, gamma, beta] = [input, gamma, beta].map(|t| t.to_contiguous());
        let dims = input.layout().shape().clone();
        let (output, statistics) =
            normalise_relu(batch, values(&input), values(&gamma), values(&beta));
        if let Ok(mut seen) = seen.lock() {
            *seen = Some(statistics);
        }
        shaped(output, dims)
    }
}

/// The parents are the input and the weights.
#[derive(Debug)]
struct Convolution;

#[derive(Debug, Clone)]
struct ConvolutionState {
    input: FlexTensor,
    weight: FlexTensor,
    geometry: Geometry,
}

impl Backward<Flex, 2> for Convolution {
    type State = ConvolutionState;

    fn backward(
        self,
        ops: Ops<ConvolutionState, 2>,
        gradients: &mut Gradients,
        _checkpointer: &mut Checkpointer,
    ) {
        let ConvolutionState {
            input,
            weight,
            geometry,
        } = ops.state;
        let filter = &geometry.filter;
        let [given, made] = geometry.values();
        let gradient = gradients.consume::<Flex>(&ops.node).to_contiguous();
        let [input_node, weight_node] = ops.parents;
        let [first, second] = halves(values(&gradient), made);
        if let Some(node) = input_node {
            let packed = cpu::pack(values(&weight.to_contiguous()), filter);
            let back = |gradient| cpu::backward(&geometry, gradient, &packed, None);
            let (mut input, rest) = both(|| back(first), || back(second));
            input.extend(rest);
            gradients.register::<Flex>(node.id, images(input, filter.channels_in, geometry.input));
        }
        if let Some(node) = weight_node {
            let input = input.to_contiguous();
            let inputs = halves(values(&input), given);
            let (mut weight, rest) = both(
                || weight_gradient(&geometry, inputs[0], first),
                || weight_gradient(&geometry, inputs[1], second),
            );
            weight
                .iter_mut()
                .zip(rest)
                .for_each(|(sum, more)| *sum += more);
            gradients.register::<Flex>(node.id, shaped(weight, filter.weight_dims()));
        }
    }
}

/// The parents are the input, γ and β.
#[derive(Debug)]
struct Normalisation;

#[derive(Debug, Clone)]
struct NormalisationState {
    input: FlexTensor,
    gamma: FlexTensor,
    beta: FlexTensor,
    batch: Batch,
    statistics: Statistics,
}

impl Backward<Flex, 3> for Normalisation {
    type State = NormalisationState;

    fn backward(
        self,
        ops: Ops<NormalisationState, 3>,
        gradients: &mut Gradients,
        _checkpointer: &mut Checkpointer,
    ) {
        let state = ops.state;
        let gradient = gradients.consume::<Flex>(&ops.node).to_contiguous();
        let [input, gamma, beta] =
            [&state.input, &state.gamma, &state.beta].map(|t| t.to_contiguous());
        let found = normalise_relu_backward(
            state.batch,
            values(&input),
            values(&gamma),
            values(&beta),
            &state.statistics,
            values(&gradient),
        );
        let shapes = [&input, &gamma, &beta].map(|t| t.layout().shape().clone());
        for ((node, found), shape) in ops.parents.into_iter().zip(found).zip(shapes) {
            if let Some(node) = node {
                gradients.register::<Flex>(node.id, shaped(found, shape));
            }
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
        let state = ConvolutionState {
            input,
            weight,
            geometry,
        };
        let nodes = [input_node, weight_node];
        match Convolution.prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::UnTracked(prep) => prep.finish(sums),
            OpsKind::Tracked(prep) => prep.finish(state, sums),
        }
    }

    fn normalise(
        input: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        batch: Batch,
        seen: Seen,
    ) -> FloatTensor<Self> {
        let (input, input_node) = input.into_parts();
        let (gamma, gamma_node) = gamma.into_parts();
        let (beta, beta_node) = beta.into_parts();
        let output = Flex::normalise(
            input.clone(),
            gamma.clone(),
            beta.clone(),
            batch,
            Arc::clone(&seen),
        );
        let statistics = seen.lock().ok().and_then(|seen| seen.clone());
        let nodes = [input_node, gamma_node, beta_node];
        match Normalisation.prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::UnTracked(prep) => prep.finish(output),
            OpsKind::Tracked(prep) => {
                let statistics = statistics.unwrap_or_else(|| unreachable!("it was just left"));
                let state = NormalisationState {
                    input,
                    gamma,
                    beta,
                    batch,
                    statistics,
                };
                prep.finish(state, output)
            }
        }
    }
}

/// Two results, on a thread each.
fn both<T: Send>(first: impl FnOnce() -> T, second: impl FnOnce() -> T + Send) -> (T, T) {
    std::thread::scope(|scope| {
        let second = scope.spawn(second);
        let first = first();
        let second = second.join();
        (
            first,
            second.unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
        )
    })
}

/// A batch of images in two, for a thread each: always the same two, so that sums come out the same.
fn halves(batch: &[f32], image: usize) -> [&[f32]; 2] {
    let (first, second) = batch.split_at(batch.len() / image / 2 * image);
    [first, second]
}

/// The values of a contiguous tensor.
fn values(tensor: &FlexTensor) -> &[f32] {
    tensor.as_slice().expect("contiguous f32")
}

fn images(values: Vec<f32>, channels: usize, [height, width]: [usize; 2]) -> FlexTensor {
    let n = values.len() / (channels * height * width);
    shaped(values, [n, channels, height, width])
}

fn shaped(values: Vec<f32>, shape: impl Into<Shape>) -> FlexTensor {
    let layout = Layout::contiguous(shape.into());
    FlexTensor::new(Bytes::from_elems(values), layout, DType::F32)
}
