//! Each pass leaves the function as it is, and finds what it is for.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use support::{Random, becomes, cases, difference, graph, list, names};
use violet_graph::*;

const PASSES: [&str; 7] = [
    "identities",
    "norms",
    "functions",
    "transposes",
    "pads",
    "affine",
    "fuse",
];

#[test]
fn every_operation_is_the_same_after_every_pass() {
    for case in cases() {
        for pass in PASSES {
            let after = case.graph.clone().after(pass).unwrap();
            let difference = difference(&case.graph, &after, case.range);
            // Only what is folded into weights is rounded again.
            let allowed = if pass == "affine" { 1e-6 } else { 1e-10 };
            assert!(
                difference < allowed,
                "{} after {pass}: {difference}",
                case.name
            );
        }
    }
}

#[test]
fn scales_and_offsets_become_weights() {
    let same = Sliding {
        padding: Padding::SameUpper,
        ..Sliding::default()
    };
    let convolved = |outer: &[usize], build: &dyn Fn(&mut Builder, ValueId) -> ValueId| {
        let shape = [outer, &[4, 5, 5]].concat();
        graph(&shape, |b, x| {
            let mut random = Random::new(1);
            let weight = b.constant(random.eighths(&[6, 2, 3, 3])).unwrap();
            let bias = b.constant(random.eighths(&[6])).unwrap();
            let x = b.convolution(x, weight, Some(bias), &same, 2).unwrap();
            build(b, x)
        })
    };
    let batch_norm = |b: &mut Builder, x: ValueId| {
        let mut random = Random::new(2);
        let scale = b.constant(random.powers(&[6, 1, 1])).unwrap();
        let offset = b.constant(random.eighths(&[6, 1, 1])).unwrap();
        let x = b.binary(Binary::Mul, x, scale).unwrap();
        b.binary(Binary::Add, offset, x).unwrap()
    };
    becomes("affine", &convolved(&[], &batch_norm), &["Convolution"]);
    becomes("affine", &convolved(&[1], &batch_norm), &["Convolution"]);
    becomes("affine", &convolved(&[2], &batch_norm), &["Convolution"]);
    let others = |b: &mut Builder, x: ValueId| {
        let [four, list] = [list(b, &[], &[4.0]), list(b, &[6, 1, 1], &[0.25; 6])];
        let x = b.binary(Binary::Div, x, four).unwrap();
        let x = b.binary(Binary::Sub, x, list).unwrap();
        b.binary(Binary::Sub, four, x).unwrap()
    };
    becomes("affine", &convolved(&[1], &others), &["Convolution"]);
    // Not what is taken elsewhere too, is not of channels, or is broadcast to more.
    let shared = |b: &mut Builder, x: ValueId| {
        let y = batch_norm(b, x);
        b.concat(&[x, y], -3).unwrap()
    };
    becomes(
        "affine",
        &convolved(&[1], &shared),
        &["Convolution", "Mul", "Add", "Concat"],
    );
    let columns = |b: &mut Builder, x: ValueId| {
        let columns = list(b, &[5], &[1.0, 2.0, 3.0, 4.0, 5.0]);
        b.binary(Binary::Mul, x, columns).unwrap()
    };
    becomes(
        "affine",
        &convolved(&[1], &columns),
        &["Convolution", "Mul"],
    );
    let more = |b: &mut Builder, x: ValueId| {
        let more = list(b, &[2, 1, 1, 1], &[1.0, 2.0]);
        b.binary(Binary::Mul, x, more).unwrap()
    };
    becomes("affine", &convolved(&[1], &more), &["Convolution", "Mul"]);
    let divisor = |b: &mut Builder, x: ValueId| {
        let four = list(b, &[], &[4.0]);
        b.binary(Binary::Div, four, x).unwrap()
    };
    let divided = convolved(&[1], &divisor).after("affine").unwrap();
    assert_eq!(names(&divided), ["Convolution", "Div"]);
}

