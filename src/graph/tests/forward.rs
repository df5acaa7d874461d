//! Every operation forward, against numbers that were worked out by hand, or that the named source
//! gives.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(clippy::approx_constant, reason = "numbers by hand")]

mod support;

use support::graph;
use violet_graph::*;

/// What a few lines make of an input.
fn run(
    input: &[usize],
    x: &[f64],
    build: impl FnOnce(&mut Builder, ValueId) -> Result<ValueId>,
) -> (Vec<usize>, Vec<f64>) {
    let graph = graph(input, |b, x| build(b, x).unwrap());
    let output = graph.outputs()[0].value;
    let point = Reference::new(&graph).run(x).unwrap();
    (graph.shape(output).to_vec(), point.value(output).to_vec())
}

fn near(found: &[f64], expected: &[f64]) {
    assert_eq!(found.len(), expected.len(), "{found:?}");
    for (a, b) in found.iter().zip(expected) {
        assert!(
            (a - b).abs() < 1e-7 * b.abs().max(1.0),
            "{found:?} and not {expected:?}"
        );
    }
}

fn constant(b: &mut Builder, shape: &[usize], values: &[f32]) -> ValueId {
    let constant = Constant::f32(shape, values.to_vec()).unwrap();
    b.constant(constant).unwrap()
}

fn count(end: usize) -> Vec<f64> {
    (0..end).map(|k| k as f64).collect()
}

#[test]
fn functions_of_one_number() {
    let clip = Unary::Clip(Clamp {
        min: -1.0,
        max: 2.0,
    });
    let table: [(Unary, [f64; 3], [f64; 3]); 22] = [
        (Unary::RELU, [-2.0, 0.0, 3.0], [0.0, 0.0, 3.0]),
        (clip, [-2.0, 0.5, 3.0], [-1.0, 0.5, 2.0]),
        (
            Unary::LeakyRelu { slope: 0.5 },
            [-2.0, 0.0, 3.0],
            [-1.0, 0.0, 3.0],
        ),
        (
            Unary::Elu { alpha: 2.0 },
            [-1.0, 0.0, 3.0],
            [-1.264_241_117, 0.0, 3.0],
        ),
        (
            Unary::Sigmoid,
            [0.0, 2.0, -800.0],
            [0.5, 0.880_797_078, 0.0],
        ),
        (
            Unary::HardSigmoid {
                slope: 0.25,
                offset: 0.5,
            },
            [-4.0, 1.0, 4.0],
            [0.0, 0.75, 1.0],
        ),
        (Unary::Tanh, [0.0, 1.0, -800.0], [0.0, 0.761_594_156, -1.0]),
        (
            Unary::Exp,
            [0.0, 1.0, -1.0],
            [1.0, 2.718_281_828, 0.367_879_441],
        ),
        (
            Unary::Log,
            [1.0, 2.0, 0.5],
            [0.0, 0.693_147_181, -0.693_147_181],
        ),
        (Unary::Sqrt, [0.0, 4.0, 2.0], [0.0, 2.0, 1.414_213_562]),
        (Unary::Reciprocal, [1.0, -4.0, 0.5], [1.0, -0.25, 2.0]),
        (
            Unary::Power { exponent: 3.0 },
            [-2.0, 0.0, 1.5],
            [-8.0, 0.0, 3.375],
        ),
        (
            Unary::Power { exponent: 1.5 },
            [4.0, 0.0, 1.0],
            [8.0, 0.0, 1.0],
        ),
        (Unary::Abs, [-2.0, 0.0, 3.0], [2.0, 0.0, 3.0]),
        (Unary::Neg, [-2.0, 0.0, 3.0], [2.0, 0.0, -3.0]),
        // Abramowitz and Stegun, table 7.1.
        (
            Unary::Erf,
            [0.5, 1.0, -2.0],
            [0.520_499_877_8, 0.842_700_792_9, -0.995_322_265],
        ),
        // The same, table 26.1.
        (
            Unary::NormalCdf,
            [0.0, 1.0, -3.0],
            [0.5, 0.841_344_746, 0.001_349_898],
        ),
        // PyTorch's gelu(x, approximate="tanh") / x.
        (
            Unary::NormalCdfTanh,
            [0.0, 1.0, -1.0],
            [0.5, 0.841_191_990_6, 0.158_808_009_4],
        ),
        (
            Unary::Softplus,
            [0.0, 1.0, -800.0],
            [0.693_147_181, 1.313_261_688, 0.0],
        ),
        (Unary::Softsign, [0.0, 1.0, -3.0], [0.0, 0.5, -0.75]),
        (
            Unary::Sin,
            [0.0, 1.0, -1.0],
            [0.0, 0.841_470_985, -0.841_470_985],
        ),
        (
            Unary::Cos,
            [0.0, 1.0, -1.0],
            [1.0, 0.540_302_306, 0.540_302_306],
        ),
    ];
    for (unary, x, expected) in table {
        let (_, found) = run(&[3], &x, |b, x| b.unary(unary, x));
        near(&found, &expected);
    }
}

