//! Small models of our own making with every kind of layer and operation, and what their frameworks
//! make of a picture and of black: `keras_models.py`, `tensorflow_models.py`
//! and `tfjs_models.mjs` make them.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fs;
use std::path::PathBuf;

use serde_json::Value;
use violet_graph::Reference;
use violet_import::{File, Imported, Note, Options, open};

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/tensorflow")
}

fn read(name: &str) -> Imported {
    let bytes = fs::read(folder().join(name)).unwrap();
    open(vec![File::new(name, bytes)], &Options::default())
        .unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn expected(name: &str) -> Value {
    serde_json::from_slice(&fs::read(folder().join(name)).unwrap()).unwrap()
}

/// The models' picture, or a black one: planes of what they take.
fn image(imported: &Imported, black: bool) -> Vec<f64> {
    let kind = &imported.input;
    let mut planes = vec![Vec::new(); kind.channels];
    for row in 0..kind.height {
        for column in 0..kind.width {
            let rgb = [
                7 * row + 3 * column,
                5 * row + 11 * column,
                13 * row + column,
            ];
            for (plane, value) in planes.iter_mut().zip(rgb) {
                plane.push(if black { 0.0 } else { (value % 256) as f64 });
            }
        }
    }
    planes.concat()
}

/// Whether a model makes of the picture and of black what its framework makes, as it is read and as
/// it is run; and whether a secant between the two adds up.
fn check(name: &str, imported: &Imported, expected: &Value) {
    let images = [image(imported, false), image(imported, true)];
    let graph = &imported.graph;
    let reference = Reference::new(graph);
    let points = images.each_ref().map(|image| reference.run(image).unwrap());
    let output = graph.outputs()[0].value;
    for (point, key) in points.iter().zip(["picture", "black"]) {
        let expected = expected[key].as_array().unwrap();
        let found = point.value(output);
        assert_eq!(found.len(), expected.len(), "{name}");
        for (found, expected) in found.iter().zip(expected) {
            let expected = expected.as_f64().unwrap();
            let apart = (found - expected).abs();
            assert!(
                apart <= 1e-4 * expected.abs().max(1.0),
                "{name}, {key}: {found}, {expected}"
            );
        }
    }
    let seed = vec![1.0; points[0].value(output).len()];
    let slopes = reference
        .secant(&points[1], &points[0], &[(output, &seed)])
        .unwrap();
    let steps = images[0].iter().zip(&images[1]).map(|(to, from)| to - from);
    let sum: f64 = slopes
        .iter()
        .zip(steps)
        .map(|(slope, step)| slope * step)
        .sum();
    let sums = points
        .each_ref()
        .map(|point| point.value(output).iter().sum::<f64>());
    let change = sums[0] - sums[1];
    assert!(
        (sum - change).abs() <= 1e-8 * change.abs().max(1.0),
        "{name}: {sum}, {change}"
    );
    // The passes leave the function as it is, but for heads, which they take off.
    let prepared = graph.clone().prepared().unwrap();
    let output = &prepared.outputs()[0];
    let found = Reference::new(&prepared).run(&images[0]).unwrap();
    if output.head == violet_graph::Head::None {
        for (found, whole) in found
            .value(output.value)
            .iter()
            .zip(points[0].value(graph.outputs()[0].value))
        {
            assert!(
                (found - whole).abs() <= 1e-4 * whole.abs().max(1.0),
                "{name}: {found}, {whole}"
            );
        }
    }
}

#[test]
fn keras_3() {
    let expected = expected("keras.json");
    for (name, expected) in expected.as_object().unwrap() {
        check(name, &read(&format!("{name}.keras")), expected);
    }
}

#[test]
fn normalisation_behind_turned_colours() {
    let inside = read("caffe.keras").input.normalised_inside.unwrap();
    assert_eq!(inside.scale, [1.0; 3]);
    // Red is the last of what they are taken off.
    assert_eq!(inside.offset, [-123.68, -116.779, -103.939]);
}

#[test]
fn keras_h5_beside_its_labels() {
    let imported = read("joins-h5.zip");
    assert_eq!(imported.labels, ["yes"]);
    let expected = expected("keras.json");
    check("joins.h5", &imported, &expected["joins"]);
    let imported = read("preprocessing-h5.zip");
    check("preprocessing.h5", &imported, &expected["preprocessing"]);
    let imported = read("attention-h5.zip");
    check("attention.h5", &imported, &expected["attention"]);
    // Two layers are Python code, which is nowhere in the file.
    let is_said = |note: &&Note| matches!(note, Note::AssumedLayer { .. });
    assert_eq!(imported.notes.iter().filter(is_said).count(), 2);
}

#[test]
fn keras_2() {
    let imported = read("keras-2-h5.zip");
    check(
        "keras-2",
        &imported,
        &expected("tensorflow.json")["keras-2"],
    );
}

#[test]
fn tensorflow_js_graphs() {
    let imported = read("graph.zip");
    let file = "8-bit integers";
    assert_eq!(imported.notes, [Note::Precision { file }]);
    check("graph", &imported, &expected("tensorflow.json")["graph"]);
}

#[test]
fn tensorflow_lite() {
    let expected = expected("tensorflow.json");
    for name in ["lite", "lite-float16"] {
        check(name, &read(&format!("{name}.zip")), &expected[name]);
    }
}

/// What is rounded to 8 bits is explained as the float network that it rounds.
#[test]
fn rounded_tensorflow_lite() {
    let expected = &expected("tensorflow.json")["lite-unrounded"];
    let imported = read("lite-int8.zip");
    let is_said = |note: &Note| matches!(note, Note::Quantised { .. });
    assert!(imported.notes.iter().any(is_said));
    // Bytes go in, and stand for themselves.
    let scaling = imported.input.scaling.clone().unwrap();
    assert_eq!(
        [scaling.scale[0].round(), scaling.offset[0].round()],
        [1.0, 0.0]
    );
    let output = imported.graph.outputs()[0].value;
    let reference = Reference::new(&imported.graph);
    for (black, key) in [(false, "picture"), (true, "black")] {
        let point = reference.run(&image(&imported, black)).unwrap();
        let expected = expected[key].as_array().unwrap();
        for (found, expected) in point.value(output).iter().zip(expected) {
            // Weights are rounded by half of 1/127 of a channel's largest, which is 1 or less; of
            // some 120 that reach an output, errors of both signs.
            let apart = (found - expected.as_f64().unwrap()).abs();
            assert!(apart < 0.05, "{key}: {found}, {expected}");
        }
    }
}

/// TensorFlow.js' layers, where they differ from Keras' (bilinear upsampling, hard sigmoid).
#[test]
fn teachable_machine() {
    let files = ["weights.bin", "metadata.json", "model.json"].map(|name| {
        let path = folder().join("teachable-machine").join(name);
        File::new(name, fs::read(path).unwrap())
    });
    let imported = open(files.into(), &Options::default()).unwrap();
    assert_eq!(imported.labels, ["cat", "dog"]);
    assert_eq!(imported.producer, "Teachable Machine 2.4.10");
    assert_eq!(imported.input.grey_weights, Some([0.2989, 0.587, 0.114]));
    let scaling = imported.input.scaling.clone().unwrap();
    let expected = expected("teachable-machine/expected.json");
    let graph = imported.graph.clone().prepared().unwrap();
    for (black, key) in [(false, "picture"), (true, "black")] {
        let pixels = image(&imported, black).into_iter();
        let image: Vec<f64> = pixels
            .map(|value| value * f64::from(scaling.scale[0]) + f64::from(scaling.offset[0]))
            .collect();
        for (graph, what) in [(&imported.graph, "probabilities"), (&graph, "logits")] {
            let found = Reference::new(graph).outputs(&image).unwrap();
            let expected = expected[key][what].as_array().unwrap();
            for (found, expected) in found[0].iter().zip(expected) {
                let apart = (found - expected.as_f64().unwrap()).abs();
                assert!(apart < 1e-5, "{key}, {what}: {found}, {expected}");
            }
        }
    }
}
