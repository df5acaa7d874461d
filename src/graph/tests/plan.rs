//! What is kept suffices, what is freed is not needed, and what is counted is right.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::collections::BTreeSet;

use support::{Random, cases, graph};
use violet_graph::*;

/// Every value is there when it is taken, and gone at most once.
#[test]
fn nothing_is_freed_that_is_still_needed() {
    for case in cases() {
        for graph in [case.graph.clone(), case.graph.clone().prepared().unwrap()] {
            let output = graph.outputs()[0].value;
            let plan = Plan::new(&graph, &[output]);
            let mut there = BTreeSet::from([graph.input()]);
            for step in plan.steps() {
                let node = &graph.nodes()[step.node];
                for &id in node.inputs() {
                    let constant = graph.constant(id).is_some();
                    assert!(constant || there.contains(&id), "{}", case.name);
                }
                there.insert(node.output());
                for id in &step.freed {
                    assert!(there.remove(id) && !plan.is_kept(*id), "{}", case.name);
                }
            }
            assert!(there.contains(&output), "{}", case.name);
            let kept = there.iter().all(|&id| id == output || plan.is_kept(id));
            // The input of a linear function is taken by the caller, not by a node.
            assert!(kept || plan.steps().is_empty(), "{}", case.name);
        }
    }
}

/// Values that are not kept may be anything: the secant is the same.
#[test]
fn what_is_kept_suffices() {
    for case in cases() {
        let graph = &case.graph;
        let random = &mut Random::new(1);
        let count: usize = graph.shape(graph.input()).iter().product();
        let output = graph.outputs()[0].value;
        let plan = Plan::new(graph, &[output]);
        let reference = Reference::new(graph);
        let [from, to] = [0, 1].map(|_| reference.run(&random.values(count, case.range)).unwrap());
        let forget = |point: &Point| {
            let mut point = point.clone();
            for (index, _) in graph.values().iter().enumerate() {
                let id = graph.id(index);
                if !plan.is_kept(id) {
                    point.forget(id);
                }
            }
            point
        };
        let seed = vec![1.0; graph.shape(output).iter().product()];
        let seeds = [(output, seed.as_slice())];
        let whole = reference.secant(&from, &to, &seeds).unwrap();
        let forgotten = reference
            .secant(&forget(&from), &forget(&to), &seeds)
            .unwrap();
        assert_eq!(whole, forgotten, "{}", case.name);
    }
}

#[test]
fn memory_of_a_chain_and_of_a_residual() {
    // x -> tanh -> neg -> sin: tanh's and sin's inputs are kept.
    let chain = graph(&[10], |b, x| {
        let x = b.unary(Unary::Tanh, x).unwrap();
        let x = b.unary(Unary::Neg, x).unwrap();
        b.unary(Unary::Sin, x).unwrap()
    });
    let memory = Plan::new(&chain, &[chain.outputs()[0].value]).memory();
    let expected = Memory {
        forward: 20,
        kept: 20,
        secant: 60,
    };
    assert_eq!(memory, expected);
    // x + relu(x · W): x stays until the sum, only the pre-activation is kept.
    let residual = graph(&[10], |b, x| {
        let weight = b.constant(Random::new(1).eighths(&[10, 10])).unwrap();
        let y = b.linear(x, weight, None).unwrap();
        let y = b.relu(y).unwrap();
        b.binary(Binary::Add, x, y).unwrap()
    });
    let residual = residual.prepared().unwrap();
    let memory = Plan::new(&residual, &[residual.outputs()[0].value]).memory();
    let expected = Memory {
        forward: 30,
        kept: 10,
        secant: 10 + 40,
    };
    assert_eq!(memory, expected);
}

