//! How far secants of a path's intervals are from the integral, as far as they say so themselves.
//!
//! An interval's secant P is compared with the sum S of those of its parts, two to four of them:
//! D = ‖P − S‖, over the attributions of all values of the input. What follows was measured on
//! recorded paths of trained and untrained networks (docs/CONVERGENCE.md):
//!
//! - S is off by a share of D that depends on how alike neighbouring parts are. Where they point
//!   the same way (cosine above 0.8) it is a half of D for two parts, a fifth for four. The less
//!   alike they are, the more the interval still hides; where they are strangers, S is off by as
//!   much as D, or as the gradient changes from one part to the next.
//! - Of a function that is smooth at this scale, S is off by less, D / (n² − 1) for n parts, as the
//!   error falls with n². Three parts or four tell: their mean gradients go on changing the way
//!   they did. Where kinks come by chance, they change one way and the other. The thirds of half a
//!   path do not tell: the gradient may have turned around and back between them.
//! - Errors of different intervals have nothing to do with one another: their squares add up. Of
//!   smooth functions, they have, and the sum of squares is too small; hence [`ALIGNED`].
//! - The error of an interval's parts falls with their number n as n^−1.3.
//! - Which of the parts the error is in can only be guessed, by their sizes.
//! - An error does not end where an interval does. Where the gradient turns around quickly (a
//!   normalisation whose argument passes zero, halfway from black to a photo), the interval on one
//!   side of the turn and its parts may all miss the same of it, so that D is small: the interval
//!   on the other side shows it. Without that, transformers' maps were up to three times farther
//!   from the integral than was said.

use super::partial_sum::PathSample;

/// The most parts that an interval is split into: the more at once, the less is thrown away, and
/// the less is known of the error.
pub(super) const MOST_PARTS: usize = 4;
/// The most parts of an interval that are thought of when what is still missing is told: beyond
/// [`MOST_PARTS`], after it was split.
const MOST_PLANNED: u8 = 16;
/// Gradients that are planned for, before twice as many are, and twice again.
const AT_FIRST: usize = 32;
/// Gradients that a plan which only just reaches its goal is taken to cost besides: often another round follows, of two
/// at least. With 2.3 to 2.4, none of 220 paths of EfficientNet-Lite0 and a ResNet-18 without training takes more than
/// twice the best fixed number.
const AGAIN: f64 = 2.35;
/// Cosine of neighbouring parts' attributions from which on they are alike, and up to which they
/// are strangers.
const ALIKE: f64 = 0.8;
const STRANGERS: f64 = 0.2;
/// What two, three and four parts are off together, as a share of D, where they are alike and where
/// they are nearly strangers.
const OF_ALIKE: [f64; MOST_PARTS - 1] = [0.49, 0.28, 0.2];
const OF_STRANGERS: [f64; MOST_PARTS - 1] = [0.95, 0.58, 0.46];
/// The same of strangers, as a share of D or of the change of the gradient, whichever is larger.
const OF_CHANGE: [f64; MOST_PARTS - 1] = [1.15, 0.75, 0.6];
/// Cosine of successive changes of the mean gradient where it changes by chance: of a random walk's
/// means over neighbouring intervals of width h, changes have a variance of 2h/3 and a covariance
/// of h/6. Of smooth functions it is 1.
const BY_CHANCE: f64 = 0.25;
/// By how much the errors of a smooth function's intervals add up to more than their squares say,
/// where a path is split as here. Measured on `tests/native/smooth.rs`' networks and ConvNeXt-T.
const ALIGNED: f64 = 1.5;
/// Below this cosine all parts are taken to be as bad: a secant that hides much is short, and says
/// little of its error.
const UNKNOWN: f64 = 0.4;
/// By which power of their number the squared error of an interval's parts falls.
const FALL: f64 = 2.6;
/// How much of the error that a neighbour would have if it were as wide, an interval has at least.
/// Measured on ViT-Tiny and on rectifier networks: with a third, one of 22 maps of ViT-Tiny is
/// still 1.5 of the tolerance off; with all of it, the small random networks of
/// `tests/native/settling.rs` take a sixth more gradients.
const OF_NEIGHBOUR: f64 = 0.5;

