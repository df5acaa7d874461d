//! What does not lie in order, against the definition.

use violet_kernel_cpu::{add_part, in_order};

/// Every place of a shape, the last axis first.
fn places(shape: &[usize]) -> Vec<Vec<usize>> {
    let mut all = vec![Vec::new()];
    for &length in shape {
        let longer = |place: Vec<usize>| {
            (0..length).map(move |k| place.iter().copied().chain([k]).collect::<Vec<_>>())
        };
        all = all.into_iter().flat_map(longer).collect();
    }
    all
}

fn at(place: &[usize], strides: &[usize]) -> usize {
    place
        .iter()
        .zip(strides)
        .map(|(k, stride)| k * stride)
        .sum()
}

#[test]
fn values_are_brought_into_order() {
    let values: Vec<f32> = (0..20_000).map(|k| k as f32).collect();
    for (shape, strides) in [
        (&[][..], &[][..]),
        (&[7], &[1]),
        (&[7], &[3]),
        (&[5, 6], &[6, 1]),
        (&[5, 6], &[1, 5]),
        (&[19, 37], &[2, 40]),
        (&[1, 19, 21], &[9, 1, 19]),
        (&[3, 5, 4, 6], &[24, 72, 6, 1]),
        (&[3, 5, 4, 6], &[1, 12, 3, 60]),
        (&[2, 3, 17, 33], &[0, 600, 1, 18]),
        (&[4, 5, 6], &[30, 0, 1]),
        (&[4, 5, 6], &[30, 6, 0]),
        (&[4, 0, 6], &[30, 6, 1]),
    ] {
        let expected: Vec<f32> = places(shape)
            .iter()
            .map(|place| values[at(place, strides)])
            .collect();
        assert!(
            in_order(&values, shape, strides) == expected,
            "{shape:?} {strides:?}"
        );
    }
}

#[test]
fn a_part_is_added_where_it_belongs() {
    let whole = [3, 4, 5];
    for (starts, counts) in [
        ([0, 0, 0], [3, 4, 5]),
        ([1, 0, 0], [1, 4, 5]),
        ([0, 1, 0], [3, 2, 5]),
        ([2, 3, 1], [1, 1, 3]),
        ([0, 0, 4], [3, 4, 1]),
        ([0, 0, 0], [3, 0, 5]),
    ] {
        let mut made: Vec<f32> = (0..60).map(|k| k as f32).collect();
        let mut expected = made.clone();
        let part: Vec<f32> = (0..counts.iter().product())
            .map(|k| 100.0 + k as f32)
            .collect();
        for (place, value) in places(&counts).iter().zip(&part) {
            let place: Vec<usize> = place
                .iter()
                .zip(starts)
                .map(|(k, start)| k + start)
                .collect();
            expected[at(&place, &[20, 5, 1])] += value;
        }
        add_part(&mut made, &whole, &starts, (&part, &counts));
        assert_eq!(made, expected, "{starts:?} {counts:?}");
    }
}
