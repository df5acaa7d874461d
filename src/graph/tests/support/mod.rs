//! What tests of graphs share: random numbers, a graph for every operation, and graphs of any.
#![allow(dead_code, reason = "each test takes some of it")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

pub(crate) mod any;
mod blocks;

use violet_graph::*;

/// Numbers that are as good as random, and the same on every machine (PCG XSH RR 32,
/// O'Neill 2014); or those that somebody gives.
pub(crate) struct Random {
    state: u64,
    given: Vec<u8>,
}

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        let mut random = Self {
            state: seed.wrapping_add(0x9e37_79b9),
            given: Vec::new(),
        };
        random.below(2);
        random
    }

    /// A byte for each choice; where they end, as [`new`](Self::new).
    pub(crate) fn of(bytes: &[u8]) -> Self {
        Self {
            given: bytes.iter().rev().copied().collect(),
            ..Self::new(0)
        }
    }

    fn next(&mut self) -> u32 {
        if let Some(byte) = self.given.pop() {
            // Spread over the whole range, for what is between two numbers.
            return u32::from(byte) * 0x0101_0101;
        }
        let state = self.state;
        self.state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let mixed = (((state >> 18) ^ state) >> 27) as u32;
        mixed.rotate_right((state >> 59) as u32)
    }

    /// From 0 to below `end`.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.next() as usize % end
    }

    /// From `low` to `high`.
    pub(crate) fn between(&mut self, low: f64, high: f64) -> f64 {
        low + f64::from(self.next()) / 4_294_967_296.0 * (high - low)
    }

    pub(crate) fn values(&mut self, count: usize, [low, high]: [f64; 2]) -> Vec<f64> {
        (0..count).map(|_| self.between(low, high)).collect()
    }

    /// Multiples of 1/8 below 2 in size, of which sums and products are exact in f32.
    pub(crate) fn eighths(&mut self, shape: &[usize]) -> Constant {
        let count = shape.iter().product();
        let values: Vec<f32> = (0..count)
            .map(|_| self.below(31) as f32 / 8.0 - 1.875)
            .collect();
        Constant::f32(shape, values).unwrap()
    }

    /// Powers of two from ¼ to 4, of either sign.
    pub(crate) fn powers(&mut self, shape: &[usize]) -> Constant {
        let count = shape.iter().product();
        let power = |random: &mut Self| [0.25, 0.5, 1.0, 2.0, -0.5, -1.0][random.below(6)];
        let values: Vec<f32> = (0..count).map(|_| power(self)).collect();
        Constant::f32(shape, values).unwrap()
    }
}

/// A graph, and the range of inputs for which it is meant.
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) graph: Graph,
    pub(crate) range: [f64; 2],
}

/// A graph of one output that a few lines build.
pub(crate) fn graph(
    input: &[usize],
    build: impl FnOnce(&mut Builder, ValueId) -> ValueId,
) -> Graph {
    let mut b = Builder::new(input).unwrap();
    let x = b.input();
    let y = build(&mut b, x);
    b.output("y", y);
    b.finish().unwrap()
}

const WIDE: [f64; 2] = [-3.0, 3.0];
const POSITIVE: [f64; 2] = [0.2, 3.0];

/// A graph for each operation, with the attributes that matter.
pub(crate) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    unary(&mut cases);
    spatial(&mut cases);
    several(&mut cases);
    reductions(&mut cases);
    layouts(&mut cases);
    blocks::blocks(&mut cases);
    cases
}

fn add(
    cases: &mut Vec<Case>,
    name: &str,
    input: &[usize],
    range: [f64; 2],
    build: impl FnOnce(&mut Builder, ValueId) -> Result<ValueId>,
) {
    let graph = graph(input, |b, x| build(b, x).unwrap());
    let name = name.into();
    cases.push(Case { name, graph, range });
}

