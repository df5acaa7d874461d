//! What exporters write out is recognised, what does nothing is dropped, heads come off.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use support::{becomes, difference, graph, list, names};
use violet_graph::*;

/// What builds a function, and what is to be left of it.
type Written = (
    fn(&mut Builder, ValueId) -> Result<ValueId>,
    &'static [&'static str],
);

fn scaled(b: &mut Builder, x: ValueId, scale: f32) -> Result<ValueId> {
    b.affine(x, scale, 0.0)
}

/// As the exporters of PyTorch, TensorFlow and PaddlePaddle write them.
#[test]
fn functions_written_out_are_recognised() {
    let gelu: &[&str] = &["Gelu"];
    let gelu_tanh: &[&str] = &["GeluTanh"];
    let table: [Written; 16] = [
        (
            |b, x| {
                let root = b.number(std::f32::consts::SQRT_2)?;
                let y = b.binary(Binary::Div, x, root)?;
                let y = b.unary(Unary::Erf, y)?;
                let y = b.affine(y, 1.0, 1.0)?;
                let y = b.binary(Binary::Mul, x, y)?;
                scaled(b, y, 0.5)
            },
            gelu,
        ),
        (
            |b, x| {
                let y = scaled(b, x, std::f32::consts::FRAC_1_SQRT_2)?;
                let y = b.unary(Unary::Erf, y)?;
                let y = b.affine(y, 0.5, 0.5)?;
                b.binary(Binary::Mul, y, x)
            },
            gelu,
        ),
        (
            |b, x| {
                let cube = b.unary(Unary::Power { exponent: 3.0 }, x)?;
                let cube = scaled(b, cube, 0.044715)?;
                let sum = b.binary(Binary::Add, x, cube)?;
                let sum = scaled(b, sum, 0.797_884_6)?;
                let y = b.unary(Unary::Tanh, sum)?;
                let y = b.affine(y, 1.0, 1.0)?;
                let half = scaled(b, x, 0.5)?;
                b.binary(Binary::Mul, half, y)
            },
            gelu_tanh,
        ),
        (
            |b, x| {
                let y = b.binary(Binary::Mul, x, x)?;
                let y = b.affine(y, 0.044715 * 0.797_884_6, 0.797_884_6)?;
                let y = b.binary(Binary::Mul, x, y)?;
                let y = b.unary(Unary::Tanh, y)?;
                let y = b.affine(y, 0.5, 0.5)?;
                b.binary(Binary::Mul, x, y)
            },
            gelu_tanh,
        ),
        (
            |b, x| {
                let y = b.affine(x, 1.0, 3.0)?;
                let y = b.unary(Unary::Clip(Clamp { min: 0.0, max: 6.0 }), y)?;
                let y = b.binary(Binary::Mul, x, y)?;
                let six = b.number(6.0)?;
                b.binary(Binary::Div, y, six)
            },
            &["HardSwish"],
        ),
        (
            |b, x| {
                let y = b.affine(x, 1.0, 3.0)?;
                let y = b.unary(Unary::Clip(Clamp { min: 0.0, max: 6.0 }), y)?;
                scaled(b, y, 1.0 / 6.0)
            },
            &["HardSigmoid"],
        ),
        (
            |b, x| {
                let y = b.unary(Unary::Neg, x)?;
                let y = b.unary(Unary::Exp, y)?;
                let y = b.affine(y, 1.0, 1.0)?;
                b.unary(Unary::Reciprocal, y)
            },
            &["Sigmoid"],
        ),
        (
            |b, x| {
                let y = scaled(b, x, -1.0)?;
                let y = b.unary(Unary::Exp, y)?;
                let y = b.affine(y, 1.0, 1.0)?;
                b.binary(Binary::Div, x, y)
            },
            &["Silu"],
        ),
        (
            |b, x| {
                let y = b.unary(Unary::Exp, x)?;
                let y = b.affine(y, 1.0, 1.0)?;
                let y = b.unary(Unary::Log, y)?;
                let y = b.unary(Unary::Tanh, y)?;
                b.binary(Binary::Mul, x, y)
            },
            &["Softplus", "Tanh", "Mul"],
        ),
        (
            |b, x| {
                let y = b.unary(Unary::Abs, x)?;
                let y = b.affine(y, 1.0, 1.0)?;
                b.binary(Binary::Div, x, y)
            },
            &["Softsign"],
        ),
        (
            |b, x| {
                let y = scaled(b, x, 0.125)?;
                b.binary(Binary::Max, x, y)
            },
            &["LeakyRelu"],
        ),
        (
            |b, x| {
                let up = b.relu(x)?;
                let down = b.unary(Unary::Neg, x)?;
                let down = b.relu(down)?;
                let down = scaled(b, down, -0.25)?;
                b.binary(Binary::Add, up, down)
            },
            &["LeakyRelu"],
        ),
        // Inside of more, and of something that is itself a function of the input.
        (
            |b, x| {
                let x = b.unary(Unary::Tanh, x)?;
                let y = b.unary(Unary::Erf, x)?;
                let y = b.affine(y, 0.5, 0.5)?;
                let y = b.binary(Binary::Mul, y, x)?;
                b.unary(Unary::Sin, y)
            },
            &["Tanh", "Erf", "Mul", "Add", "Mul", "Sin"],
        ),
        (
            |b, x| {
                let x = b.unary(Unary::Sin, x)?;
                let y = scaled(b, x, std::f32::consts::FRAC_1_SQRT_2)?;
                let y = b.unary(Unary::Erf, y)?;
                let y = b.affine(y, 0.5, 0.5)?;
                let y = b.binary(Binary::Mul, y, x)?;
                b.unary(Unary::Cos, y)
            },
            &["Sin", "Gelu", "Cos"],
        ),
        // Nearly one, but not.
        (
            |b, x| {
                let y = b.affine(x, 1.0, 3.0)?;
                let y = b.unary(Unary::Clip(Clamp { min: 0.0, max: 6.5 }), y)?;
                let y = b.binary(Binary::Mul, x, y)?;
                scaled(b, y, 1.0 / 6.0)
            },
            &["Add", "Clip", "Mul", "Mul"],
        ),
        (
            |b, x| {
                let y = scaled(b, x, 0.7)?;
                let y = b.unary(Unary::Erf, y)?;
                let y = b.affine(y, 0.5, 0.5)?;
                b.binary(Binary::Mul, y, x)
            },
            &["Mul", "Erf", "Mul", "Add", "Mul"],
        ),
    ];
    for (build, expected) in table {
        let graph = graph(&[2, 4], |b, x| build(b, x).unwrap());
        let after = graph.clone().after("functions").unwrap();
        assert_eq!(names(&after), expected, "{:?}", names(&graph));
        // Constants in files are rounded.
        assert!(
            difference(&graph, &after, [-9.0, 9.0]) < 3e-6,
            "{:?}",
            names(&graph)
        );
        let prepared = graph.clone().prepared().unwrap();
        if prepared.outputs()[0].head != Head::None {
            continue;
        }
        assert!(
            difference(&graph, &prepared, [-9.0, 9.0]) < 3e-6,
            "{:?}",
            names(&graph)
        );
    }
}

