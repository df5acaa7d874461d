//! Values that do not lie row by row: read as they lie, or brought into order.

use crate::lines;
use crate::machine::{self as macerator, Simd, with_simd};
use crate::spare;
use crate::transpose::{QUAD, quad, turn};

/// A matrix as it lies in memory.
#[derive(Debug, Clone, Copy)]
pub struct Strided<'a> {
    /// From its first value on.
    pub values: &'a [f32],
    /// From one row to the next.
    pub row: usize,
    /// From one value of a row to the next.
    pub column: usize,
}

impl<'a> Strided<'a> {
    /// Rows of so many values, one after the other.
    pub fn rows(values: &'a [f32], columns: usize) -> Self {
        Self {
            values,
            row: columns,
            column: 1,
        }
    }

    /// Its columns as rows.
    #[must_use]
    pub fn turned(self) -> Self {
        Self {
            row: self.column,
            column: self.row,
            ..self
        }
    }

    /// From a row on.
    pub(crate) fn starting_at(self, row: usize) -> Self {
        Self {
            values: &self.values[row * self.row..],
            ..self
        }
    }
}

/// A matrix's rows as \[tile, column, row of the tile\], so that what is multiplied with one value
/// lies side by side; where a tile has no row, zeros.
pub(crate) fn gather(
    matrix: Strided<'_>,
    [rows, columns]: [usize; 2],
    tile: usize,
    panel: &mut [f32],
) {
    let tiles = panel.chunks_exact_mut(tile * columns);
    for (first, panel) in (0..rows).step_by(tile).zip(tiles) {
        let (matrix, count) = (matrix.starting_at(first), tile.min(rows - first));
        if matrix.row == 1 {
            for (column, panel) in panel.chunks_exact_mut(tile).enumerate() {
                let (values, none) = panel.split_at_mut(count);
                lines::copy(values, &matrix.values[column * matrix.column..]);
                none.fill(0.0);
            }
            continue;
        }
        let whole = match matrix.column {
            1 => [count, columns].map(|length| length - length % QUAD),
            _ => [0; 2],
        };
        for row in (0..whole[0]).step_by(QUAD) {
            for column in (0..whole[1]).step_by(QUAD) {
                let square = quad(&matrix.values[row * matrix.row + column..], matrix.row);
                for (k, values) in square.iter().enumerate() {
                    panel[(column + k) * tile + row..][..QUAD].copy_from_slice(values);
                }
            }
        }
        for row in 0..count {
            let first = if row < whole[0] { whole[1] } else { 0 };
            let values = matrix.starting_at(row).values.iter().step_by(matrix.column);
            let panel = panel.chunks_exact_mut(tile).zip(values).skip(first);
            panel.for_each(|(panel, value)| panel[row] = *value);
        }
        for panel in panel.chunks_exact_mut(tile) {
            panel[count..].fill(0.0);
        }
    }
}

/// An axis: how long it is, and how far apart values lie along it, where they are read and where
/// they are written.
#[derive(Debug, Clone, Copy)]
struct Axis {
    length: usize,
    from: usize,
    to: usize,
}

/// Values that lie so far apart along each axis, one after the other.
pub fn in_order(values: &[f32], shape: &[usize], strides: &[usize]) -> Vec<f32> {
    let mut made = spare::values(shape.iter().product());
    if made.is_empty() {
        return made;
    }
    let mut axes = axes(shape, strides);
    let last = axes.pop().unwrap_or(Axis {
        length: 1,
        from: 1,
        to: 1,
    });
    // Where values lie side by side along another axis than the last one, rows become columns.
    let side = match last.from {
        1 => None,
        _ => axes.iter().position(|axis| axis.from == 1),
    };
    let side = side.map(|place| axes.remove(place));
    each(&axes, [0; 2], &mut |from, to| {
        let (from, to) = (&values[from..], &mut made[to..]);
        match side {
            Some(side) => turn(from, last.from, to, side.to, [last.length, side.length]),
            None if last.from == 1 => lines::copy(&mut to[..last.length], from),
            None => {
                let line = (0..last.length).map(|k| from[k * last.from]);
                to.iter_mut().zip(line).for_each(|(to, from)| *to = from);
            }
        }
    });
    made
}

/// Adds values of some shape to a part of others of a larger one, from `starts` on.
pub fn add_part(
    values: &mut [f32],
    shape: &[usize],
    starts: &[usize],
    (part, counts): (&[f32], &[usize]),
) {
    if part.is_empty() {
        return;
    }
    let mut pitches = vec![1; shape.len()];
    for axis in (1..shape.len()).rev() {
        pitches[axis - 1] = pitches[axis] * shape[axis];
    }
    let first: usize = starts
        .iter()
        .zip(&pitches)
        .map(|(start, pitch)| start * pitch)
        .sum();
    let mut axes = axes(counts, &pitches);
    let last = match axes.last() {
        Some(last) if last.from == 1 => axes.pop().map_or(1, |last| last.length),
        _ => 1,
    };
    each(&axes, [first, 0], &mut |at, from| {
        add_all(&mut values[at..at + last], &part[from..from + last]);
    });
}

#[with_simd]
pub(crate) fn add_all<S: Simd>(values: &mut [f32], others: &[f32]) {
    for (value, other) in values.iter_mut().zip(others) {
        *value += other;
    }
}

/// The axes that are longer than one value, those that are walked as one being one.
fn axes(shape: &[usize], strides: &[usize]) -> Vec<Axis> {
    let mut axes: Vec<Axis> = Vec::with_capacity(shape.len());
    for (&length, &from) in shape.iter().zip(strides) {
        match axes.last_mut() {
            _ if length == 1 => {}
            Some(outer) if outer.from == length * from => {
                outer.length *= length;
                outer.from = from;
            }
            _ => axes.push(Axis {
                length,
                from,
                to: 0,
            }),
        }
    }
    let mut to = 1;
    for axis in axes.iter_mut().rev() {
        axis.to = to;
        to *= axis.length;
    }
    axes
}

/// Walks along axes: where each of their values is read, and where it is written.
fn each(axes: &[Axis], [from, to]: [usize; 2], act: &mut impl FnMut(usize, usize)) {
    match axes.split_first() {
        None => act(from, to),
        Some((axis, axes)) => {
            for k in 0..axis.length {
                each(axes, [from + k * axis.from, to + k * axis.to], act);
            }
        }
    }
}
