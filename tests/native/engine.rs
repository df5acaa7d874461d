//! The engine computes what a graph's definition says: forward, backward at points, and backward between
//! points.

#[path = "../../src/graph/tests/support/mod.rs"]
mod graphs;

use std::sync::Arc;

use burn::tensor::{Device, Tensor, TensorData};
use graphs::{Case, Random, cases};
use violet::attribution::read;
use violet::engine::{Left, Machine, run};
use violet_graph::{Graph, Reference, ValueId};

use crate::common;

/// Images side by side.
const IMAGES: usize = 3;

/// What is found of some points, one after the other.
struct Found {
    outputs: Vec<f32>,
    gradients: Vec<f32>,
}

/// Outputs of some images, and the gradients of their sums, each output's element times its seed.
fn engine(
    machine: &Arc<Machine>,
    device: &Device,
    images: &[f32],
    seeds: &[f32],
    left: Option<&mut Left>,
) -> Found {
    let graph = machine.graph();
    let values: Vec<ValueId> = graph.outputs().iter().map(|output| output.value).collect();
    let route = Arc::new(machine.to_values(&values));
    let length = graph.value(graph.input()).elements();
    let count = images.len() / length;
    let images = TensorData::new(images.to_vec(), [count, length]);
    let images = Tensor::<2>::from_data(images, device).require_grad();
    let outputs = run(machine, &route, images.clone(), left);
    let seeds = TensorData::new(seeds.to_vec(), [1, seeds.len()]);
    let seeds = Tensor::<2>::from_data(seeds, device);
    let mut gradients = (outputs.clone() * seeds).sum().backward();
    let gradient = images.grad_remove(&mut gradients).unwrap();
    Found {
        outputs: pollster::block_on(read(outputs.inner())).unwrap(),
        gradients: pollster::block_on(read(gradient)).unwrap(),
    }
}

/// ‖found − expected‖ / ‖expected‖, of large differences that of the largest element.
fn apart(found: &[f32], expected: &[f64]) -> f64 {
    assert_eq!(found.len(), expected.len());
    let scale = expected.iter().fold(1e-3f64, |m, v| m.max(v.abs()));
    let pairs = found.iter().zip(expected);
    let largest = pairs.map(|(&found, expected)| (f64::from(found) - expected).abs());
    largest.fold(
        0.0,
        |m, d| if d.is_nan() { f64::INFINITY } else { m.max(d) },
    ) / scale
}

/// How far the engine is from the definition: outputs, gradients, mean gradients, and their sums.
fn compare(case: &Case, graph: &Graph, device: &Device) -> [f64; 4] {
    let mut random = Random::new(case.name.len() as u64);
    let length = graph.value(graph.input()).elements();
    let images = random.values((IMAGES + 1) * length, case.range);
    let images: Vec<f32> = images.into_iter().map(|v| v as f32).collect();
    let exact: Vec<f64> = images.iter().map(|&v| f64::from(v)).collect();
    let values: Vec<ValueId> = graph.outputs().iter().map(|output| output.value).collect();
    let elements = values.iter().map(|&id| graph.value(id).elements());
    let seeds = random.values(elements.clone().sum(), [-1.0, 1.0]);
    let seeds: Vec<f32> = seeds.into_iter().map(|v| v as f32).collect();
    let exact_seeds: Vec<f64> = seeds.iter().map(|&v| f64::from(v)).collect();
    let mut offset = 0;
    let seeded: Vec<(ValueId, &[f64])> = values
        .iter()
        .zip(elements)
        .map(|(&id, elements)| {
            offset += elements;
            (id, &exact_seeds[offset - elements..offset])
        })
        .collect();

    let reference = Reference::new(graph);
    let points: Vec<_> = exact
        .chunks_exact(length)
        .map(|image| reference.run(image).unwrap())
        .collect();
    let output = |point: &violet_graph::Point| -> Vec<f64> {
        values
            .iter()
            .flat_map(|&id| point.value(id).to_vec())
            .collect()
    };
    let outputs: Vec<f64> = points[1..].iter().flat_map(output).collect();
    let gradients: Vec<f64> = points[1..]
        .iter()
        .flat_map(|point| reference.gradient(point, &seeded).unwrap())
        .collect();
    let secants: Vec<f64> = points
        .windows(2)
        .flat_map(|pair| reference.secant(&pair[0], &pair[1], &seeded).unwrap())
        .collect();

    let machine = Arc::new(Machine::load(graph.clone(), device).unwrap());
    let device = &device.clone().autodiff();
    let (first, others) = images.split_at(length);
    let at = engine(&machine, device, others, &seeds, None);
    let mut left = Left::default();
    engine(&machine, device, first, &seeds, Some(&mut left));
    // Two images in one pass, then one by itself.
    let (two, one) = others.split_at(2 * length);
    let between = engine(&machine, device, two, &seeds, Some(&mut left));
    let last = engine(&machine, device, one, &seeds, Some(&mut left));
    let between = [between.gradients, last.gradients].concat();

    let sum = |k: usize, outputs: &[f64]| -> f64 {
        let outputs = outputs[k * seeds.len()..].iter().zip(&exact_seeds);
        outputs.map(|(output, seed)| output * seed).sum()
    };
    let before = output(&points[0]);
    let sums = (0..IMAGES).map(|k| {
        let from = if k == 0 {
            sum(0, &before)
        } else {
            sum(k - 1, &outputs)
        };
        let change = sum(k, &outputs) - from;
        let terms = (0..length).map(|i| {
            let step = exact[(k + 1) * length + i] - exact[k * length + i];
            step * f64::from(between[k * length + i])
        });
        let size: f64 = terms.clone().map(f64::abs).sum();
        (terms.sum::<f64>() - change).abs() / size.max(1e-3)
    });
    [
        apart(&at.outputs, &outputs),
        apart(&at.gradients, &gradients),
        apart(&between, &secants),
        sums.fold(0.0, f64::max),
    ]
}

