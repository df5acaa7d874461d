//! Functions of each value by itself: values, and mean derivatives between two points.
//!
//! Everything is straight-line arithmetic on f32, so that compilers make vectors of it; what has no
//! formula that keeps its digits everywhere computes two and chooses.

use crate::geometry::Activation;
use crate::machine::{self as macerator, AutoArch, Simd, WithSimd, with_simd};

/// A function φ of one number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Function {
    /// min(max(x, low), high).
    Clamp(f32, f32),
    /// x where positive, `slope · x` elsewhere.
    LeakyRelu(f32),
    /// x where positive, `alpha · (exp(x) − 1)` elsewhere.
    Elu(f32),
    /// 1 / (1 + exp(−x)).
    Sigmoid,
    /// min(max(slope · x + offset, 0), 1).
    HardSigmoid(f32, f32),
    /// tanh(x).
    Tanh,
    /// exp(x).
    Exp,
    /// The natural logarithm.
    Log,
    /// √x.
    Sqrt,
    /// 1 / x.
    Reciprocal,
    /// x to an exponent.
    Power(f32),
    /// |x|.
    Abs,
    /// −x.
    Neg,
    /// The error function.
    Erf,
    /// ½ (1 + erf(x / √2)).
    NormalCdf,
    /// ½ (1 + tanh(√(2/π) (x + 0.044715 x³))).
    NormalCdfTanh,
    /// log(1 + exp(x)).
    Softplus,
    /// x / (1 + |x|).
    Softsign,
    /// sin(x).
    Sin,
    /// cos(x).
    Cos,
    /// x · φ(x).
    Gated(Gating),
}

impl From<Activation> for Function {
    fn from(activation: Activation) -> Self {
        let [low, high] = activation.range();
        Function::Clamp(low, high)
    }
}

/// φ in the product x · φ(x): SiLU, hard-swish, GELU and its approximation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Gating {
    /// [`Function::Sigmoid`].
    Sigmoid,
    /// [`Function::HardSigmoid`].
    HardSigmoid(f32, f32),
    /// [`Function::NormalCdf`].
    NormalCdf,
    /// [`Function::NormalCdfTanh`].
    NormalCdfTanh,
}

impl Gating {
    /// φ by itself.
    pub fn function(self) -> Function {
        match self {
            Gating::Sigmoid => Function::Sigmoid,
            Gating::HardSigmoid(slope, offset) => Function::HardSigmoid(slope, offset),
            Gating::NormalCdf => Function::NormalCdf,
            Gating::NormalCdfTanh => Function::NormalCdfTanh,
        }
    }
}

/// A loop in the widest vectors that the machine has, over values and numbers that are the same for
/// all.
///
/// A macro, as a closure is a function of its own: where the compiler does not happen to put it
/// into the loop, it is called value by value.
macro_rules! each {
    ($values:expr, [$($number:ident),*], |$x:ident| $function:expr) => {{
        struct Each<'a> {
            values: &'a [f32],
            $($number: f32,)*
        }
        impl WithSimd for Each<'_> {
            type Output = Vec<f32>;
            #[inline(always)]
            fn with_simd<S: Simd>(self) -> Vec<f32> {
                let Self { values, $($number,)* } = self;
                let mut results = crate::spare::room(values.len());
                // A line that stays in the first cache, so that nothing is cleared before it is
                // written.
                let mut line = [0.0; LINE];
                for values in values.chunks(LINE) {
                    let line = &mut line[..values.len()];
                    for (result, &$x) in line.iter_mut().zip(values) {
                        *result = $function;
                    }
                    results.extend_from_slice(line);
                }
                results
            }
        }
        AutoArch::new().dispatch(Each { values: $values, $($number,)* })
    }};
}