/// Between its two ways of being computed, and in the tail, where 1 − erf would have no digits.
#[test]
fn normal_distribution_is_precise_everywhere() {
    // R's pnorm.
    let table = [
        (-8.0, 6.220_960_574_271_785e-16),
        (-4.242_640_687, 1.104_524_845e-5),
        (-2.828_427_125, 2.338_867_491e-3),
        (4.0, 0.999_968_328_758_166_9),
    ];
    for (x, expected) in table {
        let (_, found) = run(&[1], &[x], |b, x| b.unary(Unary::NormalCdf, x));
        assert!(
            (found[0] / expected - 1.0).abs() < 1e-8,
            "Φ({x}) is {}",
            found[0]
        );
    }
}

#[test]
fn functions_of_two_numbers_are_broadcast() {
    let table = [
        (Binary::Add, [2.0, 4.0, 1.0, 3.0]),
        (Binary::Sub, [0.0, -4.0, -1.0, -5.0]),
        (Binary::Mul, [1.0, 0.0, 0.0, -4.0]),
        (Binary::Div, [1.0, 0.0, 0.0, -0.25]),
        (Binary::Max, [1.0, 4.0, 1.0, 4.0]),
        (Binary::Min, [1.0, 0.0, 0.0, -1.0]),
    ];
    for (binary, expected) in table {
        let (shape, found) = run(&[2, 2], &[1.0, 0.0, 0.0, -1.0], |b, x| {
            let other = constant(b, &[2], &[1.0, 4.0]);
            b.binary(binary, x, other)
        });
        assert_eq!(shape, [2, 2]);
        near(&found, &expected);
    }
}

#[test]
fn convolutions() {
    // A plus of weights over 3 × 3 pixels.
    let plus = [0.0, 1.0, 0.0, 1.0, 10.0, 1.0, 0.0, 1.0, 0.0];
    let convolve = |sliding: Sliding| {
        run(&[1, 3, 3], &count(9), |b, x| {
            let weight = constant(b, &[1, 1, 3, 3], &plus);
            let bias = constant(b, &[1], &[0.5]);
            b.convolution(x, weight, Some(bias), &sliding, 1)
        })
    };
    let (shape, found) = convolve(Sliding::default());
    assert_eq!(shape, [1, 1, 1]);
    near(&found, &[1.0 + 3.0 + 40.0 + 5.0 + 7.0 + 0.5]);
    let padding = Padding::SameUpper;
    let (shape, found) = convolve(Sliding {
        padding,
        ..Sliding::default()
    });
    assert_eq!(shape, [1, 3, 3]);
    // Corners have two neighbours, edges three.
    let hand = [0.0 + 1.0 + 3.0, 10.0 + 0.0 + 2.0 + 4.0, 20.0 + 1.0 + 5.0];
    near(&found[..3], &hand.map(|sum| sum + 0.5));
    near(
        &found[3..5],
        &[
            30.0 + 0.0 + 4.0 + 6.0 + 0.5,
            1.0 + 3.0 + 40.0 + 5.0 + 7.0 + 0.5,
        ],
    );
    let stride = [2, 2];
    let (shape, strided) = convolve(Sliding {
        padding,
        stride,
        ..Sliding::default()
    });
    assert_eq!(shape, [1, 2, 2]);
    near(&strided, &[found[0], found[2], found[6], found[8]]);
    let dilation = [2, 2];
    let around = Padding::Explicit {
        before: [2, 2],
        after: [2, 2],
    };
    let (shape, found) = convolve(Sliding {
        padding: around,
        dilation,
        ..Sliding::default()
    });
    assert_eq!(shape, [1, 3, 3]);
    near(&found[..1], &[10.0 * 0.0 + 2.0 + 6.0 + 0.5]);
}

