//! Numbers that look random and are the same everywhere: whole-number arithmetic, without state.

/// The number in place `place` of SplitMix64's sequence.
///
/// # Source
///
/// Steele, Lea, Flood 2014, “Fast splittable pseudorandom number generators” (doi
/// 10.1145/2660193.2660195), figure 16.
pub(crate) fn mixed(place: u64) -> u64 {
    let mut z = place.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// A value of the normal distribution for a place, by Box and Muller's transform of two numbers;
/// places of one seed are told from those of others up to 2³⁹ of them.
pub(crate) fn normal(seed: u64, place: u64) -> f64 {
    let even = |number: u64| {
        let mixed = mixed((seed << 40).wrapping_add(number + 1));
        // Above 0, up to 1.
        (mixed >> 11) as f64 / (1u64 << 53) as f64 + f64::EPSILON
    };
    let (radius, angle) = (even(2 * place), even(2 * place + 1));
    (-2.0 * radius.min(1.0).ln()).sqrt() * (std::f64::consts::TAU * angle).cos()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sequence_is_splitmix64s() {
        // The first outputs from state 0, as in the reference program (Vigna, splitmix64.c).
        let expected = [
            0xe220_a839_7b1d_cdaf,
            0x6e78_9e6a_a1b9_65f4,
            0x06c4_5d18_8009_454f,
        ];
        assert_eq!([1, 2, 3].map(mixed), expected);
    }
}