/// As [`each`], of gradients and the slopes between two points that they are multiplied by.
macro_rules! along {
    ($along:expr, [$($number:ident),*], |$a:ident, $b:ident| $slope:expr) => {{
        struct Along<'a> {
            gradients: &'a mut [f32],
            ends: [&'a [f32]; 2],
            $($number: f32,)*
        }
        impl WithSimd for Along<'_> {
            type Output = ();
            #[inline(always)]
            fn with_simd<S: Simd>(self) {
                let Self { gradients, ends: [from, to], $($number,)* } = self;
                for ((gradient, &$a), &$b) in gradients.iter_mut().zip(from).zip(to) {
                    *gradient *= $slope;
                }
            }
        }
        let (gradients, ends): (&mut [f32], [&[f32]; 2]) = $along;
        AutoArch::new().dispatch(Along { gradients, ends, $($number,)* });
    }};
}

/// Changes values in a loop in the widest vectors, each with another one: `$function` gives what both become.
macro_rules! change {
    ($values:expr, $others:expr, [$($number:ident),*], |$x:ident| $function:expr) => {{
        struct Change<'a> {
            values: &'a mut [f32],
            others: &'a mut [f32],
            $($number: f32,)*
        }
        impl WithSimd for Change<'_> {
            type Output = ();
            #[inline(always)]
            fn with_simd<S: Simd>(self) {
                let Self { values, others, $($number,)* } = self;
                for (value, other) in values.iter_mut().zip(others) {
                    let $x = *value;
                    [*value, *other] = $function;
                }
            }
        }
        AutoArch::new().dispatch(Change { values: $values, others: $others, $($number,)* });
    }};
}

/// Values of a line.
const LINE: usize = 512;

/// φ of each value.
pub fn map(values: &[f32], function: Function) -> Vec<f32> {
    let v = values;
    match function {
        Function::Clamp(low, high) => each!(v, [low, high], |x| x.max(low).min(high)),
        Function::LeakyRelu(slope) => each!(v, [slope], |x| leaky(x, slope)),
        Function::Elu(alpha) => each!(v, [alpha], |x| elu(x, alpha)),
        Function::Sigmoid => each!(v, [], |x| sigmoid(x)),
        Function::HardSigmoid(slope, offset) => {
            each!(v, [slope, offset], |x| hard_sigmoid(x, slope, offset))
        }
        Function::Tanh => each!(v, [], |x| tanh(x)),
        Function::Exp => each!(v, [], |x| exp(x)),
        Function::Log => each!(v, [], |x| x.ln()),
        Function::Sqrt => each!(v, [], |x| x.sqrt()),
        Function::Reciprocal => each!(v, [], |x| 1.0 / x),
        Function::Power(exponent) => each!(v, [exponent], |x| power(x, exponent)),
        Function::Abs => each!(v, [], |x| x.abs()),
        Function::Neg => each!(v, [], |x| -x),
        Function::Erf => each!(v, [], |x| erf(x)),
        Function::NormalCdf => each!(v, [], |x| normal_cdf(x)),
        Function::NormalCdfTanh => each!(v, [], |x| normal_cdf_tanh(x)),
        Function::Softplus => each!(v, [], |x| softplus(x)),
        Function::Softsign => each!(v, [], |x| softsign(x)),
        Function::Sin => each!(v, [], |x| x.sin()),
        Function::Cos => each!(v, [], |x| x.cos()),
        Function::Gated(Gating::Sigmoid) => each!(v, [], |x| x * sigmoid(x)),
        Function::Gated(Gating::HardSigmoid(slope, offset)) => {
            each!(v, [slope, offset], |x| x * hard_sigmoid(x, slope, offset))
        }
        Function::Gated(Gating::NormalCdf) => each!(v, [], |x| x * normal_cdf(x)),
        Function::Gated(Gating::NormalCdfTanh) => each!(v, [], |x| x * normal_cdf_tanh(x)),
    }
}

/// φ of each value, in its place, of what [suits](crate::Bottleneck::suits_after) a bottleneck.
pub(crate) fn change(values: &mut [f32], function: Function) {
    struct Each<'a>(&'a mut [f32], Function);
    impl WithSimd for Each<'_> {
        type Output = ();
        #[inline(always)]
        fn with_simd<S: Simd>(self) {
            let Self(values, function) = self;
            match function {
                Function::Gated(Gating::Sigmoid) => {
                    values.iter_mut().for_each(|x| *x *= sigmoid(*x));
                }
                Function::Gated(Gating::HardSigmoid(slope, offset)) => {
                    for x in values {
                        *x *= hard_sigmoid(*x, slope, offset);
                    }
                }
                function => values.copy_from_slice(&map(values, function)),
            }
        }
    }
    AutoArch::new().dispatch(Each(values, function));
}

