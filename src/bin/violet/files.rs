//! A network's files, as they lie on the disk.

use std::path::{Path, PathBuf};

use violet::Error;
use violet::model::{Opened, Wishes};
use violet_import::File;

use crate::weights::at;

/// Files of a folder, at most: whoever names a whole disk by mistake is told so.
const MOST_FILES: usize = 4096;
/// What Hugging Face calls weights, and what it says of them and of their pictures in files beside them.
const NETWORKS: [&str; 2] = ["model.safetensors", "pytorch_model.bin"];
const DESCRIPTIONS: [&str; 2] = ["config.json", "preprocessor_config.json"];

/// Files and all of folders', with their bytes.
pub(crate) fn read(paths: &[PathBuf]) -> Result<Vec<File>, String> {
    let mut files = Vec::new();
    for path in paths {
        let name = path.file_name().unwrap_or(path.as_os_str());
        gather(path, &name.to_string_lossy(), &mut files)?;
        // Weights do not say what lies beside them always.
        if NETWORKS.iter().any(|network| path.ends_with(network)) {
            for name in DESCRIPTIONS {
                let path = path.with_file_name(name);
                if path.is_file() && !paths.contains(&path) {
                    gather(&path, name, &mut files)?;
                }
            }
        }
    }
    Ok(files)
}

/// Reads the network among files that came from these paths. A second file that the network speaks of is
/// looked for beside the first.
pub(crate) fn open(
    paths: &[PathBuf],
    mut files: Vec<File>,
    wishes: &Wishes,
) -> Result<Opened, String> {
    match Opened::read(files.clone(), wishes) {
        Err(Error::Import(violet_import::Error::MissingFile { name })) => {
            let folder = paths[0].parent().unwrap_or(Path::new("."));
            let path = folder.join(&name);
            if !path.is_file() {
                return Err(violet_import::Error::MissingFile { name }.to_string());
            }
            files.push(File::new(name, std::fs::read(&path).map_err(at(&path))?));
            Opened::read(files, wishes).map_err(|e| e.to_string())
        }
        other => other.map_err(|e| e.to_string()),
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
