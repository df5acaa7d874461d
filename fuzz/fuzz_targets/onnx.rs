//! An ONNX file: read, prepared and, if it is small, one secant of it. Nothing may panic.
//!
//! ```sh
//! cargo +nightly fuzz run onnx fuzz/corpus/onnx src/import/tests/data/onnx -- \
//!     -rss_limit_mb=4096 -timeout=20 -max_len=8192
//! ```

#![no_main]

mod run;

use libfuzzer_sys::fuzz_target;
use violet_import::{Options, onnx};

fuzz_target!(|bytes: &[u8]| {
    let options = Options::default().with_size([8, 8]);
    if let Ok(imported) = onnx::import(bytes, &[], &options) {
        run::run(imported);
    }
});
