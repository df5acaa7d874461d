//! Where on the straight path from baseline to input the gradient is taken, and with which weight.

use crate::error::{Error, Result};

/// The largest number of steps a quadrature is built for.
pub const MAX_STEPS: usize = 10_000;

/// A rule that turns a number of steps into nodes on \[0, 1\] and weights that sum to 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rule {
    /// `k/n` for `k = 0..n`: n gradients, none at the input.
    Left,
    /// `k/n` for `k = 1..=n`: n gradients, none at the baseline. The sum of the paper's eq. 3.
    Right,
    /// `(k − ½)/n` for `k = 1..=n`: n gradients.
    Midpoint,
    /// `k/n` for `k = 0..=n`, the two ends at half weight: n + 1 gradients. With 50 steps, the paper's way.
    Trapezoid,
    /// Roots of the Legendre polynomial of degree n, mapped to \[0, 1\]: n gradients.
    GaussLegendre,
    /// The mean gradients of n intervals, by the slopes of every layer from one end to the other: n gradients.
    /// With u = k/n, the intervals end at (u + u²)/2: shorter towards the baseline, where trained networks
    /// change most. (docs/CONVERGENCE.md has what other spacings give.)
    #[default]
    Secant,
}

/// What is meant by the gradient of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub enum Slopes {
    /// The gradient at its position.
    #[default]
    Tangent,
    /// The mean gradient of the interval of its weight's width that ends at its position.
    Secant,
    /// What is left of the gradient at its position if every rectifier lets through only what is
    /// positive: guided backpropagation, which is the gradient of nothing.
    ///
    /// # Source
    ///
    /// Springenberg et al. 2015 (arXiv 1412.6806), section 3.4; captum's `GuidedBackprop`.
    Guided,
}

impl Rule {
    /// Every rule, in the order in which they are offered.
    pub const ALL: [Rule; 6] = [
        Rule::Secant,
        Rule::Trapezoid,
        Rule::Left,
        Rule::Right,
        Rule::Midpoint,
        Rule::GaussLegendre,
    ];

    /// Nodes and weights for `n_steps` steps.
    ///
    /// # Errors
    ///
    /// [`Error::StepCount`] if `n_steps` is not within `1..=MAX_STEPS`.
    ///
    /// # Source
    ///
    /// Sundararajan, Taly, Yan 2017 (arXiv 1703.01365) eq. 3 for the right rule; the others are
    /// the textbook rules of the same names.
    ///
    /// # Example
    ///
    /// ```
    /// use violet::attribution::Rule;
    ///
    /// let quadrature = Rule::Trapezoid.quadrature(2)?;
    /// assert_eq!(quadrature.alphas, [0.0, 0.5, 1.0]);
    /// assert_eq!(quadrature.step_sizes, [0.25, 0.5, 0.25]);
    /// # Ok::<(), violet::Error>(())
    /// ```
    pub fn quadrature(self, n_steps: usize) -> Result<Quadrature> {
        if n_steps == 0 || n_steps > MAX_STEPS {
            return Err(Error::StepCount {
                found: n_steps,
                limit: MAX_STEPS,
            });
        }
        let n = n_steps as f64;
        let evenly = |first: f64, count: usize| -> Vec<f64> {
            (0..count).map(|k| (first + k as f64) / n).collect()
        };
        let (alphas, step_sizes) = match self {
            Rule::Left => (evenly(0.0, n_steps), vec![1.0 / n; n_steps]),
            Rule::Right => (evenly(1.0, n_steps), vec![1.0 / n; n_steps]),
            Rule::Midpoint => (evenly(0.5, n_steps), vec![1.0 / n; n_steps]),
            Rule::Trapezoid => {
                let mut step_sizes = vec![1.0 / n; n_steps + 1];
                step_sizes[0] = 0.5 / n;
                step_sizes[n_steps] = 0.5 / n;
                (evenly(0.0, n_steps + 1), step_sizes)
            }
            Rule::GaussLegendre => gauss_legendre(n_steps),
            Rule::Secant => {
                let end = |k: usize| (k as f64 / n) * f64::midpoint(1.0, k as f64 / n);
                let ends: Vec<f64> = (0..=n_steps).map(end).collect();
                let widths = ends.windows(2).map(|pair| pair[1] - pair[0]);
                (ends[1..].to_vec(), widths.collect())
            }
        };
        Ok(Quadrature {
            alphas,
            step_sizes,
            slopes: self.slopes(),
        })
    }

    /// The gradients that the rule takes.
    pub fn slopes(self) -> Slopes {
        match self {
            Rule::Secant => Slopes::Secant,
            _ => Slopes::Tangent,
        }
    }