#[test]
fn norms_and_softmax_written_out_are_recognised() {
    let table: [Written; 11] = [
        (
            |b, x| {
                // TensorFlow's batch_normalization of moments, as Keras 3 normalises layers.
                let mean = b.reduce(Reduction::Mean, x, &[-1], true)?;
                let c = b.binary(Binary::Sub, x, mean)?;
                let squares = b.binary(Binary::Mul, c, c)?;
                let variance = b.reduce(Reduction::Mean, squares, &[-1], true)?;
                let variance = b.affine(variance, 1.0, 1e-5)?;
                let root = b.unary(Unary::Sqrt, variance)?;
                let factor = b.unary(Unary::Reciprocal, root)?;
                let scale = list(b, &[4], &[1.0, 2.0, 0.5, 4.0]);
                let factor = b.binary(Binary::Mul, factor, scale)?;
                let offset = list(b, &[4], &[1.0, -1.0, 0.0, 3.0]);
                let shift = b.binary(Binary::Mul, mean, factor)?;
                let shift = b.binary(Binary::Sub, offset, shift)?;
                let x = b.binary(Binary::Mul, x, factor)?;
                b.binary(Binary::Add, x, shift)
            },
            &["Normalise", "Mul", "Add"],
        ),
        (
            |b, x| {
                let mean = b.reduce(Reduction::Mean, x, &[-1], true)?;
                let c = b.binary(Binary::Sub, x, mean)?;
                let squares = b.binary(Binary::Mul, c, c)?;
                let variance = b.reduce(Reduction::Mean, squares, &[-1], true)?;
                let variance = b.affine(variance, 1.0, 1e-5)?;
                let factor = b.unary(Unary::Power { exponent: -0.5 }, variance)?;
                let offset = list(b, &[4], &[1.0, -1.0, 0.0, 3.0]);
                let shift = b.binary(Binary::Mul, factor, mean)?;
                let shift = b.binary(Binary::Sub, offset, shift)?;
                let x = b.binary(Binary::Mul, factor, x)?;
                b.binary(Binary::Add, shift, x)
            },
            &["Normalise", "Add"],
        ),
        (
            |b, x| {
                let mean = b.reduce(Reduction::Mean, x, &[-1], true)?;
                let c = b.binary(Binary::Sub, x, mean)?;
                let squares = b.unary(Unary::Power { exponent: 2.0 }, c)?;
                let variance = b.reduce(Reduction::Mean, squares, &[-1], true)?;
                let variance = b.affine(variance, 1.0, 1e-5)?;
                let deviation = b.unary(Unary::Sqrt, variance)?;
                b.binary(Binary::Div, c, deviation)
            },
            &["Normalise"],
        ),
        (
            |b, x| {
                // TensorFlow: the difference twice, and the reciprocal of the root.
                let mean = b.reduce(Reduction::Mean, x, &[0, 1], true)?;
                let first = b.binary(Binary::Sub, x, mean)?;
                let squares = b.binary(Binary::Mul, first, first)?;
                let variance = b.reduce(Reduction::Mean, squares, &[0, 1], true)?;
                let epsilon = b.number(1e-3)?;
                let variance = b.binary(Binary::Add, epsilon, variance)?;
                let root = b.unary(Unary::Sqrt, variance)?;
                let factor = b.unary(Unary::Reciprocal, root)?;
                let second = b.binary(Binary::Sub, x, mean)?;
                b.binary(Binary::Mul, factor, second)
            },
            &["Normalise"],
        ),
        (
            |b, x| {
                let mean = b.reduce(Reduction::Mean, x, &[-1], true)?;
                let c = b.binary(Binary::Sub, x, mean)?;
                let squares = b.binary(Binary::Mul, c, c)?;
                let variance = b.reduce(Reduction::Mean, squares, &[-1], true)?;
                let variance = b.affine(variance, 1.0, 1e-5)?;
                let factor = b.unary(Unary::Power { exponent: -0.5 }, variance)?;
                let scale = list(b, &[4], &[1.0, 2.0, 0.5, 4.0]);
                let factor = b.binary(Binary::Mul, factor, scale)?;
                b.binary(Binary::Mul, c, factor)
            },
            // The scale is in the product that is divided.
            &[
                "ReduceMean",
                "Sub",
                "Mul",
                "ReduceMean",
                "Add",
                "Sqrt",
                "Mul",
                "Div",
            ],
        ),
        (
            |b, x| {
                // Another mean than that of the squares' axes.
                let mean = b.reduce(Reduction::Mean, x, &[0], true)?;
                let c = b.binary(Binary::Sub, x, mean)?;
                let squares = b.binary(Binary::Mul, c, c)?;
                let variance = b.reduce(Reduction::Mean, squares, &[-1], true)?;
                let variance = b.affine(variance, 1.0, 1e-5)?;
                let deviation = b.unary(Unary::Sqrt, variance)?;
                b.binary(Binary::Div, c, deviation)
            },
            &[
                "ReduceMean",
                "Sub",
                "Mul",
                "ReduceMean",
                "Add",
                "Sqrt",
                "Div",
            ],
        ),
        (
            |b, x| {
                let e = b.unary(Unary::Exp, x)?;
                let sum = b.reduce(Reduction::Sum, e, &[1], true)?;
                b.binary(Binary::Div, e, sum)
            },
            &["Softmax"],
        ),
        (
            |b, x| {
                let highest = b.reduce(Reduction::Max, x, &[1], true)?;
                let shifted = b.binary(Binary::Sub, x, highest)?;
                let e = b.unary(Unary::Exp, shifted)?;
                let sum = b.reduce(Reduction::Sum, e, &[1], true)?;
                b.binary(Binary::Div, e, sum)
            },
            &["Softmax"],
        ),
        (
            |b, x| {
                let e = b.unary(Unary::Exp, x)?;
                let sum = b.reduce(Reduction::Sum, e, &[1], true)?;
                let y = b.binary(Binary::Div, e, sum)?;
                b.unary(Unary::Log, y)
            },
            &["LogSoftmax"],
        ),
        (
            |b, x| {
                let highest = b.reduce(Reduction::Max, x, &[1], true)?;
                let shifted = b.binary(Binary::Sub, x, highest)?;
                let e = b.unary(Unary::Exp, shifted)?;
                let sum = b.reduce(Reduction::Sum, e, &[1], true)?;
                let log = b.unary(Unary::Log, sum)?;
                b.binary(Binary::Sub, shifted, log)
            },
            &["LogSoftmax"],
        ),
        (
            |b, x| {
                let e = b.unary(Unary::Exp, x)?;
                let sum = b.reduce(Reduction::Sum, e, &[0, 1], true)?;
                b.unary(Unary::Log, sum)
            },
            &["ReduceLogSumExp"],
        ),
    ];
    for (build, expected) in table {
        let graph = graph(&[3, 4], |b, x| build(b, x).unwrap());
        let after = graph
            .clone()
            .after("identities")
            .unwrap()
            .after("norms")
            .unwrap();
        assert_eq!(names(&after), expected, "{:?}", names(&graph));
        let difference = difference(&graph, &after, [-3.0, 3.0]);
        assert!(difference < 1e-10, "{:?}: {difference}", names(&graph));
    }
}

