//! Short lines of values: copied, and taken apart by their places.

/// Overwrites a line with another one's first values. Of a few values, a call would take longer
/// than the copy.
#[inline(always)]
pub(crate) fn copy(to: &mut [f32], from: &[f32]) {
    match to.len() {
        16.. => copy_by::<16>(to, from),
        8.. => copy_by::<8>(to, from),
        4.. => copy_by::<4>(to, from),
        _ => to.iter_mut().zip(from).for_each(|(to, from)| *to = *from),
    }
}

/// By so many at once, the last of them ending with the line: some are copied twice.
#[inline(always)]
fn copy_by<const N: usize>(to: &mut [f32], from: &[f32]) {
    let last = to.len() - N;
    let from = &from[..to.len()];
    let mut at = 0;
    while at < last {
        copy_at::<N>(to, from, at);
        at += N;
    }
    copy_at::<N>(to, from, last);
}

#[inline(always)]
fn copy_at<const N: usize>(to: &mut [f32], from: &[f32], at: usize) {
    if let (Some(to), Some(from)) = (
        to[at..].first_chunk_mut::<N>(),
        from[at..].first_chunk::<N>(),
    ) {
        *to = *from;
    }
}

/// Rows that become columns.
#[inline(always)]
pub(crate) fn transposed(rows: [[f32; 4]; 4]) -> [[f32; 4]; 4] {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{__m128, _MM_TRANSPOSE4_PS};
        // SAFETY: both are 512 bits of plain data, and every such processor has these vectors.
        #[allow(unsafe_code)]
        unsafe {
            let [mut a, mut b, mut c, mut d] =
                std::mem::transmute::<[[f32; 4]; 4], [__m128; 4]>(rows);
            _MM_TRANSPOSE4_PS(&mut a, &mut b, &mut c, &mut d);
            std::mem::transmute::<[__m128; 4], [[f32; 4]; 4]>([a, b, c, d])
        }
    }
    #[cfg(target_family = "wasm")]
    {
        use std::arch::wasm32::{i32x4_shuffle, i64x2_shuffle, v128};
        // SAFETY: both are 512 bits of plain data.
        #[allow(unsafe_code)]
        let [a, b, c, d] = unsafe { std::mem::transmute::<[[f32; 4]; 4], [v128; 4]>(rows) };
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
            std::mem::transmute::<[v128; 4], [[f32; 4]; 4]>(columns)
        }
    }
    #[cfg(not(any(target_arch = "x86_64", target_family = "wasm")))]
    {
        std::array::from_fn(|i| rows.map(|row| row[i]))
    }
}
