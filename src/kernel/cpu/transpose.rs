//! Rows that become columns.

use crate::spare;

/// Side of the squares that are turned in registers.
pub(crate) const QUAD: usize = 4;

/// Side of the squares that are moved at once, so that both what is read and what is written stay near.
const SIDE: usize = 16;

/// Matrices \[P, rows, columns\] → \[P, columns, rows\].
pub fn transpose(values: &[f32], rows: usize, columns: usize) -> Vec<f32> {
    let mut result = spare::values(values.len());
    if rows * columns == 0 {
        return result;
    }
    let matrices = values.chunks_exact(rows * columns);
    for (from, to) in matrices.zip(result.chunks_exact_mut(rows * columns)) {
        turn(from, columns, to, rows, [rows, columns]);
    }
    result
}

/// A matrix whose rows lie `from_pitch` apart, as columns: rows that lie `to_pitch` apart.
pub(crate) fn turn(
    from: &[f32],
    from_pitch: usize,
    to: &mut [f32],
    to_pitch: usize,
    [rows, columns]: [usize; 2],
) {
    for y in (0..rows).step_by(SIDE) {
        for x in (0..columns).step_by(SIDE) {
            let ends = [rows.min(y + SIDE), columns.min(x + SIDE)];
            turn_part(from, to, [from_pitch, to_pitch], [y, x], ends);
        }
    }
}

/// Part of a matrix.
fn turn_part(
    from: &[f32],
    to: &mut [f32],
    [from_pitch, to_pitch]: [usize; 2],
    [top, left]: [usize; 2],
    [bottom, right]: [usize; 2],
) {
    let [whole_bottom, whole_right] =
        [(top, bottom), (left, right)].map(|(from, to)| to - (to - from) % QUAD);
    for x in (left..whole_right).step_by(QUAD) {
        for y in (top..whole_bottom).step_by(QUAD) {
            let square = quad(&from[y * from_pitch + x..], from_pitch);
            for (k, line) in square.iter().enumerate() {
                to[(x + k) * to_pitch + y..][..QUAD].copy_from_slice(line);
            }
        }
    }
    let mut one_by_one = |y: usize, x: usize| to[x * to_pitch + y] = from[y * from_pitch + x];
    for x in left..right {
        let first = if x < whole_right { whole_bottom } else { top };
        (first..bottom).for_each(|y| one_by_one(y, x));
    }
}

/// Four values of each of four rows, which lie `pitch` apart, column by column.
#[inline(always)]
pub(crate) fn quad(from: &[f32], pitch: usize) -> [[f32; QUAD]; QUAD] {
    transposed(std::array::from_fn(|y| {
        let row = &from[y * pitch..][..QUAD];
        std::array::from_fn(|x| row[x])
    }))
}

/// Rows that become columns, in registers.
#[inline(always)]
pub(crate) fn transposed(rows: [[f32; QUAD]; QUAD]) -> [[f32; QUAD]; QUAD] {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{__m128, _MM_TRANSPOSE4_PS};
        // SAFETY: both are 512 bits of plain data, and every such processor has these vectors.
        #[allow(unsafe_code)]
        unsafe {
            let [mut a, mut b, mut c, mut d] =
                std::mem::transmute::<[[f32; QUAD]; QUAD], [__m128; 4]>(rows);
            _MM_TRANSPOSE4_PS(&mut a, &mut b, &mut c, &mut d);
            std::mem::transmute::<[__m128; 4], [[f32; QUAD]; QUAD]>([a, b, c, d])
        }
    }
    #[cfg(target_family = "wasm")]
    {
        use std::arch::wasm32::{i32x4_shuffle, i64x2_shuffle, v128};
        // SAFETY: both are 512 bits of plain data.
        #[allow(unsafe_code)]
        let [a, b, c, d] = unsafe { std::mem::transmute::<[[f32; QUAD]; QUAD], [v128; 4]>(rows) };
        let [low, high] = [
            [
                i32x4_shuffle::<0, 4, 1, 5>(a, b),
                i32x4_shuffle::<0, 4, 1, 5>(c, d),
            ],
            [
                i32x4_shuffle::<2, 6, 3, 7>(a, b),
                i32x4_shuffle::<2, 6, 3, 7>(c, d),
            ],
        ];
        let columns = [
            i64x2_shuffle::<0, 2>(low[0], low[1]),
            i64x2_shuffle::<1, 3>(low[0], low[1]),
            i64x2_shuffle::<0, 2>(high[0], high[1]),
            i64x2_shuffle::<1, 3>(high[0], high[1]),
        ];
        // SAFETY: as above.
        #[allow(unsafe_code)]
        unsafe {
            std::mem::transmute::<[v128; 4], [[f32; QUAD]; QUAD]>(columns)
        }
    }
    #[cfg(not(any(target_arch = "x86_64", target_family = "wasm")))]
    {
        std::array::from_fn(|i| rows.map(|row| row[i]))
    }
}