#[test]
fn identities_are_dropped() {
    let table: [Written; 9] = [
        (
            |b, x| {
                let x = b.affine(x, 1.0, 0.0)?;
                let [one, zero] = [b.number(1.0)?, b.number(0.0)?];
                let x = b.binary(Binary::Mul, one, x)?;
                let x = b.binary(Binary::Sub, x, zero)?;
                let x = b.binary(Binary::Div, x, one)?;
                b.relu(x)
            },
            &["Relu"],
        ),
        (
            |b, x| {
                let x = b.reshape(x, &[12])?;
                let x = b.reshape(x, &[3, 4])?;
                let x = b.reshape(x, &[4, 3])?;
                b.relu(x)
            },
            &["Reshape", "Relu"],
        ),
        (
            |b, x| {
                let [zero, six] = [b.number(0.0)?, b.number(6.0)?];
                let x = b.binary(Binary::Max, x, zero)?;
                b.binary(Binary::Min, six, x)
            },
            &["Clip"],
        ),
        (
            |b, x| {
                let x = b.relu(x)?;
                let x = b.unary(
                    Unary::Clip(Clamp {
                        min: -3.0,
                        max: -2.0,
                    }),
                    x,
                )?;
                b.unary(
                    Unary::Clip(Clamp {
                        min: -2.5,
                        max: 9.0,
                    }),
                    x,
                )
            },
            &["Clip"],
        ),
        (
            |b, x| {
                let two = b.number(2.0)?;
                let x = b.binary(Binary::Mul, x, two)?;
                let x = b.binary(Binary::Mul, two, x)?;
                let list = list(b, &[4], &[1.0, 2.0, 3.0, 4.0]);
                b.binary(Binary::Mul, x, list)
            },
            &["Mul"],
        ),
        (
            |b, x| {
                let a = b.unary(Unary::Tanh, x)?;
                let c = b.unary(Unary::Tanh, x)?;
                let one = b.number(2.0)?;
                let other = b.number(2.0)?;
                let a = b.binary(Binary::Mul, a, one)?;
                let c = b.binary(Binary::Mul, c, other)?;
                b.binary(Binary::Add, a, c)
            },
            &["Tanh", "Mul", "Add"],
        ),
        (
            |b, x| {
                let y = b.unary(Unary::Exp, x)?;
                let y = b.unary(Unary::Reciprocal, y)?;
                b.binary(Binary::Mul, y, x)
            },
            &["Exp", "Div"],
        ),
        (
            |b, x| {
                let x = b.unary(Unary::Neg, x)?;
                b.unary(Unary::Neg, x)
            },
            &[],
        ),
        // A number that makes a larger shape is no identity.
        (
            |b, x| {
                let ones = list(b, &[2, 1, 1], &[1.0, 1.0]);
                b.binary(Binary::Mul, x, ones)
            },
            &["Mul"],
        ),
    ];
    for (build, expected) in table {
        let graph = graph(&[3, 4], |b, x| build(b, x).unwrap());
        becomes("identities", &graph, expected);
    }
}

