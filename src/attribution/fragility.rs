//! How little it takes to turn an answer or to move a map: steps along the sign of a gradient,
//! noise, and a constant. See docs/METHODS.md.
//!
//! Inputs are flat \[3, H, W\], normalised; steps are told in levels, of which a channel has 255
//! from black to white.

use super::quadrature::{Quadrature, Slopes};
use crate::random;

/// Black and white in each channel, in the units of an input.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PixelRange {
    /// What a value of 0 becomes.
    pub black: [f32; 3],
    /// What a value of 255 becomes.
    pub white: [f32; 3],
}

impl PixelRange {
    /// One level of each channel.
    pub fn level(&self) -> [f32; 3] {
        std::array::from_fn(|c| (self.white[c] - self.black[c]) / 255.0)
    }

    /// `x + levels · sign(direction)` in every value, no farther than black and white: with the
    /// gradient of a loss as the direction, the fast gradient sign method.
    ///
    /// # Source
    ///
    /// Goodfellow, Shlens, Szegedy 2015 (arXiv 1412.6572), section 4.
    ///
    /// # Example
    ///
    /// ```
    /// use violet::attribution::PixelRange;
    ///
    /// let range = PixelRange { black: [0.0; 3], white: [255.0; 3] };
    /// let input = [10.0, 10.0, 254.0];
    /// assert_eq!(range.step(&input, &[0.1, -7.0, 3.0], 4.0), [14.0, 6.0, 255.0]);
    /// ```
    pub fn step(&self, input: &[f32], direction: &[f32], levels: f64) -> Vec<f32> {
        let area = (input.len() / 3).max(1);
        let level = self.level();
        let stepped = |(k, (&x, &d)): (usize, (&f32, &f32))| {
            let c = k / area;
            let sign = if d == 0.0 { 0.0 } else { d.signum() };
            (x + sign * levels as f32 * level[c]).clamp(
                self.black[c].min(self.white[c]),
                self.black[c].max(self.white[c]),
            )
        };
        input
            .iter()
            .zip(direction)
            .enumerate()
            .map(stepped)
            .collect()
    }

    /// An input no farther than so many levels from another one in any value.
    pub fn near(&self, input: &[f32], centre: &[f32], levels: f64) -> Vec<f32> {
        let area = (input.len() / 3).max(1);
        let level = self.level();
        let within = |(k, (&x, &c)): (usize, (&f32, &f32))| {
            let most = (levels as f32 * level[k / area]).abs();
            x.clamp(c - most, c + most)
        };
        input.iter().zip(centre).enumerate().map(within).collect()
    }

    /// The largest change of any value between two inputs, in levels.
    pub fn distance(&self, from: &[f32], to: &[f32]) -> f64 {
        let (area, level) = ((from.len() / 3).max(1), self.level());
        let pairs = from.iter().zip(to).enumerate();
        let apart = pairs.map(|(k, (a, b))| f64::from(((b - a) / level[k / area]).abs()));
        apart.fold(0.0, f64::max)
    }

    /// A point of the sphere around an input whose radius is that distance a value, in levels:
    /// √(mean square). Evenly over the sphere, from a seed.
    ///
    /// # Source
    ///
    /// Muller 1959 (doi 10.1145/377939.377946): normal values, scaled to the radius.
    pub fn on_sphere(&self, input: &[f32], levels: f64, seed: u64) -> Vec<f32> {
        let area = (input.len() / 3).max(1);
        let level = self.level();
        let places = 0..input.len() as u64;
        let normals: Vec<f64> = places.map(|k| random::normal(seed, k)).collect();
        let square = normals.iter().map(|v| v * v).sum::<f64>() / normals.len().max(1) as f64;
        let scale = levels / square.sqrt().max(f64::MIN_POSITIVE);
        let moved = |(k, (&x, normal)): (usize, (&f32, &f64))| {
            (f64::from(x) + scale * normal * f64::from(level[k / area])) as f32
        };
        input.iter().zip(&normals).enumerate().map(moved).collect()
    }

    /// What another network's values are, less this one's, if it takes −1 for black and 0 for white
    /// where this one takes 0 and 1: the constant of Kindermans et al. 2017 (arXiv 1711.00867),
    /// section 2.
    pub fn constant(&self) -> [f32; 3] {
        std::array::from_fn(|c| self.black[c] - self.white[c])
    }
}

/// Adds a constant to each channel.
pub fn shifted(values: &[f32], by: [f32; 3]) -> Vec<f32> {
    let area = (values.len() / 3).max(1);
    let shift = |(k, &value): (usize, &f32)| value + by[k / area];
    values.iter().enumerate().map(shift).collect()
}

