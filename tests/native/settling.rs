//! Maps that settle by themselves, on a small network of rectifiers whose secants and integral are
//! known.

use violet::Error;
use violet::attribution::{
    Integration, Method, PartialSum, PathSample, Quadrature, Round, Settle, Shares,
};

/// Inputs, and rectifiers of a layer.
const SMALL: [usize; 2] = [48, 100];
const WIDE: [usize; 2] = [192, 300];
const LAYERS: usize = 5;

/// Layers of rectifiers and a weighted sum, in f64.
struct Network {
    layers: Vec<Vec<f64>>,
    last: Vec<f64>,
    input: Vec<f32>,
    baseline: Vec<f32>,
}

/// Numbers over −1..1 that a seed decides: splitmix64's upper bits.
pub(crate) fn noise(seed: u64, count: usize) -> Vec<f64> {
    let number = |k: u64| {
        let mut z = (seed << 32).wrapping_add(k.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) as f64 / u64::MAX as f64 * 2.0 - 1.0
    };
    (1..=count as u64).map(number).collect()
}

pub(crate) fn product(matrix: &[f64], vector: &[f64]) -> Vec<f64> {
    let rows = matrix.chunks_exact(vector.len());
    rows.map(|row| row.iter().zip(vector).map(|(a, b)| a * b).sum())
        .collect()
}

pub(crate) fn transposed_product(matrix: &[f64], vector: &[f64]) -> Vec<f64> {
    let columns = matrix.len() / vector.len();
    let mut result = vec![0.0; columns];
    for (row, value) in matrix.chunks_exact(columns).zip(vector) {
        for (sum, weight) in result.iter_mut().zip(row) {
            *sum += weight * value;
        }
    }
    result
}

/// A mean gradient between two positions, and what F is at them, as an integration takes it.
pub(crate) fn secant_of(gradient: &[f64], [from, to]: [f64; 2], [f0, f1]: [f64; 2]) -> PartialSum {
    PartialSum {
        gradient_sum: gradient.iter().map(|&g| g as f32).collect(),
        samples: vec![PathSample {
            alpha: to,
            output: f1 as f32,
            slope: ((f1 - f0) / (to - from)) as f32,
        }],
        starts: 0,
    }
}

fn relu(values: &[f64]) -> Vec<f64> {
    values.iter().map(|v| v.max(0.0)).collect()
}

impl Network {
    fn new(seed: u64) -> Self {
        Self::sized(SMALL, seed)
    }

    fn sized([inputs, width]: [usize; 2], seed: u64) -> Self {
        let layer = |k: usize| {
            let inputs = if k == 0 { inputs } else { width };
            let scale = (6.0 / inputs as f64).sqrt();
            let weights = noise(seed + k as u64, width * inputs).into_iter();
            weights.map(|w| w * scale).collect()
        };
        let input = noise(seed + 91, inputs);
        Self {
            layers: (0..LAYERS).map(layer).collect(),
            last: noise(seed + 90, width),
            input: input.iter().map(|&v| (v + 0.2) as f32).collect(),
            baseline: vec![0.0; inputs],
        }
    }

    /// Every layer's sums, and F.
    fn run(&self, alpha: f64) -> (Vec<Vec<f64>>, f64) {
        let pairs = self.input.iter().zip(&self.baseline);
        let mut x: Vec<f64> = pairs
            .map(|(&x, &x0)| f64::from(x0) + alpha * (f64::from(x) - f64::from(x0)))
            .collect();
        let mut all = Vec::new();
        for (k, layer) in self.layers.iter().enumerate() {
            let mut sums = product(layer, &x);
            for (unit, sum) in sums.iter_mut().enumerate() {
                *sum += 0.3 * (unit as f64 * (k as f64 + 1.0)).sin();
            }
            x = relu(&sums);
            all.push(sums);
        }
        let f = x.iter().zip(&self.last).map(|(v, w)| v * w).sum();
        (all, f)
    }