#[test]
fn windows_of_one_pixel_or_of_the_whole_image_are_no_windows() {
    let one = graph(&[2, 4, 5], |b, x| {
        let x = b.max_pool(x, [1, 1], &Sliding::default()).unwrap();
        let x = b
            .average_pool(x, [1, 1], &Sliding::default(), true)
            .unwrap();
        let stride = [2, 2];
        let sliding = Sliding {
            stride,
            ..Sliding::default()
        };
        let x = b.max_pool(x, [1, 1], &sliding).unwrap();
        b.average_pool(x, [2, 3], &sliding, true).unwrap()
    });
    becomes("identities", &one, &["MaxPool", "ReduceMean"]);
    let part = graph(&[2, 4, 5], |b, x| {
        b.average_pool(x, [4, 4], &Sliding::default(), true)
            .unwrap()
    });
    becomes("identities", &part, &["AveragePool"]);
}

#[test]
fn heads_are_taken_off() {
    type Case = (
        &'static [usize],
        fn(&mut Builder, ValueId) -> Result<ValueId>,
        Head,
        &'static [usize],
    );
    let table: [Case; 14] = [
        (&[1, 5], |b, x| b.softmax(x, 1), Head::Softmax, &[1, 5]),
        (
            &[1, 5, 1, 1],
            |b, x| b.softmax(x, 1),
            Head::Softmax,
            &[1, 5, 1, 1],
        ),
        (
            &[1, 5, 1, 1],
            |b, x| {
                let x = b.softmax(x, 1)?;
                b.flatten(x, 1)
            },
            Head::Softmax,
            &[1, 5],
        ),
        (
            &[5],
            |b, x| {
                let x = b.softmax(x, 0)?;
                b.unary(Unary::Log, x)
            },
            Head::LogSoftmax,
            &[5],
        ),
        (
            &[1, 5],
            |b, x| b.log_softmax(x, -1),
            Head::LogSoftmax,
            &[1, 5],
        ),
        (
            &[1, 1],
            |b, x| b.unary(Unary::Sigmoid, x),
            Head::Sigmoid,
            &[1, 1],
        ),
        (
            &[1, 5],
            |b, x| b.unary(Unary::Sigmoid, x),
            Head::Sigmoid,
            &[1, 5],
        ),
        (
            &[1, 5],
            |b, x| b.arg_max(x, 1, false),
            Head::ArgMax,
            &[1, 5],
        ),
        (
            &[1, 5],
            |b, x| {
                let x = b.softmax(x, 1)?;
                b.arg_max(x, 1, true)
            },
            Head::Softmax,
            &[1, 5],
        ),
        // Boxes' classes.
        (
            &[1, 6, 5],
            |b, x| b.softmax(x, 2),
            Head::Softmax,
            &[1, 6, 5],
        ),
        // Not over classes, or mixed with others afterwards: it stays.
        (
            &[1, 5, 2, 2],
            |b, x| b.softmax(x, 1),
            Head::None,
            &[1, 5, 2, 2],
        ),
        (
            &[1, 6, 5],
            |b, x| {
                let x = b.softmax(x, 2)?;
                b.reshape(x, &[-1])
            },
            Head::None,
            &[30],
        ),
        (&[1, 5], |b, x| b.unary(Unary::Tanh, x), Head::None, &[1, 5]),
        (
            &[1, 5],
            |b, x| {
                let y = b.softmax(x, 1)?;
                b.concat(&[x, y], 1)
            },
            Head::None,
            &[1, 10],
        ),
    ];
    for (input, build, head, shape) in table {
        let graph = graph(input, |b, x| {
            let x = b.unary(Unary::Sin, x).unwrap();
            build(b, x).unwrap()
        });
        let before = names(&graph);
        let after = graph.after("head").unwrap();
        let output = &after.outputs()[0];
        assert_eq!(
            (output.head, after.shape(output.value)),
            (head, shape),
            "{before:?}"
        );
        if head != Head::None {
            assert!(
                names(&after)
                    .iter()
                    .all(|&name| name == "Sin" || name == "Reshape")
            );
        }
    }
}