/// How far a map has moved, as a share of its length: ‖other − map‖ / ‖map‖. Of several others, the
/// largest is max-sensitivity; 0 of a map of nothing that stays so.
///
/// # Source
///
/// Yeh et al. 2019 (arXiv 1901.09392), definition 2, divided by the map's length as captum's
/// `sensitivity_max` does.
///
/// # Example
///
/// ```
/// use violet::attribution::relative_change;
///
/// assert_eq!(relative_change(&[3.0, 4.0], &[3.0, 1.5]), 0.5);
/// ```
pub fn relative_change(map: &[f32], other: &[f32]) -> f64 {
    let square = |value: f64| value * value;
    let length: f64 = map.iter().map(|&v| square(f64::from(v))).sum();
    let pairs = map.iter().zip(other);
    let change: f64 = pairs
        .map(|(&a, &b)| square(f64::from(b) - f64::from(a)))
        .sum();
    if change == 0.0 {
        0.0
    } else {
        (change / length).sqrt()
    }
}

/// The search for the smallest step that turns an answer: doubled until one does, then halved
/// between the last that does not and it. Answers need not turn once and for all; what is found is
/// where they turn within the first doubled step that turned them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bisection {
    /// The largest that was tried and did not turn the answer.
    stays: f64,
    /// The smallest that did.
    turns: Option<f64>,
}

impl Bisection {
    /// The first step that is tried, in levels.
    const FIRST: f64 = 0.125;
    /// The largest, in levels: an eighth of the way from black to white.
    pub const MOST: f64 = 32.0;
    /// How far the found one may lie above one that does not turn the answer, as a share of it.
    pub const WIDTH: f64 = 0.02;

    /// Nothing is tried yet.
    pub fn new() -> Self {
        Self {
            stays: 0.0,
            turns: None,
        }
    }

    /// The next step to try, in levels; nothing, when the search is over.
    pub fn next(&self) -> Option<f64> {
        match self.turns {
            None if self.stays == 0.0 => Some(Self::FIRST),
            None => (self.stays < Self::MOST).then(|| (2.0 * self.stays).min(Self::MOST)),
            Some(turns) => {
                let wide = turns - self.stays > Self::WIDTH * turns;
                wide.then(|| f64::midpoint(self.stays, turns))
            }
        }
    }

    /// Takes what a step did.
    pub fn take(&mut self, levels: f64, turned: bool) {
        if turned {
            self.turns = Some(levels);
        } else {
            self.stays = levels;
        }
    }

    /// The smallest step that turned the answer, in levels.
    pub fn smallest(&self) -> Option<f64> {
        self.turns
    }
}

impl Default for Bisection {
    fn default() -> Self {
        Self::new()
    }
}

/// Which way an input has to go for a larger share of its map's mass to lie inside some pixels.
///
/// With A = (x − x′) · G, the attributions along a path, and s their signs, the share S = Σ_inside
/// |A| / Σ |A| has the gradient `w · G + Σₖ ωₖ αₖ H(xₖ) v`, where w = s · (inside − S) / Σ |A|, v =
/// (x − x′) · w, and H is F's second derivative at the path's points. A network of rectifiers has
/// none but at its kinks; so `H(xₖ) v` is the difference of two gradients, at points `reach · v`
/// ahead of and behind each point, over twice the reach: gradients of first order alone.
///
/// # Source
///
/// Ghorbani, Abid, Zou 2019 (arXiv 1710.10547) take the gradient of such a dissimilarity, algorithm
/// 1, through a network whose rectifiers they have replaced by softplus; the finite difference in
/// its place is ours.
#[derive(Debug, Clone, PartialEq)]
pub struct Pull {
    weights: Vec<f32>,
    /// `reach · v`.
    offset: Vec<f32>,
    reach: f64,
    /// The share now, 0..=1.
    pub share: f64,
}

impl Pull {
    /// Of attributions along the path between two images, [input, baseline], towards pixels inside
    /// (or, with none of them meant, out of the others). Gradients are taken so many levels ahead
    /// and behind at most.
    pub fn new(
        attributions: &[f32],
        inside: &[bool],
        [input, baseline]: [&[f32]; 2],
        range: &PixelRange,
        levels: f64,
    ) -> Self {
        let mass = |take: &dyn Fn(bool) -> bool| -> f64 {
            let pairs = attributions.iter().zip(inside.iter().cycle());
            let taken = pairs.filter(|&(_, &inside)| take(inside));
            taken.map(|(&a, _)| f64::from(a.abs())).sum()
        };
        let (within, all) = (mass(&|inside| inside), mass(&|_| true));
        let all = all.max(f64::MIN_POSITIVE);
        let share = within / all;
        let weigh = |(&a, &inside): (&f32, &bool)| {
            let sign = if a == 0.0 { 0.0 } else { f64::from(a.signum()) };
            (sign * (f64::from(u8::from(inside)) - share) / all) as f32
        };
        let pairs = attributions.iter().zip(inside.iter().cycle());
        let weights: Vec<f32> = pairs.map(weigh).collect();
        let ends = input.iter().zip(baseline);
        let along = ends
            .zip(&weights)
            .map(|((&x, &x0), &w)| f64::from(x - x0) * f64::from(w));
        let along: Vec<f64> = along.collect();
        let area = (input.len() / 3).max(1);
        let level = range.level();
        let in_levels = |(k, v): (usize, &f64)| (v / f64::from(level[k / area])).abs();
        let farthest = along.iter().enumerate().map(in_levels).fold(0.0, f64::max);
        let reach = levels / farthest.max(f64::MIN_POSITIVE);
        Self {
            offset: along.iter().map(|v| (reach * v) as f32).collect(),
            weights,
            reach,
            share,
        }
    }

