//! How well each integration rule converges: the sum (delta) and the map, against a dense reference.
//!
//! ```sh
//! cargo bench --bench convergence -- efficientnet-lite0 PHOTO_FOLDER [REFERENCE_FOLDER]
//! cargo bench --bench convergence -- spacings efficientnet-lite0 PHOTO_FOLDER [REFERENCE_FOLDER]
//! ```
//!
//! The reference takes 1536 graded steps a photo (most of a minute on two cores); with a
//! REFERENCE_FOLDER it is kept there. `resnet18` runs with random weights where the official ones
//! are missing; a network's file is taken too. `spacings` compares how 24 secants may lie, in place of rules. The table is Markdown.
#![allow(
    clippy::unwrap_used,
    reason = "a benchmark that cannot go on has failed"
)]

#[path = "../tests/native/common.rs"]
mod common;

use std::path::{Path, PathBuf};
use std::sync::Mutex;

use violet::attribution::{Accumulator, Attributions, Baseline, Quadrature, Rule, Shares, Slopes};
use violet::device::{DeviceKind, open};
use violet::explain::{Explainer, Prepared};
use violet::image::Photo;
use violet::model::{ModelSpec, Target, top_predictions};

/// Steps of the reference: α = (k / n)².
const REFERENCE: usize = 1536;
/// Rules, and steps.
const METHODS: [(Rule, usize); 11] = [
    (Rule::Trapezoid, 50),
    (Rule::Left, 50),
    (Rule::Right, 50),
    (Rule::Midpoint, 50),
    (Rule::GaussLegendre, 32),
    (Rule::GaussLegendre, 50),
    (Rule::Secant, 12),
    (Rule::Secant, 16),
    (Rule::Secant, 20),
    (Rule::Secant, 24),
    (Rule::Secant, 48),
];

