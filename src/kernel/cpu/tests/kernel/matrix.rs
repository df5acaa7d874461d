//! Products of matrices, against the definition.

use violet_kernel_cpu::{Strided, matrix_products};

/// Row by row, column by column, and with gaps.
fn layouts(rows: usize, columns: usize) -> [[usize; 2]; 4] {
    [[columns, 1], [1, rows], [columns + 3, 1], [2, 2 * rows + 1]]
}

fn values(count: usize, seed: usize) -> Vec<f32> {
    let value = |i: usize| ((i * 7919 + seed * 31) % 1000) as f32 / 500.0 - 1.0;
    (0..count).map(value).collect()
}

#[test]
fn products_are_those_of_the_definition_however_their_factors_lie() {
    for [m, k, n] in [
        [1, 1, 1],
        [5, 3, 7],
        [12, 64, 32],
        [31, 17, 33],
        [197, 64, 197],
        [64, 197, 49],
    ] {
        for [a, b] in layouts(m, k)
            .into_iter()
            .zip(layouts(k, n).into_iter().rev())
            .map(|(a, b)| [a, b])
        {
            let lengths = [[m, k, a[0], a[1]], [k, n, b[0], b[1]]]
                .map(|[rows, columns, row, column]| (rows - 1) * row + (columns - 1) * column + 1);
            let data = [0, 1].map(|which: usize| values(2 * lengths[which], which + 1));
            let factors = |index: usize| {
                [(0, a), (1, b)].map(|(which, [row, column])| Strided {
                    values: &data[which][index * lengths[which]..][..lengths[which]],
                    row,
                    column,
                })
            };
            let made = matrix_products(2, factors, [m, k, n]);
            assert_eq!(made.len(), 2 * m * n);
            for (place, &found) in made.iter().enumerate() {
                let [first, second] = factors(place / (m * n));
                let (row, column) = (place % (m * n) / n, place % n);
                let terms = (0..k).map(|step| {
                    f64::from(first.values[row * first.row + step * first.column])
                        * f64::from(second.values[step * second.row + column * second.column])
                });
                let expected: f64 = terms.sum();
                assert!(
                    (f64::from(found) - expected).abs() < 1e-4,
                    "{m} {k} {n} at {place}"
                );
            }
        }
    }
}
