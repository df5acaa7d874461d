//! Which vectors the code is compiled for: what `macerator` knows, and browsers, with relaxed SIMD or without.
//!
//! `#[with_simd]` expands to `macerator::AutoArch`; whoever imports this module by that name gets the
//! one for its browser.

pub(crate) use ::macerator::*;

#[cfg(target_family = "wasm")]
pub(crate) use browser::AutoArch;

/// `a · b + c`, fused where the machine can.
#[inline(always)]
pub(crate) fn mul_add<S: Simd>(
    a: Vector<S, f32>,
    b: Vector<S, f32>,
    c: Vector<S, f32>,
) -> Vector<S, f32> {
    #[cfg(all(target_family = "wasm", feature = "relaxed"))]
    if let Some(sum) = relaxed::mul_add(a, b, c) {
        return sum;
    }
    a.mul_add(b, c)
}

/// The values, or the ends of the range that they lie beyond.
///
/// What browsers call the maximum of two vectors is several instructions where it is none of the
/// machine's own; to choose by a comparison is one.
#[inline(always)]
pub(crate) fn clamp<S: Simd>(
    values: Vector<S, f32>,
    [low, high]: [Vector<S, f32>; 2],
) -> Vector<S, f32> {
    #[cfg(target_family = "wasm")]
    {
        use std::arch::wasm32::{f32x4_pmax, f32x4_pmin};
        let clamped = in_browser([values, low, high], |[values, low, high]| {
            f32x4_pmin(f32x4_pmax(values, low), high)
        });
        if let Some(clamped) = clamped {
            return clamped;
        }
    }
    values.max(low).min(high)
}

