//! Sums and products of arrays, one of them repeated, against the definition.

use violet_kernel_cpu::{Pairing, Spread, multiply_by_mean, pair, paired, weighted_sums};

/// Shapes of two arrays: the same, a channel's values, a feature's, one for all images, one
/// number.
const SHAPES: [[[usize; 4]; 2]; 7] = [
    [[2, 3, 5, 7], [2, 3, 5, 7]],
    [[2, 3, 11, 13], [2, 3, 1, 1]],
    [[2, 3, 5, 7], [1, 1, 1, 7]],
    [[2, 3, 5, 7], [1, 3, 1, 1]],
    [[1, 40, 5, 33], [1, 1, 5, 33]],
    [[2, 3, 5, 7], [2, 3, 1, 7]],
    [[2, 3, 5, 7], [1, 1, 1, 1]],
];

fn values(shape: [usize; 4], seed: usize) -> Vec<f32> {
    let count = shape.iter().product::<usize>();
    let value = |k: usize| ((k * 7919 + seed * 31) % 1000) as f32 / 500.0 - 1.0;
    (0..count).map(value).collect()
}

/// Where each value of the first array has its partner.
fn partners([long, short]: [[usize; 4]; 2]) -> Vec<usize> {
    let count = long.iter().product();
    let partner = |mut index: usize| {
        let (mut at, mut distance) = (0, 1);
        for axis in (0..4).rev() {
            let place = index % long[axis];
            index /= long[axis];
            if short[axis] > 1 {
                at += place * distance;
            }
            distance *= short[axis];
        }
        at
    };
    (0..count).map(partner).collect()
}

#[test]
fn pairs_are_those_of_broadcasting() {
    for shapes in SHAPES {
        let spread = Spread::of(&shapes[0], &shapes[1]).unwrap();
        let (first, second) = (values(shapes[0], 1), values(shapes[1], 2));
        let partners = partners(shapes);
        let pairs = first.iter().zip(&partners);
        let sums: Vec<f32> = pairs.clone().map(|(x, &k)| x + second[k]).collect();
        let products: Vec<f32> = pairs.map(|(x, &k)| x * second[k]).collect();
        for (pairing, expected) in [(Pairing::Sum, sums), (Pairing::Product, products)] {
            assert_eq!(paired(&first, &second, spread, pairing), expected);
            let mut here = first.clone();
            pair(&mut here, &second, spread, pairing);
            assert_eq!(here, expected, "{shapes:?}");
        }
    }
}

#[test]
fn gradients_of_products_are_those_of_both_factors() {
    for shapes in SHAPES {
        let spread = Spread::of(&shapes[0], &shapes[1]).unwrap();
        let partners = partners(shapes);
        let gradient = values(shapes[0], 3);
        let ends = [values(shapes[1], 4), values(shapes[1], 5)];
        for ends in [[&ends[0], &ends[1]], [&ends[0], &ends[0]]] {
            let mut found = gradient.clone();
            multiply_by_mean(&mut found, ends.map(|end| &end[..]), spread);
            for ((found, gradient), &k) in found.iter().zip(&gradient).zip(&partners) {
                let mean = (f64::from(ends[0][k]) + f64::from(ends[1][k])) / 2.0;
                let expected = f64::from(*gradient) * mean;
                assert!((f64::from(*found) - expected).abs() < 1e-6, "{shapes:?}");
            }
        }
        if spread.images > 1 {
            continue;
        }
        let ends = [values(shapes[0], 4), values(shapes[0], 5)];
        let found = weighted_sums(&gradient, ends.each_ref().map(|end| &end[..]), spread);
        let mut expected = vec![0.0; found.len()];
        for (place, &k) in partners.iter().enumerate() {
            let mean = (f64::from(ends[0][place]) + f64::from(ends[1][place])) / 2.0;
            expected[k] += f64::from(gradient[place]) * mean;
        }
        for (found, expected) in found.iter().zip(expected) {
            assert!((f64::from(*found) - expected).abs() < 1e-4, "{shapes:?}");
        }
    }
}

#[test]
fn what_is_repeated_along_axes_that_are_no_neighbours_is_left_to_others() {
    assert_eq!(Spread::of(&[2, 3, 5, 7], &[2, 1, 5, 1]), None);
    assert_eq!(Spread::of(&[2, 3, 5, 7], &[2, 2, 5, 7]), None);
    assert_eq!(Spread::of(&[2, 3], &[2, 3, 1]), None);
}
