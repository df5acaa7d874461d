//! Rows that become columns.

/// Side of the squares that are moved at once, so that both what is read and what is written stay near.
const SIDE: usize = 16;

/// Matrices \[P, rows, columns\] → \[P, columns, rows\].
pub fn transpose(values: &[f32], rows: usize, columns: usize) -> Vec<f32> {
    let mut result = vec![0.0; values.len()];
    if rows * columns == 0 {
        return result;
    }
    let matrices = values.chunks_exact(rows * columns);
    for (from, to) in matrices.zip(result.chunks_exact_mut(rows * columns)) {
        for y in (0..rows).step_by(SIDE) {
            let height = SIDE.min(rows - y);
            for x in (0..columns).step_by(SIDE) {
                for x in x..columns.min(x + SIDE) {
                    let column = from[y * columns + x..].iter().step_by(columns);
                    let target = &mut to[x * rows + y..][..height];
                    target.iter_mut().zip(column).for_each(|(t, v)| *t = *v);
                }
            }
        }
    }
    result
}
