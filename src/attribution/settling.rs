//! Secants that grow shorter where a map needs it, until it is settled: an integral with an error
//! bar.
//!
//! Every part of the path has its share of the error before anything is spent on it
//! ([`secant_errors`]). What is missing is bought where it is cheapest: an interval's first cut
//! costs two gradients, as its own secant counts no more, and every further one only one.
//!
//! Where a part turns out to hold less than its share once it is split itself, half of the rest is
//! taken to be with its siblings, and where it holds more, they hold less: without that, the parts
//! that are split first are those that were charged with too much, and an error disappears from the
//! estimate that is still in the map.
//!
//! [`secant_errors`]: super::secant_errors

use std::collections::BTreeMap;

use super::method::Settle;
use super::partial_sum::{Attributions, PartialSum, PathSample};
use super::quadrature::{Quadrature, same_position};
use super::secant_errors::{Errors, MOST_PARTS, Secant, beside_neighbours, cheapest};
use crate::error::{Error, Result};

/// Intervals to begin with; each is split then.
const FIRST: usize = 2;
/// How many those are split into, of which nothing is known yet.
const FIRST_PARTS: usize = 3;
/// What most photos take for the usual tolerance: said of progress before anything else is known.
const USUAL: usize = 40;
/// How much of the squared error that a part was charged with and does not hold is with its
/// siblings; the rest was nowhere.
const ELSEWHERE: f64 = 0.5;
/// What siblings keep of their squared error at least, where another part holds more than all of
/// them were thought to.
const KEPT: f64 = 0.5;
/// Intervals that are narrower than this are not split: f32 does not tell their ends apart.
const NARROWEST: f64 = 1e-6;

/// See the [module](self).
#[derive(Debug)]
pub struct Settling {
    settle: Settle,
    /// x − x', flat.
    difference: Vec<f32>,
    /// The intervals that count, in the order of the path.
    leaves: Vec<Leaf>,
    /// Attributions of all of them that are in.
    sum: Vec<f64>,
    gradients: usize,
    expected: usize,
    cut_short: bool,
    /// Intervals that were split so far: the number of the next group of parts.
    splits: usize,
    /// The squared error that parts were charged with and do not hold, by their groups.
    misplaced: BTreeMap<usize, f64>,
}

#[derive(Debug)]
struct Leaf {
    interval: Interval,
    /// Nothing, until it is in.
    secant: Option<Secant>,
    /// Squared L2 error of its attributions, as far as it and its parts say.
    error: f64,
    /// Which interval it is a part of, by the order in which they were split; nothing, if it is
    /// none.
    group: Option<usize>,
    /// Its parts, if it is being split; else none.
    parts: Vec<Option<Secant>>,
}

/// An interval of the path, by its ends on the scale u on which intervals are split evenly.
#[derive(Debug, Clone, Copy)]
struct Interval {
    start: f64,
    end: f64,
}

impl Interval {
    /// Both ends' positions on the path: finer towards the baseline, where trained networks change
    /// most.
    fn alphas(self) -> [f64; 2] {
        [self.start, self.end].map(|u| u * f64::midpoint(1.0, u))
    }

    fn width(self) -> f64 {
        let [start, end] = self.alphas();
        end - start
    }

    /// So many parts of one length.
    fn parts(self, count: usize) -> impl Iterator<Item = Interval> {
        let Interval { start, end } = self;
        let cut = move |k: usize| match k {
            k if k == count => end,
            k => start + (end - start) * (k as f64 / count as f64),
        };
        (0..count).map(move |k| Interval {
            start: cut(k),
            end: cut(k + 1),
        })
    }

    fn ends_at(self, alpha: f64) -> bool {
        same_position(self.alphas()[1], alpha)
    }
}

impl Settling {
    /// Nothing is in yet. `input` and `baseline` are the ends of the path, flat, as long as each other.
    pub(super) fn new(settle: Settle, input: &[f32], baseline: &[f32]) -> Self {
        let pairs = input.iter().zip(baseline);
        Self {
            settle,
            difference: pairs.map(|(x, x0)| x - x0).collect(),
            leaves: Vec::new(),
            sum: vec![0.0; input.len()],
            gradients: 0,
            expected: USUAL.min(settle.budget),
            cut_short: false,
            splits: 0,
            misplaced: BTreeMap::new(),
        }
    }