/// The attributions of an interval, by its secant.
#[derive(Debug)]
pub(super) struct Secant {
    pub(super) values: Vec<f32>,
    pub(super) sample: PathSample,
}

/// What an interval and its parts say of each other.
pub(super) struct Errors {
    /// D², see the [module](self).
    difference: f64,
    /// The squared errors of its parts.
    pub(super) parts: Vec<f64>,
}

impl Errors {
    /// Of an interval and all of its parts, which are so wide; whether they are short enough to tell
    /// that the function is smooth.
    pub(super) fn of(whole: &Secant, parts: &[Secant], widths: &[f64], short: bool) -> Self {
        let count = parts.len();
        let parts = Parts::new(parts, widths);
        let difference = parts.difference(whole);
        let Some(cosine) = parts.cosine() else {
            return Self::even(difference, difference, count);
        };
        let of = |shares: [f64; MOST_PARTS - 1]| shares[count - 2];
        let error = if cosine < STRANGERS {
            let change: f64 = (0..count - 1).map(|pair| parts.turn(pair)).sum();
            of(OF_CHANGE).powi(2) * difference.max(change)
        } else {
            let strange = ((ALIKE - cosine) / (ALIKE - STRANGERS)).max(0.0);
            let kinked = of(OF_ALIKE) + (of(OF_STRANGERS) - of(OF_ALIKE)) * strange;
            let smooth = ALIGNED / (count.pow(2) - 1) as f64;
            let smoothness = if short { parts.smoothness() } else { 0.0 };
            let share = kinked + (smooth.min(kinked) - kinked) * smoothness;
            share * share * difference
        };
        if cosine < UNKNOWN {
            return Self::even(difference, error, count);
        }
        let parts = parts.by_size(error);
        Self { difference, parts }
    }

    fn even(difference: f64, error: f64, count: usize) -> Self {
        let parts = vec![error / count as f64; count];
        Self { difference, parts }
    }

    /// The squared error of the interval's own secant: what its parts correct, and what they leave.
    pub(super) fn of_whole(&self) -> f64 {
        self.difference + self.parts.iter().sum::<f64>()
    }
}

/// An interval's parts, how wide they are, and the products of their attributions.
struct Parts<'a> {
    secants: &'a [Secant],
    widths: &'a [f64],
    products: Vec<Vec<f64>>,
}

impl<'a> Parts<'a> {
    fn new(secants: &'a [Secant], widths: &'a [f64]) -> Self {
        let product = |a: &Secant, b: &Secant| -> f64 {
            let pairs = a.values.iter().zip(&b.values);
            pairs.map(|(&a, &b)| f64::from(a) * f64::from(b)).sum()
        };
        let row = |k: usize| (0..=k).map(|j| product(&secants[k], &secants[j])).collect();
        Self {
            secants,
            widths,
            products: (0..secants.len()).map(row).collect(),
        }
    }

    fn product(&self, a: usize, b: usize) -> f64 {
        self.products[a.max(b)][a.min(b)]
    }

    /// ‖P − S‖².
    fn difference(&self, whole: &Secant) -> f64 {
        let differences = whole.values.iter().enumerate().map(|(k, &whole)| {
            let parts = self.secants.iter();
            f64::from(whole) - parts.map(|part| f64::from(part.values[k])).sum::<f64>()
        });
        differences.map(|difference| difference * difference).sum()
    }

    /// Of neighbours' attributions; nothing, where they are zero.
    fn cosine(&self) -> Option<f64> {
        let pairs = 1..self.secants.len();
        let length = |k: usize| (self.product(k, k) * self.product(k - 1, k - 1)).sqrt();
        let lengths: f64 = pairs.clone().map(length).sum();
        let products: f64 = pairs.map(|k| self.product(k, k - 1)).sum();
        (lengths > 0.0).then(|| products / lengths)
    }

    /// Product of the changes of the mean gradient from part a to the next one and from part b to
    /// the next one, times x − x'.
    fn change(&self, a: usize, b: usize) -> f64 {
        let gradients = |i: usize, j: usize| self.product(i, j) / (self.widths[i] * self.widths[j]);
        gradients(a + 1, b + 1) - gradients(a + 1, b) - gradients(a, b + 1) + gradients(a, b)
    }

