//! Files that are something else, whatever they are called.

use super::FORMAT;
use crate::error::{Error, Result};

/// Refuses what is known by its first bytes to be something else.
pub(crate) fn refuse(bytes: &[u8]) -> Result<()> {
    let found = if bytes.is_empty() {
        ("an empty file", "Download or export it again.")
    } else if bytes.starts_with(b"version https://git-lfs") {
        (
            "a pointer that Git LFS left in place of the file",
            "Run git lfs pull where the repository is, or download the file itself from its web page.",
        )
    } else if bytes.starts_with(b"PK\x03\x04") {
        (
            "a zip archive",
            "If it holds an ONNX file, unpack it first.",
        )
    } else if bytes.starts_with(b"\x89HDF\r\n") {
        (
            "an HDF5 file, as Keras writes them",
            "Give it the ending .h5.",
        )
    } else if bytes.starts_with(b"ORTM") || bytes.get(4..8) == Some(b"ORTM") {
        (
            "a file in ONNX Runtime's own format (.ort)",
            "Open the .onnx file that it was made from.",
        )
    } else if bytes.get(4..8) == Some(b"TFL3") {
        ("a TensorFlow Lite file", "Give it the ending .tflite.")
    } else if is_text(bytes) {
        (
            "a text file",
            "If it is a page of a web site, download the file that the page shows.",
        )
    } else {
        return Ok(());
    };
    Err(Error::Another {
        format: FORMAT,
        found: found.0,
        advice: found.1,
    })
}

/// Whether the first bytes are a text: a model's begin with a field's number, a control character.
fn is_text(bytes: &[u8]) -> bool {
    let start = &bytes[..bytes.len().min(64)];
    start
        .iter()
        .all(|&byte| byte >= b' ' || matches!(byte, b'\t' | b'\n' | b'\r'))
        && start.first().is_some_and(|&byte| byte >= b' ')
}