    /// A number of steps that brings map and sum near the integral on most photos
    /// (docs/CONVERGENCE.md).
    pub fn usual_steps(self) -> usize {
        match self {
            Rule::Secant => 24,
            _ => 50,
        }
    }

    /// The rule's name on the command line and in addresses, for example `gauss-legendre`.
    pub fn name(self) -> &'static str {
        match self {
            Rule::Left => "left",
            Rule::Right => "right",
            Rule::Midpoint => "midpoint",
            Rule::Trapezoid => "trapezoid",
            Rule::GaussLegendre => "gauss-legendre",
            Rule::Secant => "secant",
        }
    }

    /// The rule of that name, if there is one.
    pub fn from_name(name: &str) -> Option<Rule> {
        Rule::ALL.into_iter().find(|rule| rule.name() == name)
    }
}

/// Nodes in \[0, 1\], ascending, and their weights, which sum to 1; or some of them.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Quadrature {
    /// Positions on the path: 0 is the baseline, 1 the input.
    pub alphas: Vec<f64>,
    /// The weight of each position.
    pub step_sizes: Vec<f64>,
    /// What the gradient of each position is.
    pub slopes: Slopes,
}

impl Quadrature {
    /// Points with weight 1 each.
    pub fn points(alphas: &[f64]) -> Quadrature {
        Quadrature {
            alphas: alphas.to_vec(),
            step_sizes: vec![1.0; alphas.len()],
            slopes: Slopes::Tangent,
        }
    }

    /// Secants of intervals, each from one position to a larger one.
    pub fn secants(intervals: &[[f64; 2]]) -> Quadrature {
        Quadrature {
            alphas: intervals.iter().map(|[_, end]| *end).collect(),
            step_sizes: intervals.iter().map(|[start, end]| end - start).collect(),
            slopes: Slopes::Secant,
        }
    }

    /// Its nodes within a range of their numbers.
    pub fn slice(&self, nodes: std::ops::Range<usize>) -> Quadrature {
        Quadrature {
            alphas: self.alphas[nodes.clone()].to_vec(),
            step_sizes: self.step_sizes[nodes].to_vec(),
            slopes: self.slopes,
        }
    }

    /// The nodes' indices in the order in which they serve best. Secants go from one to the next, as each begins
    /// where another ends; else every beginning is spread over the whole path, so that an unfinished sum already
    /// looks like the finished one.
    pub fn order(&self) -> Vec<usize> {
        match self.slopes {
            Slopes::Tangent | Slopes::Guided => progressive_order(self.alphas.len()),
            Slopes::Secant => (0..self.alphas.len()).collect(),
        }
    }

    /// Its nodes in parts that one pass can take: secants as long as one begins where another ends, points all
    /// together. None is empty.
    pub fn stretches(&self) -> Vec<Quadrature> {
        let follows = |&before: &usize, &next: &usize| {
            let start = self.alphas[next] - self.step_sizes[next];
            self.slopes != Slopes::Secant || same_position(self.alphas[before], start)
        };
        let nodes: Vec<usize> = (0..self.alphas.len()).collect();
        nodes
            .chunk_by(follows)
            .map(|part| self.pick(part))
            .collect()
    }

    /// Some of its nodes.
    pub fn pick(&self, nodes: &[usize]) -> Quadrature {
        let pick = |values: &[f64]| nodes.iter().map(|&k| values[k]).collect();
        Quadrature {
            alphas: pick(&self.alphas),
            step_sizes: pick(&self.step_sizes),
            slopes: self.slopes,
        }
    }
}

/// Whether two positions are one: α − (α − β) is β but for its last bit.
pub(super) fn same_position(a: f64, b: f64) -> bool {
    (a - b).abs() < 1e-9
}

/// `0..n` in an order in which every beginning is spread over the whole range.
///
/// # Source
///
/// The base-2 van der Corput sequence (bit reversal).
fn progressive_order(n: usize) -> Vec<usize> {
    let bits = n.next_power_of_two().trailing_zeros();
    (0..1usize << bits)
        .map(|k| k.reverse_bits() >> (usize::BITS - bits).min(usize::BITS - 1))
        .filter(|&k| k < n)
        .collect()
}

/// Roots of the Legendre polynomial of degree `n`, mapped from \[−1, 1\] to \[0, 1\].
///
/// Newton's method from the asymptotic estimate of Abramowitz & Stegun 22.16.6; the weight at a
/// root t is 2 / ((1 − t²) P'ₙ(t)²) (A&S 25.4.29), halved for the shorter interval.
fn gauss_legendre(n: usize) -> (Vec<f64>, Vec<f64>) {
    let mut alphas = vec![0.0; n];
    let mut step_sizes = vec![0.0; n];
    for k in 0..n.div_ceil(2) {
        let mut root = (std::f64::consts::PI * (k as f64 + 0.75) / (n as f64 + 0.5)).cos();
        let mut derivative = 1.0;
        // Quadratic convergence: five rounds reach f64 from this estimate, the rest is margin.
        for _ in 0..10 {
            let value;
            (value, derivative) = legendre(n, root);
            root -= value / derivative;
        }
        let weight = 1.0 / ((1.0 - root * root) * derivative * derivative);
        (alphas[k], alphas[n - 1 - k]) = ((1.0 - root) / 2.0, f64::midpoint(1.0, root));
        (step_sizes[k], step_sizes[n - 1 - k]) = (weight, weight);
    }
    if n % 2 == 1 {
        alphas[n / 2] = 0.5;
    }
    (alphas, step_sizes)
}

