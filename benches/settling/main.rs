//! Whether “Auto” keeps what it says: its map's estimated error beside the true one, and its
//! gradients beside the best fixed number of secants.
//!
//! ```sh
//! cargo bench --bench settling -- efficientnet-lite0 PHOTOS RECORDINGS [BASELINE…]
//! cargo bench --bench settling -- check efficientnet-lite0 PHOTOS RECORDINGS [BASELINE…]
//! ```
//!
//! PHOTOS and RECORDINGS are folders. Every secant that is computed is kept in RECORDINGS (see [`recording`]), so that
//! what was interrupted goes on, and a rule that was changed is tried in seconds. The truth is the finest sum of what is
//! known: of 96 secants and of the halves of Auto's own, wherever these are shorter. The best fixed number is the smallest
//! that brings the map within the tolerance, looked for by bisection between 3, 6, 12, … `resnet18` runs
//! with random weights where the official ones are missing; a file is taken too. Without a baseline, all of them. The table is Markdown.
//!
//! `check` asks for the same without sketches and with a truth of 384 secants, of the first photos.
#![allow(
    clippy::unwrap_used,
    reason = "a benchmark that cannot go on has failed"
)]

#[path = "../../tests/native/common.rs"]
mod common;
mod recording;

use std::path::{Path, PathBuf};

use common::relative_error;
use recording::{BUCKETS, Head, Recording, Secant, sketch};
use violet::attribution::{Baseline, Integration, Method, Quadrature, Rule, Settle};
use violet::device::{DeviceKind, open};
use violet::explain::{Explainer, Prepared};
use violet::image::Photo;
use violet::model::{Target, top_predictions};

/// Secants of the truth, at least, and of the check's.
const TRUTH: usize = 96;
const CHECK: usize = 384;
/// How many photos are checked.
const CHECKED: usize = 3;

fn main() {
    let words: Vec<String> = std::env::args()
        .skip(1)
        .filter(|w| !w.starts_with("--"))
        .collect();
    let (check, words) = match &words[..] {
        [first, rest @ ..] if first == "check" => (true, rest),
        all => (false, all),
    };
    let [model, photos, recordings, baselines @ ..] = words else {
        println!(
            "usage: cargo bench --bench settling -- [check] MODEL PHOTOS RECORDINGS [BASELINE…]"
        );
        return;
    };
    let device = pollster::block_on(open(DeviceKind::Cpu)).unwrap();
    let (explainer, spec) = common::explainer_of(model, &device);
    let entries = std::fs::read_dir(photos).unwrap();
    let mut photos: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    photos.sort();
    if check {
        photos.truncate(CHECKED);
    }
    let named = baselines
        .iter()
        .map(|name| Baseline::from_name(name).unwrap());
    let mut baselines: Vec<Baseline> = named.collect();
    if baselines.is_empty() {
        baselines.extend(Baseline::ALL);
    }
    std::fs::create_dir_all(recordings).unwrap();

    println!(
        "| photo | baseline | explained | best fixed number | 24 secants, true | auto, gradients | said | true | delta |"
    );
    println!("|---|---|---|---|---|---|---|---|---|");
    let mut rows = Vec::new();
    for &baseline in &baselines {
        for photo in &photos {
            let name = photo.file_stem().unwrap().display().to_string();
            let image = || Photo::decode(&std::fs::read(photo).unwrap()).unwrap();
            let prepare = || pollster::block_on(explainer.prepare(&image(), baseline)).unwrap();
            let file = format!("{}-{name}-{baseline}.secants", spec.name).replace(['#', ':'], "-");
            let file = Path::new(recordings).join(file);
            let mut path = Traced::open(&explainer, prepare, &file);
            let row = path.judge();
            println!(
                "| {name} | {baseline} | {} | {} |",
                spec.labels()[spec.class_of(path.recording.head.output)],
                row.cells()
            );
            if check {
                path.check();
            }
            rows.push(row);
        }
    }
    summarise(&rows);
}

/// One path, and those of its secants that are known.
struct Traced<'a, P> {
    explainer: &'a Explainer,
    prepare: P,
    prepared: Option<Prepared>,
    recording: Recording,
}

/// What Auto does on a path.
struct Row {
    /// The smallest number that is within the tolerance; nothing, if none is that was tried.
    best: Option<usize>,
    /// Error of 24 secants.
    usual: f64,
    gradients: usize,
    cut_short: bool,
    said: f64,
    error: f64,
    /// (Σ attributions − ΔF) / ΔF.
    delta: f64,
}

