//! Maps that settle by themselves, on small smooth networks that turn around halfway: normalised,
//! as transformers are, on a path that passes grey.

use violet::attribution::{Integration, Method, PartialSum, Settle};

use crate::settling::{noise, product, secant_of, transposed_product};

const INPUTS: usize = 48;
const WIDTH: usize = 100;
const BLOCKS: usize = 2;
/// What every value of the baseline is, and about which value the input's lie, and how far: near
/// the path's middle all are near zero, and what is normalised turns around.
const BASELINE: f32 = -1.0;
const GREY: f32 = 0.5;
const CONTRAST: f32 = 0.7;
/// Within the root of the normalisation.
const EPSILON: f64 = 1e-3;

/// Blocks y = Vₖ x, y / rms(y), (W y) · σ(G y), and a weighted sum, in f64.
struct Network {
    blocks: Vec<Block>,
    last: Vec<f64>,
    input: Vec<f32>,
}

/// Weights of a block, by rows: V, W, G.
struct Block {
    projection: Vec<f64>,
    value: Vec<f64>,
    gate: Vec<f64>,
}

/// What a block computes on its way.
struct Activations {
    projected: Vec<f64>,
    rms: f64,
    normalised: Vec<f64>,
    value: Vec<f64>,
    gate: Vec<f64>,
}

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