#[test]
fn scales_become_weights_of_transposed_convolutions_and_linear_layers() {
    let transposed = graph(&[4, 3, 3], |b, x| {
        let mut random = Random::new(1);
        let weight = b.constant(random.eighths(&[4, 3, 2, 2])).unwrap();
        let scale = b.constant(random.powers(&[6, 1, 1])).unwrap();
        let offset = b.constant(random.eighths(&[6, 1, 1])).unwrap();
        let sliding = Sliding {
            stride: [2; 2],
            ..Sliding::default()
        };
        let x = b
            .convolution_transpose(x, weight, None, &sliding, 2, [0; 2], None)
            .unwrap();
        let x = b.binary(Binary::Mul, x, scale).unwrap();
        b.binary(Binary::Add, x, offset).unwrap()
    });
    becomes("affine", &transposed, &["ConvolutionTranspose"]);
    let linear = graph(&[2, 5], |b, x| {
        let mut random = Random::new(1);
        let weight = b.constant(random.eighths(&[3, 5])).unwrap();
        let scale = b.constant(random.powers(&[3])).unwrap();
        let offset = b.constant(random.eighths(&[1, 3])).unwrap();
        let x = b.linear(x, weight, None).unwrap();
        let x = b.binary(Binary::Mul, x, scale).unwrap();
        b.binary(Binary::Add, x, offset).unwrap()
    });
    becomes("affine", &linear, &["Linear"]);
}

/// Of the input of layers too: the scale and offset of a layer norm, normalisation of pixels.
#[test]
fn scales_and_offsets_before_a_layer_become_its_weights() {
    let norm = graph(&[2, 5], |b, x| {
        let mut random = Random::new(1);
        let scale = b.constant(random.powers(&[5])).unwrap();
        let offset = b.constant(random.eighths(&[1, 5])).unwrap();
        let x = b
            .layer_norm(x, -1, Some(scale), Some(offset), 1e-5)
            .unwrap();
        let weight = b.constant(random.eighths(&[3, 5])).unwrap();
        let [first, second] = [0, 1].map(|_| b.linear(x, weight, None).unwrap());
        b.concat(&[first, second], 0).unwrap()
    });
    becomes(
        "affine",
        &norm,
        &["Normalise", "Linear", "Linear", "Concat"],
    );
    for (padding, names) in [
        (Padding::Valid, &["Convolution"][..]),
        (Padding::SameUpper, &["Sub", "Convolution"]),
    ] {
        let pixels = graph(&[4, 5, 5], |b, x| {
            let mut random = Random::new(1);
            let mean = b.constant(random.eighths(&[4, 1, 1])).unwrap();
            let deviation = b.constant(random.powers(&[4, 1, 1])).unwrap();
            let x = b.binary(Binary::Sub, x, mean).unwrap();
            let x = b.binary(Binary::Div, x, deviation).unwrap();
            let weight = b.constant(random.eighths(&[6, 2, 3, 3])).unwrap();
            let sliding = Sliding {
                padding,
                ..Sliding::default()
            };
            b.convolution(x, weight, None, &sliding, 2).unwrap()
        });
        becomes("affine", &pixels, names);
    }
    // What something else takes too is made for that alone.
    let shared = graph(&[2, 5], |b, x| {
        let mut random = Random::new(1);
        let scale = b.constant(random.powers(&[5])).unwrap();
        let x = b.binary(Binary::Mul, x, scale).unwrap();
        let weight = b.constant(random.eighths(&[5, 5])).unwrap();
        let y = b.linear(x, weight, None).unwrap();
        b.binary(Binary::Add, x, y).unwrap()
    });
    becomes("affine", &shared, &["Mul", "Linear", "Add"]);
}

