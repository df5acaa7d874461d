//! Functions of one and of two numbers.

use burn::backend::TensorMetadata;
use violet_graph::{Binary, Gating, Unary};

use super::array::{
    Array, Ends, Executor, add, dims, div, expand, full, mul, reshape, scale, sub, sum,
};
use crate::kernel::{self, Function};

/// The kernels' name for a function; nothing, if they do not have it.
pub(super) fn function(unary: Unary) -> Option<Function> {
    Some(match unary {
        Unary::Clip(clamp) => Function::Clamp(clamp.min, clamp.max),
        Unary::LeakyRelu { slope } => Function::LeakyRelu(slope),
        Unary::Elu { alpha } => Function::Elu(alpha),
        Unary::Sigmoid => Function::Sigmoid,
        Unary::HardSigmoid { slope, offset } => Function::HardSigmoid(slope, offset),
        Unary::Tanh => Function::Tanh,
        Unary::Exp => Function::Exp,
        Unary::Log => Function::Log,
        Unary::Sqrt => Function::Sqrt,
        Unary::Reciprocal => Function::Reciprocal,
        Unary::Power { exponent } => Function::Power(exponent),
        Unary::Abs => Function::Abs,
        Unary::Neg => Function::Neg,
        Unary::Erf => Function::Erf,
        Unary::NormalCdf => Function::NormalCdf,
        Unary::NormalCdfTanh => Function::NormalCdfTanh,
        Unary::Softplus => Function::Softplus,
        Unary::Softsign => Function::Softsign,
        Unary::Sin => Function::Sin,
        Unary::Cos => Function::Cos,
        Unary::Gated(gating) => Function::Gated(match gating {
            Gating::Sigmoid => kernel::Gating::Sigmoid,
            Gating::HardSigmoid { slope, offset } => kernel::Gating::HardSigmoid(slope, offset),
            Gating::NormalCdf => kernel::Gating::NormalCdf,
            Gating::NormalCdfTanh => kernel::Gating::NormalCdfTanh,
            _ => return None,
        }),
        _ => return None,
    })
}

/// max(x, 0), and the slopes by which a maximum is shared.
const RELU: Function = Function::Clamp(0.0, f32::INFINITY);

/// The mean gradient of a function's argument.
pub(super) fn map_gradient<B: Executor>(
    function: Function,
    ends: Ends<B>,
    gradient: Array<B>,
) -> Array<B> {
    B::map_gradient(gradient, ends.both(), function)
}

/// x where positive, slope · x elsewhere: `slope · x + (1 − slope) · max(x, 0)`.
pub(super) fn prelu<B: Executor>(x: Array<B>, slope: Array<B>) -> Array<B> {
    let slope = aligned::<B>(slope, dims::<B>(&x).len());
    let positive = B::map(x.clone(), RELU);
    let negative = sub::<B>(x, positive.clone());
    add::<B>(positive, mul::<B>(negative, slope))
}

pub(super) fn prelu_gradient<B: Executor>(
    ends: Ends<B>,
    slope: Array<B>,
    gradient: Array<B>,
) -> Array<B> {
    let slope = aligned::<B>(slope, dims::<B>(&ends.to).len());
    let positive = map_gradient::<B>(RELU, ends, gradient.clone());
    let negative = sub::<B>(gradient, positive.clone());
    add::<B>(positive, mul::<B>(negative, slope))
}

/// \[N, …\] with axes of length 1 after the images, up to a rank.
pub(super) fn aligned<B: Executor>(x: Array<B>, rank: usize) -> Array<B> {
    let mut shape = dims::<B>(&x);
    while shape.len() < rank {
        shape.insert(1, 1);
    }
    reshape::<B>(x, &shape)
}

/// The adjoint of broadcasting from a shape \[N, …\].
pub(super) fn summed_to<B: Executor>(mut gradient: Array<B>, shape: &[usize]) -> Array<B> {
    let rank = dims::<B>(&gradient).len();
    let missing = rank - shape.len();
    for axis in 1..rank {
        let wanted = if axis <= missing {
            1
        } else {
            shape[axis - missing]
        };
        if wanted == 1 && gradient.shape()[axis] != 1 {
            gradient = sum::<B>(gradient, axis);
        }
    }
    reshape::<B>(gradient, shape)
}

/// The function of both; shapes are broadcast.
pub(super) fn binary<B: Executor>(
    binary: Binary,
    a: Array<B>,
    b: Array<B>,
    rank: usize,
) -> Array<B> {
    let [a, b] = [a, b].map(|x| aligned::<B>(x, rank));
    match binary {
        Binary::Add => add::<B>(a, b),
        Binary::Sub => sub::<B>(a, b),
        Binary::Mul => mul::<B>(a, b),
        Binary::Div => div::<B>(a, b),
        // max(a, b) = b + max(a − b, 0).
        Binary::Max => {
            let lead = sub::<B>(a, b.clone());
            add::<B>(b, B::map(lead, RELU))
        }
        Binary::Min => {
            let lead = sub::<B>(a.clone(), b);
            sub::<B>(a, B::map(lead, RELU))
        }
    }
}

