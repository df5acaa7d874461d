//! What tests of several readers need.

/// `noise` of `tests/golden/hash_weights.py`.
pub(crate) fn noise(name: &str, count: usize) -> Vec<f64> {
    let seed = name.bytes().fold(0xCBF2_9CE4_8422_2325u64, |seed, byte| {
        (seed ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3)
    });
    let value = |k: u64| {
        let z = seed.wrapping_add(k.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 40) as f64 / f64::from(1 << 23) - 1.0
    };
    (1..=count as u64).map(value).collect()
}