#[test]
fn only_layers_residuals_and_clamps_are_fused() {
    let block = graph(&[3, 5, 5], |b, x| {
        let same = Sliding {
            padding: Padding::SameUpper,
            ..Sliding::default()
        };
        let weight = b.constant(Random::new(1).eighths(&[3, 3, 3, 3])).unwrap();
        let y = b.convolution(x, weight, None, &same, 1).unwrap();
        let y = b.relu(y).unwrap();
        let y = b.convolution(y, weight, None, &same, 1).unwrap();
        let y = b.binary(Binary::Add, x, y).unwrap();
        let y = b
            .unary(Unary::Clip(Clamp { min: 0.0, max: 6.0 }), y)
            .unwrap();
        b.binary(Binary::Add, x, y).unwrap()
    });
    let fused = becomes("fuse", &block, &["Convolution", "Convolution", "Add"]);
    let inputs: Vec<usize> = fused
        .nodes()
        .iter()
        .map(|node| node.inputs().len())
        .collect();
    assert_eq!(inputs, [3, 4, 2]);
    // What clamps already takes nothing more, and of two layers the later one takes the other.
    let two = graph(&[4], |b, x| {
        let weight = b.constant(Random::new(1).eighths(&[4, 4])).unwrap();
        let first = b.linear(x, weight, None).unwrap();
        let second = b.linear(x, weight, None).unwrap();
        let sum = b.binary(Binary::Add, first, second).unwrap();
        let sum = b.relu(sum).unwrap();
        b.unary(Unary::Clip(Clamp { min: 1.0, max: 2.0 }), sum)
            .unwrap()
    });
    becomes("fuse", &two, &["Linear", "Linear", "Clip"]);
}

/// Fused layers are complete too, with the clamp's secant.
#[test]
fn secants_of_prepared_graphs_are_those_of_the_graphs() {
    for case in cases() {
        let prepared = case.graph.clone().prepared().unwrap();
        let random = &mut Random::new(3);
        let count: usize = case.graph.shape(case.graph.input()).iter().product();
        let [from, to] = [
            random.values(count, case.range),
            random.values(count, case.range),
        ];
        let secant = |graph: &Graph| -> Vec<f64> {
            let reference = Reference::new(graph);
            let output = graph.outputs()[0].value;
            let seed = vec![1.0; graph.shape(output).iter().product()];
            let [from, to] = [&from, &to].map(|x| reference.run(x).unwrap());
            let slopes = reference.secant(&from, &to, &[(output, &seed)]).unwrap();
            let change: f64 =
                to.value(output).iter().sum::<f64>() - from.value(output).iter().sum::<f64>();
            let steps = from
                .value(graph.input())
                .iter()
                .zip(to.value(graph.input()));
            let sum: f64 = slopes
                .iter()
                .zip(steps)
                .map(|(slope, (a, b))| slope * (b - a))
                .sum();
            assert!(
                (sum - change).abs() < 1e-10 * change.abs().max(1.0),
                "{}",
                case.name
            );
            slopes
        };
        let headless = prepared.outputs()[0].head != Head::None;
        let (a, b) = (secant(&case.graph), secant(&prepared));
        for (a, b) in a.iter().zip(&b).filter(|_| !headless) {
            assert!(
                (a - b).abs() < 1e-5 * a.abs().max(1.0),
                "{}: {a} and {b}",
                case.name
            );
        }
    }
}

#[test]
fn pads_become_padding() {
    let padded = |relu: bool, value: f32, layer: fn(&mut Builder, ValueId) -> Result<ValueId>| {
        graph(&[2, 5, 5], |b, x| {
            let x = if relu { b.relu(x).unwrap() } else { x };
            let x = b
                .pad(x, &[0, 1, 0], &[0, 1, 2], PadMode::Constant(value))
                .unwrap();
            layer(b, x).unwrap()
        })
    };
    let own = Sliding {
        stride: [2; 2],
        padding: Padding::Explicit {
            before: [0, 1],
            after: [0, 0],
        },
        ..Sliding::default()
    };
    let convolve = |b: &mut Builder, x: ValueId| {
        let weight = b.constant(Random::new(1).eighths(&[3, 2, 3, 3]))?;
        let padding = Padding::Explicit {
            before: [0, 1],
            after: [0, 0],
        };
        b.convolution(
            x,
            weight,
            None,
            &Sliding {
                padding,
                ..Sliding::default()
            },
            1,
        )
    };
    becomes("pads", &padded(false, 0.0, convolve), &["Convolution"]);
    becomes(
        "pads",
        &padded(false, 1.0, convolve),
        &["Pad", "Convolution"],
    );
    for counted in [false, true] {
        let average = graph(&[2, 5, 5], |b, x| {
            let x = b
                .pad(x, &[0, 1, 0], &[0, 1, 2], PadMode::Constant(0.0))
                .unwrap();
            b.average_pool(x, [3, 3], &own, counted).unwrap()
        });
        becomes("pads", &average, &["AveragePool"]);
    }
    let pool = |b: &mut Builder, x: ValueId| b.max_pool(x, [3, 3], &Sliding::default());
    becomes("pads", &padded(true, 0.0, pool), &["Relu", "MaxPool"]);
    becomes("pads", &padded(false, 0.0, pool), &["Pad", "MaxPool"]);
    becomes(
        "pads",
        &padded(false, f32::NEG_INFINITY, pool),
        &["MaxPool"],
    );
    // More than the kernel's.
    let small = |b: &mut Builder, x: ValueId| b.max_pool(x, [2, 2], &Sliding::default());
    becomes(
        "pads",
        &padded(true, 0.0, small),
        &["Relu", "Pad", "MaxPool"],
    );
}

