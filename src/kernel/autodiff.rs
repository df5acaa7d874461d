//! The backward steps of the [operations](super::Operations), for any backend that has the kernels.

use burn::backend::Autodiff;
use burn::backend::autodiff::{
    checkpoint::{base::Checkpointer, strategy::CheckpointStrategy},
    grads::Gradients,
    ops::{Backward, Ops, OpsKind},
};
use burn::backend::{AutodiffBackend, tensor::FloatTensor};

use super::{Activation, Derivatives, Filter, Geometry, Operations};

/// What the way back needs; not the input, and of the output only where it lets gradients through.
#[derive(Debug, Clone)]
struct State<B: Derivatives> {
    /// Nothing, where there is no activation.
    gate: Option<B::Gate>,
    weight: FloatTensor<B>,
    geometry: Geometry,
}

/// The parents are the input and, of two, the residual.
#[derive(Debug)]
struct Convolution;

impl<B: Derivatives, const N: usize> Backward<B, N> for Convolution {
    type State = State<B>;

    fn backward(
        self,
        ops: Ops<State<B>, N>,
        gradients: &mut Gradients,
        _checkpointer: &mut Checkpointer,
    ) {
        let State {
            gate,
            weight,
            geometry,
        } = ops.state;
        let mut gradient = gradients.consume::<B>(&ops.node);
        if let Some(gate) = gate {
            gradient = B::activation_gradient(gradient, gate);
        }
        let mut parents = ops.parents.into_iter();
        let (input, residual) = (parents.next().flatten(), parents.next().flatten());
        if let Some(node) = input {
            let gradient = B::input_gradient(gradient.clone(), weight, geometry);
            gradients.register::<B>(node.id, gradient);
        }
        if let Some(node) = residual {
            gradients.register::<B>(node.id, gradient);
        }
    }
}

/// An activation whose secants are known: its arguments, and those of the point before.
#[derive(Debug, Clone)]
struct Secants<B: Derivatives> {
    sums: FloatTensor<B>,
    before: FloatTensor<B>,
    activation: Activation,
}

/// The parent is the argument.
#[derive(Debug)]
struct Activate;

impl<B: Derivatives> Backward<B, 1> for Activate {
    type State = Secants<B>;

    fn backward(
        self,
        ops: Ops<Secants<B>, 1>,
        gradients: &mut Gradients,
        _checkpointer: &mut Checkpointer,
    ) {
        let Secants {
            sums,
            before,
            activation,
        } = ops.state;
        let gradient = gradients.consume::<B>(&ops.node);
        if let [Some(node)] = ops.parents {
            let gradient = B::secant_gradient(gradient, sums, before, activation);
            gradients.register::<B>(node.id, gradient);
        }
    }
}

/// A max-pool's windows and where their largest values stand; along a path, its inputs and that of the point before.
#[derive(Debug, Clone)]
struct Pooled<B: Derivatives> {
    indices: B::Indices,
    along: Option<[FloatTensor<B>; 2]>,
    windows: Geometry,
}

/// The parent is the input.
#[derive(Debug)]
struct MaxPool;

impl<B: Derivatives> Backward<B, 1> for MaxPool {
    type State = Pooled<B>;

    fn backward(
        self,
        ops: Ops<Pooled<B>, 1>,
        gradients: &mut Gradients,
        _checkpointer: &mut Checkpointer,
    ) {
        let Pooled {
            indices,
            along,
            windows,
        } = ops.state;
        let gradient = gradients.consume::<B>(&ops.node);
        if let [Some(node)] = ops.parents {
            let gradient = match along {
                None => B::max_pool_gradient(gradient, indices, windows),
                Some([input, before]) => {
                    B::max_pool_secant_gradient(gradient, input, indices, before, windows)
                }
            };
            gradients.register::<B>(node.id, gradient);
        }
    }
}