    /// The mean gradient between two positions, by the slope of every rectifier.
    fn secant(&self, from: f64, to: f64) -> PartialSum {
        let ((before, f0), (after, f1)) = (self.run(from), self.run(to));
        let mut gradient = self.last.clone();
        for ((layer, before), after) in self.layers.iter().zip(&before).zip(&after).rev() {
            let pairs = before.iter().zip(after);
            for (gradient, (&s, &t)) in gradient.iter_mut().zip(pairs) {
                *gradient *= match t - s {
                    0.0 => f64::from(u8::from(t > 0.0)),
                    run => (t.max(0.0) - s.max(0.0)) / run,
                };
            }
            gradient = transposed_product(layer, &gradient);
        }
        secant_of(&gradient, [from, to], [f0, f1])
    }

    /// Attributions by very many secants of one width.
    fn truth(&self) -> Vec<f64> {
        const MANY: usize = 2048;
        let mut sum = vec![0.0; self.input.len()];
        for k in 0..MANY {
            let end = |k: usize| k as f64 / MANY as f64;
            let part = self.secant(end(k), end(k + 1));
            for (sum, &g) in sum.iter_mut().zip(&part.gradient_sum) {
                *sum += f64::from(g) / MANY as f64;
            }
        }
        let pairs = self.input.iter().zip(&self.baseline);
        let differences = pairs.map(|(&x, &x0)| f64::from(x) - f64::from(x0));
        sum.iter().zip(differences).map(|(g, d)| g * d).collect()
    }

    fn start(&self, settle: Settle) -> Integration {
        Integration::new(Method::Auto(settle), &self.input, &self.baseline).unwrap()
    }

    /// What workers would answer to a round, in the order in which they would.
    fn answers(&self, round: &Round, workers: usize) -> Vec<PartialSum> {
        assert!(round.apart);
        let mut shares = Shares::new(round.nodes.alphas.len(), workers);
        let mut answers = Vec::new();
        for turn in 0.. {
            let places = shares.take(turn % workers, 1 + turn % 2);
            if places.is_empty() {
                break;
            }
            let Quadrature {
                alphas, step_sizes, ..
            } = round.nodes.slice(places);
            for (&end, &width) in alphas.iter().zip(&step_sizes) {
                answers.push(self.secant(end - width, end));
            }
        }
        answers
    }

    /// Runs it to its end; `look` is shown it after every round.
    fn settle(
        &self,
        settle: Settle,
        workers: usize,
        mut look: impl FnMut(&Integration),
    ) -> Integration {
        let mut integration = self.start(settle);
        while let Some(round) = integration.next_round().unwrap() {
            for answer in self.answers(&round, workers) {
                integration.add(&answer).unwrap();
            }
            look(&integration);
        }
        integration
    }

    fn error(&self, integration: &Integration, truth: &[f64]) -> f64 {
        let found = integration.attributions();
        let errors = found.values.iter().zip(truth);
        let squared: f64 = errors.map(|(&v, t)| (f64::from(v) - t).powi(2)).sum();
        (squared / truth.iter().map(|t| t * t).sum::<f64>()).sqrt()
    }
}

fn settle(tolerance: f64) -> Settle {
    Settle {
        tolerance,
        ..Settle::default()
    }
}

/// A map that settled, and how far off it is.
struct Settled {
    tolerance: f64,
    estimate: f64,
    error: f64,
}

/// Maps of networks of one size, three tolerances each.
fn settled(size: [usize; 2], seeds: u64) -> Vec<Settled> {
    let mut maps = Vec::new();
    for seed in (1..=seeds).map(|k| 100 * k) {
        let network = Network::sized(size, seed);
        let truth = network.truth();
        for tolerance in [0.05, 0.02, 0.01] {
            let sum = network.settle(settle(tolerance), 1, |_| ());
            let error = network.error(&sum, &truth);
            let estimate = sum.map_error_estimate().unwrap();
            println!(
                "{size:?}, {seed}: {tolerance}: {} gradients, {estimate:.4} said, {error:.4} true",
                sum.gradients()
            );
            assert!(estimate <= tolerance && !sum.is_cut_short());
            maps.push(Settled {
                tolerance,
                estimate,
                error,
            });
        }
    }
    maps
}

