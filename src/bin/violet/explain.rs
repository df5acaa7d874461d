//! `violet explain`: photos → attributions, mask, overlay and report.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use indicatif::{ProgressBar, ProgressStyle};
use violet::attribution::{
    Attributions, Baseline, Completeness, Integration, Method, Rule, Settle,
};
use violet::device::DeviceKind;
use violet::explain::{Explainer, Prepared};
use violet::image::Photo;
use violet::mask::{Mask, Palette, Reduction};
use violet::model::{
    Detection, ModelSpec, Scale, Target, independent_predictions, top_predictions,
};
use violet::regions::{MOST_REGIONS, Partition};
use violet::report::{FoundBox, Report, npy};

use crate::weights::at;
use crate::{model, pool};

/// Said of a photo of which a part is missing.
pub(crate) const ENDS_EARLY: &str =
    "the photo ends early or is damaged; what is there is explained, the rest is grey";

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Photos: PNG, JPEG, WebP, GIF or BMP
    #[arg(required = true)]
    photos: Vec<PathBuf>,
    #[command(flatten)]
    model: model::Arguments,
    /// How the gradients on the way are added up: auto, secant (the mean gradients of intervals), trapezoid (with 50
    /// steps, the paper's way), left, right, midpoint or gauss-legendre. Auto takes secants, shorter where the mask needs
    /// it, until its error is within the tolerance [default: auto; with --steps, secant]
    #[arg(long, value_parser = rule)]
    rule: Option<Choosable>,
    /// Number of steps from baseline to photo, for any rule but auto [default: 24 secants, 50 of other rules]
    #[arg(long, value_name = "N")]
    steps: Option<usize>,
    /// For auto: the mask's error that is good enough, relative, 0.05 for 5 % [default: 0.05]
    #[arg(long, value_name = "ERROR", conflicts_with = "steps")]
    tolerance: Option<f64>,
    /// For auto: gradients to spend at most [default: 200]
    #[arg(long, value_name = "N", conflicts_with = "steps")]
    budget: Option<usize>,
    /// Where the path starts: black, white, grey, a colour (#rrggbb), blurred, noise or noise:SEED
    #[arg(long, default_value = "black", value_parser = baseline)]
    baseline: Baseline,
    /// What the pictures show of each pixel: absolute (how much), positive (for), negative (against) or
    /// signed (both, in two colours)
    #[arg(long, default_value = "absolute", value_parser = reduction)]
    show: Reduction,
    /// The class to explain, by index or name [default: the likeliest]
    #[arg(long, value_name = "INDEX|NAME")]
    target: Option<String>,
    /// Explain why the target and not this class: the difference of the two logits
    #[arg(long, value_name = "INDEX|NAME")]
    against: Option<String>,
    /// Explain the probability (softmax, or sigmoid of a detector's box) instead of the logit
    #[arg(long)]
    probability: bool,
    /// For a detector: which box to explain, as `violet detect` numbers them [default: the best,
    /// or the best of the target's class]
    #[arg(long = "box", value_name = "N", conflicts_with = "against")]
    number: Option<usize>,
    /// Threads on the CPU [default: one a core]
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
    /// Gradients computed in one pass [default: 1 on the CPU, 8 on the GPU]
    #[arg(long, value_name = "N")]
    internal_batch_size: Option<usize>,
    /// Folder for the results; with several photos, one folder each inside it
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

/// What `--target`, `--against` and `--box` ask for, before a photo is seen.
struct Choice {
    class: Option<usize>,
    against: Option<usize>,
    number: Option<usize>,
    scale: Scale,
}

/// What is explained in a photo.
struct Chosen {
    target: Target,
    /// Softmax of a classifier's logits, or sigmoid of a detector's.
    probability: f32,
    detection: Option<Detection>,
}