    /// How wide a part and the next one are together.
    fn span(&self, pair: usize) -> f64 {
        self.widths[pair] + self.widths[pair + 1]
    }

    /// Squared change of the mean gradient from a part to the next one, times their mean width.
    fn turn(&self, pair: usize) -> f64 {
        self.change(pair, pair).max(0.0) * (self.span(pair) / 2.0).powi(2)
    }

    /// From 0, where the mean gradient changes by chance from part to part, to 1, where it goes on
    /// as it did. Two parts do not tell.
    fn smoothness(&self) -> f64 {
        let (mut products, mut lengths) = (0.0, 0.0);
        for pair in 2..self.secants.len() {
            let (a, b) = (pair - 2, pair - 1);
            let spans = self.span(a) * self.span(b);
            products += self.change(a, b) / spans;
            lengths += (self.change(a, a) * self.change(b, b)).max(0.0).sqrt() / spans;
        }
        if lengths <= 0.0 {
            return 0.0;
        }
        ((products / lengths - BY_CHANCE) / (1.0 - BY_CHANCE)).clamp(0.0, 1.0)
    }

    /// A squared error, shared out by sizes.
    fn by_size(&self, error: f64) -> Vec<f64> {
        let squares = (0..self.secants.len()).map(|k| self.product(k, k));
        let total: f64 = squares.clone().sum();
        squares.map(|own| error * own / total).collect()
    }
}

/// Squared errors of intervals, in the order of the path, with what their neighbours say of them.
/// Of each interval, its width and its own squared error.
pub(super) fn beside_neighbours(own: &[(f64, f64)]) -> Vec<f64> {
    let of = |neighbour: Option<&(f64, f64)>, width: f64| {
        neighbour.map_or(0.0, |&(theirs, error)| {
            error * OF_NEIGHBOUR.powi(2) * (width / theirs).powf(FALL + 1.0)
        })
    };
    let with_neighbours = own.iter().enumerate().map(|(k, &(width, error))| {
        let before = k.checked_sub(1).and_then(|k| own.get(k));
        error.max(of(before, width)).max(of(own.get(k + 1), width))
    });
    with_neighbours.collect()
}

/// Into how many parts each interval has to be split for the least number of gradients, until
/// squared errors sum to no more than a goal, and whether they do then; `affordable` is the most
/// that may be spent. Of each interval, its squared error and whether it can be split. Where the
/// goal would only just be reached, a gradient more may be worth it ([`AGAIN`]).
///
/// By dynamic programming over the gradients that are spent, interval by interval.
pub(super) fn cheapest(errors: &[(f64, bool)], goal: f64, affordable: usize) -> (Vec<usize>, bool) {
    let mut limit = AT_FIRST.min(affordable);
    loop {
        let plan = Plan::within(limit, errors);
        match plan.least.iter().position(|&left| left <= goal) {
            Some(0) => return (plan.parts(0), true),
            Some(enough) => return (plan.parts(plan.worthwhile(enough, goal)), true),
            None if limit == affordable => return (plan.parts(limit), false),
            None => limit = (2 * limit).min(affordable),
        }
    }
}

/// The best use of any number of gradients.
struct Plan {
    /// By what is spent: the squared error that is left at least.
    least: Vec<f64>,
    /// Of every interval, by what is spent on it and on those before it: its parts.
    choices: Vec<Vec<u8>>,
}

impl Plan {
    fn within(limit: usize, errors: &[(f64, bool)]) -> Self {
        let mut least = vec![0.0; limit + 1];
        let mut choices = Vec::with_capacity(errors.len());
        for &(error, splits) in errors {
            let most = if splits { MOST_PLANNED } else { 1 };
            let mut next: Vec<f64> = least.iter().map(|left| left + error).collect();
            let mut choice = vec![1; limit + 1];
            for parts in 2..=most {
                let own = error * f64::from(parts).powf(-FALL);
                for spent in usize::from(parts)..=limit {
                    let left = least[spent - usize::from(parts)] + own;
                    if left < next[spent] {
                        (next[spent], choice[spent]) = (left, parts);
                    }
                }
            }
            least = next;
            choices.push(choice);
        }
        Self { least, choices }
    }

