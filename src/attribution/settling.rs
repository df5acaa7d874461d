//! Secants that grow shorter where a map needs it, until it is settled: an integral with an error
//! bar.
//!
//! # How far a map is from the integral
//!
//! An interval's secant P is compared with those of its halves, L and R: D = ‖P − (L + R)‖, over
//! the attributions of all values of the input. What follows was measured on recorded paths of a
//! trained and an untrained network (docs/CONVERGENCE.md):
//!
//! - L + R is off by a share of D that depends on how alike L and R are. Where they point the same
//!   way (cosine above 0.8) it is a half, as the errors of halves of halves then fall by a factor
//!   of 2.2. The less alike they are, the more the interval still hides; where they are strangers,
//!   L + R is off by as much as D, or as the gradient changes from one half to the other.
//! - Errors of different intervals have nothing to do with one another: their squares add up.
//!
//! So every half of an interval has its share of the error before anything is spent on it, and the
//! next gradients go where the shares are largest. All secants together, those of split intervals
//! included, are less than twice those that count.

use super::method::Settle;
use super::partial_sum::{Attributions, PartialSum, PathSample};
use super::quadrature::{Quadrature, same_position};
use crate::error::{Error, Result};

/// Intervals to begin with; each is split then.
const FIRST: usize = 3;
/// What most photos take for the usual tolerance: said of progress before anything else is known.
const USUAL: usize = 40;
/// Cosine of both halves' attributions from which on they are alike, and up to which they are
/// strangers.
const ALIKE: f64 = 0.8;
const STRANGERS: f64 = 0.2;
/// What both halves are off, as a share of D, where they are alike and where they are nearly
/// strangers.
const OF_ALIKE: f64 = 0.5;
const OF_STRANGERS: f64 = 0.95;
/// The same of strangers, as a share of D or of the change of the gradient, whichever is larger.
const OF_CHANGE: f64 = 1.15;
/// Below this cosine both halves are taken to be as bad: a secant that hides much is short, and
/// says little of its error.
const UNKNOWN: f64 = 0.4;
/// What is left of an interval's squared error when it is split: 0.45².
const LEFT: f64 = 0.2;
/// No interval is split together with one that is so many times as bad: that one may change
/// everything.
const WORST: f64 = 2.5;
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
}

#[derive(Debug)]
struct Leaf {
    interval: Interval,
    /// Nothing, until it is in.
    secant: Option<Secant>,
    /// Squared L2 error of its attributions, as far as is known.
    error: f64,
    /// Its halves, if it is being split.
    halves: Option<[Option<Secant>; 2]>,
}

/// An interval of the path, by its ends on the scale u on which intervals are halved.
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

    fn halves(self) -> [Interval; 2] {
        let Interval { start, end } = self;
        let middle = f64::midpoint(start, end);
        [(start, middle), (middle, end)].map(|(start, end)| Interval { start, end })
    }

    fn ends_at(self, alpha: f64) -> bool {
        same_position(self.alphas()[1], alpha)
    }
}

/// The attributions of an interval, by its secant.
#[derive(Debug)]
struct Secant {
    values: Vec<f32>,
    sample: PathSample,
}

impl Settling {
    /// Nothing is in yet. `input` and `baseline` are the ends of the path, flat.
    ///
    /// # Errors
    ///
    /// [`Error::Length`] if they differ in length.
    pub fn new(settle: Settle, input: &[f32], baseline: &[f32]) -> Result<Self> {
        if input.len() != baseline.len() {
            return Err(Error::Length {
                what: "input and baseline",
                expected: input.len(),
                found: baseline.len(),
            });
        }
        let pairs = input.iter().zip(baseline);
        Ok(Self {
            settle,
            difference: pairs.map(|(x, x0)| x - x0).collect(),
            leaves: Vec::new(),
            sum: vec![0.0; input.len()],
            gradients: 0,
            expected: USUAL.min(settle.budget),
            cut_short: false,
        })
    }

    /// The secants that are wanted next, each by itself, once all that were wanted before are in;
    /// nothing, once the map is settled or the budget is spent.
    ///
    /// # Errors
    ///
    /// [`Error::Length`] if some are still missing.
    pub fn next_round(&mut self) -> Result<Option<Quadrature>> {
        let waits = |leaf: &&Leaf| leaf.secant.is_none() || leaf.halves.is_some();
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
        let chosen = if self.gradients == FIRST {
            (0..FIRST).collect()
        } else {
            self.choose()
        };
        let mut wanted = Vec::new();
        for leaf in chosen {
            let leaf = &mut self.leaves[leaf];
            leaf.halves = Some([None, None]);
            wanted.extend(leaf.interval.halves().map(Interval::alphas));
        }
        wanted.sort_by(|[a, _], [b, _]| a.total_cmp(b));
        Ok((!wanted.is_empty()).then(|| Quadrature::secants(&wanted)))
    }

