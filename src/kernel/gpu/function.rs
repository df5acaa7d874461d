//! Functions of each value by itself, and the mean derivatives between two points: as on the CPU, in
//! `violet-kernel-cpu`'s `function.rs`, where the formulas are explained.
#![allow(
    clippy::approx_constant,
    clippy::excessive_precision,
    reason = "kernels take literals, as their sources print them"
)]

use burn_wgpu::CubeTensor;
use cubecl::prelude::*;

use super::activation::{Grid, target_like};
use crate::kernel::Function;

/// Which function a kernel is compiled for. Its numbers are given when it is launched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Kind {
    Clamp,
    LeakyRelu,
    Elu,
    Sigmoid,
    HardSigmoid,
    Tanh,
    Exp,
    Log,
    Sqrt,
    Reciprocal,
    Power,
    WholePower,
    Abs,
    Neg,
    Erf,
    NormalCdf,
    NormalCdfTanh,
    Softplus,
    Softsign,
    Sin,
    Cos,
}

/// The kind, its numbers, and whether it is a gate that its argument is multiplied by.
fn parts(function: Function) -> (Kind, [f32; 2], bool) {
    match function {
        Function::Gated(gating) => {
            let (kind, numbers) = plain(gating.function());
            (kind, numbers, true)
        }
        function => {
            let (kind, numbers) = plain(function);
            (kind, numbers, false)
        }
    }
}

/// The kind and its numbers.
fn plain(function: Function) -> (Kind, [f32; 2]) {
    let finite = |x: f32| x.clamp(f32::MIN, f32::MAX);
    match function {
        Function::Clamp(low, high) => (Kind::Clamp, [finite(low), finite(high)]),
        Function::LeakyRelu(slope) => (Kind::LeakyRelu, [slope, 0.0]),
        Function::Elu(alpha) => (Kind::Elu, [alpha, 0.0]),
        Function::Sigmoid => (Kind::Sigmoid, [0.0; 2]),
        Function::HardSigmoid(slope, offset) => (Kind::HardSigmoid, [slope, offset]),
        Function::Tanh => (Kind::Tanh, [0.0; 2]),
        Function::Exp => (Kind::Exp, [0.0; 2]),
        Function::Log => (Kind::Log, [0.0; 2]),
        Function::Sqrt => (Kind::Sqrt, [0.0; 2]),
        Function::Reciprocal => (Kind::Reciprocal, [0.0; 2]),
        Function::Power(exponent) if exponent.fract() == 0.0 && (1.0..64.0).contains(&exponent) => {
            (Kind::WholePower, [exponent, 0.0])
        }
        Function::Power(exponent) => (Kind::Power, [exponent, 0.0]),
        Function::Abs => (Kind::Abs, [0.0; 2]),
        Function::Neg => (Kind::Neg, [0.0; 2]),
        Function::Erf => (Kind::Erf, [0.0; 2]),
        Function::NormalCdf => (Kind::NormalCdf, [0.0; 2]),
        Function::NormalCdfTanh => (Kind::NormalCdfTanh, [0.0; 2]),
        Function::Softplus => (Kind::Softplus, [0.0; 2]),
        Function::Softsign => (Kind::Softsign, [0.0; 2]),
        Function::Sin => (Kind::Sin, [0.0; 2]),
        Function::Cos => (Kind::Cos, [0.0; 2]),
        Function::Gated(_) => unreachable!("gates are not gated themselves"),
    }
}

/// φ of each value.
pub(super) fn map(values: CubeTensor, function: Function) -> CubeTensor {
    let (target, grid) = target_like(&values);
    let Grid {
        client,
        count,
        dim,
        length,
    } = grid;
    let (kind, [p, q], gated) = parts(function);
    // SAFETY: the kernel checks its position against `length`, which both buffers have.
    #[allow(unsafe_code)]
    unsafe {
        each::launch_unchecked(
            &client,
            count,
            dim,
            values.into_buffer_arg(),
            target.clone().into_buffer_arg(),
            length,
            p,
            q,
            kind,
            gated,
        );
    }
    target
}

/// Gradients times the mean of φ′ between two points.
pub(super) fn map_gradient(
    gradient: CubeTensor,
    [from, to]: [CubeTensor; 2],
    function: Function,
) -> CubeTensor {
    let (target, grid) = target_like(&gradient);
    let Grid {
        client,
        count,
        dim,
        length,
    } = grid;
    let (kind, [p, q], gated) = parts(function);
    // SAFETY: the kernel checks its position against `length`, which all four buffers have.
    #[allow(unsafe_code)]
    unsafe {
        along::launch_unchecked(
            &client,
            count,
            dim,
            gradient.into_buffer_arg(),
            from.into_buffer_arg(),
            to.into_buffer_arg(),
            target.clone().into_buffer_arg(),
            length,
            p,
            q,
            kind,
            gated,
        );
    }
    target
}