impl<'a, P: Fn() -> Prepared> Traced<'a, P> {
    fn open(explainer: &'a Explainer, prepare: P, file: &Path) -> Self {
        let mut prepared = None;
        let recording = Recording::open(file, || {
            let prepared = prepared.insert(prepare());
            let output = match prepared.detections.first() {
                Some(detection) => detection.output,
                None => top_predictions(&prepared.logits_input, 1)[0].target,
            };
            let ends = explainer.ends(prepared, Target::output(output));
            Head { output, ends }
        });
        Self {
            explainer,
            prepare,
            prepared,
            recording: recording.unwrap(),
        }
    }

    fn prepared(&mut self) -> &Prepared {
        self.prepared.get_or_insert_with(&self.prepare)
    }

    /// Computes what is not known yet.
    fn need(&mut self, wanted: &Quadrature) {
        let missing = self.recording.missing(wanted);
        let nodes: Vec<usize> = (0..missing.alphas.len()).collect();
        // Not too many before they are kept.
        for nodes in nodes.chunks(16) {
            self.compute(&missing.pick(nodes));
        }
    }

    /// On all cores.
    fn compute(&mut self, missing: &Quadrature) {
        let count = missing.alphas.len();
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let target = Target::output(self.recording.head.output);
        let explainer = self.explainer;
        let nodes: Vec<usize> = (0..count).collect();
        let Prepared {
            input, baseline, ..
        } = self.prepared();
        let all: Vec<Secant> = std::thread::scope(|scope| {
            let shares = nodes.chunks(count.div_ceil(threads));
            let work = shares.map(|share| {
                scope.spawn(move || {
                    let mut walk = explainer.walk(input, baseline, target).unwrap();
                    let secant = |&node: &usize| {
                        let (part, width) = (missing.pick(&[node]), missing.step_sizes[node]);
                        let gradient = pollster::block_on(walk.each(&part)).unwrap().remove(0);
                        let ends = input.iter().zip(baseline).map(|(x, x0)| x - x0);
                        let values = gradient.gradient_sum.iter().zip(ends);
                        Secant {
                            start: missing.alphas[node] - width,
                            end: missing.alphas[node],
                            sample: gradient.samples[0],
                            sketch: sketch(values.map(|(g, d)| g * d * width as f32)),
                        }
                    };
                    share.iter().map(secant).collect::<Vec<_>>()
                })
            });
            let work: Vec<_> = work.collect();
            work.into_iter()
                .flat_map(|share| share.join().unwrap())
                .collect()
        });
        for secant in all {
            self.recording.add(secant).unwrap();
        }
    }

    /// Sketch of the map of a fixed number of secants.
    fn fixed(&mut self, n_steps: usize) -> Vec<f32> {
        let wanted = Rule::Secant.quadrature(n_steps).unwrap();
        self.need(&wanted);
        total(&self.recording.all(&wanted))
    }

    /// Sketch of the map of the finest sum that is known.
    fn truth(&mut self, leaves: &Quadrature) -> Vec<f32> {
        self.need(&Rule::Secant.quadrature(TRUTH).unwrap());
        let pairs = leaves.alphas.iter().zip(&leaves.step_sizes);
        let halves = pairs.flat_map(|(&end, &width)| {
            let [start, end] = [end - width, end].map(place);
            let middle = f64::midpoint(start, end);
            [[start, middle], [middle, end]].map(|ends| ends.map(|u| u * f64::midpoint(1.0, u)))
        });
        self.need(&Quadrature::secants(&halves.collect::<Vec<_>>()));
        total(&self.recording.finest())
    }

    /// The rule itself, on sketches.
    fn auto(&mut self) -> Integration {
        let (ones, zeros) = ([1.0; BUCKETS], [0.0; BUCKETS]);
        let mut sum = Integration::new(Method::default(), &ones, &zeros).unwrap();
        while let Some(round) = sum.next_round().unwrap() {
            self.need(&round.nodes);
            for secant in self.recording.all(&round.nodes) {
                sum.add(&secant.gradient()).unwrap();
            }
        }
        sum
    }

    fn judge(&mut self) -> Row {
        let Settle { tolerance, .. } = Settle::default();
        let sum = self.auto();
        let truth = self.truth(&sum.quadrature());
        let mut error = |n: usize| relative_error(&self.fixed(n), &truth);
        let usual = error(24);
        // Numbers on both sides of the tolerance: none at all is too few.
        let (mut too_few, mut enough) = (0, 24);
        if usual > tolerance {
            while enough < TRUTH && error(enough) > tolerance {
                (too_few, enough) = (enough, 2 * enough);
            }
        } else {
            while enough > 3 && error(enough / 2) <= tolerance {
                enough /= 2;
            }
            if enough > 3 {
                too_few = enough / 2;
            }
        }
        let found = error(enough) <= tolerance;
        while found && enough - too_few > 1 {
            let middle = usize::midpoint(too_few, enough);
            if error(middle) <= tolerance {
                enough = middle;
            } else {
                too_few = middle;
            }
        }
        let values = sum.attributions().values;
        let [from, to] = self.recording.head.ends.map(f64::from);
        let Quadrature { step_sizes, .. } = sum.quadrature();
        let slopes = sum.samples().into_iter().zip(&step_sizes);
        let total: f64 = slopes
            .map(|(sample, width)| f64::from(sample.slope) * width)
            .sum();
        Row {
            best: found.then_some(enough),
            usual,
            gradients: sum.gradients(),
            cut_short: sum.is_cut_short(),
            said: sum.map_error_estimate().unwrap_or(f64::NAN),
            error: relative_error(&values, &truth),
            delta: (total - (to - from)) / (to - from),
        }
    }

