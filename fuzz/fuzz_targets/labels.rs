//! Names of classes in a file beside a network: text, JSON, what Python writes, YAML. Nothing may panic.
//!
//! ```sh
//! cargo +nightly fuzz run labels -- -timeout=20 -max_len=4096
//! ```

#![no_main]

use libfuzzer_sys::fuzz_target;
use violet_import::labels_in;

fuzz_target!(|bytes: &[u8]| {
    for name in ["data.yaml", "labels.txt"] {
        labels_in(name, bytes);
    }
});