    /// How many gradients to spend, where so many are thought to be `enough`: what is left is only known up to
    /// 1 / √n of n intervals, as their errors have nothing to do with one another.
    fn worthwhile(&self, enough: usize, goal: f64) -> usize {
        let spread = 1.0 / (self.choices.len() as f64).sqrt();
        let cost = |spent: usize| {
            let above = (self.least[spent] / goal - 1.0) / spread;
            spent as f64 + AGAIN * (1.0 + above).max(0.0)
        };
        // More than that cannot be worth it.
        let most = (enough + AGAIN as usize).min(self.least.len() - 1);
        let spent = (enough..=most).min_by(|&a, &b| cost(a).total_cmp(&cost(b)));
        spent.unwrap_or(enough)
    }

    /// Into how many parts each interval is split, for so many gradients.
    fn parts(&self, mut spent: usize) -> Vec<usize> {
        let choices = self.choices.iter().rev();
        let parts = choices.map(|choice| {
            let parts = usize::from(choice[spent]);
            // An interval that stays whole costs nothing.
            spent -= if parts == 1 { 0 } else { parts };
            parts
        });
        let mut parts: Vec<usize> = parts.collect();
        parts.reverse();
        parts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Attributions of an interval of the path whose gradient is (1, α, α²), by the mean of both
    /// ends: what a secant makes of a product of two factors that go on evenly.
    fn trapezoid(from: f64, to: f64) -> Secant {
        let at = |power: i32| f64::midpoint(from.powi(power), to.powi(power)) * (to - from);
        secant([at(0), at(1), at(2)])
    }

    fn secant(values: [f64; 3]) -> Secant {
        let sample = PathSample {
            alpha: 1.0,
            output: 0.0,
            slope: 0.0,
        };
        let values = values.map(|v| v as f32).to_vec();
        Secant { values, sample }
    }

    fn estimate(errors: &Errors) -> f64 {
        errors.parts.iter().sum::<f64>().sqrt()
    }

    #[test]
    fn of_a_smooth_function_the_error_that_is_left_is_known_from_the_difference() {
        for count in [3, 4] {
            let end = |k: usize| 0.5 + 0.5 * k as f64 / count as f64;
            let parts: Vec<Secant> = (0..count).map(|k| trapezoid(end(k), end(k + 1))).collect();
            let widths = vec![0.5 / count as f64; count];
            let errors = Errors::of(&trapezoid(0.5, 1.0), &parts, &widths, true);
            // The trapezoid's error of α², h³ / 6, once for each part.
            let left = count as f64 * (0.5 / count as f64).powi(3) / 6.0;
            let whole = 0.5f64.powi(3) / 6.0;
            let said = estimate(&errors) / (ALIGNED * left);
            assert!((0.98..1.1).contains(&said), "{said} for {count}");
            assert!((0.85..1.15).contains(&(errors.of_whole().sqrt() / whole)));
        }
    }

    #[test]
    fn long_parts_do_not_tell_that_a_function_is_smooth() {
        let parts = [0.0, 1.0, 2.0].map(|k| trapezoid(k / 3.0, (k + 1.0) / 3.0));
        let errors = |short| Errors::of(&trapezoid(0.0, 1.0), &parts, &[1.0 / 3.0; 3], short);
        let share = estimate(&errors(false)) / errors(false).difference.sqrt();
        assert!((OF_ALIKE[1]..OF_STRANGERS[1]).contains(&share), "{share}");
        assert!(estimate(&errors(true)) < 0.8 * estimate(&errors(false)));
    }

    #[test]
    fn where_the_gradient_changes_by_chance_parts_are_not_taken_for_smooth() {
        let parts = [1.0, 1.2, 1.0, 1.2].map(|v| secant([v, 0.3 * v * v, 0.1]));
        let whole = secant([4.0, 1.5, 0.4]);
        let errors = Errors::of(&whole, &parts, &[0.25; 4], true);
        let share = estimate(&errors) / errors.difference.sqrt();
        assert!((share - OF_ALIKE[2]).abs() < 1e-9, "{share}");
        // Two parts do not tell either.
        let halves = [1.0, 1.2].map(|v| secant([v, 0.0, 0.0]));
        let errors = Errors::of(&secant([2.0, 0.1, 0.0]), &halves, &[0.5; 2], true);
        let share = estimate(&errors) / errors.difference.sqrt();
        assert!((share - OF_ALIKE[0]).abs() < 1e-9, "{share}");
    }

    #[test]
    fn no_other_split_costs_less_and_none_of_the_same_cost_leaves_less() {
        let errors = [1.0, 0.4, 0.35, 0.02].map(|error| (error, true));
        let left = |parts: &[usize]| -> f64 {
            let pairs = errors.iter().zip(parts);
            pairs.map(|((e, _), &n)| e * (n as f64).powf(-FALL)).sum()
        };
        let cost = |parts: &[usize]| parts.iter().filter(|&&n| n > 1).sum::<usize>();
        let all: Vec<[usize; 4]> = (0..6usize.pow(4))
            .map(|k| [1, 6, 36, 216].map(|d| 1 + k / d % 6))
            .collect();
        let plan = Plan::within(200, &errors);
        for goal in [1.5, 0.9, 0.5, 0.3, 0.2, 0.1] {
            let found = plan.parts(plan.least.iter().position(|&left| left <= goal).unwrap());
            assert!(left(&found) <= goal);
            let enough = all.iter().filter(|parts| left(&parts[..]) <= goal);
            let least = enough.map(|parts| (cost(parts), left(parts)));
            let least = least.min_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
            let (least, rest) = least.unwrap();
            assert_eq!(cost(&found), least, "{found:?} for {goal}");
            assert!((left(&found) - rest).abs() < 1e-12, "{found:?} for {goal}");
            // What is chosen costs no more than that and another round, and leaves no more either.
            let (chosen, settles) = cheapest(&errors, goal, 200);
            assert!(settles && left(&chosen) <= rest + 1e-12);
            assert!(
                (cost(&chosen) - least) as f64 <= AGAIN,
                "{chosen:?} for {goal}"
            );
        }
    }

    #[test]
    fn a_gradient_more_is_spent_where_the_goal_would_only_just_be_reached() {
        let errors = [8.0, 13.0, 22.0, 5.0, 6.0, 8.0].map(|error| (error, true));
        let spent = |goal| -> usize {
            let (parts, settles) = cheapest(&errors, goal, 100);
            assert!(settles);
            parts.into_iter().filter(|&parts| parts > 1).sum()
        };
        // Six leave 26.1, seven 23.7, eight 19.4.
        assert_eq!([24.0, 26.0].map(spent), [8, 7]);
        // What suffices as it is costs nothing, however near it is.
        assert_eq!(spent(62.0), 0);
    }

    #[test]
    fn what_is_not_enough_is_spent_all_the_same_and_said() {
        let errors = [(1.0, true), (0.5, true), (9.0, false)];
        let (parts, settles) = cheapest(&errors, 0.1, 5);
        assert!(!settles && parts == [3, 2, 1], "{parts:?}");
        assert_eq!(cheapest(&errors, 0.1, 1), (vec![1; 3], false));
        assert_eq!(cheapest(&errors, 0.1, 0), (vec![1; 3], false));
        assert_eq!(cheapest(&errors, 11.0, 0), (vec![1; 3], true));
        assert_eq!(cheapest(&[], 0.0, 9), (vec![], true));
    }

    #[test]
    fn an_error_goes_on_beyond_its_interval_by_a_half_and_by_the_width() {
        let near = |a: f64, b: f64| (a - b).abs() < 1e-12 * b;
        let same = beside_neighbours(&[(0.1, 0.0), (0.1, 4.0), (0.1, 3.0)]);
        assert!(near(same[0], 1.0) && same[1..] == [4.0, 3.0], "{same:?}");
        // A neighbour of half the width, were it as wide, would have 2^(FALL + 1) times the square.
        let wider = beside_neighbours(&[(0.2, 1.0), (0.1, 1.0)]);
        assert!(near(wider[0], 0.25 * 2f64.powf(FALL + 1.0)) && wider[1] == 1.0);
        assert!(beside_neighbours(&[(1.0, 0.5)]) == [0.5] && beside_neighbours(&[]).is_empty());
    }
}
