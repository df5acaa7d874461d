//! Graphs of any operations with any attributes: whatever can be built runs, is complete, and stays
//! the same when it is prepared; nothing panics.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use support::Random;
use support::any::graph;
use violet_graph::*;

/// All outputs, one after the other.
fn outputs(graph: &Graph, point: &Point) -> Vec<f64> {
    let values = graph
        .outputs()
        .iter()
        .map(|output| point.value(output.value));
    values.flatten().copied().collect()
}

#[test]
fn whatever_can_be_built_runs_and_is_complete() {
    let (mut complete, mut same) = (0, 0);
    for seed in 0..4000 {
        let Some(graph) = graph(&mut Random::new(seed)) else {
            continue;
        };
        let random = &mut Random::new(seed + 1);
        let count: usize = graph.shape(graph.input()).iter().product();
        let [from, to] = [0, 1].map(|_| random.values(count, [0.1, 2.0]));
        let reference = Reference::new(&graph);
        let [a, b] = [&from, &to].map(|x| reference.run(x).unwrap());
        let output = graph.outputs()[0].value;
        let seed_of_all = vec![1.0; graph.shape(output).iter().product()];
        let slopes = reference.secant(&a, &b, &[(output, &seed_of_all)]).unwrap();
        let sum = |point: &Point| point.value(output).iter().sum::<f64>();
        let steps = from.iter().zip(&to).map(|(from, to)| to - from);
        let products: Vec<f64> = steps
            .zip(&slopes)
            .map(|(step, slope)| step * slope)
            .collect();
        let size: f64 = products.iter().map(|product| product.abs()).sum();
        let change = sum(&b) - sum(&a);
        // Logarithms and roots of what is negative are no numbers, and exponentials of exponentials
        // too large for differences.
        let ids = (0..graph.values().len()).map(|index| graph.id(index));
        let mut values = ids.flat_map(|id| a.value(id).iter().chain(b.value(id)));
        let sensible = size < 1e6 && values.all(|value| value.abs() < 1e4);
        if sensible {
            let miss =
                (products.iter().sum::<f64>() - change).abs() / (size + sum(&a).abs()).max(1.0);
            assert!(miss < 1e-8, "{seed}: {miss} of {change} in {graph:?}");
            complete += 1;
        }
        let plan = Plan::new(&graph, &[output]);
        assert!(plan.memory().forward <= plan.memory().secant);
        let prepared = graph.clone().prepared().unwrap();
        let after = outputs(&prepared, &Reference::new(&prepared).run(&to).unwrap());
        let headless = prepared
            .outputs()
            .iter()
            .all(|output| output.head == Head::None);
        let before = outputs(&graph, &b);
        if sensible && headless {
            for (before, after) in before.iter().zip(&after) {
                let miss = (before - after).abs() / before.abs().max(1.0);
                assert!(miss < 1e-3, "{seed}: {before} became {after} in {graph:?}");
            }
            same += 1;
        }
    }
    // Most of them are of use.
    assert!(complete > 2000 && same > 1500, "{complete} and {same}");
}
