//! The transforms of tiles, one row or column at a time.

use crate::machine::{Simd, Vector, mul_add};
use crate::vector::splat;

/// Output tiles of `OUT` × `OUT`, made from input tiles of `IN` × `IN`, which are `OUT` + 2.
///
/// Each of the `IN` places is the value of a polynomial at a point: there input and filter are multiplied. A
/// filter that is turned has at −p the value of the filter at −1/p, but for a factor. The points and factors are
/// chosen so that the turned filter's values at −p, from the last point to the first, are those of the filter from
/// the first to the last. To change the sign of the points is to change that of every other input and output.
pub(super) trait Transform<const OUT: usize, const IN: usize> {
    /// Tiles that are transformed, multiplied and transformed back in one go, so that they stay in the
    /// second cache between.
    const GROUP: usize;

    /// G g.
    fn filter(g: [f32; 3]) -> [f32; IN];

    /// Bᵀ d.
    fn input<S: Simd>(d: [Vector<S, f32>; IN]) -> [Vector<S, f32>; IN];

    /// Aᵀ m.
    fn output<S: Simd>(m: [Vector<S, f32>; IN]) -> [Vector<S, f32>; OUT];
}

/// F(2, 3), at 0, 1, −1 and ∞: Lavin and Gray, section 4.1.
pub(super) struct F2;

impl Transform<2, 4> for F2 {
    const GROUP: usize = 64;

    fn filter([a, b, c]: [f32; 3]) -> [f32; 4] {
        [a, (a + b + c) / 2.0, (a - b + c) / 2.0, c]
    }

    #[inline(always)]
    fn input<S: Simd>([a, b, c, d]: [Vector<S, f32>; 4]) -> [Vector<S, f32>; 4] {
        [a - c, b + c, c - b, b - d]
    }

    #[inline(always)]
    fn output<S: Simd>([a, b, c, d]: [Vector<S, f32>; 4]) -> [Vector<S, f32>; 2] {
        [a + b + c, b - c - d]
    }
}

/// F(4, 3), at 0, 1, ½, −2, −1 and ∞, where rounding errors are smaller than at the usual 0, ±1, ±2 and ∞.
///
/// The rows of Bᵀ have the coefficients of x (x − 1) (x − ½) (x + 2) (x + 1), which is that of ∞, divided by x less each
/// point.
///
/// # Source
///
/// Barabasz, Anderson, Soodhalter, Gregg: *Error Analysis and Improving the Accuracy of Winograd Convolution for Deep
/// Neural Networks*, ACM TOMS 46 (2020), [arXiv 1803.10986](https://arxiv.org/abs/1803.10986): the points.
pub(super) struct F4;

impl Transform<4, 6> for F4 {
    const GROUP: usize = 32;

    fn filter([a, b, c]: [f32; 3]) -> [f32; 6] {
        [
            a,
            (a + b + c) / 3.0,
            (4.0 * a + 2.0 * b + c) / 15.0,
            (a - 2.0 * b + 4.0 * c) / 15.0,
            (a - b + c) / 3.0,
            c,
        ]
    }

    #[inline(always)]
    fn input<S: Simd>([a, b, c, d, e, f]: [Vector<S, f32>; 6]) -> [Vector<S, f32>; 6] {
        let (odd, even) = (b - d, c - e);
        [
            add::<S>(-1.5, odd, add::<S>(-2.0, c, a + e)),
            add::<S>(2.5, d, add::<S>(0.5, c, e - b)),
            add::<S>(2.0, odd, even),
            add::<S>(-0.5, odd, even),
            add::<S>(0.5, d - c, b - c - even),
            add::<S>(-1.5, even, add::<S>(-2.0, d, b + f)),
        ]
    }

    #[inline(always)]
    fn output<S: Simd>([a, b, c, d, e, f]: [Vector<S, f32>; 6]) -> [Vector<S, f32>; 4] {
        let (sum, difference) = (b + e, b - e);
        [
            add::<S>(4.0, c, a + difference - d),
            add::<S>(2.0, c + d, sum),
            add::<S>(-4.0, d, difference + c),
            add::<S>(8.0, d, add::<S>(0.5, c, sum + f)),
        ]
    }
}

/// k · v + sum. No closure, which would not always be compiled into its caller.
#[inline(always)]
fn add<S: Simd>(k: f32, v: Vector<S, f32>, sum: Vector<S, f32>) -> Vector<S, f32> {
    mul_add::<S>(splat::<S>(k), v, sum)
}

/// One column of some rows.
#[inline(always)]
pub(super) fn column<V: Copy, const ROWS: usize, const COLUMNS: usize>(
    rows: &[[V; COLUMNS]; ROWS],
    place: usize,
) -> [V; ROWS] {
    let mut column = [rows[0][place]; ROWS];
    for (value, row) in column.iter_mut().zip(rows) {
        *value = row[place];
    }
    column
}
