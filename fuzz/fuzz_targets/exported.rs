//! Exported programs: the bytes are the list of operations of one of the tests' programs, which the first one picks.
//! Nothing may panic, nor run for long.
//!
//! ```sh
//! mkdir -p fuzz/corpus/exported; k=0
//! for name in digits norms views words; do
//!     { printf "\\$(printf %03o $k)"; unzip -p "src/import/tests/data/exported/$name.pt2" '*/models/model.json'; } \
//!         > "fuzz/corpus/exported/$name"; k=$((k + 1)); done
//! cargo +nightly fuzz run exported -- -rss_limit_mb=4096 -timeout=20 -max_len=49152
//! ```

#![no_main]

mod run;

use std::io::{Cursor, Write};

use libfuzzer_sys::fuzz_target;
use violet_import::{File, Options};
use zip::result::ZipResult;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

const PROGRAMS: [&[u8]; 4] = [
    include_bytes!("../../src/import/tests/data/exported/digits.pt2"),
    include_bytes!("../../src/import/tests/data/exported/norms.pt2"),
    include_bytes!("../../src/import/tests/data/exported/views.pt2"),
    include_bytes!("../../src/import/tests/data/exported/words.pt2"),
];
const MODEL: &str = "/models/model.json";

/// That program with another list of operations.
fn with_model(program: &[u8], model: &[u8]) -> ZipResult<Vec<u8>> {
    let mut from = ZipArchive::new(Cursor::new(program))?;
    let mut to = ZipWriter::new(Cursor::new(Vec::new()));
    for k in 0..from.len() {
        let entry = from.by_index_raw(k)?;
        let name = entry.name()?.into_owned();
        if name.ends_with(MODEL) {
            let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
            to.start_file(name, stored)?;
            to.write_all(model)?;
        } else {
            to.raw_copy_file(entry)?;
        }
    }
    Ok(to.finish()?.into_inner())
}

fuzz_target!(|bytes: &[u8]| {
    let Some((&which, model)) = bytes.split_first() else { return };
    let program = PROGRAMS[usize::from(which) % PROGRAMS.len()];
    let archive = with_model(program, model).expect("an archive");
    let options = Options::default().with_size([16, 16]);
    if let Ok(imported) = violet_import::open(vec![File::new("net.pt2", archive)], &options) {
        run::run(imported);
    }
});
