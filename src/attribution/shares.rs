//! Who does which part of the work: stretches of it, so that each worker goes from a piece to the next one.

use std::ops::Range;

/// Numbered pieces of work, shared out to workers.
///
/// # Example
///
/// ```
/// use violet::attribution::Shares;
///
/// let mut shares = Shares::new(6, 2);
/// assert_eq!(shares.take(0, 1), 0..1);
/// assert_eq!(shares.take(1, 3), 3..6);
/// assert_eq!(shares.take(1, 1), 2..3); // the far half of what the other one has left
/// ```
#[derive(Debug)]
pub struct Shares {
    /// The workers' own, then what was put back.
    stretches: Vec<Range<usize>>,
}

impl Shares {
    /// `pieces` of them, as equally as it goes.
    pub fn new(pieces: usize, workers: usize) -> Self {
        let workers = workers.max(1);
        let start = |worker: usize| worker * pieces / workers;
        let stretches = (0..workers).map(|worker| start(worker)..start(worker + 1));
        Self {
            stretches: stretches.collect(),
        }
    }

    /// What a worker does next, `most` pieces at most: the next of its own stretch; once that is done, the far
    /// half of the longest one; nothing, when all is shared out.
    pub fn take(&mut self, worker: usize, most: usize) -> Range<usize> {
        if self.stretches[worker].is_empty() {
            let longest = self
                .stretches
                .iter_mut()
                .max_by_key(|stretch| stretch.len());
            if let Some(longest) = longest {
                let middle = longest.end - longest.len().div_ceil(2);
                let far = middle..longest.end;
                longest.end = middle;
                self.stretches[worker] = far;
            }
        }
        let own = &mut self.stretches[worker];
        let to = own.end.min(own.start + most.max(1));
        let next = own.start..to;
        own.start = to;
        next
    }

    /// Gives back what was taken and not done.
    pub fn put_back(&mut self, pieces: Range<usize>) {
        self.stretches.push(pieces);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_piece_is_taken_once_whoever_is_fast() {
        for (pieces, workers, most) in [(1, 3, 1), (24, 2, 1), (51, 4, 8), (100, 7, 3)] {
            let mut shares = Shares::new(pieces, workers);
            let mut taken = vec![0; pieces];
            // Worker k takes a turn in k + 1; one piece is lost on the way.
            let mut lost = false;
            for turn in 0.. {
                let worker = turn % workers;
                if turn / workers % (worker + 1) > 0 {
                    continue;
                }
                let next = shares.take(worker, most);
                assert!(next.len() <= most);
                if !lost && turn > pieces / 2 && !next.is_empty() {
                    lost = true;
                    shares.put_back(next);
                    continue;
                }
                if next.is_empty() && worker == 0 {
                    break;
                }
                next.for_each(|piece| taken[piece] += 1);
            }
            assert!(taken.iter().all(|&times| times == 1), "{taken:?}");
        }
    }

    #[test]
    fn workers_that_are_as_fast_keep_to_their_own_stretch() {
        let mut shares = Shares::new(24, 2);
        for k in 0..12 {
            assert_eq!(shares.take(0, 1), k..k + 1);
            assert_eq!(shares.take(1, 1), 12 + k..13 + k);
        }
        assert!(shares.take(0, 1).is_empty());
    }
}
