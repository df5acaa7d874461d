//! `violet explain`: photos → attributions, mask, overlay and report.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use violet::attribution::{Attributions, Baseline, Integration, Method, Rule};
use violet::device::{self, DeviceKind};
use violet::explain::{Explainer, Scene};
use violet::image::Photo;
use violet::mask::Mask;
use violet::model::{
    Checkpoint, ModelSpec, catalog::Manifest, checkpoint, self_test, top_predictions,
};

use crate::pool;
use crate::weights::{at, read_checkpoint};

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Photos: PNG, JPEG, WebP, GIF or BMP
    #[arg(required = true)]
    photos: Vec<PathBuf>,
    /// The network: efficientnet-lite0 or resnet18
    #[arg(long, default_value = "efficientnet-lite0")]
    model: String,
    /// Weights to use instead of the converted ones (.pth, .pt or .safetensors)
    #[arg(long, value_name = "FILE")]
    weights: Option<PathBuf>,
    /// Folder that scripts/weights.sh filled
    #[arg(long, default_value = "weights", value_name = "DIR")]
    weights_dir: PathBuf,
    /// Number of steps from baseline to photo; more steps, smaller convergence delta
    #[arg(long, default_value_t = 50, value_name = "N")]
    steps: usize,
    /// Integration rule: trapezoid, left, right, midpoint, gauss-legendre, or adaptive, which
    /// takes as many gradients as the tolerance asks for, whatever the steps
    #[arg(long, default_value = "trapezoid", value_parser = rule)]
    rule: Choice,
    /// For the adaptive rule: the largest convergence delta, as a share of F(x) − F(x')
    #[arg(long, default_value_t = 0.05, value_name = "SHARE")]
    tolerance: f64,
    /// For the adaptive rule: the most gradients
    #[arg(long, default_value_t = 48, value_name = "N")]
    budget: usize,
    /// Where the path starts: black, white or grey
    #[arg(long, default_value = "black", value_parser = baseline)]
    baseline: Baseline,
    /// The class to explain, by index or name [default: the likeliest]
    #[arg(long, value_name = "INDEX|NAME")]
    target: Option<String>,
    /// What computes: cpu or gpu
    #[arg(long, default_value = "cpu", value_parser = device_kind)]
    device: DeviceKind,
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

/// What `--rule` names.
#[derive(Debug, Clone, Copy)]
enum Choice {
    Fixed(Rule),
    Adaptive,
}

impl Choice {
    fn name(self) -> &'static str {
        match self {
            Choice::Fixed(rule) => rule.name(),
            Choice::Adaptive => "adaptive",
        }
    }
}

impl Arguments {
    fn method(&self) -> Method {
        match self.rule {
            Choice::Fixed(rule) => Method::Fixed {
                rule,
                n_steps: self.steps,
            },
            Choice::Adaptive => Method::Adaptive {
                tolerance: self.tolerance,
                budget: self.budget,
            },
        }
    }
}