/// Whether φ and φ′ of a value are made of the same numbers, so that [both](map_with_slopes) take
/// hardly longer than one.
pub fn has_slopes(function: Function) -> bool {
    matches!(function, Function::Gated(_))
}

/// φ of each value, in its place, and φ′ of each.
pub fn map_with_slopes(values: &mut [f32], function: Function) -> Vec<f32> {
    let mut slopes = crate::spare::values(values.len());
    change_with_slopes(values, &mut slopes, function);
    slopes
}

/// The same, where both are to go.
pub(crate) fn change_with_slopes(values: &mut [f32], slopes: &mut [f32], function: Function) {
    match function {
        Function::Gated(Gating::Sigmoid) => change!(values, slopes, [], |x| {
            let [p, minus_p] = both_sigmoids(x);
            [x * p, p + x * (p * minus_p)]
        }),
        Function::Gated(Gating::HardSigmoid(slope, offset)) => {
            change!(values, slopes, [slope, offset], |x| {
                let inner = slope * x + offset;
                let derivative = if (inner > 0.0) & (inner < 1.0) {
                    slope
                } else {
                    0.0
                };
                let gate = inner.clamp(0.0, 1.0);
                [x * gate, gate + x * derivative]
            });
        }
        Function::Gated(Gating::NormalCdf) => change!(values, slopes, [], |x| {
            let [p, slope] = normal(x);
            [x * p, p + x * slope]
        }),
        Function::Gated(Gating::NormalCdfTanh) => change!(values, slopes, [], |x| {
            let [argument, slope] = normal_cdf_tanh_argument(x);
            let [p, minus_p] = both_sigmoids(argument);
            [x * p, p + x * (slope * (p * minus_p))]
        }),
        function => {
            slopes.fill(1.0);
            map_gradient(slopes, [&*values, &*values], function);
            change(values, function);
        }
    }
}

/// Multiplies values by others.
#[with_simd]
pub(crate) fn multiply<S: Simd>(values: &mut [f32], factors: &[f32]) {
    for (value, factor) in values.iter_mut().zip(factors) {
        *value *= factor;
    }
}

