//! Whether “Auto” keeps what it says: its map's estimated error beside the true one, and its
//! gradients beside the best fixed number of secants.
//!
//! ```sh
//! cargo bench --bench settling -- efficientnet-lite0 PHOTO_FOLDER [BASELINE…]
//! ```
//!
//! The truth is that of 256 secants, ten times as near as what is judged; the best fixed number is
//! the smallest that brings the map within the tolerance, found between those that are tried on
//! straight lines of logarithms. `resnet18` runs with random weights where the official ones are
//! missing. Without a baseline, black. The table is Markdown.
#![allow(
    clippy::unwrap_used,
    reason = "a benchmark that cannot go on has failed"
)]

#[path = "../tests/native/common.rs"]
mod common;

use std::path::PathBuf;
use std::sync::Mutex;

use common::{random_resnet18, weights};
use violet::attribution::{Baseline, Integration, Method, Rule, Settle, Shares};
use violet::device::{DeviceKind, open};
use violet::explain::{Explainer, Prepared, Walk};
use violet::image::Photo;
use violet::model::{Checkpoint, ModelSpec, Target, top_predictions};

/// Secants of the reference.
const REFERENCE: usize = 256;
/// Fixed numbers that are tried.
const FIXED: [usize; 7] = [4, 8, 12, 16, 24, 32, 48];

fn main() {
    let words: Vec<String> = std::env::args()
        .skip(1)
        .filter(|w| !w.starts_with("--"))
        .collect();
    let [model, folder, baselines @ ..] = &words[..] else {
        println!("usage: cargo bench --bench settling -- MODEL PHOTO_FOLDER [BASELINE…]");
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
    let baselines: Vec<Baseline> = match baselines {
        [] => vec![Baseline::Black],
        names => names
            .iter()
            .map(|name| Baseline::from_name(name).unwrap())
            .collect(),
    };
    let Settle { tolerance, .. } = Settle::default();

    println!(
        "| photo | baseline | explained | best fixed number | 24 secants, true | auto, gradients | said | true |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    let mut rows: Vec<[f64; 4]> = Vec::new();
    for photo in &photos {
        let image = Photo::decode(&std::fs::read(photo).unwrap()).unwrap();
        for &baseline in &baselines {
            let prepared = pollster::block_on(explainer.prepare(&image, baseline)).unwrap();
            let output = match prepared.detections.first() {
                Some(detection) => detection.output,
                None => top_predictions(&prepared.logits_input, 1)[0].target,
            };
            let target = Target::output(output);
            let of = |method| integrate(&explainer, &prepared, target, method);
            let truth = values(&of(Method::Steps(Rule::Secant, REFERENCE)), &prepared);
            let errors = FIXED.map(|n| {
                let sum = of(Method::Steps(Rule::Secant, n));
                error(&values(&sum, &prepared), &truth)
            });
            let sum = of(Method::default());
            let (found, best) = (
                error(&values(&sum, &prepared), &truth),
                best(&errors, tolerance),
            );
            let said = sum.map_error_estimate().unwrap_or(f64::NAN);
            println!(
                "| {} | {baseline} | {} | {}{best:.1} | {:.3} | {}{} | {said:.3} | {found:.3} |",
                photo.file_stem().unwrap().display(),
                spec.labels()[spec.class_of(output)],
                if best >= 48.0 { "> " } else { "" },
                errors[4],
                sum.gradients(),
                if sum.is_cut_short() {
                    ", the budget"
                } else {
                    ""
                },
            );
            rows.push([sum.gradients() as f64, best, said, found]);
        }
    }
    let most = |value: &dyn Fn(&[f64; 4]) -> f64| rows.iter().map(value).fold(0.0, f64::max);
    let mean =
        |value: &dyn Fn(&[f64; 4]) -> f64| rows.iter().map(value).sum::<f64>() / rows.len() as f64;
    println!(
        "\n{} paths: {:.1} gradients on average (most {:.0}); true error at most {:.2} of the tolerance; said / true from {:.2} to {:.2}; gradients at most {:.2} of the best fixed number",
        rows.len(),
        mean(&|r| r[0]),
        most(&|r| r[0]),
        most(&|r| r[3] / tolerance),
        1.0 / most(&|r| r[3] / r[2]),
        most(&|r| r[2] / r[3]),
        most(&|r| r[0] / r[1]),
    );
}

/// The smallest number of secants within the tolerance.
fn best(errors: &[f64], tolerance: f64) -> f64 {
    let last = errors.iter().rposition(|&error| error > tolerance);
    let number = |k: usize| (FIXED[k] as f64).ln();
    match last {
        None => FIXED[0] as f64,
        Some(k) if k + 1 == FIXED.len() => FIXED[k] as f64,
        Some(k) => {
            let fall = (errors[k] / tolerance).ln() / (errors[k] / errors[k + 1]).ln();
            (number(k) + fall * (number(k + 1) - number(k))).exp()
        }
    }
}

fn values(sum: &Integration, prepared: &Prepared) -> Vec<f32> {
    sum.attributions(&prepared.input, &prepared.baseline)
        .unwrap()
        .values
}

fn error(found: &[f32], truth: &[f32]) -> f64 {
    common::relative_error(found, truth)
}

/// On all cores.
fn integrate(
    explainer: &Explainer,
    prepared: &Prepared,
    target: Target,
    method: Method,
) -> Integration {
    let (input, baseline) = (&prepared.input, &prepared.baseline);
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let walk = |_| explainer.walk(input, baseline, target).unwrap();
    let mut walks: Vec<Walk> = (0..threads).map(walk).collect();
    let mut sum = Integration::new(method, input, baseline).unwrap();
    while let Some(round) = sum.next_round().unwrap() {
        let shares = Mutex::new((Shares::new(round.nodes.alphas.len(), threads), &mut sum));
        std::thread::scope(|scope| {
            for (thread, walk) in walks.iter_mut().enumerate() {
                let (shares, round) = (&shares, &round);
                scope.spawn(move || {
                    loop {
                        let places = shares.lock().unwrap().0.take(thread, 1);
                        if places.is_empty() {
                            return;
                        }
                        let part = round.nodes.slice(places);
                        let gradients = if round.apart {
                            pollster::block_on(walk.each(&part)).unwrap()
                        } else {
                            vec![pollster::block_on(walk.sum(&part)).unwrap()]
                        };
                        for gradient in gradients {
                            shares.lock().unwrap().1.add(&gradient).unwrap();
                        }
                    }
                });
            }
        });
    }
    sum
}
