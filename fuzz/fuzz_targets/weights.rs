//! Weights by name, PyTorch's formats and safetensors: read, built as the network that they are said
//! to be and, if it is small, one secant of it. Nothing may panic.
//!
//! ```sh
//! mkdir -p fuzz/corpus/weights
//! python3 tests/golden/layouts.py checkpoints && cp checkpoints/*.p* fuzz/corpus/weights
//! find fuzz/corpus/weights -size +1M -exec truncate -s 64K {} +
//! cargo +nightly fuzz run weights -- -rss_limit_mb=4096 -timeout=20 -max_len=65536
//! ```

#![no_main]

mod run;

use libfuzzer_sys::fuzz_target;
use violet_import::{File, Options};

fuzz_target!(|bytes: &[u8]| {
    if !violet_weights::is_weights(bytes) {
        return;
    }
    let options = Options::default().with_size([64, 64]);
    let file = File::new("weights", bytes);
    if let Ok(imported) = violet_import::open(vec![file], &options) {
        run::run(imported);
    }
});
