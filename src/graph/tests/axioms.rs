//! What holds for every operation: derivatives, and secants that sum to the change of the output.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use support::{Case, Random, cases, graph};
use violet_graph::*;

/// The output's value, its gradient for random weights of its elements, and the weighted sum.
struct Weighted<'a> {
    graph: &'a Graph,
    weights: Vec<f64>,
}

impl<'a> Weighted<'a> {
    fn new(graph: &'a Graph, random: &mut Random) -> Self {
        let output = graph.outputs()[0].value;
        let count = graph.shape(output).iter().product();
        let weights = random.values(count, [-1.0, 1.0]);
        Self { graph, weights }
    }

    fn run(&self, x: &[f64]) -> Point {
        Reference::new(self.graph).run(x).unwrap()
    }

    fn value(&self, x: &[f64]) -> f64 {
        let output = self.graph.outputs()[0].value;
        dot(self.run(x).value(output), &self.weights)
    }

    /// The mean gradient from one input to another.
    fn secant(&self, from: &[f64], to: &[f64]) -> Vec<f64> {
        let output = self.graph.outputs()[0].value;
        let (from, to) = (self.run(from), self.run(to));
        let seeds = [(output, self.weights.as_slice())];
        Reference::new(self.graph)
            .secant(&from, &to, &seeds)
            .unwrap()
    }