/// One logit of many boxes is where a layer has made it, and only what leads there runs.
#[test]
fn one_element_is_followed_back_to_the_layer_that_makes_it() {
    let detector = graph(&[1, 3, 4, 4], |b, x| {
        let mut random = Random::new(1);
        let mut heads = Vec::new();
        let mut x = x;
        for _ in 0..2 {
            let weight = b.constant(random.eighths(&[3, 3, 1, 1])).unwrap();
            let stride = [2, 2];
            let sliding = Sliding {
                stride,
                ..Sliding::default()
            };
            x = b.convolution(x, weight, None, &sliding, 1).unwrap();
            let weight = b.constant(random.eighths(&[6, 3, 1, 1])).unwrap();
            let head = b
                .convolution(x, weight, None, &Sliding::default(), 1)
                .unwrap();
            let head = b.transpose(head, &[0, 2, 3, 1]).unwrap();
            heads.push(b.reshape(head, &[1, -1, 3]).unwrap());
        }
        b.concat(&heads, 1).unwrap()
    });
    let output = detector.outputs()[0].value;
    assert_eq!(detector.shape(output), [1, 10, 3]);
    let point = Reference::new(&detector)
        .run(&Random::new(2).values(48, [-1.0, 1.0]))
        .unwrap();
    for element in 0..30 {
        let (value, index) = detector.source_of(output, element);
        assert_eq!(point.value(output)[element], point.value(value)[index]);
        assert_eq!(
            detector.producer(value).unwrap().operation().name(),
            "Convolution"
        );
        let steps = Plan::new(&detector, &[value]).steps().len();
        assert_eq!(steps, if element < 24 { 2 } else { 3 });
    }
}

/// As YOLO's boxes have it: class scores become probabilities before they lie beside the boxes.
#[test]
fn logits_are_found_before_sigmoids_that_are_not_at_the_end() {
    let detector = graph(&[2, 2, 2], |b, x| {
        let weight = b.constant(Random::new(1).eighths(&[6, 2, 1, 1])).unwrap();
        let x = b
            .convolution(x, weight, None, &Sliding::default(), 1)
            .unwrap();
        let x = b.reshape(x, &[1, 6, 4]).unwrap();
        let pieces = b.split(x, 1, &[4, 2]).unwrap();
        let classes = b.unary(Unary::Sigmoid, pieces[1]).unwrap();
        b.concat(&[pieces[0], classes], 1).unwrap()
    });
    let output = detector.outputs()[0].value;
    let point = Reference::new(&detector)
        .run(&Random::new(2).values(8, [-1.0, 1.0]))
        .unwrap();
    for element in 0..24 {
        let (value, index, head) = detector.logit_of(output, element);
        let logit = point.value(value)[index];
        let expected = if element < 16 {
            assert_eq!(head, Head::None);
            logit
        } else {
            assert_eq!(head, Head::Sigmoid);
            1.0 / (1.0 + (-logit).exp())
        };
        assert_eq!(point.value(output)[element], expected);
        assert_eq!(Plan::new(&detector, &[value]).steps().len(), 1);
    }
}

#[test]
fn elements_of_every_operation_are_followed_back() {
    for case in cases() {
        let graph = &case.graph;
        let count: usize = graph.shape(graph.input()).iter().product();
        let x = Random::new(3).values(count, case.range);
        let point = Reference::new(graph).run(&x).unwrap();
        let output = graph.outputs()[0].value;
        for (element, &value) in point.value(output).iter().enumerate() {
            let (source, index) = graph.source_of(output, element);
            assert_eq!(point.value(source)[index], value, "{}", case.name);
        }
    }
}

#[test]
fn a_summary_counts() {
    let network = graph(&[1, 3, 8, 8], |b, x| {
        let mut random = Random::new(1);
        let weight = b.constant(random.eighths(&[4, 3, 3, 3])).unwrap();
        let x = b
            .convolution(x, weight, None, &Sliding::default(), 1)
            .unwrap();
        let x = b.relu(x).unwrap();
        let weight = b.constant(random.eighths(&[4, 1, 3, 3])).unwrap();
        let x = b
            .convolution(x, weight, None, &Sliding::default(), 4)
            .unwrap();
        let x = b.relu(x).unwrap();
        let x = b.flatten(x, 1).unwrap();
        let weight = b.constant(random.eighths(&[5, 64])).unwrap();
        b.linear(x, weight, None).unwrap()
    });
    let summary = network.summary();
    assert_eq!(summary.layers, 3);
    assert_eq!(summary.parameters, 108 + 4 + 36 + 4 + 320 + 5);
    let multiplications = 36 * 4 * 27 + 16 * 4 * 9 + 320;
    assert_eq!(summary.multiplications, multiplications);
    let operations = [
        ("Convolution", 2),
        ("Relu", 2),
        ("Linear", 1),
        ("Reshape", 1),
    ];
    assert_eq!(summary.operations, operations);
    assert_eq!(summary.memory.kept, 36 * 4 + 16 * 4);
}