#[test]
fn a_map_is_as_near_as_it_shall_be_and_no_farther_than_it_says() {
    let maps = settled(SMALL, 3);
    for map in &maps {
        let (error, estimate) = (map.error, map.estimate);
        assert!(error <= 1.2 * map.tolerance, "{error}");
        assert!(error < 2.0 * estimate, "{error}, {estimate} said");
        assert!(estimate < 3.1 * error, "{error}, {estimate} said");
    }
    // Of three of the nine, more than twice as much is said as is true.
    let too_much = maps.iter().filter(|map| map.estimate >= 2.0 * map.error);
    assert!(too_much.count() <= 3);
}

/// All that such a map has of kinks are some hundreds, and not every one is told. The wider a network,
/// the fewer maps are beyond what is promised.
#[test]
fn few_kinks_are_told_worse_than_many() {
    for (size, seeds, one_of) in [(SMALL, 19, 4), (WIDE, 12, 12)] {
        let maps = settled(size, seeds);
        let promised = |map: &&Settled| {
            let said = map.estimate / map.error;
            map.error <= 1.2 * map.tolerance && 0.5 < said && said < 2.0
        };
        let beyond = maps.len() - maps.iter().filter(promised).count();
        assert!(one_of * beyond <= maps.len(), "{beyond} of {}", maps.len());
    }
}

#[test]
fn it_adds_up_after_every_round_and_no_gradient_is_paid_for_twice() {
    let network = Network::new(300);
    let change = network.run(1.0).1 - network.run(0.0).1;
    let mut sum = network.start(settle(0.01));
    let (mut ends, mut asked) = (Vec::new(), Vec::new());
    while let Some(round) = sum.next_round().unwrap() {
        let nodes = round.nodes.alphas.iter().zip(&round.nodes.step_sizes);
        asked.extend(nodes.map(|(end, width)| [end - width, *end]));
        for answer in network.answers(&round, 1) {
            sum.add(&answer).unwrap();
        }
        let attributions = sum.attributions();
        let delta = (attributions.sum - change).abs();
        assert!(
            delta < 1e-5 * change.abs(),
            "{} for {change}",
            attributions.sum
        );
        let quadrature = sum.quadrature();
        assert_eq!(quadrature.stretches().len(), 1, "a gap in the path");
        let widths: f64 = quadrature.step_sizes.iter().sum();
        assert!((widths - 1.0).abs() < 1e-12);
        assert_eq!(sum.samples().len(), quadrature.alphas.len());
        ends.push(sum.gradients());
    }
    assert!(ends.len() > 2 && ends[..2] == [2, 8], "{ends:?}");
    assert_eq!(sum.expected_gradients(), sum.gradients());
    assert_eq!(asked.len(), sum.gradients());
    asked.sort_by(|a, b| a.partial_cmp(b).unwrap());
    let twice = |pair: &[[f64; 2]]| (0..2).all(|end| (pair[0][end] - pair[1][end]).abs() < 1e-9);
    assert!(!asked.windows(2).any(twice), "{asked:?}");
    // Of what was asked for, a third counts no more at most.
    let count = sum.quadrature().alphas.len();
    assert!(
        3 * count >= 2 * (sum.gradients() - 2),
        "{count} of {ends:?}"
    );
}

#[test]
fn it_does_not_matter_who_computes_what_and_when() {
    let network = Network::new(300);
    let alone = network.settle(settle(0.01), 1, |_| ());
    for workers in [2, 3, 8] {
        let shared = network.settle(settle(0.01), workers, |_| ());
        assert_eq!(shared.quadrature(), alone.quadrature());
        let [a, b] = [&alone, &shared].map(|sum| sum.attributions());
        for (a, b) in a.values.iter().zip(&b.values) {
            assert!((a - b).abs() < 1e-6);
        }
    }
}

#[test]
fn a_budget_is_never_exceeded_and_said_when_it_ends() {
    let network = Network::new(300);
    for budget in [8, 9, 10, 14, 31, 200] {
        let wanted = Settle {
            tolerance: 1e-4,
            budget,
        };
        let mut most_expected = 0;
        let sum = network.settle(wanted, 1, |sum| {
            most_expected = most_expected.max(sum.expected_gradients())
        });
        assert!(
            sum.gradients() <= budget && sum.gradients() + 2 > budget,
            "{budget}"
        );
        assert!(sum.is_cut_short() && most_expected <= budget, "{budget}");
        assert!(sum.map_error_estimate().unwrap() > 1e-4);
    }
}

