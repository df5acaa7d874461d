//! Functions of one number, their derivatives and mean slopes, against double precision.

use violet_kernel_cpu::{Function, Gating, map, map_gradient};

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

/// What a secant is for: the product of mean slope and step is the change.
#[test]
fn mean_slopes_times_steps_are_changes() {
    let everywhere = [
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
    let positive = [
        Function::Log,
        Function::Sqrt,
        Function::Reciprocal,
        Function::Power(0.7),
        Function::Power(-2.0),
    ];
    let all = everywhere.iter().map(|&f| (f, f32::NEG_INFINITY));
    for (function, least) in all.chain(positive.iter().map(|&f| (f, 0.0))) {
        let points = POINTS.iter().copied().filter(|&x| x > least && x < 10.0);
        for (a, b) in points
            .clone()
            .flat_map(|a| points.clone().map(move |b| (a, b)))
        {
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
