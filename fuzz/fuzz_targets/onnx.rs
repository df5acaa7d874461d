//! An ONNX file: read, prepared and, if it is small, one secant of it. Nothing may panic.
//!
//! ```sh
//! cargo +nightly fuzz run onnx fuzz/corpus/onnx src/import/tests/data/onnx -- \
//!     -rss_limit_mb=4096 -timeout=20 -max_len=8192
//! ```

#![no_main]

use libfuzzer_sys::fuzz_target;
use violet_graph::Reference;
use violet_import::{Options, onnx};

/// Elements of all values and multiplications of a network that is run.
const SMALL: u64 = 1 << 20;

fuzz_target!(|bytes: &[u8]| {
    let options = Options::default().with_size([8, 8]);
    let Ok(imported) = onnx::import(bytes, &[], &options) else {
        return;
    };
    let Ok(graph) = imported.graph.prepared() else {
        return;
    };
    if graph.summary().multiplications > SMALL {
        return;
    }
    let values = graph.values().iter().map(|value| value.elements() as u64);
    if values.fold(0, u64::saturating_add) > SMALL {
        return;
    }
    let n = graph.value(graph.input()).elements();
    let reference = Reference::new(&graph);
    let picture: Vec<f64> = (0..n).map(|k| (37 * k % 101) as f64 / 50.0 - 1.0).collect();
    let (Ok(from), Ok(to)) = (reference.run(&vec![0.0; n]), reference.run(&picture)) else {
        return;
    };
    for output in graph.outputs() {
        let seed = vec![1.0; to.value(output.value).len()];
        let _ = reference.secant(&from, &to, &[(output.value, &seed)]);
    }
});
