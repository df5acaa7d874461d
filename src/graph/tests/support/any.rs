//! Graphs of any operations with any attributes, hostile ones now and then.

use violet_graph::*;

use super::Random;

/// A number that is small as a rule, and hostile now and then.
fn number(random: &mut Random) -> i64 {
    match random.below(40) {
        0 => i64::MAX,
        1 => i64::MIN,
        2 => 1 << 40,
        3 => -1 << 31,
        _ => random.below(7) as i64 - 2,
    }
}

fn numbers(random: &mut Random) -> Vec<i64> {
    (0..random.below(5)).map(|_| number(random)).collect()
}

fn size(random: &mut Random) -> usize {
    match random.below(40) {
        0 => usize::MAX,
        1 => 1 << 31,
        2 => 0,
        _ => 1 + random.below(3),
    }
}

fn pair(random: &mut Random) -> [usize; 2] {
    [size(random), size(random)]
}

fn sliding(random: &mut Random) -> Sliding {
    let nothing = |random: &mut Random| [random.below(3), random.below(3)];
    let padding = match random.below(5) {
        0 => Padding::SameUpper,
        1 => Padding::SameLower,
        2 => Padding::Valid,
        3 => Padding::Explicit {
            before: pair(random),
            after: pair(random),
        },
        _ => Padding::Explicit {
            before: nothing(random),
            after: nothing(random),
        },
    };
    let plain = random.below(2) == 0;
    Sliding {
        stride: if plain { [1; 2] } else { pair(random) },
        dilation: if plain { [1; 2] } else { pair(random) },
        padding,
        ceil: random.below(3) == 0,
    }
}

/// A constant that fits x as a rule.
fn constant(b: &mut Builder, x: ValueId, random: &mut Random) -> Result<ValueId> {
    let mut shape: Vec<usize> = b.shape(x).to_vec();
    for length in &mut shape {
        match random.below(6) {
            0 | 1 => *length = 1,
            2 => *length = 1 + random.below(3),
            _ => {}
        }
    }
    if random.below(3) == 0 {
        shape.drain(..random.below(shape.len() + 1));
    }
    let constant = random.eighths(&shape);
    b.constant(constant)
}

fn function(random: &mut Random) -> Unary {
    let slope = random.between(-1.0, 1.0) as f32;
    let all = [
        Unary::RELU,
        Unary::Clip(Clamp {
            min: slope,
            max: 1.0,
        }),
        Unary::LeakyRelu { slope },
        Unary::Elu { alpha: slope },
        Unary::Sigmoid,
        Unary::HardSigmoid { slope, offset: 0.5 },
        Unary::Tanh,
        Unary::Exp,
        Unary::Log,
        Unary::Sqrt,
        Unary::Reciprocal,
        Unary::Power { exponent: 2.0 },
        Unary::Power { exponent: slope },
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
        Unary::Gated(Gating::HardSigmoid { slope, offset: 0.5 }),
        Unary::Gated(Gating::NormalCdf),
        Unary::Gated(Gating::NormalCdfTanh),
    ];
    all[random.below(all.len())]
}

