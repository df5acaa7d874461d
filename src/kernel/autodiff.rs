//! The backward step of [`convolve`](super::convolve), for any backend that has the kernels.

use burn::backend::Autodiff;
use burn::backend::autodiff::{
    checkpoint::{base::Checkpointer, strategy::CheckpointStrategy},
    grads::Gradients,
    ops::{Backward, Ops, OpsKind},
};
use burn::backend::{AutodiffBackend, tensor::FloatTensor};

use super::{Activation, Convolve, ConvolveBackward, Filter, Geometry};

/// What the way back needs; not the input, and of the output only where it lets gradients through.
#[derive(Debug, Clone)]
struct State<B: ConvolveBackward> {
    /// Nothing, where there is no activation.
    gate: Option<B::Gate>,
    weight: FloatTensor<B>,
    geometry: Geometry,
}

/// The parents are the input and, of two, the residual.
#[derive(Debug)]
struct Convolution;

impl<B: ConvolveBackward, const N: usize> Backward<B, N> for Convolution {
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
struct Secants<B: ConvolveBackward> {
    sums: FloatTensor<B>,
    before: FloatTensor<B>,
    activation: Activation,
}

/// The parent is the argument.
#[derive(Debug)]
struct Activate;

impl<B: ConvolveBackward> Backward<B, 1> for Activate {
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

/// Registers the backward step of an output, if any of its parents is tracked.
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

impl<B: ConvolveBackward, C: CheckpointStrategy> Convolve for Autodiff<B, C> {
    fn pack_filters(weight: FloatTensor<Self>, filter: Filter) -> FloatTensor<Self> {
        Self::from_inner(B::pack_filters(weight.into_primitive(), filter))
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
}