/// How secants may lie: where they end, given u = k/24.
type Spacing = (&'static str, fn(f64) -> f64);
const SPACINGS: [Spacing; 9] = [
    ("u", |u| u),
    ("u^1.25", |u| u.powf(1.25)),
    ("u^(4/3)", |u| u.powf(4.0 / 3.0)),
    ("u^1.5", |u| u.powf(1.5)),
    ("u^1.75", |u| u.powf(1.75)),
    ("u²", |u| u * u),
    ("0.6 u + 0.4 u²", |u| u * (0.6 + 0.4 * u)),
    ("0.5 u + 0.5 u²", |u| u * (0.5 + 0.5 * u)),
    ("0.4 u + 0.6 u²", |u| u * (0.4 + 0.6 * u)),
];

/// What is compared, by name, with the trapezoid rule first.
fn candidates(spacings: bool) -> Vec<(String, Quadrature)> {
    let rule = |(rule, n_steps): (Rule, usize)| {
        let name = format!("{}, {n_steps} steps", rule.name());
        (name, rule.quadrature(n_steps).unwrap())
    };
    if !spacings {
        return METHODS.map(rule).into();
    }
    let spacing = |(name, end): Spacing| {
        let count = Rule::Secant.usual_steps();
        let ends = (0..=count).map(|k| end(k as f64 / count as f64));
        let ends: Vec<f64> = ends.collect();
        let quadrature = Quadrature {
            step_sizes: ends.windows(2).map(|pair| pair[1] - pair[0]).collect(),
            alphas: ends[1..].to_vec(),
            slopes: Slopes::Secant,
        };
        (format!("{count} secants to {name}"), quadrature)
    };
    let trapezoid = [rule(METHODS[0])].into_iter();
    trapezoid.chain(SPACINGS.map(spacing)).collect()
}

/// Of one rule on one photo.
struct Result {
    gradients: usize,
    /// Convergence delta, as a share of F(x) − F(x').
    delta: f64,
    /// ‖map − reference‖ / ‖reference‖.
    map: f64,
}

fn main() {
    let mut words: Vec<String> = std::env::args()
        .skip(1)
        .filter(|w| !w.starts_with("--"))
        .collect();
    let spacings = words.first().is_some_and(|word| word == "spacings");
    words.drain(..usize::from(spacings));
    let [model, folder, kept @ ..] = &words[..] else {
        println!(
            "usage: cargo bench --bench convergence -- [spacings] MODEL PHOTO_FOLDER [REFERENCE_FOLDER]"
        );
        return;
    };
    let device = pollster::block_on(open(DeviceKind::Cpu)).unwrap();
    let (explainer, spec) = common::explainer_of(model, &device);
    let mut photos: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    photos.sort();

    let (names, quadratures): (Vec<String>, Vec<Quadrature>) =
        candidates(spacings).into_iter().unzip();
    let mut table: Vec<Vec<Result>> = names.iter().map(|_| Vec::new()).collect();
    println!("| photo | class | {} |", names.join(" | "));
    println!("|---|---|{}", "---|".repeat(names.len()));
    for photo in &photos {
        let image = Photo::decode(&std::fs::read(photo).unwrap()).unwrap();
        let prepared = pollster::block_on(explainer.prepare(&image, Baseline::Black)).unwrap();
        let class = top_predictions(&prepared.logits_input, 1)[0].target;
        let target = Target::output(class);
        let [from, to] = explainer.ends(&prepared, target).map(f64::from);
        let change = to - from;
        let reference = reference(
            &explainer,
            &prepared,
            target,
            &file_name(&spec, photo),
            kept.first().map(Path::new),
        );
        let norm = length(reference.iter().copied());
        let name = photo.file_stem().unwrap().to_string_lossy();
        print!("| {name} | {} |", spec.labels()[class]);
        for (quadrature, results) in quadratures.iter().zip(&mut table) {
            let found = integrate(&explainer, &prepared, target, quadrature);
            let errors = found
                .values
                .iter()
                .zip(&reference)
                .map(|(&f, r)| f64::from(f) - r);
            let result = Result {
                gradients: quadrature.alphas.len(),
                delta: (found.sum - change) / change.abs(),
                map: length(errors) / norm,
            };
            print!(
                " {}: {:+.1} %, {:.3} |",
                result.gradients,
                result.delta * 100.0,
                result.map
            );
            results.push(result);
        }
        println!();
    }

    println!();
    println!(
        "| rule | gradients, mean (most) | delta, mean (worst) | map, mean | map against trapezoid, mean (worst) |"
    );
    println!("|---|---|---|---|---|");
    for (name, results) in names.iter().zip(&table) {
        let ratios: Vec<f64> = results
            .iter()
            .zip(&table[0])
            .map(|(r, t)| r.map / t.map)
            .collect();
        let deltas: Vec<f64> = results.iter().map(|r| r.delta.abs() * 100.0).collect();
        let gradients: Vec<f64> = results.iter().map(|r| r.gradients as f64).collect();
        let maps: Vec<f64> = results.iter().map(|r| r.map).collect();
        println!(
            "| {name} | {:.1} ({:.0}) | {:.1} % ({:.1} %) | {:.3} | {:.2} ({:.2}) |",
            mean(&gradients),
            most(&gradients),
            mean(&deltas),
            most(&deltas),
            mean(&maps),
            mean(&ratios),
            most(&ratios)
        );
    }
}

/// The file that keeps a photo's reference.
fn file_name(spec: &ModelSpec, photo: &Path) -> String {
    format!("{}-{}.f64", spec.name, photo.file_stem().unwrap().display())
}

/// The attributions of the dense rule, in f64.
fn reference(
    explainer: &Explainer,
    prepared: &Prepared,
    target: Target,
    name: &str,
    kept: Option<&Path>,
) -> Vec<f64> {
    let file = kept.map(|folder| folder.join(name));
    if let Some(bytes) = file.as_ref().and_then(|file| std::fs::read(file).ok()) {
        let values = bytes.chunks_exact(8);
        return values
            .map(|b| f64::from_le_bytes(b.try_into().unwrap()))
            .collect();
    }
    let alphas: Vec<f64> = (0..=REFERENCE)
        .map(|k| (k as f64 / REFERENCE as f64).powi(2))
        .collect();
    let mut step_sizes = vec![0.0; alphas.len()];
    for k in 1..alphas.len() {
        let half = (alphas[k] - alphas[k - 1]) / 2.0;
        step_sizes[k - 1] += half;
        step_sizes[k] += half;
    }
    let dense = Quadrature {
        alphas,
        step_sizes,
        slopes: Slopes::Tangent,
    };
    let values = integrate(explainer, prepared, target, &dense).values;
    let values: Vec<f64> = values.into_iter().map(f64::from).collect();
    if let Some(file) = file {
        let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        std::fs::write(file, bytes).unwrap();
    }
    values
}

/// On all cores.
fn integrate(
    explainer: &Explainer,
    prepared: &Prepared,
    target: Target,
    quadrature: &Quadrature,
) -> Attributions {
    let (input, baseline) = (&prepared.input, &prepared.baseline);
    let order = quadrature.order();
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let shares = Mutex::new(Shares::new(order.len(), threads));
    let sum = Mutex::new(Accumulator::new(input.len()));
    std::thread::scope(|scope| {
        for thread in 0..threads {
            let (shares, sum, order) = (&shares, &sum, &order);
            scope.spawn(move || {
                let mut walk = explainer.walk(input, baseline, target).unwrap();
                loop {
                    let places = shares.lock().unwrap().take(thread, 1);
                    if places.is_empty() {
                        return;
                    }
                    let part = quadrature.pick(&order[places]);
                    let one = pollster::block_on(walk.sum(&part)).unwrap();
                    sum.lock().unwrap().add(&one).unwrap();
                }
            });
        }
    });
    let sum = sum.into_inner().unwrap();
    sum.attributions(input, baseline).unwrap()
}

fn length(values: impl Iterator<Item = f64>) -> f64 {
    values.map(|v| v * v).sum::<f64>().sqrt()
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn most(values: &[f64]) -> f64 {
    values.iter().copied().fold(0.0, f64::max)
}