/// The Legendre polynomial of degree `n` at `t` and its derivative (A&S 22.7.10, 22.8.5).
fn legendre(n: usize, t: f64) -> (f64, f64) {
    let (mut previous, mut current) = (1.0, t);
    for degree in 2..=n {
        let d = degree as f64;
        let next = ((2.0 * d - 1.0) * t * current - (d - 1.0) * previous) / d;
        (previous, current) = (current, next);
    }
    let n = n as f64;
    (current, n * (t * current - previous) / (t * t - 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_sum_to_one_for_every_rule() {
        for rule in Rule::ALL {
            for n in [1, 2, 3, 7, 50, 51, 500, 1000] {
                let q = rule.quadrature(n).unwrap();
                let sum: f64 = q.step_sizes.iter().sum();
                assert!((sum - 1.0).abs() < 1e-12, "{rule:?} {n}: {sum}");
                assert_eq!(q.alphas.len(), q.step_sizes.len());
                assert!(q.alphas.windows(2).all(|w| w[0] < w[1]), "{rule:?} {n}");
                assert!(q.alphas.iter().all(|a| (0.0..=1.0).contains(a)));
            }
        }
    }

    #[test]
    fn trapezoid_takes_one_gradient_more_than_steps() {
        assert_eq!(Rule::Trapezoid.quadrature(50).unwrap().alphas.len(), 51);
        assert_eq!(Rule::Midpoint.quadrature(50).unwrap().alphas.len(), 50);
    }

    #[test]
    fn gauss_legendre_integrates_polynomials_of_degree_2n_minus_1_exactly() {
        for n in [1usize, 2, 3, 5, 8, 20] {
            let q = Rule::GaussLegendre.quadrature(n).unwrap();
            let degree = 2 * n as i32 - 1;
            let integral: f64 = q
                .alphas
                .iter()
                .zip(&q.step_sizes)
                .map(|(a, w)| w * a.powi(degree))
                .sum();
            assert!(
                (integral - 1.0 / f64::from(degree + 1)).abs() < 1e-14,
                "{n}"
            );
        }
    }

    #[test]
    fn progressive_order_visits_every_node_once() {
        for n in 1..40 {
            let q = Rule::Midpoint.quadrature(n).unwrap();
            let mut order = q.order();
            if n > 4 {
                let spread = order[..4].iter().max().unwrap() - order[..4].iter().min().unwrap();
                assert!(spread * 2 >= n, "{n}: {order:?}");
            }
            order.sort_unstable();
            assert_eq!(order, (0..n).collect::<Vec<_>>());
        }
    }

    #[test]
    fn secants_cover_the_path_without_a_gap() {
        let q = Rule::Secant.quadrature(24).unwrap();
        assert_eq!(q.order(), (0..24).collect::<Vec<_>>());
        let mut end = 0.0;
        for (alpha, width) in q.alphas.iter().zip(&q.step_sizes) {
            assert!((alpha - width - end).abs() < 1e-15);
            end = *alpha;
        }
        assert_eq!(end, 1.0);
        assert_eq!(q.stretches(), [q]);
    }

    #[test]
    fn secants_with_a_gap_between_them_are_two_stretches() {
        let q = Rule::Secant.quadrature(6).unwrap();
        let stretches = |nodes: &[usize]| q.pick(nodes).stretches().len();
        assert_eq!(stretches(&[2, 3, 4]), 1);
        assert_eq!(stretches(&[0, 1, 3, 5]), 3);
        assert_eq!(stretches(&[3, 2]), 2);
        assert_eq!(stretches(&[]), 0);
        let points = Rule::Midpoint.quadrature(6).unwrap().pick(&[5, 0, 3]);
        assert_eq!(points.stretches(), [points]);
    }

    #[test]
    fn zero_steps_is_an_error() {
        assert!(matches!(
            Rule::Left.quadrature(0),
            Err(Error::StepCount { found: 0, .. })
        ));
    }

    #[test]
    fn names_lead_back_to_their_rule() {
        for rule in Rule::ALL {
            assert_eq!(Rule::from_name(rule.name()), Some(rule));
        }
    }
}
