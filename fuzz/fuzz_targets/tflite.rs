//! A TensorFlow Lite file: read, prepared and, if it is small, one secant of it. Nothing may panic.
//!
//! ```sh
//! mkdir -p fuzz/corpus/tflite
//! for zip in src/import/tests/data/tensorflow/lite*.zip; do
//!     python3 -m zipfile -e "$zip" fuzz/corpus/tflite
//!     mv fuzz/corpus/tflite/model.tflite "fuzz/corpus/tflite/$(basename "$zip")"; done
//! cargo +nightly fuzz run tflite -- -rss_limit_mb=4096 -timeout=20 -max_len=32768
//! ```

#![no_main]

mod run;

use libfuzzer_sys::fuzz_target;
use violet_import::{Options, tflite};

fuzz_target!(|bytes: &[u8]| {
    let options = Options::default().with_size([8, 8]);
    if let Ok(imported) = tflite::import(bytes, &[], &options) {
        run::run(imported);
    }
});