/// Registers the backward step of a convolution, if any of its parents is tracked.
macro_rules! track {
    ($parents:expr, $weight:expr, $geometry:expr, $activation:expr, $run:expr) => {
        match Convolution
            .prepare::<C>($parents)
            .compute_bound()
            .stateful()
        {
            OpsKind::UnTracked(prep) => prep.finish($run),
            OpsKind::Tracked(prep) => {
                let output = $run;
                let state = State {
                    gate: ($activation != Activation::Identity)
                        .then(|| B::gate(&output, $activation)),
                    weight: $weight,
                    geometry: $geometry,
                };
                prep.finish(state, output)
            }
        }
    };
}

impl<B: Derivatives, C: CheckpointStrategy> Operations for Autodiff<B, C> {
    fn pack_filters(weight: FloatTensor<Self>, filter: Filter) -> FloatTensor<Self> {
        Self::from_inner(B::pack_filters(weight.into_primitive(), filter))
    }

    fn pack_linear(weight: FloatTensor<Self>, filter: Filter) -> FloatTensor<Self> {
        Self::from_inner(B::pack_linear(weight.into_primitive(), filter))
    }

    fn convolve(
        input: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        geometry: Geometry,
        activation: Activation,
    ) -> FloatTensor<Self> {
        let (input, node) = input.into_parts();
        let (weight, bias) = (weight.into_primitive(), bias.into_primitive());
        track!(
            [node],
            weight,
            geometry,
            activation,
            B::convolve(input, weight.clone(), bias, geometry, activation)
        )
    }

    fn convolve_add(
        input: FloatTensor<Self>,
        residual: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        geometry: Geometry,
        activation: Activation,
    ) -> FloatTensor<Self> {
        let (input, node) = input.into_parts();
        let (residual, residual_node) = residual.into_parts();
        let (weight, bias) = (weight.into_primitive(), bias.into_primitive());
        track!(
            [node, residual_node],
            weight,
            geometry,
            activation,
            B::convolve_add(input, residual, weight.clone(), bias, geometry, activation)
        )
    }

    fn activate(
        sums: FloatTensor<Self>,
        before: FloatTensor<Self>,
        activation: Activation,
    ) -> FloatTensor<Self> {
        let (sums, node) = sums.into_parts();
        let before = before.into_primitive();
        let prepared = Activate.prepare::<C>([node]).compute_bound().stateful();
        match prepared {
            OpsKind::UnTracked(prep) => prep.finish(B::activate(sums, before, activation)),
            OpsKind::Tracked(prep) => {
                let output = B::activate(sums.clone(), before.clone(), activation);
                let state = Secants {
                    sums,
                    before,
                    activation,
                };
                prep.finish(state, output)
            }
        }
    }

    fn max_pool(input: FloatTensor<Self>, windows: Geometry) -> FloatTensor<Self> {
        max_pool::<B, C>(input, None, windows)
    }

    fn max_pool_along(
        input: FloatTensor<Self>,
        before: FloatTensor<Self>,
        windows: Geometry,
    ) -> FloatTensor<Self> {
        max_pool::<B, C>(input, Some(before), windows)
    }
}

fn max_pool<B: Derivatives, C: CheckpointStrategy>(
    input: FloatTensor<Autodiff<B, C>>,
    before: Option<FloatTensor<Autodiff<B, C>>>,
    windows: Geometry,
) -> FloatTensor<Autodiff<B, C>> {
    let (input, node) = input.into_parts();
    match MaxPool.prepare::<C>([node]).compute_bound().stateful() {
        OpsKind::UnTracked(prep) => prep.finish(B::max_pool(input, windows)),
        OpsKind::Tracked(prep) => {
            let along = before.map(|before| [input.clone(), before.into_primitive()]);
            let (output, indices) = B::max_pool_with_indices(input, windows);
            let state = Pooled {
                indices,
                along,
                windows,
            };
            prep.finish(state, output)
        }
    }
}
