//! Files as people have them, if `VIOLET_CASES` names a folder of them: Teachable Machine's, Keras'
//! and TensorFlow Lite's, each in a folder of its own beside `expected.json`, which has what the
//! framework itself makes of a picture and of black.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fs;
use std::path::PathBuf;

use serde_json::Value;
use violet_graph::{Head, Reference};
use violet_import::{Error, File, Framing, Imported, Layout, Options, Scaling, open};

/// How far logits and differences may be from what the framework computes in f32.
const TOLERANCE: f64 = 1e-4;

fn folder(name: &str) -> Option<PathBuf> {
    let Some(cases) = std::env::var_os("VIOLET_CASES") else {
        eprintln!("skipped: VIOLET_CASES names no folder");
        return None;
    };
    Some(PathBuf::from(cases).join(name))
}

/// A case's files, and what is expected.
fn case(name: &str) -> Option<(Vec<File>, Value)> {
    let mut files = Vec::new();
    let mut expected = Value::Null;
    for entry in fs::read_dir(folder(name)?).unwrap() {
        let path = entry.unwrap().path();
        let bytes = fs::read(&path).unwrap();
        match path.file_name().unwrap().to_str().unwrap() {
            "expected.json" => expected = serde_json::from_slice(&bytes).unwrap(),
            "case.json" => {}
            name => files.push(File::new(name, bytes)),
        }
    }
    // In whatever order they are dropped.
    files.sort_by_key(|file| file.bytes.len() % 7);
    Some((files, expected))
}

/// The cases' picture, or a black one, as the network takes it: `prepare` makes numbers of a pixel.
fn input(imported: &Imported, black: bool, prepare: impl Fn([f64; 3]) -> Vec<f64>) -> Vec<f64> {
    let kind = &imported.input;
    assert_eq!(kind.layout, Layout::Planes);
    let mut planes = vec![Vec::new(); kind.channels];
    for row in 0..kind.height {
        for column in 0..kind.width {
            let rgb = [
                7 * row + 3 * column,
                5 * row + 11 * column,
                13 * row + column,
            ];
            let rgb = rgb.map(|value| if black { 0.0 } else { (value % 256) as f64 });
            for (plane, value) in planes.iter_mut().zip(prepare(rgb)) {
                plane.push(value);
            }
        }
    }
    planes.concat()
}

fn scaled(Scaling { scale, offset }: &Scaling, value: f64) -> f64 {
    f64::from(scale[0]) * value + f64::from(offset[0])
}

fn softmax(logits: &[f64]) -> Vec<f64> {
    let largest = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let sum: f64 = logits.iter().map(|x| (x - largest).exp()).sum();
    logits.iter().map(|x| (x - largest).exp() / sum).collect()
}

fn list(value: &Value) -> Vec<f64> {
    value
        .as_array()
        .unwrap()
        .iter()
        .map(|x| x.as_f64().unwrap())
        .collect()
}

fn assert_near(found: &[f64], expected: &[f64], what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (found, expected) in found.iter().zip(expected) {
        let apart = (found - expected).abs();
        assert!(
            apart <= TOLERANCE * expected.abs().max(1.0),
            "{what}: {found}, {expected}"
        );
    }
}

/// Logits of the picture and of black; checked that the graph as it was read and as it is run
/// agree, that softmax was taken off, and that a secant adds up.
fn logits(imported: &Imported, prepare: impl Fn([f64; 3]) -> Vec<f64>) -> [Vec<f64>; 2] {
    let [photo, black] = [false, true].map(|black| input(imported, black, &prepare));
    let whole = Reference::new(&imported.graph).outputs(&photo).unwrap();
    let graph = imported.graph.clone().prepared().unwrap();
    let output = &graph.outputs()[0];
    assert_eq!(output.head, Head::Softmax);
    let reference = Reference::new(&graph);
    let [from, to] = [&black, &photo].map(|image| reference.run(image).unwrap());
    let [of_black, of_photo] = [&from, &to].map(|point| point.value(output.value).to_vec());
    assert_near(
        &softmax(&of_photo),
        &whole[0],
        "before and after the passes",
    );
    let target = (0..of_photo.len())
        .max_by(|&a, &b| of_photo[a].total_cmp(&of_photo[b]))
        .unwrap();
    let mut seed = vec![0.0; of_photo.len()];
    seed[target] = 1.0;
    let slopes = reference
        .secant(&from, &to, &[(output.value, &seed)])
        .unwrap();
    let steps = photo.iter().zip(&black).map(|(photo, black)| photo - black);
    let sum: f64 = slopes
        .iter()
        .zip(steps)
        .map(|(slope, step)| slope * step)
        .sum();
    let change = of_photo[target] - of_black[target];
    assert!(
        (sum - change).abs() <= 1e-9 * change.abs().max(1.0),
        "{sum}, {change}"
    );
    [of_photo, of_black]
}

