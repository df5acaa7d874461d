//! The command line in a test.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::common;

/// Runs it from the repository's root.
pub(crate) fn violet(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_violet"))
        .current_dir(common::root())
        .args(arguments)
        .output()
        .unwrap()
}

/// A folder or file of that name, which is not there yet.
pub(crate) fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _gone = std::fs::remove_dir_all(&folder);
    folder
}