/// Two blocks as Keras has them: images are [H, W, C], and transposed about each convolution.
#[test]
fn transposes_about_convolutions_cancel() {
    let network = graph(&[1, 6, 6, 3], |b, x| {
        let mut random = Random::new(1);
        let mut convolve = |b: &mut Builder, x: ValueId, channels: i64, made: usize| {
            let x = b.transpose(x, &[0, 3, 1, 2]).unwrap();
            let weight = random.eighths(&[made, channels as usize, 3, 3]);
            let weight = b.constant(weight).unwrap();
            let same = Sliding {
                padding: Padding::SameUpper,
                ..Sliding::default()
            };
            let x = b.convolution(x, weight, None, &same, 1).unwrap();
            b.transpose(x, &[0, 2, 3, 1]).unwrap()
        };
        let x = convolve(b, x, 3, 4);
        let scale = list(b, &[4], &[1.0, 2.0, 0.5, 4.0]);
        let x = b.binary(Binary::Mul, x, scale).unwrap();
        let x = b.relu(x).unwrap();
        let y = convolve(b, x, 4, 4);
        // Squeeze and excite, by a dense layer.
        let means = b.reduce(Reduction::Mean, y, &[1, 2], false).unwrap();
        let weight = list(b, &[4, 4], &[0.5; 16]);
        let gate = b.linear(means, weight, None).unwrap();
        let gate = b.unary(Unary::Sigmoid, gate).unwrap();
        let gate = b.reshape(gate, &[1, 1, 1, 4]).unwrap();
        let y = b.binary(Binary::Mul, y, gate).unwrap();
        let x = b.binary(Binary::Add, x, y).unwrap();
        let x = b
            .pad(x, &[0, 1, 1, 0], &[0, 0, 0, 0], PadMode::Constant(0.0))
            .unwrap();
        let y = convolve(b, x, 4, 2);
        let x = b.concat(&[x, y], 3).unwrap();
        let x = b.slice(x, &[1], &[5], &[1], &[2]).unwrap();
        let x = b.reduce(Reduction::Mean, x, &[1, 2], true).unwrap();
        b.flatten(x, 1).unwrap()
    });
    let after = becomes(
        "transposes",
        &network,
        &[
            "Transpose",
            "Convolution",
            "Mul",
            "Relu",
            "Convolution",
            "ReduceMean",
            "Reshape",
            "Reshape",
            "Linear",
            "Sigmoid",
            "Reshape",
            "Reshape",
            "Mul",
            "Add",
            "Pad",
            "Convolution",
            "Concat",
            "Slice",
            "ReduceMean",
            "Reshape",
            "Reshape",
        ],
    );
    let prepared = after.prepared().unwrap();
    let transposes = names(&prepared)
        .iter()
        .filter(|name| **name == "Transpose")
        .count();
    assert_eq!(transposes, 1);
    assert!(difference(&network, &prepared, [-3.0, 3.0]) < 1e-6);
}