#[cube(launch_unchecked)]
#[allow(
    clippy::too_many_arguments,
    reason = "a kernel has no structs of buffers"
)]
fn each(
    values: &[f32],
    target: &mut [f32],
    length: usize,
    p: f32,
    q: f32,
    #[comptime] kind: Kind,
    #[comptime] gated: bool,
) {
    if ABSOLUTE_POS >= length {
        terminate!();
    }
    let x = values[ABSOLUTE_POS];
    let mut made = value(x, p, q, kind);
    if comptime!(gated) {
        made *= x;
    }
    target[ABSOLUTE_POS] = made;
}

#[cube(launch_unchecked)]
#[allow(
    clippy::too_many_arguments,
    reason = "a kernel has no structs of buffers"
)]
fn along(
    gradient: &[f32],
    from: &[f32],
    to: &[f32],
    target: &mut [f32],
    length: usize,
    p: f32,
    q: f32,
    #[comptime] kind: Kind,
    #[comptime] gated: bool,
) {
    if ABSOLUTE_POS >= length {
        terminate!();
    }
    let a = from[ABSOLUTE_POS];
    let b = to[ABSOLUTE_POS];
    let mut mean = slope(a, b, p, q, kind);
    if comptime!(gated) {
        // Where the step is short, each factor's change times the mean of the other; else the quotient.
        let of_a = value(a, p, q, kind);
        let of_b = value(b, p, q, kind);
        let near = 0.5f32 * (of_a + of_b) + 0.5f32 * (a + b) * mean;
        let apart = (b - a).abs() >= 1.0f32;
        let far = (b * of_b - a * of_a) / select(apart, b - a, 1.0f32);
        mean = select(apart, far, near);
    }
    target[ABSOLUTE_POS] = gradient[ABSOLUTE_POS] * mean;
}

#[cube]
fn value(x: f32, p: f32, q: f32, #[comptime] kind: Kind) -> f32 {
    match comptime!(kind) {
        Kind::Clamp => min(max(x, p), q),
        Kind::LeakyRelu => select(x > 0.0f32, x, p * x),
        Kind::Elu => select(x > 0.0f32, x, p * (min(x, 0.0f32).exp() - 1.0f32)),
        Kind::Sigmoid => sigmoid(x),
        Kind::HardSigmoid => min(max(p * x + q, 0.0f32), 1.0f32),
        Kind::Tanh => tanh(x),
        Kind::Exp => x.exp(),
        Kind::Log => x.ln(),
        Kind::Sqrt => x.sqrt(),
        Kind::Reciprocal => 1.0f32 / x,
        Kind::Power => x.powf(p),
        Kind::WholePower => whole_power(x, p),
        Kind::Abs => x.abs(),
        Kind::Neg => 0.0f32 - x,
        Kind::Erf => erf(x),
        Kind::NormalCdf => normal_cdf(x),
        Kind::NormalCdfTanh => sigmoid(1.595_769_1f32 * (x + 0.044_715f32 * x * x * x)),
        Kind::Softplus => max(x, 0.0f32) + (1.0f32 + (0.0f32 - x.abs()).exp()).ln(),
        Kind::Softsign => x / (1.0f32 + x.abs()),
        Kind::Sin => x.sin(),
        Kind::Cos => x.cos(),
    }
}

