//! A graph of any operations on tiny values, chosen by the bytes: built, prepared, and one secant and one
//! gradient of it by the executor in double precision. Nothing may panic.
//!
//! ```sh
//! cargo +nightly fuzz run graph -- -rss_limit_mb=4096 -timeout=20 -max_len=512
//! ```

#![no_main]

mod run;
#[path = "../../src/graph/tests/support/mod.rs"]
mod support;

use libfuzzer_sys::fuzz_target;
use support::{Random, any};

fuzz_target!(|bytes: &[u8]| {
    if let Some(graph) = any::graph(&mut Random::of(bytes)) {
        run::small(&graph);
        if let Ok(prepared) = graph.prepared() {
            run::small(&prepared);
        }
    }
});