fn unary(cases: &mut Vec<Case>) {
    let clip = |min, max| Unary::Clip(Clamp { min, max });
    let everywhere = [
        Unary::RELU,
        clip(0.0, 6.0),
        clip(-1.0, 0.5),
        Unary::LeakyRelu { slope: 0.1 },
        Unary::Elu { alpha: 1.5 },
        Unary::Sigmoid,
        Unary::HardSigmoid {
            slope: 0.2,
            offset: 0.5,
        },
        Unary::Tanh,
        Unary::Exp,
        Unary::Power { exponent: 2.0 },
        Unary::Power { exponent: 3.0 },
        Unary::Power { exponent: 0.0 },
        Unary::Abs,
        Unary::Neg,
        Unary::Erf,
        Unary::NormalCdf,
        Unary::NormalCdfTanh,
        Unary::Softplus,
        Unary::Softsign,
        Unary::Sin,
        Unary::Cos,
        Unary::Gated(Gating::Sigmoid),
        Unary::Gated(Gating::HardSigmoid {
            slope: 1.0 / 6.0,
            offset: 0.5,
        }),
        Unary::Gated(Gating::NormalCdf),
        Unary::Gated(Gating::NormalCdfTanh),
    ];
    let positive = [
        Unary::Log,
        Unary::Sqrt,
        Unary::Reciprocal,
        Unary::Power { exponent: 0.75 },
        Unary::Power { exponent: 0.5 },
        Unary::Power { exponent: -2.0 },
        Unary::Power { exponent: -0.5 },
    ];
    let ranged = everywhere.map(|unary| (unary, WIDE));
    for (unary, range) in ranged
        .into_iter()
        .chain(positive.map(|unary| (unary, POSITIVE)))
    {
        add(cases, &format!("{unary:?}"), &[12], range, |b, x| {
            b.unary(unary, x)
        });
    }
    type Made = fn(&mut Builder, ValueId) -> Result<ValueId>;
    let made: [(&str, Made); 8] = [
        ("SiLU", |b, x| b.silu(x)),
        ("HardSwish", |b, x| b.hard_swish(x)),
        ("GELU", |b, x| b.gelu(x, false)),
        ("GELU by tanh", |b, x| b.gelu(x, true)),
        ("Swish", |b, x| b.swish(x, 1.702)),
        ("Mish", |b, x| b.mish(x)),
        ("SELU", |b, x| b.selu(x, 1.6733, 1.0507)),
        ("CELU", |b, x| b.celu(x, 1.3)),
    ];
    for (name, build) in made {
        add(cases, name, &[12], WIDE, build);
    }
    add(cases, "PRelu", &[3, 2, 2], WIDE, |b, x| {
        let slope = b.constant(Constant::f32(&[3, 1, 1], [0.1, -0.3, 0.5])?)?;
        b.prelu(x, slope)
    });
    add(cases, "Power of two", &[5], WIDE, |b, x| {
        let two = b.number(2.0)?;
        b.power(two, x)
    });
}