/// Multiplies gradients by the mean of φ′ between two points: by φ′ where they are equal. Times the
/// step from one to the other it is the change of φ.
pub fn map_gradient(gradients: &mut [f32], [from, to]: [&[f32]; 2], function: Function) {
    // Between a point and itself lies nothing but the derivative, which takes a fifth of the time.
    if std::ptr::eq(from, to) && at_points(gradients, to, function) {
        return;
    }
    let g = (gradients, [from, to]);
    match function {
        Function::Clamp(low, high) => along!(g, [low, high], |a, b| share(a, b, low, high)),
        Function::LeakyRelu(slope) => along!(g, [slope], |a, b| {
            let positive = share(a, b, 0.0, f32::INFINITY);
            positive + slope * (1.0 - positive)
        }),
        Function::Elu(alpha) => along!(g, [alpha], |a, b| elu_slope(a, b, alpha)),
        Function::Sigmoid => along!(g, [], |a, b| sigmoid_slope(a, b)),
        Function::HardSigmoid(slope, offset) => along!(g, [slope, offset], |a, b| {
            hard_sigmoid_slope(a, b, slope, offset)
        }),
        Function::Tanh => along!(g, [], |a, b| tanh_slope(a, b)),
        Function::Exp => along!(g, [], |a, b| exp_mean(a, b)),
        Function::Log => along!(g, [], |a, b| log_slope(a, b)),
        Function::Sqrt => along!(g, [], |a, b| 1.0 / (a.sqrt() + b.sqrt())),
        Function::Reciprocal => along!(g, [], |a, b| -1.0 / (a * b)),
        Function::Power(exponent) => along!(g, [exponent], |a, b| power_slope(a, b, exponent)),
        Function::Abs => along!(g, [], |a, b| {
            let derivative = if b == 0.0 { 0.0 } else { b.signum() };
            quotient(a, b, a.abs(), b.abs(), derivative)
        }),
        Function::Neg => along!(g, [], |_a, _b| -1.0),
        Function::Erf => along!(g, [], |a, b| mean_slope(a, b, [erf(a), erf(b)], erf_slope)),
        Function::NormalCdf => along!(g, [], |a, b| {
            mean_slope(a, b, [normal_cdf(a), normal_cdf(b)], normal_density)
        }),
        Function::NormalCdfTanh => along!(g, [], |a, b| {
            let ends = [normal_cdf_tanh(a), normal_cdf_tanh(b)];
            mean_slope(a, b, ends, normal_cdf_tanh_slope)
        }),
        Function::Softplus => along!(g, [], |a, b| {
            mean_slope(a, b, [softplus(a), softplus(b)], sigmoid)
        }),
        Function::Softsign => along!(g, [], |a, b| {
            let one_sided = 1.0 / ((1.0 + a.abs()) * (1.0 + b.abs()));
            let crossing = (softsign(b) - softsign(a)) / (b - a);
            if a * b >= 0.0 { one_sided } else { crossing }
        }),
        Function::Sin => along!(g, [], |a, b| {
            ((a + b) / 2.0).cos() * sinc((b - a) / 2.0)
        }),
        Function::Cos => along!(g, [], |a, b| {
            -((a + b) / 2.0).sin() * sinc((b - a) / 2.0)
        }),
        Function::Gated(Gating::Sigmoid) => silu_gradient(g.0, g.1),
        Function::Gated(Gating::HardSigmoid(slope, offset)) => {
            along!(g, [slope, offset], |a, b| {
                let values = [
                    hard_sigmoid(a, slope, offset),
                    hard_sigmoid(b, slope, offset),
                ];
                product_slope([a, b], values, hard_sigmoid_slope(a, b, slope, offset))
            });
        }
        Function::Gated(Gating::NormalCdf) => along!(g, [], |a, b| {
            let values = [normal_cdf(a), normal_cdf(b)];
            product_slope([a, b], values, mean_slope(a, b, values, normal_density))
        }),
        Function::Gated(Gating::NormalCdfTanh) => along!(g, [], |a, b| {
            let values = [normal_cdf_tanh(a), normal_cdf_tanh(b)];
            let slope = mean_slope(a, b, values, normal_cdf_tanh_slope);
            product_slope([a, b], values, slope)
        }),
    }
}

/// Multiplies gradients by φ′, if that is much less work than the mean of it.
fn at_points(gradients: &mut [f32], at: &[f32], function: Function) -> bool {
    let g = (gradients, [at; 2]);
    match function {
        Function::Clamp(low, high) => along!(g, [low, high], |_a, x| {
            if (x > low) & (x < high) { 1.0 } else { 0.0 }
        }),
        Function::Sigmoid => along!(g, [], |_a, x| logistic_density(x)),
        Function::Tanh => along!(g, [], |_a, x| 4.0 * logistic_density(2.0 * x)),
        Function::Exp => along!(g, [], |_a, x| exp(x)),
        Function::Erf => along!(g, [], |_a, x| erf_slope(x)),
        Function::NormalCdf => along!(g, [], |_a, x| normal_density(x)),
        Function::NormalCdfTanh => along!(g, [], |_a, x| normal_cdf_tanh_slope(x)),
        Function::Softplus => along!(g, [], |_a, x| sigmoid(x)),
        Function::Gated(Gating::Sigmoid) => along!(g, [], |_a, x| {
            let [p, minus_p] = both_sigmoids(x);
            p + x * (p * minus_p)
        }),
        Function::Gated(Gating::HardSigmoid(slope, offset)) => {
            along!(g, [slope, offset], |_a, x| {
                let inner = slope * x + offset;
                let derivative = if (inner > 0.0) & (inner < 1.0) {
                    slope
                } else {
                    0.0
                };
                inner.clamp(0.0, 1.0) + x * derivative
            });
        }
        Function::Gated(Gating::NormalCdf) => along!(g, [], |_a, x| {
            let [p, slope] = normal(x);
            p + x * slope
        }),
        Function::Gated(Gating::NormalCdfTanh) => along!(g, [], |_a, x| {
            normal_cdf_tanh(x) + x * normal_cdf_tanh_slope(x)
        }),
        _ => return false,
    }
    true
}