/// Any operation on any of the values.
fn step(b: &mut Builder, values: &[ValueId], random: &mut Random) -> Result<Vec<ValueId>> {
    let x = values[values.len() - 1 - random.below(values.len().min(3))];
    let y = values[random.below(values.len())];
    let channels = b.shape(x).iter().rev().nth(2).copied().unwrap_or(1);
    let last = b.shape(x).last().copied().unwrap_or(1);
    let made = match random.below(30) {
        0 | 1 => b.unary(function(random), x),
        2 => {
            let binary = [Binary::Add, Binary::Sub, Binary::Mul, Binary::Div];
            let binary = binary[random.below(4)];
            b.binary(binary, x, y)
        }
        3 => {
            let constant = constant(b, x, random)?;
            let both = if random.below(2) == 0 {
                [x, constant]
            } else {
                [constant, x]
            };
            let binary = [Binary::Add, Binary::Mul, Binary::Max, Binary::Min];
            b.binary(binary[random.below(4)], both[0], both[1])
        }
        4..=6 => {
            let groups = if random.below(3) == 0 {
                size(random)
            } else {
                1
            };
            let made = 1 + random.below(4);
            let shape = [made * groups.min(3), channels / groups.clamp(1, 9), 1, 1];
            let kernel = [1 + random.below(3), 1 + random.below(3)];
            let shape = [shape[0], shape[1], kernel[0], kernel[1]];
            let weight = b.constant(random.eighths(&shape))?;
            if random.below(4) == 0 {
                let weight = b.transpose(weight, &[1, 0, 2, 3])?;
                let extra = [random.below(2), random.below(2)];
                let wanted = (random.below(4) == 0).then(|| pair(random));
                b.convolution_transpose(x, weight, None, &sliding(random), groups, extra, wanted)
            } else {
                b.convolution(x, weight, None, &sliding(random), groups)
            }
        }
        7 => {
            let outputs = 1 + random.below(4);
            let weight = b.constant(random.eighths(&[outputs, last]))?;
            b.linear(x, weight, None)
        }
        8 => b.matmul(x, y),
        9 => {
            let turned = b.transpose(x, &[])?;
            b.matmul(x, turned)
        }
        10 => b.max_pool(x, pair(random), &sliding(random)),
        11 => b.average_pool(x, pair(random), &sliding(random), random.below(2) == 0),
        12 => {
            let all = [
                Reduction::Sum,
                Reduction::Mean,
                Reduction::Max,
                Reduction::L2,
                Reduction::LogSumExp,
            ];
            b.reduce(
                all[random.below(5)],
                x,
                &numbers(random),
                random.below(2) == 0,
            )
        }
        13 => b.softmax(x, number(random)),
        14 => b.log_softmax(x, number(random)),
        15 => b.normalise(x, &[-1], 1e-3),
        16 => b.reshape(x, &numbers(random)),
        17 => b.reshape(x, &[-1, 2, last as i64]),
        18 => {
            let mut order: Vec<i64> = (0..b.shape(x).len() as i64).collect();
            for k in (1..order.len()).rev() {
                order.swap(k, random.below(k + 1));
            }
            b.transpose(x, &order)
        }
        19 => b.concat(&[x, y, x], number(random)),
        20 => {
            let lists = [0; 4].map(|_| numbers(random));
            b.slice(x, &lists[0], &lists[1], &lists[2], &lists[3])
        }
        21 => b.slice(
            x,
            &[number(random)],
            &[number(random)],
            &[-1],
            &[number(random)],
        ),
        22 => {
            let indices = numbers(random);
            let count = indices.len();
            b.gather(x, number(random), &indices, &[count])
        }
        23 => b.expand(x, &numbers(random)),
        24 => {
            let count = b.shape(x).len();
            let mut pads = || (0..count).map(|_| number(random)).collect::<Vec<_>>();
            let (before, after) = (pads(), pads());
            let mode = [
                PadMode::Constant(0.0),
                PadMode::Reflect,
                PadMode::Edge,
                PadMode::Wrap,
            ];
            b.pad(x, &before, &after, mode[random.below(4)])
        }
        25 => {
            let interpolation = [
                Interpolation::Nearest(Rounding::PreferFloor),
                Interpolation::Linear,
                Interpolation::Cubic { a: -0.5 },
            ];
            let coordinates = [
                Coordinates::HalfPixel,
                Coordinates::AlignCorners,
                Coordinates::Asymmetric,
                Coordinates::TensorflowHalfPixel,
            ];
            let resize = Resize {
                antialias: random.below(2) == 0,
                exclude_outside: random.below(2) == 0,
                ..Resize::new(interpolation[random.below(3)], coordinates[random.below(4)])
            };
            let sizes = [number(random), number(random)];
            b.resize(x, &[-1, -2], Extent::Sizes(&sizes), &resize)
        }
        26 => return b.split_evenly(x, number(random), size(random)),
        27 => b.squeeze(x, &numbers(random)),
        28 => b.unsqueeze(x, &numbers(random)),
        _ => b.group_norm(x, number(random), size(random), None, None, 1e-3),
    };
    made.map(|id| vec![id])
}

/// A graph of small values, if the steps make one.
pub(crate) fn graph(random: &mut Random) -> Option<Graph> {
    let input = [
        1,
        1 + random.below(4),
        1 + random.below(6),
        1 + random.below(6),
    ];
    let mut b = Builder::new(&input[random.below(2)..]).unwrap();
    let mut values = vec![b.input()];
    for k in 0..4 + random.below(12) {
        b.at(&format!("node {k}"));
        if let Ok(made) = step(&mut b, &values, random) {
            // Small values only, so that many graphs run.
            let small = |id: &ValueId| b.shape(*id).iter().product::<usize>() < 2000;
            values.extend(made.into_iter().filter(small));
        }
    }
    b.output("last", *values.last()?);
    b.output("middle", values[values.len() / 2]);
    b.finish().ok()
}
