//! How many workers share the work, and how much of the memory they may take.

use crate::protocol::{Failure, FailureCode};

/// More workers than this bring nothing on today's classroom machines, only memory use.
const MOST_WORKERS: usize = 8;
/// A worker's memory: module, weights and one image's activations, ResNet-18 on the CPU.
const WORKER_GIB: f64 = 0.25;
/// What is taken for the memory of a machine that does not tell (Firefox and Safari): a desk's, and a hand's, whose
/// pages are ended where they take more than a share of it.
const UNKNOWN_GIB: f64 = 2.0;
const UNKNOWN_GIB_IN_HAND: f64 = 1.0;
/// The same, where someone brought a network and is told if it does not fit.
const ASSUMED_GIB: f64 = 4.0;
/// What one worker can address, less what its allocator cannot use.
const MOST_GIB: f64 = 3.5;
const GIB: f64 = (1u64 << 30) as f64;

/// One worker a core, or as many as are `asked` for, as far as memory reaches. Browsers tell the memory in GiB, 8 at
/// most, or not at all; `in_hand` is a phone or a tablet.
pub fn worker_count(
    asked: Option<usize>,
    cores: usize,
    memory_gib: Option<f64>,
    in_hand: bool,
) -> usize {
    let unknown = if in_hand {
        UNKNOWN_GIB_IN_HAND
    } else {
        UNKNOWN_GIB
    };
    // Half of the memory is left to everything else.
    let by_memory = memory_gib.unwrap_or(unknown) / 2.0 / WORKER_GIB;
    let wanted = asked.unwrap_or(cores.min(MOST_WORKERS));
    wanted.min(by_memory as usize).max(1)
}

/// How many workers can hold a model that takes so many bytes in each. Half of the device's memory,
/// in GiB, is left to everything else.
///
/// # Errors
///
/// [`FailureCode::NetworkTooLarge`], if none can.
pub fn fitting(memory: u64, memory_gib: Option<f64>) -> Result<usize, Failure> {
    let there = memory_gib.unwrap_or(ASSUMED_GIB) / 2.0 * GIB;
    let (needed, most) = (memory as f64, there.min(MOST_GIB * GIB));
    if needed > most {
        let gigabytes = |bytes: f64| bytes / 1e9;
        return Err(Failure {
            code: FailureCode::NetworkTooLarge,
            detail: format!(
                "it takes about {:.1} GB, and {:.1} GB may be taken here",
                gigabytes(needed),
                gigabytes(most)
            ),
        });
    }
    // What takes nothing is one of ours.
    Ok((there / needed.max(1.0)).min(usize::MAX as f64) as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_is_held_as_often_as_memory_allows() {
        let fits = |gib: f64, memory| fitting((gib * GIB) as u64, memory);
        assert_eq!(fits(1.0, Some(8.0)), Ok(4));
        assert_eq!(fits(1.0, None), Ok(2));
        assert!(fits(0.0, Some(0.25)).is_ok_and(|workers| workers > 1000));
        let refused = fits(3.6, Some(64.0)).expect_err("more than one can address");
        assert_eq!(refused.code, FailureCode::NetworkTooLarge);
        assert_eq!(
            refused.detail,
            "it takes about 3.9 GB, and 3.8 GB may be taken here"
        );
        assert!(fits(0.6, Some(1.0)).is_err());
    }

    #[test]
    fn workers_fit_into_cores_and_memory() {
        let counted = |cores, memory, in_hand| worker_count(None, cores, memory, in_hand);
        assert_eq!(counted(2, Some(8.0), false), 2);
        assert_eq!(counted(64, Some(8.0), false), 8);
        assert_eq!(counted(8, Some(1.0), false), 2);
        assert_eq!(counted(8, Some(0.25), false), 1);
        assert_eq!(counted(0, None, false), 1);
        // A machine that does not tell gets no eight workers, and a phone two.
        assert_eq!(counted(10, None, false), 4);
        assert_eq!(counted(6, None, true), 2);
        // An address can ask for more than there are cores, and not for more than memory holds.
        assert_eq!(worker_count(Some(16), 2, Some(8.0), false), 16);
        assert_eq!(worker_count(Some(16), 2, Some(2.0), false), 4);
        assert_eq!(worker_count(Some(1), 8, Some(8.0), false), 1);
    }
}
