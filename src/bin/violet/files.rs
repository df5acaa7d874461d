//! A network's files, as they lie on the disk.

use std::path::{Path, PathBuf};

use violet::Error;
use violet::model::{Opened, Wishes};
use violet_import::File;

use crate::weights::at;

/// Files of a folder, at most: whoever names a whole disk by mistake is told so.
const MOST_FILES: usize = 4096;
/// How a network's file ends, and what is said of it in files beside it: by Hugging Face, Teachable
/// Machine, Ultralytics.
const BESIDE: [(&str, &[&str]); 6] = [
    (
        "model.safetensors",
        &["config.json", "preprocessor_config.json"],
    ),
    (
        "pytorch_model.bin",
        &["config.json", "preprocessor_config.json"],
    ),
    ("model.json", &["metadata.json", "metadata.yaml"]),
    (".keras", &["labels.txt"]),
    (".h5", &["labels.txt"]),
    (".tflite", &["labels.txt", "metadata.yaml"]),
];

/// Files and all of folders', with their bytes.
pub(crate) fn read(paths: &[PathBuf]) -> Result<Vec<File>, String> {
    let mut files = Vec::new();
    for path in paths {
        let name = path.file_name().unwrap_or(path.as_os_str());
        gather(path, &name.to_string_lossy(), &mut files)?;
        if path.is_dir() {
            continue;
        }
        let ends = |end: &str| name.to_string_lossy().ends_with(end);
        let beside = BESIDE.iter().filter(|(end, _)| ends(end));
        for name in beside.flat_map(|(_, names)| *names) {
            let path = path.with_file_name(name);
            if path.is_file() && !paths.contains(&path) {
                eprintln!("violet: {} lies beside it and is read too.", path.display());
                gather(&path, name, &mut files)?;
            }
        }
    }
    Ok(files)
}

/// Reads the network among files that came from these paths. Files that the network speaks of, one after
/// the other, are looked for beside the first.
pub(crate) fn open(
    paths: &[PathBuf],
    mut files: Vec<File>,
    wishes: &Wishes,
) -> Result<Opened, String> {
    loop {
        let missing = match Opened::read(files.clone(), wishes) {
            Err(Error::Import(violet_import::Error::MissingFile { name })) => name,
            other => return other.map_err(in_full),
        };
        let folder = paths[0].parent().unwrap_or(Path::new("."));
        let path = folder.join(&missing);
        let known = files.iter().any(|file| file.name == missing);
        if known || !path.is_file() {
            return Err(violet_import::Error::MissingFile { name: missing }.to_string());
        }
        files.push(File::new(missing, std::fs::read(&path).map_err(at(&path))?));
    }
}

/// An error's sentence, and below it what the sentence has no room for.
fn in_full(error: Error) -> String {
    let more = match &error {
        Error::Import(error) => error.beyond_the_sentence(),
        _ => None,
    };
    match more {
        Some(more) => format!("{error}\nThe others are:\n{more}"),
        None => error.to_string(),
    }
}

/// Adds a file, or all of a folder's, by a name that begins with the folder's.
fn gather(path: &Path, name: &str, files: &mut Vec<File>) -> Result<(), String> {
    if path.is_dir() {
        let entries = std::fs::read_dir(path).map_err(at(path))?;
        let mut paths = Vec::new();
        for entry in entries {
            paths.push(entry.map_err(at(path))?.path());
        }
        paths.sort();
        return paths.iter().try_for_each(|path| {
            let last = path.file_name().unwrap_or_default().to_string_lossy();
            gather(path, &format!("{name}/{last}"), files)
        });
    }
    if files.len() >= MOST_FILES {
        return Err(format!("there are more than {MOST_FILES} files"));
    }
    let bytes = std::fs::read(path).map_err(at(path))?;
    files.push(File::new(name, bytes));
    Ok(())
}