/// An operand of a function of two.
pub(super) enum Operand<B: Executor> {
    /// It does not depend on the image.
    Constant(Array<B>),
    /// It does, and this is what it was, if that is needed.
    Varies(Option<Ends<B>>, Vec<usize>),
}

impl<B: Executor> Operand<B> {
    fn ends(&self, rank: usize) -> Option<Ends<B>> {
        let ends = match self {
            Operand::Constant(value) => Ends::at(value.clone()),
            Operand::Varies(ends, _) => ends.clone()?,
        };
        Some(ends.map(|x| aligned::<B>(x, rank)))
    }

    /// Elements, of one that varies.
    fn elements(&self) -> usize {
        match self {
            Operand::Constant(_) => 0,
            Operand::Varies(_, shape) => shape.iter().product(),
        }
    }

    /// The gradient for it, of that of its product with another one.
    fn factor(&self, gradient: Array<B>, other: &Option<Ends<B>>) -> Option<Array<B>> {
        let (Operand::Varies(_, shape), Some(Ends { from, to })) = (self, other.clone()) else {
            return None;
        };
        let rank = dims::<B>(&gradient).len();
        let (images, rest) = shape.split_at(1);
        let ones = vec![1; rank - shape.len()];
        let aligned = [images, &ones, rest].concat();
        let gradient = B::factor_gradient(gradient, (from, to), &aligned);
        Some(reshape::<B>(gradient, shape))
    }

    /// The gradient for it, of that of its broadcast.
    fn take(&self, gradient: impl FnOnce() -> Array<B>) -> Option<Array<B>> {
        match self {
            Operand::Constant(_) => None,
            Operand::Varies(_, shape) => Some(summed_to::<B>(gradient(), shape)),
        }
    }
}

/// The mean gradients of both operands.
pub(super) fn binary_gradient<B: Executor>(
    binary: Binary,
    operands: [Operand<B>; 2],
    gradient: Array<B>,
) -> [Option<Array<B>>; 2] {
    let rank = dims::<B>(&gradient).len();
    let [a, b] = &operands;
    let ends = [a.ends(rank), b.ends(rank)];
    let mean = |ends: &Option<Ends<B>>| {
        let ends = ends.clone();
        ends.map_or_else(|| full::<B>(&gradient, &[1], 0.0), Ends::mean)
    };
    match binary {
        Binary::Add => [a.take(|| gradient.clone()), b.take(|| gradient.clone())],
        Binary::Sub => [
            a.take(|| gradient.clone()),
            b.take(|| scale::<B>(gradient.clone(), -1.0)),
        ],
        Binary::Mul => {
            let [of_a, of_b] = &ends;
            // The one that is summed first, so that the other's may take the gradient's place.
            if a.elements() < b.elements() {
                let first = a.factor(gradient.clone(), of_b);
                [first, b.factor(gradient, of_a)]
            } else {
                let first = b.factor(gradient.clone(), of_a);
                [a.factor(gradient, of_b), first]
            }
        }
        Binary::Div => {
            let scaled = div::<B>(gradient.clone(), mean(&ends[1]));
            let of_divisor = || {
                let quotients = quotients::<B>(&ends);
                scale::<B>(mul::<B>(scaled.clone(), quotients), -1.0)
            };
            [a.take(|| scaled.clone()), b.take(of_divisor)]
        }
        Binary::Max | Binary::Min => {
            let shape = dims::<B>(&gradient);
            let lead = leads::<B>(&ends, &shape);
            let Some(lead) = lead else {
                return [None, None];
            };
            let leader = map_gradient::<B>(RELU, lead, gradient.clone());
            let other = sub::<B>(gradient, leader.clone());
            let [of_a, of_b] = match binary {
                Binary::Max => [leader, other],
                _ => [other, leader],
            };
            [a.take(|| of_a), b.take(|| of_b)]
        }
    }
}

/// The mean of a / b at both points.
fn quotients<B: Executor>([a, b]: &[Option<Ends<B>>; 2]) -> Array<B> {
    match (a.clone(), b.clone()) {
        (Some(a), Some(b)) if a.from.is_none() && b.from.is_none() => div::<B>(a.to, b.to),
        (Some(a), Some(b)) => {
            let ([a0, a1], [b0, b1]) = (a.both(), b.both());
            scale::<B>(add::<B>(div::<B>(a0, b0), div::<B>(a1, b1)), 0.5)
        }
        _ => unreachable!("a quotient's gradient needs both"),
    }
}

/// a − b at both points, in the shape of the result.
fn leads<B: Executor>(ends: &[Option<Ends<B>>; 2], shape: &[usize]) -> Option<Ends<B>> {
    let [a, b] = ends.clone();
    let (a, b) = (a?, b?);
    let lead = |a, b| expand::<B>(sub::<B>(a, b), shape);
    if a.from.is_none() && b.from.is_none() {
        return Some(Ends::at(lead(a.to, b.to)));
    }
    let ([a0, a1], [b0, b1]) = (a.both(), b.both());
    Some(Ends {
        from: Some(lead(a0, b0)),
        to: lead(a1, b1),
    })
}