    /// The leaves to split; none, at the end.
    fn choose(&mut self) -> Vec<usize> {
        let goal = self.settle.tolerance.powi(2) * self.squared();
        let mut left = self.error();
        self.expected = self.gradients;
        if left <= goal {
            return Vec::new();
        }
        let mut worst: Vec<usize> = (0..self.leaves.len())
            .filter(|&k| self.leaves[k].interval.width() > NARROWEST)
            .collect();
        worst.sort_by(|&a, &b| self.leaves[b].error.total_cmp(&self.leaves[a].error));
        let affordable = (self.settle.budget - self.gradients) / 2;
        let errors: Vec<f64> = worst.iter().map(|&k| self.leaves[k].error).collect();
        let together = errors.first().map_or(0.0, |most| most / (WORST * WORST));
        self.expected += 2 * splits_until(goal, left, errors, affordable);
        worst.truncate(affordable);
        self.cut_short = worst.is_empty();
        let mut chosen = Vec::new();
        for leaf in worst {
            let error = self.leaves[leaf].error;
            if left <= goal || error < together {
                break;
            }
            left -= error * (1.0 - LEFT);
            chosen.push(leaf);
        }
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
        let (at, (interval, half)) = place.ok_or(Error::Length {
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
        match (half, &mut leaf.halves) {
            (Some(half), Some(halves)) => halves[half] = Some(secant),
            _ => {
                add_to(&mut self.sum, &secant.values, 1.0);
                leaf.secant = Some(secant);
            }
        }
        self.finish_split(at);
        Ok(())
    }

    /// Puts an interval's halves in its place, if all of them are in.
    fn finish_split(&mut self, at: usize) {
        let leaf = &mut self.leaves[at];
        let (Some(whole), Some([Some(left), Some(right)])) = (&leaf.secant, &leaf.halves) else {
            return;
        };
        let intervals = leaf.interval.halves();
        let errors = errors_of_halves(whole, [left, right], intervals.map(Interval::width));
        add_to(&mut self.sum, &whole.values, -1.0);
        let halves = leaf.halves.take().into_iter().flatten();
        let halves = halves.zip(intervals).zip(errors);
        let halves: Vec<Leaf> = halves
            .map(|((secant, interval), error)| Leaf {
                interval,
                secant,
                error,
                halves: None,
            })
            .collect();
        for half in halves.iter().flat_map(|half| &half.secant) {
            add_to(&mut self.sum, &half.values, 1.0);
        }
        self.leaves.splice(at..=at, halves);
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
        (known && squared > 0.0).then(|| (self.error() / squared).sqrt())
    }

    /// Squared L2 error of the map, as far as is known.
    fn error(&self) -> f64 {
        self.leaves.iter().map(|leaf| leaf.error).sum()
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
    ///
    /// # Errors
    ///
    /// [`Error::Length`] if `input` or `baseline` has another length than the path.
    pub fn attributions(&self, input: &[f32], baseline: &[f32]) -> Result<Attributions> {
        for found in [input.len(), baseline.len()] {
            if found != self.sum.len() {
                return Err(Error::Length {
                    what: "input and attributions",
                    expected: self.sum.len(),
                    found,
                });
            }
        }
        Ok(Attributions {
            values: self.sum.iter().map(|&v| v as f32).collect(),
            sum: self.sum.iter().sum(),
        })
    }
}

impl Leaf {
    /// An interval whose secant is wanted.
    fn awaited(interval: Interval) -> Self {
        Self {
            interval,
            secant: None,
            error: f64::INFINITY,
            halves: None,
        }
    }

    /// The interval that is awaited here and ends at a position, and which half it is, if it is
    /// one.
    fn place_of(&self, alpha: f64) -> Option<(Interval, Option<usize>)> {
        if self.secant.is_none() {
            let here = self.interval.ends_at(alpha);
            return here.then_some((self.interval, None));
        }
        let halves = self.halves.iter().flatten().zip(self.interval.halves());
        let mut halves = halves.enumerate();
        let found = halves.find(|(_, (half, interval))| half.is_none() && interval.ends_at(alpha));
        found.map(|(k, (_, interval))| (interval, Some(k)))
    }
}

/// The squared errors of an interval's halves, by what they and the whole say: see the
/// [module](self).
fn errors_of_halves(whole: &Secant, halves: [&Secant; 2], widths: [f64; 2]) -> [f64; 2] {
    let (mut difference, mut left, mut right, mut both) = (0.0, 0.0, 0.0, 0.0);
    let pairs = halves[0].values.iter().zip(&halves[1].values);
    for (&p, (&l, &r)) in whole.values.iter().zip(pairs) {
        let [p, l, r] = [p, l, r].map(f64::from);
        difference += (p - l - r).powi(2);
        left += l * l;
        right += r * r;
        both += l * r;
    }
    let lengths = (left * right).sqrt();
    if lengths == 0.0 {
        return [difference / 2.0; 2];
    }
    let cosine = both / lengths;
    // Of the mean gradients of both halves, times half the interval.
    let [a, b] = widths;
    let change = (left / (a * a) + right / (b * b) - 2.0 * both / (a * b)).max(0.0);
    let change = change * ((a + b) / 2.0).powi(2);
    let error = if cosine < STRANGERS {
        OF_CHANGE.powi(2) * difference.max(change)
    } else {
        let strange = ((ALIKE - cosine) / (ALIKE - STRANGERS)).max(0.0);
        (OF_ALIKE + (OF_STRANGERS - OF_ALIKE) * strange).powi(2) * difference
    };
    if cosine < UNKNOWN {
        [error / 2.0; 2]
    } else {
        [left, right].map(|own| error * own / (left + right))
    }
}

/// How many intervals have to be split, the worst first, until squared errors that sum to `left`
/// sum to no more than a goal; `most`, if that takes more.
fn splits_until(goal: f64, mut left: f64, mut errors: Vec<f64>, most: usize) -> usize {
    for splits in 0..most {
        let worst = (0..errors.len()).max_by(|&a, &b| errors[a].total_cmp(&errors[b]));
        let Some(worst) = worst.filter(|_| left > goal) else {
            return splits;
        };
        let halves = errors[worst] * LEFT;
        left -= errors[worst] - halves;
        errors[worst] = halves / 2.0;
        errors.push(halves / 2.0);
    }
    most
}

fn add_to(sum: &mut [f64], values: &[f32], sign: f64) {
    for (sum, &value) in sum.iter_mut().zip(values) {
        *sum += sign * f64::from(value);
    }
}
