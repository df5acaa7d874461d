//! The minimum of a smooth convex function: L-BFGS.
//!
//! # Source
//!
//! Nocedal, Wright: Numerical Optimization, 2nd edition, algorithms 7.4 and 7.5; steps are halved
//! until they go down as far as the gradient says (Armijo's condition, section 3.1).

use std::collections::VecDeque;

/// Steps that the curvature is told from.
const KEPT: usize = 10;
/// The share of what the gradient promises that a step has to keep.
const ARMIJO: f64 = 1e-4;
/// A step that has been halved this often goes nowhere: what is left is rounding.
const HALVINGS: usize = 40;

/// Where a descent has come.
#[derive(Debug, Clone, PartialEq)]
pub struct Minimum {
    /// The place.
    pub at: Vec<f64>,
    /// The function there.
    pub value: f64,
    /// The largest component of the gradient there.
    pub steepest: f64,
    /// Steps that were taken.
    pub steps: usize,
}

/// Goes down from `start` until no component of the gradient is larger than `tolerance`, for `most`
/// steps at most. `function` gives value and gradient.
pub fn minimise(
    start: Vec<f64>,
    tolerance: f64,
    most: usize,
    mut function: impl FnMut(&[f64]) -> (f64, Vec<f64>),
) -> Minimum {
    let mut at = start;
    let (mut value, mut gradient) = function(&at);
    // What the last steps changed: place and gradient.
    let mut kept: VecDeque<(Vec<f64>, Vec<f64>)> = VecDeque::new();
    let mut steps = 0;
    while steps < most && steepest(&gradient) > tolerance {
        let mut way = direction(&gradient, &kept);
        let mut slope = dot(&way, &gradient);
        if slope >= 0.0 {
            // Rounding has made the curvature useless.
            kept.clear();
            way = direction(&gradient, &kept);
            slope = dot(&way, &gradient);
        }
        let mut length = 1.0;
        let step = (0..HALVINGS).find_map(|_| {
            let there: Vec<f64> = at.iter().zip(&way).map(|(x, d)| x + length * d).collect();
            let (found, slopes) = function(&there);
            let enough = found <= value + ARMIJO * length * slope;
            length /= 2.0;
            enough.then_some((there, found, slopes))
        });
        let Some((there, found, slopes)) = step else {
            break;
        };
        let difference =
            |a: &[f64], b: &[f64]| -> Vec<f64> { a.iter().zip(b).map(|(a, b)| a - b).collect() };
        let (moved, changed) = (difference(&there, &at), difference(&slopes, &gradient));
        if dot(&moved, &changed) > 1e-12 * dot(&changed, &changed) {
            kept.push_back((moved, changed));
            if kept.len() > KEPT {
                kept.pop_front();
            }
        }
        (at, value, gradient) = (there, found, slopes);
        steps += 1;
    }
    Minimum {
        steepest: steepest(&gradient),
        at,
        value,
        steps,
    }
}

/// −H · gradient, H the inverse curvature that the kept steps tell of: the two loops of algorithm
/// 7.4.
fn direction(gradient: &[f64], kept: &VecDeque<(Vec<f64>, Vec<f64>)>) -> Vec<f64> {
    let mut way = gradient.to_vec();
    let mut shares = Vec::new();
    for (moved, changed) in kept.iter().rev() {
        let share = dot(moved, &way) / dot(moved, changed);
        add(&mut way, -share, changed);
        shares.push(share);
    }
    let scale = match kept.back() {
        Some((moved, changed)) => dot(moved, changed) / dot(changed, changed),
        // Nothing is known yet: a step of length 1.
        None => 1.0 / dot(gradient, gradient).sqrt().max(f64::MIN_POSITIVE),
    };
    way.iter_mut().for_each(|v| *v *= scale);
    for ((moved, changed), share) in kept.iter().zip(shares.into_iter().rev()) {
        let other = dot(changed, &way) / dot(moved, changed);
        add(&mut way, share - other, moved);
    }
    way.iter_mut().for_each(|v| *v = -*v);
    way
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn add(to: &mut [f64], factor: f64, what: &[f64]) {
    to.iter_mut()
        .zip(what)
        .for_each(|(to, what)| *to += factor * what);
}

fn steepest(gradient: &[f64]) -> f64 {
    gradient.iter().fold(0.0, |most, v| most.max(v.abs()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bowl_that_is_a_thousand_times_longer_than_wide_has_its_minimum_found() {
        // Σ c (x − k)² / 2 with curvatures of 1 to 1000.
        let curvature = |k: usize| 1000f64.powf(k as f64 / 19.0);
        let bowl = |x: &[f64]| {
            let away = |k: usize| x[k] - k as f64;
            let value = (0..20).map(|k| curvature(k) * away(k).powi(2) / 2.0).sum();
            (value, (0..20).map(|k| curvature(k) * away(k)).collect())
        };
        let found = minimise(vec![0.0; 20], 1e-9, 500, bowl);
        assert!(found.steepest <= 1e-9, "{found:?}");
        // Steepest descent takes some ten thousand.
        assert!(found.steps < 300, "{}", found.steps);
        for (k, x) in found.at.iter().enumerate() {
            assert!((x - k as f64).abs() < 1e-9, "{k}: {x}");
        }
    }

    #[test]
    fn a_descent_ends_where_it_began_if_that_is_the_bottom_and_after_as_many_steps_as_it_may_take()
    {
        let flat = |_: &[f64]| (3.0, vec![0.0; 2]);
        let found = minimise(vec![1.0, 2.0], 1e-9, 10, flat);
        assert_eq!((found.at, found.steps), (vec![1.0, 2.0], 0));
        let quartic = |x: &[f64]| (x[0].powi(4), vec![4.0 * x[0].powi(3)]);
        assert_eq!(minimise(vec![9.0], 1e-300, 3, quartic).steps, 3);
    }
}
