//! Functions of one number: values, and mean derivatives between two points.

use std::f64::consts::{FRAC_1_SQRT_2, PI};

use crate::operation::Unary;

/// φ(x).
pub(crate) fn value(unary: Unary, x: f64) -> f64 {
    match unary {
        Unary::Clip(clamp) => x.max(clamp.min.into()).min(clamp.max.into()),
        Unary::LeakyRelu { slope } => leaky(x, slope.into()),
        Unary::Elu { alpha } => {
            if x > 0.0 {
                x
            } else {
                f64::from(alpha) * x.exp_m1()
            }
        }
        Unary::Sigmoid => sigmoid(x),
        Unary::HardSigmoid { slope, offset } => {
            (f64::from(slope) * x + f64::from(offset)).clamp(0.0, 1.0)
        }
        Unary::Tanh => x.tanh(),
        Unary::Exp => x.exp(),
        Unary::Log => x.ln(),
        Unary::Sqrt => x.sqrt(),
        Unary::Reciprocal => 1.0 / x,
        Unary::Power { exponent } => power(x, exponent),
        Unary::Abs => x.abs(),
        Unary::Neg => -x,
        Unary::Erf => erf(x),
        Unary::NormalCdf => normal_cdf(x),
        Unary::NormalCdfTanh => sigmoid(2.0 * gelu_argument(x)),
        Unary::Softplus => x.max(0.0) + (-x.abs()).exp().ln_1p(),
        Unary::Softsign => x / (1.0 + x.abs()),
        Unary::Sin => x.sin(),
        Unary::Cos => x.cos(),
        Unary::Gated(gating) => x * value(gating.gate(), x),
    }
}

/// The mean of φ′ between a and b; φ′(a) where they are equal. Times b − a it is φ(b) − φ(a).
pub(super) fn mean_slope(unary: Unary, a: f64, b: f64) -> f64 {
    let (step, middle) = (b - a, (a + b) / 2.0);
    let quotient = || (value(unary, b) - value(unary, a)) / step;
    match unary {
        Unary::Clip(_) | Unary::LeakyRelu { .. } | Unary::HardSigmoid { .. } | Unary::Abs => {
            if step == 0.0 {
                kinked_slope(unary, a)
            } else {
                quotient()
            }
        }
        Unary::Neg => -1.0,
        Unary::Elu { alpha } => {
            if a > 0.0 && b > 0.0 {
                1.0
            } else if a <= 0.0 && b <= 0.0 {
                f64::from(alpha) * exp_mean(a, b)
            } else {
                quotient()
            }
        }
        Unary::Sigmoid => {
            let crossed = sigmoid(a) * sigmoid(-b) + sigmoid(-a) * sigmoid(b);
            0.5 * crossed * tanhc(step / 2.0)
        }
        Unary::Tanh => one_minus_product(a, b) * tanhc(step),
        Unary::Exp => exp_mean(a, b),
        Unary::Log => {
            if step == 0.0 {
                1.0 / a
            } else if step.abs() < a / 2.0 {
                (step / a).ln_1p() / step
            } else {
                quotient()
            }
        }
        Unary::Sqrt => 1.0 / (a.sqrt() + b.sqrt()),
        Unary::Reciprocal => -1.0 / (a * b),
        Unary::Power { exponent } => mean_power_slope(exponent, a, b),
        Unary::Softsign => {
            if a * b >= 0.0 {
                1.0 / ((1.0 + a.abs()) * (1.0 + b.abs()))
            } else {
                quotient()
            }
        }
        Unary::Sin => middle.cos() * sinc(step / 2.0),
        Unary::Cos => -middle.sin() * sinc(step / 2.0),
        Unary::Gated(gating) => {
            let gate = gating.gate();
            let mean = (value(gate, a) + value(gate, b)) / 2.0;
            mean + middle * mean_slope(gate, a, b)
        }
        Unary::Erf | Unary::NormalCdf | Unary::NormalCdfTanh | Unary::Softplus => {
            // In double precision the quotient is good to 1e-15 here, and the mean to 1e-18.
            if step.abs() < 0.1 {
                gauss_legendre(a, b, |x| smooth_slope(unary, x))
            } else {
                quotient()
            }
        }
    }
}

/// The derivative of what is straight but for kinks; at a kink, that of one side.
fn kinked_slope(unary: Unary, x: f64) -> f64 {
    let within = |holds: bool, slope: f64| if holds { slope } else { 0.0 };
    match unary {
        Unary::Clip(clamp) => within(x > clamp.min.into() && x < clamp.max.into(), 1.0),
        Unary::LeakyRelu { slope } => leaky_slope(x, slope.into()),
        Unary::HardSigmoid { slope, offset } => {
            let inner = f64::from(slope) * x + f64::from(offset);
            within(inner > 0.0 && inner < 1.0, slope.into())
        }
        _ => within(x != 0.0, x.signum()),
    }
}

/// x where positive, `slope · x` elsewhere.
pub(super) fn leaky(x: f64, slope: f64) -> f64 {
    if x > 0.0 { x } else { slope * x }
}

fn leaky_slope(x: f64, slope: f64) -> f64 {
    if x > 0.0 { 1.0 } else { slope }
}

/// The mean slope of [`leaky`].
pub(super) fn leaky_mean_slope(a: f64, b: f64, slope: f64) -> f64 {
    if a == b {
        leaky_slope(a, slope)
    } else {
        (leaky(b, slope) - leaky(a, slope)) / (b - a)
    }
}