/// Asks for the values from `at` on, to be there when they are read; where there is none, for nothing.
#[inline(always)]
pub(crate) fn prefetch(values: &[f32], at: usize) {
    #[cfg(target_arch = "x86_64")]
    if let Some(value) = values.get(at) {
        use std::arch::x86_64::{_MM_HINT_T1, _mm_prefetch};
        // SAFETY: it reads nothing, and every such processor has it.
        #[allow(unsafe_code)]
        unsafe {
            _mm_prefetch::<_MM_HINT_T1>((&raw const *value).cast());
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (values, at);
}

/// Says of each value of two vectors whether it is strictly within a range.
#[inline(always)]
pub(crate) fn store_inside<S: Simd>(
    inside: &mut [bool],
    values: [Vector<S, f32>; 2],
    [low, high]: [Vector<S, f32>; 2],
) {
    let lanes = f32::lanes::<S>();
    let inside = &mut inside[..2 * lanes];
    #[cfg(target_family = "wasm")]
    {
        use std::arch::wasm32::{
            f32x4_gt, f32x4_lt, i8x16_narrow_i16x8, i16x8_narrow_i32x4, u32x4_splat,
            u64x2_extract_lane, v128, v128_and,
        };
        let masks = values.map(|values| {
            in_browser::<S>([values, low, high], |[values, low, high]| {
                v128_and(f32x4_gt(values, low), f32x4_lt(values, high))
            })
        });
        if let [Some(first), Some(second)] = masks {
            let bytes = in_browser::<S>([first, second, second], |[first, second, _]| {
                let halves = i16x8_narrow_i32x4(first, second);
                v128_and(i8x16_narrow_i16x8(halves, halves), u32x4_splat(0x0101_0101))
            });
            if let Some(bytes) = bytes {
                // SAFETY: eight bytes of 0 or 1 lie in the first lane, and there is room for eight.
                #[allow(unsafe_code)]
                unsafe {
                    let bytes = std::mem::transmute_copy::<S::Register, v128>(&bytes);
                    let bytes = u64x2_extract_lane::<0>(bytes);
                    inside.as_mut_ptr().cast::<u64>().write_unaligned(bytes);
                }
                return;
            }
        }
    }
    for (inside, values) in inside.chunks_exact_mut(lanes).zip(values) {
        let mask = values.gt(low) & values.lt(high);
        // SAFETY: there is room for a whole vector's.
        #[allow(unsafe_code)]
        unsafe {
            f32::mask_store_as_bool(inside.as_mut_ptr(), mask);
        }
    }
}

/// The values of two vectors that are let through, and zeros.
#[inline(always)]
pub(crate) fn gated<S: Simd>(values: [Vector<S, f32>; 2], open: &[bool]) -> [Vector<S, f32>; 2] {
    let lanes = f32::lanes::<S>();
    let open = &open[..2 * lanes];
    #[cfg(target_family = "wasm")]
    {
        use std::arch::wasm32::{
            i16x8_eq, i16x8_load_extend_i8x8, i16x8_shuffle, i16x8_splat, v128_and,
        };
        if size_of::<S::Register>() == size_of::<std::arch::wasm32::v128>() {
            // SAFETY: so many are there.
            #[allow(unsafe_code)]
            let open = unsafe { i16x8_load_extend_i8x8(open.as_ptr().cast()) };
            // Each half of a value's mask is the other one too.
            let halves = i16x8_eq(open, i16x8_splat(1));
            let masks = [
                i16x8_shuffle::<0, 0, 1, 1, 2, 2, 3, 3>(halves, halves),
                i16x8_shuffle::<4, 4, 5, 5, 6, 6, 7, 7>(halves, halves),
            ];
            let [first, second] = values;
            let gated = [(first, masks[0]), (second, masks[1])].map(|(values, mask)| {
                in_browser([values; 3], |[values, ..]| v128_and(values, mask))
            });
            if let [Some(first), Some(second)] = gated {
                return [first, second];
            }
        }
    }
    let [first, second] = values;
    let zero = 0.0f32.splat();
    // No closure, which would not always be compiled into its caller.
    [
        f32::mask_from_bools::<S>(&open[..lanes]).select(first, zero),
        f32::mask_from_bools::<S>(&open[lanes..]).select(second, zero),
    ]
}

/// One of a vector's four values in every lane.
#[cfg(target_family = "wasm")]
#[inline(always)]
pub(crate) fn lane<S: Simd>(values: Vector<S, f32>, lane: usize) -> Vector<S, f32> {
    use std::arch::wasm32::i32x4_shuffle;
    let chosen = in_browser([values; 3], |[values, ..]| match lane {
        0 => i32x4_shuffle::<0, 0, 0, 0>(values, values),
        1 => i32x4_shuffle::<1, 1, 1, 1>(values, values),
        2 => i32x4_shuffle::<2, 2, 2, 2>(values, values),
        _ => i32x4_shuffle::<3, 3, 3, 3>(values, values),
    });
    chosen.unwrap_or(values)
}

/// An operation on a browser's vectors; nothing, where they are none.
#[cfg(target_family = "wasm")]
#[inline(always)]
fn in_browser<S: Simd>(
    vectors: [Vector<S, f32>; 3],
    operation: impl FnOnce([std::arch::wasm32::v128; 3]) -> std::arch::wasm32::v128,
) -> Option<Vector<S, f32>> {
    use std::arch::wasm32::v128;
    use std::mem::transmute_copy;

    if size_of::<S::Register>() != size_of::<v128>() {
        return None;
    }
    let [a, b, c] = vectors;
    // SAFETY: both are 128 bits of plain data.
    #[allow(unsafe_code)]
    unsafe {
        let [a, b, c] = [
            transmute_copy::<S::Register, v128>(&a),
            transmute_copy::<S::Register, v128>(&b),
            transmute_copy::<S::Register, v128>(&c),
        ];
        let result = operation([a, b, c]);
        Some(S::typed(transmute_copy::<v128, S::Register>(&result)))
    }
}

/// Browsers know what they are asked for when they compile a module: one that lacks SIMD refuses it.
///
/// `macerator` asks at run time, and so has all of the code compiled once more, without vectors.
#[cfg(target_family = "wasm")]
mod browser {
    use super::{Arch, WithSimd};

    const _: () = assert!(cfg!(target_feature = "simd128"), "built without SIMD");

    pub(crate) struct AutoArch;

    impl AutoArch {
        pub(crate) fn new() -> Self {
            Self
        }

        pub(crate) fn dispatch<Op: WithSimd>(self, op: Op) -> Op::Output {
            #[cfg(feature = "relaxed")]
            let op = super::relaxed::Relaxed(op);
            // SAFETY: the whole module is compiled for this.
            #[allow(unsafe_code)]
            unsafe {
                Arch::Simd128Fallback.dispatch(op)
            }
        }
    }
}

/// Browsers that multiply and add in one go.
///
/// They refuse a whole module for one instruction that they do not know, so this is for a module of
/// its own. `macerator` has the instruction too, for programs that are compiled with it as a whole:
/// then everything that Violet stands on would have to be built twice.
#[cfg(all(target_family = "wasm", feature = "relaxed"))]
mod relaxed {
    use std::arch::wasm32::f32x4_relaxed_madd;

    use super::{Simd, Vector, WithSimd};

    pub(super) struct Relaxed<Op>(pub(super) Op);

    impl<Op: WithSimd> WithSimd for Relaxed<Op> {
        type Output = Op::Output;

        fn with_simd<S: Simd>(self) -> Op::Output {
            #[target_feature(enable = "simd128,relaxed-simd")]
            fn relaxed<S: Simd, Op: WithSimd>(op: Op) -> Op::Output {
                op.with_simd::<S>()
            }
            relaxed::<S, Op>(self.0)
        }
    }

    #[inline(always)]
    pub(super) fn mul_add<S: Simd>(
        a: Vector<S, f32>,
        b: Vector<S, f32>,
        c: Vector<S, f32>,
    ) -> Option<Vector<S, f32>> {
        super::in_browser([a, b, c], |[a, b, c]| f32x4_relaxed_madd(a, b, c))
    }
}
