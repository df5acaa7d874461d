//! Normalisation and softmax that are written out in sums and quotients.

use crate::error::Result;
use crate::graph::{Graph, Node, ValueId};
use crate::operation::{Binary, Operation, Reduction, Unary};

use super::rewrite::{Rewrite, rewrite};

/// Recognises `(x − mean) / √(variance + ε)`, softmax, its logarithm, and log-sum-exp.
pub(super) fn recognise(graph: Graph) -> Result<Graph> {
    rewrite(graph, |all, node| {
        match &node.operation {
            Operation::Binary(Binary::Div) => {
                if let Some((x, operation)) = normalised(all, node).or_else(|| softmax(all, node)) {
                    let x = all.renamed(x)?;
                    return all.new.push(operation, &[x]).map(Some);
                }
            }
            Operation::Binary(Binary::Sub) => {
                if let Some((x, axis)) = log_softmax(all, node) {
                    let x = all.renamed(x)?;
                    return all.new.push(Operation::LogSoftmax { axis }, &[x]).map(Some);
                }
            }
            Operation::Binary(Binary::Add) => return shifted_norm(all, node),
            Operation::Unary(Unary::Log) => return logarithm(all, node),
            _ => {}
        }
        Ok(None)
    })
}

/// The inputs of a binary operation that makes a value.
fn pair<'a>(all: &Rewrite<'a>, id: ValueId, wanted: Binary) -> Option<(ValueId, ValueId)> {
    match all.made_by(id)? {
        (Operation::Binary(binary), inputs) if *binary == wanted => Some((inputs[0], inputs[1])),
        _ => None,
    }
}

/// What a reduction that makes a value is of, and its axes.
fn reduced<'a>(
    all: &Rewrite<'a>,
    id: ValueId,
    wanted: Reduction,
) -> Option<(ValueId, &'a [usize])> {
    match all.made_by(id)? {
        (Operation::Reduce { reduction, axes }, inputs) if *reduction == wanted => {
            Some((inputs[0], axes))
        }
        _ => None,
    }
}

/// What a function that makes a value is of.
fn function(all: &Rewrite<'_>, id: ValueId, wanted: impl Fn(Unary) -> bool) -> Option<ValueId> {
    match all.made_by(id)? {
        (Operation::Unary(unary), inputs) if wanted(*unary) => Some(inputs[0]),
        _ => None,
    }
}

/// x and its normalisation, of `c / √(mean(c²) + ε)` with `c = x − mean(x)`.
fn normalised(all: &Rewrite<'_>, node: &Node) -> Option<(ValueId, Operation)> {
    let (x, mean) = pair(all, node.inputs[0], Binary::Sub)?;
    normalisation(all, x, mean, node.inputs[1])
}

/// x and its normalisation, if the mean is its mean, and the deviation `√(mean((x − mean)²) + ε)`.
fn normalisation(
    all: &Rewrite<'_>,
    x: ValueId,
    mean: ValueId,
    deviation: ValueId,
) -> Option<(ValueId, Operation)> {
    let root = |unary| matches!(unary, Unary::Sqrt | Unary::Power { exponent: 0.5 });
    let inside = function(all, deviation, root)?;
    let (variance, epsilon) = match pair(all, inside, Binary::Add) {
        Some((a, b)) => match (all.number(a), all.number(b)) {
            (_, Some(epsilon)) => (a, epsilon),
            (Some(epsilon), _) => (b, epsilon),
            _ => return None,
        },
        None => (inside, 0.0),
    };
    let (squares, axes) = reduced(all, variance, Reduction::Mean)?;
    let square = |unary| matches!(unary, Unary::Power { exponent: 2.0 });
    let c = match function(all, squares, square) {
        Some(c) => c,
        None => {
            let (a, b) = pair(all, squares, Binary::Mul)?;
            (a == b).then_some(a)?
        }
    };
    let same = pair(all, c, Binary::Sub) == Some((x, mean));
    let (of, mean_axes) = reduced(all, mean, Reduction::Mean)?;
    if !same || of != x || mean_axes != axes || epsilon < 0.0 {
        return None;
    }
    let axes = axes.to_vec();
    Some((x, Operation::Normalise { axes, epsilon }))
}

