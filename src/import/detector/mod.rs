//! Detectors: which outputs are boxes, and which say what is in them.
//!
//! `yolo` are those that lay both side by side, as Ultralytics does; `pairs` those that give them apart, as
//! SSD's relatives do. Either way they become the outputs of a [`Detector`]: boxes by their middle and size in
//! pixels, and class scores before the sigmoid that makes them probabilities.

mod pairs;
mod units;
mod yolo;

use violet_graph::{Binary, Builder, Constant, Operation, Unary, ValueId};

use crate::error::Result;
use crate::imported::Detector;

/// Nodes between an output and what tells its meaning, at most.
const DEEPEST: usize = 32;

/// Makes boxes and scores the outputs of a detector; of another network, nothing.
pub(super) fn find(
    builder: &mut Builder,
    outputs: &[(String, ValueId)],
    boundary: &[(String, ValueId)],
) -> Result<Option<Detector>> {
    match yolo::find(builder, outputs, boundary)? {
        Some(found) => Ok(Some(found)),
        None => pairs::find(builder, outputs),
    }
}

/// The value without the sigmoids that stand before it behind nothing but moves, and whether there
/// was one.
fn unsquashed(b: &mut Builder, id: ValueId, depth: usize) -> Result<(ValueId, bool)> {
    let Some((operation, inputs)) = b.made_by(id).filter(|_| depth < DEEPEST) else {
        return Ok((id, false));
    };
    let (operation, inputs) = (operation.clone(), inputs.to_vec());
    match &operation {
        Operation::Unary(Unary::Sigmoid) => Ok((inputs[0], true)),
        Operation::Reshape { .. }
        | Operation::Transpose { .. }
        | Operation::Slice { .. }
        | Operation::Gather { .. }
        | Operation::Concat { .. } => {
            let mut any = false;
            let mut made = Vec::new();
            for input in inputs {
                let (input, found) = unsquashed(b, input, depth + 1)?;
                any |= found;
                made.push(input);
            }
            match any {
                true => Ok((b.push(operation, &made)?, true)),
                false => Ok((id, false)),
            }
        }
        _ => Ok((id, false)),
    }
}

/// What boxes are laid about, if they are given by two corners: both stand beside each other, one less and
/// the other more than a common middle.
struct Corners {
    middle: ValueId,
    /// What they are multiplied by in the end, at most.
    scale: f32,
}

fn corners(b: &Builder, id: ValueId) -> Option<Corners> {
    let (mut id, mut scale) = (id, 1.0);
    for _ in 0..DEEPEST {
        let (operation, inputs) = b.made_by(id)?;
        match (operation, inputs) {
            (Operation::Binary(Binary::Mul), &[x, y]) => {
                let (value, factor) = match (b.known(x), b.known(y)) {
                    (None, Some(factor)) => (x, factor),
                    (Some(factor), None) => (y, factor),
                    _ => return None,
                };
                scale *= largest(factor);
                id = value;
            }
            (Operation::Concat { .. }, &[low, high]) => {
                if let Some(middle) = middle(b, low, high) {
                    return Some(Corners { middle, scale });
                }
                id = low;
            }
            // Boxes come before what else there is.
            (
                Operation::Reshape { .. }
                | Operation::Transpose { .. }
                | Operation::Slice { .. }
                | Operation::Concat { .. },
                &[first, ..],
            ) => id = first,
            _ => return None,
        }
    }
    None
}

/// The m of m − a and m + b.
fn middle(b: &Builder, low: ValueId, high: ValueId) -> Option<ValueId> {
    let (Operation::Binary(Binary::Sub), &[middle, _]) = b.made_by(low)? else {
        return None;
    };
    let (Operation::Binary(Binary::Add), &[x, y]) = b.made_by(high)? else {
        return None;
    };
    [x, y]
        .into_iter()
        .any(|other| same(b, middle, other, 0))
        .then_some(middle)
}

/// Whether two values are made in the same way of the same ones.
fn same(b: &Builder, x: ValueId, y: ValueId, depth: usize) -> bool {
    if x == y {
        return true;
    }
    if let (Some(x), Some(y)) = (b.known(x), b.known(y)) {
        return x == y;
    }
    match (b.made_by(x), b.made_by(y)) {
        (Some((one, x)), Some((other, y))) if depth < DEEPEST => {
            one == other
                && x.len() == y.len()
                && x.iter().zip(y).all(|(&x, &y)| same(b, x, y, depth + 1))
        }
        _ => false,
    }
}

fn largest(constant: &Constant) -> f32 {
    let values = constant.to_f64();
    values
        .iter()
        .fold(0.0, |most: f32, &v| most.max(v.abs() as f32))
}

/// Corners \[candidates, 4\] as middle and size, in pixels of units so wide and so high.
fn middles(b: &mut Builder, corners: ValueId, [width, height]: [f32; 2]) -> Result<ValueId> {
    let low = b.slice(corners, &[0], &[2], &[1], &[])?;
    let high = b.slice(corners, &[2], &[4], &[1], &[])?;
    let sum = b.binary(Binary::Add, low, high)?;
    let halves = b.constant(Constant::f32(&[2], [width / 2.0, height / 2.0])?)?;
    let middle = b.binary(Binary::Mul, sum, halves)?;
    let size = b.binary(Binary::Sub, high, low)?;
    let units = b.constant(Constant::f32(&[2], [width, height])?)?;
    let size = b.binary(Binary::Mul, size, units)?;
    Ok(b.concat(&[middle, size], 1)?)
}

/// Lengths of a value's axes, those of 1 left out.
fn long(b: &Builder, id: ValueId) -> Vec<usize> {
    let shape = b.shape(id).iter().copied();
    shape.filter(|&length| length != 1).collect()
}
