//! An archive as it is dropped: a Keras 3 model, a Teachable Machine export, weights of PyTorch's, a folder of
//! Hugging Face's. The bytes, cut at every byte 0xfe, become the entries of a zip archive, in the order of
//! [`NAMES`], so that a change does not end at its checksums. Nothing may panic.
//!
//! ```sh
//! cargo +nightly fuzz run archive -- -rss_limit_mb=4096 -timeout=20 -max_len=65536
//! ```

#![no_main]

mod run;

use std::io::{Cursor, Write};

use libfuzzer_sys::fuzz_target;
use violet_import::{File, Options};
use zip::write::SimpleFileOptions;

/// Names that readers look for.
const NAMES: [&str; 10] = [
    "config.json",
    "metadata.json",
    "model.weights.h5",
    "model.json",
    "weights.bin",
    "archive/data.pkl",
    "archive/data/0",
    "archive/version",
    "preprocessor_config.json",
    "model.safetensors",
];

fuzz_target!(|bytes: &[u8]| {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let stored = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    for (name, content) in NAMES.iter().zip(bytes.split(|&byte| byte == 0xfe)) {
        if content.is_empty() {
            continue;
        }
        let written = zip.start_file(*name, stored);
        if written.is_err() || zip.write_all(content).is_err() {
            return;
        }
    }
    let Ok(archive) = zip.finish() else { return };
    let options = Options::default().with_size([64, 64]);
    let file = File::new("archive.zip", archive.into_inner());
    if let Ok(imported) = violet_import::open(vec![file], &options) {
        run::run(imported);
    }
});
