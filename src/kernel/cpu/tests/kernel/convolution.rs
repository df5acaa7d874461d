//! Dense convolutions against the definition, both ways: whatever chooses one kernel or the other.

use violet_kernel_cpu::{Activation, Filter, Geometry, Used, backward, forward, pack};

/// Values between −½ and ½.
fn noise(length: usize, seed: usize) -> Vec<f32> {
    let mut state = (seed as u32).wrapping_mul(2_654_435_761) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state as f32 / u32::MAX as f32 - 0.5
    };
    (0..length).map(|_| next()).collect()
}

/// Calls back with the indices of each product's output, input and weight.
fn each_product(g: &Geometry, mut take: impl FnMut(usize, usize, usize)) {
    let (f, [height, width], [rows, columns]) = (&g.filter, g.input, g.output);
    let taps: Vec<usize> = f.used().collect();
    let each = f.channels_in / f.groups;
    for out in 0..f.channels_out {
        let first = out / (f.channels_out / f.groups) * each;
        for channel in first..first + each {
            for y in 0..rows {
                for x in 0..columns {
                    for &tap in &taps {
                        let row = y * f.stride + tap / f.kernel;
                        let column = x * f.stride + tap % f.kernel;
                        let (Some(row), Some(column)) = (
                            row.checked_sub(g.padding_before[0])
                                .filter(|&row| row < height),
                            column
                                .checked_sub(g.padding_before[1])
                                .filter(|&at| at < width),
                        ) else {
                            continue;
                        };
                        take(
                            (out * rows + y) * columns + x,
                            (channel * height + row) * width + column,
                            (out * each + channel - first) * f.kernel * f.kernel + tap,
                        );
                    }
                }
            }
        }
    }
}

fn difference(made: &[f32], wanted: &[f64]) -> f64 {
    assert_eq!(made.len(), wanted.len());
    let largest = wanted
        .iter()
        .fold(0.0, |most: f64, value| most.max(value.abs()));
    let pairs = made.iter().zip(wanted);
    pairs.fold(0.0, |most: f64, (made, wanted)| {
        let off = (f64::from(*made) - wanted).abs();
        assert!(off.is_finite());
        most.max(off)
    }) / largest.max(1e-9)
}

fn check(g: &Geometry, seed: usize) {
    let [given, made] = g.values();
    let images = 2;
    let taps = g.filter.kernel * g.filter.kernel;
    let used: Vec<usize> = g.filter.used().collect();
    let mut weight = noise(g.filter.weight_dims().iter().product(), seed);
    for (place, weight) in weight.iter_mut().enumerate() {
        if !used.contains(&(place % taps)) {
            *weight = 0.0;
        }
    }
    let (input, gradient) = (
        noise(images * given, seed + 1),
        noise(images * made, seed + 2),
    );
    let (bias, residual) = (
        noise(g.filter.channels_out, seed + 3),
        noise(images * made, seed + 4),
    );
    let mut sums = vec![0.0; images * made];
    let mut gradients = vec![0.0; images * given];
    each_product(g, |output, from, with| {
        for image in 0..images {
            let (output, from) = (image * made + output, image * given + from);
            let with = f64::from(weight[with]);
            sums[output] += with * f64::from(input[from]);
            gradients[from] += with * f64::from(gradient[output]);
        }
    });
    let packed = pack(&weight, &g.filter);
    let plane = g.output[0] * g.output[1];
    for (residual, activation) in [
        (None, Activation::Identity),
        (None, Activation::Relu),
        (Some(&residual[..]), Activation::Relu),
    ] {
        let wanted: Vec<f64> = sums
            .iter()
            .enumerate()
            .map(|(at, sum)| {
                let bias = f64::from(bias[at / plane % bias.len()]);
                let residual = residual.map_or(0.0, |residual| f64::from(residual[at]));
                let [low, high] = activation.range().map(f64::from);
                (sum + bias + residual).clamp(low, high)
            })
            .collect();
        let made = forward(g, &input, &packed, &bias, residual, activation);
        assert!(difference(&made, &wanted) < 2e-5, "{g:?} forward");
    }
    let made = backward(g, &gradient, &packed, None);
    assert!(difference(&made, &gradients) < 2e-5, "{g:?} back");
    let made = backward(g, &gradient, &packed, Some(&input));
    let wanted = gradients.iter().zip(&input);
    let wanted: Vec<f64> = wanted.map(|(sum, &other)| sum + f64::from(other)).collect();
    assert!(difference(&made, &wanted) < 2e-5, "{g:?} back, added");
}

fn geometry(filter: Filter, input: [usize; 2], before: [usize; 2], after: usize) -> Geometry {
    let output =
        [0, 1].map(|axis| (input[axis] + before[axis] + after - filter.kernel) / filter.stride + 1);
    Geometry {
        filter,
        padding_before: before,
        input,
        output,
    }
}

/// Images' few channels, at strides up to four, of rows that are and are not whole vectors.
#[test]
fn stems_compute_what_the_definition_says() {
    for (seed, channels) in [1, 2, 3, 4, 5].into_iter().enumerate() {
        for (kernel, stride) in [
            (7, 2),
            (3, 2),
            (3, 1),
            (5, 1),
            (4, 4),
            (11, 4),
            (5, 3),
            (2, 2),
        ] {
            for (width, out) in [(35, 13), (64, 8), (97, 3), (150, 25)] {
                let filter = Filter::dense(channels, out, kernel, stride);
                let before = [kernel / 2, (seed + width) % kernel];
                let g = geometry(filter, [kernel + 6, width], before, kernel / 2);
                check(&g, 100 * seed + width);
            }
        }
    }
}

