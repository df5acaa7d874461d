//! `violet detect`: photos → what is in them.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde::Serialize;
use violet::attribution::Baseline;
use violet::explain::Explainer;
use violet::image::Photo;
use violet::model::{ModelSpec, Rect};

use crate::explain::ENDS_EARLY;
use crate::model;
use crate::weights::at;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Photos: PNG, JPEG, WebP, GIF or BMP
    #[arg(required = true)]
    photos: Vec<PathBuf>,
    #[command(flatten)]
    model: model::Arguments,
    /// The lowest score to list, 0 to 1
    #[arg(long, default_value_t = 0.5, value_name = "SCORE")]
    threshold: f32,
    /// Print JSON, one line a photo
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Found<'a> {
    r#box: usize,
    label: &'a str,
    score: f32,
    /// Shares of the photo's width and height.
    rect: Rect,
}

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode, String> {
    let (spec, explainer) = match arguments.model.is_own() {
        true => arguments.model.load()?,
        false => arguments.model.load_or("ssd-mobilenet-v2")?,
    };
    if !spec.architecture.is_detector() {
        return Err(format!(
            "{} is no detector; try --model ssd-mobilenet-v2",
            spec.title
        ));
    }
    let mut broken = 0;
    for path in &arguments.photos {
        if let Err(message) = detect(arguments, &spec, &explainer, path) {
            broken += 1;
            eprintln!("violet: {message}");
        }
    }
    if broken > 0 {
        let all = arguments.photos.len();
        return Err(format!("{broken} of {all} photos could not be looked at"));
    }
    Ok(ExitCode::SUCCESS)
}

/// Prints what is in one photo.
fn detect(
    arguments: &Arguments,
    spec: &ModelSpec,
    explainer: &Explainer,
    path: &Path,
) -> Result<(), String> {
    let bytes = std::fs::read(path).map_err(at(path))?;
    let photo = Photo::decode(&bytes).map_err(at(path))?;
    if photo.incomplete {
        eprintln!("violet: {}", at(path)(ENDS_EARLY));
    }
    let prepared = pollster::block_on(explainer.prepare(&photo, Baseline::default()));
    let prepared = prepared.map_err(at(path))?;
    let labels = spec.labels();
    let found = prepared.detections.iter().enumerate().map(|(k, d)| Found {
        r#box: k,
        label: labels.get(d.class).copied().unwrap_or("?"),
        score: d.score,
        rect: d.rect,
    });
    let all: Vec<Found<'_>> = found.collect();
    let shown = all
        .iter()
        .take_while(|f| f.score >= arguments.threshold)
        .count();
    if arguments.json {
        let text = serde_json::to_string(&all[..shown]).map_err(at(path))?;
        println!("{text}");
        return Ok(());
    }
    println!("{}", path.display());
    let (width, height) = photo.rgb.dimensions();
    for f in &all[..shown] {
        let [left, right] = [f.rect.left, f.rect.right].map(|v| v * width as f32);
        let [top, bottom] = [f.rect.top, f.rect.bottom].map(|v| v * height as f32);
        println!(
            "  {}  {:<16} {:5.1} %  from ({left:.0}, {top:.0}) to ({right:.0}, {bottom:.0})",
            f.r#box,
            f.label,
            100.0 * f.score
        );
    }
    if shown == 0 {
        println!("  nothing that scores {:.2} or more", arguments.threshold);
        if let Some(best) = all.first() {
            println!(
                "  the best candidate is box 0, {}, with {:.1} %; --threshold {:.2} lists it",
                best.label,
                100.0 * best.score,
                (best.score * 100.0).floor() / 100.0
            );
        }
    }
    Ok(())
}