#[test]
fn convolutions_in_groups_and_of_lines() {
    let (shape, found) = run(&[2, 1, 2], &[1.0, 2.0, 3.0, 4.0], |b, x| {
        let weight = constant(b, &[4, 1, 1, 1], &[1.0, 10.0, 100.0, 1000.0]);
        b.convolution(x, weight, None, &Sliding::default(), 2)
    });
    assert_eq!(shape, [4, 1, 2]);
    near(
        &found,
        &[1.0, 2.0, 10.0, 20.0, 300.0, 400.0, 3000.0, 4000.0],
    );
    let (shape, found) = run(&[1, 1, 4], &[1.0, 2.0, 3.0, 4.0], |b, x| {
        let weight = constant(b, &[1, 1, 2], &[1.0, 10.0]);
        b.convolution(x, weight, None, &Sliding::default(), 1)
    });
    assert_eq!(shape, [1, 1, 3]);
    near(&found, &[21.0, 32.0, 43.0]);
}

/// The first example of ONNX's ConvTranspose, and the one with SAME.
#[test]
fn transposed_convolutions() {
    let ones = [1.0; 18];
    let (shape, found) = run(&[1, 1, 3, 3], &count(9), |b, x| {
        let weight = constant(b, &[1, 2, 3, 3], &ones);
        b.convolution_transpose(x, weight, None, &Sliding::default(), 1, [0; 2], None)
    });
    assert_eq!(shape, [1, 2, 5, 5]);
    let expected = [
        0.0, 1.0, 3.0, 3.0, 2.0, 3.0, 8.0, 15.0, 12.0, 7.0, 9.0, 21.0, 36.0, 27.0, 15.0, 9.0, 20.0,
        33.0, 24.0, 13.0, 6.0, 13.0, 21.0, 15.0, 8.0,
    ];
    near(&found, &[expected, expected].concat());
    let (shape, found) = run(&[1, 1, 3, 3], &count(9), |b, x| {
        let weight = constant(b, &[1, 2, 3, 3], &ones);
        let sliding = Sliding {
            stride: [2; 2],
            padding: Padding::SameUpper,
            ..Sliding::default()
        };
        b.convolution_transpose(x, weight, None, &sliding, 1, [0; 2], None)
    });
    assert_eq!(shape, [1, 2, 6, 6]);
    near(&found[..6], &[0.0, 0.0, 1.0, 1.0, 3.0, 2.0]);
    near(&found[12..18], &[3.0, 3.0, 8.0, 5.0, 12.0, 7.0]);
}

#[test]
fn pools() {
    let around = Padding::Explicit {
        before: [1, 1],
        after: [1, 1],
    };
    let sliding = Sliding {
        stride: [2, 2],
        padding: around,
        ..Sliding::default()
    };
    let x: Vec<f64> = count(9).iter().map(|k| k - 10.0).collect();
    let (shape, found) = run(&[1, 3, 3], &x, |b, x| b.max_pool(x, [2, 2], &sliding));
    assert_eq!(shape, [1, 2, 2]);
    near(&found, &[-10.0, -8.0, -4.0, -2.0]);
    let average = |counted| {
        let pool = |b: &mut Builder, x| b.average_pool(x, [2, 2], &sliding, counted);
        run(&[1, 3, 3], &count(9), pool).1
    };
    near(&average(false), &[0.0, 1.5, 4.5, 6.0]);
    near(&average(true), &[0.0, 0.75, 2.25, 6.0]);
    // What `ceil` adds never counts.
    let ceil = Sliding {
        stride: [2, 2],
        ceil: true,
        ..Sliding::default()
    };
    let pool = |b: &mut Builder, x| b.average_pool(x, [2, 2], &ceil, true);
    let (shape, found) = run(&[1, 3, 3], &count(9), pool);
    assert_eq!(shape, [1, 2, 2]);
    near(&found, &[2.0, 3.5, 6.5, 8.0]);
    let dilated = Sliding {
        dilation: [2, 2],
        ..Sliding::default()
    };
    let (_, found) = run(&[1, 3, 3], &count(9), |b, x| {
        b.average_pool(x, [2, 2], &dilated, true)
    });
    near(&found, &[4.0]);
    let (_, found) = run(&[1, 1, 2], &[3.0, -4.0], |b, x| {
        b.lp_pool(x, [1, 2], &Sliding::default(), 2)
    });
    near(&found, &[5.0]);
}