/// The mean of φ′ between a and b.
#[cube]
fn slope(a: f32, b: f32, p: f32, q: f32, #[comptime] kind: Kind) -> f32 {
    match comptime!(kind) {
        Kind::Clamp => share(a, b, p, q),
        Kind::LeakyRelu => {
            let positive = share(a, b, 0.0f32, f32::MAX);
            positive + p * (1.0f32 - positive)
        }
        Kind::Elu => {
            let low = p * exp_mean(min(a, 0.0f32), min(b, 0.0f32));
            let crossing = quotient(a, b, p, q, 1.0f32, kind);
            let one_side = select(b > 0.0f32, 1.0f32, low);
            select((a > 0.0f32) == (b > 0.0f32), one_side, crossing)
        }
        Kind::Sigmoid => {
            let crossed = sigmoid(a) * sigmoid(0.0f32 - b) + sigmoid(0.0f32 - a) * sigmoid(b);
            0.5f32 * crossed * tanhc((b - a) / 2.0f32)
        }
        Kind::HardSigmoid => {
            // Where it is 0 and 1. Of a slope of 0 both are somewhere, and nothing comes of them.
            let divisor = select(p == 0.0f32, 1.0f32, p);
            let zero = (0.0f32 - q) / divisor;
            let one = (1.0f32 - q) / divisor;
            p * share(a, b, min(zero, one), max(zero, one))
        }
        Kind::Tanh => {
            let u = 2.0f32 * sigmoid(-2.0f32 * a.abs());
            let v = 2.0f32 * sigmoid(-2.0f32 * b.abs());
            let factor = select(a * b > 0.0f32, u + v - u * v, 1.0f32 - tanh(a) * tanh(b));
            factor * tanhc(b - a)
        }
        Kind::Exp => exp_mean(a, b),
        Kind::Log => {
            // log(b / a) = 2 artanh(z), z = (b − a) / (b + a), by its series where the quotient's
            // digits cancel.
            let z = (b - a) / (b + a);
            let square = z * z;
            let series = 1.0f32 + square * (1.0f32 / 3.0f32 + square * (0.2f32 + square / 7.0f32));
            let near = series * 2.0f32 / (a + b);
            select(z.abs() < 0.1f32, near, quotient(a, b, p, q, near, kind))
        }
        Kind::Sqrt => 1.0f32 / (a.sqrt() + b.sqrt()),
        Kind::Reciprocal => -1.0f32 / (a * b),
        Kind::Power => {
            // The derivative in the middle where the quotient's digits cancel.
            let middle = p * ((a + b) / 2.0f32).powf(p - 1.0f32);
            let near = (b - a).abs() < 0.02f32 * min(a.abs(), b.abs());
            select(near || a == b, middle, quotient(a, b, p, q, middle, kind))
        }
        Kind::WholePower => {
            // b^n − a^n = (b − a) Σ a^k b^(n−1−k), by Horner's rule.
            let mut sum = 0.0f32;
            let mut power = 1.0f32;
            for _ in 0..u32::cast_from(p) {
                sum = sum * b + power;
                power *= a;
            }
            sum
        }
        Kind::Abs => {
            let positive = select(b > 0.0f32, 1.0f32, 0.0f32);
            let derivative = select(b < 0.0f32, -1.0f32, positive);
            quotient(a, b, p, q, derivative, kind)
        }
        Kind::Neg => {
            let mut minus = 0.0f32;
            minus -= 1.0f32;
            minus
        }
        Kind::Erf | Kind::NormalCdf | Kind::NormalCdfTanh | Kind::Softplus => {
            smooth_mean(a, b, p, q, kind)
        }
        Kind::Softsign => {
            let one_sided = 1.0f32 / ((1.0f32 + a.abs()) * (1.0f32 + b.abs()));
            let crossing = quotient(a, b, p, q, 1.0f32, kind);
            select(a * b >= 0.0f32, one_sided, crossing)
        }
        Kind::Sin => ((a + b) / 2.0f32).cos() * sinc((b - a) / 2.0f32),
        Kind::Cos => (0.0f32 - ((a + b) / 2.0f32).sin()) * sinc((b - a) / 2.0f32),
    }
}

/// How much of the way from a to b lies between two numbers; where there is no way, whether b does.
#[cube]
fn share(a: f32, b: f32, low: f32, high: f32) -> f32 {
    let step = b - a;
    let apart = step.abs() >= f32::MIN_POSITIVE;
    let between = min(max(b, low), high) - min(max(a, low), high);
    let inside = select(b > low && b < high, 1.0f32, 0.0f32);
    select(apart, between / select(apart, step, 1.0f32), inside)
}

/// (φ(b) − φ(a)) / (b − a), the derivative where a = b. Adapters may take numbers below the smallest
/// normal one for 0, and not all in the same place.
#[cube]
fn quotient(a: f32, b: f32, p: f32, q: f32, derivative: f32, #[comptime] kind: Kind) -> f32 {
    let step = b - a;
    let apart = step.abs() >= f32::MIN_POSITIVE;
    let divisor = select(apart, step, 1.0f32);
    let slope = (value(b, p, q, kind) - value(a, p, q, kind)) / divisor;
    select(apart, slope, derivative)
}

/// Five points of Gauss and Legendre where the step is short, else the quotient.
#[cube]
fn smooth_mean(a: f32, b: f32, p: f32, q: f32, #[comptime] kind: Kind) -> f32 {
    let middle = (a + b) / 2.0f32;
    let half = (b - a) / 2.0f32;
    let near = half * 0.538_469_3f32;
    let far = half * 0.906_179_85f32;
    let mean = 0.284_444_45f32 * derivative(middle, kind)
        + 0.239_314_34f32 * (derivative(middle + near, kind) + derivative(middle - near, kind))
        + 0.118_463_44f32 * (derivative(middle + far, kind) + derivative(middle - far, kind));
    select(
        (b - a).abs() < 1.0f32,
        mean,
        quotient(a, b, p, q, mean, kind),
    )
}

