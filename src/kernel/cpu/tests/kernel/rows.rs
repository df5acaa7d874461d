//! Softmax and normalisation, against the definition.

use violet_kernel_cpu::{Rows, rows, rows_gradient, softmax_gradient_at};

const LENGTH: usize = 37;

fn values(seed: usize, scale: f32) -> Vec<f32> {
    let value = |k: usize| scale * (((k * 7919 + seed * 3571) % 1000) as f32 / 500.0 - 1.0);
    (0..3 * LENGTH).map(value).collect()
}

/// By definition, in double precision.
fn expected(row: &[f32], made: Rows) -> Vec<f64> {
    let row: Vec<f64> = row.iter().map(|&x| f64::from(x)).collect();
    match made {
        Rows::Softmax => {
            let highest = row.iter().fold(f64::MIN, |m, &x| m.max(x));
            let total: f64 = row.iter().map(|x| (x - highest).exp()).sum();
            row.iter().map(|x| (x - highest).exp() / total).collect()
        }
        Rows::Normalise(epsilon) => {
            let mean = row.iter().sum::<f64>() / row.len() as f64;
            let squares: f64 = row.iter().map(|x| (x - mean).powi(2)).sum();
            let deviation = (squares / row.len() as f64 + f64::from(epsilon)).sqrt();
            row.iter().map(|x| (x - mean) / deviation).collect()
        }
    }
}

const ALL: [Rows; 2] = [Rows::Softmax, Rows::Normalise(1e-5)];

#[test]
fn rows_are_those_of_the_definition() {
    for made in ALL {
        let values = values(1, 8.0);
        let mut found = values.clone();
        rows(&mut found, LENGTH, made);
        for (found, row) in found.chunks(LENGTH).zip(values.chunks(LENGTH)) {
            for (found, expected) in found.iter().zip(expected(row, made)) {
                let bound = 1e-6 * expected.abs() + 1e-7;
                assert!((f64::from(*found) - expected).abs() < bound, "{made:?}");
            }
        }
    }
}

/// Whatever the weights of the results are, mean gradients times the steps sum to what the
/// results change by.
#[test]
fn mean_gradients_times_steps_are_changes() {
    for (made, scale) in ALL.into_iter().flat_map(|made| [(made, 0.1), (made, 8.0)]) {
        let (from, to, weights) = (values(1, scale), values(2, scale), values(3, 1.0));
        let mut gradients = weights.clone();
        rows_gradient(&mut gradients, [&from, &to], LENGTH, made);
        for k in 0..3 {
            let part = k * LENGTH..(k + 1) * LENGTH;
            let [before, after] = [&from, &to].map(|values| expected(&values[part.clone()], made));
            let changes = before.iter().zip(&after).zip(&weights[part.clone()]);
            let change: f64 = changes.map(|((a, b), w)| (b - a) * f64::from(*w)).sum();
            let steps = from[part.clone()].iter().zip(&to[part.clone()]);
            let steps = steps.map(|(a, b)| f64::from(*b) - f64::from(*a));
            let products = steps.zip(&gradients[part]);
            let (found, size) = products.fold((0.0, 0.0), |(sum, size), (step, g)| {
                let product = step * f64::from(*g);
                (sum + product, size + product.abs())
            });
            assert!(
                (found - change).abs() < 2e-6 * size.max(0.1),
                "{made:?} {scale}"
            );
        }
    }
}

#[test]
fn gradients_at_a_point_are_mean_ones_of_no_step() {
    for made in ALL {
        let at = values(1, 3.0);
        let (mut found, mut expected) = (values(3, 1.0), values(3, 1.0));
        rows_gradient(&mut found, [&at, &at], LENGTH, made);
        rows_gradient(&mut expected, [&at.clone(), &at], LENGTH, made);
        for (found, expected) in found.iter().zip(&expected) {
            assert!((found - expected).abs() < 2e-6, "{made:?}");
        }
    }
}

#[test]
fn what_a_softmax_made_is_enough_for_its_gradient() {
    let at = values(1, 3.0);
    let (mut found, mut expected) = (values(3, 1.0), values(3, 1.0));
    let mut made = at.clone();
    rows(&mut made, LENGTH, Rows::Softmax);
    softmax_gradient_at(&mut found, &made, LENGTH);
    rows_gradient(&mut expected, [&at, &at], LENGTH, Rows::Softmax);
    for (found, expected) in found.iter().zip(&expected) {
        assert!((found - expected).abs() < 1e-6);
    }
}