#[test]
fn products() {
    let x = [1.0, 2.0, 3.0, 4.0];
    let (shape, found) = run(&[2, 2], &x, |b, x| b.matmul(x, x));
    assert_eq!(shape, [2, 2]);
    near(&found, &[7.0, 10.0, 15.0, 22.0]);
    let (shape, found) = run(&[2, 2], &x, |b, x| {
        let weight = constant(b, &[2, 3], &[1.0, 10.0, 100.0, 2.0, 20.0, 200.0]);
        b.matmul(x, weight)
    });
    assert_eq!(shape, [2, 3]);
    near(&found, &[5.0, 50.0, 500.0, 11.0, 110.0, 1100.0]);
    let (shape, found) = run(&[2, 2], &x, |b, x| {
        let vector = constant(b, &[2], &[1.0, 10.0]);
        b.matmul(vector, x)
    });
    assert_eq!(shape, [2]);
    near(&found, &[31.0, 42.0]);
    let (_, found) = run(&[2, 2], &x, |b, x| {
        let weight = constant(b, &[1, 2], &[1.0, 10.0]);
        let c = constant(b, &[], &[7.0]);
        b.gemm([x, weight], Some(c), [2.0, 3.0], [true, true])
    });
    near(&found, &[2.0 * 31.0 + 21.0, 2.0 * 42.0 + 21.0]);
}

#[test]
fn reductions_and_what_is_made_of_them() {
    let x = [1.0, 2.0, 3.0, -3.0, 0.0, 4.0];
    let table = [
        (Reduction::Sum, [6.0, 1.0]),
        (Reduction::Mean, [2.0, 1.0 / 3.0]),
        (Reduction::Max, [3.0, 4.0]),
        (Reduction::L2, [3.741_657_387, 5.0]),
        (Reduction::LogSumExp, [3.407_605_964, 4.019_045_008]),
    ];
    for (reduction, expected) in table {
        let (shape, found) = run(&[2, 3], &x, |b, x| b.reduce(reduction, x, &[-1], false));
        assert_eq!(shape, [2]);
        near(&found, &expected);
    }
    let (shape, found) = run(&[2, 3], &x, |b, x| b.reduce_min(x, &[0], true));
    assert_eq!(shape, [1, 3]);
    near(&found, &[-3.0, 0.0, 3.0]);
    let (_, found) = run(&[2, 3], &x, |b, x| b.softmax(x, 1));
    near(&found[..3], &[0.090_030_573, 0.244_728_471, 0.665_240_956]);
    let (_, found) = run(&[2, 3], &x, |b, x| b.log_softmax(x, 1));
    near(
        &found[..3],
        &[-2.407_605_964, -1.407_605_964, -0.407_605_964],
    );
    let (_, found) = run(&[2, 3], &x, |b, x| b.normalise(x, &[1], 0.0));
    near(&found[..3], &[-1.224_744_871, 0.0, 1.224_744_871]);
    let (_, found) = run(&[1, 2], &[1e4, -1e4], |b, x| b.softmax(x, 1));
    near(&found, &[1.0, 0.0]);
    let (_, found) = run(&[1, 4], &[1e20, 1e20, 1e20, 0.0], |b, x| b.softmax(x, 1));
    near(&found, &[1.0 / 3.0, 1.0 / 3.0, 1.0 / 3.0, 0.0]);
    let (shape, found) = run(&[2, 3], &x, |b, x| b.arg_max(x, 1, false));
    assert_eq!(shape, [2]);
    near(&found, &[2.0, 2.0]);
    // x / (k + α/n Σ x²)^β over three neighbours, α = 3, β = 1, k = 1.
    let (_, found) = run(&[3, 1, 1], &[1.0, 2.0, 3.0], |b, x| {
        b.local_response_norm(x, 0, 3, [3.0, 1.0, 1.0])
    });
    near(&found, &[1.0 / 6.0, 2.0 / 15.0, 3.0 / 14.0]);
    let (_, found) = run(&[1, 2, 1, 1], &[3.0, 5.0], |b, x| {
        let [scale, bias] = [[2.0, 1.0], [1.0, 0.0]].map(|list| constant(b, &[2], &list));
        let [mean, variance] = [[1.0, 1.0], [4.0, 16.0]].map(|list| constant(b, &[2], &list));
        b.batch_norm(x, 1, Some(scale), Some(bias), mean, variance, 0.0)
    });
    near(&found, &[3.0, 1.0]);
}

