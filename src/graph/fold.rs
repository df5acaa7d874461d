//! Computes operations on constants while a graph is built.

use crate::constant::{Constant, Data, ElementType};
use crate::operation::{Binary, Operation};
use crate::reference::{Array, forward};

/// Whether an operation on a constant of that shape takes no more memory than the result.
pub(crate) fn moves(operation: &Operation, input: &[usize]) -> bool {
    match operation {
        Operation::Reshape { .. } => true,
        Operation::Transpose { .. } => input.len() == 2,
        _ => false,
    }
}

/// What the operation makes of constants, in double precision, as an array of the first one's type
/// (of an ArgMax, of integers).
pub(crate) fn fold(operation: &Operation, inputs: &[&Constant], shape: Vec<usize>) -> Constant {
    if let Operation::Reshape { .. } = operation {
        return inputs[0].reshaped(&shape);
    }
    if let (Operation::Transpose { order }, Data::F32(data)) = (operation, inputs[0].data()) {
        // Weights, as a rule: the largest of constants.
        if order == &[1, 0] {
            return Constant::of_f32(shape, transposed(data, inputs[0].shape()));
        }
    }
    let data: Vec<Vec<f64>> = inputs.iter().map(|constant| constant.to_f64()).collect();
    let arrays: Vec<Array<'_>> = inputs
        .iter()
        .zip(&data)
        .map(|(constant, data)| Array::new(constant.shape(), data))
        .collect();
    let mut values = forward(operation, &arrays, &shape);
    let whole = inputs
        .iter()
        .all(|constant| constant.element_type() == ElementType::I64);
    if whole && *operation == Operation::Binary(Binary::Div) {
        values.iter_mut().for_each(|value| *value = value.trunc());
    }
    let element_type = match operation {
        Operation::ArgMax { .. } => ElementType::I64,
        _ => inputs[0].element_type(),
    };
    Constant::of_f64(shape, &values, element_type)
}

/// A matrix turned over, in blocks that stay in a cache.
fn transposed(data: &[f32], shape: &[usize]) -> Vec<f32> {
    const BLOCK: usize = 32;
    let (rows, columns) = (shape[0], shape[1]);
    let mut result = vec![0.0; data.len()];
    for first_row in (0..rows).step_by(BLOCK) {
        for first_column in (0..columns).step_by(BLOCK) {
            for row in first_row..rows.min(first_row + BLOCK) {
                for column in first_column..columns.min(first_column + BLOCK) {
                    result[column * rows + row] = data[row * columns + column];
                }
            }
        }
    }
    result
}