fn means(a: &[f64], b: &[f64]) -> Vec<f64> {
    let pairs = a.iter().zip(b);
    pairs.map(|(&a, &b)| f64::midpoint(a, b)).collect()
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

impl Block {
    fn run(&self, x: &[f64]) -> Activations {
        let projected = product(&self.projection, x);
        let rms = (dot(&projected, &projected) / WIDTH as f64 + EPSILON).sqrt();
        let normalised: Vec<f64> = projected.iter().map(|v| v / rms).collect();
        Activations {
            value: product(&self.value, &normalised),
            gate: product(&self.gate, &normalised),
            projected,
            rms,
            normalised,
        }
    }

    /// Mean gradient with regard to the block's input, of that with regard to its output: of a
    /// product, each factor's change times the mean of the other; of y = v / r, Δy = (Δv − ȳ Δr) /
    /// r̄ with Δr = mean(v̄ Δv) / r̄.
    fn back(&self, gradient: &[f64], a: &Activations, b: &Activations) -> Vec<f64> {
        let gates = a.gate.iter().zip(&b.gate);
        let (opens, slopes): (Vec<f64>, Vec<f64>) = gates
            .map(|(&s, &t)| {
                let [from, to] = [s, t].map(sigmoid);
                let slope = match t - s {
                    run if run.abs() < 1e-9 => from * (1.0 - from),
                    run => (to - from) / run,
                };
                (f64::midpoint(from, to), slope)
            })
            .unzip();
        let times =
            |a: &[f64], b: &[f64]| -> Vec<f64> { a.iter().zip(b).map(|(a, b)| a * b).collect() };
        let by_value = transposed_product(&self.value, &times(gradient, &opens));
        let through_gate = times(gradient, &times(&means(&a.value, &b.value), &slopes));
        let by_gate = transposed_product(&self.gate, &through_gate);
        let gradient: Vec<f64> = by_value.iter().zip(&by_gate).map(|(v, g)| v + g).collect();
        let rms = f64::midpoint(a.rms, b.rms);
        let along = dot(&gradient, &means(&a.normalised, &b.normalised)) / (WIDTH as f64 * rms);
        let projected = means(&a.projected, &b.projected);
        let pairs = gradient.iter().zip(&projected);
        let gradient: Vec<f64> = pairs.map(|(g, v)| (g - v * along) / rms).collect();
        transposed_product(&self.projection, &gradient)
    }
}

impl Network {
    fn new(seed: u64) -> Self {
        let weights = |seed: u64, inputs: usize| {
            let scale = (6.0 / inputs as f64).sqrt();
            let weights = noise(seed, WIDTH * inputs).into_iter();
            weights.map(|w| w * scale).collect()
        };
        let block = |k: usize| Block {
            projection: weights(seed + k as u64, if k == 0 { INPUTS } else { WIDTH }),
            value: weights(seed + 60 + k as u64, WIDTH),
            gate: weights(seed + 40 + k as u64, WIDTH),
        };
        let input = noise(seed + 91, INPUTS).into_iter();
        Self {
            blocks: (0..BLOCKS).map(block).collect(),
            last: noise(seed + 90, WIDTH),
            input: input.map(|v| GREY + CONTRAST * (v + 0.2) as f32).collect(),
        }
    }

    /// Every block's activations, and F.
    fn run(&self, alpha: f64) -> (Vec<Activations>, f64) {
        let place = |&x: &f32| f64::from(BASELINE) + alpha * (f64::from(x) - f64::from(BASELINE));
        let mut x: Vec<f64> = self.input.iter().map(place).collect();
        let mut all = Vec::new();
        for block in &self.blocks {
            let activations = block.run(&x);
            let pairs = activations.value.iter().zip(&activations.gate);
            x = pairs.map(|(v, &g)| v * sigmoid(g)).collect();
            all.push(activations);
        }
        (all, dot(&x, &self.last))
    }

    /// The mean gradient between two positions.
    fn secant(&self, from: f64, to: f64) -> PartialSum {
        let ((before, f0), (after, f1)) = (self.run(from), self.run(to));
        let pairs = before.iter().zip(&after).zip(&self.blocks).rev();
        let gradient = pairs.fold(self.last.clone(), |gradient, ((a, b), block)| {
            block.back(&gradient, a, b)
        });
        secant_of(&gradient, [from, to], [f0, f1])
    }

    /// Attributions by so many secants of one width.
    fn even(&self, count: usize) -> Vec<f64> {
        let mut sum = vec![0.0; INPUTS];
        for k in 0..count {
            let end = |k: usize| k as f64 / count as f64;
            let part = self.secant(end(k), end(k + 1));
            let values = part.gradient_sum.iter().zip(&self.input);
            for (sum, (&g, &x)) in sum.iter_mut().zip(values) {
                *sum += f64::from(g) * f64::from(x - BASELINE) / count as f64;
            }
        }
        sum
    }

    fn settle(&self, tolerance: f64) -> (Integration, Vec<f64>) {
        let settle = Settle {
            tolerance,
            ..Settle::default()
        };
        let baseline = vec![BASELINE; INPUTS];
        let mut sum = Integration::new(Method::Auto(settle), &self.input, &baseline).unwrap();
        while let Some(round) = sum.next_round().unwrap() {
            for (&end, &width) in round.nodes.alphas.iter().zip(&round.nodes.step_sizes) {
                sum.add(&self.secant(end - width, end)).unwrap();
            }
        }
        let values = sum.attributions().values;
        (sum, values.into_iter().map(f64::from).collect())
    }
}

fn relative_error(found: &[f64], truth: &[f64]) -> f64 {
    let squared: f64 = found.iter().zip(truth).map(|(v, t)| (v - t).powi(2)).sum();
    (squared / dot(truth, truth)).sqrt()
}

#[test]
fn its_secants_add_up_and_come_nearer_with_the_square_of_their_number() {
    let network = Network::new(100);
    let change = network.run(1.0).1 - network.run(0.0).1;
    let truth = network.even(1024);
    let errors = [64, 128].map(|count| {
        let map = network.even(count);
        assert!((map.iter().sum::<f64>() - change).abs() < 1e-5 * change.abs());
        relative_error(&map, &truth)
    });
    let fall = errors[0] / errors[1];
    assert!((3.5..4.5).contains(&fall), "{errors:?}");
}

/// An error is never larger than is asked, or twice what is said; one of 48 may be said to be more
/// than twice as large as it is.
#[test]
fn a_smooth_map_is_as_near_as_it_says_though_the_gradient_turns_around_halfway() {
    let mut too_much = Vec::new();
    let (seeds, tolerances) = (24, [0.05, 0.02]);
    let maps = seeds as usize * tolerances.len();
    for seed in (1..=seeds).map(|k| 100 * k) {
        let network = Network::new(seed);
        let truth = network.even(1024);
        for tolerance in tolerances {
            let (sum, map) = network.settle(tolerance);
            let error = relative_error(&map, &truth);
            let estimate = sum.map_error_estimate().unwrap();
            let row = format!(
                "{seed}: {tolerance}: {} gradients, {estimate:.4} said, {error:.4} true",
                sum.gradients()
            );
            println!("{row}");
            assert!(estimate <= tolerance && !sum.is_cut_short(), "{row}");
            assert!(error <= 1.2 * tolerance && error < 2.0 * estimate, "{row}");
            if estimate >= 2.0 * error {
                too_much.push(row);
            }
        }
    }
    assert!(48 * too_much.len() <= maps, "{too_much:#?} of {maps}");
}
