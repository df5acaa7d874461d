//! How many workers share the work on a CPU.

/// More workers than this bring nothing on today's classroom machines, only memory use.
const MOST_WORKERS: usize = 8;
/// A worker's memory: module, weights and one image's activations, ResNet-18 on the CPU.
const WORKER_GIB: f64 = 0.25;
/// What is taken for the memory of a machine that does not tell (Firefox and Safari): a desk's, and a hand's, whose
/// pages are ended where they take more than a share of it.
const UNKNOWN_GIB: f64 = 2.0;
const UNKNOWN_GIB_IN_HAND: f64 = 1.0;

/// One worker a core, as far as memory reaches. Browsers tell the memory in GiB, 8 at most, or not at all; `in_hand`
/// is a phone or a tablet.
pub fn worker_count(cores: usize, memory_gib: Option<f64>, in_hand: bool) -> usize {
    let unknown = if in_hand {
        UNKNOWN_GIB_IN_HAND
    } else {
        UNKNOWN_GIB
    };
    // Half of the memory is left to everything else.
    let by_memory = memory_gib.unwrap_or(unknown) / 2.0 / WORKER_GIB;
    cores.min(by_memory as usize).clamp(1, MOST_WORKERS)
}

#[cfg(test)]
mod tests {
    use super::worker_count;

    #[test]
    fn workers_fit_into_cores_and_memory() {
        assert_eq!(worker_count(2, Some(8.0), false), 2);
        assert_eq!(worker_count(64, Some(8.0), false), 8);
        assert_eq!(worker_count(8, Some(1.0), false), 2);
        assert_eq!(worker_count(8, Some(0.25), false), 1);
        assert_eq!(worker_count(0, None, false), 1);
        // A machine that does not tell gets no eight workers, and a phone two.
        assert_eq!(worker_count(10, None, false), 4);
        assert_eq!(worker_count(6, None, true), 2);
    }
}