/// The slope of x · φ(x) between two points, of the values and the slope of φ: where the step is
/// short, each factor's change times the mean of the other; else, where these would cancel, the
/// quotient.
#[inline(always)]
fn product_slope([a, b]: [f32; 2], [p, q]: [f32; 2], slope: f32) -> f32 {
    let near = 0.5 * (p + q) + 0.5 * (a + b) * slope;
    let far = (b * q - a * p) / (b - a);
    if (b - a).abs() < 1.0 { near } else { far }
}

/// (φ(b) − φ(a)) / (b − a), the derivative where a = b.
#[inline(always)]
fn quotient(a: f32, b: f32, of_a: f32, of_b: f32, derivative: f32) -> f32 {
    let step = b - a;
    let slope = (of_b - of_a) / step;
    if step == 0.0 { derivative } else { slope }
}

/// The mean of φ′ by five points of Gauss and Legendre where the step is short, else the quotient.
#[inline(always)]
fn mean_slope(a: f32, b: f32, values: [f32; 2], slope: impl Fn(f32) -> f32) -> f32 {
    // Abramowitz and Stegun, table 25.4; weights halved.
    const POINTS: [(f32, f32); 3] = [
        (0.0, 0.284_444_45),
        (0.538_469_3, 0.239_314_34),
        (0.906_179_85, 0.118_463_44),
    ];
    let (middle, half) = ((a + b) / 2.0, (b - a) / 2.0);
    let mut mean = POINTS[0].1 * slope(middle);
    for (point, weight) in &POINTS[1..] {
        mean += weight * (slope(middle + half * point) + slope(middle - half * point));
    }
    let quotient = (values[1] - values[0]) / (b - a);
    if (b - a).abs() < 1.0 { mean } else { quotient }
}

#[inline(always)]
fn leaky(x: f32, slope: f32) -> f32 {
    if x > 0.0 { x } else { slope * x }
}

#[inline(always)]
fn elu(x: f32, alpha: f32) -> f32 {
    let low = alpha * (exp(x.min(0.0)) - 1.0);
    if x > 0.0 { x } else { low }
}

#[inline(always)]
fn elu_slope(a: f32, b: f32, alpha: f32) -> f32 {
    let low = alpha * exp_mean(a.min(0.0), b.min(0.0));
    let crossing = (elu(b, alpha) - elu(a, alpha)) / (b - a);
    if (a > 0.0) & (b > 0.0) {
        1.0
    } else if (a <= 0.0) & (b <= 0.0) {
        low
    } else {
        crossing
    }
}

#[inline(always)]
fn hard_sigmoid(x: f32, slope: f32, offset: f32) -> f32 {
    (slope * x + offset).clamp(0.0, 1.0)
}

#[inline(always)]
fn hard_sigmoid_slope(a: f32, b: f32, slope: f32, offset: f32) -> f32 {
    // Where it is 0 and 1. Of a slope of 0 both are somewhere, and nothing comes of them.
    let divisor = if slope == 0.0 { 1.0 } else { slope };
    let [zero, one] = [-offset / divisor, (1.0 - offset) / divisor];
    slope * share(a, b, zero.min(one), zero.max(one))
}

/// How much of the way from a to b lies between two numbers; where there is no way, whether b does.
/// Values of what has kinks may differ by less than they are rounded by: their quotient would be
/// anything.
#[inline(always)]
fn share(a: f32, b: f32, low: f32, high: f32) -> f32 {
    let inside = if (b > low) & (b < high) { 1.0 } else { 0.0 };
    quotient(a, b, a.max(low).min(high), b.max(low).min(high), inside)
}

#[inline(always)]
fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + exp(-x))
}

/// σ(x) σ(−x).
#[inline(always)]
fn logistic_density(x: f32) -> f32 {
    let small = exp(-x.abs());
    let whole = 1.0 + small;
    small / (whole * whole)
}

