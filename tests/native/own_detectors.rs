//! Detectors that people bring find what ONNX Runtime finds with them (`src/import/tests/onnx_detectors.py` makes
//! them), and what was found is explained by its raw score.

use std::io::{Cursor, Write};
use std::ops::ControlFlow;

use burn::tensor::Device;
use image::{Rgb, RgbImage};
use violet::attribution::{Baseline, Rule};
use violet::explain::{Explainer, Prepared};
use violet::image::Photo;
use violet::model::{Architecture, Assumed, Detection, Opened, Target, Usual, Wishes};
use violet::preprocessing::{Framing, Preprocessing};
use violet_import::File;
use zip::{CompressionMethod, write::SimpleFileOptions};

use crate::common;

const SIDE: u32 = 64;
/// What the files' own suppression leaves out.
const LEAST: f32 = 0.25;

fn opened(name: &str) -> Opened {
    let path = common::root().join(format!("src/import/tests/data/detectors/{name}.onnx"));
    let file = File::new(name, std::fs::read(path).unwrap());
    // Nothing says what the second kind of files is given; the first kind says it.
    let wishes = match name {
        "faces" => Wishes {
            mean: Some([127.0; 3]),
            std: Some([128.0; 3]),
            ..Wishes::default()
        },
        _ => Wishes::default(),
    };
    Opened::read(vec![file], &wishes).unwrap()
}

fn photo() -> Photo {
    let pixel = |c: u32, r: u32| {
        let values = [7 * r + 3 * c, 5 * r + 11 * c, 13 * r + c];
        Rgb(values.map(|value| (value % 256) as u8))
    };
    Photo {
        rgb: RgbImage::from_fn(SIDE, SIDE, pixel),
        animated: false,
        incomplete: false,
    }
}

/// Left, top, right, bottom in pixels, score and class.
fn row(found: &Detection) -> [f32; 6] {
    let side = SIDE as f32;
    let rect = found.rect;
    let [left, top] = [rect.left * side, rect.top * side];
    let [right, bottom] = [rect.right * side, rect.bottom * side];
    [left, top, right, bottom, found.score, found.class as f32]
}

/// Attributions of a raw score add up to its change from black. Returns the score.
fn adds_up(name: &str, explainer: &Explainer, prepared: &Prepared, output: usize) -> f64 {
    let target = Target::output(output);
    let [from, to] = explainer.ends(prepared, target).map(f64::from);
    let walk = explainer.walk(&prepared.input, &prepared.baseline, target);
    let quadrature = Rule::Secant.quadrature(3).unwrap();
    let mut walk = walk.unwrap();
    let sum = walk.integrate(&quadrature, 1, |_| ControlFlow::Continue(()));
    let sum = pollster::block_on(sum).unwrap().unwrap();
    let sum = sum
        .attributions(&prepared.input, &prepared.baseline)
        .unwrap()
        .sum;
    assert!(
        (sum - (to - from)).abs() < 1e-4 * (to - from).abs().max(0.1),
        "{name}: {sum} for {to} - {from}"
    );
    to
}

#[test]
fn what_a_training_wrote_is_explained_without_an_export() {
    let path = common::root().join("src/import/tests/data/yolo/yolo11-keypoints.pt");
    let file = File::new("best.pt", std::fs::read(path).unwrap());
    let wishes = Wishes {
        size: Some([SIDE as usize; 2]),
        ..Wishes::default()
    };
    let opened = Opened::read(vec![file], &wishes).unwrap();
    assert_eq!(opened.architecture, Architecture::ImportedDetector);
    // Its margins are its training's, and not assumed.
    assert!(!opened.assumed.contains(&Assumed::Framing));
    let preprocessing = opened.definition.preprocessing;
    assert_eq!(preprocessing.framing, Framing::Pad);
    let network = opened.definition.clone().network(&Device::flex()).unwrap();
    let explainer = Explainer::new(network, preprocessing);
    let prepared = pollster::block_on(explainer.prepare(&photo(), Baseline::Black)).unwrap();
    // Untrained, it finds nothing; scores it has.
    for output in [0, 100] {
        adds_up("best.pt", &explainer, &prepared, output);
    }
}