#[test]
fn what_is_unfinished_is_a_sum_of_what_there_is() {
    let network = Network::new(300);
    let change = network.run(1.0).1 - network.run(0.0).1;
    let mut integration = network.start(settle(0.01));
    assert_eq!(integration.map_error_estimate(), None);
    for _ in 0..3 {
        let round = integration.next_round().unwrap().unwrap();
        let answers = network.answers(&round, 1);
        for answer in &answers[..answers.len() - 1] {
            integration.add(answer).unwrap();
        }
        // Someone who goes on too early is told so, and nothing is lost.
        assert!(matches!(
            integration.next_round(),
            Err(Error::Length { .. })
        ));
        if integration.gradients() > 2 {
            // An interval counts until both its halves are in.
            let sum = integration.attributions().sum;
            assert!((sum - change).abs() < 1e-5 * change.abs());
        }
        integration.add(&answers[answers.len() - 1]).unwrap();
    }
}

#[test]
fn what_was_not_asked_for_is_refused() {
    let network = Network::new(300);
    let mut integration = network.start(settle(0.05));
    assert!(
        integration.add(&network.secant(0.0, 0.5)).is_err(),
        "nothing is wanted yet"
    );
    let round = integration.next_round().unwrap().unwrap();
    let end = round.nodes.alphas[0];
    assert!(integration.add(&network.secant(0.0, end / 2.0)).is_err());
    let mut short = network.secant(0.0, end);
    short.gradient_sum.pop();
    assert!(integration.add(&short).is_err());
    integration.add(&network.secant(0.0, end)).unwrap();
    assert!(
        integration.add(&network.secant(0.0, end)).is_err(),
        "it is in already"
    );
    for bad in [0.0, -0.1, 1.5, f64::NAN] {
        assert!(matches!(
            Method::Auto(settle(bad)).check(),
            Err(Error::Tolerance { .. })
        ));
    }
    let few = Settle {
        budget: 7,
        ..settle(0.05)
    };
    assert!(matches!(
        Method::Auto(few).check(),
        Err(Error::Budget { least: 8, .. })
    ));
    assert!(Integration::new(Method::default(), &[0.0; 3], &[0.0; 2]).is_err());
}

#[test]
fn where_nothing_moves_it_ends_at_once() {
    let mut network = Network::new(300);
    network.baseline = network.input.clone();
    let sum = network.settle(settle(0.05), 1, |_| ());
    assert_eq!((sum.gradients(), sum.is_cut_short()), (8, false));
    assert_eq!(sum.map_error_estimate(), None);
}

/// What an interval's secant would be of a map of two values: the first adds up whatever the intervals are, most of
/// it near the input; the second is zero but for an error on one stretch of the path, which falls with the length of
/// the intervals there.
fn hidden(from: f64, to: f64) -> PartialSum {
    const STRETCH: [f64; 2] = [0.56, 0.76];
    let covered = (to.min(STRETCH[1]) - from.max(STRETCH[0])).max(0.0);
    let error = 1.2 * covered / (STRETCH[1] - STRETCH[0]) * (to - from).powf(1.6);
    let values = [to.powi(6) - from.powi(6), error];
    PartialSum {
        gradient_sum: values.map(|v| (v / (to - from)) as f32).to_vec(),
        samples: vec![PathSample {
            alpha: to,
            output: 0.0,
            slope: 0.0,
        }],
        starts: 0,
    }
}

#[test]
fn an_error_is_looked_for_until_it_is_found() {
    // Parts are charged with an error by their sizes, and here it is in the small ones: half of what the large ones
    // do not hold stays with their siblings, and is found there.
    let mut sum = Integration::new(Method::Auto(settle(0.05)), &[1.0; 2], &[0.0; 2]).unwrap();
    while let Some(round) = sum.next_round().unwrap() {
        for (&end, &width) in round.nodes.alphas.iter().zip(&round.nodes.step_sizes) {
            sum.add(&hidden(end - width, end)).unwrap();
        }
    }
    let values = sum.attributions().values;
    assert!((values[0] - 1.0).abs() < 1e-6 && !sum.is_cut_short());
    assert!(values[1] <= 1.2 * 0.05, "{} is left", values[1]);
}
