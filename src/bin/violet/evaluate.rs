//! `violet evaluate`: masks on drawn scenes, scored against what was drawn.

use std::process::ExitCode;

use indicatif::{ProgressBar, ProgressStyle};
use violet::attribution::{Baseline, Completeness, Method, Rule, Scores};
use violet::device::DeviceKind;
use violet::image::Photo;
use violet::mask::reduce_absolute;
use violet::model::{Architecture, Target, top_predictions};
use violet::shapes::{Scene, Tag};

use crate::{model, pool};

#[derive(clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    model: model::Arguments,
    /// Scenes to score
    #[arg(long, default_value_t = 50, value_name = "N")]
    scenes: u64,
    /// Seed of the first scene
    #[arg(long, default_value_t = 1 << 41, value_name = "SEED")]
    seed: u64,
    /// The tag in the scenes' corner: none, telling or misleading
    #[arg(long, default_value = "none", value_parser = tag)]
    tag: Tag,
    /// Number of steps of the rules that have one; secants take 24 at most
    #[arg(long, default_value_t = 50, value_name = "N")]
    steps: usize,
    /// Explain the drawn shape's class, instead of the likeliest
    #[arg(long)]
    truth: bool,
}

/// Sums over the scenes.
#[derive(Default)]
struct Total {
    mass_inside: f64,
    hits: f64,
    overlap: f64,
    area: f64,
    tag_mass: f64,
    delta: f64,
}

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode, String> {
    let (spec, explainer) = arguments.model.load_or("shapesnet")?;
    if spec.architecture != Architecture::ShapesNet {
        return Err(format!(
            "{} does not know drawn shapes; try --model shapesnet",
            spec.title
        ));
    }
    let threads = match arguments.model.device {
        DeviceKind::Gpu => 1,
        DeviceKind::Cpu => std::thread::available_parallelism().map_or(1, usize::from),
    };
    let n_steps = arguments.steps;
    let rules = Rule::ALL.map(|rule| match rule {
        Rule::Secant => Method::Steps(rule, n_steps.min(rule.usual_steps())),
        _ => Method::Steps(rule, n_steps),
    });
    let methods = [Method::default()].into_iter().chain(rules);
    let mut methods: Vec<(&str, Method)> = methods.map(|method| (method.name(), method)).collect();
    // What one gradient at the photo itself gives: gradient × (input − baseline).
    methods.push(("one gradient", Method::Steps(Rule::Right, 1)));

    let rows = methods.len() * Baseline::ALL.len();
    let bar = ProgressBar::new(rows as u64 * arguments.scenes);
    if let Ok(style) =
        ProgressStyle::with_template("{bar:40.magenta} {pos}/{len} masks  {eta} left")
    {
        bar.set_style(style);
    }
    println!(
        "{}, {} scenes from seed {}, tag: {}, {n_steps} steps\n",
        spec.name,
        arguments.scenes,
        arguments.seed,
        arguments.tag.name()
    );
    println!(
        "| rule | baseline | mass inside | pointing game | overlap | mass on the tag | delta |"
    );
    println!("|---|---|---|---|---|---|---|");
    let n = arguments.scenes.max(1) as f64;
    let mut area = 0.0;
    for (name, method) in methods {
        for baseline in Baseline::ALL {
            let mut total = Total::default();
            for seed in arguments.seed..arguments.seed + arguments.scenes {
                let scene = Scene::draw(seed, arguments.tag);
                let photo = Photo::from(&scene);
                let prepared = pollster::block_on(explainer.prepare(&photo, baseline))
                    .map_err(|e| e.to_string())?;
                let likeliest = top_predictions(&prepared.logits_input, 1)[0].target;
                let class = if arguments.truth {
                    scene.shape.target()
                } else {
                    likeliest
                };
                let target = Target::output(class);
                let sum =
                    pool::integrate(&explainer, &prepared, target, method, 1, threads, |_, _| ());
                let sum = sum.map_err(|e| e.to_string())?;
                let attributions = sum.attributions();
                let map = reduce_absolute(&attributions.values);
                let scores = Scores::of(&map, &scene.inside);
                let ends = explainer.ends(&prepared, target);
                let (input, baseline) = (&prepared.input, &prepared.baseline);
                let completeness = Completeness::of(&attributions, input, baseline, ends);
                total.mass_inside += scores.mass_inside / n;
                total.hits += f64::from(u8::from(scores.hit)) / n;
                total.overlap += scores.overlap / n;
                total.area += scores.area / n;
                total.tag_mass += Scores::of(&map, &scene.tagged).mass_inside / n;
                total.delta += completeness.share().unwrap_or(0.0).abs() / n;
                bar.inc(1);
            }
            area = total.area;
            bar.suspend(|| {
                println!(
                    "| {name} | {} | {:.3} | {:.2} | {:.3} | {:.3} | {:.1} % |",
                    baseline,
                    total.mass_inside,
                    total.hits,
                    total.overlap,
                    total.tag_mass,
                    100.0 * total.delta
                );
            });
        }
    }
    bar.finish_and_clear();
    println!(
        "\nThe shapes cover {area:.3} of the pixels: what a mask that says nothing would score as mass inside."
    );
    Ok(ExitCode::SUCCESS)
}

fn tag(name: &str) -> Result<Tag, String> {
    let names = Tag::ALL.map(Tag::name).join(", ");
    Tag::from_name(name).ok_or_else(|| format!("choose one of: {names}"))
}
