//! Transposed matrices.

use violet_kernel_cpu::transpose;

#[test]
fn rows_become_columns_of_each_matrix() {
    for (matrices, rows, columns) in [(1, 1, 1), (2, 3, 40), (1, 33, 17), (3, 16, 16)] {
        let each = rows * columns;
        let values: Vec<f32> = (0..matrices * each).map(|k| k as f32).collect();
        let found = transpose(&values, rows, columns);
        for (k, value) in found.into_iter().enumerate() {
            let (matrix, x, y) = (k / each, k % each / rows, k % rows);
            assert_eq!(value, values[matrix * each + y * columns + x]);
        }
    }
}
