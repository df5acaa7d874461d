//! Which vectors the code is compiled for: what `macerator` knows, and browsers with relaxed SIMD.
//!
//! `#[with_simd]` expands to `macerator::AutoArch`; whoever imports this module by that name gets the
//! one for its browser.

pub(crate) use ::macerator::*;

#[cfg(all(target_family = "wasm", feature = "relaxed"))]
pub(crate) use relaxed::AutoArch;

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

/// Browsers that multiply and add in one go.
///
/// They refuse a whole module for one instruction that they do not know, so this is for a module of
/// its own. `macerator` has the instruction too, for programs that are compiled with it as a whole:
/// then everything that Violet stands on would have to be built twice.
#[cfg(all(target_family = "wasm", feature = "relaxed"))]
mod relaxed {
    use std::arch::wasm32::{f32x4_relaxed_madd, v128};
    use std::mem::transmute_copy;

    use super::{Simd, Vector, WithSimd};

    pub(crate) struct AutoArch;

    impl AutoArch {
        pub(crate) fn new() -> Self {
            Self
        }

        pub(crate) fn dispatch<Op: WithSimd>(self, op: Op) -> Op::Output {
            ::macerator::AutoArch::new().dispatch(Relaxed(op))
        }
    }

    struct Relaxed<Op>(Op);

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

    /// Nothing, where the vectors are none of a browser's.
    #[inline(always)]
    pub(super) fn mul_add<S: Simd>(
        a: Vector<S, f32>,
        b: Vector<S, f32>,
        c: Vector<S, f32>,
    ) -> Option<Vector<S, f32>> {
        if size_of::<S::Register>() != size_of::<v128>() {
            return None;
        }
        // SAFETY: both are 128 bits of plain data.
        #[allow(unsafe_code)]
        unsafe {
            let [a, b, c] = [*a, *b, *c].map(|v| transmute_copy::<S::Register, v128>(&v));
            let sum = f32x4_relaxed_madd(a, b, c);
            Some(S::typed(transmute_copy::<v128, S::Register>(&sum)))
        }
    }
}