/// φ′ of what has no closed mean.
fn smooth_slope(unary: Unary, x: f64) -> f64 {
    match unary {
        Unary::Erf => 2.0 / PI.sqrt() * (-x * x).exp(),
        Unary::NormalCdf => (-x * x / 2.0).exp() / (2.0 * PI).sqrt(),
        Unary::NormalCdfTanh => {
            let argument = 2.0 * gelu_argument(x);
            let slope = (2.0 / PI).sqrt() * (1.0 + 3.0 * GELU * x * x);
            2.0 * slope * sigmoid(argument) * sigmoid(-argument)
        }
        _ => sigmoid(x),
    }
}

/// x to an exponent; whole exponents by multiplication, so that negative numbers have powers too.
fn power(x: f64, exponent: f32) -> f64 {
    if exponent.fract() == 0.0 && exponent.abs() < 64.0 {
        x.powi(exponent as i32)
    } else {
        x.powf(exponent.into())
    }
}

fn mean_power_slope(exponent: f32, a: f64, b: f64) -> f64 {
    if exponent.fract() == 0.0 && exponent.abs() < 64.0 {
        // b^n − a^n = (b − a) Σ a^k b^(n−1−k); of a negative exponent, as a quotient of these.
        let n = exponent.abs() as i32;
        let sum: f64 = (0..n).map(|k| a.powi(k) * b.powi(n - 1 - k)).sum();
        return if exponent >= 0.0 {
            sum
        } else {
            -sum / (a.powi(n) * b.powi(n))
        };
    }
    if exponent == 0.5 {
        return 1.0 / (a.sqrt() + b.sqrt());
    }
    let p = f64::from(exponent);
    // Far from 0, where a power of anything is smooth, else by the quotient.
    if (b - a).abs() < 0.05 * a.abs().min(b.abs()) || a == b {
        gauss_legendre(a, b, |x| p * x.powf(p - 1.0))
    } else {
        (b.powf(p) - a.powf(p)) / (b - a)
    }
}

/// σ(x).
pub(super) fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

/// The factor of x³ in GELU's approximation (Hendrycks and Gimpel 2016, §2).
const GELU: f64 = 0.044715;

fn gelu_argument(x: f64) -> f64 {
    (2.0 / PI).sqrt() * (x + GELU * x * x * x)
}

/// The mean of exp between a and b: the logarithmic mean of exp a and exp b.
pub(super) fn exp_mean(a: f64, b: f64) -> f64 {
    let step = b - a;
    if step.abs() < 1.0 {
        let half = step / 2.0;
        let sinhc = if half == 0.0 { 1.0 } else { half.sinh() / half };
        ((a + b) / 2.0).exp() * sinhc
    } else {
        (b.exp() - a.exp()) / step
    }
}

/// tanh x / x.
fn tanhc(x: f64) -> f64 {
    if x == 0.0 { 1.0 } else { x.tanh() / x }
}

/// sin x / x.
fn sinc(x: f64) -> f64 {
    if x == 0.0 { 1.0 } else { x.sin() / x }
}

/// 1 − tanh a · tanh b.
fn one_minus_product(a: f64, b: f64) -> f64 {
    if a * b <= 0.0 {
        return 1.0 - a.tanh() * b.tanh();
    }
    // 1 − tanh|x| = 2 σ(−2|x|), which loses no digits where tanh is nearly 1.
    let [a, b] = [a, b].map(|x| 2.0 * sigmoid(-2.0 * x.abs()));
    a + b - a * b
}

/// The mean of a function between two points by five points of Gauss and Legendre
/// (Abramowitz and Stegun, table 25.4).
fn gauss_legendre(a: f64, b: f64, slope: impl Fn(f64) -> f64) -> f64 {
    const POINTS: [(f64, f64); 5] = [
        (0.0, 0.568_888_888_888_888_9),
        (0.538_469_310_105_683_1, 0.478_628_670_499_366_5),
        (-0.538_469_310_105_683_1, 0.478_628_670_499_366_5),
        (0.906_179_845_938_664, 0.236_926_885_056_189_1),
        (-0.906_179_845_938_664, 0.236_926_885_056_189_1),
    ];
    let (middle, half) = ((a + b) / 2.0, (b - a) / 2.0);
    let terms = POINTS.map(|(point, weight)| weight / 2.0 * slope(middle + half * point));
    terms.iter().sum()
}

/// Φ(x), by the complementary error function where x is negative, as 1 − … would lose all digits.
fn normal_cdf(x: f64) -> f64 {
    let x = x * FRAC_1_SQRT_2;
    if x < 0.0 {
        0.5 * erfc(-x)
    } else {
        0.5 * (1.0 + erf(x))
    }
}

/// The error function.
pub(super) fn erf(x: f64) -> f64 {
    if x < 0.0 {
        return -erf(-x);
    }
    if x >= 3.0 {
        return 1.0 - erfc(x);
    }
    // 2/√π · exp(−x²) Σ 2ⁿ x²ⁿ⁺¹ / (2n + 1)!! (DLMF 7.6.2): all terms are positive.
    let mut term = x;
    let mut sum = x;
    for n in 1..200 {
        term *= 2.0 * x * x / f64::from(2 * n + 1);
        sum += term;
        if term < sum * 1e-17 {
            break;
        }
    }
    2.0 / PI.sqrt() * (-x * x).exp() * sum
}

/// 1 − erf(x) of a number that is not negative.
fn erfc(x: f64) -> f64 {
    if x < 2.0 {
        return 1.0 - erf(x);
    }
    // exp(−x²)/√π · 1 / (x + ½ / (x + 1 / (x + ³⁄₂ / (x + …)))) (DLMF 7.9.1), from its far end.
    let mut fraction = x;
    for k in (1..=120).rev() {
        fraction = x + f64::from(k) / 2.0 / fraction;
    }
    (-x * x).exp() / (PI.sqrt() * fraction)
}