    /// Without sketches, and with a truth that is nearer.
    fn check(&mut self) {
        let (explainer, target) = (self.explainer, Target::output(self.recording.head.output));
        let Prepared {
            input, baseline, ..
        } = self.prepared();
        let run = |method| {
            let mut walk = explainer.walk(input, baseline, target).unwrap();
            let mut sum = Integration::new(method, input, baseline).unwrap();
            while let Some(round) = sum.next_round().unwrap() {
                for node in 0..round.nodes.alphas.len() {
                    let part = round.nodes.pick(&[node]);
                    if round.apart {
                        sum.add(&pollster::block_on(walk.each(&part)).unwrap()[0])
                            .unwrap();
                    } else {
                        sum.add(&pollster::block_on(walk.sum(&part)).unwrap())
                            .unwrap();
                    }
                }
            }
            sum
        };
        let values = |sum: &Integration| sum.attributions().values;
        let truth = values(&run(Method::Steps(Rule::Secant, CHECK)));
        let auto = run(Method::default());
        println!(
            "  without sketches, truth of {CHECK}: {} gradients, {:.4} said, {:.4} true; {TRUTH} secants are {:.4} off",
            auto.gradients(),
            auto.map_error_estimate().unwrap_or(f64::NAN),
            relative_error(&values(&auto), &truth),
            relative_error(&values(&run(Method::Steps(Rule::Secant, TRUTH))), &truth),
        );
    }
}

/// Sum of sketches.
fn total(secants: &[&Secant]) -> Vec<f32> {
    let mut sum = vec![0.0f64; BUCKETS];
    for secant in secants {
        let pairs = sum.iter_mut().zip(&secant.sketch);
        pairs.for_each(|(sum, &v)| *sum += f64::from(v));
    }
    sum.into_iter().map(|v| v as f32).collect()
}

/// Where a position of the path lies on the scale on which intervals are halved: (u + u²) / 2, the other way round.
fn place(alpha: f64) -> f64 {
    ((1.0 + 8.0 * alpha.max(0.0)).sqrt() - 1.0) / 2.0
}

impl Row {
    /// Gradients of the best fixed number, where more than were tried are needed, of the most that were.
    fn of_best(&self) -> f64 {
        self.gradients as f64 / self.best.unwrap_or(TRUTH) as f64
    }

    fn cells(&self) -> String {
        let best = self.best.map(|best| best.to_string());
        format!(
            "{} | {:.3} | {}{} | {:.3} | {:.3} | {:+.0e}",
            best.unwrap_or_else(|| format!("> {TRUTH}")),
            self.usual,
            self.gradients,
            if self.cut_short { ", the budget" } else { "" },
            self.said,
            self.error,
            self.delta,
        )
    }
}

fn summarise(rows: &[Row]) {
    let Settle { tolerance, .. } = Settle::default();
    let all = |value: &dyn Fn(&Row) -> f64| {
        let mut all: Vec<f64> = rows.iter().map(value).collect();
        all.sort_by(f64::total_cmp);
        all
    };
    let line = |what: &str, unit: &str, value: &dyn Fn(&Row) -> f64, good: &dyn Fn(f64) -> bool| {
        let all = all(value);
        let [least, middle, most] = [0, all.len() / 2, all.len() - 1].map(|k| all[k]);
        let bad = all.iter().filter(|&&value| !good(value)).count();
        println!(
            "{what}: {least:.2} to {most:.2}{unit}, median {middle:.2}; {bad} of {} beyond",
            all.len()
        );
    };
    println!();
    line("gradients", "", &|r| r.gradients as f64, &|n| n <= 200.0);
    line(
        "true error",
        " of the tolerance",
        &|r| r.error / tolerance,
        &|e| e <= 1.2,
    );
    line("said", " of the truth", &|r| r.said / r.error, &|s| {
        (0.5..=2.0).contains(&s)
    });
    line(
        "gradients",
        " of the best fixed number",
        &Row::of_best,
        &|g| g <= 2.0,
    );
    line("delta", " of 1e-4", &|r| r.delta.abs() / 1e-4, &|d| {
        d <= 1.0
    });
}