fn spatial(cases: &mut Vec<Case>) {
    let explicit = |before, after| Padding::Explicit { before, after };
    let plain = Sliding::default();
    let uneven = Sliding {
        stride: [2, 1],
        dilation: [1, 2],
        padding: explicit([1, 3], [0, 2]),
        ceil: false,
    };
    let convolutions = [
        ("pointwise", [4, 3, 1, 1], plain, 1),
        (
            "strided pointwise",
            [4, 3, 1, 1],
            Sliding {
                stride: [2; 2],
                ..plain
            },
            1,
        ),
        ("rectangle", [2, 3, 2, 3], uneven, 1),
        (
            "same",
            [2, 3, 3, 3],
            Sliding {
                stride: [2; 2],
                padding: Padding::SameUpper,
                ..plain
            },
            1,
        ),
        (
            "same lower",
            [2, 3, 4, 2],
            Sliding {
                padding: Padding::SameLower,
                ..plain
            },
            1,
        ),
        (
            "depthwise",
            [6, 1, 3, 3],
            Sliding {
                padding: explicit([1; 2], [1; 2]),
                ..plain
            },
            3,
        ),
        (
            "padded beyond",
            [2, 3, 1, 1],
            Sliding {
                padding: explicit([1; 2], [2; 2]),
                ..plain
            },
            1,
        ),
    ];
    for (name, weight, sliding, groups) in convolutions {
        add(
            cases,
            &format!("Convolution, {name}"),
            &[3, 5, 6],
            WIDE,
            |b, x| {
                let mut random = Random::new(weight[0] as u64);
                let bias = b.constant(random.eighths(&weight[..1]))?;
                let weight = b.constant(random.eighths(&weight))?;
                b.convolution(x, weight, Some(bias), &sliding, groups)
            },
        );
    }
    add(
        cases,
        "Convolution of two images in groups",
        &[2, 4, 4, 3],
        WIDE,
        |b, x| {
            let weight = b.constant(Random::new(1).eighths(&[6, 2, 3, 3]))?;
            b.convolution(x, weight, None, &Sliding::default(), 2)
        },
    );
    add(cases, "Convolution of lines", &[1, 3, 7], WIDE, |b, x| {
        let weight = b.constant(Random::new(1).eighths(&[2, 3, 3]))?;
        let stride = [1, 2];
        b.convolution(
            x,
            weight,
            None,
            &Sliding {
                stride,
                ..Sliding::default()
            },
            1,
        )
    });
    add(
        cases,
        "Convolution with taps in the padding alone",
        &[1, 4, 1],
        WIDE,
        |b, x| {
            let weight = b.constant(Random::new(1).eighths(&[2, 1, 1, 3]))?;
            let padding = explicit([0, 1], [0, 1]);
            b.convolution(x, weight, None, &Sliding { padding, ..plain }, 1)
        },
    );
    let transposed = [
        (
            "plain",
            [3, 2, 2, 2],
            Sliding {
                stride: [2; 2],
                ..plain
            },
            1,
            [0; 2],
        ),
        (
            "uneven",
            [3, 2, 3, 2],
            Sliding {
                padding: explicit([1, 0], [1, 1]),
                stride: [2, 3],
                dilation: [1, 2],
                ..plain
            },
            1,
            [1, 0],
        ),
        (
            "in groups",
            [3, 2, 3, 3],
            Sliding {
                padding: Padding::SameUpper,
                ..plain
            },
            3,
            [0; 2],
        ),
    ];
    for (name, weight, sliding, groups, output_padding) in transposed {
        add(
            cases,
            &format!("ConvolutionTranspose, {name}"),
            &[3, 4, 3],
            WIDE,
            |b, x| {
                let mut random = Random::new(weight[3] as u64);
                let bias = b.constant(random.eighths(&[weight[1] * groups]))?;
                let weight = b.constant(random.eighths(&weight))?;
                b.convolution_transpose(
                    x,
                    weight,
                    Some(bias),
                    &sliding,
                    groups,
                    output_padding,
                    None,
                )
            },
        );
    }
    let padded = Sliding {
        stride: [2; 2],
        padding: explicit([1; 2], [1; 2]),
        ..plain
    };
    let pools = [
        ("plain", plain),
        ("padded", padded),
        (
            "ceil",
            Sliding {
                ceil: true,
                padding: Padding::Valid,
                ..padded
            },
        ),
        (
            "dilated",
            Sliding {
                dilation: [2, 1],
                ..plain
            },
        ),
        (
            "ceil and padded",
            Sliding {
                ceil: true,
                stride: [3, 2],
                ..padded
            },
        ),
    ];
    for (name, sliding) in pools {
        add(
            cases,
            &format!("MaxPool, {name}"),
            &[2, 5, 6],
            WIDE,
            |b, x| b.max_pool(x, [2, 3], &sliding),
        );
        for counted in [false, true] {
            let name = format!("AveragePool, {name}, padding counted: {counted}");
            add(cases, &name, &[2, 5, 6], WIDE, |b, x| {
                b.average_pool(x, [2, 3], &sliding, counted)
            });
        }
    }
    add(cases, "LpPool", &[2, 5, 6], POSITIVE, |b, x| {
        b.lp_pool(x, [2, 2], &plain, 2)
    });
    add(cases, "global", &[1, 2, 4, 4], WIDE, |b, x| {
        b.global_pool(Reduction::Mean, x)
    });
}