impl Arguments {
    /// How the integral is taken.
    fn method(&self) -> Result<Method, String> {
        let rule = match (self.rule, self.steps) {
            (Some(Choosable(rule)), _) => rule,
            (None, Some(_)) => Some(Rule::Secant),
            (None, None) => None,
        };
        let method = match (rule, self.steps) {
            (None, Some(_)) => {
                return Err(
                    "auto finds the number of steps by itself; for --steps, name another \
                            rule, such as --rule secant"
                        .into(),
                );
            }
            (Some(rule), _) if self.tolerance.is_some() || self.budget.is_some() => {
                return Err(format!(
                    "--tolerance and --budget belong to --rule auto; {} takes --steps",
                    rule.name()
                ));
            }
            (Some(rule), steps) => Method::Steps(rule, steps.unwrap_or(rule.usual_steps())),
            (None, None) => {
                let usual = Settle::default();
                Method::Auto(Settle {
                    tolerance: self.tolerance.unwrap_or(usual.tolerance),
                    budget: self.budget.unwrap_or(usual.budget),
                })
            }
        };
        method.check().map_err(|e| e.to_string())?;
        Ok(method)
    }

    fn choice(&self, spec: &ModelSpec) -> Result<Choice, String> {
        let class = |text: &Option<String>| {
            let class = text.as_ref().map(|text| spec.class(text));
            class.transpose().map_err(|e| e.to_string())
        };
        if spec.architecture.is_detector() && self.against.is_some() {
            return Err(
                "a detector explains one box at a time; --against needs a classifier".into(),
            );
        }
        if !spec.architecture.is_detector() && self.number.is_some() {
            return Err("--box needs a detector, such as --model ssd-mobilenet-v2".into());
        }
        Ok(Choice {
            class: class(&self.target)?,
            against: class(&self.against)?,
            number: self.number,
            scale: if self.probability {
                Scale::Probability
            } else {
                Scale::Logit
            },
        })
    }
}

impl Choice {
    fn among(
        &self,
        spec: &ModelSpec,
        explainer: &Explainer,
        prepared: &Prepared,
    ) -> Result<Chosen, String> {
        if !spec.architecture.is_detector() {
            let logits = &prepared.logits_input;
            let everything = if explainer.network().is_independent() {
                independent_predictions(logits)
            } else {
                top_predictions(logits, logits.len())
            };
            let likeliest = everything.first().map_or(0, |p| p.target);
            let output = self.class.unwrap_or(likeliest);
            let same = everything.iter().find(|p| p.target == output);
            return Ok(Chosen {
                target: Target {
                    output,
                    minus: self.against,
                    scale: self.scale,
                },
                probability: same.map_or(0.0, |p| p.probability),
                detection: None,
            });
        }
        let fits = |d: &&Detection| self.class.is_none_or(|class| d.class == class);
        let found = prepared.detections.iter().filter(fits);
        let found: Vec<&Detection> = found.collect();
        let number = self.number.unwrap_or(0);
        let detection = **found.get(number).ok_or_else(|| match found.len() {
            0 => "nothing of that kind was found, not even with a low score".to_owned(),
            n => format!(
                "there is no box {number}; the boxes are numbered from 0 to {}",
                n - 1
            ),
        })?;
        Ok(Chosen {
            target: Target {
                scale: self.scale,
                ..Target::output(detection.output)
            },
            probability: detection.score,
            detection: Some(detection),
        })
    }
}

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode, String> {
    // Nonsense is refused before anything is loaded.
    let method = arguments.method()?;
    if let Some(spec) = arguments.model.spec()? {
        arguments.choice(spec)?;
    }
    let (spec, explainer) = arguments.model.load()?;
    let choice = arguments.choice(&spec)?;

    let bar = ProgressBar::new(0);
    if let Ok(style) =
        ProgressStyle::with_template("{bar:40.magenta} {pos}/{len} gradients  {eta} left  {msg}")
    {
        bar.set_style(style);
    }
    let mut broken = 0;
    for (k, path) in arguments.photos.iter().enumerate() {
        bar.set_position(0);
        bar.set_message(path.display().to_string());
        let out = if arguments.photos.len() == 1 {
            arguments.out.clone()
        } else {
            folder(&arguments.out, path, &arguments.photos[..k])
        };
        match explain(
            arguments, method, &spec, &explainer, &choice, path, &out, &bar,
        ) {
            Ok(line) => bar.suspend(|| println!("{line}")),
            Err(message) => {
                broken += 1;
                bar.suspend(|| eprintln!("violet: {message}"));
            }
        }
    }
    bar.finish_and_clear();
    if broken > 0 {
        return Err(format!(
            "{broken} of {} photos could not be explained",
            arguments.photos.len()
        ));
    }
    Ok(ExitCode::SUCCESS)
}