#[test]
fn they_find_what_onnx_runtime_finds_and_add_up() {
    let expected = common::root().join("src/import/tests/data/detectors/expected.json");
    let expected: serde_json::Value =
        serde_json::from_slice(&std::fs::read(expected).unwrap()).unwrap();
    for (name, rows) in expected.as_object().unwrap() {
        let opened = opened(name);
        assert_eq!(
            opened.architecture,
            Architecture::ImportedDetector,
            "{name}"
        );
        let card = opened.card();
        if name != "faces" {
            assert_eq!(
                card.labels,
                Some(["cat", "dog", "owl"].map(String::from).into())
            );
        }
        let cut = card.notes.iter().any(|note| note.contains("was cut off"));
        assert_eq!(cut, name == "yolo-suppressed", "{:?}", card.notes);
        let network = opened.definition.clone().network(&Device::flex()).unwrap();
        let explainer = Explainer::new(network, opened.definition.preprocessing);
        let prepared = pollster::block_on(explainer.prepare(&photo(), Baseline::Black)).unwrap();
        let found = prepared.detections.iter();
        let found: Vec<&Detection> = found.filter(|d| d.score > LEAST).collect();
        let rows = rows.as_array().unwrap();
        assert_eq!(found.len(), rows.len(), "{name}");
        for (found, expected) in found.iter().zip(rows) {
            let expected = expected.as_array().unwrap().iter();
            for (found, expected) in row(found).iter().zip(expected) {
                let expected = expected.as_f64().unwrap() as f32;
                assert!(
                    (found - expected).abs() < 2e-4,
                    "{name}: {found} {expected}"
                );
            }
        }
        // The best, and the last that is a box of another size.
        for found in [found[0], found[found.len() - 1]] {
            let raw = adds_up(name, &explainer, &prepared, found.output);
            let score = 1.0 / (1.0 + (-raw).exp());
            assert!((score - f64::from(found.score)).abs() < 1e-6);
        }
    }
    assert_eq!(expected.as_object().unwrap().len(), 3);
}

/// Of an export to TensorFlow Lite, what Ultralytics lays behind it says what it is given; without, that is assumed.
#[test]
fn what_a_detector_is_given_is_said_or_assumed_as_most_have_it() {
    let path = common::root().join("src/import/tests/data/yolo/yolov8.tflite");
    let whole = std::fs::read(path).unwrap();
    let archive = whole.windows(4).rposition(|four| four == b"PK\x03\x04");
    let bare = whole[..archive.unwrap()].to_vec();
    // As YOLOv5 says it.
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    zip.start_file("meta.txt", stored).unwrap();
    zip.write_all(b"{'stride': 32, 'names': {0: 'cat', 1: 'dog', 2: 'owl'}}")
        .unwrap();
    let older = [&*bare, &zip.finish().unwrap().into_inner()].concat();
    for (bytes, says) in [(whole, true), (older, true), (bare, false)] {
        let opened = Opened::read(vec![File::new("m.tflite", bytes)], &Wishes::default()).unwrap();
        assert_eq!(opened.architecture, Architecture::ImportedDetector);
        let Preprocessing {
            framing, mean, std, ..
        } = opened.definition.preprocessing;
        assert_eq!((framing, mean), (Framing::Pad, [0.0; 3]));
        assert!(std.iter().all(|std| (std - 255.0).abs() < 1e-3), "{std:?}");
        for assumed in [Assumed::Bars, Assumed::Values(Usual::Shares)] {
            assert_eq!(opened.assumed.contains(&assumed), !says, "{assumed:?}");
        }
        let card = opened.card();
        assert_eq!(card.labels.is_some(), says);
        assert_eq!(card.spec("mine").unwrap().title, "mine (TensorFlow Lite)");
    }
}