    /// By how much the secants of so many intervals miss the change, relative to what they add up.
    fn miss(&self, from: &[f64], to: &[f64], intervals: usize) -> f64 {
        let place = |k: usize| -> Vec<f64> {
            let alpha = k as f64 / intervals as f64;
            let pairs = from.iter().zip(to);
            pairs.map(|(a, b)| a + alpha * (b - a)).collect()
        };
        let (mut sum, mut size) = (0.0, 0.0);
        for k in 0..intervals {
            let (a, b) = (place(k), place(k + 1));
            for (slope, (a, b)) in self.secant(&a, &b).iter().zip(a.iter().zip(&b)) {
                assert!(slope.is_finite());
                sum += slope * (b - a);
                size += (slope * (b - a)).abs();
            }
        }
        let change = self.value(&place(intervals)) - self.value(&place(0));
        (sum - change).abs() / (size + change.abs()).max(1.0)
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn input(case: &Case, random: &mut Random) -> Vec<f64> {
    let count = case.graph.shape(case.graph.input()).iter().product();
    random.values(count, case.range)
}

/// The secant from a point to itself is the gradient there.
#[test]
fn gradients_agree_with_central_differences() {
    let random = &mut Random::new(1);
    for case in cases() {
        let weighted = Weighted::new(&case.graph, random);
        let x = input(&case, random);
        let gradient = weighted.secant(&x, &x);
        for k in 0..x.len() {
            let step = 1e-6;
            let moved = |by: f64| {
                let mut x = x.clone();
                x[k] += by;
                weighted.value(&x)
            };
            let difference = (moved(step) - moved(-step)) / (2.0 * step);
            let miss = (gradient[k] - difference).abs();
            assert!(
                miss < 1e-6 * difference.abs().max(1.0),
                "{}: ∂/∂x[{k}] is {} and not {difference}",
                case.name,
                gradient[k],
            );
        }
    }
}

#[test]
fn secants_sum_to_the_change() {
    let random = &mut Random::new(2);
    for case in cases() {
        let weighted = Weighted::new(&case.graph, random);
        let [mut from, mut to] = [input(&case, random), input(&case, random)];
        for intervals in [1, 2, 5] {
            let miss = weighted.miss(&from, &to, intervals);
            assert!(miss < 1e-10, "{}: {miss} in {intervals}", case.name);
        }
        // Some inputs stay, some are equal to one another, some stay where they are all equal.
        let length = from.len();
        to[0] = from[0];
        (from[length / 2], to[length / 2]) = (from[length - 1], to[length - 1]);
        let miss = weighted.miss(&from, &to, 3);
        assert!(miss < 1e-10, "{}: {miss} with some that stay", case.name);
        let miss = weighted.miss(&vec![1.0; length], &to, 1);
        assert!(miss < 1e-10, "{}: {miss} from a constant image", case.name);
        let miss = weighted.miss(&from, &from, 1);
        assert!(miss < 1e-10, "{}: {miss} where nothing moves", case.name);
    }
}

/// Ten and more times as far out, where exponentials differ by many orders.
#[test]
fn secants_sum_to_the_change_where_functions_are_saturated() {
    let random = &mut Random::new(3);
    for case in cases() {
        let weighted = Weighted::new(&case.graph, random);
        for scale in [10.0, 40.0] {
            let mut far =
                || -> Vec<f64> { input(&case, random).iter().map(|x| x * scale).collect() };
            let [from, to] = [far(), far()];
            for intervals in [1, 4] {
                let miss = weighted.miss(&from, &to, intervals);
                assert!(miss < 1e-10, "{}: {miss} at {scale}", case.name);
            }
        }
    }
}

#[test]
fn secants_become_gradients() {
    let random = &mut Random::new(4);
    for case in cases() {
        let weighted = Weighted::new(&case.graph, random);
        let from = input(&case, random);
        let direction = random.values(from.len(), [-1.0, 1.0]);
        let pairs = from.iter().zip(&direction);
        let to: Vec<f64> = pairs.map(|(x, d)| x + 1e-7 * d).collect();
        let (secant, gradient) = (weighted.secant(&from, &to), weighted.secant(&from, &from));
        for (secant, gradient) in secant.iter().zip(&gradient) {
            let miss = (secant - gradient).abs();
            assert!(
                miss < 1e-5 * gradient.abs().max(1.0),
                "{}: {miss}",
                case.name
            );
        }
    }
}

/// A walk in small steps: what secants converge to, whatever their number, is the path's integral.
#[test]
fn secants_converge_to_the_integral_of_the_gradient() {
    let random = &mut Random::new(5);
    for case in cases() {
        let weighted = Weighted::new(&case.graph, random);
        let [from, to] = [input(&case, random), input(&case, random)];
        let place = |alpha: f64| -> Vec<f64> {
            let pairs = from.iter().zip(&to);
            pairs.map(|(a, b)| a + alpha * (b - a)).collect()
        };
        let mean = |count: usize, slopes: &dyn Fn(usize) -> Vec<f64>| -> Vec<f64> {
            let mut sum = vec![0.0; from.len()];
            for k in 0..count {
                let pairs = sum.iter_mut().zip(slopes(k));
                pairs.for_each(|(sum, slope)| *sum += slope / count as f64);
            }
            sum
        };
        let many = 600;
        let integral = mean(many, &|k| {
            let x = place((k as f64 + 0.5) / many as f64);
            weighted.secant(&x, &x)
        });
        let count = 60;
        let secants = mean(count, &|k| {
            let at = |k: usize| place(k as f64 / count as f64);
            weighted.secant(&at(k), &at(k + 1))
        });
        let size = dot(&integral, &integral).sqrt();
        let pairs = integral.iter().zip(&secants);
        let miss = pairs.map(|(a, b)| (a - b) * (a - b)).sum::<f64>().sqrt();
        assert!(
            miss < 0.01 * size.max(0.1),
            "{}: {miss} of {size}",
            case.name
        );
    }
}

/// A block of every kind after the other, as in networks.
fn random_network(seed: u64) -> Graph {
    let random = &mut Random::new(seed);
    graph(&[1, 3, 6, 6], |b, x| {
        let mut build = || -> Result<ValueId> {
            let mut x = x;
            for _ in 0..5 {
                x = block(b, x, random)?;
            }
            let x = b.global_pool(Reduction::Mean, x)?;
            let x = b.flatten(x, 1)?;
            let features = b.shape(x)[1];
            let weight = b.constant(random.eighths(&[4, features]))?;
            b.linear(x, weight, None)
        };
        build().unwrap()
    })
}

fn block(b: &mut Builder, x: ValueId, random: &mut Random) -> Result<ValueId> {
    let &[_, channels, height, width] = b.shape(x) else {
        unreachable!("all blocks make images");
    };
    let same = Sliding {
        padding: Padding::SameUpper,
        ..Sliding::default()
    };
    match random.below(7) {
        0 => {
            let weight = b.constant(random.eighths(&[channels, channels, 3, 3]))?;
            let y = b.convolution(x, weight, None, &same, 1)?;
            let y = b.relu(y)?;
            b.binary(Binary::Add, x, y)
        }
        1 => {
            let weight = b.constant(random.eighths(&[channels + 1, channels, 1, 1]))?;
            let y = b.convolution(x, weight, None, &same, 1)?;
            b.silu(y)
        }
        2 => b.max_pool(x, [2, 2], &same),
        3 => {
            // Squeeze and excite.
            let means = b.global_pool(Reduction::Mean, x)?;
            let weight = b.constant(random.eighths(&[channels, channels, 1, 1]))?;
            let gate = b.convolution(means, weight, None, &same, 1)?;
            let gate = b.unary(Unary::Sigmoid, gate)?;
            b.binary(Binary::Mul, x, gate)
        }
        4 => {
            // Attention between pixels.
            let tokens = b.reshape(x, &[0, 0, -1])?;
            let tokens = b.transpose(tokens, &[0, 2, 1])?;
            let tokens = b.layer_norm(tokens, -1, None, None, 1e-5)?;
            let keys = b.transpose(tokens, &[0, 2, 1])?;
            let scores = b.matmul(tokens, keys)?;
            let scores = b.softmax(scores, -1)?;
            let made = b.matmul(scores, tokens)?;
            let made = b.gelu(made, false)?;
            let made = b.transpose(made, &[0, 2, 1])?;
            b.reshape(made, &[1, channels as i64, height as i64, width as i64])
        }
        5 => {
            let y = b.group_norm(x, 1, 1, None, None, 1e-5)?;
            b.mish(y)
        }
        _ => {
            let y = b.slice(x, &[0], &[1], &[1], &[])?;
            let y = b.unary(Unary::Tanh, y)?;
            b.concat(&[x, y], 1)
        }
    }
}

#[test]
fn networks_are_complete_for_any_number_of_intervals() {
    for seed in 0..30 {
        let graph = random_network(seed);
        let random = &mut Random::new(100 + seed);
        let weighted = Weighted::new(&graph, random);
        let to = random.values(108, [-1.0, 1.0]);
        for from in [vec![0.0; 108], random.values(108, [-1.0, 1.0])] {
            for intervals in [1, 2, 5] {
                let miss = weighted.miss(&from, &to, intervals);
                assert!(miss < 1e-10, "network {seed}: {miss} in {intervals}");
            }
        }
    }
}

#[test]
fn images_side_by_side_are_images_by_themselves() {
    let random = &mut Random::new(6);
    for case in cases() {
        let reference = Reference::new(&case.graph);
        let [a, b] = [input(&case, random), input(&case, random)];
        let both = reference.outputs(&[a.clone(), b.clone()].concat()).unwrap();
        let alone = [a, b].map(|x| reference.outputs(&x).unwrap()[0].clone());
        assert_eq!(both[0], alone.concat(), "{}", case.name);
    }
}