/// Explains one photo and writes its folder; the line to print.
#[allow(clippy::too_many_arguments, reason = "what one photo takes")]
fn explain(
    arguments: &Arguments,
    method: Method,
    spec: &ModelSpec,
    explainer: &Explainer,
    choice: &Choice,
    path: &Path,
    out: &Path,
    bar: &ProgressBar,
) -> Result<String, String> {
    let start = Instant::now();
    let bytes = std::fs::read(path).map_err(at(path))?;
    let photo = Photo::decode(&bytes).map_err(at(path))?;
    if photo.incomplete {
        bar.suspend(|| eprintln!("violet: {}", at(path)(ENDS_EARLY)));
    }
    let prepared =
        pollster::block_on(explainer.prepare(&photo, arguments.baseline)).map_err(at(path))?;
    let Chosen {
        target,
        probability,
        detection,
    } = choice.among(spec, explainer, &prepared).map_err(at(path))?;
    let on_gpu = arguments.model.device == DeviceKind::Gpu;
    let threads = match (on_gpu, arguments.threads) {
        (true, _) => 1,
        (false, Some(threads)) => threads.max(1),
        (false, None) => std::thread::available_parallelism().map_or(1, usize::from),
    };
    let batch = arguments
        .internal_batch_size
        .unwrap_or(if on_gpu { 8 } else { 1 });
    let sum = pool::integrate(
        explainer,
        &prepared,
        target,
        method,
        batch,
        threads,
        |done, all| {
            bar.set_length(all as u64);
            bar.set_position(done as u64);
        },
    )
    .map_err(at(path))?;
    let attributions = sum.attributions();
    let mask = Mask::of_map(&arguments.show.reduce(&attributions.values));
    let quadrature = sum.quadrature();

    let [output_baseline, output_input] = explainer.ends(&prepared, target);
    let delta = attributions.convergence_delta(output_input, output_baseline);
    let (input, baseline) = (&prepared.input, &prepared.baseline);
    let ends = [output_baseline, output_input];
    let completeness = Completeness::of(&attributions, input, baseline, ends);
    let labels = spec.labels();
    let label = |output: usize| labels.get(spec.class_of(output)).copied().unwrap_or("?");
    let size = spec.preprocessing.size();
    let detection = detection.map(|d| FoundBox::of(&d, &attributions.values, size));
    let report = Report {
        photo: path.display().to_string(),
        model: spec.name.to_string(),
        target: target.output,
        label: label(target.output).into(),
        scale: target.scale,
        against: target.minus.map(|minus| label(minus).into()),
        r#box: detection,
        probability,
        output_input,
        output_baseline,
        attribution_sum: attributions.sum,
        convergence_delta: delta,
        rule: method.name().into(),
        baseline: arguments.baseline.to_string(),
        n_steps: match method {
            Method::Steps(_, n_steps) => n_steps,
            Method::Auto(_) => quadrature.alphas.len(),
        },
        alphas: quadrature.alphas,
        step_sizes: quadrature.step_sizes,
        map_error_estimate: sum.map_error_estimate(),
        regions: Partition::of(
            &spec.preprocessing.rgba(&prepared.input),
            size[1],
            MOST_REGIONS,
        )
        .report(&attributions.values),
        gradient_evaluations: sum.gradients(),
        forward_evaluations: 2 + sum.starts(),
        mask_full_scale: mask.full_scale,
        elapsed_ms: start.elapsed().as_millis() as u64,
        device: arguments.model.device.name().into(),
        threads,
    };
    write(out, &prepared, &attributions, &mask, &report, size)?;
    Ok(format!(
        "{}: {} ({:.1} %), {} → {}",
        path.display(),
        report.label,
        100.0 * probability,
        outcome(completeness, &report, &sum),
        out.display()
    ))
}