fn several(cases: &mut Vec<Case>) {
    let all = [
        (Binary::Add, WIDE),
        (Binary::Sub, WIDE),
        (Binary::Mul, WIDE),
        (Binary::Div, POSITIVE),
        (Binary::Max, WIDE),
        (Binary::Min, WIDE),
    ];
    for (binary, range) in all {
        // Two halves of the input, one of which is broadcast.
        add(cases, &format!("{binary:?}"), &[9], range, |b, x| {
            let pieces = b.split(x, 0, &[6, 3])?;
            let whole = b.reshape(pieces[0], &[2, 3])?;
            b.binary(binary, whole, pieces[1])
        });
        add(
            cases,
            &format!("{binary:?} of a constant"),
            &[4],
            range,
            |b, x| {
                let two = b.number(2.0)?;
                b.binary(binary, x, two)
            },
        );
        add(
            cases,
            &format!("a constant's {binary:?}"),
            &[4],
            range,
            |b, x| {
                let list = b.constant(Constant::f32(&[2, 1], [2.0, -1.0])?)?;
                b.binary(binary, list, x)
            },
        );
    }
    add(cases, "MatMul", &[2, 3, 4], WIDE, |b, x| {
        let other = b.transpose(x, &[0, 2, 1])?;
        b.matmul(x, other)
    });
    add(cases, "MatMul, broadcast", &[20], WIDE, |b, x| {
        let pieces = b.split(x, 0, &[12, 8])?;
        let a = b.reshape(pieces[0], &[2, 1, 3, 2])?;
        let c = b.reshape(pieces[1], &[2, 2, 2])?;
        b.matmul(a, c)
    });
    add(cases, "MatMul of a constant", &[4, 2], WIDE, |b, x| {
        let a = b.constant(Random::new(1).eighths(&[3, 4]))?;
        b.matmul(a, x)
    });
    add(cases, "Linear", &[2, 5], WIDE, |b, x| {
        let mut random = Random::new(1);
        let bias = b.constant(random.eighths(&[3]))?;
        let weight = b.constant(random.eighths(&[3, 5]))?;
        b.linear(x, weight, Some(bias))
    });
    add(cases, "Gemm", &[5, 2], WIDE, |b, x| {
        let mut random = Random::new(1);
        let c = b.constant(random.eighths(&[3]))?;
        let weight = b.constant(random.eighths(&[5, 3]))?;
        b.gemm([x, weight], Some(c), [0.5, 2.0], [true, false])
    });
    add(cases, "Where", &[4], WIDE, |b, x| {
        let condition = Constant::new(&[4], Data::Bool([true, false, true, false].into()))?;
        let condition = b.constant(condition)?;
        let other = b.unary(Unary::Tanh, x)?;
        b.select(condition, x, other)
    });
}

fn reductions(cases: &mut Vec<Case>) {
    let all = [
        Reduction::Sum,
        Reduction::Mean,
        Reduction::Max,
        Reduction::L2,
        Reduction::LogSumExp,
    ];
    for reduction in all {
        for axes in [&[1][..], &[0, 2], &[]] {
            add(
                cases,
                &format!("{reduction:?} {axes:?}"),
                &[2, 3, 4],
                WIDE,
                |b, x| b.reduce(reduction, x, axes, false),
            );
        }
    }
    add(cases, "Min", &[2, 3], WIDE, |b, x| {
        b.reduce_min(x, &[-1], true)
    });
    add(cases, "Softmax", &[3, 5], WIDE, |b, x| b.softmax(x, -1));
    add(cases, "Softmax, first axis", &[4, 2], WIDE, |b, x| {
        b.softmax(x, 0)
    });
    add(cases, "Softmax, old", &[2, 2, 3], WIDE, |b, x| {
        b.softmax_from(x, 1, false)
    });
    add(cases, "LogSoftmax", &[3, 5], WIDE, |b, x| {
        b.log_softmax(x, 1)
    });
    add(cases, "LayerNorm", &[3, 8], WIDE, |b, x| {
        let mut random = Random::new(1);
        let scale = b.constant(random.eighths(&[8]))?;
        let bias = b.constant(random.eighths(&[8]))?;
        b.layer_norm(x, -1, Some(scale), Some(bias), 1e-5)
    });
    add(cases, "GroupNorm", &[1, 4, 3, 2], WIDE, |b, x| {
        let scale = b.constant(Random::new(1).eighths(&[4]))?;
        b.group_norm(x, 1, 2, Some(scale), None, 1e-5)
    });
    add(cases, "Normalise", &[3, 2, 4], WIDE, |b, x| {
        b.normalise(x, &[0, 2], 1e-3)
    });
    add(cases, "LRN", &[1, 5, 2, 2], WIDE, |b, x| {
        b.local_response_norm(x, 1, 3, [0.5, 0.75, 1.0])
    });
    add(cases, "BatchNorm", &[1, 3, 2, 2], WIDE, |b, x| {
        let mut random = Random::new(1);
        let mut list = || b.constant(random.eighths(&[3]));
        let [scale, bias, mean] = [list()?, list()?, list()?];
        let variance = b.constant(Constant::f32(&[3], [0.5, 1.0, 2.0])?)?;
        b.batch_norm(x, 1, Some(scale), Some(bias), mean, variance, 1e-3)
    });
}

