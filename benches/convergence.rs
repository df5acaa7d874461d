//! How well each integration rule converges: the sum (delta) and the map, against a dense reference.
//!
//! ```sh
//! cargo bench --bench convergence -- efficientnet-lite0 PHOTO_FOLDER [REFERENCE_FOLDER]
//! ```
//!
//! The reference takes 1536 graded steps a photo (most of a minute on two cores); with a
//! REFERENCE_FOLDER it is kept there. `resnet18` runs with random weights where the official ones
//! are missing. The table is Markdown.
#![allow(
    clippy::unwrap_used,
    reason = "a benchmark that cannot go on has failed"
)]

#[path = "../tests/common/mod.rs"]
mod common;

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use common::{random_resnet18, weights};
use violet::attribution::{Baseline, Integration, Method, Quadrature, Rule};
use violet::device::{DeviceKind, open};
use violet::explain::{Explainer, Prepared};
use violet::image::Photo;
use violet::model::{Checkpoint, ModelSpec, Target, top_predictions};

/// Steps of the reference: α = (k / n)².
const REFERENCE: usize = 1536;
/// Gradients that are summed in one go.
const CHUNK: usize = 64;

fn methods() -> Vec<(String, Method)> {
    let fixed = |rule: Rule, n_steps| {
        let name = format!("{}, {n_steps} steps", rule.name());
        (name, Method::Fixed { rule, n_steps })
    };
    let adaptive = |budget| {
        let tolerance = 0.05;
        let name = format!("adaptive, 5 %, at most {budget}");
        (name, Method::Adaptive { tolerance, budget })
    };
    vec![
        fixed(Rule::Trapezoid, 50),
        fixed(Rule::Left, 50),
        fixed(Rule::Right, 50),
        fixed(Rule::Midpoint, 50),
        fixed(Rule::GaussLegendre, 32),
        fixed(Rule::GaussLegendre, 50),
        adaptive(24),
        adaptive(32),
        adaptive(48),
    ]
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
    let words: Vec<String> = std::env::args()
        .skip(1)
        .filter(|w| !w.starts_with("--"))
        .collect();
    let [model, folder, kept @ ..] = &words[..] else {
        println!("usage: cargo bench --bench convergence -- MODEL PHOTO_FOLDER [REFERENCE_FOLDER]");
        return;
    };
    let spec = ModelSpec::from_name(model).unwrap();
    let checkpoint = match weights(model) {
        Some(bytes) => Checkpoint::from_safetensors(&bytes).unwrap(),
        None => random_resnet18().unwrap(),
    };
    let device = pollster::block_on(open(DeviceKind::Cpu)).unwrap();
    let explainer =
        Explainer::load(spec.architecture, spec.preprocessing, checkpoint, &device).unwrap();
    let mut photos: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    photos.sort();

    let methods = methods();
    let mut table: Vec<Vec<Result>> = methods.iter().map(|_| Vec::new()).collect();
    println!(
        "| photo | class | {} |",
        methods
            .iter()
            .map(|m| &*m.0)
            .collect::<Vec<_>>()
            .join(" | ")
    );
    println!("|---|---|{}", "---|".repeat(methods.len()));
    for photo in &photos {
        let image = Photo::decode(&std::fs::read(photo).unwrap()).unwrap();
        let prepared = pollster::block_on(explainer.prepare(&image, Baseline::Black)).unwrap();
        let class = top_predictions(&prepared.logits_input, 1)[0].target;
        let target = Target::output(class);
        let [from, to] = explainer.ends(&prepared, target).outputs.map(f64::from);
        let change = to - from;
        let reference = reference(
            &explainer,
            &prepared,
            target,
            &file_name(spec, photo),
            kept.first().map(Path::new),
        );
        let norm = length(reference.iter().copied());
        let name = photo.file_stem().unwrap().to_string_lossy();
        print!("| {name} | {} |", spec.labels()[class]);
        for ((_, method), results) in methods.iter().zip(&mut table) {
            let integration = integrate(&explainer, &prepared, target, *method);
            let found = integration
                .attributions(&prepared.input, &prepared.baseline)
                .unwrap();
            let errors = found
                .values
                .iter()
                .zip(&reference)
                .map(|(&f, r)| f64::from(f) - r);
            let result = Result {
                gradients: integration.gradients(),
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
    for ((name, _), results) in methods.iter().zip(&table) {
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
    let dense = Quadrature { alphas, step_sizes };
    let mut sum = vec![0.0; prepared.input.len()];
    for (alphas, step_sizes) in dense
        .alphas
        .chunks(CHUNK)
        .zip(dense.step_sizes.chunks(CHUNK))
    {
        in_parallel(
            alphas.len(),
            |k| {
                let (input, baseline) = (&prepared.input, &prepared.baseline);
                let one = explainer.partial_sum(
                    input,
                    baseline,
                    target,
                    &alphas[k..=k],
                    &step_sizes[k..=k],
                );
                pollster::block_on(one).unwrap().gradient_sum
            },
            |gradient| {
                sum.iter_mut()
                    .zip(gradient)
                    .for_each(|(s, g)| *s += f64::from(g));
            },
        );
    }
    let difference = prepared
        .input
        .iter()
        .zip(&prepared.baseline)
        .map(|(&x, &b)| f64::from(x) - f64::from(b));
    let values: Vec<f64> = sum.iter().zip(difference).map(|(s, d)| s * d).collect();
    if let Some(file) = file {
        let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        std::fs::write(file, bytes).unwrap();
    }
    values
}

fn integrate(
    explainer: &Explainer,
    prepared: &Prepared,
    target: Target,
    method: Method,
) -> Integration {
    let mut integration = Integration::new(method, prepared.input.len()).unwrap();
    while let Some(round) = integration.next_round(&explainer.ends(prepared, target)) {
        in_parallel(
            round.alphas.len(),
            |k| {
                let (input, baseline, alphas) =
                    (&prepared.input, &prepared.baseline, &round.alphas[k..=k]);
                let step_size: &[f64] = round
                    .step_sizes
                    .as_ref()
                    .map_or(&[1.0], |sizes| &sizes[k..=k]);
                let one = explainer.partial_sum(input, baseline, target, alphas, step_size);
                pollster::block_on(one).unwrap()
            },
            |partial| integration.add(partial).unwrap(),
        );
    }
    integration
}

/// Runs `work` for `0..count` on all cores; `take` gets the results in any order.
fn in_parallel<T: Send>(
    count: usize,
    work: impl Fn(usize) -> T + Sync,
    take: impl FnMut(T) + Send,
) {
    let (next, take) = (AtomicUsize::new(0), Mutex::new(take));
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let k = next.fetch_add(1, Ordering::Relaxed);
                    if k >= count {
                        return;
                    }
                    let result = work(k);
                    (take.lock().unwrap())(result);
                }
            });
        }
    });
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