#[test]
fn layouts() {
    let x = count(6);
    let (shape, found) = run(&[2, 3], &x, |b, x| b.transpose(x, &[]));
    assert_eq!(shape, [3, 2]);
    near(&found, &[0.0, 3.0, 1.0, 4.0, 2.0, 5.0]);
    let (shape, found) = run(&[2, 3], &x, |b, x| b.slice(x, &[-1], &[-9], &[1], &[-2]));
    assert_eq!(shape, [2, 2]);
    near(&found, &[2.0, 0.0, 5.0, 3.0]);
    let (shape, found) = run(&[2, 3], &x, |b, x| b.gather(x, -1, &[2, -3], &[2, 1]));
    assert_eq!(shape, [2, 2, 1]);
    near(&found, &[2.0, 0.0, 5.0, 3.0]);
    let (shape, found) = run(&[2, 3], &x, |b, x| {
        let pieces = b.split_evenly(x, 1, 2)?;
        b.concat(&[pieces[1], pieces[0]], 1)
    });
    assert_eq!(shape, [2, 3]);
    near(&found, &[2.0, 0.0, 1.0, 5.0, 3.0, 4.0]);
    let (shape, found) = run(&[3], &x[..3], |b, x| b.expand(x, &[2, 1]));
    assert_eq!(shape, [2, 3]);
    near(&found, &[0.0, 1.0, 2.0, 0.0, 1.0, 2.0]);
    let pads = [
        (PadMode::Constant(9.0), [9.0, 9.0, 0.0, 1.0, 2.0, 9.0]),
        (PadMode::Reflect, [2.0, 1.0, 0.0, 1.0, 2.0, 1.0]),
        (PadMode::Symmetric, [1.0, 0.0, 0.0, 1.0, 2.0, 2.0]),
        (PadMode::Edge, [0.0, 0.0, 0.0, 1.0, 2.0, 2.0]),
        (PadMode::Wrap, [1.0, 2.0, 0.0, 1.0, 2.0, 0.0]),
    ];
    for (mode, expected) in pads {
        let (_, found) = run(&[3], &x[..3], |b, x| b.pad(x, &[2], &[1], mode));
        near(&found, &expected);
    }
    // PyTorch's pixel_shuffle, and ONNX's DCR.
    let (shape, found) = run(&[1, 8, 1, 1], &count(8), |b, x| {
        b.depth_to_space(x, 2, DepthOrder::ChannelsFirst)
    });
    assert_eq!(shape, [1, 2, 2, 2]);
    near(&found, &count(8));
    let (_, found) = run(&[1, 8, 1, 1], &count(8), |b, x| {
        b.depth_to_space(x, 2, DepthOrder::ChannelsLast)
    });
    near(&found, &[0.0, 2.0, 4.0, 6.0, 1.0, 3.0, 5.0, 7.0]);
    let (shape, found) = run(&[1, 2, 2, 2], &found, |b, x| b.space_to_depth(x, 2));
    assert_eq!(shape, [1, 8, 1, 1]);
    near(&found, &count(8));
}