fn layouts(cases: &mut Vec<Case>) {
    add(cases, "Reshape", &[2, 3, 4], WIDE, |b, x| {
        b.reshape(x, &[0, -1, 2])
    });
    add(cases, "Transpose", &[2, 3, 4], WIDE, |b, x| {
        b.transpose(x, &[2, 0, 1])
    });
    add(cases, "Concat", &[2, 3], WIDE, |b, x| {
        let y = b.unary(Unary::Tanh, x)?;
        let constant = b.constant(Constant::f32(&[2, 1], [1.0, 2.0])?)?;
        b.concat(&[x, constant, y, x], 1)
    });
    add(cases, "Slice", &[5, 6], WIDE, |b, x| {
        b.slice(x, &[-1, 1], &[-10, 5], &[0, 1], &[-2, 3])
    });
    add(cases, "Gather", &[2, 5], WIDE, |b, x| {
        b.gather(x, 1, &[4, 0, 0, -2], &[2, 2])
    });
    add(cases, "Expand", &[3, 1], WIDE, |b, x| {
        b.expand(x, &[2, 1, 4])
    });
    add(cases, "Tile", &[2, 3], WIDE, |b, x| b.tile(x, &[2, 3]));
    let modes = [
        PadMode::Constant(1.5),
        PadMode::Reflect,
        PadMode::Symmetric,
        PadMode::Edge,
        PadMode::Wrap,
    ];
    for mode in modes {
        add(cases, &format!("Pad {mode:?}"), &[3, 4], WIDE, |b, x| {
            b.pad(x, &[1, -1], &[2, 2], mode)
        });
    }
    add(cases, "DepthToSpace", &[1, 8, 2, 3], WIDE, |b, x| {
        b.depth_to_space(x, 2, DepthOrder::ChannelsFirst)
    });
    add(cases, "SpaceToDepth", &[1, 2, 4, 6], WIDE, |b, x| {
        b.space_to_depth(x, 2)
    });
    let cubic = Interpolation::Cubic { a: -0.75 };
    let nearest = Interpolation::Nearest(Rounding::PreferFloor);
    for interpolation in [nearest, Interpolation::Linear, cubic] {
        for (antialias, sizes) in [(false, [7, 3]), (true, [3, 9])] {
            let name = format!("Resize {interpolation:?} {sizes:?}");
            add(cases, &name, &[2, 4, 5], WIDE, |b, x| {
                let resize = Resize {
                    antialias,
                    ..Resize::new(interpolation, Coordinates::HalfPixel)
                };
                b.resize(x, &[-2, -1], Extent::Sizes(&sizes), &resize)
            });
        }
    }
}

pub(crate) fn names(graph: &Graph) -> Vec<&'static str> {
    graph
        .nodes()
        .iter()
        .map(|node| node.operation().name())
        .collect()
}

/// By how much two graphs differ on random inputs, relative to their outputs.
pub(crate) fn difference(a: &Graph, b: &Graph, range: [f64; 2]) -> f64 {
    let random = &mut Random::new(7);
    let count: usize = a.shape(a.input()).iter().product();
    let mut largest = 0.0_f64;
    for _ in 0..3 {
        let x = random.values(count, range);
        let [a, b] = [a, b].map(|graph| Reference::new(graph).outputs(&x).unwrap());
        assert_eq!(a.len(), b.len());
        for (a, b) in a.iter().flatten().zip(b.iter().flatten()) {
            largest = largest.max((a - b).abs() / a.abs().max(1.0));
        }
    }
    largest
}

/// Applies a pass and finds these operations left; the function is the same to 1e-10.
pub(crate) fn becomes(pass: &str, graph: &Graph, expected: &[&str]) -> Graph {
    let after = graph.clone().after(pass).unwrap();
    assert_eq!(names(&after), expected, "{pass} of {:?}", names(graph));
    let difference = difference(graph, &after, [-3.0, 3.0]);
    assert!(
        difference < 1e-10,
        "{pass} of {:?}: {difference}",
        names(graph)
    );
    after
}

pub(crate) fn list(b: &mut Builder, shape: &[usize], values: &[f32]) -> ValueId {
    b.constant(Constant::f32(shape, values.to_vec()).unwrap())
        .unwrap()
}