#[cube]
fn derivative(x: f32, #[comptime] kind: Kind) -> f32 {
    match comptime!(kind) {
        Kind::Erf => 1.128_379_2f32 * (0.0f32 - x * x).exp(),
        Kind::NormalCdf => 0.398_942_3f32 * (0.0f32 - x * x / 2.0f32).exp(),
        Kind::NormalCdfTanh => {
            let argument = 1.595_769_1f32 * (x + 0.044_715f32 * x * x * x);
            let slope = 1.595_769_1f32 * (1.0f32 + 0.134_145f32 * x * x);
            slope * sigmoid(argument) * sigmoid(0.0f32 - argument)
        }
        _ => sigmoid(x),
    }
}

#[cube]
fn sigmoid(x: f32) -> f32 {
    // exp of more would be infinite, which WGSL does not know.
    1.0f32 / (1.0f32 + min(0.0f32 - x, 88.0f32).exp())
}

#[cube]
fn tanhc(x: f32) -> f32 {
    let size = x.abs();
    let z = x * x;
    let near = ((((-5.704_988_7e-3f32 * z + 2.063_908_9e-2f32) * z - 5.373_971_6e-2f32) * z
        + 1.333_144_2e-1f32)
        * z
        - 3.333_328_2e-1f32)
        * z
        + 1.0f32;
    let far = (1.0f32 - 2.0f32 / (min(2.0f32 * size, 88.0f32).exp() + 1.0f32)) / max(size, 0.5f32);
    select(size < 0.625f32, near, far)
}

#[cube]
fn tanh(x: f32) -> f32 {
    let x = min(max(x, -20.0f32), 20.0f32);
    x * tanhc(x)
}

#[cube]
fn exp_mean(a: f32, b: f32) -> f32 {
    let half = (b - a) / 2.0f32;
    let z = half * half;
    let sinhc = 1.0f32 + z * (1.0f32 / 6.0f32 + z * (1.0f32 / 120.0f32 + z / 5040.0f32));
    let near = ((a + b) / 2.0f32).exp() * sinhc;
    let apart = half.abs() >= 0.5f32;
    let far = (b.exp() - a.exp()) / select(apart, b - a, 1.0f32);
    select(apart, far, near)
}

#[cube]
fn sinc(x: f32) -> f32 {
    let apart = x.abs() >= f32::MIN_POSITIVE;
    select(apart, x.sin() / select(apart, x, 1.0f32), 1.0f32)
}

#[cube]
fn whole_power(x: f32, exponent: f32) -> f32 {
    let mut power = 1.0f32;
    for _ in 0..u32::cast_from(exponent) {
        power *= x;
    }
    power
}

/// What erf lacks to ±1 where |x| ≥ 1.
#[cube]
fn erf_lack(x: f32) -> f32 {
    let size = max(x.abs(), 1.0f32);
    let inverse = 1.0f32 / size;
    let y = inverse * inverse;
    let middle = (((((((2.326_82e-2f32 * y - 1.387_039_4e-1f32) * y + 3.687_424_7e-1f32) * y
        - 5.824_733e-1f32)
        * y
        + 6.210_004_6e-1f32)
        * y
        - 4.944_515_3e-1f32)
        * y
        + 3.404_88e-1f32)
        * y
        - 2.741_127e-1f32)
        * y
        + 5.638_259_4e-1f32;
    let far =
        ((((((-1.047_766_4e1f32 * y + 1.297_72e1f32) * y - 7.495_519f32) * y + 2.921_019f32) * y
            - 1.015_265_3f32)
            * y
            + 4.218_463_4e-1f32)
            * y
            - 2.820_767_4e-1f32)
            * y
            + 5.641_895e-1f32;
    (0.0f32 - min(size * size, 80.0f32)).exp() * inverse * select(size < 2.0f32, middle, far)
}

/// erf where |x| ≤ 1.
#[cube]
fn erf_near(x: f32) -> f32 {
    let z = x * x;
    let sum = (((((7.853_861_4e-5f32 * z - 8.010_193_6e-4f32) * z + 5.188_327_7e-3f32) * z
        - 2.685_381_2e-2f32)
        * z
        + 1.128_358_5e-1f32)
        * z
        - 3.761_262_6e-1f32)
        * z
        + 1.128_379_2f32;
    x * sum
}

#[cube]
fn erf(x: f32) -> f32 {
    let far = 1.0f32 - erf_lack(x);
    let signed = select(x < 0.0f32, 0.0f32 - far, far);
    select(x.abs() < 1.0f32, erf_near(x), signed)
}

#[cube]
fn normal_cdf(x: f32) -> f32 {
    let scaled = x * 0.707_106_77f32;
    let lack = 0.5f32 * erf_lack(scaled);
    let far = select(x < 0.0f32, lack, 1.0f32 - lack);
    select(
        scaled.abs() < 1.0f32,
        0.5f32 + 0.5f32 * erf_near(scaled),
        far,
    )
}