/// σ(x) and σ(−x).
#[inline(always)]
fn both_sigmoids(x: f32) -> [f32; 2] {
    let small = exp(-x.abs());
    let large = 1.0 / (1.0 + small);
    let small = small * large;
    if x > 0.0 {
        [large, small]
    } else {
        [small, large]
    }
}

#[inline(always)]
fn sigmoid_slope(a: f32, b: f32) -> f32 {
    let ([p, minus_p], [q, minus_q]) = (both_sigmoids(a), both_sigmoids(b));
    0.5 * (p * minus_q + minus_p * q) * tanhc((b - a) / 2.0)
}

/// Multiplies gradients by the slopes of x · σ(x) between two points. Where all of some steps are short, as most are on a
/// path of many, nothing but their own formula is computed, which takes a third of the time.
fn silu_gradient(gradients: &mut [f32], ends: [&[f32]; 2]) {
    /// Values of which all steps are short, or not.
    const SOME: usize = 32;
    struct Along<'a>(&'a mut [f32], [&'a [f32]; 2]);
    impl WithSimd for Along<'_> {
        type Output = ();
        #[inline(always)]
        fn with_simd<S: Simd>(self) {
            let Self(gradients, [from, to]) = self;
            let ends = from.chunks(SOME).zip(to.chunks(SOME));
            for (gradients, (from, to)) in gradients.chunks_mut(SOME).zip(ends) {
                let mut short = true;
                for (&a, &b) in from.iter().zip(to) {
                    short &= is_short(a, b);
                }
                let each = gradients.iter_mut().zip(from).zip(to);
                if short {
                    for ((gradient, &a), &b) in each {
                        *gradient *= silu_slope_near(a, b);
                    }
                } else {
                    for ((gradient, &a), &b) in each {
                        let far = (b * sigmoid(b) - a * sigmoid(a)) / (b - a);
                        let near = silu_slope_near(a, b);
                        *gradient *= if is_short(a, b) { near } else { far };
                    }
                }
            }
        }
    }
    AutoArch::new().dispatch(Along(gradients, ends));
}

/// Whether the change of a function may cancel between two points.
#[inline(always)]
fn is_short(a: f32, b: f32) -> bool {
    (b - a).abs() < 1.0
}

/// The slope of x · σ(x) between two points that are less than 1 apart. With their mean m, half their distance h,
/// E = exp(−|m|) and W = 1 + 2 E cosh h + E², the mean of σ at both is (1 + E cosh h) / W, or (E² + E cosh h) / W where m is
/// negative, and its slope E sinh h / (h W): sums of what is positive.
#[inline(always)]
fn silu_slope_near(a: f32, b: f32) -> f32 {
    let (middle, half) = ((a + b) / 2.0, (b - a) / 2.0);
    let z = half * half;
    // sinh(h) / h and cosh(h) for |h| < ½.
    let sinhc = 1.0 + z * (1.0 / 6.0 + z * (1.0 / 120.0 + z / 5040.0));
    let cosh = 1.0 + z * (0.5 + z * (1.0 / 24.0 + z * (1.0 / 720.0 + z / 40320.0)));
    let small = exp(-middle.abs());
    let (square, scaled) = (small * small, small * cosh);
    let whole = 1.0 + 2.0 * scaled + square;
    let first = if middle > 0.0 { 1.0 } else { square };
    (first + scaled + middle * (small * sinhc)) / whole
}

/// tanh(x) / x.
#[inline(always)]
fn tanhc(x: f32) -> f32 {
    let size = x.abs();
    // Moshier, Cephes, tanhf: 0.625 is where the polynomial ends.
    let z = x * x;
    let mut near = -5.704_988_7e-3;
    for coefficient in [
        2.063_909e-2,
        -5.373_971_6e-2,
        1.333_144_2e-1,
        -3.333_328e-1,
        1.0,
    ] {
        near = near * z + coefficient;
    }
    let far = (1.0 - 2.0 / (exp(2.0 * size) + 1.0)) / size;
    if size < 0.625 { near } else { far }
}

#[inline(always)]
fn tanh(x: f32) -> f32 {
    // Where x is infinite, x · 0 would be no number.
    let x = x.clamp(-20.0, 20.0);
    x * tanhc(x)
}