    /// The secants that are wanted next, each by itself, once all that were wanted before are in;
    /// nothing, once the map is settled or the budget is spent.
    ///
    /// # Errors
    ///
    /// [`Error::Length`] if some are still missing.
    pub fn next_round(&mut self) -> Result<Option<Quadrature>> {
        let waits = |leaf: &&Leaf| leaf.secant.is_none() || !leaf.parts.is_empty();
        let missing = self.leaves.iter().filter(waits).count();
        if missing > 0 {
            return Err(Error::Length {
                what: "intervals of the path",
                expected: self.leaves.len(),
                found: self.leaves.len() - missing,
            });
        }
        if self.leaves.is_empty() {
            let end = |k: usize| k as f64 / FIRST as f64;
            let first = (0..FIRST).map(|k| Interval {
                start: end(k),
                end: end(k + 1),
            });
            self.leaves = first.map(Leaf::awaited).collect();
            let wanted = self.leaves.iter().map(|leaf| leaf.interval.alphas());
            return Ok(Some(Quadrature::secants(&wanted.collect::<Vec<_>>())));
        }
        self.place_errors();
        let chosen = if self.gradients == FIRST {
            (0..FIRST).map(|leaf| (leaf, FIRST_PARTS)).collect()
        } else {
            self.choose()
        };
        let mut wanted = Vec::new();
        for (leaf, parts) in chosen {
            let leaf = &mut self.leaves[leaf];
            leaf.parts.resize_with(parts, || None);
            wanted.extend(leaf.interval.parts(parts).map(Interval::alphas));
        }
        wanted.sort_by(|[a, _], [b, _]| a.total_cmp(b));
        Ok((!wanted.is_empty()).then(|| Quadrature::secants(&wanted)))
    }

    /// Charges parts with what their siblings were charged with and do not hold.
    fn place_errors(&mut self) {
        for (group, misplaced) in std::mem::take(&mut self.misplaced) {
            let siblings = self.leaves.iter_mut();
            let siblings = siblings.filter(|leaf| leaf.group == Some(group));
            let errors: Vec<&mut f64> = siblings.map(|leaf| &mut leaf.error).collect();
            let charged: f64 = errors.iter().map(|error| **error).sum();
            if charged > 0.0 {
                let factor = (1.0 + ELSEWHERE * misplaced / charged).max(KEPT);
                errors.into_iter().for_each(|error| *error *= factor);
            }
        }
    }

    /// The leaves to split, and into how many parts; none, at the end.
    fn choose(&mut self) -> Vec<(usize, usize)> {
        let goal = self.settle.tolerance.powi(2) * self.squared();
        let splits = self.leaves.iter();
        let splits = splits.map(|leaf| leaf.interval.width() > NARROWEST);
        let errors: Vec<_> = self.errors().into_iter().zip(splits).collect();
        let affordable = self.settle.budget - self.gradients;
        let (parts, settles) = cheapest(&errors, goal, affordable);
        let cost = |parts: &&usize| **parts > 1;
        self.expected = self.gradients + parts.iter().filter(cost).sum::<usize>();
        let chosen = parts.into_iter().enumerate();
        let chosen = chosen.filter(|&(_, parts)| parts > 1);
        let chosen: Vec<_> = chosen
            .map(|(leaf, parts)| (leaf, parts.min(MOST_PARTS)))
            .collect();
        self.cut_short = chosen.is_empty() && !settles;
        chosen
    }

    /// Takes in a secant that is wanted, with weight 1.
    ///
    /// # Errors
    ///
    /// [`Error::Length`] if it belongs to an input of another size, or was not asked for.
    pub fn add(&mut self, gradient: &PartialSum) -> Result<()> {
        let length = self.difference.len();
        let [sample] = gradient.samples[..] else {
            return Err(Error::Length {
                what: "secants, each by itself",
                expected: 1,
                found: gradient.samples.len(),
            });
        };
        if gradient.gradient_sum.len() != length {
            return Err(Error::Length {
                what: "gradient",
                expected: length,
                found: gradient.gradient_sum.len(),
            });
        }
        let waits = |leaf: &Leaf| leaf.place_of(sample.alpha).is_some();
        let at = self.leaves.iter().position(waits);
        let place = at.and_then(|at| Some((at, self.leaves[at].place_of(sample.alpha)?)));
        let (at, (interval, part)) = place.ok_or(Error::Length {
            what: "secants that end there",
            expected: 0,
            found: 1,
        })?;
        let width = interval.width();
        let pairs = gradient.gradient_sum.iter().zip(&self.difference);
        let value = |(&g, &d): (&f32, &f32)| (f64::from(g) * f64::from(d) * width) as f32;
        let values = pairs.map(value).collect();
        let secant = Secant { values, sample };
        self.gradients += 1;
        let leaf = &mut self.leaves[at];
        match part {
            Some(part) => leaf.parts[part] = Some(secant),
            None => {
                add_to(&mut self.sum, &secant.values, 1.0);
                leaf.secant = Some(secant);
            }
        }
        self.finish_split(at);
        Ok(())
    }

