//! TorchScript: the bytes are the code of a network that has two weights and a list. Nothing may panic, nor run
//! for long.
//!
//! ```sh
//! mkdir -p fuzz/corpus/torchscript
//! for file in src/import/tests/data/torchscript/*.pt; do unzip -p "$file" '*/code/*.py' > fuzz/corpus/torchscript/$(basename "$file"); done
//! cargo +nightly fuzz run torchscript -- -rss_limit_mb=4096 -timeout=20 -max_len=8192
//! ```

#![no_main]

mod run;

use std::io::{Cursor, Write};

use libfuzzer_sys::fuzz_target;
use violet_import::{File, Options};
use zip::write::SimpleFileOptions;

/// The pickle of a module of the class `Net` with `weight` [4, 3, 3, 3], `bias` [4], which begins the same numbers, and `sizes`.
const OBJECT: &[u8] = b"\x80\x02c__torch__\nNet\n)\x81}(\
    X\x06\x00\x00\x00weightctorch._utils\n_rebuild_tensor_v2\n((X\x07\x00\x00\x00storagectorch\nFloatStorage\n\
    X\x01\x00\x00\x000X\x03\x00\x00\x00cpuK\x6ctQK\x00(K\x04K\x03K\x03K\x03t(K\x1bK\x09K\x03K\x01t\x89NtR\
    X\x04\x00\x00\x00biasctorch._utils\n_rebuild_tensor_v2\n((X\x07\x00\x00\x00storagectorch\nFloatStorage\n\
    X\x01\x00\x00\x000X\x03\x00\x00\x00cpuK\x6ctQK\x00K\x04\x85K\x01\x85\x89NtR\
    X\x05\x00\x00\x00sizes](K\x02K\x03eub.";

fuzz_target!(|bytes: &[u8]| {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let stored = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    let weights: Vec<u8> = (0..112u8).flat_map(|k| (f32::from(k) / 56.0 - 1.0).to_le_bytes()).collect();
    let entries: [(&str, &[u8]); 4] = [
        ("net/data.pkl", OBJECT),
        ("net/data/0", &weights),
        ("net/constants.pkl", b"\x80\x02)."),
        ("net/code/__torch__.py", bytes),
    ];
    for (name, content) in entries {
        if zip.start_file(name, stored).is_err() || zip.write_all(content).is_err() {
            return;
        }
    }
    let Ok(archive) = zip.finish() else { return };
    let options = Options::default().with_size([16, 16]);
    let file = File::new("net.pt", archive.into_inner());
    if let Ok(imported) = violet_import::open(vec![file], &options) {
        run::run(imported);
    }
});
