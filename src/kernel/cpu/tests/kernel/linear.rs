//! Matrices over rows against the definition.

use violet_kernel_cpu::{Filter, is_linear, linear, linear_gradient, pack_linear};

/// Quarters, whose sums of products are exact.
fn values(count: usize) -> Vec<f32> {
    (0..count)
        .map(|k| ((k * 37 + k / 7) % 13) as f32 / 4.0 - 1.5)
        .collect()
}

#[test]
fn rows_are_those_of_the_definition() {
    for [rows, given, made] in [
        [1, 1, 1],
        [197, 3, 40],
        [13, 70, 17],
        [5, 33, 64],
        [100, 1030, 5],
        [12, 8, 33],
    ] {
        let filter = Filter::dense(given, made, 1, 1);
        assert!(is_linear(&filter));
        let (weight, bias) = (values(made * given), values(made));
        let packed = pack_linear(&weight, &filter);
        let [x, gradient] = [values(rows * given), values(rows * made)];
        let expected: Vec<f32> = x
            .chunks_exact(given)
            .flat_map(|x| {
                let row = |(row, bias): (&[f32], &f32)| {
                    row.iter().zip(x).map(|(w, x)| w * x).sum::<f32>() + bias
                };
                let rows = weight.chunks_exact(given).zip(&bias);
                rows.map(row).collect::<Vec<_>>()
            })
            .collect();
        assert!(linear(&filter, &x, &packed, &bias) == expected);
        let expected: Vec<f32> = gradient
            .chunks_exact(made)
            .flat_map(|gradient| {
                let column = |k: usize| {
                    let column = weight[k..].iter().step_by(given);
                    column.zip(gradient).map(|(w, g)| w * g).sum::<f32>()
                };
                (0..given).map(column).collect::<Vec<_>>()
            })
            .collect();
        assert!(linear_gradient(&filter, &gradient, &packed) == expected);
    }
    assert!(!is_linear(&Filter::dense(8, 8, 3, 1)));
    assert!(!is_linear(&Filter::dense(4096, 4096, 1, 1)));
}