/// Few channels on both sides, as groups of filters have: rows of more and of less than a vector.
#[test]
fn groups_of_few_channels_compute_what_the_definition_says() {
    for (seed, width) in [7, 14, 17, 28, 33, 56].into_iter().enumerate() {
        for (channels, out) in [(8, 8), (5, 7), (8, 6), (3, 8)] {
            for (kernel, stride) in [(3, 1), (3, 2), (5, 1), (2, 1)] {
                let filter = Filter::dense(channels, out, kernel, stride);
                for padding in [0, kernel / 2] {
                    let g = geometry(filter, [kernel + 3, width], [padding; 2], padding);
                    check(&g, 1000 * seed + 10 * channels + padding);
                }
            }
        }
    }
}

/// Several groups, each of few channels, of enough for tiles of Winograd's, or of one tap.
#[test]
fn groups_compute_what_the_definition_says() {
    for (seed, (groups, ins, outs)) in [(2, 8, 8), (5, 3, 7), (3, 17, 16), (4, 24, 5), (3, 4, 4)]
        .into_iter()
        .enumerate()
    {
        for (kernel, stride) in [(3, 1), (3, 2), (1, 1), (2, 2), (5, 3)] {
            for [height, width] in [[kernel, kernel], [7, 7], [14, 9], [6, 35]] {
                let filter = Filter {
                    groups,
                    ..Filter::dense(groups * ins, groups * outs, kernel, stride)
                };
                let before = [seed % kernel, kernel / 2];
                check(
                    &geometry(filter, [height, width], before, kernel / 2),
                    10 * seed + width,
                );
            }
        }
    }
}

/// Planes of every rest that a vector leaves, of few source channels and of more than a panel has
/// room for.
#[test]
fn filters_of_one_tap_compute_what_the_definition_says() {
    for (seed, [height, width]) in [[7, 7], [14, 14], [1, 16], [3, 33], [19, 20]]
        .into_iter()
        .enumerate()
    {
        for (channels, out) in [(16, 40), (70, 24), (400, 13), (8, 100)] {
            let g = geometry(
                Filter::dense(channels, out, 1, 1),
                [height, width],
                [0; 2],
                0,
            );
            check(&g, 100 * seed + channels);
        }
    }
}

/// Windows that lie side by side, as those of patches do.
#[test]
fn patches_compute_what_the_definition_says() {
    for (seed, (kernel, side)) in [(2, 14), (4, 20), (4, 23), (8, 40), (16, 96)]
        .into_iter()
        .enumerate()
    {
        for (channels, out) in [(3, 24), (10, 17), (4, 40)] {
            let filter = Filter::dense(channels, out, kernel, kernel);
            check(
                &geometry(filter, [side; 2], [0; 2], 0),
                10 * seed + channels,
            );
        }
    }
}

/// Only a part of the taps, so that some pixels have none.
#[test]
fn stems_of_some_taps_compute_what_the_definition_says() {
    for (seed, every) in [[1, 2], [2, 1], [2, 2]].into_iter().enumerate() {
        let used = Used {
            extent: [3, 4],
            every,
        };
        let filter = Filter {
            used,
            ..Filter::dense(3, 9, 4, 2)
        };
        check(&geometry(filter, [12, 90], [1, 2], 1), seed);
        let filter = Filter {
            used,
            ..Filter::dense(24, 9, 4, 2)
        };
        check(&geometry(filter, [12, 21], [1, 2], 1), seed);
    }
}

/// 3×3 at stride 1: tiles of either size, fewer than a vector has lanes, as many, and more, in rows
/// of any length.
#[test]
fn tiles_compute_what_the_definition_says() {
    for (seed, [ins, outs]) in [[16, 16], [17, 50], [64, 31], [30, 97]]
        .into_iter()
        .enumerate()
    {
        for (height, width) in [
            (1, 1),
            (2, 5),
            (7, 7),
            (8, 8),
            (9, 6),
            (14, 14),
            (15, 16),
            (16, 64),
            (17, 35),
        ] {
            let filter = Filter::dense(ins, outs, 3, 1);
            let before = [(seed + height) % 3, width % 3];
            check(
                &geometry(filter, [height + 1, width + 1], before, 1),
                seed + width,
            );
        }
    }
}

/// More channels than tiles of 4×4 are made of.
#[test]
fn tiles_of_many_channels_compute_what_the_definition_says() {
    check(
        &geometry(Filter::dense(300, 40, 3, 1), [7, 7], [1, 1], 1),
        1,
    );
    check(
        &geometry(Filter::dense(40, 270, 3, 1), [15, 14], [1, 1], 1),
        2,
    );
}

/// Through panels: strides, and sums of more steps than a panel has rows.
#[test]
fn panels_compute_what_the_definition_says() {
    for (seed, [ins, outs]) in [[16, 16], [13, 50], [70, 31], [130, 97]]
        .into_iter()
        .enumerate()
    {
        for (kernel, stride, side) in [
            (3, 2, 14),
            (3, 2, 29),
            (1, 1, 7),
            (1, 2, 15),
            (5, 1, 12),
            (5, 2, 33),
        ] {
            let filter = Filter::dense(ins, outs, kernel, stride);
            let before = [kernel / 2, (seed + side) % kernel];
            check(
                &geometry(filter, [side, side + seed], before, kernel / 2),
                seed + side,
            );
        }
    }
}