    /// An image of the path ahead, or of the one behind.
    pub fn beside(&self, image: &[f32], ahead: bool) -> Vec<f32> {
        let sign = if ahead { 1.0 } else { -1.0 };
        let pairs = image.iter().zip(&self.offset);
        pairs.map(|(&x, &offset)| x + sign * offset).collect()
    }

    /// Positions and weights of the sums on both paths beside a path, given those on it.
    pub fn nodes(quadrature: &Quadrature) -> Quadrature {
        let pairs = quadrature.alphas.iter().zip(&quadrature.step_sizes);
        Quadrature {
            alphas: quadrature.alphas.clone(),
            step_sizes: pairs.map(|(alpha, weight)| alpha * weight).collect(),
            slopes: Slopes::Tangent,
        }
    }

    /// The gradient of the share, given the sum of gradients on the path, and those with
    /// [`nodes`](Self::nodes) ahead and behind.
    pub fn gradient(&self, on: &[f64], ahead: &[f64], behind: &[f64]) -> Vec<f32> {
        let sums = on.iter().zip(ahead.iter().zip(behind));
        let total = |(&w, (&on, (&ahead, &behind))): (&f32, (&f64, (&f64, &f64)))| {
            (f64::from(w) * on + (ahead - behind) / (2.0 * self.reach)) as f32
        };
        self.weights.iter().zip(sums).map(total).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attribution::Rule;

    const RANGE: PixelRange = PixelRange {
        black: [-1.0, 0.0, -2.0],
        white: [1.0, 1.0, 2.0],
    };

    fn numbers(seed: u64, count: u64) -> Vec<f32> {
        (0..count).map(|k| random::normal(seed, k) as f32).collect()
    }

    /// An input well inside the range.
    fn input(area: u64) -> Vec<f32> {
        let middle = [0.0, 0.5, 0.0];
        let all = numbers(1, 3 * area).into_iter().enumerate();
        all.map(|(k, v)| middle[k / area as usize] + (0.1 * v).clamp(-0.3, 0.3))
            .collect()
    }

    #[test]
    fn the_smallest_step_on_a_linear_network_is_its_margin_over_the_weights_sum() {
        let x = input(4);
        let w = numbers(2, 12);
        let dot = |x: &[f32]| -> f64 { x.iter().zip(&w).map(|(a, b)| f64::from(a * b)).sum() };
        let level = RANGE.level();
        let weights = w.iter().enumerate();
        let slope: f64 = weights
            .map(|(k, w)| f64::from((w * level[k / 4]).abs()))
            .sum();
        for wanted in [0.3, 1.0, 7.7, 20.0] {
            // The answer's lead is such that a step of the wanted levels takes it away.
            let lead = |x: &[f32]| dot(x) - dot(&input(4)) + wanted * slope;
            let down: Vec<f32> = w.iter().map(|w| -w).collect();
            let mut search = Bisection::new();
            let mut tried = 0;
            while let Some(levels) = search.next() {
                search.take(levels, lead(&RANGE.step(&x, &down, levels)) < 0.0);
                tried += 1;
            }
            let found = search.smallest().expect("a step that turns it");
            assert!(
                found >= wanted * 0.999 && found <= wanted * 1.03,
                "{wanted}: {found}"
            );
            assert!(tried <= 16, "{tried}");
        }
    }

    #[test]
    fn an_answer_that_no_step_turns_is_not_said_to_turn() {
        let mut search = Bisection::new();
        let mut last = 0.0;
        while let Some(levels) = search.next() {
            assert!(levels > last && levels <= Bisection::MOST);
            last = levels;
            search.take(levels, false);
        }
        assert_eq!((search.smallest(), last), (None, Bisection::MOST));
    }

    #[test]
    fn a_step_stays_between_black_and_white_and_moves_no_value_that_does_not_matter() {
        let x = input(4);
        let mut direction = numbers(3, 12);
        direction[5] = 0.0;
        let far = RANGE.step(&x, &direction, 1000.0);
        for (k, (&value, &d)) in far.iter().zip(&direction).enumerate() {
            let expected = match k {
                5 => x[5],
                _ if d > 0.0 => RANGE.white[k / 4],
                _ => RANGE.black[k / 4],
            };
            assert_eq!(value, expected);
        }
        let near = RANGE.near(&far, &x, 3.0);
        assert!((RANGE.distance(&x, &near) - 3.0).abs() < 1e-3);
        assert_eq!(RANGE.distance(&x, &x), 0.0);
        let level = RANGE.level();
        for (k, (a, b)) in near.iter().zip(&x).enumerate() {
            assert!((a - b).abs() <= 3.0 * level[k / 4] * 1.0001);
        }
    }

    #[test]
    fn a_sphere_has_its_radius_and_every_seed_another_place() {
        let x = input(1000);
        let level = RANGE.level();
        let places = [1, 2].map(|seed| RANGE.on_sphere(&x, 4.0, seed));
        for place in &places {
            let pairs = place.iter().zip(&x).enumerate();
            let square = pairs.map(|(k, (a, b))| f64::from((a - b) / level[k / 1000]).powi(2));
            let radius = (square.sum::<f64>() / 3000.0).sqrt();
            assert!((radius - 4.0).abs() < 1e-3, "{radius}");
        }
        assert_ne!(places[0], places[1]);
        assert_eq!(places[0], RANGE.on_sphere(&x, 4.0, 1));
        assert_eq!(relative_change(&x, &x), 0.0);
    }

    #[test]
    fn a_constant_and_its_opposite_are_nothing() {
        let x = input(4);
        let constant = RANGE.constant();
        let back = shifted(&shifted(&x, constant), constant.map(|c| -c));
        assert!(back.iter().zip(&x).all(|(a, b)| (a - b).abs() < 1e-6));
        // What the other network calls zero has this one's numbers of black, and is its white.
        let zero = [0, 1, 2].map(|c| RANGE.black[c] - constant[c]);
        assert_eq!(zero, RANGE.white);
    }

    /// F = Σ qᵢ xᵢ² / 2 + Σᵢⱼ x_i x_j c / 2 has gradients and a second derivative in closed form,
    /// so that the share's gradient can be had by moving the input as well.
    #[test]
    fn the_way_that_a_share_rises_is_the_derivative_of_the_share() {
        let n = 12;
        let (x, q) = (input(4), numbers(5, n));
        let baseline = vec![0.05; n as usize];
        let inside = [true, false, false, true];
        let gradient = |x: &[f32]| -> Vec<f64> {
            let all: f64 = x.iter().map(|&v| f64::from(v)).sum();
            let own = x.iter().zip(&q);
            own.map(|(&x, &q)| f64::from(q) * f64::from(x) + 0.4 * all)
                .collect()
        };
        let quadrature = Rule::GaussLegendre.quadrature(3).expect("three points");
        let sum = |[x, x0]: [&[f32]; 2], nodes: &Quadrature| -> Vec<f64> {
            let mut sum = vec![0.0; x.len()];
            for (&alpha, &weight) in nodes.alphas.iter().zip(&nodes.step_sizes) {
                let point = x
                    .iter()
                    .zip(x0)
                    .map(|(&x, &x0)| x0 + alpha as f32 * (x - x0));
                let at = gradient(&point.collect::<Vec<_>>());
                sum.iter_mut().zip(at).for_each(|(s, g)| *s += weight * g);
            }
            sum
        };
        let attributions = |x: &[f32]| -> Vec<f32> {
            let on = sum([x, &baseline], &quadrature);
            let pairs = x.iter().zip(&baseline).zip(on);
            pairs
                .map(|((x, x0), g)| ((x - x0) as f64 * g) as f32)
                .collect()
        };
        let pull = |x: &[f32]| Pull::new(&attributions(x), &inside, [x, &baseline], &RANGE, 2.0);
        let here = pull(&x);
        let on = sum([&x, &baseline], &quadrature);
        let beside = [true, false].map(|ahead| {
            let ends = [here.beside(&x, ahead), here.beside(&baseline, ahead)];
            sum([&ends[0], &ends[1]], &Pull::nodes(&quadrature))
        });
        let found = here.gradient(&on, &beside[0], &beside[1]);
        for k in 0..x.len() {
            let share = |by: f32| {
                let mut moved = x.clone();
                moved[k] += by;
                pull(&moved).share
            };
            let expected = (share(1e-2) - share(-1e-2)) / 2e-2;
            let scale = found.iter().fold(0.0f32, |most, v| most.max(v.abs()));
            assert!(
                (f64::from(found[k]) - expected).abs() < 0.02 * f64::from(scale),
                "value {k}: {} {expected}",
                found[k]
            );
        }
    }
}
