//! A network's files, as they lie on the disk.

use std::path::{Path, PathBuf};

use violet_import::{Error, File, Imported, Options};

use crate::weights::at;

/// Files of a folder, at most: whoever names a whole disk by mistake is told so.
const MOST_FILES: usize = 4096;

/// Reads the network among files and folders. A second file that the network speaks of is looked for
/// beside it.
pub(crate) fn open(paths: &[PathBuf], options: &Options) -> Result<Imported, String> {
    let mut files = Vec::new();
    for path in paths {
        read(path, &mut files)?;
    }
    match violet_import::open(files.clone(), options) {
        Err(Error::MissingFile { name }) => {
            let folder = paths[0].parent().unwrap_or(Path::new("."));
            let path = folder.join(&name);
            if !path.is_file() {
                return Err(Error::MissingFile { name }.to_string());
            }
            files.push(File::new(name, std::fs::read(&path).map_err(at(&path))?));
            violet_import::open(files, options).map_err(|e| e.to_string())
        }
        other => other.map_err(|e| e.to_string()),
    }
}

/// A file, or all of a folder's.
fn read(path: &Path, files: &mut Vec<File>) -> Result<(), String> {
    if path.is_dir() {
        let entries = std::fs::read_dir(path).map_err(at(path))?;
        let mut paths = Vec::new();
        for entry in entries {
            paths.push(entry.map_err(at(path))?.path());
        }
        paths.sort();
        return paths.iter().try_for_each(|path| read(path, files));
    }
    if files.len() >= MOST_FILES {
        return Err(format!("there are more than {MOST_FILES} files"));
    }
    let name = path.file_name().unwrap_or(path.as_os_str());
    let bytes = std::fs::read(path).map_err(at(path))?;
    files.push(File::new(name.to_string_lossy(), bytes));
    Ok(())
}