/// The same as TensorFlow writes it: `x · γ / s + (β − mean · γ / s)`, γ and β constants that may be
/// missing.
fn shifted_norm(all: &mut Rewrite<'_>, node: &Node) -> Result<Option<ValueId>> {
    let found = [[0, 1], [1, 0]].into_iter().find_map(|[k, l]| {
        let (x, scale, deviation) = scaled_quotient(all, node.inputs[k])?;
        let (offset, shift) = pair(all, node.inputs[l], Binary::Sub)?;
        let (mean, mean_scale, divisor) = scaled_quotient(all, shift)?;
        let same = scale == mean_scale && deviation == divisor && all.is_constant(offset);
        let (x, operation) = normalisation(all, x, mean, deviation).filter(|_| same)?;
        Some((x, operation, scale, offset))
    });
    let Some((x, operation, scale, offset)) = found else {
        return Ok(None);
    };
    let x = all.renamed(x)?;
    let mut made = all.new.push(operation, &[x])?;
    for (binary, constant) in [(Binary::Mul, scale), (Binary::Add, Some(offset))] {
        if let Some(constant) = constant {
            let constant = all.renamed(constant)?;
            made = all.new.binary(binary, made, constant)?;
        }
    }
    Ok(Some(made))
}

/// What `x · γ / s` is made of.
fn scaled_quotient(all: &Rewrite<'_>, id: ValueId) -> Option<(ValueId, Option<ValueId>, ValueId)> {
    let (product, divisor) = pair(all, id, Binary::Div)?;
    Some(match pair(all, product, Binary::Mul) {
        Some((x, scale)) if all.is_constant(scale) => (x, Some(scale), divisor),
        Some((scale, x)) if all.is_constant(scale) => (x, Some(scale), divisor),
        _ => (product, None, divisor),
    })
}

/// x, of itself or of `x − max(x)` along the axis.
fn unshifted(all: &Rewrite<'_>, shifted: ValueId, axis: usize) -> ValueId {
    let shift = pair(all, shifted, Binary::Sub)
        .filter(|&(x, highest)| reduced(all, highest, Reduction::Max) == Some((x, &[axis])));
    shift.map_or(shifted, |(x, _)| x)
}

/// x and its softmax, of `exp(x) / Σ exp(x)`.
fn softmax(all: &Rewrite<'_>, node: &Node) -> Option<(ValueId, Operation)> {
    let (exponential, sum) = (node.inputs[0], node.inputs[1]);
    let shifted = function(all, exponential, |unary| unary == Unary::Exp)?;
    let (of, axes) = reduced(all, sum, Reduction::Sum)?;
    let &[axis] = axes else {
        return None;
    };
    (of == exponential).then(|| (unshifted(all, shifted, axis), Operation::Softmax { axis }))
}

/// x and the axis, of `x − log Σ exp(x)`.
fn log_softmax(all: &Rewrite<'_>, node: &Node) -> Option<(ValueId, usize)> {
    let (x, sum) = (node.inputs[0], node.inputs[1]);
    let (of, axes) = match reduced(all, sum, Reduction::LogSumExp) {
        Some(found) => found,
        None => {
            let sum = function(all, sum, |unary| unary == Unary::Log)?;
            let (exponential, axes) = reduced(all, sum, Reduction::Sum)?;
            (
                function(all, exponential, |unary| unary == Unary::Exp)?,
                axes,
            )
        }
    };
    let &[axis] = axes else {
        return None;
    };
    (of == x).then(|| (unshifted(all, x, axis), axis))
}

/// The logarithm of a softmax, or of a sum of exponentials.
fn logarithm(all: &mut Rewrite<'_>, node: &Node) -> Result<Option<ValueId>> {
    let (x, operation) = match all.made_by(node.inputs[0]) {
        Some((&Operation::Softmax { axis }, inputs)) => (inputs[0], Operation::LogSoftmax { axis }),
        Some((
            Operation::Reduce {
                reduction: Reduction::Sum,
                axes,
            },
            inputs,
        )) => {
            let Some(x) = function(all, inputs[0], |unary| unary == Unary::Exp) else {
                return Ok(None);
            };
            let (reduction, axes) = (Reduction::LogSumExp, axes.clone());
            (x, Operation::Reduce { reduction, axes })
        }
        _ => return Ok(None),
    };
    let x = all.renamed(x)?;
    all.new.push(operation, &[x]).map(Some)
}
