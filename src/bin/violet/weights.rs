//! `violet convert`: original weights → the page's compact form.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use violet::model::{
    Checkpoint, ModelSpec,
    catalog::{Manifest, ManifestEntry},
    checkpoint, tensorflow,
};

/// How far a weight may be rounded, as a share of its filter's largest: half a step of 1/32767, and what f32 adds.
const MOST_ROUNDED: f32 = 1.01 / 65_534.0;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The model whose weights these are
    #[arg(long)]
    model: String,
    /// Folder for the converted file and manifest.json
    #[arg(long, default_value = "weights")]
    out: PathBuf,
    /// Take a file that is not the published one: trained by yourself, or random for tests
    #[arg(long)]
    unpublished: bool,
    /// The original file (.pth, .pt, .safetensors, or a TensorFlow.js model.json with its shards
    /// beside it); its sha256 must be the published one
    file: PathBuf,
}

/// Checks, folds BatchNorm, rounds to 16-bit integers, reads that back, and enters the file in the manifest.
pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode, String> {
    let spec = ModelSpec::from_name(&arguments.model).map_err(|e| e.to_string())?;
    if let (false, Some(expected)) = (arguments.unpublished, spec.source_sha256) {
        let mut original = Vec::new();
        for path in files(&arguments.file)? {
            original.extend(std::fs::read(&path).map_err(at(&path))?);
        }
        checkpoint::verify(&original, expected).map_err(at(&arguments.file))?;
    }
    // Before anything is written: what cannot be read is not to be lost.
    let list = arguments.out.join("manifest.json");
    let mut manifest = read_manifest(&list)?;

    let mut folded = read_checkpoint(&arguments.file)?;
    spec.architecture
        .fold_batch_norms(&mut folded)
        .map_err(at(&arguments.file))?;
    spec.architecture
        .check(&folded)
        .map_err(at(&arguments.file))?;
    let bytes = folded.to_safetensors().map_err(at(&arguments.file))?;

    std::fs::create_dir_all(&arguments.out).map_err(at(&arguments.out))?;
    let file = format!("{}.safetensors", spec.name);
    let path = arguments.out.join(&file);
    replace(&path, &bytes, |written| agrees(written, &folded))?;
    let entry = ManifestEntry {
        name: spec.name.clone().into(),
        file,
        bytes: bytes.len(),
        sha256: checkpoint::sha256(&bytes),
    };
    println!(
        "{}: {} bytes, sha256 {}",
        path.display(),
        entry.bytes,
        entry.sha256
    );
    manifest.models.retain(|other| other.name != entry.name);
    manifest.models.push(entry);
    manifest.models.sort_by(|a, b| a.name.cmp(&b.name));
    let text = serde_json::to_string_pretty(&manifest).map_err(|e| e.to_string())?;
    replace(&list, (text + "\n").as_bytes(), |written| {
        let text = std::str::from_utf8(written).map_err(|e| e.to_string())?;
        Manifest::from_json(text)
            .map(drop)
            .map_err(|e| e.to_string())
    })?;
    Ok(ExitCode::SUCCESS)
}

/// The manifest at a path; an empty one where no file is.
fn read_manifest(path: &Path) -> Result<Manifest, String> {
    match std::fs::read_to_string(path) {
        Ok(text) => Manifest::from_json(&text).map_err(at(path)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Manifest::default()),
        Err(error) => Err(at(path)(error)),
    }
}

/// Writes a file whole or not at all: only once what is on the disk was read again and found good.
fn replace(
    path: &Path,
    bytes: &[u8],
    check: impl Fn(&[u8]) -> Result<(), String>,
) -> Result<(), String> {
    let new = path.with_added_extension("part");
    std::fs::write(&new, bytes).map_err(at(&new))?;
    let written = std::fs::read(&new).map_err(at(&new))?;
    if let Err(reason) = check(&written) {
        std::fs::remove_file(&new).map_err(at(&new))?;
        return Err(at(path)(reason));
    }
    std::fs::rename(&new, path).map_err(at(path))
}

/// That a file loads, and holds the weights that it was made of, but for rounding.
fn agrees(file: &[u8], weights: &Checkpoint) -> Result<(), String> {
    let read = Checkpoint::from_safetensors(file).map_err(|e| e.to_string())?;
    match weights.farthest(&read) {
        Some(off) if off <= MOST_ROUNDED => Ok(()),
        Some(off) => Err(format!("a weight is {off:.1e} of its filter's largest off")),
        None => Err("its arrays are not those that were to be written".into()),
    }
}

/// The checkpoint of a file: TensorFlow.js' by its extension, the others by their first bytes.
pub(crate) fn read_checkpoint(path: &Path) -> Result<Checkpoint, String> {
    let bytes = std::fs::read(path).map_err(at(path))?;
    if path.extension().is_none_or(|extension| extension != "json") {
        return Checkpoint::from_bytes(&bytes).map_err(at(path));
    }
    let text = String::from_utf8_lossy(&bytes);
    let mut shards = Vec::new();
    for shard in &files(path)?[1..] {
        shards.extend(std::fs::read(shard).map_err(at(shard))?);
    }
    tensorflow::import(&text, &shards).map_err(at(path))
}

/// Every file that an original consists of, itself first.
fn files(path: &Path) -> Result<Vec<PathBuf>, String> {
    let mut files = vec![path.to_owned()];
    if path
        .extension()
        .is_some_and(|extension| extension == "json")
    {
        let text = std::fs::read_to_string(path).map_err(at(path))?;
        let shards = tensorflow::shards(&text).map_err(at(path))?;
        files.extend(shards.into_iter().map(|shard| path.with_file_name(shard)));
    }
    Ok(files)
}

/// Puts the path before an error's message.
pub(crate) fn at<E: std::fmt::Display>(path: &Path) -> impl Fn(E) -> String {
    move |error| format!("{}: {error}", path.display())
}