#[test]
fn transposes_that_cannot_cancel_stay() {
    let kept = graph(&[2, 3, 4], |b, x| {
        let y = b.transpose(x, &[1, 0, 2]).unwrap();
        let y = b.relu(y).unwrap();
        b.reshape(y, &[6, 4]).unwrap()
    });
    becomes("transposes", &kept, &["Relu", "Transpose", "Reshape"]);
    let product = graph(&[2, 3, 4], |b, x| {
        let y = b.transpose(x, &[0, 2, 1]).unwrap();
        let z = b.transpose(y, &[0, 2, 1]).unwrap();
        b.matmul(z, y).unwrap()
    });
    becomes("transposes", &product, &["Transpose", "MatMul"]);
    // Two orders, of which only one can wait.
    let two = graph(&[3, 3, 3], |b, x| {
        let y = b.transpose(x, &[1, 0, 2]).unwrap();
        let z = b.transpose(x, &[2, 1, 0]).unwrap();
        b.binary(Binary::Mul, y, z).unwrap()
    });
    becomes("transposes", &two, &["Transpose", "Transpose", "Mul"]);
}

/// Constants whose product f32 does not hold are not merged.
#[test]
fn what_would_overflow_is_left_as_it_is() {
    let large = graph(&[2], |b, x| {
        let [up, down] = [1e30, 1e-30].map(|k| b.number(k).unwrap());
        let x = b.binary(Binary::Mul, x, up).unwrap();
        let x = b.binary(Binary::Mul, x, up).unwrap();
        let x = b.binary(Binary::Mul, x, down).unwrap();
        let weight = b
            .constant(Constant::f32(&[1, 2], [1e10, 1.0]).unwrap())
            .unwrap();
        let x = b.linear(x, weight, None).unwrap();
        b.binary(Binary::Mul, x, up).unwrap()
    });
    let after = large.clone().prepared().unwrap();
    let [a, b] = [&large, &after].map(|graph| {
        let outputs = Reference::new(graph).outputs(&[1.0, 2.0]).unwrap();
        outputs[0][0]
    });
    assert!((a / b - 1.0).abs() < 1e-6, "{a} and {b}");
    assert!(a > 1e60);
}

/// Everything together, on networks with a block of every kind.
#[test]
fn a_prepared_network_is_the_same_network() {
    let network = graph(&[1, 3, 12, 12], |b, x| {
        let mut random = Random::new(9);
        let mut build = || -> Result<ValueId> {
            let same = Sliding {
                padding: Padding::SameUpper,
                ..Sliding::default()
            };
            let weight = b.constant(random.eighths(&[8, 3, 3, 3]))?;
            let x = b.convolution(x, weight, None, &same, 1)?;
            let mean = b.constant(random.eighths(&[8]))?;
            let variance = list(b, &[8], &[1.5; 8]);
            let x = b.batch_norm(x, 1, None, Some(mean), mean, variance, 1e-5)?;
            let x = b.relu(x)?;
            let x = b.pad(x, &[0, 0, 1, 1], &[0, 0, 1, 1], PadMode::Constant(0.0))?;
            let stride = [2, 2];
            let x = b.max_pool(
                x,
                [3, 3],
                &Sliding {
                    stride,
                    ..Sliding::default()
                },
            )?;
            let weight = b.constant(random.eighths(&[8, 1, 3, 3]))?;
            let y = b.convolution(x, weight, None, &same, 8)?;
            let y = b.batch_norm(y, 1, Some(mean), None, mean, variance, 1e-5)?;
            let y = b.silu(y)?;
            let weight = b.constant(random.eighths(&[8, 8, 1, 1]))?;
            let y = b.convolution(y, weight, None, &same, 1)?;
            let x = b.binary(Binary::Add, x, y)?;
            let x = b.global_pool(Reduction::Mean, x)?;
            let x = b.flatten(x, 1)?;
            let weight = b.constant(random.eighths(&[8, 5]))?;
            let x = b.matmul(x, weight)?;
            let bias = b.constant(random.eighths(&[5]))?;
            let x = b.binary(Binary::Add, x, bias)?;
            b.unary(Unary::Neg, x)
        };
        build().unwrap()
    });
    let prepared = network.clone().prepared().unwrap();
    let expected = [
        "Convolution",
        "MaxPool",
        "Convolution",
        "Silu",
        "Convolution",
        "ReduceMean",
        "Reshape",
        "Linear",
        "Neg",
    ];
    assert_eq!(names(&prepared), expected);
    assert!(difference(&network, &prepared, [-1.0, 1.0]) < 1e-5);
}