/// Examples of ONNX's Resize.
#[test]
fn resizing() {
    let x: Vec<f64> = (1..=16).map(f64::from).collect();
    let resize = |x: &[f64], shape: [usize; 2], extent: Extent<'_>, resize: Resize| {
        run(&shape, x, |b, x| b.resize(x, &[], extent, &resize)).1
    };
    let linear = Resize::new(Interpolation::Linear, Coordinates::HalfPixel);
    let found = resize(&x[..4], [2, 2], Extent::Scales(&[2.0, 2.0]), linear);
    near(&found[..4], &[1.0, 1.25, 1.75, 2.0]);
    near(&found[4..8], &[1.5, 1.75, 2.25, 2.5]);
    // resize_downsample_scales_linear
    let found = resize(&x[..8], [2, 4], Extent::Scales(&[0.6, 0.6]), linear);
    near(&found, &[2.666_666_5, 4.333_333_1]);
    // resize_downsample_scales_cubic
    let cubic = Resize::new(Interpolation::Cubic { a: -0.75 }, Coordinates::HalfPixel);
    let found = resize(&x, [4, 4], Extent::Scales(&[0.8, 0.8]), cubic);
    near(&found[..3], &[1.471_191_406_25, 2.781_25, 4.082_519_531_25]);
    // resize_upsample_scales_nearest
    let asymmetric = Coordinates::Asymmetric;
    let nearest = Resize::new(Interpolation::Nearest(Rounding::Floor), asymmetric);
    let found = resize(&x[..4], [2, 2], Extent::Scales(&[2.0, 3.0]), nearest);
    near(&found[..6], &[1.0, 1.0, 1.0, 2.0, 2.0, 2.0]);
    // resize_upsample_scales_linear_align_corners
    let corners = Resize::new(Interpolation::Linear, Coordinates::AlignCorners);
    let found = resize(&x[..4], [2, 2], Extent::Scales(&[2.0, 2.0]), corners);
    near(&found[..4], &[1.0, 4.0 / 3.0, 5.0 / 3.0, 2.0]);
}

#[test]
fn shape_arithmetic_of_files_is_computed() {
    let (shape, _) = run(&[1, 2, 3, 4], &count(24), |b, x| {
        // As PyTorch exports x.view(x.shape[0], -1, x.shape[3] // 2).
        let dims = b.shape_of(x)?;
        let batch = b.gather(dims, 0, &[0], &[])?;
        let width = b.gather(dims, 0, &[3], &[])?;
        let two = b.constant(Constant::i64(&[], [2])?)?;
        let half = b.binary(Binary::Div, width, two)?;
        let rest = b.constant(Constant::integers([-1]))?;
        let [batch, half] = [b.unsqueeze(batch, &[0])?, b.unsqueeze(half, &[0])?];
        let dims = b.concat(&[batch, rest, half], 0)?;
        let dims = b.integers(dims, "shape")?;
        assert_eq!(dims, [1, -1, 2]);
        b.reshape(x, &dims)
    });
    assert_eq!(shape, [1, 12, 2]);
    // As of masks: a triangle of zeros and minus infinity.
    let (_, found) = run(&[2, 2], &[1.0, 2.0, 3.0, 4.0], |b, x| {
        let [zero, two, one] = [0, 2, 1].map(|k| Constant::i64(&[], [k]).unwrap());
        let [zero, two, one] = [b.constant(zero)?, b.constant(two)?, b.constant(one)?];
        let columns = b.range(zero, two, one)?;
        let rows = b.unsqueeze(columns, &[1])?;
        let above = b.compare(Comparison::Greater, columns, rows)?;
        let none = b.number(0.0)?;
        let masked = b.number(f32::NEG_INFINITY)?;
        let mask = b.select(above, masked, none)?;
        let x = b.binary(Binary::Add, x, mask)?;
        b.softmax(x, -1)
    });
    near(&found, &[1.0, 0.0, 0.268_941_421, 0.731_058_579]);
}