/// How far mean gradients are from the definition where nearly nothing changes: each value of the
/// image by some units in its last place. A photo that a network hardly sees changes its values so,
/// and their differences are mostly rounding.
fn compare_shortest(case: &Case, graph: &Graph, device: &Device) -> f64 {
    let mut random = Random::new(case.name.len() as u64);
    let length = graph.value(graph.input()).elements();
    let from = random.values(length, case.range);
    let from: Vec<f32> = from.into_iter().map(|v| v as f32).collect();
    let moved = from.iter().enumerate();
    let to = moved.map(|(k, v)| f32::from_bits(v.to_bits() + 1 + k as u32 % 20));
    let images: Vec<f32> = from.iter().copied().chain(to).collect();
    let values: Vec<ValueId> = graph.outputs().iter().map(|output| output.value).collect();
    let elements = values.iter().map(|&id| graph.value(id).elements());
    let seeds: Vec<Vec<f64>> = elements.map(|n| random.values(n, [-1.0, 1.0])).collect();
    let seeded: Vec<(ValueId, &[f64])> = values
        .iter()
        .copied()
        .zip(seeds.iter().map(|v| &v[..]))
        .collect();
    let reference = Reference::new(graph);
    let [a, b] = [0, 1].map(|k| {
        let image = &images[k * length..(k + 1) * length];
        let image: Vec<f64> = image.iter().map(|&v| v.into()).collect();
        reference.run(&image).unwrap()
    });
    let expected = reference.secant(&a, &b, &seeded).unwrap();

    let machine = Arc::new(Machine::load(graph.clone(), device).unwrap());
    let seeds: Vec<f32> = seeds.concat().into_iter().map(|v| v as f32).collect();
    let mut left = Left::default();
    let device = &device.clone().autodiff();
    let (from, to) = images.split_at(length);
    engine(&machine, device, from, &seeds, Some(&mut left));
    let found = engine(&machine, device, to, &seeds, Some(&mut left));
    apart(&found.gradients, &expected)
}

fn check_shortest(device: &Device, what: &str) {
    let mut failed = Vec::new();
    for case in cases() {
        let prepared = case.graph.clone().prepared().unwrap();
        for (kind, graph) in [("as it is", &case.graph), ("prepared", &prepared)] {
            let apart = compare_shortest(&case, graph, device);
            if apart > 1e-3 {
                failed.push(format!("{}, {kind}: {apart:.1e}", case.name));
            }
        }
    }
    assert!(failed.is_empty(), "{what}: {failed:#?}");
}

#[test]
fn the_shortest_steps_on_the_cpu() {
    check_shortest(&Device::flex(), "CPU");
}

#[test]
fn the_shortest_steps_on_a_gpu() {
    if let Some(device) = common::gpu() {
        check_shortest(&device, "GPU");
    }
}

fn check(device: &Device, what: &str, tolerances: [f64; 4]) {
    let mut failed = Vec::new();
    for case in cases() {
        let prepared = case.graph.clone().prepared().unwrap();
        for (kind, graph) in [("as it is", &case.graph), ("prepared", &prepared)] {
            let apart = compare(&case, graph, device);
            if !apart
                .iter()
                .zip(tolerances)
                .all(|(&apart, most)| apart <= most)
            {
                let apart = apart.map(|apart| format!("{apart:.1e}")).join(" ");
                failed.push(format!("{}, {kind}: {apart}", case.name));
            }
        }
    }
    assert!(failed.is_empty(), "{what}:\n{}", failed.join("\n"));
}

#[test]
fn every_operation_on_the_cpu() {
    check(&Device::flex(), "CPU", [1e-5, 1e-4, 1e-4, 1e-4]);
}

#[test]
fn every_operation_on_a_gpu() {
    if let Some(device) = common::gpu() {
        check(&device, "GPU", [1e-5, 1e-4, 1e-4, 1e-4]);
    }
}
