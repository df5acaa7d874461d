//! Short lines of values, copied.

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
