//! Blocks of mobile networks, several of whose layers an engine may run in one go.

use violet_graph::{Builder, Padding, Reduction, Result, Sliding, Unary, ValueId};

use super::{Case, Random, WIDE, add};

type Function = fn(&mut Builder, ValueId) -> Result<ValueId>;

/// `k`×`k` filters of that scale to some channels: 1×1 over all channels, others over each by itself.
fn filters(
    b: &mut Builder,
    x: ValueId,
    (channels, k, stride): (usize, usize, usize),
    scale: f32,
) -> Result<ValueId> {
    let given = b.shape(x)[0];
    let (groups, each) = if k == 1 { (1, given) } else { (given, 1) };
    let mut random = Random::new((channels + k) as u64);
    let bias = b.constant(random.eighths(&[channels]))?;
    let weight = random.eighths(&[channels, each, k, k]);
    let weight = b.constant(weight)?;
    let scale = b.number(scale)?;
    let weight = b.binary(violet_graph::Binary::Mul, weight, scale)?;
    let around = [k / 2; 2];
    let sliding = Sliding {
        stride: [stride; 2],
        padding: Padding::Explicit {
            before: around,
            after: around,
        },
        ..Sliding::default()
    };
    b.convolution(x, weight, Some(bias), &sliding, groups)
}

/// A value times a gate of each channel.
fn gated(b: &mut Builder, x: ValueId, gate: Unary, within: Function) -> Result<ValueId> {
    let channels = b.shape(x)[0];
    let means = b.global_pool(Reduction::Mean, x)?;
    let hidden = filters(b, means, (2, 1, 1), 1.0)?;
    let hidden = within(b, hidden)?;
    let sums = filters(b, hidden, (channels, 1, 1), 1.0)?;
    let gates = b.unary(gate, sums)?;
    b.binary(violet_graph::Binary::Mul, x, gates)
}

pub(super) fn blocks(cases: &mut Vec<Case>) {
    let hard = Unary::HardSigmoid {
        slope: 1.0 / 6.0,
        offset: 0.5,
    };
    let functions: [(&str, Function, Unary); 3] = [
        ("ReLU", Builder::relu, hard),
        ("SiLU", Builder::silu, Unary::Sigmoid),
        ("hard-swish", Builder::hard_swish, hard),
    ];
    for (name, function, gate) in functions {
        for gates in [false, true] {
            let name = format!("Mobile blocks, {name}, gates: {gates}");
            add(cases, &name, &[3, 7, 6], WIDE, |b, x| {
                // The first without expanding, the second smaller, the third with a residual.
                let mut x = x;
                for (k, stride, channels) in [(3, 1, 4), (3, 2, 4), (5, 1, 4)] {
                    let mut y = x;
                    if b.shape(x)[0] > 3 {
                        y = filters(b, y, (18, 1, 1), 0.25)?;
                        y = function(b, y)?;
                    }
                    let middle = b.shape(y)[0];
                    y = filters(b, y, (middle, k, stride), 0.25)?;
                    y = function(b, y)?;
                    if gates {
                        y = gated(b, y, gate, Builder::relu)?;
                    }
                    y = filters(b, y, (channels, 1, 1), 0.25)?;
                    if b.shape(y) == b.shape(x) {
                        y = b.binary(violet_graph::Binary::Add, y, x)?;
                    }
                    x = y;
                }
                Ok(x)
            });
        }
    }
    add(
        cases,
        "1×1 and depthwise filters in turn",
        &[3, 7, 6],
        WIDE,
        |b, x| {
            let mut x = x;
            for (channels, stride) in [(5, 1), (6, 2), (4, 1)] {
                let given = b.shape(x)[0];
                x = filters(b, x, (given, 3, stride), 0.25)?;
                x = b.relu(x)?;
                x = filters(b, x, (channels, 1, 1), 0.25)?;
                x = b.relu(x)?;
            }
            Ok(x)
        },
    );
    add(
        cases,
        "What is gated is taken elsewhere too",
        &[4, 5, 5],
        WIDE,
        |b, x| {
            let x = filters(b, x, (4, 3, 1), 0.25)?;
            let x = b.silu(x)?;
            let y = gated(b, x, Unary::Sigmoid, Builder::silu)?;
            let y = filters(b, y, (4, 1, 1), 0.25)?;
            b.binary(violet_graph::Binary::Add, y, x)
        },
    );
}