#[inline(always)]
fn tanh_slope(a: f32, b: f32) -> f32 {
    // 1 − tanh|x| = 2 σ(−2|x|), which loses no digits where tanh is nearly 1.
    let [p, q] = [a, b].map(|x| 2.0 * sigmoid(-2.0 * x.abs()));
    let same_sign = p + q - p * q;
    let other = 1.0 - tanh(a) * tanh(b);
    let factor = if a * b > 0.0 { same_sign } else { other };
    factor * tanhc(b - a)
}

/// exp(x), to the last bit but one; of what overflows f32, about its largest value.
///
/// # Source
///
/// Moshier, Cephes, expf: exp(x) = 2ⁿ · exp(r), |r| ≤ ½ ln 2.
#[inline(always)]
pub(crate) fn exp(x: f32) -> f32 {
    const ROUND: f32 = 12_582_912.0; // 1.5 · 2²³: adding it leaves whole numbers.
    let x = x.clamp(-87.0, 88.3);
    let shifted = x * std::f32::consts::LOG2_E + ROUND;
    let n = shifted - ROUND;
    let r = x - n * 0.693_359_4 - n * -2.121_944_4e-4;
    let mut sum = 1.987_569_1e-4;
    for coefficient in [1.398_2e-3, 8.333_452e-3, 4.166_579_6e-2, 0.166_666_66, 0.5] {
        sum = sum * r + coefficient;
    }
    let sum = sum * r * r + r + 1.0;
    let power = f32::from_bits((shifted.to_bits() << 23).wrapping_add(127 << 23));
    sum * power
}

/// The mean of exp between a and b: the logarithmic mean of exp a and exp b.
#[inline(always)]
pub(crate) fn exp_mean(a: f32, b: f32) -> f32 {
    let half = (b - a) / 2.0;
    let z = half * half;
    // sinh(h) / h for |h| < ½.
    let sinhc = 1.0 + z * (1.0 / 6.0 + z * (1.0 / 120.0 + z / 5040.0));
    let near = exp((a + b) / 2.0) * sinhc;
    let far = (exp(b) - exp(a)) / (b - a);
    if half.abs() < 0.5 { near } else { far }
}

#[inline(always)]
fn log_slope(a: f32, b: f32) -> f32 {
    let step = b - a;
    if step == 0.0 {
        1.0 / a
    } else if step.abs() < a / 2.0 {
        (step / a).ln_1p() / step
    } else {
        (b.ln() - a.ln()) / step
    }
}

/// Whole exponents by multiplication, so that negative numbers have powers too.
#[inline(always)]
fn power(x: f32, exponent: f32) -> f32 {
    if exponent.fract() == 0.0 && exponent.abs() < 64.0 {
        x.powi(exponent as i32)
    } else {
        x.powf(exponent)
    }
}

#[inline(always)]
fn power_slope(a: f32, b: f32, p: f32) -> f32 {
    if p.fract() == 0.0 && p.abs() < 64.0 {
        // b^n − a^n = (b − a) Σ a^k b^(n−1−k); of a negative exponent, as a quotient of these.
        let n = p.abs() as i32;
        let sum: f32 = (0..n).map(|k| a.powi(k) * b.powi(n - 1 - k)).sum();
        return if p >= 0.0 {
            sum
        } else {
            -sum / (a.powi(n) * b.powi(n))
        };
    }
    if p == 0.5 {
        return 1.0 / (a.sqrt() + b.sqrt());
    }
    // In double precision, as the quotient's digits cancel where a and b are near.
    let [a, b, p] = [a, b, p].map(f64::from);
    if a == b {
        (p * a.powf(p - 1.0)) as f32
    } else {
        ((b.powf(p) - a.powf(p)) / (b - a)) as f32
    }
}

#[inline(always)]
fn softplus(x: f32) -> f32 {
    x.max(0.0) + exp(-x.abs()).ln_1p()
}

#[inline(always)]
fn softsign(x: f32) -> f32 {
    x / (1.0 + x.abs())
}

#[inline(always)]
fn sinc(x: f32) -> f32 {
    if x == 0.0 { 1.0 } else { x.sin() / x }
}