    /// Puts an interval's parts in its place, if all of them are in.
    fn finish_split(&mut self, at: usize) {
        let leaf = &mut self.leaves[at];
        let Some(whole) = &leaf.secant else { return };
        if leaf.parts.is_empty() || leaf.parts.iter().any(Option::is_none) {
            return;
        }
        let parts: Vec<Secant> = std::mem::take(&mut leaf.parts)
            .into_iter()
            .flatten()
            .collect();
        let intervals: Vec<Interval> = leaf.interval.parts(parts.len()).collect();
        let widths: Vec<f64> = intervals.iter().map(|part| part.width()).collect();
        let errors = Errors::of(whole, &parts, &widths, leaf.group.is_some());
        if let Some(group) = leaf.group {
            *self.misplaced.entry(group).or_default() += leaf.error - errors.of_whole();
        }
        let group = Some(self.splits);
        self.splits += 1;
        add_to(&mut self.sum, &whole.values, -1.0);
        for part in &parts {
            add_to(&mut self.sum, &part.values, 1.0);
        }
        let parts = parts.into_iter().zip(intervals).zip(errors.parts);
        let parts = parts.map(|((secant, interval), error)| Leaf {
            interval,
            secant: Some(secant),
            error,
            group,
            parts: Vec::new(),
        });
        self.leaves.splice(at..=at, parts);
    }

    /// Secants that are in, those included whose intervals were split since.
    pub fn gradients(&self) -> usize {
        self.gradients
    }

    /// How many it will take in all, as far as can be told by now.
    pub fn expected_gradients(&self) -> usize {
        self.expected.max(self.gradients)
    }

    /// Whether the budget was spent before the map was settled.
    pub fn is_cut_short(&self) -> bool {
        self.cut_short
    }

    /// The estimated relative L2 error of the map; nothing, before there is an estimate, or where
    /// the map is zero.
    pub fn error_estimate(&self) -> Option<f64> {
        let known = self.gradients > FIRST && self.leaves.iter().all(|leaf| leaf.error.is_finite());
        let squared = self.squared();
        let error = || self.errors().iter().sum::<f64>();
        (known && squared > 0.0).then(|| (error() / squared).sqrt())
    }

    /// Squared L2 errors of the intervals that count, as far as is known: their sum is the map's.
    fn errors(&self) -> Vec<f64> {
        let own = self.leaves.iter().map(|leaf| {
            let Interval { start, end } = leaf.interval;
            (end - start, leaf.error)
        });
        beside_neighbours(&own.collect::<Vec<_>>())
    }

    /// Squared L2 norm of the map.
    fn squared(&self) -> f64 {
        self.sum.iter().map(|v| v * v).sum()
    }

    /// F where the intervals that count end, and its mean slope in each.
    pub fn samples(&self) -> Vec<PathSample> {
        let secants = self.leaves.iter().filter_map(|leaf| leaf.secant.as_ref());
        secants.map(|secant| secant.sample).collect()
    }

    /// Ends and widths of the intervals that count.
    pub fn quadrature(&self) -> Quadrature {
        let intervals = self.leaves.iter().map(|leaf| leaf.interval.alphas());
        Quadrature::secants(&intervals.collect::<Vec<_>>())
    }

    /// What is in so far: of an interval that is being split, what its own secant says.
    pub fn attributions(&self) -> Attributions {
        Attributions {
            values: self.sum.iter().map(|&v| v as f32).collect(),
            sum: self.sum.iter().sum(),
        }
    }
}

impl Leaf {
    /// An interval whose secant is wanted.
    fn awaited(interval: Interval) -> Self {
        Self {
            interval,
            secant: None,
            error: f64::INFINITY,
            group: None,
            parts: Vec::new(),
        }
    }

    /// The interval that is awaited here and ends at a position, and which part it is, if it is
    /// one.
    fn place_of(&self, alpha: f64) -> Option<(Interval, Option<usize>)> {
        if self.secant.is_none() {
            let here = self.interval.ends_at(alpha);
            return here.then_some((self.interval, None));
        }
        let parts = self.parts.iter().zip(self.interval.parts(self.parts.len()));
        let mut parts = parts.enumerate();
        let found = parts.find(|(_, (part, interval))| part.is_none() && interval.ends_at(alpha));
        found.map(|(k, (_, interval))| (interval, Some(k)))
    }
}

fn add_to(sum: &mut [f64], values: &[f32], sign: f64) {
    for (sum, &value) in sum.iter_mut().zip(values) {
        *sum += sign * f64::from(value);
    }
}
