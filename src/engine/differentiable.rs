//! A whole network as one operation of Burn's, with its backward step.

use std::sync::PoisonError;

#[cfg(feature = "gpu")]
use burn::backend::Cube;
use burn::backend::autodiff::{
    checkpoint::{base::Checkpointer, strategy::CheckpointStrategy},
    grads::Gradients,
    ops::{Backward, Ops, OpsKind},
};
use burn::backend::{Autodiff, Backend, Flex, backend_extension, tensor::FloatTensor};

use super::array::{Executor, dims, reshape};
use super::machine::Pass;
use super::sweep::{self, Memory};

/// What graphs add to Burn's operations.
#[cfg_attr(feature = "gpu", backend_extension(Cube, Flex, Autodiff))]
#[cfg_attr(not(feature = "gpu"), backend_extension(Flex, Autodiff))]
pub(crate) trait Run: Backend {
    /// One pass, forward: \[N, …\] → \[N, elements\].
    fn run(input: FloatTensor<Self>, pass: Pass) -> FloatTensor<Self>;
}

impl Run for Flex {
    fn run(input: FloatTensor<Self>, pass: Pass) -> FloatTensor<Self> {
        forward::<Self>(input, &pass, false).0
    }
}

#[cfg(feature = "gpu")]
impl Run for Cube {
    fn run(input: FloatTensor<Self>, pass: Pass) -> FloatTensor<Self> {
        forward::<Self>(input, &pass, false).0
    }
}

fn forward<B: Executor>(
    input: FloatTensor<B>,
    pass: &Pass,
    keep: bool,
) -> (FloatTensor<B>, Vec<Memory<B>>) {
    let mut left = pass
        .left
        .as_ref()
        .map(|left| left.lock().unwrap_or_else(PoisonError::into_inner));
    sweep::forward::<B>(pass, input, left.as_deref_mut(), keep)
}

/// The parent is the input.
#[derive(Debug)]
struct Network;

/// What the backward pass needs.
#[derive(Debug, Clone)]
struct State<B: Executor> {
    pass: Pass,
    memories: Vec<Memory<B>>,
    /// Of the input, as the caller has it.
    shape: Vec<usize>,
}

impl<B: Executor> Backward<B, 1> for Network {
    type State = State<B>;

    fn backward(
        self,
        ops: Ops<State<B>, 1>,
        gradients: &mut Gradients,
        _checkpointer: &mut Checkpointer,
    ) {
        let State {
            pass,
            memories,
            shape,
        } = ops.state;
        let gradient = gradients.consume::<B>(&ops.node);
        if let [Some(node)] = ops.parents {
            let gradient = sweep::backward::<B>(&pass, memories, gradient);
            gradients.register::<B>(node.id, reshape::<B>(gradient, &shape));
        }
    }
}

impl<B: Executor, C: CheckpointStrategy> Run for Autodiff<B, C> {
    fn run(input: FloatTensor<Self>, pass: Pass) -> FloatTensor<Self> {
        let (input, node) = input.into_parts();
        match Network.prepare::<C>([node]).compute_bound().stateful() {
            OpsKind::UnTracked(prep) => prep.finish(forward::<B>(input, &pass, false).0),
            OpsKind::Tracked(prep) => {
                let shape = dims::<B>(&input);
                let (output, memories) = forward::<B>(input, &pass, true);
                let state = State {
                    pass,
                    memories,
                    shape,
                };
                prep.finish(state, output)
            }
        }
    }
}