/// erf(x) where |x| ≤ 1, else what it lacks to ±1.
///
/// # Source
///
/// Moshier, Cephes, ndtrf.
#[inline(always)]
fn erf_parts(x: f32) -> (f32, f32) {
    let z = x * x;
    let mut near = 7.853_861_4e-5;
    for coefficient in [
        -8.010_193_6e-4,
        5.188_327_7e-3,
        -2.685_381_2e-2,
        1.128_358_5e-1,
        -3.761_262_6e-1,
        std::f32::consts::FRAC_2_SQRT_PI,
    ] {
        near = near * z + coefficient;
    }
    let size = x.abs().max(1.0);
    let inverse = 1.0 / size;
    let y = inverse * inverse;
    let mut middle = 2.326_82e-2;
    for coefficient in [
        -1.387_039_4e-1,
        3.687_424_7e-1,
        -5.824_733e-1,
        6.210_004_6e-1,
        -4.944_515_3e-1,
        3.404_88e-1,
        -2.741_127e-1,
        5.638_259_4e-1,
    ] {
        middle = middle * y + coefficient;
    }
    let mut far = -1.047_766_4e1;
    for coefficient in [
        1.297_72e1,
        -7.495_519,
        2.921_019,
        -1.015_265_3,
        4.218_463_4e-1,
        -2.820_767_4e-1,
        5.641_895e-1,
    ] {
        far = far * y + coefficient;
    }
    let tail = if size < 2.0 { middle } else { far };
    (x * near, exp(-size * size) * inverse * tail)
}

#[inline(always)]
fn erf(x: f32) -> f32 {
    let (near, lack) = erf_parts(x);
    if x.abs() < 1.0 {
        near
    } else {
        (1.0 - lack).copysign(x)
    }
}

#[inline(always)]
fn erf_slope(x: f32) -> f32 {
    std::f32::consts::FRAC_2_SQRT_PI * exp(-x * x)
}

/// Φ(x), and its derivative.
///
/// # Source
///
/// Mills' ratio Φ(−x) / Φ′(x), x ≥ 0, of t = 1 / (1 + 0.4 x / √2): t times a polynomial, fitted to
/// erfc by least squares whose weights grow where the relative error is largest, 1.3·10⁻⁷ in the
/// end (`tests/kernel/function.rs` has it against erfc).
#[inline(always)]
fn normal(x: f32) -> [f32; 2] {
    let density = normal_density(x);
    let t = 1.0 / (1.0 + 0.282_842_7 * x.abs());
    let mut ratio = 0.063_008_75;
    for coefficient in [
        -0.229_291_54,
        0.212_013_8,
        -0.007_111_951,
        0.177_299_14,
        0.211_224_76,
        0.260_493_81,
        0.282_834_8,
        0.282_842_76,
    ] {
        ratio = ratio * t + coefficient;
    }
    // Of the side where it is small, as 1 − … would lose all digits.
    let small = density * (ratio * t);
    [if x < 0.0 { small } else { 1.0 - small }, density]
}

#[inline(always)]
fn normal_cdf(x: f32) -> f32 {
    normal(x)[0]
}

#[inline(always)]
fn normal_density(x: f32) -> f32 {
    // 1 / √(2π).
    0.398_942_3 * exp(-x * x / 2.0)
}

/// √(2/π), and the factor of x³ in GELU's approximation (Hendrycks and Gimpel 2016, §2).
const GELU: [f32; 2] = [0.797_884_6, 0.044_715];

/// What its sigmoid is of, and the derivative of that.
#[inline(always)]
fn normal_cdf_tanh_argument(x: f32) -> [f32; 2] {
    let [factor, cubic] = GELU;
    [
        2.0 * factor * (x + cubic * x * x * x),
        2.0 * factor * (1.0 + 3.0 * cubic * x * x),
    ]
}

#[inline(always)]
fn normal_cdf_tanh(x: f32) -> f32 {
    sigmoid(normal_cdf_tanh_argument(x)[0])
}

#[inline(always)]
fn normal_cdf_tanh_slope(x: f32) -> f32 {
    let [argument, slope] = normal_cdf_tanh_argument(x);
    slope * sigmoid(argument) * sigmoid(-argument)
}
