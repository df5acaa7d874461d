//! Vectors of f32, as wide as the machine has them, over slices.

use crate::machine::{
    self as macerator, Scalar, Simd, Vector, mul_add, vload_unaligned, vstore_unaligned, with_simd,
};

/// Values in the widest vector there is.
pub(super) const WIDEST: usize = 16;

/// Values in a vector.
#[inline(always)]
pub(super) fn lanes<S: Simd>() -> usize {
    <f32 as Scalar>::lanes::<S>()
}

/// The same value in every lane.
#[inline(always)]
pub(super) fn splat<S: Simd>(value: f32) -> Vector<S, f32> {
    value.splat()
}

/// The slice's first values.
#[inline(always)]
pub(super) fn load<S: Simd>(from: &[f32]) -> Vector<S, f32> {
    assert!(from.len() >= lanes::<S>());
    // SAFETY: the slice holds a whole vector, and the load needs no alignment.
    #[allow(unsafe_code)]
    unsafe {
        vload_unaligned(from.as_ptr())
    }
}

/// The slice's values from `at` on.
#[inline(always)]
pub(super) fn load_at<S: Simd>(from: &[f32], at: usize) -> Vector<S, f32> {
    assert!(from.len() >= lanes::<S>() && at <= from.len() - lanes::<S>());
    // SAFETY: a whole vector lies behind `at`, and the load needs no alignment.
    #[allow(unsafe_code)]
    unsafe {
        vload_unaligned(from.as_ptr().add(at))
    }
}

/// Overwrites the slice's first values.
#[inline(always)]
pub(super) fn store<S: Simd>(to: &mut [f32], value: Vector<S, f32>) {
    assert!(to.len() >= lanes::<S>());
    // SAFETY: the slice holds a whole vector, and the store needs no alignment.
    #[allow(unsafe_code)]
    unsafe {
        vstore_unaligned(to.as_mut_ptr(), value);
    }
}

/// The value, or the end of the range that it lies beyond.
///
/// WebAssembly has no instruction for [`f32::max`]; this it can select.
#[inline(always)]
pub(super) fn clamp(value: f32, [low, high]: [f32; 2]) -> f32 {
    if value < low {
        low
    } else if value > high {
        high
    } else {
        value
    }
}

/// Multiply-adds in registers, `times` × 12 vectors; the number of floating-point operations.
#[with_simd]
pub(super) fn busy<S: Simd>(times: usize) -> usize {
    let factor = splat::<S>(1.0 - 1e-7);
    // Of different values, and all of them asked for, or the compiler would make fewer.
    let mut sums = std::array::from_fn::<_, 12, _>(|k| splat::<S>(k as f32));
    for _ in 0..times {
        for sum in &mut sums {
            *sum = mul_add::<S>(*sum, factor, factor);
        }
    }
    let mut values = [[0.0; WIDEST]; 12];
    let all = values.iter_mut().zip(sums);
    all.for_each(|(values, sum)| store::<S>(values, sum));
    std::hint::black_box(values);
    times * 12 * lanes::<S>() * 2
}