#[test]
fn teachable_machine() {
    for (name, grey) in [
        ("teachable-machine/circles-squares", false),
        ("teachable-machine/leaves", false),
        ("teachable-machine/letters-grey", true),
    ] {
        let Some((files, expected)) = case(name) else {
            return;
        };
        let imported = open(files, &Options::default()).unwrap();
        let kind = &imported.input;
        assert_eq!(kind.channels, if grey { 1 } else { 3 });
        assert_eq!(kind.framing, Some(Framing::Crop));
        let labels: Vec<&str> = expected["labels"]
            .as_array()
            .unwrap()
            .iter()
            .map(|x| x.as_str().unwrap())
            .collect();
        assert_eq!(imported.labels, labels);
        let scaling = kind.scaling.clone().unwrap();
        let weights = kind.grey_weights;
        assert_eq!(weights.is_some(), grey);
        let prepare = |rgb: [f64; 3]| match weights {
            Some(weights) => {
                let weights = weights.map(f64::from);
                let grey = rgb
                    .iter()
                    .zip(weights)
                    .map(|(value, weight)| value * weight)
                    .sum();
                vec![scaled(&scaling, grey)]
            }
            None => rgb.map(|value| scaled(&scaling, value)).to_vec(),
        };
        let [photo, black] = logits(&imported, prepare);
        assert_near(&photo, &list(&expected["logits"]), name);
        assert_near(&black, &list(&expected["logits_of_black"]), name);
        assert_near(&softmax(&photo), &list(&expected["probabilities"]), name);
    }
}

#[test]
fn keras_h5() {
    let Some((files, expected)) = case("keras/sky-h5") else {
        return;
    };
    let imported = open(files, &Options::default()).unwrap();
    assert_eq!(imported.labels[4], "Rain");
    assert_eq!(imported.labels.len(), 6);
    // Teachable Machine's own Keras code, which the file is recognised by.
    let scaling = imported.input.scaling.clone().unwrap();
    assert_eq!(imported.notes.len(), 1);
    let [photo, black] = logits(&imported, |rgb| rgb.map(|v| scaled(&scaling, v)).to_vec());
    assert_near(&photo, &list(&expected["logits"]), "logits");
    assert_near(
        &black,
        &list(&expected["logits_of_black"]),
        "logits of black",
    );
}

#[test]
fn keras_3() {
    let Some((files, expected)) = case("keras/mnist-keras3") else {
        return;
    };
    let imported = open(files, &Options::default()).unwrap();
    assert_eq!(imported.input.scaling, None);
    // Grey as Pillow has it, then value / 255.
    let prepare = |[r, g, b]: [f64; 3]| {
        let grey = (19595.0 * r + 38470.0 * g + 7471.0 * b + 32768.0) / 65536.0;
        vec![grey.floor() / 255.0]
    };
    let sum: f64 = input(&imported, false, prepare).iter().sum();
    assert!((sum - expected["input"]["sum"].as_f64().unwrap()).abs() < 1e-3);
    let [photo, black] = logits(&imported, prepare);
    assert_near(&softmax(&photo), &list(&expected["outputs"]), "outputs");
    assert_near(
        &softmax(&black),
        &list(&expected["outputs_of_black"]),
        "outputs of black",
    );
}

#[test]
fn tensorflow_lite() {
    let Some((files, expected)) = case("tflite/road-signs") else {
        return;
    };
    let imported = open(files, &Options::default()).unwrap();
    let scaling = imported.input.scaling.clone().unwrap();
    let [photo, _] = logits(&imported, |rgb| rgb.map(|v| scaled(&scaling, v)).to_vec());
    let outputs = list(&expected["results"][0]["outputs"]);
    assert_near(&softmax(&photo), &outputs, "outputs");
    // Softmax forgets a sum; what is left of the logits are differences.
    for k in 1..outputs.len() {
        let [found, expected] = [photo[k] - photo[0], (outputs[k] / outputs[0]).ln()];
        assert!((found - expected).abs() < 1e-3, "{found}, {expected}");
    }
}

#[test]
fn poses_are_refused_in_a_sentence() {
    let Some((files, _)) = case("teachable-machine/pose") else {
        return;
    };
    let error = open(files, &Options::default()).unwrap_err();
    assert!(matches!(error, Error::NotAPicture { .. }));
    let sentence = error.to_string();
    assert!(
        sentence.contains("pose project") && sentence.contains("image project"),
        "{sentence}"
    );
}
