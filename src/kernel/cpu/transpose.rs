//! Rows that become columns.

use crate::spare;

/// Side of the squares that are turned in registers.
pub(crate) const QUAD: usize = 4;

/// Side of the squares that are moved at once, so that both what is read and what is written stay near.
const SIDE: usize = 16;

/// Matrices \[P, rows, columns\] → \[P, columns, rows\].
pub fn transpose(values: &[f32], rows: usize, columns: usize) -> Vec<f32> {
    let mut result = spare::values(values.len());
    if rows * columns == 0 {
        return result;
    }
    let matrices = values.chunks_exact(rows * columns);
    for (from, to) in matrices.zip(result.chunks_exact_mut(rows * columns)) {
        for y in (0..rows).step_by(SIDE) {
            for x in (0..columns).step_by(SIDE) {
                let ends = [rows.min(y + SIDE), columns.min(x + SIDE)];
                turn(from, to, [rows, columns], [y, x], ends);
            }
        }
    }
    result
}

/// Part of a matrix.
fn turn(
    from: &[f32],
    to: &mut [f32],
    [rows, columns]: [usize; 2],
    [top, left]: [usize; 2],
    [bottom, right]: [usize; 2],
) {
    let [whole_bottom, whole_right] =
        [(top, bottom), (left, right)].map(|(from, to)| to - (to - from) % QUAD);
    for x in (left..whole_right).step_by(QUAD) {
        for y in (top..whole_bottom).step_by(QUAD) {
            let square = quad(&from[y * columns + x..], columns);
            for (k, line) in square.iter().enumerate() {
                to[(x + k) * rows + y..][..QUAD].copy_from_slice(line);
            }
        }
    }
    let mut one_by_one = |y: usize, x: usize| to[x * rows + y] = from[y * columns + x];
    for x in left..right {
        let first = if x < whole_right { whole_bottom } else { top };
        (first..bottom).for_each(|y| one_by_one(y, x));
    }
}

/// Four values of each of four rows, which lie `pitch` apart, column by column.
#[inline(always)]
pub(crate) fn quad(from: &[f32], pitch: usize) -> [[f32; QUAD]; QUAD] {
    let rows: [[f32; QUAD]; QUAD] = std::array::from_fn(|y| {
        let row = &from[y * pitch..][..QUAD];
        std::array::from_fn(|x| row[x])
    });
    std::array::from_fn(|x| std::array::from_fn(|y| rows[y][x]))
}
