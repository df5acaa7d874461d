//! Functions of one number, their derivatives and mean slopes, against double precision.

use violet_kernel_cpu::{Function, Gating, has_slopes, map, map_gradient, map_with_slopes};

const POINTS: [f32; 14] = [
    -9.0, -3.5, -1.5, -1.0, -0.4, -0.01, 0.0, 0.003, 0.3, 0.9, 1.4, 2.0, 5.0, 40.0,
];

const HARD_SWISH: Gating = Gating::HardSigmoid(1.0 / 6.0, 0.5);

fn of(function: Function, x: f32) -> f64 {
    map(&[x], function)[0].into()
}

#[test]
fn values_are_those_of_double_precision() {
    let sigmoid = |x: f64| 1.0 / (1.0 + (-x).exp());
    let pairs: [(Function, &dyn Fn(f64) -> f64); 6] = [
        (Function::Exp, &f64::exp),
        (Function::Tanh, &f64::tanh),
        (Function::Sigmoid, &sigmoid),
        (Function::Softplus, &|x| {
            x.max(0.0) + (-x.abs()).exp().ln_1p()
        }),
        (Function::Elu(0.7), &|x| {
            if x > 0.0 { x } else { 0.7 * x.exp_m1() }
        }),
        (Function::HardSigmoid(0.2, 0.5), &|x| {
            (0.2 * x + 0.5).clamp(0.0, 1.0)
        }),
    ];
    for (function, exact) in pairs {
        for x in POINTS {
            let (found, expected) = (of(function, x), exact(x.into()));
            let bound = 3e-7 * expected.abs() + 1e-7 * f64::from(x.abs() < 1.0);
            assert!(
                (found - expected).abs() <= bound,
                "{function:?}({x}): {found}"
            );
        }
    }
}

#[test]
fn the_error_function_is_that_of_the_tables() {
    // Abramowitz and Stegun, table 7.1, and Φ from table 26.1.
    let table = [
        (0.1, 0.112_462_916),
        (0.5, 0.520_499_878),
        (1.0, 0.842_700_793),
        (1.5, 0.966_105_146),
        (2.0, 0.995_322_265),
        (3.0, 0.999_977_910),
    ];
    for (x, expected) in table {
        assert!((of(Function::Erf, x) - expected).abs() < 1.5e-7, "erf({x})");
        assert!(
            (of(Function::Erf, -x) + expected).abs() < 1.5e-7,
            "erf({})",
            -x
        );
    }
    for (x, expected) in [
        (-1.0, 0.158_655_254),
        (-3.0, 1.349_898e-3),
        (-5.0, 2.866_516e-7),
    ] {
        let found = of(Function::NormalCdf, x);
        assert!((found / expected - 1.0).abs() < 3e-6, "Φ({x}) = {found}");
    }
}

/// At a point there is another formula than between two: both are the derivative.
#[test]
fn derivatives_are_mean_slopes_of_no_step() {
    for function in [
        Function::Sigmoid,
        Function::Tanh,
        Function::Exp,
        Function::Erf,
        Function::NormalCdf,
        Function::NormalCdfTanh,
        Function::Softplus,
        Function::Clamp(-1.0, 1.5),
        Function::Gated(Gating::Sigmoid),
        Function::Gated(HARD_SWISH),
        Function::Gated(Gating::NormalCdf),
        Function::Gated(Gating::NormalCdfTanh),
    ] {
        for x in POINTS {
            let (mut at, mut between) = ([1.0], [1.0]);
            let point = [x];
            map_gradient(&mut at, [&point, &point], function);
            map_gradient(&mut between, [&[x], &[x].clone()], function);
            let bound = 2e-6 * between[0].abs() + 1e-9;
            assert!(
                (at[0] - between[0]).abs() <= bound,
                "{function:?} at {x}: {at:?}, {between:?}"
            );
        }
    }
}

/// Functions of all numbers, and of positive ones.
const EVERYWHERE: [Function; 21] = [
    Function::Clamp(-1.0, 1.5),
    Function::LeakyRelu(0.1),
    Function::Elu(1.3),
    Function::Sigmoid,
    Function::HardSigmoid(0.2, 0.5),
    Function::Tanh,
    Function::Exp,
    Function::Power(3.0),
    Function::Abs,
    Function::Neg,
    Function::Erf,
    Function::NormalCdf,
    Function::NormalCdfTanh,
    Function::Softplus,
    Function::Softsign,
    Function::Sin,
    Function::Cos,
    Function::Gated(Gating::Sigmoid),
    Function::Gated(HARD_SWISH),
    Function::Gated(Gating::NormalCdf),
    Function::Gated(Gating::NormalCdfTanh),
];
const OF_POSITIVE: [Function; 5] = [
    Function::Log,
    Function::Sqrt,
    Function::Reciprocal,
    Function::Power(0.7),
    Function::Power(-2.0),
];

