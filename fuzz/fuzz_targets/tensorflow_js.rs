//! A TensorFlow.js model, layers or graph: `model.json`, a byte of 0, and the weights, whatever
//! file the JSON says they are in. Read, prepared and, if it is small, one secant of it. Nothing
//! may panic.
//!
//! ```sh
//! mkdir -p fuzz/corpus/tensorflow_js
//! (cd src/import/tests/data/tensorflow/teachable-machine &&
//!     cat model.json && printf '\0' && cat weights.bin) > fuzz/corpus/tensorflow_js/layers
//! (cd "$(mktemp -d)" && python3 -m zipfile -e "$OLDPWD"/src/import/tests/data/tensorflow/graph.zip
//! . &&
//!     cat model.json && printf '\0' && cat *.bin) > fuzz/corpus/tensorflow_js/graph
//! cargo +nightly fuzz run tensorflow_js -- -rss_limit_mb=4096 -timeout=20 -max_len=65536
//! ```

#![no_main]

mod run;

use libfuzzer_sys::fuzz_target;
use violet_import::{File, Options, tfjs};

fuzz_target!(|bytes: &[u8]| {
    let end = bytes.iter().position(|&byte| byte == 0);
    let (json, weights) = bytes.split_at(end.unwrap_or(bytes.len()));
    let weights = weights.get(1..).unwrap_or_default();
    let files = ["weights.bin", "group1-shard1of1.bin"].map(|name| File::new(name, weights));
    let options = Options::default().with_size([8, 8]);
    if let Ok(imported) = tfjs::import(json, &files, &options) {
        run::run(imported);
    }
});