/// `report.json`. Outputs and attributions are logits of the explained class.
#[derive(Serialize)]
struct Report<'a> {
    photo: String,
    model: &'a str,
    target: usize,
    label: &'a str,
    probability: f32,
    output_input: f32,
    output_baseline: f32,
    attribution_sum: f64,
    convergence_delta: f64,
    rule: &'a str,
    baseline: &'a str,
    n_steps: usize,
    alphas: &'a [f64],
    step_sizes: &'a [f64],
    gradient_evaluations: usize,
    forward_evaluations: usize,
    mask_full_scale: f32,
    elapsed_ms: u128,
    device: &'a str,
    threads: usize,
}

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode, String> {
    let spec = ModelSpec::from_name(&arguments.model).map_err(|e| e.to_string())?;
    let target = match &arguments.target {
        Some(text) => Some(spec.target(text).map_err(|e| e.to_string())?),
        None => None,
    };
    // Nonsense is refused before anything is loaded.
    let most = Integration::new(arguments.method(), 0)
        .map_err(|e| e.to_string())?
        .most_gradients();
    let checkpoint = load_weights(arguments, spec)?;
    let device = pollster::block_on(async {
        let device = device::open(arguments.device).await?;
        if arguments.device == DeviceKind::Gpu {
            self_test(&device).await?;
        }
        Ok::<_, violet::Error>(device)
    })
    .map_err(|error| format!("{error}\nTry again with --device cpu."))?;
    let explainer = Explainer::load(spec, checkpoint, &device).map_err(|e| e.to_string())?;

    let bar = ProgressBar::new((arguments.photos.len() * most) as u64);
    if let Ok(style) =
        ProgressStyle::with_template("{bar:40.magenta} {pos}/{len} gradients  {eta} left  {msg}")
    {
        bar.set_style(style);
    }
    let mut broken = 0;
    for (k, path) in arguments.photos.iter().enumerate() {
        bar.set_position((k * most) as u64);
        bar.set_message(path.display().to_string());
        let out = if arguments.photos.len() == 1 {
            arguments.out.clone()
        } else {
            folder(&arguments.out, path, &arguments.photos[..k])
        };
        match explain(arguments, &explainer, target, path, &out, &bar) {
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
fn explain(
    arguments: &Arguments,
    explainer: &Explainer,
    target: Option<usize>,
    path: &Path,
    out: &Path,
    bar: &ProgressBar,
) -> Result<String, String> {
    let start = Instant::now();
    let spec = explainer.spec;
    let bytes = std::fs::read(path).map_err(at(path))?;
    let photo = Photo::decode(&bytes).map_err(at(path))?;
    let scene =
        pollster::block_on(explainer.prepare(&photo, arguments.baseline)).map_err(at(path))?;
    let everything = top_predictions(&scene.logits_input, scene.logits_input.len());
    let target = target.unwrap_or(everything[0].target);
    let on_gpu = arguments.device == DeviceKind::Gpu;
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
        &scene,
        target,
        arguments.method(),
        batch,
        threads,
        |gradients| bar.inc(gradients),
    )
    .map_err(at(path))?;
    let attributions = sum
        .attributions(&scene.input, &scene.baseline)
        .map_err(at(path))?;
    let mask = Mask::of(&attributions.values);
    let quadrature = sum.quadrature();

    let (output_input, output_baseline) =
        (scene.logits_input[target], scene.logits_baseline[target]);
    let delta = attributions.convergence_delta(output_input, output_baseline);
    let labels = spec.labels();
    let probability = everything
        .iter()
        .find(|p| p.target == target)
        .map_or(0.0, |p| p.probability);
    let report = Report {
        photo: path.display().to_string(),
        model: spec.name,
        target,
        label: labels[target],
        probability,
        output_input,
        output_baseline,
        attribution_sum: attributions.sum,
        convergence_delta: delta,
        rule: arguments.rule.name(),
        baseline: arguments.baseline.name(),
        n_steps: match arguments.rule {
            Choice::Fixed(_) => arguments.steps,
            Choice::Adaptive => quadrature.alphas.len() - 1,
        },
        alphas: &quadrature.alphas,
        step_sizes: &quadrature.step_sizes,
        gradient_evaluations: sum.gradients(),
        forward_evaluations: 2,
        mask_full_scale: mask.full_scale,
        elapsed_ms: start.elapsed().as_millis(),
        device: arguments.device.name(),
        threads,
    };
    write(
        out,
        &scene,
        &attributions,
        &mask,
        &report,
        spec.preprocessing.size,
    )?;
    Ok(format!(
        "{}: {} ({:.1} %), Σ attributions {:.3} against F(x) − F(x') {:.3} → {}",
        path.display(),
        report.label,
        100.0 * probability,
        report.attribution_sum,
        output_input - output_baseline,
        out.display()
    ))
}

/// Writes `attributions.npy`, `mask.png`, `overlay.png` and `report.json`.
fn write(
    out: &Path,
    scene: &Scene,
    attributions: &Attributions,
    mask: &Mask,
    report: &Report,
    size: u32,
) -> Result<(), String> {
    std::fs::create_dir_all(out).map_err(at(out))?;
    let path = out.join("attributions.npy");
    write_npy(&path, &attributions.values, size).map_err(at(&path))?;
    let path = out.join("mask.png");
    image::save_buffer(&path, &mask.to_rgba(), size, size, image::ColorType::Rgba8)
        .map_err(at(&path))?;
    let path = out.join("overlay.png");
    let overlay = mask.overlay(&scene.view_rgb, 1.0);
    image::save_buffer(&path, &overlay, size, size, image::ColorType::Rgb8).map_err(at(&path))?;
    let path = out.join("report.json");
    let text = serde_json::to_string_pretty(report).map_err(at(&path))?;
    std::fs::write(&path, text + "\n").map_err(at(&path))
}

/// A float32 array \[3, size, size\] in NumPy's format.
fn write_npy(path: &Path, values: &[f32], size: u32) -> std::io::Result<()> {
    use npyz::WriterBuilder;
    let file = std::io::BufWriter::new(std::fs::File::create(path)?);
    let mut writer = npyz::WriteOptions::new()
        .default_dtype()
        .shape(&[3, u64::from(size), u64::from(size)])
        .writer(file)
        .begin_nd()?;
    writer.extend(values.iter().copied())?;
    writer.finish()
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

/// The weights that were asked for, or the converted ones, checked against the manifest.
fn load_weights(arguments: &Arguments, spec: &ModelSpec) -> Result<Checkpoint, String> {
    if let Some(path) = &arguments.weights {
        return read_checkpoint(path);
    }
    let missing = || {
        format!(
            "the weights of {} are not in {}. Run ./scripts/weights.sh {}, or name a file with --weights.",
            spec.title,
            arguments.weights_dir.display(),
            spec.name
        )
    };
    let text = std::fs::read_to_string(arguments.weights_dir.join("manifest.json"))
        .map_err(|_missing| missing())?;
    let manifest = Manifest::from_json(&text).map_err(|e| e.to_string())?;
    let entry = manifest.entry(spec.name).ok_or_else(missing)?;
    let path = arguments.weights_dir.join(&entry.file);
    let bytes = std::fs::read(&path).map_err(at(&path))?;
    checkpoint::verify(&bytes, &entry.sha256).map_err(at(&path))?;
    Checkpoint::from_safetensors(&bytes).map_err(at(&path))
}

fn rule(name: &str) -> Result<Choice, String> {
    let all = Rule::ALL.map(Choice::Fixed);
    let all: Vec<Choice> = all.into_iter().chain([Choice::Adaptive]).collect();
    let named = all.iter().find(|choice| choice.name() == name);
    let names: Vec<&str> = all.iter().map(|choice| choice.name()).collect();
    named.copied().ok_or_else(|| choices(&names))
}

fn baseline(name: &str) -> Result<Baseline, String> {
    Baseline::from_name(name).ok_or_else(|| choices(&Baseline::ALL.map(Baseline::name)))
}

fn device_kind(name: &str) -> Result<DeviceKind, String> {
    DeviceKind::from_name(name).ok_or_else(|| choices(&["cpu", "gpu"]))
}

fn choices(names: &[&str]) -> String {
    format!("choose one of: {}", names.join(", "))
}
