//! YOLO as trainings save it, and as it is exported, computes what PyTorch computes: files that
//! `tests/golden/yolo_trainings.py`, `yolo_exports.py` and `yolo_tensorflow.py` wrote.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::Value;
use support::noise;
use violet_graph::Reference;
use violet_import::{File, Framing, Imported, Note, Options, Result, open};

/// The folder that `VIOLET_TRAININGS` names, if it is set: larger networks, written likewise.
fn data() -> PathBuf {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/yolo");
    std::env::var_os("VIOLET_TRAININGS").map_or(own, Into::into)
}

fn bytes(name: &str) -> Vec<u8> {
    std::fs::read(data().join(name)).unwrap()
}

/// The file, and in a folder of its own all that lies beside it.
fn files(name: &str) -> Vec<File> {
    let Some((folder, _)) = name.split_once('/') else {
        return vec![File::new(name, bytes(name))];
    };
    let entries = std::fs::read_dir(data().join(folder)).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    let name = |path: &Path| format!("{folder}/{}", path.file_name().unwrap().display());
    paths
        .map(|path| File::new(name(&path), std::fs::read(&path).unwrap()))
        .collect()
}

fn read(name: &str, side: usize) -> Result<Imported> {
    let options = Options::default().with_size([side; 2]);
    open(files(name), &options)
}

/// Rows \[rows, columns\] from columns in a row.
fn turned(values: &[f64], rows: usize) -> Vec<Vec<f64>> {
    let row = |row| values.iter().skip(row).step_by(rows).copied().collect();
    (0..rows).map(row).collect()
}

#[test]
fn files_of_a_training_compute_what_pytorch_computes() {
    let expected: BTreeMap<String, Value> =
        serde_json::from_slice(&bytes("expected.json")).unwrap();
    assert!(expected.len() > 3);
    for (name, expected) in &expected {
        let side = expected["side"].as_u64().unwrap() as usize;
        let imported = read(name, side).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(imported.labels, ["cat", "dog", "owl"], "{name}");
        let scaling = imported.input.scaling.clone().unwrap();
        assert!((scaling.scale[0] - 1.0 / 255.0).abs() < 1e-9 && scaling.offset[0] == 0.0);
        let graph = imported.graph.prepared().unwrap();
        let made = Reference::new(&graph).outputs(&noise("x", 3 * side * side));
        let made = made.unwrap();
        let found: Vec<Vec<f64>> = match &imported.detector {
            Some(detector) => {
                assert_eq!(imported.input.framing, Some(Framing::Pad), "{name}");
                assert_eq!(detector.classes, 3);
                let output = |asked: &str| {
                    let names = graph.outputs().iter();
                    &made[names.into_iter().position(|o| o.name == asked).unwrap()]
                };
                let shares = |logits: &[f64]| -> Vec<f64> {
                    logits.iter().map(|x| 1.0 / (1.0 + (-x).exp())).collect()
                };
                let scores = shares(output(&detector.scores));
                let boxes = output(&detector.boxes);
                // Four numbers, or five of which the last is the logit of there being a thing.
                let mut boxes = turned(boxes, boxes.len() / (scores.len() / 3));
                if let Some(there) = boxes.get_mut(4) {
                    *there = shares(there);
                }
                boxes.into_iter().chain(turned(&scores, 3)).collect()
            }
            None => {
                let scores: Vec<f64> = made[0].iter().map(|s| s.exp()).collect();
                let sum: f64 = scores.iter().sum();
                vec![scores.iter().map(|s| s / sum).collect()]
            }
        };
        let expected: Vec<Vec<f64>> = match expected["outputs"][0].is_array() {
            true => serde_json::from_value(expected["outputs"].clone()).unwrap(),
            false => vec![serde_json::from_value(expected["outputs"].clone()).unwrap()],
        };
        assert_eq!(found.len(), expected.len(), "{name}");
        for (row, (found, expected)) in found.iter().zip(&expected).enumerate() {
            assert_eq!(found.len(), expected.len(), "{name}");
            // Pixels of boxes, shares of scores.
            let scale = if row < 4 && found.len() > 3 {
                side as f64
            } else {
                1.0
            };
            let pairs = found.iter().zip(expected);
            let error = pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f64::max) / scale;
            println!("{name} {row}: {error:.1e}");
            assert!(error < 1e-5, "{name} {row}: {error}");
        }
    }
}

#[test]
fn its_pictures_are_as_large_as_its_training_had_them() {
    for name in ["yolov8.pt", "yolov5-first.pt"] {
        let file = File::new(name, bytes(name));
        let imported = open(vec![file], &Options::default()).unwrap();
        assert_eq!([imported.input.height, imported.input.width], [64, 64]);
        let assumed = |note: &Note| matches!(note, Note::AssumedSize(_));
        assert!(!imported.notes.iter().any(assumed), "{name}");
    }
}

#[test]
fn what_the_formats_converter_says_of_every_network_is_no_name() {
    assert_eq!(read("yolov8-tensorflow.tflite", 64).unwrap().producer, "");
}