/// What the sum says of the mask.
fn outcome(completeness: Completeness, report: &Report, sum: &Integration) -> String {
    let change = report.output_input - report.output_baseline;
    let added_up = match completeness {
        Completeness::SameImage => {
            return "photo and baseline are one image: there is nothing to attribute; take another \
                    baseline"
                .into();
        }
        Completeness::Still => {
            return "this output is the same all the way from the baseline to the photo: no pixel \
                    moves it; take another class, or another baseline"
                .into();
        }
        Completeness::NoChange => format!(
            "F(x) = F(x'): what speaks for it and against it cancels, Σ attributions {:.3}",
            report.attribution_sum
        ),
        Completeness::Share(_) => format!(
            "Σ attributions {:.3} against F(x) − F(x') {change:.3}",
            report.attribution_sum
        ),
    };
    match report.map_error_estimate {
        Some(error) if sum.is_cut_short() => format!(
            "{added_up}, {} gradients, which is the budget: the mask is settled to {:.1} % only",
            report.gradient_evaluations,
            100.0 * error
        ),
        Some(error) => format!(
            "{added_up}, {} gradients, the mask is settled to {:.1} %",
            report.gradient_evaluations,
            100.0 * error
        ),
        None => added_up,
    }
}

/// Writes `attributions.npy`, `mask.png`, `overlay.png` and `report.json`.
fn write(
    out: &Path,
    prepared: &Prepared,
    attributions: &Attributions,
    mask: &Mask,
    report: &Report,
    [height, width]: [usize; 2],
) -> Result<(), String> {
    std::fs::create_dir_all(out).map_err(at(out))?;
    let path = out.join("attributions.npy");
    let bytes = npy(&attributions.values, [height, width]);
    std::fs::write(&path, bytes).map_err(at(&path))?;
    let path = out.join("mask.png");
    let [height, width] = [height as u32, width as u32];
    image::save_buffer(
        &path,
        &mask.to_rgba(Palette::Violet),
        width,
        height,
        image::ColorType::Rgba8,
    )
    .map_err(at(&path))?;
    let path = out.join("overlay.png");
    let overlay = mask.overlay(&prepared.view_rgb, 1.0, Palette::Violet);
    image::save_buffer(&path, &overlay, width, height, image::ColorType::Rgb8)
        .map_err(at(&path))?;
    let path = out.join("report.json");
    let text = serde_json::to_string_pretty(report).map_err(at(&path))?;
    std::fs::write(&path, text + "\n").map_err(at(&path))
}

/// The folder of a photo: its name without extension, numbered if an earlier photo has it.
fn folder(out: &Path, path: &Path, earlier: &[PathBuf]) -> PathBuf {
    let name = path.file_stem().unwrap_or(path.as_os_str());
    let same = earlier.iter().filter(|p| p.file_stem() == path.file_stem());
    match same.count() {
        0 => out.join(name),
        k => out.join(format!("{}-{}", name.to_string_lossy(), k + 1)),
    }
}

/// A rule, or nothing for auto.
#[derive(Debug, Clone, Copy)]
struct Choosable(Option<Rule>);

fn rule(name: &str) -> Result<Choosable, String> {
    if name == Method::default().name() {
        return Ok(Choosable(None));
    }
    let rule = Rule::from_name(name).ok_or_else(|| {
        let auto = [Method::default().name()];
        choices(&[&auto[..], &Rule::ALL.map(Rule::name)].concat())
    });
    Ok(Choosable(Some(rule?)))
}

fn reduction(name: &str) -> Result<Reduction, String> {
    Reduction::from_name(name).ok_or_else(|| choices(&Reduction::ALL.map(Reduction::name)))
}

fn baseline(name: &str) -> Result<Baseline, String> {
    Baseline::from_name(name).ok_or_else(|| format!("choose one of: {}", Baseline::NAMES))
}

fn choices(names: &[&str]) -> String {
    format!("choose one of: {}", names.join(", "))
}
