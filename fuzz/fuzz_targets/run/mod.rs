//! What is done with whatever could be read.
#![allow(dead_code, reason = "each target takes some of it")]

use violet_graph::{Graph, Reference};
use violet_import::Imported;

/// Elements of all values and multiplications of a network that is run.
const SMALL: u64 = 1 << 20;

/// Prepares a network and, if it is small, runs it.
pub fn run(imported: Imported) {
    if let Ok(graph) = imported.graph.prepared() {
        small(&graph);
    }
}

/// One secant and one gradient of every output, if the graph is small.
pub fn small(graph: &Graph) {
    let values = graph.values().iter().map(|value| value.elements() as u64);
    if graph.summary().multiplications > SMALL || values.fold(0, u64::saturating_add) > SMALL {
        return;
    }
    let n = graph.value(graph.input()).elements();
    let reference = Reference::new(graph);
    let picture: Vec<f64> = (0..n).map(|k| (37 * k % 101) as f64 / 50.0 - 1.0).collect();
    let (Ok(from), Ok(to)) = (reference.run(&vec![0.0; n]), reference.run(&picture)) else {
        return;
    };
    for output in graph.outputs() {
        let seed = vec![1.0; to.value(output.value).len()];
        let _ = reference.secant(&from, &to, &[(output.value, &seed)]);
        let _ = reference.gradient(&to, &[(output.value, &seed)]);
    }
}