/// Each function with points where it is defined.
fn functions() -> impl Iterator<Item = (Function, Vec<f32>)> {
    let all = EVERYWHERE.map(|f| (f, f32::NEG_INFINITY)).into_iter();
    all.chain(OF_POSITIVE.map(|f| (f, 0.0)))
        .map(|(function, least)| {
            let points = POINTS.iter().copied();
            (
                function,
                points.filter(|&x| x > least && x < 10.0).collect(),
            )
        })
}

/// What a secant is for: the product of mean slope and step is the change.
#[test]
fn mean_slopes_times_steps_are_changes() {
    for (function, points) in functions() {
        let pairs = points
            .iter()
            .flat_map(|&a| points.iter().map(move |&b| (a, b)));
        for (a, b) in pairs {
            let mut slope = [1.0];
            map_gradient(&mut slope, [&[a], &[b]], function);
            let (from, to) = (of(function, a), of(function, b));
            let found = f64::from(slope[0]) * (f64::from(b) - f64::from(a));
            let bound = 3e-6 * (from.abs() + to.abs()) + 1e-7;
            assert!(
                (found - (to - from)).abs() <= bound,
                "{function:?}, {a} to {b}: {found}"
            );
        }
    }
}

/// Φ(−x) for x ≥ 0, by its continued fraction and, where that is slow, by its series (Abramowitz
/// and Stegun, 26.2.14 and 26.2.11).
fn tail(x: f64) -> f64 {
    let density = (-x * x / 2.0).exp() / (2.0 * std::f64::consts::PI).sqrt();
    if x > 2.0 {
        let fraction = (1..200).rev().fold(x, |rest, k| x + f64::from(k) / rest);
        return density / fraction;
    }
    let (mut term, mut sum) = (x, x);
    for k in 1..60 {
        term *= x * x / f64::from(2 * k + 1);
        sum += term;
    }
    0.5 - density * sum
}

#[test]
fn the_normal_distribution_keeps_its_digits_on_both_sides() {
    for k in 0..=1200 {
        let x = k as f32 / 100.0;
        let small = tail(x.into());
        let [low, high] = [-x, x].map(|x| of(Function::NormalCdf, x));
        // Of exp(−x²/2), x² is known to a part in 2²⁴.
        let bound = small * (5e-7 + 6e-8 * f64::from(x * x));
        assert!((low - small).abs() <= bound, "Φ({}) = {low}", -x);
        assert!((high - (1.0 - small)).abs() < 2e-7, "Φ({x}) = {high}");
    }
}

#[test]
fn values_and_slopes_made_together_are_those_made_apart() {
    for gating in [
        Gating::Sigmoid,
        HARD_SWISH,
        Gating::NormalCdf,
        Gating::NormalCdfTanh,
    ] {
        let function = Function::Gated(gating);
        assert!(has_slopes(function));
        let mut values = POINTS.to_vec();
        let slopes = map_with_slopes(&mut values, function);
        let mut expected = vec![1.0; POINTS.len()];
        map_gradient(&mut expected, [&POINTS, &POINTS], function);
        let pairs = values.iter().zip(map(&POINTS, function));
        for (found, expected) in pairs.chain(slopes.iter().zip(expected)) {
            assert!(
                (found - expected).abs() <= 1e-6 * expected.abs() + 1e-9,
                "{function:?}: {found}, {expected}"
            );
        }
    }
    assert!(!has_slopes(Function::Exp));
}

/// Steps of a few units in the last place have slopes too: those of their ends, or between them at
/// a kink. Networks whose answer hardly moves are made of such steps, and values' differences would
/// be rounding.
#[test]
fn mean_slopes_of_the_shortest_steps_are_derivatives() {
    for (function, points) in functions() {
        for a in points {
            for ulps in [1, 2, 7, 100, 5000] {
                let b = f32::from_bits(a.to_bits() + ulps);
                let slope = |from: f32, to: f32| {
                    let mut slope = [1.0];
                    map_gradient(&mut slope, [&[from], &[to]], function);
                    slope[0]
                };
                let (found, ends) = (slope(a, b), [slope(a, a), slope(b, b)]);
                let [low, high] = [ends[0].min(ends[1]), ends[0].max(ends[1])];
                let bound = 1e-5 * low.abs().max(high.abs()) + 1e-7;
                assert!(
                    found >= low - bound && found <= high + bound,
                    "{function:?}, {ulps} units from {a}: {found}, not {ends:?}"
                );
            }
        }
    }
}
