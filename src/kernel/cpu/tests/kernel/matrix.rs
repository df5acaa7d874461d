//! Products of matrices, against the definition.

use violet_kernel_cpu::matrix_product;

#[test]
fn products_are_those_of_the_definition() {
    for [m, k, n] in [
        [1, 1, 1],
        [5, 3, 7],
        [12, 64, 32],
        [31, 17, 33],
        [197, 64, 197],
    ] {
        let values = |count: usize, seed: usize| -> Vec<f32> {
            let value = |i: usize| ((i * 7919 + seed * 31) % 1000) as f32 / 500.0 - 1.0;
            (0..count).map(value).collect()
        };
        let (first, second) = (values(m * k, 1), values(k * n, 2));
        let made = matrix_product(&first, &second, [m, k, n]);
        for (place, &found) in made.iter().enumerate() {
            let (row, column) = (place / n, place % n);
            let terms = (0..k).map(|step| {
                f64::from(first[row * k + step]) * f64::from(second[step * n + column])
            });
            let expected: f64 = terms.sum();
            assert!(
                (f64::from(found) - expected).abs() < 1e-4,
                "{m} {k} {n} at {place}"
            );
        }
    }
}
